"""Where a ray meets a shape, and the surface there.

Every shape is handled in its own frame: `local = frame @ (world - centre)`. A CONE's own
frame has its start at the origin and its end on +y, so it is one rotation away like the rest.
The geometry is exact: quadrics and slabs in float64, no meshes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.training.scenes.noise import scatter
from depthfx.training.scenes.vectors import Vector, kernel, minus, times, unit
from depthfx.training.scenes.world import Cutout, Kind, Shape, rotation

MISSED = 1e30
"""Ray parameter of a ray that meets nothing."""
NEAREST = 1e-7
"""Ray parameters below this are the surface that the ray starts from."""
ELLIPSOID, CYLINDER, CONE = int(Kind.ELLIPSOID), int(Kind.CYLINDER), int(Kind.CONE)
CARD, ROOM = int(Kind.CARD), int(Kind.ROOM)
WHOLE, LEAF, FENCE = int(Cutout.WHOLE), int(Cutout.LEAF), int(Cutout.FENCE)
BLADES, DISC = int(Cutout.GRASS), int(Cutout.DISC)


Table = NDArray[np.float64]
"""(N, 20), one row a shape: rows of its frame (0 to 8), centre (9 to 11), half sizes (12 to 14;
a CONE has the radius at its start, its length, the radius at its end), and the columns below."""
KIND, CUTOUT, CELL, SEED, GLOWS = 15, 16, 17, 18, 19
"""Form, cutout, metres from leaf to leaf (bar to bar, blade to blade), seed of the noise, and
whether it sends out light and so lets the lamp within it shine through."""


def _along(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) a frame whose second column is the unit vector `axis`."""
    side = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.9 else np.array([0.0, 0.0, 1.0])
    third = np.cross(side, axis)
    third /= np.linalg.norm(third)
    return np.stack([np.cross(axis, third), axis, third], 1)


def _place(shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first 15 columns of the table, and the lowest and highest corner in the world."""
    turn = rotation(*shape.turn_rad)
    centre, half = np.array(shape.centre, float), np.array(shape.half, float)
    if shape.kind == Kind.CONE:
        start, end = (centre + turn @ np.array(p, float) for p in (shape.start, shape.end))
        length = float(np.linalg.norm(end - start))
        turn = _along((end - start) / length if length > 1e-9 else np.array([0.0, 1.0, 0.0]))
        centre, half = start, np.array([half[0], length, half[1]])
        corners = np.stack([start - half[0], start + half[0], end - half[2], end + half[2]])
        low, high = corners.min(0), corners.max(0)
    elif shape.kind == Kind.ELLIPSOID:
        reach = np.sqrt(((turn * half) ** 2).sum(1))
        low, high = centre - reach, centre + reach
    else:
        reach = np.abs(turn * (half if shape.kind != Kind.CARD else half * [1, 1, 0])).sum(1)
        low, high = centre - reach, centre + reach
    return np.concatenate([turn.T.ravel(), centre, half]), np.concatenate([low, high])


def pack(shapes: list[Shape]) -> tuple[Table, NDArray[np.float64]]:
    """The shapes as a table, and their bounds: (N, 6) lowest and highest corner in the world.

    Raises
    ------
    ParameterError : if there is no shape, or one has a size that is negative or not finite.
    """
    if not shapes:
        raise ParameterError("the world has no shapes; give it at least a ground")
    rows = [_place(shape) for shape in shapes]
    place = np.stack([row for row, _ in rows])
    bounds = np.stack([row for _, row in rows])
    wrong = ~np.isfinite(place).all(1) | (place[:, 12:] < 0).any(1)
    if wrong.any():
        i = int(wrong.argmax())
        raise ParameterError(
            f"shape {i} ({shapes[i].kind.name}) has half sizes {shapes[i].half}; "
            "lengths must be finite and not negative"
        )
    half = place[:, 12:]
    widest = np.where(half[:, :2].min(1) > 0, half[:, :2].min(1), 1.0)
    scale = np.array([shape.surface.scale_m for shape in shapes])
    surfaces = [shape.surface for shape in shapes]
    columns = [
        [shape.kind for shape in shapes],
        [shape.cutout for shape in shapes],
        np.clip(scale, 1e-3, np.maximum(0.5 * widest, 1e-3)),
        [surface.seed & 0x3FFFFFFF for surface in surfaces],
        [surface.glow > 0 for surface in surfaces],
    ]
    return np.concatenate([place, np.array(columns, np.float64).T], 1), bounds


@kernel
def leaf_at(x: float, y: float, cell: float, seed: int) -> int:
    """Which of the scattered leaves covers a point of a card, or -1: two layers of ovals."""
    for layer in range(2):
        px, py = x / cell + 0.5 * layer, y / cell + 0.37 * layer
        # A leaf reaches 0.35 of a cell beyond its own.
        for i in range(math.ceil(px - 1.35), math.floor(px + 0.35) + 1):
            for j in range(math.ceil(py - 1.35), math.floor(py + 0.35) + 1):
                key = i * 8191 + j * 131 + layer
                one = scatter(key, 1, seed)
                if one < 0.25:
                    continue
                dx = px - i - 0.2 - 0.6 * scatter(key, 2, seed)
                dy = py - j - 0.2 - 0.6 * scatter(key, 3, seed)
                if dx * dx + dy * dy > 0.3:
                    continue
                turn = 25.132741 * one
                c, s = math.cos(turn), math.sin(turn)
                along, across = (c * dx + s * dy) / 0.55, c * dy - s * dx
                if abs(across) < 0.24 * (1 - along * along):
                    return int(key) & 0x7FFFFFFF
    return -1


@kernel
def covers(cutout: int, x: float, y: float, a: float, b: float, cell: float, seed: int) -> bool:
    """Whether the card of half sizes `a`, `b` is there at (x, y)."""
    if cutout == LEAF:
        if (x / a) ** 2 + (y / b) ** 2 > 0.75 + 0.5 * scatter(
            math.floor(x / cell), math.floor(y / cell), seed
        ):
            return False
        return leaf_at(x, y, cell, seed) >= 0
    if cutout == FENCE:
        rail = abs(y) > b * 0.92 or abs(y + 0.3 * b) < 0.05 * b
        if seed % 2 == 0:
            return rail or abs(x / cell - math.floor(x / cell) - 0.5) < 0.13
        p, q = (x + y) / cell, (x - y) / cell
        wire = min(abs(p - math.floor(p) - 0.5), abs(q - math.floor(q) - 0.5)) < 0.05
        return rail or wire
    if cutout == BLADES:
        height = 0.5 - 0.5 * y / b
        for layer in range(2):
            p = x / cell + 0.5 * layer
            i = math.floor(p)
            tall = 0.35 + 0.65 * scatter(i, layer, seed)
            lean = (scatter(i, layer + 7, seed) - 0.5) * 0.9 * height * height
            if height < tall and abs(p - i - 0.5 - lean) < 0.22 * (1 - height / tall):
                return True
        return False
    if cutout == DISC:
        return (x / a) ** 2 + (y / b) ** 2 <= 1
    return True


@kernel
def own_vector(table: NDArray, i: int, v: Vector) -> Vector:
    """A direction of the world in the frame of shape `i`."""
    return (
        table[i, 0] * v[0] + table[i, 1] * v[1] + table[i, 2] * v[2],
        table[i, 3] * v[0] + table[i, 4] * v[1] + table[i, 5] * v[2],
        table[i, 6] * v[0] + table[i, 7] * v[1] + table[i, 8] * v[2],
    )


@kernel
def own_point(table: NDArray, i: int, p: Vector) -> Vector:
    """A point of the world in the frame of shape `i`."""
    return own_vector(table, i, minus(p, (table[i, 9], table[i, 10], table[i, 11])))


@kernel
def world_vector(table: NDArray, i: int, v: Vector) -> Vector:
    """A direction in the frame of shape `i` in the world."""
    return (
        table[i, 0] * v[0] + table[i, 3] * v[1] + table[i, 6] * v[2],
        table[i, 1] * v[0] + table[i, 4] * v[1] + table[i, 7] * v[2],
        table[i, 2] * v[0] + table[i, 5] * v[1] + table[i, 8] * v[2],
    )


@kernel
def inverse(d: float) -> float:
    """1 / d, finite: a ray along a slab counts as nearly along it."""
    return 1 / d if abs(d) > 1e-12 else 1e12


@kernel
def slab(o: float, d: float, half: float) -> tuple[float, float]:
    """Where a ray is between -half and half of one coordinate."""
    first, second = (-half - o) * inverse(d), (half - o) * inverse(d)
    return min(first, second), max(first, second)


@kernel
def _box(o: Vector, d: Vector, half: Vector) -> tuple[float, float]:
    """Where the ray enters and leaves a box; enter > leave if it misses."""
    x0, x1 = slab(o[0], d[0], half[0])
    y0, y1 = slab(o[1], d[1], half[1])
    z0, z1 = slab(o[2], d[2], half[2])
    return max(x0, y0, z0), min(x1, y1, z1)


@kernel
def _ball(o: Vector, d: Vector) -> tuple[float, float]:
    """Where the ray enters and leaves the unit ball."""
    a = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    s = (o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / a
    # The foot of the perpendicular keeps the digits that b^2 - ac would lose far away.
    x, y, z = o[0] - s * d[0], o[1] - s * d[1], o[2] - s * d[2]
    room = 1 - (x * x + y * y + z * z)
    if room < 0:
        return MISSED, -MISSED
    h = math.sqrt(room / a)
    return -s - h, -s + h


@kernel
def _tube(o: Vector, d: Vector, half: float) -> tuple[float, float]:
    """Where the ray enters and leaves a cylinder of radius 1 about y."""
    enter, leave = slab(o[1], d[1], half)
    a = d[0] * d[0] + d[2] * d[2]
    if a < 1e-20:
        return (enter, leave) if o[0] * o[0] + o[2] * o[2] < 1 else (MISSED, -MISSED)
    s = (o[0] * d[0] + o[2] * d[2]) / a
    x, z = o[0] - s * d[0], o[2] - s * d[2]
    room = 1 - (x * x + z * z)
    if room < 0:
        return MISSED, -MISSED
    h = math.sqrt(room / a)
    return max(enter, -s - h), min(leave, -s + h)


@kernel
def _limb(o: Vector, d: Vector, thick: float, long: float, thin: float) -> tuple[float, float]:
    """Where the ray enters and leaves the hull of two balls, `thick` at 0 and `thin` at
    y = `long`."""
    enter, leave = MISSED, -MISSED
    for end in range(2):
        radius, y = (thin, o[1] - long) if end else (thick, o[1])
        if radius > 0:
            t0, t1 = _ball(times(1 / radius, (o[0], y, o[2])), times(1 / radius, d))
            if t0 <= t1:
                enter, leave = min(enter, t0), max(leave, t1)
    if abs(thick - thin) >= long:
        return enter, leave
    # Between the balls the surface is q cos = thick - k y, q the distance from the axis.
    k = (thick - thin) / long
    cos2 = 1 - k * k
    w, v = thick - k * o[1], -k * d[1]
    a = cos2 * (d[0] * d[0] + d[2] * d[2]) - v * v
    b = cos2 * (o[0] * d[0] + o[2] * d[2]) - v * w
    c = cos2 * (o[0] * o[0] + o[2] * o[2]) - w * w
    square = b * b - a * c
    if square < 0 or abs(a) < 1e-20:
        return enter, leave
    root = math.sqrt(square)
    for side in range(2):
        t = (-b + root if side else -b - root) / a
        if thick * k <= o[1] + t * d[1] <= long + thin * k:
            enter, leave = min(enter, t), max(leave, t)
    return enter, leave


@kernel
def _card(table: NDArray, i: int, o: Vector, d: Vector) -> float:
    """Where the ray meets what is there of a card."""
    t = -o[2] * inverse(d[2])
    if t <= NEAREST or t >= MISSED:
        return MISSED
    x, y = o[0] + t * d[0], o[1] + t * d[1]
    a, b = table[i, 12], table[i, 13]
    if abs(x) > a or abs(y) > b:
        return MISSED
    cutout = int(table[i, CUTOUT])
    if cutout != WHOLE and not covers(cutout, x, y, a, b, table[i, CELL], int(table[i, SEED])):
        return MISSED
    return t


@kernel
def meet(table: NDArray, i: int, o: Vector, d: Vector) -> float:
    """Ray parameter where shape `i` is first seen from `o` along `d`, or MISSED."""
    kind = int(table[i, KIND])
    o, d = own_point(table, i, o), own_vector(table, i, d)
    if kind == CARD:
        return _card(table, i, o, d)
    a, b, c = table[i, 12], table[i, 13], table[i, 14]
    if kind == CONE:
        enter, leave = _limb(o, d, a, b, c)
    elif kind == ELLIPSOID:
        a, b, c = 1 / max(a, 1e-9), 1 / max(b, 1e-9), 1 / max(c, 1e-9)
        enter, leave = _ball((o[0] * a, o[1] * b, o[2] * c), (d[0] * a, d[1] * b, d[2] * c))
    elif kind == CYLINDER:
        a, c = 1 / max(a, 1e-9), 1 / max(c, 1e-9)
        enter, leave = _tube((o[0] * a, o[1], o[2] * c), (d[0] * a, d[1], d[2] * c), b)
    else:
        enter, leave = _box(o, d, (a, b, c))
    if enter > leave or leave <= NEAREST:
        return MISSED
    if kind == ROOM or enter <= NEAREST:
        return leave
    return enter


@kernel
def _face(p: Vector, half: Vector) -> tuple[Vector, float, float]:
    """`surface` of a box: that of the face nearest to `p`."""
    x, y, z = abs(p[0]) - half[0], abs(p[1]) - half[1], abs(p[2]) - half[2]
    if x >= y and x >= z:
        return (math.copysign(1.0, p[0]), 0.0, 0.0), p[2], p[1]
    if y >= z:
        return (0.0, math.copysign(1.0, p[1]), 0.0), p[0], p[2]
    return (0.0, 0.0, math.copysign(1.0, p[2])), p[0], p[1]


@kernel
def surface(table: NDArray, i: int, p: Vector) -> tuple[Vector, float, float]:
    """Outward normal of length one and place (u, v) in metres along the surface, in the shape's
    own frame, at the own point `p` of its surface."""
    kind = int(table[i, KIND])
    a, b, c = table[i, 12], table[i, 13], table[i, 14]
    if kind == CARD:
        return (0.0, 0.0, 1.0), p[0], p[1]
    if kind != CONE and kind != ELLIPSOID and kind != CYLINDER:
        return _face(p, (a, b, c))
    x, y, z = p
    if kind == CONE:
        radius = max(a, c)
        k = (a - c) / b if b > abs(a - c) else math.copysign(1.0, a - c)
        if y <= a * k:
            n = (x, y, z)
        elif y >= b + c * k:
            n = (x, y - b, z)
        else:
            side = math.sqrt((1 - k * k) / max(x * x + z * z, 1e-24))
            n = (x * side, k, z * side)
    else:
        radius = 0.5 * (a + c)
        a, b, c = 1 / max(a, 1e-9), 1 / max(b, 1e-9), 1 / max(c, 1e-9)
        if kind == ELLIPSOID:
            n = (x * a * a, y * b * b, z * c * c)
        elif abs(y) * b > 1 - 1e-9 and (x * a) ** 2 + (z * c) ** 2 < 1 - 1e-7:
            return (0.0, math.copysign(1.0, y), 0.0), x, z
        else:
            n = (x * a * a, 0.0, z * c * c)
    return unit(n), math.atan2(x, -z) * radius, y
