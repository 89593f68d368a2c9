"""The report's facts as one self-contained HTML page: inline CSS and SVG, no script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

Facts = dict[str, Any]

GREY_LEVELS = 15  # of a sample picture; one SVG path each
INDICES_LISTED = 12
BOX, GAP, TALL, DROP = 124, 48, 104, 40  # pipeline: a stage's width, the gap, its height, the drop
WIDE, NARROW = 6, 2  # stages in a row of the pipeline, on a screen and on a phone

CSS = """
:root { color-scheme: light dark; --paper: #fff; --ink: #16202a; --soft: #55626f; --line: #dde3e9;
  --fill: #f4f6f9; --accent: #1d5fa8; --good: #0b6b43; --bad: #b3261e; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #0f151b; --ink: #e3e9ef;
  --soft: #9caab7; --line: #2b3641; --fill: #182028; --accent: #78b2f5; --good: #62d199;
  --bad: #ff8d83; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 1060px; margin: 0 auto; padding: 3.5rem 1.5rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .6rem; }
h2 { font-size: 1.15rem; margin: 0 0 1rem; }
section { margin-top: 3.5rem; }
p { margin: .6rem 0; max-width: 46rem; }
.soft, figcaption, th, dt { color: var(--soft); }
.soft { font-size: .92rem; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: 0; font-size: .92rem; }
.facts div { display: flex; gap: .4rem; }
dd { margin: 0; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .9em; }
code { overflow-wrap: anywhere; }
pre { background: var(--fill); border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0;
  padding: 1rem 1.2rem; overflow-x: auto; line-height: 1.7; }
.verdict { margin-top: 2.2rem; padding: .2rem 0 .2rem 1.4rem; border-left: 5px solid var(--tone); }
.verdict strong { display: block; color: var(--tone); font-size: 1.75rem; line-height: 1.25;
  letter-spacing: -.01em; }
.second { margin-top: 1.3rem; }
.second strong { font-size: 1.1rem; letter-spacing: 0; }
.good { --tone: var(--good); } .bad { --tone: var(--bad); }
.place { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem;
  margin: .8rem 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 1px;
  margin: 0; background: var(--line); border: 1px solid var(--line); border-radius: 8px;
  overflow: hidden; }
.tiles div { background: var(--paper); padding: 1.1rem 1.2rem; }
.tiles dt, .tiles .soft { font-size: .85rem; }
.tiles .value { font-size: 1.6rem; line-height: 1.35; font-weight: 600; letter-spacing: -.02em;
  white-space: nowrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; white-space: nowrap; }
th { font-weight: 500; font-size: .85rem; }
th, td { text-align: right; padding: .55rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.text { text-align: left; }
tbody th { font-weight: 600; font-size: inherit; color: var(--ink); }
tfoot td { border: 0; font-weight: 600; }
.bar { display: inline-block; width: 5rem; height: .55rem; border-radius: 2px;
  background: var(--line); margin-right: .6rem; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--accent); }
.long { display: block; width: 100%; height: 1.1rem; margin: .3rem 0 .2rem; position: relative;
  background: none; overflow: visible; }
.long i { border-radius: 2px; min-width: 2px; }
.long .cpu { background: var(--soft); }
.long b { position: absolute; top: -.2rem; bottom: -.2rem; border: solid var(--ink);
  border-width: 0 1.5px; }
.long b::after { content: ""; position: absolute; left: 0; right: 0; top: 50%;
  border-top: 1.5px solid var(--ink); }
.race { margin: 0 0 1.2rem; }
.race div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.lut { max-width: 30rem; }
.lut .bar { background: var(--line); border-radius: 2px; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); gap: 1rem; }
figure { margin: 0; }
.gallery svg { display: block; width: 100%; border: 1px solid var(--line); border-radius: 4px;
  background: var(--fill); }
figcaption { font-size: .85rem; padding-top: .3rem; }
figcaption b { color: var(--ink); font-size: 1rem; }
.wrong svg { border-color: var(--bad); box-shadow: 0 0 0 1px var(--bad); }
.wrong figcaption, .wrong b { color: var(--bad); }
svg text { font-family: inherit; }
.pipe { display: block; width: 100%; }
.narrow { display: none; }
.pipe .box { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; }
.pipe .end { fill: var(--fill); }
.pipe .track { fill: var(--line); } .pipe .busy { fill: var(--accent); }
.pipe .wire { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.pipe .tip { fill: var(--soft); }
.pipe text { fill: var(--soft); font-size: 12px; }
.pipe .name { fill: var(--ink); font-size: 15px; font-weight: 600; }
.pipe .type { font-size: 11px; text-anchor: middle; }
@media screen and (max-width: 640px) { main { padding: 2rem 1.1rem 3rem; }
  h1 { font-size: 1.6rem; } .verdict strong { font-size: 1.4rem; }
  .second strong { font-size: 1.05rem; } section { margin-top: 2.6rem; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles div { padding: .8rem; }
  .tiles .value { font-size: 1.2rem; } .wide { display: none; }
  .narrow { display: block; max-width: 24rem; margin: 0 auto; }
  .gallery { grid-template-columns: repeat(4, 1fr); gap: .7rem; } }
@media print { @page { margin: 15mm; } main { padding: 0; max-width: none; } body { font-size: 10pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .tiles { grid-template-columns: repeat(3, 1fr); } .scroll { overflow: visible; }
  section { margin-top: 2rem; } h2 { break-after: avoid; }
  figure, tr, .tiles div, .verdict, .race, pre, .pipe { break-inside: avoid; } }
"""


def page(facts: Facts) -> str:
    """The report as HTML; equal facts give equal text."""
    simulated: Facts = facts["simulation"]
    sections = [
        _head(facts),
        _verdict(simulated),
        _section("Key figures", _tiles(facts)),
        _section("Pipeline", _pipelines(facts)),
        _section("Layers", _layers(facts["layers"])),
        _section("Sample images", _gallery(simulated)) if simulated["shown"] else "",
        _section("FPGA and CPU", _race(facts)),
        _section("Size", _size(facts)),
        _section("Reproduce", _commands(facts)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(facts['title'])} - onebit report</title>\n<style>{CSS}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _text(value: object) -> str:
    return escape(str(value))


def _number(value: float) -> str:
    """Thousands with commas; three digits where there is a fraction."""
    whole = float(value).is_integer() or abs(value) >= 100
    return f"{value:,.0f}" if whole else f"{value:.3g}"


def _plural(count: int, word: str) -> str:
    ending = "es" if word.endswith("ch") else "s"
    return f"{count:,} {word}{'' if count == 1 else ending}"


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>\n"


def _pairs(pairs: Iterable[tuple[str, str]], kind: str) -> str:
    """A definition list; the terms are plain text, the values HTML."""
    rows = "".join(f"<div><dt>{_text(key)}</dt><dd>{value}</dd></div>\n" for key, value in pairs)
    return f'<dl class="{kind}">\n{rows}</dl>\n'


def _head(facts: Facts) -> str:
    clock = facts["simulation"]["clock_mhz"]
    about = [
        ("network", _text(facts["network"])),
        ("board", _text(facts["board"])),
        ("part", _text(facts["part"])),
        ("clock", f"{_number(clock)} MHz"),
        ("net", f'<code title="{_text(facts["net_hash"])}">{_text(facts["net_hash"][:12])}</code>'),
        ("onebit", _text(facts["onebit"])),
    ]
    return f"<header>\n<h1>{_text(facts['title'])}</h1>\n{_pairs(about, 'facts')}</header>\n"


def _verdict(simulated: Facts) -> str:
    """Both rungs of the proof: RTL against golden, golden against the source graph."""
    images, wrong = simulated["images"], simulated["mismatches"]
    says = f"{_plural(images, 'image')} through the RTL, {_plural(wrong, 'mismatch')}"
    equal = "Every logit and every class equals the golden model's, bit for bit."
    effort = (
        f"Samples: {_text(simulated['samples'])}. "
        f"{_plural(simulated['cycles'], 'cycle')} in {simulated['seconds']:,.3g} s of simulation."
    )
    if simulated["stall_percent"]:
        effort += f" Both streams paused at random in {simulated['stall_percent']}% of the cycles."
    odd = simulated["source_mismatches"]
    same = f"{simulated['source_equal']:,} of {_plural(images, 'image')}"
    return (
        f'<div class="verdict {"bad" if wrong else "good"}">\n<strong>{says}</strong>\n'
        f"{'' if wrong else f'<p>{equal}</p>'}{_place(simulated)}"
        f'<p class="soft">{effort}</p>\n</div>\n'
        f'<div class="verdict second {"bad" if odd else "good"}">\n'
        f"<strong>Golden equals the source graph on {same}</strong>\n{_source(simulated)}</div>\n"
    )


def _place(simulated: Facts) -> str:
    """Where the RTL first left the golden model, where that is known."""
    place = simulated["mismatch"]
    if place is None:
        return ""
    names = ("image", "layer", "neuron", "expected", "got", "waveform")
    rows = "".join(
        f"<dt>{name}</dt><dd><code>{_text(place[name])}</code></dd>\n" for name in names
    )
    return f'<p>The first place that differs:</p>\n<dl class="place">\n{rows}</dl>\n'


def _source(simulated: Facts) -> str:
    ties, odd = simulated["source_ties"], simulated["source_mismatches"]
    lines = ["The class of the integer model against that of the network's ONNX graph in float32."]
    if ties:
        lines.append(
            f"Undecided in float32 on {_plural(len(ties), 'image')}, the top two logits lying "
            f"within its summation error: {_indices(ties)}."
        )
    if odd:
        lines.append(f"Another class on {_plural(len(odd), 'image')}: {_indices(odd)}.")
    return "".join(f'<p class="soft">{line}</p>\n' for line in lines)


def _indices(images: Sequence[int]) -> str:
    more = ", ..." if len(images) > INDICES_LISTED else ""
    return ", ".join(map(str, images[:INDICES_LISTED])) + more


def _tiles(facts: Facts) -> str:
    simulated = facts["simulation"]
    score, trained = simulated["accuracy"], facts["trained_accuracy"]
    origin = _text(simulated["samples"])
    weights = sum(layer["weight_bits"] for layer in facts["layers"])
    formula, stall = simulated["ii_formula"], simulated["stall_percent"]
    counted = f"measured, {stall}% stalls" if stall else "measured"
    tiles = [
        ("accuracy", "not known", f"samples: {origin}, without labels")
        if score is None
        else ("accuracy", f"{score:.2%}", f"of {_plural(simulated['images'], 'image')}, {origin}"),
        ("initiation interval", f"{_number(simulated['ii_cycles'])} cycles",
         f"{counted}; formula: {formula:,}"),
        ("images per second", _number(simulated["images_per_second"]),
         f"at {_number(simulated['clock_mhz'])} MHz{', with stalls' if stall else ''}"),
        ("latency", f"{_number(simulated['latency_us'])} \N{MICRO SIGN}s",
         f"{_plural(simulated['latency_cycles'], 'cycle')}, first beat to class"),
        ("weights", f"{weights:,} bits", f"{_number(weights / 8192)} KiB, on chip"),
    ]
    if trained is not None and score is not None:
        tiles[0] = (*tiles[0][:2], f"{tiles[0][2]}; in training {trained:.2%}")
    return _pairs(
        (
            (name, f'<div class="value">{value}</div><span class="soft">{note}</span>')
            for name, value, note in tiles
        ),
        "tiles",
    )


def _pipelines(facts: Facts) -> str:
    """The pipeline in long rows and, for a phone, in short ones."""
    interval = facts["simulation"]["ii_formula"]
    slowest = [_text(row["name"]) for row in facts["layers"] if row["cycles"] == interval]
    pictures = _pipeline(facts["layers"], WIDE, "wide") + _pipeline(
        facts["layers"], NARROW, "narrow"
    )
    return (
        f"{pictures}<p class=\"soft\">All stages work at once, each on its own image. A bar shows "
        f"the cycles that a stage is busy per image, as a share of the interval of "
        f"{_plural(interval, 'cycle')}; {', '.join(slowest)} "
        f"{'set' if len(slowest) > 1 else 'sets'} it.</p>"
    )


def _pipeline(layers: Sequence[Facts], in_row: int, kind: str) -> str:
    """Boxes from left to right in rows of `in_row`, and the element type on every wire."""
    def corner(index: int) -> tuple[int, int]:
        return 1 + index % in_row * (BOX + GAP), 1 + index // in_row * (TALL + DROP)

    parts = []
    for index, layer in enumerate(layers):
        parts.append(_stage(layer, *corner(index)))
        element = "top class" if index == len(layers) - 1 else layer["element"]
        parts.append(_wire(corner(index), corner(index + 1), element))
    x, y = corner(len(layers))
    parts.append(
        f'<rect class="box end" x="{x}" y="{y}" width="{BOX}" height="{TALL}" rx="6"/>'
        f'<text class="name" x="{x + 12}" y="{y + 26}">class</text>'
        f'<text x="{x + 12}" y="{y + 45}">and the logits</text>'
    )
    columns = min(in_row, len(layers) + 1)
    width, height = columns * (BOX + GAP) - GAP + 2, y + TALL + 1
    label = ", ".join(f"{row['name']}: {_plural(row['cycles'], 'cycle')}" for row in layers)
    return (
        f'<svg class="pipe {kind}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{_text(f"Pipeline: {label}")}">\n' + "\n".join(parts) + "\n</svg>\n"
    )
