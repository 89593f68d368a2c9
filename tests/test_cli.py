"""The command line when all is well: facts on stdout, talk on stderr, files where they belong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import larq_nets
import tiny
from onebit import cli, recipe

Onebit = Callable[..., tiny.Said]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def facts(onebit: Onebit) -> Callable[..., Any]:
    """Runs `onebit WORDS... --json`, which must succeed and print JSON alone; returns it."""

    def run(*words: object) -> Any:
        said = onebit(*words, "--json")
        assert said.code == 0, said
        assert "error" not in said.err
        return json.loads(said.out)

    return run


def test_list(onebit: Onebit, facts: Callable[..., Any]) -> None:
    found = facts("list")
    assert tuple(each["network"] for each in found) == recipe.networks()
    digits = next(each for each in found if each["network"] == "digits-mlp")
    assert digits["trained"] and digits["data"] == "digits"
    said = onebit("list")
    assert said.code == 0 and not said.err
    assert all(name in said.out for name in recipe.networks())


def test_compile_writes_a_whole_folder(facts: Callable[..., Any], tiny_file: Path) -> None:
    found = facts("compile", tiny_file)
    out = Path("out/tiny")
    assert found["network"] == "tiny" and found["out"] == str(out)
    assert sorted(path.name for path in out.iterdir()) == [
        *("compile.json", "folding.toml", "mem", "model.qonnx", "net.json", "rtl"),
    ]
    assert json.loads((out / "net.json").read_text())["hash"] == found["net_hash"]
    assert (out / "model.qonnx").read_bytes() == tiny_file.read_bytes()
    assert {node["op"] for node in found["nodes"]} >= {"MatMul", "BipolarQuant"}
    first = tiny.tree(out)
    assert facts("compile", tiny_file) == found
    assert tiny.tree(out) == first
    facts("compile", tiny_file, "--folding", out / "folding.toml")
    differing = {name for name, content in tiny.tree(out).items() if content != first[name]}
    assert differing == {"compile.json"}, "but for the command nothing changes"


def test_compile_meets_the_rate(facts: Callable[..., Any], tiny_file: Path) -> None:
    for rate in (1, 4e6, 1e8):
        found = facts("compile", tiny_file, "--target-fps", rate, "--out", "fast")
        assert found["images_per_second"] >= rate
    assert found["ii_cycles"] == 1
    assert Path("fast/net.json").is_file() and not Path("out").exists()


def test_check_writes_nothing(facts: Callable[..., Any], tiny_file: Path) -> None:
    assert facts("compile", tiny_file, "--check")["out"] is None
    assert not list(Path().iterdir())


def test_explain_names_every_node(onebit: Onebit, tiny_file: Path) -> None:
    said = onebit("compile", tiny_file, "--check", "--explain")
    assert said.code == 0
    assert all(node.name in said.out for node in tiny.model().graph.node)


def test_simulate_compares_everything(facts: Callable[..., Any], compiled: Path) -> None:
    found = facts("simulate", "compiled", "--images", 130, "--seed", 3)
    assert found["images"] == found["source_equal"] == 130
    assert found["mismatches"] == 0 and found["mismatch"] is None
    assert found["ii_cycles"] == found["ii_formula"]
    assert found["accuracy"] is None and found["samples"] == "random, seed 3"
    written = (compiled / "simulation.json").read_text()
    assert json.loads(written) == {**found, "shown": []}
    stalled = facts("simulate", "compiled", "--images", 130, "--stall", 50)
    assert stalled["mismatches"] == 0 and stalled["stall_percent"] == 50
    assert (compiled / "simulation.json").read_text() == written


def test_demo_then_report(onebit: Onebit, facts: Callable[..., Any]) -> None:
    """The first command that anybody runs, and what it leaves for the next ones."""
    shown = onebit("demo")
    assert shown.code == 0, shown
    assert "compiling digits-mlp" in shown.err
    found = facts("report", "digits-mlp")
    assert found["simulation"]["images"] == found["simulation"]["source_equal"] == 360
    assert found["simulation"]["accuracy"] > 0.9
    assert [row["name"] for row in found["layers"]] == ["input", "fc1", "fc2", "fc3", "head"]
    assert found["cpu"]["images_per_second"] > 0
    page = Path("out/digits-mlp/report.html").read_text()
    assert found["net_hash"][:12] in page and "</html>" in page
    assert facts("demo", "digits-mlp").keys() == found.keys()


def test_report_wants_a_simulation_first(onebit: Onebit, compiled: Path) -> None:
    said = onebit("report", compiled)
    said.refused(2, "this network has not been simulated", f"onebit simulate {compiled} ")


def test_doctor(onebit: Onebit, facts: Callable[..., Any]) -> None:
    found = facts("doctor")
    assert found["healthy"]
    assert {"g++", "verilator", "numpy"} <= {each["name"] for each in found["findings"]}
    assert onebit("doctor").out.startswith(" ")


def test_every_command_has_an_example_that_parses(onebit: Onebit) -> None:
    for command in cli.COMMANDS:
        assert command.example.split()[0] == command.name
        assert cli._parser().parse_args(command.example.split()).command is command.run
        said = onebit(command.name, "--help")
        assert said.code == 0 and f"example:\n  onebit {command.example}" in said.out


def test_a_reader_that_leaves_early_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    command = f"{sys.executable} -m onebit doctor --json | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_version_and_help_need_no_heavy_package() -> None:
    """`onebit --help` answers at once."""
    code = "import sys; from onebit import cli; print([m for m in sys.modules if m in {HEAVY}])"
    code = code.replace("{HEAVY}", "('torch', 'onnx', 'qonnx', 'finn', 'sklearn', 'onnxruntime')")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture(scope="session")
def larq_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Larq model as tf2onnx writes it: its file does not say what a sample is."""
    path = tmp_path_factory.mktemp("larq") / "larq.onnx"
    path.write_bytes(larq_nets.NETWORKS["gtsrb_xnor"].build(1).SerializeToString())
    return path


@pytest.mark.parametrize("given", [[], ["--input", "uint8/0"], ["--input", "pixels"]])
def test_samples_of_an_unknown_kind_are_asked_for(
    onebit: Onebit, larq_file: Path, given: list[str]
) -> None:
    onebit("compile", larq_file, "--check", *given).refused(2, "not known", "--input uint8")


def test_a_larq_model_is_compiled_and_explained(onebit: Onebit, larq_file: Path) -> None:
    said = onebit("compile", larq_file, "--input", "uint8", "--check", "--explain", "--json")
    assert said.code == 0, said.err
    became = {node["op"]: node["became"] for node in json.loads(said.out)["nodes"]}
    assert "weights of 1 bit" in became["Conv"] and "OR of bits" in became["MaxPool"]


def test_a_rate_that_no_folding_reaches_is_refused(onebit: Onebit, larq_file: Path) -> None:
    said = onebit("compile", larq_file, "--input", "uint8", "--check", "--target-fps", "1e6")
    said.refused(2, "takes at least 900", "at most 111,111 images/s")
