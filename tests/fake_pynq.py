"""A pynq module that speaks to a board in plain Python, and is as fussy as the real one."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fake_board import FakeBoard, FakeBuffer

REGISTERS, PORT = 0x4000_0000, 0xF800_8000


class Memory(np.ndarray):
    """What pynq.allocate gives; views of it have no address, as there."""

    device_address: int
    buffer: FakeBuffer

    def flush(self) -> None:
        self.buffer.flush()

    def invalidate(self) -> None:
        self.buffer.invalidate()

    def freebuffer(self) -> None:
        self.buffer.free()


def clocks(log: list[str], pll: float) -> Any:
    """pynq.Clocks: whole dividers of `pll` MHz, the nearest one."""

    class Clocks(type):
        divider = 10

        @property
        def fclk0_mhz(cls) -> float:
            return round(pll / Clocks.divider, 6)

        @fclk0_mhz.setter
        def fclk0_mhz(cls, wanted: float) -> None:
            Clocks.divider = min(range(1, 64), key=lambda each: abs(each - pll / wanted))
            log.append(f"clock {round(pll / Clocks.divider, 6):g}")

    return Clocks("Clocks", (), {})


def module(board: FakeBoard, *, pll: float = 1000.0, fault: Exception | None = None) -> ModuleType:
    """The module `pynq`; pll: MHz that FCLK0 is divided from; fault: of loading or allocating.

    `log` has what was done, in order; `port` the registers of the memory port.
    """
    log: list[str] = []
    port = {0x00: 0xF01, 0x14: 0xF00}  # S_AXI_HP0: reads have 32 bits, writes 64

    class Bitstream:
        def __init__(self, name: str) -> None:
            assert type(name) is str and Path(name).is_absolute(), "pynq searches its overlays"
            self.name = name

        def download(self) -> None:
            if isinstance(fault, PermissionError):
                raise fault
            log.append(f"load {Path(self.name).name}")

    class MMIO:
        def __init__(self, base: int, length: int) -> None:
            assert length == 0x1000
            here = {PORT: port, REGISTERS: None}[base]
            self.write = board.write if here is None else here.__setitem__
            self.look = board.read if here is None else here.__getitem__
            log.append("map" if here is None else "port")

        def read(self, offset: int) -> Any:
            return np.uint32(self.look(offset))

    def allocate(shape: tuple[int, ...], dtype: Any) -> Memory:
        if fault is not None:
            raise fault
        assert dtype is np.uint8
        buffer = board.allocate(*shape)
        made = buffer.array.view(Memory)
        made.buffer, made.device_address = buffer, buffer.address
        log.append("allocate")
        return made

    made = ModuleType("pynq")
    parts = {"Clocks": clocks(log, pll), "Bitstream": Bitstream, "MMIO": MMIO}
    made.__dict__.update(parts, allocate=allocate, log=log, port=port)
    return made
