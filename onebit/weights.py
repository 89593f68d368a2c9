"""The words that hold an mvau's weights under a fold, and how many of their bits vary."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onebit.net import Mvau
from onebit.pack import ceil_div

Ints = NDArray[np.int64]
FEW = 12  # words: of more than so many hardly a bit never varies, or two agree
WIDE = 1 << 14  # bits of a word: of wider ones of few words all that can differ does
CACHED = 1 << 12


def folded(values: Ints, pe: int, simd: int) -> Ints:
    """values (mh, n): word nf*SF+sf has lane p*simd+s = values[nf*pe+p, sf*simd+s]."""
    mh, n = values.shape
    folds, beats = ceil_div(mh, pe), n // simd
    padded = np.zeros((folds * pe, n), dtype=np.int64)
    padded[:mh] = values
    by_word = padded.reshape(folds, pe, beats, simd).transpose(0, 2, 1, 3)
    return by_word.reshape(folds * beats, pe * simd)


def words(layer: Mvau, channels: int, pe: int, simd: int) -> Ints:
    """Word nf*SF+sf holds PE x SIMD bits; spare inputs have weight 1 (see rtl/mvau.sv).

    Where a beat holds a part of a pixel of so many channels, each pixel of a window ends with spare
    inputs.
    """
    n = layer.mw if simd > channels else channels
    parts = layer.weights.reshape(layer.mh, -1, n)
    beats = ceil_div(n, simd)
    padded = np.ones((layer.mh, parts.shape[1], beats * simd), dtype=np.int64)
    padded[:, :, :n] = parts
    return folded(padded.reshape(layer.mh, -1), pe, simd)


class Varying(NamedTuple):
    """Bits of a word that differ in some words; registers of a rom, where bits that always agree
    share one; functions of the address in front of these.
    """

    bits: int
    registers: int
    functions: int


@lru_cache(maxsize=CACHED)
def varying(layer: Mvau, channels: int, pe: int, simd: int) -> Varying:
    """Of a layer's weights in at most FEW words.

    Where a bit is the same in one half of the words, the highest bit of the address sets or resets
    its register, and a function of the others is left. A bit of the address itself is none.
    """
    held = words(layer, channels, pe, simd)
    count = len(held)
    counts = np.bincount((1 << np.arange(count)) @ held, minlength=1 << count)[1:-1]
    found = np.flatnonzero(counts) + 1
    half = 1 << max(0, (count - 1).bit_length() - 1)
    high, low = found >> half, found & (1 << half) - 1
    flat_high = (high == 0) | (high == (1 << count - half) - 1)
    flat_low = (low == 0) | (low == (1 << half) - 1)
    halves = np.concatenate([low[flat_high & ~flat_low], high[flat_low & ~flat_high]])
    functions = len({*halves.tolist()} - _address(half))
    functions += len({*found[~flat_high & ~flat_low].tolist()} - _address(count))
    return Varying(int(counts.sum()), len(found), functions)


def _address(count: int) -> set[int]:
    """The bits of the address of so many words, each as a word of what it is at each address."""
    bits = (count - 1).bit_length()
    return {sum(1 << at for at in range(count) if at >> bit & 1) for bit in range(bits)}
