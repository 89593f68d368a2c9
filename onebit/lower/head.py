"""The head in fixed point: the narrowest logits that keep float32's order of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError

MAX_WIDTH = 32
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedPoint:
    """logit_c = scale_c * acc + bias_c; `pairs`: (class, acc) pairs that differ from float32."""

    scale: Ints
    bias: Ints
    width: int
    fraction: int
    pairs: int


def fit(acc: Ints, logits: NDArray[np.float32]) -> FixedPoint:
    """Fixed point for float32 `logits` (accumulators, classes) at the integers `acc`.

    The smallest width <= 32 whose order over all (class, accumulator) pairs is float32's; where
    none is, 32 bits and the count of pairs of different classes that compare differently.
    """
    if not np.isfinite(logits).all():
        raise ConfigError(
            f"class {int(np.argmin(np.isfinite(logits).all(axis=0)))}: its logit is not finite",
            hint="look at the last batch-norm: its variance or scale overflows",
        )
    slope, shift = _affine(acc, logits)
    order = _winners(logits)
    best: FixedPoint | None = None
    for width in range(2, MAX_WIDTH + 1):
        candidate = _rounded(acc, slope, shift, width)
        if candidate is None:
            continue
        best = candidate
        if _in_order(_values(acc, candidate), order):
            return best
    if best is None:
        raise ConfigError(f"the logits do not fit in {MAX_WIDTH} bits")
    pairs = _inversions(_values(acc, best), order)
    return FixedPoint(
        scale=best.scale, bias=best.bias, width=best.width, fraction=best.fraction, pairs=pairs
    )


def _affine(
    acc: Ints, logits: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least squares per class, in float64; ConfigError where a class is not affine."""
    x, y = acc.astype(np.float64), logits.astype(np.float64)
    centred = x - x.mean()
    slope = (centred @ y) / (float(centred @ centred) or 1.0)
    shift = y.mean(axis=0) - slope * x.mean()
    error = np.abs(y - (x[:, None] * slope + shift)).max(axis=0)
    worst = int(error.argmax())
    if error[worst] > 1e-5 * float(np.abs(y).max()):
        raise ConfigError(
            f"class {worst}: its logit is not an affine function of its sum",
            hint="after the last product only batch-norm, scales and biases can be lowered",
        )
    return slope, shift


def _rounded(
    acc: Ints, slope: NDArray[np.float64], shift: NDArray[np.float64], width: int
) -> FixedPoint | None:
    """Scale and bias with as many fraction bits as logits of `width` bits allow.

    The bias is rounded where the logit is next to zero: what the rounded scale errs by then grows
    with the logit, as float32's own error does, and not with the accumulator.
    """
    low, high = int(acc.min()), int(acc.max())
    zero = np.rint(np.clip(-shift / np.where(slope, slope, 1.0), low, high)).astype(np.int64)
    ends = np.outer([low, high], slope) + shift
    largest = max(float(np.abs(ends).max()), float(np.abs(shift).max()), 1e-30)
    limit = (1 << width - 1) - 1
    fraction = int(np.floor(np.log2(limit / largest)))
    for candidate in (fraction, fraction - 1):
        scale = np.rint(np.ldexp(slope, candidate)).astype(np.int64)
        bias = np.rint(np.ldexp(shift + slope * zero, candidate)).astype(np.int64) - scale * zero
        values = np.outer([low, high], scale) + bias
        if max(np.abs(values).max(), np.abs(bias).max()) <= limit:
            return FixedPoint(scale=scale, bias=bias, width=width, fraction=candidate, pairs=0)
    return None


def _values(acc: Ints, head: FixedPoint) -> Ints:
    return acc[:, None] * head.scale + head.bias


def _winners(logits: NDArray[np.float32]) -> Ints:
    """Pairs (class, accumulator), flattened, from the one that loses against all to the winner.

    Of equal logits the lower class wins; a class's own accumulators stay in ascending order of
    the logit.
    """
    rows, classes = logits.shape
    label = np.tile(np.arange(classes), rows)
    rising = np.where(logits[-1] >= logits[0], 1, -1)
    place = np.outer(np.arange(rows), rising)
    return np.lexsort((place.ravel(), -label, logits.ravel()))


def _ranks(values: Ints, order: Ints) -> Ints:
    """The pairs' places in the integer order, in the float order; equal in one class only."""
    classes = values.shape[1]
    label = np.tile(np.arange(classes), values.shape[0])
    return np.asarray((values.ravel() * classes - label)[order])


def _in_order(values: Ints, order: Ints) -> bool:
    return bool((np.diff(_ranks(values, order)) >= 0).all())


def _inversions(values: Ints, order: Ints) -> int:
    """How many pairs of pairs stand in the wrong order, by merge sort level by level."""
    ranks = np.unique(_ranks(values, order), return_inverse=True)[1].astype(np.int64)
    total, bit = 0, int(ranks.max()).bit_length()
    groups = np.zeros(len(ranks), dtype=np.int64)
    while bit:
        bit -= 1
        upper = ranks >> bit & 1
        before = np.cumsum(upper) - upper
        base = np.r_[0, np.flatnonzero(np.diff(groups)) + 1]
        starts = before[base][np.searchsorted(base, np.arange(len(ranks)), side="right") - 1]
        total += int(((before - starts) * (1 - upper)).sum())
        keep = np.lexsort((np.arange(len(ranks)), upper, groups))
        ranks, groups = ranks[keep], (groups * 2 + upper)[keep]
    return total
