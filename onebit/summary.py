"""The size of a network, layer by layer: parameters, memory and MACs, beside its float network.

In the manner of Larq's `lq.models.summary`, but of the integers that the hardware holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onebit.memory import acc_bits, scale_bits
from onebit.net import Head, Layer, MaxPool, Mvau, Net

Facts = Mapping[str, Any]

FLOAT_BITS = 32
KIB = 8 * 1024  # bits
COUNTED = "weights", "others", "memory_bits", "float_bits", "macs_1bit", "macs_other"
EXPLANATION = """\
1-bit: the weights. Other: a threshold per neuron (and per class of border positions) as wide as the
layer's accumulator, and per class a scale and a bias of the head. Memory is the sum of their bits;
spare lanes of a folding are not counted. A MAC is 1-bit where weight and input are. The float
network has each weight, and a bias per neuron in place of its batch-norm, in 32 bits."""


def summary(net: Net) -> dict[str, Any]:
    """What each layer of the network holds and computes for one sample, and the sums."""
    layers = [_layer(net, layer) for layer in net.layers]
    return {key: sum(row[key] for row in layers) for key in COUNTED} | {"layers": layers}


def _layer(net: Net, layer: Layer) -> dict[str, Any]:
    """One row; `bits` are those of an input's element."""
    source = layer.inputs[0] if layer.inputs else layer.name
    row: dict[str, Any] = {
        "name": layer.name,
        "kind": type(layer).__name__.lower(),
        "bits": net.element(source).bits,
        "shape": list(net.shape(layer.name)),
        **dict.fromkeys(COUNTED, 0),
    }
    match layer:
        case Mvau():
            biases = 0
            if layer.thresholds is not None:
                row["others"] = layer.thresholds.size
                row["memory_bits"] = layer.thresholds.size * acc_bits(net, layer)
                biases = layer.mh
            row["weights"] = layer.weights.size
            row["memory_bits"] += layer.weights.size
            row["float_bits"] = FLOAT_BITS * (layer.weights.size + biases)
            kind = "macs_1bit" if row["bits"] == 1 else "macs_other"
            row[kind] = layer.weights.size * net.positions(layer.name)
        case MaxPool() if layer.invert.any():
            row["others"] = row["memory_bits"] = len(layer.invert)
        case Head():
            row["others"] = 2 * layer.classes
            row["memory_bits"] = layer.classes * (scale_bits(layer) + layer.width)
            row["float_bits"] = FLOAT_BITS * layer.classes
    return row


def table(facts: Facts) -> tuple[list[str], list[list[str]]]:
    """Columns, those of numbers ending in `>`, and a row of text a layer, the last one the sums."""
    layers = facts["layers"]
    widths = sorted({row["bits"] for row in layers if row["macs_other"]})
    columns = ["layer", "kind", "input bits>", "output", "1-bit>", "other>", "KiB>", "1-bit MACs>"]
    columns += [f"{bits}-bit MACs>" for bits in widths]
    rows = [
        [
            *(row["name"], row["kind"], str(row["bits"]), "x".join(map(str, row["shape"]))),
            *_numbers([row], widths),
        ]
        for row in layers
    ]
    return columns, [*rows, ["total", "", "", "", *_numbers(layers, widths)]]


def _numbers(layers: Sequence[Facts], widths: Sequence[int]) -> list[str]:
    """The sums over some layers; nothing where there is nothing."""
    weights, others, memory, _, macs_1bit, _ = (sum(row[key] for row in layers) for key in COUNTED)
    wide = [sum(row["macs_other"] for row in layers if row["bits"] == bits) for bits in widths]
    counts = [f"{count:,}" if count else "" for count in (weights, others, macs_1bit, *wide)]
    return [*counts[:2], kib(memory) if memory else "", *counts[2:]]


def totals(facts: Facts) -> list[tuple[str, str]]:
    """The sums beside the float network's: what, and how much."""
    memory, floats = facts["memory_bits"], facts["float_bits"]
    macs = facts["macs_1bit"] + facts["macs_other"]
    return [
        ("parameters", f"{facts['weights'] + facts['others']:,}"),
        ("memory", f"{kib(memory)} KiB"),
        ("memory of the float network", f"{kib(floats)} KiB, {floats / memory:.1f} times as much"),
        ("MACs", f"{macs:,}, {100 * facts['macs_1bit'] / macs:.1f} % of them 1-bit"),
        ("MACs of the float network", f"{macs:,}, all 32-bit"),
    ]


def kib(bits: int) -> str:
    """Bits as KiB."""
    return f"{bits / KIB:,.2f}"
