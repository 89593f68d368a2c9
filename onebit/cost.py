"""What a fold costs: cycles, exactly, and LUTs, flip-flops, block RAMs and DSPs, as estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from onebit import hardwired, resources, weights
from onebit.board import Board
from onebit.net import Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window, signed_bits
from onebit.pack import beat_bytes, ceil_div
from onebit.resources import Cost
from onebit.shapes import Shape, shape

if TYPE_CHECKING:
    from onebit.folding import Fold, Folding

CEILING = 0.8  # of a board's resources: fuller parts are hard to route
RESOURCES = ("LUT", "FF", "BRAM18", "DSP")
Side = tuple[int, int]  # of a stream: elements of a vector in a beat, vectors side by side


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


def taps(kernel: int, channels: int, simd: int) -> tuple[int, int]:
    """(beats a pixel, beats a patch) of a window's output stream; `kernel` pixels are a patch.

    A beat holds part of a pixel, or several whole ones.
    """
    if simd > channels:
        return 1, ceil_div(kernel, simd // channels)
    folds = ceil_div(channels, simd)
    return folds, kernel * folds


def input_beats(net: Net, layer: Mvau, simd: int) -> int:
    """SF: beats of one input vector."""
    own = shape(net, layer.name)
    if own.rows is None or own.columns is None:
        return ceil_div(own.n, simd)
    return taps(own.rows.kernel * own.columns.kernel, own.channels, simd)[1]


def window_cycles(net: Net, window: Window, simd: int) -> int:
    """Cycles an image: rtl/window_ring.sv, or rtl/window_shift.sv for whole pixels a beat."""
    own = shape(net, window.name)
    rows, columns = own.rows, own.columns
    assert rows and columns
    folds, beats = taps(rows.kernel * columns.kernel, own.channels, simd)
    if simd > own.channels:
        return rows.span * columns.span + rows.out * columns.out * (beats - 1)
    return max(rows.size * columns.size * folds, rows.out * columns.out * beats)


def cycles(net: Net, layer: Layer, fold: Fold) -> int:
    """Cycles that fold.m images occupy the layer's unit; folds need not divide the matrix."""
    own = shape(net, layer.name)
    match layer:
        case Input():
            return own.positions * ceil_div(own.n, fold.simd)
        case Window():
            return window_cycles(net, layer, fold.simd)
        case MaxPool():
            assert own.rows and own.columns
            return own.rows.span * own.columns.span * ceil_div(own.channels, fold.pe)
        case Flatten():
            return net.shape(layer.name)[0] // fold.simd
        case Mvau():
            beats = input_beats(net, layer, fold.simd)
            return own.positions * beats * ceil_div(layer.mh, fold.pe)
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
            return min(fold.simd, shape(net, layer.name).channels)
        case _:
            return fold.simd


def output_side(layer: Layer, fold: Fold) -> Side:
    """What the layer puts out in a beat."""
    return output_lanes(layer, fold), fold.m


def input_side(net: Net, layer: Layer, fold: Fold) -> Side:
    """What the layer takes in a beat."""
    return input_lanes(net, layer, fold), fold.m


def units(net: Net, folding: Folding) -> Iterator[Unit]:
    """Every unit that can limit the rate.

    A width converter takes the beats of its slower side, never more than the units it joins; a
    gather or scatter takes those of the vectors that pass it one after the other.
    """
    for layer in net.layers:
        fold = folding.layers[layer.name]
        yield Unit(name=layer.name, cycles=cycles(net, layer, fold), images=fold.m)
        if layer.inputs:
            given = output_side(net[layer.inputs[0]], folding.layers[layer.inputs[0]])
            joints = regrouping(net, layer, given, input_side(net, layer, fold))
            for joint, taken in joints.items():
                yield Unit(name=f"{layer.name}_{joint}", cycles=taken)


def interval(net: Net, folding: Folding) -> float:
    """The initiation interval: cycles between images once the pipeline is full, on average."""
    return max(unit.per_image for unit in units(net, folding))


def memory_of(net: Net, layer: Layer, fold: Fold) -> str:
    """Where an Mvau's weights or a Window's rows lie, `auto` decided; empty for other layers."""
    own = shape(net, layer.name)
    rings = isinstance(layer, Window) and fold.simd <= own.channels
    if not rings and not isinstance(layer, Mvau):
        return ""
    if fold.memory != "auto":
        return fold.memory
    if isinstance(layer, Mvau):
        words = input_beats(net, layer, fold.simd) * ceil_div(layer.mh, fold.pe)
        return "bram" if words > resources.ROM_WORDS else "logic"
    return "bram" if _ring_words(own, fold.simd) > resources.RAM_WORDS else "lutram"


def threshold_words(net: Net, layer: Mvau, fold: Fold) -> int:
    """Words that accumulators start from: of each class of positions one for a beat of neurons.

    Accumulators of bits that are put out start from 0.
    """
    own = shape(net, layer.name)
    classes = int(not own.bipolar) if layer.thresholds is None else len(layer.thresholds)
    return classes * ceil_div(layer.mh, fold.pe)


def blocks_thresholds(net: Net, layer: Mvau, fold: Fold) -> bool:
    """Whether an Mvau's thresholds lie in block RAM; else in LUTs."""
    return threshold_words(net, layer, fold) > resources.ROM_WORDS


def _ring_words(own: Shape, simd: int) -> int:
    assert own.columns
    return own.held * own.columns.size * ceil_div(own.channels, simd)


@lru_cache(maxsize=resources.CACHED)
def unit(net: Net, layer: Layer, fold: Fold) -> Cost:
    """What the layer's unit takes, with its memories."""
    return _unit(net, layer, fold).rounded


def _unit(net: Net, layer: Layer, fold: Fold) -> Cost:
    own = shape(net, layer.name)
    match layer:
        case Input() | Flatten():
            return Cost()
        case Window():
            return _window(own, fold, memory_of(net, layer, fold))
        case MaxPool():
            assert own.rows and own.columns
            folds = ceil_div(own.channels, fold.pe)
            kernel = (own.rows.kernel, own.columns.kernel)
            inverts = bool(layer.invert.any())
            return resources.maxpool(kernel, own.columns.out * folds, fold.pe, folds, inverts)
        case Mvau() if fold.style == "hardwired":
            made = hardwired.plan(layer)
            bits = layer.mh * (1 if layer.thresholds is not None else own.acc)
            results = resources.credit_fifo(bits, made.latency + 1)
            return results + Cost(lut=made.luts, ff=made.ffs + layer.mw + made.latency)
        case Mvau():
            return _mvau(net, layer, fold)
        case Head():
            low, high = int(layer.scale.min()), int(layer.scale.max())
            scale = signed_bits(low, high)
            return resources.head(layer.classes, fold.pe, own.bits, scale, layer.width)


def weights_and_dots(net: Net, layer: Mvau, fold: Fold) -> Cost:
    """Of a folded Mvau its weights and dot products alone."""
    own, beats = shape(net, layer.name), input_beats(net, layer, fold.simd)
    words, memory = beats * ceil_div(layer.mh, fold.pe), memory_of(net, layer, fold)
    varying = _varying(net, layer, fold, words)
    sides = fold.pe, fold.simd
    return resources.weights_and_dots(sides, words, own.bits, memory, fold.m, varying)


def _varying(net: Net, layer: Mvau, fold: Fold, words: int) -> weights.Varying | None:
    """What varies of so many words of weights, where that makes a difference."""
    if words > weights.FEW or fold.pe * fold.simd > weights.WIDE:
        return None
    return weights.varying(layer, shape(net, layer.name).channels, fold.pe, fold.simd)


def _mvau(net: Net, layer: Mvau, fold: Fold) -> Cost:
    own, beats = shape(net, layer.name), input_beats(net, layer, fold.simd)
    folds, words = ceil_div(layer.mh, fold.pe), threshold_words(net, layer, fold)
    found = resources.mvau(
        lanes=(fold.pe, fold.simd),
        beats=(beats, folds),
        bits=own.bits,
        acc=own.acc,
        thresholds=words,
        out_bits=own.acc if layer.thresholds is None else 1,
        memory=memory_of(net, layer, fold),
        m=fold.m,
        varying=_varying(net, layer, fold, beats * folds),
    )
    if words > folds and own.rows and own.columns:
        found += resources.border(own.rows.out, own.columns.out, (words - 1).bit_length())
    return found


def _window(own: Shape, fold: Fold, memory: str) -> Cost:
    rows, columns = own.rows, own.columns
    assert rows and columns
    width, kernel = fold.simd * own.bits, (rows.kernel, columns.kernel)
    if not memory:
        beats = taps(math.prod(kernel), own.channels, fold.simd)[1]
        return resources.window_shift(kernel, columns.size, own.channels * own.bits, width, beats)
    words = _ring_words(own, fold.simd)
    return resources.window_ring(words, width, memory, _counters(own, words))


def _counters(own: Shape, words: int) -> int:
    """Bits of the counters and addresses of a window_ring."""
    rows, columns = own.rows, own.columns
    assert rows and columns
    counted = (rows.size, rows.out, rows.kernel, columns.out, columns.kernel, own.channels)
    places = 2 * (rows.size + rows.before).bit_length() + 2 * columns.size.bit_length()
    return sum(n.bit_length() for n in counted) + places + 6 * (words - 1).bit_length()


def regrouping(net: Net, layer: Layer, given: Side, taken: Side) -> dict[str, int]:
    """Cycles an image of the scatter and the gather in front of a layer, where there are any."""
    if given[1] == taken[1]:
        return {}
    own, found = shape(net, layer.name), {}
    if given[1] not in (1, taken[1]):
        positions = shape(net, layer.inputs[0]).positions
        found["scatter"] = positions * ceil_div(own.n, given[0])
    if isinstance(layer, Mvau) and taken[1] not in (1, given[1]):
        found["gather"] = own.positions * input_beats(net, layer, taken[0])
    return found


def before(net: Net, layer: Layer, given: Side, taken: Side, depth: int) -> Cost:
    """What is in front of a layer: FIFO and width converter, scatter and gather."""
    if isinstance(layer, Input):
        return Cost()
    own, (lanes_in, m_in), (lanes_out, m_out) = shape(net, layer.name), given, taken
    windowed = isinstance(layer, Mvau) and own.rows is not None
    bits = own.bits * (m_in if m_in == m_out else 1)
    found = _queue(own.n, bits, (lanes_in, lanes_out), depth, not windowed)
    for joint in regrouping(net, layer, given, taken):
        if joint == "scatter":
            beats = ceil_div(own.n, lanes_in)
            found += resources.scatter(m_in, lanes_in * own.bits, beats).rounded
        elif isinstance(layer, Mvau):
            beats = input_beats(net, layer, lanes_out)
            found += resources.gather(m_out, lanes_out * own.bits, beats).rounded
    return found


@lru_cache(maxsize=4 * resources.CACHED)
def _queue(n: int, bits: int, lanes: Side, depth: int, converts: bool) -> Cost:
    """A FIFO, and a width converter where lanes differ in front and behind."""
    found = resources.fifo(max(lanes) * bits, depth)
    if converts and lanes[0] != lanes[1]:
        found += resources.width_converter(n, bits, *lanes)
    return found.rounded


def layer_cost(net: Net, folding: Folding, layer: Layer) -> Cost:
    """What a layer takes: its unit, and what is in front of it."""
    fold = folding.layers[layer.name]
    found = unit(net, layer, fold)
    if layer.inputs:
        given = output_side(net[layer.inputs[0]], folding.layers[layer.inputs[0]])
        found += before(net, layer, given, input_side(net, layer, fold), fold.fifo)
    return found


def total(net: Net, folding: Folding) -> Cost:
    """What the whole accelerator takes."""
    return sum((layer_cost(net, folding, layer) for layer in net.layers), Cost())


def luts(net: Net, folding: Folding) -> int:
    """The estimated LUTs of the whole accelerator."""
    return total(net, folding).vector[0]


def brams(net: Net, folding: Folding) -> int:
    """The estimated block RAMs of 36 Kib of the whole accelerator."""
    return ceil_div(total(net, folding).bram18, 2)


def budget(board: Board, ceiling: float) -> tuple[int, int, int, int]:
    """What of a board's resources may be taken, in the order of `Cost.vector`."""
    there = board.lut, board.ff, 2 * board.bram36, board.dsp
    lut, ff, bram, dsp = (max(1, int(ceiling * each)) for each in there)
    return lut, ff, bram, dsp


def overflow(net: Net, folding: Folding, board: Board, ceiling: float = CEILING) -> str:
    """What of the folding exceeds the board by the estimate; empty where nothing does."""
    needed, most = total(net, folding).vector, budget(board, ceiling)
    there = board.lut, board.ff, board.bram36, board.dsp
    found = []
    for name, taken, limit, all_of in zip(RESOURCES, needed, most, there, strict=True):
        if taken > limit:
            shown = ceil_div(taken, 2) if name == "BRAM18" else taken
            found.append(f"about {shown:,} {name}, of {all_of:,} (at most {ceiling:.0%} are used)")
    return "; ".join(found)


def port_rate(net: Net, folding: Folding, board: Board) -> float:
    """The images/s that come through the board's memory port."""
    first = net.input
    simd = folding.layers[first.name].simd
    beats = net.positions(first.name) * ceil_div(first.shape[-1], simd)
    bits = 8 * beats * beat_bytes(simd, first.element.bits)
    return folding.clock_mhz * 1e6 * board.port_bits / bits
