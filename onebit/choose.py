"""The folding of a network: the fastest that fits a board, or the cheapest for a rate; exactly.

Layers are stages of a chain (a Window and the Mvau behind it are one, they share SIMD), every
useful fold of a stage is an option, and onebit/solve.py finds the best choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from onebit.board import Board
from onebit.cost import (
    CEILING,
    RESOURCES,
    before,
    budget,
    cycles,
    input_beats,
    input_lanes,
    interval,
    lanes,
    layer_cost,
    output_lanes,
    shape,
    total,
    unit,
    window_cycles,
)
from onebit.errors import ConfigError
from onebit.folding import Fold, Folding, Memory, can_be_hardwired
from onebit.net import Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window
from onebit.pack import ceil_div
from onebit.resources import Cost
from onebit.solve import Chain, Choice, Option, Side, Vector

Folds = tuple[Fold, ...]  # of the layers of a stage
FIFO = 2  # entries, as cost counts them: the search of onebit/fifos.py finds few that need more


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A network's stages, the folds that each can have, and the chain of what they cost."""

    stages: list[tuple[Layer, ...]]
    folds: list[list[Folds]]
    chain: Chain

    def folding(self, net: Net, board: Board, clock_mhz: float, choice: Choice) -> Folding:
        """The folding that a choice is."""
        chosen: dict[str, Fold] = {}
        for layers, folds, pick in zip(self.stages, self.folds, choice.picks, strict=True):
            chosen |= {layer.name: fold for layer, fold in zip(layers, folds[pick], strict=True)}
        return Folding(net_hash=net.hash, board=board.name, clock_mhz=clock_mhz, layers=chosen)


def best(
    net: Net,
    board: Board,
    clock_mhz: float,
    target_fps: float | None = None,
    ceiling: float = CEILING,
) -> Folding:
    """The fastest folding that fits so much of the board and its memory port, at least cost.

    With a target rate the cheapest one that reaches it, whatever the board. ConfigError where the
    network cannot be that fast. Where nothing fits, the cheapest there is.
    """
    most = None if target_fps is None else _cycles_for(net, clock_mhz, target_fps)
    made = problem(net, board, ceiling, port=most is None)
    found = made.chain.fastest() if most is None else made.chain.cheapest(most)
    if found is None:
        found = made.chain.cheapest(made.chain.intervals[-1])
    assert found
    return made.folding(net, board, clock_mhz, found)


def _cycles_for(net: Net, clock_mhz: float, target_fps: float) -> int:
    """The cycles an image that a rate allows."""
    floor = max(least(net, layer) for layer in net.layers)
    most = int(min(clock_mhz * 1e6 / target_fps, 1e18)) if target_fps > 0 else 0
    if most < floor:
        raise ConfigError(
            f"{target_fps:,.0f} images/s at {clock_mhz:g} MHz is {most:,} cycles an image; "
            f"this network takes at least {floor:,}",
            hint=f"ask for more than 0 and at most {clock_mhz * 1e6 / floor:,.0f} images/s",
        )
    return most


def hardwired(net: Net, board: Board, clock_mhz: float) -> Folding:
    """The fastest folding, the weights of dense 1-bit layers as logic; ConfigError without any."""
    made = problem(net, board, port=False)
    fastest = made.chain.cheapest(made.chain.intervals[0])
    assert fastest
    folding = made.folding(net, board, clock_mhz, fastest)
    folds = dict(folding.layers)
    for layer in net.mvaus:
        if net.window(layer) is None and can_be_hardwired(net, layer):
            folds[layer.name] = Fold(pe=layer.mh, simd=layer.mw, style="hardwired")
    if folds == folding.layers:
        raise ConfigError("no layer can be hard-wired: none is dense with 1-bit inputs")
    return replace(folding, layers=folds)


def problem(net: Net, board: Board, ceiling: float = CEILING, *, port: bool = True) -> Problem:
    """Every folding of the network; `port`: none that takes more bits a cycle than come."""
    stages: list[tuple[Layer, ...]] = []
    for layer in net.layers:
        window = net.window(layer)
        if window and isinstance(layer, Mvau):
            stages[-1] = (window, layer)
        else:
            stages.append((layer,))
    folds = [list(_folds(net, stage, board.port_bits if port else None)) for stage in stages]
    options = [
        [_option(net, stage, each) for each in found]
        for stage, found in zip(stages, folds, strict=True)
    ]

    def between(at: int, given: Side, taken: Side) -> tuple[float, Vector]:
        return 0, before(net, stages[at][0], given[0], taken[0], FIFO).vector

    chain = Chain(options, between, budget(board, ceiling))
    return Problem(stages=stages, folds=folds, chain=chain)


def _option(net: Net, stage: tuple[Layer, ...], folds: Folds) -> Option:
    cost = sum((unit(net, layer, fold) for layer, fold in zip(stage, folds, strict=True)), Cost())
    if len(stage) > 1:
        cost += before(net, stage[1], folds[0].simd, folds[1].simd, FIFO)
    return Option(
        cycles=max(
            cycles(net, layer, fold) / fold.m for layer, fold in zip(stage, folds, strict=True)
        ),
        cost=cost.vector,
        takes=(input_lanes(net, stage[0], folds[0]),),
        gives=(output_lanes(stage[-1], folds[-1]),),
    )


def _folds(net: Net, stage: tuple[Layer, ...], port_bits: int | None) -> Iterator[Folds]:
    """The useful folds of a stage; other styles and weight reuse would be further ones."""
    most_pe, most_simd = lanes(net, stage[-1])
    match stage:
        case (Input() as layer,):
            most = most_simd if port_bits is None else max(1, port_bits // layer.element.bits)
            fitting = [simd for simd in _parts(most_simd) if simd <= most]
            yield from ((Fold(simd=simd),) for simd in [*fitting, min(most, most_simd)])
        case (Flatten() as layer,):
            yield from ((Fold(simd=n),) for n in range(1, most_simd + 1) if most_simd % n == 0)
        case (MaxPool() | Head(),):
            yield from ((Fold(pe=pe),) for pe in _parts(most_pe))
        case (Mvau() as layer,):
            for simd in _parts(most_simd):
                yield from ((fold,) for fold in _mvau_folds(net, layer, simd))
        case (Window() as window, Mvau() as layer):
            for simd in _widths(net, window):
                for rows in _window_folds(net, window, simd):
                    yield from ((rows, fold) for fold in _mvau_folds(net, layer, simd))


def _mvau_folds(net: Net, layer: Mvau, simd: int) -> Iterator[Fold]:
    beats = input_beats(net, layer, simd)
    # A unit takes a vector in bursts; room for a whole one keeps its producer from waiting.
    fifo = max(2, beats)
    for pe in _parts(layer.mh):
        yield Fold(pe=pe, simd=simd, memory="logic", fifo=fifo)
        if beats * ceil_div(layer.mh, pe) > 1:
            yield Fold(pe=pe, simd=simd, memory="bram", fifo=fifo)


def _window_folds(net: Net, window: Window, simd: int) -> Iterator[Fold]:
    own = shape(net, window.name)
    assert own.columns
    fifo = max(2, 2 * own.columns.size * ceil_div(own.channels, min(simd, own.channels)))
    kinds: tuple[Memory, ...] = ("lutram", "bram") if simd <= own.channels else ("auto",)
    yield from (Fold(simd=simd, memory=memory, fifo=fifo) for memory in kinds)


def _parts(n: int) -> list[int]:
    """The useful numbers of lanes for n elements: one for each number of beats."""
    return list(dict.fromkeys(ceil_div(n, beats) for beats in range(1, n + 1)))


def _widths(net: Net, window: Window) -> list[int]:
    """The useful SIMDs behind a window: parts of a pixel, and several whole ones."""
    own = shape(net, window.name)
    assert own.rows and own.columns
    pixels = own.rows.kernel * own.columns.kernel
    return [*_parts(own.channels), *(own.channels * n for n in _parts(pixels) if n > 1)]


def least(net: Net, layer: Layer) -> int:
    """The fewest cycles an image can take in a layer."""
    if isinstance(layer, Window):
        return min(window_cycles(net, layer, simd) for simd in _widths(net, layer))
    pe, simd = lanes(net, layer)
    if isinstance(layer, Mvau):  # its window has cycles of its own
        return net.positions(layer.name)
    return cycles(net, layer, Fold(pe=pe, simd=simd))


def explained(net: Net, folding: Folding, board: Board, ceiling: float = CEILING) -> dict[str, Any]:
    """What limits the rate, what of the board is scarce, and what the next faster folding takes."""
    now, most = interval(net, folding), budget(board, ceiling)
    taken = total(net, folding).vector
    shares = [cost / there for cost, there in zip(taken, most, strict=True)]
    rows = [_row(net, folding, layer, now) for layer in net.layers]
    made = problem(net, board, ceiling)
    faster = [each for each in made.chain.intervals if each < now]
    step = made.chain.cheapest(faster[-1]) if faster else None
    return {
        "ii_cycles": now,
        "slowest": [row["name"] for row in rows if row["cycles"] == now],
        "ceiling": ceiling,
        "resources": [
            {"name": name, "taken": cost, "most": there}
            for name, cost, there in zip(RESOURCES, taken, most, strict=True)
        ],
        "scarce": RESOURCES[shares.index(max(shares))],
        "layers": rows,
        "next": None if step is None else _step(step, folding.clock_mhz, most),
    }


def _row(net: Net, folding: Folding, layer: Layer, now: float) -> dict[str, Any]:
    fold = folding.layers[layer.name]
    taken, cost = cycles(net, layer, fold) / fold.m, layer_cost(net, folding, layer)
    return {
        "name": layer.name,
        "pe": fold.pe,
        "simd": fold.simd,
        "memory": fold.memory,
        "cycles": taken,
        "busy": taken / now,
        "least": least(net, layer),
        "cost": cost.vector,
    }


def _step(step: Choice, clock_mhz: float, most: tuple[int, ...]) -> dict[str, Any]:
    return {
        "ii_cycles": round(step.cycles),
        "images_per_second": clock_mhz * 1e6 / step.cycles,
        "resources": [
            {"name": name, "taken": cost, "most": there, "beyond": max(0, cost - there)}
            for name, cost, there in zip(RESOURCES, step.cost, most, strict=True)
        ],
    }
