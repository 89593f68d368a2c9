"""Classifies images on a onebit accelerator; needs NumPy, and pynq unless a transport is given.

    with Accelerator("mnist-tfc.bit") as accelerator:
        classes = accelerator.classify(images)

This file works by itself: it is copied to the board as it is, beside NET.bit and NET.json (Python
3.8 and NumPy 1.17 or newer: PYNQ 2.7 to 3.1). A .hwh file is not needed. What the registers mean
and how images and results lie in memory: docs/board.md.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

FORMAT = 1  # of NET.json, which must have these
KEYS = {"network", "hash", "clock_mhz", "input", "classes", "logits", "result_words"}
INPUT_KEYS = {"shape", "raw_lo", "raw_step", "table", "bits", "vectors", "n", "lanes"}
ID, VERSION = 0x6F6E6562, 1
BASE, SPAN = 0x4000_0000, 0x1000  # of the registers, as the processor sees them
NAMES = (  # of the registers, a word each
    "ID VERSION HASH0 HASH1 CONTROL STATUS ERROR IRQ_ENABLE SOURCE TARGET COUNT FINISHED CYCLES "
    "STALL_IN STALL_OUT IMAGE_WORDS RESULT_WORDS CLASSES"
)
AT = {name: 4 * index for index, name in enumerate(NAMES.split())}
COUNTERS = ("FINISHED", "CYCLES", "STALL_IN", "STALL_OUT")
START, RESET = 1, 2  # in CONTROL
BUSY, DONE, FAILED, RESETTING = 1, 2, 4, 8  # in STATUS
FLAGS = (  # in ERROR, from bit 0
    "a batch was started while another ran: another program uses the accelerator",
    "the address of a buffer is no multiple of 8",
    "a buffer reaches beyond 4 GB",
    "the memory answered a read with an error",
    "the memory answered a write with an error",
)
# Zynq's registers of S_AXI_HP0 (UG585, B.2, AFI0): whether reads and writes have 32 bits, in bit 0.
PORT, PORT_WIDTHS = 0xF800_8000, (0x00, 0x14)
WORD = 8  # bytes
MOST_IMAGES = (1 << 24) - 1  # that COUNT can say
USUAL_BYTES = 1 << 18  # of images in a buffer: some milliseconds of packing, and fits in the cache
RESET_SECONDS = 1.0
CLOCK_STEPS = 20  # of 1 % each, in which a clock is looked for that is not above the wanted one


class BoardError(RuntimeError):
    """The board does not do what it should; the text says what was found and what to do."""


class WrongBitstream(BoardError):
    """What is in the FPGA is not the accelerator that NET.json describes."""


class TransferFailed(BoardError):
    """The accelerator reports an error; the results of the batch are not to be used."""


class TimedOut(BoardError):
    """The accelerator did not finish in time."""


class BadImages(ValueError):
    """The images are not what the network takes."""


class BadDescription(ValueError):
    """NET.json is not there or not whole."""


class Buffer(Protocol):
    """Contiguous memory: its bytes, uint8 [n], and where the accelerator sees it.

    flush brings what the processor wrote to the memory, invalidate what the accelerator wrote to
    the processor.
    """

    array: NDArray[np.uint8]
    address: int

    def flush(self) -> None: ...
    def invalidate(self) -> None: ...
    def free(self) -> None: ...


class Transport(Protocol):
    """What is between this driver and the accelerator: 32-bit registers by offset, and memory."""

    def read(self, offset: int) -> int: ...
    def write(self, offset: int, value: int) -> None: ...
    def allocate(self, size: int) -> Buffer: ...


class PynqBuffer:
    """A buffer from pynq.allocate."""

    def __init__(self, memory: Any) -> None:
        self.array, self.address = np.asarray(memory), int(memory.device_address)
        self.flush, self.invalidate = memory.flush, memory.invalidate
        self.free = memory.freebuffer


class PynqTransport:
    """The FPGA of this board, loaded with `bitstream`, at `clock_mhz` or as little below as can be.

    pynq.Bitstream loads without a .hwh file, which pynq.Overlay would insist on.
    """

    def __init__(self, bitstream: Path, clock_mhz: float) -> None:
        if not bitstream.is_file():
            raise BoardError(
                f"there is no bitstream {str(bitstream)!r}: build it with `onebit bitstream` and "
                "copy it beside the .json file"
            )
        try:
            import pynq
        except ImportError:
            raise BoardError(
                "the Python package pynq was not found: this runs in the Python of a PYNQ board "
                "(`sudo -i` starts it), or with a transport of yours"
            ) from None
        self._allocate = pynq.allocate
        try:
            self.clock_mhz = set_clock(pynq.Clocks, clock_mhz)  # before the design runs on it
            pynq.Bitstream(str(bitstream.resolve())).download()
            set_port(pynq.MMIO(PORT, SPAN))
            self._registers = pynq.MMIO(BASE, SPAN)
        except PermissionError as reason:
            raise BoardError(f"{reason}: the FPGA is root's; use `sudo -i` or Jupyter") from None

    def read(self, offset: int) -> int:
        return int(self._registers.read(offset))

    def write(self, offset: int, value: int) -> None:
        self._registers.write(offset, value)

    def allocate(self, size: int) -> PynqBuffer:
        try:
            return PynqBuffer(self._allocate(shape=(size,), dtype=np.uint8))
        except (RuntimeError, MemoryError, OSError) as reason:
            raise BoardError(
                f"no {size:,} contiguous bytes of memory are free ({reason}); free other buffers, "
                "or pass a smaller `batch`"
            ) from None


def set_port(registers: Any) -> None:
    """Give the memory port its 64 bits: it has the width that the boot's own design wanted."""
    for offset in PORT_WIDTHS:
        found = int(registers.read(offset))
        if found & 1:
            registers.write(offset, found & ~1)


def set_clock(clocks: Any, wanted: float) -> float:
    """Set FCLK0 to `wanted` MHz or the next lower it can have; returns what it reads back.

    pynq takes the nearest clock, which may be above `wanted`, where the design may fail.
    """
    for step in range(CLOCK_STEPS):
        clocks.fclk0_mhz = wanted * (1 - step / 100)
        found = float(clocks.fclk0_mhz)
        if wanted * (1 - CLOCK_STEPS / 100) <= found <= wanted * 1.0001:
            return found
    raise BoardError(
        f"the clock FCLK0 cannot be set to {wanted:g} MHz: it reads back as {found:g} MHz"
    )


def read_description(file: Path) -> dict[str, Any]:
    """The content of NET.json, which `onebit deploy` wrote; BadDescription where it is not that."""
    try:
        found = json.loads(file.read_text())
        if found.get("format") != FORMAT:
            raise ValueError(f"its format is {found.get('format')}, this driver's is {FORMAT}")
        missing = [*(KEYS - found.keys()), *(INPUT_KEYS - found.get("input", {}).keys())]
        if missing:
            raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    except (OSError, ValueError, AttributeError) as reason:
        raise BadDescription(
            f"cannot read the network description {str(file)!r}: {reason}; it comes with the "
            "bitstream, in the zip file of `onebit deploy`"
        ) from None
    return dict(found)


class Packer:
    """Raw images as the words that the accelerator reads; `how` is "input" of NET.json.

    An element is table[(raw - lo) / step]; `lanes` elements of `bits` bits are a beat; a vector of
    n elements takes whole beats, whose spare lanes are zero; an image takes whole 64-bit words.
    """

    def __init__(self, how: dict[str, Any]) -> None:
        self.shape: tuple[int, ...] = tuple(how["shape"])
        self.lo, self.step = int(how["raw_lo"]), int(how["raw_step"])
        self.bits, self.n, self.vectors = int(how["bits"]), int(how["n"]), int(how["vectors"])
        self.row = -(-self.n // how["lanes"]) * how["lanes"]  # elements of a vector's beats
        self.words = -(-self.vectors * self.row * self.bits // (8 * WORD))
        table = np.asarray(how["table"], np.int64)
        self.hi = self.lo + self.step * (len(table) - 1)
        width = 1 if self.bits <= 8 else 2 if self.bits <= 16 else 4  # bytes
        self.table = (table & ((1 << self.bits) - 1)).astype(f"<u{width}")
        ones = int(self.table.sum()) if self.bits == 1 else 0
        rises = self.bits == 1 and bool((np.diff(table) >= 0).all())
        self.threshold = self.lo + self.step * (len(table) - ones) if rises else None
        whole = self.lo == 0 and self.step == 1
        self.same = self.bits == 8 and whole and np.array_equal(table, np.arange(len(table)))

    def checked(self, images: ArrayLike) -> NDArray[np.integer[Any]]:
        """The images as (count, values); BadImages where the network does not take them."""
        raw = np.asarray(images)
        if raw.ndim < 2 or not fits(raw.shape[1:], self.shape):
            single = fits(raw.shape, self.shape)
            raise BadImages(
                f"the images are of shape {raw.shape}; the network takes (count, "
                f"{', '.join(map(str, self.shape))})"
                f"{'; a single image is images[np.newaxis]' if single else ''}"
            )
        if raw.dtype.kind not in "iu":
            raise BadImages(
                f"the images are of type {raw.dtype}; the network takes raw whole numbers, "
                f"{self.lo} to {self.hi}"
            )
        raw = raw.reshape(len(raw), int(np.prod(self.shape)))
        limits = np.iinfo(raw.dtype)
        if limits.min < self.lo or limits.max > self.hi or self.step != 1:
            wrong = (raw < self.lo) | (raw > self.hi)
            if self.step != 1:
                wrong |= (raw.astype(np.int64) - self.lo) % self.step != 0
            if wrong.any():
                image, place = np.argwhere(wrong)[0]
                raise BadImages(
                    f"image {image} holds the value {raw[image, place]}; the network takes "
                    f"{self.lo} to {self.hi} in steps of {self.step}"
                )
        return raw

    def random(self, count: int) -> NDArray[np.integer[Any]]:
        """Random raw images, in the smallest type that will do."""
        kinds = [(kind, np.iinfo(kind)) for kind in (np.uint8, np.int16, np.int32)]
        kind = next(kind for kind, has in kinds if has.min <= self.lo and self.hi <= has.max)
        shape = (count, int(np.prod(self.shape)))
        index = np.random.default_rng(0).integers(0, len(self.table), shape, np.int32)
        return (self.lo + self.step * index).astype(kind)

    def pack(self, raw: NDArray[np.integer[Any]], out: NDArray[np.uint8]) -> None:
        """Checked images (count, values) into `out`, (count, 8 * words)."""
        codes = self._codes(raw)
        if self.row != self.n:
            padded = np.zeros((len(raw) * self.vectors, self.row), codes.dtype)
            padded[:, : self.n] = codes.reshape(-1, self.n)
            codes = padded
        codes = codes.reshape(len(raw), -1)
        if self.bits == 1:
            packed = np.packbits(codes, axis=1, bitorder="little")
        elif self.bits == 8 * codes.itemsize:
            packed = codes.view(np.uint8)
        else:
            parts = codes.view(np.uint8).reshape(-1, codes.itemsize)
            planes = np.unpackbits(parts, axis=1, count=self.bits, bitorder="little")
            packed = np.packbits(planes.reshape(len(raw), -1), axis=1, bitorder="little")
        out[:, : packed.shape[1]] = packed
        out[:, packed.shape[1] :] = 0

    def _codes(self, raw: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """The elements' bits, each in a number of its own."""
        if self.threshold is not None:
            return np.asarray(raw >= self.threshold)
        if self.same and raw.dtype == np.uint8:
            return np.ascontiguousarray(raw)
        index = raw if self.lo == 0 else raw.astype(np.intp) - self.lo
        return self.table.take(index if self.step == 1 else index // self.step)


def fits(image: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether an image of this shape is one of the network's `shape`: flat, or axes of 1 apart."""
    size = int(np.prod(shape))
    flat = image == (size,) or (len(shape) == 1 and int(np.prod(image)) == size)
    return flat or [n for n in image if n != 1] == [n for n in shape if n != 1]


class Accelerator:
    """The accelerator of `file`, NET.bit or NET.json: the other must lie beside it.

    transport: of another board than PYNQ's, loaded already; timeout: seconds that a batch may take;
    batch: images at once. Two batches are in work: one is packed while the other runs.
    """

    def __init__(
        self,
        file: str | Path,
        transport: Transport | None = None,
        *,
        timeout: float = 10.0,
        batch: int | None = None,
    ) -> None:
        self.description = read_description(Path(file).with_suffix(".json"))
        self._packer = Packer(self.description["input"])
        self._image = WORD * self._packer.words  # bytes
        self._result = WORD * int(self.description["result_words"])
        self.classes: list[str] = self.description["classes"]
        self.timeout = timeout
        usual = max(1, USUAL_BYTES // self._image)
        self.batch = min(usual if batch is None else batch, MOST_IMAGES)
        if self.batch < 1:
            raise ValueError(f"batch = {batch} is not at least 1")
        self._buffers: list[tuple[Buffer, Buffer]] = []  # of images and of results, each twice
        self._room = 0  # images that a buffer holds
        self._running = False
        wanted = float(self.description["clock_mhz"])
        self._board = transport or PynqTransport(Path(file).with_suffix(".bit"), wanted)
        self.clock_mhz = float(getattr(self._board, "clock_mhz", wanted))
        self._identify()
        self._reset("it was busy before anything was started")

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the buffers; the next batch would allocate them anew."""
        if self._running:  # no reset helped: the accelerator may still write to them
            return
        for pair in self._buffers:
            for buffer in pair:
                buffer.free()
        self._buffers, self._room = [], 0

    def classify(self, images: ArrayLike) -> NDArray[np.int64]:
        """The class of each image, int64 [count]; `classes` names them."""
        return self.run(images)[0]

    def run(
        self, images: ArrayLike, on_batch: Callable[[], None] = lambda: None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """(classes [count], logits [count, classes]) of raw images (count, *shape).

        The network's logits are these divided by 2 ** description["logits"]["fraction"].
        `on_batch` is called after each batch, when `counters` are its own.
        """
        words = self._run(self._packer.checked(images), on_batch)
        at = 2 * (self._result // WORD - 1)
        return words[:, at].astype(np.int64), words[:, : len(self.classes)].copy()

    def counters(self) -> dict[str, int]:
        """FINISHED, CYCLES, STALL_IN and STALL_OUT of the present or last batch."""
        return {name: self._read(name) for name in COUNTERS}

    def _identify(self) -> None:
        """WrongBitstream where the FPGA does not hold what the description describes."""
        told = self.description
        hashes = int(told["hash"][:8], 16), int(told["hash"][8:16], 16)
        load = f"load the bitstream that came with this description of {told['network']!r}"
        for name, wanted, what in (
            ("ID", ID, "this is no onebit accelerator, or none answers at this address"),
            ("VERSION", VERSION, "this driver is of another version than the bitstream"),
            ("HASH0", hashes[0], "this is the accelerator of another network"),
            ("HASH1", hashes[1], "this is the accelerator of another network"),
            ("IMAGE_WORDS", self._packer.words, "it is built for images of another size"),
            ("RESULT_WORDS", told["result_words"], "its results have another size"),
            ("CLASSES", len(told["classes"]), "it has another number of classes"),
        ):
            found = self._read(name)
            if found != wanted:
                raise WrongBitstream(
                    f"register {name} reads {found:#010x}, not {wanted:#010x}: {what}; {load}"
                )

    def _read(self, name: str) -> int:
        return self._board.read(AT[name])

    def _write(self, name: str, value: int) -> None:
        self._board.write(AT[name], value)

    def _reserve(self, count: int) -> int:
        """See to buffers for `count` images, or for a batch; returns how many go in at once."""
        step = -(-count // -(-count // self.batch))  # even parts
        if step > self._room:
            room = min(self.batch, max(step, 2 * self._room))
            self.close()
            for _ in range(2):
                images, results = (
                    self._board.allocate(room * size) for size in (self._image, self._result)
                )
                self._buffers.append((images, results))
                results.flush()  # nothing that the cache still holds may overwrite results
            self._room = room
        return step

    def _run(self, raw: NDArray[np.integer[Any]], on_done: Callable[[], None]) -> NDArray[np.int32]:
        """The words of the results; `on_done` is called after each batch."""
        words = np.zeros((len(raw), self._result // 4), np.int32)
        if not len(raw):
            return words
        if self._running:
            self._reset("an earlier batch never ended")
        step, last = self._reserve(len(raw)), None
        try:
            for number, start in enumerate(range(0, len(raw), step)):
                images, results = self._buffers[number % 2]
                part = raw[start : start + step]
                packed = images.array[: len(part) * self._image].reshape(len(part), -1)
                self._packer.pack(part, packed)
                if last:
                    self._wait(len(last[1]), on_done)
                self._start(images, results, len(part))
                if last:
                    collect(*last)
                last = results, words[start : start + step]
            if last:
                self._wait(len(last[1]), on_done)
                collect(*last)
        except TimedOut:
            raise
        except BaseException:
            self._reset("the batch was given up")
            raise
        return words

    def _start(self, images: Buffer, results: Buffer, count: int) -> None:
        images.flush()
        for name, value in (
            ("SOURCE", images.address),
            ("TARGET", results.address),
            ("COUNT", count),
            ("CONTROL", START),
        ):
            self._write(name, value)
        self._running = True

    def _wait(self, count: int, on_done: Callable[[], None]) -> None:
        """Until the batch of `count` images is done."""
        end, late = time.monotonic() + self.timeout, False
        while not self._read("STATUS") & DONE:
            if late:
                what = (
                    f"the accelerator was not done after {self.timeout:g} s: "
                    f"{self._read('FINISHED')} of {count} images"
                )
                self._reset(what)
                raise TimedOut(f"{what}; a soft reset made it usable again. A longer `timeout`?")
            late = time.monotonic() > end  # of which a last look follows
        self._running = False
        if self._read("STATUS") & FAILED:
            flags = self._read("ERROR")
            texts = [text for bit, text in enumerate(FLAGS) if flags >> bit & 1]
            raise TransferFailed(f"ERROR reads {flags:#x}: {'; '.join(texts) or 'unknown'}")
        if self._read("FINISHED") != count:
            raise TransferFailed(f"done after {self._read('FINISHED')} of {count} images")
        on_done()

    def _reset(self, why: str) -> None:
        """A soft reset; TimedOut where it has no effect."""
        self._running = True
        self._write("CONTROL", RESET)
        end = time.monotonic() + RESET_SECONDS
        while self._read("STATUS") & (BUSY | RESETTING):
            if time.monotonic() > end:
                raise TimedOut(
                    f"{why}, and a soft reset does not end: the memory does not answer; load the "
                    "bitstream again (a new Accelerator does)"
                )
        self._running = False

    def benchmark(self, images: ArrayLike | None = None, repeats: int = 3) -> dict[str, float]:
        """Print and return rates in images/s: of the accelerator, of packing, of both together.

        images: random ones unless given; the best of `repeats` counts.
        """
        if images is None:
            images = np.concatenate(4 * [self._packer.random(self.batch)])
        raw = self._packer.checked(images)
        if not len(raw):
            raise BadImages("there is no image to measure with")
        runs = [self._measure(raw) for _ in range(max(1, repeats))]
        best = min(runs, key=lambda each: each["whole"])
        count, cycles = len(raw), best["CYCLES"]
        found = {
            "images": count,
            "clock_mhz": self.clock_mhz,
            "cycles_per_image": cycles / count,
            "stall_in_percent": 100 * best["STALL_IN"] / cycles,
            "stall_out_percent": 100 * best["STALL_OUT"] / cycles,
            "accelerator_per_second": count * self.clock_mhz * 1e6 / cycles,
            "packing_per_second": count / best["packing"],
            "end_to_end_per_second": count / best["whole"],
        }
        print(f"{self.description['network']}, {count:,} images:")
        for name, value in found.items():
            print(f"  {name.replace('_', ' '):24} {value:14,.1f}")
        return found

    def _measure(self, raw: NDArray[np.integer[Any]]) -> dict[str, float]:
        """Seconds and cycles of one run over the images, and seconds of packing them alone."""
        sums: dict[str, float] = dict.fromkeys(COUNTERS, 0)

        def add() -> None:
            for name, value in self.counters().items():
                sums[name] += value

        step = self._reserve(len(raw))
        begun = time.perf_counter()
        self._run(raw, add)
        whole = time.perf_counter() - begun
        begun = time.perf_counter()
        for start in range(0, len(raw), step):
            part = raw[start : start + step]
            packed = self._buffers[0][0].array[: len(part) * self._image]
            self._packer.pack(part, packed.reshape(len(part), -1))
        return {**sums, "whole": whole, "packing": time.perf_counter() - begun}


def collect(results: Buffer, words: NDArray[np.int32]) -> None:
    """The results that the accelerator wrote, as 32-bit words."""
    results.invalidate()
    words[:] = results.array[: words.nbytes].view("<i4").reshape(words.shape)
