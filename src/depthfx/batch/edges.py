"""Whether lines that were found in a photo lie where the photo has edges.

Lines of a depth map (where it breaks) or of a matte (its outline) that belong to a photo lie on
its edges; those of another photo, or of one that was cropped or shifted, lie anywhere. What is
asked is the chance that the photo's contrast on such a line is stronger than at a place beside it:
the area under the curve of J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a
receiver operating characteristic (ROC) curve", Radiology 143, 1982. Contrast enters by its order
alone, so neither exposure nor texture nor grain changes what a good value is.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane

Mask = NDArray[np.bool_]

BREAK = math.log(1.16)
"""Step of the logarithm of inverse depth over two pixels from which on it is a break."""
FAR_SHARE = 0.05
"""Of the nearest inverse depth: what is farther off than that breaks by little, whatever it is."""
BESIDE_SHARE = 0.03
"""Of the diagonal: how far from a line its surroundings go."""
TOLERANCE_PX = 3
"""So far from a line is still on it, at the size where edges are looked at; twice that is not
counted as beside it."""
SHORTEST_SHARE = 0.3
"""Of the diagonal: lines shorter than that, all together, say nothing."""


def breaks(inverse: Plane) -> Mask:
    """(h, w) where inverse depth (h, w) breaks off."""
    top = float(np.percentile(inverse, 99))
    if top <= 0:
        return np.zeros(inverse.shape, np.bool_)
    log = np.log(inverse + np.float32(FAR_SHARE * top))
    step = np.zeros((2, *log.shape), np.float32)
    step[0, :, 1:-1] = log[:, 2:] - log[:, :-2]
    step[1, 1:-1] = log[2:] - log[:-2]
    return np.asarray(np.hypot(step[0], step[1]) > BREAK)


def outline(matte: Plane) -> Mask:
    """(h, w) the pixels on both sides of where `matte` (h, w) crosses one half."""
    solid = (matte > 0.5).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0)


def contrast(seen: NDArray[np.float32]) -> Plane:
    """(h, w) float32: how much a picture (h, w, 3) changes there, given as the eye sees it."""
    soft = cv2.GaussianBlur(seen, (0, 0), 1.0)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    red, green, blue = cv2.split(across**2 + down**2)
    return np.asarray(np.sqrt(red + green + blue), np.float32)


def on_edges(lines: Mask, contrast: Plane) -> float | None:
    """The chance that there is more contrast on `lines` than beside them, 0..1.

    One half: they lie anywhere. None: there are too few lines to tell.
    """
    diagonal = math.hypot(*lines.shape)
    if lines.sum() < SHORTEST_SHARE * diagonal:
        return None
    drawn = lines.astype(np.uint8)
    beside = _grown(drawn, 2 * round(BESIDE_SHARE * diagonal) + 1) & ~_grown(
        drawn, 2 * TOLERANCE_PX + 1
    )
    if not beside.any():
        return None
    near = cv2.dilate(contrast, np.ones((TOLERANCE_PX, TOLERANCE_PX)))
    others = np.sort(near[beside])
    # Equal ones count half: in a picture without any contrast lines lie anywhere.
    ranks = [np.searchsorted(others, near[lines], side) for side in ("left", "right")]
    return float(np.mean(ranks)) / len(others)


def _grown(drawn: NDArray[np.uint8], side: int) -> Mask:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(drawn, disc) > 0)
