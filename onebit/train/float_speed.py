"""A float network of a 1-bit network's topology in PyTorch, to see how fast it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn


def runner(
    shape: tuple[int, ...], layers: Sequence[dict[str, Any]], batch: int, threads: int
) -> Callable[[], None]:
    """What runs a batch of samples through the network; batch-norms are in weights and biases."""
    torch.manual_seed(0)
    model = _network(shape, layers).eval()
    samples = torch.rand((batch, *shape))
    if len(shape) == 3:
        samples = samples.permute(0, 3, 1, 2)
        model, samples = (
            model.to(memory_format=torch.channels_last),
            samples.contiguous(memory_format=torch.channels_last),
        )

    def run() -> None:
        torch.set_num_threads(threads)
        with torch.inference_mode():
            model(samples)

    return run


def _network(shape: tuple[int, ...], layers: Sequence[dict[str, Any]]) -> nn.Sequential:
    made: list[nn.Module] = []
    channels = shape[-1]
    for index, layer in enumerate(layers):
        match layer["kind"]:
            case "pool":
                made += [_padded(layer), nn.MaxPool2d(layer["kernel"], layer["stride"])]
                continue
            case "flatten":
                made.append(nn.Flatten())
                continue
            case "conv":
                made.append(_padded(layer))
                made.append(nn.Conv2d(channels, layer["outputs"], layer["kernel"], layer["stride"]))
                channels = layer["outputs"]
            case _:
                made.append(nn.Linear(layer["inputs"], layer["outputs"]))
        if index + 1 < len(layers):
            made.append(nn.ReLU())
    return nn.Sequential(*made)


def _padded(layer: dict[str, Any]) -> nn.Module:
    top, left, bottom, right = layer["padding"]
    return nn.ZeroPad2d((left, right, top, bottom)) if any(layer["padding"]) else nn.Identity()
