"""Words in sounds of any length: a window of one second that slides, scores, and detections."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import golden, mfcc
from onebit.golden import Outputs
from onebit.mfcc import Features, Sound
from onebit.net import Head, Net

HOP = 0.1  # s from a window to the next
THRESHOLD = 0.5  # the least score of a word that is detected
NEIGHBOURS = 3  # windows whose scores are averaged
LEAST = 2  # windows in a row that say the same word
CHUNK = 256  # windows at a time
HOUR = 3600

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heard:
    """A sound as a network hears it, in W windows of one second.

    starts: (W,) seconds; raw: (W, frames, coefficients, 1), what the network took; seconds: of the
    sound, which may end within the last window.
    """

    seconds: float
    starts: NDArray[np.float64]
    raw: NDArray[np.int16]
    outputs: Outputs
    scores: Scores  # (W, classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A word in a recording: within start..end seconds, which the windows that say it cover."""

    word: str
    start: float
    end: float
    score: float  # the largest

    @property
    def time(self) -> float:
        """The middle of the windows, where the middle of the word is to be expected."""
        return (self.start + self.end) / 2


def is_word(name: str) -> bool:
    """Whether a class is a word, and not `_silence_` or `_unknown_`, in Google's way."""
    return not name.startswith("_")


def windows(samples: int, rate: int, hop: float) -> NDArray[np.int64]:
    """The samples where windows begin, every `hop` seconds until one reaches the sound's end."""
    step = max(1, round(hop * rate))
    return np.arange(1 + max(0, math.ceil((samples - rate) / step))) * step


def hear(
    net: Net,
    how: Features,
    sound: Sound,
    hop: float = HOP,
    on_done: Callable[[int], None] = lambda count: None,
) -> Heard:
    """The integer model on every window of a sound; `on_done` hears how many more are done."""
    begins = windows(len(sound), how.rate, hop)
    raw = np.empty((len(begins), how.frames, how.coefficients, 1), np.int16)
    logits = np.empty((len(begins), net.head.classes), np.int64)
    for first in range(0, len(begins), CHUNK):
        part = slice(first, first + CHUNK)
        seconds = [mfcc.one_second(sound[begin:], how.rate) for begin in begins[part]]
        raw[part] = mfcc.raw(np.stack(seconds), how)
        logits[part] = golden.run(net, raw[part]).logits
        on_done(len(seconds))
    return Heard(
        seconds=len(sound) / how.rate,
        starts=begins / how.rate,
        raw=raw,
        outputs=Outputs(logits=logits, classes=logits.argmax(axis=1)),
        scores=scores(net.head, logits),
    )


def scores(head: Head, logits: NDArray[np.int64]) -> Scores:
    """The softmax of the source's logits, as near as `head` has them: (samples, classes).

    The source's own probabilities where cross-entropy trained it, as it does our recipes.
    """
    real = np.ldexp(logits.astype(np.float64), -head.fraction)
    powers = np.exp(real - real.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def smoothed(found: Scores) -> Scores:
    """Scores (windows, classes), averaged over NEIGHBOURS windows; over fewer at the ends."""
    side = NEIGHBOURS // 2
    parts = [found[max(0, at - side) : at + side + 1].mean(axis=0) for at in range(len(found))]
    return np.stack(parts)


def detections(
    heard: Heard, names: Sequence[str], threshold: float = THRESHOLD
) -> tuple[Detection, ...]:
    """Where at least LEAST windows in a row have the same word as best class, `threshold` or more.

    Judged by the smoothed scores.
    """
    found = smoothed(heard.scores)
    best = found.argmax(axis=1)
    sure = found.max(axis=1) >= threshold
    made = []
    for (label, said), group in groupby(range(len(best)), lambda at: (int(best[at]), sure[at])):
        run = list(group)
        if said and is_word(names[label]) and len(run) >= LEAST:
            made.append(
                Detection(
                    word=names[label],
                    start=float(heard.starts[run[0]]),
                    end=min(float(heard.starts[run[-1]]) + 1, heard.seconds),
                    score=float(found[run, label].max()),
                )
            )
    return tuple(made)


def false_accepts(
    net: Net, how: Features, names: Sequence[str], sounds: Iterable[Sound]
) -> dict[str, Any]:
    """How often recordings without a word are taken for one, with HOP and THRESHOLD."""
    everything = (hear(net, how, sound) for sound in sounds)
    return rate([(heard.seconds, len(detections(heard, names))) for heard in everything])


def rate(recordings: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """How much was heard and detected, of each recording's seconds and number of detections.

    per_hour is None where nothing was heard.
    """
    hours = sum(seconds for seconds, _ in recordings) / HOUR
    count = sum(found for _, found in recordings)
    return {
        "recordings": len(recordings),
        "hours": hours,
        "detections": count,
        "per_hour": count / hours if hours else None,
    }
