"""xnor_sum against a plain sum."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
import stream


@cocotb.test()
async def adds_elements_or_what_they_lack(dut):
    given = bench.given()
    n, bits, signed = given["N"], given["BITS"], given["SIGNED"]
    rng = random.Random(given["seed"])
    low = -(1 << bits - 1) if signed else 0
    high = low + (1 << bits) - 1
    corners = [([end] * n, [w] * n) for end in (low, high) for w in (0, 1)]
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))
    for x, w in corners + [
        ([rng.randint(low, high) for _ in range(n)], [rng.getrandbits(1) for _ in range(n)])
        for _ in range(300)
    ]:
        dut.x.value, dut.w.value = stream.pack(x, bits), stream.pack(w, 1)
        await FallingEdge(dut.clk)
        got = int(dut.sum.value)
        want = sum(e - low if one else high - e for e, one in zip(x, w, strict=True))
        assert got == want, f"{given} x={x} w={w}: sum is {got}, model says {want}"


@pytest.mark.parametrize(
    "n, bits, signed", [(1, 1, 0), (1, 4, 1), (7, 8, 0), (8, 3, 1), (49, 8, 0)]
)
def test_xnor_sum(n: int, bits: int, signed: int) -> None:
    bench.run("xnor_sum", "test_xnor_sum", N=n, BITS=bits, SIGNED=signed)
