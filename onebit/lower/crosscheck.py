"""FINN's streamlined layers against ours: the same weights, the same thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onebit.errors import CheckFailed
from onebit.lower.canonical import channels_first
from onebit.lower.chain import Product
from onebit.lower.matrix import Matrix
from onebit.lower.streamline import FinnLayer
from onebit.net import Mvau


def weights(product: Product, ours: NDArray[np.uint8], finn: FinnLayer) -> NDArray[np.bool_]:
    """Channels whose weights FINN holds negated; CheckFailed where it holds others."""
    if finn.weights.shape != ours.shape:
        raise CheckFailed(f"node {product.name!r}: FINN's weights have another shape")
    differing = (finn.weights != ours).sum(axis=1)
    if ((differing != 0) & (differing != ours.shape[1])).any():
        differing = (finn.weights != ours[:, channels_first(product)]).sum(axis=1)
    if ((differing != 0) & (differing != ours.shape[1])).any():
        raise CheckFailed(f"node {product.name!r}: FINN's weights are not the source's")
    return np.asarray(differing == ours.shape[1])


def thresholds(
    product: Product, matrix: Matrix, layer: Mvau, swap: NDArray[np.bool_], finn: FinnLayer
) -> int:
    """How many channels FINN's thresholds place one integer away; CheckFailed if further.

    FINN's chain is asked just below and at each threshold, and a tie's width away on both sides.
    Constant channels are left out: for a zero slope FINN divides by zero. swap: channels whose bit
    is the negated activation.
    """
    assert layer.thresholds is not None
    negated = weights(product, layer.weights, finn)
    if matrix.inner is None:
        return 0
    level = layer.thresholds[matrix.inner if len(layer.thresholds) > 1 else 0]
    lo, hi, bits = matrix.lo, matrix.hi, matrix.bits
    slack = max(1, (hi - lo) // 100_000)
    at = np.stack([level - 1 - slack, level - 1, level, level + slack])
    at, outside = np.clip(at, lo, hi), (at < lo) | (at > hi)
    theirs = np.where(negated, lo + hi - at, at)
    if bits and not finn.xnor:
        theirs = 2 * theirs - layer.mw
    bit = (finn.after((theirs * finn.scale).astype(np.float32)) > 0) ^ swap
    wrong = (bit != (at >= level)) & ~outside & (lo < level) & (level <= hi)
    far = wrong[0] | wrong[3]
    if far.any():
        channel = int(np.argmax(far))
        raise CheckFailed(
            f"layer {layer.name!r}, channel {channel}: the source's threshold is {level[channel]}, "
            "FINN's streamlined graph disagrees by more than a tie",
            hint="please report this network: the two must agree",
        )
    return int((wrong[1] | wrong[2]).sum())
