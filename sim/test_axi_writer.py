"""axi_writer: a stream in memory, at its place and nowhere else, in bursts that never wait."""

from __future__ import annotations

import random

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.triggers import FallingEdge, ReadOnly

import bench
import stream
from axi3 import AxiRamWrite, AxiWriteBus, pause
from test_axi_reader import SIZE, ask, begin, bursts

ERROR = 2  # SLVERR


async def idle(dut: HierarchyObject, patience: int = 2000) -> None:
    """Wait until the writer says that it is done."""
    for _ in range(patience):
        await ReadOnly()
        done = bool(dut.idle.value)
        await FallingEdge(dut.clk)
        if done:
            return
    raise AssertionError("never idle")


@cocotb.test()
async def writes_the_words_and_nothing_else(dut):
    rng = random.Random(bench.given()["seed"])
    memory = AxiRamWrite(AxiWriteBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE)
    await begin(dut)
    for pauses in stream.PAUSES:
        pause(memory, rng, pauses[1])
        for count in (1, 15, 16, 17, rng.randint(1, 300)):
            before = rng.randbytes(SIZE)
            memory.write(0, before)
            first = rng.randint(0, SIZE // 8 - count)
            words = [rng.getrandbits(64) for _ in range(count)]
            await ask(dut, first, count)
            await stream.send(dut, words, rng, pauses[0])
            await idle(dut)
            written = b"".join(word.to_bytes(8, "little") for word in words)
            want = before[: 8 * first] + written + before[8 * (first + count) :]
            assert memory.read(0, SIZE) == want, f"{first=} {count=} {pauses=}"


class Slow:
    """A memory that takes everything at once and answers when it is told to."""

    def __init__(self, dut: HierarchyObject) -> None:
        self.dut = dut
        self.bursts: list[tuple[int, int]] = []
        self.beats: list[tuple[int, bool]] = []  # cycle, last
        self.answers: list[int] = []  # responses to give, a cycle each

    async def run(self) -> None:
        dut = self.dut
        dut.m_axi_awready.value, dut.m_axi_wready.value, dut.m_axi_bid.value = 1, 1, 0
        while True:
            dut.m_axi_bvalid.value = bool(self.answers)
            dut.m_axi_bresp.value = self.answers.pop(0) if self.answers else 0
            await ReadOnly()
            if dut.m_axi_awvalid.value:
                self.bursts.append((int(dut.m_axi_awaddr.value), int(dut.m_axi_awlen.value) + 1))
            if dut.m_axi_wvalid.value:
                self.beats.append((stream.now(), bool(dut.m_axi_wlast.value)))
            await FallingEdge(dut.clk)


@cocotb.test()
async def bursts_end_at_edges_and_follow_each_other_at_once(dut):
    await begin(dut)
    memory = Slow(dut)
    cocotb.start_soon(memory.run())
    await ask(dut, 5, 100)
    sending = cocotb.start_soon(stream.send(dut, range(100), random.Random(1)))
    for _ in range(150):
        await FallingEdge(dut.clk)
    await sending
    assert memory.bursts == bursts(5, 100)
    cycles = [cycle for cycle, _ in memory.beats]
    # the first burst has 11 words, and the second waits for its sixteenth
    assert cycles[-1] - cycles[0] <= 99 + 5, f"{cycles[-1] - cycles[0]} cycles for 100 words"
    ends = [i + 1 for i, (_, last) in enumerate(memory.beats) if last]
    assert ends == [sum(n for _, n in memory.bursts[: i + 1]) for i in range(len(memory.bursts))]
    assert not dut.idle.value, "idle before the memory has answered"
    memory.answers += [0] * len(memory.bursts)
    await idle(dut, 20)


@cocotb.test()
async def says_that_a_write_failed(dut):
    await begin(dut)
    memory = Slow(dut)
    cocotb.start_soon(memory.run())
    await ask(dut, 0, 48)
    await stream.send(dut, range(48), random.Random(1))
    for _ in range(40):
        await FallingEdge(dut.clk)
    failed = 0
    memory.answers += [0, ERROR, 0]
    for _ in range(10):
        await FallingEdge(dut.clk)
        failed += int(dut.failed.value)
    assert failed == 1, f"failed for {failed} cycles"
    await idle(dut, 5)


@cocotb.test()
async def ends_the_burst_in_which_it_is_stopped(dut):
    await begin(dut)
    memory = Slow(dut)
    cocotb.start_soon(memory.run())
    await ask(dut, 0, 64)
    sending = cocotb.start_soon(stream.send(dut, range(64), random.Random(1)))
    while len(memory.beats) < 20:  # in the second burst
        await FallingEdge(dut.clk)
    dut.stop.value = 1
    await sending
    for _ in range(60):
        await FallingEdge(dut.clk)
    assert (len(memory.bursts), len(memory.beats)) == (2, 32)
    assert memory.beats[-1][1], "the last beat has no wlast"
    assert not dut.idle.value
    memory.answers += [0, 0]
    await idle(dut, 10)


def test_axi_writer(case_seed: int) -> None:
    bench.run("axi_writer", "test_axi_writer", seed=case_seed, DEPTH=(64, 37)[case_seed % 2])
