"""What each command does: runs stages, shows progress on stderr, prints the result on stdout."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from onebit import recipe, tables, tables_board
from onebit.errors import CheckFailed, ConfigError, MissingTool

if TYPE_CHECKING:
    from onebit.flow import Compiled
    from onebit.folding import Folding
    from onebit.mfcc import Features
    from onebit.net import Net

OUT = Path("out")
stdout = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Bar:
    """The one task of a progress bar."""

    shown: Progress
    task: TaskID

    def to(self, done: int, note: str) -> None:
        """Show that `done` are done, and how well."""
        self.shown.update(self.task, completed=done, note=note)

    def advance(self, count: int) -> None:
        """Show that `count` more are done."""
        self.shown.advance(self.task, count)


@contextmanager
def progress(what: str, total: int) -> Iterator[Bar]:
    """A progress bar on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as shown:
        yield Bar(shown, shown.add_task(what, total=total, note=""))


def emit_json(facts: Any) -> None:
    """Facts as JSON on stdout."""
    sys.stdout.write(json.dumps(facts, indent=1) + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a NET on the command line is; its Net takes seconds, so it is made when asked for."""

    name: str
    data: str | None
    features: Features | None
    net: Callable[[], Net]


def resolved(name: str, raw: str | None) -> Resolved:
    """The network, file or folder of ours called `name`; `raw` is --input."""
    from onebit import flow
    from onebit.lower import lower

    if (Path(name) / flow.COMPILED).is_file():
        if raw is not None:
            raise ConfigError(f"{name!r} is compiled: its input is known", hint="leave out --input")
        compiled = flow.read(Path(name))
        return Resolved(
            name=compiled.facts["network"],
            data=compiled.facts["data"],
            features=compiled.features,
            net=lambda: compiled.net,
        )
    chosen = flow.subject(name)

    def lowered() -> Net:
        with stderr.status("lowering"):
            return lower(chosen.model, raw=raw).net

    return Resolved(name=chosen.name, data=chosen.data, features=chosen.features, net=lowered)


def show_networks(options: argparse.Namespace) -> int:
    """onebit list"""
    facts = [_network_facts(name) for name in recipe.networks()]
    if options.json:
        emit_json(facts)
    else:
        stdout.print(tables.networks(facts))
    return 0


def _network_facts(name: str) -> dict[str, Any]:
    known = recipe.load(name)
    file = recipe.folder(name) / "card.json"
    card = json.loads(file.read_text()) if file.is_file() else {}
    return {
        "network": name,
        "title": known.title,
        "data": known.data,
        "trained": (recipe.folder(name) / "model.qonnx").is_file(),
        "test_accuracy": card.get("test_accuracy"),
        "parameters": card.get("parameters"),
    }


def train(options: argparse.Namespace) -> int:
    """onebit train NET"""
    from onebit import flow, publish

    known = recipe.load(options.network, options.data)
    if options.publish and known.data != recipe.load(options.network).data:
        raise ConfigError(
            f"--publish wants the recipe's own data, {known.data!r} is not",
            hint="to publish, change `data` in its recipe.toml",
        )
    from onebit import data
    from onebit.train import loop, run

    epochs = known.training.epochs if options.epochs is None else options.epochs
    if epochs < 1:
        raise ConfigError(f"--epochs {epochs} is not at least 1")
    dataset = data.load(known.data, known.form, changes=known.changes, progress=progress)
    taught = min(known.training.teacher.epochs, epochs) if known.training.teacher else 0
    with progress(f"training {known.name}", taught + epochs) as bar:

        def told(row: loop.Epoch) -> None:
            right = tables.percent(row.validation_accuracy)
            bar.to(row.epoch + (taught if row.stage == "network" else 0), right)
            if not stderr.is_terminal:
                at = f"{row.stage}, epoch {row.epoch} of {row.epochs}"
                stderr.print(f"{at}: {right} of the validation samples, {row.seconds:.0f} s")

        try:
            result = run.train(
                known,
                dataset,
                options.out,
                epochs=options.epochs,
                resume=not options.fresh,
                progress=told,
                integer_accuracy=partial(flow.measure, known=known),
            )
        except KeyboardInterrupt:
            again = "the same command without --fresh" if options.fresh else "the same command"
            stderr.print(f"\nevery whole epoch is kept; {again} goes on after the last one")
            raise
    facts = {key: getattr(result, key) for key in result.__dataclass_fields__}
    facts["folder"] = str(result.folder)
    if options.publish:
        publish.training(result.folder, known.name)
    emit_json(facts) if options.json else stdout.print(tables.trained(facts))
    stderr.print(f"next: onebit compile {result.folder}")
    return 0


def compile_network(options: argparse.Namespace) -> int:
    """onebit compile NET"""
    from onebit import board, cost, flow, trial
    from onebit.lower import lower

    chosen = flow.subject(options.network, options.data)
    with stderr.status("lowering: FINN streamlines, the source gives every threshold"):
        lowered = lower(chosen.model, title=chosen.title, raw=options.input)
    if options.data:
        trial.test_images(options.data, lowered.net, chosen.features, progress)
    folds, unsized = flow.choose_folding(
        lowered.net, options.board, options.target_fps, options.folding, chosen.folding
    )
    if unsized and not options.check:
        folds = _with_fifos(lowered.net, folds)
    part = board.load(folds.board)
    if too_much := cost.overflow(lowered.net, folds, part):
        stderr.print(f"warning: more than {part.name} offers: {too_much}")
    out = options.out or OUT / chosen.name
    if not options.check:
        flow.write(chosen, lowered, folds, out, _command(options))
    interval = cost.interval(lowered.net, folds)
    facts: dict[str, Any] = {
        "network": chosen.name,
        "out": None if options.check else str(out),
        "net_hash": lowered.net.hash,
        "ii_cycles": interval,
        "fifos_given": not unsized,
        "images_per_second": folds.clock_mhz * 1e6 / interval,
        "clock_mhz": folds.clock_mhz,
        "lut_estimate": cost.luts(lowered.net, folds),
        "lut_board": part.lut,
        "bram_estimate": cost.brams(lowered.net, folds),
        "bram_board": part.bram36,
        "head_pairs": lowered.head_pairs,
        "ties": lowered.ties,
        "unchecked": lowered.unchecked,
        "nodes": [{"node": n.node, "op": n.op, "became": n.became} for n in lowered.notes],
    }
    if options.json:
        emit_json(facts)
        return 0
    if options.explain:
        stdout.print(tables.nodes(facts["nodes"]))
    stdout.print(tables.compiled(facts))
    if facts["out"]:
        stderr.print(f"next: onebit simulate {out}")
    return 0


def _command(options: argparse.Namespace) -> str:
    """The command line that compiles the same network again."""
    words = ["onebit", "compile", str(options.network)]
    for name in ("data", "input", "target_fps", "folding", "out"):
        value = getattr(options, name)
        if value is not None:
            words += [
                f"--{name.replace('_', '-')}",
                f"{value:g}" if name == "target_fps" else str(value),
            ]
    return shlex.join(words)


def _with_fifos(net: Net, folds: Folding) -> Folding:
    """The folding with the smallest FIFOs, found by simulation as one watches."""
    from onebit import flow

    what = "FIFO depths, by simulation"
    with stderr.status(f"{what}: building the simulator") as status:
        sized, reason = flow.with_fifos(net, folds, lambda text: status.update(f"{what}: {text}"))
    if reason:
        stderr.print(f"warning: {reason}")
    return sized


def compiled_of(name: str) -> Compiled:
    """The compiled folder for a name or path; a known network is compiled where it is not yet."""
    from onebit import flow

    if (Path(name) / "net.json").is_file():
        return flow.read(Path(name))
    if name not in recipe.networks() and (OUT / name / "net.json").is_file():
        return flow.read(OUT / name)
    chosen = flow.subject(name)
    out = OUT / chosen.name
    if (out / "net.json").is_file():
        found = flow.read(out)
        if flow.is_current(found, chosen.model):
            return found
        stderr.print(f"{out} was made from another {chosen.model.name} or rtl/: compiling again")
    else:
        stderr.print(f"compiling {chosen.name} into {out}")
    return flow.compile_network(name, out, "pynq-z2", None, None)


def simulate(options: argparse.Namespace) -> int:
    """onebit simulate NET"""
    from onebit import publish

    count = count_of(options.images)
    if not 0 <= options.stall <= 95:
        raise ConfigError(f"--stall {options.stall} is not in 0..95")
    if options.seed < 0:
        raise ConfigError(f"--seed {options.seed} is not at least 0")
    if options.publish and (count or options.stall):
        raise ConfigError("--publish wants --images all, and no --stall")
    compiled = compiled_of(options.network)
    if options.publish:
        publish.card_of(compiled)  # refused before anything slow
    facts = _simulate(compiled, count, options.stall, options.seed)
    if facts["ii_cycles"] > facts["ii_formula"] and not options.stall:
        stderr.print(
            f"note: {facts['ii_cycles']:,g} cycles an image instead of {facts['ii_formula']:,}: a "
            "FIFO is too shallow; `onebit compile` without --folding finds the least depths"
        )
    if count and count > facts["images"]:
        stderr.print(f"note: there are {facts['images']:,} test images, not {count:,}")
    if options.json:
        emit_json({key: value for key, value in facts.items() if key not in publish.PICTURES})
    else:
        stdout.print(tables.simulated(facts))
    _judge(facts)
    if options.publish:
        command = shlex.join(["onebit", "simulate", options.network, "--images", "all"])
        stderr.print(f"wrote {publish.simulation(compiled, facts, command)}")
    return 0


def _simulate(compiled: Compiled, count: int | None, stall: int, seed: int) -> dict[str, Any]:
    from onebit import simulate, trial

    samples = trial.samples(compiled, count, seed, progress)
    with stderr.status("building the simulator (cached by content)"):
        simulate.simulator(compiled.out, compiled.net, compiled.folding)
    with progress(f"{compiled.facts['network']} through the RTL", len(samples.raw)) as bar:
        return trial.run_simulation(compiled, samples, stall=stall, seed=seed, on_done=bar.advance)


def _judge(facts: dict[str, Any]) -> None:
    """CheckFailed where the RTL, golden and the source do not agree on everything."""
    if facts["mismatch"]:
        place = facts["mismatch"]
        raise CheckFailed(
            f"{facts['mismatches']} of {facts['images']} images differ; first: image "
            f"{place['image']}, layer {place['layer']!r}, {where(place)}: expected "
            f"{place['expected']}, got {place['got']}",
            hint=f"look at the waveform {place['waveform']} (gtkwave or surfer)",
        )
    if facts["source_mismatches"]:
        raise CheckFailed(
            f"golden's class is not the source's on images {facts['source_mismatches'][:10]}",
            hint="please report this network: lowering must be exact",
        )


def where(place: dict[str, Any]) -> str:
    """Which of a layer's outputs differs."""
    if not place["position"]:
        return f"neuron {place['neuron']}"
    row, column = place["position"]
    return f"row {row}, column {column}, channel {place['neuron']}"


def count_of(text: str) -> int | None:
    """How many images `--images` asks for; None: all."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 2:  # the interval lies between two images
        raise ConfigError(f"--images {text!r} is neither a number above 1 nor 'all'")
    return int(text)


def report(options: argparse.Namespace) -> int:
    """onebit report NET"""
    facts = _report(compiled_of(options.network))
    emit_json(facts) if options.json else tables_board.show_report(stdout, facts)
    return 0


def _report(compiled: Compiled) -> dict[str, Any]:
    from onebit import page
    from onebit import report as reports

    with stderr.status("measuring onnxruntime on this machine"):
        facts = reports.build(compiled)
    written = reports.write(compiled, facts, page.page(facts))
    stderr.print(f"wrote {written}")
    return facts


def demo(options: argparse.Namespace) -> int:
    """onebit demo [NET]"""
    compiled = compiled_of(options.network)
    simulated = _simulate(compiled, None, 0, 0)
    facts = _report(compiled)
    if options.json:
        emit_json(facts)
    else:
        stdout.print(tables.gallery(simulated["shown"]))
        tables_board.show_report(stdout, facts)
    _judge(simulated)
    stderr.print("next: `onebit list` for the other networks, `onebit --help` for the rest")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """onebit doctor"""
    from onebit import doctor as doctors

    found = doctors.examine()
    sys.stdout.write((doctors.as_json(found) if options.json else doctors.as_table(found)) + "\n")
    return 0 if doctors.healthy(found) else MissingTool.exit_code
