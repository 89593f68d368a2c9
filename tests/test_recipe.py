"""Recipes: every one in models/ reads, and each mistake is answered with what is allowed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from onebit import data, recipe
from onebit.errors import ConfigError
from onebit.mfcc import Features

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

SOUNDS = """\
# Everything that a recipe can say of sounds.
title = "t"
data = "speech_12"
seed = 1
layers = [{ conv = 8 }, { dense = 12 }]
[features]
rate = 16000
frames = 40
coefficients = 20
mels = 30
window = 640
top = 8000
lifter = 0
level = -60
spread = 50
[input]
bits = 8
step = 0.5
[changes]
versions = 40
shift = 0.1
speed = 0.2
tone = 3
noise = 0.7
made = 0.6
spoken = 0.4
[train]
epochs = 2
batch = 64
rate = 0.01
mask_frames = 6
mask_coefficients = 2
"""
TRAIN = SOUNDS[SOUNDS.index("[train]") :]


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
    digits = {"digits-mlp", "mnist-120", "mnist-bcnn", "mnist-lfc", "mnist-sfc", "mnist-tfc"}
    signs = {"gtsrb-xnor-30", "gtsrb-3qconv-48", "gtsrb-3qconv-64", "gtsrb-best"}
    words = {"kws-12", "wakeword-2x2", "wakeword-3x3"}
    assert digits | signs | words <= set(recipe.networks())


@pytest.mark.parametrize("name", recipe.networks())
def test_every_card_belongs_to_its_recipe_and_model(name: str) -> None:
    folder = recipe.folder(name)
    card = json.loads((folder / "card.json").read_text())
    assert card["network"] == name
    assert card["recipe_sha256"] == recipe.load(name).digest
    model = (folder / "model.qonnx").read_bytes()
    assert card["model_sha256"] == hashlib.sha256(model).hexdigest()


@pytest.mark.parametrize("name", recipe.networks())
def test_every_recipe_takes_one_bit_or_those_of_its_data_or_quantises(name: str) -> None:
    known = recipe.load(name)
    bits = {"digits": 5, "mnist": 8, "gtsrb": 8}
    assert known.input.step or known.input.bits in (1, bits[known.data])
    assert (known.features is not None) == (data.kind(known.data) == "sounds")


@pytest.mark.parametrize("name", recipe.networks())
def test_the_digest_of_a_recipe_is_that_of_its_file(name: str) -> None:
    content = (recipe.folder(name) / "recipe.toml").read_bytes()
    assert recipe.load(name).digest == hashlib.sha256(content).hexdigest()


def test_unknown_network_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="'mnist-tcf'") as caught:
        recipe.load("mnist-tcf")
    assert "mnist-tfc" in caught.value.hint


def test_defaults_are_no_augmentation(tmp_path: Path) -> None:
    augment = read(tmp_path, GOOD).training.augment
    assert augment.edge == "zero"
    assert not any(asdict(replace(augment, edge="")).values())


def test_a_recipe_of_images_says_nothing_of_sounds(tmp_path: Path) -> None:
    plain = read(tmp_path, GOOD.replace("validation = 0.1\n", ""))
    assert plain.features is plain.changes is plain.input.step is plain.form is None
    assert plain.training.validation == 0
    assert read(tmp_path, GOOD.replace("[input]", "[input]\nsize = 30")).form == 30


def test_a_recipe_of_sounds_says_what_is_computed_and_changed(tmp_path: Path) -> None:
    known = read(tmp_path, SOUNDS)
    assert (
        known.features
        == known.form
        == Features(
            **{"rate": 16_000, "frames": 40, "coefficients": 20, "mels": 30, "window": 640},
            **{"top": 8000, "lifter": 0, "level": -60, "spread": 50},
        )
    )
    assert known.changes == data.Changes(
        versions=40, shift=0.1, speed=0.2, tone=3, noise=0.7, made=0.6, spoken=0.4
    )
    assert type(known.changes.versions) is int and type(known.changes.made) is float
    assert known.input == recipe.Input(bits=8, threshold=0, step=0.5, size=None)
    augment = known.training.augment
    assert (augment.mask_frames, augment.mask_coefficients) == (6, 2)
    assert type(augment.mask_frames) is int
    assert known.training.validation == 0


def test_sounds_have_the_usual_features_and_no_changes_unless_said(tmp_path: Path) -> None:
    head, _, tail = SOUNDS.partition("[features]")
    plain = read(tmp_path, head + tail[tail.index("[input]") : tail.index("[changes]")] + TRAIN)
    assert plain.features == Features() and plain.changes is None
    one = read(tmp_path, SOUNDS.partition("shift")[0] + TRAIN).changes
    assert one == data.Changes(versions=40, shift=0, speed=0, tone=0, noise=0, made=0)


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (GOOD, "[input]", "[features]\n[input]", "'features' is not for images, which 'digits'"),
        (GOOD, "[input]", "[changes]\nversions = 1\n[input]", "'changes' is not for images"),
        (GOOD, "batch", "mask_frames = 1\nbatch", "'train.mask_frames' is not for images"),
        (GOOD, "batch", "mask_coefficients = 1\nbatch", "'train.mask_coefficients' is not for"),
        (SOUNDS, "bits", "size = 30\nbits", "'input.size' is not for sounds, which 'speech_12'"),
        *(
            (SOUNDS, "batch", f"{key} = 0.5\nbatch", f"'train.{key}' is not for sounds")
            for key in ("shift", "rotation", "scale", "brightness", "contrast", "blur")
        ),
        (SOUNDS, "batch", "shift = 0\nbatch", "'train.shift' is not for sounds"),
        (SOUNDS, "batch", "edge = 'zero'\nbatch", "'train.edge' is not for sounds"),
        (GOOD, "bits = 5", "bits = 1\nstep = 2", "input.step = 2 is for more than 1 bit"),
        (SOUNDS, "frames = 40", "frames = 30", "features.frames = 30 does not divide rate = 16000"),
        (SOUNDS, "mels = 30", "mels = 19", "features.coefficients = 20 is more than mels = 19"),
        (SOUNDS, "top = 8000", "top = 8001", "features.top = 8001 is above half of rate = 16000"),
        (SOUNDS, "window = 640", "window = 0", "features.window = 0 is not at least 1"),
        (SOUNDS, "lifter = 0", "lifter = -1", "features.lifter = -1 is not at least 0"),
        (SOUNDS, "spread = 50", "spread = -1", "features.spread = -1 is not at least 0"),
        (SOUNDS, "spread = 50", "centred = 2", "features.centred = 2 is not 0 or 1"),
        (SOUNDS, "level = -60", "level = 0.5", "features.level = 0.5 is not a whole number"),
        (SOUNDS, "level = -60", "loud = 1", "the key 'features.loud' is unknown"),
        (SOUNDS, "versions = 40", "versions = 0", "changes.versions = 0 is not a whole number in"),
        (SOUNDS, "versions = 40", "", "the key 'changes.versions' is missing"),
        (SOUNDS, "made = 0.6", "made = 1.1", "changes.made = 1.1 is not a number in 0..1"),
        (SOUNDS, "made = 0.6", "made = 0.7", "are shares of the same copies, more than all of"),
        (SOUNDS, "made = 0.6", "pitch = 1", "the key 'changes.pitch' is unknown"),
        (SOUNDS, "step = 0.5", "step = -1", "input.step = -1 is not a number in"),
        (SOUNDS, "mask_frames = 6", "mask_frames = 0.5", "train.mask_frames = 0.5 is not a whole"),
    ],
)
def test_what_is_wrong_for_a_kind_of_data_is_named(
    tmp_path: Path, text: str, old: str, new: str, said: str
) -> None:
    assert old in text
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text.replace(old, new, 1))
    assert said in caught.value.message
    assert str(tmp_path / "recipe.toml") in caught.value.message


def test_another_data_set_is_another_recipe_of_the_same_network() -> None:
    own, other = recipe.load("kws-12"), recipe.load("kws-12", "speech_12")
    assert recipe.load("kws-12", own.data) == own
    assert (other.data, other.command) == ("speech_12", "onebit train kws-12 --data speech_12")
    assert other.digest not in (own.digest, recipe.load("kws-12", "speech_happy").digest)
    assert replace(other, data=own.data, digest=own.digest, command=own.command) == own


@pytest.mark.parametrize(
    ("name", "other", "hint"),
    [
        ("kws-12", "mnist", "--data of: speech_happy, speech_12, speech_12_speakers"),
        ("mnist-tfc", "speech_12", "--data of: digits, mnist, gtsrb"),
        ("gtsrb-best", "belgium_ts", "--data of: digits, mnist, gtsrb"),
        ("kws-12", "nonsense", "--data of: speech_happy"),
    ],
)
def test_data_that_does_not_train_a_network_is_refused(name: str, other: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' cannot be trained on '{other}'") as caught:
        recipe.load(name, other)
    assert caught.value.hint.startswith(hint)


def test_a_teacher_is_there_where_a_table_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).training.teacher is None
    known = read(tmp_path, GOOD + "[teacher]\nepochs = 7\nshare = 1\n")
    assert known.training.teacher == recipe.Teacher(
        layers=known.layers, epochs=7, rate=0.002, share=1.0, balance=0.0, temperature=3.0
    )


def test_a_teacher_may_have_layers_of_its_own(tmp_path: Path) -> None:
    text = GOOD + "[teacher]\nepochs = 7\nlayers = [{ dense = 9 }, { dense = 10 }]\n"
    known = read(tmp_path, text)
    assert known.training.teacher is not None
    assert [layer.units for layer in known.training.teacher.layers] == [9, 10]
    with pytest.raises(ConfigError, match=r"the last of the teacher\.layers is a conv"):
        read(tmp_path, text.replace("[{ dense = 9 }, { dense = 10 }]", "[{ conv = 10 }]"))


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
        ("batch = 64", "batch = 64\npasses = 0", "train.passes = 0 is not a whole number in 1"),
        ("rate = 0.01", "rate = nan", "train.rate = nan is not a number in"),
        ("batch = 64", 'precision = "half"\nbatch = 64', "is not 'float32' or 'bfloat16'"),
        ("batch = 64", "keep = 'first'\nbatch = 64", "train.keep = 'first' is not 'best' or"),
        ("batch = 64", "reestimate = 1\nbatch = 64", "train.reestimate = 1 is not 'never' or"),
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
