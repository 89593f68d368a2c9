"""FINN's estimates of a folding: its nodes are our layers, and where they must, they agree."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from onebit import board, choose, cost, report
from onebit.errors import MissingTool
from onebit.flow import Compiled
from onebit.folding import Folding
from onebit.lower.finn_estimate import estimates, nearest_divisor
from onebit.net import Flatten, Input, Mvau
from test_images import NET

BOARD = board.load("pynq-z2")


@pytest.fixture(scope="module")
def folds() -> Folding:
    """PE and SIMD divide, so that FINN can have the same."""
    chosen = choose.best(NET, BOARD, 100.0)
    edits = {"window": {"simd": 2}, "conv": {"simd": 2, "pe": 5}, "pool": {"pe": 5}}
    edits |= {"fc": {"pe": 3, "simd": 10}, "head": {"pe": 3}}
    layers = {name: replace(fold, **edits.get(name, {})) for name, fold in chosen.layers.items()}
    return replace(chosen, layers=layers)


def test_divisors_are_the_nearest():
    assert [nearest_divisor(12, n) for n in (1, 5, 7, 9, 12, 40)] == [1, 6, 6, 12, 12, 12]


def test_finn_has_our_layers_with_our_folding_and_our_cycles(folds):
    found = {each.layer: each for each in estimates(NET, folds, BOARD.part)}
    assert [*found] == [x.name for x in NET.layers if not isinstance(x, Input | Flatten)]
    for layer in NET.mvaus:
        fold, theirs = folds.layers[layer.name], found[layer.name]
        assert (theirs.pe, theirs.simd) == (fold.pe, fold.simd)
        assert theirs.cycles == cost.cycles(NET, layer, fold)
        assert theirs.lut > 300  # what a unit of theirs has beside its lanes
    assert found["head"].cycles == 1


def test_what_cannot_divide_is_said_and_slower_or_faster(folds):
    edited = replace(folds, layers={**folds.layers, "conv": replace(folds.layers["conv"], pe=4)})
    conv = next(each for each in estimates(NET, edited, BOARD.part) if each.layer == "conv")
    assert conv.pe == 5


def test_the_report_has_both_side_by_side(folds):
    compiled = Compiled(out=Path(), net=NET, folding=folds, facts={})
    rows = report.finn(compiled, BOARD.part)
    conv = next(row for row in rows if row["name"] == "conv")
    layer = NET["conv"]
    assert isinstance(layer, Mvau)
    assert conv["cycles"] == conv["finn_cycles"] == cost.cycles(NET, layer, folds.layers["conv"])
    assert conv["lut"] == cost.layer_cost(NET, folds, layer).vector[0] < conv["finn_lut"]


def test_what_finn_lacks_is_named(folds, monkeypatch):
    monkeypatch.setitem(sys.modules, "onebit.lower.finn_estimate", None)
    compiled = Compiled(out=Path(), net=NET, folding=folds, facts={})
    with pytest.raises(MissingTool, match="cannot be imported"):
        report.finn(compiled, BOARD.part)
