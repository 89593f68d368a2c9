"""The cards of models/: pages and pictures that are what the cards say, and how facts get there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tiny
from onebit import cards, cost, plots, publish, recipe, system
from onebit.errors import ConfigError

Onebit = Callable[..., tiny.Said]
LARGEST = 150_000  # bytes of a picture


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of models/ that a test may change, with digits-mlp as its training left it."""
    real = system.share_dir
    copy = shutil.copytree(real("models"), tmp_path / "models")
    monkeypatch.setattr(system, "share_dir", lambda name: copy if name == "models" else real(name))
    folder = copy / "digits-mlp"
    cards.write(folder, {**cards.load(folder), "summary": None, "rtl": None})
    publish.pages()
    return copy


def card_of(confusion: list[list[int]], classes: list[str], epochs: int = 3) -> dict[str, Any]:
    """A card with just what the pictures and the table of classes take."""
    falling = [1 / (epoch + 1) for epoch in range(epochs)]
    rising = [1 - value / 2 for value in falling]
    kinds = [f"{part}_{what}" for part in ("train", "validation") for what in ("loss", "accuracy")]
    curve = {kind: falling if kind.endswith("loss") else rising for kind in kinds}
    return {"classes": classes, "confusion": confusion, "curve": curve}


def words(svg: str) -> list[str]:
    """What is written in a picture, which must be well-formed and small."""
    assert len(svg) < LARGEST
    return [
        node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag[-4:] == "text"
    ]


def test_every_page_and_picture_is_what_its_card_says() -> None:
    stale = [str(file) for file in publish.outdated()]
    assert not stale, "run `onebit models`"


def test_every_original_is_of_a_network() -> None:
    originals = cards.notes().originals
    assert originals.keys() <= set(recipe.networks())
    assert all(0.5 < original.accuracy < 1 and original.source for original in originals.values())


def test_confusions_of_ten_classes() -> None:
    counts = np.diag(range(100, 110))
    counts[3, 5] = 7
    said = words(plots.confusion(card_of(counts.tolist(), list("0123456789"))))
    written = [str(count) for count in counts[counts > 0]]
    axes = ["the network says", "the image is", *"0123456789" * 2]
    assert sorted(said) == sorted([*written, *axes]), "nothing is written where nothing was"


@pytest.mark.parametrize("accuracy", [0.3, 0.85, 0.985])
def test_confusions_of_43_classes_stay_small(accuracy: float) -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(300, np.full(43, (1 - accuracy) / 42), size=43)
    np.fill_diagonal(counts, 300 - counts.sum(axis=1))
    card = card_of(counts.tolist(), [f"sign {index}" for index in range(43)])
    picture = plots.confusion(card)
    said = words(picture)
    assert said.count("42") >= 2 and "sign 42" not in said, "long names stay off the axes"
    assert int(re.findall(r'width="(\d+)"', picture)[0]) > 700
    assert picture == plots.confusion(card)


@pytest.mark.parametrize("epochs", [1, 5, 200])
def test_curves_of_any_length(epochs: int) -> None:
    said = words(plots.curves(card_of([[1]], ["0"], epochs)))
    assert said.count("train") == said.count("validation") == 2
    assert "loss" in said and "wrong, %" in said and str(epochs) in said


def test_an_error_of_zero_is_drawn() -> None:
    card = card_of([[1]], ["0"])
    card["curve"]["validation_accuracy"] = [1.0, 1.0, 1.0]
    assert "nan" not in plots.curves(card)


NONE = cards.Notes(data={}, originals={})


def test_what_is_noted_about_the_data_stands_on_its_pages() -> None:
    notes = cards.Notes(data={"digits": "Small images."}, originals={})
    card = cards.load(recipe.folder("digits-mlp"))
    assert "Small images." in cards.page(card, notes)
    assert "`digits`: Small images." in cards.overview([card], notes)
    assert "Small images." not in cards.page({**card, "data": "mnist"}, notes)


SOUNDS = {
    "data": "speech_happy",
    "test_accuracy": 0.98,
    "test_images": 5117,
    "test_balanced": 0.97,
    "teacher": {"same_layers": True, "test_accuracy": 0.99, "test_balanced": 0.98},
    "false_accepts": {
        "never heard": {"recordings": 6, "hours": 0.1, "detections": 1, "per_hour": 10.0},
        "all": {"recordings": 0, "hours": 0, "detections": 0, "per_hour": None},
    },
}


def test_the_page_of_a_network_for_sounds_says_what_it_hears() -> None:
    card = {**cards.load(recipe.folder("digits-mlp")), **SOUNDS}
    page = cards.page(card, NONE)
    assert "| **98.00 %** of 5,117 clips |" in page
    assert "| balanced test accuracy, the mean over the classes | **97.00 %** |" in page
    assert (
        "| a float network of the same layers, the teacher (balanced) | 99.00 % (98.00 %) |" in page
    )
    assert "Validation clips, of speakers that neither teach nor test, chose the epoch" in page
    assert "## Every test clip through the RTL" in page and "| class | test clips |" in page
    heard = "| false accepts in background recordings, never heard | 10.0 an hour: 1 in 6.0 min |"
    assert heard in page and "background recordings, all | none recorded |" in page
    bare = cards.page(
        {**card, **dict.fromkeys(("teacher", "test_balanced", "false_accepts"))}, NONE
    )
    assert "same layers" not in bare and "balanced" not in bare and "false accepts" not in bare


def test_the_page_of_a_network_for_images_says_images() -> None:
    page = cards.page(cards.load(recipe.folder("digits-mlp")), NONE)
    assert "of 360 images |" in page and "| class | test images |" in page
    assert "Validation images, part of the training set, chose the epoch" in page
    assert "## Every test image through the RTL" in page
    assert "clip" not in page and "balanced" not in page and "false accepts" not in page


def test_classes_come_hardest_first_with_what_they_are_taken_for() -> None:
    counts = [[9, 1, 0], [0, 10, 0], [2, 3, 5]]
    card = {**cards.load(recipe.folder("digits-mlp"))}
    page = cards.page({**card, **card_of(counts, ["stop", "yield", "keep right"])}, NONE)
    table = [line for line in page.splitlines() if re.match(r"\| \d ", line)]
    assert table == [
        "| 2 keep right | 10 | 50.00 % | 1 yield (3) |",
        "| 0 stop | 10 | 90.00 % | 1 yield (1) |",
        "| 1 yield | 10 | 100.00 % |  |",
    ]
    empty = cards.page({**card, **card_of([[0, 0], [0, 1]], ["a", "b"])}, NONE)
    assert "| 0 a | 0 | - |  |" in empty


def test_a_published_simulation_stands_on_the_card_and_on_both_pages(
    onebit: Onebit, models: Path
) -> None:
    assert "through the RTL" not in (models / "digits-mlp/README.md").read_text()
    said = onebit("simulate", "digits-mlp", "--images", "all", "--publish")
    assert said.code == 0, said
    card = json.loads((models / "digits-mlp/card.json").read_text())
    rtl = card["rtl"]
    assert (rtl["images"], rtl["mismatches"]) == (360, 0)
    assert round(rtl["accuracy"], 5) == card["test_accuracy"]
    assert "shown" not in rtl and rtl["ii_cycles"] == rtl["ii_formula"]
    assert card["summary"]["weights"] == card["parameters"]
    page = (models / "digits-mlp/README.md").read_text()
    assert "$ onebit simulate digits-mlp --images all\n" in page
    assert said.out.splitlines()[0].strip() in page, "what the command printed"
    assert "| total |" in page and f"| {rtl['ii_cycles']:g} cycles (formula: " in page
    row = next(
        line for line in (models / "README.md").read_text().splitlines() if "[digits" in line
    )
    assert "| 360, 0 differ |" in row and f"| {100e6 / rtl['ii_cycles']:,.0f} |" in row
    assert onebit("models", "--check").code == 0


def test_models_brings_pages_up_to_date_and_check_only_tells(onebit: Onebit, models: Path) -> None:
    file = models / cards.NOTES
    file.write_text(file.read_text().replace("0.82", "0.81"))
    before = tiny.tree(models)
    said = onebit("models", "--check")
    said.refused(1, "mnist-120/README.md' is not what the cards say", "onebit models")
    assert tiny.tree(models) == before
    written = json.loads(onebit("models", "--json").out)
    assert [Path(name).relative_to(models).as_posix() for name in written] == [
        *("mnist-120/README.md", "README.md", "comparison.svg")
    ]
    assert onebit("models", "--check").code == 0
    assert onebit("models").out == "all up to date\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("digits-mlp", "--images", 50), "--publish wants --images all, and no --stall"),
        (("digits-mlp", "--images", "all", "--stall", 5), "--publish wants --images all"),
    ],
)
def test_a_part_of_the_images_is_not_published(
    onebit: Onebit, words: tuple[object, ...], error: str
) -> None:
    onebit("simulate", *words, "--publish").refused(2, error, None)


def test_only_the_network_of_models_is_published(
    onebit: Onebit, models: Path, compiled: Path
) -> None:
    said = onebit("simulate", "compiled", "--images", "all", "--publish")
    said.refused(2, "no network is called 'tiny'", "there are")
    other = json.loads((models / "digits-mlp/card.json").read_text()) | {"model_sha256": "0" * 64}
    cards.write(models / "digits-mlp", other)
    onebit("compile", "digits-mlp")
    said = onebit("simulate", "digits-mlp", "--images", "all", "--publish")
    said.refused(2, "was not made from the model of 'digits-mlp' in models/", "onebit compile")


def test_only_the_folding_that_is_chosen_for_a_network_is_published(
    onebit: Onebit, models: Path
) -> None:
    onebit("compile", "digits-mlp", "--target-fps", "1000")
    said = onebit("simulate", "digits-mlp", "--images", "all", "--publish")
    said.refused(2, "was made by `onebit compile digits-mlp --target-fps 1000", "onebit compile")


def test_a_training_is_published_with_its_pages(models: Path, tmp_path: Path) -> None:
    trained = shutil.copytree(models / "digits-mlp", tmp_path / "trained")
    card = {**cards.load(trained), "title": "Digits again"}
    (trained / "card.json").write_text(json.dumps(card))
    (trained / "model.qonnx").write_bytes(b"another model")
    publish.training(trained, "digits-mlp")
    assert (models / "digits-mlp/model.qonnx").read_bytes() == b"another model"
    assert "Digits again" in (models / "digits-mlp/README.md").read_text()
    assert not publish.outdated()
    (trained / "card.json").write_text("{")
    (trained / "model.qonnx").write_bytes(b"a third model")
    with pytest.raises(ConfigError, match="cannot read the card"):
        publish.training(trained, "digits-mlp")
    assert (models / "digits-mlp/model.qonnx").read_bytes() == b"another model"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[data", "notes.toml': "),
        ("[data]\n", "'original'"),
        ('[data]\n[original.a]\nname = "x"\n', "missing 2 required .*'accuracy' and 'source'"),
        ('[data]\n[original.a]\nnmae = "x"\n', "unexpected .*'nmae'"),
        ("[date]\n[original]\n", "unexpected .*'date'"),
    ],
)
def test_damaged_notes_are_named(models: Path, text: str, error: str) -> None:
    (models / cards.NOTES).write_text(text)
    with pytest.raises(ConfigError, match=error):
        publish.pages()


def test_a_damaged_or_old_card_is_named(models: Path) -> None:
    file = models / "digits-mlp/card.json"
    file.write_text("{}")
    with pytest.raises(
        ConfigError, match=r"digits-mlp/card.json' is of another version: it has no"
    ):
        publish.pages()
    file.write_text("{")
    with pytest.raises(ConfigError, match=r"cannot read the card '.*digits-mlp/card.json'"):
        publish.pages()


def test_the_hardwares_facts_come_from_the_commands_beside_them(models: Path) -> None:
    from onebit import flow, trial

    made = flow.compile_network("digits-mlp", models.parent / "out", "pynq-z2", None, None)
    facts = trial.run_simulation(made, trial.samples(made, None, 0))
    publish.simulation(made, facts, "onebit simulate digits-mlp --images all")
    rtl = cards.load(models / "digits-mlp")["rtl"]
    assert rtl["lut_estimate"] == cost.luts(made.net, made.folding)
    assert rtl["compile"] == "onebit compile digits-mlp"
