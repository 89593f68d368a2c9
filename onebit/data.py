"""The labelled image sets that networks are trained and measured on."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.errors import ConfigError

# IDX: two zero bytes, the element type (8 = uint8), the number of axes, then each axis as uint32.
IDX_UINT8 = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Images as their sensor gives them, with the class of each."""

    images: NDArray[np.uint8]  # [N, H, W, C]
    labels: NDArray[np.int64]  # [N]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.labels.shape != self.images.shape[:1]:
            raise ConfigError(
                f"images {self.images.shape} and labels {self.labels.shape} do not fit: "
                "wanted [N, H, W, C] and [N]"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A training part to learn and choose from, and a test part that only ever measures."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split


def load(name: str) -> Dataset:
    """The data set `name`: digits (comes with scikit-learn) or mnist (read from `data_dir()`)."""
    if name not in LOADERS:
        raise ConfigError(
            f"no data set is called {name!r}", hint=f"there are: {', '.join(sorted(LOADERS))}"
        )
    return LOADERS[name]()


def load_digits() -> Dataset:
    """1,797 handwritten digits of 8x8 values 0..16; every fifth is a test image."""
    from sklearn.datasets import load_digits as sklearn_digits  # slow to import, rarely needed

    images, labels = sklearn_digits(return_X_y=True)
    images = images.astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = labels.astype(np.int64)
    held_out = np.arange(len(labels)) % 5 == 0
    return Dataset(
        name="digits",
        classes=tuple("0123456789"),
        train=Split(images=images[~held_out], labels=labels[~held_out]),
        test=Split(images=images[held_out], labels=labels[held_out]),
    )


def load_mnist() -> Dataset:
    """70,000 handwritten digits of 28x28 values 0..255; the last 10,000 are the test images."""
    folder = system.data_dir() / "mnist"
    return Dataset(
        name="mnist",
        classes=tuple("0123456789"),
        train=_mnist_split(folder, "train", 60_000),
        test=_mnist_split(folder, "t10k", 10_000),
    )


LOADERS: dict[str, Callable[[], Dataset]] = {"digits": load_digits, "mnist": load_mnist}


def _mnist_split(folder: Path, part: str, count: int) -> Split:
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", (count, 28, 28))
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", (count,))
    return Split(images=images[..., np.newaxis], labels=labels.astype(np.int64))


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The uint8 array in a gzipped IDX file; ConfigError unless it has exactly `shape`."""
    hint = f"put the original, unchanged file there: {path}"
    if not path.is_file():
        raise ConfigError(
            f"the data file {str(path)!r} does not exist",
            hint=f"put MNIST's four *-ubyte.gz files into {path.parent}, or name the folder "
            "above it in $ONEBIT_DATA; `onebit demo` needs no data",
        )
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as reason:
        raise ConfigError(f"cannot unpack {str(path)!r}: {reason}", hint=hint) from None
    header = bytes([0, 0, IDX_UINT8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    size = int(np.prod(shape))
    if raw[: len(header)] != header or len(raw) != len(header) + size:
        raise ConfigError(
            f"{str(path)!r} is not an IDX file of {'x'.join(map(str, shape))} bytes: "
            f"it starts with {raw[: len(header)].hex()} and holds {len(raw)} bytes, "
            f"wanted {header.hex()} and {len(header) + size}",
            hint=hint,
        )
    return np.frombuffer(raw, np.uint8, size, len(header)).reshape(shape)
