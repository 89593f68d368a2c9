"""Lowering: QONNX -> FINN streamlining -> Net. The only subpackage that knows ONNX.

FINN's streamlined graph gives the structure and is the cross-check; the thresholds that count come
from the source graph, evaluated at every reachable accumulator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onebit.errors import CheckFailed, ConfigError
from onebit.lower import head as heads
from onebit.lower import thresholds as levels
from onebit.lower.evaluate import segment_function
from onebit.lower.input import read_input
from onebit.lower.source import Product, Segment, Source, analyse, read
from onebit.lower.streamline import FinnLayer, finn_layers, from_first_product, streamlined
from onebit.net import Bit, Element, Head, Layer, Mvau, Net

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What became of one node of the source."""

    node: str
    op: str
    became: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lowered:
    """The network, what each node became, and how exact it is.

    head_pairs: pairs of (class, accumulator) that fixed point orders unlike float32. ties: channels
    where FINN's threshold, moved through floating point, stands at another integer than the source.
    """

    net: Net
    notes: tuple[Note, ...]
    head_pairs: int
    ties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a stream's elements stand for in the source: real = scale * x + offset."""

    element: Element
    scale: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """One product on its way to an Mvau.

    weights: {0,1} (mh, mw) as the source has them. `chain` gives the source's values (rows, mh) at
    accumulators (rows, 1) in lo..hi; element: of the layer's input.
    """

    name: str
    previous: str
    weights: NDArray[np.uint8]
    element: Element
    lo: int
    hi: int
    chain: Callable[[Ints], Floats]
    finn: FinnLayer


def lower(path: Path, *, title: str = "") -> Lowered:
    """Lower the (Q)ONNX file at `path`; ConfigError names the node that cannot be lowered."""
    model, source = read(path), analyse(path)
    first = read_input(source, "input")
    signs = [_signs(product) for product in source.products]
    finn = finn_layers(streamlined(from_first_product(model, source, first)))
    if len(finn) != len(source.products):
        raise ConfigError(
            f"FINN sees {len(finn)} products, the source has {len(source.products)}",
            hint="two products without a 1-bit activation between them cannot be lowered",
        )
    layers: list[Layer] = [first]
    became = _became(source.before, f"input: a table of {len(first.table)} values")
    values = Values(element=first.element, scale=first.scale, offset=first.offset)
    ties = pairs = 0
    for index, (product, structure) in enumerate(zip(source.products, finn, strict=True)):
        name, previous = f"fc{index + 1}", layers[-1].name
        matrix = _matrix(source, product, signs[index], structure, name, previous, values)
        if index < len(finn) - 1:
            layer, values, found, differing = _hidden(matrix)
            layers.append(layer)
            ties += differing
        else:
            last, end, pairs, found = _last(matrix)
            layers += [last, end]
        mh, mw = matrix.weights.shape
        became |= {product.name: f"{matrix.name}: {mw} x {mh} weights of 1 bit"}
        became |= _became(product.after, found)
    notes = tuple(
        Note(node=node.name, op=node.op_type, became=became.get(node.name, "a constant, folded"))
        for node in model.graph.node
    )
    net = Net(layers=tuple(layers), title=title or path.stem, source=path.name)
    return Lowered(net=net, notes=notes, head_pairs=pairs, ties=ties)


def _became(segment: Segment, became: str) -> dict[str, str]:
    """What every source node of a segment became, however many plain nodes it was rewritten to."""
    return {node.name.partition("#")[0]: became for node in segment.nodes}


def _signs(product: Product) -> tuple[NDArray[np.uint8], Floats]:
    """Weights {0,1} (mh, mw) and each output channel's scale; ConfigError unless they are +-s."""
    scale = np.abs(product.weights[:1, :])
    wrong = (np.abs(product.weights) != scale) | (scale == 0)
    if wrong.any():
        channel = int(np.argmax(wrong.any(axis=0)))
        found = np.unique(product.weights[:, channel])[:5].tolist()
        raise ConfigError(
            f"node {product.name!r}, output channel {channel}: its weights are not two-valued "
            f"(-s and +s) but take values such as {found}",
            hint="train with 1-bit weights; `onebit.train.layers` has drop-in layers",
        )
    return (product.weights.T > 0).astype(np.uint8), scale[0]


def _matrix(
    source: Source,
    product: Product,
    signs: tuple[NDArray[np.uint8], Floats],
    finn: FinnLayer,
    name: str,
    previous: str,
    values: Values,
) -> Matrix:
    """The product with its chain: the source's values (rows, mh) at accumulators (rows, 1)."""
    weights, weight_scale = signs
    mh, mw = weights.shape
    after = segment_function(source, product.after, mh)
    row_sum = 2 * weights.sum(axis=1, dtype=np.int64) - mw

    def chain(acc: Ints) -> Floats:
        real = levels.real_products(
            acc,
            bits=isinstance(values.element, Bit),
            mw=mw,
            weight_scale=weight_scale,
            row_sum=row_sum,
            scale=values.scale,
            offset=values.offset,
        )
        return after(np.broadcast_to(real, (len(acc), mh)))

    lo, hi = _acc_range(mw, values.element)
    return Matrix(
        name=name,
        previous=previous,
        weights=weights,
        element=values.element,
        lo=lo,
        hi=hi,
        chain=chain,
        finn=finn,
    )


def _acc_range(mw: int, element: Element) -> tuple[int, int]:
    """The accumulators that any mw weights can reach."""
    if isinstance(element, Bit):
        return 0, mw
    most = max(abs(element.lo), element.hi) * mw
    return -most, most


def _hidden(matrix: Matrix) -> tuple[Mvau, Values, str, int]:
    """A hidden layer: (layer, what its bits stand for, a note, channels that tie)."""
    name, weights = matrix.name, matrix.weights
    mh, mw = weights.shape
    bits = isinstance(matrix.element, Bit)
    found = levels.find(name, matrix.lo, matrix.hi, mh, bits=bits, mw=mw, chain=matrix.chain)
    layer = Mvau(
        name=name,
        inputs=(matrix.previous,),
        weights=np.where(found.flip[:, None], 1 - weights, weights),
        thresholds=found.level[None, :],
    )
    ties = _cross_check(layer, matrix)
    counts = {
        "with negated weights": int(found.flip.sum()),
        "constant": int(found.constant.sum()),
        "one off in FINN": ties,
    }
    note = f"{name}: {mh} thresholds" + "".join(f", {n} {what}" for what, n in counts.items() if n)
    scale, offset = (found.hi - found.lo) / 2, (found.hi + found.lo) / 2
    return layer, Values(element=Bit(), scale=scale, offset=offset), note, ties


def _last(matrix: Matrix) -> tuple[Mvau, Head, int, str]:
    """The last product and the head: (layer, head, pairs that differ, a note)."""
    name, mh = matrix.name, len(matrix.weights)
    acc = np.arange(matrix.lo, matrix.hi + 1, dtype=np.int64)
    parts = levels.chunks(matrix.lo, matrix.hi, mh)
    fixed = heads.fit(acc, np.concatenate([matrix.chain(part) for part in parts]))
    layer = Mvau(name=name, inputs=(matrix.previous,), weights=matrix.weights, thresholds=None)
    _cross_check_weights(layer, matrix.finn)
    end = Head(
        name="head",
        inputs=(name,),
        scale=fixed.scale,
        bias=fixed.bias,
        width=fixed.width,
        fraction=fixed.fraction,
    )
    note = f"head: scale and bias a class, {fixed.width}-bit logits"
    note += f", {fixed.pairs} pairs ordered unlike float32" if fixed.pairs else ""
    return layer, end, fixed.pairs, note


def _cross_check_weights(layer: Mvau, finn: FinnLayer) -> NDArray[np.bool_]:
    """Channels whose weights FINN holds negated; CheckFailed where it holds others."""
    if finn.weights.shape != layer.weights.shape:
        raise CheckFailed(f"layer {layer.name!r}: FINN's weights have another shape")
    differing = (finn.weights != layer.weights).sum(axis=1)
    if ((differing != 0) & (differing != layer.mw)).any():
        raise CheckFailed(f"layer {layer.name!r}: FINN's weights are not the source's")
    return np.asarray(differing == layer.mw)


def _cross_check(layer: Mvau, matrix: Matrix) -> int:
    """How many channels FINN's thresholds place one integer away; CheckFailed if further.

    FINN's chain is asked just below and at each threshold, and a tie's width away on both sides.
    Constant channels are left out: for a zero slope FINN divides by zero.
    """
    assert layer.thresholds is not None
    negated = _cross_check_weights(layer, matrix.finn)
    lo, hi, bits = matrix.lo, matrix.hi, isinstance(matrix.element, Bit)
    level = layer.thresholds[0]
    slack = max(1, (hi - lo) // 100_000)
    at = np.stack([level - 1 - slack, level - 1, level, level + slack])
    at, outside = np.clip(at, lo, hi), (at < lo) | (at > hi)
    theirs = np.where(negated, (layer.mw if bits else 0) - at, at)
    if bits and not matrix.finn.xnor:
        theirs = 2 * theirs - layer.mw
    bit = matrix.finn.after(theirs.astype(np.float32)) > 0
    want = at >= level
    wrong = (bit != want) & ~outside & (lo < level) & (level <= hi)
    far = wrong[0] | wrong[3]
    if far.any():
        channel = int(np.argmax(far))
        raise CheckFailed(
            f"layer {layer.name!r}, channel {channel}: the source's threshold is {level[channel]}, "
            "FINN's streamlined graph disagrees by more than a tie",
            hint="please report this network: the two must agree",
        )
    return int((wrong[1] | wrong[2]).sum())
