"""The engine measured from inside: a sample at a time, its layers alone, the core's popcounts."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.cpu import address, as_raw
from onebit.cpu.build import NAME, library
from onebit.cpu.layout import steps
from onebit.cpu.source import identifier, inlined, renamed
from onebit.net import Net

PEAK_BITS = 1024  # a round, as cpu/probe.c has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer's product: its binary MACs for a vector, and whether its inputs are bits."""

    name: str
    macs: int
    positions: int
    bits: bool


class Probe:
    """The engine's library with cpu/probe.c in it."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._chain = [step for step in steps(net) if step.product]
        self._library = ctypes.CDLL(str(library(net, tail=_tail(net))))
        for name in ("peak", "layer"):
            self._function(name).argtypes = (ctypes.c_size_t, ctypes.c_size_t)
            self._function(name).restype = ctypes.c_uint64
        self._function("peak_name").argtypes = (ctypes.c_size_t,)
        self._function("peak_name").restype = ctypes.c_char_p

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"{NAME}_{name}")

    def layers(self) -> list[Layer]:
        """The products in order."""
        return [
            Layer(
                name=step.layer.name,
                macs=step.product.inputs * self._net.shape(step.layer.name)[-1],
                positions=self._net.positions(step.layer.name),
                bits=step.product.bits == 1,
            )
            for step in self._chain
            if step.product
        ]

    def one_by_one(self, images: NDArray[np.generic]) -> Callable[[], None]:
        """What classifies the images, each by a call of its own in C."""
        samples = as_raw(self._net.input, images)
        classes = np.empty(len(samples), dtype=np.uint16)
        function, count = self._function("one_by_one"), ctypes.c_size_t(len(samples))
        return lambda: function(address(samples), count, address(classes))

    def layer_rate(self, index: int, seconds: float) -> float:
        """Bits a second that the product of layer `index` compares, or multiplies, alone."""
        function = self._function("layer")
        return int(function(index, 1)) * rate(partial(function, index), seconds)

    def peaks(self, seconds: float) -> dict[str, float]:
        """Bits a second that the core compares and counts in registers, by the way it does."""
        found, index = {}, 0
        function = self._function("peak")
        while (name := self._function("peak_name")(index)) is not None:
            if name:
                rounds = rate(partial(function, index), seconds)
                found[name.decode()] = PEAK_BITS * rounds
            index += 1
        return found


def rate(work: Callable[[int], object], seconds: float) -> float:
    """Rounds a second of `work(rounds)`, in one run of about `seconds`."""
    rounds = 1
    while True:
        start = time.perf_counter()
        work(rounds)
        taken = time.perf_counter() - start
        if taken >= seconds / 2:
            return rounds / taken
        rounds *= min(100, max(2, int(seconds / max(taken, 1e-6))))


def _tail(net: Net) -> str:
    """The table of products that cpu/probe.c wants, and that file."""
    rows, widest = [], 0
    for step in steps(net):
        if step.product is None:
            continue
        name = identifier(step.layer.name)
        limits = "NULL" if step.product.limits is None else f"{name}_limits"
        rows.append(f"  {{&{name}_layer.product, {limits}, {int(step.product.bits == 8)}}},")
        widest = max(widest, step.product.room, len(step.product.words) * 8)
    table = [
        "static const struct {\n  const product *product;\n  const int32_t *limits;\n  int bytes;",
        "} probed[] = {",
        *rows,
        "};",
        f"enum {{ PROBE = {widest} }};\n",
    ]
    text = inlined(system.share_dir("cpu") / "probe.c", {"layers.h"})
    return renamed("\n".join([*table, text]), NAME)
