"""The memories of an accelerator, as text for `$readmemh`: all that training changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from onebit.folding import Fold, Folding
from onebit.net import Flatten, Head, Input, MaxPool, Mvau, Net, Window, signed_bits
from onebit.pack import ceil_div

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
                if layer.thresholds is not None:
                    bits = acc_bits(net, layer)
                    words = (_words(row[:, None], fold.pe, 1, bits) for row in _preload(net, layer))
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


def acc_bits(net: Net, layer: Mvau) -> int:
    """Width of the signed accumulator, preloaded with minus the threshold."""
    lo, hi = net.acc_range(layer.name)
    if layer.thresholds is None:
        return signed_bits(lo, hi)
    preload = _preload(net, layer)
    return signed_bits(lo + int(preload.min()), hi + int(preload.max()))


def scale_bits(head: Head) -> int:
    """Width of the signed scale."""
    return signed_bits(int(head.scale.min()), int(head.scale.max()))


def border_classes(layer: Mvau) -> int:
    """How many classes of positions have thresholds of their own."""
    return 1 if layer.thresholds is None else len(layer.thresholds)


def _preload(net: Net, layer: Mvau) -> Ints:
    """Minus each neuron's threshold; one beyond the reachable sums does the same at its edge."""
    assert layer.thresholds is not None
    lo, hi = net.acc_range(layer.name)
    return np.asarray(-np.clip(layer.thresholds, lo, hi + 1))


def _weights(net: Net, layer: Mvau, fold: Fold) -> str:
    """Word nf*SF+sf holds PE x SIMD bits; spare inputs have weight 1 (see rtl/mvau.sv).

    Where a beat holds a part of a pixel, each pixel of a window ends with spare inputs.
    """
    window = net.window(layer)
    channels = layer.mw if window is None else net.shape(window.inputs[0])[-1]
    n = layer.mw if fold.simd > channels else channels
    parts = layer.weights.reshape(layer.mh, -1, n)
    beats = ceil_div(n, fold.simd)
    padded = np.ones((layer.mh, parts.shape[1], beats * fold.simd), dtype=np.int64)
    padded[:, :, :n] = parts
    return _words(padded.reshape(layer.mh, -1), fold.pe, fold.simd, 1)


def _border(net: Net, layer: Mvau, fold: Fold) -> dict[str, str]:
    """Where the thresholds of each row's and each column's class begin (see rtl/border.sv)."""
    classes = net.border(layer)
    words = ceil_div(layer.mh, fold.pe)
    tables = {"rows": classes[:, 0] - classes[0, 0], "columns": classes[0]}
    bits = max(1, (border_classes(layer) * words - 1).bit_length())
    return {
        f"{layer.name}_{name}.mem": _words(words * values[:, None], 1, 1, bits)
        for name, values in tables.items()
    }


def _words(values: Ints, pe: int, simd: int, bits: int) -> str:
    """values (mh, n): word nf*SF+sf has lane p*simd+s = values[nf*pe+p, sf*simd+s]."""
    mh, n = values.shape
    folds, beats = ceil_div(mh, pe), n // simd
    padded = np.zeros((folds * pe, n), dtype=np.int64)
    padded[:mh] = values
    by_word = padded.reshape(folds, pe, beats, simd).transpose(0, 2, 1, 3)
    lanes = by_word.reshape(folds * beats, pe * simd)
    planes = (lanes[:, :, None] >> np.arange(bits) & 1).astype(np.uint8)
    words = np.packbits(planes.reshape(len(lanes), -1), axis=1, bitorder="little")
    digits = ceil_div(pe * simd * bits, 4)
    return "".join(
        int.from_bytes(word.tobytes(), "little").to_bytes(len(word), "big").hex()[-digits:] + "\n"
        for word in words
    )
