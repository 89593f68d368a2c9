"""Data sets from their public addresses: each file whole and with the right checksum, or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onebit import system
from onebit.data.catalogue import SETS, PublicFile
from onebit.data.parts import Bar, MissingData, Progress
from onebit.errors import ConfigError

CHUNK = 1 << 16  # bytes between two steps of the progress bar
ATTEMPT_SECONDS = 30  # without an answer


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


def download(name: str, progress: Progress) -> list[Path]:
    """Fetch the files of those parts of the data set `name` that are missing; returns them."""
    folder = system.data_dir() / name
    return [
        fetch(file, folder, progress) for part in SETS[name].parts for file in _lacking(name, part)
    ]


def _lacking(name: str, part: str) -> tuple[PublicFile, ...]:
    """The public files of a part that is not there; a damaged part is an error as ever."""
    known = SETS[name]
    try:
        known.find(part)
    except MissingData as missing:
        if part not in known.files:
            raise MissingData(
                f"no public address has {name!r} ready to use: {missing.message}",
                hint=f"put it into {system.data_dir() / name}: {known.source}",
            ) from None
        return known.files[part]
    return ()


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
