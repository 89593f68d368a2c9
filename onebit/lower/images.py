"""How the source's nodes see images: the order of their axes, kernels, strides and padding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from onebit.errors import ConfigError
from onebit.geometry import axes

# What changes the shape or the layout of a tensor, not its values.
SHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Transpose")

Ints = NDArray[np.int64]
Shape = tuple[int, ...]
Border = tuple[int, int, int, int]  # top, left, bottom, right


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a kernel moves over an image; padding: top, left, bottom, right."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Border

    def over(self, shape: Shape) -> tuple[int, int]:
        """How many windows there are along the rows and columns of an image (h, w, c)."""
        rows, columns = axes(shape, self.kernel, self.stride, self.padding)
        return rows.out, columns.out


def channels_last(nodes: Sequence[NodeProto], tensor: str, shape: Shape) -> bool:
    """Whether an input (without its batch) of three axes is (h, w, c), and not (c, h, w).

    What reads it tells; where that is a flattening, a last axis of 1 or 3 does.
    """
    if len(shape) != 3:
        return True
    for node in nodes:
        if tensor not in node.input:
            continue
        if node.op_type in ("Conv", "MaxPool", "GlobalMaxPool"):
            return False
        if node.op_type == "Transpose":
            return bool(attributes(node).get("perm") == [0, 3, 1, 2])
        if node.op_type in SHAPING:
            break
        tensor = node.output[0]
    return shape[2] in (1, 3) and shape[0] not in (1, 3)


def input_places(nodes: Sequence[NodeProto], tensor: str, shape: Shape) -> tuple[Shape, Ints]:
    """The input as an image (h, w, c) or (features,), and where its elements lie in that order."""
    places = np.arange(math.prod(shape), dtype=np.int64)
    if len(shape) != 3:
        return (places.size,), places.reshape(shape)
    if channels_last(nodes, tensor, shape):
        return shape, places.reshape(shape)
    channels, height, width = shape
    image = (height, width, channels)
    return image, places.reshape(image).transpose(2, 0, 1)


def windows(node: NodeProto, kernel: Sequence[int], shape: Shape, border: Border) -> Windows:
    """The node's windows on an image (h, w, c) with a border around it, as explicit padding."""
    options = attributes(node)
    if set(options.get("dilations", [1])) != {1}:
        raise refused(node, "only dilations=1 are supported")
    stride = tuple(options.get("strides", [1, 1]))
    mode = options.get("auto_pad", b"NOTSET").decode()
    pads = options.get("pads", [0, 0, 0, 0])
    ends = []
    for axis in (0, 1):
        before, after = border[axis] + pads[axis], border[axis + 2] + pads[axis + 2]
        size, k, s = shape[axis], kernel[axis], stride[axis]
        if mode.startswith("SAME"):
            inner = size + border[axis] + border[axis + 2]
            total = (-(-inner // s) - 1) * s + k - inner
            if total < 0:  # runtimes differ: some start behind the first element
                raise refused(node, f"auto_pad={mode} leaves out elements; write its pads out")
            small, large = total // 2, total - total // 2
            low, high = (small, large) if mode == "SAME_UPPER" else (large, small)
            before, after = border[axis] + low, border[axis + 2] + high
        if options.get("ceil_mode", 0):
            count = -(-(size + before + after - k) // s) + 1
            count -= (count - 1) * s >= size + before  # the last window starts on the image
            after = max(0, (count - 1) * s + k - size - before)
        ends.append((int(before), int(after)))
    (top, bottom), (left, right) = ends
    found = Windows(
        kernel=(int(kernel[0]), int(kernel[1])),
        stride=(int(stride[0]), int(stride[1])),
        padding=(top, left, bottom, right),
    )
    if top >= found.kernel[0] or left >= found.kernel[1]:
        raise refused(node, f"padding {found.padding[:2]} holds a whole kernel of {found.kernel}")
    if min(found.over(shape)) < 1:
        raise refused(node, f"its kernel of {found.kernel} is larger than the image {shape[:2]}")
    return found


def without_ceil(wrapper: ModelWrapper) -> ModelWrapper:
    """Shapes inferred, the ceil mode of pools as padding: ONNX's inference counts windows wrongly.

    It counts those that start behind the image too, which no runtime does.
    """
    names = [n.name for n in wrapper.graph.node if attributes(n).get("ceil_mode", 0)]
    wrapper = wrapper.transform(InferShapes())
    for name in names:
        node = wrapper.get_node_from_name(name)
        shape = wrapper.get_tensor_shape(node.input[0])
        if not shape or len(shape) != 4:
            continue
        kernel = attributes(node)["kernel_shape"]
        padding = windows(node, kernel, (*shape[2:], shape[1]), (0, 0, 0, 0)).padding
        kept = [a for a in node.attribute if a.name not in ("ceil_mode", "pads", "auto_pad")]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", padding)])
        del wrapper.graph.value_info[:]
        wrapper = wrapper.transform(InferShapes())
    return wrapper


def attributes(node: NodeProto) -> dict[str, Any]:
    """The node's attributes as Python values."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def refused(node: NodeProto, reason: str) -> ConfigError:
    """The error that names the node and says what is supported."""
    return ConfigError(
        f"node {node.name!r} ({node.op_type}): {reason}",
        hint="supported: chains of Conv or MatMul with 1-bit weights, batch-norm, MaxPool and "
        "1-bit activations, with Transpose, Pad, Reshape and Flatten between them",
    )
