"""The chain as the QONNX graph that FINN expects: +-1 weights, NCHW, one node an activation.

Whatever idioms the source was written in, FINN then finds the same few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from onebit.errors import ConfigError
from onebit.lower.chain import Chain, Constants, Pool, Product
from onebit.lower.evaluate import OPSET
from onebit.lower.images import Windows
from onebit.net import Bit, Element, Input

QUANT = "qonnx.custom_op.general"


def canonical(chain: Chain, first: Input) -> ModelWrapper:
    """The chain from the elements of the input on, without any padding.

    At the border FINN would count bits as -1; so its images are as small as the windows allow.
    """
    image = len(first.shape) == 3
    shape = [1, first.shape[2], *_unpadded(chain)] if image else [1, *first.shape]
    graph = _Graph(tensor="elements", rank=len(shape))
    if isinstance(first.element, Bit):  # FINN looks for what made the bits
        graph.activation(first.scale)
    else:
        graph.add("Mul", graph.constant(first.scale))
        graph.add("Add", graph.constant(first.offset))
    for product in chain.products:
        _product(graph, product)
        for step in product.after:
            if isinstance(step, Pool):
                graph.slide("MaxPool", step.windows)
            else:
                _elementwise(graph, step.nodes, chain.constants)
    wrapper = ModelWrapper(
        qonnx_make_model(
            helper.make_graph(
                graph.nodes,
                "canonical",
                [helper.make_tensor_value_info("elements", TensorProto.FLOAT, shape)],
                [helper.make_tensor_value_info(graph.tensor, TensorProto.FLOAT, None)],
            ),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(QUANT, 1)],
        )
    )
    for name, value in graph.constants.items():
        wrapper.set_initializer(name, value)
    for name in graph.weights:
        wrapper.set_tensor_datatype(name, DataType["BIPOLAR"])
    wrapper.set_tensor_datatype("elements", DataType[_datatype(first.element)])
    return wrapper


def _unpadded(chain: Chain) -> tuple[int, int]:
    """Height and width of the input from which windows without padding leave the same vector."""
    sizes = np.ones(2, dtype=np.int64)
    for product in reversed(chain.products):
        pools = [step.windows for step in product.after if isinstance(step, Pool)]
        if product.flatten:
            sizes = np.array(product.shape[:2])
            continue
        for moves in reversed([product.windows, *pools]):
            if moves is not None:
                sizes = (sizes - 1) * moves.stride + moves.kernel
    height, width = map(int, sizes)
    return height, width


def channels_first(product: Product) -> NDArray[np.int64]:
    """For each row of a product's weights in (c, h, w) order its place in (h, w, c) order."""
    places = np.arange(len(product.weights))
    if not product.flatten:
        return places
    return places.reshape(product.shape).transpose(2, 0, 1).reshape(-1)


@dataclass(slots=True, kw_only=True)
class _Graph:
    """A chain of nodes under construction; `tensor` is its end, of `rank` axes."""

    tensor: str
    rank: int
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    weights: list[str] = field(default_factory=list)

    def constant(self, value: Any) -> str:
        """A new constant; its name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype=np.float32)
        return name

    def channels(self, value: NDArray[np.float32]) -> str:
        """A constant with one value a channel, or one for all."""
        shape = [1, value.size, 1, 1] if self.rank == 4 else [1, value.size]
        return self.constant(value.reshape(shape) if value.size > 1 else value)

    def activation(self, scale: float) -> None:
        """-1 or +1 times `scale`; FINN takes no other scale than 1 in the activation itself."""
        self.add("BipolarQuant", self.constant([1.0]), domain=QUANT)
        if scale != 1:
            self.add("Mul", self.constant(scale))

    def slide(self, op: str, windows: Windows, *inputs: str, **attributes: Any) -> None:
        """A node that moves over an image, without padding."""
        kernel, stride = windows.kernel, windows.stride
        pads = [0, 0, 0, 0]
        self.add(op, *inputs, kernel_shape=kernel, strides=stride, pads=pads, **attributes)

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> None:
        """Append a node that reads the newest tensor."""
        out = f"tensor{len(self.nodes)}"
        name = f"node{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, [self.tensor, *inputs], [out], name, domain=domain, **attributes)
        )
        self.tensor = out


def _product(graph: _Graph, product: Product) -> None:
    signs = np.where(product.weights > 0, 1, -1).astype(np.float32)
    dense = product.flatten or len(product.shape) == 1
    if dense:
        if graph.rank == 4:
            graph.add("Flatten", axis=1)
            graph.rank = 2
            signs = signs[channels_first(product)]
        weights = graph.constant(signs)
        graph.add("MatMul", weights)
    else:
        windows = product.windows or Windows(kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0))
        kernel = signs.reshape(*windows.kernel, product.shape[2], -1).transpose(3, 2, 0, 1)
        weights = graph.constant(kernel)
        graph.slide("Conv", windows, weights, group=1, dilations=[1, 1])
    graph.weights.append(weights)
    scale = np.abs(product.weights[0])
    if (scale != 1).any():
        graph.add("Mul", graph.channels(scale))


def _elementwise(graph: _Graph, nodes: Sequence[NodeProto], constants: Constants) -> None:
    """The nodes of a segment, an activation as one BipolarQuant."""
    left = [node for node in nodes if node.op_type != "Identity"]
    while left:
        for read in (_comparison, _nudged):
            if found := read(left, constants):
                count, scale = found
                graph.activation(scale)
                left = left[count:]
                break
        else:
            _node(graph, left[0], constants)
            left = left[1:]


def _node(graph: _Graph, node: NodeProto, constants: Constants) -> None:
    norm = node.op_type == "BatchNormalization"
    inputs = [
        graph.constant(constants[name]) if norm else graph.channels(constants[name])
        for name in node.input
        if name in constants
    ]
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    known = node.op_type not in ("GreaterOrEqual", "Where")
    if known and (node.input[0] not in constants or node.op_type in ("Add", "Mul")):
        graph.add(node.op_type, *inputs, **attributes)
    elif node.op_type == "Sub":
        graph.add("Mul", graph.constant(-1))
        graph.add("Add", *inputs)
    else:
        raise ConfigError(f"FINN has no {node.op_type} as in node {node.name!r}")


def _comparison(nodes: Sequence[NodeProto], constants: Constants) -> tuple[int, float] | None:
    """Nodes and scale of a BipolarQuant as `source.plain` writes it, if they start with one."""
    if [node.op_type for node in nodes[:2]] != ["GreaterOrEqual", "Where"]:
        return None
    names = (nodes[0].input[1], *nodes[1].input[1:])
    if not all(name in constants and constants[name].size == 1 for name in names):
        return None
    zero, plus, minus = (float(constants[name].item()) for name in names)
    return (2, plus) if zero == 0 and plus == -minus > 0 else None


def _nudged(nodes: Sequence[NodeProto], constants: Constants) -> tuple[int, float] | None:
    """Nodes and scale of Larq's sign(sign(x) + 0.1), if they start with one."""
    if [node.op_type for node in nodes[:3]] != ["Sign", "Add", "Sign"]:
        return None
    values = [constants[name] for name in nodes[1].input if name in constants]
    small = len(values) == 1 and bool((values[0] > 0).all() and (values[0] < 1).all())
    return (3, 1.0) if small else None


def _datatype(element: Element) -> str:
    """QONNX's name of an element type."""
    if isinstance(element, Bit):
        return "BIPOLAR"
    return f"{'INT' if element.signed else 'UINT'}{element.bits}"
