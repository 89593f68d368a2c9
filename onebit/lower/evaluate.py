"""The source's elementwise chains, evaluated in float32 by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from onebit.errors import ConfigError
from onebit.lower.source import OPSET, Segment, Source

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


def segment_function(source: Source, segment: Segment, width: int) -> Callable[[Floats], Floats]:
    """The segment as a function of float32 arrays (rows, width)."""
    if not segment.nodes:
        return lambda x: x
    used = {name for node in segment.nodes for name in node.input}
    model = helper.make_model(
        helper.make_graph(
            segment.nodes,
            "segment",
            [helper.make_tensor_value_info(segment.source, TensorProto.FLOAT, ["N", width])],
            [helper.make_tensor_value_info(segment.result, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(v, k) for k, v in source.constants.items() if k in used],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )
    runner = session(model)

    def function(x: Floats) -> Floats:
        (result,) = runner.run(None, {segment.source: x.astype(np.float32)})
        return np.asarray(np.broadcast_to(result, x.shape))

    return function
