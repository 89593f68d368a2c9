"""stream_probe: the file holds the accepted beats, and no others."""

from __future__ import annotations

import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
import stream

WIDTH = 70
FILE = "seen.txt"


@cocotb.test()
async def writes_each_accepted_beat_on_a_line(dut):
    rng = random.Random(1)
    want = []
    cocotb.start_soon(Clock(dut.clk, stream.PERIOD, "ns").start(start_high=False))
    for _ in range(200):
        data, rst = rng.getrandbits(WIDTH), rng.random() < 0.1
        valid, ready = rng.getrandbits(1), rng.getrandbits(1)
        dut.tdata.value, dut.rst.value = data, rst
        dut.tvalid.value, dut.tready.value = valid, ready
        if valid and ready and not rst:
            want.append(f"{data:018x}")
        await FallingEdge(dut.clk)
    dut.tvalid.value = 0
    assert Path(FILE).read_text().split() == want


def test_stream_probe() -> None:
    bench.run("stream_probe", "test_stream_probe", WIDTH=WIDTH, FILE=FILE)
