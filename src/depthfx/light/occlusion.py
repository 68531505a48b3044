"""How open to the sky and the room each place is: contact shadows without a light.

Around a place P with normal n, the light of an even surround arrives from all directions with the
weight of their cosine. In a slice of directions everything below the highest thing in it is
hidden, so that of the slice the share sin^2 h arrives not, with h the height of that thing above
P's tangent plane. Things count less the farther they are, and not at all from `radius_m` on;
that also keeps a thing that stands far in front of P from darkening it like a wall.

After L. Bavoil, M. Sainz, "Multi-layer dual-resolution screen-space ambient occlusion" (SIGGRAPH
2009 talks), and J. Jimenez et al., "Practical real-time strategies for accurate indirect
occlusion" (SIGGRAPH 2016 course).
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane, checked_plane
from depthfx.geometry.normals import Normals
from depthfx.light.ground import Ground, ground_of
from depthfx.light.march import SIDE
from depthfx.light.shadows import ORDER
from depthfx.light.smooth import gathered

WORK_PIXELS = 300_000
SLICES, STEPS = 6, 6
"""Directions from a pixel, and places along each; its neighbours take others in between."""
MOST_REACH = 0.15
"""How far in the picture things count at most, as a share of its diagonal."""


def openness(inverse: Plane, camera: Camera, normals: Normals, radius_m: float) -> Plane:
    """(H, W) float32 0..1: the share of a soft light from all around that arrives; 1 is open.

    inverse : (H, W) float32, inverse depth in 1/m or the depth's own unit; sky (0) is open
    normals : (H, W, 3) float32 unit, camera axes
    radius_m : how far things count that stand in its way

    Raises ShapeError if `inverse` is not of the camera's size.
    """
    checked_plane("inverse depth", inverse, (camera.height, camera.width))
    if not radius_m > 0:
        return np.ones(inverse.shape, np.float32)
    ground = ground_of(inverse, camera, WORK_PIXELS)
    small = ground.inverse
    rows, columns = _places(ground, inverse.shape)
    seen = _open(
        small,
        np.ascontiguousarray(normals[np.ix_(rows, columns)], np.float32),
        ground.camera.focal_px,
        *ground.middle,
        float(radius_m),
        MOST_REACH * float(np.hypot(*small.shape)),
        float(np.hypot(ground.doubt[0], ground.doubt[1])),
        ORDER,
    )
    everywhere = np.full(small.shape, np.float32(SIDE))
    for spacing in (1, 2):
        seen = gathered(
            seen, everywhere * spacing, small, ground.across, ground.down, ground.like, spacing
        )
    return ground.enlarged(seen, inverse)


def _places(ground: Ground, shape: tuple[int, ...]) -> tuple[NDArray, NDArray]:
    """Rows and columns of the picture under the pixels of the ground's grid."""
    found = []
    scales = (ground.place[2:], ground.place[:2])
    for (scale, start), count, size in zip(scales, ground.inverse.shape, shape, strict=True):
        places = np.rint((np.arange(count) - start) / scale).astype(np.int64)
        found.append(np.clip(places, 0, size - 1))
    return found[0], found[1]


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _open(
    inverse: Plane,
    normals: Normals,
    focal: float,
    cx: float,
    cy: float,
    radius: float,
    most_px: float,
    doubt: float,
    order: NDArray[np.int64],
) -> Plane:  # pragma: no cover - compiled
    """Openness of each pixel in its own slices; `doubt`: heights, as sines, that are none."""
    height, width = inverse.shape
    out = np.ones((height, width), np.float32)
    for number in prange(height):
        y = np.int64(number)
        for x in range(width):
            w = inverse[y, x]
            if w <= 0:
                continue
            z = 1.0 / w
            u, v = (x + 0.5 - cx) / focal, (y + 0.5 - cy) / focal
            nx, ny, nz = normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
            reach = min(radius * focal * w, most_px)
            if reach < 1:
                continue
            part = order[y % SIDE, x % SIDE] / (SIDE * SIDE)
            lost = 0.0
            for slice_ in range(SLICES):
                turn = 2 * np.pi * (slice_ + part) / SLICES
                dx, dy = np.cos(turn), np.sin(turn)
                highest = 0.0
                for step in range(STEPS):
                    # Closer together near by: feet and corners count most.
                    share = (step + 0.5 + 0.5 * part) / STEPS
                    away = 1 + (reach - 1) * share * share
                    i, j = int(np.floor(x + 0.5 + dx * away)), int(np.floor(y + 0.5 + dy * away))
                    if not (0 <= i < width and 0 <= j < height):
                        break
                    there = inverse[j, i]
                    if there <= 0:
                        continue
                    q = 1.0 / there
                    ax = (i + 0.5 - cx) / focal * q - u * z
                    ay = (j + 0.5 - cy) / focal * q - v * z
                    az = q - z
                    far = np.sqrt(ax * ax + ay * ay + az * az)
                    if far >= radius or far == 0:
                        continue
                    sine = (ax * nx + ay * ny + az * nz) / far - doubt
                    fade = 1 - (far / radius) ** 2
                    highest = max(highest, sine * fade)
                lost += min(highest, 1.0) ** 2
            out[y, x] = np.float32(1 - lost / SLICES)
    return out
