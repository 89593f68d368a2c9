"""FIFO depths: found by simulation, they keep the interval, and half of one does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import bnn_pynq
import larq_nets
from onebit import board, choose, cost, fifos, flow, folding, recipe, simulate, trial
from onebit.lower import lower
from onebit.net import Net

IMAGES = 60
SECONDS = 60  # that the search may take for mnist-bcnn, the build not counted
SLOWER = 5  # a machine of another's, busy with other things


@dataclass(frozen=True)
class Case:
    """A network, and where it comes from."""

    name: str
    lowered: Callable[[Path], Net]


def ours(name: str) -> Case:
    return Case(name, lambda folder: lower(recipe.folder(name) / flow.MODEL).net)


def larq(name: str) -> Case:
    def lowered(folder: Path) -> Net:
        net = larq_nets.NETWORKS[name]
        path = folder / "larq.onnx"
        path.write_bytes(net.build(1).SerializeToString())
        return lower(path, raw=net.raw).net

    return Case(name, lowered)


def brevitas(name: str) -> Case:
    def lowered(folder: Path) -> Net:
        bnn_pynq.export(name, folder / "brevitas.onnx", 1)
        return lower(folder / "brevitas.onnx", raw="uint8/255").net

    return Case(name, lowered)


LARGE = {"gtsrb-3qconv-48", "gtsrb-3qconv-64", "gtsrb-best", "kws-12"}  # minutes each
OURS = [ours(name) for name in recipe.networks() if name not in LARGE]
QUICK = [larq("gtsrb_xnor"), larq("wake_word"), larq("pools")]
MORE = [
    *map(ours, sorted(LARGE)),
    larq("same_zeros"),
    larq("channels_first"),
    brevitas("CNV_1W1A"),
    brevitas("LFC_1W1A"),
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        more = MORE if metafunc.config.getoption("--prove") else []
        metafunc.parametrize("case", [*OURS, *QUICK, *more], ids=lambda case: case.name)


def test_the_smallest_fifos_keep_the_interval(
    case: Case, tmp_path: Path, prove: bool, record_property: Callable[[str, object], None]
) -> None:
    net = case.lowered(tmp_path)
    start = choose.best(net, board.load("pynq-z2"), 100.0)
    (tmp_path / "trials").mkdir()
    trials = fifos.prepared(net, start, tmp_path / "trials")
    began = time.perf_counter()
    folding = fifos.sized(net, start)  # the build is there
    seconds = time.perf_counter() - began
    if case.name == "mnist-bcnn":
        assert seconds < SECONDS * (1 if prove else SLOWER)
    depths = {name: folding.layers[name].fifo for name in trials.most}
    assert trials.keeps_interval(depths, IMAGES)
    deep = [name for name, depth in depths.items() if depth > fifos.FEWEST]
    harmless = [
        name
        for name in deep
        if trials.keeps_interval({**depths, name: max(fifos.FEWEST, depths[name] // 2)}, IMAGES)
    ]
    assert not harmless, f"{harmless} of {depths} could be halved"
    record_property(
        "claim",
        f"{case.name}: II {cost.interval(net, folding)} = formula with FIFOs of "
        f"{sum(depths.values())} entries in all; half of any of the {len(deep)} deeper than "
        f"{fifos.FEWEST} is slower; found in {seconds:.0f} s",
    )


def test_the_sized_accelerator_itself_keeps_the_interval(tmp_path: Path) -> None:
    net = larq("gtsrb_xnor").lowered(tmp_path)
    start = choose.best(net, board.load("pynq-z2"), 100.0)
    folding = fifos.sized(net, start)
    lowest = fifos.with_depths(start, {})
    measured = []
    for folds, name in ((folding, "sized"), (lowest, "lowest")):
        chosen = flow.Subject(name=name, model=tmp_path / "larq.onnx", title=name, data=None)
        lowered = lower(chosen.model, raw="UINT8")
        flow.write(chosen, lowered, folds, tmp_path / name)
        compiled = flow.read(tmp_path / name)
        samples = trial.samples(compiled, IMAGES, 0)
        assert compiled.folding == folds
        elements = samples.raw
        measured.append(simulate.run(tmp_path / name, net, folds, elements).interval)
    assert measured[0] == cost.interval(net, folding) < measured[1]


def test_a_folding_file_keeps_its_depths(tmp_path: Path) -> None:
    made = flow.compile_network("digits-mlp", tmp_path / "a", "pynq-z2", 1e6, None)
    file = tmp_path / "edited.toml"
    file.write_text((tmp_path / "a" / "folding.toml").read_text().replace("fifo = 2", "fifo = 5"))
    again = flow.compile_network("digits-mlp", tmp_path / "b", "pynq-z2", None, file)
    assert again.folding == folding.load(file) != made.folding
    assert again.net.hash == made.net.hash
