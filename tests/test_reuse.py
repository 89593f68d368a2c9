"""Weight reuse: vectors side by side give golden's results, at the formula's rate, to the last."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qonnx.core.datatype import DataType

import proof
import random_nets
import small_convs
import test_random_convs
import test_random_nets
import tiny
from onebit import cost, fifos, flow, folding, golden, reuse, trial
from onebit.deploy import description
from onebit.driver import Accelerator
from onebit.errors import ConfigError
from onebit.folding import Fold, Folding
from onebit.lower import Lowered, lower
from onebit.net import Net
from onebit.streams import group_cycles, region
from onebit.virtual_board import Surroundings, VirtualBoard

MOST_TRIED = 5  # vectors side by side: the builds stay small
IN_PROVE, IN_TEST = range(24), range(0, 24, 14)
ROUNDS = 4  # that groups of vectors begin with an image again: their rhythm is to be seen
SLOW = Surroundings(gap=2000)  # cycles between two accesses to registers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    seeds = IN_PROVE if metafunc.config.getoption("--prove") else IN_TEST
    if "net_seed" in metafunc.fixturenames:
        metafunc.parametrize("net_seed", seeds)


def side_by_side(net: Net, folds: Folding, seed: int) -> Folding:
    """The folding with any numbers of vectors side by side, often the same in neighbours."""
    rng, chosen, m = np.random.default_rng(seed), dict(folds.layers), MOST_TRIED
    for layer in net.mvaus:
        if rng.random() < 0.6:
            m = int(rng.integers(1, MOST_TRIED + 1))
        if layer.thresholds is None or len(layer.thresholds) == 1:
            chosen[layer.name] = replace(chosen[layer.name], m=m)
    return folding.checked(replace(folds, layers=chosen), net)


def enough_images(net: Net, folds: Folding) -> int:
    return 16 + ROUNDS * reuse.rhythm(net, folds)


def perceptron(seed: int, path: Path) -> tuple[DataType, Lowered, Folding]:
    raw = random_nets.write_model(seed, path)
    lowered = lower(path)
    folds = test_random_nets.random_folding(lowered.net, seed)
    return raw, lowered, side_by_side(lowered.net, folds, seed)


def test_random_perceptrons(net_seed: int, tmp_path: Path, record_property) -> None:
    record_property("claim", "random perceptrons, vectors side by side: RTL = golden, II = formula")
    path = tmp_path / "random.onnx"
    raw, lowered, folds = perceptron(net_seed, path)
    shape = (enough_images(lowered.net, folds), *lowered.net.input.shape)
    samples = test_random_nets.raw_samples(raw, shape, net_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", net_seed)


def test_groups_that_come_unevenly_keep_the_interval(tmp_path: Path) -> None:
    """Images end after 43, 2 and 51 cycles by turns, 32 on average."""
    _, lowered, folds = perceptron(2, tmp_path / "random.onnx")
    trials = fifos.prepared(lowered.net, folds, tmp_path)
    for images in range(fifos.IMAGES, fifos.IMAGES + 3):
        assert trials.keeps_interval(trials.most, images)


def test_random_convolutional_networks(net_seed: int, tmp_path: Path, record_property) -> None:
    record_property(
        "claim",
        "random convolutional networks, vectors side by side: RTL = golden, II = formula with the "
        "FIFO depths found",
    )
    path, lowered = test_random_convs.model(net_seed, tmp_path)
    folds = test_random_convs.random_folding(lowered.net, net_seed)
    folds = fifos.sized(lowered.net, side_by_side(lowered.net, folds, net_seed))
    images = enough_images(lowered.net, folds)
    samples = test_random_convs.raw_samples(lowered.net.input, images, net_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", net_seed)


def compiled(model: Path, out: Path, m: dict[str, int]) -> flow.Compiled:
    """A network with so many vectors side by side in its layers, each as slow as can be."""
    lowered = lower(model)
    folds = {name: Fold() for name in (layer.name for layer in lowered.net.layers)}
    folds |= {name: Fold(m=count) for name, count in m.items()}
    chosen = Folding(net_hash=lowered.net.hash, board="pynq-z2", clock_mhz=100.0, layers=folds)
    subject = flow.Subject(name="reuse", model=model, title="reuse", data=None)
    flow.write(subject, lowered, folding.checked(chosen, lowered.net), out)
    return flow.read(out)


def models(folder: Path) -> dict[str, Path]:
    """A perceptron and a convolutional network."""
    return {
        "tiny": tiny.write(folder / "tiny.onnx", tiny.model()),
        "conv": tiny.write(folder / "conv.onnx", small_convs.small()),
    }


@pytest.mark.parametrize(
    ("name", "m"),
    [
        ("tiny", {"fc1": 3, "fc2": 3}),
        ("tiny", {"fc1": 2, "fc2": 4}),
        ("conv", {"conv1": 4, "fc1": 3}),  # 42 pixels an image: groups span two of them
    ],
    ids=str,
)
def test_batches_of_any_size_come_back_whole(
    name: str, m: dict[str, int], tmp_path: Path, record_property
) -> None:
    made = compiled(models(tmp_path)[name], tmp_path / "out", m)
    sizes = [1, 1, 1, *range(1, 2 * max(m.values()) + 2), 1]
    samples = trial.samples(made, sum(sizes), 0)
    want = golden.run(made.net, samples.raw)
    (tmp_path / "net.json").write_text(json.dumps(description(made)))
    at = 0
    with VirtualBoard(made, SLOW) as board, Accelerator(tmp_path / "net.json", board) as driver:
        for size in sizes:
            classes, logits = driver.run(samples.raw[at : at + size])
            assert classes.tolist() == want.classes[at : at + size].tolist(), f"{size} from {at}"
            assert logits.tolist() == want.logits[at : at + size].tolist(), f"{size} from {at}"
            at += size
    record_property(
        "claim",
        f"batches of 1 to {max(sizes)} images, {m} side by side: each comes back, as golden",
    )


def test_a_wrong_neuron_is_found_among_vectors_side_by_side(tmp_path: Path) -> None:
    made = compiled(models(tmp_path)["tiny"], tmp_path / "out", {"fc1": 3, "fc2": 3})
    thresholds = made.out / "mem" / "fc1_thresholds.mem"
    words = thresholds.read_text().split()
    words[4] = "0" * len(words[4])  # all that agrees now reaches it
    thresholds.write_text("\n".join([*words, ""]))
    facts = trial.run_simulation(made, trial.samples(made, 50, 0))
    found = facts["mismatch"]
    assert (found["layer"], found["neuron"]) == ("fc1", 4)
    expected = golden.trace(made.net, trial.samples(made, 50, 0).raw)["fc1"]
    assert found["expected"] == expected[found["image"]][4] != found["got"]


def test_cycles_are_those_of_a_group(tmp_path: Path) -> None:
    made = compiled(models(tmp_path)["tiny"], tmp_path / "out", {"fc1": 5, "fc2": 2})
    rates = {unit.name: unit.per_image for unit in cost.units(made.net, made.folding)}
    assert rates["fc1"] == 8 * 6 / 5
    assert rates["fc2"] == 6 * 3 / 2
    assert (rates["fc1_gather"], rates["fc2_scatter"], rates["fc2_gather"]) == (8, 6, 6)
    assert cost.interval(made.net, made.folding) == 8 * 6 / 5
    assert reuse.rhythm(made.net, made.folding) == 10
    assert group_cycles(made.net, made.folding, region(made.net, made.folding, "fc1")) == 48


@pytest.mark.parametrize(
    ("layer", "m", "rule"),
    [("fc1", 17, "m=17 is not in 1..16"), ("input", 2, "m=2 is not in 1..1")],
)
def test_numbers_that_cannot_be_are_refused(layer: str, m: int, rule: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rule):
        compiled(models(tmp_path)["tiny"], tmp_path / "out", {layer: m})


def test_a_layer_with_border_classes_is_refused(tmp_path: Path) -> None:
    for seed in range(40):
        _, lowered = test_random_convs.model(seed, tmp_path)
        for layer in lowered.net.mvaus:
            if layer.thresholds is not None and len(layer.thresholds) > 1:
                folds = test_random_convs.random_folding(lowered.net, seed)
                fold = replace(folds.layers[layer.name], m=2)
                folds = replace(folds, layers={**folds.layers, layer.name: fold})
                with pytest.raises(ConfigError, match="zero padding gives positions"):
                    folding.checked(folds, lowered.net)
                return
    pytest.fail("no random network has border classes")
