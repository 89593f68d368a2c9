"""Data sets: their shapes, and what is said about files that are missing or damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from onebit import data, system
from onebit.errors import ConfigError


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
    assert data.read_idx(file, (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


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
)
def test_damaged_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "damaged.gz"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        data.read_idx(file, (2, 3))
    assert str(file) in caught.value.message


def test_split_refuses_labels_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        data.Split(images=np.zeros((3, 8, 8, 1), np.uint8), labels=np.zeros(2, np.int64))
