"""What the tests of random networks of either kind prove of one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from onebit import cost, flow, golden, simulate, trial
from onebit.folding import Folding
from onebit.lower import Lowered
from onebit.lower.runtime import execute
from onebit.net_file import from_json, to_json

STALLS = (0, 40)  # percent of the cycles, on both sides


def source_equals_golden(path: Path, lowered: Lowered, samples: np.ndarray) -> None:
    """Golden names the class of the source graph, executed by QONNX; its file reads back."""
    logits = execute(path, samples * lowered.net.input.raw_scale)
    classes = golden.run(lowered.net, samples).classes
    gap = logits.max(axis=1) - logits[np.arange(len(samples)), classes]
    tie = gap <= trial.SUMMATION_ERROR * np.abs(logits).max(axis=1)
    wrong = (logits.argmax(axis=1) != classes) & ~(tie if lowered.head_pairs else False)
    assert not wrong.any(), f"images {np.flatnonzero(wrong)[:5]} differ"
    assert from_json(to_json(lowered.net)).hash == lowered.net.hash


def rtl_equals_golden(
    path: Path, lowered: Lowered, folds: Folding, samples: np.ndarray, out: Path, seed: int
) -> None:
    """Every logit, with and without pauses; without, the interval is the formula's."""
    chosen = flow.Subject(name="random", model=path, title="random", data=None)
    flow.write(chosen, lowered, folds, out)
    want = golden.run(lowered.net, samples)
    elements = golden.encode(lowered.net.input, samples)
    for stall in STALLS:
        found = simulate.run(out, lowered.net, folds, elements, stall=stall, seed=seed)
        wrong = simulate.compare(found, want)
        assert not len(wrong), f"stall {stall}: images {wrong[:5]} differ"
        if not stall:
            assert found.interval == cost.interval(lowered.net, folds)
