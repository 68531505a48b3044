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
from depthfx.raster.ramp import smooth_ramp
from depthfx.raster.resample import fit_within, resize_area, resize_linear

Mask = NDArray[np.bool_]

WORK_PIXELS = 1_200_000
RAYS, MOST_RAYS = 2_000_000, 16
"""Rays in all, about, and at most for one pixel; one at least."""
ORDER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int64)
"""Bayer's: neighbours take points far from one another."""
NARROW, NOISY_DEG = 0.014, 4.0
"""In depth as noisy as this or more, shadows narrower than this share of the diagonal are not
believed; in less noisy depth, narrower ones are."""
SOLID = 0.5
"""A matte above this is the subject."""
BROAD_PIXELS = 60_000
BROAD, BLUR = 0.08, 0.03
"""Shadows of a subject on itself: as broad and as soft as this, as shares of its size."""
REACHED = (0.3, 0.5)
"""A subject's shadow falls on what has half its inverse depth or more, and on nothing that has less
than the first share: that may be sky."""
NEVER = 1e-9
"""Inverse depth that stands for infinitely far."""


def visible_share(
    inverse: Plane,
    camera: Camera,
    light: Light,
    *,
    subject: Plane | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Plane:
    """(H, W) float32 0..1: the share of the light's ball that nothing in the photo hides.

    inverse : (H, W) float32, inverse depth in 1/m or the depth's own unit; sky (0) sees all
    subject : (H, W) 0..1, what alone throws shadows, and only broad ones on itself (see
        `broad_shadows`), as is wise with a network's depth; None: all does

    Raises ShapeError if `inverse` is not of the camera's size.
    """
    checked_plane("inverse depth", inverse, (camera.height, camera.width))
    ground = ground_of(inverse, camera, WORK_PIXELS)
    progress(0.1)
    throws = None
    if subject is not None and subject.max() > SOLID:
        throws = resize_area(subject, ground.inverse.shape) > SOLID
        if not throws.any():  # too small to be seen there, and so is its shadow
            return np.ones(inverse.shape, np.float32)
    seen = _seen(ground, light, throws)
    progress(0.8)
    if throws is not None:
        seen = broad_shadows(seen, throws)
        near = ground.inverse / max(float(np.median(ground.inverse[throws])), NEVER)
        seen = 1 - (1 - seen) * smooth_ramp(near, *REACHED)
    out = ground.enlarged(seen, inverse)
    progress(1.0)
    return out


def _seen(ground: Ground, light: Light, throws: Mask | None = None) -> Plane:
    """The share on the ground's own grid; `throws` (h, w): what alone throws shadows."""
    small, across, down = ground.inverse, ground.across, ground.down
    fronts = small if throws is None else np.where(throws, small, np.float32(0))
    solid, thick = thickness(fronts, ground.camera.focal_px)
    nearest, farthest = tiles(fronts, across, down, solid, thick)
    soft_light = light.radius_m > 0
    count = min(max(RAYS // small.size, 1), MOST_RAYS) if soft_light else 1
    seen, soft = march(
        fronts,
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
        small,
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


def broad_shadows(seen: Plane, subject: Mask) -> Plane:
    """`seen` (H, W) with none but broad and soft shadows on the `subject` (H, W).

    A network's depth has no nose, and what folds it has are often not there: a line across a face
    costs more than a shadow that is missing.
    """
    shape = fit_within(seen.shape, BROAD_PIXELS)
    cover = (resize_area(subject.astype(np.float32), shape) > SOLID).astype(np.float32)
    tall = float(np.sqrt(cover.sum()))
    share = 1 - (1 - resize_area(seen, shape)) * cover
    radius = max(1, round(BROAD * tall))
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.morphologyEx(share, cv2.MORPH_CLOSE, window) * cover
    soft, total = (cv2.GaussianBlur(p, (0, 0), max(BLUR * tall, 0.5)) for p in (wide, cover))
    soft = np.clip(soft / np.maximum(total, np.float32(1e-3)), 0, 1)
    return np.where(subject, resize_linear(soft.astype(np.float32), seen.shape), seen)


def _sure(seen: Plane, narrow: float) -> Plane:
    """`seen` without shadows narrower than a share of the diagonal."""
    radius = round(narrow * float(np.hypot(*seen.shape)) / 2)
    if radius == 0:
        return seen
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, window)
    return np.asarray(np.clip(cv2.GaussianBlur(wide, (0, 0), 1.0), 0, 1), np.float32)
