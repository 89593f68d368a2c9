"""scatter: the valid vectors of each group, one after the other, at a beat a cycle."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream


def group(count: int, rng: random.Random) -> tuple[list[int], list[int]]:
    """The beats of a group with noise for what is not valid, and those wanted of it."""
    given = bench.given()
    m, beats, width = given["M"], given["BEATS"], given["WIDTH"]
    vectors = [[rng.getrandbits(width) for _ in range(beats)] for _ in range(m)]
    words = [stream.pack([vector[b] for vector in vectors], width) for b in range(beats)]
    return words, stream.joined(vectors[:count])


async def through(
    dut: object, counts: list[int], rng: random.Random, pauses: tuple[float, float]
) -> list[stream.Beat]:
    """Send groups of so many valid vectors; what came out, after it was compared."""
    groups = [group(count, rng) for count in counts]
    told = cocotb.start_soon(stream.send(dut, counts, rng, pauses[0], "s_count"))
    want = stream.joined(wanted for _, wanted in groups)
    beats = stream.joined(words for words, _ in groups)
    _, out = await stream.through(dut, beats, len(want), rng, pauses)
    await told
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, (
            f"{bench.given()} {pauses=} {counts=}: beat {i} is {got.data:#x}, not {wanted:#x}"
        )
    return out


@cocotb.test()
async def puts_out_the_valid_vectors_in_order(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    for pauses in stream.PAUSES:
        counts = [rng.randint(1, bench.given()["M"]) for _ in range(25)]
        await through(dut, counts, rng, pauses)


@cocotb.test()
async def puts_out_a_beat_a_cycle(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    out = await through(dut, [bench.given()["M"]] * 20, rng, (0.0, 0.0))
    assert out[-1].cycle - out[0].cycle == len(out) - 1, f"{bench.given()}: a bubble"


@cocotb.test()
async def waits_for_the_count(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    words, want = group(1, rng)
    await stream.send(dut, words, rng)
    for _ in range(30):
        dut.m_axis_tready.value = 1
        await cocotb.triggers.FallingEdge(dut.clk)
        assert not dut.m_axis_tvalid.value, f"{given}: a vector before its count"
    told = cocotb.start_soon(stream.send(dut, [1], rng, port="s_count"))
    out = await stream.receive(dut, len(want), rng)
    assert [beat.data for beat in out] == want
    await told


@cocotb.test()
async def reset_forgets_what_was_under_way(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    for cut in (1, given["BEATS"], 2 * given["BEATS"] + 1):
        counts = [given["M"]] * 4
        tasks = [
            cocotb.start_soon(stream.send(dut, counts, rng, 0.2, "s_count")),
            cocotb.start_soon(stream.send(dut, group(1, rng)[0] * 4, rng, 0.2)),
            cocotb.start_soon(stream.receive(dut, 4 * given["M"] * given["BEATS"], rng, 0.2)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        await through(dut, [1, given["M"]], rng, (0.0, 0.0))


CORNERS = [
    {"M": 2, "WIDTH": 1, "BEATS": 1},
    {"M": 3, "WIDTH": 5, "BEATS": 1},
    {"M": 4, "WIDTH": 21, "BEATS": 49},
    {"M": 16, "WIDTH": 7, "BEATS": 3},
]


def simulate(seed: int, shape: dict[str, int]) -> None:
    bench.run("scatter", "test_scatter", seed=seed, **shape)


@pytest.mark.parametrize("shape", CORNERS, ids=str)
def test_scatter(shape: dict[str, int]) -> None:
    simulate(1, shape)


def test_scatter_random(case_seed: int) -> None:
    rng = random.Random(case_seed)
    shape = {"M": rng.randint(2, 16), "WIDTH": rng.randint(1, 40), "BEATS": rng.randint(1, 9)}
    simulate(case_seed, shape)
