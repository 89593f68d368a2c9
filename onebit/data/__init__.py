"""The labelled image sets that networks are trained and measured on."""

from __future__ import annotations

from onebit.data.catalogue import SETS, Known
from onebit.data.parts import Dataset, Part, Progress, Split, silent
from onebit.errors import ConfigError

__all__ = [
    "NAMES",
    "TRAINABLE",
    "Dataset",
    "Progress",
    "Split",
    "classes",
    "find",
    "load",
    "load_test",
    "side",
    "silent",
]

NAMES = tuple(SETS)
TRAINABLE = tuple(name for name, known in SETS.items() if "train" in known.parts)
LARGEST_SIDE = 1024


def load(name: str, size: int | None = None, *, progress: Progress = silent) -> Dataset:
    """The data set `name` with images of `size` x `size` pixels; None is the set's own size."""
    known = _known(name)
    if name not in TRAINABLE:
        raise ConfigError(
            f"the data set {name!r} has no training part",
            hint=f"those with one are: {', '.join(TRAINABLE)}",
        )
    chosen = _side(name, known, size)
    train, test = known.find("train"), known.find("test")  # both, before the long work
    return Dataset(
        name=name,
        classes=known.classes,
        train=train.read(chosen, progress),
        test=test.read(chosen, progress),
    )


def load_test(name: str, size: int | None = None, *, progress: Progress = silent) -> Split:
    """The test part of the data set `name` alone; the training part need not be there."""
    known = _known(name)
    chosen = _side(name, known, size)
    return known.find("test").read(chosen, progress)


def classes(name: str) -> tuple[str, ...]:
    """What the labels of the data set `name` stand for."""
    return _known(name).classes


def side(name: str) -> int | None:
    """The side in pixels of the images of the data set `name`; None where they differ."""
    return _known(name).side


def find(name: str, part: str) -> Part:
    """The part `train` or `test` of the data set `name`, not yet read; MissingData without it."""
    return _known(name).find(part)


def _known(name: str) -> Known:
    if name not in SETS:
        raise ConfigError(f"no data set is called {name!r}", hint=f"there are: {', '.join(NAMES)}")
    return SETS[name]


def _side(name: str, known: Known, size: int | None) -> int:
    """The side of the images in pixels, or ConfigError where `size` does not suit the data set."""
    if known.side is not None and size not in (None, known.side):
        raise ConfigError(
            f"the images of {name!r} have {known.side}x{known.side} pixels, not {size}x{size}",
            hint="leave the size away",
        )
    if size is None and known.side is None:
        raise ConfigError(
            f"the images of {name!r} differ in size: the side to bring them to is missing",
            hint="a recipe says size = 48 under [input]",
        )
    chosen = known.side or size or 0
    if not 1 <= chosen <= LARGEST_SIDE:
        raise ConfigError(f"images of {size}x{size} pixels: the side is not in 1..{LARGEST_SIDE}")
    return chosen
