"""delay: every value, so many cycles later."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream


@cocotb.test()
async def keeps_values_for_so_many_cycles(dut):
    given = bench.given()
    rng = random.Random(given["seed"])
    values = [rng.getrandbits(given["WIDTH"]) for _ in range(50)]
    got = await stream.pipelined(dut, "value", "later", values, given["CYCLES"])
    assert got == values, f"{given}: {got}, not {values}"


@pytest.mark.parametrize(("width", "cycles"), [(3, 0), (1, 1), (9, 4)])
def test_delay(width: int, cycles: int) -> None:
    bench.run("delay", "test_delay", WIDTH=width, CYCLES=cycles)
