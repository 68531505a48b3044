"""Defocus around a subject that stays sharp: the subject over a blurred background.

The photo is split along the matte into the subject's colours and a background that is
completed behind it. The background is blurred alone, so nothing of the subject leaks
into it, and the subject is put back over it: at hair each pixel keeps its share of both.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from depthfx.depth import Depth, Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.matting.foreground import background_colours, foreground_colours
from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear

WORKING_PIXELS = 1_000_000
STRIP_ROWS = 256


def portrait(pixels: Pixels, depth: Depth, matte: Plane, *, focus_inverse: float, blur_px: float,
             aperture: Aperture, progress: Callable[[float], None] | None = None) -> Pixels:
    """`pixels` with everything but the subject blurred by depth.

    pixels : (H, W, 3) float32, linear light
    matte : (H, W) float32 in 0..1, the subject's cover
    focus_inverse, blur_px, aperture : see `optics.defocus.defocus`

    Returns (H, W, 3) float32. Without a subject this is plain defocus.
    """
    if float(matte.max()) < 0.5:
        return defocus(pixels, depth.inverse, focus_inverse=focus_inverse, blur_px=blur_px,
                       aperture=aperture, behind=depth.behind, coverage=depth.coverage,
                       progress=progress)
    out = defocus(background_colours(pixels, matte), background_inverse(depth, matte, focus_inverse),
                  focus_inverse=focus_inverse, blur_px=blur_px, aperture=aperture,
                  progress=progress)
    subject = foreground_colours(pixels, matte)
    for top in range(0, len(out), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        alpha = matte[rows, :, None]
        out[rows] += alpha * (subject[rows] - out[rows])
    return out


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
