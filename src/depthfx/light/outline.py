"""A relit subject's outline: hair and half-covered pixels take part in both lights.

A pixel of the outline shows alpha F + (1 - alpha) B, but depth and normals say only one surface
of it, and not exactly where the matte has it. So along the outline the change of light is
continued from the sure sides, and each side's part of the pixel gets its own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area
from depthfx.raster.sample import linear_at

WORKING_PIXELS = 0.5e6
SURE = 0.02
"""A matte this close to 0 or 1 is taken for it."""
RIM_PX = 2
"""So much farther in and out, on the working grid, depth may still be of the other side."""
DARK, MOST = np.float32(1e-3), np.float32(64)
"""Light below which a change is not believed, and the largest one."""


def with_outline(lit: Pixels, before: Pixels, matte: Plane) -> None:
    """Redo the outline of `matte` (H, W) in `lit` (H, W, 3), in place; `before`: the photo.

    All linear light, float32. Where the matte is sure, and so are its surroundings, `lit` stays.
    """
    shape = fit_within(matte.shape, WORKING_PIXELS)
    alpha, was = resize_area(matte, shape), resize_area(before, shape)
    rim = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    inside, outside = cv2.erode(alpha, rim) > 1 - SURE, cv2.dilate(alpha, rim) < SURE
    if not inside.any() or not outside.any():
        return
    change = np.clip((resize_area(lit, shape) + DARK) / (was + DARK), 0, MOST)
    sides = [
        push_pull(plane.astype(np.float32), there.astype(np.float32))
        for there in (inside, outside)
        for plane in (change, was)
    ]
    unsure = cv2.GaussianBlur(1 - (inside | outside).astype(np.float32), (0, 0), 1.0)
    _redo(lit, before, matte, np.dstack(sides), unsure[..., None])


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def _redo(
    lit: Pixels, before: Pixels, matte: Plane, sides: NDArray[np.float32], unsure: Pixels
) -> None:  # pragma: no cover - compiled
    """`sides` (h, w, 12): change and colour of the subject, change and colour behind it."""
    height, width = matte.shape
    zero = np.float32(0)
    for y in prange(height):
        for x in range(width):
            share = linear_at(unsure, y, x, height, width, 0)
            if share <= zero:
                continue
            alpha = matte[y, x]
            for k in range(3):
                front = alpha * max(linear_at(sides, y, x, height, width, 3 + k), zero)
                back = (1 - alpha) * max(linear_at(sides, y, x, height, width, 9 + k), zero)
                whole = front + back + DARK
                own = (front + alpha * DARK) / whole
                change = own * linear_at(sides, y, x, height, width, k)
                change += (1 - own) * linear_at(sides, y, x, height, width, 6 + k)
                lit[y, x, k] += share * (before[y, x, k] * change - lit[y, x, k])
