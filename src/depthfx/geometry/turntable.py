"""Points and triangles looked at from around: the picture that shows what a 3-D file holds.

Nothing is filled in. Where a file has a hole, or nothing behind a thing, the picture is grey.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.geometry.cloud import Cloud
from depthfx.geometry.mesh import Mesh
from depthfx.geometry.unproject import Points
from depthfx.raster.resample import fit_within, resize_area

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]

VIEWS_A_SIDE = 3
LARGEST_YAW_DEG = 35.0
VIEW_PIXELS = 400_000
"""Of one view."""
FINER = 2
"""Views are drawn so many times larger and averaged."""
ROOM = 0.9
"""Scale of the views: there is some room around the photo."""
GREY = 0.18
"""Linear light where nothing is."""
SPLAT = 1.5
"""Size of a point, times how far apart points are on what faces the photo's camera."""
NEAREST = 0.02
"""Share of the pivot's distance: what the turned camera has nearer before it is not drawn."""

Draw = Callable[[Camera, Floats, Pixels, Pixels], None]
"""Draws what a camera sees, turned by (3, 4), into colours (H, W, 3) and inverse depth (H, W)."""


def turntable_of_mesh(
    mesh: Mesh, pixels: Pixels, progress: Callable[[float], object] = lambda _share: None
) -> Pixels:
    """A sheet of views, linear light float32, of a mesh with the photo (H, W, 3) on it."""
    shape = fit_within((mesh.camera.height, mesh.camera.width), FINER**2 * VIEW_PIXELS)
    texture = resize_area(pixels, shape)
    points = mesh.points
    places = mesh.texture_places * [shape[1], shape[0]] - 0.5

    def draw(camera: Camera, pose: Floats, out: Pixels, inverse: Pixels) -> None:
        seen = _seen(points, pose, camera)
        _draw_faces(seen, places, mesh.faces, texture, out, inverse)

    return _sheet(mesh.camera, draw, progress)


def turntable_of_cloud(
    cloud: Cloud, progress: Callable[[float], object] = lambda _share: None
) -> Pixels:
    """A sheet of views, linear light float32, of points a little larger than they lie apart."""
    points = cloud.points
    nearest = NEAREST / float(np.median(cloud.inverse))

    def draw(camera: Camera, pose: Floats, out: Pixels, inverse: Pixels) -> None:
        size = SPLAT * cloud.spacing_px * camera.focal_px / cloud.camera.focal_px
        lens = np.array([camera.focal_px, camera.cx - 0.5, camera.cy - 0.5])
        _draw_points(points, pose, lens, nearest, cloud.colours, size, out, inverse)

    return _sheet(cloud.camera, draw, progress)


def _sheet(camera: Camera, draw: Draw, progress: Callable[[float], object]) -> Pixels:
    """Views from left to right, row by row, the photo's own in the middle."""
    height, width = fit_within((camera.height, camera.width), VIEW_PIXELS)
    fine = camera.resized(FINER * width, FINER * height)
    fine = replace(
        fine,
        focal_px=fine.focal_px * ROOM,
        cx=fine.width / 2 + (fine.cx - fine.width / 2) * ROOM,
        cy=fine.height / 2 + (fine.cy - fine.height / 2) * ROOM,
    )
    still = np.eye(3, 4)
    _, inverse = _drawn(fine, still, draw)
    there = inverse[inverse > 0]
    # The harmonic mean: near things count, however much is far behind them.
    pivot = 1 / float(there.mean()) if len(there) else 1.0
    sheet = np.empty((VIEWS_A_SIDE * height, VIEWS_A_SIDE * width, 3), np.float32)
    yaws = np.linspace(-LARGEST_YAW_DEG, LARGEST_YAW_DEG, VIEWS_A_SIDE**2)
    for n, yaw in enumerate(yaws):
        progress(n / len(yaws))
        colours, _ = _drawn(fine, turned(pivot, yaw), draw)
        row, column = divmod(n, VIEWS_A_SIDE)
        sheet[row * height :, column * width :][:height, :width] = resize_area(
            colours, (height, width)
        )
    progress(1.0)
    return sheet


def turned(pivot_m: float, yaw_deg: float) -> Floats:
    """(3, 4): from camera axes to those of the camera gone to the right around a place before it.

    pivot_m : distance of that place; what lies there stays in the middle
    """
    c, s = math.cos(math.radians(yaw_deg)), math.sin(math.radians(yaw_deg))
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    pivot = np.array([0, 0, pivot_m])
    return np.column_stack([rotation, pivot - rotation @ pivot])


def _drawn(camera: Camera, pose: Floats, draw: Draw) -> tuple[Pixels, Pixels]:
    colours = np.full((camera.height, camera.width, 3), GREY, np.float32)
    inverse = np.zeros((camera.height, camera.width), np.float32)
    draw(camera, pose, colours, inverse)
    return colours, inverse


def _seen(points: Points, pose: Floats, camera: Camera) -> Floats:
    """(N, 3): column and row (pixel indices) and inverse depth, 0 if not before the camera."""
    moved = points @ pose[:, :3].T + pose[:, 3]
    z = moved[:, 2]
    before = z > NEAREST * float(np.median(points[:, 2]))
    near = np.where(before, 1 / np.where(before, z, 1), 0)
    x = moved[:, 0] * near * camera.focal_px + camera.cx - 0.5
    y = moved[:, 1] * near * camera.focal_px + camera.cy - 0.5
    return np.column_stack([x, y, near])


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_faces(
    seen: Floats,
    places: Floats,
    faces: NDArray[np.int32],
    texture: Pixels,
    out: Pixels,
    inverse: Pixels,
) -> None:  # pragma: no cover - compiled
    """The nearest triangle at each pixel, both sides alike, with colours from the texture."""
    height, width = inverse.shape
    for n in range(len(faces)):
        a, b, c = faces[n, 0], faces[n, 1], faces[n, 2]
        qa, qb, qc = seen[a, 2], seen[b, 2], seen[c, 2]
        if qa <= 0 or qb <= 0 or qc <= 0:
            continue
        xa, ya = seen[a, 0], seen[a, 1]
        bx, by, cx, cy = seen[b, 0] - xa, seen[b, 1] - ya, seen[c, 0] - xa, seen[c, 1] - ya
        double = bx * cy - by * cx
        if double == 0:
            continue
        left = max(math.ceil(xa + min(0.0, bx, cx)), 0)
        right = min(math.floor(xa + max(0.0, bx, cx)), width - 1)
        top = max(math.ceil(ya + min(0.0, by, cy)), 0)
        bottom = min(math.floor(ya + max(0.0, by, cy)), height - 1)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                s = ((x - xa) * cy - (y - ya) * cx) / double
                t = (bx * (y - ya) - by * (x - xa)) / double
                r = 1 - s - t
                if s < -1e-9 or t < -1e-9 or r < -1e-9:
                    continue
                q = r * qa + s * qb + t * qc
                if q <= inverse[y, x]:
                    continue
                inverse[y, x] = q
                # What is affine on the triangle is so on the screen once divided by depth.
                u = (r * qa * places[a, 0] + s * qb * places[b, 0] + t * qc * places[c, 0]) / q
                v = (r * qa * places[a, 1] + s * qb * places[b, 1] + t * qc * places[c, 1]) / q
                _look_up(texture, u, v, out[y, x])


@njit(cache=True, nogil=True)
def _look_up(texture: Pixels, u: float, v: float, out: Pixels) -> None:  # pragma: no cover
    height, width = texture.shape[:2]
    u, v = min(max(u, 0.0), width - 1.0), min(max(v, 0.0), height - 1.0)
    i, j = int(u), int(v)
    right, below = min(i + 1, width - 1), min(j + 1, height - 1)
    s, t = np.float32(u - i), np.float32(v - j)
    for k in range(3):
        upper = texture[j, i, k] + s * (texture[j, right, k] - texture[j, i, k])
        lower = texture[below, i, k] + s * (texture[below, right, k] - texture[below, i, k])
        out[k] = upper + t * (lower - upper)


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_points(
    points: Floats,
    pose: Floats,
    lens: Floats,
    nearest: float,
    colours: Pixels,
    size: float,
    out: Pixels,
    inverse: Pixels,
) -> None:  # pragma: no cover - compiled
    """The nearest point at each pixel, each a square.

    size : of a point that is as far away as it was from the photo's camera, px
    lens : focal length in px, column and row (pixel indices) of the principal point
    """
    height, width = inverse.shape
    for n in range(len(points)):
        x, y, z = points[n]
        depth = pose[2, 0] * x + pose[2, 1] * y + pose[2, 2] * z + pose[2, 3]
        if depth <= nearest:
            continue
        q = 1 / depth
        side = max(math.ceil(size * z * q), 1)
        middle = (side - 1) / 2 - 0.5
        right = pose[0, 0] * x + pose[0, 1] * y + pose[0, 2] * z + pose[0, 3]
        down = pose[1, 0] * x + pose[1, 1] * y + pose[1, 2] * z + pose[1, 3]
        column = right * q * lens[0] + lens[1] - middle
        row = down * q * lens[0] + lens[2] - middle
        if not (-side < column < width and -side < row < height):
            continue
        left, top = math.floor(column), math.floor(row)
        near = np.float32(q)
        for v in range(max(top, 0), min(top + side, height)):
            for u in range(max(left, 0), min(left + side, width)):
                if near > inverse[v, u]:
                    inverse[v, u] = near
                    for k in range(3):
                        out[v, u, k] = colours[n, k]
