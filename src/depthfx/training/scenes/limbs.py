"""Limbs and bodies as cones and ellipsoids, in a thing's own frame, and how to place them.

In its own frame a thing has x to its right, height above the ground and what is ahead of it;
the world has x right, y down, z away. Lengths are metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes.world import Kind, Point, Shape, Surface, Texture, rotation

Rng = np.random.Generator
Vector = NDArray[np.float64]

FLIP = np.diag([1.0, -1.0, 1.0])
"""From (x, up, ahead) to the world, whose y points down, and back."""


def point(x: float, up: float, ahead: float) -> Vector:
    """A point or direction in a thing's own frame."""
    return np.array([x, up, ahead], np.float64)


def to_world(where: Vector) -> Point:
    """A point in a thing's own frame as one of the world's."""
    return (float(where[0]), float(-where[1]), float(where[2]))


def unit(v: Vector) -> Vector:
    """`v` at length one."""
    length: float = float(np.linalg.norm(v))
    return v / max(length, 1e-9)


def angles(matrix: Vector) -> Point:
    """`turn_rad` of a rotation: the inverse of `rotation`."""
    pitch = np.arcsin(np.clip(-matrix[1, 2], -1, 1))
    yaw = np.arctan2(matrix[0, 2], matrix[2, 2])
    roll = np.arctan2(matrix[1, 0], matrix[1, 1])
    return (float(yaw), float(pitch), float(roll))


def moved(
    shapes: Sequence[Shape], to: Point, turn_rad: Point = (0.0, 0.0, 0.0), scale: float = 1.0
) -> list[Shape]:
    """`shapes` scaled and turned about the origin, then shifted by `to`, as one solid thing."""
    matrix, shift = rotation(*turn_rad), np.array(to)

    def place(p: Point) -> Point:
        x, y, z = (matrix @ np.array(p) * scale + shift).tolist()
        return (x, y, z)

    out = []
    for shape in shapes:
        half = (shape.half[0] * scale, shape.half[1] * scale, shape.half[2] * scale)
        if shape.kind == Kind.CONE:
            start, end = place(shape.start), place(shape.end)
            out.append(replace(shape, half=half, start=start, end=end))
        else:
            turn = angles(matrix @ rotation(*shape.turn_rad))
            out.append(replace(shape, half=half, centre=place(shape.centre), turn_rad=turn))
    return out


def bounds(shapes: Sequence[Shape]) -> Vector:
    """(N, 6) lowest and highest corner of each shape, along the world's axes."""
    rows = []
    for shape in shapes:
        if shape.kind == Kind.CONE:
            ends, radii = np.array([shape.start, shape.end]), np.array([shape.half[:2]]).T
            rows.append(np.concatenate([(ends - radii).min(0), (ends + radii).max(0)]))
            continue
        axes = rotation(*shape.turn_rad) * np.array(shape.half)
        round_ = shape.kind == Kind.ELLIPSOID
        reach = np.sqrt((axes**2).sum(1)) if round_ else np.abs(axes).sum(1)
        rows.append(np.concatenate([shape.centre - reach, shape.centre + reach]))
    return np.stack(rows)


def lowest_m(shapes: Sequence[Shape]) -> float:
    """Largest y of any of them: the height of the floor they stand on, in the world's frame."""
    return float(bounds(shapes)[:, 4].max())


def cone(surface: Surface, start: Vector, end: Vector, from_m: float, to_m: float) -> Shape:
    """A limb from `start` to `end`, given in the thing's own frame, with its two radii."""
    half = (from_m, to_m, from_m)
    return Shape(Kind.CONE, half, start=to_world(start), end=to_world(end), surface=surface)


def chain(surface: Surface, path: Sequence[Vector], from_m: float, to_m: float) -> list[Shape]:
    """Cones along `path`, their radius going evenly from `from_m` to `to_m`."""
    radii = np.linspace(from_m, to_m, len(path))
    pairs = zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True)
    return [cone(surface, a, b, float(r), float(s)) for a, b, r, s in pairs]


def blob(surface: Surface, centre: Vector, half: Sequence[float], frame: Vector) -> Shape:
    """An ellipsoid; `half` along the columns of `frame` (right, up, ahead)."""
    x, y, z = half
    turn = angles(FLIP @ frame @ FLIP)
    return Shape(Kind.ELLIPSOID, (x, y, z), to_world(centre), turn, surface=surface)


def frame_along(up: Vector, ahead: Vector) -> Vector:
    """(3, 3) frame (columns right, up, ahead) with this `up`, facing `ahead` as far as it can."""
    up = unit(up)
    front = ahead - (ahead @ up) * up
    if np.linalg.norm(front) < 1e-6:
        front = np.cross(up, point(1, 0, 0))
    front = unit(front)
    return np.stack([np.cross(up, front), up, front], 1)


def pick(rng: Rng, choices: Sequence[Point]) -> Point:
    """One of `choices`."""
    return choices[int(rng.integers(len(choices)))]


def blend(a: Point, b: Point, share: float) -> Point:
    """The colour `share` of the way from `a` to `b`."""
    x, y, z = (np.array(a) * (1 - share) + np.array(b) * share).tolist()
    return (x, y, z)


def dyed(rng: Rng, dull: float = 0.5) -> Point:
    """A linear albedo of paint or cloth; `dull` is how often it is white, grey or black."""
    if rng.random() < dull:
        grey = float(rng.choice([0.02, 0.05, 0.12, 0.3, 0.55, 0.75])) * rng.uniform(0.8, 1.15)
        tint = rng.normal(1, 0.05, 3)
        r, g, b = np.clip(grey * tint, 0.01, 0.85).tolist()
    else:
        hue = rng.random()
        wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue - np.array([0, 1 / 3, 2 / 3])))
        pale = rng.uniform(0, 0.6)
        r, g, b = ((wheel * (1 - pale) + pale) * rng.uniform(0.08, 0.6) + 0.01).tolist()
    return (r, g, b)


def cloth(rng: Rng) -> Surface:
    """A cloth as clothes, curtains and covers are made of."""
    kinds = (Texture.FABRIC, Texture.PLAIN, Texture.STRIPES, Texture.CHECKS, Texture.SPECKLE)
    kind = Texture(int(rng.choice(kinds, p=(0.42, 0.2, 0.16, 0.12, 0.1))))
    scale = rng.uniform(0.02, 0.1) if kind != Texture.FABRIC else rng.uniform(0.005, 0.03)
    colour = dyed(rng)
    other = (
        dyed(rng) if kind not in (Texture.FABRIC, Texture.PLAIN) else blend(colour, (0, 0, 0), 0.3)
    )
    return Surface(colour, other, kind, scale, seed=int(rng.integers(1 << 30)))
