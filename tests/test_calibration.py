"""The cost model beside Yosys: whole accelerators, whose foldings these costs choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onebit import board, choose, cost, flow, recipe, synth, utilisation
from onebit.calibration import error
from onebit.lower import lower

BOARD = board.load("pynq-z2")
CLOCK_MHZ = 100.0
WITHIN = 0.10  # of the LUTs
SLOWER = (1, 2, 8)  # times the cycles of the fastest folding that fits
IN_TEST = [("digits-mlp", 256)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cases = IN_TEST
    if metafunc.config.getoption("--prove"):  # minutes each
        cases = [(name, slower) for name in recipe.networks() for slower in SLOWER]
    if "slower" in metafunc.fixturenames:
        metafunc.parametrize(("name", "slower"), cases)


def test_an_accelerators_cost_is_near_what_yosys_makes(
    name: str, slower: int, tmp_path: Path, record_property: Callable[[str, str], None]
) -> None:
    chosen = flow.subject(name)
    lowered = lower(chosen.model, title=chosen.title)
    folds = choose.best(lowered.net, BOARD, CLOCK_MHZ)
    if slower > 1:
        rate = CLOCK_MHZ * 1e6 / (slower * cost.interval(lowered.net, folds))
        folds = choose.best(lowered.net, BOARD, CLOCK_MHZ, rate)
    flow.write(chosen, lowered, folds, tmp_path / "out")
    compiled = flow.read(tmp_path / "out")
    found = utilisation.measure(compiled, synth.synthesise(compiled.out))["calibration"][-1]
    assert found["bram36"][0] == found["bram36"][1]
    assert found["dsp"][0] == found["dsp"][1]
    off, blocks = error(found["lut"]), found["bram36"][1]
    record_property(
        "claim",
        f"{name} at {cost.interval(lowered.net, folds):g} cycles an image: {found['lut'][1]:,} "
        f"LUTs and {blocks:g} block RAMs by Yosys, {off:+.1%} and none off by the cost model",
    )
    assert abs(off) <= WITHIN
