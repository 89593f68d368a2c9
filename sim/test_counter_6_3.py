"""counter_6_3: all 64 inputs."""

from __future__ import annotations

import cocotb
import pytest
from cocotb.triggers import Timer

import bench


@cocotb.test()
async def counts_six_bits(dut):
    invert = int(dut.INVERT.value)
    for bits in range(64):
        dut.bits.value = bits
        await Timer(1, "ns")
        count = int(dut.count.value)
        want = (bits ^ invert).bit_count()
        assert count == want, f"{invert=:06b} bits={bits:06b}: count is {count}"


@pytest.mark.parametrize("invert", [0, 0b010110, 0b111111])
def test_counter_6_3(invert: int) -> None:
    bench.run("counter_6_3", "test_counter_6_3", INVERT=f"6'h{invert:x}")
