"""Rays from the places of a picture to a ball of light, through its depth map.

In the picture a ray is a straight line, and along it inverse depth is linear, wherever the light
stands. With P at (u, v) from the principal point and inverse depth w, and the light at (x, y, z),
it runs along (f x - u z, f y - v z, 1 - w z), for lights before, beside and behind the camera
alike; the light is reached after 1 / z of that if z > 0 and never otherwise. A ray that has gone
lambda of that vector is at the share lambda / w_ray of its way to the light.

A ray is stopped for certain where it passes through a surface that is seen: it changes sides
between neighbours that are one surface, or where it is in what is taken to be solid. Where it
passes behind that, it is stopped with the chance exp(-gap / thickness), for a thing that goes on
for `thickness` in the mean; of all that it passes the surest counts. What lies outside the frame
stops nothing.

Empty space is skipped in tiles: a ray that is in front of everything in a tile, or far behind it,
crosses the tile in one step.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane

TILE = 8
BEYOND = np.float32(6.0)
"""Gaps of so many thicknesses count as free: the chance is below 1 in 400."""
FOLDED_PX = np.float32(3.0)
"""Neighbours that part by no more than this many pixels' widths beyond their slope are one
surface."""
SIDE = 4
"""Pixels of a square of this side share the light's points among them."""


@njit(cache=True, nogil=True, parallel=True)
def slopes(inverse: Plane) -> tuple[Plane, Plane]:  # pragma: no cover - compiled
    """Slope of inverse depth per pixel, across and down: exact on planes, blind to outlines.

    The smaller of the steps to both sides, 0 where their signs differ (minmod); at the frame of
    the two steps next to it.
    """
    height, width = inverse.shape
    across, down = np.zeros_like(inverse), np.zeros_like(inverse)
    for row in prange(height):
        y = np.int64(row)  # prange counts unsigned, which with signed makes floats
        for x in range(width):
            if width > 2:
                m = min(max(x, 1), width - 2)
                a, b = inverse[y, m] - inverse[y, m - 1], inverse[y, m + 1] - inverse[y, m]
                if a * b > 0:
                    across[y, x] = a if abs(a) < abs(b) else b
            if height > 2:
                m = min(max(y, 1), height - 2)
                a, b = inverse[m, x] - inverse[m - 1, x], inverse[m + 1, x] - inverse[m, x]
                if a * b > 0:
                    down[y, x] = a if abs(a) < abs(b) else b
    return across, down


@njit(cache=True, nogil=True, parallel=True)
def tiles(
    inverse: Plane, across: Plane, down: Plane, solid: Plane, thick: Plane
) -> tuple[Plane, Plane]:  # pragma: no cover - compiled
    """Of every tile the inverse depth of its nearest front and of its farthest back."""
    height, width = inverse.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    nearest = np.zeros((rows, columns), np.float32)
    farthest = np.full((rows, columns), np.float32(np.inf))
    for number in prange(rows):
        j = np.int64(number)
        for y in range(j * TILE, min(j * TILE + TILE, height)):
            for x in range(width):
                rise = np.float32(0.5) * (abs(across[y, x]) + abs(down[y, x]))
                front = inverse[y, x] + rise
                back = (inverse[y, x] - rise) / (1 + solid[y, x] + BEYOND * thick[y, x])
                nearest[j, x // TILE] = max(nearest[j, x // TILE], front)
                farthest[j, x // TILE] = min(farthest[j, x // TILE], back)
    return nearest, farthest


@njit(cache=True, nogil=True, error_model="numpy")
def _blocked(
    inverse: Plane,
    across: Plane,
    down: Plane,
    solid: Plane,
    thick: Plane,
    nearest: Plane,
    farthest: Plane,
    x: int,
    y: int,
    own: np.float32,
    dx: np.float32,
    dy: np.float32,
    dw: np.float32,
    steps: np.float32,
    pixel: np.float32,
    doubt: tuple[np.float32, np.float32, np.float32],
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """The chance that a ray is stopped, and after how many steps.

    pixel : a pixel's width as a share of its distance; doubt : see `march`
    """
    height, width = inverse.shape
    clear, tilt, most = doubt
    folded = FOLDED_PX * pixel
    half, one, zero = np.float32(0.5), np.float32(1), np.float32(0)
    blocked, place = zero, zero
    k = one
    before, behind = own, zero
    while k < steps:
        px, py = np.float32(x) + half + k * dx, np.float32(y) + half + k * dy
        if px < 0 or py < 0 or px >= width or py >= height:
            break
        j, i = int(py) // TILE, int(px) // TILE
        # Steps until the ray leaves the tile.
        run = np.float32(2 * TILE)
        if dx > 0:
            run = min(run, (np.float32((i + 1) * TILE) - px) / dx)
        elif dx < 0:
            run = min(run, (np.float32(i * TILE) - px) / dx)
        if dy > 0:
            run = min(run, (np.float32((j + 1) * TILE) - py) / dy)
        elif dy < 0:
            run = min(run, (np.float32(j * TILE) - py) / dy)
        until = k + np.float32(np.floor(run)) + one
        here, there = own + k * dw, own + (until - one) * dw
        if min(here, there) > nearest[j, i] or max(here, there) < farthest[j, i]:
            k, behind = until, zero
            continue
        until = min(until, steps)
        while k < until:
            px, py = np.float32(x) + half + k * dx, np.float32(y) + half + k * dy
            column, row = min(max(int(px), 0), width - 1), min(max(int(py), 0), height - 1)
            front = inverse[row, column]
            gx, gy = across[row, column], down[row, column]
            surface = front + gx * (px - np.float32(column) - half)
            surface += gy * (py - np.float32(row) - half)
            ray = own + k * dw
            under = surface - ray
            away = k * pixel + abs(ray - own) / max(ray, np.float32(1e-12))
            least = min(clear + tilt * away, most) * surface
            chance = zero
            if under > least:
                gap = max(under - 2 * least, zero) / max(ray, np.float32(1e-12))
                gap = max(gap - solid[row, column], zero) / thick[row, column]
                if gap < BEYOND:
                    chance = np.exp(-gap) * min((under - least) / least, one)
            if behind * under < 0 and abs(under) > least:
                rise = abs(gx * dx + gy * dy)
                if abs(surface - before) <= np.float32(1.5) * rise + folded * surface:
                    chance = one
            if chance > blocked:
                blocked, place = chance, k
                if blocked >= np.float32(0.99):
                    return one, place
            before, behind = surface, under
            k += one
    return blocked, place


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def march(
    inverse: Plane,
    across: Plane,
    down: Plane,
    solid: Plane,
    thick: Plane,
    nearest: Plane,
    farthest: Plane,
    focal: float,
    cx: float,
    cy: float,
    light: NDArray[np.float64],
    radius: float,
    disc: NDArray[np.float64],
    order: NDArray[np.int64],
    doubt: tuple[np.float32, np.float32, np.float32],
    starts: Plane,
) -> tuple[Plane, Plane]:  # pragma: no cover - compiled
    """Share of the ball that each pixel sees by its own points, and the width of its penumbra.

    light : (3,) its middle; radius : of the ball
    disc : (SIDE * SIDE, K, 2) points of the unit disc that the ball shows, K for a pixel
    order : (SIDE, SIDE) which of them a pixel takes
    doubt : how far a ray may lie under a surface for nothing, as a share of inverse depth: close
        by, more for each share of the distance that it has gone, and at most
    starts : (H, W) inverse depth of the places that rays come from
    Returns (H, W) float32 twice: 0..1, and pixels (0: nothing in the way)
    """
    height, width = inverse.shape
    seen, soft = np.ones((height, width), np.float32), np.zeros((height, width), np.float32)
    pixel = np.float32(1.0 / focal)
    count = disc.shape[1]
    for number in prange(height):
        y = np.int64(number)
        for x in range(width):
            own = starts[y, x]
            if own <= 0:
                continue
            u, v = x + 0.5 - cx, y + 0.5 - cy
            z = 1.0 / own
            ax, ay, az = light[0] - u / focal * z, light[1] - v / focal * z, light[2] - z
            far = np.sqrt(ax * ax + ay * ay + az * az)
            if far == 0:
                continue
            ax, ay, az = ax / far, ay / far, az / far
            # Two directions across, after T. Duff et al., "Building an Orthonormal Basis,
            # Revisited", JCGT 6(1), 2017.
            sign = 1.0 if az >= 0 else -1.0
            a = -1.0 / (sign + az)
            b = ax * ay * a
            lost, widest = np.float32(0), np.float32(0)
            which = order[y % SIDE, x % SIDE]
            for n in range(count):
                p, q = radius * disc[which, n, 0], radius * disc[which, n, 1]
                lx = light[0] + p * (1 + sign * ax * ax * a) + q * b
                ly = light[1] + p * sign * b + q * (sign + ay * ay * a)
                lz = light[2] - p * sign * ax - q * ay
                to_x, to_y, to_w = focal * lx - u * lz, focal * ly - v * lz, 1 - lz * own
                length = max(abs(to_x), abs(to_y))
                if not length > 0:
                    continue
                steps = np.float32(min(length / lz, 1e6)) if lz > 0 else np.float32(1e6)
                dw = np.float32(to_w / length)
                chance, place = _blocked(
                    inverse, across, down, solid, thick, nearest, farthest, x, y, own,
                    np.float32(to_x / length), np.float32(to_y / length), dw, steps,
                    pixel, doubt,
                )  # fmt: skip
                lost += chance
                if chance > 0:
                    share = place / (length * (own + place * dw))
                    share = min(max(share, 0.0), 0.999)
                    wide = 2 * radius * share / (1 - share) * focal * own
                    widest = max(widest, np.float32(min(wide, 1e4)))
            seen[y, x] = 1 - lost / np.float32(count)
            soft[y, x] = widest
    return seen, soft
