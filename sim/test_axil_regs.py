"""axil_regs: what docs/board.md says of each register, through cocotbext-axi's AXI-Lite master."""

from __future__ import annotations

import random

import cocotb
from cocotb.handle import HierarchyObject
from cocotb.triggers import FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

import bench
import stream
from axi3 import pause

ID, VERSION = 0x6F6E6562, 1
HASH = (0x01234567, 0x89ABCDEF)  # the parameter's default: 64 bits are more than -G takes
CONTROL, STATUS, ERROR, IRQ_ENABLE, SOURCE, TARGET, COUNT = range(0x10, 0x2C, 4)
WRITTEN = {SOURCE: 32, TARGET: 32, COUNT: 24, IRQ_ENABLE: 1}  # bits of the registers that keep
SEEN = {"finished": 0x2C, "cycles": 0x30, "stall_in": 0x34, "stall_out": 0x38}
PULSES = ("start", "soft_reset", "acknowledge")


async def begin(dut: HierarchyObject, rng: random.Random, share: float = 0.0) -> AxiLiteMaster:
    """The clock runs, all is reset; every channel pauses for a share of the cycles."""
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
    pause(master, rng, share)
    for name in ("busy", "done", "resetting", "error", *SEEN):
        getattr(dut, name).value = 0
    await stream.start(dut)
    return master


async def read(master: AxiLiteMaster, offset: int) -> int:
    return int.from_bytes((await master.read(offset, 4)).data, "little")


@cocotb.test()
async def says_what_it_is(dut):
    given = bench.given()
    master = await begin(dut, random.Random(1))
    found = [await read(master, offset) for offset in (0, 4, 8, 12, 0x3C, 0x40, 0x44)]
    want = [given[name] for name in ("IMAGE_WORDS", "RESULT_WORDS", "CLASSES")]
    assert found == [ID, VERSION, *HASH, *want]


@cocotb.test()
async def keeps_what_is_written_byte_by_byte(dut):
    rng = random.Random(bench.given()["seed"])
    for share in (0.0, 0.5):
        master = await begin(dut, rng, share)
        kept = dict.fromkeys(WRITTEN, 0)
        for _ in range(60):
            offset = rng.choice(list(WRITTEN))
            first = rng.randint(0, 3)
            data = rng.randbytes(rng.randint(1, 4 - first))
            await master.write(offset + first, data)
            old = bytearray(kept[offset].to_bytes(4, "little"))
            old[first : first + len(data)] = data
            kept[offset] = int.from_bytes(old, "little") & (1 << WRITTEN[offset]) - 1
            found = {each: await read(master, each) for each in WRITTEN}
            assert found == kept, f"{data.hex()} written to {offset + first:#x}"
        ports = (dut.irq_enable, dut.source, dut.target, dut.count)
        assert [int(port.value) for port in ports] == [
            kept[each] for each in (IRQ_ENABLE, SOURCE, TARGET, COUNT)
        ]


@cocotb.test()
async def shows_its_inputs(dut):
    rng = random.Random(bench.given()["seed"])
    master = await begin(dut, rng)
    for _ in range(8):
        values = {name: rng.getrandbits(24 if name == "finished" else 32) for name in SEEN}
        for name, value in values.items():
            getattr(dut, name).value = value
        busy, done, resetting, error = (rng.getrandbits(n) for n in (1, 1, 1, 5))
        dut.busy.value, dut.done.value, dut.resetting.value = busy, done, resetting
        dut.error.value = error
        await FallingEdge(dut.clk)
        assert {name: await read(master, SEEN[name]) for name in SEEN} == values
        assert await read(master, ERROR) == error
        assert await read(master, STATUS) == busy | done << 1 | (error != 0) << 2 | resetting << 3


@cocotb.test()
async def control_bits_are_pulses_of_one_cycle(dut):
    master = await begin(dut, random.Random(1))
    seen: list[tuple[int, ...]] = []

    async def watch() -> None:
        while True:
            await FallingEdge(dut.clk)
            seen.append(tuple(int(getattr(dut, name).value) for name in PULSES))

    cocotb.start_soon(watch())
    for bits in range(8):
        seen.clear()
        await master.write(CONTROL, bytes([bits, 0xFF, 0xFF, 0xFF]))
        for _ in range(4):
            await FallingEdge(dut.clk)
        want = tuple(bits >> i & 1 for i in range(3))
        assert [each for each in seen if any(each)] == ([want] if bits else [])
    assert await read(master, CONTROL) == 0


@cocotb.test()
async def other_addresses_read_as_zero(dut):
    master = await begin(dut, random.Random(1))
    for offset in range(0x48, 0x100, 4):
        await master.write(offset, b"\xff" * 4)
        assert await read(master, offset) == 0, hex(offset)
    assert [await read(master, each) for each in WRITTEN] == [0] * len(WRITTEN)


def test_axil_regs() -> None:
    shape = {"IMAGE_WORDS": 13, "RESULT_WORDS": 6, "CLASSES": 10}
    bench.run("axil_regs", "test_axil_regs", **shape)
