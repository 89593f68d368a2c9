"""The pictures of models/, drawn from the cards as SVG: curves, confusions, and the comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import Any

import numpy as np

Card = Mapping[str, Any]

COLOURS = "#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#8c564b"
GREY, PALE, RED = "#666", "#e4e4e4", "#d62728"
FEW_CLASSES = 12  # up to here a picture of confusions has large cells
SHORT_NAME = 3  # letters; longer ones do not fit on an axis, where numbers stand for them
LETTER = 6  # pixels that a letter takes
LEAST_ERROR = 0.01  # percent; what a logarithmic axis shows for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Values lo..hi on the pixels start..end, evenly or by their logarithm."""

    lo: float
    hi: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value."""
        lo, hi, here = (math.log(x) if self.log else x for x in (self.lo, self.hi, value))
        return round(self.start + (here - lo) / (hi - lo) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Round values on the scale."""
        if self.log:
            decades = range(math.floor(math.log10(self.lo)), math.ceil(math.log10(self.hi)))
            values = [digit * 10.0**decade for decade, digit in product(decades, (1, 2, 5))]
        else:
            power = 10.0 ** math.floor(math.log10((self.hi - self.lo) / 5))
            step = next(power * n for n in (1, 2, 5, 10) if power * n * 5.01 > self.hi - self.lo)
            values = [step * n for n in range(math.ceil(self.lo / step), int(self.hi / step) + 1)]
        return [value for value in values if self.lo <= value <= self.hi]


def svg(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """A drawing, a part a line; on white, since the page around it may be dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="sans-serif" font-size="11" '
        f'role="img" aria-label="{escape(label)}">\n'
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def text(x: float, y: float, words: object, **style: object) -> str:
    """Words at a place; `anchor` says which end of them."""
    names = {"anchor": "text-anchor"}
    styled = "".join(f' {names.get(key, key)}="{value}"' for key, value in style.items())
    return f'<text x="{x:g}" y="{y:g}"{styled}>{escape(str(words))}</text>'


def axes(across: Scale, down: Scale, names: tuple[str, str]) -> list[str]:
    """Both axes: what they are, their numbers, and pale lines at those."""
    left, right, bottom, top = across.start, across.end, down.start, down.end
    places = [(across.at(value), f"{value:g}") for value in across.ticks()]
    levels = [(down.at(value), f"{value:g}") for value in down.ticks()]
    lines = "".join(f"M{x:g} {bottom:g}V{top:g}" for x, _ in places)
    lines += "".join(f"M{left:g} {y:g}H{right:g}" for y, _ in levels)
    return [
        f'<path d="{lines}" stroke="{PALE}"/>',
        f'<path d="M{left:g} {top:g}V{bottom:g}H{right:g}" fill="none" stroke="{GREY}"/>',
        *(text(x, bottom + 15, name, anchor="middle") for x, name in places),
        *(text(left - 6, y + 4, name, anchor="end") for y, name in levels),
        text((left + right) / 2, bottom + 32, names[0], anchor="middle"),
        text(left, top - 10, names[1]),
    ]


def curves(card: Card) -> str:
    """Loss and error of the training and validation images over the epochs."""
    curve = card["curve"]
    loss = {part: curve[f"{part}_loss"] for part in ("train", "validation")}
    error = {
        part: [max(100 * (1 - right), LEAST_ERROR) for right in curve[f"{part}_accuracy"]]
        for part in ("train", "validation")
    }
    top = max(map(max, loss.values()))
    span = min(map(min, error.values())) / 1.2, max(map(max, error.values())) * 1.2
    left = _curves(48, loss, "loss", Scale(lo=0, hi=top * 1.05, start=240, end=34))
    right = _curves(
        412, error, "wrong, %", Scale(lo=span[0], hi=span[1], start=240, end=34, log=True)
    )
    return svg(720, 284, "Loss and error over the epochs", [*left, *right])


def _curves(
    left: float, values: Mapping[str, Sequence[float]], name: str, down: Scale
) -> list[str]:
    """One plot: a line for each of `values`, an epoch a point."""
    epochs = max(map(len, values.values()))
    across = Scale(lo=0, hi=epochs, start=left, end=left + 290)
    parts = axes(across, down, ("epoch", name))
    for colour, (part, row), x in zip(COLOURS, values.items(), (180, 220), strict=False):
        points = (f"{across.at(epoch):g} {down.at(value):g}" for epoch, value in enumerate(row, 1))
        line = "L".join(points) + ("h0" if epochs == 1 else "")  # a dot, by its round ends
        style = f'fill="none" stroke="{colour}" stroke-width="1.3" stroke-linecap="round"'
        parts.append(f'<path d="M{line}" {style}/>')
        parts.append(text(left + x, 24, part, fill=colour))
    return parts


def confusion(card: Card) -> str:
    """How often each class of the test set was taken for each other; nothing where it never was."""
    counts = np.asarray(card["confusion"])
    classes = len(counts)
    cell, small = (32, 11) if classes <= FEW_CLASSES else (18, 7.5)
    short = max(map(len, card["classes"])) <= SHORT_NAME
    names = card["classes"] if short else [str(index) for index in range(classes)]
    left, side, shift = 52, cell * classes, small * 0.36
    most = max(1, int((counts * (1 - np.eye(classes, dtype=int))).max()))
    right: list[str] = []
    wrong: list[str] = []
    boxes: dict[int, list[str]] = {}  # of the classes that were confused, by how often
    for (row, column), count in np.ndenumerate(counts):
        x, y = left + cell * column, left + cell * row
        if count:
            written = text(x + cell / 2, y + cell / 2 + shift, count)
            (right if row == column else wrong).append(written)
        if count and row != column:
            boxes.setdefault(int(count), []).append(f"M{x} {y}h{cell}v{cell}h-{cell}z")
    shades = [
        f'<path d="{"".join(places)}" fill-opacity="{0.12 + 0.7 * math.sqrt(count / most):.2f}"/>'
        for count, places in sorted(boxes.items())
    ]
    middles = [(left + cell * (index + 0.5), name) for index, name in enumerate(names)]
    steps = [left + cell * index for index in range(classes + 1)]
    lines = "".join(f"M{step} {left}v{side}M{left} {step}h{side}" for step in steps)
    diagonal = "".join(f"M{step} {step}h{cell}v{cell}h-{cell}z" for step in steps[:-1])
    half = left + side / 2
    parts = [
        f'<path d="{diagonal}" fill="#f3f3f3"/><path d="{lines}" stroke="{PALE}"/>',
        f'<g fill="{RED}">\n' + "\n".join(shades) + "\n</g>",
        f'<g text-anchor="middle" font-size="{small}">',
        *wrong,
        *(text(middle, left - 6, name) for middle, name in middles),
        *(text(left - 10, middle + shift, name) for middle, name in middles),
        f'<g fill="{GREY}">\n' + "\n".join(right) + "\n</g>\n</g>",
        text(half, 24, "the network says", anchor="middle"),
        text(20, half, "the image is", anchor="middle", transform=f"rotate(-90 20 {half:g})"),
    ]
    return svg(left + side + 12, left + side + 12, "Confusions on the test images", parts)


def comparison(cards: Sequence[Card], originals: Mapping[str, float]) -> str:
    """Error over size: a dot a network, and a ring where its original stands.

    `originals`: the accuracy of a network's original, by the network's name.
    """
    errors = {card["network"]: _error(card["test_accuracy"]) for card in cards}
    rings = {name: _error(accuracy) for name, accuracy in originals.items() if name in errors}
    sizes = {card["network"]: card["parameters"] / 1000 for card in cards}
    both = [*errors.values(), *rings.values()]
    across = Scale(
        lo=min(sizes.values()) / 1.5, hi=max(sizes.values()) * 3, start=52, end=700, log=True
    )
    down = Scale(lo=min(both) / 1.4, hi=max(both) * 1.4, start=330, end=40, log=True)
    parts = axes(across, down, ("1-bit weights, thousands", "wrong on the test images, %"))
    sets = sorted({card["data"] for card in cards})
    colours = dict(zip(sets, COLOURS, strict=False))
    places = {name: (across.at(sizes[name]), down.at(error)) for name, error in errors.items()}
    for card in cards:
        name, colour = card["network"], colours[card["data"]]
        x, y = places[name]
        if name in rings:
            ring = down.at(rings[name])
            style = f'fill="none" stroke="{colour}"'
            parts.append(f'<path d="M{x:g} {y:g}V{ring:g}" {style} stroke-dasharray="2 3"/>')
            parts.append(f'<circle cx="{x:g}" cy="{ring:g}" r="4" fill="#fff" stroke="{colour}"/>')
        parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="4.5" fill="{colour}"/>')
        wide = 9 + LETTER * len(name)
        crowded = any(0 < right - x < wide and abs(low - y) < 12 for right, low in places.values())
        side, anchor = (-9, "end") if crowded else (9, "start")
        parts.append(text(x + side, y + 4, name, fill=colour, anchor=anchor))
    label = "Error over size; a dot is the network here, a ring its original"
    parts.append(text(700, 20, label, anchor="end", fill=GREY))
    return svg(720, 376, label, parts)


def _error(accuracy: float) -> float:
    return max(100 * (1 - accuracy), LEAST_ERROR)
