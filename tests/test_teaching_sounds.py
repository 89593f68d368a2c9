"""Long training on sounds: a teacher asked once, epochs of many passes, the last epoch kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import made_sounds
from made_sounds import numbered
from onebit import cards, recipe
from onebit.data import Dataset
from onebit.train import loop, run
from onebit.train.split import Samples, split

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> recipe.Recipe:
    return made_sounds.read(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return made_sounds.dataset()


def test_a_version_comes_with_the_teachers_answer_to_it(known: recipe.Recipe) -> None:
    images, versions = (torch.from_numpy(each) for each in numbered(50))
    answers = loop.answers(known, nn.Flatten(), versions)  # whose logits are its samples
    assert answers.dtype == torch.float32
    assert answers.equal(versions.flatten(2).float())
    samples = Samples(images=images, labels=torch.zeros(50), versions=versions, answers=answers)
    drawn, said = samples.drawn(torch.randperm(50)[:30], torch.Generator().manual_seed(1))
    assert said is not None and said.equal(drawn.flatten(1))
    assert len(set((said // 1000)[:, 0].tolist())) == 2


@pytest.mark.parametrize("masks", [0, 2])
def test_the_teacher_is_asked_once_where_nothing_else_changes(
    known: recipe.Recipe, dataset: Dataset, tmp_path: Path, masks: int, monkeypatch: Any
) -> None:
    augment = replace(known.training.augment, mask_frames=masks, mask_coefficients=0)
    how = replace(known, training=replace(known.training, augment=augment, precision="float32"))
    asked: list[int] = []

    def answer(recipe: recipe.Recipe, teacher: nn.Module, images: Tensor) -> Tensor:
        asked.append(len(images))
        return true_answer(recipe, teacher, images)

    true_answer = loop.answer
    monkeypatch.setattr(loop, "answer", answer)
    file = loop.checkpoint_path(tmp_path, how.name)
    state = loop.fit(how, dataset, file, epochs=how.training.epochs)
    assert sum(asked) == (3 * 160 if not masks else how.training.epochs * 160)
    monkeypatch.setattr(loop, "answers", lambda *_: None)  # asked again and again: the same
    again = loop.fit(how, dataset, file.with_name("again.pt"), epochs=how.training.epochs)
    for name, value in again.model.state_dict().items():
        torch.testing.assert_close(state.model.state_dict()[name], value)


def test_an_epoch_is_as_many_passes_as_the_recipe_says(
    known: recipe.Recipe, dataset: Dataset
) -> None:
    seen: list[Tensor] = []
    how = replace(known, training=replace(known.training, passes=3, teacher=None))
    learn, _ = split(dataset, 0, 1, CPU)
    stage = loop.Stage(name="network", parts=loop.BINARY, epochs=1, rate=0.01, checkpoint=Path())
    state = loop.start(how, dataset, CPU, stage)

    def drawn(batch: Tensor, generator: torch.Generator) -> tuple[Tensor, None]:
        seen.append(batch)
        return learn.images[batch].float(), None

    watched = type("Watched", (), {"labels": learn.labels, "drawn": staticmethod(drawn)})
    loop.run_epoch(how, stage, state, watched(), 0)
    order = torch.cat(seen).view(3, 160)
    assert order.sort(1).values.equal(torch.arange(160).repeat(3, 1))
    assert not order[0].equal(order[1])


def test_the_last_epoch_is_kept_where_the_recipe_says_so(
    known: recipe.Recipe, dataset: Dataset, tmp_path: Path
) -> None:
    alone = replace(known.training, teacher=None, reestimate="never", rate=1e-6, epochs=4)
    folders, states = {}, {}
    for keep in ("best", "last"):
        how = replace(known, training=replace(alone, keep=keep))
        states[keep] = loop.fit(how, dataset, tmp_path / f"{keep}.pt", epochs=4)
        folders[keep] = run.train(how, dataset, tmp_path / keep).folder
    curve = [row.validation_accuracy for row in states["last"].curve]
    assert curve == [row.validation_accuracy for row in states["best"].curve]
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    for name, value in states["last"].model.state_dict().items():
        assert saved["model"][name].equal(value), name
    for keep, wanted in (("best", max(curve)), ("last", curve[-1])):
        card = json.loads((folders[keep] / "card.json").read_text())
        assert (card["kept"], card["validation_accuracy"]) == (keep, wanted)


def test_the_page_says_which_epoch_was_kept() -> None:
    card = cards.load(recipe.folder("digits-mlp"))
    none = cards.Notes(data={}, originals={})
    assert "validation accuracy, which chose the epoch |" in cards.page(card, none)
    page = cards.page({**card, "kept": "last"}, none)
    assert "validation accuracy of the last epoch |" in page
    assert "chose no epoch: the last was kept; `card.json`" in page
