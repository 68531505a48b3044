"""The picture of a point out of focus, drawn once finely and then at any radius.

The fine drawing is kept as its summed areas: the light left of and above every corner of
its cells. A pixel of a kernel is then a difference of four of them, interpolated, which is
its exact share of the light at any radius and costs the same for every shape
(F. C. Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

CELLS = 256
"""Cells along a side of the fine drawing: at a radius of 40 px a third of a pixel each. Only
pixels on the rim notice, by at most an eighth of that."""

SQUARE_MOMENT = 1 / 6
"""Mean of x * x + y * y over a square of side 1: what pixels add to the width of a kernel."""

CLOSE = 1e-4
"""Second moments that differ by this share are taken as equal: 0.005 % of the radius."""

ROUNDING = 1e-13
"""Of sums up to 1: differences as small as this are none."""

MOST_TRIALS = 30
"""Far more than the secant needs, and enough for halving alone."""


@dataclass(frozen=True, eq=False)
class Disc:
    """Light over a square around the nominal circle, ready to be drawn at any radius.

    sums : (n + 1, n + 1) or (n + 1, n + 1, 3) float64, the light above and left of each
        corner of the n x n cells; every channel holds 1 in all
    half : half the side of the square, in nominal radii
    reach : how far light falls from the middle in x or y, in nominal radii, at least 1, so that
        the kernels of a radius are equally large for all openings within the nominal circle
    moment : mean of x * x + y * y over the light about the middle, in squared radii,
        1/2 for an even disc
    """

    sums: Floats
    half: float
    reach: float
    moment: float

    @classmethod
    def of(cls, light: Floats, half: float) -> Disc:
        """From (n, n) or (n, n, 3) cells of any sum above 0."""
        sums = np.zeros((light.shape[0] + 1, light.shape[1] + 1, *light.shape[2:]))
        np.cumsum(light, axis=0, out=sums[1:, 1:])
        np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
        sums /= sums[-1, -1].copy()
        cell = 2 * half / light.shape[0]
        lines = np.concatenate([np.diff(end, axis=0) for end in (sums[:, -1], sums[-1])])
        lit = np.nonzero(lines > ROUNDING)[0] % light.shape[0] + 0.5
        reach = max(float(np.abs(lit * cell - half).max()) + cell / 2, 1.0)
        return cls(sums, half, reach, cell**2 * (_moment(sums) + SQUARE_MOMENT))

    def kernel(self, radius_px: float) -> Array:
        """The disc as an odd square kernel; see `Aperture.kernel`."""
        if not (math.isfinite(radius_px) and radius_px >= 0):
            raise ParameterError(f"radius_px={radius_px} must be 0 px or more")
        if radius_px >= 1.0:
            return self._of_moment(radius_px).astype(np.float32)
        # Moments add: the identity and the kernel of radius 1 mixed by the square.
        kernel = self._of_moment(1.0) * radius_px**2
        middle = kernel.shape[0] // 2
        kernel[middle, middle] += 1 - radius_px**2
        kernel = kernel if radius_px > 0 else kernel[middle : middle + 1, middle : middle + 1]
        return kernel.astype(np.float32)

    def _of_moment(self, radius_px: float) -> Floats:
        """The drawing with the second moment that the disc has at `radius_px`."""
        wanted = radius_px**2
        low, high = 0.0, (radius_px + 1) ** 2
        # The squares of pixels widen a large disc by their own moment: the first trial is
        # right. For small discs it depends, and the secant's zero is tried where it is of use.
        trial, last, last_excess = wanted - SQUARE_MOMENT / self.moment, 0.0, -wanted
        for _ in range(MOST_TRIALS):
            square = trial if low < trial < high else (low + high) / 2
            sums = self._sums_at(math.sqrt(square))
            excess = _moment(sums) / self.moment - wanted
            if abs(excess) <= CLOSE * wanted:
                break
            low, high = (low, square) if excess > 0 else (square, high)
            slope = (excess - last_excess) / (square - last)
            trial = square - excess / slope if slope > 0 else 0.0
            last, last_excess = square, excess
        light = np.diff(np.diff(sums, axis=0), axis=1)
        return np.where(light > ROUNDING, light, 0.0)

    def _sums_at(self, radius_px: float) -> Floats:
        """`sums` at the corners of the pixels of a kernel of this radius."""
        reach = max(1, math.ceil(radius_px * self.reach - 0.5))
        cells = self.sums.shape[0] - 1
        corner = (np.arange(2 * reach + 2) - reach - 0.5) / (radius_px * self.half)
        at = np.clip((corner + 1) * (cells / 2), 0, cells)
        before = np.minimum(at.astype(np.intp), cells - 1)
        share = (at - before).reshape(-1, *(1,) * (self.sums.ndim - 1))
        rows = self.sums[before] * (1 - share) + self.sums[before + 1] * share
        share = share.reshape(-1, *(1,) * (self.sums.ndim - 2))
        return np.asarray(rows[:, before] * (1 - share) + rows[:, before + 1] * share)


def _moment(sums: Floats) -> float:
    """Mean of x * x + y * y over the light of summed areas, in cells about the middle.

    Only the light above a line and left of a line are needed: the last column and row.
    """
    cells = sums.shape[0] - 1
    square = (np.arange(cells) - (cells - 1) / 2) ** 2
    rows, columns = np.diff(sums[:, -1], axis=0), np.diff(sums[-1], axis=0)
    return float((square @ (rows + columns)).mean())


def covered(outline: Floats, cells: int) -> Floats:
    """Share of each cell of a grid that lies inside an outline.

    outline : (N, 2) x right, y down, in cells from the top left corner of the grid, closed
        and within it, clockwise on the screen

    Returns (cells, cells) float64, 0..1, exact for the polygon: every edge gives its cell
    the area to the right of it, and all cells further right its height, as renderers of
    outline fonts do it.
    """
    step = np.roll(outline, -1, axis=0) - outline
    parts = int(np.abs(step).max()) + 1
    start = (outline[:, None] + step[:, None] * (np.arange(parts) / parts)[:, None]).reshape(-1, 2)
    end = np.roll(start, -1, axis=0)
    step = end - start
    # An edge shorter than a cell crosses at most one line of the grid in x and one in y.
    line = np.maximum(np.floor(start), np.floor(end))
    crosses = np.floor(start) != np.floor(end)
    cut = np.where(crosses, (line - start) / np.where(crosses, step, 1), 1)
    cuts = np.zeros((len(start), 4))
    cuts[:, 1:3], cuts[:, 3] = np.sort(cut, axis=1), 1
    points = start[:, None] + cuts[..., None] * step[:, None]
    x, y = np.moveaxis((points[:, 1:] + points[:, :-1]) / 2, -1, 0)
    height = -np.diff(points[..., 1], axis=1)
    column = np.clip(np.floor(x), 0, cells - 1)
    row = np.clip(np.floor(y), 0, cells - 1)
    width = cells + 1  # one more, where the last cell passes its height on to
    cell = (row * width + column).astype(np.intp)
    there = np.concatenate([cell.ravel(), cell.ravel() + 1])
    right = height * (x - column)
    given = np.concatenate([(height - right).ravel(), right.ravel()])
    grid = np.bincount(there, given, minlength=cells * width).reshape(cells, width)
    return np.clip(np.cumsum(grid, axis=1)[:, :-1], 0, 1)
