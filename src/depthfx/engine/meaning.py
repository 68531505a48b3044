"""What the numbers of a depth network mean, and inverse depth made of them.

    inverse, disparity   larger is nearer, up to scale (and shift, if affine)
    depth                along the optical axis, larger is farther
    log-depth            its natural logarithm
    points               x, y, z of every pixel (`engine.points`)

A network that is blind to scale and shift of depth (affine, as Marigold) leaves open
how far the far is. One choice is made for all of them: the 98th percentile of depth
lies `FAR_OVER_NEAR` times as far as the second.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane

FAR_OVER_NEAR = 5.0
"""Measured on known scenes: rooms 3.5 (quartiles 2.8 to 4.5), corridors 7, streets 10.
With 5 the inverse depth of all of them is wrong in shape by 11 to 23 % (log, rms)."""
NEAREST_SHARE = 1e-3
"""Nothing is nearer than this share of the median depth: what is, is a slip of the network."""


class Meaning(StrEnum):
    """What one number of a network's map says."""

    INVERSE = "inverse"
    DISPARITY = "disparity"
    DEPTH = "depth"
    LOG_DEPTH = "log-depth"
    POINTS = "points"


def inverse_depth(values: NDArray[np.floating], meaning: Meaning, *, affine: bool = False) -> Plane:
    """Inverse depth from a map of another meaning.

    values : (h, w), any float type; NaN counts as infinitely far; for `Meaning.POINTS` the z
    affine : its scale and shift are open; then the answer is relative

    Returns (h, w) float32, finite, >= 0, in 1/unit of the depth that `values` tells.
    """
    values = np.asarray(values, np.float32)
    if meaning in (Meaning.INVERSE, Meaning.DISPARITY):
        return _finite(values - min(_lowest(values), 0.0) if affine else values)
    with np.errstate(over="ignore"):
        depth = np.exp(values) if meaning is Meaning.LOG_DEPTH else values
    if affine:
        return _from_affine_depth(depth)
    there = depth[np.isfinite(depth) & (depth > 0)]
    if there.size == 0:
        return np.zeros_like(depth)
    nearest = NEAREST_SHARE * np.median(there)
    return _finite(1 / np.maximum(depth, nearest))


def _from_affine_depth(depth: Plane) -> Plane:
    """Inverse depth, 1 at the second percentile, 1 / FAR_OVER_NEAR at the 98th."""
    there = depth[np.isfinite(depth)]
    if there.size == 0:
        return np.zeros_like(depth)
    near, far = (float(level) for level in np.percentile(there, (2, 98)))
    share = (depth - near) / max(far - near, 1e-6)
    return _finite(1 / (1 + (FAR_OVER_NEAR - 1) * np.maximum(share, 0)))


def _finite(inverse: Plane) -> Plane:
    """`inverse` without NaN, negative and infinite values."""
    known = inverse[np.isfinite(inverse)]
    top = float(known.max()) if known.size else 0.0
    clean = np.nan_to_num(inverse, nan=0.0, posinf=top, neginf=0.0)
    return np.asarray(np.maximum(clean, 0), np.float32)


def _lowest(values: Plane) -> float:
    known = values[np.isfinite(values)]
    return float(known.min()) if known.size else 0.0
