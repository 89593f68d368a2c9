"""rom: each word a cycle after its address, whatever was asked before."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream


def constants(seed: int, words: int, width: int) -> list[int]:
    """Random words, the first all zeros and the last all ones."""
    rng = random.Random(seed)
    return [0, *(rng.getrandbits(width) for _ in range(words - 2)), (1 << width) - 1][-words:]


@cocotb.test()
async def words_follow_their_addresses(dut):
    given = bench.given()
    rng = random.Random(given["seed"])
    held = constants(given["seed"], given["WORDS"], given["WIDTH"])
    asked = [*range(len(held)), *rng.choices(range(len(held)), k=200)]
    got = await stream.pipelined(dut, "addr", "q", asked, 1)
    want = [held[addr] for addr in asked]
    assert got == want, f"{given}: {got}, not {want}"


@pytest.mark.parametrize("words, width", [(1, 1), (2, 7), (13, 40), (64, 130)])
def test_rom(words: int, width: int) -> None:
    files = {"rom.mem": stream.mem_text(constants(words, words, width))}
    bench.run("rom", "test_rom", seed=words, files=files, WORDS=words, WIDTH=width)
