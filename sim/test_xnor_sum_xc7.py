"""xnor_sum_xc7 against Python's integers, a vector a cycle."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
import stream
from onebit.heap import xnor_latency


def vectors(n: int, bits: int, rng: random.Random) -> list[tuple[list[int], list[int]]]:
    """Elements and weights: noise, all ones and zeros, few bits that agree, few that do not."""
    ones = (1 << bits) - 1
    noise = [
        ([rng.getrandbits(bits) for _ in range(n)], [rng.getrandbits(1) for _ in range(n)])
        for _ in range(300)
    ]
    flat = [([x] * n, [w] * n) for x in (0, ones) for w in (0, 1)]
    rare = [[rng.getrandbits(bits) & rng.getrandbits(bits) for _ in range(n)] for _ in noise]
    few = [
        ([x if one else ones ^ x for x, one in zip(r, w, strict=True)], w)
        for r, (_, w) in zip(rare, noise, strict=True)
    ]
    most = [([ones ^ x for x in xs], w) for xs, w in few]
    return [*flat, *noise, *few, *most]


@cocotb.test()
async def adds_what_agrees(dut):
    given = bench.given()
    n, bits, latency = given["N"], given["BITS"], given["LATENCY"]
    ones, flip = (1 << bits) - 1, given["SIGNED"] << bits - 1
    cases = vectors(n, bits, random.Random(n))
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))

    sums = []
    for x, w in cases + cases[:1] * (latency - 1):
        dut.x.value, dut.w.value = stream.pack(x, bits), stream.pack(w, 1)
        await FallingEdge(dut.clk)
        sums.append(int(dut.sum.value))
    for (x, w), got in zip(cases, sums[latency - 1 :], strict=True):
        want = sum(e ^ flip if one else ones - (e ^ flip) for e, one in zip(x, w, strict=True))
        assert got == want, f"{given} x={x} w={w}: sum is {got}, model says {want}"


SIZES = [(n, 1, 0) for n in (1, 2, 3, 7, 8, 31, 64, 98, 127, 200)]
SIZES += [(1, 8, 0), (9, 8, 0), (9, 8, 1), (27, 3, 1)]
LARGE = [(64, 8, 0)]  # minutes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    sizes = SIZES + LARGE if metafunc.config.getoption("--prove") else SIZES
    metafunc.parametrize(("n", "bits", "signed"), sizes)


def test_xnor_sum_xc7(n: int, bits: int, signed: int) -> None:
    latency = xnor_latency(n, bits)
    sizes = {"N": n, "BITS": bits, "SIGNED": signed}
    bench.run("xnor_sum_xc7", "test_xnor_sum_xc7", **sizes, LATENCY=latency)
