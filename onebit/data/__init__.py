"""The labelled images and sounds that networks are trained and measured on."""

from __future__ import annotations

from dataclasses import replace

from onebit.data.catalogue import SETS, Known
from onebit.data.changes import Changes
from onebit.data.parts import Dataset, Form, Part, Progress, Split, silent
from onebit.errors import ConfigError
from onebit.mfcc import Features

__all__ = [
    "NAMES",
    "TRAINABLE",
    "Changes",
    "Dataset",
    "Form",
    "Progress",
    "Split",
    "classes",
    "find",
    "kind",
    "load",
    "load_test",
    "side",
    "silent",
]

NAMES = tuple(SETS)
TRAINABLE = tuple(name for name, known in SETS.items() if "train" in known.parts)
LARGEST_SIDE = 1024


def load(
    name: str,
    form: Form | None = None,
    *,
    changes: Changes | None = None,
    progress: Progress = silent,
) -> Dataset:
    """The data set `name` in a form: images of `form` x `form` pixels, or these features of sounds.

    None is the set's own size, or the usual features. `changes` give the training sounds versions.
    """
    known = _known(name)
    if name not in TRAINABLE:
        raise ConfigError(
            f"the data set {name!r} has no training part",
            hint=f"those with one are: {', '.join(TRAINABLE)}",
        )
    chosen = _form(name, known, form)
    found = {part: known.find(part) for part in known.parts}  # all, before the long work
    versions = None
    if changes is not None:
        changed = found["train"].changed
        if changed is None:
            raise ConfigError(f"{name!r} holds {known.kind}, of which no changed copies are made")
        versions = changed(chosen, changes, progress)
    splits = {part: there.read(chosen, progress) for part, there in found.items()}
    splits["train"] = replace(splits["train"], versions=versions)
    return Dataset(name=name, classes=known.classes, **splits)


def load_test(name: str, form: Form | None = None, *, progress: Progress = silent) -> Split:
    """The test part of the data set `name` alone; the training part need not be there."""
    known = _known(name)
    chosen = _form(name, known, form)
    return known.find("test").read(chosen, progress)


def classes(name: str) -> tuple[str, ...]:
    """What the labels of the data set `name` stand for."""
    return _known(name).classes


def kind(name: str) -> str:
    """What the data set `name` holds: "images" or "sounds"."""
    return _known(name).kind


def side(name: str) -> int | None:
    """The side in pixels of the images of the data set `name`; None where they differ."""
    return _known(name).side


def find(name: str, part: str) -> Part:
    """A part of the data set `name`: `train`, `test`, of some sets `validation`; not yet read.

    MissingData where it is not there.
    """
    return _known(name).find(part)


def _known(name: str) -> Known:
    if name not in SETS:
        raise ConfigError(f"no data set is called {name!r}", hint=f"there are: {', '.join(NAMES)}")
    return SETS[name]


def _form(name: str, known: Known, form: Form | None) -> Form:
    """The form to bring the data set to, or ConfigError where `form` does not suit it."""
    if known.kind == "images":
        if form is None or isinstance(form, int):
            return _side(name, known, form)
        raise ConfigError(f"{name!r} holds images, which have a size and no features of sound")
    if isinstance(form, int):
        raise ConfigError(
            f"{name!r} holds sounds, which have no size in pixels: {form}",
            hint="leave the size away",
        )
    return form or Features()


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
