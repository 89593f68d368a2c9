"""The longest paths of a netlist, in LUT levels and in an estimate of their time.

Levels: a LUT is one, the read port of a LUT used as memory too, a chain of CARRY4 one however long,
a DSP without registers one; MUXF7 and MUXF8 behind their LUTs add none. Paths run between
flip-flops, memories, DSPs and ports. Time is an estimate that knows no placement: cells at about
what DS187 and the open timing data of prjxray say of speed grade -1, and a net that takes 0.5 ns
and 0.2 ns more each time its fan-out doubles; within a slice, from a LUT to its CARRY4 or MUXF and
along a carry chain, nets take nothing. What a clock really reaches, placement and routing decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from onebit.errors import CheckFailed
from onebit.netlist import BLOCK_RAMS, FLIP_FLOPS, LOGIC, MEMORY, Bit, Cell, Joined

NET, NET_DOUBLED = 0.5, 0.2  # ns: of fan-out 1, and more for each doubling
LUT, MUX, CHAIN, CARRY, SUM = 0.124, 0.25, 0.5, 0.114, 0.3
FF_OUT, MEMORY_OUT, BLOCK_OUT, BLOCK_OUT_REGISTERED = 0.456, 1.3, 2.454, 0.882
DSP_THROUGH, DSP_OUT, DSP_OUT_MULTIPLIED = 3.84, 0.434, 2.0
SETUP = {"D": 0.03, "CE": 0.205, "R": 0.5, "S": 0.5}  # of flip-flops
MEMORY_SETUP, BLOCK_SETUP, DSP_SETUP = 0.4, 0.6, 0.5
CLOCKS = ("C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK", "RDCLK", "WRCLK")
# Which address a LUT used as memory is read at, by its output.
ADDRESSES = {"O": "A", "SPO": "A", "DPO": "DPRA", "Q": "A", "Q15": ""}
ADDRESSES |= {f"DO{port}": f"ADDR{port}" for port in "ABCD"}

LISTED = 5  # nets of a loop
Time = tuple[int, float]  # levels, ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A longest path; `layer`: what it ends in."""

    layer: str
    start: str
    end: str
    levels: int
    ns: float


@dataclass(frozen=True, slots=True)
class _Arc:
    """A way through a cell. The net in front takes no time where the slice has a wire for it."""

    start: int
    end: int
    levels: int
    ns: float
    wired: bool = False


@dataclass(frozen=True, slots=True)
class _End:
    """Where a path ends, or with `net` as what comes out, where it begins."""

    net: int
    ns: float
    instance: str
    what: str


class Graph:
    """What signals pass from clock to clock."""

    def __init__(self, joined: Joined, layer_of: Callable[[str], str]) -> None:
        self._names, self._layer_of = joined.names, layer_of
        self._fanout: dict[int, int] = {}
        self._driver: dict[int, str] = {}
        self._arcs: dict[int, list[_Arc]] = {}
        self._waits: dict[int, int] = {}
        self._starts: list[_End] = []
        self._ends: list[_End] = []
        for _, cell in joined.cells:
            for bit in _nets(cell.outputs.values()):
                self._driver[bit] = cell.kind
            for bit in _nets(cell.inputs.values()):
                self._fanout[bit] = self._fanout.get(bit, 0) + 1
        for instance, cell in joined.cells:
            self._add(instance, cell)
        for name, bits in joined.inputs.items():
            self._starts += (_End(bit, 0, "", f"port {name}") for bit in _nets([bits]))
        for name, bits in joined.outputs.items():
            self._ends += (_End(bit, 0, "", f"port {name}") for bit in _nets([bits]))

    def longest(self, *, by_time: bool) -> dict[str, Path]:
        """The longest path that ends in each layer, in levels, or by the estimate of its time."""

        def rank(time: Time) -> tuple[float, float]:
            return (time[1], time[0]) if by_time else time

        arrived = self._arrivals(rank)
        worst: dict[str, Path] = {}
        for end in self._ends:
            if end.net in arrived:
                (levels, ns), begin = arrived[end.net]
                ns += end.ns + self._net(end.net)
                layer = self._layer_of(end.instance)
                old = worst.get(layer)
                if old is None or rank((old.levels, old.ns)) < rank((levels, ns)):
                    worst[layer] = Path(
                        layer=layer, start=_told(begin), end=_told(end), levels=levels, ns=ns
                    )
        return worst

    def _arrivals(
        self, rank: Callable[[Time], tuple[float, float]]
    ) -> dict[int, tuple[Time, _End]]:
        """When the last signal comes to each net, and where from."""
        arrived: dict[int, tuple[Time, _End]] = {}
        for begin in self._starts:
            if begin.net not in arrived or arrived[begin.net][0][1] < begin.ns:
                arrived[begin.net] = ((0, begin.ns), begin)
        for net in self._in_order():
            if net not in arrived:
                continue  # a constant, or driven by nothing
            (levels, ns), begin = arrived[net]
            for arc in self._arcs.get(net, ()):
                time = (levels + arc.levels, ns + arc.ns + (0 if arc.wired else self._net(net)))
                if arc.end not in arrived or rank(arrived[arc.end][0]) < rank(time):
                    arrived[arc.end] = (time, begin)
        return arrived

    def _net(self, net: int) -> float:
        return NET + NET_DOUBLED * math.log2(max(1, self._fanout.get(net, 1)))

    def _in_order(self) -> Iterator[int]:
        """All nets, each after those it depends on; CheckFailed where they depend on themselves."""
        waits = dict(self._waits)
        ready = [net for net in self._arcs if net not in waits]
        while ready:
            net = ready.pop()
            yield net
            for arc in self._arcs.get(net, ()):
                waits[arc.end] -= 1
                if not waits[arc.end]:
                    del waits[arc.end]
                    ready.append(arc.end)
        if waits:
            named = [
                f"{instance}: {name}"
                for (instance, net), name in self._names.items()
                if net in waits
            ]
            raise CheckFailed(
                f"a combinational loop of {len(waits)} nets: {', '.join(named[:LISTED])}",
                hint="please report the network and its folding.toml",
            )

    def _add(self, instance: str, cell: Cell) -> None:
        """The cell's ways, and where paths begin and end in it."""
        if cell.kind in FLIP_FLOPS:
            name = self._register(instance, cell)
            self._begin(instance, cell, FF_OUT, name)
            self._end(instance, cell, lambda port: SETUP.get(port, SETUP["R"]), name)
        elif cell.kind in LOGIC:
            self._through(cell, _look_up(cell))
        elif cell.kind in ("MUXF7", "MUXF8"):
            self._through(cell, lambda port, index, out, at: (int(port == "S"), MUX))
        elif cell.kind == "CARRY4":
            self._through(cell, self._carry(cell))
        elif cell.kind in MEMORY:
            self._through(cell, lambda port, index, out, at: _read(port, out))
            self._begin(instance, cell, MEMORY_OUT, cell.name)
            self._end(instance, cell, lambda port: MEMORY_SETUP, cell.name)
        elif cell.kind in BLOCK_RAMS:
            registered = _number(cell, "DOA_REG") or _number(cell, "DOB_REG")
            after = BLOCK_OUT_REGISTERED if registered else BLOCK_OUT
            self._begin(instance, cell, after, cell.name)
            self._end(instance, cell, lambda port: BLOCK_SETUP, cell.name)
        elif cell.kind == "DSP48E1":
            self._multiplier(instance, cell)

    def _multiplier(self, instance: str, cell: Cell) -> None:
        """A DSP48E1: its inputs, its product and its output may each have a register."""
        first = _number(cell, "AREG") or _number(cell, "BREG")
        middle, last = _number(cell, "MREG"), _number(cell, "PREG")
        if not first and not middle and not last:
            self._through(cell, lambda port, index, out, at: (1, DSP_THROUGH))
            return
        after = DSP_OUT if last else DSP_OUT_MULTIPLIED if middle else DSP_THROUGH
        before = DSP_SETUP if first else DSP_THROUGH - DSP_OUT_MULTIPLIED if middle else DSP_THROUGH
        self._begin(instance, cell, after, cell.name)
        self._end(instance, cell, lambda port: before, cell.name)

    def _begin(self, instance: str, cell: Cell, ns: float, name: str) -> None:
        self._starts += (_End(bit, ns, instance, name) for bit in _nets(cell.outputs.values()))

    def _end(self, instance: str, cell: Cell, setup: Callable[[str], float], name: str) -> None:
        for port, bits in cell.inputs.items():
            if port not in CLOCKS:
                what = name if port == "D" else f"{name} ({port})"
                self._ends += (_End(bit, setup(port), instance, what) for bit in _nets([bits]))

    def _register(self, instance: str, cell: Cell) -> str:
        """A flip-flop by the name of what it puts out."""
        for bit in _nets(cell.outputs.values()):
            if (instance, bit) in self._names:
                return self._names[instance, bit]
        return f"a {cell.kind} without a name"

    def _through(
        self, cell: Cell, way: Callable[[str, int, str, int], tuple[int, float] | None]
    ) -> None:
        """Arcs from inputs to outputs; `way(input, its bit, output, its bit)` says how long."""
        for out, ends in cell.outputs.items():
            for at, end in enumerate(ends):
                for port, starts in cell.inputs.items():
                    for index, start in enumerate(starts):
                        if isinstance(end, int) and isinstance(start, int):
                            passed = way(port, index, out, at)
                            if passed is not None:
                                wired = self._wired(cell.kind, port, start)
                                arc = _Arc(start, end, *passed, wired)
                                self._arcs.setdefault(start, []).append(arc)
                                self._waits[end] = self._waits.get(end, 0) + 1

    def _wired(self, kind: str, port: str, net: int) -> bool:
        """Whether the slice has a wire between what drives the net and this input."""
        driver = self._driver.get(net)
        if kind == "CARRY4":
            return driver in LOGIC if port == "S" else port == "CI" and driver == "CARRY4"
        return kind in ("MUXF7", "MUXF8") and port != "S"

    def _carry(self, cell: Cell) -> Callable[[str, int, str, int], tuple[int, float] | None]:
        """The ways through a CARRY4: bit i takes part in its own sum and in all later ones."""
        below = [self._driver.get(bit) for bit in _nets([cell.inputs.get("CI", ())])]
        chained = below == ["CARRY4"]

        def way(port: str, index: int, out: str, at: int) -> tuple[int, float] | None:
            if port == "CI" and chained:
                return (0, CARRY if out == "CO" else SUM)
            if index > at or (port == "DI" and out == "O" and index == at):
                return None
            return (1, SUM if out == "O" and index == at else CHAIN)

        return way


def _told(end: _End) -> str:
    """The instance and the register, memory or port in it."""
    return f"{end.instance.removeprefix('u_')}: {end.what}" if end.instance else end.what


def _look_up(cell: Cell) -> Callable[[str, int, str, int], tuple[int, float] | None]:
    """The ways through a LUT; to the lower output of a LUT6_2 from inputs that INIT looks at."""
    init = _number(cell, "INIT")

    def way(port: str, index: int, out: str, at: int) -> tuple[int, float] | None:
        step = 1 << int(port[1:]) if out == "O5" else 0
        places = [i for i in range(32) if not i & step] if step < 32 else []
        told_apart = any((init >> i ^ init >> (i | step)) & 1 for i in places)
        return (1, LUT) if told_apart or not step else None

    return way


def _read(port: str, out: str) -> tuple[int, float] | None:
    """The way through a LUT used as memory: from the address that the output is read at."""
    name = ADDRESSES.get(out, "")
    return (1, LUT) if name and port.rstrip("0123456789") == name else None


def _number(cell: Cell, parameter: str) -> int:
    return int(cell.parameters.get(parameter, "0"), 2)


def _nets(ports: Iterable[tuple[Bit, ...]]) -> Iterator[int]:
    return (bit for bits in ports for bit in bits if isinstance(bit, int))
