"""What a surface looks like at a point: colour, gloss and the small slopes that shade it.

Patterns lie along the surface in metres; over each lies noise of many sizes (dirt, wear,
grain), because nothing in a photo is one flat colour. Noise finer than the pixel is left out.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes.noise import rough, scatter
from depthfx.training.scenes.solids import BLADES, CELL, CUTOUT, LEAF, SEED, leaf_at
from depthfx.training.scenes.vectors import Vector, kernel, mix, times
from depthfx.training.scenes.world import Shape, Texture

Paints = NDArray[np.float64]
"""(N, 11), one row a shape: linear albedo of the pattern's one part (0 to 2) and of its other
(3 to 5), and the columns below."""
TEXTURE, SCALE, GLOSS, GLOW, SUBJECT = 6, 7, 8, 9, 10

PLAIN, CHECKS, STRIPES = int(Texture.PLAIN), int(Texture.CHECKS), int(Texture.STRIPES)
BRICKS, WINDOWS, NOISE = int(Texture.BRICKS), int(Texture.WINDOWS), int(Texture.NOISE)
WOOD, TILES, FABRIC = int(Texture.WOOD), int(Texture.TILES), int(Texture.FABRIC)
SPECKLE, GRASS, SKIN = int(Texture.SPECKLE), int(Texture.GRASS), int(Texture.SKIN)
PICTURE = int(Texture.PICTURE)

LUMP, CONTRAST, SLOPE = 0, 1, 2
WEAR = np.zeros((len(Texture), 3))
"""Of each texture the largest lump of its wear in metres, its contrast and its relief."""
WEAR[:] = 0.6, 0.07, 0.008
WEAR[[WOOD, TILES]] = 0.3, 0.08, 0.01
WEAR[[NOISE, SPECKLE]] = 0.3, 0.16, 0.03
WEAR[BRICKS] = 0.12, 0.14, 0.06
WEAR[FABRIC] = 0.25, 0.07, 0.05
WEAR[GRASS] = 0.15, 0.2, 0.2
WEAR[SKIN] = 0.02, 0.03, 0.012
WEAR[PICTURE] = 0.3, 0.03, 0.005


def pack(shapes: list[Shape]) -> Paints:
    """The surfaces as a table."""
    rows = [
        (
            *np.clip([*look.colour, *look.other], 0, 1),
            look.texture,
            max(look.scale_m, 1e-4),
            min(max(look.gloss, 0.0), 1.0),
            look.glow,
            shape.subject,
        )
        for shape, look in ((shape, shape.surface) for shape in shapes)
    ]
    return np.array(rows, np.float64)


@kernel
def smooth(texture: int) -> bool:
    """Whether a texture has no hard lines, so that one look at a pixel is enough."""
    return texture in (PLAIN, NOISE, GRASS, SKIN)


@kernel
def _gap(p: float, width: float) -> bool:
    """Whether a coordinate lies at the border of its cell, `width` of the cell wide."""
    return abs(p - math.floor(p) - 0.5) > 0.5 - 0.5 * width


@kernel
def _window(p: float, q: float, seed: int) -> Vector:
    """A house front with one window in each unit square."""
    i, j = math.floor(p), math.floor(q)
    a, b = p - i, q - j
    if not (0.22 < a < 0.78 and 0.2 < b < 0.82):
        ledge = 0.82 <= b < 0.86 and 0.19 < a < 0.81
        return 0.0, 1.25 if ledge else 1.0, 1.0
    if a < 0.25 or a > 0.75 or b < 0.23 or b > 0.79 or abs(a - 0.5) < 0.012:
        return 0.0, 1.5, 0.5
    one = scatter(i, j, seed)
    blind = one > 0.6 and b < 0.23 + 0.5 * scatter(i, j, seed + 5)
    return 1.0, 2.2 if blind else 0.5 + 0.8 * one, 4.0


@kernel
def _planks(u: float, v: float, z: float, scale: float, finest: float, seed: int) -> Vector:
    """Wood: rings cut lengthwise, in planks beside each other."""
    plank = math.floor(v / (0.6 * scale))
    shift = 9 * scatter(plank, 1, seed)
    ring, _ = rough((0.12 * u + shift, v + shift, 0.3 * z), 0.25 * scale, finest, 0.55, seed)
    grain = 0.5 + 0.5 * math.sin(14 * ring + 5 * v / scale)
    seam = scale > 4 * finest and _gap(v / (0.6 * scale), 0.02)
    return 0.7 * grain, 0.45 if seam else 0.85 + 0.3 * scatter(plank, 2, seed), 1.0


@kernel
def _pebbles(p: float, q: float, seed: int) -> Vector:
    """Round grains of many sizes in a ground."""
    i, j = math.floor(p), math.floor(q)
    best, tone = 9.0, 0.0
    for m in range(i - 1, i + 2):
        for n in range(j - 1, j + 2):
            one = scatter(m, n, seed)
            x, y = p - m - scatter(m, n, seed + 1), q - n - scatter(m, n, seed + 2)
            reach = math.sqrt(x * x + y * y) / (0.3 + 0.7 * one)
            if reach < best:
                best, tone = reach, one
    return 1.0 if best < 0.5 else 0.0, 0.75 + 0.5 * tone, 1.0


@kernel
def pattern(
    texture: int, p: Vector, u: float, v: float, scale: float, finest: float, seed: int
) -> Vector:
    """Share of the other colour, a factor on the brightness, a factor on the gloss.

    `p` is the own point, (u, v) the place along the surface. Where a pattern is finer than
    `finest` metres it is its mean.
    """
    if texture == PLAIN:
        return 0.0, 1.0, 1.0
    if texture == NOISE:
        share, _ = rough(p, scale, finest, 0.6, seed + 91)
        return min(max(0.5 + 0.8 * share, 0.0), 1.0), 1.0, 1.0
    if texture == GRASS:
        share, _ = rough(p, 2 * scale, finest, 0.7, seed + 91)
        blade, _ = rough((3 * p[0], p[1], p[2]), 0.03, finest, 0.8, seed + 5)
        share = min(max(0.5 + 0.7 * share + 0.3 * blade, 0.0), 1.0)
        return share, max(0.3, 1 + 0.45 * blade), 1.0
    if texture == SKIN:
        share, _ = rough(p, 0.06, finest, 0.5, seed + 91)
        return min(max(0.3 + 0.4 * share, 0.0), 1.0), 1.0, 1.0
    if scale < finest:
        return 0.4, 1.0, 1.0
    x, y = u / scale, v / scale
    i, j = math.floor(x), math.floor(y)
    one = scatter(i, j, seed)
    if texture == CHECKS:
        return float((i + j) & 1), 0.94 + 0.12 * one, 1.0
    if texture == STRIPES:
        along = y - j if seed & 1 else x - i
        thin = seed & 2 and 0.62 < along < 0.7
        return 1.0 if along < 0.42 or thin else 0.0, 1.0, 1.0
    if texture == BRICKS:
        row = math.floor(3 * y)
        x += 0.5 * (row & 1)
        if _gap(x, 0.05) or _gap(3 * y, 0.14):
            return 1.0, 0.95, 0.0
        one = scatter(math.floor(x), row, seed)
        return 0.12 * one, 0.72 + 0.5 * one, 1.0
    if texture == TILES:
        if _gap(x, 0.03) or _gap(y, 0.03):
            return 1.0, 0.8, 0.1
        return 0.1 * scatter(i, j, seed + 3), 0.92 + 0.14 * one, 1.0
    if texture == WINDOWS:
        return _window(x, y, seed)
    if texture == WOOD:
        return _planks(u, v, p[2], scale, finest, seed)
    if texture == FABRIC:
        across = 0 if seed & 1 else math.floor(2 * y)
        return 0.5 * scatter(math.floor(2 * x), across, seed), 1.0, 1.0
    if texture == SPECKLE:
        return _pebbles(3 * x, 3 * y, seed)
    tone = scatter(i, math.floor(1.7 * y), seed)
    share, _ = rough((u, v, float(seed % 97)), 0.5 * scale, finest, 0.6, seed)
    return min(max(0.5 + 0.9 * share + 0.6 * (tone - 0.5), 0.0), 1.0), 0.5 + tone, 1.0


@kernel
def paint(
    table: NDArray, paints: NDArray, i: int, p: Vector, u: float, v: float, finest: float
) -> tuple[Vector, float, Vector]:
    """Linear albedo, gloss, and slope of the relief in the shape's own frame.

    Parameters
    ----------
    p : own point on the surface of shape `i`; u, v : `solids.surface` there
    finest : metres, the size below which detail does not show
    """
    texture, cutout, seed = int(paints[i, TEXTURE]), int(table[i, CUTOUT]), int(table[i, SEED])
    share, bright, shine = pattern(texture, p, u, v, paints[i, SCALE], finest, seed & 0xFFFF)
    n, slope = rough(p, WEAR[texture, LUMP], finest, 0.62, seed & 0xFFFF)
    bright *= math.exp(WEAR[texture, CONTRAST] * n)
    flat = share > 0.5 and texture in (WINDOWS, BRICKS)
    slope = times(0.0 if flat else WEAR[texture, SLOPE], slope)
    if cutout in (LEAF, BLADES):
        # Every leaf and blade has a tint and a tilt of its own.
        cell = table[i, CELL]
        key = leaf_at(p[0], p[1], cell, seed) if cutout == LEAF else math.floor(2 * p[0] / cell)
        bright *= 0.55 + 0.9 * scatter(key, 11, seed)
        share = scatter(key, 12, seed)
        slope = 1.4 * scatter(key, 13, seed) - 0.7, 1.4 * scatter(key, 14, seed) - 0.7, 0.0
    one = paints[i, 0], paints[i, 1], paints[i, 2]
    r, g, b = times(bright, mix(one, (paints[i, 3], paints[i, 4], paints[i, 5]), share))
    if texture == PICTURE:
        # More colours than two: the same with their channels exchanged.
        x, y = u / paints[i, SCALE], 1.7 * v / paints[i, SCALE]
        turn = scatter(math.floor(x), math.floor(y), seed)
        if turn < 0.3:
            r, g, b = g, b, r
        elif turn < 0.5:
            r, g, b = b, r, g
    gloss = min(max(paints[i, GLOSS] * shine * (1 - 0.3 * n), 0.0), 1.0)
    return (min(r, 0.97), min(g, 0.97), min(b, 0.97)), gloss, slope
