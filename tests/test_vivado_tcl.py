"""The Tcl for Vivado, executed by a Tcl interpreter on stubs that know Vivado's commands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from onebit import bitstream, board, emit, flow, system

STUBS = Path(__file__).with_name("vivado_stubs.tcl")
RELEASE = "2020.1"


@pytest.fixture
def project(compiled: Path) -> bitstream.Project:
    """The tiny network's project, written."""
    made = bitstream.Project(
        compiled=flow.read(compiled), board=board.load("pynq-z2"), clock_mhz=125.0
    )
    bitstream.write(made)
    return made


class TclError(Exception):
    """What a Tcl interpreter complained of."""


def evaluate(script: str, folder: Path) -> str:
    """What a Tcl script prints: by Python's own interpreter, or tclsh where a system left it out.

    It runs in a process of its own, since a script changes the working folder.
    """
    file = folder / "evaluate.tcl"
    file.write_text(script)
    code = "import sys, tkinter; tkinter.Tcl().evalfile(sys.argv[1])"
    command: list[str | Path] = [sys.executable, "-c", code, file]
    if find_spec("_tkinter") is None:
        command = [system.need_tool("tclsh", "the test of the Tcl for Vivado"), file]
    ran = system.run(command)
    if ran.returncode:
        raise TclError(ran.stderr)
    return ran.stdout


@dataclass(frozen=True)
class Ran:
    """The calls of a script, each with its words, and the lists that the stubs kept."""

    calls: list[list[str]]

    def of(self, name: str) -> list[list[str]]:
        """The words of every call of `name`."""
        return [words for command, *words in self.calls if command == name]


def execute(script: Path, release: str = RELEASE) -> Ran:
    """Run `script` on the stubs; a wrong command is a TclError."""
    out = evaluate(
        f"set vivado_release {release}\nsource {{{STUBS}}}\nsource {{{script}}}\nputs [happened]\n",
        script.parents[2],
    )
    lines = [line for line in out.splitlines() if not line.startswith("onebit: ")]
    return Ran([line.split("\t") for line in lines])


def test_bitstream_script_goes_through_every_step(project: bitstream.Project) -> None:
    ran = execute(project.folder / "vivado.tcl")
    steps = [call[0] for call in ran.calls if call[0].endswith("_design")]
    assert steps == [
        "synth_design",
        "opt_design",
        "place_design",
        "phys_opt_design",
        "route_design",
    ]
    assert ran.of("synth_design") == [["-top", "pynq_z2_top", "-part", "xc7z020clg400-1"]]
    assert project.bit.is_file()
    assert {file.name for file in (project.folder / "vivado").iterdir()} == {
        "utilization.rpt",
        "timing.rpt",
        "drc.rpt",
        "routed.dcp",
    }


def test_synthesis_has_every_source_and_memory(project: bitstream.Project) -> None:
    """All of rtl/ and nothing else, the package before its users, read where the sources lie."""
    ran = execute(project.folder / "vivado.tcl")
    ((sources,), (memories,), (constraints,), ((folder,),)) = map(
        ran.of, ("sources", "memories", "constraints", "folder")
    )
    rtl = project.folder / "rtl"
    assert sources[0] == "network.sv"
    assert sorted(sources) == sorted(file.name for file in rtl.glob("*.sv"))
    assert sorted(memories) == sorted(f"mem/{file.name}" for file in (rtl / "mem").iterdir())
    assert [Path(file).name for file in constraints] == ["pins.xdc", "clock.xdc"]
    assert Path(folder).resolve() == rtl.resolve()


def test_memories_that_sources_name_are_there(project: bitstream.Project) -> None:
    text = (project.folder / "rtl" / "accelerator.sv").read_text()
    named = {word for word in text.split('"') if word.startswith("mem/")}
    assert named
    assert all((project.folder / "rtl" / file).is_file() for file in named)


def test_constraints_are_the_boards(project: bitstream.Project) -> None:
    ran = execute(project.folder / "vivado.tcl")
    wanted = []
    for index, pin in enumerate(["R14", "P14", "N16", "M14"]):
        wanted.append(["PACKAGE_PIN", pin, f"port:led[{index}]"])
        wanted.append(["IOSTANDARD", "LVCMOS33", f"port:led[{index}]"])
    assert ran.of("set_property") == wanted
    clock = ["-name", "fclk0", "-period", "8.000", "pin:u_ps/u_ps7/FCLKCLK[0]"]
    assert ran.of("create_clock") == [clock]


def test_clock_pin_is_in_the_design(project: bitstream.Project) -> None:
    top = (project.folder / "rtl" / "pynq_z2_top.sv").read_text()
    processor = (project.folder / "rtl" / "zynq_ps.sv").read_text()
    assert "zynq_ps u_ps (" in top
    assert "PS7 u_ps7 (" in processor


def test_only_pins_are_constrained_for_every_tool(project: bitstream.Project) -> None:
    """nextpnr-xilinx takes set_property on ports and nothing else of this."""
    lines = (project.folder / "pins.xdc").read_text().splitlines()
    assert all(line.startswith(("#", "set_property ")) for line in lines)


@pytest.mark.parametrize("release", ["2020.1", "2020.2.2", "2023.2", "2025.1"])
def test_releases_from_2020_are_taken(project: bitstream.Project, release: str) -> None:
    execute(project.folder / "vivado.tcl", release)


def test_an_old_release_is_refused(project: bitstream.Project) -> None:
    with pytest.raises(TclError, match=r"Vivado 2019\.2\.1 is too old"):
        execute(project.folder / "vivado.tcl", "2019.2.1")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "rtl" / "mvau.sv").unlink(), "mvau.sv is not a file"),
        (lambda folder: (folder / "pins.xdc").unlink(), "pins.xdc is not a file"),
        (
            lambda folder: (folder / "pins.xdc").write_text(
                "set_property PACKAGE_PIN R14 [get_ports {led[4]}]"
            ),
            r"no port led\[4\]",
        ),
    ],
)
def test_the_stubs_notice(
    project: bitstream.Project, harm: Callable[[Path], None], told: str
) -> None:
    harm(project.folder)
    with pytest.raises(TclError, match=told):
        execute(project.folder / "vivado.tcl")
    assert not project.bit.exists()


def test_a_failing_step_leaves_no_bitstream(project: bitstream.Project) -> None:
    project.bit.write_text("of another run")
    script = project.folder / "vivado.tcl"
    script.write_text(script.read_text().replace("route_design\n", "route_desing\n"))
    with pytest.raises(TclError, match="route_desing"):
        execute(script)
    assert not project.bit.exists()


def test_ip_block_is_packaged(project: bitstream.Project) -> None:
    """The Verilog top and the accelerator's sources and memories, without the board's."""
    ran = execute(project.folder / "ip" / "package_ip.tcl")
    sources = [Path(file).name for file in ran.of("sources")[0]]
    board_files = {file.name for file in emit.board_library()}
    assert sources[0] == "onebit_axis.v"
    assert not board_files & set(sources)
    assert "network.sv" not in sources
    assert {file.name for file in (project.compiled.out / "rtl").iterdir()} < set(sources)
    assert {file.name for file in (project.compiled.out / "mem").iterdir()} < set(sources)
    assert ["top", "onebit_axis", "fileset:sources_1"] in ran.of("set_property")
    names = [call[0] for call in ran.calls]
    assert names.index("ipx::package_project") < names.index("ipx::save_core")
