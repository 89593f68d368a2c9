"""Brevitas' own networks, CNV-1W1A and LFC-1W1A, through the RTL; test_import has the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnn_pynq
from onebit import board, choose, flow, golden, simulate
from onebit.lower import lower

THROUGH_RTL = {"CNV_1W1A": 3, "LFC_1W1A": 100}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("--prove")  # the convolutional one takes minutes
    metafunc.parametrize("name", THROUGH_RTL if full else ["LFC_1W1A"])


def test_rtl_equals_golden(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / f"{name}.onnx"
    bnn_pynq.export(name, path, 1)
    lowered = lower(path, raw="uint8/255")
    folds = choose.best(lowered.net, board.load("pynq-z2"), 100.0)
    chosen = flow.Subject(name=name, model=path, title=name, data=None)
    flow.write(chosen, lowered, folds, tmp_path / "out")
    shape = (THROUGH_RTL[name], *lowered.net.input.shape)
    samples = np.random.default_rng(3).integers(0, 256, shape)
    elements = golden.encode(lowered.net.input, samples)
    found = simulate.run(tmp_path / "out", lowered.net, folds, elements)
    assert not len(simulate.compare(found, golden.run(lowered.net, samples)))
    record_property("claim", f"{name}: RTL = golden in every logit of {len(samples)} images")
