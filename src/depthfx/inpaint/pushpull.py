"""Filling the unknown smoothly from the known, by pyramids.

Pushed down, each coarser pixel is the weighted mean of the four it covers; pulled
up, each pixel takes from the coarser level what its own weight leaves open. Linear
in the number of pixels, however large the hole.

S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.errors import ShapeError

Array = NDArray[np.float32]


def push_pull(pixels: Array, weight: NDArray) -> Array:
    """`pixels` where `weight` is 1, a smooth continuation of them where it is 0.

    pixels : (H, W) or (H, W, C) float32; values of weight 0 are never looked at (may be NaN)
    weight : (H, W) float32 in 0..1

    Nothing known anywhere gives zeros. Raises ShapeError if the sizes differ.
    """
    if pixels.shape[:2] != weight.shape:
        raise ShapeError(f"pixels are {pixels.shape[:2]}, weight is {weight.shape}")
    # Writable, though nothing is written: of arrays that are not there would be other kernels.
    known = np.require(weight, np.float32, ["C", "W"])
    planes = np.require(pixels.reshape(*weight.shape, -1), np.float32, ["C", "W"])
    filled = np.empty_like(planes)
    _fill(planes, known, filled)
    return filled.reshape(pixels.shape)


def _fill(colour: Array, weight: Array, out: Array) -> None:
    """`out`, which may be `colour`, filled from the coarser pictures."""
    coarse, share = colour[:0, :0], weight[:0, :0]
    if weight.size > 1 and weight.min() < 1:
        half = ((weight.shape[0] + 1) // 2, (weight.shape[1] + 1) // 2)
        coarse, share = np.empty((*half, colour.shape[2]), np.float32), np.empty(half, np.float32)
        _push(colour, weight, coarse, share)
        _fill(coarse, share, coarse)
    _pull(colour, weight, coarse, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _push(
    colour: Array, weight: Array, coarse: Array, share: Array
) -> None:  # pragma: no cover - compiled
    """The weighted mean of each two by two pixels (h, w, C), and their weight (h, w)."""
    height, width, channels = colour.shape
    sums = np.empty(channels, np.float32)
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            mass, count = np.float32(0), 0
            sums[:] = np.float32(0)
            for v in range(2 * y, min(2 * y + 2, height)):
                for u in range(2 * x, min(2 * x + 2, width)):
                    count += 1
                    own = weight[v, u]
                    if own > np.float32(0):
                        mass += own
                        for c in range(channels):
                            sums[c] += own * colour[v, u, c]
            for c in range(channels):
                coarse[y, x, c] = sums[c] / mass if mass > np.float32(0) else np.float32(0)
            # One known pixel of four makes its parent known: the coarser level answers for
            # holes only, and a hole's rim is continued, not faded.
            share[y, x] = min(np.float32(4) * mass / np.float32(count), np.float32(1))


@njit(cache=True, nogil=True, error_model="numpy")
def _pull(
    colour: Array, weight: Array, coarse: Array, out: Array
) -> None:  # pragma: no cover - compiled
    """What `weight` leaves open is taken from the coarser picture, between its pixels; where there
    is none, it stays what it is."""
    height, width, channels = colour.shape
    rows, columns = coarse.shape[:2]
    near, far = np.float32(0.75), np.float32(0.25)
    for y in range(height):
        j = y >> 1
        k = min(max(j + 2 * (y & 1) - 1, 0), rows - 1)
        for x in range(width):
            own = weight[y, x]
            if own >= np.float32(1) or rows == 0:
                for c in range(channels):
                    out[y, x, c] = colour[y, x, c] if own > np.float32(0) else np.float32(0)
                continue
            i = x >> 1
            h = min(max(i + 2 * (x & 1) - 1, 0), columns - 1)
            for c in range(channels):
                above = near * coarse[j, i, c] + far * coarse[j, h, c]
                below = near * coarse[k, i, c] + far * coarse[k, h, c]
                more = near * above + far * below
                if own > np.float32(0):
                    more = own * colour[y, x, c] + (np.float32(1) - own) * more
                out[y, x, c] = more
