"""cocotbext-axi for AXI3: its models, told that a burst's length has four bits and not eight."""

from __future__ import annotations

import random
from itertools import repeat

from cocotbext.axi import AxiMaster, AxiRamRead, AxiRamWrite, AxiReadBus, AxiWriteBus
from cocotbext.axi.axi_channels import AxiARSink, AxiARSource, AxiAWSink, AxiAWSource

__all__ = ["AxiMaster", "AxiRamRead", "AxiRamWrite", "AxiReadBus", "AxiWriteBus", "pause"]

for channel in (AxiARSink, AxiARSource):
    channel._signal_widths = {**channel._signal_widths, "arlen": 4}
for channel in (AxiAWSink, AxiAWSource):
    channel._signal_widths = {**channel._signal_widths, "awlen": 4}


def pause(model: object, rng: random.Random, share: float) -> None:
    """Let each channel of a master or memory pause for a share of the cycles."""
    halves = {getattr(model, half, model) for half in ("write_if", "read_if")}
    for half in halves:
        for name in ("aw", "w", "b", "ar", "r"):
            channel = getattr(half, f"{name}_channel", None)
            if channel is not None:
                channel.set_pause_generator(rng.random() < share for _ in repeat(None))
