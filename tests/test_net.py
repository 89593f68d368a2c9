"""The Net: layers that do not fit are refused, and its JSON is exact and says what it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from onebit import net, net_file
from onebit.errors import ConfigError
from onebit.net import Bit, Head, Input, Int, Layer, Mvau, Net


def layers(*, mw: int = 5, classes: int = 3, bits: int = 2) -> tuple[Layer, Layer, Layer]:
    """A small valid network, or one that does not fit where an argument is changed."""
    rng = np.random.default_rng(0)
    first = Input(
        name="input",
        shape=(5,),
        element=Int(bits=bits, signed=True),
        raw_lo=-2,
        raw_scale=1.0,
        table=np.array([-2, -1, 0, 1]),
        scale=1.0,
        offset=0.0,
    )
    weights = rng.integers(0, 2, (3, mw)).astype(np.uint8)
    last = Mvau(name="fc1", inputs=("input",), weights=weights, thresholds=None)
    scale, bias = np.arange(classes), np.arange(classes) - 1
    head = Head(name="head", inputs=("fc1",), scale=scale, bias=bias, width=8, fraction=2)
    return first, last, head


def test_json_round_trip_is_exact():
    first = Net(layers=layers(), title="t", source="s.onnx")
    text = net_file.to_json(first)
    again = net_file.from_json(text)
    assert net_file.to_json(again) == text
    assert again.hash == first.hash
    assert (again.mvaus[0].weights == first.mvaus[0].weights).all()


def test_the_hash_leaves_out_the_title_but_no_weight():
    first = Net(layers=layers(), title="one")
    assert Net(layers=layers(), title="two").hash == first.hash
    changed = layers()
    changed[1].weights[0, 0] ^= 1
    assert Net(layers=changed).hash != first.hash


@pytest.mark.parametrize(
    ("changed", "rule"),
    [({"mw": 6}, "6 weights a neuron"), ({"classes": 4}, "4 classes"), ({"bits": 1}, "table")],
)
def test_layers_that_do_not_fit_are_refused(changed, rule):
    with pytest.raises(ConfigError, match=rule):
        Net(layers=layers(**changed))


def test_order_and_names_are_checked():
    first, last, head = layers()
    with pytest.raises(ConfigError, match="does not precede"):
        Net(layers=(last, first, head))
    with pytest.raises(ConfigError, match="twice"):
        Net(layers=(first, first, last, head))
    with pytest.raises(ConfigError, match="starts with an Input"):
        Net(layers=(first, last))


@pytest.mark.parametrize("damage", ["format", "weights", "not json"])
def test_a_damaged_file_is_refused(damage):
    text = net_file.to_json(Net(layers=layers()))
    if damage == "format":
        text = text.replace('"format": 1', '"format": 2')
    elif damage == "weights":
        data = json.loads(text)
        data["layers"][1]["weights"][0] = "00"
        text = json.dumps(data)
    else:
        text = text[: len(text) // 2]
    with pytest.raises(ConfigError):
        net_file.from_json(text)


def test_element_ranges():
    assert (Bit().lo, Bit().hi) == (-1, 1)
    assert (Int(bits=3).lo, Int(bits=3).hi) == (0, 7)
    assert (Int(bits=3, signed=True).lo, Int(bits=3, signed=True).hi) == (-4, 3)
    assert [net.signed_bits(*r) for r in ((0, 1), (-1, 0), (-128, 127), (-129, 0))] == [2, 1, 8, 9]
