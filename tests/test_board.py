"""Boards: the PYNQ-Z2's figures, and what a wrong description or name is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from onebit import board
from onebit.errors import ConfigError
from onebit.system import share_dir

FILE = share_dir("build") / "pynq_z2" / "board.toml"


def test_pynq_z2_is_an_xc7z020() -> None:
    """The figures of Xilinx DS190 for XC7Z020."""
    pynq = board.load("pynq-z2")
    assert pynq.part == "xc7z020clg400-1"
    assert (pynq.lut, pynq.ff, pynq.bram36, pynq.dsp) == (53_200, 106_400, 140, 220)
    assert (pynq.clock_mhz, pynq.port_bits) == (100.0, 64)


def test_every_board_loads_under_its_own_name() -> None:
    assert board.available()
    for name in board.available():
        assert board.load(name).name == name


def test_unknown_board_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'pynq-z3'") as caught:
        board.load("pynq-z3")
    assert "pynq-z2" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("lut = 53200", "lut = 0"), "lut = 0 is not a whole number above 0"),
        (("lut = 53200", "lut = true"), "lut = True is not a whole number above 0"),
        (("lut = 53200", 'lut = "many"'), "lut = 'many' is not a whole number above 0"),
        (("lut = 53200", ""), "lacks lut"),
        (("lut = 53200", "lut = 53200\nuram = 4"), "has unknown uram"),
        (("lut = 53200", "lut ="), "cannot be read as TOML"),
        (("clock_mhz = 100.0", "clock_mhz = -1.5"), "clock_mhz = -1.5 is not a number above 0"),
        (('name = "pynq-z2"', "name = 2"), "name = 2 is not a name"),
    ],
)
def test_wrong_description_is_told(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert change[0] in text
    broken = tmp_path / "board.toml"
    broken.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        board.read(broken)
