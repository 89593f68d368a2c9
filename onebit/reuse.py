"""Weight reuse: where vectors come side by side, and how long such groups reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onebit.net import Layer, Net
from onebit.pack import ceil_div

if TYPE_CHECKING:
    from onebit.folding import Folding


def gathered(folding: Folding, layer: Layer) -> bool:
    """Whether vectors come to the layer one after the other that it takes side by side."""
    m = folding.layers[layer.name].m
    return m > 1 and folding.layers[layer.inputs[0]].m != m


def scattered(folding: Folding, layer: Layer) -> bool:
    """Whether vectors come to the layer side by side that it takes in another way."""
    m = folding.layers[layer.inputs[0]].m if layer.inputs else 1
    return m > 1 and folding.layers[layer.name].m != m


def rhythm(net: Net, folding: Folding) -> int:
    """The images after which groups of vectors begin with an image again."""
    groups = ((folding.layers[layer.name].m, net.positions(layer.name)) for layer in net.mvaus)
    return math.lcm(*(m // math.gcd(m, vectors) for m, vectors in groups))


def tail(net: Net, folding: Folding) -> int:
    """The most images at the end of a batch that are in groups with fewer vectors than they can."""
    groups = ((folding.layers[layer.name].m, net.positions(layer.name)) for layer in net.mvaus)
    return sum(ceil_div(m, vectors) for m, vectors in groups if m > 1)
