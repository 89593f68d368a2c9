"""Golden: the packed kernels equal the naive sums, and the stream layout is its own inverse."""

from __future__ import annotations

import numpy as np
import pytest

from onebit import golden, pack
from onebit.net import Bit, Int

ELEMENTS = [Bit(), Int(bits=1), Int(bits=5), Int(bits=8), Int(bits=2, signed=True)]


@pytest.mark.parametrize("element", [*ELEMENTS, Int(bits=8, signed=True)], ids=repr)
@pytest.mark.parametrize("mw", [1, 63, 64, 65, 200])
def test_accumulators_equal_the_naive_ones(element, mw):
    rng = np.random.default_rng(mw)
    weights = rng.integers(0, 2, (17, mw)).astype(np.uint8)
    low, high = (0, 1) if isinstance(element, Bit) else (element.lo, element.hi)
    x = rng.integers(low, high + 1, (33, mw))
    x[0], x[1] = low, high
    want = golden.naive_accumulators(weights, x, element)
    assert (golden.accumulators(weights, x, element) == want).all()


@pytest.mark.parametrize("lanes", [1, 3, 7, 64, 100])
@pytest.mark.parametrize(("bits", "signed"), [(1, False), (5, False), (5, True), (21, True)])
def test_a_stream_unpacks_to_what_was_packed(lanes, bits, signed):
    rng = np.random.default_rng(lanes)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    values = rng.integers(low, high, (9, 50))
    beats = pack.pack_stream(values, lanes, bits)
    assert beats.shape == (9, pack.ceil_div(50, lanes), pack.beat_bytes(lanes, bits))
    assert (pack.unpack_stream(beats, 50, lanes, bits, signed=signed) == values).all()


def test_the_layout_is_index_0_first_and_least_significant_and_spare_lanes_are_0():
    beats = pack.pack_stream(np.array([[3, 1, 2]]), 2, 4)
    assert beats[0, :, 0].tolist() == [0x13, 0x02]
    assert not beats[0, :, 1:].any()
