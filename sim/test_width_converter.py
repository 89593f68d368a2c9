"""width_converter: the same vectors in other lanes, at the speed its header promises."""

from __future__ import annotations

import random
from collections.abc import Mapping

import cocotb
import pytest

import bench
import stream
from onebit.pack import ceil_div


def streams(p: Mapping[str, int], rng: random.Random, count: int) -> tuple[list[int], list[int]]:
    """Random vectors as beats in and beats wanted."""
    beats: list[int] = []
    want: list[int] = []
    for _ in range(count):
        vector = [rng.getrandbits(p["BITS"]) for _ in range(p["N"])]
        beats += stream.to_beats(vector, p["IN_LANES"], p["BITS"])
        want += stream.to_beats(vector, p["OUT_LANES"], p["BITS"])
    return beats, want


async def check(dut, rng: random.Random, count: int, pauses: tuple[float, float]) -> None:
    given = bench.given()
    beats, want = streams(given, rng, count)
    _, out = await stream.through(dut, beats, len(want), rng, pauses)
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, (
            f"{given} pauses={pauses}: beat {i} is {got.data:#x}, model says {wanted:#x}"
        )


@cocotb.test()
async def keeps_the_elements_and_clears_spare_lanes(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    for pauses in stream.PAUSES:
        await check(dut, rng, 60, pauses)


@cocotb.test()
async def a_vector_takes_as_many_cycles_as_its_wider_side_has_beats(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    ins, outs = (ceil_div(given["N"], given[lanes]) for lanes in ("IN_LANES", "OUT_LANES"))
    settle, count = 20, 60  # vectors; the shift register fills up in the first ones
    beats, want = streams(given, rng, settle + count)
    sent, out = await stream.through(dut, beats, len(want), rng)
    ends = [beat.cycle for beat in out[outs - 1 :: outs]]
    took = ends[-1] - ends[settle - 1]
    assert took == count * max(ins, outs), f"{given}: {took} cycles for {count} vectors"
    first = sent[min(ceil_div(given["OUT_LANES"], given["IN_LANES"]), ins) - 1].cycle
    wires = min(given["IN_LANES"], given["N"]) == min(given["OUT_LANES"], given["N"])
    assert out[0].cycle - first == (not wires), f"{given}: latency {out[0].cycle - first}"


@cocotb.test()
async def reset_forgets_a_vector_half_way(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    for cut in (1, 2, 3, 5, 8):
        beats, want = streams(bench.given(), rng, 20)
        tasks = [
            cocotb.start_soon(stream.send(dut, beats, rng, 0.2)),
            cocotb.start_soon(stream.receive(dut, len(want), rng, 0.2)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        await check(dut, rng, 4, (0.0, 0.0))


def simulate(seed: int, n: int, bits: int, in_lanes: int, out_lanes: int) -> None:
    shape = {"N": n, "BITS": bits, "IN_LANES": in_lanes, "OUT_LANES": out_lanes}
    bench.run("width_converter", "test_width_converter", seed=seed, **shape)


CORNERS = [
    (7, 2, 3, 3),  # wires
    (13, 1, 2, 6),  # a multiple up, with a rest
    (13, 3, 6, 2),  # a multiple down, with a rest
    (11, 2, 4, 5),  # no multiple; the last beat in ends two beats out
    (10, 4, 1, 16),  # one beat, wider than the vector
    (784, 1, 64, 49),
]


@pytest.mark.parametrize("shape", CORNERS, ids=str)
def test_width_converter(shape: tuple[int, int, int, int]) -> None:
    simulate(1, *shape)


def test_width_converter_random(case_seed: int) -> None:
    rng = random.Random(case_seed)
    n = rng.randint(1, 40)
    simulate(case_seed, n, rng.randint(1, 5), rng.randint(1, n + 3), rng.randint(1, n + 3))
