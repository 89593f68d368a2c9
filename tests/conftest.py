"""Fixtures of the command line's tests: a tiny network, and `onebit` to run commands on it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from onebit import cli, flow

Onebit = Callable[..., tiny.Said]


@pytest.fixture
def onebit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Onebit:
    """Runs `onebit WORDS...` in this process, with `tmp_path` as the working folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tiny.Said:
        capsys.readouterr()
        try:
            code = cli.main([str(word) for word in words])
        except SystemExit as end:  # argparse's way
            code = int(end.code or 0)
        return tiny.Said(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The intact tiny network."""
    return tiny.write(tmp_path_factory.mktemp("tiny") / "tiny.onnx", tiny.model())


@pytest.fixture(scope="session")
def tiny_folder(tiny_file: Path) -> Path:
    """The tiny network, compiled; for reading."""
    flow.compile_network(str(tiny_file), tiny_file.with_name("out"), "pynq-z2", None, None)
    return tiny_file.with_name("out")


@pytest.fixture
def compiled(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny network, compiled into `tmp_path`/compiled; for a test to damage."""
    return shutil.copytree(tiny_folder, tmp_path / "compiled")
