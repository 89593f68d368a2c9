"""The report's sections on the simulated board and on what the tools made of the whole design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onebit.page_svg import plural, text

Facts = Mapping[str, Any]
RESOURCES = {"lut": "LUT", "ff": "flip-flop", "bram36": "block RAM of 36 Kib", "dsp": "DSP"}


def on_board(facts: Facts) -> str:
    """Images through the driver, the registers and the DMA."""
    wrong, images = facts["mismatches"], plural(facts["images"], "image")
    low, high = facts["latency"]
    return (
        f'<div class="verdict {"bad" if wrong else "good"}">\n'
        f"<strong>{images} by driver, registers and DMA, {plural(wrong, 'mismatch')}</strong>\n"
        f"<p>{facts['cycles_per_image']:,.2f} cycles an image from start to done, "
        f"{facts['ii_formula']:,} by the accelerator alone: "
        f"{facts['images_per_second']:,.0f} images/s at {facts['clock_mhz']:g} MHz.</p>\n"
        f'<p class="soft">The memory answers in {low} to {high} cycles; images use '
        f"{facts['port_percent']:.1f}% of its port. The accelerator waits for images in "
        f"{facts['stall_in_percent']:.1f}% of the cycles, for room for results in "
        f"{facts['stall_out_percent']:.1f}%.</p>\n</div>\n"
    )


def size(facts: Facts) -> str:
    """The best that is known of what the design takes of the part."""
    made = facts["synthesis"]
    if facts["bitstream"]:
        return built(facts["bitstream"])
    if made:
        by = "Yosys, the accelerator alone"
        used = {name: {"used": made["total"][name], "of": of} for name, of in made["of"].items()}
        return built({**made, "utilisation": used, "utilisation_by": by, "timing": None})
    return (
        f"{_estimated(facts, 'LUT', 'lut')}{_estimated(facts, 'block RAM of 36 Kib', 'bram')}"
        '<p class="soft">Rough estimates from the folding: nothing has been synthesised.</p>'
    )


def _estimated(facts: Facts, what: str, key: str) -> str:
    """How much of the board's part the folding takes, by an estimate."""
    used, there = facts[f"{key}_estimate"], facts[f"{key}_board"]
    share = used / there
    return (
        f'<div class="race lut"><div><span>{what} estimate, {text(facts["board"])}</span><span>'
        f"about <strong>{used:,}</strong> of {there:,} ({share:.0%})</span></div>"
        f'<span class="bar long"><i style="width: {min(share, 1):.1%}"></i></span></div>\n'
    )


def built(facts: Facts) -> str:
    """What of the part the whole design takes, and how fast it may run."""
    bars = "".join(_used(name, of) for name, of in facts["utilisation"].items())
    where = f"{text(facts['board'])}, {text(facts['part'])}: {text(facts['utilisation_by'])}."
    timing = facts["timing"]
    clock = "" if timing is None else f" Fastest clock: <strong>{timing['fmax_mhz']:g} MHz</strong>"
    asked = "" if timing is None else f", asked for {facts['clock_mhz']:g} MHz."
    return f'{bars}<p class="soft">{where}{clock}{asked}</p>'


def _used(name: str, of: Facts) -> str:
    share = of["used"] / of["of"]
    return (
        f'<div class="race lut"><div><span>{RESOURCES[name]}</span><span><strong>'
        f"{of['used']:,}</strong> of {of['of']:,} ({share:.1%})</span></div>"
        f'<span class="bar long"><i style="width: {min(share, 1):.1%}"></i></span></div>\n'
    )
