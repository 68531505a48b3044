"""The depth map as rays and openness go through it: small enough, and without its noise.

Exact depth keeps every n-th pixel as it is, so that planes stay planes. Depth of a network or a
sensor is taken from the planes that its normals come from (`geometry.plane_fits`): a ray that
grazes a table would meet every ripple that the picture's grain has left in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.plane_fits import fitted
from depthfx.light.march import slopes
from depthfx.light.smooth import enlarged
from depthfx.raster.resample import resize_nearest

LIKE_PX = 4.0
"""Places that differ by more than this many pixels' widths from a plane do not lie on it."""
CLEAR_PX = 0.3
"""How many pixels' widths a ray may lie under an exact surface for nothing: what bends between
pixels."""
CLEAR_OFF, MOST_CLEAR = 1.5, 0.02
"""The same for noisy depth, in what pixels are usually off their plane, and at most, as a share
of distance."""
TILT, MOST_TILT_DEG = 0.7, 6.0
"""Surfaces of noisy depth are tilted for nothing by this share of how far slopes differ, at most
by so much."""
OFF_PLANE = 3.0
"""Pixels farther off their plane than so many times what is usual keep their own depth: outlines,
thin things."""


@dataclass(frozen=True, eq=False)
class Ground:
    """A smaller grid of inverse depth with its slopes per pixel.

    place : where the pixels of the picture lie on it, see `smooth.enlarged`
    like : share of inverse depth by which places of one surface are off its plane
    doubt : see `march.march`
    noise_deg : how far slopes of neighbouring scales differ; 0: exact depth
    """

    inverse: Plane
    across: Plane
    down: Plane
    camera: Camera
    place: tuple[float, float, float, float]
    like: np.float32
    doubt: tuple[np.float32, np.float32, np.float32]
    noise_deg: float

    @property
    def middle(self) -> tuple[float, float]:
        """The principal point in its pixels."""
        cx, cy = self.camera.cx, self.camera.cy
        return cx, cy

    def enlarged(self, plane: Plane, inverse: Plane) -> Plane:
        """`plane` of this grid for the picture whose depth is `inverse`, along its outlines."""
        if plane.shape == inverse.shape:
            return plane
        return enlarged(plane, self.inverse, self.across, self.down, inverse, self.place, self.like)


def ground_of(inverse: Plane, camera: Camera, pixels: int) -> Ground:
    """The grid for `inverse` (H, W), of about `pixels` pixels at most."""
    planes = fitted(inverse, camera)
    if planes is None:
        return _every_nth(inverse, camera, pixels)
    value, across, down = (planes.planes[..., k] for k in range(3))
    height, width = value.shape
    own = resize_nearest(inverse, value.shape)
    steps_across, steps_down = slopes(own)
    on_plane = np.abs(value - own) <= np.float32(OFF_PLANE * planes.off) * own
    scale_x, scale_y = width / inverse.shape[1], height / inverse.shape[0]
    small = camera.resized(width, height)
    clear = min(max(CLEAR_OFF * planes.off, CLEAR_PX / small.focal_px), MOST_CLEAR)
    tilt = math.tan(math.radians(min(TILT * planes.noise_deg, MOST_TILT_DEG)))
    return Ground(
        np.where(on_plane, value, own),
        np.where(on_plane, across, steps_across),
        np.where(on_plane, down, steps_down),
        small,
        (scale_x, scale_x / 2 - 0.5, scale_y, scale_y / 2 - 0.5),
        np.float32(max(LIKE_PX / small.focal_px, 3 * planes.off)),
        (np.float32(clear), np.float32(tilt), np.float32(MOST_CLEAR)),
        planes.noise_deg,
    )


def _every_nth(inverse: Plane, camera: Camera, pixels: int) -> Ground:
    height, width = inverse.shape
    step = min(max(1, math.ceil(math.sqrt(inverse.size / pixels) - 1e-9)), height, width)
    first = step // 2
    small = np.ascontiguousarray(inverse[first::step, first::step])
    across, down = slopes(small)
    focal_px = camera.focal_px / step
    cx, cy = ((c - first - 0.5) / step + 0.5 for c in (camera.cx, camera.cy))
    clear = np.float32(CLEAR_PX / focal_px)
    return Ground(
        small,
        across,
        down,
        Camera(small.shape[1], small.shape[0], focal_px, camera.origin, cx, cy),
        (1 / step, -first / step, 1 / step, -first / step),
        np.float32(LIKE_PX / focal_px),
        (clear, np.float32(0), clear),
        0.0,
    )
