"""Defocus around a subject that stays sharp: the subject over a blurred background.

The photo is split along the matte into the subject's colours and a background that is
completed behind it. The background is blurred alone, so nothing of the subject leaks
into it, and the subject is put back over it: at hair each pixel keeps its share of both.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.matting.foreground import background_colours, foreground_colours
from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear

Array = NDArray[np.float32]

WORKING_PIXELS = 1_000_000
STRIP_ROWS = 256


def portrait(
    pixels: Pixels,
    depth: Depth,
    matte: Plane,
    *,
    focus_inverse: float,
    blur_px: float,
    aperture: Aperture,
    progress: Callable[[float], None] | None = None,
) -> Pixels:
    """`pixels` with everything but the subject blurred by depth.

    pixels : (H, W, 3) float32, linear light
    matte : (H, W) float32 in 0..1, the subject's cover
    focus_inverse, blur_px, aperture : see `optics.defocus.defocus`

    Returns (H, W, 3) float32. Without a subject this is plain defocus.
    """
    if float(matte.max()) < 0.5:
        return defocus(
            pixels,
            depth.surface,
            focus_inverse=focus_inverse,
            blur_px=blur_px,
            aperture=aperture,
            progress=progress,
        )
    doubt = broad_doubt(matte)
    background = background_colours(pixels, matte)
    blend(background, pixels, doubt)
    inverse = background_inverse(depth, matte, focus_inverse)
    blend(inverse, depth.inverse, doubt)
    out = defocus(
        background,
        inverse,
        focus_inverse=focus_inverse,
        blur_px=blur_px,
        aperture=aperture,
        wanted=matte < 1,
        progress=progress,
    )
    del background, inverse
    subject = foreground_colours(pixels, matte)
    blend(subject, pixels, doubt)
    blend(out, subject, matte)
    return out


def blend(target: Array, other: Array, share: Plane) -> None:
    """Move `target` (H, W) or (H, W, C) towards `other` by `share` (H, W), in place."""
    for top in range(0, len(target), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        weight = share[rows] if target.ndim == 2 else share[rows, :, None]
        target[rows] += weight * (other[rows] - target[rows])


def broad_doubt(matte: Plane, reach: float = 0.008) -> Plane:
    """Where the matte is half sure over more than an outline's width, (H, W) float32 0..1.

    Hair is narrower than `reach` (share of the diagonal) on either side. A broad region
    of doubt is a thing the matte does not know; there depth decides, not a completion.
    """
    small = resize_area(matte, fit_within(matte.shape, WORKING_PIXELS))
    soft = ((small > 0.05) & (small < 0.95)).astype(np.float32)
    radius = max(2, round(reach * float(np.hypot(*small.shape))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    broad = cv2.morphologyEx(soft, cv2.MORPH_OPEN, disc)
    return resize_linear(cv2.GaussianBlur(broad, (0, 0), radius / 3), matte.shape)


def background_inverse(depth: Depth, matte: Plane, focus_inverse: float) -> Plane:
    """Inverse depth (H, W) float32 of what lies around and behind the subject.

    Behind the subject it is continued from around it and never nearer than the focus.
    """
    shape = fit_within(matte.shape, WORKING_PIXELS)
    small, alpha = resize_area(depth.inverse, shape), resize_area(matte, shape)
    # Depth at the outline may still be the subject's: continue from a little further out.
    reach = max(3, round(0.004 * float(np.hypot(*shape))) | 1)
    outside = cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) < 0.02
    filled = np.minimum(push_pull(small, outside.astype(np.float32)), np.float32(focus_inverse))
    behind = resize_linear(np.maximum(filled, 0), matte.shape)
    share = np.clip(matte * 50, 0, 1)
    return depth.inverse + share * (behind - depth.inverse)
