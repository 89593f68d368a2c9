"""Why a folding is as it is, as tables for the terminal: `compile --explain`, and `synth`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from onebit.calibration import RESOURCES, error
from onebit.tables import Facts, new_table


def explained(facts: Facts) -> Group:
    """What limits the rate, what of the board is scarce, the layers, and the next step up."""
    return Group(_layers(facts), _resources(facts), _why(facts))


def _layers(facts: Facts) -> RenderableType:
    """How busy each layer is, and what it takes with its FIFO and width converter."""
    shown = new_table(
        f"folding: {facts['ii_cycles']:,} cycles an image",
        *("layer", "PE x SIMD>", "memory", "cycles>", "busy>", "LUT>", "FF>", "BRAM18>", "DSP>"),
    )
    for row in facts["layers"]:
        shown.add_row(
            *(row["name"], f"{row['pe']} x {row['simd']}", row["memory"]),
            *(f"{row['cycles']:,}", f"{row['busy']:.0%}"),
            *(f"{cost:,}" for cost in row["cost"]),
            style="bold" if row["name"] in facts["slowest"] else None,
        )
    return shown


def _resources(facts: Facts) -> RenderableType:
    """What the folding takes of the board, and the next faster one."""
    step = facts["next"]
    later = [f"for {step['ii_cycles']:,} cycles>", "too many>"] if step else []
    shown = new_table(
        f"estimated resources, {facts['ceiling']:.0%} of the board at most",
        *("resource", "taken>", "of at most>", "share>", *later),
    )
    for at, row in enumerate(facts["resources"]):
        cells = [row["name"], f"{row['taken']:,}", f"{row['most']:,}"]
        cells.append(f"{row['taken'] / row['most']:.0%}")
        if step:
            wanted = step["resources"][at]
            cells += [f"{wanted['taken']:,}", f"{wanted['beyond']:,}" if wanted["beyond"] else "-"]
        shown.add_row(*cells, style="bold" if row["name"] == facts["scarce"] else None)
    return shown


def _why(facts: Facts) -> str:
    """The same in words."""
    slowest = [row for row in facts["layers"] if row["name"] in facts["slowest"]]
    lines = [
        f"The rate is limited by {_named(facts['slowest'])}; of the board by {_scarce(facts)}."
    ]
    step = facts["next"]
    if not step:
        least = [row["name"] for row in slowest if row["least"] == row["cycles"]]
        reason = f"{_named(least)} cannot be faster" if least else "the port gives no more"
        lines.append(f"There is no faster folding: {reason}.")
        return " ".join(lines)
    beyond = [row for row in step["resources"] if row["beyond"]]
    rate = f"{step['images_per_second']:,.0f} images/s"
    if beyond:
        lacks = ", ".join(f"{row['beyond']:,} {row['name']}" for row in beyond)
        lines.append(f"The next step up, {rate} in {step['ii_cycles']:,} cycles, lacks {lacks}.")
    else:
        lines.append(f"The next step up, {rate} in {step['ii_cycles']:,} cycles, would fit.")
    return " ".join(lines)


def _named(names: list[str]) -> str:
    return ", ".join(names)


def _scarce(facts: Facts) -> str:
    row = next(row for row in facts["resources"] if row["name"] == facts["scarce"])
    return f"{row['name']}, {row['taken'] / row['most']:.0%} of what may be taken"


def calibration(rows: Sequence[Facts]) -> RenderableType:
    """Estimates beside a synthesis, as `calibration.compared` pairs them."""
    title = "synthesis, in brackets the cost model"
    shown = new_table(title, "layer", "LUT>", "FF>", "BRAM36>", "DSP>", "LUT error>")
    for row in rows:
        pairs = [row[key] for key in RESOURCES]
        cells = [f"{found:,g} ({guess:,g})" if found or guess else "" for guess, found in pairs]
        off = f"{error(row['lut']):+.0%}" if row["lut"][1] else "-"
        shown.add_row(row["name"], *cells, off, style="bold" if row is rows[-1] else None)
    return shown
