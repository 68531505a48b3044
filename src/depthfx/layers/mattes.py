"""How much of every pixel lies nearer than each cut: soft as the photo's own edges are.

A cut is known at a working size, and as hard as a depth map is. Around it the photo's colours draw
its edge (`matting.refine`). Where what a cut leaves in front is the subject, and nothing else is
near, the subject's own matte is better: it knows about hair that depth never saw.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.layers.levels import LEAST_AREA, Levels
from depthfx.matting.refine import refine_matte
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import resize_linear

Cover = NDArray[np.uint8]
FULL = 255
"""Of a cover: alpha is in steps of 1 / 255, as 8-bit files have it, and 16-bit ones too."""
SUBJECT_REACH = 0.04
"""So far around the subject its matte counts, as a share of the diagonal: wisps of hair."""

UNDECIDED = np.float32(0.5)
"""A matte below takes the less from what the cut says, the nearer it is to this."""
SAME_OUTLINE_PX = 4
"""At the working size, a cut and the subject's matte may part the same thing so differently."""


def covers_of(pixels: Pixels, levels: Levels, matte: Plane | None) -> list[Cover]:
    """For each cut, farthest first, (H, W) uint8: the share of what lies nearer than it.

    matte : (H, W) float32 0..1, the subject's; None: nobody knows one

    Each is at most the one before it. A cut that the photo's own edges leave nothing of is left
    out.
    """
    covers: list[Cover] = []
    for cut in range(1, levels.count):
        near = levels.label >= cut
        soft = refine_matte(pixels, near.astype(np.float32))
        if matte is not None and levels.whole is not None:
            trust = resize_linear(_around_subject(near, levels.whole), soft.shape)
            # Where it is undecided it does not make holes: networks doubt visors and shadows.
            decided = np.clip((UNDECIDED - matte) / UNDECIDED, 0, 1)
            soft = soft + trust * np.where(matte > soft, np.float32(1), decided) * (matte - soft)
        cover = np.asarray(soft * FULL + np.float32(0.5), np.uint8)
        cover = np.minimum(cover, covers[-1]) if covers else cover
        seen = int((cover > FULL // 2).sum())
        if LEAST_AREA * cover.size < seen < (1 - LEAST_AREA) * cover.size:
            covers.append(cover)
    return covers


def _around_subject(near: NDArray[np.bool_], whole: NDArray[np.bool_]) -> Plane:
    """(h, w) float32 0..1: where the subject's matte is that of what is `near`.

    Not where other near things stand, nor such of the subject as are on the far side of the cut.
    """
    reach = max(1, round(SUBJECT_REACH * float(np.hypot(*near.shape))))
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    # The two outlines are never quite the same: what differs by less than that is no other thing.
    apart = np.ones((2 * SAME_OUTLINE_PX + 1,) * 2, np.uint8)
    others = cv2.morphologyEx((near != whole).astype(np.uint8), cv2.MORPH_OPEN, apart)
    subject = (near & whole).astype(np.uint8)
    zone = cv2.dilate(subject, window) > cv2.dilate(others, window)
    # Deep inside both are sure.
    zone &= cv2.erode(near.astype(np.uint8), window) == 0
    return np.asarray(cv2.blur(zone.astype(np.float32), (reach | 1, reach | 1)), np.float32)
