"""Made sounds to train on, with a recipe that has every way of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import recipe
from onebit.data import Dataset, Split, classes

SOUNDS = """\
# Every way of training on sounds at once, on a small network.
title = "Sounds"
data = "speech_happy"
seed = 3
layers = [{ conv = 4, kernel = 3, padding = 1, pool = 2 }, { dense = 2 }]
[features]
rate = 4000
frames = 10
coefficients = 6
mels = 10
window = 256
top = 2000
[input]
bits = 8
step = 8
[changes]
versions = 3
[train]
epochs = 3
batch = 16
rate = 0.01
precision = "bfloat16"
reestimate = "epoch"
balance = 1
mask_frames = 2
mask_coefficients = 1
[teacher]
epochs = 2
rate = 0.02
share = 0.6
"""
RAW = (-2048, 2048)  # of 12 bits


def read(folder: Path, text: str = SOUNDS) -> recipe.Recipe:
    """The recipe `text`, as if it were a network's."""
    folder.mkdir(exist_ok=True)
    (folder / "recipe.toml").write_text(text)
    return recipe.read(folder / "recipe.toml")


def features(labels: NDArray[np.int64], seed: int) -> NDArray[np.int16]:
    """Raw samples [N, 10, 6, 1] that say their class in half of their values, in much noise."""
    images = np.random.default_rng(seed).normal(0, 150, (len(labels), 10, 6, 1))
    images[:, ::2] += 60 * np.where(labels, 1, -1)[:, None, None, None]
    return np.rint(images).clip(RAW[0], RAW[1] - 1).astype(np.int16)


def part(count: int, seed: int, versions: int = 0) -> Split:
    """A quarter of the samples is of class 1."""
    labels = (np.arange(count) % 4 == 0).astype(np.int64)
    copies = [features(labels, seed + each) for each in range(1, versions + 1)]
    made = np.stack(copies) if versions else None
    return Split(images=features(labels, seed), labels=labels, versions=made)


def dataset() -> Dataset:
    """Made sounds, as data.load gives real ones."""
    return Dataset(
        name="speech_happy",
        classes=classes("speech_happy"),
        train=part(160, 10, versions=3),
        validation=part(80, 20),
        test=part(120, 30),
    )


def numbered(count: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Samples whose values are their number, and two versions, 1000 more each."""
    images = np.arange(count, dtype=np.int16)[:, None, None, None].repeat(6, 1)
    return images, np.stack([images + 1000, images + 2000]).astype(np.int16)
