"""A grid of inverse depth as few triangles: large where it is flat, small where it is not.

Right triangles are halved from the apex to the middle of the longest side until the middles of the
sides stray less than asked for. Both triangles at a side are halved together, as an error is never
less than those of what it leads to, so that there are no cracks. Inverse depth is affine over a
plane however it lies, so that a wall is two triangles a tile.

W. Evans, D. Kirkpatrick, G. Townsend, "Right-triangulated irregular networks", Algorithmica 30,
2001; P. Lindstrom, V. Pascucci, "Visualization of large terrains made easy", IEEE Visualization
2001 (errors that grow towards the root).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane

Mask = NDArray[np.bool_]
Faces = NDArray[np.int32]
Floats = NDArray[np.float64]

TILE = 64
"""Intervals a side of the largest square; a power of two."""
FLAT = 1e-4
"""Share of the distance that no depth map knows: what strays less is flat."""
STEPS = 12
"""Halvings of the range in which the tolerance for a number of faces is looked for."""


def decimated(inverse: Plane, whole: Mask, valid: Mask, tile: int, count: int) -> Faces | None:
    """At most `count` triangles over a grid; None if it takes more to leave `whole` quads whole.

    (F, 3) int32, flat indices into the grid; counter-clockwise as seen.

    inverse : (tile * m + 1, tile * n + 1) float32, above 0 where `valid`
    whole : (tile * m, tile * n) bool, quads that end up as two triangles, whatever that takes
    valid : (tile * m + 1, tile * n + 1) bool; triangles with no valid corner are left out, those
        with some stand in `whole` quads
    """
    errors = split_errors(inverse, whole, tile)
    nothing = np.empty((0, 3), np.int32)

    def number(tolerance: float) -> int:
        return int(_triangulate(errors, valid, tile, np.float32(tolerance), nothing))

    low, high = FLAT, 1.0
    if number(high) > count:
        return None
    if number(low) <= count:
        high = low
    else:
        for _ in range(STEPS):
            middle = (low * high) ** 0.5
            low, high = (low, middle) if number(middle) <= count else (middle, high)
    faces = np.empty((number(high), 3), np.int32)
    _triangulate(errors, valid, tile, np.float32(high), faces)
    return faces


def strayed(places: Floats, inverse: Floats, faces: Faces, depth: Plane) -> Plane:
    """How far inverse depth strays from triangles over it.

    places : (V, 2) float64 px, pixel centres at +0.5; `inverse` : (V,) float64 at them
    faces : (F, 3) int32
    depth : (H, W) float32 inverse depth, 0 where there is none
    returns : (H, W) float32, as a share of the distance; NaN where there is no triangle
    """
    out = np.full(depth.shape, np.nan, np.float32)
    _stray(places, inverse, faces, depth, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def split_errors(inverse: Plane, whole: Mask, tile: int) -> Plane:  # pragma: no cover - compiled
    """(H, W) float32: tolerance below which a vertex is needed, infinite about `whole` quads."""
    height, width = inverse.shape
    out = np.zeros((height, width), np.float32)
    for y in range(height - 1):
        for x in range(width - 1):
            if whole[y, x]:
                # The two corners of a quad that halve a side: they bring all else that it needs.
                if (x + y) & 1:
                    out[y, x] = out[y + 1, x + 1] = np.inf
                else:
                    out[y, x + 1] = out[y + 1, x] = np.inf
    side = 2
    while side <= tile:
        half, quarter = side // 2, side // 4
        # Middles of the squares' sides, after the centres of the four quarter squares about them.
        for y in range(0, height, half):
            shift = half if (y // half) % 2 == 0 else 0
            for x in range(shift, width, side):
                dy, dx = (0, half) if shift else (half, 0)
                error = max(out[y, x], _bend(inverse, y, x, dy, dx))
                if quarter:
                    for v in (y - quarter, y + quarter):
                        for u in (x - quarter, x + quarter):
                            if 0 <= v < height and 0 <= u < width:
                                error = max(error, out[v, u])
                out[y, x] = error
        # Centres of the squares, after the middles of their sides.
        for y in range(half, height, side):
            for x in range(half, width, side):
                down = half if (y // side + x // side) % 2 == 0 else -half
                error = max(out[y, x], _bend(inverse, y, x, down, half))
                error = max(error, out[y - half, x], out[y + half, x])
                out[y, x] = max(error, out[y, x - half], out[y, x + half])
        side *= 2
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _bend(
    inverse: Plane, y: int, x: int, dy: int, dx: int
) -> np.float32:  # pragma: no cover - compiled
    """How far a vertex strays from half way between two others, as a share."""
    a, b, own = inverse[y - dy, x - dx], inverse[y + dy, x + dx], inverse[y, x]
    middle = np.float32(0.5) * (a + b)
    most = min(own, middle)
    return abs(own - middle) / most if most > 0 else np.float32(0)


@njit(cache=True, nogil=True)
def _triangulate(
    errors: Plane, valid: Mask, tile: int, tolerance: np.float32, faces: Faces
) -> int:  # pragma: no cover - compiled
    """The number of triangles with a valid corner; fills `faces` as far as it reaches."""
    height, width = errors.shape
    stack = np.empty((64, 6), np.int32)
    count = 0
    for top in range(0, height - 1, tile):
        for left in range(0, width - 1, tile):
            for half in range(2):
                # From end to end of the longest side, then the apex.
                if (top // tile + left // tile) % 2 == 0:
                    ya, xa, yb, xb = top, left, top + tile, left + tile
                    yc, xc = (top + tile, left) if half else (top, left + tile)
                else:
                    ya, xa, yb, xb = top + tile, left, top, left + tile
                    yc, xc = (top, left) if half else (top + tile, left + tile)
                if not _turns_left(ya, xa, yb, xb, yc, xc):
                    ya, xa, yb, xb = yb, xb, ya, xa
                stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = ya, xa, yb, xb
                stack[0, 4], stack[0, 5] = yc, xc
                n = 1
                while n:
                    n -= 1
                    ya, xa, yb, xb, yc, xc = stack[n]
                    if (ya + yb) % 2 == 0 and (xa + xb) % 2 == 0:
                        ym, xm = (ya + yb) // 2, (xa + xb) // 2
                        if errors[ym, xm] > tolerance:
                            stack[n, 0], stack[n, 1], stack[n, 2], stack[n, 3] = yc, xc, ya, xa
                            stack[n, 4], stack[n, 5] = ym, xm
                            n += 1
                            stack[n, 0], stack[n, 1], stack[n, 2], stack[n, 3] = yb, xb, yc, xc
                            stack[n, 4], stack[n, 5] = ym, xm
                            n += 1
                            continue
                    if valid[ya, xa] or valid[yb, xb] or valid[yc, xc]:
                        if count < len(faces):
                            faces[count, 0] = ya * width + xa
                            faces[count, 1] = yb * width + xb
                            faces[count, 2] = yc * width + xc
                        count += 1
    return count


@njit(cache=True, nogil=True)
def _turns_left(
    ya: int, xa: int, yb: int, xb: int, yc: int, xc: int
) -> bool:  # pragma: no cover - compiled
    """Whether a to b to c turns left where x is right and y is down: counter-clockwise as seen."""
    return (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa) < 0


@njit(cache=True, nogil=True, error_model="numpy")
def _stray(
    places: Floats, inverse: Floats, faces: Faces, depth: Plane, out: Plane
) -> None:  # pragma: no cover - compiled
    """Fill in the pixels whose centres the triangles cover."""
    height, width = depth.shape
    for n in range(len(faces)):
        i, j, k = faces[n, 0], faces[n, 1], faces[n, 2]
        xa, ya = places[i, 0] - 0.5, places[i, 1] - 0.5
        xb, yb = places[j, 0] - 0.5 - xa, places[j, 1] - 0.5 - ya
        xc, yc = places[k, 0] - 0.5 - xa, places[k, 1] - 0.5 - ya
        double = xb * yc - yb * xc
        if double == 0:
            continue
        top, bottom = ya + min(0.0, yb, yc), ya + max(0.0, yb, yc)
        left, right = xa + min(0.0, xb, xc), xa + max(0.0, xb, xc)
        for y in range(max(math.ceil(top), 0), min(math.floor(bottom), height - 1) + 1):
            for x in range(max(math.ceil(left), 0), min(math.floor(right), width - 1) + 1):
                s = ((x - xa) * yc - (y - ya) * xc) / double
                t = (xb * (y - ya) - yb * (x - xa)) / double
                if s < 0 or t < 0 or s + t > 1 or depth[y, x] <= 0:
                    continue
                on = inverse[i] + s * (inverse[j] - inverse[i]) + t * (inverse[k] - inverse[i])
                out[y, x] = abs(depth[y, x] / on - 1)
