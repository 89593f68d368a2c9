"""Data sets: their shapes, and what is said about files that are missing or damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from onebit import data, system
from onebit.data.digits import read_idx
from onebit.data.speech import background
from onebit.errors import ConfigError
from onebit.mfcc import Features


def idx(shape: tuple[int, ...], content: bytes) -> bytes:
    """A gzipped IDX file that claims to have `shape`."""
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    return gzip.compress(header + content)


def test_digits_hold_out_every_fifth_image() -> None:
    digits = data.load("digits")
    assert digits.train.images.shape == (1437, 8, 8, 1)
    assert digits.test.images.shape == (360, 8, 8, 1)
    assert digits.train.images.dtype == np.uint8
    assert digits.train.images.max() == 16
    assert digits.test.labels[0] == 0 and digits.test.labels[1] == 5
    assert set(digits.test.labels) == set(range(len(digits.classes)))


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="'cifar'") as caught:
        data.load("cifar")
    assert "digits, mnist" in caught.value.hint


def test_idx_gives_back_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "some.gz"
    file.write_bytes(idx((2, 3), bytes(range(6))))
    assert read_idx(file, (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_missing_mnist_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "data_dir", lambda: tmp_path)
    with pytest.raises(ConfigError, match=r"train-images-idx3-ubyte\.gz' does not exist") as caught:
        data.load("mnist")
    assert str(tmp_path / "mnist") in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (idx((2, 3), bytes(6))[:-9], "cannot unpack"),
        (idx((2, 3), bytes(6))[:-2], "cannot unpack"),
        (b"not gzip", "cannot unpack"),
        (b"", "is not an IDX file"),
        (idx((2, 3), bytes(6))[:12] + b"\xff" * 9, "cannot unpack"),
        (idx((2, 3), bytes(5)), "is not an IDX file"),
        (idx((3, 2), bytes(6)), "is not an IDX file"),
        (gzip.compress(b""), "is not an IDX file"),
    ],
    ids=[
        "half a file",
        "checksum cut",
        "not gzip",
        "empty",
        "damaged inside",
        "a byte short",
        "a byte more",
        "nothing packed",
    ],
)
def test_damaged_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "damaged.gz"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_idx(file, (2, 3))
    assert str(file) in caught.value.message


def test_split_refuses_labels_that_do_not_fit() -> None:
    three, two = np.zeros((3, 8, 8, 1), np.uint8), np.zeros(2, np.int64)
    with pytest.raises(ConfigError, match="do not fit"):
        data.Split(images=three, labels=two)
    with pytest.raises(ConfigError, match=r"groups \(2,\) and labels \(3,\) do not fit"):
        data.Split(images=three, labels=np.zeros(3, np.int64), groups=two)


def test_split_refuses_versions_that_do_not_fit() -> None:
    three, labels = np.zeros((3, 8, 8, 1), np.int16), np.zeros(3, np.int64)
    versions = np.zeros((5, 3, 8, 8, 1), np.int16)
    assert data.Split(images=three, labels=labels, versions=versions).versions is versions
    for wrong in (versions[:, :2], versions[0], versions.astype(np.uint8)):
        with pytest.raises(ConfigError, match=r"versions .* do not fit: wanted \[V, N, H, W, C\]"):
            data.Split(images=three, labels=labels, versions=wrong)


def test_names() -> None:
    signs, speech = ("belgium_ts", "chinese_ts"), ("speech_happy", "speech_12")
    assert data.NAMES == ("digits", "mnist", "gtsrb", *signs, *speech, "speech_12_speakers")
    assert data.TRAINABLE == ("digits", "mnist", "gtsrb", *speech, "speech_12_speakers")
    assert data.classes("mnist") == tuple("0123456789")
    assert {data.kind(name) for name in data.NAMES[:5]} == {"images"}
    assert {data.kind(name) for name in data.NAMES[5:]} == {"sounds"}


def test_the_test_part_alone_is_the_same() -> None:
    whole, alone = data.load("digits").test, data.load_test("digits", 8)
    assert (whole.images == alone.images).all()
    assert (whole.labels == alone.labels).all()


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("digits", 28, "the images of 'digits' have 8x8 pixels, not 28x28"),
        ("gtsrb", None, "the images of 'gtsrb' differ in size"),
        ("gtsrb", -1, r"not in 1\.\.1024"),
        ("belgium_ts", 2000, r"not in 1\.\.1024"),
        ("gtsrb", Features(), "'gtsrb' holds images"),
        ("digits", Features(), "'digits' holds images"),
        ("speech_happy", 48, "'speech_happy' holds sounds, which have no size in pixels: 48"),
    ],
)
def test_form_that_does_not_suit_is_refused(
    name: str, form: data.Form | None, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "cache_dir", lambda: tmp_path)
    with pytest.raises(ConfigError, match=said):
        data.load_test(name, form)


def test_images_have_no_changed_copies() -> None:
    changes = data.Changes(versions=2, shift=0.1, speed=0, tone=0, noise=0, made=0)
    with pytest.raises(ConfigError, match="'digits' holds images, of which no changed copies"):
        data.load("digits", changes=changes)


def test_what_was_never_learnt_from_is_the_end_of_each_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path))
    assert background(8000) == []  # without recordings
    folder = tmp_path / "speech_commands" / "_background_noise_"
    folder.mkdir(parents=True)
    wavfile.write(folder / "a.wav", 8000, np.arange(1000, dtype=np.int16))
    (whole,), (end,) = background(8000), background(8000, "test")
    assert len(whole) == 1000
    np.testing.assert_array_equal(end, whole[700:])
