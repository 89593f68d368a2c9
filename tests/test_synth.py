"""`onebit synth`: a network through Yosys, its netlist through Verilator, and what goes wrong.

The network is the digits' at a rate so low that its weights are in block RAMs and all modules are
small. It is synthesised once; builds are cached by content.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tiny
from onebit import board, cost, flow, gates, netlist, recipe, synth, system, trial, utilisation
from onebit.errors import CheckFailed, ConfigError

Onebit = Callable[..., tiny.Said]
IMAGES = 20
ACCUMULATED = "gen_vector[0].gen_pe[0].acc [1]"  # of the first neuron
SMALL, RATE = "digits-mlp, small", 100_000
TOP = """\
module accelerator #(
  parameter bit PRIMITIVES = 1'b0
) (
  input  logic clk,
  input  logic [7:0] s_axis_tdata,
  output logic [3:0] m_axis_tdata
);
  adder #(
    .W(4),
    .PRIMITIVES(PRIMITIVES)
  ) u_fc1 (
    .clk,
    .a(s_axis_tdata),
    .q(m_axis_tdata)
  );
endmodule
"""
ADDER = """\
module adder #(
  parameter int unsigned W = 4,
  parameter bit PRIMITIVES = 1'b0
) (
  input  logic clk,
  input  logic [2*W-1:0] a,
  output logic [W-1:0] q
);
  logic [3:0] s, g, sum, carry;
  if (PRIMITIVES) begin : gen_cells
    for (genvar i = 0; i < 4; i++) begin : gen_bit
      LUT6_2 #(.INIT(64'h6666666688888888)) u_lut (
        .I0(a[i]), .I1(a[4+i]), .I2(1'b0), .I3(1'b0), .I4(1'b0), .I5(1'b1), .O6(s[i]), .O5(g[i])
      );
    end
    CARRY4 u_carry (.CI(1'b0), .CYINIT(1'b0), .DI(g), .S(s), .O(sum), .CO(carry));
  end else begin : gen_plain
    assign sum = a[3:0] + a[7:4];
  end
  always_ff @(posedge clk) q <= sum;
endmodule
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "gated" in metafunc.fixturenames:  # minutes each
        full = metafunc.config.getoption("--prove")
        metafunc.parametrize("gated", recipe.networks() if full else [SMALL])


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled network with its netlists in the cache; for reading."""
    folder = tmp_path_factory.mktemp("synthesised") / "digits"
    compiled = flow.compile_network("digits-mlp", folder, "pynq-z2", RATE, None)
    done = synth.synthesise(folder)
    utilisation.keep(compiled, utilisation.measure(compiled, done))
    return folder


@pytest.fixture
def made(synthesised: Path, tmp_path: Path) -> Path:
    """A copy of it for a test to damage."""
    return shutil.copytree(synthesised, tmp_path / "digits")


def facts(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "synth.json").read_text())
    assert isinstance(found, dict)
    return found


def test_constants_of_the_top_are_put_in() -> None:
    top = """\
  localparam bit [1:0][3:0] fc_WEIGHTS = {
    4'ha,  // neuron 1
    4'h3   // neuron 0
  };
  mvau_hardwired #(
    .MW(4),
    .WEIGHTS(fc_WEIGHTS),
    .PRIMITIVES(PRIMITIVES)
  ) u_fc (
"""
    (found,) = synth.instances(top)
    assert found.parameters == {"MW": "4", "WEIGHTS": "{4'ha,4'h3}", "PRIMITIVES": "1"}


def test_long_lists_of_a_netlist_are_broken() -> None:
    """Verilator refuses a line of 40,000 words."""
    short, names = "  assign { a, b } = c;", [f"\\w_1 [{bit}] " for bit in range(50_000)]
    assert synth.broken(short) == short
    made = synth.broken(f"  assign {{ {', '.join(names)} }} = q;").split("\n")
    assert len(made) == len(names) and max(map(len, made)) < 100
    assert "".join(made).replace(" ", "") == f"assign{{{','.join(names)}}}=q;".replace(" ", "")


def test_layers_add_up(synthesised: Path) -> None:
    found = facts(synthesised)
    assert [row["name"] for row in found["layers"]] == ["fc1", "fc2", "fc3", "head"]
    for name in ("lut", "lut_memory", "ff", "bram36", "carry4", "dsp"):
        assert found["total"][name] == sum(row[name] for row in found["layers"])
    assert 300 < found["total"]["lut"] < 1500
    compiled = flow.read(synthesised)
    blocks = cost.total(compiled.net, compiled.folding).bram18  # the estimate is exact
    assert found["total"]["bram36"] == blocks / 2 > 0
    assert 0 < found["total"]["lut_memory"] < found["total"]["lut"]
    assert found["of"] == {"lut": 53_200, "ff": 106_400, "bram36": 140, "dsp": 220}
    ends = [row["deepest"]["levels"] for row in found["layers"]]
    assert found["deepest"]["levels"] == max(ends) and min(ends) > 0
    assert found["slowest"]["ns"] == max(row["slowest"]["ns"] for row in found["layers"])
    assert ": " in found["slowest"]["start"] and ": " in found["slowest"]["end"]


def test_modules_are_synthesised_once(onebit: Onebit, made: Path) -> None:
    """And a second run takes all from the cache."""
    rows = facts(made)["modules"]
    instances = [name for row in rows for name in row["instances"]]
    assert sorted(instances) == sorted(set(instances))
    assert len({row["name"] for row in rows}) == len(rows)
    said = onebit("synth", made, "--json")
    assert said.code == 0, said.err
    again = json.loads(said.out)
    assert all(row["cached"] for row in again["modules"])
    assert again | {"modules": [], "out": ""} == facts(made) | {"modules": [], "out": ""}


def test_the_key_is_the_content(made: Path) -> None:
    """Another weight, or another word in a source of the unit, is another netlist; no other is."""
    before = synth.units(made)
    weights = made / "mem" / "fc2_weights.mem"
    old = weights.read_text()
    weights.write_text(old.translate(str.maketrans("0123456789abcdef", "fedcba9876543210")))
    after = synth.units(made)
    assert {name for name in before if before[name].key != after[name].key} == {"u_fc2"}
    weights.write_text(old)
    source = made / "rtl" / "xnor_popcount.sv"
    source.write_text(source.read_text() + "// one more line\n")
    after = synth.units(made)
    changed = {name for name in before if before[name].key != after[name].key}
    assert changed == {"u_fc1", "u_fc2", "u_fc3"}


def test_equal_modules_share_a_netlist(made: Path) -> None:
    """Whatever the files are called that they read."""
    before = synth.units(made)
    top, weights = made / "rtl" / "accelerator.sv", made / "mem" / "fc2_weights.mem"
    top.write_text(top.read_text().replace(weights.name, "other.mem"))
    weights.rename(weights.with_name("other.mem"))
    assert {name: job.key for name, job in synth.units(made).items()} == {
        name: job.key for name, job in before.items()
    }


def test_cells_of_the_part_are_chosen_by_the_top(tmp_path: Path) -> None:
    """PRIMITIVES is 1 where the top passes it on; LUT6_2 and CARRY4 go through as they are."""
    for folder in ("rtl", "mem"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rtl" / "accelerator.sv").write_text(TOP)
    (tmp_path / "rtl" / "adder.sv").write_text(ADDER)
    (instance,) = synth.instances(TOP)
    assert instance.parameters == {"W": "4", "PRIMITIVES": "1"}
    job = synth.synthesise(tmp_path).units["u_fc1"]
    found = netlist.count(netlist.read(job.folder / "netlist.json"))
    assert found == netlist.Counts(lut=4, ff=4, carry4=1)


def test_table_and_report(onebit: Onebit, made: Path) -> None:
    said = onebit("synth", made)
    assert said.code == 0, said.err
    for word in ("fc1", "in all", "LUT", "BRAM36", "levels", "share", "an estimate"):
        assert word in said.out
    assert onebit("simulate", made).code == 0
    report = onebit("report", made, "--json")
    assert json.loads(report.out)["synthesis"]["total"] == facts(made)["total"]
    page = (made / "report.html").read_text()
    assert f"<td>{facts(made)['total']['lut']:,}</td>" in page
    assert "nothing has been synthesised" not in page


def test_facts_of_another_design_are_not_kept(made: Path) -> None:
    compiled = flow.read(made)
    assert utilisation.kept(compiled) == facts(made)
    weights = made / "mem" / "fc2_weights.mem"
    weights.write_text(weights.read_text().translate(str.maketrans("01", "10")))
    assert utilisation.kept(compiled) is None
    weights.unlink()
    assert utilisation.kept(compiled) is None


def test_the_netlist_is_golden(
    gated: str, synthesised: Path, tmp_path: Path, record_property: Callable[[str, str], None]
) -> None:
    """All cells of all layers, simulated, every logit and class."""
    if gated == SMALL:
        compiled = flow.read(synthesised)
    else:
        compiled = flow.compile_network(gated, tmp_path / "out", "pynq-z2", None, None)
    done = synth.synthesise(compiled.out)
    found = gates.check(compiled, gates.simulator(done), trial.samples(compiled, IMAGES, 0))
    assert (found["images"], found["mismatches"]) == (IMAGES, 0)
    measured = utilisation.measure(compiled, done)
    taken, part = measured["total"], measured["of"]
    shares = {name: taken[name] / part[name] for name in part}
    assert max(shares.values()) <= cost.CEILING
    record_property(
        "claim",
        f"{gated}: {IMAGES} images through the netlist, 0 mismatches; it takes {taken['lut']:,} "
        f"LUTs ({shares['lut']:.1%} of {measured['part']}) and {taken['bram36']:g} block RAMs "
        f"({shares['bram36']:.1%})",
    )


def test_a_wrong_lut_is_found(
    onebit: Onebit, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = synth.synthesise(made)
    for job in done.jobs:
        shutil.copytree(job.folder, tmp_path / "cache" / job.folder.name)
    monkeypatch.setenv("ONEBIT_CACHE", str(tmp_path / "cache"))
    file = done.units["u_fc2"].folder / "netlist.v"
    file.write_text(with_wrong_lut(file.read_text(), ACCUMULATED))
    said = onebit("synth", made, "--check", IMAGES)
    assert said.code == 1
    assert re.search(r"error: the netlist: \d+ of 20 images differ", said.err)
    assert facts(made)["check"]["mismatches"] > 0


def with_wrong_lut(netlist: str, net: str) -> str:
    """The netlist with the first LUT upside down that reads the net."""
    pattern = rf"(LUT(\d) #\(\s+\.INIT\(\d+'h)(\w+)(?=\)[^;]*\.I\d\(\\{re.escape(net)}\))"
    made, count = re.subn(pattern, inverted, netlist, count=1)
    assert count == 1
    return made


def inverted(match: re.Match[str]) -> str:
    """The other truth table."""
    return f"{match[1]}{2**2 ** int(match[2]) - 1 - int(match[3], 16):x}"


def test_a_part_that_is_too_small(
    onebit: Onebit, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(board.load("pynq-z2"), lut=100)
    monkeypatch.setattr(board, "load", lambda name: small)
    said = onebit("synth", made)
    over = facts(made)["total"]["lut"] - 100
    assert said.code == 1 and "in all" in said.out
    assert f"LUT of 100, {over} too many" in said.err and "hint: " in said.err


def test_pyosys_is_missing(onebit: Onebit, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "find_spec", lambda name: None)
    onebit("synth", made).refused(3, "pyosys was not found", "make setup")
    assert utilisation.kept(flow.read(made)) is None


def test_yosys_fails(made: Path) -> None:
    """Its words, its log, and no netlist."""
    source = made / "rtl" / "mvau.sv"
    source.write_text(source.read_text().replace("endmodule", "assign x = nobody;\nendmodule"))
    with pytest.raises(CheckFailed, match=r"(?s)Yosys failed at mvau:.*ERROR.*'nobody'") as caught:
        synth.synthesise(made)
    assert str(made / "synth.log") in caught.value.hint
    assert "nobody" in (made / "synth.log").read_text()
    assert not synth.units(made)["u_fc1"].folder.exists()


def test_what_cannot_be_synthesised_is_refused(onebit: Onebit, made: Path, tmp_path: Path) -> None:
    onebit("synth", made, "--check", 1).refused(2, "--check 1 is not at least 2", None)
    onebit("synth", tmp_path / "nothing").refused(2, "neither a network", None)
    top = made / "rtl" / "accelerator.sv"
    top.write_text(top.read_text() + "// edited\n")
    onebit("synth", made).refused(2, "is not what net.json and folding.toml describe")
    (made / "rtl" / "mvau.sv").unlink()
    with pytest.raises(ConfigError, match="no file of rtl/ has the module 'mvau'"):
        synth.units(made)


def test_no_more_run_at_once_than_asked() -> None:
    running, most, ended = set(), 0, []

    def on_line(index: int, line: str) -> None:
        nonlocal most
        running.add(index) if line == "start" else running.discard(index)
        most = max(most, len(running))

    command = ["sh", "-c", "echo start; sleep 0.1; echo end; exit $1", "sh"]
    commands = [[*command, str(code)] for code in range(5)]
    found = system.run_all(
        commands,
        cwd=Path(),
        on_line=on_line,
        on_end=lambda index, code: ended.append((index, code)),
        at_once=2,
    )
    assert most <= 2 and not running
    assert [code for code, _ in found] == [0, 1, 2, 3, 4]
    assert sorted(ended) == [(code, code) for code in range(5)]


def test_a_tool_may_print_what_is_no_text(tmp_path: Path) -> None:
    command = ["sh", "-c", r"printf 'a\211\n'; printf 'b\211' >&2"]
    lines: list[str] = []
    done = system.run(command)
    ((_, error),) = system.run_all(
        [command], cwd=tmp_path, on_line=lambda index, line: lines.append(line)
    )
    system.run_logged(command, cwd=tmp_path, log=tmp_path / "log", on_line=lines.append)
    assert (done.stdout.strip(), done.stderr, error) == ("a\ufffd", "b\ufffd", "b\ufffd")
    assert lines[:2] == ["a\ufffd", "a\ufffd"]
