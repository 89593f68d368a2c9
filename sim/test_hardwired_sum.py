"""hardwired_sum against a plain sum."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream
from onebit import heap


@cocotb.test()
async def adds_numbers_as_they_are_or_inverted(dut):
    given = bench.given()
    n, bits = given["N"], given["IN_W"]
    widths = stream.unpack(int(dut.WIDTHS.value), n, 8)
    inverts = stream.unpack(int(dut.INVERT.value), n, 1)
    rng = random.Random(given["seed"])
    cases = [[(1 << width) - 1 for width in widths], [0] * n]
    cases += [[rng.getrandbits(width) if width else 0 for width in widths] for _ in range(200)]
    packed = [stream.pack(numbers, bits) for numbers in cases]
    found = await stream.pipelined(dut, "numbers", "sum", packed, given["LATENCY"])
    for numbers, got in zip(cases, found, strict=True):
        terms = zip(numbers, widths, inverts, strict=True)
        want = sum((1 << width) - 1 - x if invert else x for x, width, invert in terms)
        assert got == want, f"{widths=} {inverts=} {numbers=}: sum is {got}, not {want}"


@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize("widths", [[3], [4, 4], [0, 5, 0], [4, 3, 0, 5, 5, 5, 2, 1]], ids=str)
def test_hardwired_sum(widths: list[int], primitives: int) -> None:
    n, most = len(widths), sum((1 << width) - 1 for width in widths)
    heights = [sum(width > c for width in widths) for c in range(max(widths))]
    bench.run(
        "hardwired_sum",
        "test_hardwired_sum",
        N=n,
        IN_W=max(widths),
        WIDTHS=f"{8 * n}'h{stream.pack(widths, 8):x}",
        INVERT=f"{n}'h{random.Random(n).getrandbits(n):x}",
        OUT_W=most.bit_length(),
        PRIMITIVES=primitives,
        LATENCY=heap.stages(heights) + 1,
    )
