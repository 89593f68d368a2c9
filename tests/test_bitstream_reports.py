"""What Vivado, Yosys and nextpnr report, read from excerpts of their reports."""

from __future__ import annotations

import json

import pytest

from onebit import bitstream_tools, board
from onebit.errors import CheckFailed

PYNQ = board.load("pynq-z2")

# report_utilization: until 2020.2 without the column `Prohibited`, and later with it.
UTILISATION_2020 = """
+----------------------------+-------+-------+-----------+-------+
|          Site Type         |  Used | Fixed | Available | Util% |
+----------------------------+-------+-------+-----------+-------+
| Slice LUTs                 | 16012 |     0 |     53200 | 30.10 |
|   LUT as Logic             | 15604 |     0 |     53200 | 29.33 |
|   LUT as Memory            |   408 |     0 |     17400 |  2.34 |
| Slice Registers            |  6966 |     0 |    106400 |  6.55 |
|   Register as Flip Flop    |  6966 |     0 |    106400 |  6.55 |
+----------------------------+-------+-------+-----------+-------+
| Block RAM Tile |  1.5 |     0 |       140 |  1.07 |
|   RAMB36/FIFO* |    1 |     0 |       140 |  0.71 |
| DSPs           |    3 |     0 |       220 |  1.36 |
"""
UTILISATION_2023 = """
| Slice LUTs*                | 16012 |     0 |          0 |     53200 | 30.10 |
| Slice Registers            |  6966 |     0 |          0 |    106400 |  6.55 |
| Block RAM Tile    |    1 |     0 |          0 |       140 |  0.71 |
| DSPs           |    0 |     0 |          0 |       220 |  0.00 |
"""
TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
     {wns}        0.000                      0                21402        0.032        0.000


All user specified timing constraints are met.
"""
NEXTPNR = """
Info: Device utilisation:
Info: \t          SLICE_LUTX: 19021/106400    17%
Info: Max frequency for clock 'clk': 96.31 MHz (FAIL at 100.00 MHz)
Info: Routing..
Warning: Max frequency for clock 'clk': {after} MHz (FAIL at 100.00 MHz)
Info: Max delay <async>     -> posedge clk: 3.75 ns
"""


def used(facts: bitstream_tools.Facts) -> dict[str, float]:
    assert {name: of["of"] for name, of in facts.items()} == {
        **{"lut": 53_200, "ff": 106_400},
        **{"bram36": 140, "dsp": 220},
    }
    return {name: of["used"] for name, of in facts.items()}


@pytest.mark.parametrize(
    ("report", "blocks", "dsps"), [(UTILISATION_2020, 1.5, 3), (UTILISATION_2023, 1, 0)]
)
def test_vivado_utilisation(report: str, blocks: float, dsps: int) -> None:
    found = used(bitstream_tools.vivado_utilisation(report, PYNQ))
    assert found == {"lut": 16_012, "ff": 6_966, "bram36": blocks, "dsp": dsps}


@pytest.mark.parametrize(
    ("slack", "fmax", "met"), [("0.500", 105.26, True), ("0.000", 100.0, True), ("-2.5", 80, False)]
)
def test_vivado_timing(slack: str, fmax: float, met: bool) -> None:
    found = bitstream_tools.vivado_timing(TIMING.format(wns=slack), 100.0)
    assert found == {"fmax_mhz": fmax, "met": met}


def test_yosys_utilisation_counts_what_a_cell_takes() -> None:
    cells = {"LUT2": 10, "LUT6": 5, "INV": 1, "SRL16E": 2, "RAM32M": 3, "RAM64X1D": 1, "CARRY4": 9}
    cells |= {
        "FDRE": 7,
        "FDSE": 2,
        "RAMB36E1": 1,
        "RAMB18E1": 3,
        "DSP48E1": 4,
        "PS7": 1,
        "MUXF7": 1,
    }
    stat = json.dumps({"design": {"num_cells_by_type": cells}})
    found = used(bitstream_tools.yosys_utilisation(stat, PYNQ))
    assert found == {"lut": 10 + 5 + 1 + 2 + 12 + 2, "ff": 9, "bram36": 2.5, "dsp": 4}


@pytest.mark.parametrize(("after", "met"), [("104.20", True), ("99.98", False)])
def test_nextpnr_timing_is_that_after_routing(after: str, met: bool) -> None:
    found = bitstream_tools.nextpnr_timing(NEXTPNR.format(after=after), 100.0)
    assert found == {"fmax_mhz": float(after), "met": met}


def test_slowest_clock_counts() -> None:
    log = NEXTPNR.format(after="120.00") + "Info: Max frequency for clock   'x': 50.00 MHz (PASS)\n"
    assert bitstream_tools.nextpnr_timing(log, 100.0) == {"fmax_mhz": 50.0, "met": False}


def test_a_report_without_its_figures_is_told() -> None:
    with pytest.raises(CheckFailed, match="no row 'Slice LUTs'"):
        bitstream_tools.vivado_utilisation("", PYNQ)
    with pytest.raises(CheckFailed, match="no worst negative slack"):
        bitstream_tools.vivado_timing("no paths", 100.0)
    with pytest.raises(CheckFailed, match="no frequency of a clock"):
        bitstream_tools.nextpnr_timing("", 100.0)
