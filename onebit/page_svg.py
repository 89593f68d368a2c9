"""The drawings of the report's page, inline: the pipeline and grey images as SVG, others as PNG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from itertools import groupby
from typing import Any

from onebit.pack import ceil_div

Facts = dict[str, Any]

GREY_LEVELS = 15  # of a sample image; one SVG path each
BOX, GAP, TALL, DROP = 116, 42, 106, 40  # a stage's width, the gap, its height, the gap below


def text(value: object) -> str:
    return escape(str(value))


def plural(count: int, word: str) -> str:
    ending = "es" if word.endswith("ch") else "s"
    return f"{count:,} {word}{'' if count == 1 else ending}"


def shape(layer: Facts) -> str:
    return text(layer["shape"]).replace("-&gt;", "\N{RIGHTWARDS ARROW}")


def pipeline(layers: Sequence[Facts], in_row: int, kind: str) -> str:
    """Boxes in even rows of at most `in_row`, and the element type on every wire."""
    columns = ceil_div(len(layers) + 1, ceil_div(len(layers) + 1, in_row))

    def corner(index: int) -> tuple[int, int]:
        return 1 + index % columns * (BOX + GAP), 1 + index // columns * (TALL + DROP)

    parts = []
    for index, layer in enumerate(layers):
        parts.append(_stage(layer, *corner(index)))
        parts.append(_wire(corner(index), corner(index + 1), layer["element"]))
    x, y = corner(len(layers))
    parts.append(
        f'<rect class="box end" x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="6"/>'
        f'<text class="name" x="{x + 12}" y="{y + 26}">class</text>'
        f'<text x="{x + 12}" y="{y + 45}">and its logits</text>'
    )
    width, height = columns * (BOX + GAP) - GAP + 2, y + TALL + 1
    label = ", ".join(f"{row['name']}: {plural(row['cycles'], 'cycle')}" for row in layers)
    return (
        f'<svg class="pipe {kind}" viewBox="0 0 {width} {height}" role="img" '
        f'style="max-width: {width * 5 // 4}px" aria-label="Pipeline: {text(label)}">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _stage(layer: Facts, x: int, y: int) -> str:
    """A box: name, shape, fold, and a bar for the cycles."""
    name, full = layer["name"], BOX - 24
    short = name if len(name) <= 10 else f"{name[:8]}\N{HORIZONTAL ELLIPSIS}"
    busy = round(full * min(layer["share"], 1), 1)
    return (
        f'<rect class="box" x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="6"/>'
        f'<text class="name" x="{x + 12}" y="{y + 26}">{text(short)}</text>'
        f'<text x="{x + 12}" y="{y + 45}">{shape(layer)}</text>'
        f'<text x="{x + 12}" y="{y + 62}">{_fold(layer)}</text>'
        f'<rect class="track" x="{x + 12}" y="{y + 73}" width="{full}" height="5" rx="1"/>'
        f'<rect class="busy" x="{x + 12}" y="{y + 73}" width="{busy}" height="5" rx="1"/>'
        f'<text x="{x + 12}" y="{y + 95}">{plural(layer["cycles"], "cycle")}</text>'
    )


def _fold(layer: Facts) -> str:
    """PE x SIMD; an input has no neurons, only elements a beat."""
    if layer["kind"] == "input":
        return f"{layer['simd']:,} a beat"
    return f"PE {layer['pe']:,} \N{MULTIPLICATION SIGN} {layer['simd']:,}"


def _wire(start: tuple[int, int], end: tuple[int, int], element: str) -> str:
    """An arrow to the next box in the row, or round to the first one of the row below."""
    (x, y), (to_x, to_y) = start, end
    if y == to_y:
        at_x, at_y, middle = x + BOX + GAP // 2 - 2, y + TALL // 2 - 7, y + TALL // 2
        line = f"M{x + BOX} {middle}H{to_x - 6}"
        tip = f"M{to_x - 1} {middle}l-7 -4v8z"
    else:
        from_x, down_x, turn = x + BOX // 2, to_x + BOX // 2, y + TALL + DROP // 2
        at_x, at_y = (from_x + down_x) // 2 + (26 if from_x == down_x else 0), turn - 5
        line = f"M{from_x} {y + TALL}V{turn}H{down_x}V{to_y - 6}"
        tip = f"M{down_x} {to_y - 1}l-4 -7h8z"
    return (
        f'<path class="wire" d="{line}"/><path class="tip" d="{tip}"/>'
        f'<text class="type" x="{at_x}" y="{at_y}">{text(element)}</text>'
    )


def figure(item: Facts, top: int) -> str:
    """An image and its class; `top` is the value of the brightest grey."""
    label, found = map(text, item["names"])
    right = item["class"] == item["label"]
    picture = _grey if item["channels"] == 1 else _colour
    rows = [bytes.fromhex(row) for row in item["pixels"]]
    return (
        f'<figure class="{"right" if right else "wrong"}">'
        f"{picture(rows, f'label {label}, class {found}', top)}"
        f"<figcaption><b>{found}</b>{'' if right else f' not {label}'}</figcaption></figure>\n"
    )


def _grey(rows: Sequence[bytes], says: str, top: int) -> str:
    """In the page's ink, so that it suits a dark page too."""
    return (
        f'<svg viewBox="0 0 {len(rows[0])} {len(rows)}" shape-rendering="crispEdges" role="img" '
        f'aria-label="{says}">{_pixels(rows, top)}</svg>'
    )


def _colour(rows: Sequence[bytes], says: str, top: int) -> str:
    """In its own colours, red, green and blue of 0..255."""
    from PIL import Image  # needed for colours alone

    file = BytesIO()
    size = (len(rows[0]) // 3, len(rows))
    Image.frombytes("RGB", size, b"".join(rows)).save(file, "PNG", optimize=True)
    coded = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{says}" src="data:image/png;base64,{coded}">'


def _pixels(rows: Sequence[bytes], top: int) -> str:
    """Runs of equal grey as rectangles, one path for each level of grey."""
    paths: dict[int, list[str]] = {}
    for y, row in enumerate(rows):
        greys = [round(GREY_LEVELS * value / top) for value in row]
        x = 0
        for grey, run in groupby(greys):
            length = len(list(run))
            if grey:
                paths.setdefault(grey, []).append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(
        f'<path fill="currentColor" fill-opacity="{grey / GREY_LEVELS:.2g}" d="{"".join(runs)}"/>'
        for grey, runs in sorted(paths.items())
    )
