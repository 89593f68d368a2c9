"""What each module of rtl/ takes of an XC7's resources, by its parameters: formulas for Yosys.

The constants were fitted to `synth_xilinx -family xc7 -flatten` (Yosys 0.70) of single modules;
tests/test_resources.py holds those measurements and how near each formula must come. A LUT is a
LUT6 or what of it a memory takes (RAM32M: 4), as Vivado counts.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from onebit import heap
from onebit.pack import ceil_div
from onebit.weights import Varying

# RAMB18 and RAMB36: RAMB18s, what Yosys' memory_libmap takes them to cost, bits of an address where
# a word has one bit, and how many of the widths they have.
BLOCKS = ((1, 129, 14, 6), (2, 257, 15, 7))
WIDTHS = (1, 2, 4, 9, 18, 36, 72)
ROM_WORDS = 256  # deeper constants go into block RAM where nobody says otherwise
ROM_LUTS_A_WORD = 0.021  # of a bit, of more words than MUXF8 joins
RAM_WORDS = 128  # deeper rings of a window too
CACHED = 1 << 14  # shapes of each part: a folding is chosen among thousands
ROUNDING = 1e-6  # at most, of a sum of costs
RAM_BITS = 8192  # what is larger of FIFOs, replayed vectors and lines lies there (rtl/)


class Cost(NamedTuple):
    """Resources: LUT6s, flip-flops, block RAMs of 18 Kib, DSPs; a tuple, for speed."""

    lut: float = 0
    ff: float = 0
    bram18: int = 0
    dsp: int = 0

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        return Cost(
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram18 + other.bram18,
            self.dsp + other.dsp,
        )

    @property
    def rounded(self) -> Cost:
        """In whole numbers; a sum's rounding error makes no difference."""
        return Cost(
            math.ceil(self.lut - ROUNDING), math.ceil(self.ff - ROUNDING), self.bram18, self.dsp
        )

    @property
    def vector(self) -> tuple[int, int, int, int]:
        """Of whole numbers, in the order of the fields."""
        return int(self.lut), int(self.ff), self.bram18, self.dsp


@lru_cache(maxsize=CACHED)
def block(words: int, bits: int) -> Cost:
    """A memory in block RAM, as Yosys' memory_libmap chooses its shape.

    Its output register is inside. A deep memory is several rows of words, whose bits lie side by
    side in as few blocks as hold them, and a multiplexer behind chooses among the rows.
    """
    best, cheapest = Cost(), math.inf
    for ramb18s, each, address, widths in BLOCKS:
        found, least = best, math.inf
        for narrow, width in enumerate(WIDTHS[:widths]):
            rows = ceil_div(words, 1 << address - narrow)
            blocks = ceil_div(rows * bits, width)
            price = each * blocks + (rows - 1) * bits / 2
            if price < least:
                choose = int(rows > 1) if rows < 5 else ceil_div(rows, 2)  # LUTs of a bit
                found = Cost(bits * choose, (rows - 1).bit_length(), ramb18s * blocks)
                least = int(price)  # as Yosys does
        if least < cheapest:
            best, cheapest = found, least
    return best


@lru_cache(maxsize=CACHED)
def rom(words: int, bits: int) -> Cost:
    """rtl/rom.sv in LUTs: one for 64 words of a bit, and its register; MUXF7 and MUXF8 join four.

    Bits that agree in all words are one: of few words there are few different bits.
    """
    if words < 2:
        return Cost()
    different = 2.0**words - 2 if words < 16 else math.inf
    some = bits if different > 1e4 else different * (1 - (1 - 1 / different) ** bits)
    few = 0.7 if words < 9 else 1.0  # half of the address is then often enough for a bit
    luts = 1 << max(0, (words - 1).bit_length() - 6) if words <= 256 else ROM_LUTS_A_WORD * words
    return Cost(lut=some * few * luts, ff=some)


@lru_cache(maxsize=CACHED)
def ram(words: int, bits: int) -> Cost:
    """A memory in LUTs, written and read in each cycle: RAM32M holds 6 bits, RAM64M 3."""
    banks = ceil_div(words, 32)
    small, large = 4 * banks * ceil_div(bits, 6), 4 * ceil_div(words, 64) * ceil_div(bits, 3)
    return Cost(lut=min(small, large) + bits * ceil_div(min(banks, 8) - 1, 4) * (banks > 2))


@lru_cache(maxsize=CACHED)
def store(words: int, bits: int) -> Cost:
    """The same; a large one in block RAM, and what makes up for its register."""
    if words * bits > RAM_BITS:
        return block(words, bits) + Cost(lut=bits + 20, ff=bits + 10)
    return ram(words, bits)


@lru_cache(maxsize=CACHED)
def fifo(width: int, depth: int) -> Cost:
    """rtl/fifo.sv"""
    log = depth.bit_length()
    return store(depth, width) + Cost(lut=1 + 4 * log, ff=4 * log - 3)


@lru_cache(maxsize=CACHED)
def credit_fifo(width: int, depth: int) -> Cost:
    """rtl/credit_fifo.sv"""
    return fifo(width, depth) + Cost(lut=depth.bit_length() + 4, ff=depth.bit_length())


@lru_cache(maxsize=CACHED)
def width_converter(n: int, bits: int, in_lanes: int, out_lanes: int) -> Cost:
    """rtl/width_converter.sv: a shift register, and a shifter in front of it."""
    taken, given = min(in_lanes, n), min(out_lanes, n)
    if taken == given:
        return Cost()
    unit = math.gcd(taken, given)
    put, take = taken // unit, given // unit
    last = ceil_div(n, given) * take - (ceil_div(n, taken) - 1) * put
    capacity = max(put, last) + take + (0 if put == 1 or take == 1 else take - 1)
    held = capacity * unit * bits
    rows = (0.18 if take == 1 else 0.5) * math.log2(put)
    return Cost(lut=20 + held * (1.17 + rows), ff=held + 4 + capacity.bit_length())


@lru_cache(maxsize=CACHED)
def gather(m: int, width: int, beats: int) -> Cost:
    """rtl/gather.sv: two halves of a memory for each of m vectors."""
    slices = ram(2 << max(1, (beats - 1).bit_length()), width)
    return Cost(lut=m * slices.lut + 20, ff=24)


@lru_cache(maxsize=CACHED)
def scatter(m: int, width: int, beats: int) -> Cost:
    """rtl/scatter.sv: two halves of a memory, and of m slices the one that goes out."""
    held = ram(2 << max(1, (beats - 1).bit_length()), m * width)
    return Cost(lut=held.lut + width * ceil_div(m, 4) + 20, ff=16)


def window_ring(words: int, width: int, memory: str, counters: int) -> Cost:
    """rtl/window_ring.sv: so many words of so many bits; `counters`: bits of its counters."""
    held = block(words, width) if memory == "bram" else ram(words, width) + Cost(ff=width)
    return held + Cost(lut=1.2 * counters + width, ff=counters) + credit_fifo(width, 4)


def window_shift(kernel: tuple[int, int], columns: int, pixel: int, width: int, beats: int) -> Cost:
    """rtl/window_shift.sv: lines, a patch of pixels of so many bits, `beats` beats of `width`."""
    above = (kernel[0] - 1) * pixel
    lines = Cost() if not above or columns < 2 else store(columns, above) + Cost(ff=above)
    chosen = width * (1 + (beats - 1) / 2)
    return lines + fifo(width, 2) + Cost(lut=35 + chosen, ff=math.prod(kernel) * pixel + 20)


def maxpool(kernel: tuple[int, int], words: int, pe: int, folds: int, inverts: bool) -> Cost:
    """rtl/maxpool.sv: the rows above in `words` words, the columns before in one a fold."""
    above, before = (kernel[0] - 1) * pe, (kernel[1] - 1) * pe
    history = ram(words, above) if above else Cost()
    beside = (ram(folds, before) if folds > 2 else Cost(ff=folds * before)) if before else Cost()
    invert = rom(folds, pe) if inverts else Cost()
    return history + beside + invert + credit_fifo(pe, 4) + Cost(lut=45 + 2.5 * pe, ff=35 + pe)


def border(rows: int, columns: int, bits: int) -> Cost:
    """rtl/border.sv"""
    counters = rows.bit_length() + columns.bit_length()
    return Cost(lut=counters + bits, ff=counters + bits)


@lru_cache(maxsize=CACHED)
def dot(simd: int, bits: int) -> Cost:
    """The sum of a neuron's products: rtl/xnor_sum_xc7.sv, exactly."""
    return Cost(lut=heap.xnor_luts(simd, bits), ff=heap.xnor_ffs(simd, bits))


@lru_cache(maxsize=CACHED)
def latency(simd: int, bits: int) -> int:
    """Its cycles."""
    return heap.xnor_latency(simd, bits)


def mvau(
    *,
    lanes: tuple[int, int],
    beats: tuple[int, int],
    bits: int,
    acc: int,
    thresholds: int,
    out_bits: int,
    memory: str,
    m: int = 1,
    varying: Varying | None = None,
) -> Cost:
    """rtl/mvau.sv: lanes (pe, simd), beats (sf, nf), `bits` of an element, `acc` bits of an
    accumulator, `thresholds` words of thresholds; m vectors at work on each weight word, and where
    it is known, what of it varies.
    """
    (pe, simd), (sf, nf) = lanes, beats
    width, waits = m * simd * bits, latency(simd, bits)
    counters = (sf * nf).bit_length() + sf.bit_length() + nf.bit_length()
    lut = 10 + 1.2 * counters + thresholds.bit_length() + m * pe * acc
    ff = 10 + counters + waits + m * pe * acc + width
    parts = [
        weights_and_dots(lanes, sf * nf, bits, memory, m, varying),
        (block if thresholds > ROM_WORDS else rom)(thresholds, pe * acc),
        credit_fifo(m * pe * out_bits, 1 + ceil_div(waits + 3, sf)),
    ]
    if nf > 1 and sf > 2:  # vectors are replayed, from a memory
        lut += width
        parts.append(store(sf, width))
    elif nf > 1:  # ... or from registers
        lut, ff = lut + sf * width, ff + sf * width
    return Cost(*map(sum, zip(Cost(lut=lut, ff=ff), *parts, strict=True)))


def weights_and_dots(
    lanes: tuple[int, int],
    words: int,
    bits: int,
    memory: str,
    m: int = 1,
    varying: Varying | None = None,
) -> Cost:
    """Of an mvau its weights and the sums of products, most of what it takes."""
    pe, simd = lanes
    if memory == "bram":
        held = block(words, varying.bits if varying else pe * simd)
    elif varying:
        held = Cost(lut=varying.functions, ff=varying.registers)
    else:
        held = rom(words, pe * simd)
    neuron = dot(simd, bits)
    return Cost(held.lut + m * pe * neuron.lut, held.ff + m * pe * neuron.ff, held.bram18, held.dsp)


def head(classes: int, pe: int, acc: int, scale: int, logit: int) -> Cost:
    """rtl/head.sv: products and biases in DSPs, and the arg-max of a beat and of the beats.

    Of logits on their way, all but the winner's, SRL16E hold a bit a LUT.
    """
    words, levels = ceil_div(classes, pe), (pe - 1).bit_length()
    constants = rom(words, pe * scale) + rom(words, pe * logit)
    wide = 1 + (classes - 1).bit_length() + pe * logit
    compare = Cost(lut=(pe - 1) * 1.5 * logit + logit, ff=pe * logit + logit)
    waiting = Cost(lut=pe * logit, ff=pe * logit) if levels else Cost(ff=logit)
    control = Cost(lut=10, ff=30, dsp=pe * products(acc, scale))
    return constants + compare + waiting + credit_fifo(wide, levels + 6) + control


def products(acc: int, scale: int) -> int:
    """DSP48E1s of a product: 25 x 18 bits each; small ones are LUTs."""
    return ceil_div(max(acc, scale), 25) * ceil_div(min(acc, scale), 18)
