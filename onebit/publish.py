"""What goes from out/ into models/: a training, a simulation, and the pages of all networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onebit import board, cards, cost, recipe, system
from onebit.errors import ConfigError
from onebit.flow import MODEL, Compiled
from onebit.summary import summary

PICTURES = {"shown"}  # those stay in simulation.json


def training(trained: Path, network: str) -> None:
    """Make what a training left the model, the card and the page of `network`."""
    target, card = recipe.folder(network), cards.load(trained)
    system.write_bytes(target / MODEL, (trained / MODEL).read_bytes())
    cards.write(target, card)
    pages()


def card_of(compiled: Compiled) -> dict[str, Any]:
    """The card of the network in models/ that was compiled; ConfigError where there is none."""
    name = compiled.facts["network"]
    card = cards.load(recipe.folder(name))
    if card["model_sha256"] != compiled.facts["model_sha256"]:
        raise ConfigError(
            f"{str(compiled.out)!r} was not made from the model of {name!r} in models/",
            hint=f"onebit compile {name}",
        )
    if compiled.facts["command"] != (plain := f"onebit compile {name}"):
        raise ConfigError(
            f"{str(compiled.out)!r} was made by `{compiled.facts['command']}`; the pages compare "
            "networks in the folding that is chosen for them",
            hint=plain,
        )
    return card


def simulation(compiled: Compiled, facts: dict[str, Any], command: str) -> Path:
    """Put the simulation of the whole test set, which `command` ran, on the network's card."""
    card, part = card_of(compiled), board.load(compiled.folding.board)
    kept = {key: value for key, value in facts.items() if key not in PICTURES}
    rtl = {
        "command": command,
        "compile": compiled.facts["command"],
        "board": part.name,
        "lut_estimate": cost.luts(compiled.net, compiled.folding),
        "lut_board": part.lut,
        **kept,
    }
    folder = recipe.folder(card["network"])
    cards.write(folder, {**card, "summary": summary(compiled.net), "rtl": rtl})
    pages()
    return folder / cards.CARD


def pages() -> list[Path]:
    """Bring every page and picture of models/ up to date; returns those that were not."""
    stale = outdated()
    for file, text in stale.items():
        system.write_text(file, text)
    return list(stale)


def outdated() -> dict[Path, str]:
    """The files of models/ that differ from what the cards want, and what they should be."""
    return {
        file: text
        for file, text in cards.all_files().items()
        if not file.is_file() or file.read_bytes() != text.encode()
    }
