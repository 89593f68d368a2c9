"""`onebit classify`: which word a clip is, where a recording has words, on PC or simulated FPGA."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape

from onebit import commands, listen, mfcc, plots_sound, recipe, system, tables
from onebit.errors import CheckFailed, ConfigError
from onebit.listen import HOP, THRESHOLD
from onebit.mfcc import Features, Sound

if TYPE_CHECKING:
    from onebit.flow import Compiled
    from onebit.listen import Heard
    from onebit.net import Net

LEAST_HOP = 0.01  # s


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `onebit classify` takes."""
    parser.add_argument("network", metavar="NET", help="a name, or a folder of ours, for sounds")
    parser.add_argument(
        "files", metavar="FILE.wav", nargs="+", type=Path, help="at any rate, mono or not"
    )
    parser.add_argument(
        "--rtl", action="store_true", help="also through the simulated accelerator, and compare"
    )
    parser.add_argument(
        "--hop",
        type=float,
        default=HOP,
        metavar="SECONDS",
        help=f"between the one-second windows of what is longer than a second ({HOP})",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=THRESHOLD,
        metavar="P",
        help=f"the least score of a detection, 0 to 1 ({THRESHOLD})",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the plots (out/listen/NET)"
    )


def classify(options: argparse.Namespace) -> int:
    """onebit classify NET FILE.wav [FILE.wav ...]"""
    if not LEAST_HOP <= options.hop <= 1:
        raise ConfigError(f"--hop {options.hop:g} is not in {LEAST_HOP}..1 seconds")
    if not 0 <= options.threshold <= 1:
        raise ConfigError(f"--threshold {options.threshold:g} is not in 0..1")
    chosen = commands.resolved(options.network, None)
    data, how = _sounds(chosen)
    compiled = commands.compiled_of(options.network) if options.rtl else None
    net = compiled.net if compiled else chosen.net()
    names = _names(data, how, net)
    folder = options.out or commands.OUT / "listen" / chosen.name
    clips: list[dict[str, Any]] = []
    recordings: list[dict[str, Any]] = []
    everything = []
    with commands.progress("listening", len(options.files)) as bar:
        for index, file in enumerate(options.files):
            sound = _read(file, how.rate)
            total = len(listen.windows(len(sound), how.rate, options.hop))
            heard = listen.hear(net, how, sound, options.hop, _telling(bar, index, file, total))
            if len(sound) <= how.rate:
                clips.append(_clip(file, heard, names))
            else:
                plot = _free(folder, file.stem, [row["plot"] for row in recordings])
                recordings.append(_recording(file, sound, heard, names, options.threshold, plot))
            if compiled:
                everything.append((file, heard))
    facts = {
        "network": chosen.name,
        "data": data,
        "net_hash": net.hash,
        "hop": options.hop,
        "threshold": options.threshold,
        "clips": clips,
        "recordings": recordings,
        "heard": listen.rate([(row["seconds"], len(row["detections"])) for row in recordings]),
        "rtl": _through_rtl(compiled, everything) if compiled else None,
    }
    commands.emit_json(facts) if options.json else commands.stdout.print(tables.classified(facts))
    if facts["rtl"]:
        _judge(facts["rtl"])
    return 0


def _sounds(chosen: commands.Resolved) -> tuple[str, Features]:
    """The data set and the features of a network that takes sounds."""
    from onebit import data

    if chosen.data is None or data.kind(chosen.data) != "sounds":
        known = [name for name in recipe.networks() if recipe.load(name).features]
        raise ConfigError(
            f"the network {chosen.name!r} is not known to take sounds",
            hint=f"those that do: {', '.join(known)}; any other in an .onnx file: name the folder "
            "that `onebit compile FILE --data SET` makes of it",
        )
    return chosen.data, chosen.features or Features()


def _names(data_name: str, how: Features, net: Net) -> tuple[str, ...]:
    """The names of the network's classes, which fit it as the features do, or ConfigError."""
    from onebit import data, trial

    trial.check_fit(data_name, (how.frames, how.coefficients, 1), net)
    return data.classes(data_name)


def _read(file: Path, rate: int) -> Sound:
    try:
        return mfcc.read(file, rate)
    except ValueError as reason:
        raise ConfigError(str(reason), hint="ffmpeg -i FILE new.wav makes a wav file") from None


def _telling(bar: commands.Bar, index: int, file: Path, total: int) -> Callable[[int], None]:
    """Shows how many of a file's windows are done, beside how many files."""
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        bar.to(index, f"{escape(file.name)}: {done:,} of {total:,} windows")

    return told


def _clip(file: Path, heard: Heard, names: Sequence[str]) -> dict[str, Any]:
    """The class of a sound of up to a second, and the score of each."""
    found = heard.scores[0].round(6).tolist()
    label = int(heard.outputs.classes[0])
    return {
        "file": str(file),
        "seconds": heard.seconds,
        "class": names[label],
        "score": found[label],
        "scores": dict(zip(names, found, strict=True)),
    }


def _recording(
    file: Path, sound: Sound, heard: Heard, names: Sequence[str], threshold: float, plot: Path
) -> dict[str, Any]:
    """What is detected in a longer sound, which is drawn too."""
    found = listen.detections(heard, names, threshold)
    drawing = plots_sound.recording(file.name, sound, heard, names, found, threshold)
    system.write_text(plot, drawing)
    commands.stderr.print(f"wrote {plot}", markup=False)
    return {
        "file": str(file),
        "seconds": heard.seconds,
        "windows": len(heard.starts),
        "plot": str(plot),
        "detections": [
            {
                "word": one.word,
                **{key: round(getattr(one, key), 3) for key in ("time", "start", "end")},
                "score": round(one.score, 6),
            }
            for one in found
        ],
    }


def _free(folder: Path, stem: str, taken: Sequence[str]) -> Path:
    """A name for a picture, numbered where another recording of this run is called so."""
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.svg" for number in count(1))
    return next(path for name in names if str(path := folder / name) not in taken)


def _through_rtl(compiled: Compiled, everything: Sequence[tuple[Path, Heard]]) -> dict[str, Any]:
    """Every window through the simulated accelerator, against golden."""
    from onebit import golden, simulate

    raw = np.concatenate([heard.raw for _, heard in everything])
    logits = np.concatenate([heard.outputs.logits for _, heard in everything])
    parts = compiled.out, compiled.net, compiled.folding
    with commands.stderr.status("building the simulator (cached by content)"):
        simulate.simulator(*parts)
    with commands.progress("windows through the RTL", len(raw)) as bar:
        elements = golden.encode(compiled.net.input, raw)
        found = simulate.run(*parts, elements, on_done=bar.advance)
    expected = golden.Outputs(logits=logits, classes=logits.argmax(axis=1))
    wrong = simulate.compare(found, expected)
    facts: dict[str, Any] = {"windows": len(raw), "agree": len(raw) - len(wrong), "mismatch": None}
    if len(wrong):
        places = [(str(file), start) for file, heard in everything for start in heard.starts]
        file, start = places[wrong[0]]
        place = simulate.locate(*parts, raw, int(wrong[0]))
        facts["mismatch"] = {"file": file, "start": float(start), **asdict(place)}
    return facts


def _judge(rtl: dict[str, Any]) -> None:
    """CheckFailed where the RTL left golden."""
    place = rtl["mismatch"]
    if place:
        raise CheckFailed(
            f"{rtl['windows'] - rtl['agree']} of {rtl['windows']} windows differ in the RTL; "
            f"first: {place['file']!r} from {place['start']:.2f} s, layer {place['layer']!r}, "
            f"{commands.where(place)}: expected {place['expected']}, got {place['got']}",
            hint=f"look at the waveform {place['waveform']} (gtkwave or surfer)",
        )
