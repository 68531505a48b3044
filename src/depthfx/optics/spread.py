"""Spreading every pixel over the picture of the lens opening: convolution by a kernel.

Small kernels go to OpenCV. A large one of a convex opening is one run of nearly equal
weights in each row, so each row of it costs two differences of a running sum whatever its
length, and the whole kernel costs its height instead of its area (F. C. Crow, "Summed-area
tables for texture mapping", SIGGRAPH 1984, one row at a time).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]

SMALL_PX = 9
"""Kernels up to this wide are cheaper tap by tap, and exact there."""


@dataclass(frozen=True)
class Spread:
    """A kernel made ready: out(p) is the sum of source(q) * kernel(p - q).

    taps : (2n + 1, 2n + 1) float32, the picture of a point
    runs : (2n + 1, 3) float32, for each row of `taps` the start and end of one run in
        pixel edges from the centre pixel's left edge, and its weight
    """

    taps: Array
    runs: Array

    @classmethod
    def of(cls, taps: Array) -> Spread:
        """Each row becomes the run with its sum, its centre and its second moment."""
        n = taps.shape[0] // 2
        x = np.arange(-n, n + 1)
        total = taps.sum(axis=1, dtype=np.float64)
        safe = np.maximum(total, 1e-30)
        centre = (taps * x).sum(axis=1, dtype=np.float64) / safe
        variance = (taps * (x - centre[:, None]) ** 2).sum(axis=1, dtype=np.float64) / safe
        half = np.sqrt(3 * (variance + 1 / 12))  # a run of one pixel has variance 1/12
        runs = np.stack([centre + 0.5 - half, centre + 0.5 + half, total / (2 * half)], 1)
        # An end may not pass the kernel's own, which is as far as the sums are continued.
        runs[:, :2] = np.clip(runs[:, :2], -n, n + 1)
        runs[:, 2] = total / (runs[:, 1] - runs[:, 0])
        return cls(taps, runs.astype(np.float32))

    @property
    def reach(self) -> int:
        """How far in pixels a pixel's light goes."""
        return self.taps.shape[0] // 2

    def __call__(self, stack: Array) -> Array:
        """`stack` (H, W, C) float32 spread within its own frame; nothing comes from outside."""
        if self.reach == 0:
            return stack
        if self.taps.shape[0] <= SMALL_PX:
            turned = np.ascontiguousarray(self.taps[::-1, ::-1])
            out = np.empty_like(stack)
            cv2.filter2D(
                stack, -1, turned, dst=out, borderType=cv2.BORDER_CONSTANT | cv2.BORDER_ISOLATED
            )
            return out
        height, width, channels = stack.shape
        sums = np.empty((height, (width + 2 * self.reach + 3) * channels), np.float32)
        out = np.zeros((height, width * channels), np.float32)
        _sum_along_rows(stack.reshape(height, -1), channels, self.reach, sums)
        _add_runs(sums, self.runs, channels, out)
        return out.reshape(height, width, channels)


@njit(cache=True, nogil=True, fastmath=True)
def _sum_along_rows(rows: Array, channels: int, reach: int, sums: Array) -> None:
    """sums[x + reach + 1] = sum of the pixels left of x, continued evenly on both sides."""
    height, length = rows.shape
    lead = (reach + 1) * channels
    for y in range(height):
        for i in range(lead + channels):
            sums[y, i] = 0.0
        for i in range(length):
            sums[y, lead + channels + i] = sums[y, lead + i] + rows[y, i]
        for i in range(lead + channels + length, sums.shape[1]):
            sums[y, i] = sums[y, i - channels]


@njit(cache=True, nogil=True, fastmath=True)
def _add_runs(sums: Array, runs: Array, channels: int, out: Array) -> None:
    height, length = out.shape
    reach = runs.shape[0] // 2
    origin = reach + 1
    for y in range(height):
        for row in range(runs.shape[0]):
            source = y - (row - reach)
            weight = runs[row, 2]
            if source < 0 or source >= height or weight == 0:
                continue
            # The light of q reaches q + d for d in [start, end): p gathers from p - end
            # + 1 to p - start + 1 in pixel edges.
            left, right = 1 - runs[row, 1], 1 - runs[row, 0]
            i, j = int(np.floor(left)), int(np.floor(right))
            fl, fr = np.float32(left - i), np.float32(right - j)
            i, j = (i + origin) * channels, (j + origin) * channels
            wi0, wi1 = weight * (1 - fl), weight * fl
            wj0, wj1 = weight * (1 - fr), weight * fr
            # Slices start inside the row, so the loop needs no checks and runs in SIMD.
            line, to = sums[source], out[y]
            i0, i1 = line[i : i + length], line[i + channels : i + channels + length]
            j0, j1 = line[j : j + length], line[j + channels : j + channels + length]
            for x in range(length):
                to[x] += wj0 * j0[x] + wj1 * j1[x] - wi0 * i0[x] - wi1 * i1[x]
