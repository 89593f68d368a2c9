"""Lowering: (Q)ONNX -> FINN streamlining -> Net. The only subpackage that knows ONNX.

The source is walked into a chain of products. FINN streamlines that chain to XNOR-popcount products
and thresholds, which must agree with ours; the thresholds that count come from the source graph,
evaluated at every reachable accumulator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import NodeProto

from onebit.errors import ConfigError
from onebit.lower import crosscheck
from onebit.lower import head as heads
from onebit.lower import thresholds as levels
from onebit.lower.canonical import canonical
from onebit.lower.chain import ENDS, Chain, Pool, Product, Segment
from onebit.lower.images import SHAPING
from onebit.lower.input import read_input
from onebit.lower.matrix import Matrix, Meaning, matrix, signs
from onebit.lower.source import analyse, read
from onebit.lower.streamline import FinnLayer, finn_layers, streamlined
from onebit.net import Bit, Flatten, Head, Input, Layer, MaxPool, Mvau, Net, Window


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
    unchecked: why FINN's graph could not be compared with the layers; empty where it was.
    """

    net: Net
    notes: tuple[Note, ...]
    head_pairs: int
    ties: int
    unchecked: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """The layers that one product became, and what the last one's elements mean."""

    layers: tuple[Layer, ...]
    meaning: Meaning
    became: dict[str, str]
    ties: int = 0
    pairs: int = 0


def lower(path: Path, *, title: str = "", raw: str | None = None) -> Lowered:
    """Lower the (Q)ONNX file at `path`; ConfigError names the node that cannot be lowered.

    raw: what the samples are where the file does not say, such as `uint8` or `uint8/255`.
    """
    model, source = read(path), analyse(path, raw)
    first = read_input(source, "input")
    products = source.chain.products
    for product in products:
        signs(product)  # refused before anything slower
    finn, unchecked = _streamlined(source.chain, first)
    layers: list[Layer] = [first]
    meaning = Meaning(element=first.element, scale=first.scale, offset=first.offset)
    became = _became([source.chain.before], f"input: a table of {len(first.table)} values")
    ties = pairs = 0
    image = len(first.shape) == 3
    for index, (product, name) in enumerate(zip(products, _names(products), strict=True)):
        found = matrix(source.chain.constants, product, name, meaning)
        ahead = _ahead(product, found, layers[-1].name, image=image)
        inputs = (ahead[-1].name if ahead else layers[-1].name,)
        became |= _padding_became(product, ahead)
        make = _last if index == len(products) - 1 else _hidden
        theirs = finn[index] if finn else None
        if meaning.offset and index:
            theirs = None
            unchecked = unchecked or f"{name}: FINN has no +-1 sums of bits that are not +-s"
        if found.inner is None:
            unchecked = unchecked or f"{name}: every position touches the border"
        step = make(product, found, theirs, inputs)
        layers += [*ahead, *step.layers]
        image &= not product.flatten
        meaning, became = step.meaning, became | step.became
        ties, pairs = ties + step.ties, pairs + step.pairs
    notes = tuple(_note(node, became) for node in model.graph.node)
    net = Net(layers=tuple(layers), title=title or path.stem, source=path.name)
    return Lowered(net=net, notes=notes, head_pairs=pairs, ties=ties, unchecked=unchecked)


def _streamlined(chain: Chain, first: Input) -> tuple[tuple[FinnLayer, ...], str]:
    """FINN's layers, or none and the reason."""
    try:
        found = finn_layers(streamlined(canonical(chain, first)))
    except ConfigError as reason:
        return (), str(reason)
    wanted = len(chain.products)
    if len(found) != wanted:
        return (), f"FINN sees {len(found)} products, the source has {wanted}"
    return found, ""


def _names(products: Sequence[Product]) -> Iterator[str]:
    """conv1, conv2, ..., fc1, fc2, ..."""
    counts = {"conv": 0, "fc": 0}
    for product in products:
        kind = "fc" if product.flatten or len(product.shape) == 1 else "conv"
        counts[kind] += 1
        yield f"{kind}{counts[kind]}"


def _became(steps: Sequence[Segment | Pool], text: str) -> dict[str, str]:
    """What every source node of some segments became, whatever plain nodes they were cut into."""
    return {
        node.name.partition("#")[0]: text
        for step in steps
        if isinstance(step, Segment)
        for node in step.nodes
    }


def _padding_became(product: Product, ahead: Sequence[Layer]) -> dict[str, str]:
    """What a Pad before the product became."""
    if not product.pad_chain.nodes:
        return {}
    return {product.pad_chain.nodes[0].name: f"padding of {ahead[-1].name}"}


def _note(node: NodeProto, became: dict[str, str]) -> Note:
    """What became of the node; `became` knows of those that samples pass through."""
    text = became.get(node.name, "a constant, folded")
    if node.name in became and node.op_type in SHAPING:
        text = "layout only"
    if node.op_type in ENDS:
        text = "leaves the class as it is"
    return Note(node=node.name, op=node.op_type, became=text)


def _ahead(product: Product, found: Matrix, previous: str, *, image: bool) -> list[Layer]:
    """The Flatten or Window between the layer `previous`, maybe an `image`, and the product."""
    inputs, name = (previous,), found.name
    if product.flatten and image:
        return [Flatten(name=f"{name}_flatten", inputs=inputs)]
    if product.windows is None:
        return []
    windows = product.windows
    return [
        Window(
            name=f"{name}_window",
            inputs=inputs,
            kernel=windows.kernel,
            stride=windows.stride,
            padding=windows.padding,
            fill=found.fill,
        )
    ]


def _hidden(
    product: Product, found: Matrix, finn: FinnLayer | None, inputs: tuple[str, ...]
) -> Step:
    """A hidden product: an Mvau with thresholds, and its max-pools."""
    mh = len(found.weights)
    at = levels.find(found.name, found.lo, found.hi, found.classes, mh, found.chain)
    level = at.level[:1] if (at.level == at.level[0]).all() else at.level
    layer = Mvau(
        name=found.name,
        inputs=inputs,
        weights=np.where(at.flip[:, None], 1 - found.weights, found.weights),
        thresholds=level,
    )
    pools = _pools(product, at, layer)
    ties = crosscheck.thresholds(product, found, layer, at.swap, finn) if finn else 0
    counts = {
        "border classes": len(level) if len(level) > 1 else 0,
        "with negated weights": int(at.flip.sum()),
        "constant": int(at.constant.sum()),
        "one off in FINN": ties,
    }
    note = f"{found.name}: {mh} thresholds" + "".join(f", {n} {k}" for k, n in counts.items() if n)
    scale, offset = (at.hi - at.lo) / 2, (at.hi + at.lo) / 2
    return Step(
        layers=(layer, *pools),
        meaning=Meaning(element=Bit(), scale=scale, offset=offset),
        became=_became(product.after, note)
        | _product_became(product, found)
        | {
            pool.name: f"{layer.name}: an OR of bits{_inverted(layer)}"
            for pool, layer in _paired(product, pools)
        },
        ties=ties,
    )


def _pools(product: Product, at: levels.Thresholds, layer: Mvau) -> list[MaxPool]:
    """The max-pools after a product, in order."""
    made: list[MaxPool] = []
    previous = layer.name
    pools = [step for step in product.after if isinstance(step, Pool)]
    for index, (pool, invert) in enumerate(zip(pools, at.inverts, strict=True)):
        name = f"{layer.name}_pool" + (str(index + 1) if len(pools) > 1 else "")
        windows = pool.windows
        made.append(
            MaxPool(
                name=name,
                inputs=(previous,),
                kernel=windows.kernel,
                stride=windows.stride,
                padding=windows.padding,
                invert=invert.astype(np.uint8),
            )
        )
        previous = name
    return made


def _inverted(layer: MaxPool) -> str:
    """How many channels a pool inverts, for a note."""
    count = int(layer.invert.sum())
    return f", inverted in {count}" if count else ""


def _paired(product: Product, made: Sequence[MaxPool]) -> Iterator[tuple[Pool, MaxPool]]:
    return zip((step for step in product.after if isinstance(step, Pool)), made, strict=True)


def _last(product: Product, found: Matrix, finn: FinnLayer | None, inputs: tuple[str, ...]) -> Step:
    """The last product: an Mvau that puts out accumulators, and the head."""
    name, mh = found.name, len(found.weights)
    if found.classes > 1 or (product.windows and product.windows.over(product.shape) != (1, 1)):
        raise ConfigError(
            f"node {product.name!r}: the last product gives more than one position of an image",
            hint="end the network with a dense layer; average pools are not supported yet",
        )
    if any(isinstance(step, Pool) for step in product.after):
        raise ConfigError(f"node {product.name!r}: a max-pool after the last product")
    acc = np.arange(found.lo, found.hi + 1, dtype=np.int64)
    parts = levels.chunks(found.lo, found.hi, mh)
    fixed = heads.fit(acc, np.concatenate([found.chain(part).end for part in parts]))
    layer = Mvau(name=name, inputs=inputs, weights=found.weights, thresholds=None)
    if finn:
        crosscheck.weights(product, found.weights, finn)
    image = len(product.shape) == 3 and not product.flatten
    flat = (Flatten(name="head_flatten", inputs=(name,)),) if image else ()
    end = Head(
        name="head",
        inputs=((layer, *flat)[-1].name,),
        scale=fixed.scale,
        bias=fixed.bias,
        width=fixed.width,
        fraction=fixed.fraction,
    )
    note = f"head: scale and bias a class, {fixed.width}-bit logits"
    note += f", {fixed.pairs} pairs ordered unlike float32" if fixed.pairs else ""
    return Step(
        layers=(layer, *flat, end),
        meaning=Meaning(element=Bit(), scale=1.0, offset=0.0),
        became=_became(product.after, note) | _product_became(product, found),
        pairs=fixed.pairs,
    )


def _product_became(product: Product, found: Matrix) -> dict[str, str]:
    """What the product's node became."""
    mh, mw = found.weights.shape
    return {product.name: f"{found.name}: {mw} x {mh} weights of 1 bit"}
