"""Where neighbouring pixels are different surfaces.

Inverse depth is affine over every plane, so a floor that runs away has steps between its pixels
but the same ones on and on; a break is a step beyond what goes on to either side of it. What
counts is what a move makes of it: steps are measured in the pixels by which both sides part.
"""

from __future__ import annotations

import numpy as np
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
    across = _beyond_slope(np.diff(inverse, axis=1))
    down = _beyond_slope(np.diff(inverse, axis=0).T).T
    least = LEAST_JUMP_PX / max(px_per_inverse, 1e-30)
    return across > least, down > least


def _beyond_slope(steps: Plane) -> Plane:
    """By how much each step (along the last axis) exceeds the slope on its steeper side."""
    size, count = np.abs(steps), steps.shape[1]
    slope = np.zeros_like(steps)
    for side in (-1, 1):
        run = np.full_like(steps, np.inf)
        for distance in range(2, RUN_PX + 1):
            there = np.clip(np.arange(count) + side * distance, 0, count - 1)
            along = steps[:, there]
            run = np.minimum(run, np.where(along * steps > 0, np.abs(along), np.float32(0)))
        slope = np.maximum(slope, run)
    return size - slope
