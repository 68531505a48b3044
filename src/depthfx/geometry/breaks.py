"""Where neighbouring pixels are different surfaces.

Inverse depth is affine over every plane, so a floor that runs away has steps between its pixels
but the same ones on and on; a break is a step beyond what goes on to either side of it. What
counts is what a move makes of it: steps are measured in the pixels by which both sides part.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane

Mask = NDArray[np.bool_]

LEAST_JUMP_PX = 0.7
"""Surfaces that part by less stay one: the gap would be narrower than a pixel."""
RUN_PX = 4
"""How far to either side a slope is followed; the pixel next to a step may belong to its ramp."""


def breaks(inverse: Plane, px_per_inverse: float) -> tuple[Mask, Mask]:
    """Breaks to the right (H, W - 1) and downwards (H - 1, W) of inverse depth (H, W).

    px_per_inverse : by how many px a unit of inverse depth parts two surfaces
    """
    return steps_above(inverse, LEAST_JUMP_PX / max(px_per_inverse, 1e-30))


def steps_above(plane: Plane, least: float) -> tuple[Mask, Mask]:
    """Breaks to the right (H, W - 1) and downwards (H - 1, W) of more than `least`."""
    down = _breaks_across(np.ascontiguousarray(plane.T), np.float32(least))
    return _breaks_across(plane, np.float32(least)), np.ascontiguousarray(down.T)


@njit(cache=True, nogil=True)
def _breaks_across(
    inverse: Plane, least: np.float32
) -> NDArray[np.bool_]:  # pragma: no cover - compiled
    """Where a step to the right exceeds the slope on its steeper side by more than `least`."""
    height, width = inverse.shape
    out = np.zeros((height, max(width - 1, 0)), np.bool_)
    last = width - 2
    for y in range(height):
        for x in range(width - 1):
            step = inverse[y, x + 1] - inverse[y, x]
            size = abs(step)
            if size <= least:
                continue
            slope = np.float32(0)
            for side in (-1, 1):
                run = size
                for distance in range(2, RUN_PX + 1):
                    u = min(max(x + side * distance, 0), last)
                    along = inverse[y, u + 1] - inverse[y, u]
                    run = min(run, abs(along)) if along * step > 0 else np.float32(0)
                    if run == 0:
                        break
                slope = max(slope, run)
            out[y, x] = size - slope > least
    return out
