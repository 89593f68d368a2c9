"""The board in simulation: real images through the real driver, and what the DMA costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Onebit
from onebit import board_run, flow, trial
from onebit.errors import ConfigError, OnebitError
from onebit.virtual_board import PAGE, Surroundings, VirtualBoard

IMAGES = 1000
NETWORKS = ("mnist-tfc", "mnist-bcnn")  # bound by the port, and not
NEAR = Surroundings(latency=(20, 20))  # cycles
SLOWER, PORT = 5.0, 90.0  # percent: at most, and at least where the port is what binds


@pytest.fixture(scope="module", params=NETWORKS)
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> flow.Compiled:
    out = tmp_path_factory.mktemp("board") / request.param
    return flow.compile_network(request.param, out, "pynq-z2", None, None)


def test_the_driver_gives_goldens_results_under_stalls(
    network: flow.Compiled, prove: bool, record_property
) -> None:
    images, mismatches, stalls = 0, 0, (10, 30, 70) if prove else (30,)
    for stall in stalls:
        around = Surroundings(latency=(0, 60), stall=stall, seed=stall)
        found = board_run.run(network, trial.samples(network, IMAGES, 0), around)
        images, mismatches = images + found["images"], mismatches + found["mismatches"]
    assert (images, mismatches) == (IMAGES * len(stalls), 0)
    name = network.facts["network"]
    record_property(
        "claim",
        f"{name}: {images} images through driver, registers and DMA under stalls, as golden",
    )


def test_the_dma_keeps_up(network: flow.Compiled, prove: bool, record_property) -> None:
    count = None if prove else IMAGES
    found = board_run.run(network, trial.samples(network, count, 0), NEAR)
    assert found["mismatches"] == 0
    assert found["slower_percent"] <= SLOWER
    name, bound = network.facts["network"], found["port_percent"] > 50
    assert bound == (name == "mnist-tfc")
    if bound:
        assert found["port_percent"] >= PORT
    port = f", {found['port_percent']:.1f} % of the port's words used" if bound else ""
    record_property(
        "claim",
        f"{name}: {found['images']} images on the board, {found['slower_percent']:.2f} % slower "
        f"than the accelerator alone, memory answers in 20 cycles{port}",
    )


def test_a_measurement_is_kept_and_a_check_is_not(network: flow.Compiled) -> None:
    file = network.out / board_run.FILE
    samples = trial.samples(network, 20, 0)
    found = board_run.run(network, samples, NEAR)
    assert json.loads(file.read_text()) == found
    board_run.run(network, samples, Surroundings(stall=10))
    assert json.loads(file.read_text()) == found


@pytest.fixture
def small(tiny_folder: Path) -> flow.Compiled:
    return flow.read(tiny_folder)


def test_a_buffer_is_seen_by_the_other_side_only_through_its_cache(small: flow.Compiled) -> None:
    with VirtualBoard(small) as board:
        first, second = board.allocate(100), board.allocate(1)
        assert (second.address - first.address, first.address % PAGE) == (PAGE, 0)
        first.array[:] = 7
        first.invalidate()  # what was not flushed is lost
        assert not first.array.any()
        first.array[:] = 7
        first.flush()
        first.array[:] = 0
        first.invalidate()
        assert (first.array == 7).all()


def test_memory_is_as_large_as_it_is(small: flow.Compiled) -> None:
    with VirtualBoard(small, Surroundings(megabytes=1)) as board:
        board.allocate(1 << 20)
        with pytest.raises(OnebitError, match="1 MB has no 1 bytes left"):
            board.allocate(1)


def test_what_stops_the_simulator_is_told(small: flow.Compiled) -> None:
    with VirtualBoard(small) as board, pytest.raises(OnebitError, match="not a command: set speed"):
        board.set("speed", 1)


@pytest.mark.parametrize("around", [{"stall": 96}, {"stall": -1}, {"latency": (5, 4)}])
def test_surroundings_are_checked(around: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Surroundings(**around)


def test_the_command_runs_samples_on_the_board(onebit: Onebit, network: flow.Compiled) -> None:
    said = onebit("simulate", network.out, "--board", "--images", 50, "--stall", 20, "--json")
    found = json.loads(said.out)
    assert (said.code, found["images"], found["mismatches"]) == (0, 50, 0)
    assert "different from golden" in onebit("simulate", network.out, "--board").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--publish",), "--publish wants the accelerator alone"),
        (("--stall", "96"), "stall = 96"),
        (("--seed", "-1"), "--seed -1"),
    ],
)
def test_the_command_refuses(
    onebit: Onebit, tiny_folder: Path, words: tuple[str, ...], told: str
) -> None:
    said = onebit("simulate", tiny_folder, "--board", *words)
    assert (said.code, told in said.err) == (2, True), said.err


def test_a_wrong_result_fails_the_command(onebit: Onebit, compiled: Path) -> None:
    file = compiled / "mem" / "head_bias.mem"
    words = file.read_text().split()
    file.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    said = onebit("simulate", compiled, "--board", "--images", 20)
    assert said.code == 1
    assert "20 of 20 images differ from golden; first: image 0" in said.err
