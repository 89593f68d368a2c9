"""A recipe's network as a PyTorch model."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from onebit.errors import ConfigError
from onebit.recipe import Recipe
from onebit.train.layers import Binarise, BinaryLinear, Sign


def build(recipe: Recipe, features: int, classes: int) -> nn.Sequential:
    """The untrained network, [N, features] raw values to [N, classes] logits, seeded."""
    torch.manual_seed(recipe.seed)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if recipe.input.bits == 1:
        parts["input"] = Binarise(recipe.input.threshold)
    width = features
    for index, layer in enumerate(recipe.layers, 1):
        parts[f"fc{index}"] = BinaryLinear(width, layer.units)
        parts[f"norm{index}"] = nn.BatchNorm1d(layer.units)
        if index < len(recipe.layers):
            parts[f"sign{index}"] = Sign()
        width = layer.units
    if width != classes:
        raise ConfigError(
            f"{recipe.name}: the last layer has {width} units and the data has {classes} classes",
            hint=f"end the layers of its recipe.toml with {{ dense = {classes} }}",
        )
    return nn.Sequential(parts)
