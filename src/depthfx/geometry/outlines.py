"""Boundary pixels taken apart: what the near thing and what the far one gives to them.

A photo's pixel averages the light over its square. Beside a break, with clean pixels of both
surfaces in reach, it is

    colour = share * front + (1 - share) * back,

where both colours have the means and variances of those clean pixels, and the share is expected to
be the part of the neighbourhood that is in front. Pixels of things so thin
that nothing clean is in reach are left whole: what is guessed there is worse than the mixture.

Y.-Y. Chuang et al., "A Bayesian approach to digital matting", CVPR 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.optics.edges import unmix

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

REACH_PX = 3
"""How far clean pixels are looked for."""
SHARE_SIGMA = 0.25
"""How far a share strays from what the neighbourhood says."""
COLOUR_VARIANCE = 2e-5
"""Least variance of a surface's colour, linear light squared: noise and quantisation."""
WHOLE = 0.08
"""A share this near to 0 or 1 is that: the pixel shows one surface."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """Boundary pixels of a picture, in reading order.

    y, x : (N,) their places
    front, back : (N, 3) float32, colours in linear light
    share : (N,) float32, the front's
    near, far : (N,) float32, inverse depths
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]
    front: Pixels
    back: Pixels
    share: Plane
    near: Plane
    far: Plane


def taken_apart(pixels: Pixels, inverse: Plane, boundary: Mask) -> Outlines:
    """The pixels of `boundary` (H, W) that can be taken apart.

    pixels : (H, W, 3) float32, linear light; inverse : (H, W) float32
    """
    y, x = np.nonzero(boundary)
    found = np.empty((len(y), 9), np.float32)
    _take_apart(y, x, pixels, inverse, boundary, found)
    two = found[:, 6] >= 0
    y, x, found = y[two], x[two], found[two]
    return Outlines(y, x, found[:, :3], found[:, 3:6], found[:, 6], found[:, 7], found[:, 8])


@njit(cache=True, nogil=True, error_model="numpy")
def _take_apart(
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    pixels: Pixels,
    inverse: Plane,
    boundary: Mask,
    out: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    """Columns of `out`: front, back, share (-1: left whole), near, far."""
    height, width = inverse.shape
    near, far = np.empty(6), np.empty(6)
    for i in range(len(ys)):
        y, x = ys[i], xs[i]
        out[i, 6] = -1
        low = high = inverse[y, x]
        for v in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(max(x - 1, 0), min(x + 2, width)):
                low, high = min(low, inverse[v, u]), max(high, inverse[v, u])
        if high <= low:
            continue
        middle, softness = 0.5 * (low + high), 4.0 / (high - low)
        near[:], far[:] = 0.0, 0.0
        prior = 0.0
        for dy in range(-REACH_PX, REACH_PX + 1):
            for dx in range(-REACH_PX, REACH_PX + 1):
                v, u = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
                w = inverse[v, u]
                if w > middle:
                    prior += max(2 - abs(dx), 0) * max(2 - abs(dy), 0) / 16.0
                if boundary[v, u]:
                    continue
                side = near if w > middle else far
                weight = np.exp(
                    -(dx * dx + dy * dy) / 4.5 - min(abs(high - w), abs(w - low)) * softness
                )
                side[0] += weight
                for c in range(3):
                    value = pixels[v, u, c]
                    side[1 + c] += weight * value
                    side[5] += weight * value * value
                side[4] += weight * w
        if near[0] < 1e-6 or far[0] < 1e-6:
            continue
        for side in (near, far):
            side[1:] /= side[0]
            square = side[1] ** 2 + side[2] ** 2 + side[3] ** 2
            side[5] = max(side[5] - square, 0.0) / 3 + COLOUR_VARIANCE
        out[i, 6] = unmix(
            pixels[y, x], near, far, prior, SHARE_SIGMA, WHOLE, out[i, :3], out[i, 3:6]
        )
        own = inverse[y, x]
        out[i, 7] = own if own > middle else near[4]
        out[i, 8] = own if own <= middle else far[4]
