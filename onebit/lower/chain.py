"""The plain graph cut at its products: every tensor seen as an image in (h, w, c) order.

Layouts are followed by example: beside the tensor walks an array of its elements' places in
(h, w, c) order, and every Transpose, Reshape or Flatten is applied to that array.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from onebit.errors import ConfigError
from onebit.lower.images import (
    SHAPING,
    Border,
    Ints,
    Shape,
    Windows,
    attributes,
    input_places,
    refused,
    windows,
)

ENDS = ("Softmax", "LogSoftmax")
BORDER = -1  # the place of an element that a Pad added

Constants = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Elementwise nodes, from the tensor `source` to the tensor `result`, on (rows, channels)."""

    nodes: tuple[NodeProto, ...]
    source: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A max-pool."""

    name: str
    windows: Windows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """One matrix product or convolution, and what follows it.

    shape: of its input, (h, w, c) or (features,). weights: float32 (mw, mh), the rows in
    (kh, kw, c) order, or in (h, w, c) order where `flatten`. pad: the source's value of the
    elements around the image, where `windows` has padding, before `pad_chain` went over them.
    after: segments, and the max-pools between them.
    """

    name: str
    shape: Shape
    weights: NDArray[np.float32]
    windows: Windows | None
    flatten: bool
    pad: float
    pad_chain: Segment
    after: tuple[Segment | Pool, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """`before` on the input, then products; `shape` of the input's image or vector."""

    constants: Constants
    shape: Shape
    before: Segment
    products: tuple[Product, ...]


def cut(model: ModelProto, shapes: dict[str, Shape]) -> Chain:
    """Walk the plain chain from input to output and cut it at its products.

    shapes: of the tensors, for one sample. ConfigError names the node that is no part of a chain.
    """
    graph = model.graph
    constants = {init.name: numpy_helper.to_array(init) for init in graph.initializer}
    start = graph.input[0].name
    first, places = input_places(graph.node, start, shapes[start][1:])
    walk = _Walk(
        constants=constants, shapes=shapes, tensor=start, start=start, places=places, shape=first
    )
    for index, node in enumerate(graph.node):
        walk.step(node, last=index == len(graph.node) - 1)
    walk.close()
    if walk.tensor != graph.output[0].name:
        raise ConfigError(
            f"the graph's output is not the last tensor of one chain, {walk.tensor!r}"
        )
    if not walk.found:
        raise ConfigError("the graph has no matrix product, so nothing to build")
    before = walk.before[0]
    if len(walk.before) > 1 or isinstance(before, Pool):
        raise ConfigError("a max-pool before the first product: only bits are pooled")
    return Chain(
        constants=walk.segment_constants,
        shape=walk.found[0]["shape"],
        before=before,
        products=tuple(
            Product(**found, after=tuple(after))
            for found, after in zip(walk.found, walk.after, strict=True)
        ),
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """Where the walk stands: the newest tensor, its layout, and what was found so far.

    places: the tensor's shape without the batch, each element's place in `shape` (h, w, c).
    """

    constants: Constants
    shapes: dict[str, Shape]
    tensor: str
    start: str
    places: Ints
    shape: Shape
    pad: float = 0.0
    pad_from: int | None = None
    pending: list[NodeProto] = field(default_factory=list)
    before: list[Segment | Pool] = field(default_factory=list)
    found: list[dict[str, Any]] = field(default_factory=list)
    after: list[list[Segment | Pool]] = field(default_factory=list)
    segment_constants: Constants = field(default_factory=dict)

    def step(self, node: NodeProto, *, last: bool) -> None:
        """Go over one node."""
        dynamic = [name for name in node.input if name and name not in self.constants]
        if dynamic != [self.tensor]:
            raise ConfigError(
                f"node {node.name!r} ({node.op_type}): a branch: it reads {dynamic}, not the one "
                f"tensor {self.tensor!r} that the node before it put out",
                hint="only a plain chain of layers can be lowered, without residuals or joins",
            )
        if (self.places == BORDER).any() and node.op_type in ("MatMul", "MaxPool", "Pad"):
            raise refused(node, "it follows a Pad; only a convolution may")
        match node.op_type:
            case "Conv":
                self._conv(node)
            case "MatMul":
                self._matmul(node)
            case "MaxPool" | "GlobalMaxPool":
                self._maxpool(node)
            case "Pad":
                self._pad(node)
            case op if op in SHAPING:
                self._shaping(node)
            case op if op in ENDS:
                self._end(node, last=last)
            case _:
                self._elementwise(node)
        self.tensor = node.output[0]

    def close(self) -> None:
        """End the segment under way."""
        target = self.after[-1] if self.after else self.before
        nodes = tuple(self.pending)
        target.append(Segment(nodes=nodes, source=self.start, result=self.tensor))
        self.pending = []

    def _end(self, node: NodeProto, *, last: bool) -> None:
        """A softmax, which leaves the class as it is where it goes over the classes."""
        if not last:
            raise refused(node, "it is supported as the last node only")
        axis = attributes(node).get("axis", -1) % (1 + self.places.ndim)
        if axis == 0 or self.places.shape[axis - 1] != self.places.size:
            raise refused(node, f"it goes over axis {axis}, not over the classes")
        self._identity(node)

    def _identity(self, node: NodeProto) -> None:
        self.pending.append(
            helper.make_node("Identity", [self.tensor], [node.output[0]], node.name)
        )

    def _shaping(self, node: NodeProto) -> None:
        """Apply the node to the places; on (rows, channels) it does nothing."""
        training = self.constants.get(node.input[2]) if len(node.input) > 2 else None
        if node.op_type == "Dropout" and training is not None and training.any():
            raise refused(node, "it was exported in training mode; export with model.eval()")
        if node.op_type == "Transpose":
            axes = attributes(node).get("perm", list(range(self.places.ndim, -1, -1)))
            if axes[0] != 0:
                raise refused(node, "it moves the batch")
            self.places = self.places.transpose([axis - 1 for axis in axes[1:]])
        else:
            shape = self.shapes.get(node.output[0], ())
            if not shape or shape[0] != 1 or math.prod(shape) != self.places.size:
                raise refused(
                    node,
                    f"for one sample the tensor {node.output[0]!r} has the shape {list(shape)}; "
                    "the first axis must stay that of the samples",
                )
            self.places = self.places.reshape(shape[1:])
        self._identity(node)

    def _elementwise(self, node: NodeProto) -> None:
        """The node with its constants a channel each, on (rows, channels)."""
        inputs = []
        for index, name in enumerate(node.input):
            if name not in self.constants:
                inputs.append(name)
                continue
            value = self.constants[name]
            if node.op_type == "BatchNormalization":
                value = value.reshape(-1, *[1] * (self.places.ndim - 1))
            key = f"{node.output[0]}:{index}"
            self.segment_constants[key] = self._per_channel(node, name, value)
            inputs.append(key)
        copy = NodeProto()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(inputs)
        self.pending.append(copy)

    def _per_channel(
        self, node: NodeProto, name: str, value: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """A constant as one value, or as one a channel."""
        norm = node.op_type == "BatchNormalization"
        if value.size == 1 and not norm:
            return value.reshape(())
        channels = self.shape[-1] if self.found else 1
        if (self.places == BORDER).any():
            raise refused(node, "between a Pad and its convolution only one value serves all")
        try:
            spread = np.broadcast_to(value, (1, *self.places.shape))
        except ValueError:
            spread = None
        if spread is not None:
            in_order = np.empty(spread.size, dtype=value.dtype)
            in_order[self.places.reshape(-1)] = spread.reshape(-1)
            rows = in_order.reshape(-1, channels)
            if (rows == rows[0]).all():
                return np.asarray(rows[0])
        if not self.found:
            raise ConfigError(
                f"node {node.name!r} ({node.op_type}): {name!r} has {value.size} values, but "
                "before the first product one table serves all channels and positions",
                hint="scale and normalise the input by one value, such as x / 127.5 - 1",
            )
        raise ConfigError(
            f"node {node.name!r} ({node.op_type}): {name!r} has {value.size} values, not 1 or one "
            f"for each of {channels} channels",
            hint="scales and batch-norms are a channel's, the same at all positions of an image",
        )

    def _matmul(self, node: NodeProto) -> None:
        weights = self.constants.get(node.input[1])
        if weights is None or weights.ndim != 2:
            raise ConfigError(f"node {node.name!r}: its second input must be a weight matrix")
        in_order = np.arange(self.places.size).reshape(self.shape)
        if self.places.ndim == 3 and (self.places == in_order).all() and self.shape[:2] != (1, 1):
            self._product(node, weights, None, (*self.shape[:2], -1))
            self.places = np.arange(math.prod(self.shape)).reshape(self.shape)
            return
        if self.places.ndim != 1 or len(weights) != self.places.size:
            raise refused(
                node,
                f"for one sample the tensor {node.input[0]!r} has the shape "
                f"{[1, *self.places.shape]}; a product takes [samples, features]",
            )
        sorted_rows = np.empty_like(weights)
        sorted_rows[self.places] = weights
        self._product(node, sorted_rows, None, (-1,), flatten=len(self.shape) == 3)
        self.places = np.arange(self.shape[0])

    def _conv(self, node: NodeProto) -> None:
        weights = self.constants.get(node.input[1])
        if weights is None or weights.ndim != 4:
            raise refused(node, "it needs constant weights for an image of two dimensions")
        border = self._border(node)
        if attributes(node).get("group", 1) != 1:
            raise refused(node, "only group=1 is supported, no depthwise or grouped convolution")
        if weights.shape[1] != self.shape[2]:
            raise refused(
                node, f"it takes {weights.shape[1]} channels, the image has {self.shape[2]}"
            )
        moves = windows(node, weights.shape[2:], self.shape, border)
        self._check_border(node, border, moves.padding)
        matrix = weights.transpose(2, 3, 1, 0).reshape(-1, weights.shape[0])
        point = (moves.kernel, moves.stride) == ((1, 1), (1, 1)) and not any(moves.padding)
        size = (*moves.over(self.shape), -1)
        self._product(node, matrix, None if point else moves, size)
        self._restart_image()
        if len(node.input) > 2 and node.input[2]:
            out = f"{node.output[0]}:sum"
            self.start = out
            bias = self.constants[node.input[2]].reshape(-1, 1, 1)
            name = f"{node.output[0]}:bias"
            self.constants[name] = bias
            self.tensor = out
            self._elementwise(
                helper.make_node("Add", [out, name], [node.output[0]], f"{node.name}#bias")
            )

    def _check_border(self, node: NodeProto, border: Border, padding: Border) -> None:
        """ConfigError where a Pad's border and zeros around it are not the same."""
        if not any(border):
            self.pad_from = None  # there is no Pad, or one that adds nothing
            return
        changed = any(step.op_type != "Identity" for step in self.pending[self.pad_from :])
        if padding != border and (self.pad or changed):
            raise refused(node, f"it puts zeros around a border that a Pad made of {self.pad:g}")

    def _restart_image(self) -> None:
        """After a node on images in (c, h, w): number the places anew."""
        self.places = np.arange(math.prod(self.shape)).reshape(self.shape).transpose(2, 0, 1)

    def _border(self, node: NodeProto) -> Border:
        """What a Pad added around the image that the node reads in (c, h, w) order."""
        if self.places.ndim != 3 or (len(self.shape) != 3 and self.found):
            raise refused(node, f"it reads the shape {[1, *self.places.shape]}, not an image")
        real = self.places[0] != BORDER
        rows, columns = np.flatnonzero(real.any(axis=1)), np.flatnonzero(real.any(axis=0))
        inner = self.places[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if len(self.shape) == 1:  # an input given as a vector
            self.shape = (*inner.shape[1:], inner.shape[0])
        in_order = np.arange(math.prod(self.shape)).reshape(self.shape).transpose(2, 0, 1)
        if inner.shape != in_order.shape or (inner != in_order).any():
            raise refused(node, "the nodes before it reorder the elements of an image")
        height, width = real.shape
        ends = (rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1])
        top, left, bottom, right = map(int, ends)
        return top, left, bottom, right

    def _product(
        self,
        node: NodeProto,
        weights: NDArray[np.float32],
        windows: Windows | None,
        size: Shape,
        *,
        flatten: bool = False,
    ) -> None:
        """Close the segment before the product; its output has the shape `size`."""
        skip = len(self.pending) if self.pad_from is None else self.pad_from
        around = tuple(self.pending[skip:])
        source = around[0].input[0] if around else self.tensor
        pad = 0.0 if self.pad_from is None else self.pad
        self.close()
        self.found.append(
            {
                "name": node.name,
                "shape": self.shape,
                "weights": weights,
                "windows": windows,
                "flatten": flatten,
                "pad": pad,
                "pad_chain": Segment(nodes=around, source=source, result=self.tensor),
            }
        )
        self.pad_from = None
        self.after.append([])
        self.shape = (*size[:-1], int(weights.shape[1]))
        self.start = node.output[0]

    def _maxpool(self, node: NodeProto) -> None:
        self._border(node)
        kernel = tuple(attributes(node).get("kernel_shape", self.shape[:2]))
        moves = windows(node, kernel, self.shape, (0, 0, 0, 0))
        self.close()
        target = self.after[-1] if self.after else self.before
        target.append(Pool(name=node.name, windows=moves))
        self.shape = (*moves.over(self.shape), self.shape[2])
        self._restart_image()
        self.start = node.output[0]

    def _pad(self, node: NodeProto) -> None:
        options = attributes(node)
        given = [self.constants.get(name) for name in node.input[1:]]
        if "pads" in options:  # until opset 10 they were attributes
            given = [np.array(options["pads"]), np.array(options.get("value", 0.0))]
        amounts, value, axes = [*given, None, None, None][:3]
        if options.get("mode", b"constant") != b"constant" or amounts is None:
            raise refused(node, "only the mode 'constant' with constant pads is supported")
        pads = amounts.reshape(2, -1).astype(int)
        if axes is not None:
            spread = np.zeros((2, 1 + self.places.ndim), dtype=int)
            spread[:, axes.astype(int) % spread.shape[1]] = pads
            pads = spread
        if pads[:, 0].any() or (pads < 0).any() or pads.shape[1] != 1 + self.places.ndim:
            raise refused(node, f"its pads {pads.tolist()!s:.99} are not those of one image")
        self.pad = 0.0 if value is None else float(value.reshape(-1)[0])
        self.pad_from = len(self.pending)
        self.places = np.pad(self.places, pads[:, 1:].T, constant_values=BORDER)
        self._identity(node)
