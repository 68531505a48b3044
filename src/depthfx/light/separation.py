"""Separation: what retouchers do to lift a subject off its background.

With distance behind the subject the ground gets darker, cooler and less colourful, as a lamp on
the subject alone leaves it and as air does, and a soft light falls on what stands behind the head
and shoulders, to one side if one likes, so that the subject's dark side stands against something
light. All of it is a change of the background's own colours, which is added to the photo as far
as the background shows: at hair the subject's share of a pixel is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.light.grade import Look, graded
from depthfx.light.two_surfaces import changed_by_depth
from depthfx.matting.foreground import Sides, background_colours
from depthfx.optics.portrait import background_inverse, broad_doubt
from depthfx.photo.colour import by_strips
from depthfx.photo.photo import Pixels
from depthfx.raster.ramp import smooth_ramp
from depthfx.raster.resample import fit_within, resize_area, resize_part

Array = NDArray[np.float32]

SOLID = 0.5
"""From here on a pixel is the subject's."""
BESIDE, BEHIND = 0.04, 0.3
"""Share of the subject's distance by which a thing has to be farther to be behind it at all, and
from which on it is background wholly."""
SPOT_WIDTH, SPOT_HEIGHT = 0.75, 0.6
"""Standard deviations of the light on the background, in sizes of the subject's upper part."""
UPPER = 0.45
"""The share of the subject, from its top, that stands for head and shoulders."""
TO_THE_SIDE = 0.9
"""How far a light that is wholly to one side is moved, in the same sizes."""
WORKING_PIXELS = 250_000


@dataclass(frozen=True)
class Backdrop:
    """What becomes of the background.

    look : of what is far behind the subject
    glow : stops by which the light in its middle brightens what it falls on
    side : -1..1, how far to the left or right of the subject that is
    """

    look: Look
    glow: float = 0.0
    side: float = 0.0


def separated(
    pixels: Pixels, depth: Depth, matte: Plane, subject_inverse: float, backdrop: Backdrop
) -> Pixels:
    """`pixels` (H, W, 3), linear light, with `backdrop` behind the subject.

    matte : (H, W) float32 0..1; where it shows no subject depth alone tells what is behind
    subject_inverse : the subject's inverse depth; things nearer are left alone

    Returns (H, W, 3) float32; it is `pixels` where the matte is 1.
    """
    if float(matte.max()) < SOLID:
        return _by_depth_alone(pixels, depth, subject_inverse, backdrop.look)
    doubt = broad_doubt(matte)
    around = background_inverse(depth, matte, subject_inverse, doubt)
    ground = background_colours(pixels, matte, Sides.of(pixels, matte, doubt))
    spot = spotlight(matte, backdrop.side)
    out = np.empty(pixels.shape, np.float32)
    height = len(pixels)

    def strip(rows: slice) -> None:
        far = _behind(around[rows], subject_inverse)
        lit = _rows(spot, rows, height, pixels.shape[1]) * far
        old = ground[rows]
        new = graded(old.reshape(-1, 3), backdrop.look).reshape(old.shape)
        change = far[..., None] * (new - old)
        if backdrop.glow:
            change += (old + change) * (np.exp2(np.float32(backdrop.glow) * lit) - 1)[..., None]
        out[rows] = pixels[rows] + (1 - matte[rows])[..., None] * change

    by_strips(strip, out)
    return out


def _by_depth_alone(pixels: Pixels, depth: Depth, inverse: float, look: Look) -> Pixels:
    """`look` on all that is behind `inverse`, without a subject that a light could be behind."""

    def change(colours: Array, beside: Array) -> Array:
        return colours + (1 - beside)[:, None] * (graded(colours, look) - colours)

    return changed_by_depth(pixels, depth, lambda plane: 1 - _behind(plane, inverse), change)


def spotlight(matte: Plane, side: float) -> Array:
    """(h, w) float32 0..1 at a working size: where a light behind the subject falls.

    It is centred on the subject's upper part, moved to one side by `side` (-1..1).
    """
    shape = fit_within(matte.shape, WORKING_PIXELS)
    solid = resize_area(matte, shape) > SOLID
    if not solid.any():
        return np.zeros(shape, np.float32)
    rows = np.flatnonzero(solid.any(1))
    low = rows[0] + max(1, round(UPPER * (rows[-1] - rows[0] + 1)))
    y, x = np.nonzero(solid[:low])
    size = max(float(np.ptp(y)), float(np.percentile(x, 95) - np.percentile(x, 5)), 4.0)
    middle_x, middle_y = float(x.mean()) + side * TO_THE_SIDE * size, float(y.mean())
    across = (np.arange(shape[1]) - middle_x) / (SPOT_WIDTH * size)
    down = (np.arange(shape[0]) - middle_y) / (SPOT_HEIGHT * size)
    return np.exp(-0.5 * (across**2 + down[:, None] ** 2)).astype(np.float32)


def _behind(inverse: Plane, subject_inverse: float) -> Plane:
    """(H, W) float32 0..1: how far behind the subject; 1 from a third of its distance on."""
    # Distance behind it as a share of its own, from the inverse: s / d - 1.
    way = np.float32(subject_inverse) / np.maximum(inverse, np.float32(1e-12)) - 1
    return smooth_ramp(way, BESIDE, BEHIND)


def _rows(small: Array, rows: slice, height: int, width: int) -> Array:
    """Some rows of `small` at the photo's size."""
    return resize_part(small, (height, width), (rows, slice(0, width)))
