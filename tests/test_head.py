"""The head's fixed point: order kept with the fewest bits, differing pairs counted."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from onebit.errors import ConfigError
from onebit.lower import head


def decided(logits: np.ndarray) -> dict[tuple[int, int, int, int], bool]:
    """For every two pairs of different classes: does the first win the arg-max?"""
    rows, classes = logits.shape
    pairs = list(product(range(classes), range(rows)))
    return {
        (c, a, d, b): logits[a, c] > logits[b, d] or (logits[a, c] == logits[b, d] and c < d)
        for (c, a), (d, b) in product(pairs, pairs)
        if c != d
    }


@pytest.mark.parametrize("seed", range(12))
def test_the_order_is_float32s_and_one_bit_less_breaks_it(seed):
    rng = np.random.default_rng(seed)
    classes, acc = int(rng.integers(2, 5)), np.arange(int(rng.integers(2, 20)))
    slope, shift = rng.normal(0, 1, classes), rng.normal(0, 2, classes).round(seed % 3)
    logits = (np.outer(acc, slope) + shift).astype(np.float32)
    fixed = head.fit(acc, logits)
    values = np.outer(acc, fixed.scale) + fixed.bias
    wanted = decided(logits)
    wrong = sum(wanted[key] != wins for key, wins in decided(values).items())
    assert fixed.pairs == wrong // 2
    assert np.abs(values).max() < 1 << fixed.width - 1
    if fixed.width < head.MAX_WIDTH:
        assert fixed.pairs == 0


def test_pairs_that_no_width_can_order_are_counted():
    acc = np.arange(3)
    logits = np.array([[0, 0], [1, 1 + 2**-23], [2, 2]], dtype=np.float32)
    values = np.outer(acc, [4, 4]) + 0
    order = head._winners(logits)
    assert head._inversions(values, order) == 1
    assert not head._in_order(values, order)


def test_equal_logits_go_to_the_lower_class():
    acc = np.arange(8)
    logits = np.stack([acc, acc, 7 - acc], axis=1).astype(np.float32)
    fixed = head.fit(acc, logits)
    values = np.outer(acc, fixed.scale) + fixed.bias
    assert decided(values) == decided(logits)


def test_a_wide_head_errs_with_the_logit_and_not_with_the_accumulator():
    """Many inputs leave few fraction bits: what counts are the logits near zero, not those at 0."""
    acc = np.arange(23_329)
    slope = np.random.default_rng(1).uniform(0.01, 0.02, 3)
    logits = (np.outer(acc - 11_664, slope) + np.arange(3)).astype(np.float32)
    fixed = head.fit(acc, logits)
    found = np.ldexp((np.outer(acc, fixed.scale) + fixed.bias).astype(float), -fixed.fraction)
    near = np.abs(logits) < 10
    assert fixed.width == 32 and np.abs(found - logits)[near].max() < 1e-4


def test_a_bent_class_is_refused():
    acc = np.arange(10)
    logits = np.stack([acc, acc**2], axis=1).astype(np.float32)
    with pytest.raises(ConfigError, match="class 1"):
        head.fit(acc, logits)
