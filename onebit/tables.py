"""Facts as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Group, JustifyMethod, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from onebit import summary as summaries

Facts = dict[str, Any]
GALLERY = 8  # images side by side
SHADES = " .:*#"
WORST, CONFUSIONS = 3, 10  # classes and pairs of classes listed


def new_table(title: str, *columns: str) -> Table:
    """A table whose columns are right-aligned where they end in `>`."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        title_style="bold",
        padding=(0, 1, 0, 0),
    )
    for column in columns:
        side: JustifyMethod = "right" if column.endswith(">") else "left"
        table.add_column(column.rstrip(">"), justify=side, overflow="fold")
    return table


def percent(value: float | None) -> str:
    """A fraction as a percentage, `-` where there is none."""
    return "-" if value is None else f"{100 * value:.2f} %"


def networks(facts: Sequence[Facts]) -> Table:
    """`onebit list`"""
    table = new_table("", "network", "what it is", "weights>", "accuracy>", "data")
    for row in facts:
        weights = f"{row['parameters']:,}" if row["parameters"] else "-"
        accuracy = percent(row["test_accuracy"]) if row["trained"] else "not trained"
        table.add_row(row["network"], row["title"], weights, accuracy, row["data"])
    return table


def data_sets(facts: Sequence[Facts]) -> Table:
    """`onebit data`"""
    table = new_table(
        "", "data set", "what it is", "classes>", "train>", "test>", "how it lies there"
    )
    table.columns[0].no_wrap = True
    for row in facts:
        parts = row["parts"]
        cells = [_amount(parts[part]) if part in parts else "-" for part in ("train", "test")]
        layouts = sorted({part["layout"] for part in parts.values() if part["layout"]})
        table.add_row(
            row["data"], row["title"], str(row["classes"]), *cells, ", ".join(layouts) or "-"
        )
    return table


def data_set(facts: Facts) -> Table:
    """`onebit data NAME`"""
    table = new_table(f"{facts['data']}: {facts['title']}", "what", "")
    table.add_row("classes", str(facts["classes"]))
    for name, part in facts["parts"].items():
        where = f" in {part['where']}, {part['layout']}" if part["where"] else ""
        table.add_row(f"{name} {facts['kind']}", f"{_amount(part)}{where}")
    table.add_row("belongs into", facts["folder"])
    table.add_row("source", facts["source"])
    for file in facts["files"]:
        table.add_row("public file", f"{file['url']} ({decimal(file['bytes'])})")
    table.add_row("licence, source to cite", facts["licence"])
    return table


def _amount(part: Facts) -> str:
    """How many images of a part are there, and of how many where some are missing."""
    if part["state"] == "partial":
        return f"{part['images']:,} of {part['of']:,}"
    return f"{part['images']:,}" if part["state"] == "complete" else part["state"]


def trained(facts: Facts) -> Table:
    """`onebit train`"""
    table = new_table(f"{facts['network']}, trained", "what", "value>")
    table.add_row("validation accuracy", percent(facts["validation_accuracy"]))
    table.add_row("test accuracy, integer model", percent(facts["test_accuracy"]))
    table.add_row("epochs", str(facts["epochs"]))
    table.add_row("seconds", f"{facts['seconds']:.0f}")
    table.add_row("written to", str(facts["folder"]))
    return table


def nodes(facts: Sequence[Facts]) -> Table:
    """`onebit compile --explain`"""
    table = new_table("what each node of the source became", "node", "operator", "became")
    for row in facts:
        table.add_row(row["node"], row["op"], row["became"])
    return table


def compiled(facts: Facts) -> Table:
    """`onebit compile`"""
    done = "compiled" if facts["out"] else "can be compiled"
    table = new_table(f"{facts['network']}, {done}", "what", "value>")
    table.add_row("written to", facts["out"] or "nothing (--check)")
    given = ", if the FIFOs given suffice" if facts["fifos_given"] else ""
    table.add_row(f"II{given}", f"{facts['ii_cycles']:,} cycles")
    rate = f"{facts['images_per_second']:,.0f} at {facts['clock_mhz']:g} MHz"
    table.add_row("images/s", rate)
    share = facts["lut_estimate"] / facts["lut_board"]
    table.add_row("LUTs, a rough estimate", f"{facts['lut_estimate']:,} ({share:.0%} of the part)")
    share = facts["bram_estimate"] / facts["bram_board"]
    blocks = f"{facts['bram_estimate']:,} ({share:.0%} of the part)"
    table.add_row("block RAMs of 36 Kib, a rough estimate", blocks)
    if facts["head_pairs"]:
        table.add_row("near-ties of classes beyond 32-bit logits", f"{facts['head_pairs']:,}")
    if facts["unchecked"]:
        table.add_row("not compared with FINN", facts["unchecked"])
    if facts["ties"]:
        table.add_row("ties settled by the source, not FINN", f"{facts['ties']:,}")
    table.add_row("network hash", facts["net_hash"][:16])
    return table


def summary(facts: Facts) -> Group:
    """`onebit summary`"""
    columns, rows = summaries.table(facts)
    layers = new_table("", *columns)
    for row in rows[:-1]:
        layers.add_row(*row)
    layers.add_section()
    layers.add_row(*rows[-1], style="bold")
    sums = new_table("against the float network", "what", "value>")
    for name, value in summaries.totals(facts):
        sums.add_row(name, value)
    return Group(layers, sums, summaries.EXPLANATION.replace("\n", " "))


def evaluated(facts: Facts) -> Group:
    """`onebit evaluate`"""
    total = new_table(f"{facts['network']} on the test images of {facts['data']}", "what", "value>")
    total.add_row("accuracy, integer model", percent(facts["accuracy"]))
    total.add_row("balanced, the mean over the classes", percent(facts["balanced"]))
    total.add_row("images", f"{facts['images']:,}")
    total.add_row("classes that occur", f"{facts['classes_that_occur']} of {facts['classes']}")
    each = new_table("by class", "class>", "name", "images>", "right>", "accuracy>")
    for row in facts["by_class"]:
        counts = (f"{row['images']:,}", f"{row['right']:,}")
        each.add_row(str(row["class"]), row["name"], *counts, percent(row["accuracy"]))
    wrong = new_table("most frequent confusions", "images>", "label", "taken for")
    for row in facts["confusions"][:CONFUSIONS]:
        pair = ((str(row[key]), row[f"{key}_name"]) for key in ("label", "class"))
        wrong.add_row(f"{row['images']:,}", *(" ".join(dict.fromkeys(both)) for both in pair))
    worst = sorted(facts["by_class"], key=lambda row: row["accuracy"])[:WORST]
    said = ", ".join(f"{row['class']} ({percent(row['accuracy'])})" for row in worst)
    total.add_row("worst classes", said)
    return Group(total, each, *([wrong] if facts["confusions"] else []))


def classified(facts: Facts) -> Group:
    """`onebit classify`"""
    shown: list[RenderableType] = []
    if facts["clips"]:
        clips = new_table("clips of up to a second", "file", "class", "score>", "other classes")
        for row in facts["clips"]:
            others = sorted(row["scores"].items(), key=lambda pair: -pair[1])
            said = [f"{name} {percent(score)}" for name, score in others if name != row["class"]]
            clips.add_row(Text(row["file"]), row["class"], percent(row["score"]), ", ".join(said))
        shown.append(clips)
    if facts["recordings"]:
        words = new_table("words in recordings", "file", "at, s>", "within, s>", "word", "score>")
        for row in facts["recordings"]:
            for one in row["detections"]:
                at, within = f"{one['time']:.2f}", f"{one['start']:.2f}-{one['end']:.2f}"
                words.add_row(Text(row["file"]), at, within, one["word"], percent(one["score"]))
            if not row["detections"]:
                words.add_row(Text(row["file"]), "-", "-", "no word", "-")
        heard = facts["heard"]
        shown += [
            words,
            f"{heard['hours']:.4f} hours heard, {heard['detections']} detections, "
            f"{heard['per_hour']:,.1f} an hour: false accepts where nobody said a word",
        ]
    if facts["rtl"]:
        rtl = facts["rtl"]
        agree = f"{rtl['agree']:,} of {rtl['windows']:,} windows"
        shown.append(f"RTL = golden in class and every logit: {agree}")
    return Group(*shown)


def simulated(facts: Facts) -> Table:
    """`onebit simulate`"""
    table = new_table(f"{facts['network']} through the RTL", "what", "value>")
    for name, value in _proof(facts):
        table.add_row(name, value)
    return table


def _proof(facts: Facts) -> list[tuple[str, RenderableType]]:
    wrong = facts["mismatches"]
    source = f"{facts['source_equal']:,} of {facts['images']:,}"
    if facts["source_ties"]:
        source += f", ties {facts['source_ties']}"
    return [
        ("samples", facts["samples"]),
        ("images", f"{facts['images']:,}"),
        (
            "mismatches, RTL against golden",
            Text(f"{wrong:,}", "bold red" if wrong else "bold green"),
        ),
        ("golden's class = source network's", source),
        ("accuracy", percent(facts["accuracy"])),
        ("II, measured (formula)", f"{facts['ii_cycles']:,g} ({facts['ii_formula']:,}) cycles"),
        *([("pauses", f"{facts['stall_percent']} % of cycles")] if facts["stall_percent"] else []),
        ("latency", f"{facts['latency_cycles']:,} cycles, {facts['latency_us']:.2f} us"),
        ("images/s", f"{facts['images_per_second']:,.0f} at {facts['clock_mhz']:g} MHz"),
        ("simulated", f"{facts['cycles']:,} cycles in {facts['seconds']:.2f} s"),
    ]


def layers(facts: Facts) -> Table:
    """A row a layer."""
    table = new_table(
        facts["title"],
        "layer",
        "shape",
        "PE>",
        "SIMD>",
        "FIFO>",
        "cycles>",
        "of the II>",
        "weight bits>",
    )
    for row in facts["layers"]:
        bits = f"{row['weight_bits']:,}" if row["weight_bits"] else ""
        share = f"{100 * row['share']:.0f} %"
        numbers = (row["pe"], row["simd"], row["fifo"], row["cycles"])
        cells = (str(number) if number else "" for number in numbers)
        table.add_row(row["name"], row["shape"], *cells, share, bits)
    return table


def rates(facts: Facts) -> Table:
    """The accelerator and the CPU, images a second."""
    cpu, run = facts["cpu"], facts["simulation"]
    table = new_table("images/s", "where", "images/s>", "how")
    clock = f"accelerator alone, cycle-accurate, at {run['clock_mhz']:g} MHz on {facts['board']}"
    table.add_row("FPGA", f"{run['images_per_second']:,.0f}", clock)
    how = f"{cpu['engine']}, {cpu['threads']} threads, batch {cpu['batch']}, median, same run"
    table.add_row("CPU", f"{cpu['images_per_second']:,}", how)
    table.add_row("ratio", f"{cpu['fpga_over_cpu']:.1f}", "FPGA over CPU")
    return table


def gallery(shown: Sequence[Facts]) -> RenderableType:
    """A few images as the accelerator saw them, two pixels a character, with its answer."""
    if not shown:
        return Text("")
    pictures = [_picture(item) for item in shown[:GALLERY]]
    return Group(Text("real images, and what the RTL said of them", "bold"), Columns(pictures))


def _picture(item: Facts) -> Text:
    """In shades of its own brightness, coloured where the image is."""
    channels = item["channels"]
    rows = [bytes.fromhex(row) for row in item["pixels"]]
    step, top = max(1, len(rows) // 10), max(map(max, rows)) or 1
    text = Text()
    for row in rows[::step]:
        for x in range(0, len(row), channels * step):
            pixel = row[x : x + channels]
            shade = SHADES[4 * sum(pixel) // (channels * top)]
            text.append(2 * shade, "rgb({},{},{})".format(*pixel) if channels == 3 else "")
        text.append("\n")
    label, found = item["names"]
    right = item["class"] == item["label"]
    text.append(found, "bold green" if right else "bold red")
    text.append("" if right else f" (it is {label})")
    return text
