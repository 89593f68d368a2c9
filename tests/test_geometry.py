"""Geometry: windows, their border classes and their span, against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from onebit.geometry import Axis


def random_axis(seed: int) -> Axis:
    rng = np.random.default_rng(seed)
    kernel = int(rng.integers(1, 12))
    before, after = (int(n) for n in rng.integers(0, kernel, 2))
    size = int(rng.integers(max(1, kernel - before - after), 41))
    return Axis(
        size=size, kernel=kernel, stride=int(rng.integers(1, 5)), before=before, after=after
    )


@pytest.mark.parametrize("seed", range(50))
def test_windows_are_those_of_a_padded_line(seed):
    axis = random_axis(seed)
    line = np.pad(np.ones(axis.size, bool), (axis.before, axis.after))
    windows = [
        line[at : at + axis.kernel] for at in range(0, len(line) - axis.kernel + 1, axis.stride)
    ]
    assert axis.out == len(windows)
    assert (axis.taps() == np.array(windows)).all()


@pytest.mark.parametrize("seed", range(50))
def test_a_class_is_a_set_of_real_elements(seed):
    axis = random_axis(seed)
    number, taps = axis.classes()
    assert (taps[number] == axis.taps()).all()
    assert len(np.unique(taps, axis=0)) == len(taps)
    assert number[0] == 0
    assert (np.diff(np.unique(number, return_index=True)[1]) > 0).all(), "in order of appearance"


@pytest.mark.parametrize("seed", range(50))
def test_the_ring_holds_every_window(seed):
    axis = random_axis(seed)
    held = max(axis.taps().sum(axis=1))
    assert held <= axis.ring() <= 2 * axis.size + axis.kernel
