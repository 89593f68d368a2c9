"""What a board offers: its part, its resources and its clock, from build/<board>/board.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from onebit.errors import ConfigError
from onebit.system import share_dir

LEDS = 4  # of the designs in rtl/board/
DIVIDER_MOST = 63  # of each of the clock's two dividers


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The budget that a folding must fit, and what synthesis must know of the part."""

    name: str
    part: str  # as Vivado spells it
    lut: int  # 6-input LUTs
    ff: int
    bram36: int  # block RAMs of 36 Kib
    dsp: int
    clock_mhz: float  # unless a folding says otherwise
    port_bits: int  # width of the memory port that images come through
    top: str  # the module of rtl/board/ that is the whole design
    pll_mhz: float  # what the clock is divided from, by two dividers
    clock_max_mhz: float
    leds: tuple[str, ...]  # the pins of its LEDs
    led_standard: str  # their I/O standard

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "str":
                if not isinstance(value, str) or not value:
                    raise ConfigError(f"board: {field.name} = {value!r} is not a name")
                continue
            if field.name == "leds":
                self._check_leds()
                continue
            number = (int, float) if field.type == "float" else int
            if isinstance(value, bool) or not isinstance(value, number) or value <= 0:
                kind = "number" if field.type == "float" else "whole number"
                raise ConfigError(
                    f"board {self.name!r}: {field.name} = {value!r} is not a {kind} above 0"
                )

    def _check_leds(self) -> None:
        pins = self.leds if isinstance(self.leds, tuple) else ()
        if len(set(pins)) != LEDS or not all(isinstance(pin, str) and pin for pin in pins):
            raise ConfigError(
                f"board {self.name!r}: leds = {self.leds!r} is not a list of {LEDS} pins"
            )

    def clock(self, wanted: float) -> float:
        """The fastest clock in MHz that the dividers make and that is not above `wanted`."""
        if not self.pll_mhz / DIVIDER_MOST**2 <= wanted <= self.clock_max_mhz:
            least = self.pll_mhz / DIVIDER_MOST**2
            raise ConfigError(
                f"a clock of {wanted:g} MHz is not in {least:.2f}..{self.clock_max_mhz:g} MHz, "
                f"what {self.name} can make"
            )
        dividers = range(1, DIVIDER_MOST + 1)
        reached = (self.pll_mhz / (a * b) for a in dividers for b in dividers)
        return max(clock for clock in reached if clock <= wanted * (1 + 1e-9))


def available() -> dict[str, Path]:
    """The boards by name, each with the folder that describes it."""
    found = sorted(share_dir("build").glob("*/board.toml"))
    return {file.parent.name.replace("_", "-"): file.parent for file in found}


def load(name: str) -> Board:
    """The board `name`, or ConfigError with the list of boards there are."""
    boards = available()
    if name not in boards:
        raise ConfigError(
            f"unknown board {name!r}", hint=f"the boards are: {', '.join(boards) or 'none'}"
        )
    return read(boards[name] / "board.toml")


def read(file: Path) -> Board:
    """The board that `file` describes; a missing, unknown or wrong key is a ConfigError."""
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise ConfigError(f"{str(file)!r} cannot be read as TOML: {reason}") from None
    known = {field.name for field in fields(Board)}
    for problem, keys in (("lacks", known - table.keys()), ("has unknown", table.keys() - known)):
        if keys:
            raise ConfigError(
                f"{str(file)!r} {problem} {', '.join(sorted(keys))}",
                hint="build/pynq_z2/board.toml shows every key",
            )
    if isinstance(table["leds"], list):
        table["leds"] = tuple(table["leds"])
    return Board(**table)
