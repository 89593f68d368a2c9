"""`onebit hls` and `onebit simulate --hls`: what they write, say and refuse.

Vitis HLS is a stand-in here: a shell script that behaves as the test needs.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from onebit import csim, hls_project, system

Onebit = Callable[..., tiny.Said]


@pytest.fixture
def vitis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in vitis_hls's place; without one, none is found."""
    file, find = tmp_path / "vitis_hls", system.find_tool
    monkeypatch.setattr(
        system, "find_tool", lambda name: find(name) if name != "vitis_hls" else here()
    )

    def here() -> Path | None:
        return file if file.is_file() else None

    def put(script: str) -> None:
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    return put


def test_without_the_tool_the_folder_is_whole(
    onebit: Onebit, compiled: Path, vitis: Callable[[str], None]
) -> None:
    said = onebit("hls", compiled, "--json")
    assert said.code == 3
    assert "vitis_hls was not found" in said.err and "vitis_hls -f run_hls.tcl" in said.err
    facts = json.loads(said.out)
    assert facts["part"] == "xc7z020clg400-1" and facts["ip"] is None
    found = {file.name for file in (compiled / "hls").iterdir()}
    assert {"accelerator.cpp", "testbench.cpp", "run_hls.tcl", "settings", "images"} <= found
    readme = (compiled / "hls" / "README.txt").read_text()
    assert hls_project.RUN in readme


def test_the_tool_runs_where_it_is(
    onebit: Onebit, compiled: Path, vitis: Callable[[str], None]
) -> None:
    vitis(f'echo "onebit: synthesis"; mkdir -p ip; echo block > {hls_project.IP}; echo "$@" > args')
    said = onebit("hls", compiled, "--json")
    assert said.code == 0, said.err
    assert "vitis_hls: synthesis" in said.err
    assert json.loads(said.out)["ip"] == str(compiled / "hls" / hls_project.IP)
    assert (compiled / "hls" / "args").read_text() == "-f run_hls.tcl\n"


@pytest.mark.parametrize("script", ['echo "ERROR: [HLS 1] bad"; exit 1', 'echo "ERROR: no"'])
def test_a_failing_tool_is_a_failed_check(
    onebit: Onebit, compiled: Path, vitis: Callable[[str], None], script: str
) -> None:
    """Also where it ends well without a block."""
    vitis(f'echo "onebit: synthesis"\n{script}')
    said = onebit("hls", compiled)
    assert said.code == 1
    assert "vitis_hls failed at synthesis:" in said.err and "ERROR: " in said.err
    assert "vitis_hls.log" in said.err


def test_simulation_compares_with_golden(onebit: Onebit, compiled: Path) -> None:
    said = onebit("simulate", compiled, "--hls", "--images", 50, "--json")
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert facts["images"] == 50 and facts["mismatches"] == 0


def test_a_wrong_constant_names_image_expected_and_got(onebit: Onebit, compiled: Path) -> None:
    onebit("hls", compiled)
    constants = compiled / "hls" / "accelerator" / "head.hpp"
    text = constants.read_text()
    first = re.search(r"head_biases.*\n    \{(-?\d+)", text)
    assert first
    constants.write_text(f"{text[: first.start(1)]}{int(first[1]) + 1}{text[first.end(1) :]}")
    said = onebit("simulate", compiled, "--hls", "--images", 50)
    assert said.code == 1
    place = r"50 of 50 images differ from golden; first: image 0, the logit of class 0: expected "
    found = re.search(place + r"(-?\d+), got (-?\d+)", said.err)
    assert found and int(found[2]) == int(found[1]) + 1, said.err


def test_another_networks_folder_is_refused(onebit: Onebit, compiled: Path) -> None:
    onebit("hls", compiled)
    top = compiled / "hls" / "accelerator.cpp"
    top.write_text(top.read_text().replace("onebit::head", "onebit::head "))
    said = onebit("simulate", compiled, "--hls")
    said.refused(2, "accelerator.cpp' is not what net.json and folding.toml describe", "onebit hls")


@pytest.mark.parametrize("words", [("--board",), ("--publish",), ("--stall", 5)])
def test_what_is_for_the_rtl_is_refused(onebit: Onebit, compiled: Path, words: tuple) -> None:
    said = onebit("simulate", compiled, "--hls", *words)
    said.refused(2, f"{words[0]} is for the RTL: not with --hls", None)


def test_missing_headers_are_named(
    onebit: Onebit, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csim, "find_spec", lambda name: None)
    said = onebit("simulate", compiled, "--hls")
    said.refused(3, r"ap_int\.h was not found", "hls4ml")
