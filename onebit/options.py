"""What foldings there are: every useful fold of each stage, and the chain of what they cost.

Layers are stages of a chain (a Window and the Mvau behind it are one, they share SIMD), every
useful fold of a stage is an option, and onebit/solve.py finds the best choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from onebit import cost
from onebit.board import Board
from onebit.cost import RESOURCES, budget, cycles, input_beats, lanes
from onebit.folding import Fold, Folding, Memory, can_share
from onebit.net import Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window
from onebit.pack import ceil_div
from onebit.resources import Cost
from onebit.shapes import shape
from onebit.solve import Chain, Choice, Option, Side, Vector

Stage = tuple[Layer, ...]
Folds = tuple[Fold, ...]  # of the layers of a stage
# Vectors side by side that share a word of weights in block RAM: with four, an XC7Z020's block RAMs
# feed about as many LUTs as it has.
MS = (1, 2, 4)
FIFO = 2  # entries, as cost counts them: the search of onebit/fifos.py finds few that need more


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Which folds are looked at."""

    most: float = math.inf  # cycles an image
    port_bits: int | None = None  # that come in a cycle
    room: Cost | None = None  # what all stages together may take
    ms: tuple[int, ...] = (1,)  # vectors side by side, the most last
    rough: bool = False  # of an Mvau's lanes only those that take a power of two of beats


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A network's stages, the folds that each can have, and the chain of what they cost."""

    stages: list[Stage]
    folds: list[list[Folds]]
    chain: Chain

    def cheapest(self, most: float) -> Choice:
        """The choice of the lowest price, where the limits leave one."""
        found = self.chain.cheapest(most)
        assert found
        return found

    def folding(self, net: Net, board: Board, clock_mhz: float, choice: Choice) -> Folding:
        """The folding that a choice is."""
        chosen: dict[str, Fold] = {}
        for layers, folds, pick in zip(self.stages, self.folds, choice.picks, strict=True):
            chosen |= {layer.name: fold for layer, fold in zip(layers, folds[pick], strict=True)}
        return Folding(net_hash=net.hash, board=board.name, clock_mhz=clock_mhz, layers=chosen)


def problem(net: Net, board: Board, ceiling: float, limits: Limits) -> Problem:
    """Every folding of the network within the limits."""
    stages: list[Stage] = []
    for layer in net.layers:
        if isinstance(layer, Mvau) and (window := net.window(layer)):
            stages[-1] = (window, layer)
        else:
            stages.append((layer,))
    folds: list[list[Folds]] = []
    for stage in stages:
        folds.append(list(_folds(net, stage, limits)))
        if not folds[-1]:  # then there is no choice, whatever the others can do
            folds = [[] for _ in stages]
            break
    if limits.room and all(folds):
        folds = _fitting(net, stages, folds, limits.room)
    options = [
        [_option(net, stage, each) for each in found]
        for stage, found in zip(stages, folds, strict=True)
    ]

    def between(at: int, given: Side, taken: Side) -> tuple[float, Vector]:
        (lanes_in, m_in), (lanes_out, m_out) = given, taken
        if 1 != m_in != m_out != 1:  # groups of one size made of groups of another: not tried
            return math.inf, (0,) * len(RESOURCES)
        return _joint(net, stages[at][0], (lanes_in, m_in), (lanes_out, m_out))

    chain = Chain(options, between, budget(board, ceiling))
    return Problem(stages=stages, folds=folds, chain=chain)


def _fitting(
    net: Net, stages: list[Stage], folds: list[list[Folds]], room: Cost
) -> list[list[Folds]]:
    """The folds that leave room for the other stages, by what takes most and is quickly told."""
    found = []
    for stage, mine in zip(stages, folds, strict=True):
        layer, bounds = stage[-1], np.zeros((len(mine), 2))
        if isinstance(layer, Mvau):
            parts = [cost.weights_and_dots(net, layer, each[-1]) for each in mine]
            bounds[:] = [(part.lut, part.bram18) for part in parts]
        found.append(bounds)
    least = [bounds.min(axis=0) for bounds in found]
    spare = np.array((room.lut, room.bram18)) - sum(least)
    return [
        [mine[row] for row in np.flatnonzero((bounds <= spare + own).all(axis=1))]
        for mine, bounds, own in zip(folds, found, least, strict=True)
    ]


def _joint(net: Net, layer: Layer, given: cost.Side, taken: cost.Side) -> tuple[float, Vector]:
    """Cycles and cost of what is in front of a layer."""
    passing = cost.regrouping(net, layer, given, taken).values()
    return max(passing, default=0), cost.before(net, layer, given, taken, FIFO).vector


def _option(net: Net, stage: Stage, folds: Folds) -> Option:
    units = [*zip(stage, folds, strict=True)]
    found = sum((cost.unit(net, layer, fold) for layer, fold in units), Cost())
    taken = max(cycles(net, layer, fold) / fold.m for layer, fold in units)
    if len(stage) > 1:
        given = cost.output_side(stage[0], folds[0])
        passing, extra = _joint(net, stage[1], given, cost.input_side(net, stage[1], folds[1]))
        found, taken = found + Cost(*extra), max(taken, passing)
    return Option(
        cycles=taken,
        cost=found.vector,
        takes=cost.input_side(net, stage[0], folds[0]),
        gives=cost.output_side(stage[-1], folds[-1]),
    )


def _folds(net: Net, stage: Stage, limits: Limits) -> Iterator[Folds]:
    """The useful folds of a stage; other styles would be further ones."""
    if isinstance(stage[-1], Mvau):
        yield from _mvau_folds(net, stage, stage[-1], limits)
        return
    (layer,) = stage
    for fold in _simple_folds(net, layer, limits.port_bits):
        if cycles(net, layer, fold) <= limits.most:
            yield (fold,)


def _simple_folds(net: Net, layer: Layer, port_bits: int | None) -> Iterator[Fold]:
    most_pe, most_simd = lanes(net, layer)
    match layer:
        case Input():
            most = most_simd if port_bits is None else max(1, port_bits // layer.element.bits)
            fitting = [simd for simd in parts(most_simd) if simd <= most]
            yield from (Fold(simd=simd) for simd in [*fitting, min(most, most_simd)])
        case Flatten():
            yield from (Fold(simd=n) for n in range(1, most_simd + 1) if most_simd % n == 0)
        case MaxPool() | Head():
            yield from (Fold(pe=pe) for pe in parts(most_pe))


def _mvau_folds(net: Net, stage: Stage, layer: Mvau, limits: Limits) -> Iterator[Folds]:
    """Of an Mvau, and of the Window in front of it if there is one."""
    window = stage[0] if isinstance(stage[0], Window) else None
    widths = widths_behind(net, window) if window else parts(layer.mw, limits.rough)
    positions, mh = shape(net, layer.name).positions, layer.mh
    for simd in widths:
        rows = [*_window_folds(net, window, simd, limits)] if window else [()]
        beats = input_beats(net, layer, simd)
        for pe in parts(mh, limits.rough) if rows else ():
            folds = beats * ceil_div(mh, pe)
            least = positions * folds / limits.most
            if least > limits.ms[-1]:  # and less so with fewer neurons a cycle
                break
            for memory, m in _ways(layer, folds, limits.ms):
                # A unit takes a vector in bursts; room for a whole one keeps its producer running.
                fold = Fold(pe=pe, simd=simd, m=m, memory=memory, fifo=max(2, beats))
                if m >= least:
                    yield from ((*each, fold) for each in rows)


def _ways(layer: Mvau, words: int, ms: tuple[int, ...]) -> Iterator[tuple[Memory, int]]:
    """Where so many words of weights can lie, and how many vectors may share them."""
    if 1 in ms:
        yield "logic", 1
    if words > 1:
        yield from (("bram", m) for m in ms if m == 1 or can_share(layer))


def _window_folds(net: Net, window: Window, simd: int, limits: Limits) -> Iterator[Folds]:
    own = shape(net, window.name)
    assert own.columns
    if cost.window_cycles(net, window, simd) > limits.most:
        return
    fifo = max(2, 2 * own.columns.size * ceil_div(own.channels, min(simd, own.channels)))
    kinds: tuple[Memory, ...] = ("lutram", "bram") if simd <= own.channels else ("auto",)
    yield from ((Fold(simd=simd, memory=memory, fifo=fifo),) for memory in kinds)


@lru_cache
def parts(n: int, rough: bool = False) -> tuple[int, ...]:
    """The useful numbers of lanes for n elements, one for each number of beats; the most first."""
    beats = (1 << each for each in range(n.bit_length())) if rough else range(1, n + 1)
    return tuple(dict.fromkeys(ceil_div(n, each) for each in beats))


def widths_behind(net: Net, window: Window) -> list[int]:
    """The useful SIMDs behind a window: parts of a pixel, and several whole ones."""
    own = shape(net, window.name)
    assert own.rows and own.columns
    pixels = own.rows.kernel * own.columns.kernel
    return [*parts(own.channels), *(own.channels * n for n in parts(pixels) if n > 1)]
