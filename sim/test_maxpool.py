"""maxpool against the maximum over each window, and its exact rate."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from itertools import pairwise

import cocotb
import pytest

import bench
import stream
from onebit.pack import ceil_div

Image = list[list[list[int]]]  # [row][column][channel]


@dataclass(frozen=True, kw_only=True)
class Case:
    """The parameters of a unit, named as in the RTL."""

    H: int
    W: int
    C: int = 1
    KH: int
    KW: int
    SH: int = 1
    SW: int = 1
    PT: int = 0
    PL: int = 0
    OH: int
    OW: int
    PE: int = 1
    INVERT: int = 0

    @property
    def folds(self) -> int:
        return ceil_div(self.C, self.PE)

    @property
    def outs(self) -> int:
        """Output beats of an image."""
        return self.OH * self.OW * self.folds

    @property
    def cycles(self) -> int:
        """Cycles of an image."""
        rows = max(self.H, (self.OH - 1) * self.SH + self.KH - self.PT)
        return rows * max(self.W, (self.OW - 1) * self.SW + self.KW - self.PL) * self.folds


class Unit:
    """A case with random inversions and images: its memory file, its streams in and out."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, random.Random(seed)
        self.inverted = [self.rng.getrandbits(1) * case.INVERT for _ in range(case.C)]

    def files(self) -> dict[str, str]:
        words = stream.to_beats(self.inverted, self.case.PE, 1)
        return {"invert.mem": stream.mem_text(words)}

    def image(self, density: float) -> Image:
        """An image of which a share of the bits is 1."""
        c = self.case
        return [
            [[int(self.rng.random() < density) for _ in range(c.C)] for _ in range(c.W)]
            for _ in range(c.H)
        ]

    def images(self, count: int) -> list[Image]:
        """Images sparse enough for both results, with the two extremes."""
        c = self.case
        sparse = 1 / (1 + c.KH * c.KW)
        return [self.image(d) for _, d in zip(range(count), [sparse] * 4 + [0, 1], strict=False)]

    def result(self, image: Image, oy: int, ox: int) -> list[int]:
        c = self.case
        ys = range(max(0, oy * c.SH - c.PT), min(c.H, oy * c.SH - c.PT + c.KH))
        xs = range(max(0, ox * c.SW - c.PL), min(c.W, ox * c.SW - c.PL + c.KW))
        return [
            max((image[y][x][ch] for y in ys for x in xs), default=0) ^ self.inverted[ch]
            for ch in range(c.C)
        ]

    def streams(self, images: list[Image]) -> tuple[list[int], list[int]]:
        """The beats in, and the beats wanted."""
        c = self.case
        ins = (pixel for image in images for row in image for pixel in row)
        outs = (
            self.result(image, oy, ox)
            for image in images
            for oy in range(c.OH)
            for ox in range(c.OW)
        )
        beats, want = ([stream.to_beats(pixel, c.PE, 1) for pixel in side] for side in (ins, outs))
        return stream.joined(beats), stream.joined(want)


def unit() -> Unit:
    """The unit that the simulator holds."""
    given = bench.given()
    return Unit(Case(**{name: given[name] for name in Case.__annotations__}), given["seed"])


async def check(dut, u: Unit, images: list[Image], pauses: tuple[float, float]) -> None:
    beats, want = u.streams(images)
    _, out = await stream.through(dut, beats, len(want), u.rng, pauses)
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        number, beat = divmod(i, u.case.outs)
        assert got.data == wanted, (
            f"{u.case} pauses={pauses}: image {number} = {images[number]}, beat {beat}:"
            f" got {got.data:#x}, model says {wanted:#x}"
        )


@cocotb.test()
async def results_are_the_maxima(dut):
    await stream.start(dut)
    u = unit()
    for pauses in stream.PAUSES:
        await check(dut, u, u.images(3), pauses)
    await check(dut, u, u.images(6), (0.0, 0.0))


@cocotb.test()
async def an_image_takes_exactly_the_cycles_that_are_promised(dut):
    await stream.start(dut)
    u = unit()
    c = u.case
    beats, want = u.streams(u.images(6))
    sent, out = await stream.through(dut, beats, len(want), u.rng)
    assert [beat.data for beat in out] == want
    periods = [b.cycle - a.cycle for a, b in pairwise(out[c.outs - 1 :: c.outs])]
    assert set(periods) == {c.cycles}, f"{c}: {periods} cycles, want {c.cycles}"
    y, x = c.KH - 1 - c.PT, c.KW - 1 - c.PL
    if y < c.H and x < c.W:
        took = out[0].cycle - sent[(y * c.W + x) * c.folds].cycle
        assert took == 3, f"{c}: the first beat came {took} cycles after the one it waits for"


@cocotb.test()
async def reset_forgets_what_was_under_way(dut):
    await stream.start(dut)
    u = unit()
    took = u.case.cycles
    for cut in (1, took // 3, took + 2, took + took // 2):
        beats, want = u.streams(u.images(3))
        tasks = [
            cocotb.start_soon(stream.send(dut, beats, u.rng, 0.1)),
            cocotb.start_soon(stream.receive(dut, len(want), u.rng, 0.1)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        await check(dut, u, u.images(1), (0.0, 0.0))


CORNERS = [
    Case(H=1, W=1, KH=1, KW=1, OH=1, OW=1),
    Case(H=6, W=8, C=5, KH=2, KW=2, SH=2, SW=2, OH=3, OW=4, PE=2, INVERT=1),
    # Overlapping, and the last windows reach out of the image (ceil mode).
    Case(H=6, W=6, C=4, KH=3, KW=3, SH=2, SW=2, PT=1, PL=1, OH=4, OW=4, PE=4, INVERT=1),
    Case(H=3, W=7, C=3, KH=1, KW=5, SH=2, SW=3, PT=0, PL=4, OH=2, OW=4, PE=1),
    Case(H=7, W=2, C=3, KH=3, KW=1, SH=1, SW=2, PT=2, PL=0, OH=8, OW=1, PE=3, INVERT=1),
    # A kernel larger than the image; rows and columns that no window holds.
    Case(H=4, W=5, C=2, KH=11, KW=9, SH=4, SW=4, PT=5, PL=3, OH=1, OW=2, PE=2),
    Case(H=9, W=10, C=1, KH=2, KW=2, SH=4, SW=3, OH=2, OW=2, PE=1, INVERT=1),
]


def random_case(seed: int) -> Case:
    """Any geometry of at most 800 cycles an image."""
    rng = random.Random(seed)
    while True:
        h, w, kh, kw = rng.choices(range(1, 12), weights=[4] * 6 + [1] * 5, k=4)
        sh, sw = rng.choices((1, 2, 3, 4), weights=(3, 4, 2, 1), k=2)
        pt, pl = rng.randrange(kh), rng.randrange(kw)
        oh, ow = (
            (n + rng.randrange(k + 1) + p - k) // s + 1
            for n, k, s, p in ((h, kh, sh, pt), (w, kw, sw, pl))
        )
        c = rng.randint(1, 9)
        shape = {"H": h, "W": w, "C": c, "KH": kh, "KW": kw, "SH": sh, "SW": sw, "PT": pt, "PL": pl}
        if oh >= 1 and ow >= 1:
            case = Case(**shape, OH=oh, OW=ow, PE=rng.randint(1, c), INVERT=rng.randrange(2))
            if case.cycles <= 800:
                return case


def simulate(case: Case, seed: int) -> None:
    bench.run("maxpool", "test_maxpool", seed=seed, files=Unit(case, seed).files(), **asdict(case))


@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_maxpool(case: Case) -> None:
    simulate(case, seed=1)


def test_maxpool_random(case_seed: int) -> None:
    simulate(random_case(case_seed), case_seed)
