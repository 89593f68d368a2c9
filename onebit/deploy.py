"""What a board gets: the network's description beside its bitstream, and one zip file of it all."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from onebit import cost, data, golden, system
from onebit.bitstream import FACTS, FOLDER, file_name
from onebit.errors import ConfigError
from onebit.flow import Compiled
from onebit.net import Int
from onebit.pack import ceil_div
from onebit.streams import output_stream
from onebit.trial import Samples

FORMAT = 1  # of the description; onebit/driver.py reads it
WORD = 64  # bits of the board's memory port
LOGITS_A_WORD = 2
MISSING = "BITSTREAM-MISSING.txt"
STATIC = ("validate.py", "demo.ipynb")  # of build/deploy/

HOW_TO_BUILD = """\
The bitstream {name}.bit is still to be built.

Where onebit and Vivado (or the open tools) are:
  onebit bitstream {folder}
  onebit deploy {folder}
The first makes {name}.bit, or says what it lacks; the second makes this zip file again, with it.
Or copy {name}.bit beside this file.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitstream:
    """What `onebit bitstream` left in the compiled folder.

    file: the .bit file, where a tool has made it; met: whether the tool says that it keeps its
    clock, None where nothing is known.
    """

    file: Path | None
    board: str
    clock_mhz: float
    met: bool | None


def description(compiled: Compiled, built: Bitstream | None = None) -> dict[str, Any]:
    """NET.json: all that onebit/driver.py must know of the network, as JSON data.

    Board and clock are the bitstream's where there is one, else the folding's.
    """
    net, folding = compiled.net, compiled.folding
    first, head = net.input, net.head
    stream = output_stream(net, folding, first.name)
    return {
        "format": FORMAT,
        "network": compiled.facts["network"],
        "title": compiled.facts["title"],
        "hash": net.hash,
        "board": built.board if built else folding.board,
        "clock_mhz": built.clock_mhz if built else folding.clock_mhz,
        "input": {
            "shape": list(first.shape),
            "raw_lo": first.raw_lo,
            "raw_step": first.raw_step,
            "table": first.table.tolist(),
            "bits": stream.bits,
            "signed": isinstance(first.element, Int) and first.element.signed,
            "vectors": stream.vectors,
            "n": stream.n,
            "lanes": stream.lanes,
        },
        "classes": class_names(compiled),
        "logits": {"classes": head.classes, "fraction": head.fraction},
        "image_words": ceil_div(stream.beats * stream.width, WORD),
        "result_words": ceil_div(head.classes, LOGITS_A_WORD) + 1,
        "features": None if compiled.features is None else asdict(compiled.features),
    }


def class_names(compiled: Compiled) -> list[str]:
    """What the classes stand for; their numbers where no data set says."""
    known = compiled.facts["data"]
    names = () if known is None else data.classes(known)
    if len(names) == compiled.net.head.classes:
        return list(names)
    return [str(number) for number in range(compiled.net.head.classes)]


def bitstream(compiled: Compiled) -> Bitstream:
    """The bitstream of the compiled folder; ConfigError where it is another network's."""
    folder = compiled.out / FOLDER
    facts = folder / FACTS
    folding = compiled.folding
    file = folder / f"{file_name(compiled)}.bit"
    there = file if file.is_file() else None
    if not facts.is_file():
        return Bitstream(file=there, board=folding.board, clock_mhz=folding.clock_mhz, met=None)
    try:
        told = json.loads(facts.read_text())
        if told["net_hash"] != compiled.net.hash:
            raise ValueError(f"it is of network {told['net_hash'][:12]}")
        timing = told["timing"]
        return Bitstream(
            file=there,
            board=str(told["board"]),
            clock_mhz=float(told["clock_mhz"]),
            met=None if timing is None else bool(timing["met"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise ConfigError(
            f"{str(facts)!r} does not belong to the network beside it: {reason}",
            hint=f"onebit bitstream {compiled.out}",
        ) from None


def write(compiled: Compiled, chosen: Samples, built: Bitstream, out: Path) -> Path:
    """Write the zip file with everything that a board needs into `out`, whole or not at all."""
    name = file_name(compiled)
    told = description(compiled, built)
    here = system.share_dir("build") / "deploy"
    files = {
        "README.md": readme(compiled, told, name, (here / "README.md").read_text()).encode(),
        f"{name}.json": (json.dumps(told, indent=1) + "\n").encode(),
        "driver.py": (system.PACKAGE / "driver.py").read_bytes(),
        "samples.npz": samples_file(compiled, chosen),
        **{each: (here / each).read_bytes() for each in STATIC},
    }
    if compiled.features is not None:
        files["mfcc.py"] = (system.PACKAGE / "mfcc.py").read_bytes()
    if built.file is None:
        files[MISSING] = HOW_TO_BUILD.format(name=name, folder=compiled.out).encode()
    else:
        files[f"{name}.bit"] = built.file.read_bytes()
    target = out / f"{name}.zip"
    system.write_bytes(target, zipped(name, files))
    return target


def zipped(folder: str, files: dict[str, bytes]) -> bytes:
    """A zip file of `files` in a folder: the same bytes whenever it is made."""
    out = io.BytesIO()
    with ZipFile(out, "w") as made:
        for name, content in sorted(files.items()):
            entry = ZipInfo(f"{folder}/{name}")  # dated 1980
            entry.external_attr = 0o644 << 16
            made.writestr(entry, content, ZIP_DEFLATED)
    return out.getvalue()


def samples_file(compiled: Compiled, chosen: Samples) -> bytes:
    """samples.npz: raw images, golden's classes and logits, and labels where these are known."""
    first = compiled.net.input
    high = first.raw_lo + first.raw_step * (len(first.table) - 1)
    limits = [(kind, np.iinfo(kind)) for kind in (np.uint8, np.int16, np.int32)]
    kind = next(kind for kind, of in limits if of.min <= first.raw_lo and high <= of.max)
    found = golden.run(compiled.net, chosen.raw)
    arrays = {
        "images": chosen.raw.astype(kind),
        "classes": found.classes,
        "logits": found.logits.astype(np.int32),
        "image_shape": np.array(chosen.shape),
    }
    if chosen.labels is not None:
        arrays["labels"] = chosen.labels.astype(np.int64)
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def readme(compiled: Compiled, told: dict[str, Any], name: str, rest: str) -> str:
    """README.md: what this network is, then what is the same for all."""
    rate = told["clock_mhz"] * 1e6 / cost.interval(compiled.net, compiled.folding)
    shape = ", ".join(map(str, told["input"]["shape"]))
    table = told["input"]["table"]
    high = told["input"]["raw_lo"] + told["input"]["raw_step"] * (len(table) - 1)
    return "\n".join(
        [
            f"# {name} on the {told['board']}",
            "",
            f"{told['title'] or told['network']}: {len(told['classes'])} classes of samples "
            f"(count, {shape}) from {told['input']['raw_lo']} to {high}; {rate:,.0f} a second at "
            f"{told['clock_mhz']:g} MHz, for the accelerator alone.",
            f"Network {told['hash']}, compiled by `{compiled.facts['command']}`.",
            "",
            rest.replace("NET", name),
        ]
    )
