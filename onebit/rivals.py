"""What `onebit bench` runs against each other: the CPU engine, onnxruntime, PyTorch, Larq."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import flow, system
from onebit.cpu import Engine
from onebit.cpu.probe import Probe
from onebit.errors import MissingTool
from onebit.flow import Compiled
from onebit.lower.runtime import runner as onnx_runner
from onebit.net import Flatten, MaxPool, Mvau, Net

Samples = NDArray[np.generic]
ENGINE, ONNX = "onebit", "onnxruntime"
BATCHES = (32, 128, 512, 1000)  # each rival runs with the one that suits it best
WARM = 0.05  # s for each of these
LARQ_SAMPLES = 20  # it takes them one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A program, on so many threads, that takes `batch` samples in a call of `run`."""

    name: str
    threads: int
    batch: int
    run: Callable[[], object]
    how: str
    latency: bool = False  # whether it is run for a sample's time, not for many samples' rate
    calls: int = 1  # samples of a run that come one by one

    @property
    def samples(self) -> int:
        return self.batch * self.calls


def rivals(compiled: Compiled, raw: Samples, larq: Path | None) -> Iterator[Rival]:
    """All that can run here; `larq`: the Python of an environment with Larq Compute Engine."""
    net, together = compiled.net, sorted({1, system.cores()})
    engine, probe = Engine(net), Probe(net)
    yield Rival(
        name=ENGINE,
        threads=1,
        batch=1,
        run=probe.one_by_one(raw),
        how=f"C, kernel {engine.kernel}, a call a sample",
        latency=True,
        calls=len(raw),
    )
    many = np.concatenate([raw] * max(1, 4096 // len(raw))) if raw[0].size < 4096 else raw
    for threads in together:
        yield Rival(
            name=ENGINE,
            threads=threads,
            batch=len(many),
            run=partial(engine.classify, many, threads),
            how=f"C, kernel {engine.kernel}, called from Python",
        )
    yield from _onnxruntime(compiled, raw, together)
    yield from _torch(net, together)
    if larq is not None:
        yield _larq(net, larq)


def _onnxruntime(compiled: Compiled, raw: Samples, together: list[int]) -> Iterator[Rival]:
    model = compiled.out / flow.MODEL
    real = raw.astype(np.float32) * compiled.net.input.raw_scale

    def made(batch: int, threads: int) -> Callable[[], object]:
        return onnx_runner(model, np.resize(real, (batch, *real.shape[1:])), threads=threads)

    how = "float32, the source as plain ONNX, optimised"
    yield Rival(name=ONNX, threads=1, batch=1, run=made(1, 1), how=how, latency=True)
    yield from _best(ONNX, how, made, together)


def _torch(net: Net, together: list[int]) -> Iterator[Rival]:
    try:
        from onebit.train.float_speed import runner
    except ModuleNotFoundError:  # training is an extra
        return
    layers = topology(net)

    def made(batch: int, threads: int) -> Callable[[], object]:
        return runner(net.input.shape, layers, batch, threads)

    yield from _best("PyTorch", "float32, the same layers, ReLU for sign", made, together)


def _best(
    name: str, how: str, made: Callable[[int, int], Callable[[], object]], together: list[int]
) -> Iterator[Rival]:
    """The program with the batch that it is fastest with, on each number of threads."""
    for threads in together:
        rates = {}
        for batch in BATCHES:
            run = made(batch, threads)
            run()
            rates[batch] = batch / seconds_of(run, WARM)
        batch = max(rates, key=lambda size: rates[size])
        run = made(batch, threads)
        yield Rival(name=name, threads=threads, batch=batch, run=run, how=how)


def seconds_of(run: Callable[[], object], least: float) -> float:
    """Seconds of a run: the mean of as many as take `least` seconds."""
    start, runs = time.perf_counter(), 0
    while (taken := time.perf_counter() - start) < least or not runs:
        run()
        runs += 1
    return taken / runs


def _larq(net: Net, python: Path) -> Rival:
    """Larq Compute Engine, in a program of its own."""
    if not python.is_file():
        raise MissingTool(
            f"--larq {str(python)!r} is no Python",
            hint="python3 -m venv larq; larq/bin/pip install larq larq-compute-engine "
            "tensorflow-cpu tf_keras; then --larq larq/bin/python",
        )
    wanted = {"shape": net.input.shape, "layers": topology(net), "samples": LARQ_SAMPLES}
    script = system.share_dir("cpu") / "larq_rival.py"
    talk = system.Dialogue([python, script, json.dumps(wanted)], cwd=Path.cwd())
    talk.ask("run")
    return Rival(
        name="Larq CE",
        threads=1,
        batch=1,
        run=lambda: talk.ask("run"),
        how="Larq Compute Engine, the same layers, dense ones as 1x1 convolutions",
        calls=LARQ_SAMPLES,
    )


def topology(net: Net) -> list[dict[str, Any]]:
    """The layers as other frameworks name them."""
    layers: list[dict[str, Any]] = []
    for layer in net.layers:
        match layer:
            case MaxPool():
                places = {name: getattr(layer, name) for name in ("kernel", "stride", "padding")}
                layers.append({"kind": "pool", **places})
            case Flatten():
                layers.append({"kind": "flatten", "inputs": net.shape(layer.name)[0]})
            case Mvau():
                window = net.window(layer)
                places = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0, 0, 0)}
                if window is not None:
                    places = {name: getattr(window, name) for name in places}
                kind = "dense" if len(net.shape(layer.name)) == 1 else "conv"
                layers.append({"kind": kind, "inputs": layer.mw, "outputs": layer.mh, **places})
            case _:
                pass
    return layers
