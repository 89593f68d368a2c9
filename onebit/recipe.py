"""What a network is and how it is trained: models/<net>/recipe.toml, read and checked."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from onebit import system
from onebit.data import TRAINABLE
from onebit.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one key of a recipe may hold; `default` None means that the key must be there."""

    allowed: str
    accepts: Callable[[object], bool]
    default: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How a raw sample enters: with 1 bit as +1 above `threshold`, else -1; or else as it is.

    More than 1 bit must be as many as the data's values have; training checks it.
    """

    bits: int
    threshold: float
    size: int | None  # side in pixels that images are brought to; None where all have one size


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """All inputs times a matrix of +-1, a batch-norm, and, but for the last layer, a sign."""

    units: int
    norm: bool  # whether the batch-norm is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """A convolution with `channels` kernels of +-1, a max-pool, a batch-norm and a sign."""

    channels: int
    kernel: tuple[int, int]  # height, width
    stride: int
    padding: int  # zeros on each side
    pool: int  # size and stride of the max-pool; 1 is none
    norm: bool  # whether the batch-norm is there


Layer = Conv | Dense


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """Random changes of each training image, uniform in +- the value given, or 0..`blur`."""

    shift: float  # pixels
    rotation: float  # degrees
    scale: float  # fraction of the size
    edge: str  # what comes in from outside: "zero", or "repeat" for the pixels at the edge
    brightness: float  # fraction of all values
    contrast: float  # fraction of the distance from the image's mean
    blur: float  # share of the mean of a pixel's 3x3 neighbourhood


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A float network of the same layers, trained first, whose answers the binary one learns.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).
    """

    epochs: int
    rate: float  # peak of its own one-cycle schedule
    share: float  # of the loss that compares with the teacher; the labels have the rest
    temperature: float  # divides the logits of both


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How long, how fast, and on what the weights learn."""

    epochs: int
    batch: int
    rate: float  # peak of the one-cycle schedule
    warmup: float  # fraction of the steps until that peak
    smoothing: float  # of the labels
    balance: float  # 0: every image counts the same in the loss; 1: every class
    validation: float  # fraction of the training set that chooses the model
    precision: str  # of the layers while training: "float32" or "bfloat16"
    reestimate: bool  # batch-norm statistics anew at the end, from images as they are
    augment: Augment
    teacher: Teacher | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One network, ready to be trained; the same recipe gives the same network."""

    name: str
    title: str
    data: str
    seed: int
    input: Input
    layers: tuple[Layer, ...]
    training: Training
    digest: str  # SHA-256 of the file


def whole(low: int, high: int, default: int | None = None) -> Rule:
    """An integer in low..high."""
    return Rule(
        allowed=f"a whole number in {low}..{high}",
        accepts=lambda value: type(value) is int and low <= value <= high,
        default=default,
    )


def number(low: float, high: float, default: float | None = None) -> Rule:
    """A number in low..high; TOML's integers are numbers too."""

    def accepts(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return low <= value <= high

    return Rule(allowed=f"a number in {low:g}..{high:g}", accepts=accepts, default=default)


def choice(*names: str, default: str | None = None) -> Rule:
    """One of some words."""
    return Rule(
        allowed=" or ".join(map(repr, names)),
        accepts=lambda value: value in names,
        default=default,
    )


def flag(default: bool) -> Rule:
    """True or false."""
    return Rule(
        allowed="true or false", accepts=lambda value: isinstance(value, bool), default=default
    )


SIDE = whole(1, 64)
TABLE = Rule(allowed="a table", accepts=lambda value: isinstance(value, dict))
OPTIONAL = replace(TABLE, default={})
TOP = {
    "title": Rule(allowed="a text", accepts=lambda value: isinstance(value, str) and bool(value)),
    "data": choice(*TRAINABLE),
    "seed": whole(0, 2**31 - 1),
    "layers": Rule(
        allowed="a list of one or more tables such as { conv = 32 } or { dense = 64 }",
        accepts=lambda value: isinstance(value, list) and bool(value),
    ),
    "input": TABLE,
    "train": TABLE,
    "teacher": OPTIONAL,
}
INPUT = {"bits": whole(1, 8), "threshold": number(0, 255, 0.0), "size": whole(0, 1024, 0)}
DENSE = {"dense": whole(1, 65536), "norm": flag(True)}
CONV = {
    "conv": whole(1, 65536),
    "kernel": Rule(
        allowed="a whole number in 1..64, or two as [height, width]",
        accepts=lambda value: (
            SIDE.accepts(value)
            or (isinstance(value, list) and len(value) == 2 and all(map(SIDE.accepts, value)))
        ),
        default=3,
    ),
    "stride": whole(1, 64, 1),
    "padding": whole(0, 64, 0),
    "pool": whole(1, 64, 1),
    "norm": flag(True),
}
COUNTED = ("epochs", "batch")
TRAIN = {
    "epochs": whole(1, 100_000),
    "batch": whole(2, 65536),
    "rate": number(1e-6, 1),
    "warmup": number(0, 0.9, 0.3),
    "smoothing": number(0, 0.9, 0.0),
    "balance": number(0, 1, 0.0),
    "validation": number(0.01, 0.5),
    "shift": number(0, 32, 0.0),
    "rotation": number(0, 180, 0.0),
    "scale": number(0, 0.9, 0.0),
    "edge": choice("zero", "repeat", default="zero"),
    "brightness": number(0, 1, 0.0),
    "contrast": number(0, 1, 0.0),
    "blur": number(0, 1, 0.0),
    "precision": choice("float32", "bfloat16", default="float32"),
    "reestimate": flag(False),
}
TEACHER = {
    "epochs": whole(1, 100_000),
    "rate": number(1e-6, 1, 0.002),
    "share": number(0, 1, 0.5),
    "temperature": number(1, 100, 3.0),
}


def networks() -> tuple[str, ...]:
    """The names of all networks that have a recipe, sorted."""
    return tuple(
        sorted(path.parent.name for path in system.share_dir("models").glob("*/recipe.toml"))
    )


def folder(name: str) -> Path:
    """The folder of the network `name`; ConfigError with the known names where there is none."""
    known = networks()
    if name not in known:
        raise ConfigError(f"no network is called {name!r}", hint=f"there are: {', '.join(known)}")
    return system.share_dir("models") / name


def load(name: str) -> Recipe:
    """The recipe of the network `name`."""
    return read(folder(name) / "recipe.toml")


def read(path: Path) -> Recipe:
    """The recipe in the file `path`; the network is called like the folder that it lies in."""
    try:
        text = path.read_bytes()
        table = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise ConfigError(f"cannot read the recipe {str(path)!r}: {reason}") from None
    top = _checked(path, "", table, TOP)
    inputs = _checked(path, "input.", top["input"], INPUT)
    train = _checked(path, "train.", top["train"], TRAIN)
    teacher = None
    if "teacher" in table:
        teacher = _checked(path, "teacher.", top["teacher"], TEACHER)
    return Recipe(
        name=path.resolve().parent.name,
        title=top["title"],
        data=top["data"],
        seed=top["seed"],
        input=Input(
            bits=inputs["bits"],
            threshold=float(inputs["threshold"]),
            size=inputs["size"] or None,
        ),
        layers=_layers(path, top["layers"]),
        training=_training(train, teacher),
        digest=hashlib.sha256(text).hexdigest(),
    )


def _layers(path: Path, tables: list[object]) -> tuple[Layer, ...]:
    layers = tuple(_layer(path, index, table) for index, table in enumerate(tables))
    hint = "convs come first; dense layers follow, at least one"
    for index, (before, layer) in enumerate(pairwise(layers), 1):
        if isinstance(before, Dense) and isinstance(layer, Conv):
            raise ConfigError(f"{path}: layers[{index}] is a conv behind a dense layer", hint=hint)
    if isinstance(layers[-1], Conv):
        raise ConfigError(f"{path}: the last of the layers is a conv", hint=hint)
    return layers


def _layer(path: Path, index: int, table: object) -> Layer:
    where = f"layers[{index}]"
    if not isinstance(table, dict) or not table.keys() & {"conv", "dense"}:
        raise ConfigError(
            f"{path}: {where} is {table!r}; it must be a table such as {{ conv = 32 }} "
            "or { dense = 64 }"
        )
    if "dense" in table:
        dense = _checked(path, f"{where}.", table, DENSE)
        return Dense(units=dense["dense"], norm=dense["norm"])
    conv = _checked(path, f"{where}.", table, CONV)
    kernel = conv["kernel"]
    height, width = kernel if isinstance(kernel, list) else (kernel, kernel)
    return Conv(
        channels=conv["conv"],
        kernel=(height, width),
        stride=conv["stride"],
        padding=conv["padding"],
        pool=conv["pool"],
        norm=conv["norm"],
    )


def _training(train: Mapping[str, Any], teacher: Mapping[str, Any] | None) -> Training:
    def of(record: type[Any], table: Mapping[str, Any]) -> dict[str, Any]:
        names = (field.name for field in fields(record) if field.name in table)
        return {name: _real(name, table[name]) for name in names}

    return Training(
        **of(Training, train),
        augment=Augment(**of(Augment, train)),
        teacher=Teacher(**of(Teacher, teacher)) if teacher else None,
    )


def _real(name: str, value: object) -> object:
    """TOML's integers are numbers too, but for what is counted."""
    return float(value) if type(value) is int and name not in COUNTED else value


def _checked(
    path: Path, prefix: str, table: Mapping[str, object], rules: Mapping[str, Rule]
) -> dict[str, Any]:
    """`table` with the defaults filled in, once each key and value has passed its rule."""
    for key, value in table.items():
        if key not in rules:
            raise ConfigError(
                f"{path}: the key {prefix + key!r} is unknown",
                hint=f"allowed here: {', '.join(prefix + name for name in rules)}",
            )
        if not rules[key].accepts(value):
            raise ConfigError(f"{path}: {prefix + key} = {value!r} is not {rules[key].allowed}")
    values = {key: table.get(key, rule.default) for key, rule in rules.items()}
    for key, value in values.items():
        if value is None:
            raise ConfigError(
                f"{path}: the key {prefix + key!r} is missing",
                hint=f"add {prefix + key}: {rules[key].allowed}",
            )
    return values
