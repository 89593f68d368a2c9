"""`onebit evaluate`: a network's integer model on the test images of a data set."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from onebit import commands, tables
from onebit.errors import ConfigError
from onebit.net import Net


def evaluate(options: argparse.Namespace) -> int:
    """onebit evaluate NET"""
    from onebit import data, flow
    from onebit import evaluate as evaluation

    network, known, found = _subject(options.network, options.input)
    name = options.data or known
    if name is None:
        raise ConfigError(
            f"what data {options.network!r} was trained on is not known",
            hint=f"--data SET, of: {', '.join(data.NAMES)}",
        )
    names, net = data.classes(name), found()
    test = flow.test_images(name, net, commands.progress)
    with commands.progress(f"{network} on {name}", len(test.images)) as bar:
        facts = evaluation.evaluate(net, test, names, bar.advance)
    facts = {"network": network, "data": name, "net_hash": net.hash, **facts}
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables.evaluated(facts))
    return 0


def _subject(name: str, raw: str | None) -> tuple[str, str | None, Callable[[], Net]]:
    """The name and the data set of a network, a file or a folder of ours, and the way to its Net.

    Lowering takes seconds: what is wrong with the command line is said before.
    """
    from onebit import flow
    from onebit.lower import lower

    if (Path(name) / flow.COMPILED).is_file():
        compiled = flow.read(Path(name))
        return compiled.facts["network"], compiled.facts["data"], lambda: compiled.net
    chosen = flow.subject(name)

    def lowered() -> Net:
        with commands.stderr.status("lowering"):
            return lower(chosen.model, raw=raw).net

    return chosen.name, chosen.data, lowered
