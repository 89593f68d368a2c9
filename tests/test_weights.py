"""What varies of an mvau's weights, beside plain counting and what Yosys made of the same words."""

from __future__ import annotations

import random

import numpy as np
import pytest

from onebit import weights
from onebit.net import Mvau

# Random words of so many bits, and the LUTs that Yosys made of them (rtl/rom.sv, as in
# test_resources.py).
MEASURED = {
    (3, 100): 2,
    (4, 200): 4,
    (5, 400): 13,
    (6, 512): 39,
    (7, 1500): 91,
    (8, 2000): 194,
    (9, 1500): 251,
    (10, 600): 408,
}
WITHIN, FEW = 0.06, 2


def layer(words: list[int], bits: int) -> Mvau:
    """A layer whose memory, at PE=1 and SIMD=MW, has these words."""
    rows = np.array([[word >> bit & 1 for bit in range(bits)] for word in words], dtype=np.int64)
    return Mvau(name="fc", inputs=("in",), weights=rows, thresholds=None)


@pytest.mark.parametrize(("count", "bits"), MEASURED)
def test_registers_and_functions_are_those_of_yosys(count, bits):
    rng = random.Random(1)
    words = [rng.getrandbits(bits) for _ in range(count)]
    found = weights.varying(layer(words, bits), bits, 1, bits)
    columns = [tuple(word >> bit & 1 for word in words) for bit in range(bits)]
    vary = [column for column in columns if len({*column}) > 1]
    assert (found.bits, found.registers) == (len(vary), len({*vary}))
    assert found.functions == pytest.approx(MEASURED[count, bits], rel=WITHIN, abs=FEW)


def test_spare_inputs_have_weight_1_and_spare_neurons_are_0():
    held = weights.words(layer([0b01011, 0b10100, 0b00111], 5), 5, 2, 3)
    assert held.tolist() == [
        [1, 1, 0, 0, 0, 1],
        [1, 0, 1, 0, 1, 1],
        [1, 1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
    ]


def test_a_part_of_a_pixel_ends_each_pixel_with_spare_inputs():
    held = weights.words(layer([0b000000], 6), 3, 1, 2)
    assert held.tolist() == [[0, 0], [0, 1], [0, 0], [0, 1]]
