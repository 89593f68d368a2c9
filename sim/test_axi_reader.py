"""axi_reader: the words of a memory in order, from one of cocotbext-axi and from a slow one."""

from __future__ import annotations

import random
from collections import deque

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.triggers import FallingEdge, ReadOnly

import bench
import stream
from axi3 import AxiRamRead, AxiReadBus, pause

SIZE = 1 << 14  # bytes of the memory
LONGEST, EDGE = 16, 128  # beats of a burst, bytes that it ends at a multiple of
ERROR = 2  # SLVERR


async def begin(dut: HierarchyObject) -> None:
    """The clock runs, all is reset, nothing is asked for."""
    for name in ("start", "stop", "address", "words"):
        getattr(dut, name).value = 0
    await stream.start(dut)


async def ask(dut: HierarchyObject, first: int, count: int) -> None:
    """Start reading `count` words from word `first` on."""
    dut.address.value, dut.words.value, dut.start.value = first, count, 1
    await FallingEdge(dut.clk)
    dut.start.value = 0


def bursts(first: int, count: int) -> list[tuple[int, int]]:
    """(byte address, beats) of each burst."""
    found = []
    while count:
        beats = min(count, LONGEST - first % LONGEST)
        found.append((first * 8, beats))
        first, count = first + beats, count - beats
    return found


@cocotb.test()
async def keeps_the_words_in_order(dut):
    rng = random.Random(bench.given()["seed"])
    content = rng.randbytes(SIZE)
    memory = AxiRamRead(AxiReadBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=SIZE)
    memory.write(0, content)
    await begin(dut)
    for pauses in stream.PAUSES:
        pause(memory, rng, pauses[0])
        for count in (1, 15, 16, 17, rng.randint(1, 300)):
            first = rng.randint(0, SIZE // 8 - count)
            await ask(dut, first, count)
            got = await stream.receive(dut, count, rng, pauses[1])
            for i, beat in enumerate(got):
                at = 8 * (first + i)
                want = int.from_bytes(content[at : at + 8], "little")
                assert beat.data == want, f"{first=} {count=}: word {i} is {beat.data:#x}"
            await ReadOnly()
            assert dut.idle.value
            await FallingEdge(dut.clk)


class Slow:
    """A memory that answers each burst `latency` cycles after its address; word i is i."""

    def __init__(self, dut: HierarchyObject, latency: int, failing: int = -1) -> None:
        self.dut, self.latency, self.failing = dut, latency, failing
        self.asked: list[tuple[int, int]] = []
        self.mute = False

    async def run(self) -> None:
        """Accepts an address in every cycle, gives a beat in every cycle in which one is due."""
        due: deque[tuple[int, int, bool]] = deque()
        self.dut.m_axi_arready.value = 1
        self.dut.m_axi_rid.value = 0
        while True:
            word, last = 0, False
            valid = bool(due) and due[0][0] <= stream.now() and not self.mute
            if valid:
                _, word, last = due.popleft()
            self.dut.m_axi_rvalid.value = valid
            self.dut.m_axi_rdata.value = word
            self.dut.m_axi_rresp.value = ERROR if word == self.failing else 0
            self.dut.m_axi_rlast.value = last
            await ReadOnly()
            if self.dut.m_axi_arvalid.value:
                address = int(self.dut.m_axi_araddr.value)
                beats = int(self.dut.m_axi_arlen.value) + 1
                self.asked.append((address, beats))
                due += [
                    (stream.now() + self.latency, address // 8 + i, i == beats - 1)
                    for i in range(beats)
                ]
            await FallingEdge(self.dut.clk)


@cocotb.test()
async def hides_latency_behind_bursts_that_end_at_edges(dut):
    await begin(dut)
    depth, rng = bench.given()["DEPTH"], random.Random(1)
    memory = Slow(dut, depth - 2 * LONGEST)
    cocotb.start_soon(memory.run())
    for first in (0, 5, 511):
        memory.asked.clear()
        await ask(dut, first, 600)
        got = await stream.receive(dut, 600, rng)
        assert [beat.data for beat in got] == list(range(first, first + 600))
        assert got[-1].cycle - got[0].cycle == 599, f"{got[-1].cycle - got[0].cycle} cycles for 599"
        assert memory.asked == bursts(first, 600)


@cocotb.test()
async def says_that_a_beat_failed(dut):
    await begin(dut)
    memory = Slow(dut, 8, failing=37)
    cocotb.start_soon(memory.run())
    await ask(dut, 10, 64)
    reading = cocotb.start_soon(stream.receive(dut, 64, random.Random(1)))
    failed = 0
    for _ in range(120):
        await FallingEdge(dut.clk)
        failed += int(dut.failed.value)
    await reading
    assert failed == 1, f"failed for {failed} cycles"


@cocotb.test()
async def stops_after_the_bursts_that_were_asked_for(dut):
    await begin(dut)
    memory = Slow(dut, 30)
    cocotb.start_soon(memory.run())
    await ask(dut, 0, 1000)
    for _ in range(20):
        await FallingEdge(dut.clk)
    dut.stop.value = 1
    memory.mute = True
    for _ in range(100):
        await FallingEdge(dut.clk)
        assert not dut.idle.value, "idle while words are on their way"
    memory.mute, asked = False, len(memory.asked)
    for _ in range(1000):
        await FallingEdge(dut.clk)
        if dut.idle.value:
            break
    assert dut.idle.value
    assert len(memory.asked) == asked, "a burst was asked for after the stop"
    await stream.reset(dut)
    dut.stop.value = 0
    await ask(dut, 7, 40)
    got = await stream.receive(dut, 40, random.Random(2))
    assert [beat.data for beat in got] == list(range(7, 47))


def test_axi_reader(case_seed: int) -> None:
    bench.run("axi_reader", "test_axi_reader", seed=case_seed, DEPTH=(128, 37)[case_seed % 2])
