"""The integer model: vectorised NumPy, the oracle of every output.

`naive_accumulators` is the reference that the products in floating point are tested against.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from onebit import system
from onebit.errors import ConfigError
from onebit.net import Bit, Element, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window

CHUNK = 512  # samples at a time at most
VALUES_AT_ONCE = 1 << 22  # in the largest tensor

Array = NDArray[np.int64]
Values = NDArray[np.integer[Any]]  # inside, a layer's outputs: bits and small integers in few bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """logits: (samples, classes) fixed point; classes: (samples,), the first largest logit."""

    logits: Array
    classes: Array


def run(
    net: Net, raw: NDArray[np.generic], on_done: Callable[[int], None] = lambda count: None
) -> Outputs:
    """Classify raw samples (count, *input shape); `on_done` hears how many more are done.

    A chunk a core: of the small products here, each alone is faster on one core than on all.
    """

    def logits(part: NDArray[np.generic]) -> Array:
        return _layers(net, part)[net.head.name].astype(np.int64)

    found = [np.zeros((0, net.head.classes), dtype=np.int64)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(system.cores()) as pool:
        for part in pool.map(logits, _chunks(net, raw)):
            found.append(part)
            on_done(len(part))
    stacked = np.concatenate(found)
    return Outputs(logits=stacked, classes=stacked.argmax(axis=1))


def trace(net: Net, raw: NDArray[np.generic]) -> dict[str, Array]:
    """Every layer's output for raw samples: bits as {0,1}, (count, *shape of the layer)."""
    parts = [_layers(net, part) for part in _chunks(net, raw)]
    return {
        name: np.concatenate([part[name] for part in parts]).astype(np.int64) for name in parts[0]
    }


def encode(layer: Input, raw: NDArray[np.generic]) -> Values:
    """Raw samples as elements; ConfigError where a value is outside the table."""
    table: Values = layer.table.astype(_dtype(layer.element))
    found: Values = np.empty((len(raw), *layer.shape), table.dtype)
    for start in range(0, len(raw), CHUNK):
        part = raw[start : start + CHUNK].astype(np.int64).reshape(-1, *layer.shape)
        index, rest = np.divmod(part - layer.raw_lo, layer.raw_step)
        if rest.any() or index.min() < 0 or index.max() >= len(table):
            top = layer.raw_lo + layer.raw_step * (len(table) - 1)
            raise ConfigError(
                f"raw values {part.min()}..{part.max()} are not all in {layer.raw_lo}..{top} by "
                f"steps of {layer.raw_step}, the input's"
            )
        found[start : start + CHUNK] = table[index]
    return found


def _chunks(net: Net, raw: NDArray[np.generic]) -> Iterator[NDArray[np.generic]]:
    """The samples in parts whose tensors fit into the caches or so."""
    largest = max(math.prod(net.shape(layer.name)) for layer in net.layers)
    step = max(1, min(CHUNK, VALUES_AT_ONCE // largest))
    return (raw[start : start + step] for start in range(0, len(raw), step))


def _layers(net: Net, raw: NDArray[np.generic]) -> dict[str, Values]:
    """Every layer's output for a few samples."""
    values: dict[str, Values] = {}
    for layer in net.layers:
        values[layer.name] = _layer(net, layer, raw, values)
    return values


def _layer(net: Net, layer: Layer, raw: NDArray[np.generic], values: dict[str, Values]) -> Values:
    """The layer's output for a chunk, from the outputs of those before it."""
    if isinstance(layer, Input):
        return encode(layer, raw)
    x = values[layer.inputs[0]]
    match layer:
        case Window():
            return window(layer, x)
        case MaxPool():
            return maxpool(layer, x)
        case Flatten():
            return x.reshape(len(x), -1)
        case Mvau():
            several = layer.thresholds is not None and len(layer.thresholds) > 1
            border = net.border(layer) if several else None
            return mvau(layer, x, net.element(layer.inputs[0]), border)
        case Head():
            return np.asarray(layer.scale * x + layer.bias)


def _dtype(element: Element) -> type[np.integer[Any]]:
    """The smallest type that holds a bit, or an integer and its negative."""
    if isinstance(element, Bit):
        return np.uint8
    return np.int16 if element.bits < 16 else np.int64


def window(layer: Window, x: Values) -> Values:
    """im2col of images x (count, h, w, c): (count, oh, ow, kh * kw * c)."""
    padded, (down, across) = _padded(layer, x, layer.fill), layer.stride
    patches = np.lib.stride_tricks.sliding_window_view(padded, layer.kernel, (1, 2))
    patches = patches[:, ::down, ::across].transpose(0, 1, 2, 4, 5, 3)
    return patches.reshape(*patches.shape[:3], -1)


def maxpool(layer: MaxPool, x: Values) -> Values:
    """The OR of bits x (count, h, w, c) over windows, inverted where the layer says so."""
    padded, (down, across) = _padded(layer, x, 0), layer.stride
    (kh, kw), (height, width) = layer.kernel, padded.shape[1:3]
    bits = [
        padded[:, r : height - kh + r + 1 : down, c : width - kw + c + 1 : across]
        for r in range(kh)
        for c in range(kw)
    ]
    return np.asarray(np.bitwise_or.reduce(bits) ^ layer.invert)


def _padded(layer: Window | MaxPool, x: Values, fill: int) -> Values:
    top, left, bottom, right = layer.padding
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, around, constant_values=fill) if any(layer.padding) else x


def mvau(layer: Mvau, x: Values, element: Element, border: NDArray[np.int64] | None) -> Values:
    """Accumulators, or bits where the layer has thresholds, of x (count, ..., mw).

    border: the class (oh, ow) of each position where the layer has thresholds for several.
    """
    rows = x.reshape(-1, layer.mw)
    acc = accumulators(layer.weights, rows, element).reshape(*x.shape[:-1], layer.mh)
    if layer.thresholds is None:
        return acc.astype(np.int64)
    levels = layer.thresholds[0] if border is None else layer.thresholds[border]
    return (acc >= levels.astype(acc.dtype)).astype(np.uint8)


def accumulators(weights: NDArray[np.uint8], x: Values, element: Element) -> NDArray[Any]:
    """acc (count, mh) of x (count, mw), as whole floats: one product in floating point.

    In float32 it is exact because no sum of its terms reaches 2**24 (else float64). Of bits it
    counts the ones where the weight is one, less those where it is zero, plus the zero weights.
    """
    mw = weights.shape[1]
    most = mw * max(-element.lo, element.hi)
    real: Any = np.float32 if most < 1 << 24 else np.float64
    signs = np.where(weights, 1, -1).astype(real)
    dot = x.astype(real) @ signs.T
    if isinstance(element, Bit):
        dot += (mw - weights.sum(axis=1, dtype=np.int64)).astype(real)
    return np.asarray(dot)


def naive_accumulators(weights: NDArray[np.uint8], x: Array, element: Element) -> Array:
    """The same by the definition: one multiplication a weight."""
    signs = 2 * weights.astype(np.int64) - 1
    if isinstance(element, Bit):
        return np.asarray(((2 * x - 1) @ signs.T + weights.shape[1]) // 2)
    return np.asarray(x @ signs.T)
