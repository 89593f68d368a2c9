"""Runs Vivado or the open tools on a bitstream's folder, and reads what they report."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onebit import system
from onebit.bitstream import FAMILY, Project, forget
from onebit.board import Board
from onebit.errors import CheckFailed, ConfigError, MissingTool
from onebit.netlist import FLIP_FLOPS, LUTS

Told = Callable[[str], None]
Facts = dict[str, Any]
TOOLS = ("vivado", "openxc7")
SAID = "onebit: "  # how the scripts begin what a person should see
CHIPDB, DATABASE = "NEXTPNR_XILINX_CHIPDB", "PRJXRAY_DB_DIR"
ERROR = re.compile(r"(\S+: )?(\w*Error|ERROR|error|fatal)\b")
QUOTED = 5  # lines of a failing tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """The programs and databases of the open flow, as far as they are here."""

    nextpnr: Path | None
    fasm2frames: Path | None
    xc7frames2bit: Path | None
    chipdb: Path | None
    database: Path | None

    def missing(self) -> list[str]:
        """What is not here, each with where it comes from."""
        programs = {
            "nextpnr-xilinx": self.nextpnr,
            "fasm2frames": self.fasm2frames,
            "xc7frames2bit": self.xc7frames2bit,
        }
        lacking = [f"{name} ({system.INSTALL[name]})" for name in programs if not programs[name]]
        if self.chipdb is None:
            lacking.append(f"nextpnr's chip database (--chipdb FILE or ${CHIPDB})")
        if self.database is None:
            lacking.append(f"prjxray's database (--prjxray-db DIR or ${DATABASE})")
        return lacking

    @property
    def environment(self) -> dict[str, str | Path]:
        """What openxc7.sh wants to know of it."""
        named = {
            "NEXTPNR": self.nextpnr,
            "FASM2FRAMES": self.fasm2frames,
            "XC7FRAMES2BIT": self.xc7frames2bit,
            CHIPDB: self.chipdb,
            DATABASE: self.database,
        }
        return {"PYTHON": sys.executable, **{name: it for name, it in named.items() if it}}


def open_tools(board: Board, chipdb: Path | None, database: Path | None) -> Open:
    """The open flow's parts; ConfigError where a database is named that is none of this part."""
    chipdb = chipdb or _path(CHIPDB)
    database = database or _path(DATABASE)
    if chipdb and not chipdb.is_file():
        raise ConfigError(
            f"{str(chipdb)!r}, nextpnr's chip database, is not a file",
            hint=f"--chipdb FILE or ${CHIPDB} names it; nextpnr-xilinx's bbaexport.py makes it",
        )
    if database and not (part := database / FAMILY / board.part / "part.yaml").is_file():
        raise ConfigError(
            f"{str(part)!r} does not exist: prjxray's database lacks {board.part}",
            hint=f"--prjxray-db DIR or ${DATABASE} names the folder that holds {FAMILY}/",
        )
    return Open(
        nextpnr=system.find_tool("nextpnr-xilinx") or system.find_tool("nextpnr-himbaechel"),
        fasm2frames=system.find_tool("fasm2frames") or system.find_tool("fasm2frames.py"),
        xc7frames2bit=system.find_tool("xc7frames2bit"),
        chipdb=chipdb.resolve() if chipdb else None,
        database=database.resolve() if database else None,
    )


def _path(name: str) -> Path | None:
    value = system.variable(name)
    return Path(value) if value else None


def chosen(wanted: str | None, tools: Open) -> str | None:
    """The tool to use: the one that is wanted, else one that is here, Vivado first."""
    if wanted is not None:
        return wanted
    if system.find_tool("vivado"):
        return "vivado"
    return None if tools.missing() else "openxc7"


def run_vivado(project: Project, on_step: Told) -> Facts:
    """The bitstream by Vivado: what it takes of the part, and its timing."""
    vivado = system.find_tool("vivado")
    if vivado is None:
        raise MissingTool(
            f"vivado was not found: {str(project.folder)!r} is written, not built",
            hint=f"install {system.INSTALL['vivado']}; or take the folder to where it is:\n"
            f"  cd {project.folder} && vivado -mode batch -source vivado.tcl",
        )
    forget(project)
    command: list[str | Path] = [
        vivado,
        "-mode",
        "batch",
        "-nojournal",
        "-nolog",
        "-source",
        "vivado.tcl",
    ]
    _run(project, "vivado", command, on_step, {})
    reports = project.folder / "vivado"
    return {
        "utilisation": vivado_utilisation((reports / "utilization.rpt").read_text(), project.board),
        "utilisation_by": "Vivado, routed",
        "timing": vivado_timing((reports / "timing.rpt").read_text(), project.clock_mhz),
        "bit": project.bit.name,
    }


def synthesise(project: Project, tools: Open, on_step: Told) -> Facts:
    """The netlist by Yosys, and what it takes of the part."""
    if find_spec("pyosys") is None and system.find_tool("yosys") is None:
        raise MissingTool(
            "neither pyosys nor yosys was found; the open flow synthesises with it",
            hint=f"pip install pyosys; the project is written: {project.folder}",
        )
    _run(project, "openxc7", ["sh", "openxc7.sh", "synth"], on_step, tools.environment)
    stat = (project.folder / "openxc7" / "utilization.json").read_text()
    return {
        "utilisation": yosys_utilisation(stat, project.board),
        "utilisation_by": "Yosys, before placement",
    }


def place(project: Project, tools: Open, on_step: Told) -> Facts:
    """The bitstream by nextpnr and prjxray, and its timing; after `synthesise`."""
    if lacking := tools.missing():
        raise MissingTool(
            f"no bitstream without {', '.join(lacking)}",
            hint=f"{str(project.folder)!r} is written and synthesised; where the tools are, run\n"
            f"  cd {project.folder} && sh openxc7.sh",
        )
    forget(project)
    log = _run(project, "openxc7", ["sh", "openxc7.sh", "place"], on_step, tools.environment)
    return {"timing": nextpnr_timing(log, project.clock_mhz), "bit": project.bit.name}


def _run(
    project: Project,
    tool: str,
    command: list[str | Path],
    on_step: Told,
    env: dict[str, str | Path],
) -> str:
    """Run a script of the project; returns what it said. CheckFailed with its words if it fails."""
    log = project.folder / f"{tool}.log"
    said: list[str] = []

    def told(line: str) -> None:
        said.append(line)
        if line.startswith(SAID):
            on_step(line.removeprefix(SAID))

    code = system.run_logged(command, cwd=project.folder, log=log, on_line=told, env=env)
    if code:
        step = next((line for line in reversed(said) if line.startswith(SAID)), "")
        at = f" at {step.removeprefix(SAID)}" if step else ""
        raise CheckFailed(f"{tool} failed{at}:{complaint(said, code)}", hint=f"see {log}")
    return "\n".join(said)


def complaint(said: list[str], code: int) -> str:
    """The first errors among a program's words, else its last words."""
    errors = [line for line in said if ERROR.match(line.strip())]
    words = errors[:QUOTED] or [line for line in said if line.strip()][-QUOTED:]
    return "\n  ".join(["", *words]) if words else f" exit code {code}, without a word"


def _share(board: Board, **used: float) -> Facts:
    """What is used of each resource that the board has."""
    return {name: {"used": count, "of": getattr(board, name)} for name, count in used.items()}


def vivado_utilisation(report: str, board: Board) -> Facts:
    """The numbers of Vivado's report_utilization."""
    rows = {"lut": "Slice LUTs", "ff": "Slice Registers", "bram36": "Block RAM Tile", "dsp": "DSPs"}
    used = {}
    for name, row in rows.items():
        match = re.search(rf"^\|\s*{row}\*?\s*\|\s*([\d.]+)\s*\|", report, re.MULTILINE)
        if match is None:
            raise CheckFailed(f"Vivado's report of utilisation has no row {row!r}")
        used[name] = float(match[1]) if "." in match[1] else int(match[1])
    return _share(board, **used)


def vivado_timing(report: str, clock_mhz: float) -> Facts:
    """The worst slack of Vivado's report_timing_summary, and the frequency that it allows."""
    match = re.search(r"^\s*WNS\(ns\).*\n[\s-]*\n\s*(-?[\d.]+)\s", report, re.MULTILINE)
    if match is None:
        raise CheckFailed("Vivado's report of timing has no worst negative slack")
    slack = float(match[1])
    return _timing(1000 / (1000 / clock_mhz - slack), clock_mhz)


def yosys_utilisation(stat: str, board: Board) -> Facts:
    """The numbers of Yosys' `stat -json`: LUTs before any of them share a site."""
    cells: dict[str, int] = json.loads(stat)["design"]["num_cells_by_type"]
    return _share(
        board,
        lut=sum(LUTS.get(name, 0) * count for name, count in cells.items()),
        ff=sum(cells.get(name, 0) for name in FLIP_FLOPS),
        bram36=cells.get("RAMB36E1", 0) + cells.get("RAMB18E1", 0) / 2,
        dsp=cells.get("DSP48E1", 0),
    )


def nextpnr_timing(log: str, clock_mhz: float) -> Facts:
    """The slowest clock after routing, of nextpnr's log."""
    found = re.findall(r"Max frequency for clock +'(.*)': ([\d.]+) MHz", log)
    if not found:
        raise CheckFailed("nextpnr's log has no frequency of a clock")
    last = dict(found)  # one before routing, one after
    return _timing(min(float(clock) for clock in last.values()), clock_mhz)


def _timing(fmax_mhz: float, clock_mhz: float) -> Facts:
    return {"fmax_mhz": round(fmax_mhz, 2), "met": fmax_mhz >= clock_mhz - 0.005}
