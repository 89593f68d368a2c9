"""Thresholds: the source's chain after a product, evaluated at every reachable accumulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
NOT_A_BIT = "end every hidden layer with a 1-bit quantiser; a plain Sign gives 0 at 0"
VALUES_AT_ONCE = 1 << 22  # accumulators x channels a chunk: 16 MiB of float32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thresholds:
    """A bit is `acc >= level` (classes, channels), the weights of `flip` channels negated.

    inverts (pools, channels): where a max-pool must be followed by an inversion. `swap`: where the
    bit before the first pool is the negated activation. lo, hi: the two values that the activation
    takes in the source; constant: channels that never change.
    """

    level: Ints
    flip: NDArray[np.bool_]
    swap: NDArray[np.bool_]
    inverts: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    lo: float
    hi: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """A chain at some accumulators: (rows, channels) at each of its max-pools, and at its end."""

    pooled: tuple[Floats, ...]
    end: Floats


Chain = Callable[[Ints], Values]


def chunks(lo: int, hi: int, channels: int) -> Iterator[Ints]:
    """lo..hi in ascending columns (rows, 1), few enough rows that a chunk fits in cache."""
    step = max(1, VALUES_AT_ONCE // channels)
    for start in range(lo, hi + 1, step):
        yield np.arange(start, min(start + step, hi + 1), dtype=np.int64)[:, None]


def find(layer: str, lo: int, hi: int, classes: int, channels: int, chain: Chain) -> Thresholds:
    """Thresholds of `chain` over lo..hi; its columns are `classes` x `channels`.

    chain: accumulators (rows, 1) -> values. On bits lo is 0 and hi the number of weights, on
    integers lo is -hi: negated weights give lo + hi - acc. ConfigError names the channel that one
    threshold cannot serve.
    """
    width = classes * channels
    seen: set[float] = set()
    state: _Scan | None = None
    for acc in chunks(lo, hi, width):
        values = chain(acc)
        _note_values(layer, acc, values.end, seen)
        if state is None:
            state = _Scan(
                last=values.end[0] > 0,
                ones=np.zeros(width, dtype=np.int64),
                changes=np.zeros(width, dtype=np.int64),
                at_most=[(row[0].copy(), values.end[0] > 0) for row in values.pooled],
                ends=[row[0].copy() for row in values.pooled],
                steps=[np.zeros((2, width), dtype=bool) for _ in values.pooled],
            )
        state.add(values)
    assert state is not None
    if (state.changes > 1).any():
        column = int(np.argmax(state.changes > 1))
        raise _not_monotone(layer, column % channels, state.changes[column])
    for steps in state.steps:
        if (both := steps.all(axis=0)).any():
            raise _not_monotone(layer, int(np.argmax(both)) % channels, 2)
    low, high = _pair(layer, seen)
    return state.result(lo, hi, (classes, channels), (low, high))


def _not_monotone(layer: str, channel: int, changes: int) -> ConfigError:
    return ConfigError(
        f"layer {layer!r}, channel {channel}: the bit changes {changes} times as the "
        "sum grows; one threshold cannot do that",
        hint="only activations that rise or fall once before the sign can be lowered",
    )


@dataclass(slots=True, kw_only=True)
class _Scan:
    """What is known after some accumulators in ascending order, for each column.

    at_most: for each pool its largest value so far, and the bit there. steps: whether its values
    ever rose, ever fell.
    """

    last: NDArray[np.bool_]
    ones: Ints
    changes: Ints
    at_most: list[tuple[Floats, NDArray[np.bool_]]]
    ends: list[Floats]
    steps: list[NDArray[np.bool_]]

    def add(self, values: Values) -> None:
        """Go on with the next chunk."""
        bit = values.end > 0
        before = np.vstack([self.last, bit[:-1]])
        self.changes += (bit != before).sum(axis=0)
        self.ones += bit.sum(axis=0)
        self.last = bit[-1]
        for index, pooled in enumerate(values.pooled):
            step = np.diff(pooled, axis=0, prepend=self.ends[index][None])
            self.steps[index] |= np.stack([(step > 0).any(axis=0), (step < 0).any(axis=0)])
            self.ends[index] = pooled[-1]
            row = pooled.argmax(axis=0)[None]
            top = np.take_along_axis(pooled, row, axis=0)[0]
            most, at = self.at_most[index]
            larger = top > most
            there = np.take_along_axis(bit, row, axis=0)[0]
            self.at_most[index] = (np.where(larger, top, most), np.where(larger, there, at))

    def result(
        self, lo: int, hi: int, shape: tuple[int, int], pair: tuple[float, float]
    ) -> Thresholds:
        """The thresholds of columns (classes, channels)."""
        changing = self.changes > 0
        # A pool must carry the bit that rises with its values: the negated one where the largest
        # value has a 0.
        falls = [(changing & ~at).reshape(shape).any(axis=0) for _, at in self.at_most]
        falls.append(np.zeros(shape[1], dtype=bool))
        swap = falls[0]
        inverts = np.array([a ^ b for a, b in pairwise(falls)], dtype=bool)
        columns = np.tile(swap, shape[0])
        ones = np.where(columns, hi + 1 - lo - self.ones, self.ones)
        last = self.last ^ columns
        flip = (changing & ~last).reshape(shape).any(axis=0)
        level = hi + 1 - ones  # of the 1s at the upper end, or, with negated weights, at the lower
        return Thresholds(
            level=level.reshape(shape),
            flip=np.asarray(flip),
            swap=np.asarray(swap),
            inverts=inverts.reshape(len(falls) - 1, shape[1]),
            constant=np.asarray(~changing.reshape(shape).any(axis=0)),
            lo=pair[0],
            hi=pair[1],
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
