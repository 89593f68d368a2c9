"""The board's own processor, estimated: instructions an image under emulation, at its clock."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.cpu import as_raw
from onebit.cpu.export import files
from onebit.errors import OnebitError
from onebit.net import Net

CLOCK_MHZ = 650  # of a PYNQ-Z2's Cortex-A9
PER_CYCLE = 1.0  # instructions, of at most two: what makes the figure an estimate
FEW, MORE = 1, 5  # samples of the two runs; what they differ by is without start and end
FLAGS = ("-std=c99", "-O3", "-mcpu=cortex-a9", "-mfpu=neon", "-static")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Instructions that one image takes, and the images a second that they let through."""

    instructions: float

    @property
    def images_per_second(self) -> float:
        return CLOCK_MHZ * 1e6 * PER_CYCLE / self.instructions


def estimate(net: Net, images: NDArray[np.generic]) -> Estimate:
    """Exported C for ARM, a call a sample; MissingTool where compiler or emulator are not there."""
    why = "the estimate of the Cortex-A9"
    host, arm = system.need_tool("gcc", why), system.need_tool("arm-linux-gnueabihf-gcc", why)
    qemu = system.need_tool("qemu-arm", why)
    samples = as_raw(net.input, images[:MORE])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, text in files(net, "net").items():
            (folder / name).write_text(text)
        plugin = system.share_dir("cpu") / "count.c"
        _run([host, "-O2", "-shared", "-fPIC", plugin, "-o", "count.so"], folder)
        _run([arm, *FLAGS, "main.c", "net.c", "-o", "main"], folder)
        counts = []
        for count in (FEW, MORE):
            (folder / "samples").write_bytes(samples[:count].tobytes())
            words = ["-cpu", "cortex-a9", "-d", "plugin", "-D", "log", "-plugin", "./count.so"]
            _run([qemu, *words, "./main", "samples"], folder)
            counts.append(int((folder / "log").read_text().split()[-1]))
    return Estimate(instructions=(counts[1] - counts[0]) / (MORE - FEW))


def _run(command: list[Any], folder: Path) -> None:
    done = system.run(command, cwd=folder)
    if done.returncode:
        raise OnebitError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()[-2000:]}")
