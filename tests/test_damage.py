"""Interruptions, full disks and damaged folders: nothing half-written, and no false success."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from onebit import flow, golden, memory, simulate, system, trial, verilate

Onebit = Callable[..., tiny.Said]
ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 240  # seconds for a command to get as far as it is awaited; the machine may be slow


def raiser(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# Interruptions in this process


@pytest.mark.parametrize("before", ["absent", "there"])
@pytest.mark.parametrize(
    "place",
    [(shutil, "copyfile"), (memory, "memories"), (Path, "write_text"), (Path, "rename")],
    ids=lambda place: place[1],
)
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), None], ids=["interrupted", "full"])
def test_stopped_compile_leaves_the_folder_as_it_was(
    onebit: Onebit,
    tiny_file: Path,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    place: tuple[object, str],
    stop: BaseException | None,
) -> None:
    if before == "there":
        assert onebit("compile", tiny_file, "--out", "out").code == 0
    else:
        (tmp_path / "unrelated").touch()
    files = tiny.tree(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(*place, raiser(stop) if stop else full_disk)
        if place[1] == "rename" and before == "there":
            patched.undo()
            fail_at_second_rename(patched, stop)
        said = onebit(
            "compile", tiny_file, "--folding", tiny_folder / "folding.toml", "--out", "out"
        )
    if stop:
        said.refused(130, "interrupted", "same command again")
    else:
        said.refused(2, "cannot write 'out': No space left", "--out")
    assert tiny.tree(tmp_path) == files


def test_full_disk_while_fifos_are_sized(
    onebit: Onebit, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copyfile", full_disk)
    onebit("compile", tiny_file, "--out", "out").refused(2, "No space left", "TMPDIR")
    assert not tiny.tree(tmp_path)


def fail_at_second_rename(patched: pytest.MonkeyPatch, stop: BaseException | None) -> None:
    """The old folder has been moved away, the new one is not there yet."""
    rename = Path.rename
    count = iter(range(9))

    def second_fails(path: Path, target: Path) -> Path:
        if next(count) != 1:
            return rename(path, target)
        raise stop or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patched.setattr(Path, "rename", second_fails)


def test_full_disk_in_a_simulation(
    onebit: Onebit, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tiny.tree(tmp_path)
    for place in ((golden, "encode"), (tempfile_of_simulate(), "TemporaryDirectory")):
        with monkeypatch.context() as patched:
            patched.setattr(*place, full_disk)
            onebit("simulate", "compiled").refused(2, "No space left on device", "TMPDIR")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full_disk)
        said = onebit("simulate", "compiled")
    said.refused(2, "cannot write 'compiled/simulation.json': No space left", None)
    assert tiny.tree(tmp_path) == before


def tempfile_of_simulate() -> object:
    from onebit import simulate

    return simulate.tempfile


def test_interrupted_build_leaves_no_simulator(
    onebit: Onebit, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEBIT_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        patched.setattr(verilate, "_compile", raiser(KeyboardInterrupt()))
        said = onebit("simulate", "compiled")
    said.refused(130, "interrupted", "same command again")
    assert not list((tmp_path / "cache").iterdir())


# Interruptions of a running command


def start(tmp_path: Path, *words: object) -> subprocess.Popen[str]:
    """`onebit WORDS...` in a session of its own, in `tmp_path`, with its scratch files there."""
    (tmp_path / "scratch").mkdir(exist_ok=True)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "scratch")}
    command = [sys.executable, "-m", "onebit", *map(str, words)]
    return subprocess.Popen(
        command,
        cwd=tmp_path,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # a background job of a shell ignores Ctrl-C, and what it starts would inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def children(process: subprocess.Popen[str], name: str) -> list[int]:
    """The live children of `process` whose program is called `name`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = stat.read_text().partition(" (")
        except OSError:
            continue
        program, _, fields = rest.rpartition(") ")
        state, parent = fields.split()[:2]
        if program == name and int(parent) == process.pid and state != "Z":
            found.append(int(pid))
    return found


def wait_for(process: subprocess.Popen[str], ready: Callable[[], object]) -> None:
    """Until `ready()`, while the command runs."""
    end = time.monotonic() + PATIENCE
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it did not get that far"
        time.sleep(0.02)


def interrupt(process: subprocess.Popen[str], *, group: bool = False) -> tiny.Said:
    """Ctrl-C; a terminal sends it to the whole `group`, `kill -INT` to the command alone."""
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    return tiny.Said(process.returncode, out, err)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start` in `tmp_path`; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: object) -> subprocess.Popen[str]:
        started.append(start(tmp_path, *words))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_interrupted_training_goes_on(
    launch: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    import torch

    words = ("train", "digits-mlp", "--epochs", 100_000, "--out", "out")
    folder = tmp_path / "out" / "train" / "digits-mlp"

    def epochs() -> int:
        if not (folder / "checkpoint.pt").is_file():
            return 0
        saved = torch.load(folder / "checkpoint.pt", weights_only=True)
        return len(saved["curve"])

    done = 0
    for _ in range(2):
        process = launch(*words)
        wait_for(process, lambda before=done: epochs() > before)
        said = interrupt(process)
        said.refused(130, "interrupted", "same command again")
        assert "every whole epoch is kept; the same command goes on" in " ".join(said.err.split())
        assert [path.name for path in folder.iterdir()] == ["checkpoint.pt"]
        done = epochs()


@pytest.mark.parametrize("group", [False, True], ids=["killed", "terminal"])
def test_interrupted_simulation_ends_its_simulators(
    launch: Callable[..., subprocess.Popen[str]], tmp_path: Path, group: bool
) -> None:
    slow = flow.compile_network("digits-mlp", tmp_path / "slow", "pynq-z2", 1, None)
    (slow.out / flow.COMPILED).write_text(json.dumps(slow.facts | {"data": None}))
    simulate.simulator(slow.out, slow.net, slow.folding)
    (slow.out / "simulation.json").write_text('{"old": true}')
    before = tiny.tree(slow.out)

    process = launch("simulate", "slow", "--images", 100_000)
    wait_for(process, lambda: len(children(process, "simulator")) == system.cores())
    simulators = children(process, "simulator")
    time.sleep(0.3)
    interrupt(process, group=group).refused(130, "interrupted", "same command again")
    assert not [pid for pid in simulators if Path(f"/proc/{pid}").exists()]
    assert tiny.tree(slow.out) == before
    assert not list((tmp_path / "scratch").iterdir())


# Folders that cannot be written


@pytest.mark.parametrize("out", ["file/out", "/proc/x", "/proc/x/y", "file", "used", "."])
def test_output_that_cannot_be_written(
    onebit: Onebit, tiny_file: Path, tmp_path: Path, out: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").write_text("precious")
    before = tiny.tree(tmp_path)
    said = onebit("compile", tiny_file, "--out", out)
    said.refused(2, "cannot write to|is there already", "choose another folder with --out")
    onebit("train", "digits-mlp", "--epochs", 1, "--out", "file").refused(2, "cannot write", None)
    assert tiny.tree(tmp_path) == before


def test_output_through_a_link_keeps_the_link(
    onebit: Onebit, tiny_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for _ in range(2):
        assert onebit("compile", tiny_file, "--out", "link").code == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "net.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_cache_that_cannot_be_written(
    onebit: Onebit, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEBIT_CACHE", "/proc/x")
    onebit("simulate", "compiled").refused(2, "cannot write to '/proc/x'", "ONEBIT_CACHE")


# Compiled folders that were damaged

MEMORY = "mem/fc1_weights.mem"


def word_gone(text: str) -> str:
    return text.partition("\n")[2]


def next_bias(text: str) -> str:
    facts = json.loads(text)
    facts["layers"][-1]["bias"][0] += 1
    return json.dumps(facts)


def other_weight(text: str) -> str:
    facts = json.loads(text)
    rows = facts["layers"][1]["weights"]
    rows[0] = f"{int(rows[0], 16) ^ 1:02x}"
    return json.dumps(facts)


DAMAGE: dict[str, tuple[str, Callable[[str], str | None], str]] = {
    "edited net": ("net.json", lambda text: text.replace("1", "2", 1), "net.json: "),
    "edited weight": ("net.json", other_weight, "layers do not have the hash that it states"),
    "edited bias": ("net.json", next_bias, "layers do not have the hash that it states"),
    "cut net": ("net.json", lambda text: text[: len(text) // 2], "net.json: not a network"),
    "no net": ("net.json", lambda text: None, "neither a network|not a compiled"),
    "cut facts": ("compile.json", lambda text: text[:40], "not a compiled network"),
    "other facts": ("compile.json", lambda text: "[1]", "not a compiled network"),
    "no facts": ("compile.json", lambda text: None, "not a compiled network: .*compile.json"),
    "no folding": ("folding.toml", lambda text: None, "cannot read .*folding.toml"),
    "edited folding": (
        "folding.toml",
        lambda text: text.replace("pe = 3", "pe = 2", 1),
        "accelerator.sv' is not what net.json and folding.toml describe",
    ),
    "no memory": (MEMORY, lambda text: None, f"cannot read .*{MEMORY}"),
    "cut memory": (MEMORY, lambda text: text[:-2], f"{MEMORY}' holds"),
    "shorter memory": (MEMORY, word_gone, f"{MEMORY}' holds"),
    "empty memory": (MEMORY, lambda text: "", f"{MEMORY}' holds 0 words"),
    "text in memory": (MEMORY, lambda text: "x" + text[1:], f"{MEMORY}' .*damaged"),
    "no top": ("rtl/accelerator.sv", lambda text: None, "cannot read .*accelerator.sv"),
    "no unit": ("rtl/mvau.sv", lambda text: None, "Verilator refused"),
    "broken unit": ("rtl/mvau.sv", lambda text: text[:-20], "Verilator refused"),
    "no source": ("model.qonnx", lambda text: None, "model.qonnx' is not a file"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_folder_is_no_success(onebit: Onebit, compiled: Path, name: str) -> None:
    place, damage, error = DAMAGE[name]
    file = compiled / place
    text = file.read_text(errors="surrogateescape")
    damaged = damage(text)
    assert damaged != text
    file.unlink() if damaged is None else file.write_text(damaged, errors="surrogateescape")
    onebit("simulate", "compiled").refused(2, error, None)
    assert not (compiled / "simulation.json").exists()


# The corrupted threshold that every promise of `simulate` is about


@pytest.mark.parametrize("neuron", [0, tiny.HIDDEN - 1])
def test_corrupted_threshold_is_found_and_located(
    onebit: Onebit, tiny_file: Path, neuron: int
) -> None:
    """What `simulate` is for; the neuron gets the threshold of another one."""
    found = flow.compile_network(str(tiny_file), Path("out/tiny"), "pynq-z2", 1, None)
    layer = found.net.mvaus[0]
    assert layer.thresholds is not None
    thresholds = layer.thresholds.copy()
    thresholds[0, neuron] = thresholds[0, (neuron + 3) % tiny.HIDDEN]
    first, _, *rest = found.net.layers
    damaged = replace(found.net, layers=(first, replace(layer, thresholds=thresholds), *rest))
    file = found.out / "mem" / "fc1_thresholds.mem"
    file.write_text(memory.memories(damaged, found.folding)[file.name])

    said = onebit("simulate", "out/tiny", "--images", 50, "--json")
    assert said.code == 1, said
    facts = json.loads(said.out)
    place = facts["mismatch"]
    raw = trial.samples(found, 50, 0).raw
    want, got = (golden.trace(each, raw)["fc1"][:, neuron] for each in (found.net, damaged))
    wrong = np.flatnonzero(want != got)
    assert facts["mismatches"] == len(wrong) > 0
    assert (place["layer"], place["neuron"], place["image"]) == ("fc1", neuron, wrong[0])
    assert (place["expected"], place["got"]) == (want[wrong[0]], got[wrong[0]])
    assert (
        f"image {wrong[0]}, layer 'fc1', neuron {neuron}: expected {place['expected']}" in said.err
    )
    assert f"hint: look at the waveform {place['waveform']}" in said.err
    assert "$enddefinitions" in Path(place["waveform"]).read_text()
    written = json.loads((found.out / "simulation.json").read_text())
    assert written == {**facts, "shown": []}
