"""Networks that others made: Larq's by way of tf2onnx, Brevitas' own, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, numpy_helper

import bnn_pynq
import random_convs
from larq_nets import NETWORKS, LarqNet
from onebit import golden, trial
from onebit.errors import ConfigError
from onebit.lower import Lowered, lower
from onebit.lower.evaluate import session
from onebit.lower.runtime import execute, in_layout
from onebit.lower.source import read
from random_nets import Graph, build
from real_images import real_images
from small_convs import FILTERS, SHAPE, Part, conv, one_bit, signs, small

IMAGES = 1000
REFUSED = ("input_norm",)  # a batch-norm a channel on the input: below
BREVITAS_IMAGES = 200


def pytest_generate_tests(metafunc):
    if "build_seed" in metafunc.fixturenames:
        full = metafunc.config.getoption("--prove")
        metafunc.parametrize("build_seed", range(3 if full else 1))


def onnxruntime_logits(path: Path, samples: np.ndarray) -> np.ndarray:
    """What onnxruntime says of samples (count, h, w, c), every node computed as it is written.

    A Softmax at the end is left out: it rounds close logits to equal ones.
    """
    model = read(path)
    if model.graph.node[-1].op_type == "Softmax":
        model.graph.output[0].name = model.graph.node[-1].input[0]
        model.graph.node.pop()
    runner = session(model)
    given = in_layout(model, samples)
    one = model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
    parts = np.array_split(given, len(given) if one else 4)
    return np.concatenate([runner.run(None, {"input": part})[0] for part in parts])


def ties_and_mismatches(logits: np.ndarray, classes: np.ndarray) -> tuple[list[int], list[int]]:
    """Images whose class differs: those within float32's summation error, and the others."""
    differing = np.flatnonzero(logits.argmax(axis=1) != classes)
    rows = logits[differing]
    gap = rows.max(axis=1) - rows[np.arange(len(rows)), classes[differing]]
    tie = gap <= trial.SUMMATION_ERROR * np.abs(rows).max(axis=1)
    return differing[tie].tolist(), differing[~tie].tolist()


def image_shape(net: LarqNet) -> tuple[int, ...]:
    """Height, width and channels."""
    if net.layout == "NCHW":
        return (*net.shape[1:], net.shape[0])
    return net.shape if len(net.shape) == 3 else (*net.shape, 1)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in REFUSED])
def test_larq_networks_give_onnxruntimes_classes(name, build_seed, tmp_path, record_property):
    record_property("claim", "Larq networks: class = onnxruntime's, 1,000 random and real images")
    net = NETWORKS[name]
    path = tmp_path / "larq.onnx"
    path.write_bytes(net.build(build_seed).SerializeToString())
    lowered = lower(path, raw=net.raw)
    assert not lowered.unchecked
    shape = image_shape(net)
    rng = np.random.default_rng(build_seed)
    kinds = {
        "random": rng.integers(0, 256, (IMAGES, *shape)),
        "real": real_images(shape, IMAGES, build_seed),
    }
    for kind, images in kinds.items():
        samples = images.reshape(IMAGES, *lowered.net.input.shape)
        logits = onnxruntime_logits(path, samples)
        classes = golden.run(lowered.net, samples).classes
        ties, mismatches = ties_and_mismatches(logits, classes)
        record_property(f"{kind} ties", ties)
        assert not mismatches, f"{kind} images {mismatches[:5]} differ"
        assert len(ties) < IMAGES // 50, f"{len(ties)} ties among {kind} images: {ties}"
        assert len(np.unique(classes)) > 2, "the images hardly tell anything"


@pytest.mark.parametrize("name", ["LFC_1W1A", "CNV_1W1A"])
def test_brevitas_networks_are_their_golden(name, tmp_path, record_property):
    record_property("claim", "brevitas_examples' LFC and CNV 1W1A: source graph = golden")
    path = tmp_path / "net.onnx"
    bnn_pynq.export(name, path, seed=1)
    lowered = lower(path, raw="uint8/255")
    assert not lowered.unchecked
    first = lowered.net.input
    channels, height, width = bnn_pynq.SHAPES[name]
    images = real_images((height, width, channels), BREVITAS_IMAGES // 2, 1)
    rng = np.random.default_rng(1)
    samples = np.concatenate([images, rng.integers(0, 256, images.shape)])
    samples = samples.reshape(len(samples), *first.shape)
    logits = execute(path, samples * first.raw_scale)
    classes = golden.run(lowered.net, samples).classes
    assert ties_and_mismatches(logits, classes) == ([], [])
    assert len(np.unique(classes)) > 2


# What --explain says


def notes(lowered: Lowered) -> dict[str, list[str]]:
    """What nodes became, by their operator."""
    found: dict[str, list[str]] = {}
    for note in lowered.notes:
        found.setdefault(note.op, []).append(note.became)
    return found


def test_every_node_says_what_it_became(tmp_path):
    path = tmp_path / "larq.onnx"
    path.write_bytes(NETWORKS["same_ones"].build(0).SerializeToString())
    found = notes(lower(path, raw="UINT8"))
    assert set(found["Transpose"]) | set(found["Reshape"]) == {"layout only"}
    assert found["Pad"] == ["padding of conv2_window", "padding of conv3_window"]
    assert found["Conv"][1] == "conv2: 72 x 12 weights of 1 bit"
    assert found["MatMul"] == ["fc1: 72 x 16 weights of 1 bit", "fc2: 16 x 5 weights of 1 bit"]
    assert re.fullmatch(r"conv2_pool: an OR of bits, inverted in \d+", found["MaxPool"][0])
    assert found["Mul"][0] == "input: a table of 256 values"
    assert all(re.match(r"(conv|fc)\d: \d+ thresholds", text) for text in found["Sign"])
    path.write_bytes(NETWORKS["mnist_bcnn"].build(0).SerializeToString())
    assert notes(lower(path, raw="UINT8"))["Softmax"] == ["leaves the class as it is"]
    path.write_bytes(NETWORKS["latent"].build(0).SerializeToString())
    assert "a constant, folded" in notes(lower(path, raw="UINT8"))["Sign"]


# What cannot be built


def conv2(shape: tuple[int, ...], weights: str = "signs", **attributes: object) -> Part:
    """A second convolution; `weights`: signs, or ternary."""

    def add(graph: Graph) -> None:
        values = signs(graph, *shape)
        if weights == "ternary":
            values[0, 0, 0, 0] = 0
        conv(graph, "conv2", values, **attributes)
        one_bit(graph, "sign2")

    return add


def residual(graph: Graph) -> None:
    skipped = graph.tensor
    conv(graph, "conv2", signs(graph, FILTERS, FILTERS, 1, 1))
    graph.chain("Add", "residual", skipped)
    one_bit(graph, "sign2")


def training(graph: Graph) -> None:
    graph.constants.append(numpy_helper.from_array(np.array(True), "training"))
    graph.chain("Dropout", "drop", graph.constant("ratio", np.float32(0.5)), "training")


def pool(op: str, **attributes: object) -> Part:
    return lambda graph: graph.chain(op, "pool", **attributes)


def two_bits(graph: Graph) -> None:
    values = [np.float32(1), np.float32(0), np.float32(2)]
    names = [graph.constant(f"act_{i}", value) for i, value in enumerate(values)]
    graph.chain("Quant", "act", *names, signed=1, narrow=0, rounding_mode="ROUND")


def scaled(name: str, *shape: int) -> Part:
    """A multiplication with one value for each place of `shape`, and a sign."""

    def add(graph: Graph) -> None:
        values = graph.rng.uniform(1, 2, shape)
        graph.chain("Mul", name, graph.constant(f"{name}_values", values))
        one_bit(graph, f"{name}_sign")

    return add


def pads(graph: Graph, value: float, *, sign_first: bool, pad: list[int]) -> None:
    """A Pad between the activation and a convolution with zeros of its own."""
    if sign_first:
        one_bit(graph)
    ends = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.int64)
    graph.constants.append(numpy_helper.from_array(ends, "pad_ends"))
    graph.chain("Pad", "pad", "pad_ends", graph.constant("pad_value", np.float32(value)))
    if not sign_first:
        one_bit(graph)
    conv(graph, "conv2", signs(graph, FILTERS, FILTERS, 3, 3), pads=pad)
    one_bit(graph, "sign2")


NETS: dict[str, tuple[dict[str, Part], str, str]] = {
    "residual": (
        {"middle": residual},
        r"node 'residual' \(Add\): a branch",
        "plain chain",
    ),
    "ternary weights": (
        {"middle": conv2((FILTERS, FILTERS, 1, 1), "ternary")},
        r"node 'conv2', output channel 0: its weights are not two-valued",
        "1-bit weights",
    ),
    "dilated": (
        {"middle": conv2((FILTERS, FILTERS, 3, 3), dilations=[2, 2], pads=[2] * 4)},
        r"node 'conv2' \(Conv\): only dilations=1 are supported",
        "supported: ",
    ),
    "depthwise": (
        {"middle": conv2((FILTERS, 1, 1, 1), group=FILTERS)},
        r"node 'conv2' \(Conv\): only group=1 is supported, no depthwise or grouped",
        "supported: ",
    ),
    "grouped": (
        {"middle": conv2((FILTERS, FILTERS // 2, 1, 1), group=2)},
        r"node 'conv2' \(Conv\): only group=1 is supported",
        "supported: ",
    ),
    "average pool": (
        {"middle": pool("AveragePool", kernel_shape=[1, 1])},
        r"node 'pool' \(AveragePool\): the operator 'AveragePool' is not supported",
        "MaxPool",
    ),
    "global average pool": (
        {"middle": pool("GlobalAveragePool")},
        r"node 'pool' \(GlobalAveragePool\): the operator 'GlobalAveragePool'",
        "MaxPool",
    ),
    "2-bit activations": (
        {"activation": two_bits},
        r"node 'act' \(Quant\): 2-bit activations; 1 bit as BipolarQuant is supported",
        "1-bit quantisers",
    ),
    "norm a position": (
        {"activation": scaled("place", 1, FILTERS, 7, 6)},
        r"node 'place' \(Mul\): 'place_values' has 168 values, not 1 or one for each of 4",
        "the same at all positions",
    ),
    "input norm": (
        {"before": scaled("first", 1, SHAPE[0], 1, 1)},
        r"node 'first' \(Mul\): .* 2 values, but before the first product one table",
        "one value",
    ),
    "dropout at work": (
        {"middle": training},
        r"node 'drop' \(Dropout\): it was exported in training mode",
        "",
    ),
    "a transpose of everything": (
        {"middle": lambda graph: graph.chain("Transpose", "turn")},
        r"node 'turn' \(Transpose\): it moves the batch",
        "",
    ),
    "softmax over samples": (
        {"end": lambda graph: graph.chain("Softmax", "softmax", axis=0)},
        r"node 'softmax' \(Softmax\): it goes over axis 0, not over the classes",
        "",
    ),
    "pool of pixels": (
        {"before": pool("MaxPool", kernel_shape=[1, 1])},
        "a max-pool before the first product: only bits are pooled",
        "",
    ),
    "zeros around a border of ones": (
        {
            "activation": lambda graph: pads(graph, 1, sign_first=True, pad=[1, 1, 1, 1]),
        },
        r"node 'conv2' \(Conv\): it puts zeros around a border that a Pad made of 1",
        "supported: ",
    ),
    "zeros around the sign of zeros": (
        {
            "activation": lambda graph: pads(graph, 0, sign_first=False, pad=[1, 1, 1, 1]),
        },
        r"node 'conv2' \(Conv\): it puts zeros around a border that a Pad made",
        "supported: ",
    ),
    "padded with a third value": (
        {
            "activation": lambda graph: pads(graph, 0.5, sign_first=True, pad=[0, 0, 0, 0]),
        },
        "node 'conv2': the image is padded with 0.5",
        "pad with 0",
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_what_cannot_be_built_is_named(name, tmp_path):
    parts, error, hint = NETS[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(small(**parts).SerializeToString())
    with pytest.raises(ConfigError, match=error) as caught:
        lower(path)
    assert re.search(hint, caught.value.hint or "")


def test_the_small_network_can_be_built(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(small().SerializeToString())
    assert not lower(path).unchecked


def test_one_dimension_is_no_image(tmp_path):
    graph = Graph(np.random.default_rng(3))
    conv(graph, "conv1", signs(graph, FILTERS, 2, 3))
    one_bit(graph)
    graph.chain("Flatten", "flatten")
    graph.chain("MatMul", "fc", graph.constant("fc_weights", signs(graph, FILTERS * 10, 3)))
    path = tmp_path / "net.onnx"
    path.write_bytes(build(graph, (2, 12), 3, "UINT8").SerializeToString())
    with pytest.raises(ConfigError, match=r"node 'conv1' \(Conv\): .*image of two dimensions"):
        lower(path)


def test_larqs_norm_on_the_input_is_refused(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(NETWORKS["input_norm"].build(0).SerializeToString())
    with pytest.raises(ConfigError, match=r"BatchNormalization.* one table serves all channels"):
        lower(path, raw="UINT8")


def damaged(seed: int) -> ModelProto:
    """A random or a Larq network with one fault: in a node, a constant, an attribute or a size."""
    rng = np.random.default_rng(seed)
    names = list(NETWORKS)
    proto = NETWORKS[names[seed % len(names)]].build(0)
    if seed % 2:
        proto, _ = random_convs.random_model(seed)
    graph = proto.graph
    node = graph.node[int(rng.integers(len(graph.node)))]
    constant = graph.initializer[int(rng.integers(len(graph.initializer)))]
    moving = [node for node in graph.node if node.op_type in ("Conv", "MaxPool")]
    match int(rng.integers(6)):
        case 0:
            node.op_type = str(rng.choice(["Conv", "MaxPool", "Pad", "Transpose", "Reshape"]))
        case 1:
            graph.node.remove(node)
        case 2:
            value = numpy_helper.to_array(constant)
            broken = [value.ravel()[:0], value.repeat(2), value.astype(np.int64)][seed % 3]
            constant.CopyFrom(numpy_helper.from_array(broken, constant.name))
        case 3 if moving:
            integers = [a.ints for a in moving[seed % len(moving)].attribute if len(a.ints)]
            chosen = integers[seed % len(integers)]
            chosen[int(rng.integers(len(chosen)))] = int(rng.integers(-3, 20))
        case 4 if moving:
            del moving[-1].attribute[seed % len(moving[-1].attribute)]
        case _:
            sizes = graph.input[0].type.tensor_type.shape.dim
            sizes[int(rng.integers(len(sizes)))].dim_value = int(rng.integers(1, 9))
    return proto


def test_damaged_images_never_end_in_a_traceback(tmp_path, prove):
    """Whatever is wrong, lowering ends with a network or with an error of ours."""
    refused, count = 0, 600 if prove else 30
    for seed in range(count):
        path = tmp_path / "net.onnx"
        path.write_bytes(damaged(seed).SerializeToString())
        try:
            lower(path, raw="UINT8")
        except ConfigError as error:
            refused += 1
            assert len(error.message) < 1000, f"seed {seed}: {error.message}"
    assert refused > count // 2
