"""bit_heap against a weighted sum of bits, one heap a cycle."""

from __future__ import annotations

import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import bench
from onebit import heap


def weighted_sum(bits: int, heights: list[int]) -> int:
    total = 0
    for column, height in enumerate(heights):
        total += (bits & (1 << height) - 1).bit_count() << column
        bits >>= height
    return total


def heights_of(packed: int, width: int) -> list[int]:
    return [packed >> 16 * column & 0xFFFF for column in range(width)]


@cocotb.test()
async def adds_bits_by_weight(dut):
    given = bench.given()
    width, latency = given["OUT_W"], given["LATENCY"]
    heights, invert = heights_of(int(dut.HEIGHTS.value), width), int(dut.INVERT.value)
    rng, count = random.Random(given["seed"]), sum(heights)
    heaps = [0, (1 << count) - 1] + [rng.getrandbits(count) for _ in range(300)]
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start(start_high=False))

    sums = []
    for bits in heaps + [0] * (latency - 1):
        dut.bits.value = bits
        await FallingEdge(dut.clk)
        sums.append(int(dut.sum.value))
    for bits, got in zip(heaps, sums[latency - 1 :], strict=True):
        want = weighted_sum(bits ^ invert, heights) % (1 << width)
        assert got == want, f"{heights} {invert=:#x} bits={bits:#x}: sum is {got}, not {want}"


def simulate(heights: list[int], width: int, seed: int = 0) -> None:
    padded = heights + [0] * (width - len(heights))
    packed = "".join(f"{height:04x}" for height in reversed(padded))
    rng, count = random.Random(seed), sum(heights)
    bench.run(
        "bit_heap",
        "test_bit_heap",
        seed=seed,
        OUT_W=width,
        HEIGHTS=f"{16 * width}'h{packed}",
        LATENCY=heap.stages(heights) + rng.randint(1, 3),
        INVERT_W=count,
        INVERT=f"{count}'h{rng.choice([0, rng.getrandbits(count)]):x}",
    )


@pytest.mark.parametrize(
    ("heights", "width"),
    [([1], 1), ([3, 3], 4), ([4], 3), ([5, 0, 5], 6), ([6, 11], 5), ([40, 30, 20], 8)],
    ids=str,
)
def test_bit_heap(heights: list[int], width: int) -> None:
    simulate(heights, width)


def test_bit_heap_random(case_seed: int) -> None:
    rng = random.Random(case_seed)
    heights = [rng.choice([0, 1, rng.randint(0, 40)]) for _ in range(rng.randint(1, 5))]
    if not any(heights):
        heights[0] = 1
    most = sum(height << column for column, height in enumerate(heights))
    simulate(heights, max(len(heights), most.bit_length() - rng.randrange(2)), case_seed)
