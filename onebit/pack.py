"""The stream layout, defined here alone: for RTL, HLS, harness, driver and golden.

A vector of N elements at W elements a beat takes ceil(N/W) beats; each vector starts on a new
beat; index 0 is the least significant and the first in time; spare lanes are 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ceil_div(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


def beat_bytes(lanes: int, bits: int) -> int:
    """Bytes of one beat in a file: whole 32-bit words, as Verilator keeps its signals."""
    return 4 * ceil_div(lanes * bits, 32)


def pack_stream(values: NDArray[np.integer[Any]], lanes: int, bits: int) -> NDArray[np.uint8]:
    """Vectors (count, n) of integers as beats (count, beats, bytes), little-endian.

    Negative values are written in two's complement.
    """
    count, n = values.shape
    beats = ceil_div(n, lanes)
    padded = np.zeros((count, beats * lanes), dtype=np.int64)
    padded[:, :n] = values
    flat = padded.reshape(count, beats, lanes)
    planes = np.stack([(flat >> b & 1).astype(np.uint8) for b in range(bits)], axis=-1)
    stream = planes.reshape(count, beats, lanes * bits)
    size = beat_bytes(lanes, bits)
    out = np.zeros((count, beats, size), dtype=np.uint8)
    packed = np.packbits(stream, axis=-1, bitorder="little")
    out[:, :, : packed.shape[-1]] = packed
    return out


def unpack_stream(
    beats: NDArray[np.uint8], n: int, lanes: int, bits: int, *, signed: bool
) -> NDArray[np.int64]:
    """The vectors (count, n) in `beats` (count, beats, bytes); inverse of `pack_stream`."""
    count, per_vector, _ = beats.shape
    stream = np.unpackbits(beats, axis=-1, count=lanes * bits, bitorder="little")
    planes = stream.reshape(count, per_vector * lanes, bits)[:, :n]
    weights = np.left_shift(np.int64(1), np.arange(bits, dtype=np.int64))
    if signed:
        weights[-1] = -weights[-1]
    return np.asarray(planes.astype(np.int64) @ weights)
