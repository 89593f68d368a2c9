"""How a Net lies in the CPU's memory: which step computes each layer, from and to which buffer.

A sum falls where the accumulator rises (cpu/bits.h), so thresholds become limits, and the head's
constants take in what the two differ by. Integers are stored less their element's lowest value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.net import Bit, Element, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window
from onebit.pack import ceil_div

LANES, WORD = 8, 64  # as cpu/bits.h has them
NEVER = -(1 << 31)  # the limit of a neuron that is not there

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Images (h, w, c) in a buffer, with room for the next layer's padding; `bits` an element."""

    shape: tuple[int, int, int]
    bits: int
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 0

    @property
    def pitch(self) -> int:
        """Pixels of a row."""
        _, left, _, right = self.padding
        return left + self.shape[1] + right

    @property
    def first(self) -> int:
        """Pixels before the first real one."""
        top, left, _, _ = self.padding
        return top * self.pitch + left

    @property
    def words(self) -> int:
        """Words of an image."""
        top, _, bottom, _ = self.padding
        pixels = (top + self.shape[0] + bottom) * self.pitch
        return ceil_div(pixels * self.shape[2] * self.bits, WORD)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """Weights as words (block, word, lane), the neurons' limits by class of border, or none."""

    words: NDArray[np.uint64]
    inputs: int
    limits: Ints | None
    bits: int

    @property
    def room(self) -> int:
        """Words of an input vector."""
        return ceil_div(self.inputs * self.bits, WORD)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A layer from one place to another, an Input within its own.

    `windows`: kernel and stride of neurons that look at windows of an image.
    """

    layer: Layer
    source: Place
    target: Place
    windows: tuple[int, int, int, int] | None = None
    product: Product | None = None
    border: Ints | None = None


def steps(net: Net) -> list[Step]:
    """The steps of a chain; ConfigError where the engine has none for a layer."""
    made: list[Step] = []
    for before, layer in zip((None, *net.layers), net.layers, strict=False):
        if layer.inputs != (() if before is None else (before.name,)):
            raise _unknown(layer, "its input is not the layer before it")
        source = made[-1].target if made else None
        match layer:
            case Input():
                element = layer.element
                if not isinstance(element, Bit) and element.bits > 8:
                    raise _unknown(layer, f"its elements have {element.bits} bits, more than 8")
                place = _place(net, layer)
                made.append(Step(layer=layer, source=place, target=place))
            case Window() if not isinstance(_after(net, layer), Mvau):
                raise _unknown(layer, "no neurons stand behind the window")
            case MaxPool():
                assert source is not None
                made.append(Step(layer=layer, source=source, target=_place(net, layer)))
            case Mvau():
                assert source is not None
                made.append(_neurons(net, layer, source))
            case Head() if not isinstance(made[-1].layer, Mvau) or _outputs_bits(made[-1]):
                raise _unknown(layer, "no accumulators stand before it")
            case _:
                pass
    return made


def _unknown(layer: Layer, why: str) -> ConfigError:
    return ConfigError(f"layer {layer.name!r}: the CPU engine cannot run it: {why}")


def _outputs_bits(step: Step) -> bool:
    return step.product is not None and step.product.limits is not None


def _after(net: Net, layer: Layer) -> Layer | None:
    """The layer that reads this one."""
    return next((each for each in net.layers if layer.name in each.inputs), None)


def _neurons(net: Net, layer: Mvau, source: Place) -> Step:
    after = _after(net, layer)
    if layer.thresholds is None:
        ends = net.positions(layer.name) == 1 and isinstance(after, Head | Flatten)
        if not ends:
            raise _unknown(layer, "its accumulators go elsewhere than to the head")
    border = None
    if layer.thresholds is not None and len(layer.thresholds) > 1:
        border = net.border(layer)
    window, windows = net.window(layer), None
    if window is not None:
        windows = (*window.kernel, *window.stride)
    elif len(net.shape(layer.name)) == 3:
        windows = (1, 1, 1, 1)
    return Step(
        layer=layer,
        source=source,
        target=_place(net, layer),
        windows=windows,
        product=product(layer, net.element(layer.inputs[0])),
        border=border,
    )


def _place(net: Net, layer: Layer) -> Place:
    """Where the layer's output lies: with the padding of the window or pool that reads it."""
    shape, element = net.shape(layer.name), net.element(layer.name)
    image = shape if len(shape) == 3 else (1, 1, math.prod(shape))
    bits, after = (1 if isinstance(element, Bit) else 8), _after(net, layer)
    if not isinstance(after, Window | MaxPool) or not any(after.padding):
        return Place(shape=image, bits=bits)
    fill = 0
    if isinstance(after, Window):
        fill = 255 * after.fill if bits == 1 else after.fill - element.lo
    return Place(shape=image, bits=bits, padding=after.padding, fill=fill)


def product(layer: Mvau, element: Element) -> Product:
    """The layer's weights and limits as cpu/bits.h defines them."""
    blocks, words = ceil_div(layer.mh, LANES), ceil_div(layer.mw, WORD)
    bits = np.zeros((blocks * LANES, words * WORD), dtype=np.uint8)
    bits[: layer.mh, : layer.mw] = layer.weights
    packed = np.packbits(bits, axis=1, bitorder="little").view("<u8")
    limits = None
    if layer.thresholds is not None:
        lo, hi = extremes(layer, element)
        limits = np.full((len(layer.thresholds), blocks * LANES), NEVER, dtype=np.int64)
        wanted = base(layer, element) - layer.thresholds + 1
        limits[:, : layer.mh] = wanted.clip(lo, hi + 1)
    return Product(
        words=packed.reshape(blocks, LANES, words).transpose(0, 2, 1),
        inputs=layer.mw,
        limits=limits,
        bits=1 if isinstance(element, Bit) else 8,
    )


def base(layer: Mvau, element: Element) -> Ints:
    """What accumulator and sum add up to, for each neuron: acc = base - sum."""
    if isinstance(element, Bit):
        return np.full(layer.mh, layer.mw, dtype=np.int64)
    plus = layer.weights.sum(axis=1, dtype=np.int64)
    return np.asarray(element.lo * (2 * plus - layer.mw))


def extremes(layer: Mvau, element: Element) -> tuple[int, int]:
    """Least and largest sum of any neuron, or beyond them."""
    if isinstance(element, Bit):
        return 0, layer.mw
    most = (element.hi - element.lo) * layer.mw
    return -most, most


def head_constants(net: Net, step: Step) -> tuple[Ints, Ints]:
    """(scale, bias) of logit = bias - scale * sum."""
    assert isinstance(step.layer, Mvau)
    head, element = net.head, net.element(step.layer.inputs[0])
    return head.scale, head.bias + head.scale * base(step.layer, element)
