"""Handwritten digits: scikit-learn's small ones, and MNIST as four gzipped IDX files."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.data.parts import MissingData, Part, Progress, Split
from onebit.errors import ConfigError

# IDX: two zero bytes, the element type (8 = uint8), the number of axes, then each axis as uint32.
IDX_UINT8 = 8
MNIST = {"train": ("train", 60_000), "test": ("t10k", 10_000)}  # part: its files' stem, images


def find_digits(part: str) -> Part:
    """1,797 handwritten digits of 8x8 values 0..16; every fifth is a test image."""

    def read(side: int, progress: Progress) -> Split:
        from sklearn.datasets import load_digits  # slow to import, rarely needed

        images, labels = load_digits(return_X_y=True)
        chosen = (np.arange(len(labels)) % 5 == 0) == (part == "test")
        return Split(
            images=images[chosen].astype(np.uint8).reshape(-1, side, side, 1),
            labels=labels[chosen].astype(np.int64),
        )

    count = {"train": 1437, "test": 360}[part]
    return Part(images=count, layout="inside scikit-learn", where="scikit-learn", read=read)


def find_mnist(part: str) -> Part:
    """70,000 handwritten digits of 28x28 values 0..255; the last 10,000 are the test images."""
    folder = system.data_dir() / "mnist"
    stem, count = MNIST[part]
    files = [folder / f"{stem}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    for file in files:
        if not file.is_file():
            raise MissingData(
                f"the data file {str(file)!r} does not exist",
                hint=f"onebit data mnist --download; or put MNIST's four *-ubyte.gz files into "
                f"{folder}, or name the folder above it in $ONEBIT_DATA; `onebit demo` needs no "
                "data",
            )

    def read(side: int, progress: Progress) -> Split:
        images = read_idx(files[0], (count, side, side))
        labels = read_idx(files[1], (count,))
        return Split(images=images[..., np.newaxis], labels=labels.astype(np.int64))

    return Part(images=count, layout="gzipped IDX files", where=str(folder), read=read)


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The uint8 array in a gzipped IDX file; ConfigError unless it has exactly `shape`."""
    hint = f"put the original, unchanged file there: {path}"
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
