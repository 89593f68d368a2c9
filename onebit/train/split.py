"""Which training images teach and which choose the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onebit.data import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Images as uint8 [N, C, H, W] and their classes, on the training device."""

    images: Tensor
    labels: Tensor


def split(
    train: Split, fraction: float, seed: int, device: torch.device
) -> tuple[Samples, Samples]:
    """The training images as (those that teach, those that choose the model), seeded."""
    generator = np.random.default_rng(seed)
    if train.groups is None:
        order = generator.permutation(len(train.labels))
        count = max(1, round(fraction * len(order)))
        learn, chosen = order[count:], order[:count]
    else:
        held = held_out(train.labels, train.groups, fraction, generator)
        learn, chosen = np.flatnonzero(~held), np.flatnonzero(held)

    def samples(which: NDArray[np.int64]) -> Samples:
        images = torch.from_numpy(train.images[which]).permute(0, 3, 1, 2)
        return Samples(
            images=images.to(device), labels=torch.from_numpy(train.labels[which]).to(device)
        )

    return samples(learn), samples(chosen)


def held_out(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    fraction: float,
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which images to hold out, [N]: of each class about `fraction` of its groups, at least one.

    The images of a group show one object, so a group lies on one side; a class with one group
    teaches.
    """
    held: NDArray[np.bool_] = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        own: NDArray[Any] = np.unique(groups[labels == label])
        count = min(len(own) - 1, max(1, round(fraction * len(own))))
        held |= np.isin(groups, generator.permutation(own)[:count])
    return held
