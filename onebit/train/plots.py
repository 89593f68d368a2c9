"""The two pictures of a network's page, drawn from its card: learning curves and confusions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# The same card gives the same bytes: no date, no random ids; text stays text, and small.
STYLE = {"svg.hashsalt": "onebit", "svg.fonttype": "none", "font.size": 8}


def svg(figure: Figure) -> str:
    """The figure as SVG text without trailing blanks."""
    content = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in content.getvalue().splitlines()) + "\n"


def curves(card: Mapping[str, Any]) -> str:
    """Loss and error of the training and validation images over the epochs."""
    curve = card["curve"]
    epochs = np.arange(1, len(curve["train_loss"]) + 1)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for part in ("train", "validation"):
            error = 100 * (1 - np.asarray(curve[f"{part}_accuracy"]))
            left.plot(epochs, curve[f"{part}_loss"], linewidth=0.9, label=part)
            right.plot(epochs, np.maximum(error, 0.01), linewidth=0.9, label=part)
        left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
        right.set(xlabel="epoch", ylabel="wrong, %", yscale="log")
        for axes in (left, right):
            axes.grid(visible=True, which="both", linewidth=0.3)
            axes.legend()
    return svg(figure)


def confusion(card: Mapping[str, Any]) -> str:
    """How often each class of the test set was taken for each other, as counts."""
    counts = np.asarray(card["confusion"])
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.6, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(wrong, cmap="Reds", vmin=0, vmax=max(1, wrong.max()) * 1.3)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                axes.text(column + 0.5, row + 0.5, str(count), ha="center", va="center", size=6)
        middles = np.arange(len(counts)) + 0.5
        axes.set_xticks(middles, card["classes"])
        axes.set_yticks(middles, card["classes"])
        axes.set(xlabel="the network says", ylabel="the image is", aspect="equal")
        axes.invert_yaxis()
    return svg(figure)
