"""Speech Commands: who is in which part, what is said of damage, features and changed copies."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.random import Generator
from scipy.io import wavfile

from onebit import data, mfcc, system
from onebit.data import Changes, sounds, speech
from onebit.data.speech import COMMANDS, NOISE, TWELVE
from onebit.errors import ConfigError
from onebit.mfcc import Features

RATE = 16_000
SMALL = Features(rate=4000, frames=20, coefficients=5, mels=10, window=256, top=2000)
CHANGES = Changes(versions=3, shift=0.2, speed=0.1, tone=3, noise=0.5, made=0)
WORDS = (*COMMANDS, "bed", "cat", "happy")
# By the official lists; of the two that test, tt tests by its SHA-1 too, and uu does not.
SPEAKERS = {"train": ("aa", "bb", "cc", "dd"), "validation": ("vv",), "test": ("tt", "uu")}
SILENT = range(8)  # of these, 1 and 4 test by their SHA-1
# Of a recording of 10 s and one of 20 s: whole seconds, every half one, of 60, 10 and 30 %.
STARTS = {
    "train": (range(0, 5001, 500), range(0, 11001, 500)),
    "validation": ([6000], range(12000, 13001, 500)),
    "test": (range(7000, 9001, 500), range(14000, 19001, 500)),
}


def put(file: Path, seconds: float, seed: int = 0, rate: int = RATE) -> None:
    """A wav file of noise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * rate))
    wavfile.write(file, rate, sound.astype(np.int16))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small Speech Commands, of which 4 clips teach a command; the cache is `tmp_path`/cache."""
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ONEBIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(speech, "LEAST", 4)
    place = tmp_path / "data" / "speech_commands"
    for number, word in enumerate(WORDS):
        for speaker in (name for part in SPEAKERS.values() for name in part):
            put(place / word / f"{speaker}_nohash_{number}.wav", 0.05, number)
    for number in SILENT:
        put(place / "_silence_" / f"{number}.wav", 0.05, number)
    put(place / NOISE / "a.wav", 10, 1)
    put(place / NOISE / "b.wav", 20, 2, rate=8000)
    (place / NOISE / "README.md").touch()
    (place / "bed" / ".DS_Store").touch()
    (place / "LICENSE").touch()
    for part, name in (("validation", "validation_list.txt"), ("test", "testing_list.txt")):
        lines = [
            f"{word}/{speaker}_nohash_{number}.wav\n"
            for number, word in enumerate(WORDS)
            for speaker in SPEAKERS[part]
        ]
        (place / name).write_text("".join(lines))
    return place


def clips(name: str, part: str) -> sounds.Clips:
    """What a part is made of."""
    found = data.find(name, part)
    listing = found.read.args[0]
    assert found.images == len(listing.names) == len(listing.starts) == len(listing.stamps)
    return listing


def counts(name: str, part: str) -> dict[str, int]:
    """Clips by class."""
    labels = clips(name, part).labels.tolist()
    return dict(Counter(data.classes(name)[label] for label in labels))


def cuts(listing: sounds.Clips) -> list[tuple[str, int]]:
    """(recording, start in ms) of what is cut out of recordings."""
    pairs = zip(listing.names, listing.starts, strict=True)
    return [(name, start) for name, start in pairs if name.startswith(NOISE)]


def speakers(listing: sounds.Clips) -> set[str]:
    clips = (name for name in listing.names if not name.startswith("_"))
    return {clip.split("/")[1].split("_nohash_")[0] for clip in clips}


def noise_of(part: str) -> list[tuple[str, int]]:
    return [
        (f"{NOISE}/{name}.wav", start)
        for name, starts in zip("ab", STARTS[part], strict=True)
        for start in starts
    ]


def test_the_wake_words_parts_are_the_official_lists_and_noise(folder: Path) -> None:
    for part, names in SPEAKERS.items():
        listing = clips("speech_happy", part)
        assert speakers(listing) == set(names)
        assert cuts(listing) == ([] if part == "test" else noise_of(part))
        silent = [name for name in listing.names if name.startswith("_silence_")]
        assert len(silent) == (len(SILENT) if part == "test" else 0)
        happy = [name.startswith("happy/") for name in listing.names]
        assert listing.labels.tolist() == happy
        assert sum(happy) == len(names)
        assert len(happy) == 13 * len(names) + len(silent) + len(cuts(listing))


def test_a_group_is_a_speaker_or_a_sound_without_one(folder: Path) -> None:
    listing = clips("speech_happy", "train")
    assert listing.groups is not None and listing.groups.dtype == np.int64
    by_group: dict[int, set[str]] = {}
    for name, start, group in zip(listing.names, listing.starts, listing.groups, strict=True):
        who = f"{name} {start}" if name.startswith("_") else name.split("/")[1][:2]
        by_group.setdefault(int(group), set()).add(who)
    assert all(len(members) == 1 for members in by_group.values())
    assert len(by_group) == len(SPEAKERS["train"]) + len(noise_of("train"))


def test_the_wake_words_test_needs_no_silence(folder: Path) -> None:
    shutil.rmtree(folder / "_silence_")
    assert counts("speech_happy", "test") == {"_other_": 24, "happy": 2}


def test_twelve_classes_are_even(folder: Path) -> None:
    for part, count in (("train", 4), ("validation", 1)):
        assert counts("speech_12", part) == dict.fromkeys(TWELVE, count)
    assert counts("speech_12", "test") == {**dict.fromkeys(TWELVE, 2), "_silence_": len(SILENT)}
    for part, names in SPEAKERS.items():
        listing = clips("speech_12", part)
        assert speakers(listing) <= set(names)
        assert set(cuts(listing)) <= set(noise_of(part))
        labels = [TWELVE[label] for label in listing.labels]
        for name, label in zip(listing.names, labels, strict=True):
            word = name.partition("/")[0]
            assert label == (word if word in COMMANDS else "_silence_" if word[0] == "_" else label)
            assert (label == "_unknown_") == (word in ("bed", "cat", "happy"))


def test_silence_is_spread_over_the_recordings(folder: Path) -> None:
    assert cuts(clips("speech_12", "train")) == [noise_of("train")[i] for i in (0, 8, 17, 25)]


def test_unknown_words_are_drawn_by_hash(folder: Path) -> None:
    names = clips("speech_12", "train").names
    drawn = [name for name in names if name.partition("/")[0] in ("bed", "cat", "happy")]
    files = ("bed/dd_nohash_10", "cat/dd_nohash_11", "happy/bb_nohash_12", "happy/dd_nohash_12")
    assert drawn == [f"{file}.wav" for file in files]


def test_without_official_silence_the_recordings_ends_test(folder: Path) -> None:
    shutil.rmtree(folder / "_silence_")
    assert cuts(clips("speech_12", "test")) == [noise_of("test")[i] for i in (0, 8)]
    assert counts("speech_12", "test") == dict.fromkeys(TWELVE, 2)


def test_twelve_classes_want_the_whole_data_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "LEAST", 5)
    (folder / "up" / "aa_nohash_2.wav").unlink()
    with pytest.raises(ConfigError, match="there are 3 clips of 'up' to learn from in") as caught:
        data.load("speech_12")
    assert "fewer than 5: it holds a part of Speech Commands" in caught.value.message
    assert (
        "speech_12_speakers" in caught.value.hint and "onebit data speech_12" in caught.value.hint
    )


def test_speakers_of_the_test_list_are_parted_by_hash(folder: Path) -> None:
    train, test = clips("speech_12_speakers", "train"), clips("speech_12_speakers", "test")
    assert speakers(test) == {"tt"}
    assert speakers(train) == {"uu"}
    assert [name for name in test.names if name[0] == "_"] == ["_silence_/1.wav", "_silence_/4.wav"]
    assert not cuts(train) + cuts(test)
    each = {**dict.fromkeys(TWELVE, 1), "_unknown_": 3}
    assert counts("speech_12_speakers", "train") == {**each, "_silence_": 6}
    assert counts("speech_12_speakers", "test") == {**each, "_silence_": 2}
    assert data.load("speech_12_speakers", SMALL).validation is None


def test_features_are_those_of_the_files(folder: Path) -> None:
    found = data.load("speech_happy", SMALL)
    assert found.classes == ("_other_", "happy")
    assert found.validation is not None and found.train.versions is None
    splits = (found.train, found.validation, found.test)
    for part, split in zip(SPEAKERS, splits, strict=True):
        listing = clips("speech_happy", part)
        assert split.images.shape == (len(listing.names), 20, 5, 1)
        assert split.images.dtype == np.int16
        assert (split.labels == listing.labels).all()
        assert split.groups is not None and (split.groups == listing.groups).all()
        for index in (0, 7, len(listing.names) - 1):
            sound = mfcc.read(folder / listing.names[index], SMALL.rate)
            start = listing.starts[index] * SMALL.rate // 1000
            second = mfcc.one_second(sound[start:], SMALL.rate)
            assert (split.images[index] == mfcc.raw(second[np.newaxis], SMALL)[0]).all()
    assert (data.load_test("speech_happy", SMALL).images == found.test.images).all()


def test_usual_features_are_the_default(folder: Path) -> None:
    assert data.load_test("speech_12_speakers").images.shape[1:] == (50, 13, 1)


def test_features_are_computed_until_a_file_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cached() -> list[Path]:
        return list((tmp_path / "cache").rglob("*.npy"))

    first = data.load("speech_happy", SMALL, changes=CHANGES)
    assert len(cached()) == 4
    other = Features(rate=4000, frames=20, coefficients=4, mels=10, window=256, top=2000)
    data.load_test("speech_happy", other)
    assert len(cached()) == 5  # another form takes no other's place
    with monkeypatch.context() as patch:
        patch.setattr(sounds, "features", Mock(side_effect=NotImplementedError))
        patch.setattr(sounds, "versions", Mock(side_effect=NotImplementedError))
        patch.setattr(system, "cores", lambda: 1)
        again = data.load("speech_happy", SMALL, changes=CHANGES)
        assert (again.train.images == first.train.images).all()
        assert again.train.versions is not None and first.train.versions is not None
        assert (again.train.versions == first.train.versions).all()
        with pytest.raises(NotImplementedError):  # a version more is another array
            data.load("speech_happy", SMALL, changes=replace(CHANGES, versions=4))
    put(folder / "happy" / "tt_nohash_12.wav", 0.07, 99)
    index = clips("speech_happy", "test").names.index("happy/tt_nohash_12.wav")
    renewed = data.load_test("speech_happy", SMALL)
    assert (renewed.images != first.test.images).any(axis=(1, 2, 3)).nonzero()[0].tolist() == [
        index
    ]
    assert len(cached()) == 5  # the stale one is gone
    (file,) = (tmp_path / "cache" / "sounds").glob("speech_happy-validation-*/*.npy")
    file.write_bytes(file.read_bytes()[:200])
    assert first.validation is not None
    mended = data.load("speech_happy", SMALL).validation
    assert mended is not None and (mended.images == first.validation.images).all()


def test_versions_differ_and_are_the_same_in_one_process_and_two(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def versions(cores: int, count: int) -> np.ndarray:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        monkeypatch.setattr(system, "cores", lambda: cores)
        found = data.load("speech_happy", SMALL, changes=replace(CHANGES, versions=count))
        assert found.train.versions is not None and found.test.versions is None
        assert found.validation is not None and found.validation.versions is None
        return found.train.versions

    monkeypatch.setattr(sounds, "CHUNK", 16)
    alone = versions(1, 3)
    assert alone.shape == (3, len(clips("speech_happy", "train").names), 20, 5, 1)
    assert alone.dtype == np.int16
    assert (versions(2, 3) == alone).all()
    assert (versions(2, 2) == alone[:2]).all()
    assert all((alone[v] != alone[v - 1]).any(axis=(1, 2, 3)).mean() > 0.9 for v in range(3))


def test_changes_get_a_clip_once_and_noise_that_may_be_heard(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []

    def record(
        sound: mfcc.Sound, noises: list[mfcc.Sound], rate: int, how: Changes, chance: Generator
    ) -> mfcc.Sound:
        given.append((sound, noises, rate, how, chance.random()))
        return mfcc.one_second(sound, rate)

    monkeypatch.setattr(system, "cores", lambda: 1)
    monkeypatch.setattr(sounds, "changed", record)
    found = data.load("speech_happy", SMALL, changes=CHANGES)
    assert found.train.versions is not None
    assert (found.train.versions == found.train.images).all()
    listing = clips("speech_happy", "train")
    assert len(given) == len({chance for *_, chance in given}) == 3 * len(listing.names)
    sound, noises, rate, how, _ = given[0]
    assert (rate, how) == (SMALL.rate, CHANGES)
    assert len(sound) == 200  # 0.05 s: as it lies there
    assert all(len(sound) == rate for sound, *_ in given[-3 * len(cuts(listing)) :])
    for noise, name, seconds in zip(noises, "ab", (6, 12), strict=True):
        whole = mfcc.read(folder / NOISE / f"{name}.wav", rate)
        assert (noise == whole[: seconds * rate]).all()
    sounds._noises.cache_clear()
    part, read = data.find("speech_happy", "train"), Mock(wraps=mfcc.read)
    monkeypatch.setattr(mfcc, "read", read)
    assert part.changed is not None
    part.changed(SMALL, replace(CHANGES, versions=2), data.silent)
    files = [str(call.args[0].relative_to(folder)) for call in read.call_args_list]
    assert Counter(files) == Counter([*set(listing.names), *(f"{NOISE}/{n}.wav" for n in "ab")])


Damage = Callable[[Path], None]
CLIP = "cat/vv_nohash_11.wav"


def gone(name: str) -> Damage:
    """Damage: a file or folder is missing."""

    def remove(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def cut(name: str, keep: int) -> Damage:
    """Damage: only the first bytes of a file stay."""
    return lambda folder: system.write_bytes(folder / name, (folder / name).read_bytes()[:keep])


def text(name: str, content: str) -> Damage:
    return lambda folder: system.write_text(folder / name, content)


DAMAGES = {
    "no folder": (gone("."), r"the data set's folder '.*speech_commands' does not exist"),
    "no word": (
        lambda folder: [shutil.rmtree(folder / word) for word in WORDS],
        r"there is no clip of a word in '.*speech_commands'",
    ),
    "no class": (
        lambda folder: [
            shutil.rmtree(folder / "happy"),
            (folder / "testing_list.txt").write_text(""),
            (folder / "validation_list.txt").write_text(""),
        ],
        "there is no train clip of 'happy' in",
    ),
    "no list": (gone("validation_list.txt"), r"cannot read the list '.*/validation_list\.txt'"),
    "no text": (
        lambda folder: (folder / "testing_list.txt").write_bytes(b"\xff\xfe\x00"),
        r"cannot read the list '.*/testing_list\.txt'",
    ),
    "clip gone": (
        gone(CLIP),
        r"'.*/cat/vv_nohash_11\.wav' is missing, which '.*/validation_list\.txt', line 12, lists$",
    ),
    "clips gone": (
        lambda folder: [clip.unlink() for clip in folder.glob("cat/[tu]*")],
        r"tt_nohash_11\.wav' is missing, which .*, line 23, lists, and 1 more that it lists",
    ),
    "odd line": (text("testing_list.txt", "happy\n"), r"/happy' is missing, which .*, line 1, lis"),
    "odd name": (text("bed/mine.wav", ""), r"/bed/mine\.wav' is not named <speaker>_nohash_<n"),
    "empty clip": (cut(CLIP, 0), r"cannot read the sound '.*/cat/vv_nohash_11\.wav'"),
    "cut clip": (cut(CLIP, 1000), r"cannot read the sound '.*/cat/vv_nohash_11\.wav'"),
    "no sample": (cut(CLIP, 44), r"the sound '.*/cat/vv_nohash_11\.wav'"),
    "no wav": (text(CLIP, "no sound"), r"cannot read the sound '.*/cat/vv_nohash_11\.wav'"),
    "no noise": (gone(NOISE), r"no background recording in '.*/_background_noise_'"),
    "cut noise": (cut(f"{NOISE}/b.wav", 9000), r"cannot read the sound '.*_noise_/b\.wav'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(folder: Path, damage: str) -> None:
    spoil, said = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(ConfigError, match=said) as caught:
        data.load("speech_happy", SMALL)
    assert caught.value.hint


def test_changed_copies_need_noise(folder: Path) -> None:
    for name in ("a", "b"):
        put(folder / NOISE / f"{name}.wav", 1.5)
    with pytest.raises(ConfigError, match="speech_commands' has no long enough recording"):
        data.load("speech_12_speakers", SMALL, changes=CHANGES)


def test_silence_must_be_there_to_be_learnt(folder: Path) -> None:
    shutil.rmtree(folder / "_silence_")
    with pytest.raises(ConfigError, match="there is no train clip of '_silence_' in"):
        data.load("speech_12_speakers", SMALL)


def test_real_speech_commands_has_the_clips_it_should() -> None:
    """Of happy as many as published, cuts as the catalogue says, and no speaker in two parts."""
    lists = {part: clips("speech_happy", part) for part in SPEAKERS}
    happy = [int(listing.labels.sum()) for listing in lists.values()]
    assert happy == [1369, 189, 186]
    published = {"train": 84_843, "validation": 9_981, "test": 11_005}
    for part, listing in lists.items():
        wordless = sum(name.startswith("_") for name in listing.names)
        assert published[part] + wordless == data.SETS["speech_happy"].parts[part]
    ours = [clips("speech_12_speakers", part) for part in ("train", "test")]
    train, validation, test, train_12, test_12 = map(speakers, (*lists.values(), *ours))
    assert not train & validation and not train & test and not validation & test
    assert not train_12 & test_12 and train_12 | test_12 == test
    assert min(counts("speech_12_speakers", "train").values()) == 308
    assert min(counts("speech_12_speakers", "test").values()) == 73
