"""`onebit bench`'s facts: rates side by side on this CPU, its popcounts, and the FPGA beside it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onebit import board, cost, system, trial
from onebit.cpu import Engine, cortex
from onebit.cpu.probe import Probe
from onebit.errors import MissingTool, OnebitError
from onebit.flow import Compiled
from onebit.rivals import ENGINE, ONNX, Rival, rivals, seconds_of

Facts = dict[str, Any]
FORMAT, FACTS = 1, "bench.json"
SAMPLES = 1000
SLICE, PAUSE = 0.1, 0.01  # s that a program runs at a time; s for the threads of the last to sleep
LEAST_ROUNDS = 5
PEAK_SECONDS = 0.1


def bench(
    compiled: Compiled,
    seconds: float,
    larq: Path | None,
    on_round: Callable[[int, int], None] = lambda done, of: None,
) -> Facts:
    """Everything measured in this run; `on_round` hears how many rounds are done, and of how many.

    The programs take turns, a slice each a round, so that what slows the machine slows all.
    """
    raw = trial.samples(compiled, SAMPLES, 0).raw
    found = list(rivals(compiled, raw, larq))
    rounds = max(LEAST_ROUNDS, round(seconds / (len(found) * (SLICE + PAUSE))))
    rates: list[list[float]] = []
    for done in range(rounds):
        on_round(done, rounds)
        rates.append([_slice(rival) for rival in found])
    table = np.array(rates)
    reference = next(
        i for i, each in enumerate(found) if each.name == ONNX and each.threads == 1 < each.batch
    )
    return {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "cpu": system.cpu_name(),
        "cores": system.cores(),
        "kernel": Engine(compiled.net).kernel,
        "rounds": rounds,
        "rows": [
            _row(rival, table[:, i].tolist(), (table[:, i] / table[:, reference]).tolist())
            for i, rival in enumerate(found)
        ],
        "roofline": _roofline(compiled),
        "fpga": _fpga(compiled),
        "cortex": _cortex(compiled, raw),
    }


def _slice(rival: Rival) -> float:
    """Samples a second in one slice."""
    time.sleep(PAUSE)
    return rival.samples / seconds_of(rival.run, SLICE)


def _row(rival: Rival, rates: Sequence[float], ratios: Sequence[float]) -> Facts:
    """A program's median and quartiles, and the median of its ratios to onnxruntime, by rounds."""
    low, middle, high = statistics.quantiles(rates, n=4)
    return {
        "name": rival.name,
        "how": rival.how,
        "threads": rival.threads,
        "batch": rival.batch,
        "latency": rival.latency,
        "images_per_second": middle,
        "quartiles": [low, high],
        "microseconds": 1e6 / middle,
        "over_onnxruntime": statistics.median(ratios),
    }


def _roofline(compiled: Compiled) -> Facts:
    """Each layer's product alone, beside what the core compares and counts in registers."""
    probe = Probe(compiled.net)
    peaks = probe.peaks(PEAK_SECONDS)
    best = max(peaks.values())
    layers = []
    for index, layer in enumerate(probe.layers()):
        own = probe.layer_rate(index, PEAK_SECONDS)
        row = {"name": layer.name, "macs": layer.macs * layer.positions, "bits": layer.bits}
        layers.append({**row, "bits_per_second": own, "share": own / best})
    return {"peaks": peaks, "peak": best, "layers": layers}


def _fpga(compiled: Compiled) -> Facts:
    """Images a second by cycles: of the accelerator as it is, and of its layers alone."""
    net, folding = compiled.net, compiled.folding
    simulated = _simulated(compiled)
    cycles = cost.interval(net, folding) if simulated is None else simulated
    inside = max(unit.per_image for unit in cost.units(net, folding) if unit.name != net.input.name)
    clock, part = folding.clock_mhz, board.load(folding.board)
    alone = clock * 1e6 / cycles
    port = cost.port_rate(net, folding, part)
    return {
        "board": part.name,
        "clock_mhz": clock,
        "how": "cycle formula" if simulated is None else "cycle-accurate simulation",
        "port_bits": part.port_bits,
        "cycles": cycles,
        "limited": min(alone, port),
        "layer_cycles": inside,
        "unlimited": clock * 1e6 / inside,
    }


def _simulated(compiled: Compiled) -> float | None:
    """Cycles between images in the last simulation; None where this network has not been in one."""
    try:
        facts = json.loads((compiled.out / "simulation.json").read_text())
        return float(facts["ii_cycles"]) if facts["net_hash"] == compiled.net.hash else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _cortex(compiled: Compiled, raw: Any) -> Facts:
    """The board's processor by instructions; without the tools, why there is no figure."""
    try:
        found = cortex.estimate(compiled.net, raw)
    except MissingTool as missing:
        return {"missing": f"{missing.message} ({missing.hint})"}
    except OnebitError as failed:  # an emulator with another interface for plugins
        return {"missing": failed.message}
    return {
        "instructions": found.instructions,
        "clock_mhz": cortex.CLOCK_MHZ,
        "per_cycle": cortex.PER_CYCLE,
        "images_per_second": found.images_per_second,
    }


def keep(compiled: Compiled, facts: Facts) -> Path:
    """Write bench.json into the compiled folder, where `onebit report` finds it."""
    file = compiled.out / FACTS
    system.write_text(file, json.dumps(facts, indent=1) + "\n")
    return file


def kept(compiled: Compiled) -> Facts | None:
    """The facts of the last run, if it was of this network."""
    try:
        facts: Facts = json.loads((compiled.out / FACTS).read_text())
        same = facts["format"] == FORMAT and facts["net_hash"] == compiled.net.hash
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts if same else None


def row_of(facts: Facts, name: str, *, latency: bool = False) -> Facts:
    """The row of a program on one thread."""
    return next(
        row
        for row in facts["rows"]
        if row["name"] == name and row["threads"] == 1 and row["latency"] == latency
    )


def engine_over_onnxruntime(facts: Facts) -> float:
    """Large batches, one thread."""
    return float(row_of(facts, ENGINE)["over_onnxruntime"])
