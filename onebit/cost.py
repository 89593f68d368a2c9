"""What a fold costs: cycles, exactly, and LUTs and block RAMs, as estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onebit.board import Board
from onebit.net import Bit, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window
from onebit.pack import ceil_div

if TYPE_CHECKING:
    from onebit.folding import Fold, Folding

CEILING = 0.8  # of a board's LUTs: fuller parts are hard to route
LUT_WORDS = 256  # deeper memories go into block RAM
BLOCKS = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))  # words, bits: RAMB18


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A hardware unit and the cycles that so many images occupy it."""

    name: str
    cycles: int
    images: int = 1

    @property
    def per_image(self) -> float:
        """Cycles an image, a whole number where they are one."""
        return (
            self.cycles / self.images if self.cycles % self.images else self.cycles // self.images
        )


def lanes(net: Net, layer: Layer) -> tuple[int, int]:
    """The largest useful (pe, simd) of a layer."""
    match layer:
        case Input(shape=shape):
            return 1, shape[-1]
        case Window():
            return 1, net.shape(layer.name)[-1]
        case MaxPool():
            return len(layer.invert), 1
        case Flatten():
            return 1, net.shape(layer.inputs[0])[-1]
        case Mvau():
            return layer.mh, layer.mw
        case Head():
            return layer.classes, 1


def taps(net: Net, window: Window, simd: int) -> tuple[int, int]:
    """(beats a pixel, beats a patch) of a window's output stream.

    A beat holds part of a pixel, or several whole ones.
    """
    kernel, channels = math.prod(window.kernel), net.shape(window.inputs[0])[-1]
    if simd > channels:
        return 1, ceil_div(kernel, simd // channels)
    folds = ceil_div(channels, simd)
    return folds, kernel * folds


def input_beats(net: Net, layer: Mvau, simd: int) -> int:
    """SF: beats of one input vector."""
    window = net.window(layer)
    return ceil_div(layer.mw, simd) if window is None else taps(net, window, simd)[1]


def window_cycles(net: Net, window: Window, simd: int) -> int:
    """Cycles an image: rtl/window_ring.sv, or rtl/window_shift.sv for whole pixels a beat."""
    rows, columns = net.axes(window.name)
    folds, beats = taps(net, window, simd)
    if simd > net.shape(window.inputs[0])[-1]:
        return rows.span * columns.span + rows.out * columns.out * (beats - 1)
    return max(rows.size * columns.size * folds, rows.out * columns.out * beats)


def cycles(net: Net, layer: Layer, fold: Fold) -> int:
    """Cycles that fold.m images occupy the layer's unit; folds need not divide the matrix."""
    match layer:
        case Input(shape=shape):
            return net.positions(layer.name) * ceil_div(shape[-1], fold.simd)
        case Window():
            return window_cycles(net, layer, fold.simd)
        case MaxPool():
            rows, columns = net.axes(layer.name)
            return rows.span * columns.span * ceil_div(len(layer.invert), fold.pe)
        case Flatten():
            return net.shape(layer.name)[0] // fold.simd
        case Mvau():
            beats = input_beats(net, layer, fold.simd)
            return net.positions(layer.name) * beats * ceil_div(layer.mh, fold.pe)
        case Head():
            return ceil_div(layer.classes, fold.pe)


def output_lanes(layer: Layer, fold: Fold) -> int:
    """Elements a beat of the layer's output stream."""
    return fold.simd if isinstance(layer, Input | Window | Flatten) else fold.pe


def input_lanes(net: Net, layer: Layer, fold: Fold) -> int:
    """Elements a beat of the layer's input stream."""
    match layer:
        case Head() | MaxPool():
            return fold.pe
        case Window():
            return min(fold.simd, net.shape(layer.inputs[0])[-1])
        case _:
            return fold.simd


def units(net: Net, folding: Folding) -> Iterator[Unit]:
    """Every unit that can limit the rate.

    A width converter takes the beats of its slower side, never more than the units it joins; a
    gather or scatter takes those of the vectors that pass it one after the other.
    """
    for layer in net.layers:
        fold = folding.layers[layer.name]
        yield Unit(name=layer.name, cycles=cycles(net, layer, fold), images=fold.m)
        if isinstance(layer, Mvau) and gathered(folding, layer):
            beats = input_beats(net, layer, fold.simd)
            yield Unit(name=f"{layer.name}_gather", cycles=net.positions(layer.name) * beats)
        if scattered(folding, layer):
            source = net[layer.inputs[0]]
            beats = ceil_div(net.shape(source.name)[-1], folding.layers[source.name].pe)
            yield Unit(name=f"{layer.name}_scatter", cycles=net.positions(source.name) * beats)


def gathered(folding: Folding, layer: Layer) -> bool:
    """Whether vectors come to the layer one after the other that it takes side by side."""
    m = folding.layers[layer.name].m
    return m > 1 and folding.layers[layer.inputs[0]].m != m


def scattered(folding: Folding, layer: Layer) -> bool:
    """Whether vectors come to the layer side by side that it takes in another way."""
    m = folding.layers[layer.inputs[0]].m if layer.inputs else 1
    return m > 1 and folding.layers[layer.name].m != m


def interval(net: Net, folding: Folding) -> float:
    """The initiation interval: cycles between images once the pipeline is full, on average."""
    return max(unit.per_image for unit in units(net, folding))


def rhythm(net: Net, folding: Folding) -> int:
    """The images after which groups of vectors begin with an image again."""
    groups = ((folding.layers[layer.name].m, net.positions(layer.name)) for layer in net.mvaus)
    return math.lcm(*(m // math.gcd(m, vectors) for m, vectors in groups))


def tail(net: Net, folding: Folding) -> int:
    """The most images at the end of a batch that are in groups with fewer vectors than they can."""
    groups = ((folding.layers[layer.name].m, net.positions(layer.name)) for layer in net.mvaus)
    return sum(ceil_div(m, vectors) for m, vectors in groups if m > 1)


def lut_estimate(net: Net, layer: Layer, fold: Fold) -> int:
    """LUT6s, roughly: 2.2 a bit for XNOR and popcount, one adder bit a LUT, one LUT a ROM bit.

    2.2 is what Yosys maps a behavioural popcount to (xc7); calibration comes with synthesis.
    """
    match layer:
        case Input() | Flatten():
            return 0
        case Head():
            return fold.pe * layer.width * 4
        case Window():
            return _window_luts(net, layer, fold.simd)
        case MaxPool():
            rows, columns = net.axes(layer.name)
            words = columns.out * ceil_div(len(layer.invert), fold.pe)
            history = (rows.kernel - 1) * ceil_div(words, 64) + columns.kernel - 1
            return 40 + fold.pe * (history + 2)
        case Mvau():
            element = net.element(layer.inputs[0])
            per_lane = 2.2 if isinstance(element, Bit) else element.bits + 3.0
            words = input_beats(net, layer, fold.simd) * ceil_div(layer.mh, fold.pe)
            rom = ceil_div(words, 64) if words <= LUT_WORDS else 0
            low, high = net.acc_range(layer.name)
            accumulator = (high - low).bit_length() + 1
            sums = fold.m * fold.pe * accumulator * 2
            return int(fold.pe * fold.simd * (fold.m * per_lane + rom) + sums)


def _window_luts(net: Net, window: Window, simd: int) -> int:
    """One LUT for 64 bits of a ring's memory, or for 32 of a line's; two a bit of a patch."""
    rows, columns = net.axes(window.name)
    bits, channels = net.element(window.name).bits, net.shape(window.inputs[0])[-1]
    if simd > channels:
        lines = (rows.kernel - 1) * ceil_div(columns.size, 32) * channels * bits
        return 60 + lines + 2 * simd * bits
    words = _ring_words(net, window, simd)
    return 120 + simd * bits * (1 + (ceil_div(words, 64) if words <= LUT_WORDS else 0))


def luts(net: Net, folding: Folding) -> int:
    """The estimated LUTs of the whole accelerator."""
    return sum(
        lut_estimate(net, layer, folding.layers[layer.name]) + _joint_luts(net, folding, layer)
        for layer in net.layers
    )


def _joint_luts(net: Net, folding: Folding, layer: Layer) -> int:
    """The LUTs of the gather and the scatter ahead of a layer.

    Two LUTs hold 3 bits of 32 words; a scatter selects one of four slices in a LUT a bit.
    """
    found = 0
    if isinstance(layer, Mvau) and gathered(folding, layer):
        fold = folding.layers[layer.name]
        width = fold.simd * net.element(layer.inputs[0]).bits
        words = 2 * input_beats(net, layer, fold.simd)
        found += 20 + ceil_div(2 * fold.m * width * ceil_div(words, 32), 3)
    if scattered(folding, layer):
        source = net[layer.inputs[0]]
        fold = folding.layers[source.name]
        width = fold.pe * net.element(source.name).bits
        words = 2 * ceil_div(net.shape(source.name)[-1], fold.pe)
        found += 20 + ceil_div(2 * fold.m * width * ceil_div(words, 32), 3)
        found += width * ceil_div(fold.m, 4)
    return found


def _ring_words(net: Net, window: Window, simd: int) -> int:
    rows, columns = net.axes(window.name)
    return rows.ring() * columns.size * ceil_div(net.shape(window.inputs[0])[-1], simd)


def _blocks(net: Net, layer: Layer, fold: Fold) -> int:
    """RAMB18s for the weights of an Mvau, or for the rows that a Window holds."""
    match layer:
        case Mvau():
            words = input_beats(net, layer, fold.simd) * ceil_div(layer.mh, fold.pe)
            bits = fold.pe * fold.simd
        case Window() if fold.simd <= net.shape(layer.inputs[0])[-1]:
            words = _ring_words(net, layer, fold.simd)
            bits = fold.simd * net.element(layer.name).bits
        case _:
            return 0
    if words <= LUT_WORDS:
        return 0
    return min(ceil_div(words, deep) * ceil_div(bits, wide) for deep, wide in BLOCKS)


def brams(net: Net, folding: Folding) -> int:
    """The estimated block RAMs of 36 Kib of the whole accelerator."""
    return ceil_div(sum(_blocks(net, each, folding.layers[each.name]) for each in net.layers), 2)


def overflow(net: Net, folding: Folding, board: Board) -> str:
    """What of the folding exceeds the board by the estimate; empty where nothing does."""
    needed, first = luts(net, folding), net.input
    port = folding.layers[first.name].simd * first.element.bits
    found = []
    if needed > board.lut * CEILING:
        found.append(f"about {needed:,} LUTs, of {board.lut:,} (at most {CEILING:.0%} will route)")
    if (blocks := brams(net, folding)) > board.bram36:
        found.append(f"about {blocks:,} block RAMs, of {board.bram36:,}")
    if port > board.port_bits:
        found.append(f"{port} input bits a cycle, through a port of {board.port_bits}")
    return "; ".join(found)
