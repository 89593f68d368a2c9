"""window_ring at its corners, with the benches of window; random cases are there."""

from __future__ import annotations

import pytest

from test_window import Case, simulate

CORNERS = [
    Case(H=1, W=1, KH=1, KW=1, OH=1, OW=1),
    # Padding of ones, spare lanes; the reader is the slower side.
    Case(H=6, W=5, C=5, KH=3, KW=3, PT=1, PL=1, OH=6, OW=5, SIMD=2, FILL=1),
    # Both sides take all of the time.
    Case(H=8, W=6, C=3, BITS=2, KH=2, KW=2, SH=2, SW=2, OH=4, OW=3, SIMD=3),
    # Stride larger than the kernel: most rows are dropped, the writer is the slower side.
    Case(H=9, W=7, C=3, BITS=4, KH=2, KW=1, SH=4, SW=3, PT=1, OH=3, OW=3, SIMD=2, FILL=9),
    # An image smaller than the kernel; output rows that hold no image row, above and below.
    Case(H=2, W=3, C=2, KH=3, KW=5, SH=2, PT=5, PL=3, OH=7, OW=5, SIMD=1, FILL=1),
    # The last rows of the image are unused, 11 x 11 as in AlexNet.
    Case(H=19, W=15, BITS=8, KH=11, KW=11, SH=4, SW=4, PT=2, PL=2, OH=3, OW=3, FILL=200),
]


@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_window_ring(case: Case) -> None:
    simulate("window_ring", case, seed=1)


def test_window_ring_with_the_fewest_rows() -> None:
    case = Case(H=9, W=4, C=3, KH=4, KW=2, SH=2, PT=1, OH=5, OW=3, SIMD=2, FILL=1)
    simulate("window_ring", case, seed=1, rows=4)
