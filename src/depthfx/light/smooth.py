"""From rays that differ between neighbours to smooth shadows, and from a small grid to a large."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from depthfx.depth import Plane
from depthfx.light.march import SIDE


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def gathered(
    seen: Plane,
    soft: Plane,
    inverse: Plane,
    across: Plane,
    down: Plane,
    like: np.float32,
    spacing: int,
) -> Plane:  # pragma: no cover - compiled
    """`seen` averaged over squares of `SIDE` pixels, `spacing` apart, of the same surface.

    Every such square holds each of the light's points once. Where penumbras are narrower than
    the square, the square is left alone in proportion.

    soft : (H, W) float32, penumbras in pixels
    like : share of inverse depth by which places of one surface are off its plane
    """
    height, width = seen.shape
    out = np.empty((height, width), np.float32)
    one = np.float32(1)
    least = np.float32(SIDE * spacing)
    for number in prange(height):
        y = np.int64(number)
        for x in range(width):
            own, gx, gy = inverse[y, x], across[y, x], down[y, x]
            total, weights, wide = np.float32(0), np.float32(0), np.float32(0)
            # Five places, the outer two by half: four places about a middle.
            for j in range(-2, 3):
                v = y + j * spacing
                if not 0 <= v < height:
                    continue
                for i in range(-2, 3):
                    u = x + i * spacing
                    if not 0 <= u < width:
                        continue
                    away = inverse[v, u] - own - np.float32(i * spacing) * gx
                    away -= np.float32(j * spacing) * gy
                    weight = one - abs(away) / (like * own * np.float32(spacing))
                    if not weight > 0:
                        continue
                    if abs(i) == 2:
                        weight *= np.float32(0.5)
                    if abs(j) == 2:
                        weight *= np.float32(0.5)
                    total += weight * seen[v, u]
                    wide += weight * soft[v, u]
                    weights += weight
            if not weights > 0:
                out[y, x] = seen[y, x]
                continue
            share = min(wide / weights / least, one)
            out[y, x] = seen[y, x] + share * (total / weights - seen[y, x])
    return out


@njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def enlarged(
    small: Plane,
    inverse: Plane,
    across: Plane,
    down: Plane,
    large: Plane,
    place: tuple[float, float, float, float],
    like: np.float32,
) -> Plane:  # pragma: no cover - compiled
    """`small` (h, w) for all pixels of `large` (H, W).

    inverse, across, down : depth and slopes on the small grid; large : depth on the large one
    place : scale and start, across and down: column x of the large grid is at x * scale + start
        of the small one
    like : share of inverse depth by which places of one surface are off its plane
    Each pixel takes the mean of the four places around it, those before all whose surface, gone
    on with its slope, is at its own depth.
    """
    height, width = large.shape
    h, w = small.shape
    out = np.empty((height, width), np.float32)
    tiny = np.float32(1e-4)
    scale_x, start_x = np.float32(place[0]), np.float32(place[1])
    scale_y, start_y = np.float32(place[2]), np.float32(place[3])
    for number in prange(height):
        y = np.int64(number)
        b = np.float32(y) * scale_y + start_y
        top = min(max(int(np.floor(b)), 0), h - 1)
        low = min(top + 1, h - 1)
        fy = min(max(b - np.float32(top), np.float32(0)), np.float32(1))
        for x in range(width):
            a = np.float32(x) * scale_x + start_x
            left = min(max(int(np.floor(a)), 0), w - 1)
            right = min(left + 1, w - 1)
            fx = min(max(a - np.float32(left), np.float32(0)), np.float32(1))
            own = large[y, x]
            total, weights = np.float32(0), np.float32(0)
            for n in range(4):
                v, u = (top if n < 2 else low), (left if n % 2 == 0 else right)
                weight = (np.float32(1) - fy if n < 2 else fy) * (
                    np.float32(1) - fx if n % 2 == 0 else fx
                )
                there = inverse[v, u] + across[v, u] * (a - np.float32(u))
                there += down[v, u] * (b - np.float32(v))
                away = abs(there - own) / (like * max(own, np.float32(1e-12)))
                weight = (weight + tiny) / (np.float32(1) + away * away * away * away)
                total += weight * small[v, u]
                weights += weight
            out[y, x] = total / weights if weights > 0 else np.float32(1)
    return out
