"""The engine's shared library, compiled from a network's C file and cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from onebit import system, verilate
from onebit.cpu.source import header, source
from onebit.errors import OnebitError
from onebit.net import Net

NAME = "engine"  # the prefix of the library's functions
FLAGS = ("-std=c99", "-O3", "-Werror", "-shared", "-fPIC", "-DONEBIT_NAIVE")


def library(net: Net, flags: Sequence[str] = (), tail: str = "") -> Path:
    """The network's library, built unless it is cached.

    `flags` are added to the compiler's, `tail` to its file.
    """
    compiler = system.need_tool("gcc", "the CPU engine")
    version = system.run([compiler, "-dumpfullversion"]).stdout.strip()
    files = {f"{NAME}.h": header(net, NAME), f"{NAME}.c": source(net, NAME) + tail}
    digest = hashlib.sha256(f"{version} {FLAGS} {flags}".encode())
    for text in files.values():
        digest.update(text.encode())

    def make(scratch: Path) -> None:
        for name, text in files.items():
            (scratch / name).write_text(text)
        command: list[str | Path] = [
            compiler,
            *FLAGS,
            *flags,
            scratch / f"{NAME}.c",
            "-o",
            scratch / f"{NAME}.so",
        ]
        done = system.run(command)
        if done.returncode:
            raise OnebitError(
                f"gcc refused the engine:\n{done.stderr.strip()[-2000:]}",
                hint="`onebit doctor` shows the version that was found",
            )

    return verilate.cached(f"engine-{digest.hexdigest()[:24]}", make) / f"{NAME}.so"
