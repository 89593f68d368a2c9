"""mvau_hardwired against the plain matrix product: both versions, all groups, both outputs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import cocotb
import numpy as np
import pytest

import bench
import stream
from onebit import hardwired
from onebit.net import Mvau


@dataclass(frozen=True)
class Case:
    """The parameters of a unit that are plain numbers, in the order of the RTL."""

    MW: int
    MH: int
    GROUP: int
    THRESHOLDS: int = 1

    @property
    def acc_w(self) -> int:
        """Signed bits for 0..MW; a level of MW + 1 fits too."""
        return self.MW.bit_length() + 1

    @property
    def lane_bits(self) -> int:
        return 1 if self.THRESHOLDS else self.acc_w


class Unit:
    """A case with random weights and levels, its vectors, its model."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, random.Random(seed)
        self.weights = [self.vector() for _ in range(case.MH)]
        if case.MH > 2:  # equal and opposite neurons leave bins empty
            self.weights[1:3] = [self.weights[0], [1 - w for w in self.weights[0]]]
        corners = [[0] * case.MW, [1] * case.MW, *self.rng.choices(self.weights, k=4)]
        self.vectors = [self.vector() for _ in range(40)] + corners
        # Levels that are met exactly by some vector, or missed by one; and the two extremes.
        self.levels = [
            self.rng.choice([0, case.MW + 1, *[self.near(row)] * 6]) for row in self.weights
        ]

    def vector(self) -> list[int]:
        return [self.rng.getrandbits(1) for _ in range(self.case.MW)]

    def near(self, row: list[int]) -> int:
        return self.acc(row, self.rng.choice(self.vectors)) + self.rng.randrange(2)

    def acc(self, row: list[int], x: list[int]) -> int:
        return sum(w == e for w, e in zip(row, x, strict=True))

    def output(self, x: list[int]) -> int:
        accs = [self.acc(row, x) for row in self.weights]
        if self.case.THRESHOLDS:
            accs = [int(acc >= level) for acc, level in zip(accs, self.levels, strict=True)]
        return stream.pack(accs, self.case.lane_bits)

    def parameters(self) -> dict[str, int | str]:
        case = self.case
        rows = stream.pack([stream.pack(row, 1) for row in self.weights], case.MW)
        levels = stream.pack(self.levels, case.acc_w)
        return {
            **vars(case),
            "ACC_W": case.acc_w,
            "WEIGHTS": f"{case.MH * case.MW}'h{rows:x}",
            "LEVELS": f"{case.MH * case.acc_w}'h{levels:x}",
            **self.latencies(),
        }

    def latencies(self) -> dict[str, int]:
        weights = np.array(self.weights, dtype=np.uint8)
        layer = Mvau(name="fc", inputs=("input",), weights=weights, thresholds=None)
        plan = hardwired.grouped(layer, self.case.GROUP)
        return {
            "BIN_LATENCY": plan.bin_latency,
            "PART_LATENCY": plan.part_latency,
            "SUM_LATENCY": plan.sum_latency,
        }


def unit() -> Unit:
    """The unit that the simulator holds."""
    given = bench.given()
    return Unit(Case(**{name: given[name] for name in Case.__annotations__}), given["seed"])


async def check(dut: object, u: Unit, count: int, pauses: tuple[float, float]) -> None:
    vectors = u.vectors[:count]
    beats = [stream.pack(x, 1) for x in vectors]
    _, out = await stream.through(dut, beats, len(beats), u.rng, pauses)
    for x, got in zip(vectors, out, strict=True):
        want = u.output(x)
        assert got.data == want, f"{u.case} {pauses=}: {x}: got {got.data:#x}, want {want:#x}"


@cocotb.test()
async def neurons_match_the_matrix_product(dut):
    await stream.start(dut)
    u = unit()
    for pauses in stream.PAUSES:
        await check(dut, u, len(u.vectors), pauses)


@cocotb.test()
async def a_vector_takes_one_cycle(dut):
    await stream.start(dut)
    u, given = unit(), bench.given()
    beats = [stream.pack(x, 1) for x in u.vectors]
    sent, out = await stream.through(dut, beats, len(beats), u.rng)
    assert {b.cycle - a.cycle for a, b in pairwise(out)} == {1}, f"{u.case}: pauses in the output"
    latency = 3 + sum(given[name] for name in u.latencies())
    assert out[0].cycle - sent[0].cycle == latency, f"{u.case}: {out[0].cycle - sent[0].cycle}"


@cocotb.test()
async def reset_forgets_what_was_under_way(dut):
    await stream.start(dut)
    u = unit()
    for cut in (1, 4, 9, 20):
        beats = [stream.pack(x, 1) for x in u.vectors]
        tasks = [
            cocotb.start_soon(stream.send(dut, beats, u.rng, 0.2)),
            cocotb.start_soon(stream.receive(dut, len(beats), u.rng, 0.2)),
        ]
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        for task in tasks:
            task.cancel()
        await stream.reset(dut, 1)
        await check(dut, u, 6, (0.0, 0.0))


CORNERS = [
    Case(MW=1, MH=1, GROUP=1),
    Case(MW=9, MH=5, GROUP=5, THRESHOLDS=0),
    Case(MW=20, MH=2, GROUP=2),
    Case(MW=2, MH=12, GROUP=6),
    Case(MW=40, MH=7, GROUP=6),
    Case(MW=30, MH=5, GROUP=3, THRESHOLDS=0),
]


def random_case(seed: int) -> Case:
    rng = random.Random(seed)
    mh = rng.randint(1, 9)
    return Case(
        MW=rng.choice([rng.randint(1, 12), rng.randint(13, 60)]),
        MH=mh,
        GROUP=rng.randint(1, min(mh, 7)),
        THRESHOLDS=rng.randrange(2),
    )


def simulate(case: Case, seed: int, primitives: int) -> None:
    parameters = Unit(case, seed).parameters()
    bench.run(
        "mvau_hardwired", "test_mvau_hardwired", seed=seed, **parameters, PRIMITIVES=primitives
    )


@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_mvau_hardwired(case: Case, primitives: int) -> None:
    simulate(case, 1, primitives)


@pytest.mark.parametrize("primitives", [0, 1])
def test_mvau_hardwired_random(case_seed: int, primitives: int) -> None:
    simulate(random_case(case_seed), case_seed, primitives)
