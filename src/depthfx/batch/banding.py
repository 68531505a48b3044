"""Steps in what should be smooth: bands in a sky or on a wall that the photo does not have.

Along a smooth gradient the light changes by about as much from each pixel to the next; where it
was cut into steps it changes at few pixels, by much. So of the differences between neighbours in a
window, the mean square over the square of the mean is 1 on a ramp, and the number of pixels from
step to step on a staircase; what changes over several pixels does not count, as a blurred edge is
no step. Looked at are windows where photo and result are both smooth and the
result rises or falls all the way, which grain and texture do not; what the photo shows itself is
none of the result's doing. Flat parts between contours of low contrast are what the measures of
the trade look for as well: P. Tandon and others, "CAMBI: contrast-aware multiscale banding
index", Picture Coding Symposium 2021.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.photo.colour import linear_to_srgb

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

WINDOW_PX = 41
"""Long enough for steps that are far apart, short enough for a sky between branches."""
SOFTENED_PX = 1.0
"""Standard deviation by which grain is evened out first, as by the eye."""
LEAST_CODES, MOST_CODES = 2.0, 32.0
"""Of 255: less from end to end of a window is seen by nobody, more is no smooth gradient."""
ONE_WAY = 0.8
"""Net change over all change from which on light rises or falls all the way."""
STEP_PX = 9
"""A slope over more than that is soft, as what lies out of focus."""
STAIRCASE = 2.5
"""Mean square of what is sudden over the squared mean: 0 is a ramp, 0.5 one in grain."""
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. ITU-R BT.709, item 3.2."""


def banding(before: Pixels, after: Pixels) -> float:
    """Share 0..1 of the picture with steps that `before` does not have.

    before, after : (h, w, 3) float32 linear light, up to a megapixel: what is finer is not seen
    """
    if min(before.shape[:2]) <= WINDOW_PX:
        return 0.0
    one, other = _codes(before), _codes(after)
    found = np.zeros(one.shape, np.bool_)
    for axis in (0, 1):
        smooth, stepped_before = _looked_at(one, axis)
        _, stepped_after = _looked_at(other, axis)
        found |= smooth & stepped_after & ~stepped_before
    return float(found.mean())


def _codes(pixels: Pixels) -> Plane:
    codes = linear_to_srgb(np.clip(pixels, 0, 1)) @ LUMA * np.float32(255)
    return np.asarray(cv2.GaussianBlur(codes, (0, 0), SOFTENED_PX), np.float32)


def _looked_at(codes: Plane, axis: int) -> tuple[Mask, Mask]:
    """Where the window along `axis` around a pixel is smooth, and where it is a staircase."""
    change = np.diff(codes, axis=axis, append=codes.take([-1], axis=axis))
    size = (1, WINDOW_PX) if axis == 0 else (WINDOW_PX, 1)

    def mean(values: Plane) -> Plane:
        return np.asarray(cv2.blur(values, size), np.float32)

    around = (1, STEP_PX) if axis == 0 else (STEP_PX, 1)
    sudden = change - np.asarray(cv2.blur(change, around), np.float32)
    net, all_of_it, square = mean(change), mean(np.abs(change)), mean(sudden**2)
    in_all = all_of_it * np.float32(WINDOW_PX)
    smooth = in_all <= MOST_CODES
    one_way = smooth & (in_all >= LEAST_CODES) & (np.abs(net) >= ONE_WAY * all_of_it)
    return np.asarray(smooth), np.asarray(one_way & (square > STAIRCASE * all_of_it**2))
