"""Image files, in a folder or a zip file: what is there, and the images decoded, once."""

from __future__ import annotations

import hashlib
import os
import signal
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from multiprocessing import Pool
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.data.parts import Progress, Split
from onebit.errors import ConfigError

CACHE_VERSION = 1  # of how images are decoded and resized
CHUNK = 1024  # images that a process decodes at a time; it opens a zip file anew each time

# What Pillow raises on a damaged image, and zipfile on a damaged zip file.
BAD_IMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error)
BAD_ZIP = (BadZipFile, KeyError, OSError, ValueError, RuntimeError, EOFError, zlib.error)
FETCH_AGAIN = "remove the zip file and fetch it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Images in order, as files in a folder or zip file, and what each shows."""

    place: Path  # the folder or zip file
    names: tuple[str, ...]  # of the files in it
    stamps: tuple[str, ...]  # each changes when its file does
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def digest(self) -> str:
        """A name for the content of these images, from what is known without reading them."""
        text = "\n".join([str(CACHE_VERSION), *self.names, *self.stamps])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def inventory(place: Path, below: str) -> dict[str, str]:
    """The files under the folder `below` of `place`: the name of each in `place`, and its stamp."""
    if place.is_dir():
        return dict(_walk(place, below))
    with _opened(place) as archive:
        return {
            entry.filename: f"{entry.file_size} {entry.CRC}"
            for entry in archive.infolist()
            if entry.filename.startswith(f"{below}/") and not entry.is_dir()
        }


def _walk(place: Path, below: str) -> Iterator[tuple[str, str]]:
    with os.scandir(place / below) as entries:  # which knows files from folders without a stat
        for entry in entries:
            name = f"{below}/{entry.name}"
            if entry.is_dir():
                yield from _walk(place, name)
            else:
                found = entry.stat()
                yield name, f"{found.st_size} {found.st_mtime_ns}"


def contents(place: Path, names: Sequence[str]) -> Iterator[bytes]:
    """The files called `names` in the folder or zip file `place`."""
    if place.is_dir():
        yield from ((place / name).read_bytes() for name in names)
        return
    with _opened(place) as archive:
        for name in names:
            try:
                yield archive.read(name)
            except BAD_ZIP as reason:
                raise ConfigError(
                    f"cannot unpack {str(place / name)!r}: {reason}", hint=FETCH_AGAIN
                ) from None


def _opened(archive: Path) -> ZipFile:
    try:
        return ZipFile(archive)
    except BAD_ZIP as reason:
        raise ConfigError(
            f"{str(archive)!r} is not a whole zip file: {reason}", hint=FETCH_AGAIN
        ) from None


def read(listing: Listing, key: str, side: int, progress: Progress) -> Split:
    """The images of `listing` as RGB of `side` x `side` pixels, from the cache where it has them.

    The cache keeps one array for each `key` and `side`; edited files make it anew.
    """
    folder = system.cache_dir() / "images" / f"{key}-{side}"
    file = folder / f"{listing.digest()}.npy"
    images = _cached(file, (len(listing.names), side, side, 3))
    if images is None:
        images = _decoded(listing, key, side, progress)
        with system.replaced_dir(folder, hint="name another in $ONEBIT_CACHE") as scratch:
            np.save(scratch / file.name, images)
    return Split(images=images, labels=listing.labels, groups=listing.groups)


def _cached(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    try:
        images: NDArray[np.uint8] = np.load(file)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _decoded(listing: Listing, key: str, side: int, progress: Progress) -> NDArray[np.uint8]:
    """All images, decoded by as many processes as may run."""
    images = np.empty((len(listing.names), side, side, 3), np.uint8)
    chunks = [listing.names[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    work = partial(decode, listing.place, side)
    jobs = min(system.cores(), len(chunks))
    with ExitStack() as stack:
        bar = stack.enter_context(progress(f"decoding {key}", len(images)))
        results: Iterator[NDArray[np.uint8]] = map(work, chunks)
        if jobs > 1:
            ignore = (signal.SIGINT, signal.SIG_IGN)  # an interruption is the parent's to report
            results = stack.enter_context(Pool(jobs, signal.signal, ignore)).imap(work, chunks)
        done = 0
        for chunk in results:
            images[done : done + len(chunk)] = chunk
            done += len(chunk)
            bar.advance(len(chunk))
    return images


def decode(place: Path, side: int, names: Sequence[str]) -> NDArray[np.uint8]:
    """The image files called `names` in `place`, as [N, side, side, RGB].

    Each is resized whole, its aspect not kept; where it shrinks, bilinear is antialiased.
    """
    from PIL import Image  # needed for signs alone

    images = np.empty((len(names), side, side, 3), np.uint8)
    files = contents(place, names)
    for index, name in enumerate(names):
        try:
            raw = next(files)
            with Image.open(BytesIO(raw)) as image:
                image.verify()  # checksums, which decoding leaves out; it spoils the object
            with Image.open(BytesIO(raw)) as image:
                small = image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        except (*BAD_IMAGE, Image.DecompressionBombError) as reason:
            raise ConfigError(
                f"cannot decode the image {str(place / name)!r}: {reason}",
                hint="put the original file there again",
            ) from None
        images[index] = np.asarray(small)
    return images
