"""FINN's own estimates of cycles and resources for a network as we fold it, to stand beside ours.

Each of our layers as FINN's hardware node with our folding; FINN's analysis passes do the rest. PE
and SIMD must divide a matrix there: the nearest divisors are taken, and said.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import finn.custom_op.fpgadataflow.hls  # what cannot be imported shows here, not as a missing node
import finn.custom_op.fpgadataflow.rtl  # noqa: F401
from finn.analysis.fpgadataflow.exp_cycles_per_layer import exp_cycles_per_layer
from finn.analysis.fpgadataflow.res_estimation import res_estimation
from onnx import NodeProto, TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper

from onebit.cost import memory_of
from onebit.folding import Fold, Folding
from onebit.net import Bit, Flatten, Head, Input, Int, Layer, MaxPool, Mvau, Net, Window
from onebit.shapes import shape

DOMAIN = "finn.custom_op.fpgadataflow"
MEMORIES = {"bram": "block", "logic": "distributed", "lutram": "distributed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What FINN expects of a layer with the PE and SIMD that it can have."""

    layer: str
    pe: int
    simd: int
    cycles: int
    lut: int
    bram18: int
    dsp: int


def estimates(net: Net, folding: Folding, part: str) -> list[Estimate]:
    """One for each layer that is hardware in FINN too."""
    nodes = {
        layer.name: list(_nodes(net, layer, folding.layers[layer.name])) for layer in net.layers
    }
    made = [node for each in nodes.values() for node in each]
    x, y = ([helper.make_tensor_value_info(end, TensorProto.FLOAT, [1])] for end in ("x", "y"))
    model = ModelWrapper(helper.make_model(helper.make_graph(made, "folded", x, y)))
    logging.getLogger("finn_logger").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):
        cycles = exp_cycles_per_layer(model)
        resources = res_estimation(model, part)
    return [_estimate(net[name], each, cycles, resources) for name, each in nodes.items() if each]


def _estimate(
    layer: Layer, nodes: list[NodeProto], cycles: dict[str, int], resources: dict[str, Any]
) -> Estimate:
    folds = {a.name: a.i for node in nodes for a in node.attribute if a.name in ("PE", "SIMD")}
    sums = {
        key: round(sum(resources[node.name][key] for node in nodes))
        for key in ("LUT", "BRAM_18K", "DSP")
    }
    return Estimate(
        layer=layer.name,
        pe=folds.get("PE", 1),
        simd=folds.get("SIMD", 1),
        cycles=max(cycles[node.name] for node in nodes),
        lut=sums["LUT"],
        bram18=sums["BRAM_18K"],
        dsp=sums["DSP"],
    )


def nearest_divisor(n: int, wanted: int) -> int:
    """The divisor of n that is nearest, the larger of two."""
    return min((d for d in range(1, n + 1) if n % d == 0), key=lambda d: (abs(d - wanted), -d))


def _nodes(net: Net, layer: Layer, fold: Fold) -> Iterator[NodeProto]:
    match layer:
        case Input() | Flatten():
            return
        case Mvau():
            yield _mvau(net, layer, fold)
        case Window():
            simd = nearest_divisor(shape(net, layer.name).channels, fold.simd)
            yield from _windows(net, layer, simd, parallel=fold.simd > simd)
        case MaxPool():
            pe, own = nearest_divisor(len(layer.invert), fold.pe), shape(net, layer.name)
            assert own.rows and own.columns
            yield from _windows(net, layer, pe, depthwise=1)
            places = [own.rows.out, own.columns.out]
            kind = {"InputDataType": "BINARY", "OutputDataType": "BINARY", "Function": "MaxPool"}
            kernel = list(layer.kernel)
            yield _node(
                layer, "Pool_hls", PE=pe, Channels=own.channels, KernelSize=kernel,
                OutImgDims=places, **kind,
            )  # fmt: skip
        case Head():
            element = net.element(layer.inputs[0])
            pe = nearest_divisor(layer.classes, fold.pe)
            kind = {"inputDataType": _type(element), "outputDataType": "UINT16"}
            yield _node(layer, "LabelSelect_hls", PE=pe, Labels=layer.classes, K=1, **kind)


def _mvau(net: Net, layer: Mvau, fold: Fold) -> NodeProto:
    own, element = shape(net, layer.name), net.element(layer.inputs[0])
    binary = isinstance(element, Bit)
    bits = layer.thresholds is not None
    return _node(
        layer,
        "MVAU_hls",
        MW=layer.mw,
        MH=layer.mh,
        PE=nearest_divisor(layer.mh, fold.pe),
        SIMD=nearest_divisor(layer.mw, fold.simd),
        inputDataType=_type(element),
        weightDataType="BINARY" if binary else "BIPOLAR",
        binaryXnorMode=int(binary),
        outputDataType="BINARY" if bits else f"INT{own.acc}",
        accDataType=f"INT{own.acc}",
        noActivation=int(not bits),
        numInputVectors=[1, *net.shape(layer.name)[:-1]],
        ram_style=MEMORIES[memory_of(net, layer, fold)],
        resType="lut",
    )


def _windows(
    net: Net, layer: Window | MaxPool, simd: int, *, depthwise: int = 0, parallel: bool = False
) -> Iterator[NodeProto]:
    """Padding, where there is some, and the sliding window."""
    own = shape(net, layer.name)
    assert own.rows and own.columns
    kind = _type(net.element(layer.inputs[0]))
    size, padding = [own.rows.size, own.columns.size], layer.padding
    if any(padding):
        yield _node(
            layer, "FMPadding_rtl", ImgDim=size, Padding=list(padding), NumChannels=own.channels,
            SIMD=simd, inputDataType=kind,
        )  # fmt: skip
    top, left, bottom, right = padding
    yield _node(
        layer,
        "ConvolutionInputGenerator_rtl",
        ConvKernelDim=list(layer.kernel),
        IFMChannels=own.channels,
        IFMDim=[size[0] + top + bottom, size[1] + left + right],
        OFMDim=[own.rows.out, own.columns.out],
        SIMD=simd,
        Stride=list(layer.stride),
        Dilation=[1, 1],
        inputDataType=kind,
        outputDataType=kind,
        depthwise=depthwise,
        parallel_window=int(parallel),
    )


def _type(element: Bit | Int) -> str:
    """FINN's name of an element type."""
    if isinstance(element, Bit):
        return "BINARY"
    return f"{'INT' if element.signed else 'UINT'}{element.bits}"


def _node(layer: Layer, op: str, **attributes: Any) -> NodeProto:
    return helper.make_node(
        op,
        ["x", "w"],
        ["y"],
        name=f"{layer.name}_{op}",
        domain=f"{DOMAIN}.{op.rpartition('_')[2]}",
        backend="fpgadataflow",
        **attributes,
    )
