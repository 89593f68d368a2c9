"""`onebit export-c` and `onebit bench`: the network in C, and how fast it is beside the FPGA."""

from __future__ import annotations

import argparse
from pathlib import Path

from onebit import commands
from onebit.errors import ConfigError

SECONDS, LONGEST = 40, 3600


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
    parser.add_argument(
        "network", metavar="NET", help="a network's name (compiled first if need be), or a folder"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S", help=f"of turns ({SECONDS})"
    )
    parser.add_argument(
        "--larq",
        type=Path,
        metavar="PYTHON",
        help="the Python of an environment with Larq Compute Engine, to be measured too",
    )


def bench(options: argparse.Namespace) -> int:
    """onebit bench NET"""
    from onebit import bench as benches
    from onebit import tables_bench

    if not 0 < options.seconds <= LONGEST:
        raise ConfigError(f"--seconds {options.seconds:g} is not above 0 and at most {LONGEST}")
    compiled = commands.compiled_of(options.network)
    with commands.progress(f"{compiled.facts['network']} on this CPU", 1) as bar:

        def told(done: int, of: int) -> None:
            bar.shown.update(bar.task, total=of)
            bar.to(done, "rounds")

        facts = benches.bench(compiled, options.seconds, options.larq, told)
    written = benches.keep(compiled, facts)
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables_bench.benched(facts))
    commands.stderr.print(f"wrote {written}; `onebit report` shows it", soft_wrap=True)
    return 0
