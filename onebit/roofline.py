"""What bounds the MACs a cycle: a part's LUTs, the width of its block RAMs, and the input port."""

from __future__ import annotations

from typing import Any

from onebit import resources
from onebit.board import Board
from onebit.cost import interval
from onebit.folding import Folding
from onebit.net import Mvau, Net
from onebit.shapes import shape

BRAM36_BITS = 72  # that a block RAM of 36 Kib gives a cycle


def roofline(net: Net, folding: Folding, board: Board) -> dict[str, Any]:
    """MACs a cycle achieved and allowed.

    LUTs: all of the part as neurons of this folding's kind, with nothing beside them. Block RAM: a
    weight bit for each MAC, or for the m of them that share it. Port: a bit of the image is worth
    so many MACs.
    """
    macs = {layer.name: layer.weights.size * net.positions(layer.name) for layer in net.mvaus}
    total, first = sum(macs.values()), net.input
    luts = sum(macs[layer.name] * _luts(net, folding, layer) for layer in net.mvaus) / total
    read = sum(macs[layer.name] / folding.layers[layer.name].m for layer in net.mvaus) / total
    bits = net.positions(first.name) * first.shape[-1] * first.element.bits
    width = board.bram36 * BRAM36_BITS
    return {
        "macs": total,
        "macs_a_bit": total / bits,
        "achieved": total / interval(net, folding),
        "port_bits": board.port_bits,
        "port": board.port_bits * total / bits,
        "roofs": [
            {
                "name": "LUTs",
                "macs": board.lut / luts,
                "how": f"{board.lut:,} LUTs, {luts:.2f} a MAC",
            },
            {
                "name": "block RAM",
                "macs": width / read,
                "how": f"{width:,} weight bits a cycle"
                + (f", each for {1 / read:.3g} MACs" if read < 1 else ""),
            },
        ],
    }


def _luts(net: Net, folding: Folding, layer: Mvau) -> float:
    """LUTs of a MAC in a neuron of the layer."""
    own, simd = shape(net, layer.name), folding.layers[layer.name].simd
    return resources.dot(simd, own.bits).lut / simd
