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
    """Random vectors, M side by side, as beats in and beats wanted."""
    found: dict[str, list[int]] = {"IN_LANES": [], "OUT_LANES": []}
    for _ in range(count):
        group = [[rng.getrandbits(p["BITS"]) for _ in range(p["N"])] for _ in range(p["M"])]
        for lanes, beats in found.items():
            parts = [stream.to_beats(vector, p[lanes], p["BITS"]) for vector in group]
            beats += stream.side_by_side(parts, p[lanes] * p["BITS"])
    return found["IN_LANES"], found["OUT_LANES"]


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


def simulate(seed: int, n: int, bits: int, in_lanes: int, out_lanes: int, m: int = 1) -> None:
    shape = {"N": n, "BITS": bits, "IN_LANES": in_lanes, "OUT_LANES": out_lanes, "M": m}
    bench.run("width_converter", "test_width_converter", seed=seed, **shape)


CORNERS = [
    (7, 2, 3, 3),  # wires
    (13, 1, 2, 6),  # a multiple up, with a rest
    (13, 3, 6, 2),  # a multiple down, with a rest
    (11, 2, 4, 5),  # no multiple; the last beat in ends two beats out
    (10, 4, 1, 16),  # one beat, wider than the vector
    (784, 1, 64, 49),
    (11, 2, 4, 5, 3),  # three vectors side by side
    (5, 1, 7, 6, 4),  # wires between beats wider than a vector
]


@pytest.mark.parametrize("shape", CORNERS, ids=str)
def test_width_converter(shape: tuple[int, ...]) -> None:
    simulate(1, *shape)


def test_width_converter_random(case_seed: int) -> None:
    rng = random.Random(case_seed)
    n = rng.randint(1, 40)
    bits, lanes, m = rng.randint(1, 5), [rng.randint(1, n + 3) for _ in range(2)], rng.randint(1, 4)
    simulate(case_seed, n, bits, *lanes, m)
