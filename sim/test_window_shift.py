"""window_shift at its corners, with the benches of window; random cases are there."""

from __future__ import annotations

import pytest

from test_window import Case, simulate

CORNERS = [
    # One pixel of image, and of steps; then one column of steps.
    Case(H=1, W=1, C=2, KH=2, KW=2, PT=1, PL=1, OH=1, OW=1, SIMD=4, FILL=1),
    Case(H=7, W=1, C=1, KH=3, KW=2, PT=1, PL=1, OH=7, OW=1, SIMD=4),
    # A patch a beat; one step right of the image.
    Case(H=4, W=5, BITS=8, KH=3, KW=3, PT=1, PL=1, OH=4, OW=5, SIMD=9, FILL=77),
    # Spare lanes, strides, the last rows and columns unused.
    Case(H=10, W=9, C=3, BITS=2, KH=2, KW=3, SH=4, SW=3, OH=2, OW=2, SIMD=12),
    # An image smaller than the kernel; a patch that holds no image row.
    Case(H=2, W=3, C=2, KH=4, KW=5, PT=3, PL=4, OH=6, OW=5, SIMD=6, FILL=1),
    Case(H=6, W=6, C=3, KH=1, KW=4, SH=2, PL=2, OH=3, OW=5, SIMD=6),
]


@pytest.mark.parametrize("case", CORNERS, ids=str)
def test_window_shift(case: Case) -> None:
    simulate("window_shift", case, seed=1)
