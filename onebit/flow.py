"""The stages on files: each reads its predecessor's folder `out/<net>` and can be rerun alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onebit import (
    __version__,
    board,
    choose,
    data,
    emit,
    fifos,
    folding,
    golden,
    listen,
    net_file,
    recipe,
    system,
)
from onebit.cards import Measured
from onebit.cost import CEILING
from onebit.data.speech import background
from onebit.errors import ConfigError, MissingTool
from onebit.evaluate import balanced
from onebit.folding import Folding, Style
from onebit.lower import Lowered, lower
from onebit.lower.runtime import self_contained
from onebit.mfcc import Features
from onebit.net import Net
from onebit.recipe import Recipe
from onebit.summary import summary

FORMAT = 2
MODEL = "model.qonnx"
FOLDING = "folding.toml"
COMPILED = "compile.json"
# what compile.json must hold
FACTS = {
    "network",
    "title",
    "data",
    "features",
    "onebit",
    "model_sha256",
    "head_pairs",
    "ties",
    "unchecked",
    "command",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network to work on: its ONNX file, and its data set where a recipe names one.

    features: what it takes of sounds, where it takes sounds.
    """

    name: str
    model: Path
    title: str
    data: str | None
    features: Features | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """An output folder, read back: what `compile` wrote."""

    out: Path
    net: Net
    folding: Folding
    facts: dict[str, Any]

    @property
    def features(self) -> Features | None:
        """What the network takes of sounds, where it takes sounds."""
        return _features(self.facts["features"])


def subject(name: str, data_name: str | None = None) -> Subject:
    """The network called `name`, or the ONNX file or training folder at that path.

    `data_name`: the data set to try it on, where no recipe or card says one.
    """
    if data_name is not None and data_name not in data.NAMES:
        raise ConfigError(
            f"no data set is called {data_name!r}", hint=f"there are: {', '.join(data.NAMES)}"
        )
    if name in recipe.networks():
        known = recipe.load(name)
        model = recipe.folder(name) / MODEL
        if not model.is_file():
            raise ConfigError(
                f"the network {name!r} has not been trained: {str(model)!r} does not exist",
                hint=f"onebit train {name}",
            )
        if data_name not in (None, known.data):
            raise ConfigError(f"the network {name!r} was trained on {known.data!r}: no --data here")
        return Subject(
            name=name,
            model=model,
            title=known.title,
            data=known.data,
            features=known.features,
        )
    path = Path(name)
    if (path / MODEL).is_file() and (path / "card.json").is_file():  # what training leaves
        card = json.loads((path / "card.json").read_text())
        return Subject(
            name=path.name,
            model=path / MODEL,
            title=card["title"],
            data=card["data"],
            features=_features(card.get("features")),
        )
    if path.suffix in (".onnx", ".qonnx") or path.is_file():
        return Subject(name=path.stem, model=path, title=path.stem, data=data_name)
    raise ConfigError(
        f"{name!r} is neither a network, nor an .onnx file, nor a folder that onebit wrote",
        hint=f"networks: {', '.join(recipe.networks())}",
    )


def _features(facts: dict[str, int] | None) -> Features | None:
    """The features that a card or a compiled folder holds."""
    return None if facts is None else Features(**facts)


def choose_folding(
    lowered: Net,
    board_name: str,
    target_fps: float | None,
    file: Path | None,
    style: Style = "folded",
    ceiling: float = CEILING,
) -> tuple[Folding, bool]:
    """The folding in `file`, or the best for the board, or for the rate.

    Whether its FIFOs are still to be sized comes with it. `ceiling`: of the board, to take at most.
    The style "hardwired" is a folding of its own.
    """
    target = board.load(board_name)
    if file is not None:
        given = folding.checked(folding.load(file), lowered)
        board.load(given.board)
        return given, False
    if style == "hardwired":
        return choose.hardwired(lowered, target, target.clock_mhz), True
    return choose.best(lowered, target, target.clock_mhz, target_fps, ceiling), True


def with_fifos(
    lowered: Net, folds: Folding, on_progress: fifos.Progress = lambda text: None
) -> tuple[Folding, str]:
    """The folding with the smallest FIFOs; without a simulator as it was, and why."""
    try:
        return fifos.sized(lowered, folds, on_progress), ""
    except MissingTool as missing:
        return folds, (
            f"FIFO depths are guesses, not the smallest: {missing.message} ({missing.hint})"
        )


def write(chosen: Subject, lowered: Lowered, folds: Folding, out: Path, command: str = "") -> None:
    """Write the accelerator to the folder `out`, whole or not at all; `command` made it."""
    facts = {
        "format": FORMAT,
        "onebit": __version__,
        "network": chosen.name,
        "title": chosen.title,
        "data": chosen.data,
        "features": None if chosen.features is None else asdict(chosen.features),
        "model_sha256": digest(chosen.model),
        "head_pairs": lowered.head_pairs,
        "ties": lowered.ties,
        "unchecked": lowered.unchecked,
        "command": command or f"onebit compile {chosen.name}",
        "nodes": [asdict(note) for note in lowered.notes],
    }
    ours = (out / COMPILED).is_file()
    if out.exists() and not ours and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(
            f"{str(out)!r} is there already, and not because `onebit compile` wrote it",
            hint="choose another folder with --out, or remove it first",
        )
    with system.replaced_dir(out) as folder:
        emit.write(lowered.net, folds, folder)
        (folder / MODEL).write_bytes(self_contained(chosen.model))
        (folder / "net.json").write_text(net_file.to_json(lowered.net))
        (folder / FOLDING).write_text(folding.to_toml(folds))
        (folder / COMPILED).write_text(json.dumps(facts, indent=1) + "\n")


def digest(model: Path) -> str:
    """SHA-256 of the ONNX file."""
    return hashlib.sha256(model.read_bytes()).hexdigest()


def is_current(compiled: Compiled, model: Path) -> bool:
    """Whether the folder was made from this model and this version of rtl/."""
    library = [(file, compiled.out / "rtl" / file.name) for file in emit.library()]
    return compiled.facts["model_sha256"] == digest(model) and all(
        copy.is_file() and copy.read_bytes() == file.read_bytes() for file, copy in library
    )


def compile_network(
    name: str,
    out: Path,
    board_name: str,
    target_fps: float | None,
    file: Path | None,
    style: Style = "folded",
) -> Compiled:
    """Lower, fold and emit `name` into `out`."""
    chosen = subject(name)
    lowered = lower(chosen.model, title=chosen.title)
    folds, unsized = choose_folding(lowered.net, board_name, target_fps, file, style)
    if unsized:
        folds, _ = with_fifos(lowered.net, folds)
    write(chosen, lowered, folds, out)
    return read(out)


def read(out: Path) -> Compiled:
    """The output folder `out`; ConfigError where it is not one that `compile` wrote."""
    try:
        texts = {name: (out / name).read_text() for name in ("net.json", COMPILED)}
        facts = json.loads(texts[COMPILED])
        if facts["format"] != FORMAT or not facts.keys() >= FACTS:
            raise ValueError(f"{COMPILED} is of another version")
        found = net_file.from_json(texts["net.json"], str(out / "net.json"))
        folds = folding.checked(folding.load(out / FOLDING), found)
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise ConfigError(
            f"{str(out)!r} is not a compiled network: {reason}",
            hint="onebit compile NET writes one",
        ) from None
    return Compiled(out=out, net=found, folding=folds, facts=facts)


def measure(model: Path, split: data.Split, known: Recipe | None = None) -> Measured:
    """What the integer model of the QONNX file achieves on `split`, and what it consists of.

    Where a recipe says that it takes sounds, also what it hears in background recordings.
    """
    net = lower(model).net
    found = golden.run(net, split.images).classes
    return Measured(
        accuracy=float((found == split.labels).mean()),
        balanced=balanced(found, split.labels),
        summary=summary(net),
        false_accepts=None if known is None else _false_accepts(net, known),
    )


def _false_accepts(net: Net, known: Recipe) -> dict[str, Any] | None:
    """In what training never heard of the background recordings, and in all of them."""
    if known.features is None:
        return None
    names, how = data.classes(known.data), known.features
    parts = {"never heard": "test", "all": None}
    return {
        name: listen.false_accepts(net, how, names, background(how.rate, part))
        for name, part in parts.items()
    }
