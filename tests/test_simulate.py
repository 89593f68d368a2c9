"""Simulation: a wrong class is located too, and a slow accelerator is waited for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny
from onebit import flow, golden, simulate, trial
from onebit.cost import interval
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
    samples = trial.samples(made, 20, 0)
    facts = trial.run_simulation(made, samples)
    assert facts["mismatches"] > 0
    assert facts["mismatch"]["layer"] == "class"
    assert facts["mismatch"]["expected"] != facts["mismatch"]["got"]


def test_stalls_are_waited_for(made: flow.Compiled) -> None:
    samples = trial.samples(made, 20, 0)
    elements = golden.encode(made.net.input, samples.raw)
    found = simulate.run(made.out, made.net, made.folding, elements, stall=95, seed=1)
    assert not len(simulate.compare(found, golden.run(made.net, samples.raw)))


def test_patience_outlasts_a_slow_folding_and_its_pauses(
    made: flow.Compiled, tmp_path: Path
) -> None:
    folds = {layer.name: Fold() for layer in made.net.layers}
    slow = Folding(net_hash=made.net.hash, board="pynq-z2", clock_mhz=100.0, layers=folds)

    def patience(folding: Folding, stall: int) -> int:
        options = simulate._Options(made.net, folding, tmp_path, stall, 0)
        return int(options.command(tmp_path, 0, 1)[-2])

    extra = 4 * (interval(made.net, slow) - interval(made.net, made.folding))
    assert patience(slow, 0) >= patience(made.folding, 0) + extra > patience(made.folding, 0)
    assert patience(slow, 95) - patience(slow, 0) >= 19 * 4 * interval(made.net, slow)


STEADY = [[32] * 5, [43, 2, 51] * 4, [7, 8] * 6]  # cycles from image to image


@pytest.mark.parametrize("steps", STEADY, ids=str)
@pytest.mark.parametrize("start", [[], [90], [1, 2]], ids=str)
@pytest.mark.parametrize("processes", [1, 2])
def test_the_interval_is_the_steady_mean(
    steps: list[int], start: list[int], processes: int
) -> None:
    ends = np.cumsum([100, *start, *steps, *start])
    found = simulate.Run(
        logits=np.zeros(0),
        classes=np.zeros(0),
        first_in=np.zeros(1),
        last_out=np.tile(ends, processes),
        parts=tuple(len(ends) * i for i in range(processes)),
        seconds=1.0,
    )
    assert found.interval == sum(steps) / len(steps)


@pytest.mark.parametrize(
    ("ends", "interval"), [([41], 42.0), ([41, 60], 19.0), ([9, 19, 21, 31, 33], 6.0)]
)
def test_the_interval_of_few_images(ends: list[int], interval: float) -> None:
    few = {"logits": np.zeros(0), "classes": np.zeros(0), "first_in": np.zeros(1), "seconds": 1.0}
    assert simulate.Run(last_out=np.array(ends), parts=(0,), **few).interval == interval
