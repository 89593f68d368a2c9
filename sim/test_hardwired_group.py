"""hardwired_group against the matrix product, without streams."""

from __future__ import annotations

import cocotb
import pytest

import bench
import stream
from test_mvau_hardwired import Case, Unit

CASE = Case(MW=70, MH=4, GROUP=4)


@cocotb.test()
async def neurons_match_the_matrix_product(dut):
    given = bench.given()
    u = Unit(CASE, given["seed"])
    latency = 1 + sum(given[name] for name in u.latencies())
    beats = [stream.pack(x, 1) for x in u.vectors]
    found = await stream.pipelined(dut, "x", "y", beats, latency)
    for x, got in zip(u.vectors, found, strict=True):
        assert got == u.output(x), f"{u.case}: {x}: got {got:#x}, want {u.output(x):#x}"


@pytest.mark.parametrize("primitives", [0, 1])
def test_hardwired_group(primitives: int) -> None:
    parameters = Unit(CASE, 1).parameters()
    parameters["K"] = parameters.pop("MH")
    del parameters["GROUP"]
    bench.run(
        "hardwired_group", "test_hardwired_group", seed=1, **parameters, PRIMITIVES=primitives
    )
