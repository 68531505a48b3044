"""The sky of a photo, which networks take for something a few hundred metres away.

Where depth says that something is infinitely far, that is the sky. Else it is looked for: far
away as things of this photo go, smooth, not green, and hanging together with the picture's upper
edge; then what is as far and of the colour of the sky beside it, as between twigs. The outline is
the picture's own. An estimate: smooth haze over mountains may be taken for sky.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.matting.refine import refine_matte
from depthfx.raster.resample import (
    encoded,
    fit_within,
    resize_area,
    resize_linear,
    resize_nearest,
)

Mask = NDArray[np.bool_]

SEEN = 0.001
"""Share of the picture that is infinitely far, if depth knows of the sky at all."""
WORKING_PIXELS = 150_000
NEAREST = 1 / 15
"""Inverse depth of the nearest sky, 1/m or relative: no network puts it nearer out of doors."""
NEAREST_CORNER = 1 / 4
"""The same of parts of it that go on from where it was found, smooth and of its colour."""
AS_FAR = 4.0
"""The sky lies within this factor of the farthest twentieth of the picture."""
ROUGH = 0.02
"""Mean step of encoded colour from pixel to pixel, above which it is no sky but leaves or walls."""
GREEN = 0.01
"""By how much green may exceed red and blue, encoded."""
SMALLEST = 0.003
"""Share of the picture that is worth being called sky."""
PASSES = 3
BESIDE = 0.02
"""Share of the longer side by which the sky may go on beside things."""
RIM = 0.01
"""The same, beside outlines whose pixels' shares are known, whatever it looks like."""
NEARER = 0.7
LIKE = 0.08
"""Difference in encoded colour from the sky beside it, up to which a far pixel is sky too."""


def sky_of(pixels: NDArray[np.float32], depth: Depth) -> Plane:
    """(H, W) float32 0..1: the sky's cover of each pixel of `pixels` (H, W, 3), linear light."""
    inverse = depth.surface
    if (inverse == 0).mean() > SEEN:
        infinite = (depth.inverse == 0).astype(np.float32)
        if depth.behind is None or depth.coverage is None:
            return infinite
        return infinite * depth.coverage + (depth.behind == 0) * (1 - depth.coverage)
    shape = fit_within(inverse.shape, WORKING_PIXELS)
    guide = encoded(resize_area(pixels, shape))
    sky = find_sky(guide, resize_nearest(inverse, shape))
    if not sky.any():
        return np.zeros_like(inverse)
    return _behind_outlines(refine_matte(pixels, sky.astype(np.float32)), sky, depth)


def _behind_outlines(cover: Plane, sky: Mask, depth: Depth) -> Plane:
    """The sky's `cover` (H, W) with what depth knows to be half something else before the sky.

    There, and where something near has blurred the depth of the sky beside it, it is sky if it is
    farther out: two mattes, each its own estimate, would leave a rim between them.
    """
    if depth.behind is None or depth.coverage is None:
        return cover
    split = depth.behind != depth.inverse
    if not split.any():
        return cover
    # What is as near as the things before the sky is not it.
    things = min(NEAREST_CORNER, NEARER * float(np.median(depth.inverse[split])))
    reach = round(RIM * max(sky.shape)) * 2 + 1
    near = resize_area(split.astype(np.float32), sky.shape) > 0
    near |= resize_nearest(depth.surface, sky.shape) > things
    band = cv2.dilate(near.astype(np.uint8), np.ones((reach, reach), np.uint8)) == 0
    beyond = resize_linear(push_pull(sky.astype(np.float32), band.astype(np.float32)), cover.shape)
    around = np.ones((round(RIM * max(cover.shape)) * 2 + 1,) * 2, np.uint8)
    beside = (cv2.dilate(split.astype(np.uint8), around) > 0) & (depth.inverse < things)
    out = np.where(beside, np.maximum(cover, beyond), cover)
    return np.where(split, (1 - depth.coverage) * beyond, out)


def find_sky(guide: NDArray[np.float32], inverse: Plane) -> Mask:
    """Where the sky is in an encoded picture (h, w, 3) of inverse depth (h, w), nowhere zero."""
    beyond = inverse < NEAREST_CORNER
    far = inverse < min(NEAREST, AS_FAR * float(np.percentile(inverse, 5)))
    pale = guide[..., 1] - np.maximum(guide[..., 0], guide[..., 2]) < GREEN
    smooth = _roughness(guide) < ROUGH
    sky = _from_above(far & pale & smooth)
    if sky.mean() < SMALLEST:
        return np.zeros_like(sky)
    # Corners, which networks put nearer, are far from the rest.
    for _ in range(PASSES):
        sky |= _like(guide, sky) & pale & (far | (beyond & smooth))
    # Beside things it was neither smooth nor, as networks blur them, far.
    beside = np.ones((2 * round(BESIDE * max(sky.shape)) + 1,) * 2, np.uint8)
    return sky | (_like(guide, sky) & (cv2.dilate(sky.astype(np.uint8), beside) > 0))


def _roughness(guide: NDArray[np.float32]) -> Plane:
    """(h, w): how much neighbouring pixels differ on average around each."""
    across = np.abs(np.diff(guide, axis=1, prepend=guide[:, :1])).max(2)
    down = np.abs(np.diff(guide, axis=0, prepend=guide[:1])).max(2)
    return np.asarray(cv2.blur(np.maximum(across, down), (7, 7)), np.float32)


def _like(guide: NDArray[np.float32], sky: Mask) -> Mask:
    """Where the picture has the colour of the sky around, if there is any."""
    reach = max(sky.shape) // 8 * 2 + 1
    weight = cv2.blur(sky.astype(np.float32), (reach, reach))
    around = cv2.blur(guide * sky[..., None], (reach, reach)) / np.maximum(weight, 1e-6)[..., None]
    return np.asarray((np.abs(guide - around).max(2) < LIKE) & (weight > 0.01))


def _from_above(mask: Mask) -> Mask:
    """The parts of a mask that hang together with the picture's upper edge."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    touching = np.unique(labels[: max(1, len(mask) // 50)])
    return mask & np.isin(labels, touching[touching > 0])
