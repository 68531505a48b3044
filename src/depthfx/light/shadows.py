"""How much of a light each place of the photo sees.

Rays go from every place to points of the ball, through the depth map (`march`), which shows the
fronts of things; how thick they are is assumed (`thickness`). Neighbours take different points
of the ball and share what they find (`smooth`), so that soft shadows are smooth without noise:
every square of four by four pixels holds all points. What lies outside the frame, and what things
hide from the camera beyond their thickness, stops nothing: where the photo does not tell, there is
no shadow.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane, checked_plane
from depthfx.light.ground import Ground, ground_of
from depthfx.light.lights import Light
from depthfx.light.march import SIDE, march, tiles
from depthfx.light.smooth import gathered
from depthfx.light.thickness import thickness

WORK_PIXELS = 1_600_000
RAYS, MOST_RAYS = 2_500_000, 16
"""Rays in all, about, and at most for one pixel; one at least."""
ORDER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int64)
"""Bayer's: neighbours take points far from one another."""
NARROW, NOISY_DEG = 0.014, 4.0
"""In depth as noisy as this or more, shadows narrower than this share of the diagonal are not
believed; in less noisy depth, narrower ones are."""


def visible_share(
    inverse: Plane,
    camera: Camera,
    light: Light,
    *,
    progress: Callable[[float], None] = lambda _: None,
) -> Plane:
    """(H, W) float32 0..1: the share of the light's ball that nothing in the photo hides.

    inverse : (H, W) float32, inverse depth in 1/m or the depth's own unit; sky (0) sees all

    Raises ShapeError if `inverse` is not of the camera's size.
    """
    checked_plane("inverse depth", inverse, (camera.height, camera.width))
    ground = ground_of(inverse, camera, WORK_PIXELS)
    progress(0.1)
    seen = _seen(ground, light)
    progress(0.8)
    out = ground.enlarged(seen, inverse)
    progress(1.0)
    return out


def _seen(ground: Ground, light: Light) -> Plane:
    """The share on the ground's own grid."""
    small, across, down = ground.inverse, ground.across, ground.down
    solid, thick = thickness(small, ground.camera.focal_px)
    nearest, farthest = tiles(small, across, down, solid, thick)
    soft_light = light.radius_m > 0
    count = min(max(RAYS // small.size, 1), MOST_RAYS) if soft_light else 1
    seen, soft = march(
        small,
        across,
        down,
        solid,
        thick,
        nearest,
        farthest,
        ground.camera.focal_px,
        *ground.middle,
        np.asarray(light.position_m, np.float64),
        float(light.radius_m),
        disc_points(count) if soft_light else np.zeros((SIDE * SIDE, 1, 2)),
        ORDER,
        ground.doubt,
    )
    if soft_light:
        for spacing in (1,) if count == MOST_RAYS else (1, SIDE):
            seen = gathered(seen, soft, small, across, down, ground.like, spacing)
    return _sure(seen, NARROW * min(ground.noise_deg / NOISY_DEG, 1))


def disc_points(count: int) -> NDArray[np.float64]:
    """(SIDE * SIDE, count, 2) points of the unit disc: evenly spread, each lot and all together.

    Rings of equal area, with turns by the golden ratio (H. Vogel, Math. Biosciences 44, 1979).
    """
    lots = SIDE * SIDE
    lot, ring = np.arange(lots)[:, None], np.arange(count)[None]
    radius = np.sqrt((ring + (lot + 0.5) / lots) / count)
    turn = np.pi * (np.sqrt(5) - 1) * (ring + lot)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], -1)


def _sure(seen: Plane, narrow: float) -> Plane:
    """`seen` without shadows narrower than a share of the diagonal."""
    radius = round(narrow * float(np.hypot(*seen.shape)) / 2)
    if radius == 0:
        return seen
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, window)
    return np.asarray(np.clip(cv2.GaussianBlur(wide, (0, 0), 1.0), 0, 1), np.float32)
