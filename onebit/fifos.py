"""The smallest FIFO depths with which the accelerator keeps the interval of its slowest unit.

Found by simulating the accelerator itself: its FIFOs are replaced by ones whose depth is set when
the simulation starts, so that one build serves the whole search. A deeper FIFO never costs a cycle,
so each depth is found by bisection.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from onebit import emit, simulate, system, verilate
from onebit.cost import interval
from onebit.errors import CheckFailed
from onebit.folding import MOST_FIFO, Folding
from onebit.net import Input, Net
from onebit.reuse import rhythm, tail
from onebit.streams import fifo_stream

IMAGES, MEASURED = 24, 8  # simulated a trial, and those at the end that are timed
SETTLED = 4  # times the images in groups that are not full, at the start
FEWEST = 2  # beats that a FIFO holds
FREEDOM = 4  # times what suffices: the narrow FIFOs may grow while the wide ones shrink

Depths = dict[str, int]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trials:
    """A simulator of the accelerator, its folder, and what is streamed through."""

    program: Path
    folder: Path
    net: Net
    folding: Folding
    most: Depths

    def scaled(self, depths: Depths, factor: int) -> Depths:
        """Deeper FIFOs, none beyond a whole image."""
        return {name: min(self.most[name], factor * n) for name, n in depths.items()}

    def width(self, name: str) -> int:
        """Bits of a beat in the FIFO of a layer."""
        return fifo_stream(self.net, self.folding, name).width

    def keeps_interval(self, depths: Depths, images: int = IMAGES) -> bool:
        """Whether the accelerator with these depths is as fast as its slowest unit.

        Images may end in groups. What must not grow, from so many `measured` ones to as many more,
        is how far the latest is behind one that comes at each interval.
        """
        first, period = self.net.input, rhythm(self.net, self.folding)
        measured = MEASURED + -MEASURED % period
        last = tail(self.net, self.folding)
        images += 2 * (measured - MEASURED) + SETTLED * last
        elements = np.zeros((images + last, *first.shape), dtype=np.int64)
        found = simulate.through(
            self.program,
            self.folder,
            self.net,
            self.folding,
            elements,
            plusargs=[f"+TOP.accelerator.u_{name}_fifo={n}" for name, n in depths.items()],
            least=len(elements),
        )
        lag = found.last_out - np.arange(len(elements)) * interval(self.net, self.folding)
        before, after = np.split(lag[images - 2 * measured : images], 2)
        return bool(after.max() < before.max() + 0.5)


def sized(net: Net, folding: Folding, on_progress: Progress = lambda text: None) -> Folding:
    """The folding with the smallest FIFOs; MissingTool where no simulator can be built."""
    with tempfile.TemporaryDirectory() as scratch:
        trials = prepared(net, folding, Path(scratch))
        return with_depths(folding, _search(trials, on_progress))


def prepared(net: Net, folding: Folding, folder: Path) -> Trials:
    """A simulator whose FIFOs can be told their depth, in the empty folder `folder`."""
    most = {  # the beats of a whole image
        layer.name: min(MOST_FIFO, max(FEWEST, fifo_stream(net, folding, layer.name).beats))
        for layer in net.layers
        if not isinstance(layer, Input)
    }
    emit.write(net, with_depths(folding, most), folder)
    shutil.copyfile(system.share_dir("sim") / "sizing" / "fifo.sv", folder / "rtl" / "fifo.sv")
    program = verilate.build(emit.sources(folder), cycles=interval(net, folding))
    return Trials(program, folder, net, folding, most)


def with_depths(folding: Folding, depths: Depths) -> Folding:
    """The folding with other FIFO depths."""
    folds = {
        name: replace(fold, fifo=depths.get(name, FEWEST)) for name, fold in folding.layers.items()
    }
    return replace(folding, layers=folds)


def _search(trials: Trials, on_progress: Progress) -> Depths:
    """From depths that suffice, one FIFO after the other to the least that still does.

    The widest comes first: what has to be stored somewhere ends where a beat costs least.
    """
    depths = dict.fromkeys(trials.most, FEWEST)
    on_progress(f"all FIFOs with {FEWEST} entries")
    if trials.keeps_interval(depths, 2 * IMAGES):
        return depths
    guess = {name: trials.folding.layers[name].fifo for name in trials.most}
    depths = trials.scaled(_grown(trials, trials.scaled(guess, 1), 2 * IMAGES), FREEDOM)
    for name in sorted(depths, key=trials.width, reverse=True):
        enough, short = depths[name], FEWEST - 1
        trial = FEWEST  # most FIFOs need no more
        while short + 1 < enough:
            on_progress(f"{name}: {trial} of {enough} entries")
            if trials.keeps_interval({**depths, name: trial}):
                enough = trial
            else:
                short = trial
            trial = (short + enough) // 2
        depths[name] = enough
    on_progress("all FIFOs together")
    return _grown(trials, depths, 4 * IMAGES)  # a trial may be too short to see a shortage


def _grown(trials: Trials, depths: Depths, images: int) -> Depths:
    """The depths, doubled until they keep the interval over so many images."""
    while not trials.keeps_interval(depths, images):
        if depths == trials.most:
            raise CheckFailed(
                f"the accelerator takes more than {interval(trials.net, trials.folding)} cycles an "
                "image even with FIFOs of whole images",
                hint="please report this network and its folding",
            )
        depths = trials.scaled(depths, 2)
    return depths
