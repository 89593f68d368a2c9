"""rtl/board/ through Verilator's lint: the whole design, PS7 and BUFG as Yosys defines them.

board_core has the shape of a network, so this cannot be part of `make check`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from onebit import bitstream, board, emit, emit_axis, flow, system

RTL = system.share_dir("rtl")


def lint(words: list[str | Path]) -> str:
    """What Verilator complains of."""
    verilator = system.need_tool("verilator", "lint")
    command = [verilator, "--lint-only", "-Wall", "--quiet", RTL / "lint.vlt", *words]
    ran = system.run(command)
    return "\n".join(line for line in ran.stderr.splitlines() if line.startswith("%"))


def test_the_whole_design_is_clean(compiled: Path, tmp_path: Path) -> None:
    made = bitstream.Project(
        compiled=flow.read(compiled), board=board.load("pynq-z2"), clock_mhz=100.0
    )
    bitstream.write(made)
    spec = find_spec("pyosys")
    assert spec and spec.origin
    cells = Path(spec.origin).with_name("share") / "xilinx"
    theirs = tmp_path / "theirs.vlt"  # Yosys' files are not ours to mend
    theirs.write_text(f'`verilator_config\nlint_off -file "{cells}/*.v"\n')
    words: list[str | Path] = [theirs, "-Wno-SPECIFYIGN"]
    words += [word for file in ("cells_xtra.v", "cells_sim.v") for word in ("-v", cells / file)]
    rtl = made.folder / "rtl"
    sources = [rtl / "network.sv", *sorted(set(rtl.glob("*.sv")) - {rtl / "network.sv"})]
    complaints = lint([*words, "--top-module", made.board.top, *sources])
    ours = {file.name for file in emit.board_library()} | {"network.sv"}
    assert not [line for line in complaints.splitlines() if Path(line.split(":")[1]).name in ours]


def test_the_ip_block_is_clean(compiled: Path, tmp_path: Path) -> None:
    """As Verilog 2001; its data are whole bytes, so some bits of them are spare."""
    known = flow.read(compiled)
    top = tmp_path / "onebit_axis.v"
    top.write_text(emit_axis.wrapper(known.net, known.folding))
    words: list[str | Path] = ["-Wno-UNUSEDSIGNAL", "--default-language", "1364-2001"]
    words += ["+1800-2017ext+sv", "-y", RTL, "-y", RTL.parent / "sim" / "xc7"]
    words += [compiled / "rtl" / "accelerator.sv"]
    assert not lint([*words, "--top-module", "onebit_axis", top])
