"""head against integer scale, bias and the first largest logit."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass

import cocotb
import pytest

import bench
import stream
from onebit.pack import ceil_div


@dataclass(frozen=True)
class Case:
    """The parameters of a head; LOGIT_W follows."""

    CLASSES: int
    PE: int
    ACC_W: int
    SCALE_W: int

    @property
    def logit_w(self) -> int:
        """Signed bits for the largest logit that `Head` can make."""
        return ((1 << self.SCALE_W - 1) * ((1 << self.ACC_W - 1) + 9)).bit_length() + 1


class Head:
    """A case with random constants: its memory files and its model."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.rng = case, random.Random(seed)
        top = 1 << case.SCALE_W - 1
        flat = seed % 2  # equal constants, so that equal accumulators tie
        scales = [self.rng.randint(-top, top - 1) for _ in range(case.CLASSES)]
        biases = [self.rng.randint(-9 * top, 9 * top) for _ in range(case.CLASSES)]
        self.scales = [3 % top] * case.CLASSES if flat else scales
        self.biases = [-7] * case.CLASSES if flat else biases

    def beats_of(self, values: list[int], bits: int) -> list[int]:
        return stream.to_beats(values, self.case.PE, bits)

    def files(self) -> dict[str, str]:
        """Spare lanes hold noise: they must not matter."""
        texts = {}
        constants = (("scale.mem", self.scales, self.case.SCALE_W),)
        for name, values, bits in (*constants, ("bias.mem", self.biases, self.case.logit_w)):
            words = self.beats_of(values, bits)
            used = bits * (len(values) - (len(words) - 1) * self.case.PE)
            words[-1] |= self.rng.getrandbits(bits * self.case.PE) >> used << used
            texts[name] = stream.mem_text(words)
        return texts

    def vector(self) -> list[int]:
        half = 1 << self.case.ACC_W - 1
        low, high = self.rng.choice([(-half, half - 1), (-half, 2 - half), (half - 2, half - 1)])
        return [self.rng.randint(low, high) for _ in range(self.case.CLASSES)]

    def outputs(self, accs: list[int]) -> list[int]:
        """The beats that must come out: {tlast, class so far, logits}."""
        pe, lane_bits = self.case.PE, self.case.PE * self.case.logit_w
        class_w = max(1, (self.case.CLASSES - 1).bit_length())
        logits = [s * a + b for s, a, b in zip(self.scales, accs, self.biases, strict=True)]
        words = self.beats_of(logits, self.case.logit_w)
        for i in range(len(words)):
            seen = logits[: (i + 1) * pe]
            words[i] |= seen.index(max(seen)) << lane_bits
            words[i] |= (i == len(words) - 1) << lane_bits + class_w
        return words


def unit() -> Head:
    given = bench.given()
    return Head(Case(**{name: given[name] for name in Case.__annotations__}), given["seed"])


async def check(dut, h: Head, count: int, pauses: tuple[float, float]) -> tuple[list, list]:
    vectors = [h.vector() for _ in range(count)]
    beats = stream.joined(h.beats_of(accs, h.case.ACC_W) for accs in vectors)
    want = stream.joined(h.outputs(accs) for accs in vectors)
    sent, out = await stream.through(dut, beats, len(want), h.rng, pauses)
    nf = ceil_div(h.case.CLASSES, h.case.PE)
    for i, (got, wanted) in enumerate(zip(out, want, strict=True)):
        assert got.data == wanted, (
            f"{h.case} pauses={pauses}: accumulators {vectors[i // nf]}, beat {i % nf}:"
            f" got {got.data:#x}, model says {wanted:#x}"
        )
    return sent, out


@cocotb.test()
async def logits_are_exact_and_the_first_largest_wins(dut):
    await stream.start(dut)
    h = unit()
    for pauses in stream.PAUSES:
        await check(dut, h, 100, pauses)


@cocotb.test()
async def a_beat_takes_one_cycle(dut):
    await stream.start(dut)
    h = unit()
    sent, out = await check(dut, h, 50, (0.0, 0.0))
    latency = 5 + (h.case.PE - 1).bit_length()
    assert [beat.cycle for beat in out] == [beat.cycle + latency for beat in sent]
    assert out[-1].cycle - out[0].cycle == len(out) - 1


@cocotb.test()
async def reset_forgets_a_vector_half_way(dut):
    await stream.start(dut)
    h = unit()
    for cut in (1, 2, 7, 12):
        source = cocotb.start_soon(
            stream.send(dut, h.beats_of(h.vector(), h.case.ACC_W)[:1], h.rng)
        )
        for _ in range(cut):
            await cocotb.triggers.FallingEdge(dut.clk)
        source.cancel()
        await stream.reset(dut, 1)
        await check(dut, h, 4, (0.0, 0.0))


CASES = [Case(1, 1, 4, 3), Case(10, 4, 8, 9), Case(10, 10, 7, 12), Case(43, 8, 11, 18)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_head(case: Case) -> None:
    for seed in (1, 2):  # 1: ties; 2: random constants
        files = Head(case, seed).files()
        bench.run("head", "test_head", seed=seed, files=files, **asdict(case), LOGIT_W=case.logit_w)
