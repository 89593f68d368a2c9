"""The accelerator in simulation: whole test sets through the RTL, compared with golden."""

from __future__ import annotations

import string
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onebit import emit, golden, memory, system, verilate
from onebit.cost import interval, units
from onebit.errors import CheckFailed, ConfigError, OnebitError
from onebit.folding import Folding
from onebit.net import Net
from onebit.pack import beat_bytes, ceil_div, pack_stream, unpack_stream
from onebit.streams import Stream, output_stream, region

Ints = NDArray[np.int64]
COMPILE_HINT = "`onebit compile NET` writes the folder anew"
IMAGES_A_PROCESS = 64  # at least: fewer are not worth a process
IMAGES_BEFORE = 2  # images that are traced before a failing one, so that the pipeline is as it was


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What came out of the RTL: logits (images, classes), classes (images,), and the cycles.

    first_in, last_out: (images,) cycles within the image's own process; `parts`: where each
    process's images start.
    """

    logits: Ints
    classes: Ints
    first_in: Ints
    last_out: Ints
    parts: tuple[int, ...]
    seconds: float

    @property
    def interval(self) -> float:
        """Cycles from the end of an image to that of the next, on average: initiation interval.

        Of a process's images the middle half counts, where the pipeline neither fills nor empties;
        of a pattern that repeats there, one round.
        """
        runs = np.split(self.last_out, self.parts[1:])
        each = [_steady(np.diff(ends)) for ends in runs if len(ends) > 1]
        return float(np.mean(each)) if each else float(self.latency)

    @property
    def latency(self) -> int:
        """Cycles from the first beat of an image to its class, in an empty pipeline."""
        return int(self.last_out[0] - self.first_in[0] + 1)

    @property
    def cycles(self) -> int:
        """Cycles simulated by all processes together."""
        ends = [*(part - 1 for part in self.parts[1:]), len(self.last_out) - 1]
        return int(sum(self.last_out[end] + 1 for end in ends))


def _steady(steps: Ints) -> float:
    edge = len(steps) // 4
    middle = steps[edge : len(steps) - edge]
    for period in range(1, len(middle) // 2 + 1):
        if np.array_equal(middle[period:], middle[:-period]):
            return float(middle[:period].mean())
    return float(middle.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The first place where the RTL left golden; layer and neuron as golden numbers them.

    position: row and column, where the layer's output is an image.
    """

    image: int
    layer: str
    position: tuple[int, ...]
    neuron: int
    expected: int
    got: int
    waveform: str


def run(
    out: Path,
    net: Net,
    folding: Folding,
    elements: golden.Values,
    *,
    stall: int = 0,
    seed: int = 0,
    on_done: Callable[[int], None] = lambda count: None,
) -> Run:
    """Stream `elements` (images, *input shape) through the accelerator in the folder `out`.

    `stall`: percentage of cycles in which the input has no beat and the output no room, at random
    from `seed`. `on_done` hears how many more images came out.
    """
    program = simulator(out, net, folding)
    return through(program, out, net, folding, elements, stall=stall, seed=seed, on_done=on_done)


def through(
    program: Path,
    out: Path,
    net: Net,
    folding: Folding,
    elements: golden.Values,
    *,
    stall: int = 0,
    seed: int = 0,
    on_done: Callable[[int], None] = lambda count: None,
    plusargs: Sequence[str] = (),
    least: int = IMAGES_A_PROCESS,
) -> Run:
    """The same with a built simulator; `plusargs` go to the RTL, a process has `least` images."""
    parts = shares(len(elements), least)
    with tempfile.TemporaryDirectory() as scratch:
        options = _Options(net, folding, Path(scratch), stall, seed)
        options.write(elements)
        start = time.perf_counter()
        commands = [[*options.command(program, *part), *plusargs] for part in parts]
        for code, error in system.run_all(commands, cwd=out, on_line=counting(on_done)):
            if code:
                raise CheckFailed(f"the simulation stopped: {error.strip() or f'exit code {code}'}")
        seconds = time.perf_counter() - start
        read = [options.read(first, count) for first, count in parts]
    logits, classes, times = (np.concatenate(group) for group in zip(*read, strict=True))
    first_in, last_out = times.T
    return Run(
        logits=logits,
        classes=classes,
        first_in=first_in,
        last_out=last_out,
        parts=tuple(first for first, _ in parts),
        seconds=seconds,
    )


def shares(count: int, least: int) -> list[tuple[int, int]]:
    """`count` images as (first, how many) a process: on all cores, `least` at least in each."""
    workers = max(1, min(system.cores(), count // least))
    edges = np.linspace(0, count, workers + 1).astype(int)
    return [(int(a), int(b - a)) for a, b in pairwise(edges)]


def counting(on_done: Callable[[int], None]) -> Callable[[int, str], None]:
    """Takes the lines `done COUNT` of each process; `on_done` hears how many more there are."""
    seen: Counter[int] = Counter()

    def on_line(index: int, line: str) -> None:
        word, _, count = line.partition(" ")
        if word == "done":
            on_done(int(count) - seen[index])
            seen[index] = int(count)

    return on_line


def simulator(out: Path, net: Net, folding: Folding) -> Path:
    """The built simulator of the folder `out`; ConfigError unless its files are of this network."""
    return verilate.build(checked(out, net, folding), cycles=interval(net, folding))


def checked(out: Path, net: Net, folding: Folding) -> list[Path]:
    """The SystemVerilog of the folder `out`; ConfigError unless its files are of this network.

    What the memories hold is for the simulation to judge, but $readmemh only warns of lost words.
    """
    top = out / "rtl" / "accelerator.sv"
    if _text(top) != emit.accelerator(net, folding):
        raise ConfigError(
            f"{str(top)!r} is not what net.json and folding.toml describe",
            hint="pass an edited folding.toml to `onebit compile NET --folding FILE`",
        )
    for name, text in memory.memories(net, folding).items():
        file = out / "mem" / name
        words, wanted = _text(file).split(), text.split()
        other = set("".join(words)) - set(string.hexdigits)
        if other or list(map(len, words)) != list(map(len, wanted)):
            raise ConfigError(
                f"{str(file)!r} holds {len(words)} words, not {len(wanted)} of {len(wanted[0])} "
                "hexadecimal digits each, or one is damaged",
                hint=COMPILE_HINT,
            )
    return emit.sources(out)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as reason:
        raise ConfigError(f"cannot read {str(file)!r}: {reason}", hint=COMPILE_HINT) from None


class Found(Protocol):
    """Logits (images, classes) and classes (images,), wherever they come from."""

    @property
    def logits(self) -> Ints: ...
    @property
    def classes(self) -> Ints: ...


def compare(found: Found, expected: golden.Outputs) -> Ints:
    """Indices of the images whose class or any logit differs."""
    wrong = (found.logits != expected.logits).any(axis=1) | (found.classes != expected.classes)
    return np.flatnonzero(wrong)


def locate(out: Path, net: Net, folding: Folding, raw: NDArray[np.generic], image: int) -> Mismatch:
    """Rerun `image` (index into `raw`) with tracing: the first layer and neuron that differ.

    Writes the waveform to `out`/waves. The two images before it run too, as they did.
    """
    first = max(0, image - IMAGES_BEFORE)
    samples = raw[first : image + 1]
    values = golden.trace(net, samples)
    waveform = out / "waves" / f"image{image}.vcd"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        probes = folder / "probes.sv"
        probes.write_text(emit.probes(net, folding))
        probe = system.share_dir("sim") / "stream_probe.sv"
        program = verilate.build([*emit.sources(out), probe, probes], trace=True)
        options = _Options(net, folding, folder, 0, 0)
        options.write(values[net.input.name])
        try:
            waveform.parent.mkdir(exist_ok=True)
        except OSError as reason:
            raise OnebitError(f"cannot write {str(waveform)!r}: {reason.strerror}") from None
        command = options.command(program, 0, len(samples), waveform)
        (folder / "mem").symlink_to((out / "mem").resolve())
        ((code, error),) = system.run_all([command], cwd=folder, on_line=lambda index, line: None)
        if code:
            raise CheckFailed(f"the traced simulation stopped: {error.strip()}")
        logits, classes, _ = options.read(0, len(samples))
        for layer in emit.probed(net):
            stream = output_stream(net, folding, layer.name)
            beats = _read_probe(folder, net, folding, layer.name, len(samples))
            signed = net.element(layer.name).lo < 0 and stream.bits > 1
            got = unpack_stream(beats, stream.n, stream.lanes, stream.bits, signed=signed)
            wanted = values[layer.name][-1]
            last = got[-stream.vectors :].reshape(wanted.shape)
            if (last != wanted).any():
                return _mismatch(image, layer.name, wanted, last, waveform)
    wanted = values[net.head.name][-1]
    if (logits[-1] != wanted).any():
        return _mismatch(image, net.head.name, wanted, logits[-1], waveform)
    return _mismatch(image, "class", wanted.argmax(keepdims=True), classes[-1:], waveform)


def _mismatch(image: int, layer: str, expected: Ints, got: Ints, waveform: Path) -> Mismatch:
    differing = np.argwhere(expected != got)
    if not len(differing):
        raise CheckFailed(
            f"image {image} differs among all images but not when it runs alone",
            hint=f"look at the traced run in {waveform}",
        )
    *position, neuron = (int(index) for index in differing[0])
    at = (*position, neuron)
    return Mismatch(
        image=image,
        layer=layer,
        position=tuple(position),
        neuron=neuron,
        expected=int(expected[at]),
        got=int(got[at]),
        waveform=str(waveform),
    )


def _read_probe(
    folder: Path, net: Net, folding: Folding, name: str, images: int
) -> NDArray[np.uint8]:
    """The beats (vectors, beats, bytes) that the probe behind layer `name` wrote.

    Of vectors side by side the gather ahead of them says how many are valid.
    """
    stream = output_stream(net, folding, name)
    words, beats = _hexadecimal(folder / f"{name}.beats"), ceil_div(stream.n, stream.lanes)
    groups = [words[start : start + beats] for start in range(0, len(words), beats)]
    counts = [1] * len(groups)
    if stream.m > 1:
        counts = _hexadecimal(folder / f"{region(net, folding, name)[0].name}_count.beats")
    bits, size = stream.lanes * stream.bits, beat_bytes(stream.lanes, stream.bits)
    data = b"".join(
        (word >> i * bits & (1 << bits) - 1).to_bytes(size, "little")
        for group, count in zip(groups, counts, strict=False)
        for i in range(count)
        for word in group
    )
    vectors = np.frombuffer(data, dtype=np.uint8).reshape(-1, beats, size)
    return vectors[: images * stream.vectors]


def _hexadecimal(file: Path) -> list[int]:
    """One number a line."""
    return [int(line, 16) for line in file.read_text().split()]


def write_images(file: Path, net: Net, folding: Folding, elements: golden.Values) -> None:
    """Images (count, *input shape) as the beats that the accelerator takes, one file of all."""
    source = output_stream(net, folding, net.input.name)
    with file.open("wb") as packed:
        for start in range(0, len(elements), golden.CHUNK):
            part = elements[start : start + golden.CHUNK].reshape(-1, source.n)
            packed.write(pack_stream(part, source.lanes, source.bits).tobytes())


def read_results(data: NDArray[np.uint8], result: emit.Result) -> tuple[Ints, Ints]:
    """(logits, classes) of the accelerator's beats, those of whole images."""
    beats = data.reshape(-1, result.beats, beat_bytes(result.width, 1))
    bits = np.unpackbits(beats, axis=-1, count=result.width, bitorder="little")
    lanes = result.pe * result.logit_bits
    packed = np.packbits(bits[:, :, :lanes], axis=-1, bitorder="little")
    logits = unpack_stream(packed, result.classes, result.pe, result.logit_bits, signed=True)
    weights = 1 << np.arange(result.class_bits, dtype=np.int64)
    return logits, bits[:, -1, lanes:].astype(np.int64) @ weights


@dataclass(frozen=True, slots=True)
class _Options:
    """The files and arguments of sim/harness.cpp."""

    net: Net
    folding: Folding
    folder: Path
    stall: int
    seed: int

    def _streams(self) -> tuple[Stream, emit.Result]:
        source = output_stream(self.net, self.folding, self.net.input.name)
        return source, emit.result(self.net, self.folding)

    def write(self, elements: golden.Values) -> None:
        """The packed images."""
        write_images(self.folder / "images", self.net, self.folding, elements)

    def command(
        self, simulator: Path, first: int, count: int, waveform: Path | None = None
    ) -> list[str | Path]:
        source, result = self._streams()
        return [
            simulator,
            self.folder / "images",
            self.folder / f"results{first}",
            *map(str, (first, count, source.beats, beat_bytes(source.lanes, source.bits))),
            *map(str, (result.beats, beat_bytes(result.width, 1), self.stall, self.seed + first)),
            str(self._patience()),
            waveform.resolve() if waveform else "-",
        ]

    def _patience(self) -> int:
        """Cycles without any beat, in or out, after which none will ever come."""
        busy = sum(unit.cycles for unit in units(self.net, self.folding))
        return 10_000 + 4 * busy * 100 // (100 - self.stall)

    def read(self, first: int, count: int) -> tuple[Ints, Ints, Ints]:
        """(logits, classes, times) of the images first .. first+count-1."""
        _, result = self._streams()
        data = np.fromfile(self.folder / f"results{first}", dtype=np.uint8)
        beats = data[: count * result.beats * beat_bytes(result.width, 1)]
        times = data[beats.size :].view("<u8").astype(np.int64).reshape(count, 2)
        return *read_results(beats, result), times
