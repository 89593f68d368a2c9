"""credit_fifo behind a pipeline of any length: nothing lost, no bubble at the stated depth."""

from __future__ import annotations

import random
from collections import deque

import cocotb
import pytest
from cocotb.triggers import FallingEdge

import bench
import stream

WIDTH = 12


async def start(dut: object) -> random.Random:
    await stream.start(dut)
    return random.Random(bench.given()["DEPTH"])


async def pipeline(dut, beats: list[int], latency: int, rng: random.Random, pause: float) -> None:
    """Reserve a place for each beat and push it `latency` cycles later."""
    todo, stages = deque(beats), deque([None] * latency)
    while todo or any(data is not None for data in stages):
        out = stages.popleft()
        dut.push.value = out is not None
        dut.push_data.value = rng.getrandbits(WIDTH) if out is None else out
        take = bool(todo) and bool(dut.free.value) and rng.random() >= pause
        dut.reserve.value = take
        stages.append(todo.popleft() if take else None)
        await FallingEdge(dut.clk)
    dut.push.value = 0


async def check(dut, rng: random.Random, latency: int, pauses: tuple[float, float]) -> list[int]:
    """Beats through a pipeline come out in order; the cycles in which they did."""
    beats = [rng.getrandbits(WIDTH) for _ in range(200)]
    source = cocotb.start_soon(pipeline(dut, beats, latency, rng, pauses[0]))
    got = await stream.receive(dut, len(beats), rng, pauses[1])
    await source
    assert [beat.data for beat in got] == beats, f"{bench.given()} latency={latency} {pauses}"
    return [beat.cycle for beat in got]


@cocotb.test()
async def keeps_order_and_never_overflows(dut):
    rng = await start(dut)
    for pauses in stream.PAUSES:
        for latency in (1, 2, 7):
            await check(dut, rng, latency, pauses)


@cocotb.test()
async def runs_without_bubbles_behind_a_pipeline_of_depth_minus_two(dut):
    rng = await start(dut)
    latency = bench.given()["DEPTH"] - 2
    if latency:
        cycles = await check(dut, rng, latency, (0.0, 0.0))
        assert cycles == list(range(cycles[0], cycles[0] + len(cycles)))


@cocotb.test()
async def grants_exactly_its_depth_and_reset_takes_all_back(dut):
    await start(dut)
    for _ in range(2):
        granted = 0
        while dut.free.value:
            dut.reserve.value = 1
            granted += 1
            await FallingEdge(dut.clk)
        assert granted == bench.given()["DEPTH"]
        await stream.reset(dut, 1)


@pytest.mark.parametrize("depth", [2, 5, 9])
def test_credit_fifo(depth: int) -> None:
    bench.run("credit_fifo", "test_credit_fifo", WIDTH=WIDTH, DEPTH=depth)
