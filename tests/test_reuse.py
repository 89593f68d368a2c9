"""Weight reuse: vectors side by side give golden's results, at the formula's rate, to the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import proof
import random_convs
import random_nets
import test_random_convs
import test_random_nets
from onebit import cost, fifos, flow, folding, golden, simulate
from onebit.driver import Accelerator
from onebit.errors import ConfigError
from onebit.folding import MOST_M, Folding
from onebit.lower import lower
from onebit.net import Mvau, Net

MOST_TRIED = 5  # vectors side by side: the builds stay small
IN_PROVE, IN_TEST = range(24), range(0, 24, 7)
IMAGES = 64


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    seeds = IN_PROVE if metafunc.config.getoption("--prove") else IN_TEST
    if "net_seed" in metafunc.fixturenames:
        metafunc.parametrize("net_seed", seeds)


def bordered(layer: Mvau) -> bool:
    return layer.thresholds is not None and len(layer.thresholds) > 1


def side_by_side(net: Net, folds: Folding, seed: int) -> Folding:
    """The folding with any numbers of vectors side by side, often the same in neighbours."""
    rng, chosen, m = np.random.default_rng(seed), dict(folds.layers), MOST_TRIED
    for layer in net.mvaus:
        if rng.random() < 0.6:
            m = int(rng.integers(1, MOST_TRIED + 1))
        if not bordered(layer):
            chosen[layer.name] = replace(chosen[layer.name], m=m)
    return folding.checked(replace(folds, layers=chosen), net)


def test_random_perceptrons(net_seed: int, tmp_path: Path, record_property) -> None:
    record_property("claim", "random perceptrons, vectors side by side: RTL = golden, II = formula")
    path = tmp_path / "random.onnx"
    raw = random_nets.write_model(net_seed, path)
    lowered = lower(path)
    folds = test_random_nets.random_folding(lowered.net, net_seed)
    folds = side_by_side(lowered.net, folds, net_seed)
    samples = test_random_nets.raw_samples(raw, (IMAGES, *lowered.net.input.shape), net_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", net_seed)


def test_random_convolutional_networks(net_seed: int, tmp_path: Path, record_property) -> None:
    record_property(
        "claim",
        "random convolutional networks, vectors side by side: RTL = golden, II = formula with the "
        "FIFO depths found",
    )
    path, lowered = test_random_convs.model(net_seed, tmp_path)
    folds = test_random_convs.random_folding(lowered.net, net_seed)
    folds = fifos.sized(lowered.net, side_by_side(lowered.net, folds, net_seed))
    samples = test_random_convs.raw_samples(lowered.net.input, 12, net_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", net_seed)
