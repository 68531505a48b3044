"""Pixels and their depth as points in space, and back.

The pinhole of R. Hartley, A. Zisserman, "Multiple View Geometry", 2004, chapter 6. All in float64:
in float32 a 24 MP picture would come back up to 5e-4 px from where it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane, checked_plane
from depthfx.engine.depth_file import INFINITE_M

Points = NDArray[np.floating]
"""(..., 3), camera axes: x right, y down, z forward, in metres or the depth's own unit."""
Places = NDArray[np.float64]
"""(..., 2) px: x from the left edge, y from the upper; pixel centres at +0.5."""


def unproject(inverse: Plane, camera: Camera) -> Points:
    """The point that each pixel's centre shows: (H, W, 3) float64.

    inverse : (H, W) float32, inverse depth in 1/m or the depth's own unit

    What is infinitely far, the sky, has no place in space: it is put `INFINITE_M` away along
    the axis, where it still lies on its pixel's ray; `inverse > 0` tells it from the rest.
    Raises ShapeError if `inverse` is not of the camera's size.
    """
    checked_plane("inverse depth", inverse, (camera.height, camera.width))
    x = np.arange(camera.width) + 0.5
    y = np.arange(camera.height) + 0.5
    return unproject_at(x[None, :], y[:, None], inverse, camera)


def unproject_at(x_px: ArrayLike, y_px: ArrayLike, inverse: ArrayLike, camera: Camera) -> Points:
    """The points seen at some places: (..., 3) float64.

    x_px, y_px : px from the left and the upper edge, pixel centres at +0.5
    inverse : inverse depth there; 0 as in `unproject`

    The three are broadcast against each other.
    """
    x, y, near = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (x_px, y_px, inverse)))
    points = np.empty((*near.shape, 3))
    z = points[..., 2]
    np.divide(1, np.maximum(near, 1 / INFINITE_M), out=z)
    np.multiply((x - camera.cx) / camera.focal_px, z, out=points[..., 0])
    np.multiply((y - camera.cy) / camera.focal_px, z, out=points[..., 1])
    return points


def project(points: NDArray[Any], camera: Camera) -> Places:
    """Where the camera sees `points` (..., 3): (..., 2) float64 px; NaN if not before it."""
    points = np.asarray(points, np.float64)
    z = points[..., 2]
    scale = camera.focal_px / np.where(z > 0, z, np.nan)
    return np.stack(
        [points[..., 0] * scale + camera.cx, points[..., 1] * scale + camera.cy], axis=-1
    )
