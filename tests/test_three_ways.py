"""RTL, HLS C++ and the C engine give the same logits and classes for the same random networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hls_many
import test_random_convs
from onebit import csim, emit, folding, golden, simulate, verilate
from onebit.cpu import Engine
from onebit.golden import Outputs
from test_hls_nets import random_network

SAMPLES = 24
A_UNIT = 5  # networks in a translation unit of HLS C++
NETWORKS = 100
MOST_PE = 4


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "group" not in metafunc.fixturenames:
        return
    named = [("conv" if index % 2 else "mlp", 100 + index) for index in range(NETWORKS)]
    groups = [named[start : start + A_UNIT] for start in range(0, NETWORKS, A_UNIT)]
    full = metafunc.config.getoption("--prove")
    metafunc.parametrize("group", groups if full else [named[:2]], ids=lambda group: f"{group[0]}")


def narrow(folded: hls_many.Folded) -> hls_many.Folded:
    """With few PEs in each folded product: a simulator of it is built in seconds."""
    net, folds = folded
    layers = dict(folds.layers)
    for layer in net.mvaus:
        fold = layers[layer.name]
        if fold.style == "folded":
            layers[layer.name] = replace(fold, pe=min(fold.pe, MOST_PE))
    return net, folding.checked(replace(folds, layers=layers), net)


def dissent(answers: Mapping[str, Outputs]) -> str:
    """Who says something else than golden, and on which images first; empty where nobody does."""
    told, wanted = [], answers["golden"]
    for name, found in answers.items():
        same = found.logits.shape == wanted.logits.shape
        wrong = simulate.compare(found, wanted).tolist() if same else ["all"]
        told += [f"{name} on images {wrong[:5]}"] if wrong else []
    return " and ".join(told)


def through_rtl(folded: hls_many.Folded, elements: np.ndarray, out: Path) -> Outputs:
    net, folds = folded
    out.mkdir()
    emit.write(net, folds, out)
    program = verilate.build(simulate.checked(out, net, folds), verilate.GATES)  # for few images
    found = simulate.through(program, out, net, folds, elements)
    return Outputs(logits=found.logits, classes=found.classes)


def through_hls(
    program: Path, index: int, folded: hls_many.Folded, elements: np.ndarray
) -> Outputs:
    found = csim.run(program, *folded, elements, words=[str(index)])
    return Outputs(logits=found.logits, classes=found.classes)


def through_c(folded: hls_many.Folded, raw: np.ndarray) -> Outputs:
    engine = Engine(folded[0])
    return Outputs(logits=engine.logits(raw), classes=engine.classify(raw))


def test_all_three_agree(group: list[tuple[str, int]], tmp_path: Path, record_property) -> None:
    record_property("claim", f"random networks: RTL = HLS C++ = C engine, {len(group)} a case")
    nets = [narrow(random_network(kind, seed, tmp_path)) for kind, seed in group]
    program = hls_many.build(tmp_path / "hls", nets)
    for index, ((kind, seed), folded) in enumerate(zip(group, nets, strict=True)):
        net, _ = folded
        raw = test_random_convs.raw_samples(net.input, SAMPLES, seed)
        elements = golden.encode(net.input, raw)
        answers = {
            "golden": golden.run(net, raw),
            "RTL": through_rtl(folded, elements, tmp_path / f"{kind}{seed}"),
            "HLS": through_hls(program, index, folded, elements),
            "C": through_c(folded, raw),
        }
        told = dissent(answers)
        assert not told, f"{kind}, seed {seed}: not golden's: {told}"


@pytest.mark.parametrize("odd", ["RTL", "HLS", "C"])
def test_whoever_disagrees_is_named(odd: str) -> None:
    logits = np.arange(6).reshape(3, 2)
    right = Outputs(logits=logits, classes=logits.argmax(axis=1))
    answers = dict.fromkeys(("golden", "RTL", "HLS", "C"), right)
    assert dissent(answers) == ""
    off = logits.copy()
    off[1, 0] += 1
    answers[odd] = Outputs(logits=off, classes=right.classes)
    assert dissent(answers) == f"{odd} on images [1]"
    answers[odd] = Outputs(logits=logits, classes=1 - right.classes)
    assert dissent(answers) == f"{odd} on images [0, 1, 2]"
