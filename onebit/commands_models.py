"""`onebit summary` and `onebit models`: the size of a network, and the pages of all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from onebit import commands, tables
from onebit.errors import CheckFailed
from onebit.net import Net


def summary(options: argparse.Namespace) -> int:
    """onebit summary NET"""
    from onebit import summary as summaries

    facts = summaries.summary(_net(options.network, options.input))
    commands.emit_json(facts) if options.json else commands.stdout.print(tables.summary(facts))
    return 0


def _net(name: str, raw: str | None) -> Net:
    """The network called so, or in the file or compiled folder at that path."""
    from onebit import flow
    from onebit.lower import lower

    if (Path(name) / flow.COMPILED).is_file():
        return flow.read(Path(name)).net
    with commands.stderr.status("lowering"):
        return lower(flow.subject(name).model, raw=raw).net


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
