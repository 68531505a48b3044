"""What a blurred foreground lets through: a guess at the surface behind each pixel.

A pyramid in which every cell keeps the colour and radius of the farthest surface among
its four children, mixed only with what lies about as far. A pixel in front of something
finds what is behind it in the finest level where a clearly farther surface shows, as in
the push-pull of S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, but for surfaces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]

SAME_SURFACE_PX = 0.5
"""Radii this close (one e-fold) are averaged as one surface."""

BEHIND_PX = 3.0
"""A surface counts as behind when its radius differs by more than this."""

BLOCK_PX = 32
"""Side of the blocks that are searched or left out as one."""

LEAST_PART = 0.02
"""A cell counts as seen from this much of the interpolation on."""


@dataclass(frozen=True)
class FarPyramid:
    """All levels from 2 x 2 pixels up, one after another in one flat array.

    cells : (N, 5) float32: colour * w, radius * w, w
    shapes : (L, 3) int64: first cell, height, width of each level
    """

    cells: Array
    shapes: NDArray[np.int64]

    @classmethod
    def empty(cls, height: int, width: int, levels: int) -> FarPyramid:
        shapes, start = [], 0
        for _ in range(levels):
            height, width = (height + 1) // 2, (width + 1) // 2
            shapes.append((start, height, width))
            start += height * width
        return cls(np.zeros((start, 5), np.float32), np.array(shapes, np.int64).reshape(levels, 3))

    def put(self, y: int, x: int, colour: Array, radius: Array, weight: Array) -> None:
        """Enter a piece of the picture whose corner (even y, even x) is given."""
        _, height, width = self.shapes[0]
        level = self.cells[: height * width].reshape(height, width, 5)
        h, w = radius.shape
        _farthest(
            colour, radius, weight, level[y // 2 : (y + h + 1) // 2, x // 2 : (x + w + 1) // 2]
        )

    def rise(self) -> None:
        """Make the upper levels, once the first is complete."""
        for (a, h, w), (b, above_h, above_w) in zip(self.shapes[:-1], self.shapes[1:], strict=True):
            below = self.cells[a : a + h * w].reshape(h, w, 5)
            weight = below[..., 4]
            safe = np.maximum(weight, np.float32(1e-12))
            _farthest(
                below[..., :3] / safe[..., None],
                below[..., 3] / safe,
                weight,
                self.cells[b : b + above_h * above_w].reshape(above_h, above_w, 5),
            )


def levels_for(largest_radius_px: float) -> int:
    """Levels enough to look past the edge of a foreground blurred this much."""
    return max(1, math.ceil(math.log2(largest_radius_px + 1)) + 1)


@njit(cache=True, nogil=True)
def _farthest(colour: Array, radius: Array, weight: Array, above: Array) -> None:
    height, width = radius.shape
    for y in range(above.shape[0]):
        for x in range(above.shape[1]):
            y1, x1 = min(2 * y + 2, height), min(2 * x + 2, width)
            farthest = np.float32(1e30)
            for v in range(2 * y, y1):
                for u in range(2 * x, x1):
                    if weight[v, u] > 0:
                        farthest = min(farthest, radius[v, u])
            r = w_sum = np.float32(0)
            c0 = c1 = c2 = np.float32(0)
            for v in range(2 * y, y1):
                for u in range(2 * x, x1):
                    if weight[v, u] > 0:
                        w = weight[v, u] * np.exp(
                            (farthest - radius[v, u]) / np.float32(SAME_SURFACE_PX)
                        )
                        w_sum += w
                        r += w * radius[v, u]
                        c0 += w * colour[v, u, 0]
                        c1 += w * colour[v, u, 1]
                        c2 += w * colour[v, u, 2]
            # One full child is evidence enough; more of them do not weigh more.
            scale = min(w_sum, np.float32(1)) / max(w_sum, np.float32(1e-12))
            above[y, x, 0] = c0 * scale
            above[y, x, 1] = c1 * scale
            above[y, x, 2] = c2 * scale
            above[y, x, 3] = r * scale
            above[y, x, 4] = w_sum * scale


def block_extremes(plane: Array, extreme: np.ufunc) -> Array:
    """(h, w): `extreme` (`np.maximum` or `np.minimum`) over each block of a plane (H, W)."""
    below, right = (-side % BLOCK_PX for side in plane.shape)
    whole = np.pad(plane, ((0, below), (0, right)), mode="edge")
    rows = extreme.reduce(whole.reshape(-1, BLOCK_PX, whole.shape[1]), axis=1)
    found: Array = extreme.reduce(rows.reshape(len(rows), -1, BLOCK_PX), axis=2)
    return found


def lively_blocks(nearest: Array, farthest: Array, largest_radius_px: float) -> NDArray[np.bool_]:
    """Blocks of `BLOCK_PX` pixels where `look_behind` can find anything at all.

    nearest, farthest : (h, w) px, the largest and smallest radius in each block. A search
    sees no farther than the blocks within its highest level, so a block whose neighbourhood
    holds nothing clearly farther than its own nearest surface is left out, exactly.
    """
    reach = -(-(2 << levels_for(largest_radius_px)) // BLOCK_PX)
    around = cv2.erode(farthest, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return np.asarray(around < nearest - np.float32(BEHIND_PX))


@njit(cache=True, nogil=True)
def look_behind(
    cells: Array,
    shapes: NDArray[np.int64],
    lively: NDArray[np.bool_],
    y0: int,
    x0: int,
    front_radius: Array,
    back: Array,
    back_radius: Array,
) -> None:
    """Give the pixels that have no second surface the one the pyramid knows behind them.

    lively : (h, w), from `lively_blocks`
    y0, x0 : place of the arrays' corner in the whole picture
    front_radius, back_radius : (H, W) px, equal where there is one surface
    back : (H, W, 3); it and `back_radius` are filled in

    One search serves the four pixels that share a cell of the first level.
    """
    height, width = front_radius.shape
    found = np.empty(5, np.float32)
    for v in range(y0 // 2, (y0 + height + 1) // 2):
        for u in range(x0 // 2, (x0 + width + 1) // 2):
            top, bottom = max(2 * v - y0, 0), min(2 * v + 2 - y0, height)
            left, right = max(2 * u - x0, 0), min(2 * u + 2 - x0, width)
            if not lively[2 * v // BLOCK_PX, 2 * u // BLOCK_PX]:
                continue
            front = back_radius[top, left]
            alone = False
            for y in range(top, bottom):
                for x in range(left, right):
                    front = max(front, front_radius[y, x])
                    alone |= back_radius[y, x] >= front_radius[y, x]
            if not (alone and _search(cells, shapes, v, u, front, found)):
                continue
            for y in range(top, bottom):
                for x in range(left, right):
                    alone = back_radius[y, x] >= front_radius[y, x]
                    if alone and found[3] < front_radius[y, x] - np.float32(BEHIND_PX):
                        back_radius[y, x] = found[3]
                        for c in range(3):
                            back[y, x, c] = found[c]


@njit(cache=True, nogil=True)
def _search(
    cells: Array, shapes: NDArray[np.int64], v: int, u: int, front: np.float32, found: Array
) -> bool:
    """Colour and radius behind cell (v, u) of the first level, from the finest level."""
    # Deeper inside than its own blur nothing shines through a foreground.
    highest = math.ceil(math.log2(abs(front) + 1)) + 1
    for level in range(min(highest, shapes.shape[0])):
        if _interpolate(cells, shapes, level, v, u, front, found):
            return True
    return False


@njit(cache=True, nogil=True)
def _interpolate(
    cells: Array,
    shapes: NDArray[np.int64],
    level: int,
    y: int,
    x: int,
    front: np.float32,
    found: Array,
) -> bool:
    """Colour and radius of what a level shows behind `front` at cell (y, x) of the first one.

    Bilinear, but among the farthest surface of the four cells alone.
    """
    start, height, width = shapes[level]
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    size = np.float32(1 << level)
    v = min(max((y + half) / size - half, zero), np.float32(height - 1))
    u = min(max((x + half) / size - half, zero), np.float32(width - 1))
    v0, u0 = int(v), int(u)
    v1, u1 = min(v0 + 1, height - 1), min(u0 + 1, width - 1)
    fv, fu = v - np.float32(v0), u - np.float32(u0)
    four = (
        (v0 * width + u0, (one - fv) * (one - fu)),
        (v0 * width + u1, (one - fv) * fu),
        (v1 * width + u0, fv * (one - fu)),
        (v1 * width + u1, fv * fu),
    )
    farthest = front - np.float32(BEHIND_PX)
    for cell, part in four:
        weight = cells[start + cell, 4]
        if part > np.float32(LEAST_PART) and weight > zero:
            farthest = min(farthest, cells[start + cell, 3] / weight)
    if farthest == front - np.float32(BEHIND_PX):
        return False
    total = zero
    found[:] = zero
    for cell, part in four:
        weight = cells[start + cell, 4]
        if part * weight > zero:
            farther = (farthest - cells[start + cell, 3] / weight) / np.float32(SAME_SURFACE_PX)
            share = part * np.exp(min(farther, zero))
            total += share * weight
            for c in range(4):
                found[c] += share * cells[start + cell, c]
    for c in range(4):
        found[c] /= total
    return True
