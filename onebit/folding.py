"""Folding: how each layer is spread over hardware, its file, its cycles, and an even choice."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from onebit.board import Board
from onebit.errors import ConfigError
from onebit.net import Bit, Head, Input, Layer, Mvau, Net
from onebit.pack import ceil_div

FORMAT = 1
CEILING = 0.8  # of a board's LUTs: fuller parts are hard to route
Style = Literal["folded", "hardwired"]
Memory = Literal["auto", "bram", "lutram", "logic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One layer in hardware.

    pe neurons x simd inputs a cycle; m vectors share each weight word; `fifo` is the depth of the
    stream FIFO at the layer's input. An Input has simd elements a beat, a Head pe classes a beat.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A hardware unit and the cycles that one image occupies it."""

    name: str
    cycles: int


def lanes(layer: Layer) -> tuple[int, int]:
    """The largest useful (pe, simd) of a layer."""
    match layer:
        case Input(shape=shape):
            return 1, shape[-1]
        case Mvau() as mvau:
            return mvau.mh, mvau.mw
        case Head() as head:
            return head.classes, 1


def checked(folding: Folding, net: Net) -> Folding:
    """The folding, or ConfigError where it does not suit the network."""
    if folding.net_hash != net.hash:
        raise ConfigError(
            f"the folding is for network {folding.net_hash[:12]!r}, this one is {net.hash[:12]!r}",
            hint="`onebit compile NET` writes a new folding.toml for this network",
        )
    names = [layer.name for layer in net.layers]
    if sorted(folding.layers) != sorted(names):
        raise ConfigError(
            f"the folding has the layers {sorted(folding.layers)}, the network {sorted(names)}",
            hint="every layer of the network needs one [layers.NAME] table",
        )
    for layer in net.layers:
        _check_fold(layer, folding.layers[layer.name])
    return folding


def _check_fold(layer: Layer, fold: Fold) -> None:
    most_pe, most_simd = lanes(layer)
    limits = {"pe": most_pe, "simd": most_simd, "m": 1}
    for name, most in limits.items():
        value = getattr(fold, name)
        if not 1 <= value <= most:
            raise ConfigError(
                f"layer {layer.name!r}: {name}={value} is not in 1..{most}",
                hint="`onebit compile --target-fps N` chooses a folding",
            )
    if fold.fifo < 2:
        raise ConfigError(f"layer {layer.name!r}: fifo={fold.fifo} is not at least 2")
    if fold.style != "folded":
        raise ConfigError(f"layer {layer.name!r}: style={fold.style!r}, only 'folded' is built yet")
    if fold.memory != "auto":
        raise ConfigError(f"layer {layer.name!r}: memory={fold.memory!r}, only 'auto' is built yet")


def cycles(layer: Layer, fold: Fold) -> int:
    """Cycles for one input vector; folds need not divide the matrix."""
    match layer:
        case Input(shape=shape):
            return ceil_div(shape[-1], fold.simd)
        case Mvau() as mvau:
            return ceil_div(mvau.mw, fold.simd) * ceil_div(mvau.mh, fold.pe)
        case Head() as head:
            return ceil_div(head.classes, fold.pe)


def output_lanes(layer: Layer, fold: Fold) -> int:
    """Elements a beat of the layer's output stream."""
    return fold.simd if isinstance(layer, Input) else fold.pe


def input_lanes(layer: Layer, fold: Fold) -> int:
    """Elements a beat of the layer's input stream."""
    return fold.pe if isinstance(layer, Head) else fold.simd


def units(net: Net, folding: Folding) -> Iterator[Unit]:
    """Every unit that can limit the rate.

    A width converter takes the beats of its slower side, never more than the units it joins.
    """
    for layer in net.layers:
        yield Unit(name=layer.name, cycles=cycles(layer, folding.layers[layer.name]))


def interval(net: Net, folding: Folding) -> int:
    """The initiation interval: cycles between images once the pipeline is full."""
    return max(unit.cycles for unit in units(net, folding))


def lut_estimate(net: Net, layer: Layer, fold: Fold) -> int:
    """LUT6s, roughly: 2.2 a bit for XNOR and popcount, one adder bit a LUT, one LUT a ROM bit.

    2.2 is what Yosys maps a behavioural popcount to (xc7); calibration comes with synthesis.
    """
    match layer:
        case Input():
            return 0
        case Head() as head:
            return fold.pe * head.width * 4
        case Mvau() as mvau:
            element = net.element(mvau.inputs[0])
            per_lane = 2.2 if isinstance(element, Bit) else element.bits + 3.0
            words = cycles(mvau, fold)
            rom = ceil_div(words, 64) if words <= 256 else 0
            low, high = net.acc_range(mvau.name)
            accumulator = (high - low).bit_length() + 1
            return int(fold.pe * fold.simd * (per_lane + rom) + fold.pe * accumulator * 2)


def luts(net: Net, folding: Folding) -> int:
    """The estimated LUTs of the whole accelerator."""
    return sum(lut_estimate(net, layer, folding.layers[layer.name]) for layer in net.layers)


def overflow(net: Net, folding: Folding, board: Board) -> str:
    """What of the folding exceeds the board by the estimate; empty where nothing does."""
    needed, first = luts(net, folding), net.input
    port = folding.layers[first.name].simd * first.element.bits
    found = []
    if needed > board.lut * CEILING:
        found.append(f"about {needed:,} LUTs, of {board.lut:,} (at most {CEILING:.0%} will route)")
    if port > board.port_bits:
        found.append(f"{port} input bits a cycle, through a port of {board.port_bits}")
    return "; ".join(found)


def even(net: Net, board: Board, clock_mhz: float, target_fps: float | None = None) -> Folding:
    """An even folding: every layer as small as the common interval allows.

    With a target rate the interval is clock / rate; otherwise it is the least one that the board's
    memory port can feed and whose estimated LUTs stay under the ceiling.
    """
    if target_fps is not None:
        most = int(min(clock_mhz * 1e6 / target_fps, 1e18)) if target_fps > 0 else 0
        if most < 1:
            raise ConfigError(
                f"{target_fps:,.0f} images/s at {clock_mhz:g} MHz is not a cycle or more an image",
                hint=f"ask for more than 0 and at most {clock_mhz * 1e6:,.0f} images/s",
            )
        return _at_interval(net, board, clock_mhz, most)
    features = net.input.shape[-1]
    low = ceil_div(features, max(1, board.port_bits // net.input.element.bits))
    high = max(low, *(cycles(layer, Fold()) for layer in net.layers))
    while low < high:
        middle = (low + high) // 2
        folding = _at_interval(net, board, clock_mhz, middle)
        fits = luts(net, folding) <= board.lut * CEILING
        low, high = (low, middle) if fits else (middle + 1, high)
    return _at_interval(net, board, clock_mhz, low)


def _at_interval(net: Net, board: Board, clock_mhz: float, most: int) -> Folding:
    """The fewest lanes per layer with at most `most` cycles an image."""
    folds = {layer.name: _fewest_lanes(layer, most) for layer in net.layers}
    return Folding(net_hash=net.hash, board=board.name, clock_mhz=clock_mhz, layers=folds)


def _fewest_lanes(layer: Layer, most: int) -> Fold:
    most_pe, most_simd = lanes(layer)
    folds = []
    for beats in range(1, min(most, most_simd) + 1):
        simd = ceil_div(most_simd, beats)
        pe = ceil_div(most_pe, most // ceil_div(most_simd, simd))
        folds.append(Fold(pe=pe, simd=simd))
    best = min(folds, key=lambda fold: (fold.pe * fold.simd, fold.pe))
    if not isinstance(layer, Mvau):
        return best
    # A unit takes a vector in bursts; room for a whole one keeps its producer from waiting.
    return replace(best, fifo=max(2, ceil_div(most_simd, best.simd)))


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
