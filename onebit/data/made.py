"""Words that nobody says, made of pieces of spoken ones: what a wake word must be told from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onebit.data.changes import placed, power
from onebit.mfcc import Sound

# How many pieces a made-up word has, and how often; 0 is another word as it was spoken.
PIECES, OFTEN = (0, 1, 2, 6), (0.25, 0.15, 0.25, 0.35)
STRETCH = 0.3  # of a piece in time and pitch, either way, as a logarithm
LOUDNESS = 0.05  # of a grain, in the mean
FADE = 0.006  # s at both ends of a piece
REVERSED = 0.3  # share of the pieces
LATEST = 0.3  # s, where a made-up word begins at most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spoken:
    """Sounds of words by word: those that are listened for, and all others."""

    wanted: Sequence[Sequence[Sound]]
    others: Sequence[Sequence[Sound]]


def made_up(spoken: Spoken, rate: int, generator: np.random.Generator) -> Sound:
    """A sound of one second, [rate], that is none of the wanted words."""
    count = generator.choice(PIECES, p=OFTEN)
    if count == 0:
        pieces = [stretched(chosen(spoken.others, generator), generator)]
    elif count == 1:
        pieces = [half(spoken, generator.random() < 0.5, generator)]
    elif count == 2:
        pieces = [half(spoken, False, generator), half(spoken, True, generator, others=True)]
    else:
        pieces = [grain(spoken, generator) for _ in range(count)]
    whole = np.concatenate([faded(piece, rate) for piece in pieces])
    return placed(whole, rate, int(generator.uniform(0, LATEST) * rate))


def other(spoken: Spoken, generator: np.random.Generator) -> Sound:
    """A sound of a word that is none of the wanted ones, stretched; each word comes as often."""
    sounds = spoken.others[int(generator.integers(len(spoken.others)))]
    return stretched(sounds[int(generator.integers(len(sounds)))], generator)


def half(
    spoken: Spoken, end: bool, generator: np.random.Generator, *, others: bool = False
) -> Sound:
    """The beginning or the end of a word: that of a wanted one alone is not it."""
    words = spoken.others if others else [*spoken.wanted, *spoken.others]
    middle = generator.uniform(0.3, 0.7)
    span = (middle, 0.98) if end else (0.02, middle)
    return piece(chosen(words, generator), *span, generator)


def grain(spoken: Spoken, generator: np.random.Generator) -> Sound:
    """A short piece of any word, about as loud as all others."""
    start = generator.uniform(0.02, 0.8)
    found = piece(
        chosen([*spoken.wanted, *spoken.others], generator),
        start,
        start + generator.uniform(0.1, 0.25),
        generator,
    )
    return found * np.float32(
        LOUDNESS * np.exp(generator.normal(0, 0.6)) / (power(found) ** 0.5 + 1e-4)
    )


def piece(sound: Sound, low: float, high: float, generator: np.random.Generator) -> Sound:
    """What lies between two shares of the energy of `sound`, stretched, perhaps backwards."""
    energy = np.cumsum(sound**2)
    first, last = np.searchsorted(energy, np.array([low, high]) * energy[-1]).tolist()
    found = stretched(sound[first : last + 1], generator)
    return found[::-1] if generator.random() < REVERSED else found


def stretched(sound: Sound, generator: np.random.Generator) -> Sound:
    """`sound` slower and deeper, or faster and higher."""
    step = np.exp(generator.uniform(-STRETCH, STRETCH))
    at = np.arange(0, len(sound), step)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


def chosen(words: Sequence[Sequence[Sound]], generator: np.random.Generator) -> Sound:
    """A sound of a word; words of many sounds come more often, by the root of their number."""
    often = np.sqrt([len(sounds) for sounds in words])
    sounds = words[int(generator.choice(len(words), p=often / often.sum()))]
    return sounds[int(generator.integers(len(sounds)))]


def faded(sound: Sound, rate: int) -> Sound:
    """`sound` rising from nothing and falling to nothing."""
    ramp = np.arange(1, len(sound) + 1) / (FADE * rate)
    return sound * np.minimum(1, np.minimum(ramp, ramp[::-1])).astype(np.float32)
