"""Thresholds: found at every reachable sum, for every slope, tie and constant channel."""

from __future__ import annotations

import numpy as np
import pytest

from onebit.errors import ConfigError
from onebit.lower import thresholds


def find(function, lo=0, hi=20, channels=4, **more):
    """Thresholds of a function of the accumulator, as `chain` wants it."""

    def chain(acc):
        return np.broadcast_to(function(acc), (len(acc), channels)).astype(np.float32)

    return thresholds.find("fc1", lo, hi, channels, chain=chain, **more)


@pytest.mark.parametrize("bits", [True, False])
def test_both_slopes_ties_and_constants(bits, monkeypatch):
    monkeypatch.setattr(thresholds, "VALUES_AT_ONCE", 12)  # several chunks, uneven
    lo, hi = (0, 20) if bits else (-20, 20)
    slope = np.array([1.0, -1.0, 0.0, 0.0])
    shift = np.array([-7.0, 7.0, 1.0, -1.0])
    sign = lambda acc: np.where(acc * slope + shift >= 0, 1, -1)  # noqa: E731
    found = find(sign, lo, hi, bits=bits, mw=20)
    assert found.flip.tolist() == [False, True, False, False]
    assert found.constant.tolist() == [False, False, True, True]
    acc = np.arange(lo, hi + 1)[:, None]
    seen = np.where(found.flip, (20 if bits else 0) - acc, acc)
    assert ((seen >= found.level) == (sign(acc) > 0)).all()
    assert found.level[2:].tolist() == [lo, hi + 1]
    assert (found.lo, found.hi) == (-1, 1)


def test_a_channel_that_is_not_monotone_is_named():
    bump = lambda acc: np.where((acc > 3) & (acc < 9) & (np.arange(4) == 2), 1, -1)  # noqa: E731
    with pytest.raises(ConfigError, match="'fc1', channel 2"):
        find(bump, bits=True, mw=20)


def test_three_values_are_not_one_bit():
    with pytest.raises(ConfigError, match="more than two values"):
        find(lambda acc: np.sign(acc - 4), bits=True, mw=20)


def test_a_product_is_exact_and_rounded_once():
    real = thresholds.real_products(
        np.array([[16_777_217]]),
        bits=False,
        mw=1,
        weight_scale=np.ones(1, dtype=np.float32),
        row_sum=np.ones(1, dtype=np.int64),
        scale=1.0,
        offset=1.0,
    )
    assert real[0, 0] == np.float32(16_777_218)


def test_a_chunk_with_one_value_is_no_reason_to_refuse(monkeypatch):
    monkeypatch.setattr(thresholds, "VALUES_AT_ONCE", 12)
    found = find(lambda acc: np.where(acc >= 15, 1, -1), bits=True, mw=20)
    assert found.level.tolist() == [15] * 4


@pytest.mark.parametrize("value", [1, -1])
def test_a_layer_that_never_changes_is_a_bit(value):
    found = find(lambda acc: np.full_like(acc, value), bits=True, mw=20)
    assert found.constant.all()
    assert ((20 >= found.level) == (value > 0)).all()
    assert (found.lo, found.hi) == (-1, 1)


def test_two_values_above_zero_are_refused():
    with pytest.raises(ConfigError, match=r"takes the values \[1.0, 2.0\]"):
        find(lambda acc: np.where(acc > 4, 2, 1), bits=True, mw=20)
