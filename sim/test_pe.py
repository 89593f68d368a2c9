"""pe against sums of Python's integers, with pauses and neurons of any length."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
from onebit.heap import xnor_latency


@dataclass(frozen=True)
class Case:
    """The parameters of a PE, in the order of the RTL; LATENCY follows."""

    SIMD: int
    BIPOLAR_IN: int = 1
    IN_BITS: int = 1
    SIGNED_IN: int = 0
    ACC_W: int = 20
    PRIMITIVES: int = 0

    @property
    def latency(self) -> int:
        return xnor_latency(self.SIMD, self.IN_BITS)

    @property
    def sum_cycles(self) -> int:
        return self.latency if self.PRIMITIVES else 1

    def sum(self, x: int, w: int) -> int:
        """Of elements, counted from the least, that are subtracted from all ones where w is 0."""
        ones = (1 << self.IN_BITS) - 1
        lanes = [x >> i * self.IN_BITS & ones for i in range(self.SIMD)]
        values = [lane ^ self.SIGNED_IN << self.IN_BITS - 1 for lane in lanes]
        return sum(value if w >> i & 1 else ones - value for i, value in enumerate(values))


@cocotb.test()
async def accumulates_sums(dut):
    given = bench.given()
    case = Case(**{name: given[name] for name in Case.__annotations__})
    rng = random.Random(given["seed"])
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))

    waiting: list[tuple[int, bool, bool]] = [(0, False, False)] * (case.sum_cycles - 1)
    acc, mask = None, (1 << case.ACC_W) - 1
    for beat in range(500):
        x, w = rng.getrandbits(case.SIMD * case.IN_BITS), rng.getrandbits(case.SIMD)
        preload, here = rng.getrandbits(case.ACC_W), rng.random() < 0.7
        waiting.append((case.sum(x, w), here, rng.random() < 0.3))
        dut.x.value, dut.w.value = x, w
        dut.valid.value = 0
        if beat:  # the flags of the sum that is there after the last edge
            added, valid, first = waiting.pop(0)
            dut.valid.value, dut.first.value, dut.preload.value = valid, first, preload
            if valid and first:
                acc = (preload + added) & mask
            elif valid and acc is not None:
                acc = (acc + added) & mask
        await FallingEdge(dut.clk)
        if acc is not None:
            got = int(dut.acc.value)
            assert got == acc, f"{case} beat {beat}: acc is {got}, model says {acc}"


@pytest.mark.parametrize(
    "case",
    [
        Case(SIMD=1),
        Case(SIMD=64),
        Case(SIMD=64, PRIMITIVES=1),
        Case(SIMD=33, ACC_W=7, PRIMITIVES=1),
        Case(SIMD=9, BIPOLAR_IN=0, IN_BITS=8),
        Case(SIMD=5, BIPOLAR_IN=0, IN_BITS=3, SIGNED_IN=1, ACC_W=8, PRIMITIVES=1),
    ],
    ids=str,
)
def test_pe(case: Case) -> None:
    bench.run("pe", "test_pe", **asdict(case), LATENCY=case.latency)
