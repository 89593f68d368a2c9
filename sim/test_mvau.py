"""mvau against the plain matrix product: every fold shape, both element kinds, both outputs."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

import cocotb
import pytest

import bench
import stream
from onebit.heap import xnor_latency
from onebit.pack import ceil_div


@dataclass(frozen=True)
class Case:
    """The parameters of a unit, in the order of the RTL; ACC_W follows."""

    MW: int
    MH: int
    PE: int
    SIMD: int
    BIPOLAR_IN: int = 1
    IN_BITS: int = 1
    SIGNED_IN: int = 0
    THRESHOLDS: int = 1
    CLASSES: int = 1
    OH: int = 1
    OW: int = 1
    M: int = 1
    PRIMITIVES: int = 0

    @property
    def latency(self) -> int:
        return xnor_latency(self.SIMD, self.IN_BITS)

    @property
    def folds(self) -> tuple[int, int]:
        return ceil_div(self.MW, self.SIMD), ceil_div(self.MH, self.PE)

    @property
    def most(self) -> int:
        """The largest |accumulator|."""
        return self.MW * (1 << self.IN_BITS - self.SIGNED_IN) - self.MW * (1 - self.SIGNED_IN)

    @property
    def acc_w(self) -> int:
        """Signed bits for all of acc - threshold."""
        span = self.MW if self.BIPOLAR_IN else self.most * (1 + self.THRESHOLDS)
        return span.bit_length() + 1  # down to -(span + 1)

    @property
    def lane_bits(self) -> int:
        return 1 if self.THRESHOLDS else self.acc_w


class Unit:
    """A case with random weights and thresholds: its memory files, its vectors, its model.

    A position's class is the sum of two random table entries, as in the RTL; `at` counts vectors.
    """

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, random.Random(seed)
        self.weights = [[self.rng.getrandbits(1) for _ in range(case.MW)] for _ in range(case.MH)]
        # Thresholds that are met exactly by some vector, or missed by one; and the two extremes.
        self.vectors = [self.vector() for _ in range(24)] + self.corners()
        del self.vectors[len(self.vectors) // case.M * case.M :]
        low, high = (0, case.MW + 1) if case.BIPOLAR_IN else (-case.most, case.most + 1)
        self.thresholds = [
            [self.rng.choice([low, high, *[self.near(row)] * 6]) for row in self.weights]
            for _ in range(case.CLASSES)
        ]
        split = self.rng.randint(1, case.CLASSES)  # classes told apart by the column alone
        self.rows = [self.rng.randint(0, case.CLASSES - split) for _ in range(case.OH)]
        self.columns = [self.rng.randrange(split) for _ in range(case.OW)]
        self.at = 0

    def near(self, row: list[int]) -> int:
        return self.acc(row, self.rng.choice(self.vectors)) + self.rng.randrange(2)

    def element(self, bits: int) -> int:
        return bits - (bits >> self.case.IN_BITS - 1 << self.case.IN_BITS) * self.case.SIGNED_IN

    def vector(self) -> list[int]:
        bits = self.case.IN_BITS
        return [self.element(self.rng.getrandbits(bits)) for _ in range(self.case.MW)]

    def corners(self) -> list[list[int]]:
        """Vectors of one extreme element; for bits also those equal to a neuron."""
        case = self.case
        ends = {0, (1 << case.IN_BITS) - 1, 1 << case.IN_BITS - 1, (1 << case.IN_BITS - 1) - 1}
        flat = [[self.element(end)] * case.MW for end in sorted(ends)]
        rows = self.rng.choices(self.weights, k=4) if case.BIPOLAR_IN else []
        return flat + [list(row) for row in rows]

    def acc(self, row: list[int], x: list[int]) -> int:
        if self.case.BIPOLAR_IN:
            return sum(w == e for w, e in zip(row, x, strict=True))
        return sum(e if w else -e for w, e in zip(row, x, strict=True))

    def outputs(self, x: list[int]) -> list[int]:
        """The neurons of the next vector."""
        y, column = divmod(self.at % (self.case.OH * self.case.OW), self.case.OW)
        self.at += 1
        accs = [self.acc(row, x) for row in self.weights]
        if self.case.THRESHOLDS:
            thresholds = self.thresholds[self.rows[y] + self.columns[column]]
            return [int(acc >= t) for acc, t in zip(accs, thresholds, strict=True)]
        return accs

    def files(self) -> dict[str, str]:
        case, (sf, nf) = self.case, self.case.folds
        words = []
        for n in range(nf):
            for s in range(sf):
                rows = self.weights[n * case.PE : (n + 1) * case.PE]
                parts = [row[s * case.SIMD : (s + 1) * case.SIMD] for row in rows]
                parts = [part + [1] * (case.SIMD - len(part)) for part in parts]
                word = stream.pack([stream.pack(part, 1) for part in parts], case.SIMD)
                words.append(word | self.spare(len(rows), case.SIMD))
        minus = [
            [-t * case.THRESHOLDS - self.more(row) for t, row in zip(ts, self.weights, strict=True)]
            for ts in self.thresholds
        ]
        folds = [some[n * case.PE : (n + 1) * case.PE] for some in minus for n in range(nf)]
        preloads = [stream.pack(f, case.acc_w) | self.spare(len(f), case.acc_w) for f in folds]
        return {
            "weights.mem": stream.mem_text(words),
            "thresholds.mem": stream.mem_text(preloads),
            "rows.mem": stream.mem_text(row * nf for row in self.rows),
            "columns.mem": stream.mem_text(column * nf for column in self.columns),
        }

    def more(self, row: list[int]) -> int:
        """What xnor_sum.sv gives for a neuron more than the sum of +-x, whatever the vector."""
        case = self.case
        if case.BIPOLAR_IN:
            return 0
        zeros, inputs = row.count(0), case.folds[0] * case.SIMD
        least = -(1 << case.IN_BITS - 1) * case.SIGNED_IN
        return zeros * ((1 << case.IN_BITS) - 1) - least * (inputs - 2 * zeros)

    def spare(self, used: int, bits: int) -> int:
        """Noise in the lanes of neurons that do not exist."""
        return self.rng.getrandbits(bits * self.case.PE) >> used * bits << used * bits

    def streams(self, vectors: list[list[int]]) -> tuple[list[int], list[int]]:
        """The beats in, and the beats wanted."""
        case = self.case
        ins = [stream.to_beats(x, case.SIMD, case.IN_BITS) for x in vectors]
        outs = [stream.to_beats(self.outputs(x), case.PE, case.lane_bits) for x in vectors]
        widths = (case.SIMD * case.IN_BITS, case.PE * case.lane_bits)
        wide = [side_by_side(side, case.M, w) for side, w in zip((ins, outs), widths, strict=True)]
        return stream.joined(wide[0]), stream.joined(wide[1])


def side_by_side(vectors: list[list[int]], m: int, width: int) -> list[list[int]]:
    """The beats of m vectors at a time, each in its slice of `width` bits."""
    groups = (vectors[i : i + m] for i in range(0, len(vectors), m))
    return [[stream.pack(beat, width) for beat in zip(*group, strict=True)] for group in groups]


def unit() -> Unit:
    """The unit that the simulator holds."""
    given = bench.given()
    return Unit(Case(**{name: given[name] for name in Case.__annotations__}), given["seed"])


async def check(
    dut: object, u: Unit, vectors: list[list[int]], pauses: tuple[float, float]
) -> None:
    beats, want = u.streams(vectors)
    _, out = await stream.through(dut, beats, len(want), u.rng, pauses)
    nf, m = u.case.folds[1], u.case.M
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, (
            f"{u.case} pauses={pauses}: vectors {vectors[i // nf * m :][:m]}, fold {i % nf}:"
            f" got {got.data:#x}, model says {wanted:#x}"
        )


@cocotb.test()
async def neurons_match_the_matrix_product(dut):
    await stream.start(dut)
    u = unit()
    for pauses in stream.PAUSES:
        await check(dut, u, u.vectors, pauses)


@cocotb.test()
async def m_vectors_take_sf_times_nf_cycles(dut):
    await stream.start(dut)
    u = unit()
    sf, nf = u.case.folds
    beats, want = u.streams(u.vectors)
    sent, out = await stream.through(dut, beats, len(want), u.rng)
    assert [beat.data for beat in out] == want
    firsts = [beat.cycle for beat in out[::nf]]
    assert firsts[0] - sent[0].cycle == sf + u.case.latency + 2, (
        f"{u.case}: latency {firsts[0] - sent[0].cycle}"
    )
    periods = [b - a for a, b in pairwise(firsts)]
    assert set(periods) == {sf * nf}, f"{u.case}: cycles per M vectors {periods}, want {sf * nf}"


@cocotb.test()
async def reset_forgets_what_was_under_way(dut):
    await stream.start(dut)
    u = unit()
    sf, nf = u.case.folds
    for cut in (1, sf, 2 * sf + 1, sf * nf + 3):
        beats, want = u.streams(u.vectors)
        tasks = [
            cocotb.start_soon(stream.send(dut, beats, u.rng, 0.2)),
            cocotb.start_soon(stream.receive(dut, len(want), u.rng, 0.2)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        u.at = 0
        await check(dut, u, u.vectors[: 2 * u.case.M], (0.0, 0.0))


MOST_CELLS = 500  # bits of products a cycle: more cells take a simulator minutes to build
CORNERS = [
    Case(MW=1, MH=1, PE=1, SIMD=1),
    Case(MW=9, MH=5, PE=5, SIMD=9, THRESHOLDS=0),
    Case(MW=7, MH=5, PE=2, SIMD=7),
    Case(MW=21, MH=3, PE=3, SIMD=8, BIPOLAR_IN=0, IN_BITS=8, THRESHOLDS=0),
    Case(MW=10, MH=8, PE=3, SIMD=4, BIPOLAR_IN=0, IN_BITS=3, SIGNED_IN=1),
    Case(MW=100, MH=70, PE=64, SIMD=64),
    Case(MW=9, MH=5, PE=2, SIMD=9, CLASSES=9, OH=4, OW=5),
    Case(MW=3, MH=4, PE=4, SIMD=3, CLASSES=3, OH=1, OW=3),
    Case(MW=60, MH=5, PE=2, SIMD=20, PRIMITIVES=1),
    Case(MW=9, MH=5, PE=2, SIMD=9, CLASSES=9, OH=4, OW=5, PRIMITIVES=1),
    Case(MW=12, MH=5, PE=2, SIMD=5, M=4),
]


def random_case(seed: int) -> Case:
    rng = random.Random(seed)
    mw, mh, bipolar = rng.randint(1, 60), rng.randint(1, 24), rng.randrange(2)
    case = Case(
        MW=mw,
        MH=mh,
        PE=rng.randint(1, mh),
        SIMD=rng.randint(1, mw),
        BIPOLAR_IN=bipolar,
        IN_BITS=1 if bipolar else rng.randint(1, 9),
        SIGNED_IN=0 if bipolar else rng.randrange(2),
        THRESHOLDS=rng.randrange(2),
    )
    if rng.randrange(2):
        case = replace(case, M=rng.randint(2, 5))
    elif case.THRESHOLDS and rng.randrange(2):
        oh, ow = rng.randint(1, 6), rng.randint(1, 6)
        case = replace(case, CLASSES=rng.randint(2, 25), OH=oh, OW=ow)
    if case.PE * case.SIMD * case.IN_BITS * case.M > MOST_CELLS:
        return case
    return replace(case, PRIMITIVES=rng.randrange(2))


def simulate(case: Case, seed: int) -> None:
    files = Unit(case, seed).files()
    widths = {"ACC_W": case.acc_w, "LATENCY": case.latency}
    bench.run("mvau", "test_mvau", seed=seed, files=files, **asdict(case), **widths)


@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_mvau(case: Case) -> None:
    simulate(case, seed=1)


def test_mvau_random(case_seed: int) -> None:
    simulate(random_case(case_seed), case_seed)
