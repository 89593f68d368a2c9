"""The accelerator as files: a SystemVerilog top of constants, and memories for `$readmemh`.

Only this module writes SystemVerilog. The memories hold all that training changes, so networks of
one shape and folding share one simulator build.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onebit.folding import Fold, Folding, input_lanes, output_lanes
from onebit.net import Bit, Head, Input, Int, Layer, Mvau, Net, signed_bits
from onebit.pack import ceil_div

Ints = NDArray[np.int64]
Parameters = dict[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream between units: `lanes` elements of `bits` bits a beat, `n` elements a vector."""

    name: str
    n: int
    bits: int
    lanes: int

    @property
    def width(self) -> int:
        return self.lanes * self.bits

    @property
    def beats(self) -> int:
        return ceil_div(self.n, self.lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The beats at the accelerator's output: {class, pe logits}, `beats` a sample."""

    classes: int
    pe: int
    logit_bits: int

    @property
    def class_bits(self) -> int:
        return max(1, (self.classes - 1).bit_length())

    @property
    def width(self) -> int:
        return self.class_bits + self.pe * self.logit_bits

    @property
    def beats(self) -> int:
        return ceil_div(self.classes, self.pe)


def output_stream(net: Net, folding: Folding, name: str) -> Stream:
    """The stream that layer `name` puts out."""
    layer = net[name]
    fold = folding.layers[name]
    bits = net.element(name).bits
    return Stream(name=name, n=net.shape(name)[-1], bits=bits, lanes=output_lanes(layer, fold))


def result(net: Net, folding: Folding) -> Result:
    """The layout of the accelerator's output."""
    head = net.head
    fold = folding.layers[head.name]
    return Result(classes=head.classes, pe=fold.pe, logit_bits=head.width)


def memories(net: Net, folding: Folding) -> dict[str, str]:
    """The memory files, name -> text of one hexadecimal word a line."""
    files = {}
    for layer in net.layers:
        fold = folding.layers[layer.name]
        match layer:
            case Mvau():
                files[f"{layer.name}_weights.mem"] = _weights(layer, fold)
                if layer.thresholds is not None:
                    text = _words(_preload(net, layer)[:, None], fold.pe, 1, acc_bits(net, layer))
                    files[f"{layer.name}_thresholds.mem"] = text
            case Head():
                text = _words(layer.scale[:, None], fold.pe, 1, scale_bits(layer))
                files[f"{layer.name}_scale.mem"] = text
                files[f"{layer.name}_bias.mem"] = _words(
                    layer.bias[:, None], fold.pe, 1, layer.width
                )
            case Input():
                pass
    return files


def acc_bits(net: Net, layer: Mvau) -> int:
    """Width of the signed accumulator, preloaded with minus the threshold."""
    lo, hi = net.acc_range(layer.name)
    if layer.thresholds is None:
        return signed_bits(lo, hi)
    preload = _preload(net, layer)
    return signed_bits(lo + int(preload.min()), hi + int(preload.max()))


def scale_bits(head: Head) -> int:
    """Width of the signed scale."""
    return signed_bits(int(head.scale.min()), int(head.scale.max()))


def _preload(net: Net, layer: Mvau) -> Ints:
    """Minus each neuron's threshold; one beyond the reachable sums does the same at its edge."""
    assert layer.thresholds is not None
    lo, hi = net.acc_range(layer.name)
    return np.asarray(-np.clip(layer.thresholds[0], lo, hi + 1))


def _weights(layer: Mvau, fold: Fold) -> str:
    """Word nf*SF+sf holds PE x SIMD bits; spare inputs have weight 1 (see rtl/mvau.sv)."""
    beats = ceil_div(layer.mw, fold.simd)
    padded = np.ones((layer.mh, beats * fold.simd), dtype=np.int64)
    padded[:, : layer.mw] = layer.weights
    return _words(padded, fold.pe, fold.simd, 1)


def _words(values: Ints, pe: int, simd: int, bits: int) -> str:
    """values (mh, n): word nf*SF+sf has lane p*simd+s = values[nf*pe+p, sf*simd+s]."""
    mh, n = values.shape
    folds, beats = ceil_div(mh, pe), n // simd
    padded = np.zeros((folds * pe, n), dtype=np.int64)
    padded[:mh] = values
    by_word = padded.reshape(folds, pe, beats, simd).transpose(0, 2, 1, 3)
    lanes = by_word.reshape(folds * beats, pe * simd)
    planes = (lanes[:, :, None] >> np.arange(bits) & 1).astype(np.uint8)
    words = np.packbits(planes.reshape(len(lanes), -1), axis=1, bitorder="little")
    digits = ceil_div(pe * simd * bits, 4)
    return "".join(
        int.from_bytes(word.tobytes(), "little").to_bytes(len(word), "big").hex()[-digits:] + "\n"
        for word in words
    )


def accelerator(net: Net, folding: Folding) -> str:
    """`accelerator.sv`: the units in order, each behind a width converter and a FIFO."""
    first = output_stream(net, folding, net.input.name)
    out = result(net, folding)
    parts = [
        f"// accelerator: {net.title or 'a 1-bit network'}, one AXI4-Stream in, one out.",
        f"// Generated by `onebit compile` for network {net.hash[:16]}; do not edit.",
        f"// In: {first.n} elements of {first.bits} bits, {first.lanes} a beat, index 0 first.",
        f"// Out: {out.beats} beats of {{class, {out.pe} logits of {out.logit_bits} bits}}, the "
        "class valid with tlast.",
        "module accelerator (",
        "  input  logic clk,",
        "  input  logic rst,",
        "",
        f"  input  logic [{first.width - 1}:0] s_axis_tdata,",
        "  input  logic s_axis_tvalid,",
        "  output logic s_axis_tready,",
        "",
        f"  output logic [{out.width - 1}:0] m_axis_tdata,",
        "  output logic m_axis_tvalid,",
        "  output logic m_axis_tlast,",
        "  input  logic m_axis_tready",
        ");",
        *_wires(first.name, first.width),
        f"  assign {first.name}_tdata  = s_axis_tdata;",
        f"  assign {first.name}_tvalid = s_axis_tvalid;",
        f"  assign s_axis_tready = {first.name}_tready;",
    ]
    for layer in net.layers:
        if not isinstance(layer, Input):
            parts += ["", *_layer(net, folding, layer)]
    return "\n".join([*parts, "endmodule", ""])


def probes(net: Net, folding: Folding) -> str:
    """Simulation only: a probe on each Mvau's output stream that writes LAYER.beats."""
    lines = ["// probes: writes what each unit puts out to a file; for simulation only."]
    for layer in net.mvaus:
        stream = output_stream(net, folding, layer.name)
        parameters: Parameters = {"WIDTH": stream.width, "FILE": f"{layer.name}.beats"}
        ports = [f".{port}({layer.name}_{port})" for port in ("tdata", "tvalid", "tready")]
        name = f"u_probe_{layer.name}"
        lines += ["", *_instance("bind accelerator stream_probe", name, parameters, ports, "")]
    return "\n".join([*lines, ""])


def _layer(net: Net, folding: Folding, layer: Layer) -> list[str]:
    """The layer's width converter, FIFO and unit."""
    source = output_stream(net, folding, layer.inputs[0])
    fold = folding.layers[layer.name]
    lanes = input_lanes(layer, fold)
    name = layer.name
    lines: list[str] = []
    stream = source.name
    if lanes != source.lanes:
        lines += _wires(f"{name}_wide", lanes * source.bits)
        shape: Parameters = {"N": source.n, "BITS": source.bits}
        shape |= {"IN_LANES": source.lanes, "OUT_LANES": lanes}
        ports = [*_ports("s", stream), *_ports("m", f"{name}_wide")]
        lines += _instance("width_converter", f"u_{name}_width", shape, ports)
        stream = f"{name}_wide"
    lines += _wires(f"{name}_in", lanes * source.bits)
    queue: Parameters = {"WIDTH": lanes * source.bits, "DEPTH": fold.fifo}
    ports = [*_ports("s", stream), *_ports("m", f"{name}_in")]
    lines += _instance("fifo", f"u_{name}_fifo", queue, ports)
    match layer:
        case Mvau():
            lines += _wires(name, output_stream(net, folding, name).width)
            ports = [*_ports("s", f"{name}_in"), *_ports("m", name)]
            lines += _instance("mvau", f"u_{name}", _mvau_parameters(net, layer, fold), ports)
        case Head():
            ports = [*_ports("s", f"{name}_in")]
            ports += [f".m_axis_{port}" for port in ("tdata", "tvalid", "tlast", "tready")]
            lines += _instance("head", f"u_{name}", _head_parameters(net, layer, fold), ports)
        case Input():
            pass
    return lines


def _mvau_parameters(net: Net, layer: Mvau, fold: Fold) -> Parameters:
    element = net.element(layer.inputs[0])
    parameters: Parameters = {"MW": layer.mw, "MH": layer.mh, "PE": fold.pe, "SIMD": fold.simd}
    parameters |= {
        "BIPOLAR_IN": int(isinstance(element, Bit)),
        "IN_BITS": element.bits,
        "SIGNED_IN": int(isinstance(element, Int) and element.signed),
        "THRESHOLDS": int(layer.thresholds is not None),
        "ACC_W": acc_bits(net, layer),
        "WEIGHTS_FILE": f"mem/{layer.name}_weights.mem",
    }
    if layer.thresholds is not None:
        parameters["THRESHOLDS_FILE"] = f"mem/{layer.name}_thresholds.mem"
    return parameters


def _head_parameters(net: Net, layer: Head, fold: Fold) -> Parameters:
    return {
        "CLASSES": layer.classes,
        "PE": fold.pe,
        "ACC_W": net.element(layer.inputs[0]).bits,
        "SCALE_W": scale_bits(layer),
        "LOGIT_W": layer.width,
        "SCALE_FILE": f"mem/{layer.name}_scale.mem",
        "BIAS_FILE": f"mem/{layer.name}_bias.mem",
    }


def _wires(stream: str, width: int) -> list[str]:
    return [
        f"  logic [{width - 1}:0] {stream}_tdata;",
        f"  logic {stream}_tvalid;",
        f"  logic {stream}_tready;",
    ]


def _ports(side: str, stream: str) -> list[str]:
    return [f".{side}_axis_{port}({stream}_{port})" for port in ("tdata", "tvalid", "tready")]


def _instance(
    module: str, name: str, parameters: Parameters, ports: list[str], indent: str = "  "
) -> list[str]:
    """A module instance, one parameter or port a line."""
    values = [
        f".{key}({value})" if isinstance(value, int) else f'.{key}("{value}")'
        for key, value in parameters.items()
    ]
    connections = [".clk", ".rst", *ports]
    return [
        f"{indent}{module} #(",
        *[f"{indent}  {line}," for line in values[:-1]],
        f"{indent}  {values[-1]}",
        f"{indent}) {name} (",
        *[f"{indent}  {line}," for line in connections[:-1]],
        f"{indent}  {connections[-1]}",
        f"{indent});",
    ]
