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

    taps : (2n + 1, 2n + 1) float32, the picture of a point; or (2n + 1, 2n + 1, 3) in colour
    runs : (2n + 1, 3) float32, for each row of `taps` the start and end of one run in
        pixel edges from the centre pixel's left edge, and its weight; None for an opening that
        is not one run of even light in each row
    """

    taps: Array
    runs: Array | None

    @classmethod
    def of(cls, taps: Array, *, uniform: bool = True) -> Spread:
        """Each row becomes the run with its sum, its centre and its second moment.

        uniform : whether the kernel is of a convex opening of even light
        """
        if not uniform or taps.shape[0] <= SMALL_PX:
            return cls(taps, None)
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

    def __call__(self, stack: Array, place: tuple[slice, slice]) -> Array:
        """A place of `stack` (5, H, W) float32, spread within its own frame.

        Nothing comes from outside the frame.
        """
        rows, columns = place
        if self.reach == 0:
            return stack[:, rows, columns]
        if self.runs is None:
            return self._tap_by_tap(stack)[:, rows, columns]
        channels, height, width = stack.shape
        sums = np.empty((channels, height, width + 2 * self.reach + 3), np.float32)
        _running_sums(stack, self.reach, sums)
        out = np.empty((channels, rows.stop - rows.start, columns.stop - columns.start), np.float32)
        _gather_runs(sums, self.runs, rows.start, columns.start, out)
        return out

    def _tap_by_tap(self, stack: Array) -> Array:
        turned = self.taps[::-1, ::-1]
        kernels = [turned] * len(stack)
        if turned.ndim == 3:
            # Cover and what is known have no colour: they go with the light as a whole.
            kernels = [turned[..., c] for c in range(3)] + [turned.mean(axis=2)] * 2
        out = np.empty_like(stack)
        for plane, kernel, to in zip(stack, kernels, out, strict=True):
            cv2.filter2D(
                plane,
                -1,
                np.ascontiguousarray(kernel),
                dst=to,
                borderType=cv2.BORDER_CONSTANT | cv2.BORDER_ISOLATED,
            )
        return out


@njit(cache=True, nogil=True, fastmath=True)
def _running_sums(stack: Array, reach: int, sums: Array) -> None:
    """sums[c, y, x + reach + 1] = sum of row y left of x, continued evenly on both sides."""
    height, width = stack.shape[1:]
    begin, end = reach + 2, reach + 2 + width
    zero = np.float32(0)
    for y in range(height):
        # Five sums at once: each waits for its own last addition.
        p, q, r, s, t = stack[0, y], stack[1, y], stack[2, y], stack[3, y], stack[4, y]
        to_p, to_q, to_r = sums[0, y, begin:end], sums[1, y, begin:end], sums[2, y, begin:end]
        to_s, to_t = sums[3, y, begin:end], sums[4, y, begin:end]
        sum_p = sum_q = sum_r = sum_s = sum_t = zero
        for x in range(width):
            sum_p, sum_q, sum_r = sum_p + p[x], sum_q + q[x], sum_r + r[x]
            sum_s, sum_t = sum_s + s[x], sum_t + t[x]
            to_p[x], to_q[x], to_r[x], to_s[x], to_t[x] = sum_p, sum_q, sum_r, sum_s, sum_t
        for c, total in enumerate((sum_p, sum_q, sum_r, sum_s, sum_t)):
            sums[c, y, :begin] = zero
            sums[c, y, end:] = total


@njit(cache=True, nogil=True, fastmath=True)
def _gather_runs(sums: Array, runs: Array, top: int, left: int, out: Array) -> None:
    """`out` (C, h, w) begins at row `top` and column `left` of what was summed."""
    channels, height, width = out.shape
    count, reach = runs.shape[0], runs.shape[0] // 2
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    weights = np.empty((count, 4), np.float32)
    for n in range(count):
        # The light of q reaches q + d for d in [start, end): p gathers from p - end
        # + 1 to p - start + 1 in pixel edges.
        start, end = np.float32(1) - runs[n, 1], np.float32(1) - runs[n, 0]
        i, j = int(np.floor(start)), int(np.floor(end))
        starts[n], ends[n] = i + reach + 1 + left, j + reach + 1 + left
        weights[n, 1], weights[n, 3] = runs[n, 2] * (start - i), runs[n, 2] * (end - j)
        weights[n, 0], weights[n, 2] = runs[n, 2] - weights[n, 1], runs[n, 2] - weights[n, 3]
    last = sums.shape[1] - 1
    for c in range(channels):
        for y in range(height):
            to = out[c, y]
            to[:] = np.float32(0)
            middle = y + top + reach
            n, stop = max(0, middle - last), min(count, middle + 1)
            if (stop - n) % 2:
                _add_run(sums[c, middle - n], starts[n], ends[n], weights[n], to)
                n += 1
            # Two at a time, which halves the traffic of the result.
            while n < stop:
                line, next_line = sums[c, middle - n], sums[c, middle - n - 1]
                a0, a1, a2, a3 = weights[n, 0], weights[n, 1], weights[n, 2], weights[n, 3]
                b0, b1 = weights[n + 1, 0], weights[n + 1, 1]
                b2, b3 = weights[n + 1, 2], weights[n + 1, 3]
                i, j, k, m = starts[n], ends[n], starts[n + 1], ends[n + 1]
                # Slices start inside the row, so the loop needs no checks and runs in SIMD.
                p0, p1 = line[i : i + width], line[i + 1 : i + 1 + width]
                p2, p3 = line[j : j + width], line[j + 1 : j + 1 + width]
                q0, q1 = next_line[k : k + width], next_line[k + 1 : k + 1 + width]
                q2, q3 = next_line[m : m + width], next_line[m + 1 : m + 1 + width]
                for x in range(width):
                    to[x] += (
                        (a2 * p2[x] + a3 * p3[x] - a0 * p0[x] - a1 * p1[x])
                        + (b2 * q2[x] + b3 * q3[x] - b0 * q0[x] - b1 * q1[x])
                    )  # fmt: skip
                n += 2


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _add_run(line: Array, start: int, end: int, weights: Array, to: Array) -> None:
    width = to.shape[0]
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    p0, p1 = line[start : start + width], line[start + 1 : start + 1 + width]
    p2, p3 = line[end : end + width], line[end + 1 : end + 1 + width]
    for x in range(width):
        to[x] += w2 * p2[x] + w3 * p3[x] - w0 * p0[x] - w1 * p1[x]
