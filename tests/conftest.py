"""Fixtures of the command line's tests: `onebit` runs a command in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from onebit import cli


@pytest.fixture
def onebit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tiny.Said]:
    """Runs `onebit WORDS...` in this process, with `tmp_path` as the working folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tiny.Said:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        return tiny.Said(code, *capsys.readouterr())

    return run
