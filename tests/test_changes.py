"""Changed copies and made-up words: within their ranges, by the generator alone, never a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.random import Generator, default_rng

from onebit.data import Changes, changes, made, sounds
from onebit.data.changes import ABOVE_NOISE, BANDS, LEAST_POWER, LOUDER, changed, placed, toned
from onebit.data.made import LATEST, OFTEN, STRETCH, Spoken, made_up
from onebit.mfcc import Features, Sound

RATE = 2000
NONE = Changes(versions=1, shift=0, speed=0, tone=0, noise=0, made=0)
MUCH = Changes(versions=1, shift=0.5, speed=0.3, tone=12, noise=0.5, made=0)
WORD = 0.4  # s


def sound(length: int = RATE, loud: float = 0.3) -> Sound:
    """Noise that ends in silence."""
    made = default_rng(0).uniform(-loud, loud, length).astype(np.float32)
    made[-1:] = 0
    return made


NOISES = [sound(2 * RATE, 0.1), sound(RATE, 0.9)]


def copy(of: Sound, how: Changes, seed: int, noises: list[Sound] = NOISES) -> Sound:
    return changed(of, noises, RATE, how, default_rng(seed))


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def spread(values: list[float], low: float, high: float) -> None:
    """Assert that the values lie within low..high, and near both."""
    margin = 0.08 * (high - low)
    assert low - 1e-3 <= min(values) < low + margin, (min(values), low)
    assert high - margin < max(values) <= high + 1e-3, (max(values), high)


@pytest.mark.parametrize("length", [1, 2, 7, RATE // 2, RATE])
def test_a_copy_is_one_second_within_full_scale(length: int) -> None:
    for seed in range(30):
        made = copy(sound(length, 1.0), MUCH, seed)
        assert made.shape == (RATE,) and made.dtype == np.float32
        assert np.isfinite(made).all() and np.abs(made).max() <= 1


def test_a_copy_is_what_the_generator_says() -> None:
    first, again, other = (copy(sound(), MUCH, seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_without_changes_a_copy_is_only_louder_or_softer() -> None:
    given, gains = sound(), []
    for seed in range(100):
        made = copy(given, NONE, seed)
        gains.append(np.abs(made).max() / np.abs(given).max())
        np.testing.assert_allclose(made, given * gains[-1], atol=2e-6)
    spread([decibels(gain**2) for gain in gains], *LOUDER)


def test_what_is_shorter_than_a_second_comes_into_its_middle() -> None:
    heard = np.flatnonzero(np.abs(copy(np.full(RATE // 4, 0.2, np.float32), NONE, 0)) > 0.01)
    assert abs(heard[0] - RATE * 3 / 8) <= 1 and abs(heard[-1] - RATE * 5 / 8) <= 2


def test_a_shift_goes_either_way_as_far_as_the_recipe_says() -> None:
    click = np.zeros(RATE, np.float32)
    click[RATE // 2] = 0.3
    how = replace(NONE, shift=0.1)
    later = [np.abs(copy(click, how, seed)).argmax() / RATE - 0.5 for seed in range(100)]
    spread(later, -0.1, 0.1)


def test_what_is_faster_is_shorter_and_higher() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 100 * np.arange(RATE // 2) / RATE)).astype(np.float32)
    how, pitches = replace(NONE, speed=0.3), []
    for seed in range(100):
        made = copy(tone, how, seed)
        heard = np.flatnonzero(np.abs(made) > 1e-3)
        pitches.append(np.abs(np.fft.rfft(made, 16 * RATE)).argmax() / 16 / 100)
        assert pitches[-1] * (heard[-1] - heard[0]) == pytest.approx(len(tone), rel=0.03)
    spread(pitches, 0.7, 1.3)


def test_a_tone_changes_bands_by_so_many_decibels_in_the_mean() -> None:
    click = np.zeros(RATE, np.float32)
    click[RATE // 2] = 1
    levels = []
    for seed in range(200):
        powers = np.abs(np.fft.rfft(toned(click, 4, default_rng(seed)))) ** 2
        levels.append(10 * np.log10(powers[np.linspace(0, RATE // 2, BANDS).astype(int)]))
    assert np.std(levels, axis=0) == pytest.approx(np.full(BANDS, 4), rel=0.15)
    assert np.abs(np.corrcoef(np.transpose(levels)) - np.eye(BANDS)).max() < 0.25
    np.testing.assert_allclose(toned(sound(), 0, default_rng(0)), sound(), atol=1e-6)


def test_noise_lies_as_far_below_the_sound_as_it_may() -> None:
    """Two noises are ramps, so that a stretch of them tells where it begins."""
    up = np.arange(1, 3 * RATE + 1, dtype=np.float32)
    below, starts = [], []
    for seed in range(200):
        quiet = copy(sound(loud=0.1), NONE, seed)
        noise = copy(sound(loud=0.1), replace(NONE, noise=1), seed, [up, -up]) - quiet
        below.append(decibels(changes.power(quiet) / changes.power(noise)))
        slope, first = np.polyfit(np.arange(RATE), noise.astype(np.float64), 1)
        starts.append(np.sign(slope) * (first / slope - 1))
        np.testing.assert_allclose(noise, slope * np.arange(RATE) + first, atol=1e-5)
    spread(below, *ABOVE_NOISE)
    spread([start for start in starts if start > 0.5], 0, 2 * RATE)
    spread([start for start in starts if start < -0.5], -2 * RATE, 0)


def test_noise_comes_to_its_share_of_the_copies() -> None:
    how = replace(NONE, noise=0.7)
    noisy = [(copy(sound(), how, seed) != copy(sound(), NONE, seed)).any() for seed in range(300)]
    assert 0.6 < np.mean(noisy) < 0.8


def test_silence_is_heard_in_faint_noise_and_silent_noise_is_none() -> None:
    silence, how = np.zeros(RATE, np.float32), replace(NONE, noise=1)
    for seed in range(20):
        assert 0 < changes.power(copy(silence, how, seed)) <= LEAST_POWER * 1.01
        assert not copy(silence, how, seed, [silence]).any()
        alone = copy(sound(), NONE, seed)
        np.testing.assert_array_equal(copy(sound(), how, seed, [silence]), alone)


@pytest.mark.parametrize(("length", "start"), [(5, 0), (5, 3), (5, -2), (5, 9), (5, -9), (12, -1)])
def test_what_is_placed_keeps_what_falls_inside(length: int, start: int) -> None:
    given = np.arange(1, length + 1, dtype=np.float32)
    naive = [given[at - start] if 0 <= at - start < length else 0 for at in range(8)]
    assert placed(given, 8, start).tolist() == naive


def ramp() -> Sound:
    """A wanted word whose every part is told by its values, 0.2 to 1."""
    return np.linspace(0.2, 1, int(WORD * RATE), dtype=np.float32)


SPOKEN = Spoken(wanted=[[ramp()], [ramp()]], others=[[-ramp(), -ramp()[:50]]])


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[tuple[int, int], Sound]]:
    """Many made-up words without fading, each with how many halves and grains it has."""
    spies = {name: Mock(wraps=getattr(made, name)) for name in ("half", "grain")}
    for name, spy in spies.items():
        monkeypatch.setattr(made, name, spy)
    monkeypatch.setattr(made, "faded", lambda sound, rate: sound)

    def draws() -> Iterator[tuple[tuple[int, int], Sound]]:
        for seed in range(1000):
            for spy in spies.values():
                spy.reset_mock()
            word = made_up(SPOKEN, RATE, default_rng(seed))
            yield (spies["half"].call_count, spies["grain"].call_count), word

    return draws()


Kinds = Iterator[tuple[tuple[int, int], Sound]]


def test_made_up_words_are_of_every_kind_and_begin_early(kinds: Kinds) -> None:
    found = list(kinds)
    counts = Counter(kind for kind, _ in found)
    shares = [counts[kind] / len(found) for kind in ((0, 0), (1, 0), (2, 0), (0, 6))]
    assert sum(shares) == 1 and shares == pytest.approx(OFTEN, abs=0.05)
    spread([np.flatnonzero(word)[0] / RATE for _, word in found], 0, LATEST)


def test_no_made_up_word_is_a_wanted_one(kinds: Kinds) -> None:
    """A wanted word is positive: its beginning goes below 0.35, its end above 0.95."""
    parts = Counter()
    for (halves, grains), word in kinds:
        wanted, other = word[word > 0], word[word < 0]
        if not halves and not grains:
            assert not len(wanted) and len(other), "another word as it was spoken"
        elif halves:
            begins = len(wanted) and wanted.min() < 0.35
            ends = len(wanted) and wanted.max() > 0.95
            assert not (begins and ends), "a whole wanted word"
            assert halves == 1 or (not ends and len(other)), "the end is another word's"
            parts[halves, bool(begins), bool(ends)] += 1
    assert parts.keys() == {
        *((1, False, False), (1, True, False), (1, False, True)),
        *((2, False, False), (2, True, False)),
    }


def test_a_grain_is_short_and_about_as_loud_as_all_others() -> None:
    loud = []
    for seed in range(300):
        grain = np.abs(made.grain(SPOKEN, default_rng(seed)))
        assert grain.max() / grain.min() < 2.5, "of a whole word it is 5"
        loud.append(changes.power(grain) ** 0.5)
    assert np.median(loud) == pytest.approx(made.LOUDNESS, rel=0.2)
    assert np.std(np.log(loud)) == pytest.approx(0.6, rel=0.2)


def test_pieces_are_stretched_either_way_and_some_are_backwards() -> None:
    lengths = [len(made.stretched(ramp(), default_rng(seed))) for seed in range(200)]
    spread(np.log(np.array(lengths) / len(ramp())).tolist(), -STRETCH - 0.002, STRETCH + 0.002)
    pieces = [made.piece(ramp(), 0.1, 0.9, default_rng(seed)) for seed in range(300)]
    assert 0.2 < np.mean([piece[0] > piece[-1] for piece in pieces]) < 0.4
    for piece in pieces:
        energies = (np.array([piece.min(), piece.max()]) ** 3 - 0.2**3) / (1 - 0.2**3)
        assert energies == pytest.approx([0.1, 0.9], abs=0.03)


def test_words_of_many_sounds_come_more_often_by_a_root() -> None:
    many, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    generator = default_rng(0)
    drawn = [made.chosen([[many] * 81, [one]], generator)[0] for _ in range(1000)]
    assert 0.07 < np.mean(drawn) < 0.13


def test_another_word_is_each_as_often_and_never_a_wanted_one() -> None:
    wanted, many, one = ([np.full(30, loud, np.float32)] for loud in (1, 2, 3))
    spoken = Spoken(wanted=[wanted], others=[many * 81, one])
    found = [made.other(spoken, default_rng(seed)) for seed in range(1000)]
    assert {float(sound[0]) for sound in found} == {2, 3}
    assert np.mean([sound[0] == 3 for sound in found]) == pytest.approx(0.5, abs=0.05)
    assert len({len(sound) for sound in found}) > 10, "it is stretched"


def test_ends_are_faded() -> None:
    found = made.faded(np.ones(40, np.float32), RATE)
    assert found[:12] == pytest.approx(np.arange(1, 13) / 12) and found[12:-12].min() == 1
    assert found.tolist() == found[::-1].tolist() and found.dtype == np.float32
    assert made.faded(np.ones(1, np.float32), RATE).tolist() == pytest.approx([1 / 12])


@pytest.mark.parametrize("length", [1, 2, RATE])
@pytest.mark.parametrize("loud", [0, 1e-30, 1])
def test_words_of_silence_and_of_a_moment_make_words_too(length: int, loud: float) -> None:
    words = [[np.full(length, loud, np.float32)]]
    for wanted in (words, []):
        for seed in range(40):
            made = made_up(Spoken(wanted=wanted, others=words), RATE, default_rng(seed))
            assert made.shape == (RATE,) and made.dtype == np.float32
            assert np.isfinite(made).all()


def test_a_made_up_word_is_what_the_generator_says() -> None:
    def word(generator: Generator) -> bytes:
        return made_up(SPOKEN, RATE, generator).tobytes()

    assert word(default_rng(1)) == word(default_rng(1)) != word(default_rng(2))


@pytest.mark.parametrize(("share", "spoken"), [(0.35, 0.55), (0, 0.5), (0.5, 0), (0, 0)])
def test_words_come_in_place_of_others_as_often_as_said(
    monkeypatch: pytest.MonkeyPatch, share: float, spoken: float
) -> None:
    """A copy is 0 where it is of its own sound, 1 of a made-up word, 2 of another one."""
    own = np.zeros(1, np.float32)
    listed = [(0, "happy/a.wav", own), (1, "cat/b.wav", own), (2, "_background_noise_/c.wav", own)]
    monkeypatch.setattr(sounds, "_sounds", lambda *_: listed)
    for name, value in (
        ("_noises", ()),
        ("_spoken", None),
        ("made_up", own + 1),
        ("other", own + 2),
    ):
        monkeypatch.setattr(sounds, name, lambda *_, value=value: value)
    monkeypatch.setattr(sounds, "changed", lambda source, *_: source)
    monkeypatch.setattr(sounds.mfcc, "raw", lambda seconds, _: seconds)
    material = sounds.Material(
        place=Path(),
        noise=(),
        stamps=(),
        share=1,
        wanted=(("happy/a.wav",),),
        others=(("cat/b.wav",),),
    )
    how = replace(NONE, versions=2000, made=share, spoken=spoken)
    happy, cat, noise = sounds.versions(material, Features(), how, [])[..., 0]
    assert not happy.any() and not noise.any()
    shares = np.bincount(cat.astype(np.int64), minlength=3) / len(cat)
    assert shares.tolist() == pytest.approx([1 - share - spoken, share, spoken], abs=0.04)
