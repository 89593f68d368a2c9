"""fifo: order, depth, speed, and that reset empties it."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream


def noise(count: int) -> tuple[random.Random, list[int]]:
    given = bench.given()
    rng = random.Random(given["DEPTH"])
    return rng, [rng.getrandbits(given["WIDTH"]) for _ in range(count)]


@cocotb.test()
async def keeps_order(dut):
    await stream.start(dut)
    for pauses in stream.PAUSES:
        rng, beats = noise(300)
        _, got = await stream.through(dut, beats, len(beats), rng, pauses)
        assert [beat.data for beat in got] == beats, f"{bench.given()} pauses={pauses}"


@cocotb.test()
async def takes_a_beat_a_cycle_and_gives_it_one_cycle_later(dut):
    await stream.start(dut)
    rng, beats = noise(100)
    sent, got = await stream.through(dut, beats, len(beats), rng)
    assert [beat.cycle for beat in got] == [beat.cycle + 1 for beat in sent]
    assert got[-1].cycle - got[0].cycle == len(beats) - 1


@cocotb.test()
async def holds_exactly_its_depth_and_reset_empties_it(dut):
    await stream.start(dut)
    depth = bench.given()["DEPTH"]
    for _ in range(3):
        rng, beats = noise(3 * depth)
        source = cocotb.start_soon(stream.send(dut, beats, rng))
        for taken in range(depth):
            assert dut.s_axis_tready.value, f"full after {taken} of {depth} beats"
            await cocotb.triggers.FallingEdge(dut.clk)
        assert not dut.s_axis_tready.value, f"not full after {depth} beats"
        source.cancel()
        await stream.reset(dut, 1)
        assert not dut.m_axis_tvalid.value, "reset left a beat inside"


@pytest.mark.parametrize("width, depth", [(1, 2), (9, 3), (70, 5), (8, 16)])
def test_fifo(width: int, depth: int) -> None:
    bench.run("fifo", "test_fifo", WIDTH=width, DEPTH=depth)
