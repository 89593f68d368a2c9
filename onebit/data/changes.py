"""Changed copies of a sound, to learn from: later, faster, louder, in noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onebit.mfcc import Sound

LOUDER = (-10, 6)  # dB, the range of what every copy is made louder by
ABOVE_NOISE = (0, 25)  # dB, the range of how far a sound is above the noise it is in
BANDS = 7  # of the spectrum, whose levels differ
LEAST_POWER = 1e-9  # of a sound: silence in noise is not silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How many changed copies of each sound, and how far from it they may be."""

    versions: int
    shift: float  # seconds either way
    speed: float  # fraction of its own, either way; pitch follows
    tone: float  # dB, how far each part of the spectrum is made louder or softer
    noise: float  # share of the copies that are in background noise
    made: float  # share of the copies of what is no wanted word that are made-up words instead
    spoken: float = 0.0  # share of them that are any other word, each word as often


def changed(
    sound: Sound,
    noises: Sequence[Sound],
    rate: int,
    how: Changes,
    generator: np.random.Generator,
) -> Sound:
    """A changed copy of `sound` [n], one second of `rate` samples."""
    speed = 1 + how.speed * generator.uniform(-1, 1)
    faster = np.interp(np.arange(0, len(sound) - 1, speed), np.arange(len(sound)), sound)
    later = how.shift * generator.uniform(-1, 1) * rate
    made = placed(faster, rate, round((rate - len(faster)) / 2 + later))
    made = toned(made, how.tone, generator)
    made *= 10 ** (generator.uniform(*LOUDER) / 20)
    if generator.random() < how.noise:
        noise = noises[int(generator.integers(len(noises)))]
        start = int(generator.integers(len(noise) - rate + 1))
        wanted = max(power(made), LEAST_POWER) * 10 ** (-generator.uniform(*ABOVE_NOISE) / 10)
        heard = noise[start : start + rate]
        made += heard * np.sqrt(wanted / max(power(heard), LEAST_POWER))
    return made.clip(-1, 1).astype(np.float32)


def toned(sound: Sound, by: float, generator: np.random.Generator) -> Sound:
    """`sound` through another microphone: BANDS levels, `by` dB apart in the mean."""
    waves = np.fft.rfft(sound)
    levels = generator.normal(0, by, BANDS)
    level = np.interp(np.linspace(0, BANDS - 1, len(waves)), np.arange(BANDS), levels)
    return np.fft.irfft(waves * 10 ** (level / 20), len(sound)).astype(np.float32)


def placed(sound: Sound, length: int, start: int) -> Sound:
    """What of `sound`, beginning at `start`, falls into `length` samples; zeros around it."""
    made = np.zeros(length, sound.dtype)
    first, last = max(0, start), min(length, start + len(sound))
    if first < last:
        made[first:last] = sound[first - start : last - start]
    return made


def power(sound: Sound) -> float:
    """The mean square."""
    return float(np.mean(sound**2))
