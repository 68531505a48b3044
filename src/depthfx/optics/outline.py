"""The two depths of a soft outline, from a matte.

A matte says how much of a pixel the subject covers, but a depth map gives hair either the
subject's depth or the wall's, or something between that exists nowhere. Where the matte is
undecided the subject's depth is the mean of its solid part near by, and the background's
that of the empty part near by.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane

SOLID, EMPTY = 0.95, 0.05
REACH_SHARE = 0.02
"""How far to look for solid and empty parts, as a share of the diagonal."""
REDUCTION = 4


def surfaces_of_matte(
    inverse: Plane, behind: Plane, coverage: Plane, matte: Plane
) -> tuple[Plane, Plane, Plane]:
    """`inverse`, `behind` and `coverage` with the soft part of `matte` entered.

    All are (H, W) float32. Where no solid part or no empty part is near, or the "subject"
    lies behind its background, a pixel stays as it was.
    """
    subject, subject_near = _mean_near(inverse, matte > SOLID)
    ground, ground_near = _mean_near(inverse, matte < EMPTY)
    soft = (matte >= EMPTY) & (matte <= SOLID) & subject_near & ground_near & (subject > ground)
    return (
        np.where(soft, subject, inverse),
        np.where(soft, ground, behind),
        np.where(soft, matte, coverage),
    )


def _mean_near(plane: Plane, chosen: NDArray[np.bool_]) -> tuple[Plane, NDArray[np.bool_]]:
    """Mean of the chosen pixels in the box around each pixel, and where there were any."""
    height, width = plane.shape
    small = (max(1, width // REDUCTION), max(1, height // REDUCTION))
    box = 2 * math.ceil(REACH_SHARE * math.hypot(*small)) + 1

    def spread(a: Plane) -> Plane:
        blurred = cv2.blur(cv2.resize(a, small, interpolation=cv2.INTER_AREA), (box, box))
        return np.asarray(
            cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
        )

    weight = chosen.astype(np.float32)
    total, share = spread(plane * weight), spread(weight)
    return np.asarray(total / np.maximum(share, 1e-6), np.float32), share > 1e-3
