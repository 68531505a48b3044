"""Where a picture shows skin, as far as colour tells it.

Skin of all tones has nearly one hue, since all of it is lit through the same blood and the
same pigment: in shares of red, green and blue it lies along a short line (M. Soriano et al.,
"Skin detection in video under changing illumination conditions", ICPR 2000). Wood and sand
lie there as well, so the subject's matte has to say where to look.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from depthfx.depth import Plane
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear

WORKING_PIXELS = 500_000
RED, GREEN = (0.355, 0.41, 0.56, 0.66), (0.22, 0.255, 0.335, 0.355)
"""Shares of linear light: where skin begins, is sure, is still sure, and ends."""
SOFTNESS = 0.006
"""Share of the diagonal over which skin is blurred, and what is not skin in it."""
DARK = 0.004
"""Linear light below which the shares are noise."""


def skin_share(pixels: Pixels, matte: Plane) -> Plane:
    """(H, W) float32 0..1: how far each pixel of the subject has the colour of skin.

    pixels : (H, W, 3) linear; matte : (H, W), the subject's cover
    """
    shape = fit_within(matte.shape, WORKING_PIXELS)
    small = np.maximum(resize_area(pixels, shape), 0)
    total = small.sum(-1)
    share = small / (total[..., None] + DARK)
    found = _within(share[..., 0], RED) * _within(share[..., 1], GREEN)
    found = found * (share[..., 1] >= share[..., 2]) * (total < 2.94)  # blown out: no colour
    # Brows, lips and specks are part of a face; a seam in it would show.
    found = cv2.GaussianBlur(found, (0, 0), SOFTNESS * math.hypot(*shape))
    return np.clip(resize_linear(found * resize_area(matte, shape), matte.shape), 0, 1)


def _within(value: Plane, limits: tuple[float, float, float, float]) -> Plane:
    begins, sure, still, ends = limits
    up, down = (value - begins) / (sure - begins), (ends - value) / (ends - still)
    return np.asarray(np.clip(np.minimum(up, down), 0, 1), np.float32)
