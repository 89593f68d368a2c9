"""The network's structure as FINN sees it: conversion, streamlining, bipolar to XNOR-popcount."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import qonnx.core.onnx_exec as onnx_exec
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline import Streamline
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.bipolar_to_xnor import ConvertBipolarMatMulToXnorPopcount
from qonnx.transformation.gemm_to_matmul import GemmToMatMul
from qonnx.util.cleanup import cleanup_model

from onebit.errors import ConfigError
from onebit.lower.source import Source
from onebit.net import Bit, Element, Input

PASSES: tuple[Callable[[], Transformation], ...] = (
    ConvertQONNXtoFINN,
    GemmToMatMul,
    Streamline,
    ConvertBipolarMatMulToXnorPopcount,
    Streamline,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinnLayer:
    """One product of the streamlined graph.

    weights: {0,1} of shape (mh, mw), a 1 being +1; `xnor`: the accumulator counts agreeing bits.
    `after` maps accumulators (rows, mh) to what FINN's nodes make of them.
    """

    xnor: bool
    weights: NDArray[np.uint8]
    after: Callable[[NDArray[np.float32]], NDArray[np.float32]]


def from_first_product(model: ModelProto, source: Source, first: Input) -> ModelWrapper:
    """The graph with the integers of the input's table in place of raw samples.

    What comes before the first product is in that table already; FINN reads some of it otherwise
    (a 1-bit unsigned Quant becomes bipolar).
    """
    wrapper = ModelWrapper(ModelProto.FromString(model.SerializeToString()))
    graph, start = wrapper.graph, source.before.result
    before = {node.name.partition("#")[0] for node in source.before.nodes}
    nodes = [node for node in graph.node if node.name not in before]
    steps = [
        helper.make_node("Mul", ["elements", "elements_scale"], ["elements_scaled"]),
        helper.make_node("Add", ["elements_scaled", "elements_offset"], [start]),
    ]
    old, shape = source.model.graph.input[0].name, [1, source.features]
    values = [value for value in graph.input if value.name != old]
    notes = [note for note in graph.quantization_annotation if note.tensor_name not in (old, start)]
    for field, items in (
        (graph.node, [*steps, *nodes]),
        (
            graph.input,
            [helper.make_tensor_value_info("elements", TensorProto.FLOAT, shape), *values],
        ),
        (graph.quantization_annotation, notes),
        (graph.value_info, [value for value in graph.value_info if value.name != start]),
    ):
        del field[:]
        field.extend(items)
    for name, number in (("scale", first.scale), ("offset", first.offset)):
        wrapper.set_initializer(f"elements_{name}", np.array([number], dtype=np.float32))
    wrapper.set_tensor_datatype("elements", DataType[_datatype(first.element)])
    return wrapper


def _datatype(element: Element) -> str:
    """QONNX's name of an element type."""
    if isinstance(element, Bit):
        return "BIPOLAR"
    return f"{'INT' if element.signed else 'UINT'}{element.bits}"


def streamlined(wrapper: ModelWrapper) -> ModelWrapper:
    """The graph after FINN's passes; ConfigError naming the pass that failed."""
    logging.getLogger("finn_logger").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        step = "cleanup_model"
        try:
            wrapper = cleanup_model(wrapper)
            for make in PASSES:
                step = make.__name__
                wrapper = wrapper.transform(make())
        except Exception as reason:  # noqa: BLE001  FINN's passes raise anything
            raise ConfigError(
                f"FINN's pass {step} failed: {type(reason).__name__}: {reason}",
                hint="onebit itself could read this network: please report it, with the file",
            ) from None
    return wrapper


def finn_layers(wrapper: ModelWrapper) -> tuple[FinnLayer, ...]:
    """The products of a streamlined graph in order, each with what follows it."""
    nodes = list(wrapper.graph.node)
    starts = [i for i, n in enumerate(nodes) if n.op_type in ("MatMul", "XnorPopcountMatMul")]
    layers = []
    for start, end in zip(starts, [*starts[1:], len(nodes)], strict=True):
        node = nodes[start]
        weights = wrapper.get_initializer(node.input[1])
        if weights is None:
            raise ConfigError(f"FINN's node {node.name!r}: a product of two activations")
        layers.append(
            FinnLayer(
                xnor=node.op_type == "XnorPopcountMatMul",
                weights=(weights.T > 0).astype(np.uint8),
                after=_runner(wrapper, nodes[start + 1 : end], node.output[0]),
            )
        )
    return tuple(layers)


def _runner(
    wrapper: ModelWrapper, nodes: list[NodeProto], start: str
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The nodes as a function of accumulators (rows, mh), executed one by one by QONNX."""
    graph = wrapper.graph
    constants = {init.name: wrapper.get_initializer(init.name) for init in graph.initializer}
    versions = wrapper.get_opset_imports()

    def one_row(acc: NDArray[np.float32]) -> NDArray[np.float32]:
        values, tensor = {**constants, start: acc}, start
        for node in nodes:
            tensor = node.output[0]
            values[tensor] = np.zeros_like(acc)
            onnx_exec.execute_node(node, values, graph, versions[node.domain])
        return np.asarray(values[tensor])

    return lambda acc: np.concatenate([one_row(row[None, :]) for row in acc])
