"""Synthesis of an accelerator by Yosys: each distinct module once, cached by content."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from onebit import netlist, system
from onebit.bitstream_tools import complaint
from onebit.errors import CheckFailed, ConfigError, MissingTool

TOP = "accelerator"
CACHE_HINT = "name another folder for builds in $ONEBIT_CACHE"
CHOSEN = {"PRIMITIVES": "1"}  # parameters of the top that synthesis sets: cells of the part
LONG = 1 << 12  # characters of a line
KEPT = ("netlist.json", "netlist.v", "seconds")

# The emitted top: an instance, its parameters one a line, its name.
INSTANCE = re.compile(r"^  (\w+) (?:#\(\n((?:    \..*\n)*)  \) )?(u_\w+) \(\n", re.MULTILINE)
PARAMETER = re.compile(r"^    \.(\w+)\((.*?)\),?$", re.MULTILINE)
CONSTANT = re.compile(r"^  localparam bit [^=]* (\w+) = (\{[^}]*\});", re.MULTILINE)
MODULE = re.compile(r"^\s*(?:module|package)\s+(\w+)", re.MULTILINE)
COMMENT = re.compile(r"//.*")

SCRIPT = """\
read_slang -D SYNTHESIS --best-effort-hierarchy --top {module} {parameters}{sources}
read_verilog -lib -specify +/xilinx/cells_sim.v
hierarchy -check -top {module}
synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -run prepare:map_memory
synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -run map_memory:map_ffram
synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -run map_ffram:
setattr -mod -unset keep_hierarchy *
flatten
clean
delete t:$scopeinfo
setattr -unset src -unset module_not_derived t:* w:*
rename {module} {name}
check -assert
write_json -selected netlist.json
write_verilog -noattr netlist.v
"""
# Runs the script, in a process of its own; writes what it took of a core. Reading the library of
# memories takes two seconds: only where there is one.
RUNNER = """\
import os
from pathlib import Path
os.chdir(Path(__file__).parent)
os.dup2(1, 2)
from pyosys import libyosys
design = libyosys.Design()
for line in Path("script.ys").read_text().splitlines():
    if " map_memory:" not in line or any(
        cell.is_mem_cell() for cell in design.top_module().cells_.values()
    ):
        libyosys.run_pass(line, design)
Path("seconds").write_text(f"{sum(os.times()[:4]):.1f}")
"""

Told = Callable[[int, int, str], None]  # modules made, of how many, the one last made


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A module of the emitted top; `parameters` as they are written there."""

    name: str
    module: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A module to synthesise; equal keys give equal netlists, of modules that are called `name`.

    `text`: source beside `sources`, which are files of the compiled folder.
    """

    key: str
    module: str
    name: str
    parameters: Mapping[str, str]
    sources: tuple[str, ...]
    text: str

    @property
    def script(self) -> str:
        values = "".join(f"-G {name}={value} " for name, value in self.parameters.items())
        sources = " ".join(["given.sv", *self.sources])
        return SCRIPT.format(module=self.module, name=self.name, parameters=values, sources=sources)

    @property
    def folder(self) -> Path:
        """Where the cache has its netlist."""
        return system.cache_dir() / f"netlist-{self.key}"

    @property
    def effort(self) -> int:
        """Longer jobs have a higher one."""
        sides = (self.parameters.get(name, "1") for name in ("PE", "SIMD", "WIDTH", "BITS"))
        effort = 1
        for side in sides:
            effort *= int(side) if side.isdecimal() else 1
        return effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesised:
    """The netlists of an accelerator: the one of each instance, and the top that joins them."""

    top: Job
    units: Mapping[str, Job]
    made: frozenset[str]  # keys that were not in the cache

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Each once."""
        return tuple({job.key: job for job in [*self.units.values(), self.top]}.values())

    def seconds(self, job: Job) -> float:
        """What synthesising it once took of a core."""
        return float((job.folder / "seconds").read_text())


def yosys() -> str:
    """The version of pyosys; MissingTool where it is not there."""
    try:
        if find_spec("pyosys") is None:
            raise PackageNotFoundError
        return version("pyosys")
    except PackageNotFoundError:
        raise MissingTool(
            "the Python package pyosys was not found; synthesis needs it",
            hint="pip install pyosys==0.70, or `make setup`",
        ) from None


def instances(top: str) -> list[Instance]:
    """The modules that the text of the emitted top joins; its constants are put in."""
    constants = {
        name: re.sub(r"\s", "", COMMENT.sub("", value)) for name, value in CONSTANT.findall(top)
    }
    known = CHOSEN | constants
    found = []
    for module, parameters, name in INSTANCE.findall(top):
        values = {key: known.get(value, value) for key, value in PARAMETER.findall(parameters)}
        found.append(Instance(name=name, module=module, parameters=values))
    return found


def units(out: Path) -> dict[str, Job]:
    """What to synthesise for each instance of the accelerator in the folder `out`."""
    library, tool = _library(out), yosys()
    return {each.name: _unit(out, each, library, tool) for each in instances(_top(out))}


def design(jobs: Mapping[str, Job]) -> str:
    """What identifies the accelerator that they make up."""
    return _digest([f"{name} {job.key}" for name, job in jobs.items()])


def synthesise(out: Path, on_done: Told = lambda done, of, name: None) -> Synthesised:
    """The netlists of the accelerator, from the cache or made side by side, the longest first."""
    jobs = units(out)
    missing = {job.key: job for job in jobs.values() if not job.folder.is_dir()}
    queue = sorted(missing.values(), key=lambda job: -job.effort)
    made = {job.key for job in queue}

    def told(done: int, name: str) -> None:
        on_done(done, len(queue) + 1, name)

    _make(out, queue, told)
    top = _join(out, jobs, yosys())
    if not top.folder.is_dir():
        made.add(top.key)
        _make(out, [top], lambda done, name: told(len(queue) + done, name))
    return Synthesised(top=top, units=jobs, made=frozenset(made))


def _top(out: Path) -> str:
    return _text(out / "rtl" / f"{TOP}.sv")


def _text(file: Path) -> str:
    """What a file of the compiled folder holds."""
    try:
        return file.read_text()
    except OSError as reason:
        raise ConfigError(
            f"cannot read {str(file)!r}: {reason.strerror}",
            hint="`onebit compile NET` writes the folder anew",
        ) from None


def _library(out: Path) -> dict[str, tuple[str, str]]:
    """The file and the text of each module in the folder but the top."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted((out / "rtl").glob("*.sv")):
        text = file.read_text()
        found |= dict.fromkeys(MODULE.findall(text), (f"rtl/{file.name}", text))
    return {name: told for name, told in found.items() if name != TOP}


def _needed(module: str, library: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The files that `module` is made of, each with its text."""
    if module not in library:
        raise ConfigError(
            f"no file of rtl/ has the module {module!r}",
            hint="`onebit compile NET` writes the folder anew",
        )
    needed, waiting = {module}, [module]
    while waiting:
        words = set(re.findall(r"\w+", COMMENT.sub("", library[waiting.pop()][1])))
        more = (words & library.keys()) - needed
        needed |= more
        waiting += more
    return dict(sorted(library[name] for name in needed))


def _unit(out: Path, instance: Instance, library: Mapping[str, tuple[str, str]], tool: str) -> Job:
    files = _needed(instance.module, library)
    given = (system.share_dir("build") / "xc7_cells.sv").read_text()
    values = {
        name: _digest([_text(out / value.strip('"'))]) if value.startswith('"') else value
        for name, value in instance.parameters.items()
    }
    key = _digest(
        [tool, SCRIPT, RUNNER, given, instance.module, json.dumps(values), *files.values()]
    )
    return Job(
        key=key,
        module=instance.module,
        name=f"{instance.module}_{key[:12]}",
        parameters=instance.parameters,
        sources=tuple(files),
        text=given,
    )


def _join(out: Path, jobs: Mapping[str, Job], tool: str) -> Job:
    """The top with the netlists as black boxes."""
    text = INSTANCE.sub(lambda match: f"  {jobs[match[3]].name} {match[3]} (\n", _top(out))
    distinct = {job.key: job for job in jobs.values()}.values()
    given = "\n".join([*(_stub(job) for job in distinct), text])
    key = _digest([tool, SCRIPT, RUNNER, given])
    return Job(key=key, module=TOP, name=TOP, parameters={}, sources=(), text=given)


def _stub(job: Job) -> str:
    """The ports of a netlist."""
    unit = netlist.read(job.folder / "netlist.json")
    ports = [
        f"{side} logic [{len(bits) - 1}:0] {name}"
        for side, found in (("input", unit.inputs), ("output", unit.outputs))
        for name, bits in found.items()
    ]
    return f"(* blackbox *) module {job.name} ({', '.join(ports)});\nendmodule\n"


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:24]


def _make(out: Path, queue: Sequence[Job], on_done: Callable[[int, str], None]) -> None:
    """Synthesise the jobs, as many at once as there are cores; what is done is kept at once."""
    if not queue:
        return
    system.cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".synthesis-", dir=system.cache_dir()) as scratch:
        folders = [Path(scratch) / job.key for job in queue]
        for folder, job in zip(folders, queue, strict=True):
            _prepare(folder, job, out)
        logs = [folder / "log" for folder in folders]
        done = 0

        def on_line(index: int, line: str) -> None:
            with logs[index].open("a") as log:
                log.write(line + "\n")

        def on_end(index: int, code: int) -> None:
            nonlocal done
            if code:
                raise _Failed(index)
            _keep(folders[index], queue[index])
            done += 1
            on_done(done, queue[index].name)

        commands: list[list[str | Path]] = [
            [sys.executable, folder / "runner.py"] for folder in folders
        ]
        try:
            system.run_all(
                commands, cwd=out, on_line=on_line, on_end=on_end, at_once=system.cores()
            )
        except _Failed as failed:
            raise _told(queue[failed.index], logs[failed.index], out) from None


class _Failed(Exception):
    """A job that came to nothing; the others end with it."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def _prepare(folder: Path, job: Job, out: Path) -> None:
    """A folder to run in: the script names all files relative to it."""
    folder.mkdir()
    for part in ("rtl", "mem"):
        (folder / part).symlink_to((out / part).resolve())
    (folder / "given.sv").write_text(job.text)
    (folder / "script.ys").write_text(job.script)
    (folder / "runner.py").write_text(RUNNER)


def _keep(folder: Path, job: Job) -> None:
    verilog = folder / "netlist.v"
    verilog.write_text("\n".join(map(broken, verilog.read_text().split("\n"))))
    with system.replaced_dir(job.folder, CACHE_HINT) as new:
        for name in KEPT:
            (folder / name).rename(new / name)


def broken(line: str) -> str:
    """A line of Verilog, what a long one lists on lines of their own: Verilator takes no more than
    40,000 words in one.
    """
    return line if len(line) < LONG else line.replace(", ", ",\n")


def _told(job: Job, log: Path, out: Path) -> CheckFailed:
    """What Yosys said last, and where all of it is."""
    kept = out / "synth.log"
    shutil.copyfile(log, kept)
    said = log.read_text().splitlines()
    return CheckFailed(f"Yosys failed at {job.module}:{complaint(said, 1)}", hint=f"see {kept}")
