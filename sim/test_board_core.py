"""board_core: what docs/board.md says happens, on a whole simulated board, register by register."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from onebit import emit, flow, golden, trial
from onebit.flow import Compiled
from onebit.pack import ceil_div, pack_stream
from onebit.virtual_board import BASE, Buffer, Surroundings, VirtualBoard

NETWORK, IMAGES = "digits-mlp", 40
REGISTERS = (
    "ID VERSION HASH0 HASH1 CONTROL STATUS ERROR IRQ_ENABLE SOURCE TARGET COUNT FINISHED CYCLES "
    "STALL_IN STALL_OUT IMAGE_WORDS RESULT_WORDS CLASSES"
)
AT = {name: 4 * i for i, name in enumerate(REGISTERS.split())}
START, SOFT_RESET, ACKNOWLEDGE = 1, 2, 4
BUSY, DONE, ERROR, RESETTING = 1, 2, 4, 8
STARTED_WHILE_BUSY, UNALIGNED, TOO_FAR, READ_FAILED, WRITE_FAILED = 1, 2, 4, 8, 16


class Batch:
    """Images in a board's memory, and what is wanted of them."""

    def __init__(self, board: VirtualBoard, compiled: Compiled, count: int = IMAGES) -> None:
        net, folding = compiled.net, compiled.folding
        raw = trial.samples(compiled, count, 0).raw
        self.board, self.count, self.want = board, count, golden.run(net, raw)
        stream = emit.output_stream(net, folding, net.input.name)
        vectors = golden.encode(net.input, raw).reshape(-1, stream.n)
        beats = pack_stream(vectors, stream.lanes, stream.bits)
        bits = np.unpackbits(beats, axis=-1, count=stream.width, bitorder="little")
        bits = bits.reshape(count, -1)
        bits = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 64)))
        self.image_words = bits.shape[1] // 64
        self.images = self._buffer(np.packbits(bits, axis=1, bitorder="little").ravel())
        self.classes = net.head.classes
        self.result_words = ceil_div(self.classes, 2) + 1
        self.results = self._buffer(np.full(count * self.result_words * 8, 0xA5, np.uint8))

    def _buffer(self, content: np.ndarray) -> Buffer:
        made = self.board.allocate(len(content))
        made.array[:] = content
        made.flush()
        return made

    def prepare(self, source: int | None = None, target: int | None = None) -> None:
        write(self.board, "SOURCE", self.images.address if source is None else source)
        write(self.board, "TARGET", self.results.address if target is None else target)
        write(self.board, "COUNT", self.count)

    def untouched(self) -> bool:
        self.results.invalidate()
        return bool((self.results.array == 0xA5).all())

    def check(self) -> None:
        """Every logit and class is golden's, and every spare bit is zero."""
        self.results.invalidate()
        rows = self.results.array.view("<i4").reshape(self.count, -1)
        assert (rows[:, : self.classes] == self.want.logits).all()
        assert (rows[:, -2] == self.want.classes).all()
        assert not rows[:, self.classes : -2].any()
        assert not rows[:, -1].any()
        assert read(self.board, "FINISHED") == self.count

    def run(self) -> None:
        """A batch that must succeed."""
        self.prepare()
        write(self.board, "CONTROL", START)
        assert wait(self.board) == DONE
        self.check()


def read(board: VirtualBoard, name: str) -> int:
    return board.read(AT[name])


def write(board: VirtualBoard, name: str, value: int) -> None:
    board.write(AT[name], value)


def wait(board: VirtualBoard) -> int:
    """STATUS once the board is no longer busy."""
    for _ in range(10_000):
        status = read(board, "STATUS")
        if not status & BUSY:
            return status
    raise AssertionError("busy for ever")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    out: Path = tmp_path_factory.mktemp("board") / "out"
    return flow.compile_network(NETWORK, out, "pynq-z2", None, None)


@pytest.fixture
def board(compiled: Compiled) -> Iterator[VirtualBoard]:
    with VirtualBoard(compiled, Surroundings(stall=20, gap=5, seed=1)) as made:
        yield made


@pytest.fixture
def batch(board: VirtualBoard, compiled: Compiled) -> Batch:
    return Batch(board, compiled)


def test_registers_say_what_it_is(board: VirtualBoard, compiled: Compiled, batch: Batch) -> None:
    said = [read(board, name) for name in ("ID", "VERSION", "HASH0", "HASH1")]
    digits = compiled.net.hash
    assert said == [0x6F6E6562, 1, int(digits[:8], 16), int(digits[8:16], 16)]
    shape = [read(board, name) for name in ("IMAGE_WORDS", "RESULT_WORDS", "CLASSES")]
    assert shape == [batch.image_words, batch.result_words, batch.classes]


def test_results_are_goldens_whatever_the_memory_does(compiled: Compiled, case_seed: int) -> None:
    rng = random.Random(case_seed)
    low = rng.choice((0, 1, 5, 30, 100))
    around = Surroundings(
        latency=(low, low + rng.choice((0, 3, 200))),
        stall=rng.choice((0, 10, 50, 85)),
        gap=rng.choice((0, 7, 100)),
        seed=case_seed,
    )
    with VirtualBoard(compiled, around) as board:
        for count in (1, 2, IMAGES, rng.randint(3, 300)):
            Batch(board, compiled, count).run()


def test_no_image_is_a_batch_too(board: VirtualBoard, batch: Batch) -> None:
    batch.prepare()
    write(board, "COUNT", 0)
    write(board, "CONTROL", START)
    assert wait(board) == DONE
    assert read(board, "FINISHED") == 0
    assert batch.untouched()
    batch.run()


@pytest.mark.parametrize(
    ("source", "target"), [(BASE + 4, BASE), (BASE, BASE + 1)], ids=["source", "target"]
)
def test_an_unaligned_address_moves_nothing(batch: Batch, source: int, target: int) -> None:
    batch.prepare(source, target)
    write(batch.board, "CONTROL", START)
    assert wait(batch.board) == DONE | ERROR
    assert read(batch.board, "ERROR") == UNALIGNED
    assert batch.untouched()
    batch.run()


@pytest.mark.parametrize("name", ["source", "target"])
def test_a_batch_ends_below_4_gb(batch: Batch, name: str) -> None:
    words = batch.image_words if name == "source" else batch.result_words
    first = (1 << 32) - 8 * words * batch.count
    for beyond in (8, 0):
        batch.prepare(**{name: first + beyond})
        write(batch.board, "CONTROL", START)
        assert wait(batch.board) == DONE | ERROR
        wanted = TOO_FAR if beyond else READ_FAILED if name == "source" else WRITE_FAILED
        assert read(batch.board, "ERROR") == wanted
    batch.run()


@pytest.mark.parametrize(
    ("name", "flag"), [("source", READ_FAILED), ("target", WRITE_FAILED)], ids=["read", "write"]
)
def test_a_failed_access_ends_the_batch_and_leaves_it_usable(
    board: VirtualBoard, batch: Batch, name: str, flag: int
) -> None:
    end = BASE + (Surroundings().megabytes << 20)
    for beyond in (0, 8 * 5, 8 * 50):  # bytes that lie in memory, the rest does not
        batch.prepare(**{name: end - beyond})
        write(board, "CONTROL", START)
        assert wait(board) == DONE | ERROR
        assert read(board, "ERROR") == flag
        assert board.pins()[1:] == (True, False)
        batch.run()
        assert board.pins()[1:] == (False, False)


def test_a_start_while_busy_is_told_and_harmless(board: VirtualBoard, batch: Batch) -> None:
    batch.prepare()
    write(board, "CONTROL", START)
    batch.prepare(source=BASE + 4, target=BASE + 4)  # for the next batch
    write(board, "CONTROL", START)
    assert wait(board) == DONE | ERROR
    assert read(board, "ERROR") == STARTED_WHILE_BUSY
    batch.check()
    batch.run()


def test_the_next_batch_is_prepared_while_one_runs(
    board: VirtualBoard, compiled: Compiled, batch: Batch
) -> None:
    other = Batch(board, compiled, 7)
    batch.prepare()
    write(board, "CONTROL", START)
    other.prepare()
    assert read(board, "STATUS") == BUSY
    assert wait(board) == DONE
    batch.check()
    write(board, "CONTROL", START)
    assert wait(board) == DONE
    other.check()


def test_a_soft_reset_at_any_moment_leaves_it_usable(
    board: VirtualBoard, batch: Batch, prove: bool
) -> None:
    for gap in range(0, 400, 5 if prove else 40):  # cycles from start to reset
        batch.prepare()
        board.set("gap", 0)
        write(board, "CONTROL", START)
        board.set("gap", gap)
        write(board, "CONTROL", SOFT_RESET)
        assert wait(board) == 0
        assert read(board, "ERROR") == 0
        assert read(board, "COUNT") == batch.count
        batch.run()


def test_a_soft_reset_waits_for_the_memory(board: VirtualBoard, batch: Batch) -> None:
    batch.prepare()
    board.set("mute", 1)
    write(board, "CONTROL", START)
    for _ in range(50):
        assert read(board, "STATUS") == BUSY
    write(board, "CONTROL", SOFT_RESET)
    for _ in range(50):
        assert read(board, "STATUS") == BUSY | RESETTING
    write(board, "CONTROL", START)
    assert read(board, "ERROR") == STARTED_WHILE_BUSY
    board.set("mute", 0)
    assert wait(board) == ERROR
    batch.run()


def test_the_interrupt_follows_done_until_it_is_acknowledged(
    board: VirtualBoard, batch: Batch
) -> None:
    batch.run()
    assert not board.pins()[0]
    write(board, "IRQ_ENABLE", 1)
    assert board.pins()[0]
    write(board, "CONTROL", ACKNOWLEDGE)
    assert read(board, "STATUS") == 0
    assert not board.pins()[0]


def test_cycles_and_stalls_are_counted(compiled: Compiled) -> None:
    with VirtualBoard(compiled, Surroundings(latency=(200, 200), gap=0)) as board:
        batch = Batch(board, compiled, 1)
        batch.run()
        cycles, stall_in = read(board, "CYCLES"), read(board, "STALL_IN")
        assert 200 <= stall_in < 250 < 400 < cycles < 500  # a read, a write, little else
        assert read(board, "CYCLES") == cycles, "it counts on after the end"
