"""The Net: a small, frozen, validated description of a 1-bit network, between sources and outputs.

Tensors are NHWC. A bit 1 means +1, a bit 0 means -1. Everything here is integers; only `Input`
and `Head` carry the real scales that tie the integers to the source network.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError

FORMAT = 1


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
class Mvau:
    """Matrix-vector-activation unit over the last axis.

    weights: {0,1} of shape (mh, mw). On bits `acc` counts agreeing bits, 0..mw; on integers it is
    the sum of +-x. thresholds: (border classes, mh), a bit is `acc >= threshold`; None puts the
    accumulators out.
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


Layer = Input | Mvau | Head
KINDS = {"input": Input, "mvau": Mvau, "head": Head}


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
        text = json.dumps([_record(layer) for layer in self.layers], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of the layer's output for one sample."""
        match self[name]:
            case Input(shape=shape):
                return shape
            case Mvau() as layer:
                return (*self.shape(layer.inputs[0])[:-1], layer.mh)
            case Head() as layer:
                return (layer.classes,)

    def element(self, name: str) -> Element:
        """Element type of the layer's output."""
        match self[name]:
            case Input(element=element):
                return element
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
        case Mvau():
            width = net.shape(layer.inputs[0])[-1]
            need(layer.mw == width, f"{layer.mw} weights a neuron, {width} inputs")
            need(bool((layer.weights <= 1).all()), "a weight is neither 0 nor 1")
            if layer.thresholds is not None:
                shape = layer.thresholds.shape
                need(shape == (1, layer.mh), f"thresholds of shape {shape}, not (1, {layer.mh})")
        case Head():
            width = net.shape(layer.inputs[0])[-1]
            need(layer.classes == width, f"{layer.classes} classes, {width} inputs")
            need(layer.bias.shape == layer.scale.shape, "scale and bias differ in length")
            need(1 <= layer.width <= 32, f"logits of {layer.width} bits, not 1..32")


def _record(layer: Layer) -> dict[str, Any]:
    """The layer as JSON data; weights are rows of little-endian bytes in hexadecimal."""
    record: dict[str, Any] = {"kind": type(layer).__name__.lower()}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if field.name == "weights":
            packed = np.packbits(value, axis=1, bitorder="little")
            record |= {
                "mw": int(value.shape[1]),
                "weights": [row.tobytes().hex() for row in packed],
            }
        elif isinstance(value, np.ndarray):
            record[field.name] = value.tolist()
        elif isinstance(value, Bit | Int):
            signed = isinstance(value, Int) and value.signed
            kind = type(value).__name__.lower()
            record["element"] = {"kind": kind, "bits": value.bits, "signed": signed}
        else:
            record[field.name] = list(value) if isinstance(value, tuple) else value
    return record


def _layer(record: dict[str, Any]) -> Layer:
    """The layer that `_record` wrote."""
    data = dict(record)
    kind = KINDS[data.pop("kind")]
    if "weights" in data:
        rows = [np.frombuffer(bytes.fromhex(row), dtype=np.uint8) for row in data["weights"]]
        mw = data.pop("mw")
        data["weights"] = np.unpackbits(np.stack(rows), axis=1, count=mw, bitorder="little")
    if "element" in data:
        element = data["element"]
        is_bit = element["kind"] == "bit"
        data["element"] = Bit() if is_bit else Int(bits=element["bits"], signed=element["signed"])
    for name in ("table", "thresholds", "scale", "bias"):
        if isinstance(data.get(name), list):
            data[name] = np.array(data[name], dtype=np.int64)
    for name in ("inputs", "shape"):
        if name in data:
            data[name] = tuple(data[name])
    layer: Layer = kind(**data)
    return layer


def to_json(net: Net) -> str:
    """`net.json`: versioned, one layer a line, byte-identical for equal networks."""
    layers = ",\n".join("  " + json.dumps(_record(layer)) for layer in net.layers)
    head = {"format": FORMAT, "title": net.title, "source": net.source, "hash": net.hash}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "\n".join(["{", *lines, ' "layers": [', layers, " ]", "}", ""])


def from_json(text: str, where: str = "net.json") -> Net:
    """The network in `text`; ConfigError where it is not one, or is not what its hash says."""
    try:
        data = json.loads(text)
        version = data["format"]
        if version != FORMAT:
            raise ConfigError(f"{where}: format {version!r}, this onebit reads {FORMAT}")
        layers = tuple(_layer(record) for record in data["layers"])
        net = Net(layers=layers, title=data["title"], source=data["source"])
        written = data["hash"]
    except (KeyError, TypeError, ValueError) as reason:
        raise ConfigError(
            f"{where}: not a network description ({reason!r})",
            hint="onebit compile writes a new one",
        ) from None
    if net.hash != written:
        raise ConfigError(
            f"{where}: its layers do not have the hash that it states",
            hint="onebit compile writes a new one",
        )
    return net
