"""xnor_popcount_xc7 against Python's own bit count, a vector a cycle."""

from __future__ import annotations

import random
from itertools import pairwise

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
from onebit.heap import popcount_latency


@cocotb.test()
async def counts_agreeing_bits(dut):
    given = bench.given()
    width, latency = given["W"], given["LATENCY"]
    rng, full = random.Random(width), (1 << width) - 1
    vectors = [(0, 0), (0, full), (full, full)]
    vectors += [(rng.getrandbits(width), rng.getrandbits(width)) for _ in range(300)]
    # Few bits agree, few differ, and one bit after the other.
    vectors += [(a, full ^ a ^ b & rng.getrandbits(width)) for a, b in vectors[:100]]
    vectors += [(a, a ^ b & rng.getrandbits(width)) for a, b in vectors[:100]]
    vectors += [(1 << i, full) for i in range(width)]
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))

    counts = []
    for a, w in vectors + [(0, 0)] * (latency - 1):
        dut.a.value, dut.w.value = a, w
        await FallingEdge(dut.clk)
        counts.append(int(dut.count.value))
    for (a, w), count in zip(vectors, counts[latency - 1 :], strict=True):
        want = (full ^ a ^ w).bit_count()
        assert count == want, f"W={width} a={a:#x} w={w:#x}: {count}, not {want}"


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 31, 64, 98, 127, 200])
def test_xnor_popcount_xc7(width: int) -> None:
    latency = popcount_latency(width)
    bench.run("xnor_popcount_xc7", "test_xnor_popcount_xc7", W=width, LATENCY=latency)


def test_wider_takes_no_fewer_cycles_than_its_tree_needs() -> None:
    latencies = [popcount_latency(width) for width in (1, 8, 16, 64, 256)]
    assert all(less <= more for less, more in pairwise(latencies))
