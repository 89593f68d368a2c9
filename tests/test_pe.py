"""The PE of 7-series cells: proven equal to the portable one, and its LUTs for a MAC by Yosys."""

from __future__ import annotations

from pathlib import Path

import pytest

import yosys
from onebit import heap

PE = ("pe.sv", "xnor_sum.sv", "xnor_popcount.sv", "xnor_sum_xc7.sv", "bit_heap.sv")
FILES = (*PE, "counter_6_3.sv", "delay.sv")
ACC_W = 12  # of matrices 2,047 wide
MOST = {64: 1.15, 128: 1.10}  # LUTs a multiply-accumulate, weights from outside

# Both, with what the portable one is early waited out; `bad` when they differ.
MITER = """
module miter (input logic clk, input logic [{w}-1:0] a, w, output logic bad);
  localparam int unsigned CW = $clog2({w} + 1);
  logic [CW-1:0] portable, cells;
  logic [{latency}:1][CW-1:0] waited;
  xnor_popcount #(.W({w})) u_portable (.clk, .a, .w, .count(portable));
  xnor_sum_xc7 #(.N({w}), .LATENCY({latency})) u_cells (.clk, .x(a), .w, .sum(cells));
  assign waited[1] = portable;
  always_ff @(posedge clk) waited[{latency}:2] <= waited[{latency}-1:1];
  assign bad = waited[{latency}] != cells;
endmodule
"""


def prove_equal(width: int, folder: Path) -> None:
    """For all inputs, whatever the registers held: after as many cycles as it is long.

    Nothing in it feeds back, so there is no more to prove.
    """
    latency = heap.xnor_latency(width)
    (folder / "miter.sv").write_text(MITER.format(w=width, latency=latency))
    models = [yosys.ROOT / "sim" / "xc7" / f"{cell}.sv" for cell in ("LUT6_2", "CARRY4")]
    sources = [*models, *(yosys.ROOT / "rtl" / file for file in FILES[2:])]
    said = yosys.run(
        folder,
        f"read_slang -D SYNTHESIS --top miter miter.sv {' '.join(map(str, sources))}",
        "prep -flatten -top miter",
        f"sat -verify -seq {latency + 1} -prove-skip {latency} -prove bad 0 miter",
    )
    assert "SAT proof finished - no model found: SUCCESS!" in said


@pytest.mark.parametrize("width", [1, 2, 3, 8, 11])
def test_counters_of_cells_equal_portable_ones(width: int, tmp_path: Path) -> None:
    prove_equal(width, tmp_path)


def test_equal_up_to_a_width(tmp_path, prove, record_property):
    if prove:
        for width in range(1, 25):
            prove_equal(width, tmp_path)
        record_property("claim", "counters of 7-series cells = portable ones, formally, to 24 bits")


@pytest.mark.parametrize("simd", sorted(MOST))
def test_luts_a_multiply_accumulate(simd: int, tmp_path: Path, record_property) -> None:
    latency = heap.xnor_latency(simd)
    parameters = {"SIMD": simd, "ACC_W": ACC_W, "LATENCY": latency, "PRIMITIVES": 1}
    found = yosys.cells(tmp_path, "pe", FILES, parameters)
    luts = yosys.luts(found)
    assert luts <= MOST[simd] * simd
    assert luts == heap.xnor_luts(simd) + ACC_W
    record_property(
        "claim",
        f"PE of {simd} inputs, threshold and {ACC_W}-bit accumulator in, weight memory not:"
        f" {luts} LUTs by Yosys, {luts / simd:.2f} a multiply-accumulate",
    )


def test_luts_of_an_8_bit_input(tmp_path, record_property) -> None:
    simd, bits, acc_w = 64, 8, 18
    latency = heap.xnor_latency(simd, bits)
    kind = {"BIPOLAR_IN": 0, "IN_BITS": bits, "ACC_W": acc_w, "LATENCY": latency}
    made = {}
    for primitives in (0, 1):
        parameters = {"SIMD": simd, "PRIMITIVES": primitives, **kind}
        made[primitives] = yosys.luts(yosys.cells(tmp_path, "pe", FILES, parameters))
    assert made[1] <= 8 * simd
    assert made[1] == heap.xnor_luts(simd, bits) + acc_w
    record_property(
        "claim",
        f"PE of {simd} 8-bit inputs: {made[1]} LUTs by Yosys, {made[1] / simd:.2f} a"
        f" multiply-accumulate; plain adders take {made[0] / simd:.1f}",
    )
