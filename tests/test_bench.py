"""`onebit bench`: what it measures is there and adds up; how fast it is, with --prove."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from onebit import bench, cost, flow, page_bench, recipe, rivals, system
from onebit.cpu import cortex
from onebit.cpu.probe import Probe, rate
from onebit.errors import MissingTool
from onebit.flow import Compiled
from onebit.lower import lower

FASTER = {"mnist-120": 3}  # than onnxruntime: nearly all of it is 8-bit
ELSE = 4
NETWORKS = ("mnist-tfc", "mnist-sfc", "mnist-120", "mnist-bcnn", "gtsrb-xnor-30")
LARGE = ("gtsrb-3qconv-48", "gtsrb-3qconv-64", "gtsrb-best")
LATENCY = 2.0  # us, of mnist-tfc
OF_PEAK = 0.4  # of the popcount roofline, by mnist-sfc's hidden layers
REPEATED = 0.1
SECONDS, LONGEST = 40, 120


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "network" in metafunc.fixturenames:
        full = metafunc.config.getoption("--prove")
        metafunc.parametrize("network", [*NETWORKS, *LARGE] if full else ["mnist-tfc"])


@pytest.fixture(scope="module")
def facts(tiny_folder: Path) -> dict:
    return bench.bench(flow.read(tiny_folder), 0.5, None)


@pytest.fixture
def made(network: str, tmp_path: Path) -> Compiled:
    return flow.compile_network(network, tmp_path / network, "pynq-z2", None, None)


def test_every_program_has_a_rate_between_its_quartiles(facts):
    names = {(row["name"], row["latency"]) for row in facts["rows"]}
    assert names >= {(rivals.ENGINE, True), (rivals.ENGINE, False), (rivals.ONNX, True)}
    assert names >= {(rivals.ONNX, False), ("PyTorch", False)}
    assert {row["threads"] for row in facts["rows"]} == {1, system.cores()}
    for row in facts["rows"]:
        low, high = row["quartiles"]
        assert 0 < low <= row["images_per_second"] <= high
        assert row["microseconds"] == 1e6 / row["images_per_second"]
        assert (row["batch"] == 1) == row["latency"]


def test_onnxruntime_is_once_as_fast_as_itself(facts):
    assert bench.row_of(facts, rivals.ONNX)["over_onnxruntime"] == 1
    slower = bench.row_of(facts, rivals.ONNX, latency=True)
    assert slower["over_onnxruntime"] < 1


def test_the_fpga_is_what_the_cycles_say(facts, tiny_folder):
    compiled, fpga = flow.read(tiny_folder), facts["fpga"]
    assert fpga["cycles"] == cost.interval(compiled.net, compiled.folding)
    assert fpga["how"] == "cycle formula"
    alone = [unit for unit in cost.units(compiled.net, compiled.folding) if unit.name != "input"]
    assert fpga["layer_cycles"] == max(unit.per_image for unit in alone)
    assert fpga["limited"] <= 1e6 * fpga["clock_mhz"] / fpga["cycles"] <= fpga["unlimited"]


def test_the_processor_is_an_estimate_from_instructions(facts):
    arm = facts["cortex"]
    assert arm["images_per_second"] == arm["clock_mhz"] * 1e6 / arm["instructions"]
    assert 100 < arm["instructions"] < 100_000  # a network of 66 weights, a call a sample


def test_instructions_grow_with_the_network(facts):
    net = lower(recipe.folder("mnist-tfc") / flow.MODEL).net
    found = cortex.estimate(net, np.zeros((cortex.MORE, *net.input.shape), np.uint8))
    assert 10 * facts["cortex"]["instructions"] < found.instructions < 100_000


def test_no_layer_is_faster_than_the_peak_allows(tiny_folder):
    probe = Probe(flow.read(tiny_folder).net)
    assert [layer.macs for layer in probe.layers()] == [48, 18]
    assert [layer.bits for layer in probe.layers()] == [False, True]
    best = max(probe.peaks(0.02).values())
    assert 0 < probe.layer_rate(1, 0.02) < 2 * best  # twice: both vary where others are at work


def test_a_rate_is_rounds_over_seconds():
    """A round sleeps for a tenth of a millisecond at least."""
    assert 0 < rate(lambda rounds: time.sleep(1e-4 * rounds), 0.02) <= 1e4


def test_the_page_shows_every_program(facts):
    html = page_bench.benched(facts)
    for row in facts["rows"]:
        assert row["name"] in html
    assert "estimate" in html and "FPGA, its layers alone" in html
    assert html.count("<svg") == 2 and html == page_bench.benched(facts)


def test_the_command_keeps_its_facts_for_the_report(onebit, compiled):
    said = onebit("bench", compiled, "--seconds", "0.2", "--json")
    assert said.code == 0
    assert json.loads(said.out) == json.loads((compiled / bench.FACTS).read_text())
    assert bench.kept(flow.read(compiled)) == json.loads(said.out)
    (compiled / bench.FACTS).write_text("{}")
    assert bench.kept(flow.read(compiled)) is None


def test_a_table_says_what_is_an_estimate(onebit, compiled):
    said = onebit("bench", compiled, "--seconds", "0.2")
    assert said.code == 0 and "estimate" in said.out and "onnxruntime" in said.out


@pytest.mark.parametrize("seconds", ["0", "-1", "1e9", "nan"])
def test_wrong_seconds_are_refused(onebit, compiled, seconds):
    said = onebit("bench", compiled, "--seconds", seconds)
    assert said.code == 2 and "--seconds" in said.err


def test_larq_without_its_python_is_refused(tiny_folder, tmp_path):
    with pytest.raises(MissingTool, match="is no Python"):
        bench.bench(flow.read(tiny_folder), 0.1, tmp_path / "python")


def test_engine_against_onnxruntime(network, made, prove, record_property):
    """The issue's ratios, where nobody else uses the machine; else that it is faster at all."""
    found = bench.bench(made, SECONDS if prove else 2, None)
    ratio = bench.engine_over_onnxruntime(found)
    assert ratio >= (FASTER.get(network, ELSE) if prove else 1)
    latency = bench.row_of(found, rivals.ENGINE, latency=True)["microseconds"]
    if prove and network == "mnist-tfc":
        assert latency < LATENCY
        began = time.monotonic()
        again = bench.engine_over_onnxruntime(bench.bench(made, SECONDS, None))
        assert time.monotonic() - began < LONGEST
        assert abs(again / ratio - 1) <= REPEATED
    if prove and network == "mnist-sfc":
        hidden = found["roofline"]["layers"][1:-1]
        assert all(row["share"] >= OF_PEAK for row in hidden)
    claim = f"{network}: engine ({found['kernel']}) {ratio:.1f} times onnxruntime, one thread"
    record_property("claim", f"{claim}; {latency:.2f} us alone, in C")
