"""A recipe's network as a PyTorch model, and its samples as that model takes them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from onebit.errors import ConfigError
from onebit.recipe import Conv, Recipe
from onebit.train.layers import Binarise, BinaryConv2d, BinaryLinear, Quantise, Sign


def inputs(recipe: Recipe, images: Tensor) -> Tensor:
    """`images` [N, C, H, W] as they are where the network starts with a conv.

    Flat [N, H*W*C] where it starts with a dense layer: in the order of the data set's files.
    """
    if isinstance(recipe.layers[0], Conv):
        return images
    return images.permute(0, 2, 3, 1).flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a network's convolutions, dense layers and activations are."""

    conv: Callable[..., nn.Module]
    dense: Callable[..., nn.Module]
    sign: Callable[[], nn.Module]


BINARY = Parts(conv=BinaryConv2d, dense=BinaryLinear, sign=Sign)
FLOAT = Parts(  # a teacher's
    conv=partial(nn.Conv2d, bias=False), dense=partial(nn.Linear, bias=False), sign=nn.ReLU
)


def build(
    recipe: Recipe, shape: tuple[int, int, int], classes: int, of: Parts = BINARY
) -> nn.Sequential:
    """The untrained network for images of `shape` (C, H, W), seeded.

    It takes `inputs` of raw values and gives [N, classes] logits.
    """
    torch.manual_seed(recipe.seed)
    parts: OrderedDict[str, nn.Module] = entrance(recipe)
    for index, layer in enumerate(recipe.layers, 1):
        if isinstance(layer, Conv):
            parts[f"conv{index}"] = of.conv(
                shape[0], layer.channels, layer.kernel, layer.stride, layer.padding
            )
            if layer.pool > 1:
                parts[f"pool{index}"] = nn.MaxPool2d(layer.pool)
            if layer.norm:
                parts[f"norm{index}"] = nn.BatchNorm2d(layer.channels)
            shape = shape_after(layer, shape, f"{recipe.name}: layers[{index - 1}]")
        else:
            if index > 1 and isinstance(recipe.layers[index - 2], Conv):
                parts["flatten"] = nn.Flatten()
            parts[f"fc{index}"] = of.dense(math.prod(shape), layer.units)
            if layer.norm:
                parts[f"norm{index}"] = nn.BatchNorm1d(layer.units)
            shape = (layer.units, 1, 1)
        if index < len(recipe.layers):
            parts[f"sign{index}"] = of.sign()
    if shape[0] != classes:
        raise ConfigError(
            f"{recipe.name}: the last layer has {shape[0]} units; the data has {classes} classes",
            hint=f"end the layers of its recipe.toml with {{ dense = {classes} }}",
        )
    # the order of the elements in memory only: convolutions run twice as fast on a CPU
    return nn.Sequential(parts).to(memory_format=torch.channels_last)


def entrance(recipe: Recipe) -> OrderedDict[str, nn.Module]:
    """What raw samples pass before the first layer, if anything."""
    how = recipe.input
    if how.bits == 1:
        return OrderedDict(input=Binarise(how.threshold))
    return OrderedDict(input=Quantise(how.step, how.bits)) if how.step else OrderedDict()


def shape_after(layer: Conv, shape: tuple[int, int, int], where: str) -> tuple[int, int, int]:
    """(C, H, W) behind `layer`; ConfigError where a window is larger than what it slides over."""
    input_size = [size + 2 * layer.padding for size in shape[1:]]
    if any(size < kernel for size, kernel in zip(input_size, layer.kernel, strict=True)):
        raise ConfigError(
            f"{where}: the kernel of {by(layer.kernel)} is larger than its padded input of "
            f"{by(input_size)}",
            hint="a smaller kernel, more padding, or less pooling before it",
        )
    size = [
        (size - kernel) // layer.stride + 1
        for size, kernel in zip(input_size, layer.kernel, strict=True)
    ]
    if min(size) < layer.pool:
        raise ConfigError(
            f"{where}: the pool of {by([layer.pool] * 2)} is larger than the {by(size)} that the "
            "convolution leaves",
            hint="a smaller pool",
        )
    return layer.channels, size[0] // layer.pool, size[1] // layer.pool


def by(sizes: Iterable[int]) -> str:
    """Sizes as a text: 3x3."""
    return "x".join(map(str, sizes))
