"""Random convolutional networks: the source graph, golden, a naive model and the RTL agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

import naive_golden
import proof
import random_convs
from onebit import cost, fifos, folding, golden, net
from onebit.folding import Fold, Folding
from onebit.lower import Lowered, lower
from onebit.lower.images import windows
from onebit.net import Flatten, MaxPool, Window

SAMPLES = 30
# Steps of 9 meet every kind of input: random_model takes them in turn, 16 of them.
IN_PROVE, IN_TEST = range(300), range(0, 270, 9)
RTL_IN_PROVE, RTL_IN_TEST = range(40), range(0, 40, 11)
RTL_SAMPLES = 12
POOLS, POOLS_PROVE = 60, 1000
# Why FINN's graph is not compared with every layer; any other reason is an error.
NOT_IN_FINN = (
    "FINN has no +-1 sums of bits that are not +-s",
    "every position touches the border",
)


def pytest_generate_tests(metafunc):
    full = metafunc.config.getoption("--prove")
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", IN_PROVE if full else IN_TEST)
    if "rtl_seed" in metafunc.fixturenames:
        metafunc.parametrize("rtl_seed", RTL_IN_PROVE if full else RTL_IN_TEST)


def model(seed: int, tmp_path: Path) -> tuple[Path, Lowered]:
    """The network `random_model(seed)` as a file, and lowered."""
    path = tmp_path / "random.onnx"
    random_convs.write_model(seed, path)
    return path, lower(path)


def raw_samples(first: net.Input, count: int, seed: int) -> np.ndarray:
    """Raw samples over the whole range of the input."""
    index = np.random.default_rng(seed).integers(0, len(first.table), (count, *first.shape))
    return first.raw_lo + first.raw_step * index


def test_source_equals_golden(seed, tmp_path, record_property):
    record_property("claim", "random convolutional networks: source graph = golden")
    path, lowered = model(seed, tmp_path)
    samples = raw_samples(lowered.net.input, SAMPLES, seed)
    proof.source_equals_golden(path, lowered, samples)
    reason = lowered.unchecked.partition(": ")[2]
    assert reason in ("", *NOT_IN_FINN), f"seed {seed}: FINN was not asked: {lowered.unchecked}"


@pytest.mark.parametrize("small_seed", range(5))
def test_golden_equals_the_definitions(small_seed, tmp_path):
    """On the five networks of the first forty that are the fewest to compute."""
    sizes = {}
    for seed in range(40):
        proto, _ = random_convs.random_model(seed)
        sizes[seed] = len(proto.SerializeToString())
    seed = sorted(sizes, key=sizes.__getitem__)[small_seed]
    _, lowered = model(seed, tmp_path)
    samples = raw_samples(lowered.net.input, 3, seed)
    want = [naive_golden.logits(lowered.net, sample) for sample in samples]
    assert golden.run(lowered.net, samples).logits.tolist() == want, f"seed {seed}"


def test_pools_have_the_windows_that_onnxruntime_gives_them(prove):
    """Ceil mode, padding and SAME on images of bits."""
    rng = np.random.default_rng(0)
    for _ in range(POOLS_PROVE if prove else POOLS):
        kernel = rng.integers(1, 7, 2)
        pads = [int(rng.integers(k)) for k in (*kernel, *kernel)]
        shape = (*(int(size) for size in kernel + rng.integers(0, 9, 2)), 2)
        options = {"pads": pads, "ceil_mode": int(rng.integers(2))}
        strides = rng.integers(1, 5, 2)
        if rng.random() < 0.3 and (strides <= kernel).all():
            options = {"auto_pad": str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))}
        node = helper.make_node(
            "MaxPool",
            ["x"],
            ["y"],
            "pool",
            kernel_shape=kernel.tolist(),
            strides=strides.tolist(),
            **options,
        )
        image = (rng.random(shape) < 0.2).astype(np.float32)
        want = maxpool(node, image)
        found = windows(node, kernel.tolist(), shape, (0, 0, 0, 0))
        layer = MaxPool(
            name="pool",
            inputs=("x",),
            kernel=found.kernel,
            stride=found.stride,
            padding=found.padding,
            invert=np.zeros(2, dtype=np.uint8),
        )
        got = golden.maxpool(layer, image[None].astype(np.uint8))[0]
        assert got.shape == want.shape and (got == want).all(), node


def maxpool(node, image: np.ndarray) -> np.ndarray:
    """What onnxruntime makes of an image (h, w, c)."""
    graph = helper.make_graph(
        [node],
        "pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = ort.InferenceSession(proto.SerializeToString())
    return session.run(None, {"x": image.transpose(2, 0, 1)[None]})[0][0].transpose(1, 2, 0)


def random_folding(found: net.Net, seed: int) -> Folding:
    """Any PE and SIMD that the hardware takes, dividing or not; FIFOs to start a search from."""
    rng = np.random.default_rng(seed)
    folds: dict[str, Fold] = {}
    for layer in found.layers:
        most_pe, most_simd = cost.lanes(found, layer)
        pe, simd = (int(rng.integers(1, most + 1)) for most in (most_pe, most_simd))
        channels = found.shape(layer.inputs[0])[-1] if layer.inputs else 1
        if isinstance(layer, Flatten):
            simd = int(rng.choice([n for n in range(1, channels + 1) if channels % n == 0]))
        if isinstance(layer, Window):
            whole = [channels * n for n in range(1, most_simd // channels + 1)]
            part = list(range(1, channels + 1))
            simd = int(rng.choice(whole if rng.random() < 0.5 else part))
        window = found.window(layer)
        if window:
            simd = folds[window.name].simd
        while pe * simd > 1024 and pe > 1:  # keep the builds small
            pe = max(1, pe // 2)
        while pe * simd > 1024 and not window and not isinstance(layer, Window | Flatten):
            simd = max(1, simd // 2)
        folds[layer.name] = Fold(pe=pe, simd=simd)
    return Folding(net_hash=found.hash, board="pynq-z2", clock_mhz=100.0, layers=folds)


def test_rtl_equals_golden_and_keeps_its_interval(rtl_seed, tmp_path, record_property):
    record_property(
        "claim",
        "random convolutional networks: RTL = golden, with and without pauses; II = formula with "
        "the FIFO depths found",
    )
    path, lowered = model(rtl_seed, tmp_path)
    folds = folding.checked(random_folding(lowered.net, rtl_seed), lowered.net)
    folds = fifos.sized(lowered.net, folds)
    samples = raw_samples(lowered.net.input, RTL_SAMPLES, rtl_seed)
    proof.rtl_equals_golden(path, lowered, folds, samples, tmp_path / "out", rtl_seed)
