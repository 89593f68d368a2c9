"""hardwired_bin against a count of agreeing members."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream
from onebit import heap


@cocotb.test()
async def counts_members_that_agree(dut):
    given = bench.given()
    members, weights = (int(getattr(dut, name).value) for name in ("MEMBERS", "WEIGHTS"))
    rng = random.Random(given["seed"])
    xs = [weights, ~weights & (1 << given["MW"]) - 1, *members_alone(members)]
    xs += [rng.getrandbits(given["MW"]) for _ in range(200)]
    found = await stream.pipelined(dut, "x", "count", xs, given["LATENCY"])
    for x, got in zip(xs, found, strict=True):
        want = (~(x ^ weights) & members).bit_count()
        assert got == want, f"{members:#x} {weights:#x} x={x:#x}: count is {got}, not {want}"


def members_alone(members: int) -> list[int]:
    return [1 << i for i in range(members.bit_length()) if members >> i & 1]


@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize(("mw", "size"), [(5, 1), (70, 29), (90, 64)])
def test_hardwired_bin(mw: int, size: int, primitives: int) -> None:
    rng = random.Random(mw)
    members = sum(1 << i for i in rng.sample(range(mw), size))
    bench.run(
        "hardwired_bin",
        "test_hardwired_bin",
        MW=mw,
        MEMBERS=f"{mw}'h{members:x}",
        WEIGHTS=f"{mw}'h{rng.getrandbits(mw):x}",
        PRIMITIVES=primitives,
        LATENCY=heap.stages([size]) + 2,
    )
