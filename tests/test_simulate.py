"""Simulation: a wrong class is located too, and a slow accelerator is waited for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny
from onebit import flow, golden, simulate
from onebit.folding import Fold, Folding


@pytest.fixture
def made(tmp_path: Path) -> flow.Compiled:
    """The tiny network, compiled."""
    path = tiny.write(tmp_path / "net.onnx", tiny.model())
    return flow.compile_network(str(path), tmp_path / "out", "pynq-z2", None, None)


def test_a_wrong_class_with_right_logits_is_located(made: flow.Compiled) -> None:
    head = made.out / "rtl" / "head.sv"
    text = head.read_text()
    broken = text.replace("CLASS_W'(", "CLASS_W'(1) + CLASS_W'(", 1)
    assert broken != text
    head.write_text(broken)
    samples = flow.samples(made, 20, 0)
    facts = flow.run_simulation(made, samples)
    assert facts["mismatches"] > 0
    assert facts["mismatch"]["layer"] == "class"
    assert facts["mismatch"]["expected"] != facts["mismatch"]["got"]


def test_stalls_are_waited_for(made: flow.Compiled) -> None:
    samples = flow.samples(made, 20, 0)
    elements = golden.encode(made.net.input, samples.raw)
    found = simulate.run(made.out, made.net, made.folding, elements, stall=95, seed=1)
    assert not len(simulate.compare(found, golden.run(made.net, samples.raw)))


def test_patience_grows_with_the_folding(made: flow.Compiled, tmp_path: Path) -> None:
    slow = Folding(
        net_hash=made.net.hash,
        board="pynq-z2",
        clock_mhz=100.0,
        layers={layer.name: Fold() for layer in made.net.layers},
    )
    few, many = (
        int(simulate._Options(made.net, folds, tmp_path, stall, 0).command(tmp_path, 0, 1)[-2])
        for folds, stall in ((made.folding, 0), (slow, 95))
    )
    assert few < many
    assert np.isfinite(many)
