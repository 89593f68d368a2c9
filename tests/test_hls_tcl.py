"""The Tcl for Vitis HLS, executed by a Tcl interpreter on stubs that know the tool's commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from onebit import board, csim, emit, flow, golden, hls_project, simulate, system
from test_vivado_tcl import Ran, TclError, evaluate

STUBS = Path(__file__).with_name("vitis_hls_stubs.tcl")


@pytest.fixture
def project(compiled: Path) -> hls_project.Project:
    """The tiny network's project, written."""
    made = hls_project.Project(compiled=flow.read(compiled), board=board.load("pynq-z2"))
    hls_project.write(made)
    return made


def execute(project: hls_project.Project) -> Ran:
    """Run the project's script on the stubs; a wrong command is a TclError."""
    script = project.folder / hls_project.SCRIPT
    out = evaluate(f"source {{{STUBS}}}\nsource {{{script}}}\nputs [happened]\n", project.folder)
    lines = [line for line in out.splitlines() if not line.startswith("onebit: ")]
    return Ran([line.split("\t") for line in lines])


def test_the_script_goes_through_every_step(project: hls_project.Project) -> None:
    ran = execute(project)
    steps = [call[0] for call in ran.calls if call[0].endswith("_design")]
    assert steps == ["csim_design", "csynth_design", "cosim_design", "export_design"]
    assert ran.calls[-4] == ["exit"]
    assert (project.folder / hls_project.IP).is_file()
    assert ran.of("set_part") == [["xc7z020clg400-1"]]
    assert ran.of("create_clock") == [["-period", "10.000", "-name", "default"]]
    (export,) = ran.of("export_design")
    assert export[:2] == ["-format", "ip_catalog"]


def test_both_simulations_run_the_same_images(project: hls_project.Project) -> None:
    ran = execute(project)
    argv = [["-argv", f"images results 0 {hls_project.IMAGES} expected"]]
    assert ran.of("csim_design") == ran.of("cosim_design") == argv


def test_the_tool_gets_the_top_and_its_testbench(project: hls_project.Project) -> None:
    ran = execute(project)
    assert ran.of("top") == [["accelerator"]]
    assert ran.of("sources") == [["accelerator.cpp"]]
    assert ran.of("bench") == [["testbench.cpp", "images", "expected"]]
    assert "\nvoid accelerator(" in (project.folder / "accelerator.cpp").read_text()
    flags = [
        words[words.index("-cflags") + 1] for words in ran.of("add_files") if "-cflags" in words
    ]
    assert flags == ["-std=c++14 -DAP_INT_MAX_W=4096"] * 2


def test_every_header_that_is_included_is_there(project: hls_project.Project) -> None:
    files = [file for file in project.folder.rglob("*") if file.suffix in {".cpp", ".hpp", ".h"}]
    included = {
        name for file in files for name in re.findall(r'^#include "(.*)"', file.read_text(), re.M)
    }
    missing = {name for name in included if not (project.folder / name).is_file()}
    assert missing == {"ap_int.h", "hls_stream.h"}  # the tool's own


@pytest.mark.parametrize("name", ["accelerator.cpp", "testbench.cpp", "images", "expected"])
def test_the_stubs_notice_a_missing_file(project: hls_project.Project, name: str) -> None:
    (project.folder / name).unlink()
    with pytest.raises(TclError, match=f"{name} is not a file"):
        execute(project)
    assert not (project.folder / hls_project.IP).exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("csynth_design\n", "", "the design is simulated, not synthesised"),
        ("add_files -tb expected\n", "", "expected was not added to the testbench"),
        ("cosim_design", "cosim_desing", "cosim_desing"),
        ("-format ip_catalog", "-forma ip_catalog", "unknown option -forma"),
    ],
)
def test_the_stubs_notice_a_wrong_script(
    project: hls_project.Project, old: str, new: str, told: str
) -> None:
    script = project.folder / hls_project.SCRIPT
    text = script.read_text()
    assert old in text
    script.write_text(text.replace(old, new, 1))
    with pytest.raises(TclError, match=told):
        execute(project)
    assert not (project.folder / hls_project.IP).exists()


def test_an_earlier_block_does_not_outlive_a_failure(project: hls_project.Project) -> None:
    execute(project)
    (project.folder / "images").unlink()
    with pytest.raises(TclError):
        execute(project)
    assert not (project.folder / hls_project.IP).exists()


@pytest.fixture
def testbench(project: hls_project.Project) -> Callable[[], tuple[int, str]]:
    """Compiles the project and calls the testbench as the script does: exit code and stderr."""

    def run() -> tuple[int, str]:
        words = ["images", "results", "0", str(hls_project.IMAGES), "expected"]
        done = system.run([csim.build(project.folder), *words], cwd=project.folder)
        return done.returncode, done.stderr

    return run


def test_the_testbench_judges_as_the_tool_is_told(
    project: hls_project.Project, testbench: Callable[[], tuple[int, str]]
) -> None:
    assert testbench() == (0, "")
    net, folding = project.compiled.net, project.compiled.folding
    raw = hls_project.random_samples(net.input, hls_project.IMAGES)
    written = np.fromfile(project.folder / "results", dtype=np.uint8)
    logits, _ = simulate.read_results(written, emit.result(net, folding))
    assert (logits == golden.run(net, raw).logits).all()
    expected = project.folder / "expected"
    data = bytearray(expected.read_bytes())
    data[-4] ^= 1
    expected.write_bytes(data)
    code, said = testbench()
    assert code == 1 and f"image {hls_project.IMAGES - 1}: beat" in said
