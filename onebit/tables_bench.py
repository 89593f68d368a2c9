"""What `onebit bench` prints."""

from __future__ import annotations

from rich.console import Group

from onebit.tables import Facts, new_table


def benched(facts: Facts) -> Group:
    """`onebit bench`"""
    title = f"{facts['network']} on {facts['cpu']}, {facts['rounds']} rounds"
    columns = ("program", "threads>", "batch>", "images/s>", "spread>", "us>", "ratio>")
    shown = new_table(title, *columns)
    for row in facts["rows"]:
        low, high = row["quartiles"]
        shown.add_row(
            row["name"],
            str(row["threads"]),
            f"{row['batch']:,}",
            f"{row['images_per_second']:,.0f}",
            f"{50 * (high - low) / row['images_per_second']:.0f} %",
            f"{row['microseconds']:,.2f}",
            f"{row['over_onnxruntime']:.2f}",
        )
    others = new_table("not measured on this machine", "what", "images/s>", "how")
    for name, rate, how in beside(facts):
        others.add_row(name, "-" if rate is None else f"{rate:,.0f}", how)
    return Group(
        shown,
        "Medians; spread: half of what lies between the quartiles; us: an image's microseconds. "
        "Ratio: to onnxruntime on one thread, batch above 1, the median of the rounds' ratios.",
        others,
        _roofline(facts),
    )


def beside(facts: Facts) -> list[tuple[str, float | None, str]]:
    """(what, images a second, how they come about) of the FPGA and of the board's processor."""
    fpga, arm = facts["fpga"], facts["cortex"]
    clock = f"{fpga['clock_mhz']:g} MHz on {fpga['board']}"
    how = f"{fpga['cycles']:g} cycles an image by {fpga['how']}, {clock}"
    rows: list[tuple[str, float | None, str]] = [
        (f"FPGA, port of {fpga['port_bits']} bits a cycle", fpga["limited"], how),
        (
            "FPGA, its layers alone",
            fpga["unlimited"],
            f"{fpga['layer_cycles']:g} cycles by formula, {clock}",
        ),
    ]
    if "missing" in arm:
        return [*rows, ("Cortex-A9", None, arm["missing"])]
    counted = f"estimate: {arm['instructions']:,.0f} instructions an image (qemu), "
    counted += f"{arm['per_cycle']:g} a cycle assumed, {arm['clock_mhz']} MHz"
    return [*rows, ("Cortex-A9 of the board, one core", arm["images_per_second"], counted)]


def _roofline(facts: Facts) -> Group:
    roof = facts["roofline"]
    peaks = ", ".join(f"{name} {value / 1e9:,.0f}" for name, value in roof["peaks"].items())
    shown = new_table("products alone, one thread", "layer", "inputs", "10^9 MAC/s>", "of peak>")
    for row in roof["layers"]:
        share = f"{row['share']:.0%}" if row["bits"] else "-"
        kind = "bits" if row["bits"] else "8 bits"
        shown.add_row(row["name"], kind, f"{row['bits_per_second'] / 1e9:,.0f}", share)
    return Group(shown, f"Peak: XNOR, count and add of bits in registers, 10^9 a second: {peaks}.")
