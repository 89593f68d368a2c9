"""One product on its way to an Mvau: its weights as signs, its border, its chain in integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.geometry import axes
from onebit.lower.chain import Constants, Pool, Product, Segment
from onebit.lower.evaluate import segment_function
from onebit.lower.thresholds import Values
from onebit.net import Bit, Element

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a stream's elements stand for in the source: real = scale * x + offset, x of +-1."""

    element: Element
    scale: float
    offset: float

    def element_of(self, real: float) -> int | None:
        """The element (a bit as 0 or 1) that stands for `real`, if one does."""
        x = (real - self.offset) / self.scale
        if x != round(x) or self.scale * x + self.offset != real:
            return None
        x = round(x)
        if isinstance(self.element, Bit):
            return (x + 1) // 2 if x in (-1, 1) else None
        return x if self.element.lo <= x <= self.element.hi else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """One product.

    weights: {0,1} (mh, mw) as the source has them. `chain`: the source's values at accumulators
    (rows, 1) in lo..hi, in columns (border classes, mh). fill: the element around the image.
    `inner`: the class without any border, if there is one.
    """

    name: str
    weights: NDArray[np.uint8]
    element: Element
    fill: int
    classes: int
    inner: int | None
    lo: int
    hi: int
    chain: Callable[[Ints], Values]

    @property
    def bits(self) -> bool:
        """Whether the inputs are bits."""
        return isinstance(self.element, Bit)


def matrix(constants: Constants, product: Product, name: str, values: Meaning) -> Matrix:
    """The product, fed by elements that mean `values`; ConfigError unless its weights are +-s."""
    weights, scale = signs(product)
    mh, mw = weights.shape
    fill, taps = _border(constants, product, values)
    plus_minus = 2 * weights.T.astype(np.int64) - 1
    real_sum = taps.astype(np.int64) @ plus_minus  # (classes, mh)
    around = 2 * fill - 1 if isinstance(values.element, Bit) else fill
    padded = around * ((~taps).astype(np.int64) @ plus_minus)
    after = _after(constants, product, mh)
    base = np.longdouble(values.offset) * real_sum - np.longdouble(values.scale) * padded
    classes = len(taps)

    def chain(acc: Ints) -> Values:
        """What the source's product is, computed exactly and rounded once, then its chain."""
        dot = 2 * acc - mw if isinstance(values.element, Bit) else acc
        exact = np.longdouble(values.scale) * dot + base.reshape(1, -1)
        exact = exact.reshape(-1, mh) * scale.astype(np.longdouble)
        found = after(exact.astype(np.float32))
        width = classes * mh
        return Values(
            pooled=tuple(pooled.reshape(-1, width) for pooled in found.pooled),
            end=found.end.reshape(-1, width),
        )

    lo, hi = _acc_range(mw, values.element)
    whole = np.flatnonzero(taps.all(axis=1))
    return Matrix(
        name=name,
        weights=weights,
        element=values.element,
        fill=fill,
        classes=classes,
        inner=int(whole[0]) if len(whole) else None,
        lo=lo,
        hi=hi,
        chain=chain,
    )


def signs(product: Product) -> tuple[NDArray[np.uint8], Floats]:
    """Weights {0,1} (mh, mw) and each output channel's scale; ConfigError unless they are +-s.

    A channel of zeros, as a batch-norm without slope leaves it when it is fused, has the scale 0.
    """
    scale = np.abs(product.weights[:1, :])
    wrong = np.abs(product.weights) != scale
    if wrong.any():
        channel = int(np.argmax(wrong.any(axis=0)))
        found = np.unique(product.weights[:, channel])[:5].tolist()
        raise ConfigError(
            f"node {product.name!r}, output channel {channel}: its weights are not two-valued "
            f"(-s and +s) but take values such as {found}",
            hint="train with 1-bit weights; `onebit.train.layers` has drop-in layers",
        )
    return (product.weights.T > 0).astype(np.uint8), scale[0]


def _border(
    constants: Constants, product: Product, values: Meaning
) -> tuple[int, NDArray[np.bool_]]:
    """The element that surrounds the image, and for each border class (classes, mw) what is real.

    Where an element stands for the source's padding, all is real: there is one class.
    """
    mw = len(product.weights)
    everything = np.ones((1, mw), dtype=bool)
    windows = product.windows
    if windows is None or not any(windows.padding):
        return 0, everything
    around = segment_function(constants, product.pad_chain, 1)
    pad = float(around(np.array([[product.pad]], dtype=np.float32)).item())
    found = values.element_of(pad)
    if found is not None:
        return found, everything
    if pad != 0:
        raise ConfigError(
            f"node {product.name!r}: the image is padded with {pad:g}, which no element of "
            "the image stands for",
            hint="pad with 0, or with one of the two values of the activation",
        )
    rows, columns = (
        axis.classes()[1]
        for axis in axes(product.shape, windows.kernel, windows.stride, windows.padding)
    )
    taps = rows[:, None, :, None] & columns[None, :, None, :]
    channels = mw // (windows.kernel[0] * windows.kernel[1])
    return 0, np.repeat(taps.reshape(len(rows) * len(columns), -1), channels, axis=1)


def _after(constants: Constants, product: Product, mh: int) -> Callable[[Floats], Values]:
    """What follows the product as a function of (rows, mh)."""
    steps = [
        segment_function(constants, step, mh) if isinstance(step, Segment) else step
        for step in product.after
    ]

    def function(x: Floats) -> Values:
        pooled = []
        for step in steps:
            if isinstance(step, Pool):
                pooled.append(x)
            else:
                x = step(x)
        return Values(pooled=tuple(pooled), end=x)

    return function


def _acc_range(mw: int, element: Element) -> tuple[int, int]:
    """The accumulators that any mw weights can reach."""
    if isinstance(element, Bit):
        return 0, mw
    most = max(abs(element.lo), element.hi) * mw
    return -most, most
