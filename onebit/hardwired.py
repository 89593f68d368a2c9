"""What a hard-wired layer consists of: rtl/hardwired_group.sv counted, latencies and LUTs.

Neurons in groups, inputs in bins by who of a group is opposed to whom: the header there explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from onebit import heap
from onebit.net import Mvau
from onebit.pack import ceil_div

GROUPS = range(1, 8)  # neurons that are tried
SHIFTED = 3  # registers in a row that become a shift register
LEVEL_BITS = 5  # of a sum that one LUT compares with a constant, beside the bits below

Weights = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A layer's neurons in groups: cycles of a group's three steps, and what all groups take."""

    group: int
    bin_latency: int
    part_latency: int
    sum_latency: int
    luts: int
    ffs: int

    @property
    def latency(self) -> int:
        """Cycles from a vector to its result."""
        return 3 + self.bin_latency + self.part_latency + self.sum_latency


@dataclass(frozen=True, slots=True)
class _Number:
    """`size` inputs counted; inverted or not, an offset is added; `width` bits."""

    size: int
    offset: int = 0

    @property
    def width(self) -> int:
        return (self.size + self.offset).bit_length()

    @property
    def inverted(self) -> _Number:
        """What is missing to the size."""
        return _Number(self.size, (1 << self.width) - 1 - self.size - self.offset)


@dataclass(slots=True)
class _Step:
    """Sums that are to be ready at the same time."""

    luts: int = 0
    ffs: int = 0
    sums: list[tuple[int, int]] = field(
        default_factory=list
    )  # cycles that each takes, and its bits

    @property
    def latency(self) -> int:
        """Cycles of the slowest."""
        return max((cycles for cycles, _ in self.sums), default=0)

    def add(self, terms: Sequence[_Number]) -> _Number:
        """One more sum."""
        found = _Number(sum(term.size for term in terms), sum(term.offset for term in terms))
        alone = sum(term.width > 0 for term in terms) < 2
        heights = [sum(term.width > c for term in terms) for c in range(found.width)]
        self._heap([] if alone else heights, found.width)
        return found

    def count(self, size: int) -> _Number:
        """One more sum, of bits."""
        found = _Number(size)
        self._heap([size, *[0] * (found.width - 1)] if size > 1 else [], found.width)
        return found

    def _heap(self, heights: list[int], width: int) -> None:
        self.sums.append((1 + heap.stages(heights) if heights else 0, width))
        if heights:
            self.luts += heap.luts(heights, width)
            self.ffs += heap.ffs(heights, width) - width

    def waits(self) -> tuple[int, int]:
        """LUTs and flip-flops of the sums, in registers until the slowest is ready.

        Of three in a row Yosys makes a shift register, a LUT.
        """
        luts = ffs = 0
        for cycles, width in self.sums:
            registers = self.latency - cycles + (cycles > 0)
            if registers >= SHIFTED:
                luts += width
            else:
                ffs += registers * width
        return luts, ffs


@cache
def plan(layer: Mvau) -> Plan:
    """The groups that take the fewest LUTs."""
    plans = [grouped(layer, group) for group in GROUPS if group <= layer.mh]
    return min(plans, key=lambda found: found.luts)


def grouped(layer: Mvau, group: int) -> Plan:
    """The plan with `group` neurons a group."""
    steps = _Step(), _Step(), _Step()
    compared = 0
    for first in range(0, layer.mh, group):
        for neuron in _group(layer.weights[first : first + group], *steps):
            counted = layer.thresholds is None
            compared += neuron.width if counted else ceil_div(neuron.width, LEVEL_BITS)
    waiting = [step.waits() for step in steps]
    return Plan(
        group=group,
        bin_latency=steps[0].latency,
        part_latency=steps[1].latency,
        sum_latency=steps[2].latency,
        luts=compared + sum(step.luts for step in steps) + sum(luts for luts, _ in waiting),
        ffs=layer.mh + sum(step.ffs for step in steps) + sum(ffs for _, ffs in waiting),
    )


def _group(weights: Weights, bins: _Step, parts: _Step, sums: _Step) -> list[_Number]:
    """The sums of a group's neurons."""
    count, half = len(weights), (len(weights) + 1) // 2
    first = [half if neuron > half else 0 for neuron in range(1, count)]
    opposed = (weights[1:] ^ weights[first]).astype(np.int64)
    which = (1 << np.arange(count - 1)) @ opposed
    sizes = np.bincount(which, minlength=1 << count - 1)
    counts = np.array([bins.count(int(size)) for size in sizes])
    found: list[_Number] = []
    for neurons in (half, count - half) if count > 1 else (half,):
        made = []
        for part in range(1 << neurons - 1):
            if not found:  # bins by the bits of the first half's neurons, which are the lowest
                terms = list(counts[part :: 1 << neurons - 1])
            else:
                same, other = np.split(counts.reshape(1 << neurons - 1, -1)[part], 2)
                terms = [*same, *(number.inverted for number in other)]
            made.append(parts.add(terms))
        for neuron in range(neurons):
            terms = [
                number.inverted if neuron and index >> neuron - 1 & 1 else number
                for index, number in enumerate(made)
            ]
            found.append(sums.add(terms))
    return found
