"""The known simple ways to blur by depth, as yardsticks.

Each takes the sharp picture (H, W, 3) in linear light, inverse depth (H, W), the inverse depth
in focus, and the blur diameter in px per unit of inverse depth away from it; each answers
(H, W, 3) float32 linear light. They are written as their authors' readers write them: the best
such a way can do, no more.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.optics.aperture import ROUND
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear

Array = NDArray[np.float32]

TUTORIAL_PX, TUTORIAL_WIDTH = 51, 0.1
"""The tutorials' kernel, and how fast their sharpness fades: a share of the range of depth."""
COPIES, SLICES = 24, 32
SAME_SURFACE = 0.97
"""A neighbour at less than this share of a pixel's inverse depth lies behind it."""


def untouched(pixels: Array, *_: object) -> Array:
    """The sharp picture itself."""
    return pixels


def tutorial(pixels: Array, inverse: Plane, focus_inverse: float, _: float) -> Array:
    """One Gaussian blur of the coded picture, blended in by how far depth is from the focus."""
    codes = linear_to_srgb(np.clip(pixels, 0, 1)).astype(np.float32)
    low, high = float(inverse.min()), float(inverse.max())
    away = (inverse - focus_inverse) / max(high - low, 1e-9)
    keep = np.exp(-0.5 * (away / TUTORIAL_WIDTH) ** 2)[..., None]
    blurred = cv2.GaussianBlur(codes, (TUTORIAL_PX, TUTORIAL_PX), 0)
    return np.asarray(srgb_to_linear(codes * keep + blurred * (1 - keep)), np.float32)


def picked(pixels: Array, inverse: Plane, focus_inverse: float, blur_px: float) -> Array:
    """Copies of the picture, each blurred by one radius; a pixel takes the two next to its own."""
    radius = np.abs(inverse - np.float32(focus_inverse)) * np.float32(blur_px / 2)
    largest = float(radius.max())
    place = radius * np.float32((COPIES - 1) / max(largest, 1e-6))
    out = np.zeros_like(pixels)
    for k in range(COPIES):
        weight = np.maximum(1 - np.abs(place - k), 0)
        if weight.any():
            out += _blurred(pixels, largest * k / (COPIES - 1)) * weight[..., None]
    return out


def layered(pixels: Array, inverse: Plane, focus_inverse: float, blur_px: float) -> Array:
    """Hard slices of inverse depth, blurred with their alpha, laid over each other."""
    low, high = float(inverse.min()), float(inverse.max())
    thickness = max((high - low) / SLICES, 1e-9)
    slice_of = np.minimum((inverse - low) / thickness, SLICES - 1).astype(int)
    light, alpha = np.zeros_like(pixels), np.zeros_like(inverse)
    for k in range(SLICES):
        inside = (slice_of == k).astype(np.float32)
        if not inside.any():
            continue
        radius = abs(low + (k + 0.5) * thickness - focus_inverse) * blur_px / 2
        cover = np.minimum(_blurred(inside, radius), 1)
        light = light * (1 - cover[..., None]) + _blurred(pixels * inside[..., None], radius)
        alpha = alpha * (1 - cover) + cover
    return np.asarray(light / np.maximum(alpha, 1e-4)[..., None], np.float32)


def gathered(pixels: Array, inverse: Plane, focus_inverse: float, blur_px: float) -> Array:
    """Every pixel adds up the discs that reach it; one behind it spreads no wider than it does.

    Its time grows with the square of the radius.
    """
    radius = np.abs(inverse - np.float32(focus_inverse)) * np.float32(blur_px / 2)
    out = np.empty_like(pixels)
    _gather(pixels, inverse, radius, math.ceil(float(radius.max()) + 0.5), out)
    return out


def _blurred(array: Array, radius_px: float) -> Array:
    kernel = ROUND.kernel(radius_px)
    return np.asarray(cv2.filter2D(array, -1, kernel, borderType=cv2.BORDER_REFLECT_101))


@njit(cache=True, parallel=True, fastmath=True)
def _gather(pixels: Array, inverse: Plane, radius: Plane, reach: int, out: Array) -> None:
    height, width = radius.shape
    for i in prange(height):
        for j in range(width):
            red, green, blue, total = 0.0, 0.0, 0.0, 0.0
            for y in range(max(0, i - reach), min(height, i + reach + 1)):
                for x in range(max(0, j - reach), min(width, j + reach + 1)):
                    spread = radius[y, x]
                    if inverse[y, x] < SAME_SURFACE * inverse[i, j]:
                        spread = min(spread, radius[i, j])
                    inside = spread + 0.5 - math.sqrt((y - i) ** 2 + (x - j) ** 2)
                    if inside <= 0:
                        continue
                    weight = min(inside, 1.0) / max(math.pi * spread * spread, 1.0)
                    red += weight * pixels[y, x, 0]
                    green += weight * pixels[y, x, 1]
                    blue += weight * pixels[y, x, 2]
                    total += weight
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = red / total, green / total, blue / total
