"""The light on what every pixel's middle shows: shadows, surroundings, mirrored things."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes.light import (
    LIFT_M,
    Stage,
    around,
    arriving,
    power,
    sees_lamp,
    towards,
)
from depthfx.training.scenes.noise import scatter
from depthfx.training.scenes.paint import GLOSS
from depthfx.training.scenes.solids import BLADES, CUTOUT, LEAF
from depthfx.training.scenes.vectors import Vector, dot, kernel, length, mix, plus, times, unit

SHADOW_RAYS = 6
"""More rays to a lamp where the first ones around a pixel disagree."""
DIM = 0.03
"""A lamp that gives less than this share of the ambient light is not asked for shadow."""
CLAMP = 8.0
"""No ray from the surroundings counts for more than this many times their median."""
POLISHED = 0.7
"""Surfaces with this gloss mirror sharply."""


class Seen(NamedTuple):
    """What the middles of the pixels show, and from where."""

    rays: NDArray[np.float64]
    """(12,) `cast.view_of`."""
    ids: NDArray[np.int32]
    """(H, W) shape, -1 for the sky."""
    depth: NDArray[np.float64]
    """(H, W) metres along the optical axis."""
    normals: NDArray[np.float64]
    """(H, W, 3) in the world, on the side that is seen."""


class Lighting(NamedTuple):
    """The light found for each pixel's middle."""

    lit: NDArray[np.float32]
    """(H, W, L) share of each lamp in view."""
    gathered: NDArray[np.float32]
    """(H, W, 3) irradiance by all that is not a lamp."""
    mirrored: NDArray[np.float32]
    """(H, W, 3) radiance from the mirrored direction, where the surface shines."""


@kernel
def ray(view: NDArray, x: float, y: float) -> Vector:
    """Direction through the point (x, y) of the picture, in pixels from its corner."""
    return (
        view[3] + x * view[6] + y * view[9],
        view[4] + x * view[7] + y * view[10],
        view[5] + x * view[8] + y * view[11],
    )


@kernel
def eye(view: NDArray) -> Vector:
    return view[0], view[1], view[2]


@kernel
def _normal(seen: Seen, row: int, col: int) -> Vector:
    return seen.normals[row, col, 0], seen.normals[row, col, 1], seen.normals[row, col, 2]


@kernel
def drawn(col: int, row: int, k: int, seed: int) -> tuple[float, float]:
    """Two numbers in [0, 1) that neighbouring pixels, and turns `k`, spread evenly.

    Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences", 2018: each number runs
    over the pixels in the steps of his sequence in two dimensions, or in its square.
    """
    p = 0.7548776662466927 * col + 0.5698402909980532 * row + 0.6180339887498949 * (k + seed)
    q = 0.8191725133961645 * row + 0.6710436067037893 * col + 0.4142135623730951 * (k + 3 * seed)
    return p - math.floor(p), q - math.floor(q)


@kernel
def in_light(stage: Stage, i: int, k: int, o: Vector, n: Vector, p: float, q: float) -> float:
    """1 if the drawn point of lamp `k` shines on shape `i` at `o`, 0 if it does not."""
    lamps = stage.lights.lamps
    d, away = towards(lamps, k, o)
    side = dot(n, d)
    if side <= 0:
        cutout = int(stage.table[i, CUTOUT])
        if cutout != LEAF and cutout != BLADES:
            return 0.0
        n = times(-1.0, n)
    if abs(side) * power(lamps, k, away) * lamps[k, 5] < DIM * stage.lights.ambient[1]:
        return 1.0
    return 1.0 if sees_lamp(stage, k, plus(o, LIFT_M, n), p, q) else 0.0


@kernel
def _mixed_around(values: NDArray, ids: NDArray, row: int, col: int) -> bool:
    """Whether the nine pixels around one differ."""
    height, width = ids.shape
    for r in range(max(row - 1, 0), min(row + 2, height)):
        for c in range(max(col - 1, 0), min(col + 2, width)):
            if ids[r, c] >= 0 and values[r, c] != values[row, col]:
                return True
    return False


@kernel
def _partly(stage: Stage, seen: Seen, row: int, col: int, k: int, seed: int) -> float:
    """Share of lamp `k` that a pixel sees, from several points of it."""
    n = _normal(seen, row, col)
    middle = ray(seen.rays, col + 0.5, row + 0.5)
    t = seen.depth[row, col]
    share = 0.0
    for m in range(SHADOW_RAYS):
        p, q = drawn(col, row, m + 11 * k, seed)
        d = ray(seen.rays, col + (m + 0.5) / SHADOW_RAYS, row + p)
        # The point of the plane through the middle that this part of the pixel shows.
        slant = dot(n, middle) / min(dot(n, d), -1e-6)
        at = plus(eye(seen.rays), t * min(max(slant, 0.9), 1.1), d)
        share += in_light(stage, seen.ids[row, col], k, at, n, q, p) / SHADOW_RAYS
    # So few rays are as good as chance where next to none or all arrive: lean to the ends.
    return share * share * (3 - 2 * share)


@kernel
def _shadows(stage: Stage, seen: Seen, seed: int, lit: NDArray) -> None:
    """Fill `Lighting.lit`: one ray a pixel, then more where neighbours disagree."""
    height, width, lamps = lit.shape
    first = np.zeros((height, width), np.float32)
    for k in range(lamps):
        for row in range(height):
            for col in range(width):
                i = seen.ids[row, col]
                if i >= 0:
                    d = ray(seen.rays, col + 0.5, row + 0.5)
                    at = plus(eye(seen.rays), seen.depth[row, col], d)
                    p, q = drawn(col, row, 11 * k, seed)
                    first[row, col] = in_light(stage, i, k, at, _normal(seen, row, col), p, q)
        for row in range(height):
            for col in range(width):
                lit[row, col, k] = first[row, col]
                if seen.ids[row, col] >= 0 and _mixed_around(first, seen.ids, row, col):
                    lit[row, col, k] = _partly(stage, seen, row, col, k, seed)


@kernel
def _surroundings(
    stage: Stage, seen: Seen, seed: int, gathered: NDArray, mirrored: NDArray
) -> None:
    """Light from one drawn direction a pixel, and from the mirrored one where it shines."""
    height, width = seen.ids.shape
    for row in range(height):
        for col in range(width):
            i = seen.ids[row, col]
            if i < 0:
                continue
            d = ray(seen.rays, col + 0.5, row + 0.5)
            n = _normal(seen, row, col)
            o = plus(plus(eye(seen.rays), seen.depth[row, col], d), LIFT_M, n)
            p, q = drawn(col, row, 5, seed)
            s, t = scatter(col, row, seed), scatter(col, row, seed + 1)
            out = around(n, p, q)
            gathered[row, col] = arriving(stage, o, out, s, t, False)
            gloss = stage.paints[i, GLOSS]
            if gloss > 0.02:
                d = unit(d)
                back = plus(d, -2 * dot(d, n), n)
                # The less polished, the more its directions spread.
                back = unit(mix(back, out, 0.6 * max(POLISHED - gloss, 0.0)))
                mirrored[row, col] = arriving(stage, o, back, s, t, True)


@kernel
def _soften(seen: Seen, step: int, values: NDArray, out: NDArray) -> None:
    """Mean over 5 x 5 pixels, `step` apart, of those on about the same plane.

    Dammertz et al., "Edge-avoiding A-Trous Wavelet Transform for fast Global Illumination
    Filtering", 2010, with normal and plane in place of their weights.
    """
    height, width = seen.ids.shape
    pixel = length((seen.rays[6], seen.rays[7], seen.rays[8]))
    for row in range(height):
        for col in range(width):
            if seen.ids[row, col] < 0:
                continue
            n = _normal(seen, row, col)
            d = ray(seen.rays, col + 0.5, row + 0.5)
            t = seen.depth[row, col]
            plane = t * dot(d, n)
            slack = 1.5 * step * t * pixel
            total, light = 0.0, (0.0, 0.0, 0.0)
            for r in range(row - 2 * step, row + 2 * step + 1, step):
                for c in range(col - 2 * step, col + 2 * step + 1, step):
                    if r < 0 or r >= height or c < 0 or c >= width or seen.ids[r, c] < 0:
                        continue
                    if dot(n, _normal(seen, r, c)) < 0.9:
                        continue
                    there = seen.depth[r, c] * dot(ray(seen.rays, c + 0.5, r + 0.5), n)
                    if abs(there - plane) < slack:
                        total += 1.0
                        light = plus(
                            light, 1.0, (values[r, c, 0], values[r, c, 1], values[r, c, 2])
                        )
            for a in range(3):
                out[row, col, a] = light[a] / total


def softened(seen: Seen, step: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 3) values averaged along the surfaces; see `_soften`."""
    out = np.zeros_like(values)
    _soften(seen, step, values, out)
    return out


def _clamped(values: NDArray[np.float32], among: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W, 3) radiances, none above `CLAMP` times the median `among` them."""
    if not among.any():
        return values
    bright = values.max(2, keepdims=True)
    limit = np.float32(CLAMP * max(float(np.median(bright[among])), 0.05))
    return values * (limit / np.maximum(bright, limit))


def illuminate(stage: Stage, seen: Seen, seed: int) -> Lighting:
    """Find the light on what the pixels' middles show."""
    shape = seen.ids.shape
    lit = np.zeros((*shape, len(stage.lights.lamps)), np.float32)
    _shadows(stage, seen, seed, lit)
    gathered, mirrored = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.float32)
    _surroundings(stage, seen, seed, gathered, mirrored)
    gathered = _clamped(gathered, seen.ids >= 0)
    for step in (1, 2, 4):
        gathered = softened(seen, step, gathered)
    # A polished surface mirrors sharply, the others are as good as out of focus.
    blurred = softened(seen, 2, softened(seen, 1, _clamped(mirrored, mirrored.max(2) > 0)))
    polished = (stage.paints[seen.ids, GLOSS] > POLISHED)[..., None]
    return Lighting(lit, gathered, np.where(polished, mirrored, blurred))
