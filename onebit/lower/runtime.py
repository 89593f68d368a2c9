"""The source graph executed as it is: by QONNX, and by onnxruntime as float32 for comparison."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes

from onebit.lower.evaluate import session
from onebit.lower.source import plain, read

BATCH = 1000


def execute(path: Path, samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """Logits (count, classes) of float samples (count, features), node by node by QONNX.

    The quantiser nodes run as QONNX defines them; nothing of onebit takes part.
    """
    parts = []
    for start in range(0, len(samples), BATCH):
        part = samples[start : start + BATCH].astype(np.float32)
        model = ModelWrapper(read(path)).transform(InferShapes())
        model = model.transform(ChangeBatchSize(len(part))).transform(InferShapes())
        shape = model.get_tensor_shape(model.graph.input[0].name)
        name, result = model.graph.input[0].name, model.graph.output[0].name
        parts.append(execute_onnx(model, {name: part.reshape(shape)})[result])
    return np.concatenate(parts)


def self_contained(path: Path) -> bytes:
    """The ONNX file as one piece, with the data that it keeps in other files."""
    return bytes(onnx.load(path).SerializeToString())


def throughput(
    path: Path, samples: NDArray[np.generic], *, threads: int, runs: int = 7
) -> list[float]:
    """Samples per second of onnxruntime on the float32 graph, one figure a run after a warm-up."""
    runner = session(plain(read(path)), threads=threads, optimise=True)
    first = runner.get_inputs()[0]
    feed = {first.name: samples.astype(np.float32).reshape(-1, *first.shape[1:])}
    runner.run(None, feed)
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        runner.run(None, feed)
        rates.append(len(samples) / (time.perf_counter() - start))
    return rates
