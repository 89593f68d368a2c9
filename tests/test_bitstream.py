"""`onebit bitstream`: projects that are whole; tools that miss, fail or are interrupted.

Vivado is a stand-in here: a shell script that behaves as the test needs.
"""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

import tiny
from onebit import bitstream, bitstream_tools, board, flow, system

Onebit = Callable[..., tiny.Said]
Put = Callable[[str, str], Path]
PATIENCE = 20.0  # seconds that what was killed may take to go
WORKING_VIVADO = """
    echo "onebit: synthesis"
    mkdir -p vivado
    cat > vivado/utilization.rpt <<'END'
    | Slice LUTs      | 17173 |     0 |          0 |     53200 | 32.28 |
    | Slice Registers |  6965 |     0 |          0 |    106400 |  6.55 |
    | Block RAM Tile |   1.5 |     0 |          0 |       140 |  1.07 |
    | DSPs           |    3  |     0 |          0 |       220 |  1.36 |
    END
    cat > vivado/timing.rpt <<'END'
        WNS(ns)      TNS(ns)  TNS Failing Endpoints
        -------      -------  ---------------------
         {slack}      0.000                      0
    END
    echo bits > tiny.bit
"""


@pytest.fixture
def put(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """A machine whose programs are those that the test puts there, without databases."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setattr(system, "find_tool", lambda name: next(tools.glob(name), None))
    for name in (bitstream_tools.CHIPDB, bitstream_tools.DATABASE):
        monkeypatch.delenv(name, raising=False)

    def program(name: str, script: str) -> Path:
        file = tools / name
        file.write_text(f"#!/bin/sh\n{dedent(script)}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    return program


def facts(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "bitstream.json").read_text())
    assert isinstance(found, dict)
    return found


def test_without_tools_the_project_is_written(compiled: Path, put: Put, onebit: Onebit) -> None:
    said = onebit("bitstream", compiled)
    assert said.code == 3
    assert "no tool that makes bitstreams was found" in said.err
    for word in ("Vivado", "nextpnr-xilinx", "fasm2frames", "--chipdb", "--prjxray-db"):
        assert word in said.err
    run = f"cd {compiled / 'bitstream'} && "
    assert f"{run}vivado -mode batch -source vivado.tcl" in said.err
    assert f"{run}sh openxc7.sh" in said.err
    written = {file.name for file in (compiled / "bitstream").iterdir()}
    assert written == {
        *("README.txt", "bitstream.json", "settings", "pins.xdc", "clock.xdc"),
        *("vivado.tcl", "openxc7.sh", "xc7_cells.sv", "rtl", "ip"),
    }


@pytest.mark.parametrize("name", sorted(board.available()))
def test_every_board_writes_its_project(
    compiled: Path, put: Put, onebit: Onebit, name: str
) -> None:
    said = onebit("bitstream", compiled, "--board", name, "--tool", "vivado")
    assert said.code == 3
    assert "vivado was not found" in said.err
    folder, part = compiled / "bitstream", board.load(name)
    found = facts(folder)
    assert (found["board"], found["part"], found["bit"]) == (name, part.part, None)
    settings = (folder / "settings").read_text()
    assert f'part="{part.part}"' in settings
    assert f'top="{part.top}"' in settings
    assert (folder / "rtl" / f"{part.top}.sv").is_file()
    pins = (folder / "pins.xdc").read_text()
    assert all(
        f"PACKAGE_PIN {pin} [get_ports {{led[{i}]}}]" in pins for i, pin in enumerate(part.leds)
    )


def test_same_input_writes_the_same_bytes(compiled: Path, put: Put, onebit: Onebit) -> None:
    onebit("bitstream", compiled)
    first = tiny.tree(compiled / "bitstream")
    onebit("bitstream", compiled)
    assert tiny.tree(compiled / "bitstream") == first


@pytest.mark.parametrize(
    ("wanted", "period", "rate"),
    [("100", "10.000", 100e6), ("130", "8.000", 125e6), ("142.9", "7.000", 142.857143e6)],
)
def test_clock_is_one_that_the_board_makes(
    compiled: Path, put: Put, onebit: Onebit, wanted: str, period: str, rate: float
) -> None:
    """The tiny network takes an image a cycle."""
    said = onebit("bitstream", compiled, "--clock", wanted, "--json")
    assert f"-period {period} " in (compiled / "bitstream" / "clock.xdc").read_text()
    found = json.loads(said.out)
    assert found["ii_cycles"] == 1
    assert found["images_per_second"] == pytest.approx(rate)
    assert ("divides its clock to" in said.err) == (wanted == "130")


@pytest.mark.parametrize("wanted", ["0", "-5", "0.1", "250.1", "nan"])
def test_impossible_clock_is_refused(compiled: Path, put: Put, onebit: Onebit, wanted: str) -> None:
    said = onebit("bitstream", compiled, "--clock", wanted)
    assert said.code == 2
    assert "MHz is not in 0.25..250 MHz" in said.err
    assert not (compiled / "bitstream").exists()


def test_wrong_databases_are_refused(compiled: Path, put: Put, onebit: Onebit) -> None:
    said = onebit("bitstream", compiled, "--chipdb", "gone.bin")
    assert said.code == 2 and "'gone.bin', nextpnr's chip database, is not a file" in said.err
    said = onebit("bitstream", compiled, "--prjxray-db", compiled)
    assert said.code == 2 and "prjxray's database lacks xc7z020clg400-1" in said.err


def test_databases_come_from_the_environment(
    compiled: Path, put: Put, onebit: Onebit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(bitstream_tools.CHIPDB, "elsewhere.bin")
    said = onebit("bitstream", compiled)
    assert said.code == 2 and "'elsewhere.bin'" in said.err


def test_vivado_makes_the_bitstream(compiled: Path, put: Put, onebit: Onebit) -> None:
    put("vivado", f'echo "$@" > words\n{dedent(WORKING_VIVADO.format(slack="1.250"))}')
    said = onebit("bitstream", compiled, "--json")
    assert said.code == 0, said
    assert "vivado: synthesis" in said.err
    folder = compiled / "bitstream"
    words = (folder / "words").read_text().split()
    assert words == ["-mode", "batch", "-nojournal", "-nolog", "-source", "vivado.tcl"]
    found = json.loads(said.out)
    assert found == facts(folder)
    assert (found["tool"], found["bit"]) == ("vivado", "tiny.bit")
    assert found["utilisation"]["lut"] == {"used": 17173, "of": 53200}
    assert found["utilisation"]["bram36"] == {"used": 1.5, "of": 140}
    assert found["timing"] == {"fmax_mhz": 114.29, "met": True}
    assert "onebit: synthesis" in (folder / "vivado.log").read_text()


def test_missed_timing_is_a_failure_with_a_bitstream(
    compiled: Path, put: Put, onebit: Onebit
) -> None:
    put("vivado", WORKING_VIVADO.format(slack="-1.500"))
    said = onebit("bitstream", compiled)
    assert said.code == 1
    assert "found at most 86.96 MHz, not 100" in said.err
    assert "--clock 83.3333" in said.err
    assert (compiled / "bitstream" / "tiny.bit").is_file()
    assert facts(compiled / "bitstream")["timing"] == {"fmax_mhz": 86.96, "met": False}


def test_failing_tool_is_quoted(compiled: Path, put: Put, onebit: Onebit) -> None:
    put(
        "vivado",
        """
        echo "onebit: placement"
        echo "ERROR: [Place 30-640] This design requires more LUTs than there are." >&2
        echo "INFO: exiting"
        exit 1
        """,
    )
    said = onebit("bitstream", compiled)
    assert said.code == 1
    assert "vivado failed at placement:" in said.err
    assert "[Place 30-640] This design requires more LUTs" in said.err
    log = compiled / "bitstream" / "vivado.log"
    assert f"see {log}" in said.err
    assert "INFO: exiting" in log.read_text()
    assert facts(compiled / "bitstream")["bit"] is None


def test_a_new_project_has_no_old_bitstream(compiled: Path, put: Put, onebit: Onebit) -> None:
    put("vivado", WORKING_VIVADO.format(slack="1.0"))
    assert onebit("bitstream", compiled).code == 0
    put("vivado", "exit 1")
    assert onebit("bitstream", compiled).code == 1
    assert not (compiled / "bitstream" / "tiny.bit").exists()


def lives(status: Path) -> bool:
    """Whether a process, by its `/proc/<pid>/status`, is still at work."""
    try:
        return not re.search(r"State:\s[ZX]", status.read_text())
    except OSError:
        return False


def test_interruption_stops_the_tool(
    compiled: Path, put: Put, onebit: Onebit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tool started is gone too, and no bitstream is there."""
    put("vivado", "sleep 60 & echo $! > child\necho 'onebit: routing'\nwait\necho bits > tiny.bit")
    run_logged = system.run_logged

    def interrupted(*words: object, on_line: Callable[[str], None], **rest: object) -> int:
        def stop(line: str) -> None:
            raise KeyboardInterrupt

        return run_logged(*words, on_line=stop, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(system, "run_logged", interrupted)
    said = onebit("bitstream", compiled)
    assert said.code == 130
    folder = compiled / "bitstream"
    child = Path("/proc") / (folder / "child").read_text().strip() / "status"
    end = time.monotonic() + PATIENCE
    while lives(child):
        assert time.monotonic() < end, "what the tool started goes on"
        time.sleep(0.02)
    assert not (folder / "tiny.bit").exists()
    assert facts(folder)["bit"] is None


def test_odd_names_are_made_safe(compiled: Path, put: Put, onebit: Onebit) -> None:
    """What is no name for a shell or Tcl is not the name of a file either."""
    file = compiled / "compile.json"
    known = json.loads(file.read_text())
    file.write_text(json.dumps(known | {"network": 'my "$(net)" [1]'}))
    onebit("bitstream", compiled)
    assert 'net="my____net____1_"' in (compiled / "bitstream" / "settings").read_text()


def test_report_shows_what_the_tools_said(compiled: Path, put: Put, onebit: Onebit) -> None:
    known = flow.read(compiled)
    assert bitstream.kept(known) is None
    onebit("bitstream", compiled)
    assert bitstream.kept(known) is None, "no tool has run"
    put("vivado", WORKING_VIVADO.format(slack="1.0"))
    onebit("bitstream", compiled)
    assert bitstream.kept(known) == facts(compiled / "bitstream")


def test_a_bitstream_stays_as_long_as_its_design_does(
    onebit: Onebit, put: Put, compiled: Path
) -> None:
    bit = compiled / "bitstream" / "tiny.bit"
    assert onebit("bitstream", compiled).code == 3  # no tool is here: it is built elsewhere
    bit.write_text("from another machine")
    said = onebit("bitstream", compiled)
    assert (said.code, bit.read_text()) == (3, "from another machine")
    assert "tiny.bit" in said.out
    assert onebit("bitstream", compiled, "--clock", 50).code == 3
    assert not bit.exists()
