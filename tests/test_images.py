"""Layers on images: shapes, what does not fit, their file, their folds, their cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebit import board, choose, cost, folding, golden, net_file
from onebit.errors import ConfigError
from onebit.net import Bit, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window

BOARD = board.load("pynq-z2")


FIRST = Input(
    name="input",
    shape=(7, 6, 4),
    element=Bit(),
    raw_lo=-1,
    raw_step=2,
    raw_scale=1.0,
    table=np.array([0, 1]),
    scale=1.0,
    offset=0.0,
)
HEAD = Head(
    name="head",
    inputs=("fc",),
    scale=np.ones(3, dtype=np.int64),
    bias=np.zeros(3, dtype=np.int64),
    width=8,
    fraction=0,
)


def layers() -> dict[str, Layer]:
    """A small network: 7x6x4 bits, 5 channels of 3x3 with zeros around, pool 2, 3 classes."""
    rng = np.random.default_rng(0)
    found = (
        FIRST,
        Window(
            name="window", inputs=("input",), kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)
        ),
        Mvau(
            name="conv",
            inputs=("window",),
            weights=rng.integers(0, 2, (5, 36)).astype(np.uint8),
            thresholds=rng.integers(14, 22, (9, 5)),
        ),
        MaxPool(
            name="pool",
            inputs=("conv",),
            kernel=(2, 2),
            stride=(2, 2),
            padding=(0, 0, 1, 0),
            invert=np.array([0, 1, 0, 0, 1], dtype=np.uint8),
        ),
        Flatten(name="flat", inputs=("pool",)),
        Mvau(
            name="fc",
            inputs=("flat",),
            weights=rng.integers(0, 2, (3, 60)).astype(np.uint8),
            thresholds=None,
        ),
        HEAD,
    )
    return {layer.name: layer for layer in found}


def net(**edits: dict) -> Net:
    """The network with fields of some layers replaced."""
    found = layers()
    return Net(layers=tuple(replace(layer, **edits.get(name, {})) for name, layer in found.items()))


NET = net()


def test_shapes_follow_the_windows():
    shapes = {layer.name: NET.shape(layer.name) for layer in NET.layers}
    assert shapes["window"] == (7, 6, 36)
    assert shapes["conv"] == (7, 6, 5)
    assert shapes["pool"] == (4, 3, 5)
    assert shapes["flat"] == (60,)


@pytest.mark.parametrize(
    ("edits", "rule"),
    [
        ({"window": {"fill": 2}}, "fill 2"),
        ({"window": {"kernel": (0, 3)}}, "below 1"),
        ({"window": {"stride": (0, 1)}}, "below 1"),
        ({"window": {"padding": (3, 0, 0, 0)}}, "padding 3 fills a whole kernel"),
        ({"window": {"padding": (-1, 0, 0, 0)}}, "negative"),
        ({"window": {"kernel": (11, 3), "padding": (1, 0, 1, 0)}}, "less than a kernel"),
        ({"conv": {"thresholds": np.zeros((8, 5), dtype=np.int64)}}, "not \\(9, 5\\)"),
        ({"pool": {"invert": np.zeros(4, dtype=np.uint8)}}, "invert is not of shape"),
        ({"pool": {"padding": (0, 0, 9, 0)}}, "nothing but padding"),
        ({"pool": {"inputs": ("input",)}}, "invert is not of shape"),
        ({"flat": {"inputs": ("head",)}}, "does not precede"),
        ({"fc": {"inputs": ("pool",)}}, "60 weights a neuron, 5 inputs"),
    ],
)
def test_layers_that_do_not_fit_are_refused(edits, rule):
    with pytest.raises(ConfigError, match=rule):
        net(**edits)


def test_the_file_reads_back_as_it_was():
    again = net_file.from_json(net_file.to_json(NET))
    assert again.hash == NET.hash
    raw = np.random.default_rng(1).choice([-1, 1], (9, 7, 6, 4))
    assert (golden.run(again, raw).logits == golden.run(NET, raw).logits).all()


def folded(**edits: dict[str, int]) -> folding.Folding:
    """A valid folding of NET with some folds edited."""
    folds = choose.best(NET, BOARD, 100.0)
    return replace(
        folds,
        layers={name: replace(fold, **edits.get(name, {})) for name, fold in folds.layers.items()},
    )


@pytest.mark.parametrize(
    ("edits", "rule"),
    [
        ({"window": {"simd": 6}, "conv": {"simd": 6}}, "at most 4 or a multiple of its 4"),
        ({"window": {"simd": 8}, "conv": {"simd": 4}}, "its window 'window' has simd=8"),
        ({"window": {"simd": 40}, "conv": {"simd": 36}}, "simd=40 is not in 1..36"),
        ({"flat": {"simd": 2}}, "a divisor of its 5"),
        ({"pool": {"pe": 6}}, "pe=6 is not in 1..5"),
    ],
)
def test_folds_that_do_not_fit_are_refused(edits, rule):
    with pytest.raises(ConfigError, match=rule):
        folding.checked(folded(**edits), NET)


@pytest.mark.parametrize(
    ("simd", "cycles"),
    [
        (1, 7 * 6 * 36),  # the ring: a beat an element of a patch
        (3, 7 * 6 * 18),  # two beats a pixel, the second with two spare lanes
        (4, 7 * 6 * 9),
        (8, 8 * 7 + 7 * 6 * 4),  # the shift register: two pixels a beat, five beats a patch
        (36, 8 * 7),  # a patch a cycle; one row below and one column right of the image
    ],
)
def test_a_window_takes_the_cycles_of_its_header(simd, cycles):
    window = NET["window"]
    assert isinstance(window, Window)
    assert cost.window_cycles(NET, window, simd) == cycles


def test_an_even_folding_is_even():
    fastest = choose.best(NET, BOARD, 100.0)
    assert folding.checked(fastest, NET) is fastest
    assert cost.interval(NET, fastest) == max(choose.least(NET, layer) for layer in NET.layers)
    slow = choose.best(NET, BOARD, 100.0, 1e8 / 1000)
    assert cost.interval(NET, slow) <= 1000
    assert cost.luts(NET, slow) < cost.luts(NET, fastest)
