"""Words in recordings: windows, scores, detections, false accepts, and their picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

import tiny
from loud import HOW, NAMES, loudness, meeting, noise, quiet
from onebit import golden, listen, mfcc, plots_sound
from onebit.golden import Outputs
from onebit.listen import Detection, Heard, detections
from onebit.lower import lower
from onebit.lower.runtime import execute
from onebit.net import Net


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    """The network of loud.py."""
    return lower(tiny.write(tmp_path_factory.mktemp("loud") / "loud.onnx", loudness())).net


def test_windows_reach_the_end_of_the_sound() -> None:
    for samples in (1, 99, 100):
        assert listen.windows(samples, 100, 0.1).tolist() == [0]
    assert listen.windows(101, 100, 0.1).tolist() == [0, 10]
    assert listen.windows(125, 100, 0.1).tolist() == [0, 10, 20, 30]
    assert listen.windows(300, 100, 1).tolist() == [0, 100, 200]
    for samples in range(101, 400):
        begins = listen.windows(samples, 100, 0.07)
        assert (np.diff(begins) == 7).all()
        assert begins[-2] + 100 < samples <= begins[-1] + 100


def test_scores_are_the_softmax_of_the_source(tiny_file: Path) -> None:
    found = lower(tiny_file).net
    raw = np.random.default_rng(2).integers(0, 16, (200, *found.input.shape))
    logits = execute(tiny_file, raw, found.input.raw_scale)
    got = listen.scores(found.head, golden.run(found, raw).logits)
    np.testing.assert_allclose(got, softmax(logits, axis=1), atol=0.01)
    np.testing.assert_allclose(got.sum(axis=1), 1)


def test_three_neighbours_are_averaged() -> None:
    column = np.array([[0.0], [0.6], [0.9], [0.3]])
    np.testing.assert_allclose(listen.smoothed(column)[:, 0], [0.3, 0.5, 0.6, 0.6])
    assert listen.smoothed(column[:1]).tolist() == [[0.0]]


WORDS = ("yes", "_unknown_", "no")


def heard(best: str, score: float = 0.9, hop: float = 0.1, seconds: float | None = None) -> Heard:
    """A recording whose windows say what `best` spells: y, n, or - for no word, as surely."""
    label = np.array(["y-n".index(letter) for letter in best])
    scores = np.full((len(best), 3), (1 - score) / 2)
    scores[np.arange(len(best)), label] = score
    starts = np.arange(len(best)) * hop
    return Heard(
        seconds=starts[-1] + 1 if seconds is None else seconds,
        starts=starts,
        raw=np.zeros((len(best), 1, 1, 1), np.int16),
        outputs=Outputs(logits=np.rint(100 * scores).astype(np.int64), classes=label),
        scores=scores,
    )


@pytest.mark.parametrize(
    ("best", "wanted"),
    [
        ("---------", []),
        ("---y-----", []),  # a single window of ten says little
        ("---yy----", [("yes", 0.3, 1.4)]),
        ("--yyyy---", [("yes", 0.2, 1.5)]),
        ("---y-y---", []),
        ("--yyyynnnn-", [("yes", 0.2, 1.5), ("no", 0.6, 1.9)]),
        ("--yyy----yyy--", [("yes", 0.2, 1.4), ("yes", 0.9, 2.1)]),
        ("--yyy-yyy--", [("yes", 0.2, 1.8)]),  # the average bridges a gap
        ("nn-------", [("no", 0.0, 1.1)]),
        ("-------nn", [("no", 0.7, 1.8)]),
    ],
)
def test_two_windows_in_a_row_make_a_detection(
    best: str, wanted: list[tuple[str, float, float]]
) -> None:
    found = [(one.word, round(one.start, 6), round(one.end, 6)) for one in _found(heard(best))]
    assert found == wanted


def _found(sound: Heard, threshold: float = 0.5) -> tuple[Detection, ...]:
    return detections(sound, WORDS, threshold)


def test_the_threshold_is_the_least_score() -> None:
    sound = heard("--yyyyyy--", score=0.8)
    assert _found(sound, 0.5)[0].score == pytest.approx(0.8)
    middle = [one.start for one in _found(sound, 0.79)]
    assert middle == pytest.approx([0.3]), "its ends are averaged with what is no word"
    assert not _found(sound, 0.81)
    even = heard("yyyy", score=0.5)
    assert len(_found(even, 0.5)) == 1, "as much as the threshold is enough"


def test_a_detection_ends_with_the_recording_and_lies_around_its_middle() -> None:
    (one,) = _found(heard("---yy", seconds=1.33))
    assert (one.start, one.end) == (pytest.approx(0.3), 1.33)
    assert one.time == pytest.approx((0.3 + 1.33) / 2)


def test_a_sound_is_heard_in_chunks(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = meeting()[: round(3.07 * HOW.rate)]
    monkeypatch.setattr(listen, "CHUNK", 4)
    done: list[int] = []
    found = listen.hear(net, HOW, sound, 0.25, done.append)
    assert done == [4, 4, 2] and found.seconds == pytest.approx(3.07)
    padded = np.pad(sound, (0, HOW.rate))
    each = [padded[at : at + HOW.rate] for at in range(0, 10 * 500, 500)]
    raw = mfcc.raw(np.stack(each), HOW)
    assert (found.raw == raw).all() and (found.starts == 0.25 * np.arange(10)).all()
    assert (found.outputs.logits == golden.run(net, raw).logits).all()
    assert (found.outputs.classes == golden.run(net, raw).classes).all()


def test_false_accepts_are_counted_by_the_hour(net: Net) -> None:
    found = listen.false_accepts(net, HOW, NAMES, iter([quiet(20), meeting(), noise(0.5)]))
    hours = 30.5 / 3600
    assert found == {
        "recordings": 3,
        "hours": pytest.approx(hours),
        "detections": 2,
        "per_hour": pytest.approx(2 / hours),
    }
    assert listen.false_accepts(net, HOW, NAMES, [])["per_hour"] is None
    assert listen.false_accepts(net, HOW, ("_a_", "_b_"), [meeting()])["detections"] == 0


def test_crowded_labels_give_way_to_the_surest() -> None:
    made = heard("--yyyy" + "nnnn" * 3 + "--")
    found = (
        Detection(word="yes", start=0.2, end=1.5, score=0.6),
        Detection(word="no", start=0.3, end=1.5, score=0.9),
    )
    drawn = plots_sound.recording("x", noise(3), made, WORDS, found, 0.5)
    assert (drawn.count(">yes<"), drawn.count(">no<")) == (1, 2)
    assert "_unknown_" not in drawn
