"""The vocabulary of the worlds: shapes that stand on the ground, colours, groups, cameras.

A thing is a list of shapes around its own origin on the ground, its front towards -z, where
the camera is; `moved` puts it into the world. Lengths are metres, colours linear albedo.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from depthfx.training.scenes.world import (
    Camera,
    Cutout,
    Kind,
    Point,
    Shape,
    Sky,
    Surface,
    Texture,
    rotation,
)

Rng = np.random.Generator
Turn = Point
T = TypeVar("T")
LEVEL: Turn = (0.0, 0.0, 0.0)


def between(rng: Rng, low: float, high: float) -> float:
    """Uniform over the logarithm: small sizes as often as large ones."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: Rng, share: float) -> bool:
    return bool(rng.random() < share)


def one_of(rng: Rng, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def tinted(rng: Rng, colour: Point, spread: float = 0.2) -> Point:
    """A colour near `colour`: brighter or darker, and a little redder or bluer."""
    light = rng.normal(0, spread)
    red, green, blue = (
        float(np.clip(part * np.exp(light + rng.normal(0, 0.3 * spread)), 0.008, 0.92))
        for part in colour
    )
    return red, green, blue


def any_colour(rng: Rng) -> Point:
    """A colour of made things: a third near grey, the rest of any hue."""
    saturation = rng.uniform(0, 0.15) if chance(rng, 0.35) else rng.uniform(0.2, 0.95)
    value = rng.uniform(0.12, 1.0)
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), saturation, value)
    return red**2.2 * 0.9 + 0.01, green**2.2 * 0.9 + 0.01, blue**2.2 * 0.9 + 0.01


def matter(
    rng: Rng,
    colour: Point,
    texture: Texture = Texture.NOISE,
    scale_m: float = 0.2,
    *,
    gloss: float = 0.0,
    glow: float = 0.0,
    contrast: float = 0.3,
    other: Point | None = None,
) -> Surface:
    """A surface whose two colours differ by about `contrast` (in e-folds), or are given."""
    second = other or tinted(rng, colour, contrast)
    return Surface(colour, second, texture, scale_m, gloss, glow, int(rng.integers(1 << 30)))


def box(
    foot: Point, size: Point, surface: Surface, yaw_rad: float = 0.0, cutout: Cutout = Cutout.WHOLE
) -> Shape:
    """A box of whole sizes (width, height, depth) whose bottom is centred on `foot`."""
    x, y, z = foot
    width, height, depth = size
    half = (width / 2, height / 2, depth / 2)
    return Shape(
        Kind.BOX, half, (x, y - height / 2, z), (yaw_rad, 0, 0), surface=surface, cutout=cutout
    )


def board(start: Point, end: Point, width: float, thickness: float, surface: Surface) -> Shape:
    """A flat board from `start` to `end`, level across: windscreens, roofs, ramps, planks."""
    along = np.subtract(end, start)
    length = float(np.linalg.norm(along))
    yaw = math.atan2(along[0], along[2])
    pitch = math.asin(float(np.clip(-along[1] / length, -1, 1)))
    middle = np.add(start, end) / 2
    centre = (float(middle[0]), float(middle[1]), float(middle[2]))
    half = (width / 2, thickness / 2, length / 2)
    return Shape(Kind.BOX, half, centre, (yaw, pitch, 0), surface=surface)


def ball(centre: Point, half: Point, surface: Surface, turn: Turn = LEVEL) -> Shape:
    return Shape(Kind.ELLIPSOID, half, centre, turn, surface=surface)


def drum(foot: Point, radius: float, height: float, surface: Surface) -> Shape:
    """An upright cylinder that stands on `foot`."""
    x, y, z = foot
    return Shape(
        Kind.CYLINDER, (radius, height / 2, radius), (x, y - height / 2, z), surface=surface
    )


def disc(centre: Point, radius: float, thickness: float, turn: Turn, surface: Surface) -> Shape:
    """A cylinder around `centre`; unturned its axis is upright."""
    half = (radius, thickness / 2, radius)
    return Shape(Kind.CYLINDER, half, centre, turn, surface=surface)


def limb(start: Point, end: Point, thick: float, thin: float, surface: Surface) -> Shape:
    """A round bar between two points with its radii there."""
    return Shape(Kind.CONE, (thick, thin, 0.0), start=start, end=end, surface=surface)


def card(
    centre: Point, width: float, height: float, turn: Turn, surface: Surface, cutout: Cutout
) -> Shape:
    half = (width / 2, height / 2, 0.0)
    return Shape(Kind.CARD, half, centre, turn, surface=surface, cutout=cutout)


def chain(points: Sequence[Point], thick: float, thin: float, surface: Surface) -> list[Shape]:
    """Bars from point to point, tapering from `thick` to `thin`: handles, hoses, stems."""
    radii = np.linspace(thick, thin, len(points))
    return [
        limb(points[i], points[i + 1], float(radii[i]), float(radii[i + 1]), surface)
        for i in range(len(points) - 1)
    ]


def arc(
    centre: Point, across: Point, up: Point, start_rad: float, end_rad: float, count: int = 9
) -> list[Point]:
    """Points `centre + across cos + up sin` over an angle: rims, handles, wheels."""
    middle, right, high = (np.asarray(vector, float) for vector in (centre, across, up))
    points = [
        middle + right * math.cos(angle) + high * math.sin(angle)
        for angle in np.linspace(start_rad, end_rad, count)
    ]
    return [(float(x), float(y), float(z)) for x, y, z in points]


def lathe(foot: Point, profile: Sequence[tuple[float, float]], surface: Surface) -> list[Shape]:
    """A turned body through (height, radius) pairs: bottles, vases, columns.

    Slopes are cut into slices of a fortieth of the height, fine enough for no steps to show.
    """
    x, y, z = foot
    slices: list[tuple[float, float, float]] = []
    step = (profile[-1][0] - profile[0][0]) / 40
    for (low, wide), (high, narrow) in pairwise(profile):
        count = 1 if wide == narrow else max(1, round((high - low) / step))
        for share in (np.arange(count) + 0.5) / count:
            middle = low + float(share) * (high - low)
            slices.append((middle, (high - low) / count / 2, wide + float(share) * (narrow - wide)))
    return [
        Shape(Kind.CYLINDER, (radius, half, radius), (x, y - middle, z), surface=surface)
        for middle, half, radius in slices
    ]


def turned(point: Point, yaw_rad: float) -> Point:
    """`point` turned about the vertical; positive turns +z towards +x."""
    x, y, z = point
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return c * x + s * z, y, c * z - s * x


def moved(
    shapes: Iterable[Shape], to: Point = (0.0, 0.0, 0.0), yaw_rad: float = 0.0, scale: float = 1.0
) -> list[Shape]:
    """The shapes made `scale` times larger, turned about the vertical, then moved by `to`."""

    def place(point: Point) -> Point:
        x, y, z = turned(point, yaw_rad)
        return to[0] + scale * x, to[1] + scale * y, to[2] + scale * z

    def one(shape: Shape) -> Shape:
        yaw, pitch, roll = shape.turn_rad
        half = (shape.half[0] * scale, shape.half[1] * scale, shape.half[2] * scale)
        surface = shape.surface
        if scale != 1.0:
            surface = replace(surface, scale_m=surface.scale_m * scale)
        if shape.kind is Kind.CONE:
            ends = place(shape.start), place(shape.end)
            return replace(shape, half=half, start=ends[0], end=ends[1], surface=surface)
        return replace(
            shape,
            half=half,
            centre=place(shape.centre),
            turn_rad=(yaw + yaw_rad, pitch, roll),
            surface=surface,
        )

    return [one(shape) for shape in shapes]


def as_subject(shapes: Iterable[Shape]) -> list[Shape]:
    return [replace(shape, subject=True) for shape in shapes]


def lowest_y(shapes: Iterable[Shape]) -> float:
    """The y of the lowest point of some shapes: 0 for what stands on the ground."""

    def bottom(shape: Shape) -> float:
        if shape.kind is Kind.CONE:
            return max(shape.start[1] + shape.half[0], shape.end[1] + shape.half[1])
        reach = np.abs(rotation(*shape.turn_rad)[1] * shape.half)
        round_ = shape.kind is Kind.ELLIPSOID
        return shape.centre[1] + float(np.linalg.norm(reach) if round_ else reach.sum())

    return max(bottom(shape) for shape in shapes)


def holds(shape: Shape, point: Point, margin_m: float = 0.0) -> bool:
    """Whether `point` lies in the shape, or roughly within `margin_m` of it.

    A room holds nothing: it is seen from within.
    """
    if shape.kind is Kind.ROOM:
        return False
    if shape.kind is Kind.CONE:
        start, along = np.asarray(shape.start), np.subtract(shape.end, shape.start)
        away = np.subtract(point, start)
        share = float(np.clip(away @ along / max(along @ along, 1e-12), 0, 1))
        radius = shape.half[0] + share * (shape.half[1] - shape.half[0])
        return bool(np.linalg.norm(away - share * along) < radius + margin_m)
    own = np.abs(rotation(*shape.turn_rad).T @ np.subtract(point, shape.centre))
    half = np.asarray(shape.half) + margin_m + 1e-9
    if shape.kind is Kind.ELLIPSOID:
        return bool(((own / half) ** 2).sum() < 1)
    if shape.kind is Kind.CYLINDER:
        return bool(((own / half)[[0, 2]] ** 2).sum() < 1 and own[1] < half[1])
    return bool((own < half).all())


def free(shapes: Iterable[Shape], point: Point, margin_m: float) -> bool:
    """Whether a camera may stand at `point`."""
    return not any(holds(shape, point, margin_m) for shape in shapes)


def looking(
    rng: Rng, eye: Point, target: Point, focal_share: float, aspect: float, tilt_rad: float = 0.02
) -> Camera:
    """A camera at `eye` towards `target`, held level but for `tilt_rad` (one sigma)."""
    x, y, z = np.subtract(target, eye)
    yaw, pitch = math.atan2(x, z), math.atan2(y, math.hypot(x, z))
    roll = float(rng.normal(0, 0.2 if chance(rng, 0.08) else tilt_rad))
    return Camera(eye, yaw, pitch, roll, focal_share, aspect)


def photo_aspect(rng: Rng, upright: float = 0.3) -> float:
    """Width over height as cameras and phones give it; a share of `upright` pictures."""
    if chance(rng, 0.08):
        return 1.0
    wide = one_of(rng, (4 / 3, 4 / 3, 3 / 2, 3 / 2, 16 / 9))
    return 1 / min(wide, 1.5) if chance(rng, upright) else wide


def lens(rng: Rng, low: float = 0.55, high: float = 1.6, aspect: float = 1.0) -> float:
    """Focal length over width; a phone's (0.7 to 0.8) most often. Upright pictures are
    narrower, so the same lens has a larger share of their width."""
    share = rng.uniform(0.68, 0.82) if chance(rng, 0.35) else between(rng, low, high)
    return float(share * (1.3 if aspect < 1 else 1.0))


def daylight(rng: Rng, fog_per_m: float | None = None) -> tuple[Sky, Point]:
    """A sky and the light from everywhere: clear, overcast, or with a low sun."""
    fog = between(rng, 1e-4, 0.012) if fog_per_m is None else fog_per_m
    kind = rng.random()
    azimuth = rng.uniform(-np.pi, np.pi)
    height = rng.uniform(0.08, 0.35) if kind > 0.8 else rng.uniform(0.4, 1.3)
    sun = (
        math.cos(height) * math.sin(azimuth),
        -math.sin(height),
        math.cos(height) * math.cos(azimuth),
    )
    haze = rng.uniform(0.75, 1.15)
    if kind < 0.5:  # clear
        sky = Sky(sun, (2.6, 2.45, 2.2), (0.22, 0.42, 0.85), (0.75 * haze, 0.88 * haze, haze), fog)
        return sky, (0.34, 0.4, 0.5)
    if kind < 0.8:  # overcast
        bright = rng.uniform(0.8, 1.3)
        weak = rng.uniform(0.0, 0.5)
        grey = (0.92 * bright, 0.96 * bright, bright)
        zenith = (0.75 * bright, 0.8 * bright, 0.86 * bright)
        return Sky(sun, (weak, weak, 0.95 * weak), zenith, grey, fog), (0.62, 0.65, 0.7)
    warm = rng.uniform(0.3, 0.75)
    sky = Sky(
        sun,
        (2.3, 1.2 + 0.6 * warm, 0.6 * warm + 0.3),
        (0.25, 0.35, 0.6),
        (1.0, warm, 0.6 * warm),
        fog,
    )
    return sky, (0.3, 0.28, 0.32)


GROUND_M = 100.0
"""Shapes with a larger half side are ground, or sea, and never in anybody's way."""


def without(shapes: Iterable[Shape], keep_free: Sequence[Point], distance_m: float) -> list[Shape]:
    """The shapes less what is near one of some points a metre above the ground.

    Small shapes go if their middle stands within `distance_m` over the ground, those wider
    than two metres only if they reach the point so inflated. The ground itself stays.
    """

    def stays(shape: Shape) -> bool:
        if max(shape.half) > GROUND_M:
            return True
        cone = shape.kind is Kind.CONE
        if not cone and max(shape.half[0], shape.half[2]) > 1:
            return not any(holds(shape, point, 0.8 * distance_m) for point in keep_free)
        x, _, z = shape.centre
        if cone:
            x, z = (shape.start[0] + shape.end[0]) / 2, (shape.start[2] + shape.end[2]) / 2
        return all(math.hypot(x - p[0], z - p[2]) > distance_m for p in keep_free)

    return [shape for shape in shapes if stays(shape)]
