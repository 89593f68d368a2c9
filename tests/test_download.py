"""Downloads from a server on this machine, whole and interrupted, and `onebit data`."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from conftest import Onebit
from onebit.data.catalogue import SETS, PublicFile
from onebit.data.download import fetch
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


MNIST = {
    "train-images-idx3-ubyte.gz": idx(60_000, 28, 28),
    "train-labels-idx1-ubyte.gz": idx(60_000),
    "t10k-images-idx3-ubyte.gz": idx(10_000, 28, 28),
    "t10k-labels-idx1-ubyte.gz": idx(10_000),
}


class Handler(BaseHTTPRequestHandler):
    """Serves the files below; /cut/ says how long they are and stops in the middle."""

    def do_GET(self) -> None:
        _, how, name = self.path.split("/")
        content = MNIST.get(name, CONTENT)
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
def mnist(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ThreadingHTTPServer:
    """The server, as MNIST's public address; no data set is there yet."""
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    known = SETS["mnist"]
    files = {
        part: tuple(public(server, "whole", file.name, MNIST[file.name]) for file in files)
        for part, files in known.files.items()
    }
    monkeypatch.setitem(SETS, "mnist", replace(known, files=files))
    return server


def test_command_fetches_what_is_missing(
    mnist: ThreadingHTTPServer, onebit: Onebit, tmp_path: Path
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
    assert mnist.asked == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert "nothing to fetch" in onebit("data", "mnist-tfc", "--download").err
    assert len(mnist.asked) == 2


def test_command_says_what_there_is(mnist: ThreadingHTTPServer, onebit: Onebit) -> None:
    rows = json.loads(onebit("data", "--json").out)
    assert [row["data"] for row in rows] == list(SETS)
    states = {row["data"]: [part["state"] for part in row["parts"].values()] for row in rows}
    assert states["digits"] == ["complete", "complete"]
    assert states["gtsrb"] == ["missing", "missing"]
    assert states["belgium_ts"] == ["missing"]
    said = onebit("data")
    assert said.code == 0
    assert all(name in said.out for name in SETS)


@pytest.mark.parametrize("name", ["gtsrb", "mnist", "belgium_ts", "chinese_ts"])
def test_missing_data_set_ends_with_how_to_get_it(
    mnist: ThreadingHTTPServer, onebit: Onebit, name: str
) -> None:
    said = onebit("data", name, "--json")
    assert said.code == 2
    facts = json.loads(said.out)
    assert facts["source"] and facts["licence"] and name in facts["folder"]
    assert bool(facts["files"]) == (name in ("gtsrb", "mnist"))
    assert name in said.err and "hint: " in said.err


def test_without_public_address_the_source_is_named(
    mnist: ThreadingHTTPServer, onebit: Onebit
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
