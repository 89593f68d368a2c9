"""The input's table: what each raw sample value becomes before the first product."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.lower.evaluate import segment_function
from onebit.lower.source import Source
from onebit.net import Bit, Element, Input, Int, signed_bits

MOST_BITS = 8  # of an element: wider first layers have no hardware worth building yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Raw values lo, lo + step, ... hi; the source graph receives raw * scale."""

    lo: int
    hi: int
    step: int = 1
    scale: float = 1.0


BIPOLAR = Raw(lo=-1, hi=1, step=2)


def read_input(source: Source, name: str) -> Input:
    """The Input layer; ConfigError where the values before the first product are no integers."""
    raw = _raw(source)
    chain = source.chain
    flat = chain.products[0].flatten or len(chain.shape) == 1
    shape = (math.prod(chain.shape),) if flat else chain.shape
    values = np.arange(raw.lo, raw.hi + 1, raw.step)
    received = (values * np.float64(raw.scale)).astype(np.float32)[:, None]
    real = segment_function(source.chain.constants, source.chain.before, 1)(received)[:, 0].astype(
        np.float64
    )
    element, table, scale, offset = _grid(real)
    return Input(
        name=name,
        shape=shape,
        element=element,
        raw_lo=raw.lo,
        raw_step=raw.step,
        raw_scale=raw.scale,
        table=table,
        scale=scale,
        offset=offset,
    )


def _raw(source: Source) -> Raw:
    """The raw values: the datatype that was given, or the levels of a quantiser at the start.

    A datatype may have a divisor, `uint8/255`: the graph receives the samples divided by it.
    """
    given = re.fullmatch(
        r"(BIPOLAR|BINARY|(U?)INT([1-9]|1[0-6]))(?:/([1-9]\d*))?", source.raw.upper()
    )
    if given:
        name, unsigned, width, divisor = given.groups()
        known = {"BIPOLAR": BIPOLAR, "BINARY": Raw(lo=0, hi=1)}
        bits = int(width or 1)
        lowest = 0 if unsigned else -(1 << bits - 1)
        raw = known.get(name) or Raw(lo=lowest, hi=lowest + (1 << bits) - 1)
        return replace(raw, scale=1 / float(divisor or 1))
    nodes = [node for node in source.chain.before.nodes if node.op_type != "Identity"]
    ops = {node.op_type: node for node in nodes}
    start = nodes[0].op_type if nodes else ""
    if start in ("GreaterOrEqual", "Sign"):
        return BIPOLAR
    if start == "Div" and {"Clip", "Round", "Add"} <= set(ops):
        constants = source.chain.constants
        zero = int(constants[ops["Add"].input[1]].max())
        lo, hi = (int(constants[key].max()) - zero for key in ops["Clip"].input[1:3])
        return Raw(lo=lo, hi=hi, scale=float(constants[ops["Div"].input[1]].max()))
    raise ConfigError(
        f"the input is {source.raw}: its raw values are not known",
        hint="say what the samples are: `--input uint8` for images of 0..255, `--input uint8/255` "
        "where the network receives them divided; or uint1..16, int2..16, bipolar, binary",
    )


def _grid(real: NDArray[np.float64]) -> tuple[Element, NDArray[np.int64], float, float]:
    """real = scale * x + offset with integers x: (element, table of x, scale, offset)."""
    levels = np.unique(real)
    if len(levels) == 2 and levels[0] == -levels[1]:
        return Bit(), (real > 0).astype(np.int64), float(levels[1]), 0.0
    if len(levels) < 2:
        raise ConfigError(f"the input is {levels[0]} whatever the raw value is")
    least, most = float(levels[0]), float(levels[-1])
    steps = round((most - least) / float(np.diff(levels).min()))
    step = (most - least) / steps  # finer than one difference of float32 values
    table = np.rint((real - least) / step).astype(np.int64)
    if np.abs(step * table + least - real).max() > 1e-2 * step:
        raise ConfigError(
            f"the input's {len(levels)} values are not evenly spaced",
            hint="quantise the input uniformly (Quant or BipolarQuant) before the first product",
        )
    if steps.bit_length() > MOST_BITS:
        raise ConfigError(
            f"the input takes {steps + 1} levels, more than {MOST_BITS} bits can hold",
            hint="quantise it to fewer bits before the first product",
        )
    element, first = Int(bits=steps.bit_length()), round(least / step)
    rounding = 4 * np.finfo(np.float32).eps * max(abs(least), abs(most))
    if abs(step * first - least) <= rounding:  # whole steps from zero: do without an offset,
        signed = first < 0
        bits = signed_bits(first, first + steps) - (not signed)
        if bits <= element.bits:  # where that takes no more bits
            return Int(bits=bits, signed=signed), table + first, step, 0.0
    return element, table, step, least
