"""The doctor: finds what is here, names what is not, and judges by what the basic flow needs."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from onebit import doctor


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no tools but those put into the returned folder, and no data sets."""
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setattr(doctor, "find_tool", lambda name: next(tools.glob(name), None))
    monkeypatch.setenv("ONEBIT_DATA", str(tmp_path / "data"))
    return tools


def put_tool(folder: Path, name: str, says: str) -> None:
    """A program `name` that prints `says` on stderr, as some do with their version."""
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def found(kind: str, name: str) -> str | None:
    (finding,) = (each for each in doctor.examine() if (each.kind, each.name) == (kind, name))
    return finding.found


def test_packages_are_found_by_their_metadata() -> None:
    assert found("package", "numpy") == metadata.version("numpy")


def test_this_machine_is_healthy() -> None:
    """Whoever runs the tests has what the basic flow needs."""
    missing = [each.name for each in doctor.examine() if each.needed and not each.found]
    assert not missing
    assert doctor.healthy(doctor.examine())


def test_missing_tool_is_unhealthy_and_says_how_to_get_it(bare: Path) -> None:
    findings = doctor.examine()
    gcc = next(each for each in findings if each.name == "g++")
    assert gcc.found is None
    assert gcc.install == "sudo apt install g++"
    assert not doctor.healthy(findings)
    assert "MISSING  g++" in doctor.as_table(findings)


def test_optional_tool_may_be_missing() -> None:
    present = [replace(each, found=each.found or "1.0") for each in doctor.examine()]
    without = [replace(each, found=None) if each.name == "vivado" else each for each in present]
    assert doctor.healthy(without)


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("g++", "g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "12.2.0"),
        ("perl", "This is perl 5, version 36, subversion 0 (v5.36.0)", "5.36.0"),
        ("vivado", "vivado v2024.1 (64-bit)", "2024.1"),
        ("gtkwave", "could not open the display", "found"),
    ],
)
def test_versions_are_read(bare: Path, name: str, says: str, version: str) -> None:
    put_tool(bare, name, says)
    assert found("tool", name) == version


def test_data_set_counts_when_all_its_files_are_there(bare: Path) -> None:
    folder = bare.parent / "data" / "mnist"
    folder.mkdir(parents=True)
    *first, last = doctor.DATA["mnist"]
    for name in first:
        (folder / name).touch()
    assert found("data", "mnist") is None
    (folder / last).touch()
    assert found("data", "mnist") == "complete"


def test_what_no_command_offers_yet_is_called_planned() -> None:
    planned = {each.name for each in doctor.examine() if each.unlocks.startswith("planned: ")}
    assert not planned


def test_json_holds_what_the_table_holds() -> None:
    findings = doctor.examine()
    report = json.loads(doctor.as_json(findings))
    assert report["healthy"] is doctor.healthy(findings)
    assert [each["name"] for each in report["findings"]] == [each.name for each in findings]
    table = doctor.as_table(findings)
    assert all(each.name in table and each.unlocks in table for each in findings)
