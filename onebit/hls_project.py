"""The HLS accelerator as a folder that Vitis HLS makes an IP block of, anywhere.

The script is a file of build/; what differs between networks is in `settings`. The testbench has a
few random images and what must come of them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import bitstream, csim, emit, emit_hls, golden, simulate, system
from onebit.bitstream_tools import SAID, complaint
from onebit.board import Board
from onebit.errors import CheckFailed, ConfigError, MissingTool
from onebit.flow import Compiled
from onebit.net import Input
from onebit.pack import beat_bytes, pack_stream

FOLDER = "hls"
SCRIPT = "run_hls.tcl"
RUN = f"vitis_hls -f {SCRIPT}"
IMAGES = 10  # of the testbench: RTL simulation of the tool is slow
IP = "ip/onebit_accelerator.zip"

README = """\
{title} as Vitis HLS C++ for {part} at {clock:g} MHz.

With Vitis HLS 2020.2 or newer:   {run}
It simulates the C++, synthesises it, simulates the RTL that comes of it with {images} images, and
writes {ip}. This folder needs nothing else: copy it to where the tool is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The HLS design of a compiled network for a board's part, in a folder."""

    compiled: Compiled
    board: Board

    @property
    def folder(self) -> Path:
        return self.compiled.out / FOLDER

    @property
    def clock_mhz(self) -> float:
        return self.compiled.folding.clock_mhz

    @property
    def facts(self) -> dict[str, Any]:
        """What is known before the tool has run."""
        return {
            "network": self.compiled.facts["network"],
            "net_hash": self.compiled.net.hash,
            "folder": str(self.folder),
            "part": self.board.part,
            "clock_mhz": self.clock_mhz,
            "tool": None,
            "ip": None,
        }


def write(project: Project) -> None:
    """Write the project's folder, whole or not at all."""
    compiled = project.compiled
    net, folding = compiled.net, compiled.folding
    with system.replaced_dir(project.folder, hint="free its folder, or compile to another") as new:
        write_sources(new, emit_hls.files(net, folding))
        raw = random_samples(net.input, IMAGES)
        simulate.write_images(new / "images", net, folding, golden.encode(net.input, raw))
        expected = results(golden.run(net, raw), emit.result(net, folding))
        (new / "expected").write_bytes(expected.tobytes())
        shutil.copyfile(system.share_dir("build") / SCRIPT, new / SCRIPT)
        (new / "settings").write_text(settings(project))
        (new / "README.txt").write_text(
            README.format(
                title=compiled.facts["title"] or compiled.facts["network"],
                part=project.board.part,
                clock=project.clock_mhz,
                run=RUN,
                images=IMAGES,
                ip=IP,
            )
        )


def write_sources(folder: Path, files: dict[str, str]) -> None:
    """Write emitted files into `folder`, and the library that they include."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for file in emit_hls.library():
        shutil.copyfile(file, folder / file.name)


def checked(compiled: Compiled) -> Path:
    """The HLS folder of a compiled network; ConfigError unless its top is of this network.

    What the constants and templates say is for the simulation to judge.
    """
    folder = compiled.out / FOLDER
    files = emit_hls.files(compiled.net, compiled.folding)
    for name in (f"{emit_hls.TOP}.cpp", f"{emit_hls.TOP}.hpp", "testbench.cpp"):
        file = folder / name
        if not file.is_file() or file.read_text(errors="replace") != files[name]:
            raise ConfigError(
                f"{str(file)!r} is not what net.json and folding.toml describe",
                hint="`onebit hls NET` writes the folder anew",
            )
    return folder


def random_samples(first: Input, count: int) -> NDArray[np.int64]:
    """Raw samples over the whole range of the input, always the same."""
    index = np.random.default_rng(0).integers(0, len(first.table), (count, *first.shape))
    return np.asarray(first.raw_lo + first.raw_step * index)


def results(wanted: golden.Outputs, result: emit.Result) -> NDArray[np.uint8]:
    """The beats (images, beats, bytes) of these outputs; the class of a beat is that so far."""
    lanes = pack_stream(wanted.logits, result.pe, result.logit_bits)
    logits = np.unpackbits(lanes, axis=-1, bitorder="little", count=result.pe * result.logit_bits)
    ends = np.minimum(np.arange(1, result.beats + 1) * result.pe, result.classes)
    so_far = np.stack([wanted.logits[:, :end].argmax(axis=1) for end in ends], axis=1)
    classes = so_far[..., None] >> np.arange(result.class_bits) & 1
    bits = np.concatenate([logits, classes.astype(np.uint8)], axis=-1)
    beats = np.zeros((*bits.shape[:2], beat_bytes(result.width, 1)), dtype=np.uint8)
    packed = np.packbits(bits, axis=-1, bitorder="little")
    beats[..., : packed.shape[-1]] = packed
    return beats


def settings(project: Project) -> str:
    """What the script must know, as lines NAME="VALUE"."""
    values = {
        "net": bitstream.file_name(project.compiled),
        "top": emit_hls.TOP,
        "part": project.board.part,
        "period_ns": f"{1000 / project.clock_mhz:.3f}",
        "cflags": f"-std=c++14 {csim.WIDEST}",
        "images": IMAGES,
        "ip": IP,
    }
    lines = [f'{name}="{value}"' for name, value in values.items()]
    return "\n".join(["# What the script beside this file must know.", *lines, ""])


def run(project: Project, on_step: Callable[[str], None]) -> Path:
    """The IP block by Vitis HLS; MissingTool where it is not here, CheckFailed where it fails."""
    tool = system.find_tool("vitis_hls")
    if tool is None:
        raise MissingTool(
            f"vitis_hls was not found: {str(project.folder)!r} is written, not synthesised",
            hint=f"install {system.INSTALL['vitis_hls']}; or take the folder, which is complete, "
            f"to where it is:\n  cd {project.folder} && {RUN}\n"
            "`onebit simulate NET --hls` simulates the C++ here",
        )
    log, said = project.folder / "vitis_hls.log", list[str]()

    def told(line: str) -> None:
        said.append(line)
        if line.startswith(SAID):
            on_step(line.removeprefix(SAID))

    made = project.folder / IP
    code = system.run_logged([tool, "-f", SCRIPT], cwd=project.folder, log=log, on_line=told)
    if code or not made.is_file():
        step = next((re.sub(SAID, " at ", line) for line in reversed(said) if SAID in line), "")
        raise CheckFailed(f"vitis_hls failed{step}:{complaint(said, code)}", hint=f"see {log}")
    return made
