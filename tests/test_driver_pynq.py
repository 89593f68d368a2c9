"""The driver with pynq: the sequence of its calls, the clock, and what can go wrong there."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fake_board
import fake_pynq
from onebit import deploy, driver, golden, system
from onebit.driver import Accelerator, BoardError, WrongBitstream
from onebit.flow import Compiled
from onebit.net import Bit

# Wanted, what the PLL gives, and what is set: never more than wanted, rounding apart.
CLOCKS = [(100, 1000, 100), (110, 1000, 100), (125, 1000, 125), (142.857143, 1000, 142.857143)]
CLOCKS += [
    (99, 1000, 90.909091),
    (66.6, 1000, 62.5),
    (66.666, 1000, 66.666667),
    (300, 1000, 250),
    (50, 1000, 50),
]
CLOCKS += [(150, 1600, 145.454545)]


@pytest.fixture
def network() -> Compiled:
    return fake_board.network(Bit(), (40,), 16)


@pytest.fixture
def file(network: Compiled, tmp_path: Path) -> Path:
    (tmp_path / "made.json").write_text(json.dumps(deploy.description(network)))
    (tmp_path / "made.bit").write_bytes(b"bits")
    return tmp_path / "made.bit"


def test_it_loads_sets_the_clock_and_classifies(
    network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = fake_board.FakeBoard(network)
    pynq = fake_pynq.module(board)
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    monkeypatch.chdir(file.parent)
    raw = fake_board.samples(network, 30)
    with Accelerator("made.bit", batch=7) as accelerator:
        assert pynq.log == ["clock 100", "load made.bit", "port", "map"]
        assert pynq.port == {0x00: 0xF00, 0x14: 0xF00}, "the memory port has not 64 bits"
        assert accelerator.clock_mhz == 100
        classes, logits = accelerator.run(raw)
        accelerator.run(raw)
    wanted = golden.run(network.net, raw)
    assert (classes == wanted.classes).all() and (logits == wanted.logits).all()
    assert pynq.log[4:] == ["allocate"] * 4, "two of images, two of results, once"
    assert all(each.freed for each in board.buffers)
    assert Accelerator("made.json").classify(raw).tolist() == classes.tolist()


@pytest.mark.parametrize(("wanted", "pll", "found"), CLOCKS)
def test_the_clock_is_not_above_the_wanted(
    network: Compiled, wanted: float, pll: float, found: float
) -> None:
    pynq = fake_pynq.module(fake_board.FakeBoard(network), pll=pll)
    assert driver.set_clock(pynq.Clocks, wanted) == pytest.approx(found)
    assert pynq.log[-1] == f"clock {found:g}"


@pytest.mark.parametrize(("wanted", "pll"), [(1, 1000), (700, 1000), (1e9, 1000)])
def test_a_clock_that_cannot_be_is_an_error(network: Compiled, wanted: float, pll: float) -> None:
    clocks = fake_pynq.module(fake_board.FakeBoard(network), pll=pll).Clocks
    with pytest.raises(BoardError, match=r"FCLK0 cannot be set to .* MHz: it reads back as "):
        driver.set_clock(clocks, wanted)


def test_the_reached_clock_counts_in_the_benchmark(
    network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = fake_board.FakeBoard(network, cycles=10)
    monkeypatch.setitem(sys.modules, "pynq", fake_pynq.module(board, pll=900))
    with Accelerator(file, batch=4) as accelerator:
        found = accelerator.benchmark()
    assert accelerator.clock_mhz == found["clock_mhz"] == 100
    text = json.loads(file.with_suffix(".json").read_text()) | {"clock_mhz": 99}
    file.with_suffix(".json").write_text(json.dumps(text))
    with Accelerator(file, batch=4) as accelerator:
        assert accelerator.benchmark()["accelerator_per_second"] == pytest.approx(9e6)


def test_another_networks_bitstream_is_refused(
    network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fake_board.FakeBoard(fake_board.network(Bit(), (40,), 16, lo=1))
    monkeypatch.setitem(sys.modules, "pynq", fake_pynq.module(other))
    with pytest.raises(WrongBitstream, match="another network"):
        Accelerator(file)
    assert other.log == [], "nothing was started, nothing reset"


def test_without_a_bitstream_it_says_how_to_get_one(file: Path) -> None:
    file.unlink()
    with pytest.raises(BoardError, match=r"no bitstream '.*made\.bit': build it with `onebit bits"):
        Accelerator(file)


def test_without_pynq_it_says_where_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(BoardError, match=r"package pynq was not found: .* PYNQ board"):
        Accelerator(file)


def test_without_rights_it_says_who_has_them(
    network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = PermissionError(13, "Permission denied", "/lib/firmware/made.bin")
    pynq = fake_pynq.module(fake_board.FakeBoard(network), fault=denied)
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    with pytest.raises(BoardError, match=r"Permission denied: .*made\.bin.*the FPGA is root's"):
        Accelerator(file)


def test_without_memory_it_says_what_helps(
    network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = RuntimeError("BO allocation failed")
    pynq = fake_pynq.module(fake_board.FakeBoard(network), fault=full)
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    accelerator = Accelerator(file)
    with pytest.raises(
        BoardError, match=r"no 24 contiguous bytes .*\(BO allocation failed\).*batc"
    ):
        accelerator.classify(np.zeros((3, 40), np.uint8))


@pytest.mark.parametrize("name", ["onebit/driver.py", "build/deploy/validate.py"])
def test_old_python_reads_it_and_numpy_is_all_it_needs(name: str) -> None:
    """Annotations are not evaluated, so that only the syntax must be old."""
    root = system.PACKAGE.parent
    tree = ast.parse((root / name).read_text(), feature_version=(3, 8))
    blocks = [each for each in tree.body if isinstance(each, ast.If)]
    typing = [each for block in blocks for each in ast.walk(block)]
    needed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in typing:
            needed.add(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            needed |= {alias.name for alias in node.names}
    ours = {"driver"} if "validate" in name else {"pynq"}
    standard = {"__future__", "argparse", "json", "pathlib", "sys", "time", "typing"}
    assert needed - standard == {"numpy"} | ours
