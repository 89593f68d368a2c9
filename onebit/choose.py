"""The folding of a network: the fastest that fits a board, or the cheapest for a rate; exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from onebit import cost
from onebit.board import Board
from onebit.cost import CEILING, RESOURCES, budget, cycles, interval, lanes
from onebit.errors import ConfigError
from onebit.folding import Fold, Folding, can_be_hardwired
from onebit.net import Layer, Mvau, Net, Window
from onebit.options import MS, Limits, Problem, problem, widths_behind
from onebit.resources import Cost
from onebit.solve import Choice


def best(
    net: Net,
    board: Board,
    clock_mhz: float,
    target_fps: float | None = None,
    ceiling: float = CEILING,
) -> Folding:
    """The fastest folding that fits so much of the board and its memory port, at least cost.

    With a target rate the cheapest one that reaches it, whatever the board. A lone image waits for
    its group, so vectors go side by side only where nothing else is as fast, or fits. ConfigError
    where the network cannot be that fast. Where nothing fits, the cheapest there is.
    """
    if target_fps is None:
        made, found = _fastest(net, board, ceiling)
    else:
        made, found = _cheapest(net, board, ceiling, _cycles_for(net, clock_mhz, target_fps))
    return made.folding(net, board, clock_mhz, found)


def _fastest(net: Net, board: Board, ceiling: float) -> tuple[Problem, Choice]:
    limits = Limits(port_bits=board.port_bits, room=Cost(*budget(board, ceiling)))
    kept, most = None, math.inf
    for ms in (1,), MS:
        rough = problem(net, board, ceiling, replace(limits, most=most, ms=ms, rough=True))
        if found := rough.chain.fastest(most):
            most = found.cycles
    for ms in (1,), MS:
        made = problem(net, board, ceiling, replace(limits, most=most, ms=ms))
        if found := made.chain.fastest(most):
            kept, most = (made, found), math.nextafter(found.cycles, 0)
    if kept is None:
        made = problem(net, board, ceiling, Limits(port_bits=board.port_bits))
        kept = made, made.cheapest(math.inf)
    return kept


def _cheapest(net: Net, board: Board, ceiling: float, most: float) -> tuple[Problem, Choice]:
    alone = problem(net, board, ceiling, Limits(most=most))
    found = alone.cheapest(most)
    if found.price(budget(board, ceiling)) <= 1:
        return alone, found
    shared = problem(net, board, ceiling, Limits(most=most, ms=MS))
    return shared, shared.cheapest(most)


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
    made = problem(net, board, CEILING, Limits())
    folding = made.folding(net, board, clock_mhz, made.cheapest(made.chain.intervals[0]))
    folds = dict(folding.layers)
    for layer in net.mvaus:
        if net.window(layer) is None and can_be_hardwired(net, layer):
            folds[layer.name] = Fold(pe=layer.mh, simd=layer.mw, style="hardwired")
    if folds == folding.layers:
        raise ConfigError("no layer can be hard-wired: none is dense with 1-bit inputs")
    return replace(folding, layers=folds)


def least(net: Net, layer: Layer) -> int:
    """The fewest cycles an image can take in a layer."""
    if isinstance(layer, Window):
        return min(cost.window_cycles(net, layer, simd) for simd in widths_behind(net, layer))
    pe, simd = lanes(net, layer)
    if isinstance(layer, Mvau):  # its window has cycles of its own
        return net.positions(layer.name)
    return cycles(net, layer, Fold(pe=pe, simd=simd))


def explained(net: Net, folding: Folding, board: Board, ceiling: float = CEILING) -> dict[str, Any]:
    """What limits the rate, what of the board is scarce, and what the next faster folding takes."""
    now, most = interval(net, folding), budget(board, ceiling)
    taken = cost.total(net, folding).vector
    shares = [part / there for part, there in zip(taken, most, strict=True)]
    rows = [_row(net, folding, layer, now) for layer in net.layers]
    limits = Limits(most=math.nextafter(now, 0), port_bits=board.port_bits, ms=MS)
    made = problem(net, board, ceiling, limits)
    faster = [each for each in made.chain.intervals if each < now]
    step = made.chain.cheapest(faster[-1]) if faster else None
    return {
        "ii_cycles": now,
        "slowest": [row["name"] for row in rows if row["cycles"] == now],
        "ceiling": ceiling,
        "resources": [
            {"name": name, "taken": part, "most": there}
            for name, part, there in zip(RESOURCES, taken, most, strict=True)
        ],
        "scarce": RESOURCES[shares.index(max(shares))],
        "layers": rows,
        "next": None if step is None else _step(step, folding.clock_mhz, most),
    }


def _row(net: Net, folding: Folding, layer: Layer, now: float) -> dict[str, Any]:
    fold = folding.layers[layer.name]
    taken, found = cycles(net, layer, fold) / fold.m, cost.layer_cost(net, folding, layer)
    return {
        "name": layer.name,
        "pe": fold.pe,
        "simd": fold.simd,
        "memory": fold.memory,
        "cycles": taken,
        "busy": taken / now,
        "least": least(net, layer),
        "cost": found.vector,
    }


def _step(step: Choice, clock_mhz: float, most: tuple[int, ...]) -> dict[str, Any]:
    return {
        "ii_cycles": round(step.cycles),
        "images_per_second": clock_mhz * 1e6 / step.cycles,
        "resources": [
            {"name": name, "taken": part, "most": there, "beyond": max(0, part - there)}
            for name, part, there in zip(RESOURCES, step.cost, most, strict=True)
        ],
    }
