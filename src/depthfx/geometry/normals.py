"""Which way surfaces face.

Inverse depth is affine over every plane, so its gradient (a, b) at a pixel (x, y) from the
principal point gives the plane's normal straight away: (f a, f b, w - x a - y b), turned to
the camera. What has to be found is a gradient that mixes no two surfaces.

Each pixel has eight steps to its neighbours. A step is believed as far as the next one goes on
like it, to either side: by its second difference, which vanishes on planes however slanted, as in
the essentially non-oscillatory schemes of A. Harten, S. Osher (SIAM J. Numer. Anal. 24, 1987). The
gradient is the weighted least squares through all eight. Where no step is believable, as on
things one pixel wide, what is left is the smaller of the steps to both sides, none if their signs
differ: a hair faces the camera across, and is followed along.

Depth that is not exact is smoothed: `plane_fits`. Which it is shows in the depth itself.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane, checked_plane
from depthfx.geometry.plane_fits import Fitted, fit_weight, fitted

Normals = NDArray[np.float32]
"""(H, W, 3) unit vectors in camera axes (x right, y down, z forward), towards the camera's side."""

ROUNDING = 3e-7
"""Share of inverse depth by which second differences of a plane in float32 are off."""
UNSURE = 0.2
"""How far the gradient may be from the smaller steps where no step is believed: the tangent of
that angle. Small: outlines and grooves a pixel wide keep it."""
GRAZING = 1e-3
"""The least cosine between a normal and the ray to the camera, far above float32's rounding."""
SKY = 1e-20
"""Inverse depth below is the sky's, which faces the camera."""
KEPT_DEG, KEPT_NOISE_DEG, KEPT_PER_NOISE = 30.0, 1.25, 100.0
"""Slopes of neighbours stand against smoothed ones if they differ by more than these degrees, and
so many for each of noise above the second: at outlines, corners and thin things."""
GREATEST_DEG = float(np.degrees(2))
"""No two directions are farther apart, by the length of their difference."""
STEEPEST = 1e6
"""Neighbours count as so many times nearer at most, which is no surface any more."""
MARGIN = 2
"""How many pixels to either side of it tell of a pixel."""


def normals_of(inverse: Plane, camera: Camera) -> Normals:
    """Unit normals (H, W, 3) float32 of inverse depth (H, W) float32; sky (0) faces the camera.

    Camera axes; no normal points away from the camera, not at outlines either. Exact depth is
    taken as it is; that of a network or a sensor is smoothed by as much as it is noisy.

    Raises ShapeError if `inverse` is not of the camera's size.
    """
    checked_plane("inverse depth", inverse, (camera.height, camera.width))
    out = np.empty((*inverse.shape, 3), np.float32)
    planes = fitted(inverse, camera)
    if planes is None:
        _normals(_framed(inverse), *_pinhole(camera), out)
    else:
        _smooth_normals(_framed(inverse), *_pinhole(camera), planes.planes, *_limits(planes), out)
    return out


def slopes_of(inverse: Plane, camera: Camera) -> tuple[Plane, Plane]:
    """Change of inverse depth (H, W) per px to the right and down, across no outline."""
    out = np.empty((2, *inverse.shape), np.float32)
    _slopes(_framed(inverse), np.float32(camera.focal_px), out)
    return out[0], out[1]


def _framed(inverse: Plane) -> Plane:
    """`inverse` with a margin that is believable nowhere: a step into it is steeper than any."""
    height, width = inverse.shape
    far = np.float32(STEEPEST) * max(inverse.max(initial=0), np.float32(SKY))
    framed = np.full((height + 2 * MARGIN, width + 2 * MARGIN), far, np.float32)
    framed[MARGIN:-MARGIN, MARGIN:-MARGIN] = inverse
    return framed


def _pinhole(camera: Camera) -> tuple[np.float32, np.float32, np.float32]:
    return np.float32(camera.focal_px), np.float32(camera.cx), np.float32(camera.cy)


def _limits(planes: Fitted) -> tuple[np.float32, np.float32, np.float32]:
    """How far off its plane a pixel may be, what is too far, and what of neighbours is kept."""
    kept = np.radians(
        min(KEPT_DEG + KEPT_PER_NOISE * max(planes.noise_deg - KEPT_NOISE_DEG, 0), GREATEST_DEG)
    )
    return np.float32(planes.off), np.float32(planes.far), np.float32(kept)


@njit(fastmath=True, cache=True, error_model="numpy")
def _steps(
    before2: np.float32,
    before: np.float32,
    here: np.float32,
    after: np.float32,
    after2: np.float32,
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """Weight of the steps to both sides, their weighted sum, and the smaller of them or 0."""
    one, rounding = np.float32(1), np.float32(ROUNDING * ROUNDING)
    left, right = here - before, after - here
    bend = abs(right - left)
    bend_left = min(bend, abs(left - (before - before2)))
    bend_right = min(bend, abs((after2 - after) - right))
    by_left = one / (rounding + bend_left * bend_left)
    by_right = one / (rounding + bend_right * bend_right)
    smaller = left if abs(left) < abs(right) else right
    if left * right <= 0:
        smaller = np.float32(0)
    return by_left + by_right, by_left * left + by_right * right, smaller


@njit(fastmath=True, cache=True, error_model="numpy")
def _share_of(inverse: np.float32, share: np.float32) -> np.float32:  # pragma: no cover - compiled
    return min(inverse * share, np.float32(STEEPEST))


@njit(fastmath=True, cache=True, error_model="numpy")
def _slopes_at(
    framed: Plane, v: int, u: int, focal: np.float32
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """Slopes right and down at a pixel, as shares of the inverse depth there."""
    half, one = np.float32(0.5), np.float32(1)
    share = one / framed[v, u]
    across, across_sum, a = _steps(
        _share_of(framed[v, u - 2], share),
        _share_of(framed[v, u - 1], share),
        one,
        _share_of(framed[v, u + 1], share),
        _share_of(framed[v, u + 2], share),
    )
    down, down_sum, b = _steps(
        _share_of(framed[v - 2, u], share),
        _share_of(framed[v - 1, u], share),
        one,
        _share_of(framed[v + 1, u], share),
        _share_of(framed[v + 2, u], share),
    )
    fall, fall_sum, _ = _steps(
        _share_of(framed[v - 2, u - 2], share),
        _share_of(framed[v - 1, u - 1], share),
        one,
        _share_of(framed[v + 1, u + 1], share),
        _share_of(framed[v + 2, u + 2], share),
    )
    rise, rise_sum, _ = _steps(
        _share_of(framed[v + 2, u - 2], share),
        _share_of(framed[v + 1, u - 1], share),
        one,
        _share_of(framed[v - 1, u + 1], share),
        _share_of(framed[v - 2, u + 2], share),
    )
    # A diagonal is longer by the root of two, and less believable by that.
    fall, fall_sum, rise, rise_sum = fall * half, fall_sum * half, rise * half, rise_sum * half
    prior = (focal / np.float32(UNSURE)) ** 2
    across, across_sum = across + prior, across_sum + prior * a
    down, down_sum = down + prior, down_sum + prior * b
    # Least squares, its terms in an order that takes no large ones from each other.
    both = across * down + (across + down) * (fall + rise) + 4 * fall * rise
    apart = across_sum - down_sum + 2 * rise_sum
    together = across_sum + down_sum + 2 * fall_sum
    a = down * (across_sum + fall_sum + rise_sum) + fall * apart + rise * together
    b = across * (down_sum + fall_sum - rise_sum) - fall * apart + rise * together
    return a / both, b / both


@njit(fastmath=True, cache=True, error_model="numpy")
def _normal(
    a: np.float32, b: np.float32, x: np.float32, y: np.float32, focal: np.float32
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """The unit normal of slopes `a`, `b`, shares of the inverse depth, at a place."""
    one, grazing = np.float32(1), np.float32(GRAZING)
    nx, ny, nz = -focal * a, -focal * b, x * a + y * b - one
    size = one / np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * size, ny * size, nz * size
    # Scaled so, n . (x, y, focal) = -size focal: the cosine is that over the ray's length.
    reach = np.sqrt(x * x + y * y + focal * focal)
    if size * focal < grazing * reach:
        rx, ry, rz = x / reach, y / reach, focal / reach
        along = nx * rx + ny * ry + nz * rz + grazing
        nx, ny, nz = nx - along * rx, ny - along * ry, nz - along * rz
        size = one / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * size, ny * size, nz * size
    return nx, ny, nz


@njit(parallel=True, cache=True, nogil=True, fastmath=True, error_model="numpy")
def _slopes(
    framed: Plane, focal: np.float32, out: NDArray[np.float32]
) -> None:  # pragma: no cover - compiled
    height, width = out.shape[1:]
    for row in prange(height):
        for column in range(width):
            here = framed[row + MARGIN, column + MARGIN]
            a, b = np.float32(0), np.float32(0)
            if here > np.float32(SKY):
                a, b = _slopes_at(framed, row + MARGIN, column + MARGIN, focal)
            out[0, row, column] = a * here
            out[1, row, column] = b * here


@njit(parallel=True, cache=True, nogil=True, fastmath=True, error_model="numpy")
def _normals(
    framed: Plane, focal: np.float32, cx: np.float32, cy: np.float32, out: Normals
) -> None:  # pragma: no cover - compiled
    height, width = out.shape[:2]
    half = np.float32(0.5)
    for row in prange(height):
        y = np.float32(row) + half - cy
        for column in range(width):
            nx, ny, nz = np.float32(0), np.float32(0), np.float32(-1)
            if framed[row + MARGIN, column + MARGIN] > np.float32(SKY):
                a, b = _slopes_at(framed, row + MARGIN, column + MARGIN, focal)
                nx, ny, nz = _normal(a, b, np.float32(column) + half - cx, y, focal)
            out[row, column, 0] = nx
            out[row, column, 1] = ny
            out[row, column, 2] = nz


@njit(parallel=True, cache=True, nogil=True, fastmath=True, error_model="numpy")
def _smooth_normals(
    framed: Plane,
    focal: np.float32,
    cx: np.float32,
    cy: np.float32,
    planes: NDArray[np.float32],
    off: np.float32,
    far: np.float32,
    kept: np.float32,
    out: Normals,
) -> None:  # pragma: no cover - compiled
    """Normals of `planes` (h, w, 3), each pixel's of those of four that it lies on.

    kept : rad; where slopes of neighbours differ by more, theirs count by as much
    """
    height, width = out.shape[:2]
    h, w = planes.shape[:2]
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    down_scale, right_scale = np.float32(h / height), np.float32(w / width)
    raw = kept < np.float32(np.radians(GREATEST_DEG) * 0.999)
    for row in prange(height):
        y = np.float32(row) + half - cy
        v = min(max((np.float32(row) + half) * down_scale - half, zero), np.float32(h - 1))
        top = min(int(v), max(h - 2, 0))
        for column in range(width):
            x = np.float32(column) + half - cx
            here = framed[row + MARGIN, column + MARGIN]
            if here <= np.float32(SKY):
                out[row, column, 0] = zero
                out[row, column, 1] = zero
                out[row, column, 2] = -one
                continue
            u = min(max((np.float32(column) + half) * right_scale - half, zero), np.float32(w - 1))
            left = min(int(u), max(w - 2, 0))
            scale = one / max(off * max(here, far), np.float32(1e-20))
            total, a, b = zero, zero, zero
            for j in range(top, min(top + 2, h)):
                dy = v - np.float32(j)
                for i in range(left, min(left + 2, w)):
                    dx = u - np.float32(i)
                    right, down = planes[j, i, 1], planes[j, i, 2]
                    weight = fit_weight((planes[j, i, 0] + right * dx + down * dy - here) * scale)
                    weight *= (one - abs(dx)) * (one - abs(dy)) + np.float32(1e-3)
                    total += weight
                    a += weight * right
                    b += weight * down
            share = one / max(np.sqrt(here * here + far * far), np.float32(SKY))
            a, b = a / total * share * right_scale, b / total * share * down_scale
            nx, ny, nz = _normal(a, b, x, y, focal)
            if raw:
                a, b = _slopes_at(framed, row + MARGIN, column + MARGIN, focal)
                mx, my, mz = _normal(a, b, x, y, focal)
                mx, my, mz = mx - nx, my - ny, mz - nz
                keep = one - kept * kept / max(mx * mx + my * my + mz * mz, np.float32(1e-12))
                if keep > zero:
                    nx, ny, nz = nx + keep * mx, ny + keep * my, nz + keep * mz
                    size = one / np.sqrt(nx * nx + ny * ny + nz * nz)
                    nx, ny, nz = nx * size, ny * size, nz * size
            out[row, column, 0] = nx
            out[row, column, 1] = ny
            out[row, column, 2] = nz
