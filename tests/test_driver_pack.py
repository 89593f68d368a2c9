"""The driver's packing: equal to onebit/pack.py, beat by beat, for every kind of input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import fake_board
from onebit import deploy, golden
from onebit.driver import Packer
from onebit.flow import Compiled
from onebit.net import Bit, Element, Int
from onebit.pack import pack_stream

COUNT = 5
U8, S8, SHADES = Int(bits=8), Int(bits=8, signed=True), np.arange(256)
TABLES = {  # name: element, table, lowest raw value, step
    "pixels": (U8, SHADES, 0, 1),
    "inverted pixels": (U8, SHADES[::-1], 0, 1),
    "signed bytes": (S8, SHADES - 128, -128, 1),
    "bytes of pixels": (S8, SHADES - 128, 0, 1),
    "features": (S8, (np.arange(4096) - 2048) // 16, -2048, 1),
    "twelve bits": (Int(bits=12, signed=True), np.arange(4096) - 2048, -2048, 1),
    "sixteen bits": (Int(bits=16), np.arange(3) * 30000, 7, 1),
    "half a byte": (Int(bits=4), np.arange(16), 0, 1),
    "five bits": (Int(bits=5, signed=True), np.arange(32) - 16, -16, 1),
    "an unsigned bit": (Int(bits=1), np.array([0, 1]), 0, 1),
    "dark and light": (Bit(), (SHADES >= 128).astype(int), 0, 1),
    "light and dark": (Bit(), (SHADES < 100).astype(int), 0, 1),
    "stripes": (Bit(), SHADES % 2, 0, 1),
    "all dark": (Bit(), SHADES * 0, 0, 1),
    "all light": (Bit(), SHADES * 0 + 1, 0, 1),
    "minus and plus": (Bit(), np.array([0, 1]), -1, 2),
    "one of three": (Bit(), np.array([0, 0, 1]), -10, 10),
}
SHAPES = [((1,), 1), ((64,), 64), ((65,), 64), ((784,), 61), ((7, 5, 1), 1), ((6, 6, 3), 3)]
SHAPES += [((6, 5, 3), 2), ((3, 3, 16), 7)]


def reference(compiled: Compiled, raw: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The images' beats one after the other without a gap, to whole words; a loop over bits."""
    first = fake_board.FakeBoard(compiled).stream
    elements = golden.encode(compiled.net.input, raw).astype(np.int64)
    beats = pack_stream(elements.reshape(-1, first.n), first.lanes, first.bits)
    images = beats.reshape(len(raw), first.beats, -1)
    out = np.zeros((len(raw), 8 * math.ceil(first.beats * first.width / 64)), np.uint8)
    for image, row in enumerate(images):
        at = 0
        for beat in row:
            for bit in range(first.width):
                out[image, at // 8] |= (beat[bit // 8] >> bit % 8 & 1) << at % 8
                at += 1
    return out


def packed(compiled: Compiled, raw: NDArray[np.integer]) -> NDArray[np.uint8]:
    packer = Packer(deploy.description(compiled)["input"])
    out = np.full((len(raw), 8 * packer.words), 0xA5, np.uint8)
    packer.pack(packer.checked(raw), out)
    return out


@pytest.mark.parametrize(("shape", "lanes"), SHAPES)
@pytest.mark.parametrize("name", TABLES)
def test_words_are_the_beats_without_gaps(name: str, shape: tuple[int, ...], lanes: int) -> None:
    element, table, low, step = TABLES[name]
    compiled = fake_board.with_table(element, shape, lanes, table, low, step)
    raw = fake_board.samples(compiled, COUNT)
    wanted = reference(compiled, raw)
    assert (packed(compiled, raw) == wanted).all()
    assert deploy.description(compiled)["image_words"] * 8 == wanted.shape[1]


@pytest.mark.parametrize("kind", ["i1", "u1", "<i2", ">i2", "<u4", ">i4", "i8", "u8"])
@pytest.mark.parametrize("name", ["half a byte", "dark and light", "pixels", "features"])
def test_the_type_of_the_images_does_not_matter(name: str, kind: str) -> None:
    element, table, low, step = TABLES[name]
    compiled = fake_board.with_table(element, (33,), 8, table, low, step)
    limits = np.iinfo(np.dtype(kind))
    raw = fake_board.samples(compiled, COUNT).clip(limits.min, limits.max)
    assert (packed(compiled, raw.astype(kind)) == packed(compiled, raw)).all()


def test_images_need_not_be_contiguous() -> None:
    compiled = fake_board.with_table(U8, (6, 6, 3), 3, SHADES)
    raw = fake_board.samples(compiled, COUNT).astype(np.uint8)
    for each in (np.asfortranarray(raw), np.repeat(raw, 2, axis=0)[::2], raw[::-1][::-1]):
        assert (packed(compiled, each) == packed(compiled, raw)).all()


@pytest.mark.parametrize("bits", range(1, 33))
@pytest.mark.parametrize("signed", [False, True])
def test_every_width_of_an_element(bits: int, signed: bool) -> None:
    element: Element = Int(bits=bits, signed=signed)
    rng = np.random.default_rng(bits)
    table = rng.integers(element.lo, element.hi, 99, endpoint=True)
    compiled = fake_board.with_table(element, (11,), 3, table, -7)
    raw = fake_board.samples(compiled, COUNT)
    assert (packed(compiled, raw) == reference(compiled, raw)).all()
