"""The input's table: what each raw sample value becomes before the first product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.errors import ConfigError
from onebit.lower.evaluate import segment_function
from onebit.lower.source import Source
from onebit.net import Bit, Element, Input, Int


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Raw values lo..hi; the source graph receives raw * scale."""

    lo: int
    hi: int
    scale: float = 1.0
    bipolar: bool = False


def read_input(source: Source, name: str) -> Input:
    """The Input layer; ConfigError where the values before the first product are no integers."""
    raw = _raw(source)
    values = np.arange(raw.lo, raw.hi + 1)
    if raw.bipolar:
        values[values == 0] = 1  # not a bipolar value; the sign of zero is +1 everywhere
    received = (values * np.float64(raw.scale)).astype(np.float32)[:, None]
    real = segment_function(source, source.before, 1)(received)[:, 0].astype(np.float64)
    element, table, scale, offset = _grid(real, raw)
    return Input(
        name=name,
        shape=(source.features,),
        element=element,
        raw_lo=raw.lo,
        table=table,
        raw_scale=raw.scale,
        scale=scale,
        offset=offset,
    )


def _raw(source: Source) -> Raw:
    """The raw values: the annotated datatype, or the levels of the first quantiser."""
    name = source.raw
    if name == "BIPOLAR":
        return Raw(lo=-1, hi=1, bipolar=True)
    if name == "BINARY":
        return Raw(lo=0, hi=1)
    if name.startswith(("INT", "UINT")):
        bits, signed = int(name.lstrip("UINT")), name.startswith("INT")
        if bits <= 16:
            return Raw(lo=-(1 << bits - 1) if signed else 0, hi=(1 << bits - signed) - 1)
    ops = {node.op_type: node for node in source.before.nodes}
    if "Where" in ops or "Sign" in ops:
        return Raw(lo=-1, hi=1, bipolar=True)
    if {"Clip", "Round", "Div"} <= set(ops):
        scale = float(source.constants[ops["Div"].input[1]].max())
        lo, hi = (int(source.constants[key].max()) for key in ops["Clip"].input[1:3])
        return Raw(lo=lo, hi=hi, scale=scale)
    raise ConfigError(
        f"the input is {name}: its raw values are not known",
        hint="annotate it (QONNX: ModelWrapper.set_tensor_datatype('"
        + source.model.graph.input[0].name
        + "', DataType['UINT8'])), or start the network with a quantiser",
    )


def _grid(real: NDArray[np.float64], raw: Raw) -> tuple[Element, NDArray[np.int64], float, float]:
    """real = scale * x + offset with integers x: (element, table of x, scale, offset)."""
    levels = np.unique(real)
    if len(levels) == 2 and levels[0] == -levels[1]:
        return Bit(), (real > 0).astype(np.int64), float(levels[1]), 0.0
    if len(levels) < 2:
        raise ConfigError(f"the input is {levels[0]} whatever the raw value is")
    step = float(np.diff(levels).min())
    whole = abs(levels[0] / step - round(levels[0] / step)) < 1e-3
    offset = 0.0 if whole else float(levels[0])
    x = (real - offset) / step
    table = np.rint(x).astype(np.int64)
    if np.abs(x - table).max() > 1e-2 or table.max() - table.min() >= 1 << 16:
        raise ConfigError(
            f"the input's {len(levels)} values are not evenly spaced integers times a scale",
            hint="quantise the input uniformly (Quant or BipolarQuant) before the first product",
        )
    if abs(step) > 0 and len(levels) > 2:  # a mean over many steps is finer than one difference
        step = float((levels[-1] - levels[0]) / (table.max() - table.min()))
    lo, hi = int(table.min()), int(table.max())
    signed = lo < 0
    bits = max(hi.bit_length(), (~lo).bit_length() if signed else 0) + signed
    return Int(bits=max(1, bits), signed=signed), table, step, offset
