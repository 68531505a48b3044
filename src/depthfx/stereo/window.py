"""The frame of a stereo picture as a window.

What is in front of the screen cannot be cut by its left or right side: one eye sees more of it
than the other, and the thing falls back to the frame. Either the screen is brought up to the
nearest thing at a side, or the window floats: at each side the eye that sees too much of it loses
a strip, which brings that side forward.

B. Mendiburu, "3D Movie Making", 2009, chapter 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.stage import Stage
from depthfx.stereo.pairs import Row

Pixels = NDArray[np.float32]

SIDE_SHARE = 0.004
"""Of the width: what lies so near a side is cut by it."""
LEAST_STRIP_SHARE = 0.003
"""Of the width: a narrower strip is taken for a fault, and what it would mend is not seen."""
NEAREST = 98.0
"""Percentile of the inverse depth there; what fills less of the side is not missed."""


def at_sides(inverse: Plane) -> tuple[float, float]:
    """Inverse depth of the nearest thing at the left and at the right side of `inverse` (H, W)."""
    strip = max(1, round(SIDE_SHARE * inverse.shape[1]))
    left, right = inverse[:, :strip], inverse[:, -strip:]
    return float(np.percentile(left, NEAREST)), float(np.percentile(right, NEAREST))


def window_inverse(inverse: Plane, stage: Stage) -> float:
    """Inverse depth of a screen before which no side cuts a thing: the subject's, or nearer."""
    return max(stage.pivot_inverse, *at_sides(inverse))


def strips_px(inverse: Plane, pair: Row) -> tuple[int, int]:
    """Widths of the strips that the left eye loses at the left and the right eye at the right."""
    least = LEAST_STRIP_SHARE * pair.camera.width
    parted = [pair.disparity_px(side) for side in at_sides(inverse)]
    left, right = (round(px) if px >= least else 0 for px in parted)
    return left, right


def through_window(left: Pixels, right: Pixels, strips: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """The pictures of both eyes, (H, W, 3), without those strips: black."""
    seen_left, seen_right = left.copy(), right.copy()
    seen_left[:, : strips[0]] = 0
    seen_right[:, right.shape[1] - strips[1] :] = 0
    return seen_left, seen_right
