"""Folding: files that do not fit are refused, formulas hold, the even choice meets its rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebit import board, choose, cost, folding
from onebit.errors import ConfigError
from onebit.folding import Fold
from onebit.net import Net
from test_net import layers

BOARD = board.load("pynq-z2")
NET = Net(layers=layers())


def changed(**edits) -> folding.Folding:
    """A valid folding of NET with the fold of fc1 edited."""
    folds = choose.even(NET, BOARD, 100.0)
    fold = replace(folds.layers["fc1"], **edits)
    return replace(folds, layers={**folds.layers, "fc1": fold})


def test_the_file_reads_back_as_it_was():
    folds = changed(pe=2, simd=3, fifo=9)
    assert folding.from_toml(folding.to_toml(folds), "f") == folds


@pytest.mark.parametrize(
    ("edits", "rule"),
    [
        ({"pe": 4}, "pe=4 is not in 1..3"),
        ({"simd": 0}, "simd=0 is not in 1..5"),
        ({"fifo": 1}, "fifo=1"),
        ({"m": 17}, "m=17 is not in 1..16"),
        ({"style": "hardwired"}, "no Mvau of 1-bit inputs"),
        ({"memory": "bram"}, "only 'auto'"),
    ],
)
def test_folds_that_do_not_fit_are_refused(edits, rule):
    with pytest.raises(ConfigError, match=rule):
        folding.checked(changed(**edits), NET)


def test_another_networks_folding_is_refused():
    with pytest.raises(ConfigError, match="is for network"):
        folding.checked(replace(changed(), net_hash="0" * 64), NET)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("pe = 1", "pe = 1.5", "not a whole number"),
        ("pe = 1", "color = 1", "unknown key 'color'"),
        ('style = "folded"', 'style = "flat"', "is not in"),
        ("format = 1", "format = 9", "format 9"),
        ("format = 1", "format = = 1", "not TOML"),
        ("board", "boat", "'board' is missing"),
    ],
)
def test_a_broken_file_names_what_is_wrong(old, new, rule):
    text = folding.to_toml(choose.even(NET, BOARD, 100.0)).replace(old, new, 1)
    with pytest.raises(ConfigError, match=rule):
        folding.from_toml(text, "folding.toml")


@pytest.mark.parametrize("seed", range(10))
def test_a_target_rate_is_met_with_no_lane_to_spare(seed):
    rng = np.random.default_rng(seed)
    most = int(rng.integers(1, 16))
    folds = choose.even(NET, BOARD, 100.0, 100e6 / most)
    assert cost.interval(NET, folds) <= most
    for layer in NET.mvaus:
        fold = folds.layers[layer.name]
        lanes = [
            pe * simd
            for pe in range(1, layer.mh + 1)
            for simd in range(1, layer.mw + 1)
            if cost.cycles(NET, layer, Fold(pe=pe, simd=simd)) <= most
        ]
        assert fold.pe * fold.simd == min(lanes)


@pytest.mark.parametrize("rate", [0, -1, 1e12])
def test_rates_that_cannot_be_are_refused(rate):
    with pytest.raises(ConfigError, match="images/s"):
        choose.even(NET, BOARD, 100.0, rate)
