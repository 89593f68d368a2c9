"""Seeded random QONNX convolutional networks with everything that makes lowering hard.

Every sum is exact in float32: weights of +-2**n, inputs and biases in steps of 2**-n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import ModelProto, numpy_helper
from qonnx.core.datatype import DataType

import random_nets
from random_nets import Graph, add_dense, add_head, add_input, add_norm, add_sign

NCHW, NHWC = "NCHW", "NHWC"
PERM = {NCHW: [0, 3, 1, 2], NHWC: [0, 2, 3, 1]}
KINDS = ("bit", *(f"u{bits}" for bits in range(1, 9)), *(f"s{bits}" for bits in range(2, 9)))
MOST_PRODUCTS = 1_500_000  # of one layer and one image
MOST_SUMS = 2_000_000  # accumulators x channels x border classes that lowering evaluates
KERNELS = (1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11)
STRIDES = (1, 1, 1, 2, 2, 3, 4)

Ends = tuple[int, int]


@dataclass
class Image(Graph):
    """A graph whose newest tensor is an image of `size` and `channels` in a `layout`.

    levels: the values that the image holds, as far as a Pad may add one of them. bits: of the
    input, 1 once the image is +-1. step: between two values of the image.
    """

    size: tuple[int, int] = (1, 1)
    channels: int = 1
    layout: str = NCHW
    levels: tuple[float, ...] = (-1.0, 1.0)
    bits: int = 1
    step: float = 1.0
    turns: int = field(default=0)

    def turn(self, layout: str) -> None:
        if layout != self.layout:
            self.turns += 1
            self.chain("Transpose", f"turn{self.turns}", perm=PERM[layout])
            self.layout = layout

    def shape(self) -> tuple[int, int, int]:
        (height, width), channels = self.size, self.channels
        return (channels, height, width) if self.layout == NCHW else (height, width, channels)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


@dataclass(frozen=True)
class Moves:
    """A kernel's size, stride and padding along one axis, and how many windows that makes."""

    kernel: int
    stride: int
    ends: Ends
    out: int


def moves(image: Image, size: int, *, most: int, share: float) -> Moves:
    """Any windows along an axis of `size` elements; padded on a `share` of the axes."""
    rng = image.rng
    kernel = int(rng.choice([k for k in KERNELS if k <= most]))
    ends = (0, 0)
    if image.chance(share):
        ends = (int(rng.integers(kernel)), int(rng.integers(kernel)))
        if image.chance(0.4):
            ends = (kernel // 2, kernel // 2)
    short = max(0, kernel - size - sum(ends))
    kernel -= short
    ends = (min(ends[0], kernel - 1), min(ends[1], kernel - 1))
    if size + sum(ends) < kernel:
        ends = (0, 0)
        kernel = min(kernel, size)
    stride = int(rng.choice(STRIDES))
    return Moves(kernel, stride, ends, (size + sum(ends) - kernel) // stride + 1)


def attributes(rows: Moves, columns: Moves) -> dict[str, list[int]]:
    pads = [rows.ends[0], columns.ends[0], rows.ends[1], columns.ends[1]]
    found = {
        "kernel_shape": [rows.kernel, columns.kernel],
        "strides": [rows.stride, columns.stride],
    }
    return found | ({"pads": pads} if any(pads) else {})


def add_pad(image: Image, name: str, rows: Moves, columns: Moves, value: float) -> None:
    """A Pad node in the layout of the moment."""
    (top, bottom), (left, right) = rows.ends, columns.ends
    begin, end = ([0, top, left], [0, bottom, right])
    if image.layout == NHWC:
        begin, end = [top, left, 0], [bottom, right, 0]
    pads = np.array([0, *begin, 0, *end], dtype=np.int64)
    image.constants.append(numpy_helper.from_array(pads, f"{name}_pads"))
    operands = [f"{name}_pads"]
    if value or image.chance(0.5):
        operands.append(image.constant(f"{name}_value", np.float32(value)))
    image.chain("Pad", name, *operands)
    height, width = image.size
    image.size = (height + top + bottom, width + left + right)


def filters(image: Image, rows: Moves, columns: Moves) -> int:
    """As many output channels as the budgets allow, 1 to 70."""
    mw = rows.kernel * columns.kernel * image.channels
    sums = 2 * mw * 2**image.bits
    classes = math.prod(min(m.out, sum(m.ends) + 1) for m in (rows, columns))
    most = min(70, MOST_PRODUCTS // (mw * rows.out * columns.out), MOST_SUMS // (sums * classes))
    return int(image.rng.integers(1, max(2, most + 1)))


def add_conv(image: Image, name: str) -> float:
    """A convolution with its padding; returns the spread of its sums."""
    rng = image.rng
    most = min(11, max(1, int(math.sqrt(MOST_SUMS / (8 * 2**image.bits * image.channels)))))
    rows, columns = (moves(image, size, most=most, share=0.6) for size in image.size)
    count = filters(image, rows, columns)
    given = attributes(rows, columns)
    zeros = rows.ends == columns.ends == (0, 0)
    if not zeros and image.chance(0.3):
        if image.chance(0.4):
            image.turn(NHWC)
        value = 0.0 if image.chance(0.2) else float(rng.choice(image.levels))
        add_pad(image, f"{name}_pad", rows, columns, value)
        given.pop("pads")
    image.turn(NCHW)
    shape = (count, image.channels, rows.kernel, columns.kernel)
    latent = image.constant(f"{name}_latent", rng.standard_normal(shape).clip(-1, 1))
    scale = 2.0 ** rng.integers(-3, 3) if image.chance(0.3) else 1.0
    each = scale * 2.0 ** rng.integers(-1, 2, (count, 1, 1, 1)) if image.chance(0.3) else scale
    weights = image.node(
        "BipolarQuant", f"{name}_weights", latent, image.constant(f"{name}_scale", each)
    )
    operands = [weights]
    if image.chance(0.25):
        operands.append(image.constant(f"{name}_bias", rng.integers(-12, 13, count) * scale / 4))
    image.chain("Conv", name, *operands, **given)
    mw = math.prod(shape[1:])
    image.size, image.channels = (rows.out, columns.out), count
    return float(max(1.0, image.step * 2.0 ** (image.bits - 1) * np.sqrt(mw)) * scale)


def add_pools(image: Image, name: str) -> int:
    """One max-pool or two in a row; returns the elements that the larger one looks at."""
    looked = 1
    for index in range(2 if image.chance(0.15) else 1):
        rows, columns = (
            moves(image, size, most=11 if image.chance(0.05) else 4, share=0.3)
            for size in image.size
        )
        given = attributes(rows, columns)
        image.turn(NCHW)
        sizes = [rows.out, columns.out]
        if image.chance(0.3):
            given["ceil_mode"] = 1
            sizes = [ceil_out(m, size) for m, size in zip((rows, columns), image.size, strict=True)]
        image.chain("MaxPool", f"{name}_{index}", **given)
        image.size = (sizes[0], sizes[1])
        looked = max(looked, rows.kernel * columns.kernel)
    return looked


def ceil_out(m: Moves, size: int) -> int:
    """How many windows ceil_mode makes: the last one must start on the image or before it."""
    out = -(-(size + sum(m.ends) - m.kernel) // m.stride) + 1
    return out - ((out - 1) * m.stride >= size + m.ends[0])


def add_bend(image: Image, name: str, spread: float) -> None:
    """A function between the sums and the batch-norm that rises, or falls, everywhere."""
    rng = image.rng
    match int(rng.integers(6)):
        case 0:
            image.chain("Relu", name)
        case 1:
            image.chain("LeakyRelu", name, alpha=0.25)
        case 2:
            slopes = image.constant(f"{name}_slopes", rng.uniform(0, 2, (image.channels, 1, 1)))
            image.chain("PRelu", name, slopes)
        case 3:
            ends = np.sort(rng.normal(0, spread, 2))
            image.chain(
                "Clip", name, *(image.constant(f"{name}_{i}", e) for i, e in enumerate(ends))
            )
        case 4:
            image.chain("Neg", name)
        case 5:
            shape = (image.channels, 1, 1) if image.chance(0.5) else ()
            start = image.constant(f"{name}_start", rng.integers(-3, 4, shape))
            image.tensor = image.node("Sub", name, start, image.tensor)


def add_bits(image: Image, name: str) -> None:
    """A sign, now and then of other values than -1 and +1."""
    add_sign(image, f"{name}_sign")
    low, high = -1.0, 1.0
    if image.chance(0.1):
        factor = image.rng.choice([0.5, 2])
        image.chain("Mul", f"{name}_factor", image.constant(f"{name}_by", factor))
        low, high = -factor, factor
    if image.chance(0.1):  # so that zero is one of them
        image.chain("Add", f"{name}_shift", image.constant(f"{name}_plus", high))
        low, high = low + high, 2 * high
    image.bits, image.step, image.levels = 1, 1.0, (low, high)


def add_activation(image: Image, name: str, spread: float) -> None:
    """Batch-norm and sign, with pools in any places, now and then another layout or a bend."""
    slots = image.rng.choice(["sums", "norms", "bits", "none"], p=[0.3, 0.2, 0.15, 0.35])
    both = image.chance(0.1)
    center = 0.0
    if image.chance(0.15):
        add_bend(image, f"{name}_bend", spread)
    if slots == "sums" or both:
        looked = add_pools(image, f"{name}_pool_sums")
        center = spread * math.sqrt(math.log(looked)) if looked > 1 else 0.0
    add_norm(image, f"{name}_norm", image.channels, spread, hard=True, center=center)
    if slots == "norms" or both:
        add_pools(image, f"{name}_pool_norms")
    if image.chance(0.3):
        image.turn(NHWC)
    if image.chance(0.1):  # becomes +1: a sign of zero; -1 where it is below
        around = [Moves(3, 1, (1, 0), 0), Moves(3, 1, (0, 2), 0)]
        add_pad(image, f"{name}_early", *around, float(image.rng.choice([0, 0.25, -0.5])))
        add_sign(image, f"{name}_sign")
        image.bits, image.step, image.levels = 1, 1.0, ()
        return
    add_bits(image, name)
    if slots == "bits":
        add_pools(image, f"{name}_pool_bits")


def add_pixels(image: Image, kind: str) -> str:
    """The input's quantisation, sometimes with an offset; returns the input's datatype."""
    raw = add_input(image, kind)
    image.bits = 1 if kind == "bit" else int(kind[1:])
    if kind == "bit":
        return raw
    low = -(2 ** (image.bits - 1)) if kind[0] == "s" else 0
    values = np.arange(low, low + 2**image.bits, dtype=np.float32)
    if image.chance(0.5):
        image.step = float(2.0 ** image.rng.integers(-image.bits, 2))
        image.chain("Mul", "input_mul", image.constant("input_factor", np.float32(image.step)))
        values *= np.float32(image.step)
    if image.chance(0.5):
        top = float(values[-1] - values[0])
        shift = image.rng.choice([-top / 2, image.step / 2, -3 * image.step, -values[0] / 2])
        image.chain("Add", "input_add", image.constant("input_offset", np.float32(shift)))
        values += np.float32(shift)
    image.levels = tuple(float(value) for value in values)
    return raw


def add_flatten(image: Image, name: str) -> int:
    """The image as a vector in its layout's order or the other one; returns how many features."""
    if image.chance(0.5):
        image.turn(NHWC if image.chance(0.7) else NCHW)
    if image.chance(0.5):
        image.chain("Flatten", name)
    else:
        shape = np.array([1, -1] if image.chance(0.5) else [1, math.prod(image.shape())])
        image.constants.append(numpy_helper.from_array(shape.astype(np.int64), f"{name}_shape"))
        image.chain("Reshape", name, f"{name}_shape")
    return math.prod(image.shape())


def random_model(seed: int) -> tuple[ModelProto, DataType]:
    """A random convolutional network and the datatype of its input."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    image = Image(rng)
    image.size = (int(rng.integers(5, 41)), int(rng.integers(5, 41)))
    image.channels = int(rng.choice([1, 2, 3, rng.integers(1, 71)]))
    image.layout = NHWC if image.chance(0.3) else NCHW
    shape = image.shape()
    raw = add_pixels(image, kind)
    for index in range(int(rng.integers(1, 5))):
        spread = add_conv(image, f"conv{index + 1}")
        add_activation(image, f"act{index + 1}", spread)
        early = image.levels == ()
        if early:  # the border that is there already is that of the next convolution
            image.levels = (-1.0, 1.0)
            add_conv_inside(image, f"inside{index + 1}")
    return finish(image, shape, raw)


def add_conv_inside(image: Image, name: str) -> None:
    """A convolution without padding of its own, and its activation."""
    image.turn(NCHW)
    least = (2, 3)  # more than the border: no window of nothing but padding is built
    kernel = tuple(
        int(image.rng.integers(low, max(low, min(size, 5)) + 1))
        for low, size in zip(least, image.size, strict=True)
    )
    rows, columns = (
        Moves(k, 1, (0, 0), s - k + 1) for k, s in zip(kernel, image.size, strict=True)
    )
    count = filters(image, rows, columns)
    shape = (count, image.channels, *kernel)
    latent = image.constant(f"{name}_latent", image.rng.standard_normal(shape))
    one = image.constant(f"{name}_scale", np.float32(1))
    image.chain(
        "Conv",
        name,
        image.node("BipolarQuant", f"{name}_weights", latent, one),
        **attributes(rows, columns),
    )
    image.size, image.channels = (rows.out, columns.out), count
    add_norm(image, f"{name}_norm", count, math.sqrt(math.prod(shape[1:])), hard=True)
    add_sign(image, f"{name}_sign")


def finish(image: Image, shape: tuple[int, ...], raw: str) -> tuple[ModelProto, DataType]:
    """Hidden dense layers and the last one, or a convolution with one window for all of them."""
    rng = image.rng
    if max(image.size) <= 10 and image.chance(0.3):
        image.turn(NCHW)
        classes = add_last_conv(image)
        add_flatten(image, "flatten")
        return random_nets.build(image, shape, classes, raw), DataType[raw]
    features = add_flatten(image, "flatten")
    for index in range(int(rng.integers(3))):
        units = int(rng.integers(1, 71))
        add_dense(image, f"fc{index + 1}", features, units)
        add_norm(image, f"fc_norm{index + 1}", units, math.sqrt(features), hard=True)
        add_sign(image, f"fc_sign{index + 1}")
        features = units
    classes = int(rng.integers(2, 20))
    add_dense(image, "last", features, classes)
    add_head(image, classes, math.sqrt(features))
    return random_nets.build(image, shape, classes, raw), DataType[raw]


def add_last_conv(image: Image) -> int:
    """A convolution with one window, on all of the image, a part, or more, as the last product."""
    rng, (height, width) = image.rng, image.size
    kernel, pads, strides = [height, width], [0, 0, 0, 0], [1, 1]
    match int(rng.integers(3)):
        case 0:
            kernel, pads = [height + 1, width], [1, 0, 0, 0]
        case 1 if height > 1:
            kernel, strides = [height - 1, width], [2, 1]
    classes = int(rng.integers(2, 20))
    latent = rng.standard_normal((classes, image.channels, *kernel))
    names = image.constant("last_latent", latent), image.constant("last_scale", np.float32(1))
    weights = image.node("BipolarQuant", "last_weights", *names)
    image.chain("Conv", "last", weights, kernel_shape=kernel, strides=strides, pads=pads)
    image.size, image.channels = (1, 1), classes
    if image.chance(0.5):
        add_norm(image, "head_norm", classes, math.sqrt(latent[0].size), hard=False)
    return classes


def write_model(seed: int, path: Path) -> DataType:
    """Save `random_model(seed)`; returns the datatype of its input."""
    proto, raw = random_model(seed)
    path.write_bytes(proto.SerializeToString())
    return raw
