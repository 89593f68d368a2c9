"""The CPU engine: a network's own C library, called from Python; golden stays its oracle."""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit.cpu.build import NAME, library
from onebit.cpu.layout import steps
from onebit.cpu.source import raw_type
from onebit.errors import ConfigError, MissingTool
from onebit.net import Input, Net

KERNELS = ("avx512", "avx2", "neon", "portable", "naive")
WORTH = 1 << 25  # MACs that a thread is started for: 0.1 to 0.2 ms, its start takes nearly 0.1


class Engine:
    """A network compiled for this machine, built once and cached."""

    def __init__(self, net: Net, kernel: str | None = None, flags: Sequence[str] = ()) -> None:
        """`kernel`: one of KERNELS instead of the best; MissingTool where it cannot run here."""
        self._net = net
        products = [(step.product, step.target) for step in steps(net) if step.product]
        self._macs = sum(each.inputs * math.prod(target.shape) for each, target in products)
        self._library = ctypes.CDLL(str(library(net, flags)))
        self._name = self._function("kernel")
        self._name.restype = ctypes.c_char_p
        if self._function("use")((kernel or "best").encode()):
            raise MissingTool(
                f"this machine cannot run the kernel {kernel!r}",
                hint=f"kernels: {', '.join(KERNELS)}; leave it out for the best one",
            )

    @property
    def kernel(self) -> str:
        """The kernel in use; the library's: the last Engine of a network chose it."""
        return str(self._name().decode())

    def classify(self, images: NDArray[np.generic], threads: int = 1) -> NDArray[np.int64]:
        """Classes (count,) of raw samples (count, *input shape)."""
        classes = np.empty(len(images), dtype=np.uint16)
        self._spread(self._function("classify"), images, classes, threads)
        return classes.astype(np.int64)

    def logits(self, images: NDArray[np.generic], threads: int = 1) -> NDArray[np.int64]:
        """Logits (count, classes) in the head's fixed point."""
        logits = np.empty((len(images), self._net.head.classes), dtype=np.int32)
        self._spread(self._function("logits"), images, logits, threads)
        return logits.astype(np.int64)

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"{NAME}_{name}")

    def _spread(
        self,
        function: Callable[..., None],
        images: NDArray[np.generic],
        results: NDArray[np.generic],
        threads: int,
    ) -> None:
        """Run the function on parts, one a thread, or fewer where there is little to do."""
        samples = as_raw(self._net.input, images)
        parts = min(threads, len(samples) * self._macs // WORTH)
        edges = np.linspace(0, len(samples), max(1, parts) + 1).astype(int)

        def work(begin: int, end: int) -> None:
            count = ctypes.c_size_t(end - begin)
            function(address(samples[begin:]), count, address(results[begin:]))

        first, *others = pairwise(edges)
        running = [threading.Thread(target=work, args=part) for part in others]
        for each in running:
            each.start()
        work(*first)
        for each in running:
            each.join()


def as_raw(first: Input, images: NDArray[np.generic]) -> NDArray[np.generic]:
    """Raw samples as the library reads them; ConfigError where a value is not the input's."""
    wanted = np.dtype(raw_type(first))
    top = first.raw_lo + first.raw_step * (len(first.table) - 1)
    full = (np.iinfo(wanted).min, np.iinfo(wanted).max) == (first.raw_lo, top)
    if len(images) and not (full and images.dtype == wanted):
        low, high = int(images.min()), int(images.max())
        steps = first.raw_step == 1 or not ((images - first.raw_lo) % first.raw_step).any()
        if low < first.raw_lo or high > top or not steps:
            raise ConfigError(
                f"raw values {low}..{high} are not all in {first.raw_lo}..{top} by steps of "
                f"{first.raw_step}, the input's"
            )
    return np.ascontiguousarray(images.reshape(len(images), math.prod(first.shape)), dtype=wanted)


def address(values: NDArray[np.generic]) -> ctypes.c_void_p:
    """Where the array's values lie."""
    return ctypes.c_void_p(values.ctypes.data)
