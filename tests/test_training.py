"""Training well: groups stay together, teachers teach, a killed training loses an epoch at most."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from onebit import data, golden, recipe, system
from onebit.lower import lower
from onebit.train import export, loop, network, run
from onebit.train.split import held_out, split

Onebit = Callable[..., tiny.Said]
TAUGHT = """\
# Every way of training at once, on a small network.
title = "Digits"
data = "digits"
seed = 3
layers = [{ conv = 8, padding = 1, pool = 2 }, { conv = 6 }, { dense = 10 }]
[input]
bits = 5
[train]
epochs = 3
batch = 64
rate = 0.01
validation = 0.1
shift = 0.5
brightness = 0.1
contrast = 0.2
blur = 0.1
balance = 0.5
precision = "bfloat16"
reestimate = "end"
[teacher]
epochs = 2
share = 0.6
"""


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> recipe.Recipe:
    """The recipe TAUGHT, as if it were a network's."""
    file = tmp_path_factory.mktemp("taught") / "recipe.toml"
    file.write_text(TAUGHT)
    return recipe.read(file)


class Stop(Exception):
    """What ends a training between two epochs."""


def fit(
    known: recipe.Recipe, folder: Path, stop_after: int | None = None, *, resume: bool = True
) -> loop.State:
    """Train `known`; after `stop_after` epochs of any stage it is interrupted."""
    seen: list[loop.Epoch] = []

    def progress(row: loop.Epoch) -> None:
        seen.append(row)
        if len(seen) == stop_after:
            raise Stop

    return loop.fit(
        known,
        data.load(known.data),
        loop.checkpoint_path(folder, known.name),
        epochs=known.training.epochs,
        resume=resume,
        progress=progress,
    )


@pytest.fixture(scope="module")
def whole(taught: recipe.Recipe, tmp_path_factory: pytest.TempPathFactory) -> loop.State:
    """TAUGHT, trained without interruption."""
    return fit(taught, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("stop_after", [1, 2, 3, 5])
def test_it_resumes_exactly_in_either_stage(
    taught: recipe.Recipe, whole: loop.State, tmp_path: Path, stop_after: int
) -> None:
    with pytest.raises(Stop):
        fit(taught, tmp_path, stop_after)
    resumed = fit(taught, tmp_path)
    for name, value in whole.model.state_dict().items():
        assert resumed.model.state_dict()[name].equal(value), name
    assert [row.train_loss for row in resumed.curve] == [row.train_loss for row in whole.curve]


def test_a_fresh_start_that_is_interrupted_leaves_nothing_of_the_old_training(
    taught: recipe.Recipe, tmp_path: Path
) -> None:
    fit(taught, tmp_path)
    with pytest.raises(Stop):
        fit(taught, tmp_path, 1, resume=False)
    checkpoint = loop.checkpoint_path(tmp_path, taught.name)
    assert [path.name for path in checkpoint.parent.iterdir()] == ["teacher.pt"]


def test_the_teacher_is_of_the_same_layers_and_changes_what_is_learnt(
    taught: recipe.Recipe, whole: loop.State, tmp_path: Path
) -> None:
    alone = fit(replace(taught, training=replace(taught.training, teacher=None)), tmp_path)
    assert {row.stage for row in alone.curve} == {row.stage for row in whole.curve} == {"network"}
    assert alone.curve[0].train_loss != whole.curve[0].train_loss
    of = [network.build(taught, (1, 8, 8), 10, parts) for parts in (network.BINARY, network.FLOAT)]
    shapes = [[tuple(value.shape) for value in model.parameters()] for model in of]
    assert shapes[0] == shapes[1]
    with torch.no_grad():
        hidden = of[1][:4](torch.rand(2, 1, 8, 8))
    assert len(hidden.unique()) > 2


def test_a_teacher_that_agrees_adds_nothing(taught: recipe.Recipe) -> None:
    logits, loss = torch.randn(5, 10), torch.tensor(2.0)
    agreed = loop.distilled(taught, loss, logits, logits)
    apart = loop.distilled(taught, loss, logits, -logits)
    assert float(agreed) == pytest.approx(0.4 * 2, abs=1e-5)
    assert apart > agreed + 0.1


def test_what_a_teacher_says_counts_by_class(taught: recipe.Recipe) -> None:
    """With one class doubled as if its samples were there twice."""
    logits, wanted = torch.randn(3, 10), torch.randn(3, 10)
    counted = loop.distilled(
        taught, torch.tensor(0.0), logits, wanted, torch.tensor([1.0, 2.0, 1.0])
    )
    twice = torch.tensor([0, 1, 1, 2])
    doubled = loop.distilled(taught, torch.tensor(0.0), logits[twice], wanted[twice])
    assert float(counted) == pytest.approx(float(doubled), rel=1e-5)


def precisely(known: recipe.Recipe) -> recipe.Recipe:
    """`known` in float32."""
    return replace(known, training=replace(known.training, precision="float32"))


def test_reestimated_norms_are_those_of_the_images_as_they_are(taught: recipe.Recipe) -> None:
    digits = data.load("digits")
    learn, validate = split(digits, 0.1, 1, torch.device("cpu"))
    model = network.build(taught, (1, 8, 8), 10)
    twin = loop.reestimated(taught, model, learn)
    with torch.no_grad():
        sums = model.conv1.train()(learn.images.float())
    pooled = torch.nn.functional.max_pool2d(sums, 2)
    torch.testing.assert_close(twin.norm1.running_mean, pooled.mean((0, 2, 3)), rtol=0.02, atol=0.1)
    assert not twin.training and model.norm1.running_mean.eq(0).all()
    loop.keep_if_better(taught, model, twin, validate)
    better = loop.evaluate(taught, model, validate)[1]
    assert better >= loop.evaluate(taught, twin, validate)[1]


def test_rare_classes_count_more() -> None:
    labels = torch.tensor([0] * 8 + [1] * 2)
    assert loop.class_weights(labels, 0) is None
    assert loop.class_weights(labels, 1).tolist() == pytest.approx([5 / 8, 5 / 2])
    assert loop.class_weights(labels, 0.5).tolist() == pytest.approx([0.625**0.5, 2.5**0.5])


def test_a_group_lies_on_one_side_and_each_class_on_both() -> None:
    labels = np.repeat([0, 0, 0, 0, 1, 1, 2], 30)
    groups = np.repeat([1, 2, 3, 4, 11, 12, 21], 30)
    held = held_out(labels, groups, 0.2, np.random.default_rng(1))
    for group in np.unique(groups):
        assert len(np.unique(held[groups == group])) == 1
    assert held[labels == 0].sum() == held[labels == 1].sum() == 30
    assert not held[labels == 2].any()


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3])
def test_groups_that_run_through_the_classes_are_held_out_as_a_fraction(fraction: float) -> None:
    chance = np.random.default_rng(2)
    labels, groups = chance.integers(0, 12, 4000), chance.integers(0, 300, 4000)
    held = held_out(labels, groups, fraction, np.random.default_rng(1))
    assert not set(groups[held]) & set(groups[~held])
    assert len(set(groups[held])) / 300 == pytest.approx(fraction, rel=0.3)
    for label in range(12):
        own = [len(set(groups[(labels == label) & side])) for side in (held, held | True)]
        assert own[0] >= round(fraction * own[1]) and own[0] / own[1] < 1.5 * fraction + 0.01


@pytest.mark.parametrize("seed", range(10))
def test_a_class_with_one_group_teaches_though_others_share_the_group(seed: int) -> None:
    labels, groups = np.array([0, 0, 0, 1]), np.array([1, 2, 3, 1])
    held = held_out(labels, groups, 0.5, np.random.default_rng(seed))
    assert not held[labels == 1].any() and held[labels == 0].any()


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_one_class_are_held_out_class_by_class(seed: int) -> None:
    """As it was before groups ran through several classes, so old trainings repeat."""
    chance = np.random.default_rng(seed)
    groups = chance.integers(0, 200, 2000)
    labels = np.where(groups == 0, 7, groups % 7)  # the last class has one group
    naive, generator = np.zeros(len(labels), bool), np.random.default_rng(seed)
    for label in range(8):
        own = np.unique(groups[labels == label])
        count = min(len(own) - 1, max(1, round(0.1 * len(own))))
        naive |= np.isin(groups, generator.permutation(own)[:count])
    np.testing.assert_array_equal(held_out(labels, groups, 0.1, np.random.default_rng(seed)), naive)


def test_layers_without_norms_go_all_the_way(tmp_path: Path) -> None:
    text = TAUGHT.replace("{ conv = 6 }", "{ conv = 6, norm = false }")
    text = text.replace("{ dense = 10 }", "{ dense = 10, norm = false }").partition("[teacher]")[0]
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    known = recipe.read(file)
    parts = network.build(known, (1, 8, 8), 10)._modules
    assert [name for name in parts if name.startswith("norm")] == ["norm1"]
    digits = data.load("digits")
    made = run.train(known, digits, tmp_path, epochs=1).folder / "model.qonnx"
    found = golden.run(lower(made).net, digits.test.images).classes
    logits = export.execute(made, digits.test.images.transpose(0, 3, 1, 2))
    assert (logits[np.arange(len(found)), found] == logits.max(axis=1)).all()  # ties are many


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """models/ with the one network `some`, for digits; MNIST is at hand and has their images."""
    folder, real, load = tmp_path / "models", system.share_dir, data.load
    (folder / "some").mkdir(parents=True)
    (folder / "some/recipe.toml").write_text(TAUGHT.partition("[teacher]")[0])
    (folder / "notes.toml").write_text("[data]\n[original]\n")
    monkeypatch.setattr(system, "share_dir", lambda name: {"models": folder}.get(name, real(name)))
    monkeypatch.setattr(data, "load", lambda name, form, **options: load("digits", form))
    return folder


def test_another_data_set_is_another_training(onebit: Onebit, models: Path, tmp_path: Path) -> None:
    train = ("train", "some", "--epochs", 1)
    assert onebit(*train, "--data", "mnist", "--out", "other").code == 0
    card = json.loads((tmp_path / "other/train/some/card.json").read_text())
    assert card["data"] == "mnist"
    assert card["command"] == "onebit train some --data mnist --epochs 1"
    assert onebit(*train, "--data", "digits").code == 0, "which is the recipe's own"
    card = json.loads((tmp_path / "out/train/some/card.json").read_text())
    assert (card["data"], card["command"]) == ("digits", "onebit train some --epochs 1")
    onebit(*train, "--data", "mnist").refused(2, "the checkpoint .* now it is 1 epochs", "--fresh")
    onebit(*train, "--out", "other").refused(2, "the checkpoint .* now it is 1 epochs", "--fresh")


def test_what_learnt_from_other_data_is_not_published(
    onebit: Onebit, models: Path, tmp_path: Path
) -> None:
    train = ("train", "some", "--epochs", 1)
    said = onebit(*train, "--data", "mnist", "--publish")
    said.refused(2, "--publish wants the recipe's own data", "recipe.toml")
    assert not (tmp_path / "out").exists()
    onebit(*train, "--data", "speech_12").refused(2, "'some' cannot be trained on 'speech_12'", "")
    onebit(*train, "--data", "belgium_ts").refused(2, "cannot be trained on", "digits, mnist")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "killed" in metafunc.fixturenames:
        full = metafunc.config.getoption("--prove")
        metafunc.parametrize("killed", ["digits-mlp", "gtsrb-xnor-30"] if full else ["digits-mlp"])


def test_killed_at_random_moments_it_gives_the_same_model(
    killed: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    command = [sys.executable, "-m", "onebit", "train", killed, "--epochs", "2", "--out"]
    began = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole")], capture_output=True, check=True)
    seconds = time.monotonic() - began
    chance = np.random.default_rng(seed := time.time_ns())
    for _ in range(3):
        running = subprocess.Popen([*command, str(tmp_path / "cut")], stderr=subprocess.DEVNULL)
        time.sleep(float(chance.uniform(0, seconds)))
        running.send_signal(signal.SIGKILL)
        running.wait()
    subprocess.run([*command, str(tmp_path / "cut")], capture_output=True, check=True)
    made = [tmp_path / part / "train" / killed / "model.qonnx" for part in ("whole", "cut")]
    assert made[0].read_bytes() == made[1].read_bytes(), f"killed at moments of seed {seed}"
    record_property(
        "claim", f"{killed}: killed three times and resumed, the same model byte by byte"
    )
