"""The network's structure as FINN sees it: conversion, streamlining, bipolar to XNOR-popcount."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN
from finn.transformation.streamline.absorb import (
    AbsorbAddIntoMultiThreshold,
    AbsorbConsecutiveTransposes,
    AbsorbMulIntoMultiThreshold,
    AbsorbScalarBiasIntoMultiThreshold,
    AbsorbTransposeIntoMultiThreshold,
    FactorOutMulSignMagnitude,
)
from finn.transformation.streamline.collapse_repeated import (
    CollapseRepeatedAdd,
    CollapseRepeatedMul,
)
from finn.transformation.streamline.reorder import (
    MakeMaxPoolNHWC,
    MoveAddPastConv,
    MoveAddPastMul,
    MoveMulPastMaxPool,
    MoveScalarAddPastMatMul,
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastConv,
    MoveScalarMulPastMatMul,
)
from finn.transformation.streamline.sign_to_thres import ConvertSignToThres
from numpy.typing import NDArray
from onnx import NodeProto
from qonnx.core.execute_custom_node import execute_custom_node
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.batchnorm_to_affine import BatchNormToAffine
from qonnx.transformation.bipolar_to_xnor import ConvertBipolarMatMulToXnorPopcount
from qonnx.transformation.gemm_to_matmul import GemmToMatMul
from qonnx.transformation.general import (
    ConvertDivToMul,
    ConvertSubToAdd,
    GiveReadableTensorNames,
    GiveUniqueNodeNames,
)
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.transformation.remove import RemoveIdentityOps
from qonnx.util.basic import get_by_name
from qonnx.util.cleanup import cleanup_model

from onebit.errors import ConfigError
from onebit.lower.evaluate import run_node

# FINN's Streamline, but for its passes that multiply weights by +-1: they test each weight in
# Python, 10 s a million, and what is left behind is part of the chain that is compared; and but for
# the one that moves scales past Im2Col, which none reaches.
STREAMLINE: tuple[Callable[[], Transformation], ...] = (
    ConvertSubToAdd,
    ConvertDivToMul,
    BatchNormToAffine,
    ConvertSignToThres,
    MoveMulPastMaxPool,
    AbsorbScalarBiasIntoMultiThreshold,
    MoveScalarLinearPastInvariants,
    MoveAddPastMul,
    MoveScalarAddPastMatMul,
    MoveAddPastConv,
    MoveScalarMulPastMatMul,
    MoveScalarMulPastConv,
    MoveAddPastMul,
    CollapseRepeatedAdd,
    CollapseRepeatedMul,
    MoveMulPastMaxPool,
    AbsorbAddIntoMultiThreshold,
    FactorOutMulSignMagnitude,
    AbsorbMulIntoMultiThreshold,
)
PASSES: tuple[Callable[[], Transformation], ...] = (
    ConvertQONNXtoFINN,
    GemmToMatMul,
    *STREAMLINE,
    LowerConvsToMatMul,
    MakeMaxPoolNHWC,
    AbsorbTransposeIntoMultiThreshold,
    MakeMaxPoolNHWC,
    AbsorbConsecutiveTransposes,
    InferDataTypes,
    ConvertBipolarMatMulToXnorPopcount,
    *STREAMLINE,
)
TIDY = (RemoveIdentityOps, GiveUniqueNodeNames, GiveReadableTensorNames, InferDataTypes)
PLACES = ("MaxPool", "MaxPoolNHWC", "Im2Col", "Pad", "Reshape", "Flatten", "Squeeze", "Softmax")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinnLayer:
    """One product of the streamlined graph.

    weights: {0,1} of shape (mh, mw), a 1 being +1, and their `scale` (mh,); `xnor`: the accumulator
    counts agreeing bits. `after` maps accumulators (rows, mh) to what FINN's nodes make of them.
    """

    xnor: bool
    weights: NDArray[np.uint8]
    scale: NDArray[np.float32]
    after: Callable[[NDArray[np.float32]], NDArray[np.float32]]


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
                before = list(wrapper.graph.node)
                wrapper = wrapper.transform(make())
                changed = before != list(wrapper.graph.node)
                for tidy in TIDY if changed and make in STREAMLINE else ():
                    wrapper = wrapper.transform(tidy(), make_deepcopy=False, cleanup=False)
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
        xnor = node.op_type == "XnorPopcountMatMul"
        layers.append(
            FinnLayer(
                xnor=xnor,
                scale=np.ones(weights.shape[1], np.float32) if xnor else np.abs(weights[0]),
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
    image = len(wrapper.get_tensor_shape(start) or ()) == 4

    def run(acc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each row as an image of one position: what only moves positions is left out."""
        values = {start: acc.reshape(len(acc), 1, 1, -1) if image else acc}
        tensor = start
        for node in nodes:
            before, tensor = values[node.input[0]], node.output[0]
            used = {name: constants[name] for name in node.input if name in constants}
            if node.op_type in PLACES:
                values[tensor] = before
            elif node.op_type == "Transpose":
                values[tensor] = before.transpose(get_by_name(node.attribute, "perm").ints)
            elif node.domain:
                values |= used
                values[tensor] = np.zeros_like(before)
                execute_custom_node(node, values, graph, versions.get(node.domain, 1))
            else:
                values[tensor] = run_node(node, {node.input[0]: before}, used)
        return np.asarray(values[tensor]).reshape(len(acc), -1)

    return run
