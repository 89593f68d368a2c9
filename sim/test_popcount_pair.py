"""xnor_sum_xc7 against xnor_popcount on as many random vectors as one likes."""

from __future__ import annotations

from pathlib import Path

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import Timer

import bench
from onebit import flow, recipe
from onebit.heap import xnor_latency
from onebit.net import Bit

IN_TEST, PROVEN = 20_000, 1_000_000  # vectors


@cocotb.test()
async def never_differ(dut):
    wanted = bench.given()["seed"]
    cocotb.start_soon(Clock(dut.clk, 2, "step").start())
    await Timer(2, "step")  # its counters start at zero then
    while (compared := int(dut.compared.value)) < wanted:
        await Timer(2 * (wanted - compared + 1), "step")
    assert int(dut.differing.value) == 0, f"{int(dut.differing.value)} of {compared} differ"


def compare(width: int, vectors: int) -> None:
    """The number of vectors goes where others have a seed: it changes no build."""
    latency = xnor_latency(width)
    bench.run("popcount_pair", "test_popcount_pair", seed=vectors, W=width, LATENCY=latency)


@pytest.mark.parametrize("width", [5, 64, 130])
def test_popcount_pair(width: int) -> None:
    compare(width, IN_TEST)


def test_widths_in_use(prove: bool, tmp_path: Path, record_property) -> None:
    """Every number of inputs a cycle that a network of models/ has on its board."""
    names = recipe.networks() if prove else ["digits-mlp"]
    widths = set()
    for name in names:
        made = flow.compile_network(name, tmp_path / name, "pynq-z2", None, None)
        bits = [
            each for each in made.net.mvaus if isinstance(made.net.element(each.inputs[0]), Bit)
        ]
        widths |= {made.folding.layers[each.name].simd for each in bits}
    vectors = PROVEN if prove else IN_TEST
    for width in sorted(widths):
        compare(width, vectors)
    if prove:
        record_property(
            "claim",
            f"counters of 7-series cells = portable ones on {vectors:,} random vectors"
            f" at widths {sorted(widths)}",
        )
