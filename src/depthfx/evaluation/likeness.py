"""How like two pictures are, as papers on defocus print it.

Pictures are (H, W, 3) linear light; they are compared as a screen shows them, sRGB-coded and
clipped to 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.photo.colour import linear_to_srgb

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BEST_DB = 60.0
"""What two equal pictures get: their true PSNR would be infinite."""
EDGE_STEP, NEAR_EDGE_PX = 0.04, 8
"""A depth edge is a second difference above this share of inverse depth; near it is within 8 px."""
WINDOW_PX, WINDOW_SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def psnr(picture: Array, truth: Array, where: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, over `where` (H, W) or all pixels; NaN over none."""
    square = (_codes(picture) - _codes(truth)) ** 2
    chosen = square if where is None else square[where]
    if not chosen.size:
        return float("nan")
    mean = float(chosen.mean(dtype=np.float64))
    return min(BEST_DB, -10 * float(np.log10(max(mean, 1e-12))))


def ssim(picture: Array, truth: Array) -> float:
    """Structural similarity, mean over pixels and channels, 1 for equal pictures.

    Z. Wang et al., "Image quality assessment: from error visibility to structural
    similarity", IEEE TIP 13(4), 2004, with its Gaussian window of 11 px.
    """

    def local(a: Array) -> Array:
        return np.asarray(cv2.GaussianBlur(a, (WINDOW_PX, WINDOW_PX), WINDOW_SIGMA))

    a, b = _codes(picture), _codes(truth)
    mean_a, mean_b = local(a), local(b)
    variances = local(a * a) - mean_a**2 + local(b * b) - mean_b**2
    together = local(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + C1) * (2 * together + C2)
    likeness /= (mean_a**2 + mean_b**2 + C1) * (variances + C2)
    rim = WINDOW_PX // 2  # there the window would see what is outside
    return float(likeness[rim:-rim, rim:-rim].mean(dtype=np.float64))


def near_depth_edges(inverse: Plane, reach_px: int = NEAR_EDGE_PX) -> Mask:
    """(H, W): within `reach_px` of a jump or crease of inverse depth; a slanted plane has none."""
    q = inverse.astype(np.float64)
    edges = np.zeros(q.shape, np.uint8)
    for axis in (0, 1):
        rows = np.moveaxis(q, axis, 0)
        jump = np.abs(rows[2:] - 2 * rows[1:-1] + rows[:-2]) > EDGE_STEP * rows[1:-1]
        np.moveaxis(edges, axis, 0)[1:-1] |= jump
    size = 2 * reach_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(edges, disc) > 0)


def _codes(pixels: Array) -> Array:
    return np.asarray(linear_to_srgb(np.clip(pixels, 0, 1)), np.float32)
