"""pynq_z2_top: the whole design, with cocotbext-axi as the processor inside the PS7 cell.

The cell's ports are those of Yosys' definition; what it puts out, the bench drives.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiRam

import bench
import tiny
from axi3 import CELL, AxiMaster, told
from onebit import deploy, emit, flow, golden, trial
from onebit.driver import AT, Packer

BASE = 0x4000_0000  # of the registers
SOURCE, TARGET = 0x1008, 0x8010
SAMPLES = 20


async def begin(dut: HierarchyObject) -> tuple[AxiMaster, AxiRam]:
    """The processor runs: its clock, its reset, a master at GP0, its memory behind HP0."""
    told(CELL)
    ps7 = dut.u_ps.u_ps7
    ps7.FCLKRESETN.value = 0
    cocotb.start_soon(Clock(ps7.FCLKCLK, 10, "ns").start())
    registers = AxiBus.from_prefix(ps7, "MAXIGP0", bus_separator="")
    memory = AxiBus.from_prefix(ps7, "SAXIHP0", bus_separator="")
    processor = AxiMaster(registers, dut.clk, dut.rst)
    ram = AxiRam(memory, dut.clk, dut.rst, size=1 << 16)
    await ClockCycles(dut.clk, 8)
    assert dut.rst.value, "no reset while the processor holds it"
    ps7.FCLKRESETN.value = 1
    await ClockCycles(dut.clk, 8)
    assert not dut.rst.value
    return processor, ram


async def read(processor: AxiMaster, name: str) -> int:
    return int.from_bytes((await processor.read(BASE + AT[name], 4)).data, "little")


async def write(processor: AxiMaster, name: str, value: int) -> None:
    await processor.write(BASE + AT[name], value.to_bytes(4, "little"))


@cocotb.test()
async def a_batch_goes_from_memory_to_memory(dut):
    batch = json.loads(Path("batch.json").read_text())
    processor, ram = await begin(dut)
    assert await read(processor, "ID") == 0x6F6E6562
    hashes = [await read(processor, name) for name in ("HASH0", "HASH1")]
    assert hashes == [int(batch["hash"][:8], 16), int(batch["hash"][8:16], 16)]

    images, wanted = bytes.fromhex(batch["images"]), bytes.fromhex(batch["results"])
    ram.write(SOURCE, images)
    for name, value in (
        ("SOURCE", SOURCE),
        ("TARGET", TARGET),
        ("COUNT", batch["count"]),
        ("IRQ_ENABLE", 1),
    ):
        await write(processor, name, value)
    assert int(dut.led.value) >> 1 == 0, "an LED is on before the start"
    await write(processor, "CONTROL", 1)
    assert int(dut.led.value) >> 1 == 2, "the LED of busy is off"
    for _ in range(5000):
        await ClockCycles(dut.clk, 1)
        if int(dut.u_ps.u_ps7.IRQF2P.value):
            break
    assert int(dut.u_ps.u_ps7.IRQF2P.value) == 1, "no interrupt came"
    assert int(dut.led.value) >> 1 == 1, "the LED of the interrupt is off"
    assert ram.read(TARGET, len(wanted)) == wanted
    await write(processor, "CONTROL", 4)
    assert int(dut.u_ps.u_ps7.IRQF2P.value) == 0

    await write(processor, "SOURCE", SOURCE + 1)
    await write(processor, "CONTROL", 1)
    await ClockCycles(dut.clk, 20)
    assert int(dut.led.value) >> 1 == 0b101, "not the LEDs of error and interrupt"


def cell() -> str:
    """PS7 without content, ports as in Yosys' cells; and BUFG."""
    spec = find_spec("pyosys")
    assert spec and spec.origin, "pyosys is not installed: make setup"
    file = Path(spec.origin).with_name("share") / "xilinx" / "cells_xtra.v"
    body = re.search(r"^module PS7\(.*?^endmodule", file.read_text(), re.DOTALL | re.MULTILINE)
    assert body
    ports = re.findall(r"^ *(input|output|inout) (\[\d+:0\] )?(\w+);", body[0], re.MULTILINE)
    lines = [
        f"  {way} {'wire' if way == 'inout' else 'logic'} {width}{name}"
        for way, width, name in ports
    ]
    return "\n".join(
        [
            "// PS7 and BUFG for a bench, which drives what they put out.",
            "/* verilator lint_off DECLFILENAME */",
            "/* verilator lint_off UNUSEDSIGNAL */",
            "/* verilator lint_off UNDRIVEN */",
            "module PS7 (",
            ",\n".join(lines),
            ");",
            "endmodule",
            "module BUFG (input logic I, output logic O);",
            "  assign O = I;",
            "endmodule",
            "",
        ]
    )


def test_pynq_z2_top(tmp_path: Path) -> None:
    file = tiny.write(tmp_path / "tiny.onnx", tiny.model())
    compiled = flow.compile_network(str(file), tmp_path / "out", "pynq-z2", None, None)
    net, told = compiled.net, deploy.description(compiled)
    packer = Packer(told["input"])
    raw = packer.checked(trial.samples(compiled, SAMPLES, 0).raw)
    images = np.zeros((SAMPLES, 8 * told["image_words"]), np.uint8)
    packer.pack(raw, images)
    want = golden.run(net, raw.reshape(SAMPLES, *net.input.shape))
    results = np.zeros((SAMPLES, 2 * told["result_words"]), "<i4")
    results[:, : net.head.classes] = want.logits
    results[:, -2] = want.classes
    batch = {
        "hash": net.hash,
        "count": SAMPLES,
        "images": images.tobytes().hex(),
        "results": results.tobytes().hex(),
    }
    generated = {
        "network.sv": emit.network_package(net, compiled.folding),
        "accelerator.sv": emit.accelerator(net, compiled.folding),
        "cells.sv": cell(),
    }
    memories = {f"mem/{file.name}": file.read_text() for file in (compiled.out / "mem").iterdir()}
    bench.run(
        "pynq_z2_top",
        "test_pynq_z2_top",
        files={"batch.json": json.dumps(batch), **memories},
        generated=generated,
    )
