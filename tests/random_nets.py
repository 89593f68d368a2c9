"""Seeded random QONNX multilayer perceptrons with everything that makes lowering hard."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

QUANT = "qonnx.custom_op.general"
WIDTHS = (1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129, 191, 257, 300)


@dataclass
class Graph:
    """An ONNX graph under construction: `tensor` is the name of the newest activation."""

    rng: np.random.Generator
    tensor: str = "input"
    nodes: list = field(default_factory=list)
    constants: list = field(default_factory=list)

    def constant(self, name: str, value: np.ndarray) -> str:
        array = np.asarray(value, dtype=np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op: str, name: str, *inputs: str, output: str = "", **attributes: object) -> str:
        domain = {"domain": QUANT} if op in ("Quant", "BipolarQuant") else {}
        out = output or f"{name}_out"
        self.nodes.append(helper.make_node(op, list(inputs), [out], name, **domain, **attributes))
        return out

    def chain(self, op: str, name: str, *inputs: str, **attributes: object) -> None:
        self.tensor = self.node(op, name, self.tensor, *inputs, **attributes)


def add_input(graph: Graph, kind: str) -> str:
    """Add the input's quantisation; returns the datatype to annotate the input with."""
    if kind == "bit":
        raw = str(graph.rng.choice(["UINT8", "BIPOLAR"]))
        if raw == "UINT8":
            graph.chain("Sub", "center", graph.constant("center_value", np.float32(127.5)))
            graph.chain("BipolarQuant", "input_quant", graph.constant("input_scale", np.float32(1)))
        return raw
    bits, signed = int(kind[1:]), kind[0] == "s"
    if graph.rng.random() < 0.5:
        values = [np.float32(1), np.float32(0), np.float32(bits)]
        names = [graph.constant(f"input_q{i}", value) for i, value in enumerate(values)]
        graph.chain(
            "Quant", "input_quant", *names, signed=int(signed), narrow=0, rounding_mode="ROUND"
        )
    return f"{'INT' if signed else 'UINT'}{bits}"


def add_dense(graph: Graph, name: str, mw: int, mh: int) -> None:
    """A product with +-1 weights, as MatMul or as Gemm."""
    latent = graph.rng.standard_normal((mh, mw)).clip(-1, 1)
    gemm = graph.rng.random() < 0.5
    weights = graph.constant(f"{name}_latent", latent if gemm else latent.T)
    one = graph.constant(f"{name}_scale", np.float32(1))
    quantised = graph.node("BipolarQuant", f"{name}_weights", weights, one)
    if gemm:
        graph.chain("Gemm", name, quantised, transB=1)
    else:
        graph.chain("MatMul", name, quantised)


def add_norm(
    graph: Graph, name: str, mh: int, spread: float, *, hard: bool, center: float = 0.0
) -> None:
    """A batch-norm; `hard`: slopes of both signs and zero, sums that tie with thresholds."""
    rng = graph.rng
    slope = rng.uniform(0.2, 2, mh) * (rng.choice([-1, 1], mh) if hard else 1)
    mean = center + rng.normal(0, spread, mh)
    shift = rng.normal(0, 0.5, mh)
    if hard:
        slope[rng.random(mh) < 0.08] = 0
        tie = rng.random(mh) < 0.4
        mean[tie], shift[tie] = mean[tie].round(), 0
        shift[rng.random(mh) < 0.03] = 0
    variance = rng.uniform(0.5, 2, mh) * spread**2
    values = {"slope": slope, "shift": shift, "mean": mean, "variance": variance}
    names = [graph.constant(f"{name}_{key}", value) for key, value in values.items()]
    graph.chain("BatchNormalization", name, *names, epsilon=1e-5)


def add_sign(graph: Graph, name: str) -> None:
    """A 1-bit activation: Brevitas' BipolarQuant, or Larq's sign(sign(x) + 0.1)."""
    if graph.rng.random() < 0.7:
        graph.chain("BipolarQuant", name, graph.constant(f"{name}_scale", np.float32(1)))
    else:
        graph.chain("Sign", f"{name}_first")
        graph.chain("Add", f"{name}_nudge", graph.constant(f"{name}_tenth", np.float32(0.1)))
        graph.chain("Sign", name)


def add_head(graph: Graph, mh: int, spread: float) -> None:
    """The end: batch-norm per class, one scale and bias per class, or the bare sums."""
    match int(graph.rng.integers(3)):
        case 0:
            add_norm(graph, "head_norm", mh, spread, hard=False)
        case 1:
            scale = graph.constant("head_scale", np.float32(graph.rng.uniform(0.01, 1)))
            graph.chain("Mul", "head_mul", scale)
            bias = graph.constant("head_bias", graph.rng.normal(0, 1, mh))
            graph.chain("Add", "head_add", bias)
        case _:
            pass


def random_model(seed: int) -> tuple[ModelProto, DataType]:
    """A random perceptron of 1 to 5 layers, widths 1 to 300, and its input's datatype."""
    rng = np.random.default_rng(seed)
    kinds = ["bit", *(f"u{bits}" for bits in range(1, 9)), *(f"s{bits}" for bits in range(2, 9))]
    kind = kinds[seed % len(kinds)]
    depth = int(rng.integers(1, 6))
    widths = [
        int(rng.choice(WIDTHS) if rng.random() < 0.5 else rng.integers(1, 301))
        for _ in range(depth)
    ] + [int(rng.integers(2, 20))]
    graph = Graph(rng)
    raw = add_input(graph, kind)
    scale = 1.0 if kind == "bit" else 2.0 ** (int(kind[1:]) - 1)
    for i, (mw, mh) in enumerate(pairwise(widths)):
        add_dense(graph, f"fc{i + 1}", mw, mh)
        spread = max(1.0, scale * np.sqrt(mw))
        scale = 1.0
        if i + 1 < depth:
            add_norm(graph, f"norm{i + 1}", mh, spread, hard=True)
            add_sign(graph, f"sign{i + 1}")
        else:
            add_head(graph, mh, spread)
    return build(graph, widths[0], widths[-1], raw), DataType[raw]


def build(graph: Graph, inputs: int | tuple[int, ...], outputs: int, raw: str) -> ModelProto:
    """The finished model, its input annotated with the datatype `raw`."""
    shape = (inputs,) if isinstance(inputs, int) else inputs
    last = graph.nodes[-1]
    last.output[0] = "logits"
    proto = qonnx_make_model(
        helper.make_graph(
            graph.nodes,
            "random",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, outputs])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(QUANT, 1)],
    )
    model = ModelWrapper(proto)
    model.set_tensor_datatype("input", DataType[raw])
    return model.model


def write_model(seed: int, path: Path) -> DataType:
    """Save `random_model(seed)`; returns the datatype of its input."""
    proto, raw = random_model(seed)
    path.write_bytes(proto.SerializeToString())
    return raw
