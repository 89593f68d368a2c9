"""The report's facts as one self-contained HTML page: inline CSS and SVG, no script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from onebit import page_bench, page_board, page_cost, page_synth
from onebit.page_svg import figure, pipeline, plural, shape, text

Facts = dict[str, Any]

INDICES_LISTED = 12
WIDE, NARROW = 7, 2  # stages in a row of the pipeline, on a screen and on a phone

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
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.015em; text-wrap: balance;
  margin: 0 0 .6rem; }
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
.tiles { display: flex; flex-wrap: wrap; gap: 1px; margin: 0; background: var(--line);
  border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.tiles > div { flex: 1 1 170px; background: var(--paper); padding: 1.1rem 1.2rem; }
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
.share { display: inline-block; min-width: 2.8em; }
.bar i { display: block; height: 100%; background: var(--accent); }
.long { display: block; width: 100%; height: 1.1rem; margin: .3rem 0 .2rem; position: relative;
  background: none; overflow: visible; }
.long i { border-radius: 2px; min-width: 2px; }
.long .cpu { background: var(--soft); opacity: .65; }
.long b { position: absolute; top: -.2rem; bottom: -.2rem; border: solid var(--ink);
  border-width: 0 1.5px; }
.long b::after { content: ""; position: absolute; left: 0; right: 0; top: 50%;
  border-top: 1.5px solid var(--ink); }
.race { margin: 0 0 1.2rem; }
.race div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.lut { max-width: 30rem; }
.lut .bar { background: var(--line); border-radius: 2px; }
.gallery { display: grid; grid-template-columns: repeat(8, 1fr); gap: 1.2rem; margin-top: 1.2rem; }
figure { margin: 0; }
.gallery svg, .gallery img { display: block; width: 100%; border: 1px solid var(--line);
  border-radius: 4px; background: var(--fill); image-rendering: pixelated; }
figcaption { font-size: .85rem; line-height: 1.3; padding-top: .3rem; }
figcaption b { color: var(--ink); font-size: .95rem; }
.wrong svg, .wrong img { border-color: var(--bad); box-shadow: 0 0 0 1px var(--bad); }
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
  .tiles > div { flex-basis: 40%; padding: .8rem; }
  .tiles .value { font-size: 1.2rem; } .wide { display: none; }
  .narrow { display: block; margin: 0 auto; }
  .gallery { grid-template-columns: repeat(4, 1fr); gap: .7rem; } }
@media print { @page { margin: 15mm; } main { padding: 0; max-width: none; }
  :root { font-size: 10pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .tiles > div { flex-basis: 16%; padding: .8rem; } .tiles .value { font-size: 1.25rem; }
  tfoot { display: table-row-group; } .scroll { overflow: visible; }
  section { margin-top: 2rem; } h2 { break-after: avoid; }
  figure, tr, .tiles > div, .verdict, .race, pre, .pipe { break-inside: avoid; } }
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
        _section("On this CPU", page_bench.benched(ran)) if (ran := facts["bench"]) else "",
        *_board(facts),
        _section("Synthesis", page_synth.synthesised(made)) if (made := facts["synthesis"]) else "",
        _section("Size", page_board.size(facts)),
        _section("Roofline", page_cost.roofline(facts["roofline"], facts["network"])),
        *_finn(facts),
        _section("Reproduce", _commands(facts)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(facts['title'])} - onebit report</title>\n<style>{CSS}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _number(value: float) -> str:
    """Thousands with commas; three digits where there is a fraction."""
    whole = float(value).is_integer() or abs(value) >= 100
    return f"{value:,.0f}" if whole else f"{value:.3g}"


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{body}\n</section>\n"


def _pairs(pairs: Iterable[tuple[str, str]], kind: str) -> str:
    """A definition list; the terms are plain text, the values HTML."""
    rows = "".join(f"<div><dt>{text(key)}</dt><dd>{value}</dd></div>\n" for key, value in pairs)
    return f'<dl class="{kind}">\n{rows}</dl>\n'


def _head(facts: Facts) -> str:
    clock = facts["simulation"]["clock_mhz"]
    about = [
        ("network", text(facts["network"])),
        ("board", text(facts["board"])),
        ("part", text(facts["part"])),
        ("clock", f"{_number(clock)} MHz"),
        ("net", f'<code title="{text(facts["net_hash"])}">{text(facts["net_hash"][:12])}</code>'),
        ("onebit", text(facts["onebit"])),
    ]
    return f"<header>\n<h1>{text(facts['title'])}</h1>\n{_pairs(about, 'facts')}</header>\n"


def _verdict(simulated: Facts) -> str:
    """Both rungs of the proof: RTL against golden, golden against the source graph."""
    images, wrong = simulated["images"], simulated["mismatches"]
    says = f"{plural(images, 'image')} through the RTL, {plural(wrong, 'mismatch')}"
    equal = "Every logit and every class equals the golden model's, bit for bit."
    effort = (
        f"Samples: {text(simulated['samples'])}. "
        f"{plural(simulated['cycles'], 'cycle')} in {simulated['seconds']:,.3g} s of simulation."
    )
    if simulated["stall_percent"]:
        effort += f" Both streams paused at random in {simulated['stall_percent']}% of the cycles."
    odd = simulated["source_mismatches"]
    same = f"{simulated['source_equal']:,} of {plural(images, 'image')}"
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
    names = ["image", "layer", "neuron", "expected", "got", "waveform"]
    if place["position"]:
        names.insert(2, "position")
    rows = "".join(f"<dt>{name}</dt><dd><code>{text(place[name])}</code></dd>\n" for name in names)
    return f'<p>The first place that differs:</p>\n<dl class="place">\n{rows}</dl>\n'


def _source(simulated: Facts) -> str:
    ties, odd = simulated["source_ties"], simulated["source_mismatches"]
    lines = ["The class of the integer model against that of the network's ONNX graph in float32."]
    if ties:
        lines.append(
            f"Undecided in float32 on {plural(len(ties), 'image')}, the top two logits lying "
            f"within its summation error: {_indices(ties)}."
        )
    if odd:
        lines.append(f"Another class on {plural(len(odd), 'image')}: {_indices(odd)}.")
    return "".join(f'<p class="soft">{line}</p>\n' for line in lines)


def _indices(images: Sequence[int]) -> str:
    more = len(images) - INDICES_LISTED
    listed = ", ".join(map(str, images[:INDICES_LISTED]))
    return f"{listed} and {more:,} more" if more > 0 else listed


def _tiles(facts: Facts) -> str:
    simulated = facts["simulation"]
    weights = sum(layer["weight_bits"] for layer in facts["layers"])
    interval = f"{simulated['ii_cycles']:,.1f}".removesuffix(".0")
    formula, stall = simulated["ii_formula"], simulated["stall_percent"]
    counted = f"measured, {stall}% stalls" if stall else "measured"
    tiles = [
        _accuracy(facts),
        (
            "initiation interval",
            f"{interval} {'cycle' if interval == '1' else 'cycles'}",
            f"{counted}; formula: {formula:,}",
        ),
        (
            "images per second",
            _number(simulated["images_per_second"]),
            f"at {_number(simulated['clock_mhz'])} MHz{', with stalls' if stall else ''}",
        ),
        (
            "latency",
            f"{_number(simulated['latency_us'])} \N{MICRO SIGN}s",
            f"{plural(simulated['latency_cycles'], 'cycle')}, first beat to class",
        ),
        ("weights", f"{weights:,} bits", f"{_number(weights / 8192)} KiB, on chip"),
    ]
    return _pairs(
        (
            (name, f'<div class="value">{value}</div><span class="soft">{note}</span>')
            for name, value, note in tiles
        ),
        "tiles",
    )


def _accuracy(facts: Facts) -> tuple[str, str, str]:
    """The tile of the RTL's accuracy; without labels, what the samples were."""
    simulated, trained = facts["simulation"], facts["trained_accuracy"]
    origin = text(simulated["samples"])
    if simulated["accuracy"] is None:
        return "accuracy", "not known", f"samples: {origin}, without labels"
    note = f"{plural(simulated['images'], 'image')}; {origin}"
    if trained is not None:
        note += f"; the network's card says {trained:.2%}"
    return "accuracy", f"{simulated['accuracy']:.2%}", note


def _pipelines(facts: Facts) -> str:
    """The pipeline in long rows and, for a phone, in short ones."""
    interval = facts["simulation"]["ii_formula"]
    slowest = [text(row["name"]) for row in facts["layers"] if row["cycles"] == interval]
    verb = "set" if len(slowest) > 1 else "sets"
    setting = f"; {', '.join(slowest)} {verb} it" if slowest else ""
    pictures = pipeline(facts["layers"], WIDE, "wide") + pipeline(facts["layers"], NARROW, "narrow")
    return (
        f'{pictures}<p class="soft">All stages work at once, each on its own image. A bar shows '
        f"the cycles that a stage is busy per image, as a share of the interval of "
        f"{plural(interval, 'cycle')}{setting}.</p>"
    )


def _layers(layers: Sequence[Facts]) -> str:
    titles = (
        *("layer", "kind", "shape", "PE", "SIMD", "FIFO", "cycles", "share", "weight bits"),
        "output",
    )
    head = "".join(
        f'<th scope="col"{_LEFT if title in _TEXTS else ""}>{title}</th>' for title in titles
    )
    total = sum(layer["weight_bits"] for layer in layers)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Layers">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(map(_row, layers))}</tbody>\n"
        f'<tfoot><tr><td colspan="8" class="text">together</td>'
        f"<td>{total:,}</td><td></td></tr></tfoot>\n"
        "</table>\n</div>\n"
        '<p class="soft">PE: neurons at work in a cycle. SIMD: inputs that each of them takes in '
        "a cycle. FIFO: entries of the queue in front. Share: of the initiation interval.</p>"
    )


_LEFT = ' class="text"'
_TEXTS = ("layer", "kind", "shape", "output")


def _row(layer: Facts) -> str:
    weights = f"{layer['weight_bits']:,}" if layer["weight_bits"] else "\N{EN DASH}"
    return (
        f'<tr><th scope="row"{_LEFT}>{text(layer["name"])}</th>'
        f"<td{_LEFT}>{text(layer['kind'])}</td><td{_LEFT}>{shape(layer)}</td>"
        f"<td>{layer['pe']:,}</td><td>{layer['simd']:,}</td><td>{layer['fifo'] or ''}</td>"
        f"<td>{layer['cycles']:,}</td>"
        f"<td>{_bar(layer['share'])}</td><td>{weights}</td>"
        f"<td{_LEFT}>{text(layer['element'])}</td></tr>\n"
    )


def _bar(share: float) -> str:
    return (
        f'<span class="bar"><i style="width: {min(share, 1):.1%}"></i></span>'
        f'<span class="share">{share:.0%}</span>'
    )


def _gallery(simulated: Facts) -> str:
    """The first images, each with the RTL's class; where that is wrong, the label too."""
    shown = simulated["shown"]
    top = max(1, *(max(bytes.fromhex(row)) for item in shown for row in item["pixels"]))
    wrong = sum(item["label"] != item["class"] for item in shown)
    says = f"The first {plural(len(shown), 'image')} and the class that the RTL gave"
    says += f"; {wrong:,} {'is' if wrong == 1 else 'are'} not the label." if wrong else "."
    if wrong and not simulated["mismatches"]:
        says += " The golden model says the same: the error is the network's."
    figures = "".join(figure(item, top) for item in shown)
    return f'<p>{says}</p>\n<div class="gallery">\n{figures}</div>'


def _race(facts: Facts) -> str:
    """Images per second of both, and what each number includes."""
    simulated, cpu = facts["simulation"], facts["cpu"]
    rate, clock = simulated["images_per_second"], f"{_number(simulated['clock_mhz'])} MHz"
    stalls = ", with stalls" if simulated["stall_percent"] else ""
    low, high = cpu["spread"]
    most = max(rate, high, cpu["images_per_second"])
    engine = f"{text(cpu['engine'])}, {plural(cpu['threads'], 'thread')}"
    spread = f'<b style="left: {low / most:.1%}; width: {(high - low) / most:.1%}"></b>'
    ratio = cpu["fpga_over_cpu"]
    beat = next((row["simd"] for row in facts["layers"] if row["kind"] == "input"), 1)
    return (
        f'<div class="race"><div><span>FPGA at {clock}{stalls}</span>'
        f"<span><strong>{_number(rate)}</strong> images/s</span></div>"
        f'<span class="bar long"><i style="width: {rate / most:.1%}"></i></span></div>\n'
        f'<div class="race"><div><span>CPU, {engine}, batch {cpu["batch"]:,}</span>'
        f"<span><strong>{_number(cpu['images_per_second'])}</strong> images/s</span></div>"
        f'<span class="bar long"><i class="cpu" style="width: '
        f'{cpu["images_per_second"] / most:.1%}"></i>{spread}</span>'
        f'<div class="soft"><span>median; the mark spans the slowest and the fastest run, '
        f"{_number(low)} to {_number(high)}</span></div></div>\n"
        f"<p><strong>FPGA / CPU = {_number(ratio)}.</strong> FPGA: the accelerator alone, cycles "
        f"counted in a cycle-accurate simulation and multiplied out at {clock}, its input port as "
        f"folded ({plural(beat, 'element')} a beat); it has not run on a board, and moving "
        f"images through memory is not included. CPU: the same network in float32, not an engine "
        f"for 1-bit weights, on the machine that wrote this report, measured as it was written.</p>"
    )


def _board(facts: Facts) -> list[str]:
    ran = facts["on_board"]
    return [_section("On a simulated board", page_board.on_board(ran))] if ran else []


def _finn(facts: Facts) -> list[str]:
    rows = facts["finn"]
    return [_section("FINN's estimates", page_cost.finn(rows))] if rows else []


def _commands(facts: Facts) -> str:
    out = text(facts["out"])
    return (
        f"<pre>{text(facts['command'])}\nonebit simulate {out} --images all\n"
        f"onebit report {out}</pre>\n"
        '<p class="soft">The folding of this report is <code>folding.toml</code> in the folder of '
        "this page; <code>onebit compile --folding FILE</code> builds the same one again.</p>"
    )
