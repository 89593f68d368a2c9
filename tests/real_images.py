"""Real images of any size without a download: MNIST's test digits, and crops of two photographs."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_sample_images

from onebit import data

MNIST = (28, 28, 1)
COLOURS = 3


def real_images(shape: tuple[int, int, int], count: int, seed: int) -> np.ndarray:
    """uint8 images (count, height, width, channels)."""
    if shape == MNIST:
        return data.load("mnist").test.images[:count]
    rng = np.random.default_rng(seed)
    photographs = load_sample_images().images
    return np.stack([crop(photographs[i % 2], shape, rng) for i in range(count)])


def crop(photograph: np.ndarray, shape: tuple[int, int, int], rng: np.random.Generator):
    """A random part of a photograph, made smaller by a whole number; its colours for channels."""
    height, width, channels = shape
    most = min(photograph.shape[0] // height, photograph.shape[1] // width)
    zoom = int(rng.integers(1, most + 1))
    row = int(rng.integers(photograph.shape[0] - height * zoom + 1))
    column = int(rng.integers(photograph.shape[1] - width * zoom + 1))
    part = photograph[row : row + height * zoom, column : column + width * zoom]
    small = part.reshape(height, zoom, width, zoom, COLOURS).mean(axis=(1, 3))
    if channels == 1:
        small = small.mean(axis=2, keepdims=True)
    elif channels != COLOURS:
        small = small[..., rng.integers(0, COLOURS, channels)]
    return small.astype(np.uint8)
