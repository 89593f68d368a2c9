"""Sound to MFCC: the one definition for training, PC and board; needs numpy and scipy alone.

The coefficients are librosa's (slaney mel bands, periodic Hann window, centred frames, decibels
within 80 of the loudest, orthonormal DCT-II, sinusoidal lifter). This file works by itself: it is
copied to the board as it is, so its errors are ValueErrors.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RAW_BITS = 12  # of a raw value, signed: a coefficient rounded to a whole number
DYNAMIC_RANGE = 80  # dB below the loudest band of a clip that are told apart
SILENT = 1e-10  # the least power; -100 dB
STEADY = 20.0  # added to a deviation: what hardly changes, as noise does, stays small
# Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, then 27 steps for a factor of 6.4.
LINEAR_HZ = 200 / 3
KNEE_HZ = 1000
LOG_STEP = math.log(6.4) / 27
# The low-pass filter of resampling: zero crossings each side, Kaiser's beta (110 dB), and where it
# cuts, as a share of the lower Nyquist frequency.
CROSSINGS, BETA, CUT = 82, 11.0, 0.9565
# The samples of a wav file by its format's code, and bytes: whole numbers are 1, floats 3. Where
# the code is EXTENSIBLE it stands further behind.
SAMPLES = {(1, 1): "<u1", (1, 2): "<i2", (1, 3): "<i4", (1, 4): "<i4", (3, 4): "<f4", (3, 8): "<f8"}
EXTENSIBLE = 0xFFFE
LEAST_RATE, LARGEST_RATE = 1000, 384_000  # samples a second that a wav file may say it has

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is computed of one second of sound."""

    rate: int = 22050  # samples a second
    frames: int = 50  # a second
    coefficients: int = 13
    mels: int = 40  # bands that the coefficients are made of
    window: int = 1024  # samples that a frame looks at
    top: int = 7600  # Hz, the end of the highest band
    lifter: int = 22  # librosa's, which evens out the size of the coefficients; 0 is none
    level: int = -40  # dB, the power that counts as zero
    # each coefficient less its mean over the second, its standard deviation made this; 0: as it is
    spread: int = 0
    centred: int = 0  # 1: moved in time, so that what is loud is in the middle

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if type(value) is not int:
                raise ValueError(f"{name} = {value!r} is not a whole number")
            if value < 1 and name not in ("lifter", "level", "spread", "centred"):
                raise ValueError(f"{name} = {value} is not at least 1")
        if self.rate % self.frames:
            raise ValueError(f"frames = {self.frames} does not divide rate = {self.rate}")
        if self.coefficients > self.mels:
            raise ValueError(f"coefficients = {self.coefficients} is more than mels = {self.mels}")
        if not self.top <= self.rate / 2:
            raise ValueError(f"top = {self.top} is above half of rate = {self.rate}")
        for name in ("lifter", "spread", "centred"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} = {getattr(self, name)} is not at least 0")
        if self.centred > 1:
            raise ValueError(f"centred = {self.centred} is not 0 or 1")

    @property
    def hop(self) -> int:
        """Samples between two frames."""
        return self.rate // self.frames


def read(path: Path | str, rate: int) -> Sound:
    """The wav file at `path`, mixed to one channel, at `rate` samples a second: [n] in -1..1.

    Any rate, any number of channels, 8 to 32 bits or float. ValueError names a file that is empty,
    truncated or no wav file.
    """
    try:
        own_rate, sound = decoded(Path(path).read_bytes())
    except ValueError as reason:
        raise ValueError(f"cannot read the sound {str(path)!r}: {reason}") from None
    return resampled(sound, own_rate, rate)


def decoded(file: bytes) -> tuple[int, Sound]:
    """The rate and the mean of the channels of a wav file's content, else ValueError.

    scipy's reader takes files whose end is missing.
    """
    form, data = chunks(file)
    code, channels, rate, _, block, _ = struct.unpack_from("<HHIIHH", form)
    if code == EXTENSIBLE and len(form) >= 26:
        (code,) = struct.unpack_from("<H", form, 24)
    width = block // max(channels, 1)
    if (code, width) not in SAMPLES or block != channels * width:
        raise ValueError(
            f"{channels} channels of wav format {code}, {width} bytes a sample, are neither whole "
            "numbers of 8 to 32 bits nor floats"
        )
    if not LEAST_RATE <= rate <= LARGEST_RATE:
        raise ValueError(f"its rate of {rate} Hz is not in {LEAST_RATE}..{LARGEST_RATE}")
    if not data or len(data) % block:
        raise ValueError(f"it holds {len(data)} bytes of samples, {block} each")
    if width == 3:  # as 32 bits, of which the lowest 8 are zero
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data = memoryview(wide.tobytes())
    samples = np.frombuffer(data, SAMPLES[code, width]).reshape(-1, channels)
    with np.errstate(over="ignore"):  # 64 bits may hold more than 32; that is infinite then
        sound = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(sound).all():
        raise ValueError("it holds values that are no numbers")
    if samples.dtype.kind != "f":
        sound -= 128 if width == 1 else 0  # of 8 bits, 128 is silence
        sound /= 1 << 8 * samples.itemsize - 1
    return rate, sound


def chunks(file: bytes) -> tuple[memoryview, memoryview]:
    """The format and the samples of a wav file's content, else ValueError."""
    if file[:4] != b"RIFF" or file[8:12] != b"WAVE" or len(file) < 12:
        raise ValueError("it is no wav file" if file else "it is empty")
    found: dict[bytes, memoryview] = {}
    at = 12
    while not found.keys() >= {b"fmt ", b"data"}:
        if at + 8 > len(file):
            raise ValueError(f"it ends after {len(file)} bytes, before its samples")
        name, size = struct.unpack_from("<4sI", file, at)
        found[name] = memoryview(file)[at + 8 : at + 8 + size]
        if len(found[name]) < size:
            raise ValueError(f"it is truncated: {len(file)} bytes of {at + 8 + size}")
        at += 8 + size + size % 2
    if len(found[b"fmt "]) < 16:
        raise ValueError(f"its format has {len(found[b'fmt '])} bytes, not 16 or more")
    return found[b"fmt "], found[b"data"]


def resampled(sound: Sound, rate: int, wanted: int) -> Sound:
    """`sound` [n] of `rate` samples a second at `wanted`: [ceil(n * wanted / rate)]."""
    if rate == wanted:
        return sound
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    up, down = wanted // common, rate // common
    made = resample_poly(sound, up, down, window=low_pass(up, down))
    return np.asarray(made, np.float32)


@lru_cache(maxsize=8)
def low_pass(up: int, down: int) -> NDArray[np.float32]:
    """The filter that keeps what both rates have."""
    from scipy.signal import firwin

    most = max(up, down)
    taps = firwin(2 * CROSSINGS * most + 1, CUT / most, window=("kaiser", BETA))
    return np.asarray(taps, np.float32)


def one_second(sound: Sound, rate: int) -> Sound:
    """The first second of `sound` [n], with zeros behind it where it is shorter: [rate]."""
    return np.pad(sound[:rate], (0, max(0, rate - len(sound))))


def raw(seconds: Sound, how: Features) -> NDArray[np.int16]:
    """What a network takes: `mfcc` rounded to whole numbers of RAW_BITS bits, [N, frames, c, 1]."""
    most = 1 << RAW_BITS - 1
    whole = np.rint(mfcc(seconds, how)).clip(-most, most - 1)
    return whole.astype(np.int16)[..., np.newaxis]


def mfcc(seconds: Sound, how: Features) -> Sound:
    """The coefficients of sounds of one second each, [N, rate] to [N, frames, coefficients].

    Sums are of double precision: their order, which differs between machines, does not show.
    """
    power = spectrum(seconds, how).reshape(-1, how.window // 2 + 1) @ mel_bands(how).T
    power = 10 * np.log10(np.maximum(power, SILENT)).reshape(len(seconds), how.frames, how.mels)
    loudest = power.max(axis=(1, 2), keepdims=True)
    power = np.maximum(power, loudest - DYNAMIC_RANGE) - how.level
    found = power @ cepstrum(how).T
    if how.spread:
        found -= found.mean(axis=1, keepdims=True)
        found *= how.spread / (found.std(axis=1, keepdims=True) + STEADY)
    return np.asarray(centred(found) if how.centred else found, np.float32)


def centred(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """The frames of coefficients [N, frames, c] moved in time; zeros come in from outside.

    In the middle comes to lie the mean time of what is loud, weighted by the square of how far the
    first coefficient is above its mean.
    """
    frames = found.shape[1]
    loud = np.maximum(found[..., 0] - found[..., 0].mean(axis=1, keepdims=True), 0) ** 2
    late = (loud @ (np.arange(frames) - (frames - 1) / 2)) / (loud.sum(axis=1) + 1)
    most = frames // 2
    at = np.arange(most, most + frames) + np.rint(late).astype(int)[:, np.newaxis]
    return np.take_along_axis(np.pad(found, ((0, 0), (most, most), (0, 0))), at[..., None], axis=1)


def spectrum(seconds: Sound, how: Features) -> NDArray[np.float64]:
    """The power of each frequency in each frame, [N, rate] to [N, frames, window // 2 + 1]."""
    half = how.window // 2
    padded = np.pad(seconds, ((0, 0), (half, half)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, how.window, axis=1)[:, :: how.hop]
    hann = np.sin(np.pi * np.arange(how.window) / how.window).astype(np.float32) ** 2
    waves = np.fft.rfft(frames[:, : how.frames] * hann, axis=-1)
    return np.asarray(waves.real.astype(np.float64) ** 2 + waves.imag.astype(np.float64) ** 2)


@lru_cache(maxsize=8)
def mel_bands(how: Features) -> NDArray[np.float64]:
    """Triangular bands, evenly spaced in mel and of area 1: [mels, window // 2 + 1]."""
    knee = KNEE_HZ / LINEAR_HZ
    top = how.top / LINEAR_HZ
    if how.top > KNEE_HZ:
        top = knee + math.log(how.top / KNEE_HZ) / LOG_STEP
    mel = np.linspace(0, top, how.mels + 2)
    above = KNEE_HZ * np.exp(LOG_STEP * np.maximum(mel - knee, 0))
    edges = np.where(mel < knee, mel * LINEAR_HZ, above)
    hertz = np.arange(how.window // 2 + 1) * how.rate / how.window
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - low) / (centre - low), (high - hertz) / (high - centre)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


@lru_cache(maxsize=8)
def cepstrum(how: Features) -> NDArray[np.float64]:
    """The orthonormal DCT-II of bands in decibels, with the lifter: [coefficients, mels]."""
    order = np.arange(how.coefficients)
    place = (np.arange(how.mels) + 0.5) / how.mels
    waves = np.cos(np.pi * order[:, None] * place) * math.sqrt(2 / how.mels)
    waves[0] /= math.sqrt(2)
    lift = np.ones(how.coefficients)
    if how.lifter:
        lift += how.lifter / 2 * np.sin(np.pi * (order + 1) / how.lifter)
    return np.asarray(waves * lift[:, None])
