"""The source graph: read, checked, and reduced to standard ONNX.

What leaves this module is plain: constant weights, no quantiser nodes, no shape arithmetic. Nodes
keep the names that they have in the file; where one becomes several, each has a suffix after `#`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.fold_constants import FoldConstants

from onebit.errors import ConfigError, OnebitError
from onebit.lower.chain import ENDS, Chain, Constants, cut
from onebit.lower.evaluate import OPSET
from onebit.lower.images import SHAPING, Shape, attributes, without_ceil
from onebit.lower.vectors import with_vectors

QUANTISERS = ("BipolarQuant", "Quant")
PRODUCTS = ("MatMul", "Gemm", "Conv")
IMAGES = ("MaxPool", "GlobalMaxPool", "Pad", "Shape")
ELEMENTWISE = (
    *("BatchNormalization", "Mul", "Add", "Sub", "Div", "Neg", "Sign", "Where", "GreaterOrEqual"),
    *("Relu", "LeakyRelu", "PRelu", "Clip", "Tanh", "Sigmoid", "HardSigmoid", "Round"),
)
SUPPORTED = (*PRODUCTS, *QUANTISERS, *SHAPING, *IMAGES, *ENDS, *ELEMENTWISE)

AddConstant = Callable[[str, Any], str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The graph in standard ONNX and its chain; shapes: of tensors, for one sample.

    `raw` is the input's datatype, as QONNX annotates it.
    """

    model: ModelProto
    shapes: dict[str, Shape]
    chain: Chain
    raw: str


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


def analyse(path: Path, raw: str | None = None) -> Source:
    """The file as a `Source`; ConfigError naming the node that stands in the way.

    raw: the datatype of the samples, such as `UINT8`, in place of the file's annotation.
    """
    model = read(path)
    try:
        _check_nodes(model)
        one = at_one(model)
        shapes = {
            name: tuple(one.get_tensor_shape(name) or ()) for name in one.get_all_tensor_names()
        }
        standard = plain(model)
        chain = with_vectors(cut(standard, shapes))
    except OnebitError:
        raise
    except Exception as reason:  # QONNX raises anything on shapes that do not fit
        raise ConfigError(
            f"{str(path)!r} is not a consistent graph: {type(reason).__name__}: {_line(reason)}",
            hint="export it again; onnxruntime must be able to run it",
        ) from reason
    annotated = _raw_datatype(model)
    if raw and annotated not in ("FLOAT32", raw.upper()):
        raise ConfigError(
            f"the file says that its input is {annotated}, --input says {raw!r}",
            hint="leave --input away",
        )
    return Source(model=standard, shapes=shapes, chain=chain, raw=raw or annotated)


def at_one(model: ModelProto) -> ModelWrapper:
    """The graph for one sample: shapes inferred, shape arithmetic and constants folded."""
    wrapper = ModelWrapper(ModelProto.FromString(model.SerializeToString()))
    for node in wrapper.graph.node:
        if node.op_type in QUANTISERS:
            node.domain = "qonnx.custom_op.general"
    del wrapper.graph.value_info[:]
    for value in (wrapper.graph.input[0], *wrapper.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_value = 1
    wrapper = without_ceil(wrapper)
    for _ in range(len(wrapper.graph.node)):  # a folded shape makes the next one known
        wrapper = wrapper.transform(FoldConstants(exclude_op_types=[]))
        if not _fold_shapes(wrapper):
            return wrapper
        wrapper = wrapper.transform(FoldConstants(exclude_op_types=[]))
        wrapper = without_ceil(wrapper)
    return wrapper


def _fold_shapes(wrapper: ModelWrapper) -> bool:
    """Replace Shape nodes whose answer is known by constants; whether there were any."""
    known = []
    for node in wrapper.graph.node:
        shape = wrapper.get_tensor_shape(node.input[0]) if node.op_type == "Shape" else None
        if shape and all(shape):
            wrapper.set_initializer(node.output[0], np.array(shape, dtype=np.int64))
            known.append(node)
    for node in known:
        wrapper.graph.node.remove(node)
    return bool(known)


def _line(reason: Exception) -> str:
    """The first line of what an exception says."""
    return (str(reason).strip() or repr(reason)).splitlines()[0]


def plain(model: ModelProto) -> ModelProto:
    """The same function in standard ONNX: constants folded, quantisers and Gemm rewritten."""
    wrapper = at_one(model)
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


def _check_nodes(model: ModelProto) -> None:
    """ConfigError for an unsupported operator, a quantiser that is not 1 bit, or NaN constants."""
    constants = _constants(model)
    dynamic = {_only_input(model, constants)}
    seen_product = False
    for node in model.graph.node:
        is_dynamic = any(name in dynamic for name in node.input)
        if is_dynamic and node.op_type not in SUPPORTED:
            raise _unsupported(node, f"the operator {node.op_type!r} is not supported")
        _check_windows(node)
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


def _check_windows(node: NodeProto) -> None:
    """ConfigError for windows of no size; ONNX's shape inference would end the process."""
    for key, values in attributes(node).items():
        if key in ("kernel_shape", "strides", "dilations") and min(values, default=1) < 1:
            raise ConfigError(f"node {node.name!r} ({node.op_type}): {key}={values} is not above 0")


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
        shape = f"{out}_shape"  # as many samples as come in, not one
        constants[shape] = np.array([0, *constants[rest[0]][1:]], dtype=np.int64)
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
    return ConfigError(
        f"node {node.name!r} ({node.op_type}): {found}",
        hint="supported: Conv, MatMul or Gemm with 1-bit weights, MaxPool, BipolarQuant, Quant at "
        "the input, elementwise operators such as BatchNormalization, Mul, Add, Sign, and "
        "Transpose, Pad, Reshape, Flatten between them",
    )
