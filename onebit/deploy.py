"""What a board gets: the network's description beside its bitstream, and one zip file of it all."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from onebit import data, emit
from onebit.flow import Compiled
from onebit.net import Int
from onebit.pack import ceil_div

FORMAT = 1  # of the description; onebit/driver.py reads it
WORD = 64  # bits of the board's memory port
LOGITS_A_WORD = 2


def description(compiled: Compiled) -> dict[str, Any]:
    """NET.json: all that onebit/driver.py must know of the network, as JSON data."""
    net, folding = compiled.net, compiled.folding
    first, head = net.input, net.head
    stream = emit.output_stream(net, folding, first.name)
    return {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "title": compiled.facts["title"],
        "hash": net.hash,
        "board": folding.board,
        "clock_mhz": folding.clock_mhz,
        "input": {
            "shape": list(first.shape),
            "raw_lo": first.raw_lo,
            "raw_step": first.raw_step,
            "table": first.table.tolist(),
            "bits": stream.bits,
            "signed": isinstance(first.element, Int) and first.element.signed,
            "vectors": stream.vectors,
            "n": stream.n,
            "lanes": stream.lanes,
        },
        "classes": class_names(compiled),
        "logits": {"classes": head.classes, "fraction": head.fraction},
        "image_words": ceil_div(stream.beats * stream.width, WORD),
        "result_words": ceil_div(head.classes, LOGITS_A_WORD) + 1,
        "features": None if compiled.features is None else asdict(compiled.features),
    }


def class_names(compiled: Compiled) -> list[str]:
    """What the classes stand for; their numbers where no data set says."""
    known = compiled.facts["data"]
    names = () if known is None else data.classes(known)
    if len(names) == compiled.net.head.classes:
        return list(names)
    return [str(number) for number in range(compiled.net.head.classes)]
