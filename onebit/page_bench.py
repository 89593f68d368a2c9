"""The report's CPU measurements: a bar chart of rates, and each layer beside the popcount peak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from onebit.page_svg import text
from onebit.tables_bench import beside

Facts = dict[str, Any]
Bar = tuple[str, float, str]  # what, how much, and the words behind the bar

LABELS, BARS, VALUES, ROW = 290, 380, 190, 26  # widths of the chart's columns, a row's height


def benched(facts: Facts) -> str:
    """The section's HTML."""
    rates = [
        (_name(row), row["images_per_second"], f"{row['images_per_second']:,.0f} images/s")
        for row in facts["rows"]
    ]
    others = [(what, rate, f"{rate:,.0f} images/s") for what, rate, _ in beside(facts) if rate]
    how = "".join(f"<li>{text(what)}: {text(why)}</li>\n" for what, _, why in beside(facts))
    return (
        f"{_chart('Images a second', [*rates, *others])}"
        f'<p class="soft">Each step is ten times the one before. Medians of {facts["rounds"]} '
        f"rounds in which the programs took turns, on {text(facts['cpu'])}; onebit's kernel: "
        f'{text(facts["kernel"])}. Not measured here:</p>\n<ul class="soft">\n{how}</ul>\n'
        f"{_roofline(facts['roofline'])}"
    )


def _name(row: Facts) -> str:
    threads = f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}"
    return f"{row['name']}, {threads}, batch {row['batch']:,}"


def _chart(label: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars on a logarithmic scale, a decade below the least."""
    low = math.floor(math.log10(min(value for _, value, _ in bars)))
    high = math.log10(max(value for _, value, _ in bars))
    parts = []
    for power in range(low, math.floor(high) + 1):
        at = LABELS + BARS * (power - low) / (high - low)
        parts.append(f'<path class="wire" d="M{at:.1f} 0v{len(bars) * ROW}" opacity=".3"/>')
    for index, (what, value, words) in enumerate(bars):
        wide = max(2.0, BARS * (math.log10(value) - low) / (high - low))
        parts.append(_bar(index, what, wide, words))
    return _svg(label, bars, parts)


def _bar(index: int, what: str, wide: float, words: str) -> str:
    y = index * ROW
    return (
        f'<text x="{LABELS - 10}" y="{y + 17}" text-anchor="end">{text(what)}</text>'
        f'<rect class="busy" x="{LABELS}" y="{y + 5}" width="{wide:.1f}" height="16" rx="2"/>'
        f'<text x="{LABELS + wide + 8:.1f}" y="{y + 17}">{text(words)}</text>'
    )


def _svg(label: str, bars: Sequence[Bar], parts: Sequence[str]) -> str:
    said = "; ".join(f"{what}: {words}" for what, _, words in bars)
    size = f"{LABELS + BARS + VALUES} {len(bars) * ROW}"
    return (
        f'<svg class="pipe" viewBox="0 0 {size}" role="img" style="max-width: 1000px" '
        f'aria-label="{text(label)}: {text(said)}">\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _roofline(roof: Facts) -> str:
    """How much of the popcount peak each layer of bits reaches."""
    rows = [row for row in roof["layers"] if row["bits"]]
    if not rows:
        return ""
    peak = f"{roof['peak'] / 1e9:,.0f} billion bits/s"
    bars = [("peak: in registers", roof["peak"], peak)]
    bars += [
        (row["name"], row["bits_per_second"], f"{row['share']:.0%} of the peak") for row in rows
    ]
    parts = [
        _bar(index, what, BARS * value / max(each for _, each, _ in bars), words)
        for index, (what, value, words) in enumerate(bars)
    ]
    return (
        f"{_svg('Popcount roofline', bars, parts)}"
        '<p class="soft">Bits that one thread compares, counts and adds a second: in registers, '
        "the most that this core can do, and in each layer's product alone, weights and inputs "
        "from its caches included.</p>\n"
    )
