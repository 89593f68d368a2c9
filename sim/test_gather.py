"""gather: vectors in order and side by side, the last ones too, at a beat a cycle."""

from __future__ import annotations

import random
from collections.abc import Sequence

import cocotb
import pytest
from cocotb.triggers import FallingEdge, ReadOnly

import bench
import stream

Vector = list[int]
LONG = 3  # times TIMEOUT: enough for whatever was to go out


def vectors(count: int, rng: random.Random) -> list[Vector]:
    given = bench.given()
    return [[rng.getrandbits(given["WIDTH"]) for _ in range(given["BEATS"])] for _ in range(count)]


def ungrouped(out: Sequence[int], counts: Sequence[int]) -> list[Vector]:
    """The vectors that the counts call valid, in order."""
    given = bench.given()
    beats, m = given["BEATS"], given["M"]
    found = []
    for group, count in enumerate(counts):
        assert 1 <= count <= m, f"{given}: a group of {count} vectors"
        words = out[group * beats : (group + 1) * beats]
        slices = [stream.unpack(word, m, given["WIDTH"]) for word in words]
        found += [[word[i] for word in slices] for i in range(count)]
    return found


class Sink:
    """What came out so far, whatever the number of groups."""

    def __init__(self, dut: object, rng: random.Random, pause: float) -> None:
        self.dut, self.rng, self.pause = dut, rng, pause
        self.out: list[stream.Beat] = []
        self.counts: list[stream.Beat] = []
        self.tasks = [
            cocotb.start_soon(self.watch(port, got))
            for port, got in (("m_axis", self.out), ("m_count", self.counts))
        ]

    async def watch(self, port: str, got: list[stream.Beat]) -> None:
        tdata, tvalid, tready = stream.signals(self.dut, port)
        while True:
            ready = self.rng.random() >= self.pause
            tready.value = ready
            await ReadOnly()
            if ready and tvalid.value:
                got.append(stream.Beat(stream.now(), int(tdata.value)))
            await FallingEdge(self.dut.clk)

    def vectors(self) -> list[Vector]:
        counts = [beat.data for beat in self.counts]
        assert len(self.out) == len(counts) * bench.given()["BEATS"]
        return ungrouped([beat.data for beat in self.out], counts)

    def stop(self) -> None:
        for task in self.tasks:
            task.cancel()


async def idle(dut: object, cycles: int) -> None:
    for _ in range(cycles):
        await FallingEdge(dut.clk)


def long() -> int:
    given = bench.given()
    return LONG * given["TIMEOUT"] + 4 * given["BEATS"] + 10


@cocotb.test()
async def keeps_every_vector_and_the_order(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    for before, behind in stream.PAUSES:
        sent = vectors(40 + rng.randrange(bench.given()["M"]), rng)
        sink = Sink(dut, rng, behind)
        await stream.send(dut, stream.joined(sent), rng, before)
        await idle(dut, int(long() / (1 - behind) * 3))
        sink.stop()
        assert sink.vectors() == sent, f"{bench.given()} pauses={before}, {behind}"


@cocotb.test()
async def a_rest_goes_out_after_the_timeout(dut):
    await stream.start(dut)
    given = bench.given()
    rng, m = random.Random(given["seed"]), given["M"]
    for count in range(1, 2 * m + 2):
        sent = vectors(count, rng)
        sink = Sink(dut, rng, 0.0)
        put = await stream.send(dut, stream.joined(sent), rng)
        await idle(dut, long())
        sink.stop()
        assert sink.vectors() == sent, f"{given}: {count} vectors"
        want = [m] * (count // m) + ([count % m] if count % m else [])
        assert [beat.data for beat in sink.counts] == want, f"{given}: {count} vectors"
        if count < m:
            waited = sink.out[0].cycle - put[-1].cycle
            assert waited == given["TIMEOUT"] + 1, f"{given}: went out after {waited} cycles"


@cocotb.test()
async def takes_a_beat_a_cycle(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    sent = vectors(20 * given["M"], rng)
    sink = Sink(dut, rng, 0.0)
    put = await stream.send(dut, stream.joined(sent), rng)
    await idle(dut, long())
    sink.stop()
    assert sink.vectors() == sent
    assert put[-1].cycle - put[0].cycle == len(put) - 1, f"{given}: a beat had to wait"
    first = put[given["M"] * given["BEATS"] - 1].cycle
    assert sink.out[0].cycle - first == 1, f"{given}: latency {sink.out[0].cycle - first}"


@cocotb.test()
async def waits_while_the_unit_behind_is_busy_or_half_a_vector_has_come(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    sent = vectors(2, rng)
    dut.m_axis_tready.value = 0
    await stream.send(dut, sent[0], rng)
    await idle(dut, long())
    for cut in range(1, given["BEATS"]):  # and then half a vector, the unit behind being ready
        await stream.send(dut, [sent[1][cut - 1]], rng)
        dut.m_axis_tready.value = 1
        for _ in range(long()):
            await ReadOnly()
            assert not dut.m_axis_tvalid.value, f"{given}: went out with {cut} beats of a vector"
            await FallingEdge(dut.clk)
    await stream.send(dut, sent[1][-1:], rng)
    sink = Sink(dut, rng, 0.0)
    await idle(dut, long())
    sink.stop()
    assert sink.vectors() == sent
    assert [beat.data for beat in sink.counts] == [2]


@cocotb.test()
async def reset_forgets_what_was_gathered(dut):
    await stream.start(dut)
    given = bench.given()
    rng = random.Random(given["seed"])
    for cut in (
        1,
        given["BEATS"],
        given["BEATS"] * given["M"] + 1,
        given["BEATS"] * given["M"] * 2,
    ):
        await stream.send(dut, stream.joined(vectors(2 * given["M"], rng))[:cut], rng)
        await stream.reset(dut, 1)
        sent = vectors(given["M"] + 1, rng)
        sink = Sink(dut, rng, 0.0)
        await stream.send(dut, stream.joined(sent), rng)
        await idle(dut, long())
        sink.stop()
        await stream.reset(dut, 0)
        assert sink.vectors() == sent, f"{given}: reset after {cut} beats"


CORNERS = [
    {"M": 2, "WIDTH": 1, "BEATS": 1, "TIMEOUT": 1},
    {"M": 3, "WIDTH": 5, "BEATS": 1, "TIMEOUT": 3},
    {"M": 4, "WIDTH": 98, "BEATS": 8, "TIMEOUT": 32},
    {"M": 16, "WIDTH": 7, "BEATS": 3, "TIMEOUT": 5},
]


def simulate(seed: int, shape: dict[str, int]) -> None:
    bench.run("gather", "test_gather", seed=seed, **shape)


@pytest.mark.parametrize("shape", CORNERS, ids=str)
def test_gather(shape: dict[str, int]) -> None:
    simulate(1, shape)


def test_gather_random(case_seed: int) -> None:
    rng = random.Random(case_seed)
    shape = {"M": rng.randint(2, 16), "WIDTH": rng.randint(1, 40), "BEATS": rng.randint(1, 9)}
    simulate(case_seed, {**shape, "TIMEOUT": rng.randint(1, 40)})
