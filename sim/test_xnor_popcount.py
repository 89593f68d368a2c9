"""xnor_popcount against Python's own bit count."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench


def model(a: int, w: int, width: int) -> int:
    return (~(a ^ w) & (1 << width) - 1).bit_count()


@cocotb.test()
async def counts_agreeing_bits(dut):
    width = len(dut.a)
    rng = random.Random(width)
    corners = [(0, 0), (0, (1 << width) - 1)]
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))
    for a, w in corners + [(rng.getrandbits(width), rng.getrandbits(width)) for _ in range(300)]:
        dut.a.value, dut.w.value = a, w
        await FallingEdge(dut.clk)
        got, want = int(dut.count.value), model(a, w, width)
        assert got == want, f"W={width} a={a:#x} w={w:#x}: count is {got}, model says {want}"


@pytest.mark.parametrize("width", [1, 2, 63, 64, 200])
def test_xnor_popcount(width: int) -> None:
    bench.run("xnor_popcount", "test_xnor_popcount", W=width)
