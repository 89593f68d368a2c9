"""axi3_to_axil: bursts of a processor as single accesses of a memory behind AXI-Lite."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly
from cocotbext.axi import AxiBurstType, AxiBus, AxiLiteBus, AxiLiteRam, AxiResp

import bench
import stream
from axi3 import AxiMaster, pause

SIZE = 256  # bytes behind it


def behind(dut) -> AxiLiteRam:
    """A memory."""
    return AxiLiteRam(AxiLiteBus.from_prefix(dut, "m_axil"), dut.clk, dut.rst, size=SIZE)


def models(dut, rng: random.Random, share: float) -> tuple[AxiMaster, AxiLiteRam]:
    """A processor and a memory whose channels pause for a share of the cycles."""
    master = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst, max_burst_len=16)
    memory = behind(dut)
    for side in (master, memory):
        pause(side, rng, share)
    return master, memory


@cocotb.test()
async def writes_and_reads_what_the_processor_does(dut):
    rng = random.Random(bench.given()["seed"])
    master, memory = models(dut, rng, 0.3)
    await stream.start(dut)
    content = bytearray(rng.randbytes(SIZE))
    memory.write(0, bytes(content))
    for _ in range(60):
        count = rng.randint(1, 64)
        first = rng.randint(0, SIZE - count)
        size = rng.choice((None, 0, 1, 2))  # narrower beats than the bus, too
        if rng.random() < 0.5:
            data = rng.randbytes(count)
            await master.write(first, data, awid=rng.getrandbits(12), size=size)
            content[first : first + count] = data
            assert memory.read(0, SIZE) == content, f"{first=} {count=} {size=}"
        else:
            found = await master.read(first, count, arid=rng.getrandbits(12), size=size)
            assert found.data == content[first : first + count], f"{first=} {count=} {size=}"


@cocotb.test()
async def a_fixed_burst_stays_at_its_address(dut):
    rng = random.Random(1)
    master, memory = models(dut, rng, 0.0)
    await stream.start(dut)
    memory.write(0, bytes(SIZE))
    await master.write(16, bytes(range(1, 17)), burst=AxiBurstType.FIXED)
    assert memory.read(16, 8) == bytes((13, 14, 15, 16, 0, 0, 0, 0))


@cocotb.test()
async def an_error_of_any_beat_is_the_answer(dut):
    master = AxiMaster(AxiBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    await stream.start(dut)
    for name in ("awready", "wready", "bvalid"):
        getattr(dut, f"m_axil_{name}").value = 1
    for failing in (-1, 0, 1, 2):

        async def answer(failing: int = failing) -> None:
            for beat in range(3):
                dut.m_axil_bresp.value = AxiResp.SLVERR if beat == failing else AxiResp.OKAY
                while not dut.m_axil_bready.value:
                    await FallingEdge(dut.clk)
                await FallingEdge(dut.clk)

        cocotb.start_soon(answer())
        found = await master.write(0, bytes(12))
        assert found.resp == (AxiResp.OKAY if failing < 0 else AxiResp.SLVERR), f"{failing=}"


@cocotb.test()
async def gives_ids_back_and_wraps(dut):
    memory = behind(dut)
    dut.s_axi_awvalid.value = 0
    await stream.start(dut)
    memory.write(0, bytes(range(SIZE)))
    dut.s_axi_arid.value, dut.s_axi_araddr.value, dut.s_axi_arlen.value = 0xABC, 0x28, 3
    dut.s_axi_arsize.value, dut.s_axi_arburst.value, dut.s_axi_arvalid.value = 2, 2, 1
    dut.s_axi_rready.value = 1
    seen = []
    while len(seen) < 4:
        await ReadOnly()
        accepted = bool(dut.s_axi_arready.value)
        if dut.s_axi_rvalid.value:
            word, last = int(dut.s_axi_rdata.value), int(dut.s_axi_rlast.value)
            seen.append((int(dut.s_axi_rid.value), word & 0xFF, last))
        await FallingEdge(dut.clk)
        if accepted:
            dut.s_axi_arvalid.value = 0
    assert seen == [(0xABC, 0x28, 0), (0xABC, 0x2C, 0), (0xABC, 0x20, 0), (0xABC, 0x24, 1)]


def test_axi3_to_axil(case_seed: int) -> None:
    bench.run("axi3_to_axil", "test_axi3_to_axil", seed=case_seed, ID_W=12, ADDR_W=8)
