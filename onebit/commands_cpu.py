"""`onebit export-c` and `onebit bench`: the network in C, and how fast it is beside the FPGA."""

from __future__ import annotations

import argparse
from pathlib import Path

from onebit import commands


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """What `onebit export-c` takes."""
    parser.add_argument(
        "network", metavar="NET", help="a network's name (compiled first if need be), or a folder"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the files (out/NET/c)")


def export_c(options: argparse.Namespace) -> int:
    """onebit export-c NET"""
    from onebit.cpu import export

    compiled = commands.compiled_of(options.network)
    folder = export.write(compiled, options.out)
    facts = {"network": compiled.facts["network"], "folder": str(folder)}
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(f"{folder}", soft_wrap=True)
    commands.stderr.print(f"next: make -C {folder} native", soft_wrap=True)
    return 0


def add_bench_options(parser: argparse.ArgumentParser) -> None:
    """What `onebit bench` takes."""


def bench(options: argparse.Namespace) -> int:
    return 0
