"""What `onebit synth` prints: each layer's cells and longest path, and the part beside them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from onebit.netlist import COLUMNS
from onebit.tables import Facts, new_table

SLOW = 5  # modules listed with their time


def synthesised(facts: Facts) -> Group:
    """`onebit synth`"""
    shown: list[RenderableType] = [_layers(facts), _rest(facts)]
    if any(not row["cached"] for row in facts["modules"]):
        shown.append(_modules(facts))
    return Group(*shown)


def _layers(facts: Facts) -> Table:
    title = f"{facts['network']} by Yosys {facts['yosys']} for {facts['board']}; ns: an estimate"
    names = [f"{name}>" for name in COLUMNS.values()]
    table = new_table(title, "layer", *names, "levels>", "~ns>")
    for row in facts["layers"]:
        slowest, deepest = row["slowest"], row["deepest"]
        path = (str(deepest["levels"]), f"{slowest['ns']:.1f}") if slowest else ("", "")
        table.add_row(row["name"], *_cells(row), *path)
    table.add_section()
    path = (str(facts["deepest"]["levels"]), f"{facts['slowest']['ns']:.1f}")
    table.add_row("in all", *_cells(facts["total"]), *path, style="bold")
    of = facts["of"]
    table.add_row("part", *(f"{of[name]:,}" if name in of else "" for name in COLUMNS))
    shares = (
        f"{100 * facts['total'][name] / of[name]:.1f} %" if name in of else "" for name in COLUMNS
    )
    table.add_row("share", *shares)
    return table


def _cells(row: Facts) -> list[str]:
    return [f"{row[name]:,g}" if row[name] else "" for name in COLUMNS]


def _rest(facts: Facts) -> Table:
    deep, slow, check = facts["deepest"], facts["slowest"], facts["check"]
    table = new_table("its paths", "what", "value")
    table.add_row("most LUT levels", str(deep["levels"]))
    clock = f"{slow['ns']:.1f} ns, {1000 / slow['ns']:.0f} MHz"
    if (deep["start"], deep["end"]) != (slow["start"], slow["end"]):
        table.add_row("... from", deep["start"])
        table.add_row("... to", deep["end"])
    table.add_row("slowest, an estimate", clock)
    table.add_row("... from", slow["start"])
    table.add_row("... to", slow["end"])
    over = f"{facts['lut_estimate'] / max(1, facts['total']['lut']):.2f} of Yosys' count"
    table.add_row("LUTs that the folding assumed", f"{facts['lut_estimate']:,}, {over}")
    if check is not None:
        wrong = check["mismatches"]
        said = Text(f"{wrong:,} of {check['images']:,}", "bold red" if wrong else "bold green")
        table.add_row("images through the netlist that differ", said)
    return table


def _modules(facts: Facts) -> Table:
    made = [row for row in facts["modules"] if not row["cached"]]
    table = new_table("seconds of a core for modules not in the cache", "module", "for", "seconds>")
    for row in sorted(made, key=lambda row: -row["seconds"])[:SLOW]:
        table.add_row(row["name"], ", ".join(row["instances"]), f"{row['seconds']:.0f}")
    if len(made) > SLOW:
        rest = sum(sorted((row["seconds"] for row in made), reverse=True)[SLOW:])
        table.add_row(f"{len(made) - SLOW} more", "", f"{rest:.0f}")
    return table
