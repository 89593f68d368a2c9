"""Sound to features: librosa's values, every kind of wav file, and a file that works by itself."""

from __future__ import annotations

import ast
import re
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import chirp

from librosa_features import both, clips, reference
from onebit import mfcc, recipe, system
from onebit.mfcc import Features, Sound

HOWS = {
    "wake word": Features(),
    "16 kHz": Features(rate=16_000, coefficients=20, window=640),
    "telephone": Features(rate=8000, frames=40, coefficients=10, mels=20, window=512, top=4000),
    "studio": Features(rate=44_100, frames=100, coefficients=40, mels=80, window=2048, top=20_000),
    "evened": Features(spread=80),
    "centred": Features(spread=80, centred=1),
    "centred alone": Features(rate=8000, frames=25, window=512, top=4000, centred=1),
    "bare": Features(rate=16_000, lifter=0, level=0, window=400, top=900),
}
RATE = 16_000
CLIPS, SEED = 500, 11
STEP = 8  # of a network's quantisation, in whole values
# The features and steps of the networks that take sounds, and one of these each.
IN_USE = {
    (known.features, known.input.step or 1.0): name
    for name in recipe.networks()
    if (known := recipe.load(name)).features
}


def noise(rate: int) -> Sound:
    return np.random.default_rng(3).normal(0, 0.1, rate).astype(np.float32)


def sweep(rate: int) -> Sound:
    """From low to high, with a little noise, as every recording has."""
    time = np.arange(rate) / rate
    return (0.5 * chirp(time, 50, 1, 0.45 * rate) + 0.01 * noise(rate)).astype(np.float32)


def clicks(rate: int) -> Sound:
    made = np.zeros(rate, np.float32)
    made[:: rate // 7] = 1
    return made


def word(rate: int) -> Sound:
    """Harmonics that rise and fade in faint noise, much like a vowel."""
    time = np.arange(rate) / rate
    tones = sum(np.sin(2 * np.pi * 140 * n * (time + time**2 / 8)) / n for n in range(1, 20))
    shape = np.exp(-(((time - 0.45) / 0.15) ** 2))
    return (0.2 * tones * shape + 0.02 * noise(rate)).astype(np.float32)


SOUNDS: dict[str, Callable[[int], Sound]] = {
    "noise": noise,
    "sweep": sweep,
    "clicks": clicks,
    "word": word,
    "silence": lambda rate: np.zeros(rate, np.float32),
    "faint": lambda rate: 1e-6 * noise(rate),
    "half": lambda rate: mfcc.one_second(noise(rate)[: rate // 2], rate),
}


@pytest.mark.parametrize("how", HOWS.values(), ids=HOWS)
@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_the_coefficients_are_librosas(sound: Callable[[int], Sound], how: Features) -> None:
    second = sound(how.rate)
    found = mfcc.mfcc(second[np.newaxis], how)[0]
    assert found.shape == (how.frames, how.coefficients)
    np.testing.assert_allclose(found, reference(second, how), atol=0.02)
    assert (mfcc.raw(second[np.newaxis], how)[0, :, :, 0] == np.rint(found)).all()


@pytest.mark.parametrize("late", [-0.25, -0.1, 0.2])
def test_what_is_loud_is_in_the_middle(late: float) -> None:
    how = Features(spread=80, centred=1)
    still = np.zeros(how.rate, np.float32)
    still[how.rate // 2 - 2000 : how.rate // 2 + 2000] = word(how.rate)[7000:11_000]
    moved = np.roll(still, round(late * how.frames) * how.hop)
    middle, late_one = mfcc.mfcc(np.stack([still, moved]), how)
    inside = slice(how.frames // 4, -how.frames // 4)
    np.testing.assert_allclose(middle[inside], late_one[inside], atol=0.01)


def test_a_network_gets_12_bits() -> None:
    how = Features(level=-200)
    loud = mfcc.raw(1e30 * noise(how.rate)[np.newaxis], how)
    assert loud.max() == 2047 and loud.dtype == np.int16
    quiet = mfcc.raw(np.zeros((1, how.rate), np.float32), Features(level=300))
    assert quiet.min() == -2048


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("how", [HOWS["wake word"], HOWS["16 kHz"]], ids=["22050", "16000"])
def test_any_rate_is_resampled_as_librosa_does(tmp_path: Path, how: Features, rate: int) -> None:
    wavfile.write(tmp_path / "a.wav", rate, (32767 * word(rate)).astype(np.int16))
    ours, theirs = both([tmp_path / "a.wav"], how)
    near = np.abs(ours - theirs) <= STEP
    assert near.mean() >= 0.99


@pytest.mark.parametrize(("how", "step"), IN_USE, ids=IN_USE.values())
def test_real_clips_have_librosas_features(
    how: Features, step: float, record_property: Callable[[str, object], None]
) -> None:
    ours, theirs = both(clips(CLIPS, SEED), how)
    apart = np.abs(ours - theirs)
    share = (apart <= step).mean()
    assert len(ours) == CLIPS and share >= 0.99
    record_property(
        "claim",
        f"{IN_USE[how, step]}, features at {how.rate} Hz: {share:.4%} of {apart.size:,} values of "
        f"{CLIPS} clips within one quantisation step of librosa's, {(apart == 0).mean():.2%} equal",
    )


def wav(
    samples: NDArray[np.generic], code: int = 1, rate: int = RATE, *, extensible: bool = False
) -> bytes:
    """A wav file of samples [n, channels], or of their bytes [n, channels, width] at 24 bits."""
    width = samples.dtype.itemsize if samples.ndim == 2 else 3
    block = width * samples.shape[1]
    head = (code, samples.shape[1], rate, rate * block, block, 8 * width)
    form = struct.pack("<HHIIHH", *head)
    if extensible:
        form = struct.pack("<H", 0xFFFE) + form[2:] + struct.pack("<HHIH", 22, 8 * width, 0, code)
        form += bytes.fromhex("000000001000800000aa00389b71")
    data = samples.tobytes()
    parts = [b"fmt ", struct.pack("<I", len(form)), form, b"data", struct.pack("<I", len(data))]
    body = b"WAVE" + b"".join(parts) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def scaled(bits: int) -> NDArray[np.int32]:
    return np.rint(word(RATE).astype(np.float64) * (2 ** (bits - 1) - 1)).astype(np.int32)


def low_bytes(samples: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The lowest three bytes of each whole number, [n, 1, 3]."""
    return samples.astype("<i4").view(np.uint8).reshape(-1, 1, 4)[:, :, :3]


def at(rate: int) -> Sound:
    """The same sound at another rate."""
    return librosa.resample(word(RATE), orig_sr=RATE, target_sr=rate)


def column(samples: NDArray[np.generic]) -> NDArray[np.generic]:
    return samples.reshape(-1, 1)


KINDS: dict[str, bytes] = {
    "24 bit": wav(low_bytes(scaled(24))),
    "32 bit": wav(column(scaled(32))),
    "float": wav(column(word(RATE)), 3),
    "double": wav(column(word(RATE).astype(np.float64)), 3),
    "stereo": wav(np.stack([scaled(16) + 999, scaled(16) - 999], axis=1).astype(np.int16)),
    "stereo, 24 bit": wav(np.repeat(low_bytes(scaled(24)), 2, axis=1)),
    "five channels": wav(np.repeat(column(scaled(16)), 5, axis=1).astype(np.int16)),
    "extensible": wav(column(scaled(16).astype(np.int16)), extensible=True),
    "extensible float": wav(column(word(RATE)), 3, extensible=True),
    "22050 Hz": wav(column(np.rint(32767 * at(22_050)).astype(np.int16)), rate=22_050),
    "44100 Hz, 24 bit": wav(low_bytes(np.rint((2**23 - 1) * at(44_100))), rate=44_100),
    "48000 Hz, stereo": wav(np.repeat(column(at(48_000)), 2, axis=1), 3, rate=48_000),
}


def features(tmp_path: Path, content: bytes) -> NDArray[np.int16]:
    file = tmp_path / "sound.wav"
    file.write_bytes(content)
    how = HOWS["16 kHz"]
    return mfcc.raw(mfcc.read(file, how.rate)[np.newaxis], how)[0, :, :, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_wav_file_gives_the_same(tmp_path: Path, kind: str) -> None:
    found = features(tmp_path, KINDS[kind])
    wanted = features(tmp_path, wav(column(scaled(16).astype(np.int16))))
    apart = np.abs(found - wanted)
    if "Hz" in kind:
        assert (apart <= STEP).mean() >= 0.99
    else:
        assert apart.max() <= 1


def test_8_bits_are_the_upper_ones_of_16(tmp_path: Path) -> None:
    found = features(tmp_path, wav(column((scaled(8) + 128).astype(np.uint8))))
    wanted = features(tmp_path, wav(column((scaled(8) << 8).astype(np.int16))))
    assert (found == wanted).all()


def test_24_bits_are_scipys(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(KINDS["24 bit"])
    own = wavfile.read(file)[1].astype(np.float64) / 2**31
    np.testing.assert_allclose(mfcc.read(file, RATE), own, atol=1e-7)


def test_what_stands_around_the_samples_does_not_matter(tmp_path: Path) -> None:
    plain = wav(column(scaled(16).astype(np.int16)))
    note = b"LIST" + struct.pack("<I", 5) + b"notes" + b"\0"  # an odd length is padded
    wanted = features(tmp_path, plain)
    assert (features(tmp_path, plain[:12] + note + plain[12:]) == wanted).all()
    assert (features(tmp_path, plain + note + b"and more") == wanted).all()


SHORT = wav(column(np.arange(-50, 50, dtype=np.int16)))


def test_a_cut_anywhere_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "cut.wav"
    file.write_bytes(SHORT)
    assert len(mfcc.read(file, RATE)) == 100
    for length in range(len(SHORT)):
        file.write_bytes(SHORT[:length])
        with pytest.raises(ValueError, match=r"cannot read the sound '.*cut\.wav': it "):
            mfcc.read(file, RATE)


def test_a_wrong_byte_of_the_header_is_an_error_or_a_sound(tmp_path: Path) -> None:
    file = tmp_path / "wrong.wav"
    for place in range(44):
        for value in (0, 1, 3, 127, 128, 255):
            file.write_bytes(SHORT[:place] + bytes([value]) + SHORT[place + 1 :])
            try:
                assert np.isfinite(mfcc.read(file, RATE)).all()
            except ValueError as reason:
                assert "wrong.wav" in str(reason)


def one_nan(dtype: type[np.floating]) -> bytes:
    return wav(column(np.array([0.5, np.nan, 0.5], dtype)), 3)


DAMAGED = {
    "empty": (b"", "it is empty"),
    "text": (b"This is no sound at all, only some words.", "no wav file"),
    "mp3": (b"ID3\x04" + bytes(100), "no wav file"),
    "video": (SHORT[:8] + b"AVI " + SHORT[12:], "no wav file"),
    "no samples": (SHORT[:40] + struct.pack("<I", 0), "0 bytes of samples"),
    "half a sample": (SHORT[:40] + struct.pack("<I", 3) + b"abc", "3 bytes of samples, 2 each"),
    "not a number": (one_nan(np.float32), "no numbers"),
    "not a double": (one_nan(np.float64), "no numbers"),
    "too large": (wav(column(np.array([1e300])), 3), "no numbers"),
    "mu-law": (wav(column(np.zeros(9, np.uint8)), 7), "1 channels of wav format 7"),
    "64 bit": (wav(column(np.zeros(9, np.int64))), "format 1, 8 bytes"),
    "no channel": (SHORT[:22] + b"\0\0" + SHORT[24:], "0 channels"),
    "no rate": (wav(column(np.zeros(9, np.int16)), rate=0), "rate of 0 Hz is not in 1000"),
    "absurd rate": (wav(column(np.zeros(9, np.int16)), rate=2**30), "Hz is not in 1000"),
    "short format": (SHORT[:16] + struct.pack("<I", 4) + SHORT[20:24] + SHORT[36:], "4 bytes"),
    "no format": (SHORT[:12] + SHORT[36:], "before its samples"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_an_error_that_names_the_file(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "own voice.wav"
    content, reason = DAMAGED[damage]
    file.write_bytes(content)
    named = re.escape(f"cannot read the sound {str(file)!r}: ")
    with pytest.raises(ValueError, match=f"{named}.*{reason}"):
        mfcc.read(file, RATE)


def test_resampling_keeps_length_and_what_both_rates_have() -> None:
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    for wanted in (8000, 22_050, 44_100):
        found = mfcc.resampled(tone, RATE, wanted)
        assert len(found) == wanted and found.dtype == np.float32
        exact = np.sin(2 * np.pi * 1000 * np.arange(wanted) / wanted)
        np.testing.assert_allclose(
            found[wanted // 20 : -wanted // 20], exact[wanted // 20 : -wanted // 20], atol=1e-3
        )
    high = np.sin(2 * np.pi * 6000 * time).astype(np.float32)
    assert np.abs(mfcc.resampled(high, RATE, 8000)[400:-400]).max() < 1e-3, "nothing folds over"
    assert len(mfcc.resampled(tone[:101], RATE, 22_050)) == 140


ALONE = """
import sys
sys.modules["onebit"] = None  # whoever imports it fails
import mfcc
assert not any(name.startswith("scipy") for name in sys.modules), "slow to import"
how = mfcc.Features()
found = mfcc.raw(mfcc.one_second(mfcc.read("sound.wav", how.rate), how.rate)[None], how)
print(found.tobytes().hex())
"""


def test_numpy_and_scipy_are_all_that_is_imported() -> None:
    nodes = list(ast.walk(ast.parse(Path(mfcc.__file__).read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    packages = {name.partition(".")[0] for name in names}
    assert packages - sys.stdlib_module_names == {"numpy", "scipy"}


def test_the_file_works_alone(tmp_path: Path) -> None:
    shutil.copy(mfcc.__file__, tmp_path)
    (tmp_path / "sound.wav").write_bytes(KINDS["48000 Hz, stereo"])
    done = system.run([sys.executable, "-c", ALONE], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    how = Features()
    sound = mfcc.read(tmp_path / "sound.wav", how.rate)
    here = mfcc.raw(mfcc.one_second(sound, how.rate)[np.newaxis], how)
    assert bytes.fromhex(done.stdout) == here.tobytes()
