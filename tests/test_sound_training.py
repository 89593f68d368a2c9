"""Training on sounds: who chooses, versions, masks, the 12-bit input, and the way to the net."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import made_sounds
from made_sounds import RAW, numbered, read
from onebit import evaluate, flow, golden, recipe
from onebit.data import Dataset
from onebit.errors import ConfigError
from onebit.lower import lower
from onebit.net import Int
from onebit.train import export, loop, run
from onebit.train.augment import augmented, masked
from onebit.train.layers import BinaryConv2d, BinaryLinear, Quantise, Sign
from onebit.train.split import Samples, split

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> recipe.Recipe:
    return read(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return made_sounds.dataset()


def test_the_datas_own_validation_part_chooses(dataset: Dataset) -> None:
    learn, chosen = split(dataset, 0, 1, CPU)
    assert dataset.validation is not None and learn.versions is not None
    for found, given in ((learn, dataset.train), (chosen, dataset.validation)):
        np.testing.assert_array_equal(found.images.permute(0, 2, 3, 1), given.images)
        np.testing.assert_array_equal(found.labels, given.labels)
    np.testing.assert_array_equal(learn.versions.permute(0, 1, 3, 4, 2), dataset.train.versions)
    assert chosen.versions is None


def test_without_a_validation_part_the_recipe_must_hold_some_out(dataset: Dataset) -> None:
    with pytest.raises(ConfigError, match="'speech_happy' has no validation part") as caught:
        split(replace(dataset, validation=None), 0, 1, CPU)
    assert "validation = 0.1" in caught.value.hint


@pytest.mark.parametrize("groups", [None, np.arange(160) // 4])
def test_what_is_held_out_takes_its_versions_along(
    dataset: Dataset, groups: NDArray[np.int64] | None
) -> None:
    images, versions = numbered(160)
    train = replace(dataset.train, images=images, versions=versions, groups=groups)
    learn, chosen = split(replace(dataset, train=train), 0.25, 1, CPU)
    assert len(chosen.labels) == 40 and len(learn.labels) == 120
    numbers = torch.cat([learn.images, chosen.images])[:, 0, 0, 0]
    assert sorted(numbers.tolist()) == list(range(160))
    for side in (learn, chosen):
        assert side.versions is not None
        for version, samples in enumerate(side.versions, 1):
            assert samples.equal(side.images + 1000 * version)


def test_every_sample_is_learnt_in_one_of_its_own_versions() -> None:
    images, versions = (torch.from_numpy(each) for each in numbered(50))
    samples = Samples(images=images, labels=torch.zeros(50), versions=versions)
    batch = torch.randperm(50)[:30]

    def drawn(seed: int) -> Tensor:
        drawn, answers = samples.drawn(batch, torch.Generator().manual_seed(seed))
        assert answers is None
        return drawn

    found = drawn(1)
    assert found.dtype == torch.float32 and found.shape == (30, 6, 1, 1)
    values = found[:, 0, 0, 0].long()
    assert (values % 1000).equal(batch) and set((values // 1000).tolist()) == {1, 2}
    assert found.equal(drawn(1)) and not found.equal(drawn(2))
    plain, _ = replace(samples, versions=None).drawn(batch, torch.Generator())
    assert plain.equal(images[batch].float())


@pytest.mark.parametrize("balance", [0, 0.5, 1])
def test_the_choice_counts_classes_as_the_loss_does(known: recipe.Recipe, balance: float) -> None:
    how = replace(known, training=replace(known.training, balance=balance))
    logits = torch.randn(90, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0] * 60 + [1] * 20 + [2] * 10)
    chosen = Samples(images=logits.view(90, 3, 1, 1), labels=labels)
    loss, accuracy = loop.evaluate(how, nn.Flatten(), chosen)  # whose logits are its samples

    counts = [(30 / [60, 20, 10][label]) ** balance for label in labels.tolist()]
    right = (logits.argmax(1) == labels).tolist()
    losses = cross_entropy(logits, labels, reduction="none").tolist()
    for found, values in ((accuracy, right), (loss, losses)):
        naive = sum(v * c for v, c in zip(values, counts, strict=True)) / sum(counts)
        assert found == pytest.approx(naive, abs=1e-5)
    want = (
        evaluate.balanced(logits.argmax(1).numpy(), labels.numpy()) if balance else np.mean(right)
    )
    assert balance == 0.5 or accuracy == pytest.approx(want, abs=1e-6)


def test_a_class_that_does_not_choose_does_not_count(known: recipe.Recipe) -> None:
    logits = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]).view(3, 3, 1, 1)
    chosen = Samples(images=logits, labels=torch.tensor([0, 1, 1]))
    assert loop.evaluate(known, nn.Flatten(), chosen)[1] == pytest.approx(0.75)


@pytest.mark.parametrize(("axis", "most"), [(2, 3), (3, 2), (3, 9)])
def test_a_mask_hides_so_many_neighbours_at_most_and_nothing_else(axis: int, most: int) -> None:
    images = torch.randint(1, 2048, (600, 1, 10, 6)).float()
    found = masked(images, axis, most, torch.Generator().manual_seed(1))
    assert found.equal(masked(images, axis, most, torch.Generator().manual_seed(1)))
    size, widths, starts = images.shape[axis], set(), set()
    for before, after in zip(images.movedim(axis, 1), found.movedim(axis, 1), strict=True):
        hidden = [at for at in range(size) if not after[at].any()]
        assert hidden == list(range(*(hidden[0], hidden[-1] + 1))) if hidden else True
        seen = [at for at in range(size) if at not in hidden]
        assert after[seen].equal(before[seen])
        widths.add(len(hidden))
        starts.update(hidden[:1])
    assert widths == set(range(min(most, size) + 1))
    assert starts == set(range(size))


def test_masks_are_a_recipes_augmentation(known: recipe.Recipe) -> None:
    images = torch.randint(1, 2048, (200, 1, 10, 6)).float()
    how = known.training.augment
    found = augmented(images, how, torch.Generator().manual_seed(1))
    hidden = (found == 0)[:, 0]
    assert found[found != 0].equal(images[found != 0])
    assert hidden.all(2).sum(1).max() == 2 and hidden.all(1).sum(1).max() == 1
    off = replace(how, mask_frames=0, mask_coefficients=0)
    assert augmented(images, off, torch.Generator()) is images


@pytest.mark.parametrize(("step", "bits"), [(8, 8), (0.5, 4), (3, 5)])
def test_quantised_samples_are_the_nearest_multiples(step: float, bits: int) -> None:
    raw = np.arange(*RAW)
    half = 2 ** (bits - 1)
    naive = [step * min(max(round(value / step), -half), half - 1) for value in raw.tolist()]
    given = torch.from_numpy(raw).float()
    assert Quantise(step, bits)(given).tolist() == naive
    assert given.tolist() == raw.tolist(), "what is given stays as it is"


def quantised(step: float, bits: int) -> nn.Module:
    """A small network behind a quantised input."""
    torch.manual_seed(5)
    model = nn.Sequential(
        *(Quantise(step, bits), BinaryConv2d(1, 4, 3, padding=1), nn.MaxPool2d(2)),
        *(nn.BatchNorm2d(4), Sign(), nn.Flatten(), BinaryLinear(4 * 5 * 3, 3), nn.BatchNorm1d(3)),
    )
    model(torch.randint(*RAW, (64, 1, 10, 6)).float())  # the statistics of the batch-norms
    return model.eval()


INPUT = export.RawInput(shape=(1, 10, 6), bits=12, signed=True)


@pytest.mark.parametrize(("step", "bits"), [(8, 8), (8, 4), (0.75, 8), (300, 3)])
def test_a_quantised_input_becomes_a_table_of_all_raw_values(
    tmp_path: Path, step: float, bits: int
) -> None:
    model, file = quantised(step, bits), tmp_path / "q.qonnx"
    export.export_qonnx(model, file, input=INPUT)
    net = lower(file).net
    first, half = net.input, 2 ** (bits - 1)
    assert first.element == Int(bits=bits, signed=True) and first.shape == (10, 6, 1)
    assert (first.raw_lo, first.raw_step, first.raw_scale) == (RAW[0], 1, 1)
    assert (first.scale, first.offset) == (step, 0)
    table = [min(max(round(raw / step), -half), half - 1) for raw in range(*RAW)]
    assert first.table.tolist() == table and len(table) == 2**12

    samples = np.random.default_rng(1).integers(*RAW, (500, 10, 6, 1)).astype(np.int16)
    samples[:250] //= 16  # not all of them clipped
    with torch.no_grad():
        logits = model(torch.from_numpy(samples).permute(0, 3, 1, 2).float())
    found = golden.run(net, samples).classes
    np.testing.assert_array_equal(found, logits.argmax(1))
    assert len(set(found.tolist())) == 3


def test_a_quantised_network_is_exported_as_the_same_bytes_in_another_process(
    tmp_path: Path,
) -> None:
    model = quantised(8, 8)
    for name in ("first", "again"):
        export.export_qonnx(model, tmp_path / name, input=INPUT)
    here = Path(__file__).parent
    code = (
        "from test_sound_training import INPUT, export, quantised\n"
        f"export.export_qonnx(quantised(8, 8), {str(tmp_path / 'other')!r}, input=INPUT)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=here, check=True)
    first, again, other = ((tmp_path / name).read_bytes() for name in ("first", "again", "other"))
    assert first == again == other


class Stop(Exception):
    """What ends a training between two epochs."""


def stop_after(count: int) -> Callable[[loop.Epoch], None]:
    """Ends a training after so many epochs."""
    seen = []

    def progress(row: loop.Epoch) -> None:
        seen.append(row)
        if len(seen) == count:
            raise Stop

    return progress


@pytest.fixture(scope="module")
def trained(
    known: recipe.Recipe, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of `known`, trained without interruption."""
    out = tmp_path_factory.mktemp("whole")
    return run.train(known, dataset, out, integer_accuracy=flow.measure).folder


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card


def test_the_card_of_sounds_has_features_balanced_accuracy_and_the_teachers(
    known: recipe.Recipe, dataset: Dataset, trained: Path
) -> None:
    card, labels = card_of(trained), dataset.test.labels
    assert known.features is not None and card["features"] == asdict(known.features)
    assert (card["data"], card["classes"]) == ("speech_happy", ["_other_", "happy"])
    found = golden.run(lower(trained / flow.MODEL).net, dataset.test.images).classes
    shares = [(found == labels)[labels == label].mean() for label in (0, 1)]
    assert card["test_balanced"] == round(float(np.mean(shares)), 5) > 0.6
    assert card["test_accuracy"] == round(float((found == labels).mean()), 5)
    assert card["test_accuracy"] == card["test_accuracy_float"]

    state = loop.fit(known, dataset, trained / "checkpoint.pt", epochs=3)  # as it was left
    assert state.teacher is not None
    images = torch.from_numpy(dataset.test.images).permute(0, 3, 1, 2).float()
    taught = state.teacher(images).argmax(1).numpy()
    assert card["teacher"] == {
        "same_layers": True,
        "test_accuracy": round(float((taught == labels).mean()), 5),
        "test_balanced": round(evaluate.balanced(taught, labels), 5),
    }
    assert card["teacher"]["test_balanced"] > 0.6 and card["teacher_epochs"] == 2


def test_a_folder_of_sounds_keeps_its_features_through_compiling(
    known: recipe.Recipe, trained: Path, tmp_path: Path
) -> None:
    assert flow.subject(str(trained)).features == known.features
    compiled = flow.compile_network(str(trained), tmp_path / "out", "pynq-z2", None, None)
    assert compiled.features == known.features
    assert compiled.net.input.shape == (10, 6, 1) and len(compiled.net.input.table) == 2**12
    assert compiled.net.input.element == Int(bits=8, signed=True)


def test_a_training_on_sounds_resumes_exactly_in_either_stage(
    known: recipe.Recipe, dataset: Dataset, trained: Path, tmp_path: Path
) -> None:
    for count in (1, 2):  # within the teacher's epochs, then after the first one of its own
        with pytest.raises(Stop):
            run.train(known, dataset, tmp_path, progress=stop_after(count))
    resumed = run.train(known, dataset, tmp_path, integer_accuracy=flow.measure).folder
    assert (resumed / flow.MODEL).read_bytes() == (trained / flow.MODEL).read_bytes()
    cards = [{**card_of(folder), "seconds": 0} for folder in (resumed, trained)]
    assert cards[0] == cards[1]


def test_what_is_learnt_are_the_versions(
    known: recipe.Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    """Versions whose classes are the other way round teach the opposite."""
    assert dataset.train.versions is not None
    wrong = replace(dataset.train, versions=-dataset.train.versions)
    alone = replace(known, training=replace(known.training, teacher=None))
    made = run.train(alone, replace(dataset, train=wrong), tmp_path, integer_accuracy=flow.measure)
    assert card_of(made.folder)["test_balanced"] < 0.4


def test_each_epoch_is_judged_by_statistics_of_sounds_as_they_are(
    known: recipe.Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    states = {}
    for when in ("never", "epoch"):
        how = replace(known, training=replace(known.training, reestimate=when, teacher=None))
        file = tmp_path / when / "checkpoint.pt"
        states[when] = loop.fit(how, dataset, file, epochs=1)
    learn, chosen = split(dataset, 0, known.seed, CPU)
    twin = loop.reestimated(known, states["never"].model, learn)
    assert not twin.norm1.running_mean.equal(states["never"].model.norm1.running_mean)
    for name, value in twin.state_dict().items():
        assert states["epoch"].model.state_dict()[name].equal(value), name
    judged = round(loop.evaluate(known, twin, chosen)[1], 5)
    assert states["epoch"].curve[0].validation_accuracy == judged


def test_sounds_want_a_step(known: recipe.Recipe, dataset: Dataset, tmp_path: Path) -> None:
    plain = replace(known, input=replace(known.input, step=None))
    with pytest.raises(ConfigError, match=r"has no input.step, to quantise features of 12 bits"):
        run.train(plain, dataset, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_teacher_has_its_own_layers(known: recipe.Recipe, dataset: Dataset) -> None:
    how = known.training.teacher
    assert how is not None
    large = replace(how, layers=(replace(known.layers[0], channels=7), known.layers[1]))
    taught = replace(known, training=replace(known.training, teacher=large))
    for name, parts, channels in (("teacher", loop.FLOAT, 7), ("network", loop.BINARY, 4)):
        stage = loop.Stage(name=name, parts=parts, epochs=1, rate=0.1, checkpoint=Path("none"))
        model = loop.start(taught, dataset, CPU, stage).model
        assert model.get_submodule("conv1").out_channels == channels
