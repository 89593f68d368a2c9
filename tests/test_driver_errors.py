"""Every error path of the driver, on whatever is a board: what it says, and that it recovers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fake_board
from onebit import deploy, driver, flow, golden
from onebit.driver import (
    AT,
    Accelerator,
    BadDescription,
    BadImages,
    Buffer,
    TimedOut,
    TransferFailed,
    Transport,
    WrongBitstream,
)
from onebit.flow import Compiled
from onebit.virtual_board import VirtualBoard

# Boards to run these tests on: from a compiled network, each a context and a transport, with
# `set` for latency_low, latency_high and mute.
BOARDS: dict[str, Callable[[Compiled], Any]] = {
    "fake": fake_board.FakeBoard,
    "simulated": VirtualBoard,
}
SLOW = 100_000  # cycles, or reads of a register
NOWHERE = 0x8000_0000  # an address at which no board has memory


class Altered:
    """A board of which some registers read otherwise, or whose buffers seem to lie elsewhere."""

    def __init__(self, board: Transport) -> None:
        self.board = board
        self.registers: dict[int, int] = {}
        self.moved: dict[int, int] = {}  # number of a buffer: its address

    def read(self, offset: int) -> int:
        return self.registers.get(offset, self.board.read(offset))

    def write(self, offset: int, value: int) -> None:
        self.board.write(offset, value)

    def allocate(self, size: int) -> Buffer:
        buffer = self.board.allocate(size)
        buffer.address = self.moved.pop(0, buffer.address)
        self.moved = {number - 1: address for number, address in self.moved.items()}
        return buffer


@pytest.fixture(scope="module")
def network(tiny_folder: Path) -> Compiled:
    return flow.read(tiny_folder)


@pytest.fixture
def file(network: Compiled, tmp_path: Path) -> Path:
    """Where its bitstream would be; the description is there."""
    path = tmp_path / "tiny.bit"
    path.with_suffix(".json").write_text(json.dumps(deploy.description(network)))
    return path


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, network: Compiled) -> Iterator[Any]:
    with BOARDS[request.param](network) as made:
        yield made


def works(accelerator: Accelerator, network: Compiled) -> None:
    """Assert that it classifies."""
    raw = fake_board.samples(network, 9, seed=5)
    found, wanted = accelerator.run(raw), golden.run(network.net, raw)
    assert (found[0] == wanted.classes).all() and (found[1] == wanted.logits).all()


def test_the_board_itself_is_right(board: Any, network: Compiled, file: Path) -> None:
    with Accelerator(file, board, batch=4) as accelerator:
        works(accelerator, network)


@pytest.mark.parametrize(
    ("register", "value", "said"),
    [
        ("ID", 0, "ID reads 0x00000000, not 0x6f6e6562: this is no onebit accelerator"),
        ("ID", 0xFFFFFFFF, "ID reads 0xffffffff"),
        ("VERSION", 2, "VERSION reads 0x00000002, not 0x00000001: this driver is of another"),
        ("HASH0", 0x12345678, "HASH0 reads 0x12345678, .*: this is the accelerator of another"),
        ("HASH1", 0x12345678, "HASH1 reads 0x12345678, .*: this is the accelerator of another"),
        ("IMAGE_WORDS", 99, "IMAGE_WORDS .*: it is built for images of another size"),
        ("RESULT_WORDS", 99, "RESULT_WORDS .*: its results have another size"),
        ("CLASSES", 99, "CLASSES .*: it has another number of classes"),
    ],
)
def test_another_accelerator_is_refused_before_anything_is_written(
    board: Any, file: Path, register: str, value: int, said: str
) -> None:
    altered = Altered(board)
    altered.registers[AT[register]] = value
    altered.write = pytest.fail  # type: ignore[method-assign]
    with pytest.raises(WrongBitstream, match=said) as error:
        Accelerator(file, altered)
    assert "load the bitstream that came with this description of 'tiny'" in str(error.value)


def test_another_networks_description_is_refused(board: Any, file: Path) -> None:
    text = json.loads(file.with_suffix(".json").read_text())
    for at, register in ((0, "HASH0"), (8, "HASH1")):
        other = text["hash"][:at] + "00000000" + text["hash"][at + 8 :]
        file.with_suffix(".json").write_text(json.dumps(text | {"hash": other}))
        with pytest.raises(WrongBitstream, match=f"{register} reads .* another network"):
            Accelerator(file, board)


@pytest.mark.parametrize(("number", "what"), [(0, "read"), (1, "write"), (2, "read"), (3, "write")])
def test_an_error_of_the_memory_is_told_and_got_over(
    board: Any, network: Compiled, file: Path, number: int, what: str
) -> None:
    altered = Altered(board)
    with Accelerator(file, altered, batch=4) as accelerator:
        altered.moved[number] = NOWHERE
        with pytest.raises(TransferFailed, match=f"the memory answered a {what} with an error"):
            accelerator.run(fake_board.samples(network, 12))
        accelerator.close()
        works(accelerator, network)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    ("address", "flag"), [(0x1000_0004, "no multiple of 8"), (0xFFFF_FFF8, "beyond 4 GB")]
)
def test_an_impossible_address_is_told_and_got_over(
    board: Any, network: Compiled, file: Path, number: int, address: int, flag: str
) -> None:
    altered = Altered(board)
    with Accelerator(file, altered) as accelerator:
        altered.moved[number] = address
        with pytest.raises(TransferFailed, match=flag):
            accelerator.run(fake_board.samples(network, 3))
        accelerator.close()
        works(accelerator, network)


def test_a_batch_that_takes_too_long_is_taken_back(
    board: Any, network: Compiled, file: Path
) -> None:
    with Accelerator(file, board, timeout=0.01, batch=4) as accelerator:
        board.set("latency_high", SLOW)
        board.set("latency_low", SLOW)
        with pytest.raises(TimedOut, match=r"not done after 0\.01 s: 0 of 4 images; a soft reset"):
            accelerator.run(fake_board.samples(network, 12))
        board.set("latency_low", 1)
        board.set("latency_high", 1)
        accelerator.timeout = 10
        works(accelerator, network)


def test_a_memory_that_never_answers_is_told(
    board: Any, network: Compiled, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RESET_SECONDS", 0.01)
    with Accelerator(file, board, timeout=0.01) as accelerator:
        board.set("mute", 1)
        what = r"0 of 3 images, and a soft reset does not end: .* load the bitstream again"
        with pytest.raises(TimedOut, match=what):
            accelerator.run(fake_board.samples(network, 3))
        with pytest.raises(TimedOut, match="an earlier batch never ended, and a soft reset"):
            accelerator.run(fake_board.samples(network, 3))
        accelerator.close()  # keeps what the accelerator may still write to
        with pytest.raises(TimedOut, match="busy before anything was started"):
            Accelerator(file, board)
        board.set("mute", 0)
        works(accelerator, network)


def test_another_program_on_the_accelerator_is_told(
    board: Any, network: Compiled, file: Path
) -> None:
    altered = Altered(board)
    with Accelerator(file, altered) as accelerator:
        start = accelerator._start

        def meddled(*arguments: Any) -> None:
            start(*arguments)
            board.write(AT["CONTROL"], 1)

        accelerator._start = meddled  # type: ignore[method-assign]
        with pytest.raises(TransferFailed, match="another program uses the accelerator"):
            accelerator.run(fake_board.samples(network, 3))
        accelerator._start = start  # type: ignore[method-assign]
        works(accelerator, network)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((3, 9), int), r"are of shape (3, 9); the network takes (count, 8)"),
        (np.zeros(8, int), r"are of shape (8,); the network takes (count, 8); a single image is"),
        (np.zeros(7, int), r"are of shape (7,); the network takes (count, 8)"),
        (5, r"are of shape (); the network takes (count, 8)"),
        ([], r"are of shape (0,); the network takes (count, 8)"),
        (np.zeros((3, 8)), "are of type float64; the network takes raw whole numbers, 0 to 15"),
        (np.zeros((3, 8), bool), "are of type bool"),
        (np.zeros((3, 8), object), "are of type object"),
        ([["a"] * 8], "are of type <U1"),
        (np.full((3, 8), 16), "image 0 holds the value 16; the network takes 0 to 15"),
        (np.eye(8, dtype=int)[::-1] - 1, "image 0 holds the value -1; the network takes 0 to 15"),
        (16 * np.eye(8, dtype=np.uint8)[3:], "image 0 holds the value 16"),
    ],
)
def test_images_that_the_network_does_not_take(
    board: Any, network: Compiled, file: Path, images: Any, said: str
) -> None:
    altered = Altered(board)
    with Accelerator(file, altered) as accelerator:
        write = altered.write
        altered.write = pytest.fail  # type: ignore[method-assign]
        with pytest.raises(BadImages, match=re.escape(said)):
            accelerator.classify(images)
        with pytest.raises(BadImages):
            accelerator.benchmark(images)
        altered.write = write  # type: ignore[method-assign]
        works(accelerator, network)


def test_channels_first_are_refused() -> None:
    packer = driver.Packer(
        deploy.description(fake_board.network(fake_board.Bit(), (6, 5, 3), 1))["input"]
    )
    assert packer.checked(np.zeros((2, 6, 5, 3), int)).shape == (2, 90)
    for shape in ((2, 3, 6, 5), (2, 5, 6, 3), (2, 30, 3), (6, 5, 3)):
        with pytest.raises(BadImages, match=re.escape(f"{shape}; the network takes (count, 6, 5")):
            packer.checked(np.zeros(shape, int))


def test_values_between_the_steps_are_refused() -> None:
    made = fake_board.with_table(fake_board.Bit(), (2,), 1, np.array([0, 1, 1]), lo=-10, step=5)
    packer = driver.Packer(deploy.description(made)["input"])
    assert (packer.checked([[-10, -5], [0, 0]]) == [[-10, -5], [0, 0]]).all()
    for value in (-11, -9, 1, 4, 5, -15):
        with pytest.raises(BadImages, match=f"image 1 holds the value {value}; .* in steps of 5"):
            packer.checked([[0, 0], [-5, value]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("", "Expecting value"),
        ("[]", "'list' object has no attribute 'get'"),
        ("{}", "its format is None, this driver's is 1"),
        ('{"format": 2}', "its format is 2, this driver's is 1"),
        ('{"format": 1}', "it lacks bits, classes, clock_mhz, hash, input, lanes, logits, n,"),
        ('{"format": 1, "input": 5}', "'int' object has no attribute 'keys'"),
    ],
)
def test_a_missing_or_damaged_description(
    board: Any, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "net.json").write_text(text)
    for name in ("net.bit", "net.json"):
        with pytest.raises(BadDescription, match=f"'.*net.json': .*{re.escape(said)}") as error:
            Accelerator(tmp_path / name, board)
        assert "it comes with the bitstream" in str(error.value)
