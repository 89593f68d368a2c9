"""The memories of an accelerator, as text for `$readmemh`: all that training changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onebit import weights
from onebit.cost import input_beats
from onebit.folding import Fold, Folding
from onebit.net import Flatten, Head, Input, Int, MaxPool, Mvau, Net, Window, signed_bits
from onebit.pack import ceil_div
from onebit.shapes import shape

Ints = NDArray[np.int64]


def memories(net: Net, folding: Folding) -> dict[str, str]:
    """The memory files, name -> text of one hexadecimal word a line."""
    files = {}
    for layer in net.layers:
        fold = folding.layers[layer.name]
        match layer:
            case Mvau() if fold.style == "hardwired":
                pass
            case Mvau():
                files[f"{layer.name}_weights.mem"] = _weights(net, layer, fold)
                if preloaded(net, layer):
                    bits, rows = acc_bits(net, layer), preload(net, layer, fold)
                    words = (_words(row[:, None], fold.pe, 1, bits) for row in rows)
                    files[f"{layer.name}_thresholds.mem"] = "".join(words)
                if border_classes(layer) > 1:
                    files |= _border(net, layer, fold)
            case MaxPool():
                if layer.invert.any():
                    text = _words(layer.invert[:, None].astype(np.int64), fold.pe, 1, 1)
                    files[f"{layer.name}_invert.mem"] = text
            case Head():
                text = _words(layer.scale[:, None], fold.pe, 1, scale_bits(layer))
                files[f"{layer.name}_scale.mem"] = text
                files[f"{layer.name}_bias.mem"] = _words(
                    layer.bias[:, None], fold.pe, 1, layer.width
                )
            case Input() | Window() | Flatten():
                pass
    return files


def preloaded(net: Net, layer: Mvau) -> bool:
    """Whether accumulators start from a memory's word, and not from 0 (see rtl/mvau.sv)."""
    return layer.thresholds is not None or isinstance(net.element(layer.inputs[0]), Int)


def acc_bits(net: Net, layer: Mvau) -> int:
    """Width of the signed accumulator less the threshold."""
    lo, hi = net.acc_range(layer.name)
    less = _minus_thresholds(net, layer)
    return signed_bits(lo + int(less.min()), hi + int(less.max()))


def scale_bits(head: Head) -> int:
    """Width of the signed scale."""
    return signed_bits(int(head.scale.min()), int(head.scale.max()))


def border_classes(layer: Mvau) -> int:
    """How many classes of positions have thresholds of their own."""
    return 1 if layer.thresholds is None else len(layer.thresholds)


def _minus_thresholds(net: Net, layer: Mvau) -> Ints:
    """Minus each neuron's threshold; one beyond the reachable sums does the same at its edge."""
    if layer.thresholds is None:
        return np.zeros((1, layer.mh), dtype=np.int64)
    lo, hi = net.acc_range(layer.name)
    return np.asarray(-np.clip(layer.thresholds, lo, hi + 1))


def preload(net: Net, layer: Mvau, fold: Fold) -> Ints:
    """What accumulators start from, by class and neuron.

    An integer x of B bits counts from its least value in rtl/xnor_sum.sv, as u = x - least, and
    has 2^B-1 - u in place of -x where its weight is 0: over a neuron's inputs, `zeros` of them of
    weight 0, that is more than the sum of +-x by (2^B-1) zeros - least (inputs - 2 zeros).
    """
    minus = _minus_thresholds(net, layer)
    element = net.element(layer.inputs[0])
    if not isinstance(element, Int):
        return minus
    zeros = (layer.weights == 0).sum(axis=1)
    inputs = input_beats(net, layer, fold.simd) * fold.simd  # spare ones are 0, of weight 1
    least = -(1 << element.bits - 1) if element.signed else 0
    more = ((1 << element.bits) - 1) * zeros - least * (inputs - 2 * zeros)
    return np.asarray(minus - more)


def _weights(net: Net, layer: Mvau, fold: Fold) -> str:
    channels = shape(net, layer.name).channels
    return _text(weights.words(layer, channels, fold.pe, fold.simd), 1)


def border_bases(net: Net, layer: Mvau, fold: Fold) -> dict[str, Ints]:
    """Where the thresholds of each row's and each column's class begin (see rtl/border.sv)."""
    classes = net.border(layer)
    words = ceil_div(layer.mh, fold.pe)
    return {"rows": words * (classes[:, 0] - classes[0, 0]), "columns": words * classes[0]}


def _border(net: Net, layer: Mvau, fold: Fold) -> dict[str, str]:
    """The memories of these bases."""
    words = border_classes(layer) * ceil_div(layer.mh, fold.pe)
    bits = max(1, (words - 1).bit_length())
    return {
        f"{layer.name}_{name}.mem": _words(values[:, None], 1, 1, bits)
        for name, values in border_bases(net, layer, fold).items()
    }


def _words(values: Ints, pe: int, simd: int, bits: int) -> str:
    """values (mh, n), folded, as text."""
    return _text(weights.folded(values, pe, simd), bits)


def _text(lanes: Ints, bits: int) -> str:
    """Lanes (words, n) of so many bits; lane 0 is the least significant."""
    planes = (lanes[:, :, None] >> np.arange(bits) & 1).astype(np.uint8)
    words = np.packbits(planes.reshape(len(lanes), -1), axis=1, bitorder="little")
    digits = ceil_div(lanes.shape[1] * bits, 4)
    return "".join(
        int.from_bytes(word.tobytes(), "little").to_bytes(len(word), "big").hex()[-digits:] + "\n"
        for word in words
    )
