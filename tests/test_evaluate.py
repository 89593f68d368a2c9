"""`onebit evaluate`: its numbers, foreign data sets, and data that does not fit the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import larq_nets
import tiny
from onebit import data, evaluate

Onebit = Callable[..., tiny.Said]


def test_scores_count_by_class_and_name_confusions() -> None:
    labels, found = np.array([0, 0, 0, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    got = evaluate.scores(found, labels, ("a", "b", "c", "d"))
    assert (got["images"], got["accuracy"]) == (6, 0.5)
    assert got["balanced"] == 0.5
    assert (got["classes"], got["classes_that_occur"]) == (4, 2)
    rows = [(row["name"], row["images"], row["right"]) for row in got["by_class"]]
    assert rows == [("a", 3, 1), ("c", 3, 2)]
    pairs = [(row["label_name"], row["class_name"], row["images"]) for row in got["confusions"]]
    assert pairs == [("a", "b", 2), ("c", "a", 1)]


def test_balanced_is_the_mean_over_the_classes_that_occur() -> None:
    chance = np.random.default_rng(1)
    labels = chance.choice(5, 200, p=[0.7, 0.1, 0.1, 0.1, 0])
    found = np.where(chance.random(200) < 0.6, labels, chance.integers(0, 5, 200))
    shares = []
    for label in range(4):
        own = [found[at] == label for at in range(200) if labels[at] == label]
        shares.append(sum(own) / len(own))
    assert evaluate.balanced(found, labels) == pytest.approx(sum(shares) / 4)
    assert evaluate.balanced(found, labels) != pytest.approx((found == labels).mean(), abs=0.01)
    assert evaluate.scores(found, labels, "abcde")["balanced"] == pytest.approx(sum(shares) / 4)


def test_a_network_is_scored_on_its_own_data(onebit: Onebit) -> None:
    said = onebit("evaluate", "digits-mlp", "--json")
    facts = json.loads(said.out)
    assert said.code == 0 and facts["images"] == 360 and facts["accuracy"] > 0.97
    assert sum(row["right"] for row in facts["by_class"]) == round(360 * facts["accuracy"])
    wrong = sum(row["images"] for row in facts["confusions"])
    assert wrong == 360 - round(360 * facts["accuracy"])
    text = onebit("evaluate", "digits-mlp").out
    assert "98.61 %" in text and "10 of 10" in text and "most frequent confusions" in text


@pytest.fixture
def sign_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network for signs of 30x30 pixels; two Belgian signs and one Chinese lie where they do."""
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ONEBIT_CACHE", str(tmp_path / "cache"))
    for file in ("belgium_ts/14/a.png", "belgium_ts/17/b.png", "chinese_ts/14/c.png"):
        path = tmp_path / "data" / file
        path.parent.mkdir(parents=True)
        Image.new("RGB", (40, 30), (200, 30, 40)).save(path)
    path = tmp_path / "signs.onnx"
    path.write_bytes(larq_nets.NETWORKS["gtsrb_xnor"].build(1).SerializeToString())
    return path


@pytest.mark.parametrize(("name", "images"), [("belgium_ts", 2), ("chinese_ts", 1)])
def test_foreign_signs_take_the_size_of_the_networks_input(
    onebit: Onebit, sign_net: Path, name: str, images: int
) -> None:
    said = onebit("evaluate", sign_net, "--input", "uint8", "--data", name, "--json")
    facts = json.loads(said.out)
    assert (facts["images"], facts["classes"], facts["data"]) == (images, 43, name)
    assert facts["classes_that_occur"] == images
    assert facts["by_class"][0]["name"] == "stop"


def test_data_that_does_not_fit_is_refused(
    onebit: Onebit, sign_net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs = ("evaluate", sign_net, "--input", "uint8")
    onebit(*signs).refused(2, "trained on is not known", "--data SET")
    onebit(*signs, "--data", "digits").refused(2, r"\(8, 8, 1\).*\(30, 30, 3\)", "--data")
    onebit("evaluate", "digits-mlp", "--data", "belgium_ts").refused(2, "belgium_ts.*(64,)", "")
    assert not (tmp_path / "cache" / "images").exists(), "it is said before images are decoded"
    onebit(*signs, "--data", "cifar").refused(2, "'cifar'", "there are: digits")
    onebit(*signs, "--data", "gtsrb").refused(2, "gtsrb", "onebit data gtsrb --download")
    onebit("evaluate", "nothing").refused(2, "'nothing' is neither", "digits-mlp")
    monkeypatch.setattr(data, "classes", lambda name: ("left", "right"))
    onebit("evaluate", "digits-mlp").refused(2, "'digits' has 2 classes, the network 10", "--data")
