"""The report's section on synthesis: each layer's cells and its longest path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onebit.netlist import COLUMNS
from onebit.page_svg import plural, text

Facts = Mapping[str, Any]


def synthesised(facts: Facts) -> str:
    """What of the part each layer takes by Yosys, and how long its paths are."""
    titles = [*COLUMNS.values(), "levels", "ns, estimate"]
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(_row(row) for row in facts["layers"] if row["slowest"])
    total = facts["total"] | {"deepest": facts["deepest"], "slowest": facts["slowest"]}
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Synthesis">\n<table>\n'
        f'<thead><tr><th scope="col" class="text">layer</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n"
        f'<tfoot><tr><td class="text">in all</td>{_cells(total)}</tr>\n'
        f'<tr><td class="text">of {text(facts["board"])}</td>{_shares(facts)}</tr></tfoot>\n'
        f"</table>\n</div>\n{_paths(facts)}{_check(facts['check'])}"
    )


def _row(row: Facts) -> str:
    return f'<tr><th scope="row" class="text">{text(row["name"])}</th>{_cells(row)}</tr>\n'


def _cells(row: Facts) -> str:
    numbers = "".join(f"<td>{row[name]:,g}</td>" for name in COLUMNS)
    return f"{numbers}<td>{row['deepest']['levels']}</td><td>{row['slowest']['ns']:.1f}</td>"


def _shares(facts: Facts) -> str:
    of, total = facts["of"], facts["total"]
    shares = (f"{total[name] / of[name]:.1%}" if name in of else "" for name in COLUMNS)
    return "".join(f"<td>{share}</td>" for share in [*shares, "", ""])


def _paths(facts: Facts) -> str:
    deep, slow = facts["deepest"], facts["slowest"]
    return (
        f"<p>Most LUT levels: {deep['levels']}, from <code>{text(deep['start'])}</code> to "
        f"<code>{text(deep['end'])}</code>. Slowest by an estimate that knows no placement: "
        f"{slow['ns']:.1f} ns ({1000 / slow['ns']:.0f} MHz), from "
        f"<code>{text(slow['start'])}</code> to <code>{text(slow['end'])}</code>.</p>\n"
        f'<p class="soft">By Yosys (pyosys {text(facts["yosys"])}), each module apart, before '
        "placement. A layer is its unit, its FIFO and its width converter. LUTs used as memory are "
        "among the LUTs. A chain of carries counts as one level.</p>\n"
    )


def _check(check: Facts | None) -> str:
    if check is None:
        return ""
    wrong = check["mismatches"]
    return (
        f'<div class="verdict second {"bad" if wrong else "good"}">\n<strong>'
        f"{plural(check['images'], 'image')} through the netlist, {plural(wrong, 'mismatch')}"
        f'</strong>\n<p class="soft">The synthesised cells of all layers, simulated: every logit '
        "and class against golden.</p>\n</div>\n"
    )
