"""`onebit deploy`: what is in the zip file, that it works on a board, what it refuses."""

from __future__ import annotations

import errno
import io
import json
import os
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock
from zipfile import ZipFile

import numpy as np
import pytest

import fake_pynq
import tiny
from fake_board import FakeBoard
from onebit import data, deploy, driver, flow, golden, system, trial
from onebit.mfcc import Features

Onebit = Callable[..., tiny.Said]
Files = dict[str, bytes]
ALWAYS = {"README.md", "demo.ipynb", "driver.py", "samples.npz", "tiny.json", "validate.py"}


def unzipped(file: Path) -> Files:
    with ZipFile(file) as opened:
        assert opened.testzip() is None
        assert all(name.startswith("tiny/") for name in opened.namelist())
        return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


def build(compiled: Path, **facts: Any) -> None:
    """What `onebit bitstream` leaves."""
    folder = compiled / "bitstream"
    folder.mkdir()
    (folder / "tiny.bit").write_bytes(b"the bitstream")
    told = {"net_hash": flow.read(compiled).net.hash, "board": "pynq-z1", "clock_mhz": 62.5}
    told |= {"timing": {"met": True, "fmax_mhz": 70}}
    (folder / "bitstream.json").write_text(json.dumps(told | facts))


@pytest.fixture
def on_board(
    onebit: Onebit, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder of the zip file, with a bitstream, on a board."""
    build(compiled)
    assert onebit("deploy", "compiled", "--out", "zips").code == 0
    with ZipFile(tmp_path / "zips" / "tiny.zip") as opened:
        opened.extractall(tmp_path / "board")
    pynq = fake_pynq.module(FakeBoard(flow.read(compiled)))
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    monkeypatch.syspath_prepend(tmp_path / "board" / "tiny")
    monkeypatch.delitem(sys.modules, "driver", raising=False)
    monkeypatch.chdir(tmp_path / "board" / "tiny")
    yield tmp_path / "board" / "tiny"
    sys.modules.pop("driver", None)


def validate(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of validate.py."""
    monkeypatch.setattr(sys, "argv", ["validate.py", *words])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(folder / "validate.py"), run_name="__main__")
    return int(end.value.code or 0)


def test_the_zip_file_has_all_but_the_bitstream(onebit: Onebit, compiled: Path) -> None:
    said = onebit("deploy", "compiled")
    assert said.code == 0 and "onebit bitstream compiled" in said.err
    files = unzipped(compiled / "deploy" / "tiny.zip")
    assert files.keys() == {*ALWAYS, "BITSTREAM-MISSING.txt"}
    assert "onebit bitstream compiled\n  onebit deploy compiled" in files[deploy.MISSING].decode()
    assert files["driver.py"] == (system.PACKAGE / "driver.py").read_bytes()


def test_the_bitstream_goes_in_with_its_board_and_clock(onebit: Onebit, compiled: Path) -> None:
    build(compiled)
    said = onebit("deploy", "compiled", "--json", "--images", 7, "--out", "zips")
    assert said.code == 0 and not said.err.replace("\n", "")
    facts = json.loads(said.out)
    files = unzipped(Path("zips/tiny.zip"))
    assert files.keys() == {*ALWAYS, "tiny.bit"} and files["tiny.bit"] == b"the bitstream"
    told = json.loads(files["tiny.json"])
    assert (told["board"], told["clock_mhz"]) == ("pynq-z1", 62.5)
    assert (facts["board"], facts["clock_mhz"], facts["samples"]) == ("pynq-z1", 62.5, 7)
    assert facts["bytes"] == Path("zips/tiny.zip").stat().st_size
    assert facts["bitstream"] == "compiled/bitstream/tiny.bit"


def test_a_bitstream_that_misses_its_clock_is_a_warning(onebit: Onebit, compiled: Path) -> None:
    build(compiled, timing={"met": False, "fmax_mhz": 50})
    said = onebit("deploy", "compiled")
    assert said.code == 0 and "not as fast as its clock of 62.5 MHz" in said.err


@pytest.mark.parametrize("facts", [{"net_hash": "12"}, {"clock_mhz": None}, {"timing": 5}])
def test_a_bitstream_of_another_network_is_refused(
    onebit: Onebit, compiled: Path, facts: dict[str, Any]
) -> None:
    build(compiled, **facts)
    said = onebit("deploy", "compiled")
    said.refused(2, "bitstream.json' does not belong to the network", "onebit bitstream compiled")
    assert not (compiled / "deploy").exists()


def test_the_same_network_gives_the_same_bytes(
    onebit: Onebit, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onebit("deploy", "compiled", "--out", "first").code == 0
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert onebit("deploy", "compiled", "--out", "second").code == 0
    assert Path("first/tiny.zip").read_bytes() == Path("second/tiny.zip").read_bytes()


def test_the_description_is_what_the_driver_reads(compiled: Path) -> None:
    read = flow.read(compiled)
    told = deploy.description(read)
    assert json.loads(json.dumps(told)) == told
    assert told.keys() >= driver.KEYS and told["input"].keys() >= driver.INPUT_KEYS
    assert told["format"] == driver.FORMAT and told["hash"] == read.net.hash
    assert told["classes"] == ["0", "1", "2"] and told["logits"]["classes"] == 3
    assert told["image_words"] == driver.Packer(told["input"]).words == 1
    assert told["result_words"] == 3 and told["features"] is None


def test_classes_have_the_names_of_the_data_set(compiled: Path) -> None:
    read = flow.read(compiled)
    for name in ("digits", None):  # of 10 classes, and of none; the network has 3
        found = deploy.class_names(replace(read, facts=read.facts | {"data": name}))
        assert found == ["0", "1", "2"]
    two = replace(read, net=SimpleNamespace(head=SimpleNamespace(classes=2)))
    found = deploy.class_names(replace(two, facts=read.facts | {"data": "speech_happy"}))
    assert found == list(data.classes("speech_happy"))


def test_a_network_of_sounds_gets_its_features(compiled: Path, tmp_path: Path) -> None:
    read = flow.read(compiled)
    heard = replace(read, facts=read.facts | {"features": asdict(Features(frames=25))})
    chosen = trial.samples(read, 5, 0)
    files = unzipped(deploy.write(heard, chosen, deploy.bitstream(heard), tmp_path))
    assert files["mfcc.py"] == (system.PACKAGE / "mfcc.py").read_bytes()
    assert json.loads(files["tiny.json"])["features"]["frames"] == 25


def test_samples_are_what_golden_says(onebit: Onebit, compiled: Path) -> None:
    assert onebit("deploy", "compiled", "--images", 12).code == 0
    files = unzipped(compiled / "deploy" / "tiny.zip")
    samples = np.load(io.BytesIO(files["samples.npz"]))
    wanted = golden.run(flow.read(compiled).net, samples["images"])
    assert samples["images"].shape == (12, 8) and samples["images"].dtype == np.uint8
    assert (samples["classes"] == wanted.classes).all()
    assert (samples["logits"] == wanted.logits).all() and "labels" not in samples


def test_labels_go_in_where_they_are_known(compiled: Path, tmp_path: Path) -> None:
    read = flow.read(compiled)
    chosen = replace(trial.samples(read, 4, 0), labels=np.array([0, 1, 2, 0]))
    files = unzipped(deploy.write(read, chosen, deploy.bitstream(read), tmp_path))
    assert np.load(io.BytesIO(files["samples.npz"]))["labels"].tolist() == [0, 1, 2, 0]


def test_pages_are_about_this_network(onebit: Onebit, compiled: Path) -> None:
    assert onebit("deploy", "compiled").code == 0
    files = unzipped(compiled / "deploy" / "tiny.zip")
    page = files["README.md"].decode()
    assert page.startswith("# tiny on the pynq-z2\n") and 'Accelerator("tiny.bit")' in page
    assert "(count, 8) from 0 to 15" in page and "NET" not in page
    assert flow.read(compiled).net.hash in page


def test_validation_passes_on_the_board(
    on_board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(on_board, monkeypatch, "--bench") == 0
    said = capsys.readouterr().out
    assert "tiny at 62.5 MHz: 100 of 100 images as expected" in said
    assert "end to end per second" in said


def test_validation_names_what_differs(
    on_board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = dict(np.load(on_board / "samples.npz"))
    samples["logits"][7, 1] += 1
    samples["classes"][9] += 1
    samples["labels"] = samples["classes"]
    np.savez(on_board / "samples.npz", **samples)
    assert validate(on_board, monkeypatch) == 1
    said = capsys.readouterr().out
    assert "98 of 100 images as expected" in said and "99 of 100 classes are the labels'" in said
    assert "image 7: class " in said and "image 9: class " in said


def test_validation_says_why_it_cannot_run(
    on_board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (on_board / "tiny.bit").unlink()
    assert validate(on_board, monkeypatch) == 2
    assert "error: there is no bitstream" in capsys.readouterr().err
    told = json.loads((on_board / "tiny.json").read_text()) | {"hash": "0" * 64}
    (on_board / "tiny.json").write_text(json.dumps(told))
    (on_board / "tiny.bit").touch()
    assert validate(on_board, monkeypatch) == 2
    assert "error: register HASH0 reads" in capsys.readouterr().err
    (on_board / "samples.npz").unlink()
    assert validate(on_board, monkeypatch) == 2
    assert "samples.npz" in capsys.readouterr().err


def test_the_notebook_runs_on_the_board(
    on_board: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [MagicMock() for _ in range(16)]
    plots = MagicMock()
    plots.subplots.return_value = MagicMock(), SimpleNamespace(flat=places)
    monkeypatch.setitem(sys.modules, "matplotlib", MagicMock(pyplot=plots))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plots)
    cells = json.loads((on_board / "demo.ipynb").read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert "100 of 100 as expected" in capsys.readouterr().out
    assert all(place.imshow.called for place in places)


def test_what_cannot_be_deployed_is_refused(
    onebit: Onebit, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onebit("deploy", "compiled", "--images", 0).refused(2, "--images 0 is not at least 1", None)
    onebit("deploy", "compiled", "--images", "some").refused(2, "invalid int value", "--help")
    onebit("deploy", "nothing").refused(2, "'nothing' is neither a network", "networks: ")
    before = tiny.tree(tmp_path)
    (tmp_path / "file").touch()
    onebit("deploy", "compiled", "--out", "file").refused(2, "cannot write 'file/tiny.zip'", None)
    (tmp_path / "file").unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        onebit("deploy", "compiled").refused(2, "tiny.zip': No space left", None)
    assert not any(tiny.tree(compiled / "deploy"))
    (compiled / "deploy").rmdir()
    assert tiny.tree(tmp_path) == before
    (compiled / flow.COMPILED).write_text("damaged")
    onebit("deploy", "compiled").refused(2, "'compiled' is not a compiled network", "onebit comp")
