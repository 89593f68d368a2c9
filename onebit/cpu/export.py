"""A network as C for other programs: its file and header, an example and a Makefile."""

from __future__ import annotations

from pathlib import Path

from onebit import system
from onebit.cpu.source import header, renamed, source
from onebit.flow import Compiled
from onebit.net import Net

EXAMPLE = ("main.c", "Makefile")


def files(net: Net, name: str) -> dict[str, str]:
    """File name to text."""
    folder = system.share_dir("cpu")
    return {
        f"{name}.c": source(net, name),
        f"{name}.h": header(net, name),
        **{file: renamed((folder / file).read_text(), name) for file in EXAMPLE},
    }


def write(compiled: Compiled, out: Path | None) -> Path:
    """Write the files to the folder `out`, else `c` of the compiled folder; returns it."""
    folder = out or compiled.out / "c"
    for file, text in files(compiled.net, compiled.facts["network"]).items():
        system.write_text(folder / file, text)
    return folder
