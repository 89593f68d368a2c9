"""The report's page: well-formed, self-contained, escaped, and honest about what failed."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from onebit.page import page

VOID = {"meta", "br", "hr", "img", "link", "input"}


def layer(name: str, kind: str, shape: str, cycles: int, bits: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "shape": shape,
        "pe": 3,
        "simd": 64,
        "fifo": 2,
        "cycles": cycles,
        "share": cycles / 6,
        "weight_bits": bits,
        "macs": bits,
        "element": "bit",
    }


def picture(
    channels: int, rows: list[str], label: int, found: int, names: Sequence[str]
) -> dict[str, Any]:
    """A sample image; names: of the label, of the class."""
    pixels = {"channels": channels, "pixels": rows}
    return {**pixels, "label": label, "class": found, "names": list(names)}


def simulation() -> dict[str, Any]:
    return {
        "samples": "digits, test set",
        "images": 360,
        "mismatches": 0,
        "source_equal": 360,
        "source_ties": [],
        "source_mismatches": [],
        "accuracy": 0.9527,
        "ii_cycles": 6.0,
        "ii_formula": 6,
        "latency_cycles": 47,
        "clock_mhz": 100.0,
        "images_per_second": 1e8 / 6,
        "latency_us": 0.47,
        "stall_percent": 0,
        "cycles": 2242,
        "seconds": 0.044,
        "shown": [
            picture(1, ["001010", "080800"], 5, 9, "59"),
            picture(1, ["000010", "000010"], 1, 1, "11"),
        ],
        "mismatch": None,
    }


@pytest.fixture
def facts() -> dict[str, Any]:
    return {
        "network": "digits-mlp",
        "command": "onebit compile digits-mlp",
        "out": "out/digits-mlp",
        "title": "Digits, 64-64-10",
        "onebit": "0.1.0",
        "net_hash": "6f1abf7fa28f1b3452fb6ed94eb17d12",
        "board": "pynq-z2",
        "part": "xc7z020clg400-1",
        "lut_estimate": 9650,
        "lut_board": 53200,
        "bram_estimate": 21,
        "bram_board": 140,
        "trained_accuracy": None,
        "roofline": {
            "macs": 4736,
            "macs_a_bit": 18.5,
            "achieved": 789.3,
            "port_bits": 64,
            "port": 1184.0,
            "roofs": [
                {"name": "LUTs", "macs": 55_000.0, "how": "53,200 LUTs, 0.97 a MAC"},
                {"name": "block RAM", "macs": 10_080.0, "how": "10,080 weight bits a cycle"},
            ],
        },
        "finn": [],
        "layers": [
            layer("input", "input", "64", 6),
            layer("fc1", "mvau", "64 -> 64", 6, 4096),
            layer("head", "head", "10 -> class", 3),
        ],
        "simulation": simulation(),
        "bench": None,
        "cpu": {
            "engine": "onnxruntime float32",
            "threads": 2,
            "batch": 360,
            "images_per_second": 3_083_908,
            "spread": [1_125_341, 3_924_347],
            "fpga_over_cpu": 5.404,
        },
        "on_board": None,
        "synthesis": None,
        "bitstream": None,
    }


def on_board(mismatches: int = 0) -> dict[str, Any]:
    return {
        "mismatches": mismatches,
        "images": 360,
        "latency": [10, 20],
        "cycles_per_image": 6.27,
        "ii_formula": 6,
        "images_per_second": 15_950_377,
        "clock_mhz": 100.0,
        "port_percent": 95.7,
        "stall_in_percent": 0.9,
        "stall_out_percent": 15.9,
    }


def built(timing: dict[str, Any] | None) -> dict[str, Any]:
    used = {"lut": (17_434, 53_200), "ff": (6968, 106_400), "bram36": (1, 140), "dsp": (3, 220)}
    return {
        "board": "pynq-z2",
        "part": "xc7z020clg400-1",
        "clock_mhz": 100.0,
        "utilisation": {name: {"used": used, "of": of} for name, (used, of) in used.items()},
        "utilisation_by": "Yosys, before placement",
        "timing": timing,
    }


class Reader(HTMLParser):
    """Checks that tags close in order; keeps attributes and visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f"{data} "


def read(facts: dict[str, Any]) -> Reader:
    """The page, read; its tags balance."""
    reader = Reader()
    reader.feed(page(facts))
    reader.close()
    assert reader.open == []
    reader.text = " ".join(reader.text.split())
    return reader


def test_says_what_was_proved_and_measured(facts: dict[str, Any]) -> None:
    text = read(facts).text
    assert "360 images through the RTL, 0 mismatches" in text
    assert "Golden equals the source graph on 360 of 360 images" in text
    assert "95.27%" in text and "16,666,667" in text and "4,096 bits" in text
    assert "onebit simulate out/digits-mlp --images all" in text


def test_needs_nothing_from_outside(facts: dict[str, Any]) -> None:
    made = page(facts)
    assert not re.search(r"https?:|//\w|@import|url\(|<script|<link|<img|<iframe", made)
    assert not [found for found in read(facts).attributes if found[1] in {"src", "href", "onload"}]


def test_equal_facts_give_equal_text(facts: dict[str, Any]) -> None:
    before = copy.deepcopy(facts)
    assert page(facts) == page(copy.deepcopy(before))
    assert facts == before


def test_text_is_escaped(facts: dict[str, Any]) -> None:
    evil = "<b>\"&'</b>"
    for key in ("title", "network", "board", "part", "onebit", "net_hash"):
        facts[key] = evil
    facts["simulation"]["samples"] = facts["cpu"]["engine"] = evil
    for row in facts["layers"]:
        row |= {"name": evil, "kind": evil, "shape": evil, "element": evil}
    facts["simulation"] |= {"mismatches": 1, "mismatch": dict.fromkeys(PLACE, evil)}
    assert evil not in page(facts)
    assert read(facts).text.count(evil) > 20


PLACE = {
    "image": 17,
    "layer": "fc1",
    "position": (),
    "neuron": 33,
    "expected": 1,
    "got": 0,
    "waveform": "out/digits-mlp/waves/image17.vcd",
}


def test_a_mismatch_is_placed(facts: dict[str, Any]) -> None:
    facts["simulation"] |= {"mismatches": 1, "mismatch": PLACE}
    made, text = page(facts), read(facts).text
    assert '<div class="verdict bad">' in made
    assert "360 images through the RTL, 1 mismatch " in text
    assert "bit for bit" not in text and "the error is the network's" not in text
    for name, value in PLACE.items():
        assert name == "position" or f"{name} {value} " in text


def test_a_mismatch_without_a_place_is_still_bad(facts: dict[str, Any]) -> None:
    facts["simulation"]["mismatches"] = 2
    assert '<div class="verdict bad">' in page(facts)
    assert "2 mismatches" in read(facts).text


def test_differences_from_the_source_are_listed(facts: dict[str, Any]) -> None:
    facts["simulation"] |= {"source_equal": 343, "source_ties": list(range(15))}
    assert '<div class="verdict second good">' in page(facts)
    assert "10, 11 and 3 more." in read(facts).text
    facts["simulation"]["source_mismatches"] = [40, 41]
    assert '<div class="verdict second bad">' in page(facts)
    assert "Another class on 2 images: 40, 41." in read(facts).text


def test_random_samples_have_no_accuracy(facts: dict[str, Any]) -> None:
    facts["simulation"] |= {"accuracy": None, "shown": [], "samples": "random, seed 0"}
    text = read(facts).text
    assert "not known samples: random, seed 0, without labels" in text
    assert "Sample images" not in text


def test_wrong_classes_are_marked(facts: dict[str, Any]) -> None:
    assert page(facts).count('<figure class="wrong">') == 1
    text = read(facts).text
    assert "9 not 5" in text and "1 is not the label" in text
    assert "the error is the network's" in text


def test_pixels_are_merged_into_runs(facts: dict[str, Any]) -> None:
    made = page(facts)
    assert 'fill-opacity="1" d="M1 0h2v1h-2z"' in made
    assert 'fill-opacity="0.53" d="M0 1h2v1h-2z"' in made


def test_colour_images_are_shown_as_they_are_with_the_names_of_classes(
    facts: dict[str, Any],
) -> None:
    rows = ["ff000000ff00", "0000ff102030"]
    sign = picture(3, rows, 14, 17, ["stop <sign>", "no entry"])
    facts["simulation"]["shown"] = [sign]
    found = read(facts)
    assert "no entry not stop <sign>" in found.text and "1 is not the label" in found.text
    (image,) = (value for tag, name, value in found.attributes if (tag, name) == ("img", "src"))
    head, _, coded = str(image).partition(",")
    assert head == "data:image/png;base64"
    shown = Image.open(BytesIO(base64.b64decode(coded)))
    assert (shown.mode, shown.size) == ("RGB", (2, 2))
    assert shown.tobytes().hex() == "".join(rows)


def test_luts_and_block_rams_are_estimates(facts: dict[str, Any]) -> None:
    text = read(facts).text
    assert "about 9,650 of 53,200 (18%)" in text and "about 21 of 140 (15%)" in text
    assert "nothing has been synthesised" in text


def test_stalls_are_said(facts: dict[str, Any]) -> None:
    facts["simulation"]["stall_percent"] = 30
    text = read(facts).text
    assert "measured, 30% stalls" in text and "at 100 MHz, with stalls" in text


@pytest.mark.parametrize("count", [1, 2, 6, 7, 30])
def test_a_pipeline_of_any_length_is_drawn(facts: dict[str, Any], count: int) -> None:
    facts["layers"] = [layer(f"layer{i}", "mvau", "8 -> 8", 6) for i in range(count)]
    boxes = [a for a in read(facts).attributes if a[:2] == ("rect", "class") and a[2] == "box"]
    assert len(boxes) == 2 * count


def test_the_board_is_shown_when_it_has_run(facts: dict[str, Any]) -> None:
    assert "simulated board" not in page(facts)
    for mismatches in (0, 2):
        made = page({**facts, "on_board": on_board(mismatches)})
        Reader().feed(made)
        assert f"360 images by driver, registers and DMA, {mismatches} mismatch" in made
        assert "6.27 cycles an image from start to done, 6 by the accelerator alone" in made


def test_what_the_tools_said_replaces_the_estimate(facts: dict[str, Any]) -> None:
    assert "nothing has been synthesised" in page(facts)
    for timing in (None, {"fmax_mhz": 67.5, "met": False}):
        made = page({**facts, "bitstream": built(timing)})
        Reader().feed(made)
        assert "nothing has been synthesised" not in made
        assert "<strong>17,434</strong> of 53,200 (32.8%)" in made
        assert ("67.5 MHz" in made) == (timing is not None)


def test_the_roofline_names_its_axes_its_roofs_and_what_is_achieved(facts: dict[str, Any]) -> None:
    shown = read(facts).text
    for says in (
        "MACs per bit of an image",
        "MACs per cycle",
        "port: 64 bits a cycle",
        "LUTs: 53,200 LUTs, 0.97 a MAC: 55,000",
        "block RAM: 10,080 weight bits a cycle: 10,080",
        "digits-mlp: 789",
        "67% of what LUTs and port allow",
    ):
        assert says in shown, says


def test_finns_estimates_stand_beside_ours(facts: dict[str, Any]) -> None:
    assert "FINN" not in page(facts)
    ours = {"name": "fc1", "pe": 43, "simd": 32, "cycles": 6, "lut": 1234, "bram18": 2}
    finns = {"pe": 32, "simd": 32, "cycles": 8, "lut": 9876, "bram18": 4}
    facts["finn"] = [ours | {f"finn_{key}": value for key, value in finns.items()}]
    shown = read(facts).text
    assert "FINN's estimates" in shown
    for number in ("43", "1,234", "9,876", "8"):
        assert number in shown
