"""The summary of a network: counted by hand on a small one, and against Larq's on its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from onebit import recipe, summary
from onebit.lower import lower
from onebit.net import Flatten, Head, Input, Int, MaxPool, Mvau, Net, Window

Onebit = Callable[..., tiny.Said]


def small() -> Net:
    """A 3-bit image of 4x4, two 3x3 kernels with zero padding, a pool, three classes."""
    square = {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1, 1, 1)}
    halves = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0)}
    table = np.arange(8)
    first = Input(
        name="input",
        shape=(4, 4, 1),
        element=Int(bits=3),
        raw_lo=0,
        raw_scale=1.0,
        table=table,
        scale=1.0,
        offset=0.0,
    )
    ones = np.ones((2, 9), np.uint8)
    levels = np.zeros((9, 2), np.int64)  # nine kinds of positions: corners, edges, the inside
    dense = np.ones((3, 8), np.uint8)
    head = Head(
        name="head",
        inputs=("fc1",),
        scale=np.array([1, 2, -3]),
        bias=np.array([0, 1, 2]),
        width=12,
        fraction=2,
    )
    return Net(
        layers=(
            first,
            Window(name="conv1_window", inputs=("input",), **square),
            Mvau(name="conv1", inputs=("conv1_window",), weights=ones, thresholds=levels),
            MaxPool(name="pool", inputs=("conv1",), invert=np.array([0, 1], np.uint8), **halves),
            Flatten(name="flatten", inputs=("pool",)),
            Mvau(name="fc1", inputs=("flatten",), weights=dense, thresholds=None),
            head,
        )
    )


def test_a_small_network_counted_by_hand() -> None:
    facts = summary.summary(small())
    rows = {row["name"]: row for row in facts["layers"]}
    conv, pool, dense, head = (rows[name] for name in ("conv1", "pool", "fc1", "head"))
    # Sums of nine values 0..7 are 0..63; less a threshold of 0 they need 7 bits with their sign.
    assert (conv["weights"], conv["others"], conv["memory_bits"]) == (18, 18, 18 + 18 * 7)
    assert (conv["macs_1bit"], conv["macs_other"], conv["bits"]) == (0, 18 * 16, 3)
    assert (pool["others"], pool["memory_bits"]) == (2, 2), "a bit a channel says who is inverted"
    assert (dense["weights"], dense["others"], dense["macs_1bit"]) == (24, 0, 24)
    assert (head["others"], head["memory_bits"]) == (6, 3 * (3 + 12)), "scales of 3 bits"
    assert facts["memory_bits"] == 18 + 18 * 7 + 2 + 24 + 45
    assert facts["float_bits"] == 32 * (18 + 2 + 24 + 3)


def test_the_table_has_a_column_for_each_width_and_sums_at_its_end() -> None:
    columns, rows = summary.table(summary.summary(small()))
    assert columns[-2:] == ["1-bit MACs>", "3-bit MACs>"]
    assert [len(row) for row in rows] == [len(columns)] * 8
    assert rows[-1] == ["total", "", "", "", "42", "26", "0.03", "24", "288"]
    assert rows[0][4:] == [""] * 5, "an input has nothing"


def test_larqs_example_has_the_numbers_that_larq_prints() -> None:
    net = lower(recipe.folder("mnist-bcnn") / "model.qonnx").net
    facts = summary.summary(net)
    rows = {row["name"]: row for row in facts["layers"]}
    names = ("conv1", "conv2", "conv3", "fc1", "fc2")
    assert [rows[name]["weights"] for name in names] == [288, 18432, 36864, 36864, 640]
    assert [summary.kib(rows[name]["weights"]) for name in names] == [
        *("0.04", "2.25", "4.50", "4.50", "0.08")
    ]
    assert facts["weights"] == 93088
    assert facts["macs_other"] == 288 * 26 * 26
    assert facts["macs_1bit"] == 18432 * 11 * 11 + 36864 * 3 * 3 + 36864 + 640


def test_summary_of_a_file_and_of_its_compiled_folder_are_equal(
    onebit: Onebit, tiny_file: Path, tiny_folder: Path
) -> None:
    facts: list[Any] = []
    for subject in (tiny_file, tiny_folder):
        said = onebit("summary", subject, "--json")
        assert said.code == 0, said
        facts.append(json.loads(said.out))
    assert facts[0] == facts[1]
    assert facts[0]["weights"] == tiny.INPUTS * tiny.HIDDEN + tiny.HIDDEN * tiny.CLASSES
    said = onebit("summary", tiny_folder, "--input", "uint8")
    said.refused(2, "is compiled: its input is known", "leave out --input")
    shown = onebit("summary", tiny_file).out
    assert "4-bit" in shown and "of the float network" in shown


@pytest.mark.parametrize("name", ["none", "none.onnx"])
def test_summary_of_nothing_is_refused(onebit: Onebit, name: str) -> None:
    onebit("summary", name).refused(2, "none", None)
