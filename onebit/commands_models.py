"""`onebit summary` and `onebit models`: the size of a network, and the pages of all of them."""

from __future__ import annotations

import argparse

from onebit import commands, tables
from onebit.errors import CheckFailed


def summary(options: argparse.Namespace) -> int:
    """onebit summary NET"""
    from onebit import summary as summaries

    facts = summaries.summary(commands.resolved(options.network, options.input).net())
    commands.emit_json(facts) if options.json else commands.stdout.print(tables.summary(facts))
    return 0


def models(options: argparse.Namespace) -> int:
    """onebit models"""
    from onebit import publish

    stale = list(publish.outdated()) if options.check else publish.pages()
    names = [str(file) for file in stale]
    if options.json:
        commands.emit_json(names)
    elif not options.check:
        commands.stdout.print("\n".join(f"wrote {name}" for name in names) or "all up to date")
    if options.check and stale:
        raise CheckFailed(f"{names[0]!r} is not what the cards say", hint="onebit models")
    return 0
