"""The cost model beside a synthesis of the same accelerator, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onebit import cost
from onebit.folding import Folding
from onebit.net import Net

Facts = dict[str, Any]
RESOURCES = ("lut", "ff", "bram36", "dsp")


def compared(net: Net, folding: Folding, measured: Iterable[Mapping[str, Any]]) -> list[Facts]:
    """A row a layer, the sums last: each resource as (estimate, measured).

    `measured` has a row with a `name` and these resources for each layer that takes something, its
    converter and its FIFO included, as `onebit synth` counts them; what belongs to no layer is
    compared with nothing.
    """
    found = {row["name"]: [row[key] for key in RESOURCES] for row in measured}
    rows = {
        layer.name: _estimate(cost.layer_cost(net, folding, layer).vector) for layer in net.layers
    }
    nothing = [0.0] * len(RESOURCES)
    names = dict.fromkeys([*rows, *found])
    pairs = {name: (rows.get(name, nothing), found.get(name, nothing)) for name in names}
    sides = zip(*pairs.values(), strict=True)
    sums = [[sum(column) for column in zip(*side, strict=True)] for side in sides]
    return [
        {"name": name, **dict(zip(RESOURCES, zip(*both, strict=True), strict=True))}
        for name, both in [*pairs.items(), ("in all", sums)]
    ]


def _estimate(taken: tuple[int, int, int, int]) -> list[float]:
    lut, ff, bram18, dsp = taken
    return [lut, ff, bram18 / 2, dsp]


def error(pair: tuple[float, float]) -> float:
    """How far an estimate is from what was measured, as a part of that."""
    estimate, measured = pair
    return (estimate - measured) / measured if measured else float(estimate != 0)
