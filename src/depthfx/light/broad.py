"""Broad planes: what lies behind a subject, without the waves that a network's depth has.

Around every place a plane is fitted to wide surroundings; what stands out from it is left out
of the next fit (iteratively reweighted least squares, with weights after S. Geman, D. E. McClure,
1987). Planes are affine in inverse depth, so walls and floors stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.normals import Normals

Reals = NDArray[np.float64]

WIDE = 0.25
"""Radius of the surroundings, as a share of the longer side."""
ROUNDS = 4
APART = 0.08
"""Places that are off the plane by this share of inverse depth count a quarter."""
FAR = 0.08
"""Differences count as shares of no less than this of the nearest's inverse depth."""
RIDGE = 1e-3
"""Of the weight: keeps planes level where the surroundings are a line or a point."""


@dataclass(frozen=True, eq=False)
class Broad:
    """normals : (h, w, 3) unit; inverse : (h, w), of the plane there, and `off`: how far the depth
    is off it, as a share
    """

    normals: Normals
    inverse: Plane
    off: Plane


def broad_planes(inverse: Plane, weight: Plane, camera: Camera) -> Broad:
    """Of `inverse` depth (h, w), where `weight` (h, w) is not 0; `camera` of that size."""
    height, width = inverse.shape
    side = max(height, width)
    x = ((np.arange(width) + 0.5 - camera.cx) / side)[None]
    y = ((np.arange(height) + 0.5 - camera.cy) / side)[:, None]
    depth = inverse.astype(np.float64)
    least = FAR * float(np.percentile(depth, 99)) + 1e-12
    weights = weight.astype(np.float64)
    for _ in range(ROUNDS):
        fit, right, down = _planes(depth, weights, x, y, WIDE * side)
        off = np.abs(depth - fit) / np.maximum(fit, least)
        weights = weight / (1 + (off / APART) ** 2) ** 2
    per_px = np.stack([right, down], -1) / side * camera.focal_px
    facing = np.dstack([-per_px, -(fit - right * x - down * y)])
    length = np.sqrt((facing**2).sum(-1, keepdims=True))
    normals = facing / np.maximum(length, 1e-12)
    return Broad(
        normals.astype(np.float32),
        np.maximum(fit, 0).astype(np.float32),
        off.astype(np.float32),
    )


def _planes(
    depth: Reals, weight: Reals, x: Reals, y: Reals, sigma: float
) -> tuple[Reals, Reals, Reals]:
    """Value there, slope right and slope down of the plane that fits best around each place."""

    def mean(plane: Reals) -> Reals:
        blurred = cv2.GaussianBlur(weight * plane, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(blurred)

    total = mean(np.ones_like(depth)) + 1e-9
    at_x, at_y, at_w = (mean(p + 0 * depth) / total for p in (x, y, depth))
    spread = RIDGE * (sigma / max(depth.shape)) ** 2
    xx = mean(x * x + 0 * depth) / total - at_x * at_x + spread
    yy = mean(y * y + 0 * depth) / total - at_y * at_y + spread
    xy = mean(x * y) / total - at_x * at_y
    xw = mean(x * depth) / total - at_x * at_w
    yw = mean(y * depth) / total - at_y * at_w
    det = np.maximum(xx * yy - xy * xy, spread * spread)
    right, down = (xw * yy - yw * xy) / det, (yw * xx - xw * xy) / det
    return at_w + right * (x - at_x) + down * (y - at_y), right, down
