"""Lowering in corners: offsets, zero points, bipolar inputs, shapes, external data, ties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper

import tiny
from onebit import flow, golden, trial
from onebit.errors import ConfigError
from onebit.lower import lower
from onebit.lower.runtime import execute, throughput
from random_nets import Graph


def agrees(path: Path, seed: int = 0) -> int:
    """How many of 500 random samples golden and the source classify alike; the rest must tie."""
    net = lower(path).net
    first = net.input
    index = np.random.default_rng(seed).integers(0, len(first.table), (500, *first.shape))
    raw = first.raw_lo + first.raw_step * index
    logits, classes = execute(path, raw * first.raw_scale), golden.run(net, raw).classes
    return int((logits.argmax(axis=1) == classes).sum())


def minus(value: float) -> tiny.Part:
    """An input from which `value` is taken."""

    def before(graph: Graph) -> None:
        graph.chain("Sub", "center", graph.constant("center_value", np.float32(value)))

    return before


def quantised(graph: Graph) -> None:
    """A first Quant with a zero point."""
    values = [np.float32(0.1), np.float32(8), np.float32(4)]
    names = [graph.constant(f"q{i}", value) for i, value in enumerate(values)]
    graph.chain("Quant", "first", *names, signed=0, narrow=0, rounding_mode="ROUND")


def test_an_offset_that_is_nearly_whole_is_kept(tmp_path: Path) -> None:
    proto = tiny.model(raw="UINT8", before=minus(33.0009))
    first = lower(tiny.write(tmp_path / "net.onnx", proto)).net.input
    assert first.offset == np.float32(-33.0009) and first.scale == 1


@pytest.mark.parametrize(("value", "lo", "hi", "offset"), [(128, -128, 127, 0), (33, 0, 255, -33)])
def test_an_offset_goes_where_it_saves_no_bit(
    tmp_path: Path, value: int, lo: int, hi: int, offset: int
) -> None:
    path = tiny.write(tmp_path / "net.onnx", tiny.model(raw="UINT8", before=minus(value)))
    first = lower(path).net.input
    assert (first.element.lo, first.element.hi, first.offset) == (lo, hi, offset)


@pytest.mark.parametrize(
    "changed",
    [
        {"raw": "BIPOLAR"},
        {"raw": "BINARY"},
        {"raw": "UINT8", "before": minus(33.0009)},
        {"raw": "UINT8", "before": minus(127.5)},
        {"raw": "FLOAT32", "before": quantised},
    ],
    ids=["bipolar", "binary", "offset", "half", "zero point"],
)
def test_inputs_mean_what_the_source_says(
    tmp_path: Path, changed: dict[str, Callable[[Graph], None]]
) -> None:
    assert agrees(tiny.write(tmp_path / "net.onnx", tiny.model(**changed))) == 500


def test_a_zero_point_shifts_the_raw_values(tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "net.onnx", tiny.model(raw="FLOAT32", before=quantised))
    first = lower(path).net.input
    assert first.raw_lo == -8 and first.table.tolist() == list(range(-8, 8))


def test_a_bipolar_input_refuses_zero(tmp_path: Path) -> None:
    net = lower(tiny.write(tmp_path / "net.onnx", tiny.model(raw="BIPOLAR"))).net
    with pytest.raises(ConfigError, match="by steps of 2"):
        golden.run(net, np.zeros((1, tiny.INPUTS)))


def shaped(shape: list[int], op: str, *inputs: str, **attributes: int) -> ModelProto:
    """The tiny network with an input of another shape and one shaping node first."""
    proto = tiny.model()
    graph = proto.graph
    del graph.input[0].type.tensor_type.shape.dim[:]
    for size in shape:
        graph.input[0].type.tensor_type.shape.dim.add().dim_value = size
    flat = helper.make_node(op, ["input", *inputs], ["flat"], "flat", **attributes)
    for node in graph.node:
        node.input[:] = ["flat" if name == "input" else name for name in node.input]
    graph.node.insert(0, flat)
    return proto


def test_flattened_images_run_in_onnxruntime_too(tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "net.onnx", shaped([1, 2, 4], "Flatten", axis=1))
    assert agrees(path) == 500
    assert all(rate > 0 for rate in throughput(path, np.zeros((9, 8)), threads=1, runs=2))


def test_a_product_for_each_row_is_no_perceptron(tmp_path: Path) -> None:
    path = tiny.write(tmp_path / "net.onnx", shaped([1, 3, 8], "Identity"))
    with pytest.raises(ConfigError, match=r"node 'fc1' .*shape \[1, 3, 8\]"):
        lower(path)


def test_a_file_with_external_data_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(tiny.model(), path, save_as_external_data=True, location="net.data", size_threshold=0)
    made = flow.compile_network(str(path), tmp_path / "out", "pynq-z2", None, None)
    (tmp_path / "net.data").unlink()
    assert execute(made.out / flow.MODEL, np.zeros((2, tiny.INPUTS))).shape == (2, tiny.CLASSES)


@pytest.mark.parametrize("size", [1.0, 1e-7])
def test_only_real_ties_are_excused(tmp_path: Path, size: float) -> None:
    def end(graph: Graph) -> None:
        graph.chain("Mul", "small", graph.constant("small_value", np.float32(size)))

    path = tiny.write(tmp_path / "net.onnx", tiny.model(end=end))
    made = flow.compile_network(str(path), tmp_path / "out", "pynq-z2", None, None)
    chosen = trial.samples(made, 200, 0)
    right = golden.run(made.net, chosen.raw)
    assert trial.against_source(made, chosen, right)["source_equal"] == 200
    worst = golden.Outputs(logits=right.logits, classes=right.logits.argmin(axis=1))
    found = trial.against_source(made, chosen, worst)
    assert not found["source_ties"] and len(found["source_mismatches"]) > 100
