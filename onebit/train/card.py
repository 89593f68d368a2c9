"""What was measured on a trained network: card.json, and the page drawn from it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.data import Dataset, Split
from onebit.recipe import Recipe
from onebit.train import plots
from onebit.train.loop import Epoch

Card = Mapping[str, Any]
# The accuracy (a fraction) on a split of the integer model lowered from a QONNX file.
IntegerAccuracy = Callable[[Path, Split], float]

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def card(
    recipe: Recipe,
    dataset: Dataset,
    curve: list[Epoch],
    *,
    model: bytes,
    parameters: int,
    predicted: NDArray[np.int64],
) -> dict[str, Any]:
    """The card of a network whose QONNX file is `model` and says `predicted` on the test images.

    Accuracies are fractions; `test_accuracy` is the integer model's, None until `measured`.
    """
    labels = dataset.test.labels
    confusion = np.zeros((len(dataset.classes), len(dataset.classes)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    epochs = len(curve)
    command = f"onebit train {recipe.name}"
    if epochs != recipe.training.epochs:
        command += f" --epochs {epochs}"
    return {
        "network": recipe.name,
        "title": recipe.title,
        "data": recipe.data,
        "classes": list(dataset.classes),
        "test_images": len(labels),
        "test_accuracy": None,
        "test_accuracy_float": round(float((predicted == labels).mean()), 5),
        "validation_accuracy": max(row.validation_accuracy for row in curve),
        "parameters": parameters,
        "seed": recipe.seed,
        "epochs": epochs,
        "seconds": round(sum(row.seconds for row in curve)),
        "command": command,
        "versions": versions(),
        "recipe_sha256": recipe.digest,
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "confusion": confusion.tolist(),
        "curve": {key: [getattr(row, key) for row in curve] for key in CURVES},
    }


def versions() -> dict[str, str]:
    """The versions that decide what training gives."""
    packages = ("torch", "brevitas", "qonnx", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def write(folder: Path, card: Card) -> None:
    """Write card.json, and the README.md and pictures made from it, into `folder`."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in card.items())
    system.write_text(folder / "card.json", "{\n" + ",\n".join(lines) + "\n}\n")
    system.write_text(folder / "curves.svg", plots.curves(card))
    system.write_text(folder / "confusion.svg", plots.confusion(card))
    system.write_text(folder / "README.md", page(card))


def measured(card: Card, accuracy: float) -> dict[str, Any]:
    """The card with the integer model's test accuracy."""
    return {**card, "test_accuracy": round(accuracy, 5)}


def page(card: Card) -> str:
    """The network's README.md."""
    best = 100 * card["test_accuracy_float"]
    measured_by = "floating-point model"
    if card["test_accuracy"] is not None:
        best = 100 * card["test_accuracy"]
        measured_by = "integer model, the hardware's reference"
    return f"""<!-- Generated from card.json by `{card["command"]}`; do not edit. -->
# {card["network"]}

{card["title"]}: {card["parameters"]:,} binary weights.

| what | measured |
|---|---|
| test accuracy ({measured_by}) | **{best:.2f} %** of {card["test_images"]:,} images |
| validation accuracy, which chose the epoch | {100 * card["validation_accuracy"]:.2f} % |
| training | {card["epochs"]} epochs, {card["seconds"]:,} s, seed {card["seed"]} |
| command | `{card["command"]}` |

![Loss and error over the epochs](curves.svg)

![Confusions on the test images](confusion.svg)

Validation images, part of the training set, chose the epoch; `card.json` has versions and
checksums.
"""
