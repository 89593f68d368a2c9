"""librosa's MFCC of sounds, the reference of onebit/mfcc.py, and clips to compare them on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray

from onebit import mfcc, system
from onebit.data.speech import FOLDER
from onebit.mfcc import Features, Sound


def reference(second: Sound, how: Features) -> NDArray[np.float32]:
    """The coefficients of a sound of one second, [frames, coefficients]."""
    power = librosa.feature.melspectrogram(
        y=second, sr=how.rate, n_fft=how.window, hop_length=how.hop, n_mels=how.mels, fmax=how.top
    )
    decibels = librosa.power_to_db(power, ref=10 ** (how.level / 10))
    found = librosa.feature.mfcc(S=decibels, n_mfcc=how.coefficients, lifter=how.lifter)
    found = found[:, : how.frames].T.astype(np.float64)
    if how.spread:
        found = (found - found.mean(0)) / (found.std(0) + mfcc.STEADY) * how.spread
    if how.centred:
        loud = (found[:, 0] - found[:, 0].mean()).clip(0) ** 2
        middle = (how.frames - 1) / 2
        late = round(sum(loud * (np.arange(how.frames) - middle)) / (sum(loud) + 1))
        around = np.pad(found, ((abs(late), abs(late)), (0, 0)))
        found = around[abs(late) + late :][: how.frames]
    return found.astype(np.float32)


def whole(found: NDArray[np.float32]) -> NDArray[np.int16]:
    """Coefficients as a network takes them: whole numbers of RAW_BITS bits."""
    most = 1 << mfcc.RAW_BITS - 1
    return np.rint(found).clip(-most, most - 1).astype(np.int16)


def clips(count: int, seed: int) -> list[Path]:
    """Some clips of words of Speech Commands, which must be there."""
    files = sorted((system.data_dir() / FOLDER).glob("[!_]*/*.wav"))
    chosen = np.random.default_rng(seed).choice(len(files), count, replace=False)
    return [files[index] for index in sorted(chosen)]


def load(file: Path, rate: int) -> Sound:
    """What librosa.load does; that itself wants modules which Python 3.13 no longer has."""
    sound, own_rate = soundfile.read(file, dtype="float32")
    return librosa.resample(librosa.to_mono(sound.T), orig_sr=own_rate, target_sr=rate)


def both(files: Sequence[Path], how: Features) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Ours of wav files of up to a second, and librosa's, which reads and resamples by itself.

    Both [N, frames, coefficients, 1], what a network takes.
    """
    ours = [mfcc.one_second(mfcc.read(file, how.rate), how.rate) for file in files]
    theirs = [
        whole(reference(librosa.util.fix_length(load(file, how.rate), size=how.rate), how))
        for file in files
    ]
    return mfcc.raw(np.stack(ours), how), np.stack(theirs)[..., np.newaxis]
