"""The picture of a recording as SVG: its waveform, the score of each word, what was detected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onebit.listen import Detection, Heard, is_word, smoothed
from onebit.mfcc import Sound
from onebit.plots import COLOURS, GREY, LETTER, Scale, axes, svg, text

WORD_COLOURS = (*COLOURS, "#d62a83", "#17a2b8", "#8a8a00", "#b2182b", "#1b4f72")
WIDTH, HEIGHT, LEFT, RIGHT = 720, 340, 48, 704
WAVE = 40, 120  # pixels from top to bottom
SCORES = 300, 150  # and from bottom to top
SHADE = 0.15


def recording(
    title: str,
    sound: Sound,
    heard: Heard,
    names: Sequence[str],
    found: Sequence[Detection],
    threshold: float,
) -> str:
    """The waveform above; below the smoothed scores of the words, each in its window's middle."""
    across = Scale(lo=0, hi=heard.seconds, start=LEFT, end=RIGHT)
    down = Scale(lo=0, hi=1, start=SCORES[0], end=SCORES[1])
    words = {label: name for label, name in enumerate(names) if is_word(name)}
    colours = {
        name: WORD_COLOURS[place % len(WORD_COLOURS)] for place, name in enumerate(words.values())
    }
    limit = down.at(threshold)
    parts = [
        text(LEFT, 18, title, fill=GREY),
        *(_shade(across, one, colours[one.word]) for one in found),
        _waveform(sound),
        *axes(across, down, ("time, s", "score")),
        f'<path d="M{LEFT} {limit:g}H{RIGHT}" stroke="{GREY}" stroke-dasharray="2 3"/>',
        *_lines(across, down, heard, words, colours),
        *_labels(across, found, colours),
        *_legend(colours),
    ]
    return svg(WIDTH, HEIGHT, f"{title}: sound, scores and {len(found)} detections", parts)


def _shade(across: Scale, one: Detection, colour: str) -> str:
    start, end = across.at(one.start), across.at(one.end)
    top, bottom = WAVE[0], SCORES[0]
    return (
        f'<rect x="{start:g}" y="{top}" width="{round(end - start, 1):g}" '
        f'height="{bottom - top}" fill="{colour}" fill-opacity="{SHADE}"/>'
    )


def _waveform(sound: Sound) -> str:
    """The least and largest sample of each column of pixels; the loudest fills the height."""
    columns = min(RIGHT - LEFT, len(sound))
    edges = np.linspace(0, len(sound), columns + 1).astype(int)[:-1]
    largest = float(np.abs(sound).max()) or 1.0
    wave = Scale(lo=-largest, hi=largest, start=WAVE[1], end=WAVE[0])
    places = LEFT + (np.arange(columns) + 0.5) * (RIGHT - LEFT) / columns
    ends = [reduce(sound, edges) for reduce in (np.minimum.reduceat, np.maximum.reduceat)]
    lines = (
        f"M{x:g} {wave.at(float(low)):g}V{wave.at(float(high)):g}"
        for x, low, high in zip(places, *ends, strict=True)
    )
    style = f'fill="none" stroke="{GREY}" stroke-linecap="square"'
    return f'<path d="{"".join(lines)}" {style}/>'


def _lines(
    across: Scale, down: Scale, heard: Heard, words: dict[int, str], colours: dict[str, str]
) -> list[str]:
    """A line a word; of the windows that fall on a column of pixels the largest score."""
    places = np.array([round(across.at(start + 0.5)) for start in heard.starts])
    column, first = np.unique(places, return_index=True)
    most = np.maximum.reduceat(smoothed(heard.scores), first, axis=0)
    made = []
    for label, name in words.items():
        points = (f"{x} {down.at(float(y)):g}" for x, y in zip(column, most[:, label], strict=True))
        style = f'fill="none" stroke="{colours[name]}" stroke-width="1.3"'
        made.append(f'<path d="M{"L".join(points)}" {style}/>')
    return made


def _labels(across: Scale, found: Sequence[Detection], colours: dict[str, str]) -> list[str]:
    """The detected words above their places; where these are crowded, the surest ones."""
    made: list[str] = []
    taken: list[tuple[float, float]] = []
    for one in sorted(found, key=lambda one: -one.score):
        middle, half = across.at(one.time), LETTER * (len(one.word) + 1) / 2
        if all(abs(middle - other) >= half + width for other, width in taken):
            style = {"fill": colours[one.word], "anchor": "middle"}
            made.append(text(middle, WAVE[0] - 5, one.word, **style))
            taken.append((middle, half))
    return made


def _legend(colours: dict[str, str]) -> list[str]:
    """All words in a row, each in its colour."""
    made, x = [], float(RIGHT)
    for name, colour in reversed(colours.items()):
        made.append(text(x, SCORES[1] - 10, name, fill=colour, anchor="end"))
        x -= LETTER * (len(name) + 2)
    return made
