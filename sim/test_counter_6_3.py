"""counter_6_3: all 64 inputs."""

from __future__ import annotations

import cocotb
from cocotb.triggers import Timer

import bench


@cocotb.test()
async def counts_six_bits(dut):
    for bits in range(64):
        dut.bits.value = bits
        await Timer(1, "ns")
        count = int(dut.count.value)
        assert count == bits.bit_count(), f"bits={bits:06b}: count is {count}"


def test_counter_6_3() -> None:
    bench.run("counter_6_3", "test_counter_6_3")
