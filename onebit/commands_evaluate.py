"""`onebit evaluate`: a network's integer model on the test images of a data set."""

from __future__ import annotations

import argparse

from onebit import commands, tables
from onebit.errors import ConfigError


def evaluate(options: argparse.Namespace) -> int:
    """onebit evaluate NET"""
    from onebit import data, trial
    from onebit import evaluate as evaluation

    chosen = commands.resolved(options.network, options.input)
    name = options.data or chosen.data
    if name is None:
        raise ConfigError(
            f"what data {options.network!r} was trained on is not known",
            hint=f"--data SET, of: {', '.join(data.NAMES)}",
        )
    names, net = data.classes(name), chosen.net()
    test = trial.test_images(name, net, chosen.features, commands.progress)
    with commands.progress(f"{chosen.name} on {name}", len(test.images)) as bar:
        facts = evaluation.evaluate(net, test, names, bar.advance)
    facts = {"network": chosen.name, "data": name, "net_hash": net.hash, **facts}
    if options.json:
        commands.emit_json(facts)
    else:
        commands.stdout.print(tables.evaluated(facts))
    return 0
