"""The report's facts: layers, rates, proof and the CPU beside it, as data for table and page."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from onebit import (
    bench,
    bitstream,
    board,
    board_run,
    cost,
    flow,
    recipe,
    roofline,
    system,
    trial,
    utilisation,
)
from onebit.errors import ConfigError, MissingTool
from onebit.flow import Compiled
from onebit.lower.runtime import throughput
from onebit.net import Bit, Element, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window

FORMAT = 1
CPU_BATCH = 1000


def simulation(compiled: Compiled) -> dict[str, Any]:
    """The facts of the last simulation; ConfigError where there is none of this network."""
    file = compiled.out / "simulation.json"
    try:
        facts: dict[str, Any] = json.loads(file.read_text())
        same = facts["net_hash"] == compiled.net.hash and facts["format"] == trial.SIMULATION_FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{str(file)!r} is not there or is damaged: this network has not been simulated",
            hint=f"onebit simulate {compiled.out}   (a run with --stall does not count)",
        ) from None
    if not same:
        raise ConfigError(
            f"{str(file)!r} is of another network or another version of onebit",
            hint=f"onebit simulate {compiled.out}",
        )
    return facts


def build(compiled: Compiled, *, with_finn: bool = False) -> dict[str, Any]:
    """All facts of the report; measures the CPU as it runs. `with_finn`: FINN's estimates too."""
    simulated = simulation(compiled)
    interval = cost.interval(compiled.net, compiled.folding)
    part = board.load(compiled.folding.board)
    return {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "command": compiled.facts["command"],
        "out": str(compiled.out),
        "title": compiled.facts["title"],
        "onebit": compiled.facts["onebit"],
        "net_hash": compiled.net.hash,
        "board": part.name,
        "part": part.part,
        "lut_estimate": cost.luts(compiled.net, compiled.folding),
        "lut_board": part.lut,
        "bram_estimate": cost.brams(compiled.net, compiled.folding),
        "bram_board": part.bram36,
        "head_pairs": compiled.facts["head_pairs"],
        "ties": compiled.facts["ties"],
        "trained_accuracy": _card(compiled).get("test_accuracy"),
        "layers": [_layer(compiled, layer, interval) for layer in compiled.net.layers],
        "roofline": roofline.roofline(compiled.net, compiled.folding, part),
        "finn": finn(compiled, part.part) if with_finn else [],
        "simulation": simulated,
        "on_board": board_run.kept(compiled),
        "synthesis": utilisation.kept(compiled),
        "bitstream": bitstream.kept(compiled),
        "bench": bench.kept(compiled),
        "cpu": cpu(compiled, simulated["images_per_second"]),
    }


def finn(compiled: Compiled, part: str) -> list[dict[str, Any]]:
    """FINN's estimates of each layer that both have, beside ours."""
    try:
        from onebit.lower.finn_estimate import estimates

        found = estimates(compiled.net, compiled.folding, part)
    except ImportError as missing:
        raise MissingTool(
            f"FINN's hardware nodes cannot be imported: {missing}",
            hint="make setup-train   (they need PyTorch and more: requirements/train.txt)",
        ) from None
    rows = []
    for theirs in found:
        fold = compiled.folding.layers[theirs.layer]
        layer = compiled.net[theirs.layer]
        lut, _, bram18, _ = cost.layer_cost(compiled.net, compiled.folding, layer).vector
        ours = {"cycles": cost.cycles(compiled.net, layer, fold), "lut": lut, "bram18": bram18}
        names = ("pe", "simd", "cycles", "lut", "bram18")
        row = {f"finn_{name}": getattr(theirs, name) for name in names}
        rows.append({"name": layer.name, "pe": fold.pe, "simd": fold.simd} | ours | row)
    return rows


def cpu(compiled: Compiled, fpga_rate: float) -> dict[str, Any]:
    """onnxruntime on the float32 graph of the same network, here and now, on all cores."""
    samples = trial.samples(compiled, CPU_BATCH, 0)
    rates = throughput(
        compiled.out / flow.MODEL,
        samples.raw * compiled.net.input.raw_scale,
        threads=system.cores(),
    )
    rate = statistics.median(rates)
    return {
        "engine": "onnxruntime float32",
        "threads": system.cores(),
        "batch": len(samples.raw),
        "images_per_second": round(rate),
        "spread": [round(min(rates)), round(max(rates))],
        "fpga_over_cpu": fpga_rate / rate,
    }


def _layer(compiled: Compiled, layer: Layer, interval: float) -> dict[str, Any]:
    """One row: shape, fold, FIFO, cycles, weight bits, share of the interval."""
    fold = compiled.folding.layers[layer.name]
    cycles = cost.cycles(compiled.net, layer, fold)
    taken = cost.Unit(name=layer.name, cycles=cycles, images=fold.m).per_image
    row: dict[str, Any] = {
        "name": layer.name,
        "kind": type(layer).__name__.lower(),
        "shape": _shape(compiled.net, layer),
        "pe": fold.pe,
        "simd": fold.simd,
        "fifo": 0 if isinstance(layer, Input) else fold.fifo,
        "cycles": taken,
        "share": taken / interval,
        "weight_bits": 0,
        "macs": 0,
        "element": element_name(compiled.net.element(layer.name)),
    }
    if isinstance(layer, Mvau):
        row["weight_bits"] = layer.weights.size
        row["macs"] = layer.weights.size * compiled.net.positions(layer.name)
    return row


def _shape(net: Net, layer: Layer) -> str:
    """What goes in and what comes out, for people."""
    out = "x".join(map(str, net.shape(layer.name)))
    match layer:
        case Mvau():
            places = net.shape(layer.name)[:-1]
            at = f" at {'x'.join(map(str, places))}" if places else ""
            return f"{layer.mw} -> {layer.mh}{at}"
        case Window() | MaxPool():
            return f"{'x'.join(map(str, layer.kernel))} -> {out}"
        case Flatten():
            return f"-> {out}"
        case Head():
            return f"{layer.classes} -> class"
        case Input():
            return out


def element_name(element: Element) -> str:
    """`bit`, `uint8`, `int12` ..."""
    if isinstance(element, Bit):
        return "bit"
    return f"{'int' if element.signed else 'uint'}{element.bits}"


def _card(compiled: Compiled) -> dict[str, Any]:
    """The card of a network in models/; empty for anybody else's file."""
    name = compiled.facts["network"]
    if name not in recipe.networks():
        return {}
    file = recipe.folder(name) / "card.json"
    card: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return card if card.get("model_sha256") == compiled.facts["model_sha256"] else {}


def write(compiled: Compiled, facts: dict[str, Any], page: str) -> Path:
    """Write report.json and report.html; returns the page's path."""
    system.write_text(compiled.out / "report.json", json.dumps(facts, indent=1) + "\n")
    system.write_text(compiled.out / "report.html", page)
    return compiled.out / "report.html"
