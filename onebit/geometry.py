"""Where windows lie on an image: one axis at a time, for convolutions and pools alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Windows of `kernel` elements every `stride` along `size` elements, padded at both ends."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int

    @property
    def out(self) -> int:
        """How many windows fit; what is left over at the end belongs to none."""
        return (self.size + self.before + self.after - self.kernel) // self.stride + 1

    @property
    def span(self) -> int:
        """Elements from the first real one to the last one that is real or in a window."""
        return max(self.size, (self.out - 1) * self.stride + self.kernel - self.before)

    def taps(self) -> NDArray[np.bool_]:
        """(out, kernel): which elements of each window are real, not padding."""
        at = np.arange(self.out)[:, None] * self.stride - self.before + np.arange(self.kernel)
        return np.asarray((at >= 0) & (at < self.size))

    def ring(self) -> int:
        """Elements that a ring (rtl/window_ring.sv) must hold so that it never costs a cycle.

        Enough for one schedule is enough for the hardware, which is never later. In units of which
        an image has size * out: element i is written in [i * out, (i + 1) * out], window k is read
        in [start + k * size, start + (k + 1) * size]. That both take all of the time is the worst.
        """
        taps = self.taps()
        first = np.arange(self.out) * self.stride - self.before
        needed = [
            [int(at + k) for k in np.flatnonzero(row)] for at, row in zip(first, taps, strict=True)
        ]
        stored = sorted({element for window in needed for element in window})
        ends = [window[-1] if window else -1 for window in needed]
        ends[0] = max(ends[0], stored[0])  # the first window waits for an element in any case
        start = max((end + 1) * self.out - k * self.size for k, end in enumerate(ends))
        last = {element: k for k, window in enumerate(needed) for element in window}
        freed = [start + (last[element] + 1) * self.size for element in stored]

        def fits(places: int) -> bool:
            """Whether a place is free again when the element so many later is to be written."""
            for i, free in enumerate(freed):
                images, later = divmod(i + places, len(stored))
                if images * self.size * self.out + stored[later] * self.out < free:
                    return False
            return True

        places = max(len(window) for window in needed)
        while not fits(places):
            places += 1
        return places

    def classes(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Border classes: each window's class (out,), and each class's real taps (n, kernel).

        They are numbered by their first window.
        """
        taps = self.taps()
        _, first, inverse = np.unique(taps, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first)
        number = np.argsort(order)
        return number[inverse.reshape(-1)], taps[first[order]]


def axes(
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> tuple[Axis, Axis]:
    """The rows' and the columns' axis of an image (h, w, c); padding: top, left, bottom, right."""
    top, left, bottom, right = padding
    ends = ((top, bottom), (left, right))
    rows, columns = (
        Axis(size=size, kernel=k, stride=s, before=before, after=after)
        for size, k, s, (before, after) in zip(shape[:2], kernel, stride, ends, strict=True)
    )
    return rows, columns
