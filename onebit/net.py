"""The Net: a small, frozen, validated description of a 1-bit network, between sources and outputs.

Tensors are NHWC. A bit 1 means +1, a bit 0 means -1. Everything here is integers; only `Input`
and `Head` carry the real scales that tie the integers to the source network.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.geometry import Axis, axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """One bit that stands for -1 or +1."""

    bits: int = 1
    lo: int = -1
    hi: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Int:
    """An integer of `bits` bits, two's complement where `signed`."""

    bits: int
    signed: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 32:
            raise ConfigError(f"Int: {self.bits} bits is not in 1..32")

    @property
    def lo(self) -> int:
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def hi(self) -> int:
        return (1 << self.bits - self.signed) - 1


Element = Bit | Int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Input:
    """What the accelerator receives: table[i] is the element for the raw value lo + i * step.

    For `Bit` the table holds 0 and 1. The source graph receives raw * raw_scale; before its first
    product that has become scale * x + offset, x being the element's value.
    """

    name: str
    inputs: tuple[str, ...] = ()
    shape: tuple[int, ...]
    element: Element
    raw_lo: int
    raw_step: int = 1
    raw_scale: float
    table: NDArray[np.int64]
    scale: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """im2col: for each output position the patch in (kh, kw, c) order.

    padding: top, left, bottom, right. A padded element is `fill`; where the source means a zero
    that no element stands for, the thresholds of the Mvau behind make up for it (border classes).
    """

    name: str
    inputs: tuple[str, ...]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    fill: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxPool:
    """The OR of bits over windows, inverted after it in the channels where `invert` (c,) is 1.

    Padding never wins. A source's ceil mode is more padding at the bottom and on the right.
    """

    name: str
    inputs: tuple[str, ...]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    invert: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flatten:
    """An image (h, w, c) as one vector, in that order."""

    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mvau:
    """Matrix-vector-activation unit over the last axis.

    weights: {0,1} of shape (mh, mw). On bits `acc` counts agreeing bits, 0..mw; on integers it is
    the sum of +-x. thresholds: (border classes, mh), a bit is `acc >= threshold`; None puts the
    accumulators out. More than one class follow a Window's border: row class * column classes +
    column class, as `Axis.classes` numbers them.
    """

    name: str
    inputs: tuple[str, ...]
    weights: NDArray[np.uint8]
    thresholds: NDArray[np.int64] | None

    @property
    def mh(self) -> int:
        return int(self.weights.shape[0])

    @property
    def mw(self) -> int:
        return int(self.weights.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """logit_c = scale_c * acc_c + bias_c in `width` bits; the class is the first largest logit.

    The source's logit is logit_c / 2**fraction.
    """

    name: str
    inputs: tuple[str, ...]
    scale: NDArray[np.int64]
    bias: NDArray[np.int64]
    width: int
    fraction: int

    @property
    def classes(self) -> int:
        return len(self.scale)


Layer = Input | Window | MaxPool | Flatten | Mvau | Head
KINDS = {kind.__name__.lower(): kind for kind in (Input, Window, MaxPool, Flatten, Mvau, Head)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Net:
    """Layers in topological order; `title` and `source` are for people, not part of the hash."""

    layers: tuple[Layer, ...]
    title: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for layer in self.layers:
            if layer.name in seen:
                raise ConfigError(f"layer {layer.name!r} is there twice")
            if missing := [name for name in layer.inputs if name not in seen]:
                raise ConfigError(f"layer {layer.name!r}: input {missing[0]!r} does not precede it")
            _check(layer, self)
            seen.add(layer.name)
        kinds = [type(layer) for layer in self.layers]
        if not kinds or kinds[0] is not Input or kinds[-1] is not Head or kinds.count(Head) != 1:
            raise ConfigError("a network starts with an Input and ends with its one Head")

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def input(self) -> Input:
        return next(layer for layer in self.layers if isinstance(layer, Input))

    @property
    def head(self) -> Head:
        return next(layer for layer in self.layers if isinstance(layer, Head))

    @property
    def mvaus(self) -> tuple[Mvau, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Mvau))

    @property
    def hash(self) -> str:
        """SHA-256 of what the layers compute, 64 hex digits."""
        text = json.dumps([record(layer) for layer in self.layers], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of the layer's output for one sample."""
        match self[name]:
            case Input(shape=shape):
                return shape
            case Window() as layer:
                rows, columns = self.axes(name)
                channels = self.shape(layer.inputs[0])[-1]
                return (rows.out, columns.out, rows.kernel * columns.kernel * channels)
            case MaxPool() as layer:
                rows, columns = self.axes(name)
                return (rows.out, columns.out, len(layer.invert))
            case Flatten() as layer:
                return (math.prod(self.shape(layer.inputs[0])),)
            case Mvau() as layer:
                return (*self.shape(layer.inputs[0])[:-1], layer.mh)
            case Head() as layer:
                return (layer.classes,)

    def axes(self, name: str) -> tuple[Axis, Axis]:
        """How the windows of a Window or MaxPool lie along the rows and along the columns."""
        layer = self[name]
        assert isinstance(layer, Window | MaxPool)
        return axes(self.shape(layer.inputs[0]), layer.kernel, layer.stride, layer.padding)

    def window(self, layer: Layer) -> Window | None:
        """The Window that feeds the layer, if one does."""
        before = self[layer.inputs[0]] if layer.inputs else None
        return before if isinstance(before, Window) else None

    def positions(self, name: str) -> int:
        """Vectors an image in the layer's output."""
        return math.prod(self.shape(name)[:-1])

    def border(self, layer: Mvau) -> NDArray[np.int64]:
        """The border class of each output position of a layer with several: (oh, ow)."""
        window = self.window(layer)
        assert window is not None
        rows, columns = (axis.classes() for axis in self.axes(window.name))
        return np.asarray(rows[0][:, None] * len(columns[1]) + columns[0])

    def element(self, name: str) -> Element:
        """Element type of the layer's output."""
        match self[name]:
            case Input(element=element):
                return element
            case Window() | MaxPool() | Flatten() as layer:
                return self.element(layer.inputs[0])
            case Mvau() as layer:
                if layer.thresholds is not None:
                    return Bit()
                return Int(bits=signed_bits(*self.acc_range(name)), signed=True)
            case Head() as layer:
                return Int(bits=layer.width, signed=True)

    def acc_range(self, name: str) -> tuple[int, int]:
        """Least and largest accumulator of an Mvau over every input its element type can hold."""
        layer = self[name]
        assert isinstance(layer, Mvau)
        element = self.element(layer.inputs[0])
        if isinstance(element, Bit):
            return 0, layer.mw
        plus = layer.weights.sum(axis=1, dtype=np.int64)
        minus = layer.mw - plus
        return (
            int((plus * element.lo - minus * element.hi).min()),
            int((plus * element.hi - minus * element.lo).max()),
        )


def signed_bits(lo: int, hi: int) -> int:
    """Bits of the smallest two's complement integer that holds lo..hi."""
    return max((~lo if lo < 0 else lo).bit_length(), (~hi if hi < 0 else hi).bit_length()) + 1


def _check(layer: Layer, net: Net) -> None:
    """ConfigError where the layer's arrays do not fit each other or its inputs."""

    def need(holds: bool, rule: str) -> None:
        if not holds:
            raise ConfigError(f"layer {layer.name!r}: {rule}")

    match layer:
        case Input():
            need(len(layer.table) > 0 and min(layer.shape, default=0) > 0, "it is empty")
            element = layer.element
            lo, hi = (0, 1) if isinstance(element, Bit) else (element.lo, element.hi)
            need(layer.table.min() >= lo and layer.table.max() <= hi, f"table is not in {lo}..{hi}")
        case Window() | MaxPool():
            shape = net.shape(layer.inputs[0])
            need(len(shape) == 3, f"its input has the shape {shape}, not (height, width, channels)")
            need(min(layer.padding) >= 0, f"padding {layer.padding} is negative")
            for axis in net.axes(layer.name):
                need(min(axis.kernel, axis.stride) >= 1, "its kernel or its stride is below 1")
                need(axis.before < axis.kernel, f"padding {axis.before} fills a whole kernel")
                need(axis.out >= 1, f"{axis.size} inputs are less than a kernel of {axis.kernel}")
            _check_windows(layer, net, need)
        case Flatten():
            pass
        case Mvau():
            width = net.shape(layer.inputs[0])[-1]
            need(layer.mw == width, f"{layer.mw} weights a neuron, {width} inputs")
            need(bool((layer.weights <= 1).all()), "a weight is neither 0 nor 1")
            if layer.thresholds is not None:
                shape, window = layer.thresholds.shape, net.window(layer)
                classes = 1 if window is None else int(net.border(layer).max()) + 1
                allowed = {(1, layer.mh), (classes, layer.mh)}
                need(shape in allowed, f"thresholds of shape {shape}, not {max(allowed)}")
        case Head():
            shape = net.shape(layer.inputs[0])
            need(shape == (layer.classes,), f"{layer.classes} classes, inputs of shape {shape}")
            need(layer.bias.shape == layer.scale.shape, "scale and bias differ in length")
            need(1 <= layer.width <= 32, f"logits of {layer.width} bits, not 1..32")


def _check_windows(layer: Window | MaxPool, net: Net, need: Callable[[bool, str], None]) -> None:
    """What a Window and a MaxPool ask of their input's elements."""
    element = net.element(layer.inputs[0])
    if isinstance(layer, Window):
        lo, hi = (0, 1) if isinstance(element, Bit) else (element.lo, element.hi)
        need(lo <= layer.fill <= hi, f"fill {layer.fill} is not in {lo}..{hi}")
        return
    channels = net.shape(layer.inputs[0])[-1]
    need(isinstance(element, Bit), "only bits are pooled")
    need(layer.invert.shape == (channels,), f"invert is not of shape ({channels},)")
    real = all(axis.taps().any(axis=1).all() for axis in net.axes(layer.name))
    need(real, "a window holds nothing but padding")


def record(layer: Layer) -> dict[str, Any]:
    """The layer as JSON data; weights are rows of little-endian bytes in hexadecimal."""
    found: dict[str, Any] = {"kind": type(layer).__name__.lower()}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if field.name == "weights":
            packed = np.packbits(value, axis=1, bitorder="little")
            found |= {
                "mw": int(value.shape[1]),
                "weights": [row.tobytes().hex() for row in packed],
            }
        elif isinstance(value, np.ndarray):
            found[field.name] = value.tolist()
        elif isinstance(value, Bit | Int):
            signed = isinstance(value, Int) and value.signed
            kind = type(value).__name__.lower()
            found["element"] = {"kind": kind, "bits": value.bits, "signed": signed}
        else:
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found
