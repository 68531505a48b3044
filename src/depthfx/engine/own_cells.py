"""Inverse depth within a surface, from the coarse cells that show this surface.

A vote decides which surface a pixel is on; what it gives there is as rough as the planes of
single cells. Here each pixel looks at the cells around once more: those whose planes agree
with what it has are of its surface, and a plane through them all is what it gets. That is moving
least squares (P. Lancaster, K. Salkauskas, Math. Comp. 37, 1981) with weights that fall with
what a cell is off, as in iteratively reweighted fits.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane

Mask = NDArray[np.bool_]

NEARNESS = 0.7
"""Sigma in cells."""
REACH = 2
"""How many cells to either side of a pixel's own are looked at."""
AGREES = (0.03, 0.015, 0.01)
"""Shares of inverse depth by which cells may be off, from the first to the last fit."""
SLOPE_TRUST = 0.05
"""What the slopes of single cells count beside the differences between cells."""
KEPT = 0.08
"""A fit farther off than this share is of another surface, and not taken; less and less before."""

INFINITE = 1e-12
"""Inverse depth that is as good as 0."""


@njit(parallel=True, fastmath=True, cache=True, error_model="numpy")
def from_own_cells(
    inverse: Plane, where: Mask, cells: NDArray[np.float32]
) -> Plane:  # pragma: no cover - compiled
    """`inverse` (H, W), and `where` asked for, what the cells of each pixel's surface give there.

    cells : (h, w, 4) float32: inverse depth, its slopes per cell right and down, weight
    """
    height, width = inverse.shape
    h, w = cells.shape[:2]
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    by_distance = -half / np.float32(NEARNESS * NEARNESS)
    trust, least = np.float32(SLOPE_TRUST), np.float32(INFINITE)
    side = 2 * REACH + 1
    out = inverse.copy()
    for y in prange(height):
        near = np.empty((6, side * side), np.float32)
        dx, dy, value, right, down, weight = near
        across = np.empty(side, np.float32)
        v = (np.float32(y) + half) * np.float32(h / height) - half
        row = min(max(int(np.floor(v + half)), 0), h - 1)
        for x in range(width):
            here = inverse[y, x]
            if not where[y, x] or here <= least:
                continue
            u = (np.float32(x) + half) * np.float32(w / width) - half
            column = min(max(int(np.floor(u + half)), 0), w - 1)
            count = 0
            for i in range(side):
                far = np.float32(column - REACH + i) - u
                across[i] = np.exp(by_distance * far * far)
            for j in range(max(row - REACH, 0), min(row + REACH + 1, h)):
                along = np.exp(by_distance * (np.float32(j) - v) ** 2)
                for i in range(max(column - REACH, 0), min(column + REACH + 1, w)):
                    dx[count], dy[count] = np.float32(i) - u, np.float32(j) - v
                    value[count] = cells[j, i, 0]
                    right[count], down[count] = cells[j, i, 1], cells[j, i, 2]
                    weight[count] = cells[j, i, 3] * along * across[i - column + REACH]
                    count += 1
            a, b, c = here, zero, zero
            for step in range(len(AGREES)):
                per = one / (np.float32(AGREES[step]) * here)
                n = sx = sy = sxx = sxy = syy = sw = sxw = syw = sb = sc = zero
                for k in range(count):
                    if step == 0:
                        # Each cell by its own plane: slopes of the surface are not known yet.
                        off = value[k] - right[k] * dx[k] - down[k] * dy[k] - here
                    else:
                        off = a + b * dx[k] + c * dy[k] - value[k]
                    off *= per
                    t = one / (one + off * off)
                    t *= t * weight[k]
                    n += t
                    sx += t * dx[k]
                    sy += t * dy[k]
                    sxx += t * dx[k] * dx[k]
                    sxy += t * dx[k] * dy[k]
                    syy += t * dy[k] * dy[k]
                    sw += t * value[k]
                    sxw += t * dx[k] * value[k]
                    syw += t * dy[k] * value[k]
                    sb += t * right[k]
                    sc += t * down[k]
                if n <= np.float32(1e-12):
                    break
                part = one / n
                mx, my, mw = sx * part, sy * part, sw * part
                xx = sxx * part - mx * mx + trust
                xy = sxy * part - mx * my
                yy = syy * part - my * my + trust
                xw = sxw * part - mx * mw + trust * sb * part
                yw = syw * part - my * mw + trust * sc * part
                area = xx * yy - xy * xy
                b, c = (yy * xw - xy * yw) / area, (xx * yw - xy * xw) / area
                a = mw - b * mx - c * my
            off = (a - here) / (np.float32(KEPT) * here)
            out[y, x] = here + (a - here) * max(one - off * off * off * off, zero)
    return out
