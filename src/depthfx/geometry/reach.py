"""How far behind every break something has to be painted, for a move of a given size."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.breaks import LEAST_JUMP_PX

Mask = NDArray[np.bool_]

RIM_PX = 3.0
"""Painted beyond what a move uncovers: what the taps of an interpolation reach."""
SWEEPS = 2
"""Of the distance transform, forth and back: enough to go around corners."""


def uncovered(
    inverse: Plane, across: Mask, down: Mask, px_per_inverse: float, beyond_px: float = RIM_PX
) -> tuple[Plane, NDArray[np.int64]]:
    """How much farther each pixel's far side can be uncovered, and what lies there.

    inverse : (H, W) float32; across, down : its `breaks`
    px_per_inverse : by how many px a unit of inverse depth parts two surfaces
    beyond_px : added to what each break uncovers

    Returns (H, W) float32 px, above 0 where what lies behind the pixel can come to sight, and
    (H, W) int64, the flat index of the far pixel of the break it comes out of; -1 where none does.

    A two-pass chamfer transform (G. Borgefors, "Distance transformations in digital images",
    CVGIP 34, 1986) of what is left of each break's own parallax.
    """
    left = np.full(inverse.shape, -np.inf, np.float32)
    far = np.full(inverse.shape, -1, np.int64)
    px = np.float32(px_per_inverse)
    _start(inverse, across, down, px, np.float32(beyond_px), left, far)
    for _ in range(SWEEPS):
        _spread(inverse, np.float32(LEAST_JUMP_PX) / px, left, far)
    return left, far


@njit(cache=True, nogil=True)
def _start(
    inverse: Plane,
    across: Mask,
    down: Mask,
    px: np.float32,
    rim_px: np.float32,
    left: Plane,
    far: NDArray[np.int64],
) -> None:  # pragma: no cover - compiled
    height, width = inverse.shape
    for y in range(height):
        for x in range(width):
            for v, u, cut in (
                (y, x + 1, x + 1 < width and across[y, min(x, width - 2)]),
                (y + 1, x, y + 1 < height and down[min(y, height - 2), x]),
            ):
                if not cut:
                    continue
                near_y, near_x, far_y, far_x = y, x, v, u
                if inverse[v, u] > inverse[y, x]:
                    near_y, near_x, far_y, far_x = v, u, y, x
                jump = (inverse[near_y, near_x] - inverse[far_y, far_x]) * px + rim_px
                if jump > left[near_y, near_x]:
                    left[near_y, near_x] = jump
                    far[near_y, near_x] = far_y * width + far_x


@njit(cache=True, nogil=True)
def _spread(
    inverse: Plane, apart: np.float32, left: Plane, far: NDArray[np.int64]
) -> None:  # pragma: no cover - compiled
    """What is left a step on, wherever there is something in front of that far side."""
    height, width = inverse.shape
    straight, oblique = np.float32(1), np.float32(np.sqrt(2))
    for forth in (1, -1):
        for j in range(height):
            y = j if forth == 1 else height - 1 - j
            for i in range(width):
                x = i if forth == 1 else width - 1 - i
                for dy, dx in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
                    v, u = y + forth * dy, x + forth * dx
                    if v < 0 or v >= height or u < 0 or u >= width:
                        continue
                    rest = left[v, u] - (oblique if dy != 0 and dx != 0 else straight)
                    if rest <= left[y, x] or rest <= 0:
                        continue
                    origin = far[v, u]
                    if inverse[y, x] > inverse[origin // width, origin % width] + apart:
                        left[y, x] = rest
                        far[y, x] = origin
