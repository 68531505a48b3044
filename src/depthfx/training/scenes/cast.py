"""A photo of a world, with the exact depth and matte of every pixel.

Rays are cast through the middle of every pixel. Where the neighbours show the same smooth
surface, its colour is averaged over points of the pixel as its pattern asks for; elsewhere
(outlines, leaves, wires, hair) eight rays are cast anew. Light is found once a pixel and lent to
the samples on the same surface; see `illuminate`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.training.scenes import light, paint, solids
from depthfx.training.scenes.develop import develop
from depthfx.training.scenes.illuminate import (
    Lighting,
    Seen,
    drawn,
    eye,
    illuminate,
    in_light,
    ray,
)
from depthfx.training.scenes.light import (
    LIFT_M,
    Stage,
    around,
    arriving,
    clouded,
    colour_of,
    power,
    sky_at,
    towards,
)
from depthfx.training.scenes.paint import GLOW, SUBJECT, TEXTURE, smooth
from depthfx.training.scenes.solids import (
    BLADES,
    CONE,
    CUTOUT,
    KIND,
    LEAF,
    MISSED,
    meet,
    own_point,
    surface,
    world_vector,
)
from depthfx.training.scenes.tree import grow, nearest
from depthfx.training.scenes.vectors import (
    Vector,
    dot,
    facing,
    kernel,
    length,
    minus,
    mix,
    plus,
    product,
    times,
    unit,
)
from depthfx.training.scenes.world import Camera, World, axes_of

COLUMNS, ROWS = (9, 7, 13, 5, 3, 1, 11, 15), (5, 11, 9, 3, 13, 7, 15, 1)
POINTS = np.stack([COLUMNS, ROWS], 1) / 16
"""(8, 2) places of a crowded pixel's rays: no two in one row or column."""
FOUR_POINTS = np.array([[(n + 0.5) / 4, ((2 * n + 1) % 5 + 0.5) / 4] for n in range(4)])
"""(4, 2) places at which a pattern is looked at."""
MIDDLE = np.array([[0.5, 0.5]])
CLOSEST_M = 0.02
"""Limbs are searched for thin ones from this depth on."""


@dataclass(frozen=True)
class Rendered:
    """A picture and the truth about it."""

    rgb: NDArray[np.uint8]
    """(H, W, 3) encoded sRGB."""
    inverse: NDArray[np.float32]
    """(H, W) 1 / depth along the optical axis in 1/m, 0 for the sky."""
    matte: NDArray[np.uint8]
    """(H, W) share of the pixel covered by shapes with `subject`, 255 for all of it."""
    focal_share: float
    """Focal length over the picture's width."""


def view_of(camera: Camera, width: int, height: int) -> NDArray[np.float64]:
    """(12,) the eye; direction through the picture's corner (0, 0); its change by a pixel to the
    right; and down. Directions have length one along the optical axis, so a ray parameter is
    depth."""
    axes, step = axes_of(camera), 1 / (width * camera.focal_share)
    right, down = axes[:, 0] * step, axes[:, 1] * step
    corner = axes[:, 2] - right * width / 2 - down * height / 2
    return np.concatenate([np.array(camera.eye, np.float64), corner, right, down])


@kernel
def _normal_at(table: NDArray, i: int, p: Vector, d: Vector) -> Vector:
    """Normal in the world, on the side that a ray along `d` sees, of shape `i` at `p`."""
    n, _, _ = surface(table, i, own_point(table, i, p))
    return facing(world_vector(table, i, n), d)


@kernel
def _look(stage: Stage, seen: Seen) -> None:
    """Fill in what the middle of every pixel shows."""
    height, width = seen.ids.shape
    for row in range(height):
        i = -1
        for col in range(width):
            d = ray(seen.rays, col + 0.5, row + 0.5)
            i, t = nearest(stage.table, stage.boxes, stage.links, eye(seen.rays), d, i)
            seen.ids[row, col], seen.depth[row, col] = i, t
            if i >= 0:
                seen.normals[row, col] = _normal_at(stage.table, i, plus(eye(seen.rays), t, d), d)


@kernel
def _mark_edges(seen: Seen, busy: NDArray) -> None:
    """Mark the pixels beside which another shape, or another face of it, is seen."""
    height, width = busy.shape
    ids, normals = seen.ids, seen.normals
    for row in range(height):
        for col in range(width):
            for r, c in ((row, col + 1), (row + 1, col)):
                if r >= height or c >= width:
                    continue
                same = ids[r, c] == ids[row, col]
                if same and ids[r, c] >= 0:
                    same = (normals[r, c] * normals[row, col]).sum() > 0.9
                if not same:
                    busy[r, c] = busy[row, col] = True


@kernel
def _mark_along(busy: NDArray, start: NDArray, end: NDArray, reach: int) -> None:
    """Mark the pixels within `reach` of a line between two (x, y) in pixels."""
    height, width = busy.shape
    far = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    if far > 4 * (width + height):
        return
    steps = int(far / reach) + 1
    for s in range(steps + 1):
        col = math.floor(start[0] + (end[0] - start[0]) * s / steps)
        row = math.floor(start[1] + (end[1] - start[1]) * s / steps)
        for r in range(max(row - reach, 0), min(row + reach + 1, height)):
            for c in range(max(col - reach, 0), min(col + reach + 1, width)):
                busy[r, c] = True


@kernel
def _mark_thin(table: NDArray, seen: Seen, axes: NDArray, focal_px: float, busy: NDArray) -> None:
    """Mark the pixels along limbs that are narrower than two pixels: the rays through the middles
    may pass them by."""
    height, width = busy.shape
    for i in range(len(table)):
        if table[i, KIND] != CONE:
            continue
        # The limb runs along its own y, which is the second row of its frame.
        start = table[i, 9:12] - seen.rays[:3]
        ends = np.empty((2, 3))
        ends[0], ends[1] = start @ axes, (start + table[i, 13] * table[i, 3:6]) @ axes
        if max(ends[0, 2], ends[1, 2]) < CLOSEST_M:
            continue
        for e in range(2):
            if ends[e, 2] < CLOSEST_M:
                share = (CLOSEST_M - ends[e, 2]) / (ends[1 - e, 2] - ends[e, 2])
                ends[e] += share * (ends[1 - e] - ends[e])
        thick = max(table[i, 12], table[i, 14]) * focal_px / min(ends[0, 2], ends[1, 2])
        thin = min(table[i, 12], table[i, 14]) * focal_px / max(ends[0, 2], ends[1, 2])
        if thin < 1:
            middle = np.array([width / 2, height / 2])
            first = middle + focal_px * ends[0, :2] / ends[0, 2]
            last = middle + focal_px * ends[1, :2] / ends[1, 2]
            _mark_along(busy, first, last, int(min(thick, 2.0)) + 1)


@kernel
def _leaving(
    stage: Stage,
    i: int,
    at: Vector,
    d: Vector,
    finest: float,
    lit: NDArray,
    gathered: Vector,
    mirrored: Vector,
) -> Vector:
    """Radiance that the point `at` of shape `i` sends back along the unit vector `d`.

    `lit` (L,), `gathered` and `mirrored` are the light found for it. Highlights after Blinn,
    "Models of Light Reflection for Computer Synthesized Pictures", 1977; what is mirrored grows
    with the angle after Schlick, "An Inexpensive BRDF Model", 1994.
    """
    table, lamps = stage.table, stage.lights.lamps
    own = own_point(table, i, at)
    n, u, v = surface(table, i, own)
    albedo, gloss, slope = paint.paint(table, stage.paints, i, own, u, v, finest)
    n = minus(n, plus(slope, -dot(slope, n), n))
    n = facing(world_vector(table, i, unit(n)), d)
    cutout = int(table[i, CUTOUT])
    shines_through = 0.7 if cutout in (LEAF, BLADES) else 0.0
    shine = gloss * (0.04 + 0.96 * (1 - abs(dot(n, d))) ** 5 + 0.3 * max(gloss - 0.7, 0.0))
    hardness = 6 + 500 * gloss**3
    arrives, flash = gathered, (0.0, 0.0, 0.0)
    for k in range(len(lamps)):
        if lit[k] <= 0:
            continue
        out, away = towards(lamps, k, at)
        cosine = dot(n, out)
        if cosine < 0:
            cosine *= -shines_through
        strength = lit[k] * power(lamps, k, away) * cosine
        arrives = plus(arrives, strength, colour_of(lamps, k))
        if gloss > 0.02:
            tilt = max(dot(n, unit(minus(out, d))), 0.0) ** hardness
            flash = plus(flash, strength * shine * (hardness + 8) / 8 * tilt, colour_of(lamps, k))
    glow = stage.paints[i, GLOW]
    arrives = plus(times(1 - shine, arrives), glow, (1.0, 1.0, 1.0))
    return plus(plus(product(albedo, arrives), shine, mirrored), 1.0, flash)


@kernel
def _donor(seen: Seen, row: int, col: int, i: int, n: Vector) -> tuple[int, int]:
    """A pixel at or beside (row, col) whose middle shows the same face of shape `i`, or -1."""
    height, width = seen.ids.shape
    best, best_row, best_col = 0.7, -1, -1
    for r in range(max(row - 1, 0), min(row + 2, height)):
        for c in range(max(col - 1, 0), min(col + 2, width)):
            if seen.ids[r, c] == i:
                other = seen.normals[r, c, 0], seen.normals[r, c, 1], seen.normals[r, c, 2]
                alike = dot(n, other) + (0.05 if r == row and c == col else 0.0)
                if alike > best:
                    best, best_row, best_col = alike, r, c
    return best_row, best_col


@kernel
def _radiance(
    stage: Stage,
    seen: Seen,
    lighting: Lighting,
    row: int,
    col: int,
    i: int,
    t: float,
    d: Vector,
    turn: int,
    seed: int,
    shares: NDArray,
) -> Vector:
    """What a sample of the pixel (row, col) sees: shape `i` (-1: the sky) at `t` along `d`.

    `turn` numbers the sample; `shares` (L,) is room for the lamps.
    """
    far = length(d)
    towards_it = times(1 / far, d)
    if i < 0:
        return clouded(stage.lights, towards_it)
    at = plus(eye(seen.rays), t, d)
    n = _normal_at(stage.table, i, at, d)
    r, c = _donor(seen, row, col, i, n)
    if r >= 0:
        shares[:] = lighting.lit[r, c]
        g, m = lighting.gathered[r, c], lighting.mirrored[r, c]
        # Adding 0.0 makes them float64, as the other branch has them.
        gathered, mirrored = (
            (g[0] + 0.0, g[1] + 0.0, g[2] + 0.0),
            (m[0] + 0.0, m[1] + 0.0, m[2] + 0.0),
        )
    else:
        # Too thin for a middle of its own: it is lit by rays of its own.
        p, q = drawn(col, row, 31 + turn, seed)
        for k in range(len(shares)):
            shares[k] = in_light(stage, i, k, at, n, q, p)
        gathered = arriving(stage, plus(at, LIFT_M, n), around(n, p, q), q, p, False)
        mirrored = gathered
    pixel = length((seen.rays[6], seen.rays[7], seen.rays[8]))
    # Seen at a slant a pixel covers more; half of it is forgiven, for the sake of detail.
    finest = 0.6 * t * pixel / math.sqrt(max(-dot(n, towards_it), 0.1))
    light = _leaving(stage, i, at, towards_it, finest, shares, gathered, mirrored)
    if stage.lights.fog_per_m > 0:
        level = unit((d[0], 0.0, d[2]))
        clear = math.exp(-stage.lights.fog_per_m * t * far)
        return mix(sky_at(stage.lights, level), light, clear)
    return light


@kernel
def _expose(
    stage: Stage,
    seen: Seen,
    lighting: Lighting,
    busy: NDArray,
    seed: int,
    picture: NDArray,
    inverse: NDArray,
    matte: NDArray,
) -> None:
    """Colour, inverse depth and matte of every pixel from its samples."""
    height, width = busy.shape
    shares = np.empty(lighting.lit.shape[2])
    nearness, owners = np.empty(len(POINTS)), np.empty(len(POINTS), np.int64)
    for row in range(height):
        for col in range(width):
            middle, depth = seen.ids[row, col], seen.depth[row, col]
            crowd = busy[row, col]
            points = MIDDLE
            if crowd:
                points = POINTS
            elif middle >= 0 and not smooth(int(stage.paints[middle, TEXTURE])):
                points = FOUR_POINTS
            count = len(points)
            light, cover = (0.0, 0.0, 0.0), 0.0
            for n in range(count):
                d = ray(seen.rays, col + points[n, 0], row + points[n, 1])
                i, t = middle, depth
                if crowd:
                    i, t = nearest(stage.table, stage.boxes, stage.links, eye(seen.rays), d, middle)
                elif count > 1:
                    t = meet(stage.table, i, eye(seen.rays), d)
                    t = t if t < MISSED else depth
                owners[n], nearness[n] = i, 1 / t if i >= 0 else 0.0
                sample = _radiance(stage, seen, lighting, row, col, i, t, d, n, seed, shares)
                light = plus(light, 1 / count, sample)
                if i >= 0:
                    cover += stage.paints[i, SUBJECT] / count
            picture[row, col] = light
            matte[row, col] = int(255 * cover + 0.5)
            inverse[row, col] = 1 / depth if middle >= 0 else 0.0
            if crowd:
                # The nearest surface that covers half of the pixel; the exact depth of its
                # middle if that is what the middle shows.
                half = np.argsort(nearness)[count // 2]
                if owners[half] != middle:
                    inverse[row, col] = nearness[half]


def stage_of(world: World, seed: int, leaf: int = 2) -> Stage:
    """The world as the kernels read it. `leaf`: see `tree.grow`.

    Raises
    ------
    ParameterError : if the world has no shapes, or one whose size is negative or not finite.
    """
    table, bounds = solids.pack(world.shapes)
    order, boxes, links = grow(bounds, world.camera.eye, leaf)
    paints = paint.pack(world.shapes)[order]
    return Stage(table[order], boxes, links, paints, light.pack(world, seed))


def expose(
    world: World, seed: int, width: int = 512, leaf: int = 2
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """The light that reaches the sensor, the inverse depth and the matte.

    Returns
    -------
    (H, W, 3) float32 linear radiance, (H, W) float32 inverse depth in 1/m (0 = sky), and
    (H, W) uint8 matte. H is width / aspect, rounded to an even number.

    Raises
    ------
    ParameterError : as `stage_of`, or if the width is less than 16 pixels.
    """
    if width < 16:
        raise ParameterError(f"width={width} is too small a picture; ask for 16 pixels or more")
    camera = world.camera
    shape = (max(2 * round(width / camera.aspect / 2), 2), width)
    stage, draw = stage_of(world, seed, leaf), seed % 4096
    seen = Seen(
        view_of(camera, width, shape[0]),
        np.empty(shape, np.int32),
        np.empty(shape, np.float64),
        np.zeros((*shape, 3), np.float64),
    )
    _look(stage, seen)
    busy = np.zeros(shape, np.bool_)
    _mark_edges(seen, busy)
    _mark_thin(stage.table, seen, axes_of(camera), width * camera.focal_share, busy)
    lighting = illuminate(stage, seen, draw)
    picture, inverse = np.empty((*shape, 3), np.float32), np.empty(shape, np.float32)
    matte = np.empty(shape, np.uint8)
    _expose(stage, seen, lighting, busy, draw, picture, inverse, matte)
    return picture, inverse, matte


def render(world: World, seed: int, width: int = 512) -> Rendered:
    """A photo of the world as a camera writes it, and its truth.

    The same world, seed and width give the same picture. Raises as `expose`.
    """
    picture, inverse, matte = expose(world, seed, width)
    rgb = develop(picture, np.random.default_rng([seed, 1]))
    return Rendered(rgb, inverse, matte, world.camera.focal_share)
