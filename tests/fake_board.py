"""A board in plain Python: registers, memory and golden, for tests of the driver.

It follows docs/board.md and has the interface of the simulated board. It has no time: a batch is
done when STATUS was read as often as its latency says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import golden
from onebit.flow import Compiled
from onebit.folding import Fold, Folding
from onebit.net import Bit, Element, Flatten, Head, Input, Mvau, Net
from onebit.pack import unpack_stream
from onebit.streams import Stream, output_stream

BASE, PAGE = 0x1000_0000, 4096
ID, VERSION, HASH0, HASH1, CONTROL, STATUS, ERROR = range(0, 0x1C, 4)
SOURCE, TARGET, COUNT, FINISHED, CYCLES, STALL_IN, STALL_OUT = range(0x20, 0x3C, 4)
IMAGE_WORDS, RESULT_WORDS, CLASSES = 0x3C, 0x40, 0x44
BUSY, DONE, FAILED, RESETTING = 1, 2, 4, 8
CLASSES_MADE = 5


class FakeBuffer:
    """Memory behind a cache that only flush and invalidate keep right, or without a cache.

    dirty: the cache may hold what was never written to memory.
    """

    def __init__(self, memory: NDArray[np.uint8], address: int, cached: bool) -> None:
        self._memory, self.address = memory, address
        self.array = np.zeros_like(memory) if cached else memory
        self.freed, self.dirty = False, cached

    def flush(self) -> None:
        assert not self.freed, "used after free"
        self._memory[:] = self.array
        self.dirty = False

    def invalidate(self) -> None:
        assert not self.freed, "used after free"
        self.array[:] = self._memory

    def free(self) -> None:
        assert not self.freed, "freed twice"
        self.freed = True


@dataclass
class FakeBoard:
    """The compiled network on a board: the driver's transport.

    cached: its memory; short: images that lack at the end of a batch; cycles: of an image.
    """

    compiled: Compiled
    cached: bool = True
    short: int = 0
    cycles: int = 10

    def __post_init__(self) -> None:
        self.latency, self.mute = 2, False
        self.memory = np.zeros(1 << 22, np.uint8)
        self.buffers: list[FakeBuffer] = []
        self.log: list[str] = []
        self.running: tuple[int, int, int] | None = None
        self.reads = 0
        self.registers = {STATUS: 0, ERROR: 0, FINISHED: 0, CYCLES: 0, STALL_IN: 0, STALL_OUT: 0}
        net = self.compiled.net
        self.stream = output_stream(net, self.compiled.folding, net.input.name)
        self.image = 8 * math.ceil(self.stream.beats * self.stream.width / 64)
        self.result = 8 * (math.ceil(net.head.classes / 2) + 1)
        self.registers |= {ID: 0x6F6E6562, VERSION: 1, CLASSES: net.head.classes}
        self.registers |= {HASH0: int(net.hash[:8], 16), HASH1: int(net.hash[8:16], 16)}
        self.registers |= {IMAGE_WORDS: self.image // 8, RESULT_WORDS: self.result // 8}

    def __enter__(self) -> FakeBoard:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def set(self, name: str, value: int) -> None:
        """Change the surroundings: latency_high in reads of STATUS; mute: never an answer."""
        if name == "latency_high":
            self.latency = value
        elif name == "mute":
            self.mute = bool(value)

    def allocate(self, size: int) -> FakeBuffer:
        used = sum(math.ceil(each.array.size / PAGE) * PAGE for each in self.buffers)
        assert used + size <= self.memory.size, "the fake board's memory is full"
        memory = self.memory[used : used + size]
        self.buffers.append(FakeBuffer(memory, BASE + used, self.cached))
        return self.buffers[-1]

    def read(self, offset: int) -> int:
        assert type(offset) is int
        if offset == STATUS and self.running and not self.mute:
            self.reads += 1
            if self.registers[STATUS] & RESETTING:
                self.running, self.registers[STATUS] = None, 0
            elif self.reads > self.latency:
                self._finish()
        return self.registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        assert type(offset) is int and type(value) is int  # as pynq insists on
        if offset != CONTROL:
            assert offset in (SOURCE, TARGET, COUNT) and 0 <= value < 1 << 32
            self.registers[offset] = value
            return
        if value & 2:
            self.log.append("reset")
            held = self.running and self.mute
            self.registers |= {STATUS: BUSY | RESETTING if held else 0, ERROR: 0}
            self.running = self.running if held else None
        if value & 1:
            self.log.append(f"start {self.registers[COUNT]}")
            if self.running:
                self.registers[ERROR] |= 1
                self.registers[STATUS] |= FAILED
                return
            self.running = (self.registers[SOURCE], self.registers[TARGET], self.registers[COUNT])
            dirty = [each.address for each in self.buffers if each.dirty and not each.freed]
            assert self.registers[TARGET] not in dirty, "the cache may overwrite results"
            self.reads = 0
            self.registers |= {STATUS: BUSY, ERROR: self._impossible(*self.running), FINISHED: 0}
            if self.registers[ERROR]:
                self._finish()

    def _impossible(self, source: int, target: int, count: int) -> int:
        """The error flags of a batch that is not even begun."""
        beyond = max(source + count * self.image, target + count * self.result) > 1 << 32
        return 2 * bool(source % 8 or target % 8) + 4 * beyond

    def _finish(self) -> None:
        assert self.running
        source, target, count = self.running
        self.running = None
        self.log.append("done")
        held = range(BASE, BASE + self.memory.size)
        if self.registers[ERROR] <= 1 and not (source in held and target in held):
            self.registers[ERROR] |= 8 if source not in held else 16
        self.registers[STATUS] = DONE | (FAILED if self.registers[ERROR] else 0)
        if self.registers[ERROR] > 1:
            return
        images = self.memory[source - BASE :][: count * self.image].reshape(count, self.image)
        results = self.results(images).view(np.uint8).reshape(-1)
        self.memory[target - BASE : target - BASE + results.size] = results
        self.registers |= {FINISHED: count - self.short, CYCLES: self.cycles * count}
        self.registers |= {STALL_IN: count, STALL_OUT: 2 * count}

    def results(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """What the accelerator writes of packed images (count, bytes)."""
        first, net = self.stream, self.compiled.net
        bits = np.unpackbits(images, axis=1, bitorder="little")
        used = first.beats * first.width
        assert not bits[:, used:].any(), "the filling of an image is not zero"
        stream = bits[:, :used].reshape(len(images) * first.vectors, -1, first.width)
        assert not unused(stream, first).any(), "spare lanes are not zero"
        packed = np.packbits(stream, axis=2, bitorder="little")
        signed = net.input.element.lo < 0 and first.bits > 1
        elements = unpack_stream(packed, first.n, first.lanes, first.bits, signed=signed)
        table = net.input.table.tolist()
        index = np.vectorize(table.index, otypes=[np.int64])(elements)  # ValueError: no such one
        raw = net.input.raw_lo + net.input.raw_step * index.reshape(-1, *net.input.shape)
        found = golden.run(net, raw)
        words = np.zeros((len(images), self.result // 4), np.int32)
        words[:, : net.head.classes] = found.logits
        words[:, -2] = found.classes
        return words


def unused(stream: NDArray[np.uint8], first: Stream) -> NDArray[np.uint8]:
    """The bits of a vector's last beat (vectors, beats, width) behind its last element."""
    left = first.n % first.lanes or first.lanes
    return stream[:, -1, left * first.bits :]


def network(
    element: Element,
    shape: tuple[int, ...],
    lanes: int,
    *,
    lo: int = 0,
    step: int = 1,
    seed: int = 0,
) -> Compiled:
    """A small random network of that input, as `compile` would leave it; its table is random."""
    rng = np.random.default_rng(seed)
    low, high = (0, 1) if isinstance(element, Bit) else (element.lo, element.hi)
    table = rng.permutation(np.arange(low, high + 1)) if high < 1 << 12 else np.arange(1 << 12)
    return with_table(element, shape, lanes, table, lo, step)


def with_table(
    element: Element,
    shape: tuple[int, ...],
    lanes: int,
    table: NDArray[np.int64],
    lo: int = 0,
    step: int = 1,
) -> Compiled:
    """... whose input has this table of raw values."""
    rng = np.random.default_rng(len(table))
    first = Input(
        name="input",
        shape=shape,
        element=element,
        raw_lo=lo,
        raw_step=step,
        raw_scale=1.0,
        table=np.asarray(table, np.int64),
        scale=1.0,
        offset=0.0,
    )
    size = math.prod(shape)
    flat = () if len(shape) == 1 else (Flatten(name="flat", inputs=("input",)),)
    weights = rng.integers(0, 2, (CLASSES_MADE, size), np.uint8)
    dense = Mvau(name="fc", inputs=((*flat, first)[0].name,), weights=weights, thresholds=None)
    head = Head(
        name="head",
        inputs=("fc",),
        scale=rng.integers(-50, 50, CLASSES_MADE),
        bias=rng.integers(-999, 999, CLASSES_MADE),
        width=32,
        fraction=3,
    )
    net = Net(layers=(first, *flat, dense, head))
    folds = {layer.name: Fold() for layer in net.layers} | {"input": Fold(simd=lanes)}
    folding = Folding(net_hash=net.hash, board="pynq-z2", clock_mhz=100.0, layers=folds)
    facts = {"network": "made", "title": "made for tests", "data": None, "features": None}
    return Compiled(out=Path(), net=net, folding=folding, facts=facts)


def samples(compiled: Compiled, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Random raw images that the network takes."""
    first = compiled.net.input
    index = np.random.default_rng(seed).integers(0, len(first.table), (count, *first.shape))
    return first.raw_lo + first.raw_step * index
