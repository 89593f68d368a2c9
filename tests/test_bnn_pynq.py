"""Brevitas' own networks, CNV-1W1A and LFC-1W1A, all the way: source = golden = RTL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bnn_pynq
from onebit import board, choose, flow, golden, simulate
from onebit.lower import Lowered, lower
from onebit.lower.runtime import execute

IMAGES = 200
THROUGH_RTL = {"CNV_1W1A": 3, "LFC_1W1A": 100}
Recorder = Callable[[str, object], None]


@pytest.fixture(scope="module", params=THROUGH_RTL)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """The name, the QONNX file and the lowered network."""
    path = tmp_path_factory.mktemp("bnn_pynq") / f"{request.param}.onnx"
    bnn_pynq.export(request.param, path, 1)
    return request.param, path, lower(path, raw="uint8/255")


def pixels(lowered: Lowered, count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, *lowered.net.input.shape))


def test_source_equals_golden(exported, record_property: Recorder) -> None:
    name, path, lowered = exported
    samples = pixels(lowered, IMAGES)
    logits = execute(path, samples * lowered.net.input.raw_scale)
    classes = golden.run(lowered.net, samples).classes
    assert (logits.argmax(axis=1) == classes).all()
    assert len(set(classes)) > 3, "the random network says too little"
    assert not lowered.unchecked
    record_property("claim", f"{name}: golden = source on {IMAGES} images")


def test_rtl_equals_golden(exported, tmp_path: Path, record_property: Recorder) -> None:
    name, path, lowered = exported
    folds = choose.even(lowered.net, board.load("pynq-z2"), 100.0)
    chosen = flow.Subject(name=name, model=path, title=name, data=None)
    flow.write(chosen, lowered, folds, tmp_path / "out")
    samples = pixels(lowered, THROUGH_RTL[name])
    elements = golden.encode(lowered.net.input, samples)
    found = simulate.run(tmp_path / "out", lowered.net, folds, elements)
    assert not len(simulate.compare(found, golden.run(lowered.net, samples)))
    record_property("claim", f"{name}: RTL = golden in every logit of {len(samples)} images")
