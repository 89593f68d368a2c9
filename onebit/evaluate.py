"""What a network's integer model achieves on a data set: in all, by class, what it confuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onebit import golden
from onebit.data.parts import Split
from onebit.net import Net

Classes = NDArray[np.int64]


def evaluate(
    net: Net,
    test: Split,
    names: Sequence[str],
    on_done: Callable[[int], None] = lambda count: None,
) -> dict[str, Any]:
    """The facts of all images of `test`, whose classes have `names`, through golden."""
    found = golden.run(net, test.images, on_done).classes
    return scores(found, test.labels, names)


def balanced(found: Classes, labels: Classes) -> float:
    """The mean over the classes that occur of the share that is right."""
    right = found == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def scores(found: Classes, labels: Classes, names: Sequence[str]) -> dict[str, Any]:
    """The answers `found` against the labels.

    by_class has the classes that occur among the labels, confusions the most frequent first.
    """
    matrix = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(matrix, (labels, found), 1)
    images, right = matrix.sum(axis=1), matrix.diagonal()
    wrong = matrix - np.diag(right)
    pairs = sorted(np.argwhere(wrong).tolist(), key=lambda pair: -wrong[*pair])
    return {
        "images": len(labels),
        "accuracy": float(right.sum() / len(labels)),
        "balanced": balanced(found, labels),
        "classes": len(names),
        "classes_that_occur": int((images > 0).sum()),
        "by_class": [
            {
                "class": label,
                "name": names[label],
                "images": int(images[label]),
                "right": int(right[label]),
                "accuracy": float(right[label] / images[label]),
            }
            for label in np.flatnonzero(images).tolist()
        ],
        "confusions": [
            {
                "label": label,
                "label_name": names[label],
                "class": answer,
                "class_name": names[answer],
                "images": int(wrong[label, answer]),
            }
            for label, answer in pairs
        ],
    }
