"""`onebit hls` and `onebit simulate --hls`: the accelerator as Vitis HLS C++."""

from __future__ import annotations

import argparse
from typing import Any

from onebit import commands, tables_hls
from onebit.errors import CheckFailed, ConfigError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Of `onebit hls`."""
    parser.add_argument("network", metavar="NET", help="a network's name, or a compiled folder")


def hls(options: argparse.Namespace) -> int:
    """onebit hls NET"""
    from onebit import board, hls_project

    compiled = commands.compiled_of(options.network)
    part = board.load(compiled.folding.board)
    project = hls_project.Project(compiled=compiled, board=part)
    hls_project.write(project)
    commands.stderr.print(f"wrote {project.folder}", markup=False, soft_wrap=True)
    facts = project.facts
    try:
        with commands.stderr.status("vitis_hls: starting") as status:

            def on_step(text: str) -> None:
                status.update(f"vitis_hls: {text}")
                if not commands.stderr.is_terminal:
                    commands.stderr.print(f"vitis_hls: {text}", markup=False, soft_wrap=True)

            facts |= {"ip": str(hls_project.run(project, on_step)), "tool": "vitis_hls"}
    finally:
        if options.json:
            commands.emit_json(facts)
        else:
            commands.stdout.print(tables_hls.project(facts))
    return 0


def simulate(options: argparse.Namespace) -> int:
    """onebit simulate NET --hls"""
    for word in ("board", "publish", "stall"):
        if getattr(options, word):
            raise ConfigError(f"--{word} is for the RTL: not with --hls")
    from onebit import board, csim, hls_project, trial

    count = commands.count_of(options.images)
    compiled = commands.compiled_of(options.network)
    csim.headers()  # refused before anything slow
    if not (compiled.out / hls_project.FOLDER).is_dir():
        part = board.load(compiled.folding.board)
        hls_project.write(hls_project.Project(compiled=compiled, board=part))
    folder = hls_project.checked(compiled)
    samples = trial.samples(compiled, count, options.seed, commands.progress)
    with commands.stderr.status("compiling the C++ (cached by content)"):
        program = csim.build(folder)
    name = compiled.facts["network"]
    with commands.progress(f"{name} through the HLS C++", len(samples.raw)) as bar:
        facts = csim.simulate(compiled, program, samples, on_done=bar.advance)
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables_hls.simulated(facts))
    _judge(facts, options.network)
    return 0


def _judge(facts: dict[str, Any], network: str) -> None:
    """CheckFailed where an output is not golden's."""
    if facts["mismatch"]:
        place = facts["mismatch"]
        raise CheckFailed(
            f"{facts['mismatches']} of {facts['images']} images differ from golden; first: image "
            f"{place['image']}, {place['output']}: expected {place['expected']}, got "
            f"{place['got']}",
            hint=f"does the RTL differ too? onebit simulate {network}",
        )
