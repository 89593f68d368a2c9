"""result_packer: logits as 32-bit integers, then the class, in whole words for every image."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream
from onebit.pack import ceil_div


def images(rng: random.Random, count: int) -> tuple[list[int], list[int]]:
    """Random results as beats in, tlast on top, and as words wanted."""
    given = bench.given()
    classes, pe, bits = (given[name] for name in ("CLASSES", "PE", "LOGIT_W"))
    class_bits = max(1, (classes - 1).bit_length())
    beats, words = [], []
    for _ in range(count):
        logits = [rng.randint(-(1 << bits - 1), (1 << bits - 1) - 1) for _ in range(classes)]
        winner = rng.randrange(classes)
        parts = stream.to_beats(logits, pe, bits)
        for i, part in enumerate(parts):
            last = i == len(parts) - 1
            said = winner if last else rng.getrandbits(class_bits)
            beats.append(part | said << pe * bits | last << pe * bits + class_bits)
        words += [*stream.to_beats(logits, 2, 32), winner]
    return beats, words


async def check(dut, rng: random.Random, count: int, pauses: tuple[float, float]) -> None:
    beats, want = images(rng, count)
    _, out = await stream.through(dut, beats, len(want), rng, pauses)
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, f"{pauses=}: word {i} is {got.data:#x}, model says {wanted:#x}"


@cocotb.test()
async def writes_logits_and_class(dut):
    await stream.start(dut)
    rng = random.Random(bench.given()["seed"])
    for pauses in stream.PAUSES:
        await check(dut, rng, 40, pauses)


@cocotb.test()
async def takes_a_cycle_a_word_or_a_beat(dut):
    await stream.start(dut)
    given, rng, count = bench.given(), random.Random(1), 40
    beats, want = images(rng, count)
    _, out = await stream.through(dut, beats, len(want), rng)
    words, ins = ceil_div(given["CLASSES"], 2) + 1, ceil_div(given["CLASSES"], given["PE"])
    took = (out[-1].cycle - out[words - 1].cycle) / (count - 1)
    assert took <= max(words, ins) + 1, f"{given}: {took} cycles an image"


@cocotb.test()
async def reset_forgets_an_image_half_way(dut):
    await stream.start(dut)
    rng = random.Random(2)
    beats, _ = images(rng, 1)
    if len(beats) > 1:
        dut.m_axis_tready.value = 1
        await stream.send(dut, beats[:-1], rng)
    await stream.reset(dut)
    await check(dut, rng, 4, (0.0, 0.0))


@pytest.mark.parametrize(
    "shape", [(10, 1, 22), (10, 2, 20), (43, 5, 32), (2, 2, 13), (1, 1, 1), (7, 7, 9)], ids=str
)
def test_result_packer(shape: tuple[int, int, int]) -> None:
    classes, pe, bits = shape
    bench.run("result_packer", "test_result_packer", CLASSES=classes, PE=pe, LOGIT_W=bits)
