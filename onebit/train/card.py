"""What was measured on a trained network, as its card; onebit/cards.py makes the page from it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit.cards import Measured
from onebit.cards import write as write
from onebit.data import Dataset, Split
from onebit.evaluate import balanced
from onebit.recipe import Recipe
from onebit.train.loop import State

# Measures the integer model lowered from a QONNX file on a split.
Measure = Callable[[Path, Split], Measured]

CURVES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def card(
    recipe: Recipe,
    dataset: Dataset,
    state: State,
    *,
    model: bytes,
    parameters: int,
    predicted: NDArray[np.int64],
    taught: NDArray[np.int64] | None,
) -> dict[str, Any]:
    """The card of a network whose QONNX file is `model` and says `predicted` on the test images.

    `taught` is what the teacher says. Accuracies are fractions, balanced ones the mean over the
    classes. What the integer model is stays None until `measured`; `rtl` until a simulation of all
    test images is published.
    """
    labels, curve = dataset.test.labels, state.curve
    confusion = np.zeros((len(dataset.classes), len(dataset.classes)), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    epochs = len(curve)
    fewer = f" --epochs {epochs}" if epochs != recipe.training.epochs else ""
    return {
        "network": recipe.name,
        "title": recipe.title,
        "data": recipe.data,
        "features": None if recipe.features is None else asdict(recipe.features),
        "classes": list(dataset.classes),
        "test_images": len(labels),
        "test_accuracy": None,
        "test_balanced": None,
        "test_accuracy_float": round(float((predicted == labels).mean()), 5),
        "teacher": None if taught is None else _teacher(recipe, taught, labels),
        "kept": recipe.training.keep,
        "validation_accuracy": kept(recipe, [row.validation_accuracy for row in curve]),
        "parameters": parameters,
        "seed": recipe.seed,
        "epochs": epochs,
        "teacher_epochs": len(state.taught),
        "seconds": round(sum(row.seconds for row in (*state.taught, *curve))),
        "command": f"{recipe.command}{fewer}",
        "versions": versions(),
        "recipe_sha256": recipe.digest,
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "summary": None,
        "false_accepts": None,
        "rtl": None,
        "confusion": confusion.tolist(),
        "curve": {key: [getattr(row, key) for row in curve] for key in CURVES},
    }


def kept(recipe: Recipe, validation: list[float]) -> float:
    """The validation accuracy of the epoch whose weights were kept."""
    return validation[-1] if recipe.training.keep == "last" else max(validation)


def versions() -> dict[str, str]:
    """The versions that decide what training gives."""
    packages = ("torch", "brevitas", "qonnx", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def measured(card: Mapping[str, Any], found: Measured) -> dict[str, Any]:
    """The card with what the integer model is."""
    return {
        **card,
        "test_accuracy": round(found.accuracy, 5),
        "test_balanced": round(found.balanced, 5),
        "summary": found.summary,
        "false_accepts": found.false_accepts,
    }


def _teacher(recipe: Recipe, found: NDArray[np.int64], labels: NDArray[np.int64]) -> dict[str, Any]:
    """How many of the teacher's answers are right: of all, and as the mean over the classes."""
    how = recipe.training.teacher
    return {
        "same_layers": how is not None and how.layers == recipe.layers,
        "test_accuracy": round(float((found == labels).mean()), 5),
        "test_balanced": round(balanced(found, labels), 5),
    }
