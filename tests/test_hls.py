"""hls/: each operator against its definition, under sanitizers; what a template must refuse."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onebit import csim, system

TESTS = Path(__file__).resolve().parent
HLS = system.share_dir("hls")
# The program that tests each operator. ap_int extends a sign by shifting left what is negative,
# which C++20 defines and C++14 does not; everything else that is undefined ends the program.
PROGRAMS = {
    **dict.fromkeys(
        ("xnor_dot", "xnor_sum", "threshold", "mvau", "width_converter", "head"), "hls_vectors"
    ),
    **dict.fromkeys(("window_ring", "window_shift", "maxpool"), "hls_images"),
}
SANITIZERS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize=shift-base",
    "-fno-sanitize-recover=all",
)
INCLUDES = ("-I", HLS, "-I", TESTS)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the tests of operators, compiled; what is constant is checked by that."""
    folder = tmp_path_factory.mktemp("hls")

    def build(name: str) -> None:
        source = TESTS / f"{name}.cpp"
        words = csim.compiler(["-O0", *SANITIZERS, *INCLUDES])
        done = system.run([*words, source, "-o", folder / name])
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor() as pool:
        list(pool.map(build, sorted(set(PROGRAMS.values()))))
    return folder


@pytest.mark.parametrize("operator", PROGRAMS)
def test_operator_does_what_its_definition_says(operator: str, programs: Path) -> None:
    ran = system.run([programs / PROGRAMS[operator], operator])
    assert ran.returncode == 0, ran.stderr
    assert not ran.stdout and not ran.stderr  # a stream warns of what is left in it


def test_every_operator_has_its_test() -> None:
    """window only chooses between window_ring and window_shift."""
    assert {file.stem for file in HLS.glob("*.hpp")} == PROGRAMS.keys() | {"window"}


def test_every_static_assert_fires() -> None:
    words = csim.compiler(["-fsyntax-only", *INCLUDES])
    done = system.run([*words, TESTS / "hls_refused.cpp"])
    assert done.returncode != 0
    fired = set(re.findall(r"static assertion failed: (.*)", done.stderr))
    told = set()
    for file in HLS.glob("*.hpp"):
        asserts = re.findall(r'static_assert\((?:[^"]|\n)*?"([^"]*)"\);', file.read_text())
        assert len(asserts) == file.read_text().count("static_assert("), file
        assert all(re.match(r"\w+: ", text) for text in asserts), f"{file}: which template?"
        told |= set(asserts)
    assert told and fired == told


def test_pragmas_stand_under_what_they_concern() -> None:
    """A loop is pipelined or unrolled by the line below its head; an array is named before."""
    for file in HLS.glob("*.hpp"):
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines):
            if not line.startswith("#pragma HLS"):
                continue
            above = next(text for text in reversed(lines[:number]) if not text.startswith("#"))
            where = f"{file.name}:{number + 1}: {line}"
            if "PIPELINE" in line or "UNROLL" in line:
                assert re.match(r" *(for|while) \(.*\{$", above), where
            elif "INLINE" in line:
                assert above.endswith("{"), where
            else:
                variable = re.search(r"variable = (\w+)", line)
                assert variable, where
                assert any(re.search(rf"\b{variable[1]}\b", text) for text in lines[:number]), where
