"""What the commands of the HLS path print."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from onebit.tables import Facts, new_table, percent


def project(facts: Facts) -> Table:
    """`onebit hls`"""
    shown = new_table(f"{facts['network']} as Vitis HLS C++", "what", "value>")
    rows = [
        ("folder", facts["folder"]),
        ("part", facts["part"]),
        ("clock", f"{facts['clock_mhz']:g} MHz"),
        ("IP block", facts["ip"] or "not made"),
    ]
    for row in rows:
        shown.add_row(*row)
    return shown


def simulated(facts: Facts) -> Table:
    """`onebit simulate --hls`"""
    shown = new_table(f"{facts['network']} through the HLS C++", "what", "value>")
    wrong = facts["mismatches"]
    rows = [
        ("samples", facts["samples"]),
        ("images", f"{facts['images']:,}"),
        (
            "mismatches, HLS against golden",
            Text(f"{wrong:,}", "bold red" if wrong else "bold green"),
        ),
        ("accuracy", percent(facts["accuracy"])),
        ("C simulation", f"{facts['seconds']:.1f} s"),
    ]
    for row in rows:
        shown.add_row(*row)
    return shown
