"""cocotbext-axi for AXI3: its models, told that a burst's length has four bits and not eight."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import repeat

from cocotbext.axi import AxiMaster, AxiRamRead, AxiRamWrite, AxiReadBus, AxiWriteBus
from cocotbext.axi.axi_channels import AxiARSink, AxiARSource, AxiAWSink, AxiAWSource

__all__ = [
    "CELL",
    "AxiMaster",
    "AxiRamRead",
    "AxiRamWrite",
    "AxiReadBus",
    "AxiWriteBus",
    "pause",
    "told",
]

# ... and that PS7's beats are of at most 8 bytes, and its locks of AXI3's kind.
WIDTHS = {"len": 4}
CELL = {"len": 4, "size": 2, "lock": 2}


def told(widths: Mapping[str, int]) -> None:
    """Let the models expect other widths of a burst's signals."""
    for letters, channels in (("ar", (AxiARSink, AxiARSource)), ("aw", (AxiAWSink, AxiAWSource))):
        for channel in channels:
            own = {f"{letters}{name}": width for name, width in widths.items()}
            channel._signal_widths = {**channel._signal_widths, **own}


told(WIDTHS)


def pause(model: object, rng: random.Random, share: float) -> None:
    """Let each channel of a master or memory pause for a share of the cycles."""
    halves = {getattr(model, half, model) for half in ("write_if", "read_if")}
    for half in halves:
        for name in ("aw", "w", "b", "ar", "r"):
            channel = getattr(half, f"{name}_channel", None)
            if channel is not None:
                channel.set_pause_generator(rng.random() < share for _ in repeat(None))
