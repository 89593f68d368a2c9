"""`net.json`: a Net as a file, versioned, checked against its hash when it is read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from onebit.errors import ConfigError
from onebit.net import KINDS, Bit, Int, Layer, Net, record

FORMAT = 1


def _layer(found: dict[str, Any]) -> Layer:
    """The layer that `net.record` made."""
    data = dict(found)
    kind = KINDS[data.pop("kind")]
    if "weights" in data:
        rows = [np.frombuffer(bytes.fromhex(row), dtype=np.uint8) for row in data["weights"]]
        mw = data.pop("mw")
        data["weights"] = np.unpackbits(np.stack(rows), axis=1, count=mw, bitorder="little")
    if "element" in data:
        element = data["element"]
        is_bit = element["kind"] == "bit"
        data["element"] = Bit() if is_bit else Int(bits=element["bits"], signed=element["signed"])
    for name in ("table", "thresholds", "scale", "bias"):
        if isinstance(data.get(name), list):
            data[name] = np.array(data[name], dtype=np.int64)
    if "invert" in data:
        data["invert"] = np.array(data["invert"], dtype=np.uint8)
    for name in ("inputs", "shape", "kernel", "stride", "padding"):
        if name in data:
            data[name] = tuple(data[name])
    layer: Layer = kind(**data)
    return layer


def to_json(net: Net) -> str:
    """`net.json`: versioned, one layer a line, byte-identical for equal networks."""
    layers = ",\n".join("  " + json.dumps(record(layer)) for layer in net.layers)
    head = {"format": FORMAT, "title": net.title, "source": net.source, "hash": net.hash}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "\n".join(["{", *lines, ' "layers": [', layers, " ]", "}", ""])


def from_json(text: str, where: str = "net.json") -> Net:
    """The network in `text`; ConfigError where it is not one, or is not what its hash says."""
    try:
        data = json.loads(text)
        version = data["format"]
        if version != FORMAT:
            raise ConfigError(f"{where}: format {version!r}, this onebit reads {FORMAT}")
        layers = tuple(_layer(found) for found in data["layers"])
        net = Net(layers=layers, title=data["title"], source=data["source"])
        written = data["hash"]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as reason:
        raise ConfigError(
            f"{where}: not a network description ({reason!r})",
            hint="onebit compile writes a new one",
        ) from None
    if net.hash != written:
        raise ConfigError(
            f"{where}: its layers do not have the hash that it states",
            hint="onebit compile writes a new one",
        )
    return net
