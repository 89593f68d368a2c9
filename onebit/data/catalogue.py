"""The data sets that onebit knows: what they hold, where they come from, how they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from onebit import system
from onebit.data import speech
from onebit.data.digits import find_digits, find_mnist
from onebit.data.parts import Part
from onebit.data.signs import CLASSES, find_by_class, find_gtsrb

DIGITS = tuple("0123456789")
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
GTSRB = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
GOOGLE = "https://storage.googleapis.com/download.tensorflow.org/data/"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFile:
    """A file of a data set at its public address."""

    url: str
    md5: str  # as published, or as several independent users of the file give it
    size: int  # bytes

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A data set, whether it is there or not."""

    title: str
    classes: tuple[str, ...]
    kind: Literal["images", "sounds"] = "images"
    side: int | None = None  # of its images, in pixels; None where they differ
    # `train`, `validation`, `test`: what it has, and how many samples when complete, where set
    parts: Mapping[str, int | None]
    find: Callable[[str], Part]
    source: str  # where it comes from, and how to put it in place by hand
    licence: str
    files: Mapping[str, tuple[PublicFile, ...]] = field(default_factory=dict)  # by part
    folder: str | None = None  # that it lies in, where that is not its own name


SPEECH = PublicFile(
    url=GOOGLE + "speech_commands_v0.02.tar.gz",
    md5="6b74f3901214cb2c2934e98196829835",
    size=2_428_923_189,
)
SPEECH_SOURCE = (
    "speech_commands_v0.02.tar.gz, unpacked; tested with _silence_ too, where that folder of "
    "speech_commands_test_set_v0.02.tar.gz (same address) is put beside the words"
)
WARDEN = "CC BY 4.0; Warden, Speech Commands (2018)"

SETS: dict[str, Known] = {
    "digits": Known(
        title="handwritten digits, 8x8 pixels",
        classes=DIGITS,
        side=8,
        parts={"train": 1437, "test": 360},
        find=find_digits,
        source="comes with scikit-learn",
        licence="CC BY 4.0; Alpaydin and Kaynak, UCI (1998)",
    ),
    "mnist": Known(
        title="handwritten digits, 28x28 pixels",
        classes=DIGITS,
        side=28,
        parts={"train": 60_000, "test": 10_000},
        find=find_mnist,
        source="four *-ubyte.gz files, as everybody has them",
        licence="none stated; LeCun, Cortes and Burges (1998)",
        files={
            "train": (
                PublicFile(
                    url=MNIST + "train-images-idx3-ubyte.gz",
                    md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    size=9_912_422,
                ),
                PublicFile(
                    url=MNIST + "train-labels-idx1-ubyte.gz",
                    md5="d53e105ee54ea40749a09fcbcd1e9432",
                    size=28_881,
                ),
            ),
            "test": (
                PublicFile(
                    url=MNIST + "t10k-images-idx3-ubyte.gz",
                    md5="9fb629c4189551a2d022fa330f9573f3",
                    size=1_648_877,
                ),
                PublicFile(
                    url=MNIST + "t10k-labels-idx1-ubyte.gz",
                    md5="ec29112dd5afa0611ce80d1b7f02629c",
                    size=4_542,
                ),
            ),
        },
    ),
    "gtsrb": Known(
        title="German traffic signs",
        classes=CLASSES,
        parts={"train": 39_209, "test": 12_630},
        find=find_gtsrb,
        source="the three official zip files, unpacked or not; or Kaggle's "
        "gtsrb-german-traffic-sign (Train/, Test/, Train.csv, Test.csv)",
        licence="for research; Stallkamp, Schlipsing, Salmen and Igel, Man vs. computer (2012)",
        files={
            "train": (
                PublicFile(
                    url=GTSRB + "GTSRB_Final_Training_Images.zip",
                    md5="f33fd80ac59bff73c82d25ab499e03a3",
                    size=276_294_756,
                ),
            ),
            "test": (
                PublicFile(
                    url=GTSRB + "GTSRB_Final_Test_Images.zip",
                    md5="c7e4e6327067d32654124b0fe9e82185",
                    size=88_978_620,
                ),
                PublicFile(
                    url=GTSRB + "GTSRB_Final_Test_GT.zip",
                    md5="fe31e9c9270bbcd7b84b7f21a9d9d9e5",
                    size=99_620,
                ),
            ),
        },
    ),
    "belgium_ts": Known(
        title="Belgian traffic signs of GTSRB's classes",
        classes=CLASSES,
        parts={"test": None},
        find=partial(find_by_class, "belgium_ts"),
        source="BelgiumTSC_Testing.zip from https://btsd.ethz.ch/shareddata/, its images sorted by "
        "hand into folders named by GTSRB class, 0..42",
        licence="none stated; Timofte and Van Gool, Sparse representation of projections (2011)",
    ),
    "chinese_ts": Known(
        title="Chinese traffic signs of GTSRB's classes",
        classes=CLASSES,
        parts={"test": None},
        find=partial(find_by_class, "chinese_ts"),
        source="TSRD-Test.zip from http://www.nlpr.ia.ac.cn/pal/trafficdata/recognition.html, its "
        "images sorted by hand into folders named by GTSRB class, 0..42",
        licence="for research; Huang Linlin, Chinese Traffic Sign Database",
    ),
    "speech_happy": Known(
        title="the spoken word happy against other words and noise",
        classes=speech.HAPPY,
        kind="sounds",
        # words of v0.02, and cuts of its background recordings or the official test set's silence
        parts={"train": 84_843 + 472, "validation": 9_981 + 73, "test": 11_005 + 408},
        find=partial(speech.find_speech, "speech_happy"),
        source=SPEECH_SOURCE,
        licence=WARDEN,
        files=dict.fromkeys(("train", "validation", "test"), (SPEECH,)),
        folder=speech.FOLDER,
    ),
    "speech_12": Known(
        title="ten spoken commands, silence and other words",
        classes=speech.TWELVE,
        kind="sounds",
        parts={"train": None, "validation": None, "test": None},
        find=partial(speech.find_speech, "speech_12"),
        source=SPEECH_SOURCE,
        licence=WARDEN,
        files=dict.fromkeys(("train", "validation", "test"), (SPEECH,)),
        folder=speech.FOLDER,
    ),
    "speech_12_speakers": Known(
        title="the same within the official test clips, by speaker",
        classes=speech.TWELVE,
        kind="sounds",
        parts={"train": None, "test": None},
        find=partial(speech.find_speech, "speech_12_speakers"),
        source="speech_commands_v0.02.tar.gz, or the part of it that its two lists are cut to; and "
        "_silence_ of speech_commands_test_set_v0.02.tar.gz, put beside the words; both from "
        "http://download.tensorflow.org/data/. With all of it take speech_12",
        licence=WARDEN,
        folder=speech.FOLDER,
    ),
}


def home(name: str) -> Path:
    """Where the data set `name` belongs."""
    return system.data_dir() / (SETS[name].folder or name)
