"""What a network is and how it is trained: models/<net>/recipe.toml, read and checked."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from onebit import system
from onebit.data import TRAINABLE, Changes, Form, kind
from onebit.errors import ConfigError
from onebit.mfcc import Features
from onebit.schema import Rule, checked, choice, flag, number, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """How a raw sample enters.

    With 1 bit as +1 above `threshold`, else -1. With a `step` as the nearest of 2**bits multiples
    of it around zero. Or else as it is: `bits` are those of the data's values, which training
    checks.
    """

    bits: int
    threshold: float
    step: float | None
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
    """Random changes of each training sample, uniform in +- the value given, or 0..`blur`.

    The masks are SpecAugment's (Park et al., 2019), for sounds; all others are for images.
    """

    shift: float  # pixels
    rotation: float  # degrees
    scale: float  # fraction of the size
    edge: str  # what comes in from outside: "zero", or "repeat" for the pixels at the edge
    brightness: float  # fraction of all values
    contrast: float  # fraction of the distance from the image's mean
    blur: float  # share of the mean of a pixel's 3x3 neighbourhood
    mask_frames: int  # most neighbouring frames that are set to zero
    mask_coefficients: int  # most neighbouring coefficients

    @property
    def changes(self) -> bool:
        """Whether anything is changed."""
        return any(getattr(self, field.name) for field in fields(self) if field.name != "edge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A float network, trained first, whose answers the binary one learns.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015).
    """

    layers: tuple[Layer, ...]  # the network's own, unless the recipe gives it others
    epochs: int
    rate: float  # peak of its own one-cycle schedule
    share: float  # of the loss that compares with the teacher; the labels have the rest
    balance: float  # in that comparison, 0: every sample counts the same; 1: every class
    temperature: float  # divides the logits of both


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How long, how fast, and on what the weights learn."""

    epochs: int
    passes: int  # over the training samples in an epoch
    batch: int
    rate: float  # peak of the one-cycle schedule
    warmup: float  # fraction of the steps until that peak
    smoothing: float  # of the labels
    balance: float  # 0: every image counts the same in the loss; 1: every class
    validation: float  # fraction of the training set that chooses the model; 0: the data's own part
    precision: str  # of the layers while training: "float32" or "bfloat16"
    # batch-norm statistics anew, from samples as they are: "never", at the "end", or to choose
    # the "epoch" by
    reestimate: str
    keep: str  # the weights of the "best" epoch on validation, or of the "last", at a rate of zero
    augment: Augment
    teacher: Teacher | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One network, ready to be trained; the same recipe gives the same network."""

    name: str
    title: str
    data: str
    seed: int
    features: Features | None  # of sounds
    changes: Changes | None  # of sounds, computed once
    input: Input
    layers: tuple[Layer, ...]
    training: Training
    digest: str  # SHA-256 of the file
    command: str  # that trains it

    @property
    def form(self) -> Form | None:
        """What samples are brought to: the side of images, the features of sounds."""
        return self.features or self.input.size


SIDE = whole(1, 64)
TABLE = Rule(allowed="a table", accepts=lambda value: isinstance(value, dict))
OPTIONAL = replace(TABLE, default={})
LAYERS = Rule(
    allowed="a list of one or more tables such as { conv = 32 } or { dense = 64 }",
    accepts=lambda value: isinstance(value, list) and bool(value),
)
TOP = {
    "title": Rule(allowed="a text", accepts=lambda value: isinstance(value, str) and bool(value)),
    "data": choice(*TRAINABLE),
    "seed": whole(0, 2**31 - 1),
    "features": OPTIONAL,
    "changes": OPTIONAL,
    "layers": LAYERS,
    "input": TABLE,
    "train": TABLE,
    "teacher": OPTIONAL,
}
INPUT = {
    "bits": whole(1, 8),
    "threshold": number(0, 255, 0.0),
    "step": number(0, 1024, 0.0),
    "size": whole(0, 1024, 0),
}
FEATURES = {name: whole(-200, 192_000, value) for name, value in asdict(Features()).items()}
CHANGES = {
    "versions": whole(1, 1000),
    "shift": number(0, 1, 0.0),
    "speed": number(0, 0.9, 0.0),
    "tone": number(0, 40, 0.0),
    "noise": number(0, 1, 0.0),
    "made": number(0, 1, 0.0),
    "spoken": number(0, 1, 0.0),
}
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
COUNTED = ("epochs", "passes", "batch", "mask_frames", "mask_coefficients", "versions")
ONLY_IMAGES = ("shift", "rotation", "scale", "edge", "brightness", "contrast", "blur")
ONLY_SOUNDS = ("mask_frames", "mask_coefficients")
TRAIN = {
    "epochs": whole(1, 100_000),
    "passes": whole(1, 10_000, 1),
    "batch": whole(2, 65536),
    "rate": number(1e-6, 1),
    "warmup": number(0, 0.9, 0.3),
    "smoothing": number(0, 0.9, 0.0),
    "balance": number(0, 1, 0.0),
    "validation": number(0, 0.5, 0.0),
    "shift": number(0, 32, 0.0),
    "rotation": number(0, 180, 0.0),
    "scale": number(0, 0.9, 0.0),
    "edge": choice("zero", "repeat", default="zero"),
    "brightness": number(0, 1, 0.0),
    "contrast": number(0, 1, 0.0),
    "blur": number(0, 1, 0.0),
    "mask_frames": whole(0, 64, 0),
    "mask_coefficients": whole(0, 64, 0),
    "precision": choice("float32", "bfloat16", default="float32"),
    "reestimate": choice("never", "end", "epoch", default="never"),
    "keep": choice("best", "last", default="best"),
}
TEACHER = {
    "layers": replace(LAYERS, default=[]),
    "epochs": whole(1, 100_000),
    "rate": number(1e-6, 1, 0.002),
    "share": number(0, 1, 0.5),
    "balance": number(0, 1, 0.0),
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


def load(name: str, other: str | None = None) -> Recipe:
    """The recipe of the network `name`, or the same for `other` data set of its kind."""
    known = read(folder(name) / "recipe.toml")
    if other is None or other == known.data:
        return known
    if other not in TRAINABLE or kind(other) != kind(known.data):
        fitting = [each for each in TRAINABLE if kind(each) == kind(known.data)]
        raise ConfigError(
            f"{name!r} cannot be trained on {other!r}", hint=f"--data of: {', '.join(fitting)}"
        )
    digest = hashlib.sha256(f"{known.digest} {other}".encode()).hexdigest()
    command = f"{known.command} --data {other}"
    return replace(known, data=other, digest=digest, command=command)


def read(path: Path) -> Recipe:
    """The recipe in the file `path`; the network is called like the folder that it lies in."""
    try:
        text = path.read_bytes()
        table = tomllib.loads(text.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise ConfigError(f"cannot read the recipe {str(path)!r}: {reason}") from None
    top = checked(path, "", table, TOP)
    inputs = checked(path, "input.", top["input"], INPUT)
    if inputs["bits"] == 1 and inputs["step"]:
        raise ConfigError(
            f"{path}: input.step = {inputs['step']} is for more than 1 bit",
            hint="bits = 1 takes a threshold",
        )
    train = checked(path, "train.", top["train"], TRAIN)
    layers = _layers(path, "layers", top["layers"])
    teacher = None
    if "teacher" in table:
        teacher = checked(path, "teacher.", top["teacher"], TEACHER)
        own = teacher["layers"]
        teacher["layers"] = _layers(path, "teacher.layers", own) if own else layers
    _check_kind(path, top["data"], table)
    return Recipe(
        name=path.resolve().parent.name,
        title=top["title"],
        data=top["data"],
        seed=top["seed"],
        features=_features(path, top["features"]) if kind(top["data"]) == "sounds" else None,
        changes=_changes(path, top["changes"]) if "changes" in table else None,
        input=Input(
            bits=inputs["bits"],
            threshold=float(inputs["threshold"]),
            step=float(inputs["step"]) or None,
            size=inputs["size"] or None,
        ),
        layers=layers,
        training=_training(train, teacher),
        digest=hashlib.sha256(text).hexdigest(),
        command=f"onebit train {path.resolve().parent.name}",
    )


def _check_kind(path: Path, data: str, table: Mapping[str, Any]) -> None:
    """ConfigError where a key is for the other kind of data."""
    train, inputs = table["train"], table["input"]
    if kind(data) == "sounds":
        wrong = [f"train.{key}" for key in ONLY_IMAGES if key in train]
        wrong += ["input.size"] if "size" in inputs else []
    else:
        wrong = [f"train.{key}" for key in ONLY_SOUNDS if key in train]
        wrong += [name for name in ("features", "changes") if name in table]
    if wrong:
        raise ConfigError(f"{path}: {wrong[0]!r} is not for {kind(data)}, which {data!r} holds")


def _features(path: Path, table: Mapping[str, object]) -> Features:
    try:
        return Features(**checked(path, "features.", table, FEATURES))
    except ValueError as reason:
        raise ConfigError(f"{path}: features.{reason}") from None


def _changes(path: Path, table: Mapping[str, object]) -> Changes:
    values = checked(path, "changes.", table, CHANGES)
    if values["made"] + values["spoken"] > 1:
        raise ConfigError(
            f"{path}: changes.made = {values['made']} and changes.spoken = {values['spoken']} are "
            "shares of the same copies, more than all of them"
        )
    return Changes(**_fields(Changes, values))


def _layers(path: Path, key: str, tables: list[object]) -> tuple[Layer, ...]:
    layers = tuple(_layer(path, f"{key}[{index}]", table) for index, table in enumerate(tables))
    hint = "convs come first; dense layers follow, at least one"
    for index, (before, layer) in enumerate(pairwise(layers), 1):
        if isinstance(before, Dense) and isinstance(layer, Conv):
            raise ConfigError(f"{path}: {key}[{index}] is a conv behind a dense layer", hint=hint)
    if isinstance(layers[-1], Conv):
        raise ConfigError(f"{path}: the last of the {key} is a conv", hint=hint)
    return layers


def _layer(path: Path, where: str, table: object) -> Layer:
    if not isinstance(table, dict) or not table.keys() & {"conv", "dense"}:
        raise ConfigError(
            f"{path}: {where} is {table!r}; it must be a table such as {{ conv = 32 }} "
            "or { dense = 64 }"
        )
    if "dense" in table:
        dense = checked(path, f"{where}.", table, DENSE)
        return Dense(units=dense["dense"], norm=dense["norm"])
    conv = checked(path, f"{where}.", table, CONV)
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
    return Training(
        **_fields(Training, train),
        augment=Augment(**_fields(Augment, train)),
        teacher=Teacher(**_fields(Teacher, teacher)) if teacher else None,
    )


def _fields(record: type[Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Those values of `table` that `record` has."""
    names = (field.name for field in fields(record) if field.name in table)
    return {name: _real(name, table[name]) for name in names}


def _real(name: str, value: object) -> object:
    """TOML's integers are numbers too, but for what is counted."""
    return float(value) if type(value) is int and name not in COUNTED else value
