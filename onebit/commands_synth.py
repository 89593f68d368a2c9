"""`onebit synth`: what the accelerator takes of the part by Yosys, and its netlist simulated."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from onebit import commands, tables_folding, tables_synth
from onebit.errors import CheckFailed, ConfigError

if TYPE_CHECKING:
    from onebit.flow import Compiled
    from onebit.synth import Synthesised


def synth(options: argparse.Namespace) -> int:
    """onebit synth NET"""
    from onebit import board, simulate, utilisation
    from onebit import synth as synthesis

    if options.check is not None and options.check < 2:
        raise ConfigError(f"--check {options.check} is not at least 2 images")
    synthesis.yosys()
    compiled = commands.compiled_of(options.network)
    simulate.checked(compiled.out, compiled.net, compiled.folding)
    part = board.load(compiled.folding.board)
    done = _synthesise(compiled)
    with commands.stderr.status("counting cells, following paths"):
        facts = utilisation.measure(compiled, done)
    if options.check is not None:
        facts["check"] = _check(compiled, done, options.check)
    elif (before := utilisation.kept(compiled)) is not None:
        facts["check"] = before["check"]
    utilisation.keep(compiled, facts)
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables_synth.synthesised(facts))
        commands.stdout.print(tables_folding.calibration(facts["calibration"]))
    _judge(facts)
    utilisation.judge(facts, part)
    return 0


def _synthesise(compiled: Compiled) -> Synthesised:
    from onebit import synth as synthesis

    with commands.progress(f"synthesis of {compiled.facts['network']}", 1) as bar:

        def told(done: int, of: int, name: str) -> None:
            bar.shown.update(bar.task, total=of)
            bar.to(done, name)
            if not commands.stderr.is_terminal:
                commands.stderr.print(f"synthesised {name}, {done} of {of}")

        return synthesis.synthesise(compiled.out, told)


def _check(compiled: Compiled, done: Synthesised, count: int) -> dict[str, Any]:
    from onebit import gates, trial

    samples = trial.samples(compiled, count, 0, commands.progress)
    with commands.stderr.status("building a simulator of the netlist (cached by content)"):
        program = gates.simulator(done)
    with commands.progress("images through the netlist", len(samples.raw)) as bar:
        return gates.check(compiled, program, samples, bar.advance)


def _judge(facts: dict[str, Any]) -> None:
    """CheckFailed where the netlist is not golden's equal."""
    check = facts["check"]
    if check and check["mismatches"]:
        raise CheckFailed(
            f"the netlist: {check['mismatches']} of {check['images']} images differ from golden; "
            f"first: image {check['first_mismatch']}",
            hint=f"does the RTL differ too? onebit simulate {facts['out']}",
        )
