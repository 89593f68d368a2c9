"""The integer model once more, sample by sample and straight from the definitions; slow."""

from __future__ import annotations

import itertools

import numpy as np

from onebit.net import Bit, Flatten, Head, Input, MaxPool, Mvau, Net, Window

Elements = dict[tuple[int, int, int], int]


def logits(net: Net, raw: np.ndarray) -> list[int]:
    """The logits of one raw sample."""
    values: dict[str, np.ndarray] = {}
    for layer in net.layers:
        if isinstance(layer, Input):
            places = [(int(value) - layer.raw_lo) // layer.raw_step for value in raw.ravel()]
            values[layer.name] = np.array([layer.table[at] for at in places]).reshape(layer.shape)
            continue
        x = values[layer.inputs[0]]
        match layer:
            case Window():  # the Mvau behind it reads the image itself
                values[layer.name] = x
            case Flatten():
                values[layer.name] = np.array(list(x.flat))
            case MaxPool():
                values[layer.name] = pooled(layer, x)
            case Mvau() if (window := net.window(layer)) is not None:
                values[layer.name] = convolved(net, window, layer, x)
            case Mvau():
                values[layer.name] = np.array(
                    [
                        [neuron(net, layer, n, vector, 0) for n in range(layer.mh)]
                        for vector in x.reshape(-1, layer.mw)
                    ]
                ).reshape(*x.shape[:-1], layer.mh)
            case Head():
                scaled = zip(layer.scale, x, layer.bias, strict=True)
                values[layer.name] = np.array([int(s) * int(v) + int(b) for s, v, b in scaled])
    return [int(value) for value in values[net.head.name]]


def positions(layer: Window | MaxPool, x: np.ndarray) -> tuple[range, range]:
    """The first row of each window, and the first column."""
    top, left, bottom, right = layer.padding
    (kh, kw), (sh, sw) = layer.kernel, layer.stride
    height, width = x.shape[:2]
    return (
        range(-top, height + bottom - kh + 1, sh),
        range(-left, width + right - kw + 1, sw),
    )


def real(start: int, kernel: int, size: int) -> tuple[bool, ...]:
    """Which elements of a window are on the image."""
    return tuple(0 <= start + k < size for k in range(kernel))


def pooled(layer: MaxPool, x: np.ndarray) -> np.ndarray:
    rows, columns = positions(layer, x)
    out = np.zeros((len(rows), len(columns), x.shape[2]), dtype=int)
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        for channel in range(x.shape[2]):
            seen = [
                x[r, c, channel]
                for r in range(row, row + layer.kernel[0])
                for c in range(column, column + layer.kernel[1])
                if 0 <= r < x.shape[0] and 0 <= c < x.shape[1]
            ]
            out[i, j, channel] = any(seen) != bool(layer.invert[channel])
    return out


def convolved(net: Net, window: Window, layer: Mvau, x: np.ndarray) -> np.ndarray:
    """The Mvau at every position; border classes are numbered by their first window."""
    (kh, kw), (height, width, channels) = window.kernel, x.shape
    rows, columns = positions(window, x)
    row_kinds = list(dict.fromkeys(real(row, kh, height) for row in rows))
    column_kinds = list(dict.fromkeys(real(column, kw, width) for column in columns))
    out = np.zeros((len(rows), len(columns), layer.mh), dtype=int)
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        patch = []
        for r, c in itertools.product(range(row, row + kh), range(column, column + kw)):
            inside = 0 <= r < height and 0 <= c < width
            patch += [x[r, c, k] if inside else window.fill for k in range(channels)]
        kind = row_kinds.index(real(row, kh, height)) * len(column_kinds)
        kind += column_kinds.index(real(column, kw, width))
        for n in range(layer.mh):
            out[i, j, n] = neuron(net, layer, n, np.array(patch), kind)
    return out


def neuron(net: Net, layer: Mvau, n: int, vector: np.ndarray, kind: int) -> int:
    """One output of an Mvau at a position of the border class `kind`."""
    pairs = zip(layer.weights[n].tolist(), vector.tolist(), strict=True)
    if isinstance(net.element(layer.inputs[0]), Bit):
        acc = sum(weight == bit for weight, bit in pairs)
    else:
        acc = sum(value if weight else -value for weight, value in pairs)
    if layer.thresholds is None:
        return acc
    return int(acc >= layer.thresholds[kind if len(layer.thresholds) > 1 else 0, n])
