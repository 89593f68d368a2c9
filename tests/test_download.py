"""Downloads from a server on this machine, whole and interrupted, and `onebit data`."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from scipy.io import wavfile

from conftest import Onebit
from onebit.data.catalogue import SETS, PublicFile
from onebit.data.download import fetch, unpack
from onebit.data.parts import silent
from onebit.errors import ConfigError

CONTENT = bytes(range(256)) * 2000


def idx(*shape: int) -> bytes:
    """A gzipped IDX file of zeros."""
    header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    size = 1
    for axis in shape:
        size *= axis
    return gzip.compress(header + bytes(size))


def wav(seconds: int) -> bytes:
    """A silent wav file."""
    file = io.BytesIO()
    wavfile.write(file, 8000, np.zeros(8000 * seconds, np.int16))
    return file.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    """A tar.gz file of a folder "." and these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        top = tarfile.TarInfo(".")
        top.type = tarfile.DIRTYPE
        archive.addfile(top)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


MNIST = {
    "train-images-idx3-ubyte.gz": idx(60_000, 28, 28),
    "train-labels-idx1-ubyte.gz": idx(60_000),
    "t10k-images-idx3-ubyte.gz": idx(10_000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": idx(10_000),
}


SPEECH = {
    "./validation_list.txt": b"happy/vv_nohash_0.wav\n",
    "./testing_list.txt": b"happy/tt_nohash_0.wav\ncat/tt_nohash_0.wav\n",
    "./cat/tt_nohash_0.wav": wav(1),
    **{f"./happy/{speaker}_nohash_0.wav": wav(1) for speaker in ("aa", "vv", "tt")},
    "./_background_noise_/a.wav": wav(20),
}
SERVED = {**MNIST, "speech_commands_v0.02.tar.gz": tar(SPEECH)}


class Handler(BaseHTTPRequestHandler):
    """Serves the files below; /cut/ says how long they are and stops in the middle."""

    def do_GET(self) -> None:
        _, how, name = self.path.split("/")
        content = SERVED.get(name, CONTENT)
        self.server.asked.append(name)  # type: ignore[attr-defined]
        self.send_response(404 if how == "gone" else 200)
        if how != "unsized":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if how in ("cut", "unsized") else content)

    def log_message(self, format: str, *args: object) -> None:
        """The test's output stays clean."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A web server on this machine; `asked` lists the files that it was asked for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []  # type: ignore[attr-defined]
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def public(server: ThreadingHTTPServer, how: str, name: str, content: bytes) -> PublicFile:
    return PublicFile(
        url=f"http://127.0.0.1:{server.server_port}/{how}/{name}",
        md5=hashlib.md5(content).hexdigest(),
        size=len(content),
    )


def test_fetches_once(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    file = public(server, "whole", "signs.zip", CONTENT)
    for _ in range(2):
        assert fetch(file, tmp_path / "new", silent) == tmp_path / "new" / "signs.zip"
        assert (tmp_path / "new" / "signs.zip").read_bytes() == CONTENT
    assert server.asked == ["signs.zip"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["signs.zip"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", r"cannot fetch 'http://127.*/cut/signs\.zip' to '.*signs\.zip': .*IncompleteRead"),
        ("unsized", r"/unsized/signs\.zip' is not the file that it should be"),
        ("gone", r"cannot fetch 'http://127.*/gone/signs\.zip' to .*404"),
    ],
)
def test_interrupted_download_leaves_nothing_and_starts_again(
    server: ThreadingHTTPServer, tmp_path: Path, how: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        fetch(public(server, how, "signs.zip", CONTENT), tmp_path, silent)
    assert "nothing was kept" in caught.value.hint
    assert not list(tmp_path.iterdir())
    fetch(public(server, "whole", "signs.zip", CONTENT), tmp_path, silent)
    assert (tmp_path / "signs.zip").read_bytes() == CONTENT


def test_other_content_is_refused_and_named(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    other = replace(public(server, "whole", "signs.zip", CONTENT), md5="0" * 32)
    with pytest.raises(ConfigError, match=r"signs\.zip' is not the file that it should be.*000"):
        fetch(other, tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_damaged_file_is_fetched_again(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "signs.zip").write_bytes(CONTENT[:1000])
    fetch(public(server, "whole", "signs.zip", CONTENT), tmp_path, silent)
    assert (tmp_path / "signs.zip").read_bytes() == CONTENT


@pytest.fixture
def addresses(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ThreadingHTTPServer:
    """The server, as the public address of MNIST and Speech Commands; no data set is there yet."""
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    for name in ("mnist", "speech_happy"):
        known = SETS[name]
        files = {
            part: tuple(public(server, "whole", file.name, SERVED[file.name]) for file in files)
            for part, files in known.files.items()
        }
        monkeypatch.setitem(SETS, name, replace(known, files=files))
    return server


def test_command_fetches_what_is_missing(
    addresses: ThreadingHTTPServer, onebit: Onebit, tmp_path: Path
) -> None:
    said = onebit("data", "mnist")
    assert said.code == 2
    assert "train-images-idx3-ubyte.gz' does not exist" in said.err
    assert "hint: onebit data mnist --download" in said.err
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (folder / name).write_bytes(MNIST[name])
    said = onebit("data", "mnist", "--download")
    assert said.code == 0
    assert "60,000" in said.out
    assert "fetched 2 files" in said.err
    assert addresses.asked == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert "nothing to fetch" in onebit("data", "mnist-tfc", "--download").err
    assert len(addresses.asked) == 2


def test_command_unpacks_a_tar_file_and_removes_it(
    addresses: ThreadingHTTPServer, onebit: Onebit, tmp_path: Path
) -> None:
    said = onebit("data", "speech_happy", "--download")
    assert said.code == 0 and "fetched 1 files" in said.err
    folder = tmp_path / "data" / "speech_commands"
    assert list((tmp_path / "data").iterdir()) == [folder]
    found = {f"./{file.relative_to(folder)}": file for file in folder.rglob("*") if file.is_file()}
    assert {name: file.read_bytes() for name, file in found.items()} == SPEECH
    assert "nothing to fetch" in onebit("data", "speech_happy", "--download").err
    assert addresses.asked == ["speech_commands_v0.02.tar.gz"]


def test_folder_that_is_there_is_not_written_over(
    addresses: ThreadingHTTPServer, onebit: Onebit, tmp_path: Path
) -> None:
    mine = tmp_path / "data" / "speech_commands" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    said = onebit("data", "speech_happy", "--download")
    said.refused(2, "never writes over one that is there", "move ")
    assert mine.read_text() == "mine" and not addresses.asked


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTENT, r"cannot unpack '.*a\.tar\.gz': "),
        (tar(SPEECH)[:-3000], r"cannot unpack '.*a\.tar\.gz': "),
        (tar({"../evil": b""}), r"cannot unpack '.*a\.tar\.gz': '\.\./evil' lies outside"),
        (tar({"/no/evil": b""}), r"cannot unpack '.*a\.tar\.gz': '/no/evil' lies outside"),
    ],
)
def test_tar_file_is_unpacked_whole_or_not_at_all(
    tmp_path: Path, content: bytes, said: str
) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        unpack(archive, tmp_path / "folder", silent)
    assert list(tmp_path.iterdir()) == [archive]


def test_command_says_what_there_is(addresses: ThreadingHTTPServer, onebit: Onebit) -> None:
    rows = json.loads(onebit("data", "--json").out)
    assert [row["data"] for row in rows] == list(SETS)
    states = {row["data"]: [part["state"] for part in row["parts"].values()] for row in rows}
    assert states["digits"] == ["complete", "complete"]
    assert states["gtsrb"] == ["missing", "missing"]
    assert states["belgium_ts"] == ["missing"]
    said = onebit("data")
    assert said.code == 0
    assert all(name in said.out for name in SETS)


@pytest.mark.parametrize("name", ["gtsrb", "mnist", "belgium_ts", "chinese_ts", "speech_12"])
def test_missing_data_set_ends_with_how_to_get_it(
    addresses: ThreadingHTTPServer, onebit: Onebit, name: str
) -> None:
    said = onebit("data", name, "--json")
    assert said.code == 2
    facts = json.loads(said.out)
    folder = "speech_commands" if name == "speech_12" else name
    assert facts["source"] and facts["licence"] and folder in facts["folder"]
    assert len(facts["files"]) == {"gtsrb": 3, "mnist": 4, "speech_12": 1}.get(name, 0)
    assert name in said.err and "hint: " in said.err


def test_without_public_address_the_source_is_named(
    addresses: ThreadingHTTPServer, onebit: Onebit
) -> None:
    onebit("data", "belgium_ts", "--download").refused(2, "no public address", "btsd.ethz.ch")


def test_bad_words_are_refused(onebit: Onebit) -> None:
    onebit("data", "cifar").refused(2, "no data set and no network is called 'cifar'", "gtsrb")
    onebit("data", "--download").refused(2, "--download wants a data set", "onebit data gtsrb")


def test_public_files_are_told_whole() -> None:
    for known in SETS.values():
        for file in (file for files in known.files.values() for file in files):
            assert file.url.startswith("https://") and file.url.endswith(file.name)
            assert len(bytes.fromhex(file.md5)) == 16 and file.size > 0
