"""Numbers that look like chance but belong to a place: the grain of every texture.

Value noise with its gradient: Quilez, "Value noise derivatives", 2008.
"""

from __future__ import annotations

import math

from depthfx.training.scenes.vectors import Vector, kernel, plus

A, B, C = 374761393, 668265263, 1274126177
"""Odd factors that keep whole coordinates apart."""


@kernel
def mixed(h: int) -> float:
    """A number in [0, 1) that depends on a whole number in no visible way."""
    h = (h ^ ((h >> 15) & 0x1FFFF)) * 0x2C1B3C6D
    h = (h ^ ((h >> 12) & 0xFFFFF)) * 0x297A2D39
    return ((h >> 15) & 0xFFFFFF) / 16777216.0


@kernel
def scatter(x: int, y: int, z: int) -> float:
    """The same of three whole numbers."""
    return mixed(x * A + y * B + z * C)


@kernel
def noise(x: float, y: float, z: float, seed: int) -> tuple[float, Vector]:
    """Smooth noise in [-1, 1] with one lump a unit, and its gradient."""
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - i, y - j, z - k
    du, dv, dw = 6 * u * (1 - u), 6 * v * (1 - v), 6 * w * (1 - w)
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    near = i * A + j * B + k * C + seed * 40503
    far = near + C
    a, b, c, d = mixed(near), mixed(near + A), mixed(near + B), mixed(near + A + B)
    e, f, g, h = mixed(far), mixed(far + A), mixed(far + B), mixed(far + A + B)
    # Trilinear interpolation as a polynomial in u, v, w.
    p1, p2, p3 = b - a, c - a, e - a
    p4, p5, p6 = a - b - c + d, a - c - e + g, a - b - e + f
    p7 = b + c + e + h - a - d - f - g
    value = a + p1 * u + p2 * v + p3 * w + p4 * u * v + p5 * v * w + p6 * w * u + p7 * u * v * w
    return 2 * value - 1, (
        2 * du * (p1 + p4 * v + p6 * w + p7 * v * w),
        2 * dv * (p2 + p5 * w + p4 * u + p7 * w * u),
        2 * dw * (p3 + p6 * u + p5 * v + p7 * u * v),
    )


@kernel
def rough(at: Vector, lump: float, finest: float, rest: float, seed: int) -> tuple[float, Vector]:
    """Noise of lumps from `lump` metres down to `finest`, each half as large as the one before
    and `rest` times as strong; value about within [-1, 1], and slope in halves of a lump."""
    value, slope = 0.0, (0.0, 0.0, 0.0)
    strength, size = 1.0, lump
    for octave in range(7):
        if size < finest:
            break
        # Lumps near the limit fade, so that no octave ends at a line in the picture.
        share = strength * min(1.0, size / finest - 1)
        n, gradient = noise(at[0] / size, at[1] / size, at[2] / size, seed + 17 * octave)
        value += share * n
        slope = plus(slope, 0.5 * share * lump / size, gradient)
        strength *= rest
        size *= 0.5
    return value, slope
