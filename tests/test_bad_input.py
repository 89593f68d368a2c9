"""Bad models, foldings, options and data: an error that says what to do, and nothing written."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import random_nets
import tiny
from onebit import flow, recipe, system
from onebit.errors import OnebitError
from onebit.lower import lower

Onebit = Callable[..., tiny.Said]
ROOT = Path(__file__).resolve().parent.parent


def refuses(onebit: Onebit, error: str, hint: str | None, *words: object) -> None:
    """`onebit compile WORDS... --out out/net` is bad input, over no old output and over one."""
    old = Path("out/net/compile.json")
    for before in ("absent", "there"):
        if before == "there":
            old.parent.mkdir(parents=True, exist_ok=True)
            old.write_text("old")
        files = tiny.tree(Path.cwd())
        onebit("compile", *words, "--out", "out/net").refused(2, error, hint)
        assert tiny.tree(Path.cwd()) == files


# Files that are no network


@pytest.mark.parametrize("length", [0, 1, 100, 0.5, -1])
def test_truncated_model(onebit: Onebit, tmp_path: Path, length: float) -> None:
    content = (ROOT / "models/digits-mlp/model.qonnx").read_bytes()
    end = int(length * len(content)) if isinstance(length, float) else length
    (tmp_path / "cut.qonnx").write_bytes(content[:end])
    refuses(onebit, r"'cut.qonnx' is not a readable ONNX file: .", "again", "cut.qonnx")


@pytest.mark.parametrize("content", [b"hello, I am text\n", b"\0\1\2", b"<html></html>"])
def test_file_that_is_no_model(onebit: Onebit, tmp_path: Path, content: bytes) -> None:
    for name in ("net.onnx", "net"):
        (tmp_path / name).write_bytes(content)
    for name in ("net.onnx", "./net"):
        refused = onebit("compile", name)
        refused.refused(2, "net.*' is not a readable ONNX file", "again")
    assert not Path("out").exists()


def test_path_that_does_not_exist(onebit: Onebit) -> None:
    refuses(onebit, "'models/none.onnx' is not a file", "onebit list", "models/none.onnx")


@pytest.mark.parametrize(
    "words", ["train", "compile", "simulate", "report", "demo"], ids=lambda words: words
)
def test_unknown_network_lists_the_known(onebit: Onebit, words: str) -> None:
    onebit(words, "mnist-tfx").refused(2, "'mnist-tfx'", ", ".join(recipe.networks()))
    assert not Path("out").exists()


# Networks that cannot be lowered


def node(name: str, op: str, *values: float) -> tiny.Part:
    """A node with constant operands, before the activation of the intact network."""

    def add(graph: random_nets.Graph) -> None:
        operands = [
            graph.constant(f"{name}_{i}", np.float32(value)) for i, value in enumerate(values)
        ]
        graph.chain(op, name, *operands)

    return add


def parts(*several: tiny.Part) -> tiny.Part:
    def add(graph: random_nets.Graph) -> None:
        for part in several:
            part(graph)

    return add


def residual(graph: random_nets.Graph) -> None:
    """A second hidden layer, whose input is added to its output."""
    tiny.one_bit(graph)
    skipped = graph.tensor
    tiny.dense(graph, "square", tiny.HIDDEN, tiny.HIDDEN, tiny.binary)
    graph.chain("Add", "residual", skipped)
    graph.chain("BipolarQuant", "sign2", graph.constant("one2", np.float32(1)))


def squared(graph: random_nets.Graph) -> None:
    graph.chain("Mul", "squared", graph.tensor)
    tiny.one_bit(graph)


def two_bits(graph: random_nets.Graph) -> None:
    graph.tensor = tiny.quant(graph, "act", graph.tensor, 2)


def zero_or_one(graph: random_nets.Graph) -> None:
    graph.tensor = tiny.quant(graph, "act", graph.tensor, 1)


def plain_floats(graph: random_nets.Graph, name: str, latent: str) -> str:
    return latent


def two_bit_weights(graph: random_nets.Graph, name: str, latent: str) -> str:
    return tiny.quant(graph, name, latent, 2)


# |x| - 1 falls and rises: the bit is 1, then 0, then 1 as the sum grows
VEE = parts(node("vee", "PRelu", -1), node("lower", "Sub", 1), tiny.one_bit)

NETWORKS: dict[str, tuple[dict[str, object], str, str | None]] = {
    "2-bit weights": (
        {"weights": two_bit_weights},
        r"node 'fc1_weights' \(Quant\): 2-bit weights; 1 bit",
        "1-bit",
    ),
    "2-bit activations": (
        {"activation": two_bits},
        r"node 'act' \(Quant\): 2-bit activations; 1 bit",
        "1-bit",
    ),
    "activations of 0 and 1": (
        {"activation": zero_or_one},
        r"node 'act' \(Quant\): 1-bit activations; 1 bit as BipolarQuant",
        "1-bit",
    ),
    "float weights": (
        {"weights": plain_floats},
        "node 'fc1', output channel 0: its weights are not two-valued",
        "1-bit weights",
    ),
    "NaN": (
        {"slope": np.nan},
        r"node 'norm' \(BatchNormalization\): 'norm_slope' holds NaN",
        "diverged",
    ),
    "infinity": ({"slope": np.inf}, "'norm_slope' holds NaN or infinity", "diverged"),
    "convolution": ({"before": node("conv", "Conv", 1)}, r"node 'conv' \(Conv\)", "supported"),
    "recurrent": ({"before": node("lstm", "LSTM", 1, 1)}, r"node 'lstm' \(LSTM\)", "supported"),
    "softmax": (
        {"activation": parts(tiny.one_bit, node("softmax", "Softmax"))},
        r"node 'softmax' \(Softmax\): it is supported as the last node only",
        "supported: ",
    ),
    "residual": (
        {"activation": residual},
        r"node 'residual' \(Add\): a branch: .*'square_out', 'sign_out'",
        "plain chain",
    ),
    "square": ({"activation": squared}, r"node 'squared' \(Mul\): a branch", "plain chain"),
    "not monotone": (
        {"activation": VEE},
        "layer 'fc1', channel 0: the bit changes 2 times",
        "rise or fall once",
    ),
    "no activation": (
        {"activation": tiny.nothing},
        r"layer 'fc1', channel \d: the activation takes more than two values",
        "1-bit quantiser",
    ),
    "curved head": (
        {"end": node("tanh", "Tanh")},
        r"class \d: its logit is not an affine function",
        "batch-norm",
    ),
    "no datatype": (
        {"raw": "FLOAT32"},
        "the input is FLOAT32: its raw values are not known",
        "--input uint8.*bipolar",
    ),
    "constant input": ({"before": node("zero", "Mul", 0)}, "whatever the raw value is", None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_network_that_cannot_be_lowered(onebit: Onebit, tmp_path: Path, name: str) -> None:
    replaced, error, hint = NETWORKS[name]
    tiny.write(tmp_path / "net.onnx", tiny.model(**replaced))
    refuses(onebit, error, hint, "net.onnx")


@pytest.mark.parametrize("end", ["input", "output"])
def test_network_with_two_ends(onebit: Onebit, tmp_path: Path, end: str) -> None:
    proto = tiny.model()
    second = helper.make_tensor_value_info(
        "sign_out" if end == "output" else "other", TensorProto.FLOAT, [1, tiny.HIDDEN]
    )
    getattr(proto.graph, end).append(second)
    tiny.write(tmp_path / "net.onnx", proto)
    refuses(onebit, f"{end}s .*'{second.name}'.*each must be one", "only", "net.onnx")


def test_constants_in_nodes_are_checked_like_others(onebit: Onebit, tmp_path: Path) -> None:
    for replaced in ({"slope": np.nan}, {"activation": two_bits}):
        proto = tiny.model(**replaced)
        kept = [c for c in proto.graph.initializer if c.name not in ("norm_slope", "act_2")]
        moved = [c for c in proto.graph.initializer if c.name in ("norm_slope", "act_2")]
        nodes = [helper.make_node("Constant", [], [c.name], f"c_{c.name}", value=c) for c in moved]
        for field, values in (("initializer", kept), ("node", [*nodes, *proto.graph.node])):
            values = [type(value).FromString(value.SerializeToString()) for value in values]
            proto.graph.ClearField(field)
            getattr(proto.graph, field).extend(values)
        tiny.write(tmp_path / "net.onnx", proto)
        onebit("compile", "net.onnx").refused(2, "norm_slope' holds NaN|2-bit activations")


def damaged(seed: int) -> ModelProto:
    """The tiny network with one random fault: a node or constant gone, swapped or misshapen."""
    rng = np.random.default_rng(seed)
    proto = tiny.model()
    graph = proto.graph
    node = graph.node[int(rng.integers(len(graph.node)))]
    constant = graph.initializer[int(rng.integers(len(graph.initializer)))]
    value = numpy_helper.to_array(constant)
    arrays = [value.ravel()[:0], value.repeat(2), value.astype(np.int64), value * np.float32(0)]
    match int(rng.integers(7)):
        case 0:
            node.op_type = str(rng.choice(["Relu", "Add", "Where", "Gemm", "Quant", "Constant"]))
        case 1:
            graph.node.remove(node)
        case 2:
            node.input[-1] = str(rng.choice([c.name for c in graph.initializer]))
        case 3:
            del node.input[-1]
        case 4:
            constant.CopyFrom(numpy_helper.from_array(arrays[seed % 4], constant.name))
        case 5:
            graph.initializer.remove(constant)
        case 6:
            graph.input[0].type.tensor_type.ClearField("shape")
    return proto


def test_damaged_networks_never_end_in_a_traceback(tmp_path: Path, prove: bool) -> None:
    """Whatever is wrong, lowering ends with a network or with an error of ours."""
    refused = 0
    for seed in range(1000 if prove else 40):
        path = tiny.write(tmp_path / "net.onnx", damaged(seed))
        try:
            lower(path)
        except OnebitError as error:
            refused += 1
            assert len(error.message) < 1000, f"seed {seed}: {error.message}"
    assert refused > 20


# Foldings, options and boards

FOLDINGS = {
    "PE too large": (r"\[layers.fc1\]\npe = \d+", "[layers.fc1]\npe = 7", "'fc1': pe=7.*1..6", ""),
    "simd 0": (r"simd = \d+", "simd = 0", "simd=0 is not in 1..8", "--target-fps"),
    "negative": (r"pe = \d+", "pe = -1", "pe=-1 is not in", "--target-fps"),
    "another network": (r'hash = "\w{4}', 'hash = "beef', "is for network 'beef", "compile"),
    "unknown layer": (r"layers\.fc1", "layers.fc9", "lacks the layer 'fc1'", "every layer"),
    "missing layer": (r"\[layers.head\].*", "", "lacks the layer 'head'", "every layer"),
    "missing key": (r"fifo = \d+\n", "", "the key 'fifo' is missing", None),
    "unknown key": (r"m = 1", "m = 1\nspeed = 9", "unknown key 'speed'", "known: pe, simd"),
    "unknown top key": (r"format = 1", "format = 1\nspeed = 9", "unknown key 'speed'", "board"),
    "hardwired": ('"folded"', '"hardwired"', "hardwired', but it is no Mvau", "folded"),
    "unknown style": ('"folded"', '"fast"', "style='fast' is not in", None),
    "block RAM": ('"auto"', '"bram"', r"'input': memory='bram' is not in \('auto',\)", None),
    "text for a number": (r"pe = \d+", 'pe = "two"', "pe='two' is not a whole number", None),
    "fraction": (r"pe = \d+", "pe = 1.5", "pe=1.5 is not a whole number", None),
    "weight reuse": (r"m = 1", "m = 2", r"'input': m=2 is not in 1\.\.1", None),
    "no FIFO": (r"fifo = \d+", "fifo = 0", r"fifo=0 is not in 2\.\.", None),
    "unknown board": (r'board = "[^"]*"', 'board = "moon"', "unknown board 'moon'", "pynq-z2"),
    "no clock": (r"clock_mhz = [\d.]+", "clock_mhz = 0", "clock_mhz=0 is not", None),
    "NaN clock": (r"clock_mhz = [\d.]+", "clock_mhz = nan", "clock_mhz=nan is not", None),
    "another version": (r"format = 1", "format = 2", "format 2, this onebit reads 1", "compile"),
    "not TOML": (r"format = 1", "format : 1", "folding.toml: not TOML", None),
    "truncated": (r"\[layers.head\]\npe.*", "[layers.head]\npe", "not TOML|missing", None),
    "empty": (r".*", "", "format None", "onebit compile NET"),
    "binary": (r"format", "\0", "not TOML", None),
}


@pytest.mark.parametrize("name", FOLDINGS)
def test_bad_folding_file(
    onebit: Onebit, tiny_file: Path, tiny_folder: Path, tmp_path: Path, name: str
) -> None:
    found, put, error, hint = FOLDINGS[name]
    text = (tiny_folder / "folding.toml").read_text()
    edited, count = re.subn(found, put, text, count=1, flags=re.DOTALL)
    assert count
    (tmp_path / "folding.toml").write_text(edited)
    refuses(onebit, error, hint, tiny_file, "--folding", "folding.toml")


def test_missing_folding_file(onebit: Onebit, tiny_file: Path) -> None:
    for path in ("none.toml", "."):
        refuses(onebit, f"cannot read .*'{path}'", "onebit compile", tiny_file, "--folding", path)


@pytest.mark.parametrize("rate", ["0", "-1", "1e12", "nan", "inf"])
def test_rate_that_cannot_be(onebit: Onebit, tiny_file: Path, rate: str) -> None:
    refuses(onebit, "images/s at 100 MHz", "at most 100,000,000", tiny_file, "--target-fps", rate)


def test_slowest_rate_takes_one_lane(onebit: Onebit, tiny_file: Path) -> None:
    said = onebit("compile", tiny_file, "--target-fps", "1e-320", "--check", "--json")
    assert json.loads(said.out)["ii_cycles"] == tiny.INPUTS * tiny.HIDDEN


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("compile NET --board moon", "unknown board 'moon'"),
        ("compile NET --target-fps fast", "--target-fps: invalid float value: 'fast'"),
        ("compile NET --target-fps 1 --folding x", "not allowed with"),
        ("compile", "required: NET"),
        ("melt NET", "invalid choice: 'melt'"),
        ("simulate NET --images 0", "--images '0' is neither"),
        ("simulate NET --images -5", "--images '-5' is neither"),
        ("simulate NET --images some", "--images 'some' is neither"),
        ("simulate NET --images \N{SUPERSCRIPT TWO}", "is neither"),
        ("simulate NET --stall 100", "--stall 100 is not in 0..95"),
        ("simulate NET --seed -1", "--seed -1 is not"),
        ("train digits-mlp --epochs 0", "--epochs 0 is not"),
        ("train digits-mlp --epochs -3", "--epochs -3 is not"),
    ],
)
def test_bad_option(onebit: Onebit, tiny_file: Path, words: str, error: str) -> None:
    said = onebit(*(tiny_file if word == "NET" else word for word in words.split()))
    said.refused(2, re.escape(error), None)
    assert not Path("out").exists()


# Data sets and tools


def set_data(folder: Path, name: str) -> None:
    """Let the compiled `folder` be of a network of the data set `name`."""
    facts = json.loads((folder / flow.COMPILED).read_text())
    (folder / flow.COMPILED).write_text(json.dumps(facts | {"data": name}))


def test_missing_data_says_where_to_put_it(
    onebit: Onebit, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_data(compiled, "mnist")
    folder = tmp_path / "data" / "mnist"
    monkeypatch.setenv("ONEBIT_DATA", str(folder.parent))
    before = tiny.tree(compiled)
    where = rf"put MNIST's four \*-ubyte.gz files into {folder}.*ONEBIT_DATA"
    onebit("simulate", "compiled").refused(2, "does not exist", where)
    onebit("train", "mnist-tfc").refused(2, "does not exist", where)
    folder.mkdir(parents=True)
    for file in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (folder / file).write_bytes(gzip.compress(bytes(1000))[:-5])
    onebit("simulate", "compiled").refused(2, "cannot unpack", "unchanged file")
    assert tiny.tree(compiled) == before
    assert not Path("out").exists()


def test_data_of_another_network(onebit: Onebit, compiled: Path) -> None:
    set_data(compiled, "digits")
    onebit("simulate", "compiled").refused(2, r"'digits' has .*\(8, 8, 1\)", "--data")
    set_data(compiled, "cifar")
    onebit("simulate", "compiled").refused(2, "no data set is called 'cifar'", "digits, mnist")


@pytest.mark.parametrize("tool", ["g++", "perl", "verilator"])
def test_missing_tool(
    onebit: Onebit, compiled: Path, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    there = system.find_tool
    monkeypatch.setattr(system, "find_tool", lambda name: None if name == tool else there(name))
    before = tiny.tree(compiled)
    said = onebit("simulate", "compiled")
    said.refused(3, f"^error: {re.escape(tool)} was not found", re.escape(system.INSTALL[tool]))
    assert tiny.tree(compiled) == before


def test_empty_path_names_what_to_install(compiled: Path, tmp_path: Path) -> None:
    """The same as a user has it: nothing on PATH, no home, a cache of its own."""
    (tmp_path / "bin").mkdir()
    env = {"PATH": str(tmp_path / "bin"), "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "onebit", "simulate", str(compiled)]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    said = tiny.Said(done.returncode, done.stdout, done.stderr)
    said.refused(3, "perl was not found", "sudo apt install perl")
    doctor = subprocess.run([*command[:3], "doctor"], env=env, capture_output=True, text=True)
    assert doctor.returncode == 3 and "MISSING  g++" in doctor.stdout
