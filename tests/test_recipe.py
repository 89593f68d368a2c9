"""Recipes: every one in models/ reads, and each mistake is answered with what is allowed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from onebit import data, recipe
from onebit.errors import ConfigError

GOOD = """\
# A recipe with only what must be there.
title = "t"
data = "digits"
seed = 1
layers = [{ dense = 10 }]
[input]
bits = 5
[train]
epochs = 2
batch = 64
rate = 0.01
validation = 0.1
"""


def read(folder: Path, text: str) -> recipe.Recipe:
    """The recipe `text`, as if it were a network's."""
    file = folder / "recipe.toml"
    file.write_text(text)
    return recipe.read(file)


@pytest.mark.parametrize("name", recipe.networks())
def test_every_recipe_reads_and_ends_in_the_classes_of_its_data(name: str) -> None:
    network = recipe.load(name)
    assert network.name == name
    last = network.layers[-1]
    assert isinstance(last, recipe.Dense) and last.units == len(data.classes(network.data))


def test_all_networks_are_there() -> None:
    digits = {"digits-mlp", "mnist-120", "mnist-bcnn", "mnist-sfc", "mnist-tfc"}
    signs = {"gtsrb-xnor-30", "gtsrb-3qconv-48", "gtsrb-3qconv-64", "gtsrb-best"}
    assert digits | signs <= set(recipe.networks())


@pytest.mark.parametrize("name", recipe.networks())
def test_every_card_belongs_to_its_recipe_and_model(name: str) -> None:
    folder = recipe.folder(name)
    card = json.loads((folder / "card.json").read_text())
    assert card["network"] == name
    assert card["recipe_sha256"] == recipe.load(name).digest
    model = (folder / "model.qonnx").read_bytes()
    assert card["model_sha256"] == hashlib.sha256(model).hexdigest()


@pytest.mark.parametrize("name", recipe.networks())
def test_every_recipe_takes_one_bit_or_those_of_its_data(name: str) -> None:
    network = recipe.load(name)
    assert network.input.bits in (1, {"digits": 5, "mnist": 8, "gtsrb": 8}[network.data])


def test_unknown_network_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="'mnist-tcf'") as caught:
        recipe.load("mnist-tcf")
    assert "mnist-tfc" in caught.value.hint


def test_defaults_are_no_augmentation(tmp_path: Path) -> None:
    augment = read(tmp_path, GOOD).training.augment
    assert augment.edge == "zero"
    assert not any(asdict(replace(augment, edge="")).values())


def test_a_teacher_is_there_where_a_table_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).training.teacher is None
    teacher = read(tmp_path, GOOD + "[teacher]\nepochs = 7\nshare = 1\n").training.teacher
    assert teacher == recipe.Teacher(epochs=7, rate=0.002, share=1.0, temperature=3.0)


def test_a_conv_says_only_what_differs_from_a_plain_one(tmp_path: Path) -> None:
    plain = recipe.Conv(channels=8, kernel=(3, 3), stride=1, padding=0, pool=1, norm=True)
    full = recipe.Conv(channels=8, kernel=(5, 2), stride=2, padding=1, pool=2, norm=False)
    for text, want in (
        ("{ conv = 8 }", plain),
        ("{ conv = 8, kernel = 3 }", plain),
        ("{ conv = 8, kernel = [5, 2], stride = 2, padding = 1, pool = 2, norm = false }", full),
    ):
        layers = read(tmp_path, GOOD.replace("[{", f"[{text}, {{")).layers
        assert layers == (want, recipe.Dense(units=10, norm=True)), text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 1", "", "the key 'seed' is missing"),
        ("seed = 1", "seed = -1", "seed = -1 is not a whole number in 0"),
        ("seed = 1", "seed = true", "seed = True is not a whole number"),
        ('"digits"', '"digit"', "data = 'digit' is not 'digits' or 'mnist' or 'gtsrb'"),
        ("batch = 64", "batches = 64", "the key 'train.batches' is unknown"),
        ("batch = 64", "", "the key 'train.batch' is missing"),
        ("rate = 0.01", "rate = nan", "train.rate = nan is not a number in"),
        ("batch = 64", 'precision = "half"\nbatch = 64', "is not 'float32' or 'bfloat16'"),
        ("batch = 64", "reestimate = 1\nbatch = 64", "train.reestimate = 1 is not true or false"),
        ("[train]", "[teacher]\nrate = 0.1\n[train]", "the key 'teacher.epochs' is missing"),
        ("[train]", "[teacher]\n[train]", "the key 'teacher.epochs' is missing"),
        ("[train]", "[teacher]\nwise = 1\n[train]", "the key 'teacher.wise' is unknown"),
        ("bits = 5", "bits = 9", "input.bits = 9 is not a whole number in 1..8"),
        ("[{ dense = 10 }]", "[]", "layers = [] is not a list of one or more"),
        ("[{ dense = 10 }]", "[10]", "layers[0] is 10"),
        ("{ dense = 10 }", "{ dense = 10, relu = true }", "the key 'layers[0].relu' is unknown"),
        ("{ dense = 10 }", "{ dance = 10 }", "layers[0] is {'dance': 10}; it must be a table"),
        ("dense = 10", "dense = 10, conv = 8", "the key 'layers[0].conv' is unknown"),
        ("dense = 10", "dense = 10, norm = 0", "layers[0].norm = 0 is not true or false"),
        ("dense = 10", "conv = 8, kernel = 0", "layers[0].kernel = 0 is not a whole number in 1"),
        ("dense = 10", "conv = 8, kernel = [3]", "or two as [height, width]"),
        ("dense = 10", "conv = 8, kernel = [3, true]", "or two as [height, width]"),
        ("dense = 10", "conv = 8, padding = -1", "layers[0].padding = -1 is not a whole"),
        ("dense = 10", "conv = 8", "the last of the layers is a conv"),
        ("{ dense = 10 }", "{ dense = 9 }, { conv = 8 }", "layers[1] is a conv behind a dense"),
        ("seed = 1", "seed = ", "cannot read the recipe"),
    ],
)
def test_mistakes_name_file_key_and_rule(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert said in caught.value.message
    assert str(tmp_path / "recipe.toml") in caught.value.message


def test_changed_recipe_has_another_digest(tmp_path: Path) -> None:
    first = read(tmp_path, GOOD).digest
    assert read(tmp_path, GOOD.replace("seed = 1", "seed = 2")).digest != first
