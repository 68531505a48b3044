"""Mixed pixels at depth edges, split into the two surfaces they show.

A photo's pixel averages the light over its square; a depth map gives one depth. Where
near meets far that pixel holds both colours, and a renderer that blurs the mixture with
either surface draws a rim. Here every pixel beside a jump becomes

    colour = share * front + (1 - share) * back

after Y.-Y. Chuang et al., "A Bayesian approach to digital matting", CVPR 2001: the two
colours have the means and variances of the neighbourhood on either side of the jump, and
the share has as prior the part of the 3 x 3 neighbourhood that is in front, because depth
sampled at pixel centres, smoothed over a pixel's width, is the share one expects. Where the
share and the second depth are known (refined depth, a matte), they are the prior instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]

SMALLEST_JUMP_PX = 0.5
"""Radii closer than this are one surface: splitting them could not be seen."""

SHARE_SIGMA, KNOWN_SHARE_SIGMA = 0.2, 0.05
"""How far a pixel's share strays from what its neighbourhood, or a matte, says."""

COLOUR_VARIANCE = 2e-5
"""Least variance of a surface's colour, linear light squared: noise and quantisation."""

WINDOWS = np.array([[1, 1], [3, 1], [9, 3], [27, 9]])
"""Reach and stride in px of the windows searched, in turn, until both surfaces are met."""


@dataclass(frozen=True)
class Surfaces:
    """The one or two surfaces that each pixel shows.

    front, back : (H, W, 3) colours, linear light
    share : (H, W) the front's part of the pixel, 0..1
    front_radius, back_radius : (H, W) signed blur radius in px, near > 0; equal where the
        pixel shows one surface (then `share` is 1 and `back` means nothing)
    """

    front: Array
    back: Array
    share: Array
    front_radius: Array
    back_radius: Array

    def __getitem__(self, place: tuple[slice, slice]) -> Surfaces:
        return Surfaces(
            self.front[place],
            self.back[place],
            self.share[place],
            self.front_radius[place],
            self.back_radius[place],
        )


def split_edges(
    pixels: Array,
    radius: Array,
    behind_radius: Array | None = None,
    coverage: Array | None = None,
) -> Surfaces:
    """Take the mixed pixels at depth edges apart.

    pixels : (H, W, 3) linear light; radius : (H, W) signed blur radius in px, near > 0
    behind_radius, coverage : (H, W), the second surface and the front's share, where known
        (a pixel of one surface has `behind_radius` equal to `radius`)
    """
    around = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(radius, around), cv2.erode(radius, around)
    known = np.full_like(radius, -1)
    if behind_radius is not None and coverage is not None:
        two = behind_radius < radius - SMALLEST_JUMP_PX
        low, high = np.where(two, behind_radius, low), np.where(two, radius, high)
        known = np.where(two, coverage, known)
    surfaces = Surfaces(
        pixels.copy(), np.zeros_like(pixels), np.ones_like(radius), radius.copy(), radius.copy()
    )
    mixed = np.argwhere(high - low > SMALLEST_JUMP_PX)
    _split(
        mixed,
        pixels,
        radius,
        low,
        high,
        known,
        surfaces.front,
        surfaces.back,
        surfaces.share,
        surfaces.front_radius,
        surfaces.back_radius,
    )
    return surfaces


@njit(cache=True, nogil=True, error_model="numpy")
def _split(
    mixed: NDArray[np.int64],
    pixels: Array,
    radius: Array,
    low: Array,
    high: Array,
    known: Array,
    front: Array,
    back: Array,
    share: Array,
    front_radius: Array,
    back_radius: Array,
) -> None:
    near, far = np.empty(6), np.empty(6)
    for i in range(mixed.shape[0]):
        y, x = mixed[i]
        for w in range(WINDOWS.shape[0]):
            prior = _sample(
                pixels,
                radius,
                known,
                y,
                x,
                low[y, x],
                high[y, x],
                WINDOWS[w, 0],
                WINDOWS[w, 1],
                near,
                far,
            )
            if near[0] > 0 and far[0] > 0:
                break
        if near[0] == 0 or far[0] == 0:
            continue
        sigma = SHARE_SIGMA
        if known[y, x] >= 0:
            prior, sigma = known[y, x], KNOWN_SHARE_SIGMA
        share[y, x] = _unmix(pixels[y, x], near, far, prior, sigma, front[y, x], back[y, x])
        front_radius[y, x] = near[4]
        back_radius[y, x] = far[4]


@njit(cache=True, nogil=True, error_model="numpy")
def _sample(
    pixels: Array,
    radius: Array,
    known: Array,
    y: int,
    x: int,
    low: float,
    high: float,
    reach: int,
    stride: int,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
) -> float:
    """Weight, mean colour, mean radius and colour variance of the two sides of a jump.

    Returns the part of the 3 x 3 neighbourhood, binomially weighted, that is in front.
    """
    height, width = radius.shape
    middle, softness = 0.5 * (low + high), 4.0 / (high - low)
    near[:], far[:] = 0.0, 0.0
    prior = 0.0
    for dy in range(-reach, reach + 1, stride):
        for dx in range(-reach, reach + 1, stride):
            v, u = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
            r = radius[v, u]
            side = near if r > middle else far
            w = math.exp(
                -(dx * dx + dy * dy) / (4.5 * stride * stride)
                - min(abs(high - r), abs(r - low)) * softness
            )
            if r > middle:
                prior += max(2 - abs(dx), 0) * max(2 - abs(dy), 0) / 16.0
                if known[v, u] >= 0:  # a neighbour that is a mixture says less of the front
                    w *= known[v, u] ** 3 + 1e-4
            side[0] += w
            for c in range(3):
                value = pixels[v, u, c]
                side[1 + c] += w * value
                side[5] += w * value * value
            side[4] += w * r
    for side in (near, far):
        if side[0] > 0:
            side[1:] /= side[0]
            square = side[1] ** 2 + side[2] ** 2 + side[3] ** 2
            side[5] = max(side[5] - square, 0.0) / 3 + COLOUR_VARIANCE
    return prior


@njit(cache=True, nogil=True, error_model="numpy")
def _unmix(
    pixel: Array,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    prior: float,
    sigma: float,
    front: Array,
    back: Array,
) -> float:
    """The most likely share; the two colours go into `front` and `back`."""
    along = apart = 0.0
    for c in range(3):
        step = near[1 + c] - far[1 + c]
        along += (pixel[c] - far[1 + c]) * step
        apart += step * step
    trust = 1.0 / (sigma * sigma)
    a = prior
    for _ in range(3):  # the variance of the mixture depends on the share: settle it
        variance = a * a * near[5] + (1 - a) * (1 - a) * far[5]
        a = min(max((along / variance + prior * trust) / (apart / variance + trust), 0.0), 1.0)
    # What the two means do not explain goes to each colour by its variance.
    variance = a * a * near[5] + (1 - a) * (1 - a) * far[5]
    for c in range(3):
        rest = pixel[c] - a * near[1 + c] - (1 - a) * far[1 + c]
        front[c] = max(near[1 + c] + rest * a * near[5] / variance, 0.0)
        back[c] = max(far[1 + c] + rest * (1 - a) * far[5] / variance, 0.0)
    return a
