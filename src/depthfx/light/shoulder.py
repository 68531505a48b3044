"""Highlights that roll off instead of being cut: the film's shoulder, for light that was added.

A camera that gets more light than white loses one channel after the other, and the hue
turns. Here the brightest and the darkest channel of a pixel go through one curve and the
middle one keeps its place between them, so that the hue (as HSV has it) stays, and strong
light of any colour ends in white, as on film (the way of the tone curve in Adobe's DNG
specification 1.7). The curve begins at `KNEE`, or where the pixel was before light was
added: what the photo shows of itself is not touched.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from depthfx.photo.photo import Pixels

KNEE = np.float32(0.75)
"""Linear light at which the curve begins."""
_ONE = np.float32(1)


@njit(inline="always", fastmath=True, cache=True)
def _curve(value: np.float32, knee: np.float32, top: np.float32) -> np.float32:
    room = top - knee
    if value <= knee:
        return value
    return top if room <= np.float32(1e-6) else knee + room * (_ONE - np.exp((knee - value) / room))


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def roll_off_rows(out: Pixels, before: Pixels) -> None:  # pragma: no cover - compiled
    """Roll off `out` (H, W, 3), in place, where it is brighter than `before` and the knee.

    before : (H, W, 3), the picture before light was added; what is brighter there than the
        knee, or than white, stays possible. Where nothing was added nothing changes.
    """
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            r, g, b = out[i, j, 0], out[i, j, 1], out[i, j, 2]
            high = max(r, g, b)
            if high <= KNEE:
                continue
            own = max(before[i, j, 0], before[i, j, 1], before[i, j, 2])
            knee = max(KNEE, own)
            if high <= knee:
                continue
            top = max(_ONE, own)
            low = min(r, g, b)
            bright, dim = _curve(high, knee, top), _curve(low, knee, top)
            slope = (bright - dim) / max(high - low, np.float32(1e-9))
            for k in range(3):
                out[i, j, k] = dim + (out[i, j, k] - low) * slope
