"""Test samples through a simulated board and the driver of real ones: what came of them."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from onebit import cost, golden, system
from onebit.deploy import description
from onebit.driver import Accelerator
from onebit.flow import Compiled
from onebit.trial import Samples
from onebit.virtual_board import Surroundings, VirtualBoard

FORMAT = 1
FILE = "board.json"
SECONDS = 600.0  # that a batch may take: a simulated board is a thousand times slower


def run(
    compiled: Compiled,
    chosen: Samples,
    around: Surroundings,
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Golden and the board on the samples: the facts, which board.json keeps.

    A run with stalls is a check and not a measurement: it leaves board.json as it was. `on_done`
    hears how many more images came back.
    """
    expected, told = golden.run(compiled.net, chosen.raw), description(compiled)
    sums: Counter[str] = Counter()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch, VirtualBoard(compiled, around) as board:
        file = Path(scratch) / "net.json"
        file.write_text(json.dumps(told))
        with Accelerator(file, board, timeout=SECONDS) as accelerator:

            def add() -> None:
                counters = accelerator.counters()
                sums.update(counters)
                on_done(counters["FINISHED"])

            classes, logits = accelerator.run(chosen.raw, on_batch=add)
    seconds = time.perf_counter() - begun
    wrong = (logits != expected.logits).any(axis=1) | (classes != expected.classes)
    right = None if chosen.labels is None else float((classes == chosen.labels).mean())
    facts = {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "samples": chosen.origin,
        "images": len(chosen.raw),
        "mismatches": int(wrong.sum()),
        "first_mismatch": int(np.argmax(wrong)) if wrong.any() else None,
        "accuracy": right,
        **_rates(compiled, sums, len(chosen.raw), told["image_words"]),
        "latency": list(around.latency),
        "stall_percent": around.stall,
        "seconds": round(seconds, 3),
    }
    if not around.stall:
        system.write_text(compiled.out / FILE, json.dumps(facts, indent=1) + "\n")
    return facts


def _rates(compiled: Compiled, sums: Counter[str], images: int, words: int) -> dict[str, Any]:
    """What the board's counters come to at the folding's clock, of images of so many words.

    port_percent: of the cycles in which an image's word could have come; the waits are in percent
    of all cycles.
    """
    clock, cycles = compiled.folding.clock_mhz, sums["CYCLES"]
    formula = cost.interval(compiled.net, compiled.folding)
    return {
        "clock_mhz": clock,
        "cycles": cycles,
        "cycles_per_image": cycles / images,
        "ii_formula": formula,
        "slower_percent": 100 * (cycles / (images * formula) - 1),
        "port_percent": 100 * images * words / cycles,
        "stall_in_percent": 100 * sums["STALL_IN"] / cycles,
        "stall_out_percent": 100 * sums["STALL_OUT"] / cycles,
        "images_per_second": images * clock * 1e6 / cycles,
    }


def kept(compiled: Compiled) -> dict[str, Any] | None:
    """What the last run measured on this network's board, if there was one."""
    try:
        facts: dict[str, Any] = json.loads((compiled.out / FILE).read_text())
        same = facts["format"] == FORMAT and facts["net_hash"] == compiled.net.hash
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return facts if same else None
