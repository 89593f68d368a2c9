"""Thresholds: found at every reachable sum, for every slope, tie and constant channel."""

from __future__ import annotations

import numpy as np
import pytest

from onebit.errors import ConfigError
from onebit.lower import thresholds
from onebit.lower.chain import Product, Segment
from onebit.lower.matrix import Meaning, matrix
from onebit.net import Int


def find(function, lo=0, hi=20, channels=4, classes=1):
    """Thresholds of a function of the accumulator, as `chain` wants it."""

    def chain(acc):
        end = np.broadcast_to(function(acc), (len(acc), classes * channels)).astype(np.float32)
        return thresholds.Values(pooled=(), end=end)

    return thresholds.find("fc1", lo, hi, classes, channels, chain)


@pytest.mark.parametrize("bits", [True, False])
def test_both_slopes_ties_and_constants(bits, monkeypatch):
    monkeypatch.setattr(thresholds, "VALUES_AT_ONCE", 12)  # several chunks, uneven
    lo, hi = (0, 20) if bits else (-20, 20)
    slope = np.array([1.0, -1.0, 0.0, 0.0])
    shift = np.array([-7.0, 7.0, 1.0, -1.0])
    sign = lambda acc: np.where(acc * slope + shift >= 0, 1, -1)  # noqa: E731
    found = find(sign, lo, hi)
    assert found.flip.tolist() == [False, True, False, False]
    assert found.constant.tolist() == [False, False, True, True]
    assert not found.swap.any()
    acc = np.arange(lo, hi + 1)[:, None]
    seen = np.where(found.flip, (20 if bits else 0) - acc, acc)
    assert ((seen >= found.level) == (sign(acc) > 0)).all()
    assert found.level[:, 2:].tolist() == [[lo, hi + 1]]
    assert (found.lo, found.hi) == (-1, 1)


def test_each_border_class_has_its_own_thresholds():
    """A channel that is constant in one class turns with the others."""
    slope = np.array([1, -1, 1, -1, 1, -1])
    shift = np.array([-3, 3, -9, 9, 99, 99])
    sign = lambda acc: np.where(acc * slope + shift >= 0, 1, -1)  # noqa: E731
    found = find(sign, channels=2, classes=3)
    assert found.flip.tolist() == [False, True] and not found.constant.any()
    acc = np.arange(21)
    for kind in range(3):
        rising = acc >= found.level[kind, 0]
        falling = 20 - acc >= found.level[kind, 1]
        want = (sign(acc[:, None]) > 0).reshape(21, 3, 2)[:, kind]
        assert (rising == want[:, 0]).all() and (falling == want[:, 1]).all()


def pooled(slope, after):
    """A sum times `slope`, a pool, and a sign whose bit is 1 above or below `after` (+-1) x 5."""
    acc = np.arange(21)[:, None]
    values = (acc * slope).astype(np.float32)
    end = np.where(values * after >= 5 * after, 1, -1).astype(np.float32)

    def chain(part):
        rows = slice(part[0, 0], part[-1, 0] + 1)
        return thresholds.Values(pooled=(values[rows],), end=end[rows])

    return acc, end, thresholds.find("conv1", 0, 20, 1, 1, chain)


@pytest.mark.parametrize("slope", [1, -1])
@pytest.mark.parametrize("after", [1, -1])
def test_a_pool_ors_the_bit_that_rises_with_its_values(slope, after, monkeypatch):
    """DESIGN's polarity rules: negated weights before the pool, an inversion after it."""
    monkeypatch.setattr(thresholds, "VALUES_AT_ONCE", 6)
    slopes = np.array([slope])
    acc, end, found = pooled(slopes, np.array([after]))
    constant = len(np.unique(end)) == 1
    assert found.constant.tolist() == [constant]
    if constant:
        return
    assert found.flip.tolist() == [slope < 0]
    assert found.swap.tolist() == [after < 0] == found.inverts[0].tolist()
    seen = np.where(found.flip, 20 - acc, acc)
    assert (((seen >= found.level) ^ found.swap) == (end > 0)).all()


def test_a_channel_that_is_not_monotone_is_named():
    bump = lambda acc: np.where((acc > 3) & (acc < 9) & (np.arange(4) == 2), 1, -1)  # noqa: E731
    with pytest.raises(ConfigError, match="'fc1', channel 2"):
        find(bump)


def test_three_values_are_not_one_bit():
    with pytest.raises(ConfigError, match="more than two values"):
        find(lambda acc: np.sign(acc - 4))


def test_a_product_is_exact_and_rounded_once():
    """With the input's offset of 1 the sum is 16,777,218, though 16,777,217 is no float32."""
    nothing = Segment(nodes=(), source="x", result="x")
    product = Product(
        name="fc",
        shape=(1,),
        weights=np.ones((1, 1), dtype=np.float32),
        windows=None,
        flatten=False,
        pad=0.0,
        pad_chain=nothing,
        after=(nothing,),
    )
    meaning = Meaning(element=Int(bits=25), scale=1.0, offset=1.0)
    values = matrix({}, product, "fc1", meaning).chain(np.array([[16_777_217]]))
    assert values.end[0, 0] == np.float32(16_777_218)


def test_a_chunk_with_one_value_is_no_reason_to_refuse(monkeypatch):
    monkeypatch.setattr(thresholds, "VALUES_AT_ONCE", 12)
    found = find(lambda acc: np.where(acc >= 15, 1, -1))
    assert found.level.tolist() == [[15] * 4]


@pytest.mark.parametrize("value", [1, -1])
def test_a_layer_that_never_changes_is_a_bit(value):
    found = find(lambda acc: np.full_like(acc, value))
    assert found.constant.all()
    assert ((20 >= found.level) == (value > 0)).all()
    assert (found.lo, found.hi) == (-1, 1)


def test_two_values_above_zero_are_refused():
    with pytest.raises(ConfigError, match=r"takes the values \[1.0, 2.0\]"):
        find(lambda acc: np.where(acc > 4, 2, 1))
