"""The data sets that onebit knows: what they hold, where they come from, how they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from onebit.data.digits import find_digits, find_mnist
from onebit.data.parts import Part
from onebit.data.signs import CLASSES, find_by_class, find_gtsrb

DIGITS = tuple("0123456789")
MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
GTSRB = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"


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
    side: int | None  # of its images, in pixels; None where they differ
    parts: Mapping[str, int | None]  # `train`, `test`: images when complete, where that is set
    find: Callable[[str], Part]
    source: str  # where it comes from, and how to put it in place by hand
    licence: str
    files: Mapping[str, tuple[PublicFile, ...]] = field(default_factory=dict)  # by part


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
        side=None,
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
        side=None,
        parts={"test": None},
        find=partial(find_by_class, "belgium_ts"),
        source="BelgiumTSC_Testing.zip from https://btsd.ethz.ch/shareddata/, its images sorted by "
        "hand into folders named by GTSRB class, 0..42",
        licence="none stated; Timofte and Van Gool, Sparse representation of projections (2011)",
    ),
    "chinese_ts": Known(
        title="Chinese traffic signs of GTSRB's classes",
        classes=CLASSES,
        side=None,
        parts={"test": None},
        find=partial(find_by_class, "chinese_ts"),
        source="TSRD-Test.zip from http://www.nlpr.ia.ac.cn/pal/trafficdata/recognition.html, its "
        "images sorted by hand into folders named by GTSRB class, 0..42",
        licence="for research; Huang Linlin, Chinese Traffic Sign Database",
    ),
}
