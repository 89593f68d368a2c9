"""What the board's commands print."""

from __future__ import annotations

from rich.table import Table

from onebit.tables import Facts, new_table, percent


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
