"""The source graph executed as it is: by QONNX, and by onnxruntime as float32 for comparison."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize

from onebit.lower.evaluate import session
from onebit.lower.images import channels_last, without_ceil
from onebit.lower.source import plain, read

BATCH = 1000
VALUES_AT_ONCE = 1 << 25  # in the largest tensor: 128 MiB of float32


def execute(path: Path, samples: NDArray[np.generic], scale: float = 1.0) -> NDArray[np.float32]:
    """Logits (count, classes) of samples * scale (count, h, w, c) or (count, features), by QONNX.

    The nodes run one by one, the quantisers as QONNX defines them; nothing of onebit takes part but
    the order of the input's axes.
    """
    model = any_batch(read(path))
    step = _together(model)
    parts = []
    for start in range(0, len(samples), step):
        part = in_layout(model, samples[start : start + step].astype(np.float64) * scale)
        wrapper = _sized(model, len(part))
        name, result = wrapper.graph.input[0].name, wrapper.graph.output[0].name
        parts.append(execute_onnx(wrapper, {name: part})[result])
    return np.concatenate(parts)


def _sized(model: ModelProto, count: int) -> ModelWrapper:
    """A copy of the graph for `count` samples at a time."""
    wrapper = ModelWrapper(ModelProto.FromString(model.SerializeToString()))
    return without_ceil(wrapper.transform(ChangeBatchSize(count)))


def _together(model: ModelProto) -> int:
    """How many samples to run at once: QONNX keeps every tensor until the last node."""
    wrapper = _sized(model, 1)
    constants = {init.name for init in wrapper.graph.initializer}
    names = set(wrapper.get_all_tensor_names()) - constants
    largest = max(math.prod(wrapper.get_tensor_shape(name) or ()) for name in names)
    return max(1, min(BATCH, VALUES_AT_ONCE // max(1, largest)))


def in_layout(model: ModelProto, samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Samples (count, h, w, c) or (count, features) as the graph takes them."""
    first = model.graph.input[0]
    shape = tuple(dim.dim_value for dim in first.type.tensor_type.shape.dim)[1:]
    values = samples.astype(np.float32)
    if len(shape) == 3 and not channels_last(model.graph.node, first.name, shape):
        channels, height, width = shape
        values = values.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(values.reshape(-1, *shape))


def any_batch(model: ModelProto) -> ModelProto:
    """The graph with reshapes that keep the number of samples, whatever it is."""
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    constants = [(init.name, init) for init in model.graph.initializer]
    constants += [
        (node.output[0], attribute.t)
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    ]
    for name, tensor in constants:
        value = numpy_helper.to_array(tensor).copy() if name in shapes else np.zeros(0)
        if len(value) > 1 and value[0] == 1:
            value[0] = 0  # copies the first axis
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    return model


def self_contained(path: Path) -> bytes:
    """The ONNX file as one piece, with the data that it keeps in other files."""
    return bytes(onnx.load(path).SerializeToString())


def runner(path: Path, samples: NDArray[np.generic], *, threads: int) -> Callable[[], object]:
    """What runs the samples through the float32 graph in onnxruntime, all of them at once."""
    model = any_batch(read(path))
    run = session(plain(model), threads=threads, optimise=True)
    feed = {run.get_inputs()[0].name: in_layout(model, samples)}
    return lambda: run.run(None, feed)


def throughput(
    path: Path, samples: NDArray[np.generic], *, threads: int, runs: int = 7
) -> list[float]:
    """Samples per second of onnxruntime on the float32 graph, one figure a run after a warm-up."""
    run = runner(path, samples, threads=threads)
    run()
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        rates.append(len(samples) / (time.perf_counter() - start))
    return rates
