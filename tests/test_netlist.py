"""Netlists made by hand: what their cells count, how they are joined, where their paths end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onebit import netlist, paths
from onebit.errors import CheckFailed
from onebit.netlist import Cell, Counts, Module

OUTPUTS = {"O", "O5", "O6", "Q", "CO", "P", "DOADO", "DOA", "m"}


def cell(name: str, kind: str, **ports: Any) -> Cell:
    """A cell whose ports are nets (a number, or a list of bits) or parameters (text)."""
    bits = {
        port: tuple(value) if isinstance(value, list) else (value,)
        for port, value in ports.items()
        if not isinstance(value, str)
    }
    return Cell(
        name=name,
        kind=kind,
        parameters={port: value for port, value in ports.items() if isinstance(value, str)},
        inputs={port: value for port, value in bits.items() if port not in OUTPUTS},
        outputs={port: value for port, value in bits.items() if port in OUTPUTS},
    )


def module(*cells: Cell, names: dict[int, str] | None = None, **ports: list[int]) -> Module:
    """A netlist; ports called m... are outputs."""
    told = {port: tuple(bits) for port, bits in ports.items()}
    return Module(
        inputs={port: bits for port, bits in told.items() if port[0] != "m"},
        outputs={port: bits for port, bits in told.items() if port[0] == "m"},
        cells=cells,
        names=names or {},
    )


def longest(made: Module, *, by_time: bool = False) -> paths.Path:
    graph = paths.Graph(netlist.join(made, {}), lambda instance: "all")
    return graph.longest(by_time=by_time)["all"]


def chain(length: int, kind: str = "LUT2") -> list[Cell]:
    """A flip-flop on net 1, `length` LUTs, a flip-flop."""
    luts = [cell(f"l{i}", kind, I0=i, I1=100, O=i + 1) for i in range(1, length + 1)]
    return [cell("a", "FDRE", D=50, Q=1), *luts, cell("b", "FDRE", D=length + 1, Q=60)]


NAMES = {1: "from", 60: "to"}


def test_cells_are_counted() -> None:
    kinds = [*(f"LUT{n}" for n in range(1, 7)), "LUT6_2", "INV", "RAM32M", "SRL16E", "FDRE", "FDSE"]
    kinds += ["RAMB18E1", "RAMB36E1", "RAMB18E1", "CARRY4", "DSP48E1", "MUXF7", "MUXF8"]
    found = netlist.count(module(*(cell(f"c{i}", kind) for i, kind in enumerate(kinds))))
    assert found == Counts(lut=13, lut_memory=5, ff=2, bram36=2.0, carry4=1, dsp=1)
    assert found + Counts(lut=1, bram36=0.5) == Counts(
        lut=14, lut_memory=5, ff=2, bram36=2.5, carry4=1, dsp=1
    )


@pytest.mark.parametrize("kind", ["$add", "LDCE", "mvau_1"])
def test_unknown_cells_are_refused(kind: str) -> None:
    made = module(cell("odd", kind))
    with pytest.raises(CheckFailed, match="'odd'"):
        netlist.count(made)
    assert netlist.count(made, {kind: None}) == Counts()


def test_a_netlist_is_read(tmp_path: Path) -> None:
    """Nets go by their shortest public name."""
    told = {
        "ports": {
            "clk": {"direction": "input", "bits": [2]},
            "q": {"direction": "output", "bits": [3, "0"]},
        },
        "cells": {
            "u": {
                "type": "FDRE",
                "parameters": {"INIT": "0"},
                "port_directions": {"C": "input", "Q": "output"},
                "connections": {"C": [2], "Q": [3]},
            }
        },
        "netnames": {
            "$x": {"hide_name": 1, "bits": [3]},
            "longer": {"hide_name": 0, "bits": [3]},
            "q": {"hide_name": 0, "bits": [3, "0"]},
        },
    }
    file = tmp_path / "netlist.json"
    file.write_text(json.dumps({"modules": {"top": told}}))
    assert netlist.read(file) == Module(
        inputs={"clk": (2,)},
        outputs={"q": (3, "0")},
        cells=(
            Cell(
                name="u",
                kind="FDRE",
                parameters={"INIT": "0"},
                inputs={"C": (2,)},
                outputs={"Q": (3,)},
            ),
        ),
        names={3: "q[0]"},
    )


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_lut_is_a_level(length: int) -> None:
    found = longest(module(*chain(length), names=NAMES))
    assert (found.start, found.end, found.levels) == ("from", "to", length)
    assert found.ns == pytest.approx(
        paths.FF_OUT + length * paths.LUT + (length + 1) * paths.NET + paths.SETUP["D"]
    )


def test_a_chain_of_carries_is_a_level() -> None:
    """LUT, three CARRY4, LUT: three levels, and carries take little time."""
    carries = [
        cell("c0", "CARRY4", S=[2], DI=[1], CI=["0"], O=[10, 11, 12, 13], CO=[14, 15, 16, 17]),
        cell("c1", "CARRY4", S=["0"], CI=[17], O=[20, 21, 22, 23], CO=[24, 25, 26, 27]),
        cell("c2", "CARRY4", S=["0"], CI=[27], O=[30, 31, 32, 33], CO=[34, 35, 36, 37]),
    ]
    luts = [cell("l1", "LUT1", I0=1, O=2), cell("l2", "LUT1", I0=33, O=40)]
    ends = [cell("a", "FDRE", D=50, Q=1), cell("b", "FDRE", D=40, Q=60)]
    found = longest(module(*carries, *luts, *ends, names=NAMES))
    assert (found.start, found.end, found.levels) == ("from", "to", 3)
    nets = (paths.NET + paths.NET_DOUBLED) + 2 * paths.NET  # net 1 has two ends; S and CI have none
    cells = 2 * paths.LUT + paths.CHAIN + paths.CARRY + paths.SUM
    assert found.ns == pytest.approx(paths.FF_OUT + nets + cells + paths.SETUP["D"])


def test_a_sum_bit_does_not_wait_for_later_ones() -> None:
    """S[2] comes from O[0] through a LUT: no loop, for carries go up."""
    carry = cell(
        "c", "CARRY4", S=[1, 2, 3, 4], DI=[1, 1, 1, 1], O=[5, 6, 7, 8], CO=[15, 16, 17, 18]
    )
    lut = cell("l", "LUT1", I0=5, O=3)
    ends = [cell("a", "FDRE", D=50, Q=1), cell("b", "FDRE", D=8, Q=60)]
    assert longest(module(carry, lut, *ends)).levels == 3


def test_loops_are_refused() -> None:
    loop = [cell("x", "LUT2", I0=1, I1=2, O=3), cell("y", "LUT1", I0=3, O=2)]
    with pytest.raises(CheckFailed, match="loop of 2 nets"):
        longest(module(*loop, cell("a", "FDRE", D=3, Q=1)))


@pytest.mark.parametrize(("init", "start"), [(0xAAAA_AAAA, "looked at"), (0xCCCC_CCCC, "another")])
def test_the_lower_half_of_a_lut_looks_at_what_init_does(init: int, start: str) -> None:
    """I0 or I1; never at I5, nor at what makes a difference to the upper half alone."""
    given = f"{0x6996_9669_6996_9669 << 32 & 0xFFFF_FFFF_0000_0000 | init:b}"
    pair = cell("l", "LUT6_2", INIT=given, I0=2, I1=7, I2=8, I5=1, O5=3, O6=4)
    ends = [cell(name, "FDRE", D=50 + i, Q=i) for i, name in enumerate("abcdefgh", start=1)]
    ends = [end for end in ends if end.outputs["Q"] in ((1,), (2,), (7,), (8,))]
    names = {1: "upper", 2: "looked at", 7: "another", 8: "upper"}
    last = cell("z", "FDRE", D=3, Q=60)
    assert longest(module(pair, *ends, last, names=names)).start == start


def test_memories_begin_and_end_paths() -> None:
    """A block RAM is slower than a flip-flop; LUT memory also passes its address."""
    ram = cell("block", "RAMB36E1", ADDRARDADDR=[9], DOADO=[1])
    found = longest(module(ram, cell("b", "FDRE", D=1, Q=60), names=NAMES), by_time=True)
    assert (found.start, found.end) == ("block", "to")
    assert found.ns == pytest.approx(paths.BLOCK_OUT + paths.NET + paths.SETUP["D"])
    small = cell("small", "RAM32M", ADDRA=[1], ADDRB=[2], DOA=[3], DIA=[5])
    ends = [cell("a", "FDRE", D=50, Q=1), cell("b", "FDRE", D=3, Q=60)]
    assert longest(module(small, *ends, names=NAMES)).levels == 1
    written = longest(module(small, cell("a", "FDRE", D=50, Q=5), names={5: "data"}))
    assert (written.start, written.end, written.levels) == ("data", "small (DIA)", 0)


def test_a_multiplier_without_registers_is_passed() -> None:
    ends = [cell("a", "FDRE", D=50, Q=1), cell("b", "FDRE", D=2, Q=60)]
    registers = {"AREG": "0", "BREG": "0", "MREG": "0", "PREG": "0"}
    through = longest(module(cell("m", "DSP48E1", A=[1], P=[2], **registers), *ends, names=NAMES))
    assert (through.start, through.end, through.levels) == ("from", "to", 1)
    registered = cell("m", "DSP48E1", A=[1], P=[2], **{**registers, "PREG": "1"})
    found = longest(module(registered, *ends, names=NAMES), by_time=True)
    assert (found.start, found.end) == ("from", "m (A)")


def test_paths_cross_modules() -> None:
    """Two instances of a LUT in a row, the second one behind wires, and each end's layer."""
    lut = module(cell("l", "LUT1", I0=7, O=8), s=[7], m=[8], names={7: "in"})
    wires = module(s=[1], m=[1])
    top = module(
        cell("a", "FDRE", D=50, Q=1),
        cell("u_one", "lut", s=1, m=2),
        cell("u_wires", "wires", s=2, m=3),
        cell("u_two", "lut", s=3, m=4),
        m_port=[4],
        names={1: "from"},
    )
    joined = netlist.join(top, {"lut": lut, "wires": wires})
    assert [(instance, each.kind) for instance, each in joined.cells] == [
        ("", "FDRE"),
        ("u_one", "LUT1"),
        ("u_two", "LUT1"),
    ]
    found = paths.Graph(joined, lambda instance: instance or "ports").longest(by_time=False)
    path = found["ports"]
    assert (path.start, path.end, path.levels) == ("from", "port m_port", 2)


def test_a_layer_has_the_paths_that_end_in_it() -> None:
    register = module(cell("r", "FDRE", D=1, Q=2), s=[1], m=[2], names={2: "kept"})
    top = module(
        cell("u_one", "register", s=1, m=2),
        cell("l", "LUT1", I0=2, O=3),
        cell("u_two", "register", s=3, m=4),
        s_port=[1],
    )
    graph = paths.Graph(netlist.join(top, {"register": register}), lambda instance: instance)
    found = graph.longest(by_time=False)
    assert {name: (path.start, path.levels) for name, path in found.items()} == {
        "u_one": ("port s_port", 0),
        "u_two": ("one: kept", 1),
    }
