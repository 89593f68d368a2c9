"""A network that tells noise from near silence, and sounds for it."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto

import tiny
from onebit.mfcc import Features, Sound
from random_nets import Graph, build

HOW = Features(rate=2000, frames=10, coefficients=4, mels=8, window=256, top=1000, lifter=0)
STEP = 8.0  # of the network's input
LOUD = -89 * STEP  # the sum of a window of which a third is noise and the rest nearly silent
NAMES = ("_other_", "happy")
MEETING = ((2.5, 0.5), (6.0, 0.8))  # where noise begins in 10 s, and how long it lasts


def loudness() -> ModelProto:
    """Two classes, the second of which is a second with more than a third of noise."""
    graph = Graph(np.random.default_rng(0))
    values = {"scale": STEP, "zero": 0, "bits": 8}
    names = [graph.constant(f"input_{key}", np.float32(each)) for key, each in values.items()]
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    graph.chain("Quant", "input_quant", *names, **options)
    signs = np.ones((HOW.frames, HOW.coefficients))
    signs[::2, 1:] = -1  # what is not loudness, coefficient 0, cancels out
    both = np.stack([-signs.ravel(), signs.ravel()], axis=1)
    graph.chain("MatMul", "fc1", tiny.binary(graph, "fc1_weights", graph.constant("fc1", both)))
    norm = {"slope": [0.05 / STEP] * 2, "shift": [0, 0], "mean": [-LOUD, LOUD], "variance": [1, 1]}
    names = [graph.constant(f"norm_{key}", np.array(each)) for key, each in norm.items()]
    graph.chain("BatchNormalization", "norm", *names, epsilon=1e-5)
    return build(graph, HOW.frames * HOW.coefficients, 2, "INT12")


def noise(seconds: float, seed: int = 0) -> Sound:
    chance = np.random.default_rng(seed)
    return chance.normal(0, 0.1, round(seconds * HOW.rate)).astype(np.float32)


def quiet(seconds: float) -> Sound:
    return 1e-3 * noise(seconds, 1)


def meeting(*loud: tuple[float, float]) -> Sound:
    """Ten seconds of near silence with noise in them, as MEETING or `loud` says."""
    sound = quiet(10)
    for start, length in loud or MEETING:
        at = round(start * HOW.rate)
        sound[at : at + round(length * HOW.rate)] += noise(length)
    return sound
