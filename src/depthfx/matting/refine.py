"""A network's small matte at the photo's size, its soft edge on the picture's own.

Only a band around the small matte's edge is uncertain. There, first on the network's
own grid and then at a working size, every pixel takes the value that most neighbours
of its colour have: that moves the outline onto the picture's and makes it crisp. A
gentle guided filter softens it as the picture does; a short closed-form solve, which
that answer holds in place where colours say nothing, draws the hair. What is found at
the working size is applied to the full-size photo as a function of its colour, so hair
thinner than a working pixel is drawn too. Away from the band the matte is 1 and 0.

K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 35(6), 2013; the vote:
`raster.mode`; the solve: `matting.closed_form`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.errors import ShapeError
from depthfx.matting.closed_form import closed_form
from depthfx.raster.guided import apply_coefficients, guided_coefficients, guided_filter
from depthfx.raster.mode import mode_filter
from depthfx.raster.resample import encoded, fit_within, resize_area, resize_linear

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_PIXELS = 0.6e6
BAND_CELLS = 2.0
"""How far a network's outline may lie from the true one."""
SURE = 0.05
COLOUR_SIGMA = 0.06
SNAP_PASSES = 2
PASSES = ((1.5, 0.75, 0.5), (1.0, 0.6, 0.5), (0.5, 0.375, 0.0))
"""Radius and sigma in cells, and rarity, of the passes at the working size."""
SOFTENING_SHARE, SOFTENING_EPS = 0.0045, 1e-2
"""Of the guided filter: radius as a share of the longer side, variance of a flat window."""
PRIOR_TRUST, SOLVE_STEPS = 0.005, 8
"""Of the closed-form solve: the filtered matte's weight against the colours, and its length."""
AGREED = 0.05
"""Where neighbours differ by no more there is no edge to move."""
SEED, SPREAD = 0.6, 0.2
"""A thing, or a hole in one, is believed if it somewhere reaches the first (or one less
it); it extends to the second."""


def refine_matte(pixels: Pixels, matte: Plane) -> Plane:
    """`matte` (h, w) 0..1 of the same frame, at the size of `pixels` (H, W, 3) linear light.

    Returns (H, W) float32 in 0..1; exactly 1 and 0 beyond the band around the small
    matte's edge. Raises ShapeError if an array has the wrong shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    matte = without_doubtful_islands(np.clip(checked_plane("matte", matte), 0, 1))
    shape = fit_within(pixels.shape[:2], WORKING_PIXELS)
    guide = encoded(resize_area(pixels, shape))
    cell = max(shape[0] / matte.shape[0], shape[1] / matte.shape[1], 1.0)
    inner, outer = sure_sides(resize_linear(matte, shape), BAND_CELLS * cell)
    outline = snap(guide, matte, ~(inner | outer), cell)
    crisp = np.clip(2 * outline - 0.5, 0, 1)
    crisp[inner], crisp[outer] = 1, 0
    inner, outer = sure_sides(crisp, BAND_CELLS * cell)
    drawn = guided_coefficients(guide, draw_hair(guide, crisp, inner, outer), 1, 1e-4)
    # The sides blurred by a pixel, so that the band has no rim of its own.
    floor, ceiling = (
        np.asarray(cv2.blur(side.astype(np.float32), (3, 3)), np.float32)
        for side in (inner, ~outer)
    )
    return apply_coefficients(drawn, pixels, floor, ceiling)


def without_doubtful_islands(matte: Plane) -> Plane:
    """`matte` without things that are nowhere more than doubtful, and without such holes."""
    for _ in range(2):
        _, label = cv2.connectedComponents((matte > SPREAD).astype(np.uint8))
        seeded = np.zeros(int(label.max()) + 1, bool)
        seeded[label[matte > SEED]] = True
        matte = 1 - np.where(seeded[label] | (matte <= SPREAD), matte, np.float32(0))
    return matte


def draw_hair(guide: Pixels, crisp: Plane, inner: Mask, outer: Mask) -> Plane:
    """`crisp` (h, w) as soft as the encoded `guide` (h, w, 3) is, between `inner` and `outer`."""
    radius = max(1, round(SOFTENING_SHARE * max(crisp.shape)))
    soft = np.clip(guided_filter(guide, crisp, radius, SOFTENING_EPS), 0, 1)
    matte = closed_form(guide, inner, outer, soft, PRIOR_TRUST, levels=1, steps=SOLVE_STEPS)
    return np.clip(matte, 0, 1)


def sure_sides(matte: Plane, reach: float) -> tuple[Mask, Mask]:
    """Where `matte` is surely subject and surely not: nothing else within `reach` pixels."""
    size = 2 * max(1, round(reach)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    inner = cv2.erode((matte > 1 - SURE).astype(np.uint8), disc)
    outer = cv2.erode((matte < SURE).astype(np.uint8), disc)
    return inner > 0, outer > 0


def snap(guide: Pixels, matte: Plane, band: Mask, cell: float) -> Plane:
    """`matte` (h, w) at the size of `guide` (H, W, 3), its edge on the guide's in `band`."""
    small = encoded(resize_area(guide**2, matte.shape))
    for _ in range(SNAP_PASSES):
        matte = _vote(small, matte, None, 3, 2)
    out = resize_linear(matte, band.shape)
    for radius, sigma, rarity in PASSES:
        out = _vote(guide, out, band, radius * cell, sigma * cell, rarity)
    return out


def _vote(
    guide: Pixels, matte: Plane, band: Mask | None, radius: float, sigma: float, rarity: float = 0
) -> Plane:
    """`matte` (h, w) with each pixel's value elected, where neighbours differ (and in `band`)."""
    window = np.ones((2 * math.ceil(radius) + 1,) * 2, np.uint8)
    where = cv2.dilate(matte, window) - cv2.erode(matte, window) > AGREED
    elected = mode_filter(
        guide,
        _ballots(matte),
        where if band is None else where & band,
        radius=radius,
        sigma=sigma,
        colour_sigma=COLOUR_SIGMA,
        rarity=rarity,
    )
    return np.asarray(elected[..., 0] - 1, np.float32)


def _ballots(matte: Plane) -> NDArray[np.float32]:
    """`matte` as `mode_filter` reads it: flat, and trusted as far as it is decided.

    And one more: the filter tells values apart in ratio, but a matte's count by difference.
    """
    flat = np.zeros_like(matte)
    return np.dstack([1 + matte, flat, flat, (2 * matte - 1) ** 2 + np.float32(0.02)])
