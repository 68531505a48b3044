"""Where a photographer's light stands in a photo's space.

Lights are set up about a subject: its upper half, where a face is, or without one whatever
stands nearer in the middle. Azimuth is counted from the camera (0) over the side (90) to the
back (180), elevation upwards, both as the upright picture shows them. A light stands as far
away as one and a half times the height of the subject that is seen, unless its distance is
said, and is drawn in towards the subject where it would else stand behind a wall.

Strength is said against the photo's own light: at 0 stops a white surface that faces the light
at the subject gets as much from it as from all that the photo was taken in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.light.gobo import gobo_named
from depthfx.light.kelvin import light_colour
from depthfx.light.light_words import HARD_SIZE, SOFT_SIZE, LightWords
from depthfx.light.lights import Light, Vector
from depthfx.light.own_light import OwnLight
from depthfx.photo.colour import LUMINANCE

ASSUMED_M = 2.0
"""Where depth is relative, the subject counts as so far away."""
REACH = 1.5
"""Usual distance of a light, in heights of the subject."""
LEAST_REACH = 0.35
"""The same at least, in distances of the subject from the camera."""
FLAGGED = 0.8
"""Share of a light's distance from what it lights: what is nearer gets no more than there."""
SUN_AWAY = 1000.0
"""How far away the sun is, in distances of the subject."""
GOBO_SIZE = 0.06
"""Of its distance is a light with a gobo if nothing is said: edges show."""
SOLID, SMALLEST_SUBJECT = 0.8, 0.004
"""A pixel is the subject's when its matte says more; it fills more than the second, a share."""
SIDE = 400
"""Rows at which a scene is looked at, about."""
SURE, ASIDE = 0.4, 0.15
"""The photo's own key has a side from this confidence, and this far to the side, on."""
SAME_DEPTH, NEARER = 0.1, 60
"""Without a subject lights are set up about this percentile of the middle, give or take a share."""
BEFORE = 0.9
"""A lamp at a place without a depth is not drawn nearer than this share of what is seen there."""
BEHIND, MOST_BEHIND = 0.4, 3.0
"""A background light stands at this share of the way to the wall; the wall counts as no farther
behind the subject than so many usual distances of a light."""
RIM_PX = 3
"""Around the subject, on the coarse grid, depth is a little of both."""
STEPS = 32
"""In which the way to a light is searched for walls."""
CLEAR, NEAREST = 0.7, 0.15
"""Share of the way to a wall where a light may stand, and of its distance that always stays."""
NEVER = 1e-6
"""Inverse depth that stands for infinitely far."""


@dataclass(frozen=True, eq=False)
class Stand:
    """A scene as one sees it who sets up lights.

    aim_m : the middle of the subject's upper half, camera axes, in metres or the depth's own unit
    height_m : of the subject, as far as the frame shows it, in the same unit
    metre : so many of that unit are a metre
    white : luminance of a white surface in the photo's own light
    key_side : side of the picture the photo's own key comes from, -1 left, 1 right
    subject : whether there is one
    upper : (h, w) bool, that upper half on a coarse grid
    step : of whose rows and columns the grid has every so manieth
    inverse, behind : (h, w) inverse depth on that grid, and the same without the subject, continued
        behind it from around
    """

    camera: Camera
    aim_m: Vector
    height_m: float
    metre: float
    white: float
    key_side: int
    subject: bool
    upper: NDArray[np.bool_]
    step: int
    inverse: Plane
    behind: Plane

    @classmethod
    def of(
        cls, inverse: Plane, camera: Camera, matte: Plane, own: OwnLight, *, metric: bool
    ) -> Stand:
        """Of inverse depth (H, W) and the subject's matte (H, W)."""
        step = max(1, inverse.shape[0] // SIDE)
        coarse, solid = inverse[::step, ::step], matte[::step, ::step] > SOLID
        subject = bool(solid.mean() > SMALLEST_SUBJECT)
        there = _upper_half(solid) if subject else _in_the_middle(coarse)
        rows, columns = np.nonzero(there)
        at = max(float(np.median(coarse[there])), NEVER)
        x, y = ((float(np.median(v)) + 0.5) * step for v in (columns, rows))
        aim = _point(camera, x, y, 1 / at)
        whole = solid if subject else there
        tall = float(np.ptp(np.flatnonzero(whole.any(1))) + 1) * step
        white = float(LUMINANCE @ (np.array(own.key) + np.array(own.fill)))
        return cls(
            camera,
            aim,
            tall / camera.focal_px / at,
            1.0 if metric else 1 / at / ASSUMED_M,
            white,
            _side_of(own),
            subject,
            there,
            step,
            coarse,
            _without(coarse, matte[::step, ::step]),
        )

    @property
    def reach_m(self) -> float:
        """The usual distance of a light."""
        return max(REACH * self.height_m, LEAST_REACH * self.aim_m[2])

    def surface_m(self, x: float, y: float) -> float:
        """Depth of what is seen at a place (shares of width and height)."""
        height, width = self.inverse.shape
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        return 1 / max(float(self.inverse[row, column]), NEVER)

    def point(self, x: float, y: float, depth: float) -> Vector:
        """The point at a place (shares of width and height), so deep."""
        return _point(self.camera, x * self.camera.width, y * self.camera.height, depth)

    def direction(self, side: int, azimuth_deg: float, elevation_deg: float) -> Vector:
        """Unit vector from the subject to where a light stands."""
        away = math.hypot(self.aim_m[0], self.aim_m[2])
        ahead_x, ahead_z = self.aim_m[0] / away, self.aim_m[2] / away
        azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
        back, aside = -math.cos(azimuth), side * math.sin(azimuth)
        level = math.cos(elevation)
        return (
            level * (back * ahead_x + aside * ahead_z),
            -math.sin(elevation),
            level * (back * ahead_z - aside * ahead_x),
        )

    def free_share(self, start: Vector, end: Vector) -> float:
        """Share of the way from `start` to `end` before it meets what lies behind the subject."""
        height, width = self.inverse.shape
        way = np.linspace(0, 1, STEPS + 1)[1:, None]
        x, y, z = (np.array(start) + way * (np.array(end) - np.array(start))).T
        camera, ahead = self.camera, z > NEVER
        safe = np.where(ahead, z, 1.0)
        column = (x / safe * camera.focal_px + camera.cx) / camera.width * width
        row = (y / safe * camera.focal_px + camera.cy) / camera.height * height
        seen = ahead & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        j = np.clip(column, 0, width - 1).astype(int)
        i = np.clip(row, 0, height - 1).astype(int)
        hit = seen & (safe * self.behind[i, j] > 1)
        # What stands between is gone around; only what it would end in is a wall.
        clear = np.flatnonzero(~hit)
        return float(way[clear[-1], 0]) if clear.size else 0.0


def placed(
    words: LightWords, stand: Stand, *, stops: float = 0.0, gobo: str | None = None
) -> Light:
    """The light that `words` describe, in the unit of the depth.

    stops : added to its strength; gobo : one for it if its words name none. Raises PhotoError if
    the gobo's file cannot be read.
    """
    usual = words.usual
    side = words.side or (-stand.key_side if usual.across else stand.key_side)
    azimuth = usual.azimuth_deg if words.azimuth_deg is None else words.azimuth_deg
    elevation = usual.elevation_deg if words.elevation_deg is None else words.elevation_deg
    aim = stand.aim_m
    if words.towards is not None:
        aim = stand.point(*words.towards, stand.surface_m(*words.towards))
    named = words.gobo or gobo
    share = _size_share(words, named is not None)
    if words.at is not None:
        # What is next to a lamp gets more of it than its strength says.
        position, distance = _lamp(words, stand, share), stand.reach_m
    elif words.role == "background":
        position, aim = _behind_subject(stand)
        distance = math.dist(position, aim)
    else:
        distance = usual.distance * stand.reach_m or SUN_AWAY * stand.aim_m[2]
        if words.distance_m is not None:
            distance = words.distance_m * stand.metre
        towards = stand.direction(side, azimuth, elevation)
        position = _along(stand.aim_m, towards, distance)
        if usual.distance:
            free = stand.free_share(stand.aim_m, position)
            if free < 1:
                distance *= max(CLEAR * free, NEAREST)
                position = _along(stand.aim_m, towards, distance)
    size = share * distance if words.size_m is None else words.size_m * stand.metre
    strength = stand.white * 2.0 ** (stops + (usual.stops if words.stops is None else words.stops))
    red, green, blue = (
        strength * distance**2 * part for part in light_colour(words.colour or "neutral")
    )
    light = Light(
        position,
        (red, green, blue),
        size / 2,
        aim_m=aim,
        beam_deg=usual.beam_deg if words.beam_deg is None and words.at is None else words.beam_deg,
        shadows=usual.shadows and not words.no_shadow,
        # Who says how far a light stands, or which lamp it is, gets what it does there.
        flag_m=0.0 if words.at or words.distance_m else FLAGGED * distance,
    )
    if named is None:
        return light
    away = math.dist(position, aim)
    return replace(light, gobo=gobo_named(named, away, stand.height_m, size))


def _side_of(own: OwnLight) -> int:
    """The side of the picture that the photo's own key comes from; left if nobody knows."""
    known = own.confidence >= SURE and max(own.key) > 0
    return 1 if known and own.towards_key[0] > ASIDE else -1


def _size_share(words: LightWords, with_gobo: bool) -> float:
    """Diameter of a light as a share of its distance, if no size is said."""
    if words.soft is not None:
        return SOFT_SIZE if words.soft else HARD_SIZE
    return min(words.usual.size, GOBO_SIZE) if with_gobo else words.usual.size


def _lamp(words: LightWords, stand: Stand, share: float) -> Vector:
    """Where a light stands that is `at` a place: so deep, or just before what is seen there."""
    assert words.at is not None
    if words.distance_m is not None:
        return stand.point(*words.at, words.distance_m * stand.metre)
    surface = stand.surface_m(*words.at)
    radius = (words.size_m or share) * stand.metre / 2
    return stand.point(*words.at, max(surface - 2 * radius, surface * BEFORE))


def _behind_subject(stand: Stand) -> tuple[Vector, Vector]:
    """A place hidden behind the subject, and what a light there points at: what lies behind."""
    wall = 1 / max(float(np.median(stand.behind)), NEVER)
    depth = stand.aim_m[2]
    wall = min(max(wall, depth + stand.height_m / 2), depth + MOST_BEHIND * stand.reach_m)
    hidden = depth + BEHIND * (wall - depth)
    start, aim = (tuple(v * z / depth for v in stand.aim_m) for z in (hidden, wall))
    return (start[0], start[1], start[2]), (aim[0], aim[1], aim[2])


def _without(inverse: Plane, matte: Plane) -> Plane:
    """Inverse depth (h, w) of what lies around the subject, and behind it most likely."""
    rim = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    around = cv2.dilate(np.ascontiguousarray(matte), rim) < 1 - SOLID
    inverse = np.ascontiguousarray(inverse)
    return push_pull(inverse, around.astype(np.float32)) if around.any() else inverse


def _upper_half(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of a subject, where its face is if it has one."""
    rows = np.flatnonzero(solid.any(1))
    upper = solid.copy()
    upper[(rows[0] + rows[-1]) // 2 + 1 :] = False
    return upper


def _in_the_middle(inverse: Plane) -> NDArray[np.bool_]:
    """Without a subject: what is about as far away as the nearer things in the middle."""
    height, width = inverse.shape
    inner = (slice(height // 4, -(height // 4) or None), slice(width // 4, -(width // 4) or None))
    at = np.percentile(inverse[inner], NEARER, method="nearest")
    there = np.zeros(inverse.shape, bool)
    there[inner] = np.abs(inverse[inner] - at) <= SAME_DEPTH * at
    return there


def _point(camera: Camera, x_px: float, y_px: float, depth: float) -> Vector:
    per_px = depth / camera.focal_px
    return (x_px - camera.cx) * per_px, (y_px - camera.cy) * per_px, depth


def _along(start: Vector, towards: Vector, distance: float) -> Vector:
    x, y, z = (a + distance * b for a, b in zip(start, towards, strict=True))
    return x, y, z


def told(words: LightWords, light: Light, stand: Stand) -> str:
    """A light in a few words, as it came to stand."""
    name = words.role or ("lamp" if words.at is not None else "key")
    away = math.dist(light.position_m, light.aim_m or stand.aim_m) / stand.metre
    parts = [name]
    if words.at is None and words.role != "background":
        usual = words.usual
        side = words.side or (-stand.key_side if usual.across else stand.key_side)
        azimuth = usual.azimuth_deg if words.azimuth_deg is None else words.azimuth_deg
        parts.append(f"{'right' if side > 0 else 'left'} {azimuth:g} deg")
    if words.colour:
        kelvin = words.colour.removesuffix("k")
        parts.append(f"{kelvin} K" if kelvin.isdecimal() else words.colour)
    if words.gobo:
        parts.append(f"through {words.gobo}")
    if words.role != "sun":
        parts.append(f"{away:.2g} m")
    return " ".join(parts)


def own_words(own: OwnLight) -> str:
    """Where the photo's own light comes from, in words."""
    if own.confidence < SURE or max(own.key) <= 0:
        return "own light: even, or not told"
    x, y, z = own.towards_key
    parts = [
        "upper" if y < -ASIDE else "lower" if y > ASIDE else "",
        "right" if x > ASIDE else "left" if x < -ASIDE else "",
    ]
    where = " ".join(part for part in parts if part) or "ahead"
    return f"own light: from {'behind, ' if z > ASIDE else ''}{where} ({own.confidence:.0%} sure)"


def facts(lights: Sequence[Light], own: OwnLight, stand: Stand) -> dict[str, Any]:
    """Lights and the photo's own light for programs; metres, as far as depth has them."""
    return {
        "lights": [
            {
                "position_m": _rounded(light.position_m, stand.metre),
                "radius_m": float(f"{light.radius_m / stand.metre:.4g}"),
                "at_1_m": _rounded(light.intensity, stand.metre**2),
            }
            for light in lights
        ],
        "subject_m": _rounded(stand.aim_m, stand.metre),
        "own_light": {
            "towards_key": _rounded(own.towards_key),
            "key": _rounded(own.key),
            "fill": _rounded(own.fill),
            "confidence": round(own.confidence, 3),
        },
    }


def _rounded(values: Vector, unit: float = 1.0) -> list[float]:
    return [float(f"{value / unit:.4g}") for value in values]
