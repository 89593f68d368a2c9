"""The synthesised netlist in simulation: every unit as cells of the part, through the harness."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onebit import golden, netlist, simulate, system, trial, verilate
from onebit.errors import CheckFailed
from onebit.flow import Compiled
from onebit.synth import Synthesised

# Yosys' models of block RAMs have no behaviour, those of LUTs make too much code; ours are in
# sim/cells/.
OWN = {"RAMB18E1": "block_ram.sv", "RAMB36E1": "block_ram.sv"}
OWN |= {f"LUT{inputs}": "luts.sv" for inputs in range(1, 7)}
SPECIFY = re.compile(r"^\s*specify\b.*?^\s*endspecify\b\n", re.MULTILINE | re.DOTALL)


def cells(kinds: set[str]) -> str:
    """Yosys' models of the cells, without their timing."""
    spec = find_spec("pyosys")
    assert spec is not None and spec.origin is not None
    file = Path(spec.origin).parent / "share" / "xilinx" / "cells_sim.v"
    models = []
    text = file.read_text()
    for kind in sorted(kinds):
        found = re.search(rf"^module {kind} ?\(.*?^endmodule\n", text, re.MULTILINE | re.DOTALL)
        if found is None:
            raise CheckFailed(f"Yosys' cells_sim.v has no model of {kind}: it cannot be simulated")
        models.append(SPECIFY.sub("", found[0]))
    return "\n".join(models)


def simulator(done: Synthesised) -> Path:
    """The built simulator of the netlist."""
    netlists = [netlist.read(job.folder / "netlist.json") for job in done.jobs]
    kinds = {cell.kind for each in netlists for cell in each.cells}
    kinds -= {job.name for job in done.jobs}
    own = {system.share_dir("sim") / "cells" / OWN[kind] for kind in kinds & OWN.keys()}
    files = [job.folder / "netlist.v" for job in done.jobs]
    with tempfile.TemporaryDirectory() as scratch:
        models = Path(scratch) / "cells.v"
        models.write_text(cells(kinds - OWN.keys()))
        return verilate.build([models, *sorted(own), *files], verilate.GATES)


def check(
    compiled: Compiled,
    program: Path,
    samples: trial.Samples,
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Samples through the netlist, compared with golden in every logit and class."""
    elements = golden.encode(compiled.net.input, samples.raw)
    found = simulate.through(
        program, compiled.out, compiled.net, compiled.folding, elements, on_done=on_done
    )
    wrong = simulate.compare(found, golden.run(compiled.net, samples.raw))
    return {
        "images": len(samples.raw),
        "samples": samples.origin,
        "mismatches": len(wrong),
        "first_mismatch": int(wrong[0]) if len(wrong) else None,
        "cycles": found.cycles,
        "seconds": round(found.seconds, 3),
    }
