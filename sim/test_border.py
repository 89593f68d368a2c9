"""border: the base of every position of image after image, with any pauses."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.triggers import FallingEdge

import bench
import stream


def tables(seed: int, oh: int, ow: int, bits: int) -> tuple[list[int], list[int]]:
    """Two random tables whose sums fit."""
    rng = random.Random(seed)
    rows, columns = ([rng.randrange(1 << bits - 1) for _ in range(n)] for n in (oh, ow))
    return rows, columns


@cocotb.test()
async def bases_follow_the_positions(dut):
    given = bench.given()
    rows, columns = tables(given["seed"], given["OH"], given["OW"], given["BASE_W"])
    rng = random.Random(given["seed"])
    want = [row + column for row in rows for column in columns]
    dut.advance.value = 0
    await stream.start(dut)
    for pause in (0.0, 0.5, 0.9):
        at = 0
        while at < 3 * len(want):
            advance = rng.random() >= pause
            dut.advance.value = advance
            await FallingEdge(dut.clk)
            got, wanted = int(dut.base.value), want[at % len(want)]
            assert got == wanted, f"{given}: position {at}: base is {got}, model says {wanted}"
            at += advance
        dut.advance.value = 1
        for _ in range(rng.randrange(len(want))):
            await FallingEdge(dut.clk)
        await stream.reset(dut, 1)


@pytest.mark.parametrize("oh, ow, bits", [(1, 1, 3), (1, 5, 4), (7, 6, 6)])
def test_border(oh: int, ow: int, bits: int) -> None:
    rows, columns = tables(oh, oh, ow, bits)
    files = {"rows.mem": stream.mem_text(rows), "columns.mem": stream.mem_text(columns)}
    bench.run("border", "test_border", seed=oh, files=files, OH=oh, OW=ow, BASE_W=bits)
