"""What a blurred foreground lets through: a guess at the surface behind each pixel.

A pyramid in which every cell keeps the colour and radius of the farthest surface among
its four children, mixed only with what lies about as far. A pixel in front of something
finds what is behind it in the finest level where a clearly farther surface shows, as in
the push-pull of S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, but for surfaces.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]

SAME_SURFACE_PX = 0.5
"""Radii this close (one e-fold) are averaged as one surface."""

BEHIND_PX = 3.0
"""A surface counts as behind when its radius differs by more than this."""

WIDE_PX = 16.0
"""From this radius on hidden surfaces are looked for in every other cell."""

MOST_CELLS = 2_500_000
"""What is hidden is seen blurred and in part: cells finer than that cannot be told apart."""

STRIP_ROWS = 64
"""Rows of a level that a worker takes at a time."""

LEAST_PART = 0.02
"""A cell counts as seen from this much of the interpolation on."""


@dataclass(frozen=True)
class Hidden:
    """The farthest surfaces around each place, and what is hidden behind its nearest one.

    All levels from cells of `cell_px` x `cell_px` pixels up lie one after another in flat arrays.

    cell_px : 2, or larger for large pictures, see `cell_px_for`
    cells : (N, 5) float32: colour * w, radius * w, w of the farthest surface
    around : (N,) float32, the smallest radius in the 3 x 3 cells around each cell
    shapes : (L, 3) int64: first cell, height, width of each level
    radius : (h, w) float32, for each cell of the first level the radius of what `search` finds
        behind it; infinite where there is nothing
    """

    cell_px: int
    cells: Array
    around: Array
    shapes: NDArray[np.int64]
    radius: Array

    @classmethod
    def empty(cls, height: int, width: int, largest_radius_px: float, cell_px: int = 2) -> Hidden:
        """For a picture of whole cells, to be filled: by `put`, then by `complete`."""
        height, width = height // cell_px, width // cell_px
        shapes, count = [(0, height, width)], height * width
        while cell_px << len(shapes) < 2 << levels_for(largest_radius_px):
            height, width = (height + 1) // 2, (width + 1) // 2
            shapes.append((count, height, width))
            count += height * width
        cells, around = np.empty((count, 5), np.float32), np.empty(count, np.float32)
        radius = np.empty(shapes[0][1:], np.float32)
        return cls(cell_px, cells, around, np.array(shapes, np.int64), radius)

    def put(self, farthest: Array, top: int) -> None:
        """Enter the farthest surfaces of 2 x 2 pixels, (h, w, 5), of some rows of whole cells.

        top : the first of them, px
        """
        size = 2
        while size < self.cell_px:
            size *= 2
            above = np.empty((len(farthest) // 2, farthest.shape[1] // 2, 5), np.float32)
            _farthest(farthest, above, 0, len(above))
            farthest = above
        self.first[top // size : top // size + len(farthest)] = farthest

    @property
    def first(self) -> Array:
        """The cells of the first level, (h, w, 5)."""
        return self._level(self.cells, 0)

    def complete(self, near: Array, pool: Executor) -> None:
        """Make the upper levels, and look behind every cell of the first.

        near : (h, w) the largest radius in each cell of the first level
        """
        for n in range(len(self.shapes)):
            cells = self._level(self.cells, n)
            if n:
                _in_strips(pool, len(cells), _farthest, self._level(self.cells, n - 1), cells)
            radius = cells[..., 3] / np.maximum(cells[..., 4], np.float32(1e-30))
            cv2.erode(radius, np.ones((3, 3), np.uint8), dst=self._level(self.around, n))
        args = self.cell_px, self.cells, self.shapes, self.around, near, self.radius
        _in_strips(pool, len(near), _look_behind, *args)

    def _level(self, flat: Array, n: int) -> Array:
        start, height, width = self.shapes[n]
        return flat[start : start + height * width].reshape(height, width, *flat.shape[1:])


def _in_strips(pool: Executor, rows: int, work: Callable[..., None], *args: Any) -> None:
    """Let workers call `work(*args, top, bottom)` on strips of rows."""
    list(
        pool.map(
            lambda top: work(*args, top, min(top + STRIP_ROWS, rows)), range(0, rows, STRIP_ROWS)
        )
    )


def cell_px_for(height: int, width: int) -> int:
    """Size of the finest cells: 2 px, in large pictures as few cells as `MOST_CELLS` allows."""
    size = 2
    while height * width > MOST_CELLS * size * size:
        size *= 2
    return size


def levels_for(largest_radius_px: float) -> int:
    """Levels enough to look past the edge of a foreground blurred this much."""
    return max(1, math.ceil(math.log2(largest_radius_px + 1)) + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _farthest(below: Array, above: Array, top: int, bottom: int) -> None:
    """Rows of the level `above` (h, w, 5) from the one below it."""
    height, width = below.shape[:2]
    zero, one, same = np.float32(0), np.float32(1), np.float32(SAME_SURFACE_PX)
    for y in range(top, bottom):
        for x in range(above.shape[1]):
            y1, x1 = min(2 * y + 2, height), min(2 * x + 2, width)
            farthest = np.float32(np.inf)
            for v in range(2 * y, y1):
                for u in range(2 * x, x1):
                    if below[v, u, 4] > zero:
                        farthest = min(farthest, below[v, u, 3] / below[v, u, 4])
            above[y, x] = zero
            for v in range(2 * y, y1):
                for u in range(2 * x, x1):
                    if below[v, u, 4] > zero:
                        step = farthest - below[v, u, 3] / below[v, u, 4]
                        share = np.exp(step / same) if step < zero else one
                        for c in range(5):
                            above[y, x, c] += share * below[v, u, c]
            # One full child is evidence enough; more of them do not weigh more.
            if above[y, x, 4] > one:
                share = one / above[y, x, 4]
                for c in range(5):
                    above[y, x, c] *= share


@njit(cache=True, nogil=True)
def _look_behind(
    cell_px: int,
    cells: Array,
    shapes: NDArray[np.int64],
    around: Array,
    near: Array,
    radius: Array,
    top: int,
    bottom: int,
) -> None:
    """Rows of `radius`, see `Hidden`."""
    found = np.empty(5, np.float32)
    for v in range(top, bottom):
        for u in range(radius.shape[1]):
            front = near[v, u]
            # Behind what is blurred wide, one search does for four cells.
            if abs(front) > WIDE_PX and (v % 2 or u % 2):
                corner = radius[v // 2 * 2, u // 2 * 2]
                if abs(near[v // 2 * 2, u // 2 * 2] - front) < np.float32(BEHIND_PX):
                    radius[v, u] = corner
                    continue
            radius[v, u] = np.inf
            level = _highest(cell_px, front, shapes.shape[0])
            if around[_cell(shapes, level, v, u)] < front - np.float32(BEHIND_PX) and search(
                cell_px, cells, shapes, around, v, u, front, found
            ):
                radius[v, u] = found[3]


@njit(cache=True, nogil=True, inline="always")
def _highest(cell_px: int, front: np.float32, levels: int) -> int:
    """The level up to which is searched: deeper inside than its own blur nothing shines through
    a foreground."""
    level, size = 0, np.float32(cell_px // 2)
    while size < abs(front) + np.float32(1) and level < levels - 1:
        level += 1
        size *= np.float32(2)
    return level


@njit(cache=True, nogil=True)
def search(
    cell_px: int,
    cells: Array,
    shapes: NDArray[np.int64],
    around: Array,
    v: int,
    u: int,
    front: np.float32,
    found: Array,
) -> bool:
    """Colour and radius behind cell (v, u) of the first level, from the finest level."""
    limit = front - np.float32(BEHIND_PX)
    for level in range(_highest(cell_px, front, shapes.shape[0]) + 1):
        if around[_cell(shapes, level, v, u)] < limit and _interpolate(
            cells, shapes, level, v, u, front, found
        ):
            return True
    return False


@njit(cache=True, nogil=True, inline="always")
def _cell(shapes: NDArray[np.int64], level: int, v: int, u: int) -> int:
    start, height, width = shapes[level]
    return start + min(v >> level, height - 1) * width + min(u >> level, width - 1)


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
