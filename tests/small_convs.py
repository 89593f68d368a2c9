"""A convolution and a dense layer on an image of 9x8 pixels, with parts that a test adds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import ModelProto

from random_nets import Graph, build

SHAPE, FILTERS = (2, 9, 8), 4
Part = Callable[[Graph], None]


def conv(graph: Graph, name: str, weights: np.ndarray, **attributes: object) -> None:
    graph.chain("Conv", name, graph.constant(f"{name}_weights", weights), **attributes)


def signs(graph: Graph, *shape: int) -> np.ndarray:
    return graph.rng.choice([-1.0, 1.0], shape)


def one_bit(graph: Graph, name: str = "sign") -> None:
    graph.chain("BipolarQuant", name, graph.constant(f"{name}_scale", np.float32(1)))


def nothing(graph: Graph) -> None:
    """No node at all."""


def small(
    *,
    before: Part = nothing,
    activation: Part = one_bit,
    middle: Part = nothing,
    end: Part = nothing,
) -> ModelProto:
    """conv1 (9x8 -> 7x6), an activation, what `middle` adds, a dense layer, and `end`."""
    graph = Graph(np.random.default_rng(3))
    before(graph)
    conv(graph, "conv1", signs(graph, FILTERS, SHAPE[0], 3, 3))
    activation(graph)
    middle(graph)
    graph.chain("Flatten", "flatten")
    graph.chain("MatMul", "fc", graph.constant("fc_weights", signs(graph, FILTERS * 7 * 6, 3)))
    end(graph)
    return build(graph, SHAPE, 3, "UINT8")
