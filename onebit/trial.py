"""Test samples through the source network, golden and the RTL: what came of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import cost, data, golden, simulate, system
from onebit.data.parts import Progress, silent
from onebit.errors import ConfigError
from onebit.flow import MODEL, Compiled
from onebit.lower.runtime import execute
from onebit.mfcc import Features
from onebit.net import Net

SIMULATION_FORMAT = 2
RANDOM_SAMPLES = 1000  # for a network without a data set
SAMPLES_SHOWN = 16
SHADE = 8  # features that are a shade of grey apart in a picture
SIGN_CHANNELS = 3  # of the images that come in any size
FIT_HINT = "name a data set like the one that it was trained on, or leave --data away"
SUMMATION_ERROR = 1e-5  # of float32 logits, relative to the largest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Raw samples (count, *the network's input shape), with labels and the names of the classes
    where these are known; shape: of an image."""

    raw: NDArray[np.integer[Any]]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    shape: tuple[int, ...]
    origin: str


def samples(
    compiled: Compiled, count: int | None, seed: int, progress: Progress = silent
) -> Samples:
    """The first `count` test samples (None: all); random ones where no data set is known."""
    first = compiled.net.input
    if compiled.facts["data"] is None:
        rng = np.random.default_rng(seed)
        index = rng.integers(0, len(first.table), (count or RANDOM_SAMPLES, *first.shape))
        return Samples(
            raw=first.raw_lo + first.raw_step * index,
            labels=None,
            names=(),
            shape=first.shape,
            origin=f"random, seed {seed}",
        )
    name = compiled.facts["data"]
    test = test_images(name, compiled.net, compiled.features, progress)
    images = test.images[: count or len(test.images)]
    return Samples(
        raw=images.reshape(-1, *first.shape),
        labels=test.labels[: len(images)],
        names=data.classes(name),
        shape=images.shape[1:],
        origin=f"{name}, test set",
    )


def test_images(
    name: str, net: Net, features: Features | None, progress: Progress = silent
) -> data.Split:
    """The test part of the data set `name` as the network takes it; ConfigError if it cannot."""
    form: data.Form | None = None
    if data.kind(name) == "sounds":
        form = features or Features()
        check_fit(name, (form.frames, form.coefficients, 1), net)  # before the long work
    elif data.side(name) is None:
        shape = net.input.shape
        form = shape[0] if len(shape) == 3 else math.isqrt(math.prod(shape) // SIGN_CHANNELS)
        check_fit(name, (form, form, SIGN_CHANNELS), net)
    test = data.load_test(name, form, progress=progress)
    check_fit(name, test.images.shape[1:], net)
    try:
        golden.encode(net.input, test.images)
    except ConfigError as reason:
        raise ConfigError(f"the data set {name!r}: {reason.message}", hint=FIT_HINT) from None
    return test


def check_fit(name: str, image: tuple[int, ...], net: Net) -> None:
    """ConfigError where the images and classes of a data set are not what the network has."""
    if net.input.shape not in (image, (math.prod(image),)):
        raise ConfigError(
            f"a sample of {name!r} has the shape {image}, the network's input {net.input.shape}",
            hint=FIT_HINT,
        )
    if net.head.classes != len(data.classes(name)):
        raise ConfigError(
            f"the data set {name!r} has {len(data.classes(name))} classes, the network "
            f"{net.head.classes}",
            hint=FIT_HINT,
        )


def run_simulation(
    compiled: Compiled,
    chosen: Samples,
    *,
    stall: int = 0,
    seed: int = 0,
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """Source, golden and RTL on the samples: the facts, which simulation.json keeps.

    A run with stalls is a check and not a measurement: it leaves simulation.json as it was.
    """
    expected = golden.run(compiled.net, chosen.raw)
    elements = golden.encode(compiled.net.input, chosen.raw)
    found = simulate.run(
        compiled.out,
        compiled.net,
        compiled.folding,
        elements,
        stall=stall,
        seed=seed,
        on_done=on_done,
    )
    wrong = simulate.compare(found, expected)
    facts: dict[str, Any] = {
        "format": SIMULATION_FORMAT,
        "network": compiled.facts["network"],
        "net_hash": compiled.net.hash,
        "samples": chosen.origin,
        "images": len(chosen.raw),
        "mismatches": len(wrong),
        **against_source(compiled, chosen, expected),
        "accuracy": _accuracy(found.classes, chosen),
        **_rates(compiled, found),
        "stall_percent": stall,
        "shown": _shown(chosen, found),
        "mismatch": None,
    }
    if len(wrong):
        place = simulate.locate(
            compiled.out, compiled.net, compiled.folding, chosen.raw, int(wrong[0])
        )
        facts["mismatch"] = asdict(place)
    if not stall:
        system.write_text(compiled.out / "simulation.json", json.dumps(facts, indent=1) + "\n")
    return facts


def _rates(compiled: Compiled, found: simulate.Run) -> dict[str, Any]:
    """What the cycles of a run come to at the folding's clock."""
    clock = compiled.folding.clock_mhz
    return {
        "ii_cycles": found.interval,
        "ii_formula": cost.interval(compiled.net, compiled.folding),
        "latency_cycles": found.latency,
        "clock_mhz": clock,
        "images_per_second": clock * 1e6 / found.interval,
        "latency_us": found.latency / clock,
        "cycles": found.cycles,
        "seconds": round(found.seconds, 3),
        "cycles_per_second": round(found.cycles / found.seconds),
    }


def against_source(compiled: Compiled, chosen: Samples, expected: golden.Outputs) -> dict[str, Any]:
    """Golden's classes against the source graph's, executed as it is.

    `source_ties`: images whose class differs but whose source logit lies within float32's summation
    error of the source's largest; `source_mismatches`: the other ones that differ.
    """
    logits = execute(compiled.out / MODEL, chosen.raw, compiled.net.input.raw_scale)
    differing = np.flatnonzero(logits.argmax(axis=1) != expected.classes)
    rows = logits[differing]
    golden_logit = rows[np.arange(len(rows)), expected.classes[differing]]
    gap = rows.max(axis=1, initial=-np.inf) - golden_logit
    tie = gap <= SUMMATION_ERROR * np.abs(rows).max(axis=1, initial=0.0)
    return {
        "source_equal": len(chosen.raw) - len(differing),
        "source_ties": differing[tie].tolist(),
        "source_mismatches": differing[~tie].tolist(),
    }


def _accuracy(classes: NDArray[np.int64], chosen: Samples) -> float | None:
    return None if chosen.labels is None else float((classes == chosen.labels).mean())


def _shown(chosen: Samples, found: simulate.Run) -> list[dict[str, Any]]:
    """A few samples with what the RTL said of them, for the report.

    pixels: a row's values, channel by channel, as hexadecimal bytes; names: of label and class. The
    features of a sound become a grey picture, time from left to right.
    """
    if chosen.labels is None or len(chosen.shape) != 3:
        return []
    shown = []
    for i in range(min(SAMPLES_SHOWN, len(chosen.raw))):
        image, pair = chosen.raw[i].reshape(chosen.shape), (chosen.labels[i], found.classes[i])
        if image.dtype == np.int16:
            image = (image // SHADE + 128).clip(0, 255).transpose(1, 0, 2)
        shown.append(
            {
                "pixels": [row.astype(np.uint8).tobytes().hex() for row in image],
                "channels": chosen.shape[-1],
                "label": int(pair[0]),
                "class": int(pair[1]),
                "names": [chosen.names[each] for each in pair],
            }
        )
    return shown
