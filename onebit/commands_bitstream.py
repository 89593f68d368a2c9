"""`onebit bitstream`: the whole design as a project, and its bitstream where the tools are here."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from onebit import commands, tables_board
from onebit.errors import CheckFailed, MissingTool
from onebit.system import INSTALL

if TYPE_CHECKING:
    from onebit.bitstream import Project
    from onebit.bitstream_tools import Open


def bitstream(options: argparse.Namespace) -> int:
    """onebit bitstream NET"""
    from onebit import bitstream as projects
    from onebit import bitstream_tools as tools
    from onebit import board

    compiled = commands.compiled_of(options.network)
    part = board.load(options.board or compiled.folding.board)
    wanted = compiled.folding.clock_mhz if options.clock is None else options.clock
    clock = part.clock(wanted)
    found = tools.open_tools(part, options.chipdb, options.prjxray_db)
    project = projects.Project(compiled=compiled, board=part, clock_mhz=clock)
    if wanted - clock > wanted / 1000:
        commands.stderr.print(f"note: {part.name} divides its clock to {clock:.6g} MHz at most")
    projects.write(project)
    commands.stderr.print(f"wrote {project.folder}", markup=False, soft_wrap=True)
    tool = tools.chosen(options.tool, found)
    facts = project.facts | {"tool": tool}
    try:
        _build(project, found, tool, facts)
    finally:
        facts["bit"] = project.bit.name if project.bit.is_file() else None
        if facts["utilisation"]:
            projects.keep(project, facts)
        if options.json:
            commands.emit_json(facts)
        else:
            commands.stdout.print(tables_board.bitstream(facts))
    _judge(project, facts)
    return 0


def _build(project: Project, found: Open, tool: str | None, facts: dict[str, Any]) -> None:
    """Run the tool; `facts` gets what it says, as far as it comes."""
    from onebit import bitstream_tools as tools

    if tool is None:
        run = f"cd {shlex.quote(str(project.folder))} &&"
        lines = [
            f"install {INSTALL['vivado']}, or the open tools, of which this machine lacks:",
            *(f"  {each}" for each in found.missing()),
            "or take the folder, which is complete, to where one of them is, and run",
            f"  {run} vivado -mode batch -source vivado.tcl",
            f"  {run} sh openxc7.sh",
            "--tool openxc7 synthesises here and says what the design takes of the part",
        ]
        raise MissingTool("no tool that makes bitstreams was found", hint="\n".join(lines))
    with commands.stderr.status(f"{tool}: starting") as status:

        def on_step(text: str) -> None:
            status.update(f"{tool}: {text}")
            if not commands.stderr.is_terminal:
                commands.stderr.print(f"{tool}: {text}", markup=False, soft_wrap=True)

        if tool == "vivado":
            facts |= tools.run_vivado(project, on_step)
        else:
            facts |= tools.synthesise(project, found, on_step)
            facts |= tools.place(project, found, on_step)


def _judge(project: Project, facts: dict[str, Any]) -> None:
    """CheckFailed where the bitstream is not as fast as its clock."""
    timing = facts["timing"]
    if not timing["met"]:
        raise CheckFailed(
            f"{project.bit} is written, but {facts['tool']} found at most "
            f"{timing['fmax_mhz']:g} MHz, not {project.clock_mhz:g}",
            hint=f"--clock {project.board.clock(timing['fmax_mhz']):.6g} asks for a clock that it "
            "keeps",
        )
