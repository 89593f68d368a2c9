"""`onebit compile`: lowers a network, chooses how it is folded, writes the accelerator."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from onebit import tables, tables_folding
from onebit.commands import OUT, emit_json, progress, stderr, stdout
from onebit.errors import ConfigError

if TYPE_CHECKING:
    from onebit.board import Board
    from onebit.flow import Subject
    from onebit.folding import Folding
    from onebit.lower import Lowered
    from onebit.net import Net


def compile_network(options: argparse.Namespace) -> int:
    """onebit compile NET"""
    from onebit import board, choose, cost, flow, trial
    from onebit.lower import lower

    if not 1 <= options.ceiling <= 100:
        raise ConfigError(f"--ceiling {options.ceiling:g} is not in 1..100 percent")
    ceiling = options.ceiling / 100
    chosen = flow.subject(options.network, options.data)
    with stderr.status("lowering: FINN streamlines, the source gives every threshold"):
        lowered = lower(chosen.model, title=chosen.title, raw=options.input)
    if options.data:
        trial.test_images(options.data, lowered.net, chosen.features, progress)
    with stderr.status("folding"):
        wanted = options.target_fps, options.folding, options.style, ceiling
        folds, unsized = flow.choose_folding(lowered.net, options.board, *wanted)
    if unsized and not options.check:
        folds = _with_fifos(lowered.net, folds)
    part = board.load(folds.board)
    out = options.out or OUT / chosen.name
    if not options.check:
        flow.write(chosen, lowered, folds, out, _command(options))
    facts = _facts(chosen, lowered, folds, part) | {
        "out": None if options.check else str(out),
        "fifos_given": not unsized,
    }
    if options.explain:
        facts["folding"] = choose.explained(lowered.net, folds, part, ceiling)
    _warn(facts, part, cost.overflow(lowered.net, folds, part, ceiling))
    if options.json:
        emit_json(facts)
        return 0
    if options.explain:
        stdout.print(tables.nodes(facts["nodes"]))
        stdout.print(tables_folding.explained(facts["folding"]))
    stdout.print(tables.compiled(facts))
    if facts["out"]:
        stderr.print(f"next: onebit simulate {out}")
    return 0


def _warn(facts: dict[str, Any], part: Board, too_much: str) -> None:
    if too_much:
        stderr.print(f"warning: more than {part.name} offers: {too_much}")
    if (port := facts["port_images_per_second"]) < facts["images_per_second"]:
        stderr.print(f"note: {part.name}'s {part.port_bits}-bit port allows {port:,.0f} images/s")


def _facts(chosen: Subject, lowered: Lowered, folds: Folding, part: Board) -> dict[str, Any]:
    from onebit import cost

    interval = cost.interval(lowered.net, folds)
    return {
        "network": chosen.name,
        "net_hash": lowered.net.hash,
        "ii_cycles": interval,
        "images_per_second": folds.clock_mhz * 1e6 / interval,
        "port_images_per_second": cost.port_rate(lowered.net, folds, part),
        "clock_mhz": folds.clock_mhz,
        "lut_estimate": cost.luts(lowered.net, folds),
        "lut_board": part.lut,
        "bram_estimate": cost.brams(lowered.net, folds),
        "bram_board": part.bram36,
        "head_pairs": lowered.head_pairs,
        "ties": lowered.ties,
        "unchecked": lowered.unchecked,
        "nodes": [{"node": n.node, "op": n.op, "became": n.became} for n in lowered.notes],
    }


def _command(options: argparse.Namespace) -> str:
    """The command line that compiles the same network again."""
    words = ["onebit", "compile", str(options.network)]
    for name in ("data", "input", "target_fps", "folding", "style", "out"):
        value = getattr(options, name)
        if value not in (None, "folded"):
            words += [
                f"--{name.replace('_', '-')}",
                f"{value:g}" if name == "target_fps" else str(value),
            ]
    if options.ceiling != 80:
        words += ["--ceiling", f"{options.ceiling:g}"]
    return shlex.join(words)


def _with_fifos(net: Net, folds: Folding) -> Folding:
    """The folding with the smallest FIFOs, found by simulation as one watches."""
    from onebit import flow

    what = "FIFO depths, by simulation"
    with stderr.status(f"{what}: building the simulator") as status:
        sized, reason = flow.with_fifos(net, folds, lambda text: status.update(f"{what}: {text}"))
    if reason:
        stderr.print(f"warning: {reason}")
    return sized
