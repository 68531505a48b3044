"""How a layer goes on where nearer ones hide it, and beyond the frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.inpaint.behind import continue_inverse
from depthfx.inpaint.exemplar import Paint
from depthfx.inpaint.pushpull import push_pull
from depthfx.layers.mattes import FULL, Cover
from depthfx.layers.shared import Canvas, Place
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear

Mask = NDArray[np.bool_]

BLEED_PX = 8
"""So far a layer's colours go on beyond its edge: resampled there, it draws no fringe."""
SMOOTH_PIXELS, DEPTH_PIXELS = 0.25e6, 0.02e6
"""At these sizes colours that are not painted with texture go on, and surfaces."""
KNOWN, LEAST = 0.1, np.float32(1e-6)
"""Of a pixel there, how much has to be known, and what is not divided by."""


@dataclass(frozen=True, eq=False)
class Peeled:
    """One layer, cropped.

    pixels (h, w, 3) linear light, straight; alpha (h, w) uint8; inverse (h, w)
    seen : (h, w) bool, where the photo shows it and nothing else
    left, top : where its first pixel lies on the canvas
    """

    pixels: Pixels
    alpha: Cover
    inverse: Plane
    seen: Mask
    left: int
    top: int


def continued(hidden: Mask, own: Mask, reach: float) -> tuple[Cover, Mask]:
    """The alpha (H, W) uint8 of a layer where it is `hidden`, and what of that lies within `reach`
    px of what is not.

    It is there, where of all that is not hidden its `own` is nearest.
    """
    if hidden.all() or not hidden.any():
        return np.zeros(hidden.shape, np.uint8), np.ones_like(hidden)
    distance, nearest = cv2.distanceTransformWithLabels(
        hidden.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_number = np.zeros(int(nearest.max()) + 1, np.uint8)
    open_ = ~hidden
    of_number[nearest[open_]] = own[open_]
    there = of_number[nearest] * np.uint8(FULL)
    return np.asarray(cv2.blur(there, (3, 3)), np.uint8), distance <= reach


def layer_of(
    pixels: Pixels,
    inverse: Plane,
    canvas: Canvas,
    alpha: Cover,
    seen: Mask,
    hole: Mask,
    textured: Mask,
    own: tuple[Place, Pixels],
    paint: Paint,
) -> Peeled:
    """A layer cut out of the photo and painted where it goes on.

    pixels, inverse : the photo's; what follows is on the canvas
    seen : where the photo shows the layer and nothing else
    hole, textured : where it shows less of it than of others; what of that is painted with texture
    own : places and the layer's own colours there, (N, 3)
    """
    place = _box(alpha, BLEED_PX)
    there, seen, alpha = alpha[place] > 0, seen[place], np.ascontiguousarray(alpha[place])
    window = np.ones((2 * BLEED_PX + 1,) * 2, np.uint8)
    bleed = (cv2.dilate(there.view(np.uint8), window) > 0) & ~there
    hole = there & hole[place]
    colour, depth = canvas.cropped(pixels, place), canvas.cropped(inverse, place)
    (rows, columns), colours = own
    y, x = rows - place[0].start, columns - place[1].start
    inside = (y >= 0) & (x >= 0) & (y < there.shape[0]) & (x < there.shape[1])
    colour[y[inside], x[inside]] = colours[inside]
    _fill(colour, seen, hole | bleed, colour)
    colour[~(there | bleed)] = 0
    depth = _depth_on(depth, seen)
    textured = hole & textured[place]
    if textured.any() and seen.any():
        # Up to what is surely its own, which the paint has to meet; kept where it is hidden.
        painted = paint(colour, textured | (there & ~seen & ~hole), seen, inverse=depth)
        np.copyto(colour, painted, where=textured[..., None])
    return Peeled(colour, alpha, depth, seen, place[1].start, place[0].start)


def _fill(colour: Pixels, seen: Mask, where: Mask, out: Pixels) -> None:
    """Put a smooth continuation of the colours `seen` into `out` (h, w, 3)."""
    shape = fit_within((seen.shape[0], seen.shape[1]), SMOOTH_PIXELS)
    weight = resize_area(seen.astype(np.float32), shape)
    mean = resize_area(np.where(seen[..., None], colour, np.float32(0)), shape)
    mean /= np.maximum(weight, LEAST)[..., None]
    smooth = push_pull(mean, (weight > KNOWN) * weight)
    large = resize_linear(smooth, (seen.shape[0], seen.shape[1]))
    np.copyto(out, large, where=where[..., None])


def _depth_on(inverse: Plane, seen: Mask) -> Plane:
    """`inverse` (h, w) where `seen`, continued elsewhere."""
    shape = fit_within((seen.shape[0], seen.shape[1]), DEPTH_PIXELS)
    weight = resize_area(seen.astype(np.float32), shape)
    mean = resize_area(np.where(seen, inverse, np.float32(0)), shape)
    mean /= np.maximum(weight, LEAST)
    known = weight > KNOWN
    if not mean[known].any():
        return inverse
    small = continue_inverse(mean, ~known, known)
    return np.where(seen, inverse, resize_linear(small, (seen.shape[0], seen.shape[1])))


def _box(alpha: Cover, margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is there, and a margin."""
    height, width = alpha.shape
    x, y, w, h = cv2.boundingRect(alpha)
    return (
        slice(max(y - margin, 0), min(y + h + margin, height)),
        slice(max(x - margin, 0), min(x + w + margin, width)),
    )
