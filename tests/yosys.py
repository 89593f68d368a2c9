"""Yosys in a process of its own, for tests that prove or measure RTL without a network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from onebit import system
from onebit.netlist import LUTS

RUN = (
    "import sys; from pyosys import libyosys as y; y.run_pass('script ' + sys.argv[1], y.Design())"
)
ROOT = Path(__file__).resolve().parent.parent


def run(folder: Path, *lines: str) -> str:
    """What Yosys prints at the script `lines`, run in `folder`; it must not fail."""
    script = folder / "script.ys"
    script.write_text("\n".join([*lines, ""]))
    done = system.run([sys.executable, "-c", RUN, script], cwd=folder)
    assert not done.returncode, f"{lines}\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout


def cells(
    folder: Path, module: str, files: Iterable[str], parameters: Mapping[str, int]
) -> dict[str, int]:
    """The cells of a module of rtl/ in a part of the 7 series, each kind with its number."""
    values = " ".join(f"-G {name}={value}" for name, value in parameters.items())
    paths = [ROOT / "build" / "xc7_cells.sv", *(ROOT / "rtl" / file for file in files)]
    run(
        folder,
        f"read_slang -D SYNTHESIS --best-effort-hierarchy --top {module} {values} "
        + " ".join(map(str, paths)),
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {module}",
        "setattr -mod -unset keep_hierarchy *",
        "flatten",
        "clean",
        "tee -q -o stat.json stat -json",
    )
    found: dict[str, int] = json.loads((folder / "stat.json").read_text())["design"][
        "num_cells_by_type"
    ]
    return found


def luts(found: Mapping[str, int]) -> int:
    """All LUTs among cells, those that are memories and shift registers included."""
    return sum(LUTS.get(kind, 0) * count for kind, count in found.items())
