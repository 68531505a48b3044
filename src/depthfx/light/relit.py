"""A photo in another light: the front door of this room.

Everything is linear light. What a light adds is albedo times its irradiance over pi, exact
for a ball, with shadows; what the photo has of itself is its key and its fill, and each can
be weakened: a pixel is multiplied by the light that is kept over the light that was there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.normals import Normals
from depthfx.light.albedo import own_shading
from depthfx.light.lights import Light
from depthfx.light.own_light import OwnLight, albedo_of
from depthfx.light.shade import add_ball
from depthfx.light.shadows import visible_share
from depthfx.light.shoulder import roll_off_rows
from depthfx.photo.photo import Pixels

STRIP_PIXELS = 1_500_000
"""Rows are worked on in strips of so many pixels, which bounds the memory."""


def added_light(
    albedo: Pixels,
    inverse: Plane,
    camera: Camera,
    normals: Normals,
    light: Light,
    *,
    openness: Plane | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Pixels:
    """(H, W, 3) float32 linear: what `light` alone adds to the picture.

    albedo : (H, W, 3) float32; inverse : (H, W) float32; normals : (H, W, 3) float32
    openness : (H, W) 0..1, what arrives of a light that throws no shadows
    """
    seen = _seen(inverse, camera, light, openness, progress)
    out = np.zeros((*inverse.shape, 3), np.float32)
    for rows in _strips(inverse.shape):
        through = _through(light, inverse[rows], camera, rows.start)
        add_ball(
            out[rows],
            albedo[rows],
            inverse[rows],
            camera,
            normals[rows],
            light,
            first_row=rows.start,
            seen=None if seen is None else seen[rows],
            through=through,
        )
    return out


def relit(
    pixels: Pixels,
    inverse: Plane,
    camera: Camera,
    normals: Normals,
    own: OwnLight,
    lights: Sequence[Light],
    *,
    keep_key: float = 1.0,
    keep_fill: float = 1.0,
    openness: Plane | None = None,
    skin: Plane | None = None,
    subject: Plane | None = None,
    shoulder: bool = True,
    progress: Callable[[float], None] = lambda _done: None,
) -> Pixels:
    """`pixels` (H, W, 3) in `lights` as well; `keep_key`, `keep_fill`: how much stays of its own.

    openness : (H, W) 0..1, what arrives of lights that throw no shadows; None: all
    skin : (H, W) 0..1, where light goes on softly below the surface and colours are tamed (see
        `skin_share`); None: nowhere
    subject : (H, W) 0..1, see `visible_share`
    shoulder : roll off below white what lights add (see `shoulder`); without, the result is
        the plain sum, linear in every light, and may rise above 1

    With no lights and all kept it is `pixels`, bit for bit.
    """
    if not lights and keep_key == keep_fill == 1.0:
        return pixels
    out = kept_light(pixels, normals, own, keep_key, keep_fill)
    for n, light in enumerate(lights):

        def done(share: float, n: int = n) -> None:
            progress((n + share) / len(lights))

        seen = _seen(inverse, camera, light, openness, done, subject)
        for rows in _strips(inverse.shape):
            add_ball(
                out[rows],
                albedo_of(pixels[rows], normals[rows], own),
                inverse[rows],
                camera,
                normals[rows],
                light,
                first_row=rows.start,
                seen=None if seen is None else seen[rows],
                through=_through(light, inverse[rows], camera, rows.start),
                skin=None if skin is None else skin[rows],
            )
    if shoulder and lights:
        roll_off_rows(out, pixels)
    return out


def kept_light(
    pixels: Pixels, normals: Normals, own: OwnLight, keep_key: float, keep_fill: float
) -> Pixels:
    """(H, W, 3) float32 linear: `pixels` with so much of their own key and fill, 0..1."""
    out = np.empty(pixels.shape, np.float32)
    kept = np.array([keep_key, keep_fill], np.float32)
    _keep(pixels, normals, own.table(), kept, out)
    return out


def strengthened(made: Pixels, kept: Callable[[slice], Pixels], gain: np.float32) -> None:
    """Bring what lights added to `made` (H, W, 3) to `gain` times that, in place.

    kept : what some rows are without those lights
    """
    for rows in _strips(made.shape[:2]):
        before = kept(rows)
        made[rows] -= before
        made[rows] *= gain
        made[rows] += before


def _seen(
    inverse: Plane,
    camera: Camera,
    light: Light,
    openness: Plane | None,
    progress: Callable[[float], None],
    subject: Plane | None = None,
) -> Plane | None:
    """(H, W) the share of the light that arrives; None: all of it everywhere."""
    if light.shadows:
        return visible_share(inverse, camera, light, subject=subject, progress=progress)
    return openness


def _through(light: Light, inverse: Plane, camera: Camera, first_row: int) -> Pixels | None:
    """What the light's gobo lets through to some rows of the picture."""
    if light.gobo is None:
        return None
    from depthfx.light.gobo import through

    cx, cy = camera.cx, camera.cy
    height, width = inverse.shape
    z = 1 / np.maximum(inverse, np.float32(1e-6))
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5 - cx)) / np.float32(camera.focal_px)
    y = np.arange(height, dtype=np.float32) + np.float32(first_row + 0.5 - cy)
    points = np.stack([x * z, (y / np.float32(camera.focal_px))[:, None] * z, z], -1)
    return np.ascontiguousarray(through(light.gobo, light, points), np.float32)


def _strips(shape: tuple[int, int]) -> list[slice]:
    height, width = shape
    rows = max(1, STRIP_PIXELS // max(width, 1))
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def _keep(
    pixels: Pixels,
    normals: Normals,
    light: NDArray[np.float32],
    kept: NDArray[np.float32],
    out: Pixels,
) -> None:  # pragma: no cover - compiled
    """`pixels` with `kept` (key, fill) of their own light; `light` as in `own_shading`."""
    less = light.copy()
    less[2] *= kept[0]
    less[3] *= kept[1]
    one = np.float32(1)
    for i in prange(pixels.shape[0]):
        for j in range(pixels.shape[1]):
            for k in range(3):
                was = max(own_shading(normals, i, j, k, light, one), np.float32(1e-6))
                out[i, j, k] = pixels[i, j, k] * own_shading(normals, i, j, k, less, one) / was
