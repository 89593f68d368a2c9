"""Which training samples teach and which choose the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onebit.data import Dataset, Split
from onebit.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Whole-valued samples [N, C, H, W] and their classes, on the training device."""

    images: Tensor
    labels: Tensor
    versions: Tensor | None = None  # [V, N, C, H, W]: changed copies, to be learnt instead
    answers: Tensor | None = None  # [V, N, classes]: the teacher's logits of the versions

    def drawn(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """The samples at `batch` [n] as float, and the teacher's logits of them where known.

        Of each sample one of its versions, where it has some.
        """
        if self.versions is None:
            return self.images[batch].float(), None
        chosen = torch.randint(len(self.versions), (len(batch),), generator=generator)
        which = (chosen.to(batch.device), batch)
        return self.versions[which].float(), None if self.answers is None else self.answers[which]


def split(
    dataset: Dataset, fraction: float, seed: int, device: torch.device
) -> tuple[Samples, Samples]:
    """The training part as (samples that teach, those that choose the model), seeded.

    With a `fraction` of 0 the data set's own validation part chooses; ConfigError without one.
    """
    train, own = dataset.train, dataset.validation
    if not fraction:
        if own is None:
            raise ConfigError(
                f"the data set {dataset.name!r} has no validation part, and the recipe holds "
                "nothing out",
                hint="write validation = 0.1 under [train]",
            )
        return samples(train, device), samples(own, device)
    generator = np.random.default_rng(seed)
    if train.groups is None:
        order = generator.permutation(len(train.labels))
        count = max(1, round(fraction * len(order)))
        learn, chosen = order[count:], order[:count]
    else:
        held = held_out(train.labels, train.groups, fraction, generator)
        learn, chosen = np.flatnonzero(~held), np.flatnonzero(held)
    return samples(train, device, learn), samples(train, device, chosen)


def samples(
    part: Split, device: torch.device, which: NDArray[np.int64] | slice = slice(None)
) -> Samples:
    """Those at `which`, as training takes them."""
    versions = None
    if part.versions is not None:
        versions = torch.from_numpy(part.versions[:, which]).permute(0, 1, 4, 2, 3).to(device)
    return Samples(
        images=torch.from_numpy(part.images[which]).permute(0, 3, 1, 2).to(device),
        labels=torch.from_numpy(part.labels[which]).to(device),
        versions=versions,
    )


def held_out(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    fraction: float,
    generator: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which samples to hold out, [N]: of each class about `fraction` of its groups, at least one.

    The samples of a group show one object or speaker, so a group lies on one side, in all classes;
    a class with one group teaches.
    """
    held: NDArray[np.bool_] = np.zeros(len(labels), np.bool_)
    groups_of = [np.unique(groups[labels == label]) for label in np.unique(labels)]
    only = [own[0] for own in groups_of if len(own) == 1]
    for own in groups_of:
        count = min(len(own) - 1, max(1, round(fraction * len(own))))
        already = np.isin(own, groups[held])
        free = generator.permutation(own[~already & ~np.isin(own, only)])
        held |= np.isin(groups, free[: max(0, count - int(already.sum()))])
    return held
