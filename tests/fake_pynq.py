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


def module(board: FakeBoard, *, pll: float = 1000.0, fault: Exception | None = None) -> ModuleType:
    """The module `pynq`; pll: MHz that FCLK0 is divided from; fault: of loading or allocating.

    `log` has what was done, in order; `port` the registers of the memory port.
    """
    log: list[str] = []
    port = {0x00: 0xF01, 0x14: 0xF00}  # S_AXI_HP0: reads have 32 bits, writes 64

    class Clocks(type):
        divider = 10

        @property
        def fclk0_mhz(cls) -> float:
            return round(pll / Clocks.divider, 6)

        @fclk0_mhz.setter
        def fclk0_mhz(cls, wanted: float) -> None:
            Clocks.divider = min(range(1, 64), key=lambda each: abs(each - pll / wanted))
            log.append(f"clock {round(pll / Clocks.divider, 6):g}")

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
            assert (base, length % 4096) in ((REGISTERS, 0), (PORT, 0))
            self.length = length
            self.write = port.__setitem__ if base == PORT else board.write
            self.look = port.__getitem__ if base == PORT else board.read
            log.append("port" if base == PORT else "map")

        def read(self, offset: int) -> Any:
            assert offset < self.length
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
    made.__dict__.update(
        Clocks=Clocks("Clocks", (), {}),
        Bitstream=Bitstream,
        MMIO=MMIO,
        allocate=allocate,
        log=log,
        port=port,
    )
    return made
