"""`onebit deploy`: one zip file with everything that a board needs to run a network."""

from __future__ import annotations

import argparse
from typing import Any

from onebit import commands, tables_board
from onebit.errors import ConfigError


def deploy(options: argparse.Namespace) -> int:
    """onebit deploy NET"""
    from onebit import deploy as deploying
    from onebit import trial

    if options.images < 1:
        raise ConfigError(f"--images {options.images} is not at least 1")
    compiled = commands.compiled_of(options.network)
    built = deploying.bitstream(compiled)
    chosen = trial.samples(compiled, options.images, 0, commands.progress)
    out = options.out or compiled.out / "deploy"
    written = deploying.write(compiled, chosen, built, out)
    facts: dict[str, Any] = {
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "zip": str(written),
        "bytes": written.stat().st_size,
        "bitstream": built.file and str(built.file),
        "board": built.board,
        "clock_mhz": built.clock_mhz,
        "samples": len(chosen.raw),
        "origin": chosen.origin,
    }
    if built.file is None:
        commands.stderr.print(
            f"note: there is no bitstream yet; `onebit bitstream {compiled.out}` makes it, then "
            "deploy again",
            markup=False,
        )
    elif built.met is False:
        commands.stderr.print(
            f"warning: the bitstream is not as fast as its clock of {built.clock_mhz:g} MHz; its "
            "results may be wrong",
        )
    commands.emit_json(facts) if options.json else commands.stdout.print(
        tables_board.deployed(facts)
    )
    return 0
