"""The house style that no linter knows: sizes, first lines, same stems, who may import what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("onebit", "rtl", "hls", "cpu", "sim", "build", "tests", "models", ".ci")
LONGEST_FILE, LONGEST_FUNCTION, WIDEST_LINE = 400, 50, 100
LONGER = {"onebit/driver.py": 530}  # a board gets its driver as one file

# The comment that opens a file, by its suffix; Python files open with a docstring.
COMMENTS = {".sv": "//", ".v": "//", ".vlt": "//", ".h": "//", ".hpp": "//", ".c": "//"}
COMMENTS |= {".cpp": "//", ".tcl": "#", ".ys": "#", ".xdc": "#", ".toml": "#", ".sh": "#"}
OPERATORS = {".sv", ".v", ".hpp"}
HARDWARE_AND_C = {".sv", ".v", ".vlt", ".h", ".hpp", ".c", ".cpp"}

# Names for the ports of the processor's cell, and no behaviour: sim/test_pynq_z2_top.py simulates
# it where it belongs, tests/test_openxc7.py compares the names with the cell's.
WITHOUT_BENCH = {"zynq_ps"}

# What HLS has as a template of its own, and the module of rtl/ that does it.
WITHIN_RTL = {"xnor_dot": "xnor_popcount", "threshold": "mvau"}

# Packages that may be imported in these parts of onebit/ alone.
CONFINED = {
    "subprocess": ("system.py",),
    "onnx": ("lower/", "train/"),
    "onnxruntime": ("lower/", "train/"),
    "qonnx": ("lower/", "train/"),
    "finn": ("lower/",),
    "torch": ("train/",),
    "brevitas": ("train/",),
}


@cache
def sources() -> tuple[Path, ...]:
    """Every hand-written source file."""
    inside = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*"))]
    return tuple(
        file
        for file in [*inside, ROOT / "pyproject.toml", ROOT / "Makefile"]
        if file.is_file()
        and (file.suffix in {".py", *COMMENTS} or file.name in {"Makefile", "run"})
        and "__pycache__" not in file.parts
        and not file.name.startswith("._")
    )


@cache
def lines(file: Path) -> tuple[str, ...]:
    return tuple(file.read_text(encoding="utf-8").splitlines())


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def python(folder: str = "") -> list[Path]:
    inside = ROOT / folder
    return [file for file in sources() if file.suffix == ".py" and file.is_relative_to(inside)]


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def stems(folder: str, pattern: str) -> set[str]:
    return {file.stem for file in (ROOT / folder).glob(pattern)}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """(line, package) of every import in `file`, local ones included."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


def none_of(problems: list[str]) -> None:
    """Fail with every problem on a line of its own."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def test_files_are_found() -> None:
    assert {"onebit/system.py", "tests/test_style.py", "Makefile"} <= set(map(name, sources()))


def test_files_are_short() -> None:
    none_of(
        [
            f"{name(file)}: {len(lines(file))} lines, at most {most}; split it"
            for file in sources()
            if len(lines(file)) > (most := LONGER.get(name(file), LONGEST_FILE))
        ]
    )


def test_functions_are_short() -> None:
    none_of(
        [
            f"{name(file)}:{node.lineno}: {node.name} has {length} lines, not {LONGEST_FUNCTION}"
            for file in python()
            for node in ast.walk(tree(file))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
        ]
    )


def test_lines_fit() -> None:
    none_of(
        [
            f"{name(file)}:{number}: {len(line)} columns, at most {WIDEST_LINE}"
            for file in sources()
            for number, line in enumerate(lines(file), start=1)
            if len(line) > WIDEST_LINE
        ]
    )


def opens_well(file: Path) -> bool:
    """Whether the first line, after what a tool must see there, says what the file is for."""
    text = [line for line in lines(file)[:2] if not line.startswith(("#!", "`verilator_config"))]
    first = text[0] if text else ""
    if file.suffix == ".py":
        return re.match(r'"""\S.{9,}', first) is not None
    mark = re.escape(COMMENTS.get(file.suffix, "#"))
    # An operator's file names the operator, so that the same word is found in every language.
    named = file.suffix in OPERATORS and file.parent.name in {"rtl", "board", "hls"}
    subject = f"{file.stem}: " if named else ""
    return re.match(rf"{mark} {re.escape(subject)}\S.{{9,}}", first) is not None


def test_first_lines_say_why() -> None:
    none_of(
        [
            f"{name(file)}:1: the first line must say what the file is for"
            for file in sources()
            if not opens_well(file)
        ]
    )


def test_hardware_and_c_are_ascii() -> None:
    none_of(
        [
            f"{name(file)}:{number}: {line.strip()!r} is not ASCII"
            for file in sources()
            if file.suffix in HARDWARE_AND_C
            for number, line in enumerate(lines(file), start=1)
            if not line.isascii()
        ]
    )


def test_rtl_modules_have_benches() -> None:
    benches = stems("sim", "test_*.py")
    modules = stems("rtl", "*.sv") | stems("rtl/board", "*.sv") - WITHOUT_BENCH
    missing = sorted(m for m in modules if f"test_{m}" not in benches)
    none_of([f"{m}.sv of rtl/ has no sim/test_{m}.py" for m in missing])


def test_hls_operators_have_rtl() -> None:
    modules = stems("rtl", "*.sv")
    names = {stem: WITHIN_RTL.get(stem, stem) for stem in stems("hls", "*.hpp")}
    missing = sorted(stem for stem, module in names.items() if module not in modules)
    none_of([f"hls/{m}.hpp has no rtl/{names[m]}.sv" for m in missing])


def test_no_path_of_one_machine() -> None:
    pattern = re.compile(r"(?<![\w.$}-])/(?:home|root|work|Users|farm|mnt)/\w")
    none_of(
        [
            f"{name(file)}:{number}: a path of one machine: {line.strip()!r}"
            for file in [*sources(), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
            for number, line in enumerate(lines(file), start=1)
            if pattern.search(line)
        ]
    )


def test_imports_stay_in_their_place() -> None:
    none_of(
        [
            f"{name(file)}:{line}: {package} is imported in onebit/{{{', '.join(places)}}} alone"
            for file in python("onebit")
            for line, package in imports(file)
            if (places := CONFINED.get(package))
            and not file.relative_to(ROOT / "onebit").as_posix().startswith(places)
        ]
    )


def test_environment_is_read_in_one_place() -> None:
    none_of(
        [
            f"{name(file)}:{node.lineno}: os.{node.attr} belongs in onebit/system.py"
            for file in python("onebit")
            if file.name != "system.py"
            for node in ast.walk(tree(file))
            if isinstance(node, ast.Attribute)
            and node.attr in {"environ", "getenv", "system", "popen"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
        ]
    )


def is_skip(node: ast.expr) -> bool:
    """Whether `node` is pytest.skip, pytest.mark.xfail, or one of their kind."""
    return isinstance(node, ast.Attribute) and node.attr in {
        "skip",
        "skipif",
        "xfail",
        "importorskip",
    }


def has_reason(call: ast.Call) -> bool:
    words = [word.value for word in call.keywords if word.arg in {"reason", "msg"}]
    if isinstance(call.func, ast.Attribute) and call.func.attr in {"skip", "xfail"}:
        words += call.args[:1]
    return bool(words) and not (isinstance(words[0], ast.Constant) and not words[0].value)


def test_skips_say_why() -> None:
    problems = []
    for file in [*python("tests"), *python("sim")]:
        calls = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
        explained = {id(call.func) for call in calls if is_skip(call.func) and has_reason(call)}
        problems += [
            f"{name(file)}:{node.lineno}: {ast.unparse(node)} gives no reason"
            for node in ast.walk(tree(file))
            if isinstance(node, ast.Attribute) and is_skip(node) and id(node) not in explained
        ]
    none_of(problems)
