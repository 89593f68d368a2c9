"""hardwired_half against sums over the bins, each counted as the neuron wants it."""

from __future__ import annotations

import random

import cocotb
import pytest

import bench
import stream


@cocotb.test()
async def neurons_are_sums_of_their_bins(dut):
    given = bench.given()
    n, mw, acc_w = given["N"], given["MW"], given["ACC_W"]
    bins = n << given["NEURONS"] - 1
    sizes = stream.unpack(int(dut.SIZES.value), bins, 16)
    rng = random.Random(given["seed"])
    cases = [sizes, [0] * bins]
    cases += [[rng.randint(0, size) for size in sizes] for _ in range(200)]
    packed = [stream.pack(counts, mw.bit_length()) for counts in cases]
    latency = given["PART_LATENCY"] + given["SUM_LATENCY"] + 1
    found = await stream.pipelined(dut, "counts", "y", packed, latency)
    for counts, word in zip(cases, found, strict=True):
        for neuron, got in enumerate(stream.unpack(word, given["NEURONS"], acc_w)):
            want = 0
            for at, (count, size) in enumerate(zip(counts, sizes, strict=True)):
                part, place = divmod(at, n)
                opposed = given["OPPOSED"] and place >= n // 2
                opposed ^= neuron > 0 and part >> neuron - 1 & 1
                want += size - count if opposed else count
            assert got == want, f"{given} {sizes=} {counts=}: neuron {neuron} is {got}, not {want}"


@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize(("neurons", "n", "opposed"), [(1, 2, 1), (2, 4, 1), (3, 4, 0)])
def test_hardwired_half(neurons: int, n: int, opposed: int, primitives: int) -> None:
    rng = random.Random(neurons)
    bins = n << neurons - 1
    sizes = [rng.choice([0, 1, rng.randint(2, 12)]) for _ in range(bins)]
    mw = max(1, sum(sizes))
    bench.run(
        "hardwired_half",
        "test_hardwired_half",
        MW=mw,
        NEURONS=neurons,
        N=n,
        OPPOSED=opposed,
        SIZES=f"{16 * bins}'h{stream.pack(sizes, 16):x}",
        THRESHOLDS=0,
        ACC_W=mw.bit_length(),
        LEVELS=f"{neurons * mw.bit_length()}'h0",
        PRIMITIVES=primitives,
        PART_LATENCY=5,
        SUM_LATENCY=4,
    )
