"""Colours on both sides of a matte: the subject's without background, and the reverse.

A pixel of the soft edge shows alpha F + (1 - alpha) B. Smooth estimates of F and B
come from their sure sides by push-pull; one step of least squares at full size then
puts the residual back, so that F is the photo itself where alpha is 1.

M. Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021 (blur fusion);
T. Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.raster.resample import fit_within, resize_area
from depthfx.raster.sample import linear_at

Pixels = NDArray[np.float32]

WORKING_PIXELS = 0.5e6
SURE = 0.02
"""A matte this close to 0 or 1 is taken for it when colours are collected."""


def foreground_colours(pixels: Pixels, matte: Plane) -> Pixels:
    """The subject's own colours, linear light, for `pixels` (H, W, 3) and `matte` (H, W) 0..1.

    The photo where the matte is 1, decontaminated where it is soft, a smooth
    continuation outside. Raises ShapeError if the sizes differ.
    """
    checked_plane("matte", matte, pixels.shape[:2])
    front, back = _smooth_sides(pixels, matte)
    return _unmix(pixels, matte, front, back)


def background_colours(pixels: Pixels, matte: Plane) -> Pixels:
    """What may stand behind the subject, linear light, for `pixels` (H, W, 3), `matte` (H, W).

    The photo where the matte is 0, a smooth completion from there where it is 1; where
    it is soft, what subject and completion leave unexplained, so that a veil of doubt
    over the background does not wipe its texture out. Raises ShapeError if the sizes
    differ.
    """
    checked_plane("matte", matte, pixels.shape[:2])
    front, back = _smooth_sides(pixels, matte)
    return _unmix(pixels, 1 - matte, back, front)


def _smooth_sides(pixels: Pixels, matte: Plane) -> tuple[Pixels, Pixels]:
    """Smooth foreground and background at a working size."""
    shape = fit_within(matte.shape, WORKING_PIXELS)
    small, alpha = resize_area(pixels, shape), resize_area(matte, shape)
    # A pixel further in: the matte's edge may lie a little beside the picture's.
    rim = np.ones((3, 3), np.uint8)
    front = push_pull(small, (cv2.erode(alpha, rim) > 1 - SURE).astype(np.float32))
    back = push_pull(small, (cv2.dilate(alpha, rim) < SURE).astype(np.float32))
    return front, back


@njit(parallel=True, fastmath=True, cache=True)
def _unmix(
    pixels: Pixels, matte: Plane, front: Pixels, back: Pixels
) -> Pixels:  # pragma: no cover - compiled
    """What is under `matte`, `front` being its smooth guess and `back` the other side's."""
    height, width = matte.shape
    out = np.empty((height, width, 3), np.float32)
    for y in prange(height):
        for x in range(width):
            alpha = matte[y, x]
            for k in range(3):
                if alpha >= 1:
                    out[y, x, k] = pixels[y, x, k]
                    continue
                f = linear_at(front, y, x, height, width, k)
                if alpha > 0:
                    b = linear_at(back, y, x, height, width, k)
                    f += alpha * (pixels[y, x, k] - alpha * f - (1 - alpha) * b)
                out[y, x, k] = max(f, np.float32(0))
    return out
