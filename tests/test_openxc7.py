"""The open flow: Yosys takes the whole design with its own PS7; nextpnr and prjxray as stand-ins.

The netlist is made once, of the tiny network; only it and the board around it are synthesised.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tiny
from onebit import bitstream, bitstream_tools, board, flow, system
from onebit.errors import CheckFailed, MissingTool
from onebit.netlist import FLIP_FLOPS, LUTS

Onebit = Callable[..., tiny.Said]
PART = "xc7z020clg400-1"
TIMING = "echo \"Info: Max frequency for clock 'clk': 104.20 MHz (PASS at 100.00 MHz)\""
# nextpnr writes what follows --fasm (or -o fasm=), each other tool what prjxray's do.
NEXTPNR = f"""
echo "$@" > words
for word in "$@"; do
  case $word in *.fasm) echo fasm > "${{word#fasm=}}" ;; esac
done
{TIMING}
"""
FASM2FRAMES = 'for word in "$@"; do last=$word; done\necho "$@" >> words\necho frames > "$last"'
XC7FRAMES2BIT = FASM2FRAMES


def nothing(text: str) -> None:
    """Told a step."""


def no_tools() -> bitstream_tools.Open:
    return bitstream_tools.Open(
        nextpnr=None, fasm2frames=None, xc7frames2bit=None, chipdb=None, database=None
    )


def project_of(folder: Path) -> bitstream.Project:
    return bitstream.Project(
        compiled=flow.read(folder), board=board.load("pynq-z2"), clock_mhz=100.0
    )


@pytest.fixture(scope="session")
def synthesised(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network, with its project synthesised; for reading."""
    folder = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("synthesised") / "tiny")
    project = project_of(folder)
    bitstream.write(project)
    facts = bitstream_tools.synthesise(project, no_tools(), nothing)
    bitstream.keep(project, project.facts | facts)
    return folder


@pytest.fixture(scope="session")
def netlist(synthesised: Path) -> dict[str, Any]:
    """The module that is the whole design."""
    text = (synthesised / "bitstream" / "openxc7" / "tiny.json").read_text()
    (module,) = (m for n, m in json.loads(text)["modules"].items() if n == "pynq_z2_top")
    assert isinstance(module, dict)
    return module


def cells(netlist: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [cell for cell in netlist["cells"].values() if cell["type"] == kind]


def ps7_ports() -> dict[str, str]:
    """The ports of Yosys' definition of PS7, each with its direction."""
    spec = find_spec("pyosys")
    assert spec and spec.origin
    file = Path(spec.origin).with_name("share") / "xilinx" / "cells_xtra.v"
    body = re.search(r"^module PS7\(.*?^endmodule", file.read_text(), re.DOTALL | re.MULTILINE)
    assert body
    found = re.findall(r"^\s+(input|output|inout)\s+(?:\[.*?\]\s+)?(\w+);", body[0], re.MULTILINE)
    return {name: direction for direction, name in found}


def test_every_port_of_the_processor_is_named() -> None:
    """Inputs are connected or 0, outputs connected or open, pads open; none is forgotten."""
    text = (system.share_dir("rtl") / "board" / "zynq_ps.sv").read_text()
    named = re.findall(r"\.([A-Z][A-Z0-9]+)\(([^()]*)\)", text)
    ports = ps7_ports()
    assert len(ports) == 620
    assert sorted(name for name, _ in named) == sorted(ports)
    open_inputs = [name for name, value in named if ports[name] == "input" and not value]
    tied_outputs = [name for name, value in named if ports[name] != "input" and "'" in value]
    assert not open_inputs
    assert not tied_outputs
    assert {name for name, value in named if ports[name] == "inout" and value} == set()


def test_yosys_takes_the_processor(netlist: dict[str, Any]) -> None:
    """What matters of the cell is as it must be in the netlist."""
    (ps7,) = cells(netlist, "PS7")
    wires = ps7["connections"]
    inputs = {name for name, direction in ps7_ports().items() if direction == "input"}
    assert inputs <= wires.keys()
    assert set(wires["DDRARB"]) == {"0"}
    assert wires["SAXIHP0ARSIZE"] == wires["SAXIHP0AWSIZE"] == ["1", "1"]
    assert set(wires["SAXIHP0WID"]) == {"0"}
    assert isinstance(wires["IRQF2P"][0], int)
    assert set(wires["IRQF2P"][1:]) == {"0"}
    (buffer,) = cells(netlist, "BUFG")
    assert buffer["connections"]["I"] == wires["FCLKCLK"][:1]
    assert wires["MAXIGP0ACLK"] == wires["SAXIHP0ACLK"] == buffer["connections"]["O"]


def test_netlist_is_one_that_nextpnr_takes(netlist: dict[str, Any]) -> None:
    """Only primitives of the part, and the LEDs as the only ports."""
    kinds = {cell["type"] for cell in netlist["cells"].values()}
    known = set(LUTS) - {"LUT6_2"} | set(FLIP_FLOPS)
    known |= {"PS7", "BUFG", "OBUF", "CARRY4", "MUXF7", "MUXF8", "RAMB36E1", "RAMB18E1", "DSP48E1"}
    assert kinds <= known
    assert netlist["ports"].keys() == {"led"}


def test_reset_is_flip_flops_that_start_at_1(netlist: dict[str, Any]) -> None:
    """Not a shift register, which would neither settle nor reset after configuration."""
    chain = netlist["netnames"]["reset_sync"]["bits"]
    stages = [
        cell
        for cell in netlist["cells"].values()
        if any(bit in chain for bit in cell["connections"].get("Q", []))
    ]
    assert [cell["type"] for cell in stages] == ["FDRE"] * 3
    assert {cell["parameters"]["INIT"] for cell in stages} == {"1"}


def test_utilisation_is_that_of_the_whole_design(
    synthesised: Path, netlist: dict[str, Any]
) -> None:
    found = json.loads((synthesised / "bitstream" / "bitstream.json").read_text())["utilisation"]
    flip_flops = sum(len(cells(netlist, kind)) for kind in FLIP_FLOPS)
    assert found["ff"] == {"used": flip_flops, "of": 106_400}
    assert 1_000 < found["lut"]["used"] < 3_000
    assert found["bram36"]["used"] == len(cells(netlist, "RAMB36E1")) + (
        len(cells(netlist, "RAMB18E1")) / 2
    )


@pytest.fixture
def project(synthesised: Path, tmp_path: Path) -> bitstream.Project:
    """The synthesised project, for a test to go on with."""
    return project_of(shutil.copytree(synthesised, tmp_path / "tiny"))


@pytest.fixture
def tools(tmp_path: Path) -> bitstream_tools.Open:
    """Stand-ins for all the tools, and databases."""
    folder = tmp_path / "tools"
    folder.mkdir()
    scripts = {"nextpnr": NEXTPNR, "fasm2frames": FASM2FRAMES, "xc7frames2bit": XC7FRAMES2BIT}
    for name, script in scripts.items():
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    chipdb = folder / "part.bin"
    chipdb.touch()
    part = folder / "db" / "zynq7" / PART
    part.mkdir(parents=True)
    (part / "part.yaml").touch()
    return bitstream_tools.Open(
        chipdb=chipdb, database=folder / "db", **{name: folder / name for name in scripts}
    )


def test_open_tools_make_the_bitstream(
    project: bitstream.Project, tools: bitstream_tools.Open
) -> None:
    steps: list[str] = []
    facts = bitstream_tools.place(project, tools, steps.append)
    assert steps == ["placement and routing", "bitstream", "wrote tiny.bit"]
    assert facts == {"timing": {"fmax_mhz": 104.2, "met": True}, "bit": "tiny.bit"}
    assert project.bit.read_text() == "frames\n"
    words = (project.folder / "words").read_text()
    for option in (
        f"--chipdb {tools.chipdb} --xdc pins.xdc --fasm ",
        "--freq 100 --timing-allow-fail",
        f"--part {PART} --db-root {tools.database}/zynq7 ",
        f"--part_file {tools.database}/zynq7/{PART}/part.yaml --part_name {PART} --frm_file ",
    ):
        assert option in words


def test_upstream_nextpnr_is_told_its_own_way(
    project: bitstream.Project, tools: bitstream_tools.Open
) -> None:
    assert tools.nextpnr
    upstream = tools.nextpnr.rename(tools.nextpnr.with_name("nextpnr-himbaechel"))
    environment = tools.environment | {"NEXTPNR": upstream}
    command = ["sh", "openxc7.sh", "place"]
    log = project.folder / "log"
    code = system.run_logged(command, cwd=project.folder, log=log, on_line=nothing, env=environment)
    assert code == 0, log.read_text()
    words = (project.folder / "words").read_text()
    assert f"--device {PART} -o xdc=pins.xdc -o fasm=" in words


def test_missing_open_tools_are_named_after_synthesis(project: bitstream.Project) -> None:
    with pytest.raises(MissingTool, match=r"nextpnr-xilinx .*fasm2frames .*chip database"):
        bitstream_tools.place(project, no_tools(), nothing)


@pytest.mark.parametrize("failing", ["nextpnr", "fasm2frames", "xc7frames2bit"])
def test_failing_open_tool_leaves_no_bitstream(
    project: bitstream.Project, tools: bitstream_tools.Open, failing: str
) -> None:
    """Even where it has written half of one."""
    (project.folder / "tiny.bit").write_text("of another run")
    program = getattr(tools, failing)
    program.write_text(
        f"{program.read_text()}\necho 'ERROR: no way from here to there' >&2\nexit 1"
    )
    with pytest.raises(CheckFailed, match="no way from here to there") as caught:
        bitstream_tools.place(project, tools, nothing)
    assert str(project.folder / "openxc7.log") in caught.value.hint
    assert not project.bit.exists()


def test_failing_synthesis_is_quoted(compiled: Path) -> None:
    """A source that is none, and Yosys' words for it."""
    project = project_of(compiled)
    bitstream.write(project)
    file = project.folder / "rtl" / "mvau.sv"
    file.write_text(file.read_text().replace("endmodule", "always_comb nobody = 1'b0;\nendmodule"))
    told = r"openxc7 failed at synthesis:\n.*mvau\.sv:\d+: ERROR: use of undeclared .* 'nobody'"
    with pytest.raises(CheckFailed, match=told):
        bitstream_tools.synthesise(project, no_tools(), nothing)
