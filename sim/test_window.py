"""window against im2col written as a gather; its exact rate; the rule for the ring's rows."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import asdict, dataclass
from itertools import pairwise

import cocotb

import bench
import stream
from onebit.geometry import Axis
from onebit.pack import ceil_div

Image = list[list[list[int]]]  # [row][column][channel]


@dataclass(frozen=True, kw_only=True)
class Case:
    """The parameters of a unit, named as in the RTL; IN lanes and ROWS follow."""

    H: int
    W: int
    C: int = 1
    BITS: int = 1
    KH: int
    KW: int
    SH: int = 1
    SW: int = 1
    PT: int = 0
    PL: int = 0
    OH: int
    OW: int
    SIMD: int = 1
    FILL: int = 0

    @property
    def lanes(self) -> int:
        """Elements of an input beat."""
        return min(self.SIMD, self.C)

    @property
    def ring(self) -> bool:
        return self.SIMD <= self.C

    @property
    def rows(self) -> int:
        after = (self.OH - 1) * self.SH + self.KH - self.H - self.PT  # negative: rows left over
        axis = Axis(size=self.H, kernel=self.KH, stride=self.SH, before=self.PT, after=after)
        return axis.ring() if self.ring else 0

    @property
    def beats(self) -> tuple[int, int]:
        """Beats of an image, in and out."""
        folds = ceil_div(self.C, self.lanes)
        patch = self.KH * self.KW * folds
        if not self.ring:
            patch = ceil_div(self.KH * self.KW * self.C, self.SIMD)
        return self.H * self.W * folds, self.OH * self.OW * patch

    @property
    def cycles(self) -> int:
        """Cycles of an image."""
        if self.ring:
            return max(self.beats)
        steps = max(self.H, (self.OH - 1) * self.SH + self.KH - self.PT)
        steps *= max(self.W, (self.OW - 1) * self.SW + self.KW - self.PL)
        return steps + self.beats[1] - self.OH * self.OW


def real_rows(h: int, kh: int, sh: int, pt: int, oh: int) -> list[range]:
    """For each output row, the image rows that its patches hold."""
    tops = [oy * sh - pt for oy in range(oh)]
    return [range(max(0, top), max(0, min(h, top + kh))) for top in tops]


class Unit:
    """A case with random images: its streams in and out."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, random.Random(seed)

    def image(self) -> Image:
        c = self.case
        return [
            [[self.rng.getrandbits(c.BITS) for _ in range(c.C)] for _ in range(c.W)]
            for _ in range(c.H)
        ]

    def flat(self, bit: int) -> Image:
        c = self.case
        return [[[bit * ((1 << c.BITS) - 1)] * c.C for _ in range(c.W)] for _ in range(c.H)]

    def patch(self, image: Image, oy: int, ox: int) -> list[list[int]]:
        """The pixels of a patch."""
        c = self.case
        where = [
            (oy * c.SH - c.PT + ky, ox * c.SW - c.PL + kx)
            for ky in range(c.KH)
            for kx in range(c.KW)
        ]
        return [image[y][x] if 0 <= y < c.H and 0 <= x < c.W else [c.FILL] * c.C for y, x in where]

    def streams(self, images: list[Image]) -> tuple[list[int], list[int]]:
        """The beats in, and the beats wanted."""
        c = self.case
        pixels = (pixel for image in images for row in image for pixel in row)
        ins = stream.joined(stream.to_beats(pixel, c.lanes, c.BITS) for pixel in pixels)
        outs: list[int] = []
        for image in images:
            for oy in range(c.OH):
                for ox in range(c.OW):
                    patch = self.patch(image, oy, ox)
                    vectors = patch if c.ring else [stream.joined(patch)]
                    for vector in vectors:
                        outs += stream.to_beats(vector, c.SIMD, c.BITS)
        return ins, outs


def unit() -> Unit:
    """The unit that the simulator holds."""
    given = bench.given()
    return Unit(Case(**{name: given[name] for name in Case.__annotations__}), given["seed"])


async def check(dut, u: Unit, images: list[Image], pauses: tuple[float, float]) -> None:
    beats, want = u.streams(images)
    _, out = await stream.through(dut, beats, len(want), u.rng, pauses)
    count = u.case.beats[1]
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, (
            f"{u.case} pauses={pauses}: image {i // count} = {images[i // count]}, beat"
            f" {i % count} of {count}: got {got.data:#x}, model says {wanted:#x}"
        )


@cocotb.test()
async def patches_are_those_of_im2col(dut):
    await stream.start(dut)
    u = unit()
    for pauses in stream.PAUSES:
        await check(dut, u, [u.image(), u.image()], pauses)
    await check(dut, u, [u.flat(0), u.flat(1), u.image()], (0.0, 0.0))


@cocotb.test()
async def an_image_takes_exactly_the_cycles_that_are_promised(dut):
    await stream.start(dut)
    u = unit()
    settle, count = 4, 6
    beats, want = u.streams([u.image() for _ in range(settle + count)])
    _, out = await stream.through(dut, beats, len(want), u.rng)
    assert [beat.data for beat in out] == want
    ends = [beat.cycle for beat in out[u.case.beats[1] - 1 :: u.case.beats[1]]][settle - 1 :]
    periods = [b - a for a, b in pairwise(ends)]
    assert min(periods) >= u.case.cycles, f"{u.case}: {periods} cycles, want {u.case.cycles}"
    if bench.given().get("ROWS", 0) >= u.case.rows:
        assert set(periods) == {u.case.cycles}, f"{u.case}: {periods} cycles, want {u.case.cycles}"


@cocotb.test()
async def the_first_beat_comes_as_soon_as_its_rows_are_there(dut):
    await stream.start(dut)
    u = unit()
    c = u.case
    beats, want = u.streams([u.image(), u.image()])
    sent, out = await stream.through(dut, beats, len(want), u.rng)
    if c.ring:
        rows = real_rows(c.H, c.KH, c.SH, c.PT, c.OH)
        first = next(y for y in range(c.H) if any(y in some for some in rows))
        last = (max(rows[0], default=first) + 1) * c.beats[0] // c.H - 1
        delay = 4
    else:
        y, x = c.KH - 1 - c.PT, c.KW - 1 - c.PL
        last = y * c.W + x if y < c.H and x < c.W else -1
        delay = 2
    if last >= 0:
        took = out[0].cycle - sent[last].cycle
        assert took == delay, f"{c}: the first beat came {took} cycles after beat {last}"


@cocotb.test()
async def reset_forgets_what_was_under_way(dut):
    await stream.start(dut)
    u = unit()
    took = u.case.cycles
    for cut in (1, took // 3, took + 2, 2 * took - 1, 2 * took + took // 2):
        beats, want = u.streams([u.image() for _ in range(4)])
        tasks = [
            cocotb.start_soon(stream.send(dut, beats, u.rng, 0.1)),
            cocotb.start_soon(stream.receive(dut, len(want), u.rng, 0.1)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        await check(dut, u, [u.image()], (0.0, 0.0))


def random_case(seed: int) -> Case:
    """Any geometry of at most 1,500 cycles; rings and shift registers in turn."""
    rng = random.Random(seed)
    while True:
        h, w, kh, kw = rng.choices(range(1, 12), weights=[4] * 6 + [1] * 5, k=4)
        sh, sw = rng.choices((1, 2, 3, 4), weights=(5, 3, 1, 1), k=2)
        shift = seed % 2 == 1
        pt, pl = rng.randint(0, kh - shift), rng.randint(0, kw - shift)
        oh, ow = (
            (n + rng.randrange(k + 1) + p - k) // s + 1
            for n, k, s, p in ((h, kh, sh, pt), (w, kw, sw, pl))
        )
        c, bits = rng.randint(1, 6), rng.choice((1, 1, 2, 8))
        simd = c * rng.randint(2, kh * kw) if shift and kh * kw > 1 else rng.randint(1, c)
        if oh < 1 or ow < 1 or not any(real_rows(h, kh, sh, pt, oh)):
            continue
        case = Case(
            H=h,
            W=w,
            C=c,
            BITS=bits,
            KH=kh,
            KW=kw,
            SH=sh,
            SW=sw,
            PT=pt,
            PL=pl,
            OH=oh,
            OW=ow,
            SIMD=simd,
            FILL=rng.getrandbits(bits),
        )
        if case.cycles <= 1500:
            return case


def simulate(top: str, case: Case, seed: int, rows: int | None = None) -> None:
    """Simulate with `rows` rows in the ring, or as many as cost no cycle."""
    ring = {"ROWS": rows or case.rows} if case.ring else {}
    bench.run(top, "test_window", seed=seed, **asdict(case), **ring)


def test_window_random(case_seed: int) -> None:
    simulate("window", random_case(case_seed), case_seed)


def ring_periods(case: Case, rows: int, images: int) -> list[int]:
    """Cycles between the ends of images in a ring with `rows` rows, by the events of its rows."""
    needed = real_rows(case.H, case.KH, case.SH, case.PT, case.OH)
    stored = sorted(set().union(*needed))
    write, read = case.beats[0] // case.H, case.beats[1] // case.OH
    free = deque([0] * rows)  # when each slot is free, in the order in which they are written
    written = done = 0
    ends = []
    for _ in range(images):
        complete: list[int] = []  # when each row of the image is, as far as output rows ask
        for k, window in enumerate([*needed, range(case.H)]):
            last = max(window, default=stored[0] if k == 0 else -1)
            for y in range(len(complete), last + 1):
                written = (max(written, free.popleft()) if y in stored else written) + write
                complete.append(written)
            if k < case.OH:
                done = max([done, *complete[: last + 1]]) + read
                later = set().union(*needed[k + 1 :])
                free += [done for row in window if row not in later]
        ends.append(done)
    return [b - a for a, b in pairwise(ends)]


def test_a_rings_rows_cost_no_cycle() -> None:
    for seed in range(0, 4000, 2):
        case = random_case(seed)
        periods = ring_periods(case, case.rows, 12)[4:]
        assert set(periods) == {case.cycles}, f"{case} ROWS={case.rows}: {periods} cycles"
