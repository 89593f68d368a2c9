"""What a data set is made of: labelled images, in a training and a test part."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Images as their sensor gives them, with the class of each.

    Images of one group show the same object, so what validates must not share groups with what
    teaches. Without groups every image stands for itself.
    """

    images: NDArray[np.uint8]  # [N, H, W, C]
    labels: NDArray[np.int64]  # [N]
    groups: NDArray[np.int64] | None = None  # [N]

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.labels.shape != self.images.shape[:1]:
            raise ConfigError(
                f"images {self.images.shape} and labels {self.labels.shape} do not fit: "
                "wanted [N, H, W, C] and [N]"
            )
        if self.groups is not None and self.groups.shape != self.labels.shape:
            raise ConfigError(
                f"groups {self.groups.shape} and labels {self.labels.shape} do not fit: "
                "wanted [N] and [N]"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A training part to learn and choose from, and a test part that only ever measures."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split


class Bar(Protocol):
    """What long work tells how far it is."""

    def advance(self, count: int) -> None:
        """`count` more are done."""


Progress = Callable[[str, int], AbstractContextManager[Bar]]  # (what is done, how many there are)


class _Silent:
    def advance(self, count: int) -> None:
        """Nobody watches."""


def silent(what: str, total: int) -> AbstractContextManager[Bar]:
    """The progress that is not shown."""
    return nullcontext(_Silent())


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The training or the test part of a data set: found where it lies, not yet read."""

    images: int
    layout: str  # how it lies there
    where: str
    read: Callable[[int, Progress], Split]  # (side in pixels, who watches)


class MissingData(ConfigError):
    """A part of a data set that is not there, in no layout; as against one that is damaged."""
