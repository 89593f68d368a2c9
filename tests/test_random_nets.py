"""Random perceptrons: the source graph, golden and the RTL say the same."""

from __future__ import annotations

import numpy as np

import proof
import random_nets
from onebit import cost, emit, flow, folding, memory, net_file, system
from onebit.folding import Fold, Folding
from onebit.lower import lower
from onebit.net import Net

SAMPLES = 200
# Steps of 9 meet every kind of input: random_model takes them in turn, 16 of them.
IN_PROVE, IN_TEST = range(500), range(0, 450, 9)
RTL_IN_PROVE, RTL_IN_TEST = range(40), range(0, 40, 9)


def pytest_generate_tests(metafunc):
    full = metafunc.config.getoption("--prove")
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", IN_PROVE if full else IN_TEST)
    if "rtl_seed" in metafunc.fixturenames:
        metafunc.parametrize("rtl_seed", RTL_IN_PROVE if full else RTL_IN_TEST)


def raw_samples(raw, shape, seed: int) -> np.ndarray:
    """Raw samples over the whole range of the datatype `raw`."""
    rng = np.random.default_rng(seed)
    if raw.name == "BIPOLAR":
        return rng.choice([-1, 1], shape)
    return rng.integers(int(raw.min()), int(raw.max()) + 1, shape)


def random_folding(found: Net, seed: int) -> Folding:
    """Any PE and SIMD, dividing or not; FIFOs that hold a vector."""
    rng = np.random.default_rng(seed)
    folds = {}
    for layer in found.layers:
        most_pe, most_simd = cost.lanes(found, layer)
        pe, simd = (int(rng.integers(1, most + 1)) for most in (most_pe, most_simd))
        while pe * simd > 2048:  # keep the builds small
            pe, simd = max(1, pe // 2), max(1, simd // 2)
        depth = max(2, -(-most_simd // simd), -(-most_pe // pe))
        folds[layer.name] = Fold(pe=pe, simd=simd, fifo=depth)
    return Folding(net_hash=found.hash, board="pynq-z2", clock_mhz=100.0, layers=folds)


def test_source_equals_golden(seed, tmp_path, record_property):
    record_property("claim", "random perceptrons: source graph = golden")
    path = tmp_path / "random.onnx"
    raw = random_nets.write_model(seed, path)
    lowered = lower(path)
    samples = raw_samples(raw, (SAMPLES, *lowered.net.input.shape), seed)
    proof.source_equals_golden(path, lowered, samples)


def test_rtl_equals_golden_and_keeps_its_interval(rtl_seed, tmp_path, record_property):
    record_property(
        "claim", "random perceptrons: RTL = golden, with and without pauses; II = formula"
    )
    path = tmp_path / "random.onnx"
    raw = random_nets.write_model(rtl_seed, path)
    lowered = lower(path)
    folds = folding.checked(random_folding(lowered.net, rtl_seed), lowered.net)
    samples = raw_samples(raw, (64, *lowered.net.input.shape), rtl_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", rtl_seed)


def test_equal_inputs_give_equal_bytes(tmp_path):
    path = tmp_path / "random.onnx"
    random_nets.write_model(7, path)
    texts = []
    for _ in range(2):
        lowered = lower(path)
        folds = random_folding(lowered.net, 7)
        top, memories = emit.accelerator(lowered.net, folds), memory.memories(lowered.net, folds)
        texts.append((net_file.to_json(lowered.net), folding.to_toml(folds), top, memories))
    assert texts[0] == texts[1]


def test_an_accelerator_with_every_kind_of_unit_is_lint_clean(tmp_path):
    path = tmp_path / "random.onnx"
    random_nets.write_model(12, path)
    lowered = lower(path)
    chosen = flow.Subject(name="random", model=path, title="random", data=None)
    flow.write(chosen, lowered, random_folding(lowered.net, 12), tmp_path / "out")
    rtl = tmp_path / "out" / "rtl"
    waivers = system.share_dir("rtl") / "lint.vlt"
    verilator = system.need_tool("verilator", "lint")
    command = [verilator, "--lint-only", "-Wall", waivers, "-y", rtl, rtl / "accelerator.sv"]
    done = system.run([*command, "--top-module", "accelerator"])
    assert done.returncode == 0, done.stderr
