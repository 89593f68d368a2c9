"""The CPU engine: every kernel's logits are golden's, on hard networks and on those of models/."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

import random_convs
import random_nets
from onebit import cpu, golden, recipe, trial
from onebit.cpu import Engine
from onebit.errors import ConfigError, MissingTool
from onebit.flow import MODEL
from onebit.lower import lower
from onebit.net import Bit, Element, Flatten, Head, Input, Int, Layer, Mvau, Net, Window
from test_random_nets import raw_samples

IN_PROVE, IN_TEST = range(150), range(0, 150, 50)
SAMPLES, NAIVE = 70, 5  # more than what a kernel takes at once; as many as naive C has time for
IN_TEST_IMAGES = 50
NETWORKS = recipe.networks()
ELEMENTS = (Bit(), Int(bits=8), Int(bits=8, signed=True))
QUICK = ("-O1",)  # to compile
# AVX-512 as SIMDe imitates it, so that every machine can try it.
SIMDE = ("-DONEBIT_SIMDE", *QUICK, "-Wno-psabi")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("--prove")
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", IN_PROVE if full else IN_TEST)


def engines(net: Net) -> Iterator[tuple[Engine, int]]:
    """Each kernel that this machine has, AVX-512 imitated, and how many samples it has time for."""
    for kernel in ("avx512", "avx2", "neon", "portable", "naive"):
        try:
            yield Engine(net, kernel, QUICK), NAIVE if kernel == "naive" else SAMPLES
        except MissingTool:
            assert kernel in ("avx512", "avx2", "neon")
    imitated = Engine(net, "avx512", SIMDE)
    assert imitated.kernel == "avx512"
    yield imitated, SAMPLES


def kernels_equal_golden(net: Net, samples: np.ndarray) -> None:
    want, tried = golden.run(net, samples), set()
    for engine, count in engines(net):
        logits, classes = engine.logits(samples[:count]), engine.classify(samples[:count])
        wrong = np.flatnonzero((logits != want.logits[:count]).any(axis=1))
        assert not len(wrong), f"{engine.kernel}: the logits of samples {wrong[:5]} differ"
        assert (classes == want.classes[:count]).all(), engine.kernel
        tried.add(engine.kernel)
    assert tried >= {"avx512", "portable", "naive"}


@pytest.mark.parametrize("kind", [random_nets, random_convs], ids=lambda kind: kind.__name__)
def test_random_networks(kind, seed, tmp_path, record_property):
    record_property("claim", f"{kind.__name__}: every CPU kernel = golden, every logit")
    path = tmp_path / "random.onnx"
    raw = kind.write_model(seed, path)
    net = lower(path).net
    kernels_equal_golden(net, raw_samples(raw, (SAMPLES, *net.input.shape), seed))


def net_of(element: Element, shape: tuple[int, ...], bits: int, *hidden: Layer) -> Net:
    """Hidden layers that read "input" and end in "hidden", a vector of bits; then 3 classes."""
    table = np.arange(2) if isinstance(element, Bit) else np.arange(element.lo, element.hi + 1)
    first = Input(
        name="input",
        shape=shape,
        element=element,
        raw_lo=int(table[0]),
        raw_scale=1.0,
        table=table,
        scale=1.0,
        offset=0.0,
    )
    out = np.random.default_rng(bits).integers(0, 2, (3, bits)).astype(np.uint8)
    last = Mvau(name="last", inputs=("hidden",), weights=out, thresholds=None)
    scale, bias = np.array([1, 2, 3]), np.array([0, -1, 1])
    head = Head(name="head", inputs=("last",), scale=scale, bias=bias, width=20, fraction=0)
    return Net(layers=(first, *hidden, last, head))


def two_layers(element: Element, mw: int, weights: np.ndarray, ends: tuple[int, int]) -> Net:
    """mw inputs, a neuron for each row of weights, thresholds at both `ends`, 3 classes."""
    mh = len(weights)
    thresholds = (np.resize(ends, mh) + np.arange(mh) // 2 - mh // 4)[None]
    hidden = Mvau(name="hidden", inputs=("input",), weights=weights, thresholds=thresholds)
    return net_of(element, (mw,), mh, hidden)


def on_windows(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    weights: np.ndarray,
    thresholds: np.ndarray,
) -> Net:
    """An image of bits, neurons on its windows, 3 classes."""
    window = Window(
        name="window", inputs=("input",), kernel=kernel, stride=stride, padding=(0, 0, 0, 0)
    )
    neurons = Mvau(name="conv", inputs=("window",), weights=weights, thresholds=thresholds[None])
    places = [(size - k) // s + 1 for size, k, s in zip(shape[:2], kernel, stride, strict=True)]
    flatten = Flatten(name="hidden", inputs=("conv",))
    return net_of(Bit(), shape, math.prod(places) * len(weights), window, neurons, flatten)


def extremes(element: Element, mw: int) -> tuple[Net, np.ndarray]:
    """Weights all alike and inputs at the ends of their range: where a counter would overflow."""
    weights = np.repeat(np.array([[0], [1]], dtype=np.uint8), [25, 26], axis=0).repeat(mw, axis=1)
    weights[3::4, ::2] ^= 1
    most = mw if isinstance(element, Bit) else max(element.hi, -element.lo) * mw
    net = two_layers(element, mw, weights, (0 if isinstance(element, Bit) else -most, most))
    low, high = net.input.raw_lo, net.input.raw_lo + len(net.input.table) - 1
    samples = np.full((SAMPLES, mw), high)
    samples[1::3] = low
    samples[2::3] = np.random.default_rng(mw).integers(low, high + 1, samples[2::3].shape)
    return net, samples


@pytest.mark.parametrize("mw", [1, 65, 128, 257, 31 * 64 + 1, 5000])
@pytest.mark.parametrize("element", ELEMENTS, ids=["bit", "uint8", "int8"])
def test_sums_reach_both_ends(element, mw):
    net, samples = extremes(element, mw)
    own_kernels_equal_golden(net, samples)


def own_kernels_equal_golden(net: Net, samples: np.ndarray) -> None:
    """Those that one library has, in this machine's own instructions."""
    want = golden.run(net, samples).logits
    for kernel in ("avx2", "neon", "portable", "naive"):
        try:
            engine = Engine(net, kernel, QUICK)
        except MissingTool:
            continue
        assert (engine.logits(samples) == want).all(), kernel


@pytest.mark.parametrize("channels", [3, 4, 8, 24])
def test_windows_of_whole_bytes_or_not(channels):
    rng = np.random.default_rng(channels)
    weights = rng.integers(0, 2, (12, 6 * channels)).astype(np.uint8)
    thresholds = rng.integers(2 * channels, 4 * channels, 12)
    net = on_windows((7, 9, channels), (3, 2), (2, 1), weights, thresholds)
    own_kernels_equal_golden(net, rng.integers(0, 2, (SAMPLES, *net.input.shape)))


def test_counts_beyond_16_bits_of_many_windows():
    inputs = 33_000
    weights = np.repeat(np.array([[0], [1]], dtype=np.uint8), 4, axis=0).repeat(inputs, axis=1)
    thresholds = np.resize([1, inputs, inputs - 1], 8)
    net = on_windows((7, 7, inputs), (1, 1), (1, 1), weights, thresholds)
    samples = np.zeros((3, *net.input.shape), dtype=np.int64)
    samples[1], samples[2, ::2] = 1, 1
    own_kernels_equal_golden(net, samples)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_models(name, prove, record_property):
    """Their test sets: all with --prove, else the first samples."""
    known, net = recipe.load(name), lower(recipe.folder(name) / MODEL).net
    test = trial.test_images(known.data, net, known.features)
    samples = test.images if prove else test.images[:IN_TEST_IMAGES]
    want, engine = golden.run(net, samples), Engine(net, flags=() if prove else QUICK)
    assert (engine.logits(samples, threads=2) == want.logits).all()
    assert (engine.classify(samples) == want.classes).all()
    if prove:
        record_property(
            "claim",
            f"{name}: CPU engine ({engine.kernel}) = golden on {len(samples)} test samples, every "
            "logit and class",
        )


@pytest.fixture(scope="module")
def small() -> Net:
    return lower(recipe.folder("digits-mlp") / MODEL).net


@pytest.mark.parametrize("count", [0, 1, 3, 4, 63, 64, 65, 129])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_of_any_size_on_any_number_of_threads(small, count, threads, monkeypatch):
    monkeypatch.setattr(cpu, "WORTH", 1)
    samples = np.random.default_rng(count).integers(0, 32, (count, *small.input.shape))
    want, engine = golden.run(small, samples), Engine(small, flags=QUICK)
    assert (engine.classify(samples, threads) == want.classes).all()
    assert (engine.logits(samples, threads) == want.logits).all()


def test_the_first_of_equal_logits_is_the_class():
    net = two_layers(Bit(), 8, np.zeros((8, 8), np.uint8), (0, 8))
    ties = Head(
        name="head",
        inputs=("last",),
        scale=np.array([0, 0, 0]),
        bias=np.array([1, 2, 2]),
        width=4,
        fraction=0,
    )
    engine = Engine(Net(layers=(*net.layers[:-1], ties)))
    assert engine.classify(np.zeros((3, 8), dtype=np.int64)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("value", [-1, 32, 300])
def test_raw_values_beyond_the_table_are_refused(small, value):
    samples = np.full((2, *small.input.shape), value)
    with pytest.raises(ConfigError, match=r"are not all in 0\.\.31"):
        Engine(small, flags=QUICK).classify(samples)


def test_an_unknown_kernel_is_refused(small):
    with pytest.raises(MissingTool, match="'mmx'"):
        Engine(small, "mmx")


def test_wide_inputs_are_refused():
    net = two_layers(Int(bits=9), 4, np.zeros((8, 4), np.uint8), (0, 0))
    with pytest.raises(ConfigError, match="9 bits, more than 8"):
        Engine(net)
