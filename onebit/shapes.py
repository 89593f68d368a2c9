"""What of a layer its cycles and its cost depend on, besides its fold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from onebit.geometry import Axis
from onebit.net import Bit, MaxPool, Mvau, Net, Window, signed_bits

CACHED = 1024  # layers whose shape is kept: a folding is chosen among thousands


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`n` elements of `bits` bits are a vector of a layer's input, `channels` those of a pixel.

    rows, columns: of a Window or MaxPool, or of the Window before an Mvau.
    """

    n: int
    bits: int
    bipolar: bool
    channels: int
    positions: int
    rows: Axis | None = None
    columns: Axis | None = None
    held: int = 0  # rows in a window's ring
    acc: int = 0  # bits of an accumulator


@lru_cache(maxsize=CACHED)
def shape(net: Net, name: str) -> Shape:
    """The shape of layer `name`."""
    layer = net[name]
    source = layer.inputs[0] if layer.inputs else name
    element, *_, n = net.element(source), *net.shape(source)
    rows = columns = None
    held, acc, channels = 0, 0, n
    if isinstance(layer, Window | MaxPool):
        rows, columns = net.axes(name)
    if isinstance(layer, Window):
        held = net.axes(name)[0].ring()
    if isinstance(layer, Mvau):
        if window := net.window(layer):
            rows, columns = net.axes(window.name)
            channels = net.shape(window.inputs[0])[-1]
        low, high = net.acc_range(name)
        spans = layer.thresholds is not None  # preloaded with minus the threshold
        acc = signed_bits(low - high - 1, high - low) if spans else signed_bits(low, high)
    return Shape(
        n=n,
        bits=element.bits,
        bipolar=isinstance(element, Bit),
        channels=channels,
        positions=net.positions(name),
        rows=rows,
        columns=columns,
        held=held,
        acc=acc,
    )
