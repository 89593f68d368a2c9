"""Speech Commands: the wake word and the 12-class task, by the official lists or by speaker."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from onebit import system
from onebit.data import sounds
from onebit.data.files import inventory
from onebit.data.parts import MissingData, Part
from onebit.data.sounds import Clips, Material
from onebit.errors import ConfigError
from onebit.mfcc import Sound

FOLDER = "speech_commands"
SILENCE, UNKNOWN, OTHER = "_silence_", "_unknown_", "_other_"  # what begins with "_" is no word
WAKE_WORD = "happy"
HAPPY = (OTHER, WAKE_WORD)
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
TWELVE = (*COMMANDS, SILENCE, UNKNOWN)

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}  # the rest is training
NOISE = "_background_noise_"
# The share of each background recording that a part hears. What follows those of `train` and
# `validation` is never learnt or chosen from: false accepts are counted there.
SHARES = {"train": (0.0, 0.6), "validation": (0.6, 0.7), "test": (0.7, 1.0)}
SECOND, EVERY = 1000, 500  # ms: a cut of a recording, and from one to the next
RATE = 16_000  # samples a second, as the data set is recorded
LEAST = 500  # clips of a command to learn from; the whole data set has 3,000
TESTING = 5  # one speaker in so many tests, where the official lists do not part the speakers
AGAIN = "unpack the data set anew"


class Row(NamedTuple):
    """A clip, or a cut of a recording."""

    name: str  # the file, from the data set's folder
    start: int  # ms into it
    label: str
    group: str  # the speaker; what has none is a group of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Speech Commands as it lies there, whole or in part; files in order, with their stamps."""

    place: Path
    words: Mapping[str, str]  # the clips of all words
    silence: Mapping[str, str]  # the clips without a word, of the official test set
    noise: Mapping[str, str]  # the background recordings
    listed: Mapping[str, str]  # `validation` or `test` by clip, as the official lists say

    def of(self, part: str) -> list[str]:
        """The clips of a part by the official lists."""
        return [name for name in self.words if self.listed.get(name, "train") == part]


def find_speech(task: str, part: str) -> Part:
    """A part of one of the TASKS on Speech Commands."""
    found = locate(task)
    classes, rows_of = TASKS[task]
    rows = rows_of(found, part)
    for label in classes:
        if not any(row.label == label for row in rows):
            raise MissingData(
                f"there is no {part} clip of {label!r} in {str(found.place)!r}", hint=_hint(task)
            )
    stamps = {**found.words, **found.silence, **found.noise}
    clips = Clips(
        place=found.place,
        names=tuple(row.name for row in rows),
        starts=tuple(row.start for row in rows),
        stamps=tuple(stamps[row.name] for row in rows),
        labels=np.array([classes.index(row.label) for row in rows], np.int64),
        groups=np.unique([row.group for row in rows], return_inverse=True)[1],
    )
    key = f"{task}-{part}"
    return Part(
        images=len(rows),
        layout="folders by word",
        where=str(found.place),
        read=partial(sounds.read, clips, key),
        changed=partial(sounds.read_changed, clips, key, _material(found, classes, rows)),
    )


def _material(found: Found, classes: Sequence[str], rows: Sequence[Row]) -> Material:
    """What changed copies of `rows` are made of."""
    by_word: dict[str, list[str]] = {}
    for row in rows:
        if row.name in found.words:
            by_word.setdefault(row.name.partition("/")[0], []).append(row.name)

    def sounds_of(wanted: bool) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(by_word[word]) for word in by_word if (word in classes) == wanted)

    return Material(
        place=found.place,
        noise=tuple(found.noise),
        stamps=tuple(found.noise.values()),
        share=SHARES["train"][1],
        wanted=sounds_of(True),
        others=sounds_of(False),
    )


def _hint(task: str) -> str:
    return f"`onebit data {task}` says where it comes from"


def locate(task: str) -> Found:
    """The data set as `task` finds it; MissingData where there is none."""
    place = system.data_dir() / FOLDER
    if not place.is_dir():
        raise MissingData(f"the data set's folder {str(place)!r} does not exist", hint=_hint(task))
    below = sorted(entry.name for entry in place.iterdir() if entry.is_dir())
    words = {
        name: stamp
        for word in below
        if not word.startswith(("_", "."))
        for name, stamp in _wavs(place, word).items()
    }
    if not words:
        raise MissingData(f"there is no clip of a word in {str(place)!r}", hint=_hint(task))
    return Found(
        place=place,
        words=words,
        silence=_wavs(place, SILENCE) if SILENCE in below else {},
        noise=_wavs(place, NOISE) if NOISE in below else {},
        listed={name: part for part in LISTS for name in _list(place, part, words)},
    )


def _wavs(place: Path, below: str) -> dict[str, str]:
    """The wav files of a folder in order, with their stamps."""
    stamps = inventory(place, below)
    return {name: stamps[name] for name in sorted(stamps) if name.lower().endswith(".wav")}


def _list(place: Path, part: str, words: Mapping[str, str]) -> list[str]:
    """The clips that the official list of a part names, all of which must be there."""
    file = place / LISTS[part]
    try:
        listed = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as reason:
        raise ConfigError(f"cannot read the list {str(file)!r}: {reason}", hint=AGAIN) from None
    absent = [(line, name) for line, name in enumerate(listed, 1) if name not in words]
    if absent:
        line, name = absent[0]
        more = f", and {len(absent) - 1} more that it lists" if len(absent) > 1 else ""
        raise ConfigError(
            f"the clip {str(place / name)!r} is missing, which {str(file)!r}, line {line}, "
            f"lists{more}",
            hint=AGAIN,
        )
    return listed


def wake_word(found: Found, part: str) -> list[Row]:
    """One word against all others and noise; the official test set's silence tests."""
    rows = _spoken(found, found.of(part), (WAKE_WORD,), OTHER)
    return rows + (_silent(found, OTHER) if part == "test" else _cuts(found, part, OTHER))


def twelve(found: Found, part: str) -> list[Row]:
    """Ten commands; of other words and of silence as many as of a mean command, or what there is.

    The official test set's silence tests, all of it; without it, cuts of what is never learnt do.
    """
    spoken = _spoken(found, found.of(part), COMMANDS, UNKNOWN)
    commands = [row for row in spoken if row.label != UNKNOWN]
    if part == "train":
        _check_whole(found, Counter(row.label for row in commands))
    count = round(len(commands) / len(COMMANDS))
    others = sorted(
        (row for row in spoken if row.label == UNKNOWN), key=lambda row: _chance(row.name)
    )
    if part == "test" and found.silence:
        silence = _silent(found, SILENCE)
    else:
        cuts = _cuts(found, part, SILENCE)
        kept = min(count, len(cuts))
        silence = [cuts[index * len(cuts) // kept] for index in range(kept)]
    return commands + silence + sorted(others[:count])


def twelve_by_speaker(found: Found, part: str) -> list[Row]:
    """The twelve classes within the official test clips, for who has no others.

    Groups are parted by the SHA-1 of their names: a multiple of TESTING tests.
    """
    rows = _spoken(found, found.of("test"), COMMANDS, UNKNOWN) + _silent(found, SILENCE)
    return [row for row in rows if (_chance(row.group) % TESTING == 0) == (part == "test")]


# The classes of each task, and what its parts are made of.
TASKS: Mapping[str, tuple[tuple[str, ...], Callable[[Found, str], list[Row]]]] = {
    "speech_happy": (HAPPY, wake_word),
    "speech_12": (TWELVE, twelve),
    "speech_12_speakers": (TWELVE, twelve_by_speaker),
}


def background(rate: int, part: str | None = None) -> list[Sound]:
    """What `part` hears of each background recording, or all of it: [n] at `rate`; or nothing."""
    place = system.data_dir() / FOLDER
    if not (place / NOISE).is_dir():
        return []
    low, high = (0.0, 1.0) if part is None else SHARES[part]
    whole = [sounds.sound_of(place / name, rate) for name in _wavs(place, NOISE)]
    return [sound[int(low * len(sound)) : int(high * len(sound))] for sound in whole]


def _check_whole(found: Found, clips: Counter[str]) -> None:
    """MissingData where a command has too few clips to learn it."""
    least = min(COMMANDS, key=lambda word: clips[word])
    if clips[least] < LEAST:
        raise MissingData(
            f"there are {clips[least]} clips of {least!r} to learn from in {str(found.place)!r}, "
            f"fewer than {LEAST}: it holds a part of Speech Commands",
            hint='data = "speech_12_speakers" learns from the official test clips; '
            f"{_hint('speech_12')}",
        )


def _chance(text: str) -> int:
    """A number that looks random and is the same everywhere."""
    return int(hashlib.sha1(text.encode()).hexdigest(), 16)


def _spoken(found: Found, names: list[str], wanted: tuple[str, ...], other: str) -> list[Row]:
    """Clips of words: those of `wanted` ones as such, the rest as `other`."""
    rows = []
    for name in names:
        match = re.fullmatch(r"([^/]+)/([^/]+)_nohash_\d+\.wav", name)
        if match is None:
            raise ConfigError(
                f"the clip {str(found.place / name)!r} is not named <speaker>_nohash_<number>.wav",
                hint="name it so, or move it away",
            )
        word, speaker = match.groups()
        rows.append(Row(name, 0, word if word in wanted else other, speaker))
    return rows


def _silent(found: Found, label: str) -> list[Row]:
    return [Row(name, 0, label, name) for name in found.silence]


def _cuts(found: Found, part: str, label: str) -> list[Row]:
    """Whole seconds of what `part` hears of the background recordings."""
    if not found.noise:
        raise ConfigError(
            f"there is no background recording in {str(found.place / NOISE)!r}", hint=AGAIN
        )
    rows = []
    for name in found.noise:
        length = len(sounds.sound_of(found.place / name, RATE)) * 1000 // RATE
        low, high = (share * length for share in SHARES[part])
        starts = range(math.ceil(low), math.floor(high) - SECOND + 1, EVERY)
        rows += [Row(name, start, label, f"{name} {start}") for start in starts]
    return rows
