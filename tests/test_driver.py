"""The driver on a board in plain Python: what golden says, whatever is cut, in work or given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fake_board
from fake_board import FakeBoard
from onebit import deploy, driver, golden
from onebit.driver import Accelerator, BadImages, Packer, TimedOut, TransferFailed
from onebit.flow import Compiled
from onebit.net import Bit, Int

Described = Callable[[Compiled], Path]
PIXELS = ("(28, 28)", "(28, 28, 1)", "(784,)", "(1, 28, 28)", "(4, 196)")


@pytest.fixture
def described(tmp_path: Path) -> Described:
    """Writes NET.json; returns where NET.bit would be."""

    def write(compiled: Compiled) -> Path:
        (tmp_path / "made.json").write_text(json.dumps(deploy.description(compiled)))
        return tmp_path / "made.bit"

    return write


def bits() -> Compiled:
    return fake_board.network(Bit(), (40,), 16)


def image() -> Compiled:
    return fake_board.network(Int(bits=8), (6, 5, 3), 3)


@pytest.mark.parametrize("made", [bits, image])
@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 20, 37])
@pytest.mark.parametrize("cached", [True, False])
def test_classes_and_logits_are_goldens(
    described: Described, made: Callable[[], Compiled], count: int, cached: bool
) -> None:
    compiled = made()
    board = FakeBoard(compiled, cached)
    raw = fake_board.samples(compiled, count)
    wanted = golden.run(compiled.net, raw)
    with Accelerator(described(compiled), board, batch=10) as accelerator:
        classes, logits = accelerator.run(raw)
        assert (logits == wanted.logits).all() and (classes == wanted.classes).all()
        assert (accelerator.classify(raw) == wanted.classes).all()
    assert (classes.dtype, logits.dtype) == (np.int64, np.int32)


def test_results_outlive_the_next_batch(described: Described) -> None:
    compiled = bits()
    first, second = fake_board.samples(compiled, 20), fake_board.samples(compiled, 20, seed=1)
    with Accelerator(described(compiled), FakeBoard(compiled)) as accelerator:
        kept = accelerator.run(first)
        accelerator.run(second)
    assert (kept[1] == golden.run(compiled.net, first).logits).all()


def test_no_images_have_no_classes_and_touch_nothing(described: Described) -> None:
    compiled = bits()
    board = FakeBoard(compiled)
    with Accelerator(described(compiled), board) as accelerator:
        board.log.clear()
        classes, logits = accelerator.run(np.zeros((0, 40), np.uint8))
    assert classes.shape == (0,) and logits.shape == (0, 5)
    assert not board.log and not board.buffers


def test_the_next_batch_is_packed_while_one_runs(
    described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = bits()
    board, pack = FakeBoard(compiled), Packer.pack

    def noted(packer: Packer, *arguments: Any) -> None:
        board.log.append("pack")
        pack(packer, *arguments)

    monkeypatch.setattr(Packer, "pack", noted)
    with Accelerator(described(compiled), board, batch=10) as accelerator:
        accelerator.run(fake_board.samples(compiled, 30))
    run = ["start 10", "pack", "done"]
    assert board.log == ["reset", "pack", *run, *run, "start 10", "done"]


def test_batches_are_even(described: Described) -> None:
    compiled = bits()
    board = FakeBoard(compiled)
    with Accelerator(described(compiled), board, batch=10) as accelerator:
        accelerator.run(fake_board.samples(compiled, 22))
    assert [line for line in board.log if "start" in line] == ["start 8", "start 8", "start 6"]


def test_buffers_are_made_once_and_freed_at_the_end(described: Described) -> None:
    compiled = bits()
    board = FakeBoard(compiled)
    with Accelerator(described(compiled), board, batch=64) as accelerator:
        for count in (1, 64, 64, 200, 3):
            accelerator.run(fake_board.samples(compiled, count))
            assert sum(not each.freed for each in board.buffers) == 4
        assert len(board.buffers) == 8, "two images at first, then a whole batch"
        assert all(each.address % 8 == 0 for each in board.buffers)
    assert all(each.freed for each in board.buffers)
    accelerator.close()
    assert len(accelerator.classify(fake_board.samples(compiled, 2))) == 2, "closed, not broken"
    accelerator.close()


def test_memory_that_may_still_be_written_to_is_kept(
    described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RESET_SECONDS", 0.01)
    compiled = bits()
    board = FakeBoard(compiled)
    with Accelerator(described(compiled), board, timeout=0.01) as accelerator:
        board.set("mute", 1)
        with pytest.raises(TimedOut):
            accelerator.run(fake_board.samples(compiled, 3))
        accelerator.close()
        assert not any(each.freed for each in board.buffers)
        board.set("mute", 0)
        accelerator.run(fake_board.samples(compiled, 3))
    assert len(board.buffers) == 4 and all(each.freed for each in board.buffers)


def test_a_batch_is_a_quarter_of_a_megabyte(described: Described) -> None:
    compiled = bits()
    assert Accelerator(described(compiled), FakeBoard(compiled)).batch == (1 << 18) // 8
    with pytest.raises(ValueError, match="batch = 0 is not at least 1"):
        Accelerator(described(compiled), FakeBoard(compiled), batch=0)


@pytest.mark.parametrize("given", PIXELS)
def test_a_flat_input_takes_images_of_any_shape(described: Described, given: str) -> None:
    compiled = fake_board.network(Bit(), (784,), 64)
    raw = fake_board.samples(compiled, 3)
    with Accelerator(described(compiled), FakeBoard(compiled)) as accelerator:
        found = accelerator.classify(raw.reshape(3, *json.loads(f"[{given[1:-1].rstrip(',')}]")))
    assert (found == golden.run(compiled.net, raw).classes).all()


@pytest.mark.parametrize("given", [(6, 5, 1), (6, 5), (30,), (1, 6, 5)])
def test_axes_of_one_do_not_matter(described: Described, given: tuple[int, ...]) -> None:
    compiled = fake_board.network(Int(bits=8), (6, 5, 1), 1)
    raw = fake_board.samples(compiled, 3)
    with Accelerator(described(compiled), FakeBoard(compiled)) as accelerator:
        found = accelerator.classify(raw.reshape(3, *given))
        assert (found == accelerator.classify(raw.tolist())).all(), "lists will do"
    assert (found == golden.run(compiled.net, raw).classes).all()


def test_after_a_bad_image_the_next_is_right(described: Described) -> None:
    compiled = bits()
    raw = fake_board.samples(compiled, 3)
    with Accelerator(described(compiled), FakeBoard(compiled)) as accelerator:
        with pytest.raises(BadImages):
            accelerator.run(raw + 256)
        assert (accelerator.classify(raw) == golden.run(compiled.net, raw).classes).all()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_an_interrupted_batch_is_taken_back(
    described: Described, stop: type[BaseException], batch: int
) -> None:
    compiled = bits()
    raw = fake_board.samples(compiled, 30)
    board = FakeBoard(compiled)
    with Accelerator(described(compiled), board, batch=10) as accelerator:

        def interrupt(offset: int) -> int:
            if board.log.count("start 10") == batch:
                board.read = read  # type: ignore[method-assign]
                raise stop
            return read(offset)

        read, board.read = board.read, interrupt  # type: ignore[method-assign]
        with pytest.raises(stop):
            accelerator.run(raw)
        assert board.running is None and board.log[-1] == "reset"
        assert (accelerator.classify(raw) == golden.run(compiled.net, raw).classes).all()


def test_fewer_results_than_images_are_not_used(described: Described) -> None:
    compiled = bits()
    accelerator = Accelerator(described(compiled), FakeBoard(compiled, short=1))
    with pytest.raises(TransferFailed, match="done after 2 of 3 images"):
        accelerator.run(fake_board.samples(compiled, 3))


def test_benchmark_prints_and_returns_rates(
    described: Described, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled = bits()
    with Accelerator(described(compiled), FakeBoard(compiled, cycles=25), batch=4) as accelerator:
        found = accelerator.benchmark()
        assert accelerator.benchmark(fake_board.samples(compiled, 3), repeats=1)["images"] == 3
        with pytest.raises(BadImages, match="no image"):
            accelerator.benchmark(np.zeros((0, 40), int))
    assert found["images"] == 16
    assert found["cycles_per_image"] == 25
    assert found["accelerator_per_second"] == pytest.approx(4e6)
    assert (found["stall_in_percent"], found["stall_out_percent"]) == (4, 8)
    assert 0 < found["end_to_end_per_second"] < found["packing_per_second"]
    said = capsys.readouterr().out
    assert "made, 16 images:" in said
    for name in ("accelerator per second", "packing per second", "end to end per second"):
        assert name in said


def test_benchmark_makes_images_that_the_network_takes(described: Described) -> None:
    for low, step in ((0, 1), (-128, 1), (-10, 7)):
        compiled = fake_board.network(Int(bits=8), (4,), 4, lo=low, step=step)
        with Accelerator(described(compiled), FakeBoard(compiled), batch=9) as accelerator:
            assert accelerator.benchmark(repeats=1)["images"] == 36
