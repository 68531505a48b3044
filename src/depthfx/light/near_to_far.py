"""From what is near to what is far, as looks that follow depth go."""

from __future__ import annotations

import math

import numpy as np

from depthfx.depth import Plane
from depthfx.raster.ramp import smooth_ramp

PERCENTILES = 95, 5
"""Of inverse depth, less the sky, that count as the nearest and the farthest."""
SAMPLES = 200_000
"""Pixels that are looked at to learn them."""


def nearness(inverse: Plane, near_inverse: float, far_inverse: float) -> Plane:
    """(H, W) float32: 1 from `near_inverse` on, 0 up to `far_inverse`, smooth in between.

    Where the two are one there is a step.
    """
    least = 1e-6 * max(near_inverse, 1e-30)
    return smooth_ramp(inverse, far_inverse, max(near_inverse, far_inverse + least))


def reach_of(inverse: Plane) -> tuple[float, float]:
    """Inverse depth of the nearest and of the farthest things but the sky; 1 and 1 without any."""
    step = max(1, round(math.sqrt(inverse.size / SAMPLES)))
    seen = inverse[::step, ::step]
    seen = seen[seen > 0]
    if not seen.size:
        return 1.0, 1.0
    near, far = np.percentile(seen, PERCENTILES)
    return float(near), float(far)


def inverse_at(share: float, reach: tuple[float, float]) -> float:
    """Inverse depth at a share of the way from the nearest to the farthest.

    By factors of distance: half of the way from 1 m to 100 m is 10 m.
    """
    nearest, farthest = reach
    return nearest * (farthest / nearest) ** share
