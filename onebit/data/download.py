"""Data sets from their public addresses: each file whole and with the right checksum, or not."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from onebit import system
from onebit.data.catalogue import SETS, PublicFile, home
from onebit.data.parts import Bar, MissingData, Progress
from onebit.errors import ConfigError

CHUNK = 1 << 16  # bytes between two steps of the progress bar
ATTEMPT_SECONDS = 30  # without an answer
TAR = ".tar.gz"  # what such a file holds is the data set's folder


@dataclass(slots=True, kw_only=True)
class _Meter:
    """One of our progress bars, as pooch wants one: what it overshoots by is not shown."""

    bar: Bar
    total: int = 0  # set by pooch
    done: int = 0

    def update(self, count: int) -> None:
        step = min(count, self.total - self.done)
        self.done += step
        self.bar.advance(step)

    def reset(self) -> None:
        """Called before a last `update(total)`."""

    def close(self) -> None:
        """The bar is closed by who opened it."""


def download(name: str, progress: Progress) -> list[PublicFile]:
    """Fetch the files of those parts of the data set `name` that are missing; returns them.

    A tar file becomes the data set's folder, and goes.
    """
    place, fetched = home(name), []
    for part in SETS[name].parts:
        for file in _lacking(name, part):
            if file.name.endswith(TAR):
                unpack(fetch(file, place.parent, progress), place, progress)
            else:
                fetch(file, place, progress)
            fetched.append(file)
    return fetched


def _lacking(name: str, part: str) -> tuple[PublicFile, ...]:
    """The public files of a part that is not there; a damaged part is an error as ever."""
    known, place = SETS[name], home(name)
    try:
        known.find(part)
    except MissingData as missing:
        if part not in known.files:
            raise MissingData(
                f"no public address has {name!r} ready to use: {missing.message}",
                hint=f"put it into {place}: {known.source}",
            ) from None
        files = known.files[part]
        if place.exists() and any(file.name.endswith(TAR) for file in files):
            raise ConfigError(
                f"{missing.message}; the download makes the whole folder, and never writes over "
                "one that is there",
                hint=f"move {place} away and run the same command again",
            ) from None
        return files
    return ()


def unpack(archive: Path, target: Path, progress: Progress) -> None:
    """Make the folder `target` of the files in a tar file, whole or not at all; then remove it."""
    with (
        progress(f"unpacking {archive.name}", archive.stat().st_size) as bar,
        system.replaced_dir(target, hint="name another place in $ONEBIT_DATA") as scratch,
        archive.open("rb") as packed,
    ):
        done = 0
        try:
            with tarfile.open(fileobj=packed, mode="r|gz") as members:
                for member in members:
                    _put(members, member, scratch)
                    bar.advance(packed.tell() - done)
                    done = packed.tell()
        except (tarfile.TarError, EOFError, zlib.error) as reason:
            raise ConfigError(
                f"cannot unpack {str(archive)!r}: {reason}",
                hint="remove the file and fetch it again",
            ) from None
    archive.unlink()


def _put(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write a member of a tar file into `folder`, if it is a file; TarError if it lies outside."""
    source = members.extractfile(member) if member.isfile() else None
    if source is None:
        return
    place = (folder / member.name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise tarfile.TarError(f"{member.name!r} lies outside")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        shutil.copyfileobj(source, file)


def fetch(file: PublicFile, folder: Path, progress: Progress) -> Path:
    """`file` in `folder`, fetched unless it is there already with the right checksum.

    It is written beside its place and moved there once its checksum is right. Interrupted, or with
    another content, it leaves nothing.
    """
    import pooch  # needed for downloads alone

    pooch.get_logger().setLevel("WARNING")  # the bar says it
    target = folder / file.name
    try:
        with progress(file.name, file.size) as bar:
            downloader = pooch.HTTPDownloader(
                progressbar=_Meter(bar=bar), chunk_size=CHUNK, timeout=ATTEMPT_SECONDS
            )
            pooch.retrieve(
                file.url, f"md5:{file.md5}", fname=file.name, path=folder, downloader=downloader
            )
        target.chmod(0o644)  # pooch's scratch file is the owner's alone
    except ValueError as reason:
        raise ConfigError(
            f"{file.url!r} is not the file that it should be: {reason}",
            hint=f"nothing was kept; try again later, or put {file.name} into {folder} yourself",
        ) from None
    except OSError as reason:  # requests' errors are among them
        raise ConfigError(
            f"cannot fetch {file.url!r} to {str(target)!r}: {reason}",
            hint=f"nothing was kept; run the same command again, or put {file.name} into {folder} "
            "yourself",
        ) from None
    return target
