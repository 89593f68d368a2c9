"""A perceptron of 8, 6 and 3 units whose parts a test can replace, and what the CLI said of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto

from random_nets import Graph, build

INPUTS, HIDDEN, CLASSES = 8, 6, 3
Part = Callable[[Graph], None]


def one_bit(graph: Graph) -> None:
    """The activation of the intact network."""
    graph.chain("BipolarQuant", "sign", graph.constant("sign_scale", np.float32(1)))


def quant(graph: Graph, name: str, tensor: str, bits: int) -> str:
    """A Quant node with a scale of one half."""
    values = [np.float32(0.5), np.float32(0), np.float32(bits)]
    names = [graph.constant(f"{name}_{i}", value) for i, value in enumerate(values)]
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    return graph.node("Quant", name, tensor, *names, **options)


def binary(graph: Graph, name: str, latent: str) -> str:
    """The weights of the intact network."""
    return graph.node("BipolarQuant", name, latent, graph.constant(f"{name}_one", np.float32(1)))


def nothing(graph: Graph) -> None:
    """No node at all."""


def model(
    *,
    raw: str = "UINT4",
    before: Part = nothing,
    weights: Callable[[Graph, str, str], str] = binary,
    slope: float = 1.0,
    activation: Part = one_bit,
    end: Part = nothing,
) -> ModelProto:
    """The perceptron with its parts replaced; `raw` is the input's annotation."""
    graph = Graph(np.random.default_rng(7))
    before(graph)
    dense(graph, "fc1", INPUTS, HIDDEN, weights)
    rng = graph.rng
    values = {
        "slope": np.full(HIDDEN, slope) * rng.uniform(0.5, 2, HIDDEN),
        "shift": rng.normal(0, 0.5, HIDDEN),
        "mean": rng.normal(0, 5, HIDDEN),
        "variance": rng.uniform(50, 200, HIDDEN),
    }
    names = [graph.constant(f"norm_{key}", value) for key, value in values.items()]
    graph.chain("BatchNormalization", "norm", *names, epsilon=1e-5)
    activation(graph)
    dense(graph, "fc2", HIDDEN, CLASSES, binary)
    end(graph)
    return build(graph, INPUTS, CLASSES, raw)


def dense(
    graph: Graph, name: str, mw: int, mh: int, weights: Callable[[Graph, str, str], str]
) -> None:
    latent = graph.constant(f"{name}_latent", graph.rng.standard_normal((mw, mh)))
    graph.chain("MatMul", name, weights(graph, f"{name}_weights", latent))


def write(path: Path, proto: ModelProto) -> Path:
    """The model as a file."""
    path.write_bytes(proto.SerializeToString())
    return path


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    def refused(self, code: int, error: str, hint: str | None = "") -> None:
        """Assert a clear refusal; `error` and `hint` are patterns, hint None: it may lack."""
        assert "Traceback" not in self.err, self.err
        assert self.code == code, self
        text = self.err[self.err.rfind("error: ") :]
        found, _, advice = text.partition("\n\nhint: ")
        assert re.search(error, found, re.DOTALL), self.err
        assert found.startswith("error: ") and "\n\n" not in found.strip(), self.err
        if hint is not None:
            assert advice.strip() and re.search(hint, advice), self.err
        assert not self.out, self.out


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything under `folder`, hidden files included: path -> content, None for a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
