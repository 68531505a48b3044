"""Colours on both sides of a matte: the subject's without background, and the reverse.

A pixel of the soft edge shows alpha F + (1 - alpha) B. Smooth estimates of F and B
come from their sure sides by push-pull; one step of least squares at full size then
puts the residual back, so that F is the photo itself where alpha is 1.

M. Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021 (blur fusion);
T. Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

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
CERTAIN = np.zeros((1, 1), np.float32)
"""No doubt anywhere."""


@dataclass(frozen=True, eq=False)
class Sides:
    """Smooth guesses of the colours on both sides of a matte, and where they are not to be used.

    front, back : (h, w, 3) float32, linear light, at a working size
    doubt : (h, w) float32 0..1 of any size, covering the same frame: where the matte itself
        is not believed, and the photo's own colour is taken for both sides
    """

    front: Pixels
    back: Pixels
    doubt: Plane

    @classmethod
    def of(cls, pixels: Pixels, matte: Plane, doubt: Plane = CERTAIN) -> Sides:
        """Of linear light `pixels` (H, W, 3) and their `matte` (H, W), float32."""
        shape = fit_within(matte.shape, WORKING_PIXELS)
        small, alpha = resize_area(pixels, shape), resize_area(matte, shape)
        # A pixel further in: the matte's edge may lie a little beside the picture's.
        rim = np.ones((3, 3), np.uint8)
        front = push_pull(small, (cv2.erode(alpha, rim) > 1 - SURE).astype(np.float32))
        back = push_pull(small, (cv2.dilate(alpha, rim) < SURE).astype(np.float32))
        return cls(front, back, doubt)


def foreground_colours(pixels: Pixels, matte: Plane, sides: Sides | None = None) -> Pixels:
    """The subject's own colours, linear light, for `pixels` (H, W, 3) and `matte` (H, W) 0..1.

    The photo where the matte is 1, decontaminated where it is soft, a smooth
    continuation outside. `sides`, if they are at hand, are `Sides.of` the same arrays.
    Raises ShapeError if the sizes differ.
    """
    checked_plane("matte", matte, pixels.shape[:2])
    known = sides or Sides.of(pixels, matte)
    out = np.empty(pixels.shape, np.float32)
    _uncover(pixels, 1 - matte, known.back, known.front, known.doubt[..., None], out)
    return out


def background_colours(pixels: Pixels, matte: Plane, sides: Sides | None = None) -> Pixels:
    """What may stand behind the subject, linear light, for `pixels` (H, W, 3), `matte` (H, W).

    The photo where the matte is 0, a smooth completion from there where it is 1; where
    it is soft, what subject and completion leave unexplained, so that a veil of doubt
    over the background does not wipe its texture out. `sides` as in `foreground_colours`.
    Raises ShapeError if the sizes differ.
    """
    checked_plane("matte", matte, pixels.shape[:2])
    known = sides or Sides.of(pixels, matte)
    out = np.empty(pixels.shape, np.float32)
    _uncover(pixels, matte, known.front, known.back, known.doubt[..., None], out)
    return out


def lay_subject_over(picture: Pixels, pixels: Pixels, matte: Plane, sides: Sides) -> None:
    """Lay the subject of `pixels` over `picture` (H, W, 3), in place, as its `matte` covers it.

    The same as mixing in `foreground_colours(pixels, matte, sides)`, without that picture.
    Raises ShapeError if the sizes differ.
    """
    checked_plane("matte", matte, pixels.shape[:2])
    checked_plane("picture", picture[..., 0], matte.shape)
    _lay_over(picture, pixels, matte, sides.front, sides.back, sides.doubt[..., None])


@njit(parallel=True, fastmath=True, cache=True)
def _uncover(
    pixels: Pixels, cover: Plane, front: Pixels, back: Pixels, doubt: Pixels, out: Pixels
) -> None:  # pragma: no cover - compiled
    """What is under `cover`, `back` being its smooth guess and `front` that of what covers it."""
    height, width = cover.shape
    for y in prange(height):
        out[y] = pixels[y]
        for x in range(width):
            share = cover[y, x]
            if share <= 0:
                continue
            rest = 1 - share
            keep = linear_at(doubt, y, x, height, width, 0)
            for k in range(3):
                colour, own = pixels[y, x, k], linear_at(back, y, x, height, width, k)
                if rest > 0:
                    over = linear_at(front, y, x, height, width, k)
                    own += rest * (colour - rest * own - share * over)
                own = max(own, np.float32(0))
                out[y, x, k] = own + keep * (colour - own)


@njit(parallel=True, fastmath=True, cache=True)
def _lay_over(
    picture: Pixels, pixels: Pixels, matte: Plane, front: Pixels, back: Pixels, doubt: Pixels
) -> None:  # pragma: no cover - compiled
    height, width = matte.shape
    for y in prange(height):
        for x in range(width):
            alpha = matte[y, x]
            if alpha <= 0:
                continue
            if alpha >= 1:
                for k in range(3):
                    picture[y, x, k] = pixels[y, x, k]
                continue
            keep = linear_at(doubt, y, x, height, width, 0)
            for k in range(3):
                colour, own = pixels[y, x, k], linear_at(front, y, x, height, width, k)
                behind = linear_at(back, y, x, height, width, k)
                own += alpha * (colour - alpha * own - (1 - alpha) * behind)
                own = max(own, np.float32(0))
                own += keep * (colour - own)
                picture[y, x, k] += alpha * (own - picture[y, x, k])
