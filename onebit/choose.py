"""An even folding: every layer as small as the common interval allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from onebit.board import Board
from onebit.cost import (
    CEILING,
    brams,
    cycles,
    input_beats,
    input_lanes,
    lanes,
    luts,
    output_lanes,
    window_cycles,
)
from onebit.errors import ConfigError
from onebit.folding import Fold, Folding, can_be_hardwired
from onebit.net import Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window
from onebit.pack import ceil_div


def even(net: Net, board: Board, clock_mhz: float, target_fps: float | None = None) -> Folding:
    """An even folding for a target rate, else for the board.

    With a target rate the interval is clock / rate; otherwise it is the least one that the board's
    memory port can feed and whose estimated LUTs stay under the ceiling and block RAMs within the
    board's. ConfigError where a layer cannot be that fast.
    """
    floor = max(least(net, layer) for layer in net.layers)
    if target_fps is not None:
        most = int(min(clock_mhz * 1e6 / target_fps, 1e18)) if target_fps > 0 else 0
        if most < floor:
            raise ConfigError(
                f"{target_fps:,.0f} images/s at {clock_mhz:g} MHz is {most:,} cycles an image; "
                f"this network takes at least {floor:,}",
                hint=f"ask for more than 0 and at most {clock_mhz * 1e6 / floor:,.0f} images/s",
            )
        return at_interval(net, board, clock_mhz, most)
    first = net.input
    port = max(1, board.port_bits // first.element.bits)
    low = max(floor, net.positions(first.name) * ceil_div(first.shape[-1], port))
    high = max(low, *(cycles(net, layer, Fold()) for layer in net.layers))
    while low < high:
        middle = (low + high) // 2
        folding = at_interval(net, board, clock_mhz, middle)
        fits = luts(net, folding) <= board.lut * CEILING and brams(net, folding) <= board.bram36
        low, high = (low, middle) if fits else (middle + 1, high)
    return at_interval(net, board, clock_mhz, low)


def hardwired(net: Net, board: Board, clock_mhz: float) -> Folding:
    """The fastest folding, the weights of dense 1-bit layers as logic; ConfigError without any."""
    folding = at_interval(net, board, clock_mhz, max(least(net, layer) for layer in net.layers))
    folds = dict(folding.layers)
    for layer in net.mvaus:
        if net.window(layer) is None and can_be_hardwired(net, layer):
            folds[layer.name] = Fold(pe=layer.mh, simd=layer.mw, style="hardwired")
    if folds == folding.layers:
        raise ConfigError("no layer can be hard-wired: none is dense with 1-bit inputs")
    return replace(folding, layers=folds)


def at_interval(net: Net, board: Board, clock_mhz: float, most: int) -> Folding:
    """The fewest lanes per layer with at most `most` cycles an image."""
    folds: dict[str, Fold] = {}
    for layer in net.layers:
        folds[layer.name] = _fewest_lanes(net, layer, most, folds)
    return Folding(net_hash=net.hash, board=board.name, clock_mhz=clock_mhz, layers=folds)


def least(net: Net, layer: Layer) -> int:
    """The fewest cycles an image can take in a layer."""
    if isinstance(layer, Window):
        return min(window_cycles(net, layer, simd) for simd in _widths(net, layer))
    pe, simd = lanes(net, layer)
    if isinstance(layer, Mvau):  # its window has cycles of its own
        return net.positions(layer.name)
    return cycles(net, layer, Fold(pe=pe, simd=simd))


def _fewest_lanes(net: Net, layer: Layer, most: int, folds: dict[str, Fold]) -> Fold:
    """The fold of a layer; `folds` has those of the layers before it."""
    match layer:
        case Input():
            return Fold(simd=ceil_div(layer.shape[-1], most // net.positions(layer.name)))
        case Head():
            return Fold(pe=ceil_div(layer.classes, most))
        case Window():
            _, columns = net.axes(layer.name)
            reader = next(other for other in net.mvaus if layer.name in other.inputs)
            fold = Fold(simd=_product(net, reader, most)[1])
            channels = net.shape(layer.inputs[0])[-1]
            row = columns.size * ceil_div(channels, input_lanes(net, layer, fold))
            return Fold(simd=fold.simd, fifo=max(2, 2 * row))
        case Mvau():
            pe, simd = _product(net, layer, most)
            # A unit takes a vector in bursts; room for a whole one keeps its producer from waiting.
            return Fold(pe=pe, simd=simd, fifo=max(2, input_beats(net, layer, simd)))
        case MaxPool():
            before = layer.inputs[0]
            given = output_lanes(net[before], folds[before])
            if cycles(net, layer, Fold(pe=given)) <= most:  # as they come: no converter
                return Fold(pe=given)
            channels = len(layer.invert)
            places = cycles(net, layer, Fold(pe=channels))
            return Fold(pe=ceil_div(channels, most // places))
        case Flatten():
            *_, channels = net.shape(layer.inputs[0])
            size = net.shape(layer.name)[0]
            fits = (n for n in range(1, channels + 1) if channels % n == 0 and size // n <= most)
            return Fold(simd=next(fits))


def _product(net: Net, layer: Mvau, most: int) -> tuple[int, int]:
    """The cheapest (pe, simd) of an Mvau, its window included, in at most `most` cycles."""
    places, found = net.positions(layer.name), []
    window = net.window(layer)
    for simd in _widths(net, layer if window is None else window):
        beats = places * input_beats(net, layer, simd)
        if beats > most or (window and window_cycles(net, window, simd) > most):
            continue
        pe = ceil_div(layer.mh, most // beats)
        found.append((pe * simd, pe, simd))
    _, pe, simd = min(found)
    return pe, simd


def _widths(net: Net, layer: Mvau | Window) -> Iterator[int]:
    """The useful SIMDs, one for each number of beats."""
    if isinstance(layer, Mvau):
        yield from dict.fromkeys(ceil_div(layer.mw, beats) for beats in range(1, layer.mw + 1))
        return
    channels = net.shape(layer.inputs[0])[-1]
    pixels = net.shape(layer.name)[-1] // channels
    yield from dict.fromkeys(ceil_div(channels, beats) for beats in range(1, channels + 1))
    yield from (
        channels * count
        for count in dict.fromkeys(ceil_div(pixels, beats) for beats in range(1, pixels))
    )
