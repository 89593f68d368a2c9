"""The drop-in binary layers: put them where a PyTorch model has nn.Linear, nn.Conv2d and ReLU.

Forward they compute with +-1. Backward the gradient passes straight through where the value lies
in -1..1. `onebit.train.export` turns each of them into its Brevitas counterpart.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from onebit.errors import ConfigError


def signs(x: Tensor) -> Tensor:
    """+1 where x >= 0, else -1, of the same shape and type."""
    return (x >= 0).to(x.dtype).mul_(2).sub_(1)


class WeightSign(torch.autograd.Function):
    """The signs of latent weights; the gradient passes as if there were no sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return signs(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient as it is: latent weights at the edge of -1..1 must find back."""
        return gradients[0]


class ActivationSign(torch.autograd.Function):
    """The signs of activations; the gradient is that of the clip to -1..1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        ctx.save_for_backward(x)
        return signs(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient where |x| < 1, else 0."""
        (x,) = ctx.saved_tensors
        through: Tensor = torch.ops.aten.hardtanh_backward(gradients[0], x, -1, 1)
        return through


def signs_of(layer: nn.Linear | nn.Conv2d) -> Tensor:
    """The layer's weights as +-1; while training, its latent weights are kept in -1..1 first."""
    if layer.training:
        layer.weight.data.clamp_(-1, 1)
    weights: Tensor = WeightSign.apply(layer.weight)  # type: ignore[no-untyped-call]
    return weights


def reject_bias(bias: bool) -> None:
    """A bias is what the batch-norm behind a binary layer is there for."""
    if bias:
        raise ConfigError(
            "a binary layer has no bias of its own",
            hint="leave out bias=True and put a BatchNorm behind the layer",
        )


class Sign(nn.Module):
    """The binary activation: +1 where x >= 0, else -1. Put it behind a batch-norm."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        y: Tensor = ActivationSign.apply(x)  # type: ignore[no-untyped-call]
        return y


class Binarise(nn.Module):
    """Raw samples to +-1: +1 where x >= threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.sign: nn.Module = Sign()

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        y: Tensor = self.sign(x - self.threshold)
        return y


class Quantise(nn.Module):
    """Raw samples to the nearest of the 2**bits multiples of `step` around zero; no gradient."""

    def __init__(self, step: float, bits: int) -> None:
        super().__init__()
        self.step, self.bits = step, bits

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        half = 1 << self.bits - 1
        return (x / self.step).round_().clamp_(-half, half - 1).mul_(self.step)


class BinaryLinear(nn.Linear):
    """nn.Linear with weights +-1 and no bias."""

    def __init__(self, in_features: int, out_features: int, bias: bool = False) -> None:
        reject_bias(bias)
        super().__init__(in_features, out_features, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """[N, in_features] to [N, out_features]."""
        return nn.functional.linear(input, signs_of(self))


class BinaryConv2d(nn.Conv2d):
    """nn.Conv2d with weights +-1 and no bias; takes the same arguments."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, *args: Any, **named: Any
    ) -> None:
        reject_bias(named.pop("bias", False))
        super().__init__(in_channels, out_channels, kernel_size, *args, bias=False, **named)

    def forward(self, input: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, out_channels, H', W']."""
        return self._conv_forward(input, signs_of(self), None)
