"""Recorded sounds to the features of one second each, and of changed copies: once, then cached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import mfcc, system
from onebit.data.changes import Changes, changed
from onebit.data.files import Listing, computed
from onebit.data.made import Spoken, made_up, other
from onebit.data.parts import Progress, Split
from onebit.errors import ConfigError
from onebit.mfcc import Features, Sound

CACHE_VERSION = 3  # of how features and changed copies are made, in mfcc and changes too
CHUNK = 128  # sounds that a process works on at a time
SEED = 1  # of the changes

Cut = tuple[int, str, int]  # its index, the file, where it begins there in ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips(Listing):
    """Sounds of up to a second, and cuts of longer ones; those of one file lie side by side."""

    starts: tuple[int, ...]  # ms into its file where each begins

    @property
    def cuts(self) -> list[Cut]:
        """What to read, and from where."""
        return list(zip(range(len(self.names)), self.names, self.starts, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What changed copies are made of, besides their own sound: files in a folder."""

    place: Path
    noise: tuple[str, ...]  # long recordings
    stamps: tuple[str, ...]  # theirs
    share: float  # of each recording, its beginning
    wanted: tuple[tuple[str, ...], ...]  # the sounds that teach, by word: what is listened for,
    others: tuple[tuple[str, ...], ...]  # and all others, which may be replaced by made-up words


def sound_of(path: Path, rate: int) -> Sound:
    """`mfcc.read`, whose errors become ConfigErrors."""
    try:
        return mfcc.read(path, rate)
    except (ValueError, OSError) as reason:
        raise ConfigError(str(reason), hint="put the original file there again") from None


def read(clips: Clips, key: str, how: Features, progress: Progress) -> Split:
    """The features of `clips`, from the cache where it has them.

    The cache keeps one array for each `key` and `how`; edited files make it anew.
    """
    images = computed(
        partial(features, clips.place, how),
        clips.cuts,
        chunk=CHUNK,
        like=np.empty((how.frames, how.coefficients, 1), np.int16),
        file=_file(clips, key, how),
        what=f"features of {key}",
        progress=progress,
    )
    return Split(images=images, labels=clips.labels, groups=clips.groups)


def read_changed(
    clips: Clips, key: str, material: Material, how: Features, changes: Changes, progress: Progress
) -> NDArray[np.int16]:
    """The features of changed copies of `clips`, cached alike: [V, N, frames, coefficients, 1]."""
    copies = computed(
        partial(versions, material, how, changes),
        clips.cuts,
        chunk=CHUNK,
        like=np.empty((changes.versions, how.frames, how.coefficients, 1), np.int16),
        file=_file(clips, key, (how, changes), material),
        what=f"changed copies of {key}",
        progress=progress,
    )
    return copies.swapaxes(0, 1)


def _file(clips: Clips, key: str, how: object, material: Material | None = None) -> Path:
    """Where the cache keeps what is made of `clips`: a folder for each `how`."""
    kind = hashlib.sha256(repr(how).encode()).hexdigest()[:8]
    file = f"{clips.digest(CACHE_VERSION, clips.starts, material)}.npy"
    return system.cache_dir() / "sounds" / f"{key}-{kind}" / file


def features(place: Path, how: Features, cuts: Sequence[Cut]) -> NDArray[np.int16]:
    """[N, frames, coefficients, 1] of files in `place`."""
    seconds = [mfcc.one_second(sound, how.rate) for *_, sound in _sounds(place, how.rate, cuts)]
    return mfcc.raw(np.stack(seconds), how)


def versions(
    material: Material, how: Features, changes: Changes, cuts: Sequence[Cut]
) -> NDArray[np.int16]:
    """[N, V, frames, coefficients, 1] of files; what chance does, the index decides."""
    noises = _noises(material, how.rate)
    others = {name for names in material.others for name in names}
    replaced = others if changes.made + changes.spoken else set()
    made = []
    for index, name, sound in _sounds(material.place, how.rate, cuts):
        copies = []
        for version in range(changes.versions):
            chance = np.random.default_rng((SEED, index, version))
            source, draw = sound, chance.random() if name in replaced else 1.0
            if draw < changes.made:
                source = made_up(_spoken(material, how.rate), how.rate, chance)
            elif draw < changes.made + changes.spoken:
                source = other(_spoken(material, how.rate), chance)
            copies.append(changed(source, noises, how.rate, changes, chance))
        made.append(mfcc.raw(np.stack(copies), how))
    return np.stack(made)


def _sounds(place: Path, rate: int, cuts: Sequence[Cut]) -> Iterator[tuple[int, str, Sound]]:
    """The index, the file and up to a second of each cut; a file is read once."""
    for name, own in groupby(cuts, key=lambda cut: cut[1]):
        sound = sound_of(place / name, rate)
        for index, _, start in own:
            at = start * rate // 1000
            yield index, name, sound[at : at + rate]


@lru_cache(maxsize=1)  # once a process
def _noises(material: Material, rate: int) -> tuple[Sound, ...]:
    """The beginnings of the recordings, those that last a second."""
    whole = (sound_of(material.place / name, rate) for name in material.noise)
    heard = (sound[: int(material.share * len(sound))] for sound in whole)
    kept = tuple(sound for sound in heard if len(sound) >= rate)
    if not kept:
        raise ConfigError(
            f"{str(material.place)!r} has no long enough recording of noise to change sounds with",
            hint="unpack the data set anew",
        )
    return kept


@lru_cache(maxsize=1)
def _spoken(material: Material, rate: int) -> Spoken:
    """All sounds that teach: some hundred MiB."""

    def read_all(words: tuple[tuple[str, ...], ...]) -> list[list[Sound]]:
        return [[sound_of(material.place / name, rate) for name in names] for names in words]

    return Spoken(wanted=read_all(material.wanted), others=read_all(material.others))
