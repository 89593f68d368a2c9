"""Netlists of 7-series cells as Yosys writes them: reading, counting, joining into one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from onebit.errors import CheckFailed

Bit = int | str  # a net's number, or a constant: "0", "1", "x", "z"

# LUTs that a cell takes, by what it is used as; what Yosys makes of nothing else here.
LOGIC = {f"LUT{inputs}": 1 for inputs in range(1, 7)} | {"LUT6_2": 1, "INV": 1}
MEMORY = {
    "SRL16E": 1,
    "SRLC16E": 1,
    "SRLC32E": 1,
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
}
LUTS = LOGIC | MEMORY
FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE")
BLOCK_RAMS = {"RAMB18E1": 0.5, "RAMB36E1": 1.0}
FREE = ("MUXF7", "MUXF8", "BUFG", "GND", "VCC")  # beside the LUTs, or a few in a part


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What cells take of the part; lut_memory: the LUTs among `lut` that store something."""

    lut: int = 0
    lut_memory: int = 0
    ff: int = 0
    bram36: float = 0
    carry4: int = 0
    dsp: int = 0

    def __add__(self, other: Counts) -> Counts:
        names = [field.name for field in fields(self)]
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})


# The fields of Counts by what tables call them.
COLUMNS = {
    "lut": "LUT",
    "lut_memory": "as RAM",
    "ff": "FF",
    "bram36": "BRAM36",
    "carry4": "CARRY4",
    "dsp": "DSP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of the part, or an instance of a module."""

    name: str
    kind: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A netlist. `names`: of the nets whose source has a name for them."""

    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]
    cells: tuple[Cell, ...]
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Cells of a module and of all modules in it, each with the instance it is part of ("": none).

    `names`: what an instance calls a net.
    """

    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]
    cells: tuple[tuple[str, Cell], ...]
    names: Mapping[tuple[str, int], str]


def read(file: Path) -> Module:
    """The one module of a JSON netlist."""
    (found,) = json.loads(file.read_text())["modules"].values()
    names: dict[int, str] = {}
    for name, net in found["netnames"].items():
        if not net["hide_name"]:
            wide = len(net["bits"]) > 1
            for index, bit in enumerate(net["bits"], net.get("offset", 0)):
                told = f"{name}[{index}]" if wide else name
                if isinstance(bit, int) and len(told) < len(names.get(bit, told + "+")):
                    names[bit] = told
    sides: dict[str, dict[str, tuple[Bit, ...]]] = {"input": {}, "output": {}}
    for name, port in found["ports"].items():
        sides[port["direction"]][name] = tuple(port["bits"])
    cells = tuple(_cell(name, cell) for name, cell in found["cells"].items())
    return Module(inputs=sides["input"], outputs=sides["output"], cells=cells, names=names)


def _cell(name: str, told: Mapping[str, Mapping[str, str]]) -> Cell:
    sides: dict[str, dict[str, tuple[Bit, ...]]] = {"input": {}, "output": {}}
    for port, bits in told["connections"].items():
        sides[told["port_directions"][port]][port] = tuple(bits)
    return Cell(
        name=name,
        kind=str(told["type"]),
        parameters=told["parameters"],
        inputs=sides["input"],
        outputs=sides["output"],
    )


def count(module: Module, units: Mapping[str, object] | None = None) -> Counts:
    """What the module's own cells take; those of the kinds in `units` are not counted."""
    lut = memory = ff = carry4 = dsp = 0
    bram36 = 0.0
    for cell in module.cells:
        kind = cell.kind
        lut += LUTS.get(kind, 0)
        memory += MEMORY.get(kind, 0)
        ff += kind in FLIP_FLOPS
        bram36 += BLOCK_RAMS.get(kind, 0)
        carry4 += kind == "CARRY4"
        dsp += kind == "DSP48E1"
        known = kind in LUTS or kind in FLIP_FLOPS or kind in BLOCK_RAMS or kind in FREE
        if not known and kind not in ("CARRY4", "DSP48E1") and kind not in (units or {}):
            raise CheckFailed(
                f"synthesis left the cell {cell.name!r}, a {kind}: it is none that the part has",
                hint="please report the network and its folding.toml",
            )
    return Counts(lut=lut, lut_memory=memory, ff=ff, bram36=bram36, carry4=carry4, dsp=dsp)


def join(top: Module, units: Mapping[str, Module]) -> Joined:
    """`top` with each instance of one of the `units` replaced by that unit's cells."""
    nets = _Nets()
    for cell in top.cells:
        if cell.kind in units:
            _connect(nets, cell, units[cell.kind])
    cells: list[tuple[str, Cell]] = []
    names: dict[tuple[str, int], str] = {}
    for cell in top.cells:
        unit = units.get(cell.kind)
        if unit is None:
            cells.append(("", _renamed(cell, nets, "")))
            continue
        cells += ((cell.name, _renamed(inner, nets, cell.name)) for inner in unit.cells)
        for bit, name in unit.names.items():
            names[cell.name, nets.number(cell.name, bit)] = name
    names |= {("", nets.number("", bit)): name for bit, name in top.names.items()}
    return Joined(
        inputs={name: nets.numbers("", bits) for name, bits in top.inputs.items()},
        outputs={name: nets.numbers("", bits) for name, bits in top.outputs.items()},
        cells=tuple(cells),
        names=names,
    )


class _Nets:
    """Numbers for the nets of all instances; connected nets have the same one."""

    def __init__(self) -> None:
        self._parents: list[int] = []
        self._known: dict[tuple[str, int], int] = {}

    def number(self, instance: str, bit: int) -> int:
        key = (instance, bit)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = len(self._parents)
            self._parents.append(at)
        while self._parents[at] != at:
            at = self._parents[at]
        return at

    def numbers(self, instance: str, bits: tuple[Bit, ...]) -> tuple[Bit, ...]:
        return tuple(b if isinstance(b, str) else self.number(instance, b) for b in bits)

    def connect(self, one: int, other: int) -> None:
        self._parents[one] = other


def _connect(nets: _Nets, cell: Cell, unit: Module) -> None:
    """Connect the ports of an instance with what is inside."""
    for outside, inside in _pairs(cell, unit):
        if isinstance(outside, int) and isinstance(inside, int):
            nets.connect(nets.number(cell.name, inside), nets.number("", outside))


def _pairs(cell: Cell, unit: Module) -> Iterator[tuple[Bit, Bit]]:
    for outside, inside in ((cell.inputs, unit.inputs), (cell.outputs, unit.outputs)):
        for port, bits in outside.items():
            yield from zip(bits, inside[port], strict=True)


def _renamed(cell: Cell, nets: _Nets, instance: str) -> Cell:
    return Cell(
        name=cell.name,
        kind=cell.kind,
        parameters=cell.parameters,
        inputs={name: nets.numbers(instance, bits) for name, bits in cell.inputs.items()},
        outputs={name: nets.numbers(instance, bits) for name, bits in cell.outputs.items()},
    )
