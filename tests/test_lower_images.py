"""Graphs that say the same in an unusual way: golden is what QONNX makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

from onebit import golden
from onebit.errors import ConfigError
from onebit.lower import Lowered, lower
from onebit.lower.runtime import execute
from onebit.net import Flatten, Mvau, Window
from random_nets import Graph, build
from small_convs import FILTERS, Part, conv, one_bit, signs, small

SAMPLES = 200


def agreed(path: Path, model: ModelProto) -> Lowered:
    """The model lowered; golden must give the source's class for all samples."""
    path.write_bytes(model.SerializeToString())
    lowered = lower(path)
    first = lowered.net.input
    index = np.random.default_rng(0).integers(0, len(first.table), (SAMPLES, *first.shape))
    samples = first.raw_lo + first.raw_step * index
    classes = golden.run(lowered.net, samples).classes
    assert (execute(path, samples).argmax(axis=1) == classes).all()
    assert len(np.unique(classes)) > 1
    return lowered


def kinds(lowered: Lowered) -> list[str]:
    return [type(layer).__name__ for layer in lowered.net.layers]


def value(graph: Graph, name: str, *values: float) -> str:
    return graph.constant(name, np.float32(values if len(values) > 1 else values[0]))


def ends(graph: Graph, name: str, pads: list[int]) -> str:
    graph.constants.append(numpy_helper.from_array(np.array(pads, dtype=np.int64), name))
    return name


def then_sign(part: Part) -> Part:
    def add(graph: Graph) -> None:
        part(graph)
        one_bit(graph)

    return add


def constant_first(op: str) -> Part:
    def add(graph: Graph) -> None:
        graph.tensor = graph.node(op, "first", value(graph, "left", 2.5), graph.tensor)

    return then_sign(add)


def where(plus: float, minus: float, border: float) -> Part:
    """An activation by comparison, maybe falling, maybe of other values than +-s."""

    def add(graph: Graph) -> None:
        above = graph.node("GreaterOrEqual", "above", graph.tensor, value(graph, "b", border))
        both = value(graph, "plus", plus), value(graph, "minus", minus)
        graph.tensor = graph.node("Where", "where", above, *both)

    return add


def nudged(by: float) -> Part:
    def add(graph: Graph) -> None:
        graph.chain("Sign", "sign1")
        graph.chain("Add", "nudge", value(graph, "by", by))
        graph.chain("Sign", "sign2")

    return add


ACTIVATIONS = {
    "a constant minus the sum": (constant_first("Sub"), ""),
    "a constant plus the sum": (constant_first("Add"), ""),
    "a constant over the sum": (constant_first("Div"), "FINN has no Div"),
    "tanh": (then_sign(lambda graph: graph.chain("Tanh", "tanh")), ""),
    "a falling comparison": (where(-1, 1, 2), "FINN has no GreaterOrEqual"),
    "a comparison with 2": (where(1, -1, 2), "FINN has no GreaterOrEqual"),
    "values that are not +-s": (where(1, -2, 2), "FINN has no GreaterOrEqual"),
    "a nudge down": (nudged(-0.1), ""),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_means_what_it_computes(name, tmp_path):
    part, unchecked = ACTIVATIONS[name]
    assert agreed(tmp_path / "net.onnx", small(activation=part)).unchecked.startswith(unchecked)


def padded(
    border: list[int],
    values: tuple[float, ...],
    axes: list[int] | None = None,
    **attributes: object,
) -> Part:
    """A Pad, then a 3x3 convolution."""

    def add(graph: Graph) -> None:
        operands = [value(graph, "fill", each) for each in values]
        if axes:
            operands = [*(operands or [""]), ends(graph, "axes", axes)]
        graph.chain("Pad", "pad", ends(graph, "ends", border), *operands)
        conv(graph, "conv2", signs(graph, FILTERS, FILTERS, 3, 3), **attributes)
        one_bit(graph, "sign2")

    return add


def square(op: str, **attributes: object) -> Part:
    """A pool to one pixel, and a convolution that makes as many features as there were."""

    def add(graph: Graph) -> None:
        graph.chain(op, "pool", **attributes)
        conv(graph, "conv2", signs(graph, FILTERS * 7 * 6, FILTERS, 1, 1))
        one_bit(graph, "sign2")

    return add


def pointwise(graph: Graph) -> None:
    """A product for every pixel, in (h, w, c) order, and a 1x1 convolution."""
    graph.chain("Transpose", "last", perm=[0, 2, 3, 1])
    graph.chain("MatMul", "point", graph.constant("point_weights", signs(graph, FILTERS, 6)))
    one_bit(graph, "sign2")
    graph.chain("Transpose", "first", perm=[0, 3, 1, 2])
    conv(graph, "conv2", signs(graph, FILTERS, 6, 1, 1))
    one_bit(graph, "sign3")


def same(mode: str) -> Part:
    def add(graph: Graph) -> None:
        conv(graph, "conv2", signs(graph, FILTERS, FILTERS, 4, 3), auto_pad=mode, strides=[1, 1])
        one_bit(graph, "sign2")

    return add


MIDDLES: dict[str, tuple[Part, Callable[[list[str]], bool]]] = {
    "zeros by a Pad and by the convolution": (
        padded([0, 0, 1, 0, 0, 0, 0, 0], (), pads=[0, 1, 1, 1]),
        lambda found: found.count("Window") == 2,
    ),
    "a Pad that adds nothing": (
        padded([0] * 8, (1,), pads=[1] * 4),
        lambda found: found.count("Window") == 2,
    ),
    "a Pad of two axes": (
        padded([1, 0, 1, 2], (1,), axes=[2, 3]),
        lambda found: found.count("Window") == 2,
    ),
    "a Pad of axes in another order, of no value": (
        padded([0, 1, 2, 1], (), axes=[-1, -2], pads=[0, 0, 0, 0]),
        lambda found: found.count("Window") == 2,
    ),
    "a pool to one pixel": (
        square("MaxPool", kernel_shape=[7, 6]),
        lambda found: found[-5:] == ["MaxPool", "Flatten", "Mvau", "Mvau", "Head"],
    ),
    "a global pool": (
        square("GlobalMaxPool"),
        lambda found: found[-5:] == ["MaxPool", "Flatten", "Mvau", "Mvau", "Head"],
    ),
    "products of pixels": (pointwise, lambda found: found.count("Window") == 1),
    "same, more at the end": (same("SAME_UPPER"), lambda found: found.count("Window") == 2),
    "same, more at the start": (same("SAME_LOWER"), lambda found: found.count("Window") == 2),
}


@pytest.mark.parametrize("name", MIDDLES)
def test_images_move_as_in_the_source(name, tmp_path):
    part, expected = MIDDLES[name]
    lowered = agreed(tmp_path / "net.onnx", small(middle=part))
    assert not lowered.unchecked and expected(kinds(lowered)), kinds(lowered)


def given_as_a_vector(shape: list[int], *perm: int) -> ModelProto:
    """An input of 9 x 8 pixels in one row, made an image by the graph."""
    graph = Graph(np.random.default_rng(3))
    graph.chain("Reshape", "image", ends(graph, "image_shape", shape))
    if perm:
        graph.chain("Transpose", "turn", perm=list(perm))
    channels = shape[perm[1] if perm else 1]
    conv(graph, "conv1", signs(graph, FILTERS, channels, 3, 3))
    one_bit(graph)
    graph.chain("Flatten", "flatten")
    graph.chain("MatMul", "fc", graph.constant("fc_weights", signs(graph, FILTERS * 7 * 6, 3)))
    return build(graph, int(np.prod(shape[1:])), 3, "UINT8")


def test_an_input_may_be_a_vector(tmp_path):
    path = tmp_path / "net.onnx"
    assert agreed(path, given_as_a_vector([1, 1, 9, 8])).net.input.shape == (9, 8, 1)
    assert agreed(path, given_as_a_vector([1, 9, 8, 2], 0, 3, 1, 2)).net.input.shape == (9, 8, 2)
    path.write_bytes(given_as_a_vector([1, 2, 9, 8]).SerializeToString())
    with pytest.raises(ConfigError, match=r"'conv1' .*reorder the elements of an image"):
        lower(path)


def test_a_convolution_over_the_whole_image_is_a_dense_layer(tmp_path):
    def middle(graph: Graph) -> None:
        conv(graph, "conv2", signs(graph, FILTERS * 7 * 6, FILTERS, 7, 6))
        one_bit(graph, "sign2")

    net = agreed(tmp_path / "net.onnx", small(middle=middle)).net
    assert [type(layer) for layer in net.layers[1:]][:4] == [Window, Mvau, Flatten, Mvau]
    assert [layer.name for layer in net.mvaus] == ["conv1", "fc1", "fc2"]
