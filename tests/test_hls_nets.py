"""Networks as HLS C++: those of models/ and random ones say in every output what golden says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hls_many
import random_convs
import random_nets
import test_random_convs
import test_random_nets
from onebit import (
    choose,
    csim,
    emit,
    emit_hls,
    flow,
    golden,
    hls_project,
    recipe,
    simulate,
    system,
    trial,
)
from onebit.board import load
from onebit.errors import ConfigError
from onebit.folding import Fold, Folding, can_be_hardwired, can_share, checked
from onebit.lower import lower
from onebit.net import Net

NETWORKS = recipe.networks()
SMALL = ("digits-mlp", "wakeword-2x2")
IMAGES, IMAGES_PROVE = 40, 1000
SAMPLES = 30  # of each random network
A_UNIT = 6  # random networks in a translation unit
HARD_WIRED = 1024  # weights of a hard-wired layer at most: the RTL's builds stay small
SEEDS, SEEDS_PROVE = ("mlp", "conv"), 30  # of each kind: 60 networks


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("--prove")
    if "network" in metafunc.fixturenames:
        metafunc.parametrize("network", NETWORKS if full else SMALL)
    if "units" in metafunc.fixturenames:
        first = range(0, SEEDS_PROVE, A_UNIT)
        groups = [[(kind, seed + i) for i in range(A_UNIT)] for kind in SEEDS for seed in first]
        few = [[("mlp", 21), ("mlp", 22), ("conv", 9)]]
        metafunc.parametrize("units", groups if full else few, ids=lambda unit: f"{unit[0]}")


def warns_of_pragmas_alone(folder: Path) -> None:
    """Without the exceptions that csim.build makes for ap_types once its functions are inlined."""
    command = ["g++", *csim.FLAGS, csim.PRAGMAS, csim.WIDEST, "-isystem", csim.headers()]
    for file in sorted(folder.glob("*.cpp")):
        ran = system.run([*command, "-I", folder, "-fsyntax-only", file])
        assert ran.returncode == 0, ran.stderr


def test_network_of_models(network: str, prove: bool, tmp_path: Path, record_property) -> None:
    known = recipe.load(network)
    net = lower(recipe.folder(network) / flow.MODEL).net
    folds, _ = flow.choose_folding(net, "pynq-z2", None, None)
    hls_project.write_sources(tmp_path, emit_hls.files(net, folds))
    warns_of_pragmas_alone(tmp_path)
    program = csim.build(tmp_path)
    images = trial.test_images(known.data, net, known.features).images
    raw = images[: IMAGES_PROVE if prove else IMAGES].reshape(-1, *net.input.shape)
    found = csim.run(program, net, folds, golden.encode(net.input, raw))
    assert not len(simulate.compare(found, golden.run(net, raw)))
    if prove:
        text = f"{network}: {len(raw)} test images through the HLS C++, 0 mismatches"
        record_property("claim", f"{text} in any logit or class")


def random_network(kind: str, seed: int, folder: Path) -> hls_many.Folded:
    """A random network, and a folding; perceptrons in turn folded, shared and hard-wired."""
    path = folder / f"{kind}{seed}.onnx"
    if kind == "conv":
        random_convs.write_model(seed, path)
        net = lower(path).net
        return net, test_random_convs.random_folding(net, seed)
    random_nets.write_model(seed, path)
    net = lower(path).net
    folds = test_random_nets.random_folding(net, seed)
    layers = dict(folds.layers)
    for layer in net.mvaus:
        if seed % 3 == 0 and can_share(layer):
            layers[layer.name] = replace(layers[layer.name], m=1 + seed % 4)
        if seed % 3 == 1 and can_be_hardwired(net, layer) and layer.mh * layer.mw <= HARD_WIRED:
            layers[layer.name] = Fold(pe=layer.mh, simd=layer.mw, style="hardwired")
    return net, checked(replace(folds, layers=layers), net)


def test_random_networks(units: list[tuple[str, int]], tmp_path: Path, record_property) -> None:
    record_property("claim", f"random networks as HLS C++ = golden, {A_UNIT} to a translation unit")
    nets = [random_network(kind, seed, tmp_path) for kind, seed in units]
    program = hls_many.build(tmp_path / "hls", nets)
    for index, ((kind, seed), folded) in enumerate(zip(units, nets, strict=True)):
        raw = test_random_convs.raw_samples(folded[0].input, SAMPLES, seed)
        wrong = hls_many.differing(program, index, folded, raw)
        assert not wrong, f"{kind}, seed {seed}: images {wrong[:5]} differ"


def test_hard_wired_layers_are_one_word_of_weights() -> None:
    net = lower(recipe.folder("digits-mlp") / flow.MODEL).net
    board = load("pynq-z2")
    folds = choose.hardwired(net, board, board.clock_mhz)
    assert folds.layers["fc2"].style == "hardwired"
    assert "fc2_weights[1][64][2]" in emit_hls.files(net, folds)["accelerator/fc2.hpp"]


def test_both_styles_and_vectors_side_by_side_are_among_the_random_ones(tmp_path: Path) -> None:
    (_, shared), (_, hard) = (random_network("mlp", seed, tmp_path) for seed in (21, 22))
    assert any(fold.m > 1 for fold in shared.layers.values())
    assert any(fold.style == "hardwired" for fold in hard.layers.values())


def test_a_beat_too_wide_is_refused() -> None:
    net = lower(recipe.folder("gtsrb-xnor-30") / flow.MODEL).net
    dense = net.mvaus[-1]
    assert dense.mw > emit_hls.WIDEST
    folds = slowest(net)
    layers = folds.layers | {dense.name: Fold(simd=dense.mw)}
    with pytest.raises(ConfigError, match="an ap_uint holds 4096"):
        emit_hls.files(net, replace(folds, layers=layers))


def slowest(net: Net) -> Folding:
    """One neuron and one input a cycle."""
    layers = {layer.name: Fold() for layer in net.layers}
    return Folding(net_hash=net.hash, board="pynq-z2", clock_mhz=100.0, layers=layers)


def test_equal_inputs_give_equal_bytes() -> None:
    texts = []
    for _ in range(2):
        net = lower(recipe.folder("digits-mlp") / flow.MODEL).net
        texts.append(emit_hls.files(net, slowest(net)))
    assert texts[0] == texts[1]


def test_expected_results_are_goldens(tmp_path: Path) -> None:
    """What the testbench compares with, read as the harness's results are."""
    net, folds = random_network("mlp", 4, tmp_path)
    raw = hls_project.random_samples(net.input, SAMPLES)
    wanted, shape = golden.run(net, raw), emit.result(net, folds)
    beats = hls_project.results(wanted, shape)
    logits, classes = simulate.read_results(beats.reshape(-1), shape)
    assert (logits == wanted.logits).all()
    assert (classes == np.argmax(wanted.logits, axis=1)).all()
