"""The cost model against what Yosys made of single modules, and beside a whole synthesis.

Measured with pyosys 0.70: read_slang -D SYNTHESIS --top MODULE -G NAME=VALUE rtl/*.sv, then
synth_xilinx -family xc7 -flatten -top MODULE; LUTs with INV, of a RAM32M or RAM64M four.
"""

from __future__ import annotations

import pytest

from onebit import board, calibration, choose, cost, resources
from onebit.net import Net
from onebit.resources import Cost
from test_net import layers

BOARD = board.load("pynq-z2")
WITHIN, FEW = 0.12, 16  # a formula is nearer than this part, or so many LUTs
WITHIN_FF, FEW_FF = 0.4, 32  # flip-flops never bind: they are twice as many as LUTs

# What the formula says, and LUTs, flip-flops, RAMB18s (a RAMB36 is two) and DSPs measured.
MEASURED = {
    "fifo 64 x 2": (resources.fifo(64, 2), (52, 5, 0, 0)),
    "fifo 512 x 2": (resources.fifo(512, 2), (352, 5, 0, 0)),
    "fifo 64 x 16": (resources.fifo(64, 16), (65, 17, 0, 0)),
    "fifo 64 x 32": (resources.fifo(64, 32), (69, 21, 0, 0)),
    "fifo 64 x 64": (resources.fifo(64, 64), (116, 25, 0, 0)),
    "fifo 24 x 48": (resources.fifo(24, 48), (65, 24, 0, 0)),
    "fifo 8 x 100": (resources.fifo(8, 100), (73, 28, 0, 0)),
    "fifo 64 x 256": (resources.fifo(64, 256), (115, 90, 2, 0)),
    "credit_fifo 64 x 4": (resources.credit_fifo(64, 4), (66, 12, 0, 0)),
    "credit_fifo 32 x 5": (resources.credit_fifo(32, 5), (49, 15, 0, 0)),
    "width 64: 8 -> 64": (resources.width_converter(64, 1, 8, 64), (99, 76, 0, 0)),
    "width 64: 64 -> 8": (resources.width_converter(64, 1, 64, 8), (139, 76, 0, 0)),
    "width 64: 13 -> 24": (resources.width_converter(64, 1, 13, 24), (220, 77, 0, 0)),
    "width 64: 16 -> 64": (resources.width_converter(64, 1, 16, 64), (104, 83, 0, 0)),
    "width 256: 37 -> 64": (resources.width_converter(256, 1, 37, 64), (590, 175, 0, 0)),
    "width 784 x 8: 8 -> 28": (resources.width_converter(784, 8, 8, 28), (785, 484, 0, 0)),
    "width 784: 64 -> 49": (resources.width_converter(784, 1, 64, 49), (707, 173, 0, 0)),
    "ring 192 x 16, block": (resources.window_ring(192, 16, "bram", 93), (171, 109, 1, 0)),
    "ring 384 x 16, block": (resources.window_ring(384, 16, "bram", 100), (180, 117, 1, 0)),
    "ring 96 x 64": (resources.window_ring(96, 64, "lutram", 88), (446, 165, 0, 0)),
    "shift 3 x 3, 9 of 24": (resources.window_shift((3, 3), 24, 24, 72, 3), (290, 290, 0, 0)),
    "shift 3 x 3, 48": (resources.window_shift((3, 3), 24, 16, 48, 3), (196, 202, 0, 0)),
    "shift 3 x 3, 144": (resources.window_shift((3, 3), 24, 16, 144, 1), (306, 200, 0, 0)),
    "pool 2 x 2, 8 of 32": (resources.maxpool((2, 2), 48, 8, 4, False), (103, 60, 0, 0)),
    "pool 2 x 2, 32 of 64": (resources.maxpool((2, 2), 24, 32, 2, False), (216, 104, 0, 0)),
    "pool 3 x 3, 4 of 64": (resources.maxpool((3, 3), 176, 4, 16, False), (134, 60, 0, 0)),
    "head 10 by 1": (resources.head(10, 1, 10, 10, 24), (96, 103, 0, 1)),
    "head 43 by 4": (resources.head(43, 4, 12, 12, 30), (600, 332, 0, 4)),
    "head 10 by 10": (resources.head(10, 10, 10, 18, 32), (1065, 271, 0, 10)),
    "border 32 x 32": (resources.border(32, 32, 8), (19, 18, 0, 0)),
    "rom 64 x 32": (resources.rom(64, 32), (32, 32, 0, 0)),
    "rom 96 x 32": (resources.rom(96, 32), (64, 32, 0, 0)),
    "rom 128 x 32": (resources.rom(128, 32), (64, 32, 0, 0)),
    "rom 160 x 32": (resources.rom(160, 32), (128, 32, 0, 0)),
    "rom 256 x 16": (resources.rom(256, 16), (64, 16, 0, 0)),
    "rom 300 x 16": (resources.rom(300, 16), (109, 16, 0, 0)),
    "rom 512 x 16": (resources.rom(512, 16), (162, 16, 0, 0)),
    "rom 1024 x 8": (resources.rom(1024, 8), (185, 8, 0, 0)),
    "rom 16 x 512": (resources.rom(16, 512), (512, 512, 0, 0)),
    "rom 6 x 512": (resources.rom(6, 512), (39, 62, 0, 0)),
    "rom 8 x 2000": (resources.rom(8, 2000), (194, 253, 0, 0)),
    "block 64 x 32": (resources.block(64, 32), (0, 0, 1, 0)),
    "block 600 x 80": (resources.block(600, 80), (0, 0, 5, 0)),
    "block 2048 x 20": (resources.block(2048, 20), (0, 0, 3, 0)),
    "block 700 x 36": (resources.block(700, 36), (0, 0, 2, 0)),
    "block 513 x 144": (resources.block(513, 144), (0, 0, 8, 0)),
    "block 1100 x 20": (resources.block(1100, 20), (20, 2, 2, 0)),
    "block 2000 x 40": (resources.block(2000, 40), (0, 0, 5, 0)),
    "block 3000 x 30": (resources.block(3000, 30), (30, 2, 5, 0)),
    "block 4200 x 16": (resources.block(4200, 16), (80, 4, 4, 0)),
    "block 100 x 576": (resources.block(100, 576), (0, 0, 16, 0)),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_formula_is_near_what_yosys_made(name, record_property):
    estimate, (lut, ff, bram18, dsp) = MEASURED[name]
    assert (estimate.bram18, estimate.dsp) == (bram18, dsp)
    assert estimate.lut == pytest.approx(lut, rel=WITHIN, abs=FEW)
    if not name.startswith("head"):  # Yosys keeps what waits there in SRL16E and DSPs
        assert estimate.ff == pytest.approx(ff, rel=WITHIN_FF, abs=FEW_FF)
    record_property(
        "claim",
        f"a module's LUTs are within {WITHIN:.0%} of Yosys' or {FEW}, block RAMs and DSPs exact",
    )


def test_equal_bits_of_few_words_cost_once():
    """As Yosys merges them: of two words there are four different bits, two of them constant."""
    assert resources.rom(1, 1000) == Cost()
    assert resources.rom(2, 1000).lut <= 4
    assert resources.rom(32, 1000).lut == 1000


def test_a_synthesis_is_compared_layer_by_layer_and_as_a_whole():
    net = Net(layers=layers())
    folds = choose.best(net, BOARD, 100.0)
    fc1 = cost.layer_cost(net, folds, net["fc1"]).vector
    head = cost.layer_cost(net, folds, net["head"]).vector
    measured = [
        {"name": "fc1", "lut": fc1[0] - 10, "ff": fc1[1], "bram36": 0.5, "dsp": 0},
        {"name": "head", "lut": head[0], "ff": head[1], "bram36": 0, "dsp": head[3]},
        {"name": "ports", "lut": 3, "ff": 0, "bram36": 0, "dsp": 0},
    ]
    rows = {row["name"]: row for row in calibration.compared(net, folds, measured)}
    assert [*rows] == ["input", "fc1", "head", "ports", "in all"]
    assert rows["fc1"]["lut"] == (fc1[0], fc1[0] - 10)
    assert rows["fc1"]["bram36"] == (fc1[2] / 2, 0.5)
    assert rows["ports"]["lut"] == (0, 3)
    total = cost.total(net, folds).vector[0]
    assert rows["in all"]["lut"] == (total, total - 7)
    assert calibration.error(rows["in all"]["lut"]) == pytest.approx(7 / (total - 7))
