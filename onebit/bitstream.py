"""The whole design as a folder that Vivado or the open tools make a bitstream of, anywhere.

The scripts are files of build/; what differs between networks and boards is in `settings`, in the
constraints and in network.sv.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onebit import cost, emit, emit_axis, system
from onebit.board import Board
from onebit.flow import Compiled

FORMAT = 1
FOLDER = "bitstream"
FACTS = "bitstream.json"
SCRIPTS = ("vivado.tcl", "openxc7.sh", "xc7_cells.sv")
FAMILY = "zynq7"  # of all parts with a PS7, as prjxray calls it
CLOCK_PIN = "u_ps/u_ps7/FCLKCLK[0]"  # in the designs of rtl/board/

README = """\
{title}: the whole design for {board} ({part}) at {clock:g} MHz.

With Vivado 2020.1 or newer:   vivado -mode batch -source vivado.tcl
With open tools:               sh openxc7.sh        (its first lines say what it needs)
Both write {name}.bit here. This folder needs nothing else: copy it to where the tools are.

The accelerator alone as an AXI-Stream IP block, for Vivado's block designs:
                               cd ip && vivado -mode batch -source package_ip.tcl
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The design of a compiled network on a board, in a folder.

    clock_mhz: what FCLK0 really is.
    """

    compiled: Compiled
    board: Board
    clock_mhz: float

    @property
    def folder(self) -> Path:
        return self.compiled.out / FOLDER

    @property
    def name(self) -> str:
        return file_name(self.compiled)

    @property
    def bit(self) -> Path:
        return self.folder / f"{self.name}.bit"

    @property
    def facts(self) -> dict[str, Any]:
        """What is known before any tool has run."""
        interval = cost.interval(self.compiled.net, self.compiled.folding)
        return {
            "format": FORMAT,
            "network": self.compiled.facts["network"],
            "net_hash": self.compiled.net.hash,
            "folder": str(self.folder),
            "board": self.board.name,
            "part": self.board.part,
            "clock_mhz": self.clock_mhz,
            "ii_cycles": interval,
            "images_per_second": self.clock_mhz * 1e6 / interval,
            "tool": None,
            "bit": None,
            "utilisation": None,
            "utilisation_by": None,
            "timing": None,
        }


def file_name(compiled: Compiled) -> str:
    """The network's name as the name of a file that no shell and no Tcl trips over."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", compiled.facts["network"]).lstrip("-.") or "net"


def write(project: Project) -> None:
    """Write the project's folder, whole or not at all; a bitstream of the same design stays."""
    compiled = project.compiled
    with system.replaced_dir(project.folder, hint="free its folder, or compile to another") as new:
        rtl, ip = new / "rtl", new / "ip"
        for made in (rtl, ip):
            made.mkdir()
        for file in [*emit.sources(compiled.out), *emit.board_library()]:
            shutil.copyfile(file, rtl / file.name)
        package = emit.network_package(compiled.net, compiled.folding, primitives=True)
        (rtl / "network.sv").write_text(package)
        shutil.copytree(compiled.out / "mem", rtl / "mem")
        for script in SCRIPTS:
            shutil.copyfile(system.share_dir("build") / script, new / script)
        shutil.copyfile(system.share_dir("build") / "package_ip.tcl", ip / "package_ip.tcl")
        (ip / "onebit_axis.v").write_text(emit_axis.wrapper(compiled.net, compiled.folding))
        (new / "settings").write_text(settings(project))
        (new / "pins.xdc").write_text(pins(project.board))
        (new / "clock.xdc").write_text(clock(project))
        (new / "README.txt").write_text(
            README.format(
                title=compiled.facts["title"] or compiled.facts["network"],
                board=project.board.name,
                part=project.board.part,
                clock=project.clock_mhz,
                name=project.name,
            )
        )
        if project.bit.is_file() and same(new, project.folder):
            for file in (project.bit, project.folder / FACTS):
                shutil.copyfile(file, new / file.name)
        else:
            (new / FACTS).write_text(json.dumps(project.facts, indent=1) + "\n")


def forget(project: Project) -> None:
    """Take an earlier bitstream away, since a tool makes it anew."""
    project.bit.unlink(missing_ok=True)
    keep(project, project.facts)


def same(new: Path, old: Path) -> bool:
    """Whether every file of the folder `new` is in `old` too, byte for byte."""
    files = [file.relative_to(new) for file in new.rglob("*") if file.is_file()]
    return all(
        (old / file).is_file() and (old / file).read_bytes() == (new / file).read_bytes()
        for file in files
    )


def settings(project: Project) -> str:
    """What the scripts must know, as lines that a shell and a Tcl script read."""
    accelerator = [file.name for file in emit.sources(project.compiled.out)]
    around = [file.name for file in emit.board_library()]
    values = {
        "net": project.name,
        "top": project.board.top,
        "part": project.board.part,
        "family": FAMILY,
        "clock_mhz": f"{project.clock_mhz:.6g}",
        "sources": " ".join(["network.sv", *accelerator, *around]),
        "ip_sources": " ".join(accelerator),
    }
    lines = [f'{name}="{value}"' for name, value in values.items()]
    return "\n".join(["# What the scripts beside this file must know.", *lines, ""])


def pins(board: Board) -> str:
    """Constraints that every tool understands: pins and their I/O standards."""
    lines = [f"# The pins of {board.name}."]
    for index, pin in enumerate(board.leds):
        port = f"[get_ports {{led[{index}]}}]"
        lines.append(f"set_property PACKAGE_PIN {pin} {port}")
        lines.append(f"set_property IOSTANDARD {board.led_standard} {port}")
    return "\n".join([*lines, ""])


def clock(project: Project) -> str:
    """The clock for Vivado; nextpnr gets its frequency as an option."""
    return "\n".join(
        [
            f"# FCLK0 at {project.clock_mhz:g} MHz, as the driver sets it.",
            f"create_clock -name fclk0 -period {1000 / project.clock_mhz:.3f} "
            f"[get_pins {{{CLOCK_PIN}}}]",
            "",
        ]
    )


def kept(compiled: Compiled) -> dict[str, Any] | None:
    """What the tools said of this network's design, if any has run."""
    try:
        facts: dict[str, Any] = json.loads((compiled.out / FOLDER / FACTS).read_text())
        same = facts["format"] == FORMAT and facts["net_hash"] == compiled.net.hash
        return facts if same and facts["utilisation"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(project: Project, facts: dict[str, Any]) -> None:
    """Write what the tools said beside the project."""
    system.write_text(project.folder / FACTS, json.dumps(facts, indent=1) + "\n")
