"""What a synthesised accelerator takes of its board's part, layer by layer, and its longest paths.

Modules are synthesised apart, so nothing is shared or simplified across their borders; LUTs are
counted before any two of them share a site.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from onebit import board, calibration, cost, netlist, synth, system
from onebit.board import Board
from onebit.calibration import RESOURCES
from onebit.errors import CheckFailed, OnebitError
from onebit.flow import Compiled
from onebit.net import Net
from onebit.netlist import Counts, Joined
from onebit.paths import Graph, Path
from onebit.synth import Synthesised

FORMAT = 1
FACTS = "synth.json"
REST = "ports"  # the layer of what belongs to none

Facts = dict[str, Any]


def measure(compiled: Compiled, done: Synthesised) -> Facts:
    """All facts of the synthesis."""
    names = {job.name: job for job in done.units.values()}
    modules = {name: netlist.read(job.folder / "netlist.json") for name, job in names.items()}
    top = netlist.read(done.top.folder / "netlist.json")
    taken = {name: netlist.count(module) for name, module in modules.items()}
    layers = _layers(compiled.net, done.units)
    counts: dict[str, Counts] = {name: Counts() for name in layers.values()}
    for instance, job in done.units.items():
        counts[layers[instance]] += taken[job.name]
    counts[REST] = netlist.count(top, modules)
    if counts[REST] == Counts():
        del counts[REST]
    part = board.load(compiled.folding.board)
    rows = [{"name": name, **asdict(each)} for name, each in counts.items()]
    return {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "design": synth.design(done.units),
        "out": str(compiled.out),
        "board": part.name,
        "part": part.part,
        "clock_mhz": compiled.folding.clock_mhz,
        "yosys": synth.yosys(),
        "lut_estimate": cost.luts(compiled.net, compiled.folding),
        "bram_estimate": cost.brams(compiled.net, compiled.folding),
        **_paths(netlist.join(top, modules), layers, counts),
        "total": asdict(sum(counts.values(), Counts())),
        "of": {name: getattr(part, name) for name in RESOURCES},
        "modules": _modules(done, taken),
        "calibration": calibration.compared(compiled.net, compiled.folding, rows),
        "check": None,
    }


def _layers(net: Net, instances: Iterable[str]) -> dict[str, str]:
    """The layer that each instance belongs to: u_NAME, or u_NAME_ and a word."""
    known = sorted((layer.name for layer in net.layers), key=len)
    return {
        instance: next(
            (name for name in reversed(known) if f"{instance}_".startswith(f"u_{name}_")), REST
        )
        for instance in instances
    }


def _paths(joined: Joined, layers: Mapping[str, str], counts: Mapping[str, Counts]) -> Facts:
    """Each layer's counts and longest path, in the order of the pipeline, and the longest."""
    graph = Graph(joined, lambda instance: layers.get(instance, REST))
    deepest, slowest = graph.longest(by_time=False), graph.longest(by_time=True)
    rows = [
        {
            "name": name,
            **asdict(taken),
            "deepest": _path(deepest.get(name)),
            "slowest": _path(slowest.get(name)),
        }
        for name, taken in counts.items()
    ]
    deep = max(deepest.values(), key=lambda path: (path.levels, path.ns), default=None)
    slow = max(slowest.values(), key=lambda path: path.ns, default=None)
    return {"layers": rows, "deepest": _path(deep), "slowest": _path(slow)}


def _path(path: Path | None) -> Facts | None:
    return None if path is None else {**asdict(path), "ns": round(path.ns, 2)}


def _modules(done: Synthesised, taken: Mapping[str, Counts]) -> list[Facts]:
    """Each distinct module, and what synthesising it took."""
    return [
        {
            "name": job.name,
            "instances": [name for name, each in done.units.items() if each.key == job.key],
            "lut": taken[job.name].lut if job.name in taken else 0,
            "seconds": done.seconds(job),
            "cached": job.key not in done.made,
        }
        for job in done.jobs
    ]


def too_large(facts: Facts) -> str:
    """By how much the design is larger than the part; nothing where it fits."""
    over = [
        f"{facts['total'][name]:,} {name.upper()} of {facts['of'][name]:,}, "
        f"{facts['total'][name] - facts['of'][name]:,} too many"
        for name in RESOURCES
        if facts["total"][name] > facts["of"][name]
    ]
    return "; ".join(over)


def judge(facts: Facts, part: Board) -> None:
    """CheckFailed where the part is too small."""
    if over := too_large(facts):
        raise CheckFailed(
            f"the design is larger than {part.name}'s {part.part}: {over}",
            hint="`onebit compile NET --target-fps N` with a lower N takes less",
        )


def keep(compiled: Compiled, facts: Facts) -> None:
    """Write the facts beside the accelerator."""
    system.write_text(compiled.out / FACTS, json.dumps(facts, indent=1) + "\n")


def kept(compiled: Compiled) -> Facts | None:
    """The facts of the last synthesis, if it was of this accelerator."""
    try:
        facts: Facts = json.loads((compiled.out / FACTS).read_text())
        same = facts["format"] == FORMAT and facts["net_hash"] == compiled.net.hash
        return (
            facts if same and facts["design"] == synth.design(synth.units(compiled.out)) else None
        )
    except (OSError, ValueError, KeyError, TypeError, OnebitError):
        return None
