"""Training: resumes exactly, exports what it trained, and its layers drop into other models."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from torch import nn

from onebit import data, recipe
from onebit.cards import Measured
from onebit.errors import CheckFailed, ConfigError
from onebit.train import export, loop, network
from onebit.train.augment import augmented
from onebit.train.layers import BinaryConv2d, BinaryLinear, Sign
from onebit.train.run import Result
from onebit.train.run import train as train_on

EPOCHS = 3
CONVS = """\
# A small network of every kind of layer, quickly trained.
title = "Digits"
data = "digits"
seed = 1
layers = [
  { conv = 8, padding = 1, pool = 2 },
  { conv = 6, kernel = [3, 2] },
  { dense = 10 },
]
[input]
bits = 5
[train]
epochs = 3
batch = 64
rate = 0.01
validation = 0.1
shift = 0.5
"""
MADE = {"model.qonnx", "card.json", "README.md", "curves.svg", "confusion.svg", "checkpoint.pt"}


@pytest.fixture(scope="module")
def convs(tmp_path_factory: pytest.TempPathFactory) -> recipe.Recipe:
    """The recipe CONVS, as if it were a network's."""
    file = tmp_path_factory.mktemp("digits-conv") / "recipe.toml"
    file.write_text(CONVS)
    return recipe.read(file)


def train(known: recipe.Recipe, out: Path, **options: Any) -> Result:
    """Train on the recipe's own data."""
    return train_on(known, data.load(known.data, known.form, changes=known.changes), out, **options)


def interrupt_after_first(epoch: loop.Epoch) -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of digits-mlp, trained for EPOCHS without interruption."""
    result = train(recipe.load("digits-mlp"), tmp_path_factory.mktemp("whole"), epochs=EPOCHS)
    return result.folder


def test_training_makes_all_files_and_nothing_else(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == MADE
    card = json.loads((whole / "card.json").read_text())
    assert card["command"] == f"onebit train digits-mlp --epochs {EPOCHS}"
    assert card["test_accuracy"] is None and card["test_accuracy_float"] > 0.2
    assert card["test_balanced"] is card["features"] is card["teacher"] is None
    assert np.sum(card["confusion"]) == card["test_images"] == 360
    assert len(card["curve"]["train_loss"]) == card["epochs"] == EPOCHS


def test_interrupted_training_resumes_exactly(whole: Path, tmp_path: Path) -> None:
    network = recipe.load("digits-mlp")
    with pytest.raises(KeyboardInterrupt):
        train(network, tmp_path, epochs=EPOCHS, progress=interrupt_after_first)
    seen: list[loop.Epoch] = []
    result = train(
        network,
        tmp_path,
        epochs=EPOCHS,
        progress=seen.append,
        integer_accuracy=lambda *_: Measured(accuracy=0.5, balanced=0.25, summary={}),
    )
    assert [row.epoch for row in seen] == [2, 3]
    for name in ("model.qonnx", "curves.svg", "confusion.svg"):
        assert (result.folder / name).read_bytes() == (whole / name).read_bytes()
    card = json.loads((result.folder / "card.json").read_text())
    assert (result.test_accuracy, card["test_balanced"]) == (0.5, 0.25)


def test_a_network_of_convolutions_resumes_exactly_and_exports_what_it_computes(
    convs: recipe.Recipe, tmp_path: Path
) -> None:
    whole = train(convs, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(convs, tmp_path, progress=interrupt_after_first)
    resumed = train(convs, tmp_path)
    file = resumed.folder / "model.qonnx"
    assert file.read_bytes() == (whole.folder / "model.qonnx").read_bytes()
    assert json.loads((resumed.folder / "card.json").read_text())["parameters"] == 72 + 288 + 360

    wrapper = ModelWrapper(str(file))
    assert wrapper.get_tensor_shape("input") == [1, 1, 8, 8]
    assert wrapper.get_tensor_datatype("input") == DataType["UINT5"]
    of_weights = {"BipolarQuant", "Transpose"}
    operators = [node.op_type for node in wrapper.graph.node if node.op_type not in of_weights]
    norm = "BatchNormalization"
    assert operators == ["Conv", "MaxPool", norm, "Conv", norm, "Flatten", "MatMul", norm]

    model = network.build(convs, (1, 8, 8), 10)
    checkpoint = torch.load(loop.checkpoint_path(tmp_path, convs.name), weights_only=True)
    model.load_state_dict(checkpoint["best"])
    images = np.random.default_rng(2).integers(0, 32, (1100, 1, 8, 8))  # more than one batch
    with torch.no_grad():
        want = model.eval()(torch.from_numpy(images).float()).numpy()
    np.testing.assert_allclose(export.execute(file, images), want, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pool": 4}, "layers[1]: the kernel of 3x2 is larger than its padded input of 2x2"),
        ({"kernel": (1, 11)}, "layers[0]: the kernel of 1x11 is larger than its padded input of"),
        ({"stride": 2, "pool": 5}, "layers[0]: the pool of 5x5 is larger than the 4x4 that"),
    ],
)
def test_layers_that_do_not_fit_the_images_are_refused(
    convs: recipe.Recipe, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    first, *others = convs.layers
    wrong = replace(convs, layers=(replace(first, **change), *others))
    with pytest.raises(ConfigError, match=re.escape(said)):
        train(wrong, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_last_layer_of_another_size_than_the_classes_is_refused(convs: recipe.Recipe) -> None:
    with pytest.raises(ConfigError, match="has 10 units; the data has 43 classes") as caught:
        network.build(convs, (1, 8, 8), 43)
    assert "{ dense = 43 }" in caught.value.hint


def test_samples_are_flat_only_in_front_of_a_dense_layer(convs: recipe.Recipe) -> None:
    images = torch.arange(24).reshape(1, 2, 3, 4)
    assert network.inputs(convs, images) is images
    flat = network.inputs(recipe.load("digits-mlp"), images)
    assert flat[0, :4].tolist() == [0, 12, 1, 13], "both channels of a pixel, then the next pixel"


def test_checkpoint_of_another_training_is_refused(whole: Path, tmp_path: Path) -> None:
    checkpoint = loop.checkpoint_path(tmp_path, "digits-mlp")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes((whole / "checkpoint.pt").read_bytes())
    with pytest.raises(ConfigError, match=r"3 epochs .* now it is 4 epochs") as caught:
        train(recipe.load("digits-mlp"), tmp_path, epochs=4)
    assert "--fresh" in caught.value.hint
    saved = torch.load(checkpoint, weights_only=True)
    torch.save({**saved, "version": 1}, checkpoint)
    with pytest.raises(ConfigError, match="was written by another version of onebit"):
        train(recipe.load("digits-mlp"), tmp_path, epochs=EPOCHS)
    checkpoint.write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="cannot read the checkpoint"):
        train(recipe.load("digits-mlp"), tmp_path, epochs=EPOCHS)


def test_exported_file_names_nothing_of_this_machine(whole: Path) -> None:
    content = (whole / "model.qonnx").read_bytes()
    for word in (b"site-packages", b".py", str(Path.home()).encode(), str(Path.cwd()).encode()):
        assert word not in content


class Theirs(nn.Module):
    """A small model as somebody else would write it, with the binary layers dropped in."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            BinaryConv2d(1, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), Sign(), nn.MaxPool2d(2)
        )
        self.head = nn.Sequential(nn.Flatten(), BinaryLinear(8 * 2 * 2, 4), nn.BatchNorm1d(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, 8, 8] to [N, 4]."""
        logits: torch.Tensor = self.head(self.features(x))
        return logits


def test_layers_drop_into_somebody_elses_model(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = Theirs()
    images = torch.randint(0, 17, (64, 1, 8, 8)).float()
    labels = torch.randint(0, 4, (64,))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    before = [layer.weight.sign() for layer in (model.features[0], model.head[1])]
    losses = []
    for _ in range(20):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    for layer, signs in zip((model.features[0], model.head[1]), before, strict=True):
        assert not layer.weight.sign().equal(signs), f"{layer} has not learnt"

    file = tmp_path / "theirs.qonnx"
    export.export_qonnx(model, file, input=export.RawInput(shape=(1, 8, 8), bits=5))
    with torch.no_grad():
        want = model.eval()(images).numpy()
    np.testing.assert_allclose(export.execute(file, images.numpy()), want, rtol=1e-5, atol=1e-5)


def test_a_view_is_exported_for_any_number_of_samples(tmp_path: Path) -> None:
    class View(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.sign = BinaryConv2d(1, 4, 3), Sign()
            self.fc = BinaryLinear(4 * 6 * 6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.sign(self.conv(x) - 3).view(x.size(0), -1))

    export.export_qonnx(View(), tmp_path / "v", input=export.RawInput(shape=(1, 8, 8), bits=5))


def test_a_shared_sign_is_exported_at_each_of_its_places(tmp_path: Path) -> None:
    torch.manual_seed(4)
    sign = Sign()
    model = nn.Sequential(BinaryLinear(6, 8), nn.BatchNorm1d(8), sign)
    model.append(BinaryLinear(8, 8)).append(nn.BatchNorm1d(8)).append(sign)
    model.append(BinaryLinear(8, 3)).append(nn.BatchNorm1d(3))
    images = torch.randint(0, 16, (64, 6)).float()
    model(images)  # the statistics of the batch-norms
    file = str(tmp_path / "shared.qonnx")  # a text is a path too
    export.export_qonnx(model, file, input=export.RawInput(shape=(6,), bits=4))
    operators = [node.op_type for node in onnx.load(file).graph.node]
    assert operators.count("BipolarQuant") == 2 + 3, "two activations and three matrices"
    with torch.no_grad():
        want = model.eval()(images).numpy()
    got = export.execute(Path(file), images.numpy())
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_padding_with_anything_but_zeros_is_refused(tmp_path: Path) -> None:
    model = nn.Sequential(BinaryConv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten())
    file = tmp_path / "padded.qonnx"
    with pytest.raises(ConfigError, match="'circular'; only zero padding can be exported"):
        export.export_qonnx(model, file, input=export.RawInput(shape=(1, 4, 4), bits=5))
    assert not file.exists()


def test_input_bits_that_are_not_the_datas_are_refused(tmp_path: Path) -> None:
    network = recipe.load("digits-mlp")
    wrong = replace(network, input=replace(network.input, bits=4))
    with pytest.raises(ConfigError, match=r"digits-mlp: input.bits = 4 .*'digits' have 5 bits"):
        train(wrong, tmp_path)
    assert not list(tmp_path.iterdir())


def test_export_notices_a_file_that_computes_something_else(whole: Path) -> None:
    samples = np.random.default_rng(1).integers(0, 17, (32, 64))
    stranger = nn.Sequential(nn.Linear(64, 10))
    with pytest.raises(CheckFailed, match="different classes"):
        export.compare(stranger, whole / "model.qonnx", samples)


def test_sign_of_zero_is_plus_one_and_gradients_stop_outside() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], requires_grad=True)
    y = Sign()(x)
    assert y.tolist() == [-1, -1, 1, 1, 1]
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0, 1, 1, 1, 0]


def test_a_binary_layer_refuses_a_bias() -> None:
    with pytest.raises(ConfigError, match="no bias"):
        BinaryLinear(4, 4, bias=True)


def augment(**changes: Any) -> recipe.Augment:
    """No change but `changes`."""
    none = {field.name: 0 for field in fields(recipe.Augment)}
    return recipe.Augment(**{**none, "edge": "zero", **changes})


@pytest.mark.parametrize(("edge", "least"), [("zero", 0), ("repeat", 50)])
def test_what_comes_in_from_outside_is_black_or_the_edge(edge: str, least: int) -> None:
    images = torch.randint(50, 256, (20, 3, 12, 12)).float()
    generator = torch.Generator().manual_seed(0)
    assert augmented(images, augment(shift=6, edge=edge), generator).min() in range(
        least, least + 9
    )


def test_light_changes_as_the_recipe_says() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.full((64, 3, 8, 8), 100.0)
    images[..., :4] = 60
    darker = augmented(images, augment(brightness=0.3), generator).mean((1, 2, 3)) / 80
    assert 0.7 <= darker.min() < 0.75 and 1.25 < darker.max() <= 1.31
    flat = augmented(images, augment(contrast=0.5), generator)
    assert flat.mean((1, 2, 3)).sub(80).abs().max() < 1
    spread = (flat[..., -1] - flat[..., 0]).mean((1, 2))
    assert 20 <= spread.min() < 25 and 55 < spread.max() <= 60
    soft = augmented(images, augment(blur=1), generator)
    assert soft[..., [0, 7]].equal(images[..., [0, 7]])
    step = (soft[..., 4] - soft[..., 3]).mean((1, 2))
    assert 13 <= step.min() < 16 and 37 < step.max() <= 40
    bright = augmented(torch.full((64, 3, 8, 8), 250.0), augment(brightness=0.3), generator)
    assert bright.max() == 255 and bright.equal(bright.round())


def test_augmentation_keeps_whole_values_and_no_change_is_no_change() -> None:
    images = torch.randint(0, 256, (5, 1, 28, 28)).float()
    none, still = augment(), augment(scale=1e-9)
    some = augment(shift=2, rotation=20, scale=0.2)
    generator = torch.Generator().manual_seed(0)
    assert augmented(images, none, generator) is images and some.changes
    assert not none.changes and not augment(edge="repeat").changes
    assert augmented(images, still, generator).equal(images)
    moved = augmented(images, some, generator)
    assert moved.equal(moved.round()) and 0 <= moved.min() and moved.max() <= 255
    assert not moved.equal(images)


def test_rate_rises_to_its_peak_and_falls_to_zero() -> None:
    rates = [loop.rate_at(step / 100, 0.01, 0.3) for step in range(101)]
    assert rates[0] == pytest.approx(0.0004)
    assert max(rates) == rates[30] == pytest.approx(0.01)
    assert rates[100] == pytest.approx(0, abs=1e-12)
