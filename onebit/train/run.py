"""The whole way from a recipe to a measured network: train, export, check, measure, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from onebit import mfcc
from onebit.data import Dataset, Split
from onebit.errors import ConfigError
from onebit.recipe import Recipe
from onebit.train import card, export
from onebit.train.layers import BinaryConv2d, BinaryLinear
from onebit.train.loop import EVALUATION_BATCH, Progress, State, checkpoint_path, fit
from onebit.train.network import inputs

CHECKED_IMAGES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Where the trained network lies and what it achieves; accuracies are fractions."""

    network: str
    folder: Path  # model.qonnx, card.json, README.md, curves.svg, confusion.svg, checkpoint.pt
    epochs: int
    seconds: float
    validation_accuracy: float
    test_accuracy_float: float
    test_accuracy: float | None  # of the integer model


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    epochs: int | None = None,
    resume: bool = True,
    progress: Progress = lambda epoch: None,
    integer_accuracy: card.Measure | None = None,
) -> Result:
    """Train `recipe` under `out`/train/<network> and measure the chosen model on the test images.

    `dataset` is the recipe's, with images of its size; `epochs` replaces the recipe's number;
    `integer_accuracy` measures the exported file on the integer model. Interrupted at any moment,
    the same call goes on after the last whole epoch.
    """
    checkpoint = checkpoint_path(out, recipe.name)
    folder = checkpoint.parent
    check_input(recipe, dataset)
    state = fit(
        recipe,
        dataset,
        checkpoint,
        epochs=epochs or recipe.training.epochs,
        resume=resume,
        progress=progress,
    )
    made = finish(recipe, dataset, state, folder / "model.qonnx", integer_accuracy)
    card.write(folder, made)
    return Result(
        network=recipe.name,
        folder=folder,
        epochs=made["epochs"],
        seconds=made["seconds"],
        validation_accuracy=made["validation_accuracy"],
        test_accuracy_float=made["test_accuracy_float"],
        test_accuracy=made["test_accuracy"],
    )


def raw_bits(dataset: Dataset) -> int:
    """The bits of the largest raw value that is learnt from."""
    return int(dataset.train.images.max()).bit_length()


def check_input(recipe: Recipe, dataset: Dataset) -> None:
    """ConfigError where the recipe takes raw values in, and of another width than the data's."""
    if recipe.input.step or recipe.input.bits == 1:
        return
    if recipe.features:
        raise ConfigError(
            f"{recipe.name}: its recipe.toml has no input.step, to quantise features of "
            f"{mfcc.RAW_BITS} bits with",
            hint="write step = 8 under [input], or bits = 1 with a threshold",
        )
    bits = raw_bits(dataset)
    if recipe.input.bits != bits:
        raise ConfigError(
            f"{recipe.name}: input.bits = {recipe.input.bits} in its recipe.toml, and the values "
            f"of the data set {recipe.data!r} have {bits} bits",
            hint=f"write bits = {bits}, or bits = 1 with a threshold",
        )


def finish(
    recipe: Recipe,
    dataset: Dataset,
    state: State,
    file: Path,
    integer_accuracy: card.Measure | None,
) -> dict[str, Any]:
    """Export the chosen model to `file`, check it, and measure it on the test images: its card."""
    learnt = raw_inputs(recipe, dataset.train.images[:CHECKED_IMAGES])
    bits = mfcc.RAW_BITS if recipe.features else raw_bits(dataset)
    raw = export.RawInput(shape=learnt.shape[1:], bits=bits, signed=recipe.features is not None)
    export.export_qonnx(state.model, file, input=raw)
    export.compare(state.model, file, learnt)
    made = card.card(
        recipe,
        dataset,
        state,
        model=file.read_bytes(),
        parameters=binary_weights(state.model),
        predicted=export.execute(file, raw_inputs(recipe, dataset.test.images)).argmax(1),
        taught=None if state.teacher is None else answers(recipe, state.teacher, dataset.test),
    )
    if integer_accuracy is not None:
        made = card.measured(made, integer_accuracy(file, dataset.test))
    return made


def raw_inputs(recipe: Recipe, images: NDArray[Any]) -> NDArray[Any]:
    """`images` [N, H, W, C] as the network takes them."""
    taken: NDArray[Any] = inputs(recipe, torch.tensor(images).permute(0, 3, 1, 2)).numpy()
    return taken


@torch.no_grad()
def answers(recipe: Recipe, model: nn.Module, part: Split) -> NDArray[np.int64]:
    """The class that `model` gives each sample, [N]."""
    device = next(model.parameters()).device
    values = torch.from_numpy(raw_inputs(recipe, part.images)).split(EVALUATION_BATCH)
    parts = [model(batch.to(device).float()).argmax(1).cpu() for batch in values]
    found: NDArray[np.int64] = torch.cat(parts).numpy()
    return found


def binary_weights(model: nn.Module) -> int:
    """How many weights of `model` are +-1."""
    return sum(
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, BinaryLinear | BinaryConv2d)
    )
