"""What the board's commands print, and the report, which ends with the board."""

from __future__ import annotations

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from onebit import tables_synth
from onebit.tables import Facts, layers, new_table, percent, rates, simulated

RESOURCES = {"lut": "LUTs", "ff": "flip-flops", "bram36": "block RAMs of 36 Kib", "dsp": "DSPs"}


def on_board(facts: Facts) -> Table:
    """`onebit simulate --board`"""
    shown = new_table(f"{facts['network']} on a simulated board", "what", "value>")
    low, high = facts["latency"]
    pauses = f", pauses in {facts['stall_percent']} %" if facts["stall_percent"] else ""
    rows = [
        ("images, by driver, registers, DMA", f"{facts['images']:,}"),
        ("different from golden", f"{facts['mismatches']:,}"),
        ("accuracy", percent(facts["accuracy"])),
        ("memory", f"answers in {low} to {high} cycles{pauses}"),
        ("cycles an image, start to done", f"{facts['cycles_per_image']:,.2f}"),
        ("... of the accelerator alone", f"{facts['ii_formula']:,}"),
        ("memory port used for images", f"{facts['port_percent']:.1f} %"),
        ("accelerator waits for images", f"{facts['stall_in_percent']:.1f} %"),
        ("... for room for results", f"{facts['stall_out_percent']:.1f} %"),
        (
            f"images/s at {facts['clock_mhz']:g} MHz",
            f"{facts['images_per_second']:,.0f}",
        ),
    ]
    for row in rows:
        shown.add_row(*row)
    return shown


def bitstream(facts: Facts) -> Table:
    """`onebit bitstream`"""
    shown = new_table(f"{facts['network']} on {facts['board']} ({facts['part']})", "what", "value>")
    shown.add_row("folder", facts["folder"])
    shown.add_row("bitstream", facts["bit"] or "none yet")
    rate = f"{facts['images_per_second']:,.0f} at {facts['clock_mhz']:g} MHz"
    shown.add_row("images/s, of the accelerator", rate)
    for name, of in (facts["utilisation"] or {}).items():
        used = f"{of['used']:,} ({of['used'] / of['of']:.1%} of the part)"
        shown.add_row(f"{RESOURCES[name]}, {facts['utilisation_by']}", used)
    if facts["timing"]:
        shown.add_row("fastest clock", f"{facts['timing']['fmax_mhz']:g} MHz")
    return shown


def deployed(facts: Facts) -> Table:
    """`onebit deploy`"""
    shown = new_table(f"{facts['network']} for a board", "what", "value>")
    shown.add_row("zip file", f"{facts['zip']} ({decimal(facts['bytes'])})")
    shown.add_row("bitstream", facts["bitstream"] or "none yet")
    shown.add_row("board and clock", f"{facts['board']}, {facts['clock_mhz']:g} MHz")
    shown.add_row("samples", f"{facts['samples']:,} ({facts['origin']})")
    return shown


def show_report(console: Console, facts: Facts) -> None:
    """`onebit report`"""
    console.print(layers(facts))
    console.print(simulated(facts["simulation"]))
    console.print(rates(facts))
    if facts["on_board"]:
        console.print(on_board(facts["on_board"]))
    if facts["synthesis"]:
        console.print(tables_synth.synthesised(facts["synthesis"]))
    if facts["bitstream"]:
        console.print(bitstream(facts["bitstream"]))
