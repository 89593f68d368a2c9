"""`onebit simulate`, and with --board the driver of real boards on a simulated one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from onebit import commands, commands_hls, tables_board
from onebit.errors import CheckFailed, ConfigError

if TYPE_CHECKING:
    from onebit.virtual_board import Surroundings


def simulate(options: argparse.Namespace) -> int:
    """onebit simulate NET [--board | --hls]"""
    if options.hls:
        return commands_hls.simulate(options)
    if not options.board:
        return commands.simulate(options)
    if options.publish:
        raise ConfigError("--publish wants the accelerator alone: no --board")
    from onebit import board_run, trial, virtual_board

    count, around = commands.count_of(options.images), _around(options)
    compiled = commands.compiled_of(options.network)
    samples = trial.samples(compiled, count, options.seed, commands.progress)
    with commands.stderr.status("building the simulated board (cached by content)"):
        virtual_board.built(compiled)
    name = compiled.facts["network"]
    with commands.progress(f"{name} on the simulated board", len(samples.raw)) as bar:
        facts = board_run.run(compiled, samples, around, bar.advance)
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables_board.on_board(facts))
    if facts["mismatches"]:
        raise CheckFailed(
            f"{facts['mismatches']} of {facts['images']} images differ from golden; first: image "
            f"{facts['first_mismatch']}",
            hint=f"does the accelerator alone differ too? onebit simulate {options.network}",
        )
    return 0


def _around(options: argparse.Namespace) -> Surroundings:
    from onebit.virtual_board import Surroundings

    if options.seed < 0:
        raise ConfigError(f"--seed {options.seed} is not at least 0")
    return Surroundings(stall=options.stall, seed=options.seed)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of `onebit simulate`."""
    parser.add_argument(
        "network", metavar="NET", help="a network's name (compiled first if need be), or a folder"
    )
    parser.add_argument("--images", default="1000", metavar="N|all", help="how many (1000)")
    parser.add_argument(
        "--stall",
        type=int,
        default=0,
        metavar="PERCENT",
        help="pause both streams at random, in this share of the cycles (0)",
    )
    parser.add_argument("--seed", type=int, default=0, help="for pauses and random samples (0)")
    parser.add_argument(
        "--board",
        action="store_true",
        help="on a simulated board: registers, DMA and the driver of real ones; --stall pauses the "
        "memory",
    )
    parser.add_argument(
        "--hls", action="store_true", help="the HLS C++ instead of the RTL, compiled by g++"
    )
    parser.add_argument(
        "--publish", action="store_true", help="put the result on the card in models/NET"
    )
