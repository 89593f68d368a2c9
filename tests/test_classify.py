"""`onebit classify`: the word in a clip, words in a recording with times and a plot, the RTL."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.io import wavfile

import tiny
from loud import HOW, MEETING, NAMES, loudness, meeting, noise, quiet
from onebit import commands, commands_classify, flow
from onebit.mfcc import Features, Sound

Onebit = Callable[..., tiny.Said]


def put(name: str, sound: Sound, rate: int = HOW.rate) -> Path:
    """A wav file of 16 bits in the working folder."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.rint(32767 * sound.clip(-1, 1)).astype(np.int16))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`loudness` as training leaves it."""
    folder = tmp_path_factory.mktemp("trained") / "loud"
    folder.mkdir()
    tiny.write(folder / flow.MODEL, loudness())
    card = {"title": "loud or not", "data": "speech_happy", "features": asdict(HOW)}
    (folder / "card.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="module")
def accelerator(trained: Path) -> Path:
    """`loudness`, compiled; for reading."""
    out = trained.with_name("compiled")
    flow.compile_network(str(trained), out, "pynq-z2", None, None)
    return out


@pytest.fixture
def facts(onebit: Onebit, trained: Path) -> Callable[..., Any]:
    """Runs `onebit classify trained WORDS... --json`, which must succeed."""

    def run(*words: object) -> Any:
        said = onebit("classify", trained, *words, "--json")
        assert said.code == 0, said
        return json.loads(said.out)

    return run


def test_clips_have_a_class_and_a_score_for_each(facts: Callable[..., Any]) -> None:
    whole = put("whole.wav", noise(1))
    short, silent = put("b/short.wav", noise(0.6)), put("silent.wav", 0 * noise(0.2))
    found = facts(whole, short, silent)
    assert [row["file"] for row in found["clips"]] == ["whole.wav", "b/short.wav", "silent.wav"]
    assert [row["class"] for row in found["clips"]] == ["happy", "happy", "_other_"]
    for row in found["clips"]:
        assert tuple(row["scores"]) == NAMES and sum(row["scores"].values()) == pytest.approx(1)
        assert row["score"] == row["scores"][row["class"]] > 0.5
    assert found["recordings"] == [] and found["rtl"] is None
    assert found["heard"] == {"recordings": 0, "hours": 0, "detections": 0, "per_hour": None}
    assert not Path("out").exists(), "a clip is not drawn"


def test_a_recording_is_longer_than_a_second(facts: Callable[..., Any]) -> None:
    sound = noise(2)
    found = facts(put("one.wav", sound[: HOW.rate]), put("more.wav", sound[: HOW.rate + 1]))
    assert [row["file"] for row in found["clips"]] == ["one.wav"]
    assert [(row["file"], row["windows"]) for row in found["recordings"]] == [("more.wav", 2)]


def test_words_are_found_where_they_are(facts: Callable[..., Any]) -> None:
    found = facts(put("meeting.wav", meeting()))
    assert found["network"] == "loud" and found["data"] == "speech_happy"
    assert (found["hop"], found["threshold"]) == (0.1, 0.5)
    (row,) = found["recordings"]
    assert (row["seconds"], row["windows"]) == (10.0, 91)
    for one, (start, length) in zip(row["detections"], MEETING, strict=True):
        assert one["word"] == "happy" and one["score"] > 0.99
        assert one["time"] == pytest.approx(start + length / 2, abs=0.1)
        assert one["start"] < start and start + length < one["end"]
    heard = found["heard"]
    assert (heard["recordings"], heard["detections"]) == (1, 2)
    assert heard["per_hour"] == pytest.approx(720)


@pytest.mark.parametrize(("rate", "channels"), [(2000, 2), (4410, 1), (16_000, 2), (44_100, 3)])
def test_any_rate_and_channels_will_do(facts: Callable[..., Any], rate: int, channels: int) -> None:
    time = np.arange(10 * rate) * HOW.rate // rate  # steps, whose high frequencies go away
    put("meeting.wav", np.repeat(meeting()[time][:, np.newaxis], channels, axis=1), rate)
    (row,) = facts("meeting.wav")["recordings"]
    assert row["seconds"] == 10
    times = [one["time"] for one in row["detections"]]
    assert times == pytest.approx([start + length / 2 for start, length in MEETING], abs=0.1)


def test_hop_and_threshold_are_the_users(facts: Callable[..., Any]) -> None:
    file = put("meeting.wav", meeting())
    (row,) = facts(file, "--hop", 0.5)["recordings"]
    assert row["windows"] == 19 and len(row["detections"]) == 2
    assert facts(file, "--threshold", 1)["heard"]["detections"] == 0
    weak = facts(put("weak.wav", meeting((2.5, 0.25))), "--threshold", 0.2)
    assert weak["heard"]["detections"] == 1


def test_the_plot_is_whole_and_the_same_each_time(
    onebit: Onebit, facts: Callable[..., Any], tmp_path: Path
) -> None:
    put("a [1] & b.wav", meeting())
    (row,) = facts("a [1] & b.wav")["recordings"]
    assert row["plot"] == "out/listen/loud/a [1] & b.svg"
    drawn = Path(row["plot"]).read_bytes()
    assert facts(tmp_path / "a [1] & b.wav", "--out", "other")["recordings"]
    assert Path("other/a [1] & b.svg").read_bytes() == drawn, "not even the path is in it"
    words = [each.text for each in ElementTree.fromstring(drawn).iter() if each.text]
    assert {"a [1] & b.wav", "time, s", "score"} <= set(words)
    assert words.count("happy") == 3, "two detections and the legend"


def test_recordings_of_the_same_name_are_all_drawn(facts: Callable[..., Any]) -> None:
    files = [put(f"{folder}/a.wav", quiet(3)) for folder in "xyz"]
    found = facts(*files, "--out", "here")
    assert [row["plot"] for row in found["recordings"]] == [
        "here/a.svg",
        "here/a-2.svg",
        "here/a-3.svg",
    ]
    assert len(list(Path("here").iterdir())) == 3


def test_what_is_said_for_people(onebit: Onebit, trained: Path) -> None:
    meet, one = put("meeting.wav", meeting()), put("one.wav", noise(1))
    said = onebit("classify", trained, meet, one, put("quiet.wav", quiet(2)))
    assert said.code == 0
    assert [line.split()[1] for line in said.err.split("\n") if "wrote" in line] == [
        "out/listen/loud/meeting.svg",
        "out/listen/loud/quiet.svg",
    ]
    assert "svg" not in said.out
    lines = said.out.splitlines()
    assert any(line.split()[:2] == ["one.wav", "happy"] for line in lines)
    assert any(line.split()[:2] == ["meeting.wav", "2.75"] for line in lines)
    assert any("quiet.wav" in line and "no word" in line for line in lines)
    assert "0.0033 hours heard, 2 detections, 600.0 an hour" in " ".join(said.out.split())


def other_card(folder: Path, **changes: object) -> Path:
    """A copy of the trained network whose card says something else."""
    made = Path(shutil.copytree(folder, "copy"))
    card = json.loads((made / "card.json").read_text())
    (made / "card.json").write_text(json.dumps({**card, **changes}))
    return made


def test_networks_that_take_no_such_sounds_are_refused(
    onebit: Onebit, trained: Path, tiny_file: Path
) -> None:
    file = put("a.wav", noise(1))
    onebit("classify", "digits-mlp", file).refused(2, "digits-mlp.*take sounds", "kws-12.*--data")
    onebit("classify", tiny_file, file).refused(2, "'tiny' is not known to take sounds", "--data")
    onebit("classify", "nothing", file).refused(2, "'nothing' is neither", "kws-12")
    other = other_card(trained, features=asdict(replace(HOW, coefficients=5)))
    onebit("classify", other, file).refused(2, r"\(10, 5, 1\).*\(40,\)", "")
    shutil.rmtree(other)
    other = other_card(trained, data="speech_12")
    onebit("classify", other, file).refused(2, "12 classes, the network 2", "")


def test_without_features_those_of_the_data_set_are_meant() -> None:
    """As `onebit simulate` takes them for a foreign network that is compiled with --data."""
    chosen = commands.Resolved(name="x", data="speech_12", features=None, net=lambda: None)
    assert commands_classify._sounds(chosen) == ("speech_12", Features())


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--hop", 0], r"--hop 0 is not in 0\.01\.\.1 seconds"),
        (["--hop", 1.5], "--hop 1.5"),
        (["--hop", "nan"], "--hop nan"),
        (["--threshold", -0.1], r"--threshold -0\.1 is not in 0\.\.1"),
        (["--threshold", 1.1], "--threshold 1.1"),
        (["--threshold", "nan"], "--threshold nan"),
    ],
)
def test_numbers_out_of_range_are_refused(
    onebit: Onebit, trained: Path, words: list[object], error: str
) -> None:
    onebit("classify", trained, put("a.wav", noise(1)), *words).refused(2, error, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"no sound", "it is no wav"), (None, "it is truncated")],
    ids=["empty", "text", "truncated"],
)
def test_a_damaged_file_is_named(
    onebit: Onebit, trained: Path, content: bytes | None, reason: str
) -> None:
    good, bad = put("good.wav", noise(1)), put("own/bad.wav", noise(1))
    bad.write_bytes(bad.read_bytes()[:-100] if content is None else content)
    said = onebit("classify", trained, good, bad)
    said.refused(2, f"cannot read the sound 'own/bad.wav': {reason}", "ffmpeg")


def test_files_that_are_not_there(onebit: Onebit, trained: Path) -> None:
    onebit("classify", trained, "gone.wav").refused(2, "'gone.wav': No such file", None)
    onebit("classify", trained, ".").refused(2, "'.': Is a directory", None)
    onebit("classify", trained).refused(2, "required: FILE.wav", "onebit classify --help")
    file = put("a.wav", quiet(2))
    onebit("classify", trained, file, "--out", file).refused(2, "cannot write 'a.wav/a.svg'", None)


def test_the_rtl_says_the_same(onebit: Onebit, accelerator: Path) -> None:
    files = put("meeting.wav", meeting()), put("clip.wav", noise(0.7))
    said = onebit("classify", accelerator, *files, "--rtl", "--json")
    assert said.code == 0, said
    found = json.loads(said.out)
    assert found["net_hash"] == flow.read(accelerator).net.hash
    assert found["rtl"] == {"windows": 92, "agree": 92, "mismatch": None}
    assert found["heard"]["detections"] == 2 and found["clips"][0]["class"] == "happy"
    text = onebit("classify", accelerator, files[1], "--rtl").out
    assert "every logit: 1 of 1 windows" in text


def test_a_network_is_compiled_for_the_rtl_where_it_is_not_yet(
    onebit: Onebit, trained: Path
) -> None:
    words = ("classify", trained, put("clip.wav", noise(1)), put("long.wav", quiet(2)), "--rtl")
    first = onebit(*words)
    assert first.code == 0 and "compiling loud into out/loud" in first.err
    assert "every logit: 12 of 12 windows" in first.out
    again = onebit(*words)
    assert again.out == first.out and "compiling" not in again.err


def test_a_window_that_the_rtl_hears_otherwise_is_named(
    onebit: Onebit, accelerator: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(accelerator, tmp_path / "broken")
    memory = broken / "mem" / "fc1_weights.mem"
    words = memory.read_text()
    flipped = words.translate(str.maketrans("0123456789abcdef", "fedcba9876543210"))
    memory.write_text(flipped)
    files = put("clip.wav", noise(1)), put("meeting.wav", quiet(2))
    said = onebit("classify", broken, *files, "--rtl", "--json")
    assert said.code == 1 and "Traceback" not in said.err
    found = json.loads(said.out)["rtl"]
    assert found["windows"] == 12 and found["agree"] < 12
    assert found["mismatch"]["file"] == "clip.wav" and found["mismatch"]["layer"] == "fc1"
    assert "windows differ in the RTL; first: 'clip.wav' from 0.00 s, layer 'fc1'" in said.err
    assert Path(found["mismatch"]["waveform"]).is_file()
