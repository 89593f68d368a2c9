"""Several networks as HLS C++ in one translation unit: g++ reads the headers once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onebit import csim, emit_hls, golden, hls_project, simulate
from onebit.folding import Folding
from onebit.net import Net

MAIN = "testbench.cpp"
Folded = tuple[Net, Folding]


def build(folder: Path, nets: Sequence[Folded]) -> Path:
    """The testbenches of all `nets` as one program, whose first argument is an index."""
    files, calls = {}, []
    parts = ["// many: the tops of several networks, and their testbenches."]
    for index, (net, folds) in enumerate(nets):
        made = emit_hls.files(net, folds, f"net{index}")
        call = re.search(
            r"return onebit::testbench<(.*)>\(call, (.*), argc, argv\);", made.pop(MAIN)
        )
        assert call, f"{MAIN} has no testbench"
        parts.append(made.pop(f"net{index}.cpp"))
        run = f"onebit::testbench<{call[1]}>(net{index}, {call[2]}, argc - 1, argv + 1)"
        calls.append(f"  if (std::atoi(argv[1]) == {index}) return {run};")
        files |= made
    head = ['#include "testbench.h"', "int main(int argc, char** argv) {"]
    files["many.cpp"] = "\n".join([*parts, *head, *calls, "  return 2;", "}", ""])
    hls_project.write_sources(folder, files)
    return csim.build(folder)


def differing(program: Path, index: int, folded: Folded, raw: np.ndarray) -> list[int]:
    """The images on which network `index` of the program leaves golden."""
    net, folds = folded
    elements = golden.encode(net.input, raw)
    found = csim.run(program, net, folds, elements, words=[str(index)])
    assert len(found.logits) == len(raw)
    return simulate.compare(found, golden.run(net, raw)).tolist()
