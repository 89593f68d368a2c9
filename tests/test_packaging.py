"""Packaging: the pinned lists are pinned and meet pyproject's bounds; the wheel is whole."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import onebit
from onebit import system

ROOT = Path(__file__).resolve().parent.parent
LISTS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHARED = ("rtl", "hls", "cpu", "models", "build", "sim")  # the wheel carries them in onebit/share


def pins(file: Path) -> dict[str, str]:
    """Package to version, of a requirement list; anything but `name==version` fails."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)==([0-9][0-9A-Za-z.]*)", text)
        assert match, f"{file.name}: {line!r} must be name==version, with no index and no path"
        package = canonicalize_name(match[1])
        assert package not in found, f"{file.name}: {package} is listed twice"
        found[package] = match[2]
    return found


def test_lists_are_there() -> None:
    assert [file.stem for file in LISTS] == ["dev", "run", "train"]


def test_lists_do_not_overlap() -> None:
    everything = [package for file in LISTS for package in pins(file)]
    assert len(everything) == len(set(everything))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("run", PROJECT["dependencies"]), *PROJECT["optional-dependencies"].items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pins_meet_the_metadata(name: str, wanted: list[str]) -> None:
    """What pyproject asks for is pinned in the list of that name, within its bounds."""
    pinned = pins(ROOT / "requirements" / f"{name}.txt") | {"torch": torch_pin()}
    for text in wanted:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not pinned in {name}.txt"
        assert requirement.specifier.contains(version), f"{text} does not allow {version}"


def torch_pin() -> str:
    """torch is pinned in the Makefile, since its dependencies differ between builds."""
    match = re.search(r"^TORCH +:= torch==(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert match
    return match[1]


def test_changelog_has_this_version() -> None:
    assert f"## [{onebit.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    built = system.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    ZipFile(file).extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.mark.parametrize("folder", SHARED)
def test_wheel_carries_what_the_flow_reads(wheel: Path, folder: str) -> None:
    """Every file but the benches, and scratch that git ignores."""
    benches = {".py", ".pyc"} if folder == "sim" else {".pyc"}
    here, there = (
        {
            file.relative_to(top)
            for file in (top / folder).rglob("*")
            if file.is_file() and file.suffix not in benches
        }
        for top in (ROOT, wheel / "onebit" / "share")
    )
    assert there == here


def test_wheel_keeps_the_benches_out(wheel: Path) -> None:
    assert not list((wheel / "onebit" / "share" / "sim").rglob("*.py"))
    assert {path.name for path in wheel.iterdir() if path.suffix != ".dist-info"} == {"onebit"}


def test_installed_package_finds_its_share(wheel: Path) -> None:
    """Without the checkout, the board's description comes from onebit/share."""
    code = "from onebit import board; print(board.load('pynq-z2').part)"
    ran = system.run([sys.executable, "-c", code], cwd=wheel)  # the working folder comes first
    assert ran.stdout.strip() == "xc7z020clg400-1", ran.stderr
