"""Random changes of a batch of samples, in plain torch: of places and light, or masks."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, pad

from onebit.recipe import Augment

PADDING = {"zero": "zeros", "repeat": "border"}  # what torch calls a recipe's `edge`


def augmented(images: Tensor, how: Augment, generator: torch.Generator) -> Tensor:
    """Each of `images` (float [N, C, H, W], raw whole values) changed by chance.

    The values stay whole, those of images in 0..255, so that training sees what a sensor could
    have given.
    `generator` lives on the CPU, so that every device draws the same numbers.
    """
    if how.shift or how.rotation or how.scale:
        images = moved(images, how, generator).round_()
    if how.brightness or how.contrast or how.blur:
        images = lit(images, how, generator).round_().clamp_(0, 255)
    if how.mask_frames:
        images = masked(images, 2, how.mask_frames, generator)
    if how.mask_coefficients:
        images = masked(images, 3, how.mask_coefficients, generator)
    return images


def masked(images: Tensor, axis: int, most: int, generator: torch.Generator) -> Tensor:
    """`images` with 0..`most` neighbours on one axis set to zero, each at places of its own."""
    size = images.shape[axis]
    chance = torch.rand(2, len(images), 1, generator=generator)
    width = (chance[0] * (min(most, size) + 1)).floor()
    start = (chance[1] * (size - width + 1)).floor()
    place = torch.arange(size)
    hidden = (start <= place) & (place < start + width)
    shape = [len(images), 1, 1, 1]
    shape[axis] = size
    return images.masked_fill(hidden.view(shape).to(images.device), 0)


def moved(images: Tensor, how: Augment, generator: torch.Generator) -> Tensor:
    """`images` shifted, turned and scaled."""
    count, _, height, width = images.shape
    chance = torch.rand(count, 5, generator=generator).mul_(2).sub_(1)
    angle = chance[:, 0] * math.radians(how.rotation)
    across = 1 / (1 + chance[:, 1] * how.scale)
    down = 1 / (1 + chance[:, 2] * how.scale)
    dx, dy = chance[:, 3] * how.shift * 2 / width, chance[:, 4] * how.shift * 2 / height
    rows = torch.stack([angle.cos() * across, -angle.sin() * down, dx], 1)
    columns = torch.stack([angle.sin() * across, angle.cos() * down, dy], 1)
    grid = torch.empty(count, height, width, 2, device=images.device)
    for axis, row in enumerate((rows, columns)):
        grid[..., axis] = sources(row.to(images.device), height, width)
    return grid_sample(images, grid, padding_mode=PADDING[how.edge], align_corners=False)


def sources(row: Tensor, height: int, width: int) -> Tensor:
    """One coordinate of where each pixel comes from, [N, H, W]: row [N, 3] times (x, y, 1)."""
    x = (torch.arange(width, device=row.device) * 2 + 1) / width - 1
    y = (torch.arange(height, device=row.device) * 2 + 1) / height - 1
    line = row[:, 0:1] * x + row[:, 2:3]
    return line[:, None, :] + (row[:, 1:2] * y)[:, :, None]


def lit(images: Tensor, how: Augment, generator: torch.Generator) -> Tensor:
    """`images` blurred, then nearer to or farther from their mean, then darker or brighter."""
    chance = torch.rand(3, len(images), 1, 1, 1, generator=generator).to(images.device)
    blur, contrast, brightness = chance[0], chance[1] * 2 - 1, chance[2] * 2 - 1
    if how.blur:
        near = avg_pool2d(pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
        images = torch.lerp(images, near, how.blur * blur)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = torch.lerp(mean, images, 1 + how.contrast * contrast)
    return images * (1 + how.brightness * brightness)
