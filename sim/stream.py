"""Drives and reads AXI4-Streams in cocotb, pauses included, and packs vectors into beats."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject
from cocotb.triggers import FallingEdge, ReadOnly
from cocotb.utils import get_sim_time

PERIOD = 10  # ns
# Probability of a pause before each beat, at the source and at the sink.
PAUSES = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.6), (0.0, 0.9))


# Inputs that are 0 while nothing happens.
IDLE = ("s_axis_tvalid", "m_axis_tready", "s_count_tvalid", "m_count_tready", "reserve", "push")


class Beat(NamedTuple):
    """One accepted beat: when, in cycles of the clock, and what."""

    cycle: int
    data: int


async def start(dut: HierarchyObject) -> None:
    """Start the clock and reset; returns on a falling edge, as everything here does."""
    dut.rst.value = 1
    cocotb.start_soon(Clock(dut.clk, PERIOD, "ns").start(start_high=False))
    await reset(dut)


async def reset(dut: HierarchyObject, cycles: int = 2) -> None:
    """Reset for some cycles, with every side idle."""
    dut.rst.value = 1
    for name in IDLE:
        if hasattr(dut, name):
            getattr(dut, name).value = 0
    for _ in range(cycles):
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def send(
    dut: HierarchyObject,
    beats: Iterable[int],
    rng: random.Random,
    pause: float = 0.0,
    port: str = "s_axis",
) -> list[Beat]:
    """Offer `beats` in order, with noise on tdata in pauses; when each was accepted.

    Where there is a tlast, it is the bit above tdata.
    """
    sent = []
    tdata, tvalid, tready = signals(dut, port)
    width = len(tdata)
    last = hasattr(dut, f"{port}_tlast")
    for data in beats:
        while rng.random() < pause:
            tvalid.value = 0
            tdata.value = rng.getrandbits(width)
            await FallingEdge(dut.clk)
        tvalid.value = 1
        tdata.value = data & (1 << width) - 1
        if last:
            getattr(dut, f"{port}_tlast").value = data >> width
        accepted = False
        patience = 0
        while not accepted:
            patience += 1
            assert patience < 10_000, f"beat {len(sent)} was never accepted"
            await ReadOnly()
            accepted = bool(tready.value)
            cycle = now()
            await FallingEdge(dut.clk)
        sent.append(Beat(cycle, data))
    tvalid.value = 0
    tdata.value = rng.getrandbits(width)
    return sent


async def receive(
    dut: HierarchyObject,
    count: int,
    rng: random.Random,
    pause: float = 0.0,
    port: str = "m_axis",
) -> list[Beat]:
    """The next `count` beats that come out, tlast as the bit above tdata where there is one."""
    got: list[Beat] = []
    tdata, tvalid, tready = signals(dut, port)
    patience = 0
    while len(got) < count:
        ready = rng.random() >= pause
        tready.value = ready
        await ReadOnly()
        if ready and tvalid.value:
            data = int(tdata.value)
            if hasattr(dut, f"{port}_tlast"):
                data |= int(getattr(dut, f"{port}_tlast").value) << len(tdata)
            got.append(Beat(now(), data))
            patience = 0
        patience += 1
        assert patience < 10_000, f"beat {len(got)} of {count} never came"
        await FallingEdge(dut.clk)
    tready.value = 0
    return got


async def through(
    dut: HierarchyObject,
    beats: Sequence[int],
    count: int,
    rng: random.Random,
    pauses: tuple[float, float] = (0.0, 0.0),
) -> tuple[list[Beat], list[Beat]]:
    """Send `beats` and receive `count`: the beats in, the beats out, and not one more."""
    source = cocotb.start_soon(send(dut, beats, rng, pauses[0]))
    got = await receive(dut, count, rng, pauses[1])
    sent = await source
    for _ in range(20):
        dut.m_axis_tready.value = 1
        await ReadOnly()
        assert not dut.m_axis_tvalid.value, f"a beat came after the last of {count}"
        await FallingEdge(dut.clk)
    dut.m_axis_tready.value = 0
    return sent, got


def signals(dut: HierarchyObject, port: str) -> tuple[Any, Any, Any]:
    """tdata, tvalid and tready of a stream."""
    tdata, tvalid, tready = (
        getattr(dut, f"{port}_{name}") for name in ("tdata", "tvalid", "tready")
    )
    return tdata, tvalid, tready


async def pipelined(
    dut: HierarchyObject, into: str, out: str, values: Sequence[int], latency: int
) -> list[int]:
    """What leaves a pipeline without a handshake, a value a cycle, in the order of `values`."""
    cocotb.start_soon(Clock(dut.clk, PERIOD, "ns").start(start_high=False))
    got = []
    for value in [*values, *[0] * latency]:
        getattr(dut, into).value = value
        await ReadOnly()
        got.append(int(getattr(dut, out).value) if len(got) >= latency else 0)
        await FallingEdge(dut.clk)
    return got[latency:]


def now() -> int:
    """The current cycle."""
    return int(get_sim_time("ns")) // PERIOD


def pack(values: Sequence[int], bits: int) -> int:
    """Values as lanes of `bits` bits (two's complement), index 0 least significant."""
    word = 0
    for value in reversed(values):
        word = word << bits | value & (1 << bits) - 1
    return word


def unpack(word: int, lanes: int, bits: int, *, signed: bool = False) -> list[int]:
    """The lanes of a word."""
    half = 1 << bits - 1 if signed else 0
    return [((word >> i * bits & (1 << bits) - 1) ^ half) - half for i in range(lanes)]


def to_beats(vector: Sequence[int], lanes: int, bits: int) -> list[int]:
    """A vector as the beats of a stream: `lanes` elements each, spare lanes 0."""
    return [pack(vector[at : at + lanes], bits) for at in range(0, len(vector), lanes)]


def side_by_side(vectors: Sequence[Sequence[int]], width: int) -> list[int]:
    """The beats of several vectors, of `width` bits each, as the slices of wider ones."""
    return [pack(beats, width) for beats in zip(*vectors, strict=True)]


def joined(parts: Iterable[list[int]]) -> list[int]:
    """The beats of several vectors, one after the other."""
    return [beat for part in parts for beat in part]


def mem_text(words: Iterable[int]) -> str:
    """Words as a file for $readmemh."""
    return "".join(f"{word:x}\n" for word in words)
