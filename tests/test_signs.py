"""Traffic signs: every layout, what is said of damage, and the cache of decoded images."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from unittest.mock import Mock
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from onebit import data, system
from onebit.data import images, signs
from onebit.data.signs import CLASSES, KAGGLE_HEADER, OFFICIAL_HEADER
from onebit.errors import ConfigError

TRAIN = [(label, track, frame) for label in range(43) for track in range(2) for frame in range(2)]
TEST = [7, 3, 42, 3]  # the classes of the test images, in the order of their CSV file

# Images of each class in the real data set, as published.
REAL_TRAIN = """210 2220 2250 1410 1980 1860 420 1440 1410 1470 2010 1320 2100 2160 780 630 420 1110
1200 210 360 330 390 510 270 1500 600 240 540 270 450 780 240 689 420 1200 390 210 2070 300 360 240
240"""
REAL_TEST = """60 720 750 450 660 630 150 450 450 480 660 420 690 720 270 210 150 360 390 60 90 90
120 150 90 480 180 60 150 90 150 270 60 210 120 390 120 60 690 90 90 60 90"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where GTSRB belongs; the cache of decoded images is `tmp_path`/cache."""
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ONEBIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data" / "gtsrb"


def colour(label: int, track: int = 0, frame: int = 0) -> tuple[int, int, int]:
    return (5 * label, 100 * track, 50 * frame)


def put(file: Path, shade: tuple[int, int, int]) -> None:
    """An image of 8x9 pixels of one colour."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 9), shade).save(file)


def table(file: Path, header: tuple[str, ...], rows: list[tuple[str, int]]) -> None:
    """A CSV file, in GTSRB's way, of (image file, class)."""
    by_path = header == KAGGLE_HEADER
    numbers = "8;9;1;1;7;8"
    lines = [
        f"{numbers};{label};{name}" if by_path else f"{name};{numbers};{label}"
        for name, label in rows
    ]
    text = "\n".join([";".join(header), *lines, ""])
    file.write_text(text.replace(";", ",") if by_path else text)


def kaggle(folder: Path, train: str = "Train", test: str = "Test") -> None:
    rows = []
    for label, track, frame in TRAIN:
        name = f"{label}/{label:05d}_{track:05d}_{frame:05d}.png"
        put(folder / train / name, colour(label, track, frame))
        rows.append((f"Train/{name}", label))
    table(folder / "Train.csv", KAGGLE_HEADER, rows)
    for index, label in enumerate(TEST):
        put(folder / test / f"{index:05d}.png", colour(label))
    listed = [(f"Test/{index:05d}.png", label) for index, label in enumerate(TEST)]
    table(folder / "Test.csv", KAGGLE_HEADER, listed)


def lower_kaggle(folder: Path) -> None:
    kaggle(folder, "train", "test")


def official(folder: Path) -> None:
    train, test = (folder / "GTSRB" / f"Final_{part}" / "Images" for part in ("Training", "Test"))
    for label, track, frame in TRAIN:
        name = f"{label:05d}/{track:05d}_{frame:05d}.ppm"
        put(train / name, colour(label, track, frame))
    for label in range(43):
        rows = [(f"{t:05d}_{f:05d}.ppm", c) for c, t, f in TRAIN if c == label]
        table(train / f"{label:05d}" / f"GT-{label:05d}.csv", OFFICIAL_HEADER, rows)
    for index, label in enumerate(TEST):
        put(test / f"{index:05d}.ppm", colour(label))
    listed = [(f"{index:05d}.ppm", label) for index, label in enumerate(TEST)]
    table(folder / "GT-final_test.csv", OFFICIAL_HEADER, listed)


def zipped(folder: Path) -> None:
    official(folder)
    for part in ("Training", "Test"):
        top = folder / "GTSRB" / f"Final_{part}"
        with ZipFile(folder / f"GTSRB_Final_{part}_Images.zip", "w") as archive:
            for file in sorted(top.rglob("*")):
                archive.write(file, file.relative_to(folder))
    with ZipFile(folder / "GTSRB_Final_Test_GT.zip", "w") as archive:
        archive.write(folder / "GT-final_test.csv", "GT-final_test.csv")
    shutil.rmtree(folder / "GTSRB")
    (folder / "GT-final_test.csv").unlink()


LAYOUTS = (kaggle, lower_kaggle, official, zipped)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same(folder: Path, layout: Callable[[Path], None]) -> None:
    layout(folder)
    found = data.load("gtsrb", 4)
    assert found.train.images.shape == (172, 4, 4, 3)
    assert found.train.images.dtype == found.test.images.dtype == np.uint8
    assert [tuple(image[0, 0]) for image in found.train.images] == [colour(*t) for t in TRAIN]
    assert found.train.labels.tolist() == [label for label, _, _ in TRAIN]
    assert found.train.groups is not None
    assert found.train.groups.tolist() == [label * 100_000 + track for label, track, _ in TRAIN]
    assert found.test.labels.tolist() == TEST
    assert [tuple(image[3, 3]) for image in found.test.images] == [colour(c) for c in TEST]
    assert found.test.groups is None
    assert found.classes is CLASSES


def test_test_images_need_no_training_images(folder: Path) -> None:
    kaggle(folder)
    shutil.rmtree(folder / "Train")
    (folder / "Train.csv").unlink()
    assert data.load_test("gtsrb", 5).images.shape == (4, 5, 5, 3)
    with pytest.raises(ConfigError, match="the train images of GTSRB are not in") as caught:
        data.load("gtsrb", 5)
    assert "onebit data gtsrb --download" in caught.value.hint


def test_test_images_come_in_the_order_of_their_table(folder: Path) -> None:
    kaggle(folder)
    table(folder / "Test.csv", KAGGLE_HEADER, [("Test/00002.png", 42), ("Test/00000.png", 7)])
    assert data.load_test("gtsrb", 4).images[:, 0, 0].tolist() == [[210, 0, 0], [35, 0, 0]]


def edited(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Damage: replaces a text in a file."""

    def edit(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return edit


def cut(file: str, keep: int) -> Callable[[Path], None]:
    """Damage: only the first bytes of a file stay."""
    return lambda folder: system.write_bytes(folder / file, (folder / file).read_bytes()[:keep])


def gone(name: str) -> Callable[[Path], None]:
    """Damage: a file or folder is missing."""

    def remove(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def wrong_byte(folder: Path) -> None:
    """Damage: an image within a zip file is not what was packed."""
    file = folder / "GTSRB_Final_Training_Images.zip"
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"P6\n8 9") + 20] ^= 1
    file.write_bytes(raw)


def other_zip(folder: Path) -> None:
    """Damage: a zip file with the right name and other content."""
    with ZipFile(folder / "GTSRB_Final_Test_GT.zip", "w") as archive:
        archive.writestr("a.csv", "")


FRAME = "Train/7/00007_00001_00000.png"
CLASS = "GTSRB/Final_Training/Images/00007"
TEST_ZIP = "GTSRB_Final_Test_Images.zip"
DAMAGES = {
    "cut image": (kaggle, cut(FRAME, 60), r"cannot decode .*Train/7/00007_00001_00000\.png"),
    "empty image": (kaggle, cut(FRAME, 0), r"cannot decode .*Train/7/00007_00001_00000\.png"),
    "image gone": (kaggle, gone(FRAME), r"image .*7_00001_00000\.png' is missing, .*Train\.csv'"),
    "class gone": (kaggle, gone("Train/17"), r"the class folder .*Train/17' is missing"),
    "folder gone": (kaggle, gone("Train"), r"gtsrb/Train' is missing beside 'Train\.csv'"),
    "table gone": (kaggle, gone("Train.csv"), r"gtsrb/Train\.csv' is missing beside 'Train'"),
    "header": (kaggle, edited("Test.csv", "ClassId", "Class"), r"Test\.csv' starts with 'Width,"),
    "no table": (kaggle, cut("Test.csv", 0), r"Test\.csv' starts with ''"),
    "row": (kaggle, edited("Test.csv", ",1,1,7,8,3", ",1,1,8,3"), r"Test\.csv', line 3: .* a row"),
    "number": (kaggle, edited("Test.csv", "7,8,3,", "7,8,x,"), r"Test\.csv', line 3: .* a row"),
    "class 43": (kaggle, edited("Test.csv", ",42,", ",43,"), r"line 4: class 43 is not in 0\.\.42"),
    "other class": (kaggle, edited("Train.csv", ",0,Train/0", ",1,Train/0"), r"lists .* class 1"),
    "odd name": (kaggle, edited("Train.csv", "0/00000_00000", "0/00000-0"), r"00000-0.*is missing"),
    "no row": (
        kaggle,
        cut("Test.csv", len(",".join(KAGGLE_HEADER))),
        r"no CSV file lists an image of .*gtsrb/Test'",
    ),
    "test image": (kaggle, gone("Test/00002.png"), r"image .*Test/00002\.png' is missing"),
    "ppm": (official, cut(f"{CLASS}/00001_00000.ppm", 90), r"cannot decode .*7/00001_00000\.ppm"),
    "ppm gone": (official, gone(f"{CLASS}/00001_00000.ppm"), r"7/00001_00000\.ppm' is missing"),
    "class folder": (official, gone(CLASS), r"the class folder .*/00007' is missing"),
    "class table": (official, gone(f"{CLASS}/GT-00007.csv"), r"no CSV file lists .* class 7 in"),
    "test table": (official, gone("GT-final_test.csv"), r"classes of GTSRB's test images"),
    "zip": (zipped, cut(TEST_ZIP, 500), r"Test_Images\.zip' is not a whole zip file"),
    "test table zip": (zipped, gone("GTSRB_Final_Test_GT.zip"), r"classes of GTSRB's test images"),
    "other zip": (zipped, other_zip, r"cannot unpack .*Test_GT\.zip/GT-final_test\.csv'"),
    "byte in zip": (zipped, wrong_byte, r"cannot unpack .*Training_Images\.zip/.*\.ppm.*CRC"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_nothing_is_cached(folder: Path, tmp_path: Path, damage: str) -> None:
    layout, spoil, said = DAMAGES[damage]
    layout(folder)
    spoil(folder)
    with pytest.raises(ConfigError, match=said) as caught:
        data.load("gtsrb", 4)
    assert caught.value.hint
    assert not list((tmp_path / "cache").rglob("*train*"))


def test_any_wrong_byte_of_a_png_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.effect_noise((20, 20), 60).convert("RGB").save(file)
    content = file.read_bytes()
    rng = random.Random(1)
    for _ in range(500):
        raw = bytearray(content)
        raw[rng.randrange(len(raw) - 12)] ^= 1 << rng.randrange(8)  # before the empty last chunk
        file.write_bytes(raw)
        with pytest.raises(ConfigError, match=r"cannot decode the image '.*a\.png'"):
            images.decode(tmp_path, 4, ["a.png"])


def test_shrinking_averages(tmp_path: Path) -> None:
    board = np.indices((16, 16)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    shrunk = images.decode(tmp_path, 4, ["board.png"])
    assert shrunk.shape == (1, 4, 4, 3)
    assert 120 <= shrunk.min() <= shrunk.max() <= 135


def test_the_cache_is_used_until_a_file_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle(folder)
    first = data.load_test("gtsrb", 4)
    with monkeypatch.context() as patch:
        patch.setattr(images, "decode", Mock(side_effect=NotImplementedError))
        patch.setattr(system, "cores", lambda: 1)
        assert (data.load_test("gtsrb", 4).images == first.images).all()
        with pytest.raises(NotImplementedError):  # another size is another array
            data.load_test("gtsrb", 5)
    put(folder / "Test" / "00001.png", (1, 2, 3))
    assert data.load_test("gtsrb", 4).images[1, 0, 0].tolist() == [1, 2, 3]
    (cached,) = (tmp_path / "cache").rglob("*.npy")  # the stale one is gone
    np.save(cached, first.images[:2])
    assert data.load_test("gtsrb", 4).images.shape == (4, 4, 4, 3)
    cached.write_bytes(cached.read_bytes()[:200])
    assert data.load_test("gtsrb", 4).images[1, 0, 0].tolist() == [1, 2, 3]


def test_processes_share_the_work_and_tell_of_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kaggle(folder)
    steps: list[int] = []

    class Bar:
        def advance(self, count: int) -> None:
            steps.append(count)

    def watched(what: str, total: int) -> AbstractContextManager[Bar]:
        assert (what, total) == ("decoding gtsrb-train", 172)
        return nullcontext(Bar())

    monkeypatch.setattr(images, "CHUNK", 50)
    monkeypatch.setattr(system, "cores", lambda: 2)
    train = data.find("gtsrb", "train").read(4, watched)
    assert [tuple(image[0, 0]) for image in train.images] == [colour(*t) for t in TRAIN]
    assert steps == [50, 50, 50, 22]
    cut(FRAME, 60)(folder)
    with pytest.raises(ConfigError, match=r"cannot decode .*Train/7/00007_00001_00000\.png"):
        data.find("gtsrb", "train").read(4, watched)


def test_foreign_signs_lie_in_folders_by_class(folder: Path) -> None:
    belgium = folder.with_name("belgium_ts")
    for name, label in (("38/b.png", 38), ("38/a.JPG", 38), ("00004/x_1.ppm", 4), ("0/n.png", 0)):
        put(belgium / name, colour(label))
    (belgium / ".unpacked").touch()
    (belgium / "38" / "readme.txt").touch()
    found = data.load_test("belgium_ts", 4)
    assert found.labels.tolist() == [0, 4, 38, 38]
    assert found.images[1, 0, 0].tolist() == [20, 0, 0]
    assert data.classes("belgium_ts") is CLASSES
    with pytest.raises(ConfigError, match="'belgium_ts' has no training part"):
        data.load("belgium_ts", 4)


@pytest.mark.parametrize("name", ["43", "stop", "4a", "-1"])
def test_foreign_folder_that_is_no_class_is_named(folder: Path, name: str) -> None:
    put(folder.with_name("chinese_ts") / name / "a.png", colour(1))
    with pytest.raises(ConfigError, match=f"chinese_ts/{name}' is not named by one of GTSRB's"):
        data.load_test("chinese_ts", 4)


def test_foreign_signs_that_are_not_there(folder: Path) -> None:
    with pytest.raises(ConfigError, match="chinese_ts' does not exist"):
        data.load_test("chinese_ts", 4)
    folder.with_name("chinese_ts").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"there is no image in .*chinese_ts'"):
        data.load_test("chinese_ts", 4)


def test_class_names_are_short_and_differ() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 43
    assert max(map(len, CLASSES)) <= 28


@pytest.mark.parametrize(("part", "counts"), [("train", REAL_TRAIN), ("test", REAL_TEST)])
def test_real_gtsrb_is_whole(part: str, counts: str) -> None:
    """39,209 and 12,630 images, of each class as many as published; 1,307 tracks."""
    listing = signs.listed(signs.locate(system.data_dir() / "gtsrb", part), part)
    assert np.bincount(listing.labels).tolist() == list(map(int, counts.split()))
    assert len(listing.labels) == data.SETS["gtsrb"].parts[part]
    if listing.groups is not None:
        assert len(set(listing.groups.tolist())) == 1307
