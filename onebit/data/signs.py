"""Traffic signs: the layouts that GTSRB comes in, and foreign signs in folders by its classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from onebit import system
from onebit.data.files import Listing, contents, inventory
from onebit.data.images import read
from onebit.data.parts import MissingData, Part
from onebit.errors import ConfigError

CLASSES = (
    "speed limit 20",
    "speed limit 30",
    "speed limit 50",
    "speed limit 60",
    "speed limit 70",
    "speed limit 80",
    "end of speed limit 80",
    "speed limit 100",
    "speed limit 120",
    "no overtaking",
    "no overtaking by lorries",
    "priority at next crossing",
    "priority road",
    "give way",
    "stop",
    "no vehicles",
    "no lorries",
    "no entry",
    "danger",
    "curve to the left",
    "curve to the right",
    "double curve",
    "bumpy road",
    "slippery road",
    "road narrows on the right",
    "road works",
    "traffic lights",
    "pedestrians",
    "children",
    "bicycles",
    "ice or snow",
    "wild animals",
    "end of all limits",
    "turn right ahead",
    "turn left ahead",
    "ahead only",
    "ahead or right",
    "ahead or left",
    "keep right",
    "keep left",
    "roundabout",
    "end of no overtaking",
    "end of lorry overtaking ban",
)

NUMBERS = ("Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")
KAGGLE_HEADER = (*NUMBERS, "Path")
OFFICIAL_HEADER = ("Filename", *NUMBERS)
OFFICIAL = {"train": "GTSRB/Final_Training/Images", "test": "GTSRB/Final_Test/Images"}
OFFICIAL_ZIP = {"train": "GTSRB_Final_Training_Images.zip", "test": "GTSRB_Final_Test_Images.zip"}
TEST_CSV, TEST_CSV_ZIP = "GT-final_test.csv", "GTSRB_Final_Test_GT.zip"
IMAGES = {".png", ".ppm", ".jpg", ".jpeg"}
TRACKS = 100_000  # more than any class has
AGAIN = "put the original file there again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An image that a CSV file lists."""

    name: str  # from the place that the images lie in
    label: int
    table: str  # the CSV file


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One part of GTSRB, as it lies there."""

    layout: str
    place: Path  # a folder or a zip file
    below: str  # the folder in it with the images, for training in folders by class
    there: Mapping[str, str]  # the files below that, with their stamps
    class_folder: str  # format of a class folder's name
    rows: Sequence[Row]


def find_gtsrb(part: str) -> Part:
    """The German signs of Stallkamp et al., in Kaggle's layout or the official one."""
    found = locate(system.data_dir() / "gtsrb", part)
    listing = listed(found, part)
    return Part(
        images=len(listing.names),
        layout=found.layout,
        where=str(found.place / found.below) if found.place.is_dir() else str(found.place),
        read=partial(read, listing, f"gtsrb-{part}"),
    )


def find_by_class(name: str, part: str) -> Part:
    """Signs of another country in folders named by GTSRB's classes, all of them for testing."""
    folder = system.data_dir() / name
    hint = (
        f"put images into {folder}/<GTSRB class, 0..{len(CLASSES) - 1}>/; "
        f"`onebit data {name}` says where they come from"
    )
    if not folder.is_dir():
        raise MissingData(f"the data set's folder {str(folder)!r} does not exist", hint=hint)
    stamps: dict[str, str] = {}
    for below in sorted(entry.name for entry in folder.iterdir() if entry.is_dir()):
        if not re.fullmatch(r"\d{1,5}", below) or int(below) >= len(CLASSES):
            raise ConfigError(
                f"the folder {str(folder / below)!r} is not named by one of GTSRB's classes",
                hint=f"name it 0..{len(CLASSES) - 1}, or move it away",
            )
        stamps |= inventory(folder, below)
    chosen = sorted(
        (int(file.partition("/")[0]), file)
        for file in stamps
        if Path(file).suffix.lower() in IMAGES
    )
    if not chosen:
        raise MissingData(f"there is no image in {str(folder)!r}", hint=hint)
    listing = Listing(
        place=folder,
        names=tuple(file for _, file in chosen),
        stamps=tuple(stamps[file] for _, file in chosen),
        labels=np.array([label for label, _ in chosen], np.int64),
    )
    return Part(
        images=len(chosen),
        layout="folders by GTSRB class",
        where=str(folder),
        read=partial(read, listing, f"{name}-{part}"),
    )


def locate(folder: Path, part: str) -> Found:
    """A part of GTSRB in `folder`, in whatever layout; MissingData where it is in none."""
    found = _kaggle(folder, part) or _official(folder, part)
    if found is None:
        raise MissingData(
            f"the {part} images of GTSRB are not in {str(folder)!r}",
            hint=f"onebit data gtsrb --download; or put {part.capitalize()}/ and "
            f"{part.capitalize()}.csv there (Kaggle's layout), or {OFFICIAL_ZIP[part]}",
        )
    return found


def _kaggle(folder: Path, part: str) -> Found | None:
    """Train/<class>/<class>_<track>_<frame>.png, Test/<n>.png, and a CSV file for each."""
    spellings = (part.capitalize(), part)
    top = next((name for name in spellings if (folder / name).is_dir()), None)
    table = next((file for name in spellings if (file := folder / f"{name}.csv").is_file()), None)
    if top is None and table is None:
        return None
    if top is None or table is None:
        lacking, other = (".csv", "") if table is None else ("", ".csv")
        raise ConfigError(
            f"{str(folder / spellings[0]) + lacking!r} is missing beside {spellings[0] + other!r}",
            hint="unpack Kaggle's archive again",
        )
    rows = [
        Row(name=f"{top}/{path.partition('/')[2]}", label=label, table=str(table))
        for path, label in read_table(str(table), table.read_bytes(), KAGGLE_HEADER, ",")
    ]
    return Found(
        layout="Kaggle's folders",
        place=folder,
        below=top,
        there=inventory(folder, top),
        class_folder="{}",
        rows=rows,
    )


def _official(folder: Path, part: str) -> Found | None:
    """What the official zip files hold, unpacked or not, with a CSV file in each class folder."""
    below, packed = OFFICIAL[part], folder / OFFICIAL_ZIP[part]
    place = folder if (folder / below).is_dir() else packed
    if not place.exists():
        return None
    there = inventory(place, below)
    rows = _training_rows(place, below, there) if part == "train" else _test_rows(folder, below)
    return Found(
        layout="the official zip files" if place == packed else "the official folders",
        place=place,
        below=below,
        there=there,
        class_folder="{:05d}",
        rows=rows,
    )


def _training_rows(place: Path, below: str, there: Mapping[str, str]) -> list[Row]:
    """The rows of GT-<class>.csv in each class folder; a missing one is told by `listed`."""
    tables = [
        table for c in range(len(CLASSES)) if (table := f"{below}/{c:05d}/GT-{c:05d}.csv") in there
    ]
    return [
        Row(name=f"{table.rpartition('/')[0]}/{file}", label=label, table=str(place / table))
        for table, raw in zip(tables, contents(place, tables), strict=True)
        for file, label in read_table(str(place / table), raw, OFFICIAL_HEADER, ";")
    ]


def _test_rows(folder: Path, below: str) -> list[Row]:
    """The rows of GT-final_test.csv, which lies in a zip file of its own or wherever it went."""
    packed = folder / TEST_CSV_ZIP
    for spot in (folder, folder / "GTSRB", folder / "GTSRB" / "Final_Test", folder / below, packed):
        if (spot / TEST_CSV).is_file() or (spot == packed and spot.is_file()):
            break
    else:
        raise MissingData(
            f"the classes of GTSRB's test images are missing: {str(folder / TEST_CSV)!r}",
            hint=f"onebit data gtsrb --download; or put {TEST_CSV_ZIP} into {folder}",
        )
    (raw,) = contents(spot, [TEST_CSV])
    table = str(spot / TEST_CSV)
    return [
        Row(name=f"{below}/{file}", label=label, table=table)
        for file, label in read_table(table, raw, OFFICIAL_HEADER, ";")
    ]


def read_table(
    table: str, raw: bytes, header: Sequence[str], delimiter: str
) -> list[tuple[str, int]]:
    """(image file, class) of each row of a CSV file; ConfigError names the line that is wrong."""
    first, *lines = raw.decode("utf-8-sig", errors="replace").splitlines() or [""]
    wanted = delimiter.join(header)
    if first != wanted:
        raise ConfigError(
            f"{table!r} starts with {first[:100]!r}, not with the header {wanted!r}", hint=AGAIN
        )
    found = []
    for number, line in enumerate(lines, 2):
        cells = line.split(delimiter)
        row = dict(zip(header, cells, strict=False))
        if len(cells) != len(header) or not all(row[name].isdecimal() for name in NUMBERS):
            raise ConfigError(
                f"{table!r}, line {number}: {line[:100]!r} is not a row of {wanted!r}", hint=AGAIN
            )
        label = int(row["ClassId"])
        if label >= len(CLASSES):
            raise ConfigError(
                f"{table!r}, line {number}: class {label} is not in 0..{len(CLASSES) - 1}",
                hint=AGAIN,
            )
        found.append((row["Path" if "Path" in row else "Filename"], label))
    return found


def listed(found: Found, part: str) -> Listing:
    """The images that the CSV lists, in its order; all must be there, to train all classes too."""
    if part == "train":
        _check_classes(found)
    if not found.rows:
        raise ConfigError(
            f"no CSV file lists an image of {str(found.place / found.below)!r}", hint=AGAIN
        )
    absent = [row for row in found.rows if row.name not in found.there]
    if absent:
        more = f", and {len(absent) - 1} more that it lists" if len(absent) > 1 else ""
        raise ConfigError(
            f"the image {str(found.place / absent[0].name)!r} is missing, which "
            f"{absent[0].table!r} lists{more}",
            hint=f"{AGAIN}, or unpack the data set anew",
        )
    return Listing(
        place=found.place,
        names=tuple(row.name for row in found.rows),
        stamps=tuple(found.there[row.name] for row in found.rows),
        labels=np.array([row.label for row in found.rows], np.int64),
        groups=np.array(list(_tracks(found)), np.int64) if part == "train" else None,
    )


def _check_classes(found: Found) -> None:
    """ConfigError unless every class has its folder, and a CSV file with images of it."""
    folders = {name.rpartition("/")[0] for name in found.there}
    labels = {row.label for row in found.rows}
    for label in range(len(CLASSES)):
        folder = f"{found.below}/{found.class_folder.format(label)}"
        where = str(found.place / folder)
        if folder not in folders:
            raise ConfigError(
                f"the class folder {where!r} is missing or empty",
                hint="training needs all 43 classes: unpack the data set anew",
            )
        if label not in labels:
            raise ConfigError(
                f"no CSV file lists an image of class {label} in {where!r}",
                hint="training needs all 43 classes: unpack the data set anew",
            )


def _tracks(found: Found) -> Iterable[int]:
    """For each row a number for its class and track: the frames of a track show the same sign."""
    for row in found.rows:
        *_, folder, file = row.name.split("/")
        match = re.fullmatch(r"(?:\d+_)?(\d{1,5})_\d+\.\w+", file)
        if match is None or folder != found.class_folder.format(row.label):
            raise ConfigError(
                f"{row.table!r} lists {row.name!r} as class {row.label}: wanted "
                f"{found.class_folder.format(row.label)}/<track>_<frame>",
                hint=AGAIN,
            )
        yield row.label * TRACKS + int(match[1])
