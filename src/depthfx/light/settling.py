"""Normals that are calm where the depth behind a subject is guesswork.

A network has little to say of the shape of a plain or blurred background: its depth rolls, the
normals turn this way and that, and light from the side would paint patches on a wall. Where
the normals around a place do not agree, the mean of its wider surroundings stands for them, of
such as do agree above all; walls, floors and streets keep theirs.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.normals import Normals
from depthfx.light.broad import broad_planes
from depthfx.raster.ramp import smooth_ramp
from depthfx.raster.resample import resize_area
from depthfx.raster.sample import linear_at

Array = NDArray[np.float32]

SIDE_PX = 240
"""Longer side of the grid on which normals are compared."""
NEAR, WIDE = 0.02, 0.15
"""Radii within which normals should agree, and over which the calm ones are gathered; shares of
the longer side."""
AGREE = ((0.94, 0.985), (0.965, 0.995))
"""Length of the mean of unit normals: below the first they say nothing, above the second all;
in a scene without a subject, and behind one."""
SPREAD = ((0.3, 0.6), (0.4, 0.75))
"""Share of the wider surroundings that has to agree for any of it to be believed; the same."""
LEVEL = 0.06
"""Radius over which doubtful depth is made level."""
SUBJECT = 0.5
"""A matte that is nowhere above this shows no subject."""
NEVER = 1e-6
"""Inverse depth that stands for infinitely far."""
LEAST_TRUST = 0.02
"""Of normals that say nothing, where there are no others."""
ON_PLANE = (0.1, 0.25)
"""Off the broad plane behind a subject by less than the first share of depth: a wave on it; by
more than the second: another thing."""
RIM_PX = 5
"""So far around the subject, on that grid, depth is a little of both."""


def settled(
    normals: Normals, inverse: Plane, matte: Plane, camera: Camera | None = None
) -> tuple[Normals, Plane]:
    """`normals` (H, W, 3) and `inverse` depth (H, W), calm outside the subject of `matte` (H, W).

    Normals stay unit vectors; depth, which throws the shadows, is made level where they say
    nothing. With a `camera`, what lies behind a subject becomes broad planes (`broad_planes`).
    """
    height, width = matte.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = resize_area(normals, shape)
    outside = np.maximum(1 - resize_area(matte, shape), np.float32(1e-3))
    side = max(shape)
    _, length = _mean(small, outside, NEAR * side)
    behind = int(matte.max() > SUBJECT)
    trust = smooth_ramp(length, *AGREE[behind])
    # A rolling surface is level here and there: calm is what is so for the most part.
    total = cv2.GaussianBlur(outside, (0, 0), WIDE * side)
    spread = cv2.GaussianBlur(trust * outside, (0, 0), WIDE * side) / total
    trust = trust * smooth_ramp(np.asarray(spread, np.float32), *SPREAD[behind])
    calm, _ = _mean(small, outside * (trust + np.float32(LEAST_TRUST)), WIDE * side)
    doubt = cv2.GaussianBlur(1 - trust, (0, 0), 1.0)
    log = np.log(np.maximum(resize_area(inverse, shape), NEVER))
    weight = cv2.GaussianBlur(outside, (0, 0), LEVEL * side)
    level = np.exp(cv2.GaussianBlur(log * outside, (0, 0), LEVEL * side) / weight)
    if camera is not None and behind:
        around = cv2.dilate(1 - outside, np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8))
        free = (around < np.float32(0.02)).astype(np.float32)
        if free.any():
            planes = broad_planes(
                resize_area(inverse, shape), free, camera.resized(shape[1], shape[0])
            )
            on, there = 1 - smooth_ramp(planes.off, *ON_PLANE), free + np.float32(1e-6)
            total = cv2.GaussianBlur(there, (0, 0), RIM_PX)
            on = np.asarray(cv2.GaussianBlur(on * there, (0, 0), RIM_PX) / total, np.float32)
            total = cv2.GaussianBlur(there, (0, 0), LEVEL * side)
            level = np.exp(cv2.GaussianBlur(log * there, (0, 0), LEVEL * side) / total)
            doubt = np.ones_like(doubt)
            calm = _unit(calm + on[..., None] * (planes.normals - calm))
            level += on * (planes.inverse - level)
            calm, _ = _mean(calm, np.maximum(free, np.float32(1e-3)), LEVEL / 2 * side)
    small = np.dstack([calm, doubt, level]).astype(np.float32)
    out, depth = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    _settle(normals, inverse, matte, small, out, depth)
    return out, depth


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def _settle(
    normals: Normals, inverse: Plane, matte: Plane, small: Array, out: Normals, depth: Plane
) -> None:  # pragma: no cover - compiled
    """`small` (h, w, 5): calm normals, how far they are to be taken outside the subject, depth."""
    height, width = matte.shape
    zero, one, least = np.float32(0), np.float32(1), np.float32(1e-6)
    for y in prange(height):
        for x in range(width):
            share = linear_at(small, y, x, height, width, 3) * (one - matte[y, x])
            share = min(max(share, zero), one)
            near, nx, ny, nz = inverse[y, x], normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
            if share > zero:
                near += share * (linear_at(small, y, x, height, width, 4) - near)
                nx += share * (linear_at(small, y, x, height, width, 0) - nx)
                ny += share * (linear_at(small, y, x, height, width, 1) - ny)
                nz += share * (linear_at(small, y, x, height, width, 2) - nz)
            part = one / max(np.sqrt(nx * nx + ny * ny + nz * nz), least)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = nx * part, ny * part, nz * part
            depth[y, x] = near


def _mean(normals: Array, weight: Array, sigma: float) -> tuple[Array, Array]:
    """Mean normals of each place's surroundings (unit), and how long the mean was."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    summed = cv2.GaussianBlur(normals * weight[..., None], (0, 0), sigma)
    mean: Array = np.asarray(summed / total[..., None], np.float32)
    length = np.sqrt((mean**2).sum(-1))
    return _unit(mean), length


def _unit(normals: Array) -> Array:
    length = np.sqrt((normals**2).sum(-1, keepdims=True))
    return np.asarray(normals / np.maximum(length, np.float32(1e-6)), np.float32)
