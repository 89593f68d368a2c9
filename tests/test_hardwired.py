"""Hard-wired layers through the flow: an image a cycle, right in every logit; what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tiny
from onebit import (
    board,
    choose,
    cost,
    emit,
    flow,
    folding,
    hardwired,
    memory,
    synth,
    system,
    trial,
    utilisation,
)
from onebit.errors import ConfigError
from onebit.lower import lower
from onebit.net import Mvau

IN_TEST, IMAGES = 1000, 10_000
MOST_LATENCY = 100  # cycles, wished for


def net_of(tmp_path, raw):
    return lower(tiny.write(tmp_path / "tiny.onnx", tiny.model(raw=raw))).net


def test_compiles_to_an_image_a_cycle(onebit, tmp_path):
    file = tiny.write(tmp_path / "tiny.onnx", tiny.model(raw="BIPOLAR"))
    said = onebit("compile", file, "--style", "hardwired", "--out", "made", "--json")
    assert said.code == 0, said.err
    made = flow.read(tmp_path / "made")
    assert "--style hardwired" in made.facts["command"]
    assert {made.folding.layers[name].style for name in ("fc1", "fc2")} == {"hardwired"}
    assert cost.interval(made.net, made.folding) == 1
    assert not [name for name in memory.memories(made.net, made.folding) if "weights" in name]
    for stall in (0, 40):
        facts = trial.run_simulation(made, trial.samples(made, 100, 0), stall=stall)
        assert facts["mismatches"] == 0
        assert facts["source_equal"] == 100
    rows = (tmp_path / "made" / "rtl" / "accelerator.sv").read_text().splitlines()
    weights = "".join(map(str, made.net["fc1"].weights[5, ::-1]))
    assert f"    8'h{int(weights, 2):x},  // neuron 5" in rows


def test_layers_of_wider_inputs_stay_folded(tmp_path):
    net = net_of(tmp_path, "UINT4")
    folds = choose.hardwired(net, board.load("pynq-z2"), 100.0)
    assert [folds.layers[layer.name].style for layer in net.mvaus] == ["folded", "hardwired"]
    assert folding.checked(folds, net) == folds
    assert cost.interval(net, folds) == 1
    text = emit.accelerator(net, folds)
    assert "mvau #(" in text and "mvau_hardwired #(" in text


@pytest.mark.parametrize(
    ("name", "edits", "rule"),
    [
        ("fc1", {}, "it is no Mvau of 1-bit inputs"),
        ("head", {}, "it is no Mvau of 1-bit inputs"),
        ("fc2", {"pe": 2}, "takes a whole vector a cycle, pe=3, simd=6 and m=1; got pe=2"),
        ("fc2", {"simd": 3}, "got pe=3, simd=3 and m=1"),
    ],
)
def test_folds_that_cannot_be_hardwired_are_refused(tmp_path, name, edits, rule):
    net = net_of(tmp_path, "UINT4")
    folds = choose.hardwired(net, board.load("pynq-z2"), 100.0)
    layer = replace(folds.layers[name], style="hardwired", **edits)
    with pytest.raises(ConfigError, match=rule):
        folding.checked(replace(folds, layers={**folds.layers, name: layer}), net)


def test_the_port_is_told_not_refused(onebit, tmp_path):
    said = onebit("compile", "mnist-tfc", "--style", "hardwired", "--check", "--json")
    assert said.code == 0, said.err
    assert "pynq-z2's 64-bit port allows 8,000,000 images/s" in " ".join(said.err.split())
    assert "warning" not in said.err


def test_sharing_pays():
    rng = np.random.default_rng(3)
    weights = rng.integers(0, 2, (64, 400), dtype=np.uint8)
    layer = Mvau(name="fc", inputs=("input",), weights=weights, thresholds=None)
    alone, shared = hardwired.grouped(layer, 1), hardwired.plan(layer)
    assert shared.luts < 0.4 * alone.luts


def test_mnist_tfc_takes_an_image_a_cycle(tmp_path, prove, monkeypatch, record_property):
    monkeypatch.setattr(system, "cores", lambda: 1)  # one stream of all images
    made = flow.compile_network("mnist-tfc", tmp_path / "out", "pynq-z2", None, None, "hardwired")
    assert cost.interval(made.net, made.folding) == 1
    facts = trial.run_simulation(made, trial.samples(made, None if prove else IN_TEST, 0))
    images = facts["images"]
    assert images == (IMAGES if prove else IN_TEST)
    assert facts["mismatches"] == 0
    assert facts["source_equal"] == images
    assert facts["cycles"] <= images + MOST_LATENCY
    if prove:
        taken = utilisation.measure(made, synth.synthesise(made.out))
        luts, most = taken["total"]["lut"], cost.CEILING * taken["of"]["lut"]
        port = cost.port_rate(made.net, made.folding, board.load("pynq-z2"))
        assert luts <= most
        record_property(
            "claim",
            f"mnist-tfc hard-wired: {images} images through the RTL in {facts['cycles']} cycles, 0 "
            f"mismatches in any logit or class; {luts:,} LUTs by Yosys ({most:,.0f} allowed); the "
            f"port allows {port:,.0f} images/s",
        )
