"""A trained model as a QONNX file, and what such a file computes (ONNX: the way out of torch)."""

from __future__ import annotations

import copy
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx as brevitas_export
from brevitas.quant import Int8ActPerTensorFixedPoint
from brevitas.quant.binary import (
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
)
from numpy.typing import NDArray
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from torch import nn

from onebit import system
from onebit.errors import CheckFailed, ConfigError
from onebit.lower.runtime import any_batch
from onebit.train.layers import BinaryConv2d, BinaryLinear, Quantise, Sign

OPSET = 13  # qonnx and FINN know its operators
CHECKED_SAMPLES = 64
EXECUTED_TOGETHER = 1000  # qonnx keeps every tensor of a run


@dataclass(frozen=True, slots=True, kw_only=True)
class RawInput:
    """One sample as the model takes it: its shape without the batch, and its whole values."""

    shape: tuple[int, ...]
    bits: int
    signed: bool = False

    @property
    def range(self) -> tuple[int, int]:
        """The least value, and one more than the largest."""
        least = -(1 << self.bits - 1) if self.signed else 0
        return least, least + (1 << self.bits)


class UnitWeight(SignedBinaryWeightPerTensorConst):  # type: ignore[misc]
    """Brevitas: weights +-1."""

    scaling_const = 1.0


def export_qonnx(model: nn.Module, path: Path | str, *, input: RawInput) -> None:
    """Write `model`, with its binary layers as Brevitas layers, to `path` as QONNX.

    The graph takes one raw sample, float32 [1, *shape], called "input"; the same model gives the
    same bytes. CheckFailed if the file does not compute what the model computes.
    """
    path = Path(path)
    twin = with_brevitas_layers(copy.deepcopy(model).cpu().eval())
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about the exporter that Brevitas still uses
        file = Path(scratch) / "model.onnx"
        brevitas_export(
            twin,
            args=torch.zeros(1, *input.shape),
            export_path=str(file),
            input_names=["input"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=False,
        )
        content = cleaned(onnx.load(file), input)
        file.write_bytes(content)
        noise = np.random.default_rng(0).integers(*input.range, (CHECKED_SAMPLES, *input.shape))
        compare(model, file, noise)
    system.write_bytes(path, content)


def with_brevitas_layers(module: nn.Module) -> nn.Module:
    """`module` with each of our layers, at any depth, replaced by its Brevitas counterpart."""
    for name, child in list(module._modules.items()):  # named_children() names a shared one once
        if child is not None:
            setattr(module, name, with_brevitas_layers(child))
    if isinstance(module, Sign):
        layer: Any = qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
        return layer.eval()  # type: ignore[no-any-return]
    if isinstance(module, Quantise):
        return quantiser(module)
    if isinstance(module, BinaryLinear):
        layer = qnn.QuantLinear(
            module.in_features, module.out_features, bias=False, weight_quant=UnitWeight
        )
    elif isinstance(module, BinaryConv2d):
        if module.padding_mode != "zeros":
            raise ConfigError(
                f"{module} has padding_mode={module.padding_mode!r}; "
                "only zero padding can be exported",
                hint="leave out padding_mode",
            )
        layer = qnn.QuantConv2d(
            module.in_channels,
            module.out_channels,
            module.kernel_size,
            stride=module.stride,
            padding=module.padding,
            dilation=module.dilation,
            groups=module.groups,
            bias=False,
            weight_quant=UnitWeight,
        )
    else:
        return module
    # +-1 instead of the latent weights: all that the network is, and small when compressed
    layer.weight.data = torch.where(module.weight.data >= 0, 1.0, -1.0)
    return layer.eval()  # type: ignore[no-any-return]


def quantiser(module: Quantise) -> nn.Module:
    """The same with a scale that is constant."""
    most = module.step * (1 << module.bits - 1)
    layer: nn.Module = qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFixedPoint,
        bit_width=module.bits,
        scaling_impl_type="const",
        restrict_scaling_type="fp",
        min_val=-most,
        max_val=most,
    )
    return layer.eval()


def cleaned(graph: onnx.ModelProto, input: RawInput) -> bytes:
    """The file's bytes: a typed input, shapes, and nothing of the machine that made it."""
    for node in graph.graph.node:
        node.name = re.sub(r"[^A-Za-z0-9]+", "_", node.name).strip("_")
    wrapper = ModelWrapper(graph).transform(InferShapes())
    for kind in ("BipolarQuant", "Quant"):  # their constants have random names
        for node in wrapper.get_nodes_by_op_type(kind):
            for tensor, name in zip(node.input[1:], ("scale", "zero", "bits"), strict=False):
                wrapper.rename_tensor(tensor, f"{node.name}_{name}")
    del wrapper.graph.quantization_annotation[:]
    sign = "" if input.signed else "U"
    wrapper.set_tensor_datatype("input", DataType[f"{sign}INT{input.bits}"])
    graph = wrapper.model
    parameters = {tensor.name for tensor in graph.graph.initializer}
    shapes = sorted(graph.graph.value_info, key=lambda value: value.name)  # they come as a set
    del graph.graph.value_info[:]
    graph.graph.value_info.extend(value for value in shapes if value.name not in parameters)
    graph.producer_name = "onebit"
    graph.producer_version = ""
    graph.doc_string = ""
    del graph.metadata_props[:]
    graph.graph.name = "onebit"
    graph.graph.doc_string = ""
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*graph.graph.input, *graph.graph.output, *graph.graph.value_info):
        value.doc_string = ""
        del value.metadata_props[:]
    for tensor in graph.graph.initializer:
        tensor.doc_string = ""
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def execute(path: Path, images: NDArray[Any]) -> NDArray[np.float32]:
    """The logits [N, classes] that the QONNX file gives for raw samples [N, *shape], by qonnx."""
    parts = [images[at : at + EXECUTED_TOGETHER] for at in range(0, len(images), EXECUTED_TOGETHER)]
    return np.concatenate([execute_together(path, part) for part in parts])


def execute_together(path: Path, images: NDArray[Any]) -> NDArray[np.float32]:
    """`execute` in one go."""
    wrapper = ModelWrapper(any_batch(onnx.load(path)))
    name = wrapper.graph.output[0].name
    classes = wrapper.get_tensor_shape(name)[1:]
    del wrapper.graph.value_info[:]  # they are of one sample
    wrapper.set_tensor_shape("input", list(images.shape))
    wrapper.set_tensor_shape(name, [len(images), *classes])
    wrapper = wrapper.transform(InferShapes())
    logits: NDArray[np.float32] = execute_onnx(wrapper, {"input": images.astype(np.float32)})[name]
    return logits


def compare(model: nn.Module, path: Path, samples: NDArray[Any]) -> None:
    """CheckFailed unless file and model name the same class for each of the raw samples."""
    device = next(model.parameters()).device
    training = model.training
    values = torch.from_numpy(samples.astype(np.float32)).to(device)
    with torch.no_grad():
        want = model.eval()(values).argmax(1).cpu().numpy()
    model.train(training)
    differ = np.flatnonzero(execute(path, samples).argmax(1) != want)
    if len(differ):
        raise CheckFailed(
            f"{str(path)!r} and the model that it was exported from name different classes for "
            f"{len(differ)} of {len(samples)} samples, the first of them sample {differ[0]}",
            hint="please report this, with the model",
        )
