"""Larq's layers, node by node as tf2onnx 1.16 writes them: no test needs TensorFlow.

The form was read off real exports of larq 0.13 at opsets 9 to 18. Thresholds lie halfway between
the sums that can occur, or, where float32 computes a tie exactly, on one of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import onnxruntime as ort
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

IR_VERSION = {11: 6, 13: 7, 14: 7, 15: 8, 17: 8}
EPSILON = 0.001  # Keras'
IMAGES = 12
NHWC, NCHW = "NHWC", "NCHW"
PERM = {NCHW: [0, 3, 1, 2], NHWC: [0, 2, 3, 1]}
TENTH = "sequential/ste_sign/add/y:0"  # tf2onnx shares it between all signs
Pair = int | tuple[int, int]


@dataclass
class Larq:
    """A Keras Sequential model under construction; its methods are Larq's and Keras' layers."""

    rng: np.random.Generator
    opset: int
    shape: tuple[int, ...]  # of `tensor`: (height, width, channels), or (features,)
    layout: str = NHWC
    tensor: str = "input"
    step: np.ndarray = field(default_factory=lambda: np.ones(1))  # between two values of `tensor`
    offset: np.ndarray = field(default_factory=lambda: np.zeros(1))  # one of these values
    unfolded: bool = False  # kernels stay latent: tf2onnx before it folds constants
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    images: np.ndarray = field(default_factory=lambda: np.zeros(0))
    count: Counter[str] = field(default_factory=Counter)  # layers of each kind
    batch: int = -1  # or 1: as Reshape says it
    pending: tuple[int, ...] = ()  # zeros around the input, for the convolution that comes

    def __post_init__(self) -> None:
        h, w, c = self.shape if len(self.shape) == 3 else (*self.shape, 1)
        sizes = (c, h, w) if self.layout == NCHW else self.shape
        self.images = self.rng.integers(0, 256, (IMAGES, *sizes)).astype(np.float32)

    # What all layers are made of.

    def layer(self, kind: str) -> str:
        """Keras' name of the next layer of this kind."""
        count = self.count[kind]
        self.count[kind] += 1
        return f"sequential/{kind}_{count}" if count else f"sequential/{kind}"

    def constant(self, name: str, value: np.ndarray | float, dtype: type = np.float32) -> str:
        self.constants[name] = np.asarray(value, dtype=dtype)
        return name

    def add(self, op: str, name: str, *operands: str, **attributes: object) -> None:
        node = helper.make_node(op, [self.tensor, *operands], [f"{name}:0"], name, **attributes)
        self.nodes.append(node)
        self.tensor = node.output[0]

    def last(self) -> str:
        return self.nodes[-1].op_type if self.nodes else ""

    def turn(self, layout: str) -> None:
        """Bring the tensor into `layout`: a Transpose, or a Reshape where nothing moves."""
        if layout == self.layout or len(self.shape) != 3:
            return
        h, w, c = self.shape
        name = f"{self.tensor.removesuffix(':0')}__{len(self.nodes)}"
        if c == 1 or h * w == 1:
            sizes = (c, h, w) if layout == NCHW else self.shape
            shape = self.constant(
                f"new_shape__{len(self.nodes)}", np.array([self.batch, *sizes]), np.int64
            )
            self.add("Reshape", name, shape)
        else:
            self.add("Transpose", name, perm=PERM[layout])
        self.layout = layout

    def model(self, shape: tuple[int | str | None, ...]) -> ModelProto:
        """The model up to the newest tensor, for an input of `shape`."""
        constants = [numpy_helper.from_array(value, key) for key, value in self.constants.items()]
        graph = helper.make_graph(
            self.nodes,
            "tf2onnx",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.tensor, TensorProto.FLOAT, None)],
            constants,
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("ai.onnx.ml", 2)]
        return helper.make_model(
            graph,
            ir_version=IR_VERSION[self.opset],
            opset_imports=opsets,
            producer_name="tf2onnx",
            producer_version="1.16.1 15c810",
        )

    def values(self) -> np.ndarray:
        """The newest tensor for random images, a row a channel."""
        model = self.model((None, *self.images.shape[1:]))
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options)
        runs = [session.run(None, {"input": image[None]})[0] for image in self.images]
        values = np.concatenate(runs)
        return np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)

    # Quantisers.

    def sign(self, name: str = "") -> None:
        """ste_sign, approx_sign and swish_sign: they differ in training alone."""
        self.turn(NHWC)
        name = name or self.layer("ste_sign")
        self.add("Sign", f"{name}/Sign")
        self.add("Add", f"{name}/add", self.constant(TENTH, 0.1))
        self.add("Sign", f"{name}/Sign_1")
        self.step, self.offset = np.ones(1), np.zeros(1)

    def kernel(self, name: str, shape: tuple[int, ...], scaled: bool) -> str:
        """+-1 in Keras' order, output channels last, as the operand of a Conv or MatMul."""
        conv = len(shape) == 4
        latent = self.rng.uniform(-1, 1, shape)
        latent[self.rng.random(shape) < 0.02] = 0  # counts as +1
        if self.unfolded:
            other, self.tensor = self.tensor, self.constant(f"{name}/ReadVariableOp:0", latent)
            quantiser = f"{name.rpartition('/')[0]}/ste_sign_w"
            self.add("Sign", f"{quantiser}/Sign")
            self.add("Add", f"{quantiser}/add", self.constant(TENTH, 0.1))
            self.add("Sign", f"{quantiser}/Sign_1")
            if conv:
                self.add("Transpose", f"{name}__{len(self.nodes)}", perm=[3, 2, 0, 1])
            kernel, self.tensor = self.tensor, other
            return kernel
        signs = np.where(latent < 0, -1, 1)
        if scaled:  # magnitude_aware_sign
            scale = np.abs(latent).mean(axis=tuple(range(len(shape) - 1)))
            signs = signs * scale
            self.step = self.step * scale
        folded = f"ConstantFolding/{name}/ste_sign/IdentityN-folded-0:0"
        return self.constant(folded, signs.transpose(3, 2, 0, 1) if conv else signs)

    # Layers.

    def rescale(self, divisor: float, offset: float = 0.0, *, lambda_: bool = False) -> None:
        """layers.Rescaling(1 / divisor, offset), or a Lambda x: x / divisor - 1."""
        name = self.layer("lambda" if lambda_ else "rescaling")
        ones = (1, 1, 1, 1) if self.layout == NCHW else ()
        scale = self.constant(f"{name}/scale:0", np.float32(1) / np.float32(divisor))
        self.add("Mul", f"{name}/mul", scale)
        value = np.full(ones, -offset if lambda_ else offset)
        self.add(
            *(("Sub", f"{name}/sub") if lambda_ else ("Add", f"{name}/add")),
            self.constant(f"{name}/offset:0", value),
        )
        self.step = np.ones(1) / 255

    def zero_padding(self, rows: int = 1) -> None:
        """layers.ZeroPadding2D: the first convolution takes it over, elsewhere it is a Pad."""
        h, w, c = self.shape
        self.shape = (h + 2 * rows, w + 2 * rows, c)
        if not self.nodes:
            self.pending = (rows,) * 4
            return
        self.turn(NCHW)
        self.pad((0, 0, rows, rows) * 2, self.layer("zero_padding2d") + "/Pad", ())

    def pad(self, pads: tuple[int, ...], name: str, value: tuple[float, ...]) -> None:
        operands = [self.constant(f"{name}/pads", np.array(pads), np.int64)]
        operands += [self.constant(f"{name}/constant_values:0", each) for each in value]
        self.add("Pad", name, *operands)

    def conv(
        self,
        filters: int,
        size: Pair,
        stride: Pair = 1,
        *,
        same: bool = False,
        pad: float = 0,
        sign: bool = True,
        bias: np.ndarray | None = None,
        scaled: bool = False,
    ) -> None:
        """QuantConv2D; `pad` is Larq's pad_values; without `sign` it takes its input as it is."""
        name = self.layer("quant_conv2d")
        if sign:
            self.sign(f"{name}/ste_sign_a")
        (kh, kw), (sh, sw), (h, w, c) = pair(size), pair(stride), self.shape
        (top, bottom), (left, right) = ((0, 0), (0, 0))
        if same:
            (top, bottom), (left, right) = same_pads(h, kh, sh), same_pads(w, kw, sw)
        attributes = {"dilations": [1, 1], "strides": [sh, sw], "kernel_shape": [kh, kw]}
        if pad and same:
            self.pad((0, top, left, 0, 0, bottom, right, 0), f"{name}/PadV2", (pad,))
        elif same:
            attributes["pads"] = [top, left, bottom, right]
        if self.pending:
            attributes |= {"auto_pad": "NOTSET", "pads": list(self.pending)}
            self.pending = ()
        self.turn(NCHW)
        operands = [self.kernel(f"{name}/QuantConv2D", (kh, kw, c, filters), scaled)]
        if bias is not None:
            operands.append(self.constant(f"{name}/BiasAdd/ReadVariableOp:0", bias))
            self.offset = np.asarray(bias)
        op = "BiasAdd" if bias is not None else "QuantConv2D"
        self.add("Conv", f"{name}/{op}", *operands, **attributes, group=1)
        h, w = (h + top + bottom - kh) // sh + 1, (w + left + right - kw) // sw + 1
        self.shape = (h, w, filters)

    def pool(self, size: int = 2, stride: int = 0, *, same: bool = False) -> None:
        """layers.MaxPooling2D."""
        self.turn(NCHW)
        (h, w, c), stride = self.shape, stride or size
        attributes = {"strides": [stride] * 2, "kernel_shape": [size] * 2}
        (top, bottom), (left, right) = ((0, 0), (0, 0))
        if same:
            (top, bottom), (left, right) = same_pads(h, size, stride), same_pads(w, size, stride)
            attributes["pads"] = [top, left, bottom, right]
        self.add("MaxPool", self.layer("max_pooling2d") + "/MaxPool", **attributes)
        h, w = (h + top + bottom - size) // stride + 1, (w + left + right - size) // stride + 1
        self.shape = (h, w, c)

    def relu(self) -> None:
        self.add("Relu", self.layer("re_lu") + "/Relu")

    def flatten(self, *, reshape: bool = False) -> None:
        """layers.Flatten, or `reshape`: layers.Reshape((-1,))."""
        if self.shape[-1] > 1 and np.prod(self.shape[:-1]) > 1:
            self.turn(NHWC)
        self.shape = (int(np.prod(self.shape)),)
        if reshape and self.batch == -1:
            self.add("Flatten", "Flatten__1")
            return
        shape = [self.batch, -1] if reshape else [-1, *self.shape]
        name = self.constant("const_fold_opt__1", np.array(shape), np.int64)
        self.add("Reshape", self.layer("flatten") + "/Reshape", name)

    def dense(self, units: int, *, bias: np.ndarray | None = None, scaled: bool = False) -> None:
        """QuantDense with a sign before it."""
        name = self.layer("quant_dense")
        self.sign(f"{name}/ste_sign_a")
        kernel = self.kernel(f"{name}/MatMul", (*self.shape, units), scaled)
        self.add("MatMul", f"{name}/MatMul", kernel)
        if bias is not None:
            value = self.constant(f"{name}/BiasAdd/ReadVariableOp:0", bias)
            self.add("Add", f"{name}/BiasAdd", value)
            self.offset = np.asarray(bias)
        self.shape = (units,)

    def norm(self, *, scale: bool = True, unfused: bool = False) -> None:
        """layers.BatchNormalization(scale=scale, fused=not unfused)."""
        name = self.layer("batch_normalization")
        dense = len(self.shape) == 1
        still = not dense and (self.shape[2] == 1 or self.shape[0] * self.shape[1] == 1)
        fuse = self.last() == "Conv" and not still and not self.unfolded
        if still and self.last() == "Conv":  # Reshape, norm, Reshape: tf2onnx fuses nothing
            self.layout = NHWC
        self.turn(NCHW)
        exact = bool((self.step == 1).all() and not self.offset.any())
        ties = exact and self.last() != "Conv"  # onnxruntime's optimiser would fuse these two
        slope, shift, mean, variance = self.statistics(scale, ties)
        factor = slope / np.sqrt(variance + np.float32(EPSILON))
        constant = shift - mean * factor
        if fuse:
            self.fuse(factor, constant)
        elif dense or unfused:
            shape = (-1,) if dense else (1, -1, 1, 1)
            self.add(
                "Mul",
                f"{name}/batchnorm/mul_1",
                self.constant(f"{name}/batchnorm/mul:0", factor.reshape(shape)),
            )
            self.add(
                "Add",
                f"{name}/batchnorm/add_1",
                self.constant(f"{name}/batchnorm/sub:0", constant.reshape(shape)),
            )
        else:
            values = {"slope": slope, "shift": shift, "mean": mean, "variance": variance}
            operands = [self.constant(f"{name}/{key}:0", each) for key, each in values.items()]
            self.add("BatchNormalization", f"{name}/FusedBatchNormV3", *operands, epsilon=EPSILON)

    def fuse(self, factor: np.ndarray, constant: np.ndarray) -> None:
        """Fold a batch-norm into the newest convolution."""
        conv = self.nodes[-1]
        kernel, *bias = (self.constants.pop(name) for name in conv.input[1:])
        start = bias[0] if bias else np.float32(0)
        weights = self.constant(
            f"{conv.name}_weights_fused_bn", kernel * factor[:, None, None, None]
        )
        del conv.input[1:]
        conv.input.extend([weights, f"{conv.name}_bias_fused_bn"])
        self.constant(conv.input[2], constant + factor * start)

    def statistics(self, scale: bool, ties: bool) -> list[np.ndarray]:
        """Slope, shift, mean and variance in float32, slopes of both signs and one zero."""
        values, rng = self.values(), self.rng
        count = len(values)
        spread = np.maximum(values.std(axis=1), self.step)
        slope = rng.uniform(0.3, 1.5, count) * rng.choice([-1, 1], count) if scale else 1.0
        slope = np.broadcast_to(slope, count).copy()
        if scale and count > 4:
            slope[rng.integers(count)] = 0
        variance = spread**2 * rng.uniform(0.5, 2, count)
        shift = rng.normal(0, 0.5, count)
        wanted = values.mean(axis=1) + spread * rng.normal(0, 0.4, count) - self.offset
        border = (np.floor(wanted / self.step) + 0.5) * self.step + self.offset
        tie = (rng.random(count) < 0.25) & (slope != 0) & ties
        shift[tie], border[tie] = 0, np.round(border[tie])
        safe = np.where(slope == 0, 1, slope)
        mean = border + shift * np.sqrt(variance + EPSILON) / safe
        return [each.astype(np.float32) for each in (slope, shift, mean, variance)]

    def softmax(self) -> None:
        attributes = {} if self.opset >= 13 else {"axis": 1}
        self.add("Softmax", self.layer("activation") + "/Softmax", **attributes)


def pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same": what is odd goes to the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
