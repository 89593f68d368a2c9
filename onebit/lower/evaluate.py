"""The source's elementwise chains, evaluated in float32 by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from onebit.errors import ConfigError
from onebit.lower.chain import Constants, Segment

OPSET = 18

Floats = NDArray[np.float32]


def session(model: ModelProto, *, threads: int = 1, optimise: bool = False) -> ort.InferenceSession:
    """An onnxruntime session; without `optimise` every node is computed as it is written."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as reason:  # noqa: BLE001  onnxruntime's errors share no base
        first = (str(reason).strip() or repr(reason)).splitlines()[0]
        raise ConfigError(
            f"onnxruntime refuses the graph: {first}",
            hint=f"export it again, with ONNX operators of opset 11 to {OPSET}",
        ) from None


def segment_function(
    constants: Constants, segment: Segment, width: int
) -> Callable[[Floats], Floats]:
    """The segment as a function of float32 arrays (rows, width)."""
    if not segment.nodes:
        return lambda x: x
    runner = session(_model(segment.nodes, segment.source, ["N", width], segment.result, constants))

    def function(x: Floats) -> Floats:
        (result,) = runner.run(None, {segment.source: x.astype(np.float32)})
        return np.asarray(np.broadcast_to(result, x.shape))

    return function


def run_node(node: NodeProto, given: dict[str, Floats], constants: Constants) -> Floats:
    """What one standard node makes of its one input that is not constant."""
    ((name, value),) = given.items()
    model = _model([node], name, list(value.shape), node.output[0], constants)
    return np.asarray(session(model).run(None, {name: value})[0])


def _model(
    nodes: Sequence[NodeProto], source: str, shape: list[Any], result: str, constants: Constants
) -> ModelProto:
    """Nodes from one tensor to another as a model."""
    used = {name for node in nodes for name in node.input}
    return helper.make_model(
        helper.make_graph(
            nodes,
            "segment",
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(v, k) for k, v in constants.items() if k in used],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )
