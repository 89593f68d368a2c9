"""The HLS accelerator as C simulation: built by g++, cached by content, and run on many images."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from onebit import emit, emit_hls, golden, system, verilate
from onebit.errors import CheckFailed, MissingTool
from onebit.flow import Compiled
from onebit.folding import Folding
from onebit.net import Net
from onebit.simulate import Ints, compare, counting, read_results, shares, write_images
from onebit.trial import Samples

AP_TYPES = Path("templates") / "vivado" / "ap_types"  # inside the package hls4ml
# Warnings are errors, but for two kinds: g++ knows no #pragma HLS, and an ap_uint's constructor
# masks words that it has not set yet, which -O2 sees where it is inlined into our functions.
FLAGS = ("-std=c++14", "-Wall", "-Wextra", "-Werror")
PRAGMAS = "-Wno-unknown-pragmas"
QUIET = (PRAGMAS, "-Wno-uninitialized", "-Wno-maybe-uninitialized")
WIDEST = f"-DAP_INT_MAX_W={emit_hls.WIDEST}"
OPTIMISE = "-O2"
IMAGES_A_PROCESS = 16  # at least: fewer are not worth a process


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What came out: logits (images, classes), classes (images,)."""

    logits: Ints
    classes: Ints
    seconds: float


def headers() -> Path:
    """The folder with ap_int.h and hls_stream.h, of the package hls4ml, which is not imported."""
    found = find_spec("hls4ml")
    for place in (found.submodule_search_locations or ()) if found else ():
        if (Path(place) / AP_TYPES / "ap_int.h").is_file():
            return Path(place) / AP_TYPES
    raise MissingTool(
        "ap_int.h was not found; C simulation of the HLS accelerator needs it",
        hint="pip install --no-deps hls4ml, which carries it (make setup-dev does)",
    )


def compiler(options: Sequence[str | Path] = ()) -> list[str | Path]:
    """g++ with the flags that every HLS source is compiled with."""
    gxx = system.need_tool("g++", "C simulation of the HLS accelerator")
    return [gxx, *FLAGS, *QUIET, WIDEST, *options, "-isystem", headers()]


def build(folder: Path) -> Path:
    """The testbench of the HLS accelerator in `folder`: built unless it is cached."""
    sources = sorted(file for file in folder.rglob("*") if file.suffix in {".hpp", ".h", ".cpp"})
    command = compiler([OPTIMISE])
    version = system.run([command[0], "-dumpfullversion"]).stdout.strip()
    digest = hashlib.sha256(f"{version} {command}".encode())
    for file in sources:
        name = file.relative_to(folder).as_posix()
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")

    def make(scratch: Path) -> None:
        units = [file for file in sources if file.suffix == ".cpp"]
        objects = [scratch / f"{file.stem}.o" for file in units]
        verilate.run_compilers(
            [
                [*command, "-I", folder, "-c", file, "-o", made]
                for file, made in zip(units, objects, strict=True)
            ]
        )
        verilate.run_compilers([[command[0], *objects, "-o", scratch / "testbench"]])

    return verilate.cached(f"csim-{digest.hexdigest()[:24]}", make) / "testbench"


def run(
    program: Path,
    net: Net,
    folding: Folding,
    elements: golden.Values,
    *,
    words: Sequence[str] = (),
    on_done: Callable[[int], None] = lambda count: None,
) -> Run:
    """Stream `elements` (images, *input shape) through a built testbench, on all cores.

    `words` go ahead of the arguments of hls/testbench.h. `on_done` hears how many more came out.
    """
    parts = shares(len(elements), IMAGES_A_PROCESS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_images(folder / "images", net, folding, elements)
        start = time.perf_counter()
        commands: list[list[str | Path]] = [
            [program, *words, "images", f"results{first}", str(first), str(count), "-"]
            for first, count in parts
        ]
        for code, error in system.run_all(commands, cwd=folder, on_line=counting(on_done)):
            if code:
                raise CheckFailed(f"C simulation stopped: {error.strip() or f'exit code {code}'}")
        seconds = time.perf_counter() - start
        files = [folder / f"results{first}" for first, _ in parts]
        data = np.concatenate([np.fromfile(file, dtype=np.uint8) for file in files])
    logits, classes = read_results(data, emit.result(net, folding))
    return Run(logits=logits, classes=classes, seconds=seconds)


def simulate(
    compiled: Compiled,
    program: Path,
    chosen: Samples,
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Samples through a built testbench, compared with golden."""
    net = compiled.net
    expected = golden.run(net, chosen.raw)
    elements = golden.encode(net.input, chosen.raw)
    found = run(program, net, compiled.folding, elements, on_done=on_done)
    wrong = compare(found, expected)
    right = None if chosen.labels is None else float((found.classes == chosen.labels).mean())
    return {
        "network": compiled.facts["network"],
        "net_hash": net.hash,
        "samples": chosen.origin,
        "images": len(chosen.raw),
        "mismatches": len(wrong),
        "mismatch": mismatch(found, expected, int(wrong[0])) if len(wrong) else None,
        "accuracy": right,
        "seconds": round(found.seconds, 3),
    }


def mismatch(found: Run, expected: golden.Outputs, image: int) -> dict[str, Any]:
    """The first output of `image` that is not golden's."""
    differing = np.flatnonzero(found.logits[image] != expected.logits[image])
    got, wanted, output = found.classes[image], expected.classes[image], "the class"
    if len(differing):
        place = int(differing[0])
        got, wanted = found.logits[image, place], expected.logits[image, place]
        output = f"the logit of class {place}"
    return {"image": image, "output": output, "expected": int(wanted), "got": int(got)}
