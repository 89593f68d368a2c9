"""Brevitas' own BNN-PYNQ networks, untrained but with lively batch-norms, as QONNX files."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from brevitas.export import export_qonnx
from brevitas_examples.bnn_pynq.models import model_with_cfg
from brevitas_examples.bnn_pynq.models.tensor_norm import TensorNorm
from torch import nn

SHAPES = {
    "TFC_1W1A": (1, 28, 28),
    "SFC_1W1A": (1, 28, 28),
    "LFC_1W1A": (1, 28, 28),
    "CNV_1W1A": (3, 32, 32),
}
SAMPLES = 64


def build(name: str, seed: int) -> nn.Module:
    """The network in eval mode: random weights, and statistics measured on random images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model, _ = model_with_cfg(name, pretrained=False)
        model.eval()
        images = torch.randint(0, 256, (SAMPLES, *SHAPES[name])) / 255
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | TensorNorm):
                measure(module, model, images)
    return model


def measure(module: nn.Module, model: nn.Module, images: torch.Tensor) -> None:
    """Give the norm `module` near the statistics of its input, and a random slope and shift.

    The earlier norms of `model` must have theirs. A TensorNorm is one value for all classes, so
    its slope is positive: a negative one would name the least likely class.
    """
    seen: list[torch.Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model(images)
        handle.remove()
        one = isinstance(module, TensorNorm)
        dims = [i for i in range(seen[0].dim()) if one or i != 1]
        size = module.weight.shape
        spread = seen[0].std(dim=dims).reshape(size).clamp(min=1)
        mean = seen[0].mean(dim=dims).reshape(size)
        sign = torch.ones(size) if one else torch.randint(0, 2, size) * 2 - 1
        module.running_mean.copy_(mean + 0.3 * spread * torch.randn(size))
        module.running_var.copy_((spread * (0.5 + torch.rand(size))) ** 2)
        module.weight.copy_(sign * (0.2 + 1.3 * torch.rand(size)))
        module.bias.copy_(0.3 * torch.randn(size))


def export(name: str, path: Path, seed: int) -> None:
    """Write the network `name`, a key of SHAPES, to `path`; its input is pixels from 0 to 1."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of torch, about the exporter that Brevitas still uses
        torch.manual_seed(seed)  # names of constants are random
        export_qonnx(
            build(name, seed),
            args=torch.zeros(1, *SHAPES[name]),
            export_path=str(path),
            opset_version=13,  # qonnx and FINN know its operators
            dynamo=False,
        )
