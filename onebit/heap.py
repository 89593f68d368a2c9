"""The bits that rtl/bit_heap.sv adds: its stages and its LUTs, for those who instantiate it."""

from __future__ import annotations

from collections.abc import Sequence

from onebit.pack import ceil_div

MOST = 3  # bits of a column that the last adder takes
ROW = 4  # full adders in a row of rtl/xnor_sum_xc7.sv


def stages(heights: Sequence[int]) -> int:
    """Stages of counters until no column of `heights[c]` bits of weight 2^c has more than three."""
    return len(_reductions(heights)) - 1


def luts(heights: Sequence[int], width: int) -> int:
    """LUTs of a heap whose sum has `width` bits."""
    *reduced, _ = _reductions(heights)
    return width + sum(_stage_luts(height) for column in reduced for height in column)


def ffs(heights: Sequence[int], width: int) -> int:
    """Flip-flops of a heap whose sum has `width` bits: what each stage leaves, and the sum."""
    return sum(map(sum, _reductions(heights)[1:])) + width


def xnor_latency(n: int, bits: int = 1) -> int:
    """Cycles of rtl/xnor_sum_xc7.sv: its first adders, the heap's stages, the last adder."""
    return 2 + stages(_xnor_heights(n, bits))


def xnor_luts(n: int, bits: int = 1) -> int:
    """LUTs of rtl/xnor_sum_xc7.sv for n elements."""
    heights = _xnor_heights(n, bits)
    width = (n * ((1 << bits) - 1)).bit_length()
    return bits * ceil_div(n, 2) + luts(heights, max(bits + 1, width))


def xnor_ffs(n: int, bits: int = 1) -> int:
    """Flip-flops of rtl/xnor_sum_xc7.sv: the heap's bits before each stage, and the sum."""
    heights = _xnor_heights(n, bits)
    return sum(heights) + ffs(heights, (n * ((1 << bits) - 1)).bit_length())


def _xnor_heights(n: int, bits: int) -> list[int]:
    """What each plane of bits leaves: sums of its own weight, carries of twice that."""
    pairs = ceil_div(n, 2)
    sums, carries = [ceil_div(pairs, ROW)] * bits, [pairs] * bits
    return [one + two for one, two in zip([*sums, 0], [0, *carries], strict=True)]


def _stage_luts(height: int) -> int:
    sixes, rest = divmod(height, 6)
    return 2 * sixes + {4: 1, 5: 2}.get(rest, 0)


def _reductions(heights: Sequence[int]) -> list[list[int]]:
    """The heights before each stage, and those before the last adder."""
    found = [list(heights)]
    while max(found[-1]) > MOST:
        after = [0] * (len(found[-1]) + 2)
        for column, height in enumerate(found[-1]):
            sixes, rest = divmod(height, 6)
            once, twice, four_times = {4: (2, 1, 0), 5: (1, 1, 1)}.get(rest, (rest, 0, 0))
            after[column] += sixes + once
            after[column + 1] += sixes + twice
            after[column + 2] += sixes + four_times
        found.append(after)
    return found
