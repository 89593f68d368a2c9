"""A board in simulation: the RTL behind registers and memory, for the driver that real boards use.

`read`, `write` and `allocate` are the driver's transport. The processor and its memory are
sim/board.cpp, a program that runs beside this one; the memory is a file that both have mapped.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from onebit import emit, simulate, system, verilate
from onebit.cost import interval
from onebit.errors import ConfigError, OnebitError
from onebit.flow import Compiled

BASE = 0x1000_0000  # physical address of the memory
PAGE = 4096  # bytes that a buffer's address is a multiple of
# modules that a simulated processor does without
PROCESSOR_ONLY = ("axi3_to_axil", "pynq_z2_top", "zynq_ps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """How the memory and the processor behave; times are in cycles.

    latency: least and most from an address to its first beat or answer; stall: percentage of cycles
    in which each channel pauses; gap: between two accesses to registers; megabytes: of the memory.
    """

    latency: tuple[int, int] = (10, 20)
    stall: int = 0
    gap: int = 50
    seed: int = 0
    megabytes: int = 64

    def __post_init__(self) -> None:
        low, high = self.latency
        if not 0 <= low <= high:
            raise ConfigError(f"latency {low}..{high} is no range of cycles")
        if not 0 <= self.stall <= 95:
            raise ConfigError(f"stall = {self.stall} is not in 0..95 percent")


class Buffer:
    """Memory as the processor sees it: through a cache that only flush and invalidate keep right.

    array: uint8 [n], the cache; address: where it lies in memory.
    """

    def __init__(self, memory: NDArray[np.uint8], address: int) -> None:
        self._memory = memory
        self.address = address
        self.array = np.zeros_like(memory)

    def flush(self) -> None:
        """Write the cache to memory."""
        self._memory[:] = self.array

    def invalidate(self) -> None:
        """Read the cache from memory."""
        self.array[:] = self._memory

    def free(self) -> None:
        """The whole memory goes with the board."""


class VirtualBoard:
    """The compiled network on a board; close it, or use it in a `with` statement."""

    def __init__(self, compiled: Compiled, around: Surroundings | None = None) -> None:
        around = around or Surroundings()
        self._used = 0
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._memory = np.memmap(
                scratch / "memory", np.uint8, mode="w+", shape=around.megabytes << 20
            )
            command: list[str | Path] = [
                built(compiled),
                scratch / "memory",
                hex(BASE),
                str(around.seed),
            ]
            self._board = system.Dialogue(command, cwd=compiled.out)
            stack.callback(self._board.close)
            self._stack = stack.pop_all()
        self.set("latency_high", around.latency[1])
        self.set("latency_low", around.latency[0])
        self.set("stall", around.stall)
        self.set("gap", around.gap)

    def __enter__(self) -> VirtualBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the simulation."""
        self._stack.close()

    def set(self, name: str, value: int) -> None:
        """Change the surroundings: latency_low, latency_high, stall, gap, or mute (0 or 1)."""
        self._board.ask(f"set {name} {value}")

    def read(self, offset: int) -> int:
        """The register at `offset`."""
        return int(self._board.ask(f"r {offset}"))

    def write(self, offset: int, value: int) -> None:
        """Write the register at `offset`."""
        self._board.ask(f"w {offset} {value}")

    def pins(self) -> tuple[bool, bool, bool]:
        """Whether the outputs irq, error and busy are high."""
        pins = int(self._board.ask("pins"))
        return bool(pins & 1), bool(pins & 2), bool(pins & 4)

    def allocate(self, size: int) -> Buffer:
        """`size` bytes of memory that the accelerator can see."""
        first = self._used
        if first + size > len(self._memory):
            raise OnebitError(
                f"the simulated memory of {len(self._memory) >> 20} MB has no {size} bytes left",
                hint="fewer images at once, or Surroundings(megabytes=...)",
            )
        self._used += -(-size // PAGE) * PAGE
        return Buffer(self._memory[first : first + size], BASE + first)


def built(compiled: Compiled) -> Path:
    """The simulator of the compiled network's board."""
    net, folding = compiled.net, compiled.folding
    library = [file for file in emit.board_library() if file.stem not in PROCESSOR_ONLY]
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "network.sv"
        package.write_text(emit.network_package(net, folding))
        sources = [package, *simulate.checked(compiled.out, net, folding), *library]
        return verilate.build(sources, verilate.BOARD, cycles=interval(net, folding))
