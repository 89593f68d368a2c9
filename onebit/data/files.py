"""A data set's files, in a folder or a zip file, and what is made of them: once, then cached."""

from __future__ import annotations

import hashlib
import os
import signal
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from onebit import system
from onebit.data.parts import Progress
from onebit.errors import ConfigError

# What zipfile raises on a damaged zip file.
BAD_ZIP = (BadZipFile, KeyError, OSError, ValueError, RuntimeError, EOFError, zlib.error)
FETCH_AGAIN = "remove the zip file and fetch it again"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Samples in order, as files in a folder or zip file, and what each shows."""

    place: Path  # the folder or zip file
    names: tuple[str, ...]  # of the files in it
    stamps: tuple[str, ...]  # each changes when its file does
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def digest(self, *how: object) -> str:
        """A name for what is made of these files `how`, known without reading them."""
        text = "\n".join([*map(str, how), *self.names, *self.stamps])
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


def computed(
    work: Callable[[Sequence[Item]], NDArray[Any]],
    items: Sequence[Item],
    *,
    chunk: int,
    like: NDArray[Any],
    file: Path,
    what: str,
    progress: Progress,
) -> NDArray[Any]:
    """What `work` makes of all `items`, `chunk` at a time: [N, *like.shape], of its type.

    As many processes as may run share the work. The result is kept in `file`, alone in its folder,
    and comes from there the next time.
    """
    shape = (len(items), *like.shape)
    made = _cached(file)
    if made is not None and (made.shape, made.dtype) == (shape, like.dtype):
        return made
    made, alone = np.empty(shape, like.dtype), partial(_on_one_core, work)
    chunks = [items[at : at + chunk] for at in range(0, len(items), chunk)]
    jobs = min(system.cores(), len(chunks))
    with ExitStack() as stack:
        bar = stack.enter_context(progress(what, len(items)))
        results: Iterator[NDArray[Any]] = map(alone, chunks)
        if jobs > 1:
            ignore = (signal.SIGINT, signal.SIG_IGN)  # an interruption is the parent's to report
            results = stack.enter_context(Pool(jobs, signal.signal, ignore)).imap(alone, chunks)
        done = 0
        for result in results:
            made[done : done + len(result)] = result
            done += len(result)
            bar.advance(len(result))
    with system.replaced_dir(file.parent, hint="name another in $ONEBIT_CACHE") as scratch:
        np.save(scratch / file.name, made)
    return made


def _on_one_core(work: Callable[[Item], NDArray[Any]], chunk: Item) -> NDArray[Any]:
    """`work` on a chunk; there are as many processes as cores, so NumPy's products take one."""
    with threadpool_limits(1, "blas"):
        return work(chunk)


def _cached(file: Path) -> NDArray[Any] | None:
    try:
        found: NDArray[Any] = np.load(file)
    except (OSError, ValueError, EOFError):  # not there, or damaged
        return None
    return found
