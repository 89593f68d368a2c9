"""Thresholds: the source's chain after a product, evaluated at every reachable accumulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
NOT_A_BIT = "end every hidden layer with a 1-bit quantiser; a plain Sign gives 0 at 0"
VALUES_AT_ONCE = 1 << 22  # accumulators x channels a chunk: 16 MiB of float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """Per channel: the bit is `acc >= level`, after `flip` channels have negated their weights.

    lo, hi: the two values that the bit stands for in the source; constant: channels that never
    change.
    """

    level: Ints
    flip: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    lo: float
    hi: float


def real_products(
    acc: Ints,
    *,
    bits: bool,
    mw: int,
    weight_scale: Floats,
    row_sum: Ints,
    scale: float,
    offset: float,
) -> Floats:
    """What the source's product is at each accumulator: computed exactly, rounded once.

    acc: (rows, 1) or (rows, mh); weight_scale, row_sum (sum of the +-1 weights): (mh,).
    real input = scale * x + offset.
    """
    dot = 2 * acc - mw if bits else acc
    exact = np.longdouble(scale) * dot + np.longdouble(offset) * row_sum
    return np.asarray((weight_scale.astype(np.longdouble) * exact).astype(np.float32))


def chunks(lo: int, hi: int, channels: int) -> Iterator[Ints]:
    """lo..hi in ascending columns (rows, 1), few enough rows that a chunk fits in cache."""
    step = max(1, VALUES_AT_ONCE // channels)
    for start in range(lo, hi + 1, step):
        yield np.arange(start, min(start + step, hi + 1), dtype=np.int64)[:, None]


def find(
    layer: str,
    lo: int,
    hi: int,
    channels: int,
    *,
    bits: bool,
    mw: int,
    chain: Callable[[Ints], Floats],
) -> Thresholds:
    """Thresholds of `chain` (accumulators (rows, 1) -> values (rows, channels)) over lo..hi."""
    ones = np.zeros(channels, dtype=np.int64)
    changes = np.zeros(channels, dtype=np.int64)
    last = np.zeros(channels, dtype=bool)
    seen: set[float] = set()
    for acc in chunks(lo, hi, channels):
        value = chain(acc)
        _note_values(layer, acc, value, seen)
        bit = value > 0
        before = np.vstack([last if acc[0, 0] > lo else bit[0], bit[:-1]])
        changes += (bit != before).sum(axis=0)
        ones += bit.sum(axis=0)
        last = bit[-1]
    if (changes > 1).any():
        channel = int(np.argmax(changes > 1))
        raise ConfigError(
            f"layer {layer!r}, channel {channel}: the bit changes {changes[channel]} times as the "
            "sum grows; one threshold cannot do that",
            hint="only activations that rise or fall once before the sign can be lowered",
        )
    constant = changes == 0
    flip = ~constant & ~last
    rising = np.where(constant & last, lo, hi + 1 - ones)
    falling = (mw if bits else 0) - (lo + ones - 1)
    low, high = _pair(layer, seen)
    return Thresholds(
        level=np.where(flip, falling, rising), flip=flip, constant=constant, lo=low, hi=high
    )


def _note_values(layer: str, acc: Ints, value: Floats, seen: set[float]) -> None:
    """Add the values of a chunk to `seen`; ConfigError where they are not those of one bit."""
    low, high = float(value.min()), float(value.max())
    seen |= {low, high}
    other = (value != low) & (value != high)
    if np.isnan(value).any():
        raise ConfigError(f"layer {layer!r}: its activation is not a number")
    if other.any() or len(seen) > 2:
        row, channel = (int(i[0]) for i in np.nonzero(other)) if other.any() else (0, 0)
        found = sorted({*seen, float(value[row, channel])})[:4]
        raise ConfigError(
            f"layer {layer!r}, channel {channel}: the activation takes more than two values, such "
            f"as {found} (at the sum {int(acc[row, 0])}); it is not 1 bit",
            hint=NOT_A_BIT,
        )


def _pair(layer: str, seen: set[float]) -> tuple[float, float]:
    """What bits 0 and 1 stand for; where a layer never changes, its value and the negative."""
    low, high = (min(seen), max(seen)) if len(seen) == 2 else (-abs(max(seen)), abs(max(seen)))
    if not low <= 0 < high:
        raise ConfigError(
            f"layer {layer!r}: its activation takes the values {sorted(seen)}; one must be above "
            "0, the other not",
            hint=NOT_A_BIT,
        )
    return low, high
