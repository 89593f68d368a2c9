"""Hard-wired layers in SystemVerilog: weights and thresholds as constants, a line a neuron."""

from __future__ import annotations

from onebit import hardwired
from onebit.net import Mvau, Net, signed_bits


def constants(net: Net, layer: Mvau) -> list[str]:
    """The constants of a layer, the last neuron first."""
    rows = (int("".join(map(str, row[::-1])), 2) for row in layer.weights)
    made = _constant(f"{layer.name}_WEIGHTS", layer.mw, [f"{layer.mw}'h{row:x}" for row in rows])
    if layer.thresholds is not None:
        bits = acc_bits(net, layer)
        levels = layer.thresholds[0].clip(0, layer.mw + 1)  # beyond is as good as at the end
        made += _constant(f"{layer.name}_LEVELS", bits, [f"{bits}'d{level}" for level in levels])
    return made


def acc_bits(net: Net, layer: Mvau) -> int:
    """Width of the accumulator that the layer puts out; a level, up to MW+1, fits too."""
    return signed_bits(*net.acc_range(layer.name))


def _constant(name: str, bits: int, values: list[str]) -> list[str]:
    lines = [f"    {value},  // neuron {n}" for n, value in enumerate(values)]
    lines[0] = lines[0].replace(",", " ")
    head = f"  localparam bit [{len(values) - 1}:0][{bits - 1}:0] {name} = {{"
    return [head, *reversed(lines), "  };"]


def parameters(net: Net, layer: Mvau) -> dict[str, int | str]:
    """Those of rtl/mvau_hardwired.sv."""
    plan = hardwired.plan(layer)
    made: dict[str, int | str] = {
        "MW": layer.mw,
        "MH": layer.mh,
        "GROUP": plan.group,
        "THRESHOLDS": int(layer.thresholds is not None),
        "ACC_W": acc_bits(net, layer),
        "WEIGHTS": f"{layer.name}_WEIGHTS",
        "PRIMITIVES": "PRIMITIVES",
        "BIN_LATENCY": plan.bin_latency,
        "PART_LATENCY": plan.part_latency,
        "SUM_LATENCY": plan.sum_latency,
    }
    if layer.thresholds is not None:
        made["LEVELS"] = f"{layer.name}_LEVELS"
    return made
