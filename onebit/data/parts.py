"""What a data set is made of: labelled images or sounds, in parts that teach, choose and test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onebit.data.changes import Changes
from onebit.errors import ConfigError
from onebit.mfcc import Features

Form = int | Features  # the side of images in pixels, or what is computed of sounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Images as their sensor gives them, or features of sounds, with the class of each.

    Samples of one group show the same object or speaker, so what validates must not share groups
    with what teaches. Without groups every sample stands for itself.
    """

    images: NDArray[np.uint8] | NDArray[np.int16]  # [N, H, W, C]; of sounds [N, frames, c, 1]
    labels: NDArray[np.int64]  # [N]
    groups: NDArray[np.int64] | None = None  # [N]
    versions: NDArray[Any] | None = None  # [V, N, H, W, C]: changed copies, to be learnt as well

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
        if self.versions is not None and (self.versions.shape[1:], self.versions.dtype) != (
            self.images.shape,
            self.images.dtype,
        ):
            raise ConfigError(
                f"versions {self.versions.shape} of {self.versions.dtype} and images "
                f"{self.images.shape} of {self.images.dtype} do not fit: wanted [V, N, H, W, C] "
                "and [N, H, W, C] of one type"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A part to learn from, one to choose by, and one that only ever measures."""

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    validation: Split | None = None  # None: `train` is also chosen by


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
    """A part of a data set: found where it lies, not yet read."""

    images: int  # or sounds
    layout: str  # how it lies there
    where: str
    # Any is the Form of its kind, Progress who watches.
    read: Callable[[Any, Progress], Split]
    changed: Callable[[Any, Changes, Progress], NDArray[Any]] | None = None  # its versions


class MissingData(ConfigError):
    """A part of a data set that is not there, in no layout; as against one that is damaged."""
