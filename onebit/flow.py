"""The stages on files: each reads its predecessor's folder `out/<net>` and can be rerun alone."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import (
    __version__,
    board,
    choose,
    cost,
    data,
    emit,
    fifos,
    folding,
    golden,
    net_file,
    recipe,
    simulate,
    system,
)
from onebit.cards import Measured
from onebit.data.parts import Progress, silent
from onebit.errors import ConfigError, MissingTool
from onebit.folding import Folding
from onebit.lower import Lowered, lower
from onebit.lower.runtime import execute, self_contained
from onebit.net import Net
from onebit.summary import summary

FORMAT = 1
SIMULATION_FORMAT = 2
MODEL = "model.qonnx"
COMPILED = "compile.json"
RANDOM_SAMPLES = 1000  # for a network without a data set
SAMPLES_SHOWN = 16
SIGN_CHANNELS = 3  # of the images that come in any size
FIT_HINT = "name a data set like the one that it was trained on, or leave --data away"
SUMMATION_ERROR = 1e-5  # of float32 logits, relative to the largest
# what compile.json must hold
FACTS = {
    "network",
    "title",
    "data",
    "onebit",
    "model_sha256",
    "head_pairs",
    "ties",
    "unchecked",
    "command",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A network to work on: its ONNX file, and its data set where a recipe names one."""

    name: str
    model: Path
    title: str
    data: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compiled:
    """An output folder, read back: what `compile` wrote."""

    out: Path
    net: Net
    folding: Folding
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Raw samples (count, *the network's input shape), with labels and the names of the classes
    where these are known; shape: of an image."""

    raw: NDArray[np.integer[Any]]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    shape: tuple[int, ...]
    origin: str


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
        return Subject(name=name, model=model, title=known.title, data=known.data)
    path = Path(name)
    if (path / MODEL).is_file() and (path / "card.json").is_file():  # what training leaves
        card = json.loads((path / "card.json").read_text())
        return Subject(name=path.name, model=path / MODEL, title=card["title"], data=card["data"])
    if path.suffix in (".onnx", ".qonnx") or path.is_file():
        return Subject(name=path.stem, model=path, title=path.stem, data=data_name)
    raise ConfigError(
        f"{name!r} is neither a network, nor an .onnx file, nor a folder that onebit wrote",
        hint=f"networks: {', '.join(recipe.networks())}",
    )


def choose_folding(
    lowered: Net, board_name: str, target_fps: float | None, file: Path | None
) -> Folding:
    """The folding in `file`, else an even one for the board and the rate."""
    target = board.load(board_name)
    if file is not None:
        given = folding.checked(folding.load(file), lowered)
        board.load(given.board)
        return given
    return choose.even(lowered, target, target.clock_mhz, target_fps)


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
        (folder / "folding.toml").write_text(folding.to_toml(folds))
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
    name: str, out: Path, board_name: str, target_fps: float | None, file: Path | None
) -> Compiled:
    """Lower, fold and emit `name` into `out`."""
    chosen = subject(name)
    lowered = lower(chosen.model, title=chosen.title)
    folds = choose_folding(lowered.net, board_name, target_fps, file)
    if file is None:
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
        folds = folding.checked(folding.load(out / "folding.toml"), found)
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise ConfigError(
            f"{str(out)!r} is not a compiled network: {reason}",
            hint="onebit compile NET writes one",
        ) from None
    return Compiled(out=out, net=found, folding=folds, facts=facts)


def samples(
    compiled: Compiled, count: int | None, seed: int, progress: Progress = silent
) -> Samples:
    """The first `count` test samples (None: all); random ones where no data set is known."""
    first = compiled.net.input
    if compiled.facts["data"] is None:
        rng = np.random.default_rng(seed)
        index = rng.integers(0, len(first.table), (count or RANDOM_SAMPLES, *first.shape))
        return Samples(
            raw=first.raw_lo + first.raw_step * index,
            labels=None,
            names=(),
            shape=first.shape,
            origin=f"random, seed {seed}",
        )
    name = compiled.facts["data"]
    test = test_images(name, compiled.net, progress)
    images = test.images[: count or len(test.images)]
    return Samples(
        raw=images.reshape(-1, *first.shape),
        labels=test.labels[: len(images)],
        names=data.classes(name),
        shape=images.shape[1:],
        origin=f"{name}, test set",
    )


def test_images(name: str, net: Net, progress: Progress = silent) -> data.Split:
    """The test part of the data set `name` as the network takes it; ConfigError if it cannot."""
    shape, side = net.input.shape, None
    if data.side(name) is None:
        side = shape[0] if len(shape) == 3 else math.isqrt(math.prod(shape) // SIGN_CHANNELS)
        check_fit(name, (side, side, SIGN_CHANNELS), net)  # before all images are decoded
    test = data.load_test(name, side, progress=progress)
    check_fit(name, test.images.shape[1:], net)
    try:
        golden.encode(net.input, test.images)
    except ConfigError as reason:
        raise ConfigError(f"the data set {name!r}: {reason.message}", hint=FIT_HINT) from None
    return test


def check_fit(name: str, image: tuple[int, ...], net: Net) -> None:
    """ConfigError where the images and classes of a data set are not what the network has."""
    if net.input.shape not in (image, (math.prod(image),)):
        raise ConfigError(
            f"an image of {name!r} has the shape {image}, the network's input {net.input.shape}",
            hint=FIT_HINT,
        )
    if net.head.classes != len(data.classes(name)):
        raise ConfigError(
            f"the data set {name!r} has {len(data.classes(name))} classes, the network "
            f"{net.head.classes}",
            hint=FIT_HINT,
        )


def run_simulation(
    compiled: Compiled,
    chosen: Samples,
    *,
    stall: int = 0,
    seed: int = 0,
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Source, golden and RTL on the samples: the facts, which simulation.json keeps.

    A run with stalls is a check and not a measurement: it leaves simulation.json as it was.
    """
    expected = golden.run(compiled.net, chosen.raw)
    elements = golden.encode(compiled.net.input, chosen.raw)
    found = simulate.run(
        compiled.out,
        compiled.net,
        compiled.folding,
        elements,
        stall=stall,
        seed=seed,
        on_done=on_done,
    )
    wrong = simulate.compare(found, expected)
    facts: dict[str, Any] = {
        "format": SIMULATION_FORMAT,
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "samples": chosen.origin,
        "images": len(chosen.raw),
        "mismatches": len(wrong),
        **against_source(compiled, chosen, expected),
        "accuracy": _accuracy(found.classes, chosen),
        **_rates(compiled, found),
        "stall_percent": stall,
        "shown": _shown(chosen, found),
        "mismatch": None,
    }
    if len(wrong):
        place = simulate.locate(
            compiled.out, compiled.net, compiled.folding, chosen.raw, int(wrong[0])
        )
        facts["mismatch"] = asdict(place)
    if not stall:
        system.write_text(compiled.out / "simulation.json", json.dumps(facts, indent=1) + "\n")
    return facts


def _rates(compiled: Compiled, found: simulate.Run) -> dict[str, Any]:
    """What the cycles of a run come to at the folding's clock."""
    clock = compiled.folding.clock_mhz
    return {
        "ii_cycles": found.interval,
        "ii_formula": cost.interval(compiled.net, compiled.folding),
        "latency_cycles": found.latency,
        "clock_mhz": clock,
        "images_per_second": clock * 1e6 / found.interval,
        "latency_us": found.latency / clock,
        "cycles": found.cycles,
        "seconds": round(found.seconds, 3),
        "cycles_per_second": round(found.cycles / found.seconds),
    }


def measure(model: Path, split: data.Split) -> Measured:
    """What the integer model of the QONNX file achieves on `split`, and what it consists of."""
    net = lower(model).net
    right = golden.run(net, split.images).classes == split.labels
    return Measured(accuracy=float(right.mean()), summary=summary(net))


def against_source(compiled: Compiled, chosen: Samples, expected: golden.Outputs) -> dict[str, Any]:
    """Golden's classes against the source graph's, executed as it is.

    `source_ties`: images whose class differs but whose source logit lies within float32's summation
    error of the source's largest; `source_mismatches`: the other ones that differ.
    """
    logits = execute(compiled.out / MODEL, chosen.raw, compiled.net.input.raw_scale)
    differing = np.flatnonzero(logits.argmax(axis=1) != expected.classes)
    rows = logits[differing]
    golden_logit = rows[np.arange(len(rows)), expected.classes[differing]]
    gap = rows.max(axis=1, initial=-np.inf) - golden_logit
    tie = gap <= SUMMATION_ERROR * np.abs(rows).max(axis=1, initial=0.0)
    return {
        "source_equal": len(chosen.raw) - len(differing),
        "source_ties": differing[tie].tolist(),
        "source_mismatches": differing[~tie].tolist(),
    }


def _accuracy(classes: NDArray[np.int64], chosen: Samples) -> float | None:
    return None if chosen.labels is None else float((classes == chosen.labels).mean())


def _shown(chosen: Samples, found: simulate.Run) -> list[dict[str, Any]]:
    """A few images with what the RTL said of them, for the report.

    pixels: a row's values, channel by channel, as hexadecimal bytes; names: of label and class.
    """
    if chosen.labels is None or len(chosen.shape) != 3:
        return []
    shown = []
    for i in range(min(SAMPLES_SHOWN, len(chosen.raw))):
        image, pair = chosen.raw[i].reshape(chosen.shape), (chosen.labels[i], found.classes[i])
        shown.append(
            {
                "pixels": [row.astype(np.uint8).tobytes().hex() for row in image],
                "channels": chosen.shape[-1],
                "label": int(pair[0]),
                "class": int(pair[1]),
                "names": [chosen.names[each] for each in pair],
            }
        )
    return shown
