"""Folding: how each layer is spread over hardware, and the file that says so."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from onebit.cost import lanes
from onebit.errors import ConfigError
from onebit.net import Bit, Flatten, Layer, Mvau, Net, Window

FORMAT = 1
MOST_FIFO = 1 << 16  # beats; more than a whole image of any network that fits a board
MOST_M = 16  # vectors side by side
Style = Literal["folded", "hardwired"]
Memory = Literal["auto", "bram", "lutram", "logic"]
# Where the weights of an Mvau and the rows that a Window holds may lie.
MEMORIES: dict[type[Layer], tuple[Memory, ...]] = {
    Mvau: ("auto", "bram", "logic"),
    Window: ("auto", "bram", "lutram"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One layer in hardware.

    pe neurons x simd inputs a cycle; m vectors share each weight word; `fifo` is the depth of the
    stream FIFO at the layer's input; `memory` is where the weights of an Mvau or the rows in the
    ring of a Window lie. An Input, a Window and a Flatten have simd elements a beat, a
    MaxPool pe channels and a Head pe classes; an Input has no FIFO.
    """

    pe: int = 1
    simd: int = 1
    m: int = 1
    style: Style = "folded"
    memory: Memory = "auto"
    fifo: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """The folds of one network (`net_hash`) on one board at one clock (MHz)."""

    net_hash: str
    board: str
    clock_mhz: float
    layers: dict[str, Fold] = field(default_factory=dict)


def checked(folding: Folding, net: Net) -> Folding:
    """The folding, or ConfigError where it does not suit the network."""
    if folding.net_hash != net.hash:
        raise ConfigError(
            f"the folding is for network {folding.net_hash[:12]!r}, this one is {net.hash[:12]!r}",
            hint="`onebit compile NET` writes a new folding.toml for this network",
        )
    names = {layer.name for layer in net.layers}
    for missing in sorted(names - folding.layers.keys()):
        raise ConfigError(
            f"the folding lacks the layer {missing!r}",
            hint="every layer of the network needs one [layers.NAME] table",
        )
    for other in sorted(folding.layers.keys() - names):
        raise ConfigError(f"the folding has the layer {other!r}, which the network lacks")
    for layer in net.layers:
        _check_fold(net, layer, folding)
    return folding


def _check_fold(net: Net, layer: Layer, folding: Folding) -> None:
    fold = folding.layers[layer.name]
    most_pe, most_simd = lanes(net, layer)
    most_m = MOST_M if isinstance(layer, Mvau) else 1
    limits = {
        "pe": (1, most_pe),
        "simd": (1, most_simd),
        "m": (1, most_m),
        "fifo": (2, MOST_FIFO),
    }
    for name, (least, most) in limits.items():
        value = getattr(fold, name)
        if not least <= value <= most:
            raise ConfigError(
                f"layer {layer.name!r}: {name}={value} is not in {least}..{most}",
                hint="`onebit compile --target-fps N` chooses a folding",
            )
    if fold.m > 1 and not can_share(layer):
        raise ConfigError(
            f"layer {layer.name!r}: m={fold.m}, and its zero padding gives positions at the border "
            "thresholds of their own, which vectors side by side cannot have",
            hint="m = 1 for this layer",
        )
    if fold.style == "hardwired":
        _check_hardwired(net, layer, fold)
    allowed = MEMORIES.get(type(layer), ("auto",))
    if fold.memory not in allowed:
        raise ConfigError(f"layer {layer.name!r}: memory={fold.memory!r} is not in {allowed}")
    _check_beats(net, layer, folding)


def can_share(layer: Layer) -> bool:
    """Whether vectors side by side can share a layer's weights: they share its thresholds too."""
    return isinstance(layer, Mvau) and (layer.thresholds is None or len(layer.thresholds) == 1)


def can_be_hardwired(net: Net, layer: Layer) -> bool:
    """Whether the weights of a layer can be logic: rtl/mvau_hardwired.sv takes bits."""
    return can_share(layer) and isinstance(net.element(layer.inputs[0]), Bit)


def _check_hardwired(net: Net, layer: Layer, fold: Fold) -> None:
    if not can_be_hardwired(net, layer):
        raise ConfigError(
            f"layer {layer.name!r}: style='hardwired', but it is no Mvau of 1-bit inputs with one "
            "threshold a neuron",
            hint='give it style = "folded"',
        )
    most_pe, most_simd = lanes(net, layer)
    if (fold.pe, fold.simd, fold.m) != (most_pe, most_simd, 1):
        raise ConfigError(
            f"layer {layer.name!r}: style='hardwired' takes a whole vector a cycle, pe={most_pe}, "
            f"simd={most_simd} and m=1; got pe={fold.pe}, simd={fold.simd} and m={fold.m}"
        )


def _check_beats(net: Net, layer: Layer, folding: Folding) -> None:
    """ConfigError where a beat would hold a fraction of a pixel, or two units differ on it."""
    simd = folding.layers[layer.name].simd
    if isinstance(layer, Window | Flatten):
        channels = net.shape(layer.inputs[0])[-1]
        whole = simd % channels == 0 if isinstance(layer, Window) else channels % simd == 0
        if not whole and (simd > channels or isinstance(layer, Flatten)):
            rule = "a multiple of" if isinstance(layer, Window) else "a divisor of"
            least = f"at most {channels} or " if isinstance(layer, Window) else ""
            raise ConfigError(
                f"layer {layer.name!r}: simd={simd} is not {least}{rule} its {channels} channels"
            )
    window = net.window(layer)
    if window and simd != folding.layers[window.name].simd:
        raise ConfigError(
            f"layer {layer.name!r}: simd={simd}, its window {window.name!r} has "
            f"simd={folding.layers[window.name].simd}; the two must be equal",
            hint="edit both in the folding file",
        )


def to_toml(folding: Folding) -> str:
    """The folding file: versioned, for people to read, edit and pass back."""
    lines = [
        "# How the network is folded; edit it and pass it back: onebit compile NET --folding FILE",
        f"format = {FORMAT}",
        f'net_hash = "{folding.net_hash}"',
        f'board = "{folding.board}"',
        f"clock_mhz = {folding.clock_mhz!r}",
    ]
    for name, fold in folding.layers.items():
        lines += ["", f"[layers.{name}]", f"pe = {fold.pe}", f"simd = {fold.simd}", f"m = {fold.m}"]
        lines += [f'style = "{fold.style}"', f'memory = "{fold.memory}"', f"fifo = {fold.fifo}"]
    return "\n".join([*lines, ""])


def from_toml(text: str, where: str) -> Folding:
    """The folding in `text`; ConfigError naming the key that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as reason:
        raise ConfigError(f"{where}: not TOML: {reason}") from None
    if data.get("format") != FORMAT:
        raise ConfigError(
            f"{where}: format {data.get('format')!r}, this onebit reads {FORMAT}",
            hint="`onebit compile NET` writes a folding.toml to start from",
        )
    top: dict[str, Any] = {"net_hash": str, "board": str, "clock_mhz": (int, float), "layers": dict}
    for key, kind in top.items():
        if not isinstance(data.get(key), kind):
            raise ConfigError(f"{where}: {key!r} is missing or is {data.get(key)!r}")
    if unknown := sorted(data.keys() - top.keys() - {"format"}):
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}", hint=f"known: {', '.join(top)}")
    if not 0 < data["clock_mhz"] < math.inf:
        raise ConfigError(f"{where}: clock_mhz={data['clock_mhz']!r} is not a number above 0")
    return Folding(
        net_hash=data["net_hash"],
        board=data["board"],
        clock_mhz=float(data["clock_mhz"]),
        layers={name: _fold(name, table, where) for name, table in data["layers"].items()},
    )


def _fold(name: str, table: Any, where: str) -> Fold:
    allowed = {"style": get_args(Style), "memory": get_args(Memory)}
    known = [key.name for key in fields(Fold)]
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: [layers.{name}] is not a table")
    for key, value in table.items():
        if key in allowed:
            if value not in allowed[key]:
                raise ConfigError(
                    f"{where}: layer {name!r}: {key}={value!r} is not in {allowed[key]}"
                )
        elif key not in known:
            raise ConfigError(
                f"{where}: layer {name!r}: unknown key {key!r}", hint=f"known: {', '.join(known)}"
            )
        elif not isinstance(value, int) or isinstance(value, bool):
            raise ConfigError(f"{where}: layer {name!r}: {key}={value!r} is not a whole number")
    if missing := [key for key in known if key not in table]:
        raise ConfigError(f"{where}: layer {name!r}: the key {missing[0]!r} is missing")
    return Fold(**table)


def load(path: Path) -> Folding:
    """The folding file at `path`."""
    try:
        return from_toml(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as reason:
        raise ConfigError(
            f"cannot read the folding file {str(path)!r}: {reason}",
            hint="`onebit compile NET` writes a folding.toml to start from",
        ) from None
