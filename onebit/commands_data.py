"""`onebit data`: what of each data set is there, what is missing, and how to get it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from onebit import commands, recipe, tables
from onebit.data import NAMES, find
from onebit.data.catalogue import SETS, home
from onebit.data.download import download
from onebit.data.parts import MissingData
from onebit.errors import ConfigError


def data(options: argparse.Namespace) -> int:
    """onebit data [NAME]"""
    if options.name is None:
        if options.download:
            raise ConfigError("--download wants a data set", hint="onebit data gtsrb --download")
        facts = [facts_of(name) for name in NAMES]
        if options.json:
            commands.emit_json(facts)
        else:
            commands.stdout.print(tables.data_sets(facts))
            commands.stderr.print("next: onebit data NAME, which says how to get it")
        return 0
    name = _name(options.name)
    if options.download:
        fetched = download(name, _transfer)
        commands.stderr.print(f"fetched {len(fetched)} files" if fetched else "nothing to fetch")
    one = facts_of(name)
    commands.emit_json(one) if options.json else commands.stdout.print(tables.data_set(one))
    for part in one["parts"].values():
        if part["problem"]:
            raise ConfigError(part["problem"], hint=part["hint"])
    return 0


def _name(given: str) -> str:
    """The data set called `given`, or that of the network called so."""
    if given in NAMES:
        return given
    if given in recipe.networks():
        return recipe.load(given).data
    raise ConfigError(
        f"no data set and no network is called {given!r}",
        hint=f"data sets: {', '.join(NAMES)}; `onebit list` lists the networks",
    )


def facts_of(name: str) -> dict[str, Any]:
    """What is known of the data set `name`, and what of it is there."""
    known = SETS[name]
    files = dict.fromkeys(file for part in known.parts for file in known.files.get(part, ()))
    return {
        "data": name,
        "title": known.title,
        "kind": known.kind,
        "classes": len(known.classes),
        "side": known.side,
        "folder": str(home(name)),
        "parts": {part: _part(name, part) for part in known.parts},
        "source": known.source,
        "licence": known.licence,
        "files": [
            {"name": file.name, "url": file.url, "md5": file.md5, "bytes": file.size}
            for file in files
        ],
    }


def _part(name: str, part: str) -> dict[str, Any]:
    """A part of a data set: where it is, or what is wrong."""
    wanted = SETS[name].parts[part]
    empty = {"images": 0, "of": wanted, "layout": None, "where": None}
    try:
        found = find(name, part)
    except ConfigError as reason:
        state = "missing" if isinstance(reason, MissingData) else "damaged"
        return {**empty, "state": state, "problem": reason.message, "hint": reason.hint}
    whole = wanted is None or found.images == wanted
    return {
        "images": found.images,
        "of": wanted,
        "layout": found.layout,
        "where": found.where,
        "state": "complete" if whole else "partial",
        "problem": None,
        "hint": None,
    }


@contextmanager
def _transfer(what: str, total: int) -> Iterator[commands.Bar]:
    """A progress bar on stderr that counts bytes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=commands.stderr, transient=True) as shown:
        yield commands.Bar(shown, shown.add_task(what, total=total, note=""))
