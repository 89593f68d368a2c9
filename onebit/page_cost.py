"""The report's roofline as SVG, and FINN's estimates beside ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from onebit.page_svg import text

Facts = dict[str, Any]

WIDE, TALL = 640, 340  # of the plot's frame
LEFT, TOP, RIGHT, BOTTOM = 64, 14, 40, 46  # around it


def roofline(facts: Facts, network: str) -> str:
    """MACs a cycle against MACs an input bit, by decades; what LUTs and port allow is shaded."""
    x, y = facts["macs_a_bit"], facts["achieved"]
    roofs = sorted(facts["roofs"], key=lambda roof: -roof["macs"])
    low_x, high_x = math.floor(math.log10(x)) - 1, math.ceil(math.log10(x)) + 1
    low_y = math.floor(math.log10(min(y, facts["port"]) / 3))
    high_y = math.ceil(math.log10(1.5 * max(y, roofs[0]["macs"])))
    frame = _Frame(low_x, high_x, low_y, high_y)
    hard = next(roof["macs"] for roof in roofs if roof["name"] == "LUTs")
    nearest = min(facts["port"], hard)
    parts = [frame.grid(), frame.below(facts["port_bits"], hard)]
    for roof, up in zip(roofs, (-6, 15), strict=True):
        dashes = "none" if roof["macs"] == hard else "6 4"
        parts.append(frame.roof(roof["macs"], f"{roof['name']}: {roof['how']}", up, dashes))
    parts += [frame.port(facts["port_bits"]), frame.point(x, y, network)]
    label = f"Roofline of {network}: {y:,.0f} MACs a cycle, at most {nearest:,.0f}"
    return (
        f'<svg class="pipe" viewBox="0 0 {WIDE + LEFT + RIGHT} {TALL + TOP + BOTTOM}" '
        f'role="img" style="max-width: 860px" aria-label="{text(label)}">\n'
        + "\n".join(parts)
        + f'\n</svg>\n<p class="soft">The point is this accelerator: {y:,.0f} MACs a cycle, '
        f"{y / nearest:.0%} of what LUTs and port allow. Slanted: the input port's "
        f"{facts['port_bits']} bits a cycle. Level: all LUTs of the part as neurons of this kind. "
        "Dashed: all its block RAMs read in every cycle, which binds weights that lie in them; "
        "weights in LUTs come on top.</p>"
    )


class _Frame:
    """Decades of both axes in the picture's coordinates."""

    def __init__(self, low_x: int, high_x: int, low_y: int, high_y: int) -> None:
        self.xs, self.ys = (low_x, high_x), (low_y, high_y)

    def x(self, value: float) -> float:
        low, high = self.xs
        return round(LEFT + WIDE * (math.log10(value) - low) / (high - low), 1)

    def y(self, value: float) -> float:
        low, high = self.ys
        return round(TOP + TALL * (1 - (math.log10(value) - low) / (high - low)), 1)

    def grid(self) -> str:
        """The frame, a line a decade, and what the axes are."""
        parts = [
            f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDE}" height="{TALL}" fill="none"/>'
        ]
        for power in range(self.xs[0], self.xs[1] + 1):
            at = self.x(10.0**power)
            parts.append(_line(at, TOP, at, TOP + TALL, "var(--line)", 1))
            parts.append(_text(at, TOP + TALL + 17, _decade(power), "middle"))
        for power in range(self.ys[0], self.ys[1] + 1):
            at = self.y(10.0**power)
            parts.append(_line(LEFT, at, LEFT + WIDE, at, "var(--line)", 1))
            parts.append(_text(LEFT - 8, at + 4, _decade(power), "end"))
        across, down = LEFT + WIDE / 2, TOP + TALL / 2
        parts.append(_text(across, TOP + TALL + 36, "MACs per bit of an image", "middle"))
        parts.append(
            f'<text text-anchor="middle" transform="rotate(-90 12 {down})" x="12" y="{down}">'
            "MACs per cycle</text>"
        )
        return "".join(parts)

    def below(self, slope: float, roof: float) -> str:
        """What port and lowest roof leave, shaded."""
        left, right = 10.0 ** self.xs[0], 10.0 ** self.xs[1]
        floor = 10.0 ** self.ys[0]
        corner = min(max(roof / slope, left), right)
        start = max(left, floor / slope)
        points = [
            (start, max(floor, min(roof, slope * start))),
            (corner, min(roof, slope * corner)),
        ]
        points += [(right, min(roof, slope * right)), (right, floor), (start, floor)]
        shown = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        return f'<polygon points="{shown}" style="fill: var(--accent)" fill-opacity=".1"/>'

    def roof(self, macs: float, label: str, up: int, dashes: str) -> str:
        """A level one; the label ends at the right."""
        at = self.y(macs)
        line = _line(LEFT, at, LEFT + WIDE, at, "var(--soft)", 2, dashes)
        return line + _text(LEFT + WIDE - 8, at + up, f"{label}: {macs:,.0f}", "end")

    def port(self, bits: int) -> str:
        """The slanted one, cut off by the frame."""
        left = max(10.0 ** self.xs[0], 10.0 ** self.ys[0] / bits)
        right = min(10.0 ** self.xs[1], 10.0 ** self.ys[1] / bits)
        x, y = self.x(left), self.y(bits * left)
        line = _line(x, y, self.x(right), self.y(bits * right), "var(--soft)", 2)
        return line + _text(x + 12, min(y, TOP + TALL - 8), f"port: {bits} bits a cycle", "start")

    def point(self, x: float, y: float, name: str) -> str:
        """The network; its name is on the side where there is room."""
        at, up = self.x(x), self.y(y)
        right = at < LEFT + WIDE * 0.6
        label = f'<text class="name" text-anchor="{"start" if right else "end"}" '
        label += f'x="{at + (12 if right else -12)}" y="{up + 18}">{text(name)}: {y:,.0f}</text>'
        return f'<circle cx="{at}" cy="{up}" r="6" style="fill: var(--accent)"/>{label}'


def _line(
    x: float, y: float, to_x: float, to_y: float, colour: str, width: int, dashes: str = "none"
) -> str:
    style = f'style="stroke: {colour}; stroke-width: {width}" stroke-dasharray="{dashes}"'
    return f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" {style}/>'


def _text(x: float, y: float, says: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text(says)}</text>'


def _decade(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def finn(rows: Sequence[Facts]) -> str:
    """FINN's estimates of each layer beside ours; together in the last row."""
    titles = ["layer", "PE", "SIMD", "FINN's PE", "SIMD", "cycles", "FINN's", "LUT", "FINN's"]
    titles += ["BRAM18", "FINN's"]
    left = ' class="text"'
    head = "".join(
        f'<th scope="col"{left if at == 0 else ""}>{t}</th>' for at, t in enumerate(titles)
    )
    body = "".join(_finn_row(row) for row in rows)
    sums = [sum(row[key] for row in rows) for key in ("lut", "finn_lut", "bram18", "finn_bram18")]
    slowest = [max(row[key] for row in rows) for key in ("cycles", "finn_cycles")]
    ends = "".join(f"<td>{value:,}</td>" for value in (*slowest, *sums))
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="FINN">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f'<tfoot><tr><td colspan="5" class="text">slowest, and together</td>{ends}</tr></tfoot>\n'
        "</table>\n</div>\n"
        '<p class="soft">FINN: its analysis passes exp_cycles_per_layer and res_estimation on its '
        "own hardware nodes. Its PE and SIMD divide the matrix: the nearest divisors of ours. Both "
        "are models, neither is synthesis.</p>"
    )


def _finn_row(row: Facts) -> str:
    numbers = ("pe", "simd", "finn_pe", "finn_simd", "cycles", "finn_cycles", "lut", "finn_lut")
    cells = "".join(f"<td>{row[key]:,}</td>" for key in (*numbers, "bram18", "finn_bram18"))
    return f'<tr><th scope="row" class="text">{text(row["name"])}</th>{cells}</tr>\n'
