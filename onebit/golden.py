"""The integer model: vectorised NumPy on bit-packed words, the oracle of every output.

`naive_accumulators` is the reference that the packed kernels are tested against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.net import Bit, Element, Head, Input, Mvau, Net
from onebit.pack import pack_words

CHUNK = 2048  # samples at a time: the packed words of a layer stay in cache

Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """logits: (samples, classes) fixed point; classes: (samples,), the first largest logit."""

    logits: Array
    classes: Array


def run(net: Net, raw: NDArray[np.generic]) -> Outputs:
    """Classify raw samples (count, *input shape)."""
    logits = [values[net.head.name] for values in _chunks(net, raw)]
    stacked = np.concatenate(logits) if logits else np.zeros((0, net.head.classes), dtype=np.int64)
    return Outputs(logits=stacked, classes=stacked.argmax(axis=1))


def trace(net: Net, raw: NDArray[np.generic]) -> dict[str, Array]:
    """Every layer's output for raw samples: bits as {0,1}, (count, *shape of the layer)."""
    parts = list(_chunks(net, raw))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def encode(layer: Input, raw: NDArray[np.generic]) -> Array:
    """Raw samples as elements; ConfigError where a value is outside the table."""
    index, rest = np.divmod(raw.astype(np.int64) - layer.raw_lo, layer.raw_step)
    if index.size and (rest.any() or index.min() < 0 or index.max() >= len(layer.table)):
        top = layer.raw_lo + layer.raw_step * (len(layer.table) - 1)
        raise ConfigError(
            f"raw values {raw.min()}..{raw.max()} are not all in {layer.raw_lo}..{top} by steps of "
            f"{layer.raw_step}, the input's"
        )
    return layer.table[index].reshape(-1, *layer.shape)


def _chunks(net: Net, raw: NDArray[np.generic]) -> Iterator[dict[str, Array]]:
    for start in range(0, len(raw), CHUNK):
        values: dict[str, Array] = {}
        for layer in net.layers:
            match layer:
                case Input():
                    values[layer.name] = encode(layer, raw[start : start + CHUNK])
                case Mvau():
                    x = values[layer.inputs[0]]
                    values[layer.name] = mvau(layer, x, net.element(layer.inputs[0]))
                case Head():
                    values[layer.name] = layer.scale * values[layer.inputs[0]] + layer.bias
        yield values


def mvau(layer: Mvau, x: Array, element: Element) -> Array:
    """Accumulators, or bits where the layer has thresholds, of x (count, ..., mw)."""
    rows = x.reshape(-1, layer.mw)
    acc = accumulators(layer.weights, rows, element)
    out = acc if layer.thresholds is None else (acc >= layer.thresholds[0]).astype(np.int64)
    return out.reshape(*x.shape[:-1], layer.mh)


def accumulators(weights: NDArray[np.uint8], x: Array, element: Element) -> Array:
    """acc (count, mh) of x (count, mw): agreeing bits, or sums of +-x bit plane by bit plane."""
    mh, mw = weights.shape
    packed_weights = pack_words(weights).T
    acc = np.empty((mh, len(x)), dtype=np.int64)
    if isinstance(element, Bit):
        words = pack_words(x.astype(np.uint8))
        for neuron, row in enumerate(packed_weights):
            differing = np.bitwise_count(words ^ row[:, None])
            acc[neuron] = mw - differing.sum(axis=0, dtype=np.int64)
        return np.ascontiguousarray(acc.T)

    acc[:] = 0
    for plane in range(element.bits):
        words = pack_words((x >> plane & 1).astype(np.uint8))
        value = -(1 << plane) if element.signed and plane == element.bits - 1 else 1 << plane
        ones = np.bitwise_count(words).sum(axis=0, dtype=np.int64)
        for neuron, row in enumerate(packed_weights):
            plus = np.bitwise_count(words & row[:, None]).sum(axis=0, dtype=np.int64)
            acc[neuron] += value * (2 * plus - ones)
    return np.ascontiguousarray(acc.T)


def naive_accumulators(weights: NDArray[np.uint8], x: Array, element: Element) -> Array:
    """The same by the definition: one multiplication a weight."""
    signs = 2 * weights.astype(np.int64) - 1
    if isinstance(element, Bit):
        return np.asarray(((2 * x - 1) @ signs.T + weights.shape[1]) // 2)
    return np.asarray(x @ signs.T)
