"""The streams between units, and the modules that turn an output into the next input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from onebit.cost import input_beats, input_lanes, output_lanes
from onebit.folding import Folding
from onebit.net import Layer, Mvau, Net, Window
from onebit.pack import ceil_div
from onebit.reuse import gathered, scattered

GROUPS_A_UNIT = 16  # more than an Mvau and the converter behind it can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream between units: `vectors` an image of `n` elements of `bits` bits, `lanes` a beat.

    `m` vectors go side by side, vector i in the i-th slice of a beat.
    """

    name: str
    vectors: int
    n: int
    bits: int
    lanes: int
    m: int = 1

    @property
    def width(self) -> int:
        return self.m * self.lanes * self.bits

    @property
    def beats(self) -> int:
        """Beats of one image alone."""
        return ceil_div(self.vectors, self.m) * ceil_div(self.n, self.lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """A module that a stream passes, `beats` each vector of what is calculated with."""

    module: Literal["scatter", "width_converter", "fifo", "gather"]
    before: Stream
    after: Stream
    beats: int


def output_stream(net: Net, folding: Folding, name: str) -> Stream:
    """The stream that layer `name` puts out."""
    layer, fold = net[name], folding.layers[name]
    *_, n = net.shape(name)
    vectors, lanes = net.positions(name), output_lanes(layer, fold)
    if isinstance(layer, Window):
        *_, channels = net.shape(layer.inputs[0])
        if lanes <= channels:  # a vector is a pixel of a patch
            n, vectors = channels, vectors * n // channels
    bits = net.element(name).bits
    return Stream(name=name, vectors=vectors, n=n, bits=bits, lanes=lanes, m=fold.m)


def joints(net: Net, folding: Folding, layer: Layer) -> Iterator[Joint]:
    """What a stream passes on its way to the layer's unit.

    The FIFO is where beats are wide: ahead of a converter that narrows them and takes longer for a
    vector than it came in, behind one that widens them.
    """
    fold, stream = folding.layers[layer.name], output_stream(net, folding, layer.inputs[0])
    lanes, name = input_lanes(net, layer, fold), layer.name
    if scattered(folding, layer):
        after = replace(stream, name=f"{name}_scatter", m=1)
        beats = ceil_div(stream.n, stream.lanes)
        yield Joint(module="scatter", before=stream, after=after, beats=beats)
        stream = after
    for step in ("fifo", "width") if lanes < stream.lanes else ("width", "fifo"):
        after = replace(stream, name=f"{name}_{step}")
        beats = ceil_div(stream.n, stream.lanes)
        if step == "fifo":
            yield Joint(module="fifo", before=stream, after=after, beats=beats)
        elif lanes == stream.lanes:
            continue
        else:
            after = replace(after, lanes=lanes)
            yield Joint(module="width_converter", before=stream, after=after, beats=beats)
        stream = after
    if isinstance(layer, Mvau) and gathered(folding, layer):
        after = replace(stream, name=f"{name}_gather", m=fold.m)
        beats = input_beats(net, layer, fold.simd)
        yield Joint(module="gather", before=stream, after=after, beats=beats)


def fifo_stream(net: Net, folding: Folding, name: str) -> Stream:
    """What passes the FIFO of layer `name`."""
    return next(joint.after for joint in joints(net, folding, net[name]) if joint.module == "fifo")


def region(net: Net, folding: Folding, name: str) -> list[Mvau]:
    """The layers around `name` that hand vectors on side by side, from gather to scatter."""
    regions: list[list[Mvau]] = []
    for layer in net.mvaus:
        if gathered(folding, layer):
            regions.append([])
        if folding.layers[layer.name].m > 1:
            regions[-1].append(layer)
    return next(layers for layers in regions if any(layer.name == name for layer in layers))


def groups_under_way(folding: Folding, layers: list[Mvau]) -> int:
    """The most groups of vectors between the gather ahead of `layers` and the scatter behind."""
    return sum(GROUPS_A_UNIT + folding.layers[layer.name].fifo for layer in layers)


def group_cycles(net: Net, folding: Folding, layers: list[Mvau]) -> int:
    """The cycles that the slowest of `layers`, or the scatter behind them, takes for a group."""
    folds = [(layer, folding.layers[layer.name]) for layer in layers]
    words = [ceil_div(layer.mh, fold.pe) for layer, fold in folds]
    beats = [input_beats(net, layer, fold.simd) for layer, fold in folds]
    passes = [before * behind for before, behind in zip(beats, words, strict=True)]
    return max(*passes, folds[-1][1].m * words[-1])
