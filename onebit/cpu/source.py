"""The Net as one C99 file: the sources of cpu/, its constants, and the chain of its layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit import system
from onebit.cpu.layout import NEVER, WORD, Place, Product, Step, head_constants, steps
from onebit.net import Bit, Input, MaxPool, Mvau, Net
from onebit.pack import ceil_div

PREFIX = "onebit_net"  # in cpu/, where a network's own name comes
TOGETHER = 64  # vectors at a time
CACHED = 1 << 17  # bytes that the buffers of a part of the samples may take
COLUMNS = 100


def identifier(name: str) -> str:
    """A network's name as C's names begin."""
    found = re.sub(r"\W", "_", name, flags=re.ASCII).lower()
    return f"net_{found}" if not found[:1].isalpha() else found


def raw_type(first: Input) -> str:
    """The smallest of C's types that holds every raw value."""
    lo, hi = first.raw_lo, first.raw_lo + first.raw_step * (len(first.table) - 1)
    for name in ("uint8", "int8", "int16", "int32"):
        if lo >= np.iinfo(name).min and hi <= np.iinfo(name).max:
            return name
    return "int32"


def header(net: Net, name: str) -> str:
    """NAME.h"""
    first = net.input
    inputs = net.positions(first.name) * first.shape[-1]
    facts = (
        f"typedef {raw_type(first)}_t onebit_net_raw;  // a raw value, in steps of "
        f"{first.raw_step} from {first.raw_lo} to "
        f"{first.raw_lo + first.raw_step * (len(first.table) - 1)}\n\n"
        f"enum {{ ONEBIT_NET_INPUTS = {inputs}, ONEBIT_NET_CLASSES = {net.head.classes} }};\n\n"
    )
    text = (system.share_dir("cpu") / "net.h").read_text()
    before, mark, after = text.partition("// Classes of")
    return renamed(before + facts + mark + after, name)


def source(net: Net, name: str) -> str:
    """NAME.c"""
    folder, seen = system.share_dir("cpu"), set[str]()
    chain = steps(net)
    largest = max(max(step.source.words, step.target.words) for step in chain)
    part = max(1, min(TOGETHER, CACHED // (2 * 8 * largest)))
    products = [step.product for step in chain if step.product]
    numbers = {
        "PART": part,
        "PATCH": max(product.room for product in products),
        "FOUND": max(ceil_div(len(product.words) * 8, WORD) for product in products),
        "SUMS": len(products[-1].words) * 8,
    }
    prelude = [
        f"// {net.title or name}: a 1-bit network of onebit, {net.hash[:12]}, in C99 alone.",
        f'\n#include "{name}.h"\n',
        "#ifndef ONEBIT_TOGETHER  // vectors that share the weights read; fewer want less stack",
        f"#define ONEBIT_TOGETHER {TOGETHER}\n#endif\n",
        "// Samples at a time; words of a patch and of a layer's bits; sums of the last layer.",
        f"enum {{ {', '.join(f'{key} = {value}' for key, value in numbers.items())} }};\n",
    ]
    body = inlined(folder / "layers.h", seen)
    end = inlined(folder / "net.c", seen)
    parts = [*prelude, body, *_constants(net, chain), _run(chain, largest), end]
    return renamed("\n".join(parts), name)


def inlined(file: Path, seen: set[str]) -> str:
    """The file with those of its folder that it includes, each of them once."""
    seen.add(file.name)

    def included(match: re.Match[str]) -> str:
        other = file.parent / match[1]
        return "" if other.name in seen else inlined(other, seen)

    text = file.read_text().replace("#pragma once\n\n", "")
    return re.sub(r'^#include "(\w+\.h)"\n', included, text, flags=re.MULTILINE)


def renamed(text: str, name: str) -> str:
    """The text of cpu/ with the network's own names."""
    own = identifier(name)
    for suffix in ("c", "h"):
        text = text.replace(f"{PREFIX}.{suffix}", f"{name}.{suffix}")
    return text.replace(PREFIX, own).replace(PREFIX.upper(), own.upper())


def _numbers(values: Iterable[str]) -> Iterator[str]:
    """The values in lines."""
    line = " "
    for value in values:
        if len(line) + len(value) + 2 > COLUMNS:
            yield line
            line = " "
        line += f" {value},"
    yield line


def _array(kind: str, name: str, values: NDArray[np.generic]) -> str:
    """A constant; words in hexadecimal."""
    flat = values.reshape(-1)
    if kind == "uint64_t":
        texts = [f"0x{int(value):016x}" for value in flat]
    else:
        texts = ["INT32_MIN" if int(value) == NEVER else str(int(value)) for value in flat]
    return "\n".join([f"static const {kind} {name}[] = {{", *_numbers(texts), "};"])


def _constants(net: Net, chain: list[Step]) -> Iterator[str]:
    """The arrays and records of all layers."""
    yield "// The network."
    for step in chain:
        match step.layer:
            case Input() as first if _encode(step, first).startswith("encode"):
                lowest = 0 if isinstance(first.element, Bit) else first.element.lo
                yield _array("uint8_t", "input_table", first.table - lowest)
                yield (
                    f"static const encoder input_layer = {{{_image(step.target)}, input_table, "
                    f"{first.raw_lo}, {first.raw_step}, {len(first.table)}}};"
                )
            case Input():
                yield f"static const image input_layer = {_image(step.target)};"
            case MaxPool() as pool:
                name = identifier(pool.name)
                spare = -len(pool.invert) % WORD
                inverted = np.packbits(np.pad(pool.invert, (0, spare)), bitorder="little")
                yield _array("uint64_t", f"{name}_invert", inverted.view("<u8"))
                shape = (*pool.kernel, *pool.stride)
                yield (
                    f"static const pooling {name}_layer = {{{name}_invert, {_list(shape)},\n"
                    f"    {_image(step.source)}, {_image(step.target)}}};"
                )
            case Mvau():
                yield from _neurons(net, step)


def _neurons(net: Net, step: Step) -> Iterator[str]:
    """A layer's weights, its limits or its logits' constants, and what they are to work on."""
    product = step.product
    assert product is not None
    name = identifier(step.layer.name)
    yield _array("uint64_t", f"{name}_weights", product.words)
    weights = f"{{{name}_weights, {len(product.words)}, {product.inputs}}}"
    if product.limits is not None:
        yield _array("int32_t", f"{name}_limits", product.limits)
    classes = "NULL"
    if step.border is not None:
        classes = f"{name}_classes"
        yield _array("uint16_t", classes, step.border)
    on_windows = f"{classes},\n    {_list(step.windows or ())}, {_image(step.source)},\n    "
    if product.limits is None:
        scale, bias = head_constants(net, step)
        yield _array("int64_t", f"{name}_scale", scale)
        yield _array("int64_t", f"{name}_bias", bias)
        room = step.source.words
        if step.windows:
            room = product.room
            to = Place(shape=(1, 1, product.inputs), bits=product.bits)
            yield (
                f"static const convolution {name}_window = {{{weights}, NULL, {on_windows}"
                f"{_image(to)}}};"
            )
        yield (
            f"static const head {name}_layer = {{{weights}, {name}_scale, {name}_bias, {room}, "
            f"{len(scale)}}};"
        )
    elif step.windows:
        yield (
            f"static const convolution {name}_layer = {{{weights}, {name}_limits, {on_windows}"
            f"{_image(step.target)}}};"
        )
    else:
        yield (
            f"static const dense {name}_layer = {{{weights}, {name}_limits, {step.source.words}, "
            f"{step.target.words}}};"
        )


def _list(values: Iterable[object]) -> str:
    return f"{{{', '.join(map(str, values))}}}"


def _image(place: Place) -> str:
    height, width, channels = place.shape
    return _list((height, width, place.pitch, place.first, channels, place.words, place.fill))


def _raw_is_element(first: Input) -> bool:
    """Whether bytes are stored as they come."""
    same = np.array_equal(first.table, np.arange(len(first.table)) + first.raw_lo)
    plain = raw_type(first) == "uint8" and first.element.lo == 0
    return plain and same and not isinstance(first.element, Bit)


def _level(first: Input) -> int | None:
    """The byte from which on the bit is 1, where there is one."""
    level = int((first.table == 0).sum())
    rising = bool((np.diff(first.table) >= 0).all())
    bytes_in = first.raw_lo == 0 and first.raw_step == 1 and raw_type(first) == "uint8"
    if isinstance(first.element, Bit) and rising and bytes_in and 1 <= level <= 255:
        return level
    return None


def _run(chain: list[Step], largest: int) -> str:
    """The function that takes samples through all layers, from buffer to buffer."""
    lines = [
        "static void run(const kernel *k, const onebit_net_raw *samples, size_t count, "
        "int32_t *logits) {",
        f"  uint64_t a[PART * {largest} + 1], b[PART * {largest} + 1];",
        f"  a[PART * {largest}] = b[PART * {largest}] = 0;",
    ]
    here, there = "a", "b"
    for step in chain:
        name = identifier(step.layer.name)
        match step.layer:
            case Input() as first:
                lines.append(f"  {_encode(step, first)}, samples, count, a);")
                continue
            case MaxPool():
                lines.append(f"  run_pool(&{name}_layer, {here}, count, {there});")
            case Mvau():
                lines += [f"  {call}" for call in _call(step, name, here, there)]
        here, there = there, here
    return "\n".join([*lines, "}\n"])


def _encode(step: Step, first: Input) -> str:
    """The beginning of the call that makes elements of raw samples."""
    if (level := _level(first)) is not None and not any(step.target.padding):
        return f"pack_bytes(k, &input_layer, {level}"
    if _raw_is_element(first):
        return "copy_bytes(&input_layer"
    return f"encode_{_elements(step.target.bits)}(&input_layer"


def _elements(bits: int) -> str:
    return "bits" if bits == 1 else "bytes"


def _call(step: Step, name: str, here: str, there: str) -> Iterator[str]:
    product: Product | None = step.product
    assert product is not None
    kind = _elements(product.bits)
    if product.limits is not None:
        if step.windows:
            yield f"conv_{kind}(k, &{name}_layer, {here}, count, {there});"
        else:
            yield f"run_dense(k->{kind}, &{name}_layer, {here}, count, {there});"
        return
    if step.windows:
        whole = int(kind == "bytes")
        yield f"only_window(&{name}_window, {whole}, {here}, count, {there});"
        here = there
    yield f"run_head(k->{kind}, &{name}_layer, {here}, count, logits);"
