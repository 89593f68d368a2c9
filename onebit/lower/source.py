"""The source graph: read, checked, reduced to standard ONNX, and cut at its matrix products.

What leaves this module is plain: constant weights, no quantiser nodes, every node either a
product or elementwise per channel. Nodes keep the names that they have in the file; where one
becomes several, each has a suffix after `#`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

from onebit.errors import ConfigError, OnebitError

QUANTISERS = ("BipolarQuant", "Quant")
PRODUCTS = ("MatMul", "Gemm")
SHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout")
ELEMENTWISE = (
    *("BatchNormalization", "Mul", "Add", "Sub", "Div", "Neg", "Sign", "Where", "GreaterOrEqual"),
    *("Relu", "LeakyRelu", "PRelu", "Clip", "Tanh", "Sigmoid", "HardSigmoid", "Round"),
)
SUPPORTED = (*PRODUCTS, *QUANTISERS, *SHAPING, *ELEMENTWISE)
OPSET = 18

Constants = dict[str, NDArray[np.float32]]
AddConstant = Callable[[str, Any], str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Elementwise nodes from the tensor `source` to the tensor `result`."""

    nodes: tuple[NodeProto, ...]
    source: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """One matrix product and the elementwise nodes after it; weights: float32 (mw, mh)."""

    name: str
    weights: NDArray[np.float32]
    after: Segment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A chain: `before` on the input, then products; `raw` is the input's annotated datatype."""

    model: ModelProto
    constants: Constants
    features: int
    raw: str
    before: Segment
    products: tuple[Product, ...]


def read(path: Path) -> ModelProto:
    """The ONNX file, whole and well-formed; ConfigError where it is not."""
    if not path.is_file():
        raise ConfigError(f"{str(path)!r} is not a file", hint="`onebit list` shows the networks")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as reason:  # noqa: BLE001  protobuf, checker and file errors share no base
        raise ConfigError(
            f"{str(path)!r} is not a readable ONNX file: {_line(reason)}",
            hint="export or copy it again; a complete QONNX or ONNX file is needed",
        ) from None
    if not model.graph.node:
        raise ConfigError(f"{str(path)!r}: the graph has no nodes", hint="export it again")
    seen: set[str] = set()
    for index, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.name or node.op_type}_{index}"
        seen.add(node.name)
    return model


def analyse(path: Path) -> Source:
    """The file as a `Source`; ConfigError naming the node that stands in the way."""
    model = read(path)
    try:
        _check_nodes(model)
        _check_shapes(model)
        return cut(plain(model), model)
    except OnebitError:
        raise
    except Exception as reason:  # QONNX raises anything on shapes that do not fit
        raise ConfigError(
            f"{str(path)!r} is not a consistent graph: {type(reason).__name__}: {_line(reason)}",
            hint="export it again; onnxruntime must be able to run it",
        ) from reason


def _line(reason: Exception) -> str:
    """The first line of what an exception says."""
    return (str(reason).strip() or repr(reason)).splitlines()[0]


def plain(model: ModelProto) -> ModelProto:
    """The same function in standard ONNX: constants folded, quantisers and Gemm rewritten."""
    wrapper = ModelWrapper(onnx.ModelProto.FromString(model.SerializeToString()))
    for node in wrapper.graph.node:
        if node.op_type in QUANTISERS:
            node.domain = "qonnx.custom_op.general"
    wrapper = wrapper.transform(InferShapes())
    wrapper = wrapper.transform(FoldConstants(exclude_op_types=[]))
    graph = wrapper.graph
    constants = {init.name: numpy_helper.to_array(init) for init in graph.initializer}
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes += _rewritten(node, constants)
    used = {name for node in nodes for name in node.input}
    shape = [dim.dim_value for dim in graph.input[0].type.tensor_type.shape.dim]
    result = graph.output[0]
    return helper.make_model(
        helper.make_graph(
            nodes,
            "plain",
            [
                helper.make_tensor_value_info(
                    graph.input[0].name, TensorProto.FLOAT, ["N", *shape[1:]]
                )
            ],
            [helper.make_tensor_value_info(result.name, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(v, k) for k, v in constants.items() if k in used],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )


def cut(model: ModelProto, original: ModelProto) -> Source:
    """Walk the plain chain from input to output and cut it at its products."""
    graph = model.graph
    constants = {init.name: numpy_helper.to_array(init) for init in graph.initializer}
    tensor = start = graph.input[0].name
    pending: list[NodeProto] = []
    products: list[tuple[str, NDArray[np.float32]]] = []
    segments: list[Segment] = []
    for node in graph.node:
        dynamic = [name for name in node.input if name and name not in constants]
        if dynamic != [tensor]:
            raise ConfigError(
                f"node {node.name!r} ({node.op_type}): a branch: it reads {dynamic}, not the one "
                f"tensor {tensor!r} that the node before it put out",
                hint="only a plain chain of layers can be lowered, without residuals or joins",
            )
        if node.op_type == "MatMul":
            if node.input[1] not in constants or constants[node.input[1]].ndim != 2:
                raise ConfigError(f"node {node.name!r}: its second input must be a weight matrix")
            segments.append(Segment(nodes=tuple(pending), source=start, result=tensor))
            products.append((node.name, constants[node.input[1]]))
            pending, start = [], node.output[0]
        elif node.op_type not in SHAPING:
            _check_constants(node, constants, [weights for _, weights in products])
            pending.append(node)
        else:  # a perceptron's tensors are (samples, features) whatever shape the file gives them
            pending.append(helper.make_node("Identity", dynamic, [node.output[0]], node.name))
        tensor = node.output[0]
    segments.append(Segment(nodes=tuple(pending), source=start, result=tensor))
    if tensor != graph.output[0].name:
        raise ConfigError(f"the graph's output is not the last tensor of one chain, {tensor!r}")
    if not products:
        raise ConfigError("the graph has no matrix product, so nothing to build")
    return Source(
        model=model,
        constants=constants,
        features=int(products[0][1].shape[0]),
        raw=_raw_datatype(original),
        before=segments[0],
        products=tuple(
            Product(name=name, weights=weights, after=after)
            for (name, weights), after in zip(products, segments[1:], strict=True)
        ),
    )


def _check_nodes(model: ModelProto) -> None:
    """ConfigError for an unsupported operator, a quantiser that is not 1 bit, or NaN constants."""
    constants = _constants(model)
    dynamic = {_only_input(model, constants)}
    seen_product = False
    for node in model.graph.node:
        is_dynamic = any(name in dynamic for name in node.input)
        if is_dynamic and node.op_type not in SUPPORTED:
            raise _unsupported(node, f"the operator {node.op_type!r} is not supported")
        for name in node.input:
            value = constants.get(name)
            if value is not None and value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ConfigError(
                    f"node {node.name!r} ({node.op_type}): {name!r} holds NaN or infinity",
                    hint="the training diverged, or the export broke: check the model's parameters",
                )
        variance = constants.get(node.input[4]) if node.op_type == "BatchNormalization" else None
        if variance is not None and variance.min() < 0:
            raise ConfigError(f"node {node.name!r} (BatchNormalization): a variance is negative")
        if is_dynamic:
            dynamic |= set(node.output)
        bits = constants.get(node.input[3]) if node.op_type == "Quant" else None
        if bits is not None and (seen_product if is_dynamic else bits.max() != 1):
            what = "activations" if is_dynamic else "weights"
            raise ConfigError(
                f"node {node.name!r} (Quant): {int(bits.max())}-bit {what}; 1 bit as "
                "BipolarQuant is supported",
                hint="only the network's input may have more bits; train with 1-bit quantisers",
            )
        seen_product |= node.op_type in PRODUCTS and is_dynamic


def _check_shapes(model: ModelProto) -> None:
    """ConfigError where a product or a reshape does not see [samples, features]."""
    wrapper = ModelWrapper(ModelProto.FromString(model.SerializeToString()))
    wrapper = wrapper.transform(ChangeBatchSize(1)).transform(InferShapes())
    constants = _constants(model)
    for node in model.graph.node:
        if node.op_type not in (*PRODUCTS, *SHAPING) or node.input[0] in constants:
            continue
        tensor = node.input[0] if node.op_type in PRODUCTS else node.output[0]
        shape = wrapper.get_tensor_shape(tensor)
        rank = len(shape or ()) == 2 or node.op_type in SHAPING
        if shape and (not rank or shape[0] != 1):
            raise ConfigError(
                f"node {node.name!r} ({node.op_type}): for one sample the tensor {tensor!r} has "
                f"the shape {shape}; a product takes [samples, features]",
                hint="only perceptrons can be lowered: flatten a sample to one vector first",
            )


def _constants(model: ModelProto) -> Constants:
    """The initialisers and the values of Constant nodes."""
    values = {
        node.output[0]: attribute.t
        for node in model.graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    values |= {init.name: init for init in model.graph.initializer}
    return {name: numpy_helper.to_array(value) for name, value in values.items()}


def _only_input(model: ModelProto, constants: Constants) -> str:
    """The name of the one input; ConfigError unless there is one, first, and one output."""
    declared = [str(value.name) for value in model.graph.input]
    inputs = [name for name in declared if name not in constants]
    outputs = [str(value.name) for value in model.graph.output]
    if len(outputs) != 1 or inputs != declared[:1]:
        raise ConfigError(
            f"the graph has the inputs {inputs} and the outputs {outputs}; each must be one",
            hint="export the network with its samples as input and its logits as output, only",
        )
    return inputs[0]


def _check_constants(
    node: NodeProto, constants: Constants, weights: list[NDArray[np.float32]]
) -> None:
    """A constant must be one value, or one a channel after a product."""
    channels = weights[-1].shape[1] if weights else 1
    for name in node.input:
        if name in constants and constants[name].size not in (1, channels):
            raise ConfigError(
                f"node {node.name!r} ({node.op_type}): {name!r} has {constants[name].size} values,"
                f" not 1 or {channels}"
            )


def _rewritten(node: NodeProto, constants: Constants) -> Iterable[NodeProto]:
    """`node` as standard nodes; new constants are added to `constants`."""
    name, (x, *rest), (out, *_) = node.name, node.input, node.output

    def const(key: str, value: Any) -> str:
        constants[f"{out}_{key}"] = np.asarray(value, dtype=np.float32)
        return f"{out}_{key}"

    if node.op_type == "BipolarQuant":
        scale = constants[rest[0]]
        yield helper.make_node("GreaterOrEqual", [x, const("zero", 0)], [f"{out}_sign"], name)
        pair = [const("plus", scale), const("minus", -scale)]
        yield helper.make_node("Where", [f"{out}_sign", *pair], [out], f"{name}#1")
    elif node.op_type == "Quant":
        yield from _quant(node, constants, const)
    elif node.op_type == "Gemm":
        yield from _gemm(node, constants, const)
    elif node.op_type == "Reshape" and rest[0] in constants and constants[rest[0]][0] == 1:
        shape = f"{out}_shape"  # any number of samples, not one
        constants[shape] = np.array([-1, *constants[rest[0]][1:]], dtype=np.int64)
        yield helper.make_node("Reshape", [x, shape], [out], name)
    elif node.op_type == "Clip" and node.attribute:  # until opset 10 its bounds were attributes
        bounds = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        limits = [const(key, bounds[key]) if key in bounds else "" for key in ("min", "max")]
        yield helper.make_node("Clip", [x, *limits], [out], name)
    else:
        yield node


def _quant(node: NodeProto, constants: Constants, const: AddConstant) -> Iterable[NodeProto]:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    scale, zero, bits = (constants[name] for name in node.input[1:4])
    signed, narrow = attributes.get("signed", 1), attributes.get("narrow", 0)
    if attributes.get("rounding_mode", b"ROUND") not in (b"ROUND", "ROUND"):
        raise ConfigError(f"node {node.name!r} (Quant): only rounding_mode ROUND is supported")
    width = int(bits.max())
    lo = -(1 << width - 1) + narrow if signed else 0
    hi = (1 << width - 1) - 1 if signed else (1 << width) - 1 - narrow
    name, x, out = node.name, node.input[0], node.output[0]
    steps = [
        ("Div", [const("scale", scale)]),
        ("Add", [const("zero", zero)]),
        ("Clip", [const("lo", lo), const("hi", hi)]),
        ("Round", []),
        ("Sub", [const("zero", zero)]),
        ("Mul", [const("scale", scale)]),
    ]
    for i, (op, operands) in enumerate(steps):
        result = out if i == len(steps) - 1 else f"{out}_{i}"
        yield helper.make_node(op, [x, *operands], [result], f"{name}#{i}")
        x = result


def _gemm(node: NodeProto, constants: Constants, const: AddConstant) -> Iterable[NodeProto]:
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    unusual = (attributes.get("alpha", 1), attributes.get("beta", 1), attributes.get("transA", 0))
    if unusual != (1, 1, 0) or node.input[1] not in constants:
        raise ConfigError(f"node {node.name!r} (Gemm): alpha, beta or transA is not the default")
    weights = constants[node.input[1]]
    matrix = const("weights", weights.T if attributes.get("transB", 0) else weights)
    name, x, out = node.name, node.input[0], node.output[0]
    if len(node.input) < 3 or not node.input[2] or not constants[node.input[2]].any():
        yield helper.make_node("MatMul", [x, matrix], [out], name)
        return
    yield helper.make_node("MatMul", [x, matrix], [f"{out}_product"], name)
    yield helper.make_node("Add", [f"{out}_product", node.input[2]], [out], f"{name}#bias")


def _raw_datatype(model: ModelProto) -> str:
    """QONNX's annotation of the graph input, such as `UINT8`; `FLOAT32` where it has none."""
    datatype: DataType = ModelWrapper(model).get_tensor_datatype(model.graph.input[0].name)
    return str(datatype.name)


def _unsupported(node: NodeProto, found: str) -> ConfigError:
    later = "; convolutions are not lowered yet" if node.op_type == "Conv" else ""
    return ConfigError(
        f"node {node.name!r} ({node.op_type}): {found}{later}",
        hint="supported: MatMul or Gemm with 1-bit weights, BipolarQuant, Quant at the input, and "
        "elementwise operators such as BatchNormalization, Mul, Add, Sign",
    )
