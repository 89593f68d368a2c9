"""One harness for every cocotb bench: build a module once per parameter set, run its tests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import cocotb
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from onebit.system import need_tool, replaced_dir

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sim"
FOLDERS = (
    ROOT / "rtl",
    ROOT / "rtl" / "board",
    ROOT / "sim",
    ROOT / "sim" / "xc7",
)  # where modules are looked for, in this order
# Verilator's headers are compiled once: they take longer than most models.
HEADER = "verilator_headers.h"
INCLUDES = "".join(f'#include "verilated{part}.h"\n' for part in ("", "_dpi", "_vpi"))
# One C++ file a model: this Verilator's own precompiled headers, made for several, are broken.
BUILD_ARGS = ["-Wall", "--assert", "--output-split", "0", *(f"-I{folder}" for folder in FOLDERS)]
BUILD_ARGS += ["-CFLAGS", f"-include {HEADER}"]
TOOLS = [f"{name} {version(name)}" for name in ("cocotb", "verilator")]

Parameters = Mapping[str, int | str]


def run(
    top: str,
    test_module: str,
    *,
    seed: int = 0,
    files: Mapping[str, str] | None = None,
    generated: Mapping[str, str] | None = None,
    **parameters: int | str,
) -> None:
    """Build module `top` with `parameters` and run the cocotb tests in `test_module`.

    `files` (name -> text) are written into the simulation's working folder: memory files, which
    a parameter names. `generated` (name -> text): SystemVerilog that is in no folder, packages
    first. The tests read `parameters` and `seed` back with `given()`.
    """
    os.environ["PATH"] = os.pathsep.join(
        [str(need_tool("verilator", "simulation").parent), os.environ["PATH"]]
    )
    build_dir = built(top, parameters, generated or {})
    name = f"{top} {dict(parameters)} seed={seed}"
    with TemporaryDirectory(dir=build_dir) as work:
        for file, text in (files or {}).items():
            Path(work, file).parent.mkdir(exist_ok=True)
            Path(work, file).write_text(text)
        results = Path(work, "results.xml")
        given_text = json.dumps({"seed": seed, **parameters})
        try:
            get_runner("verilator").test(
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                test_module=test_module,
                build_dir=build_dir,
                test_dir=work,
                results_xml=str(results),
                plusargs=[
                    f"+given={given_text}",
                    "+verilator+rand+reset+2",  # what reset forgets starts as noise
                    f"+verilator+seed+{seed + 1}",
                ],
            )
            tests, failed = get_results(results)
        except (SystemExit, RuntimeError) as stop:  # an assertion in the RTL ends the simulator
            raise AssertionError(f"{name}: {test_module} failed ({stop})") from None
    assert tests, f"{name}: {test_module} holds no test"
    assert not failed, f"{name}: {failed} of {tests} tests in {test_module} failed"


def given() -> dict[str, int]:
    """Inside the simulator: the parameters and the seed that `run` was called with."""
    values: dict[str, int] = json.loads(str(cocotb.plusargs["given"]))
    return values


def built(top: str, parameters: Parameters, generated: Mapping[str, str]) -> Path:
    """The folder with the compiled model of `top`; made unless one of the same content exists."""
    texts = {file.name: file.read_text() for file in sources(top, generated)} | dict(generated)
    content = json.dumps([top, dict(parameters), texts, BUILD_ARGS, TOOLS], sort_keys=True)
    build_dir = CACHE / f"{top}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if build_dir.is_dir():
        return build_dir
    with replaced_dir(build_dir) as scratch:
        reuse_library(scratch)
        for name, text in generated.items():
            (scratch / name).write_text(text)
        try:
            get_runner("verilator").build(
                sources=[
                    ROOT / "rtl" / "lint.vlt",
                    *(scratch / name for name in generated),
                    module_file(top),
                ],
                hdl_toplevel=top,
                parameters={key: quoted(value) for key, value in parameters.items()},
                build_args=BUILD_ARGS,
                build_dir=scratch,
                always=True,
            )
        except (SystemExit, RuntimeError) as stop:
            raise AssertionError(f"{top} {dict(parameters)} does not build ({stop})") from None
        keep_library(scratch)
    return build_dir


def quoted(value: int | str) -> int | str:
    """A parameter's value as Verilator's -G wants it; a string may be a number such as 40'hff."""
    text = isinstance(value, str) and not re.fullmatch(r"\d+'h[\da-f]+", value)
    return f'"{value}"' if text else value


def module_file(module: str) -> Path:
    """The file of `module`, which has its name."""
    found = [folder / f"{module}.sv" for folder in FOLDERS if (folder / f"{module}.sv").is_file()]
    assert found, f"no file {module}.sv in {[str(folder) for folder in FOLDERS]}"
    return found[0]


def sources(top: str, generated: Mapping[str, str]) -> list[Path]:
    """The files that a build of `top` can depend on: each module whose name is met, and waivers."""
    modules = {file.stem: file for folder in FOLDERS for file in folder.glob("*.sv")}
    found, todo = {top: module_file(top)}, [top]
    words = set(re.findall(r"\w+", "".join(generated.values())))
    todo += [name for name in words & modules.keys() if name != top]
    found |= {name: modules[name] for name in todo}
    while todo:
        words = set(re.findall(r"\w+", found[todo.pop()].read_text()))
        new = {name: modules[name] for name in words & modules.keys() - found.keys()}
        found |= new
        todo += new
    return [ROOT / "rtl" / "lint.vlt", *(found[name] for name in sorted(found))]


def library() -> Path:
    """The folder with Verilator's own library and headers, compiled once for all models."""
    return CACHE / hashlib.sha256(" ".join([*TOOLS, INCLUDES]).encode()).hexdigest()[:16]


def reuse_library(build_dir: Path) -> None:
    """Give a new build the compiled library, if there is one, newer than the makefile to come."""
    (build_dir / HEADER).write_text(INCLUDES)
    soon = time.time() + 600
    for compiled in library().glob("verilated*.o"):
        os.utime(shutil.copy(compiled, build_dir), (soon, soon))
    for headers in library().glob("*.gch"):
        (build_dir / headers.name).symlink_to(headers)


def keep_library(build_dir: Path) -> None:
    """Keep the compiled library of a finished build for the next ones."""
    if not library().is_dir():
        headers = f"{HEADER}.fast.gch"  # as Verilator's makefile can make it
        arguments = ["-f", "Vtop.mk", "VM_PARALLEL_BUILDS=1", "VM_USER_CFLAGS=", headers]
        subprocess.run(["make", "-s", *arguments], cwd=build_dir, check=True)
        with replaced_dir(library()) as scratch:
            (build_dir / headers).rename(scratch / f"{HEADER}.gch")
            for compiled in build_dir.glob("verilated*.o"):
                shutil.copy(compiled, scratch)
