"""Distances and sizes in a photo, with the error that depth and lens imply.

A place looks along a ray ((x - cx) / f, (y - cy) / f, 1) and is where depth z says on it. What
an error of the focal length f does depends on where metres come from. A network's metres follow
from the lens: it sees angles, so z grows with f, and x = (x_px - cx) z / f does not depend on f
at all; only the part of a length that runs in depth does. Where depth was measured (a phone's
sensor, a file in metres, a known distance), z stays, and it is the part across the picture that
goes with 1 / f. So every length is worked out again with a longer and a shorter lens. What may be
off besides: all metres together (the measured scale's error, the model's own), each place's depth
against the others (roughness of the depth around it, a network's own waviness), and the two
pixels within which a place is named. These are independent, and their squares add.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import FOCAL_UNCERTAINTY, Camera, FocalOrigin
from depthfx.depth import Depth, Plane
from depthfx.engine.depth_write import NO_SCALE
from depthfx.errors import DepthError, ParameterError
from depthfx.geometry.breaks import steps_above

Place = tuple[float, float]
"""A place in the photo as shares (x, y) of its width and height, 0..1."""
Point = NDArray[np.float64]
"""(3,) camera axes: x right, y down, z forward, metres."""
Values = NDArray[np.floating]

NEAR_OUTLINE_PX = 2
"""A place so near to an outline is meant to be on the thing in front, since nobody points at
the edge of what lies behind."""
SAME_SURFACE = 0.04
"""Share of inverse depth by which two sides of an outline differ at least."""
AROUND = 0.003
"""Of the diagonal: half the side of the square in which a place's surface is looked at."""
CLICK_PX = 2.0
"""How far off the ends of a length are named, together."""
WAVINESS, WAVE = 0.25, 0.1
"""A network's depth at one place against another: each is off by a share that grows with how far
apart they are, half of the first at the second (a share of the diagonal). About two errors in
three on the rooms of NYU Depth v2 stay below; see docs/measuring.md."""
ELSEWHERE = 0.15
"""The same for a scale that was measured somewhere in the picture, and is used anywhere in it."""
LEAST_PIXELS = 30
"""Of a thing whose size is asked for; fewer show no shape."""
MOST_SAMPLES = 20_000
"""Of a thing's depth; its law has four unknowns."""
EDGE_SHARE = 0.97
"""Of the way from a thing's middle to its outline: beyond, its depth is mixed with what is
behind."""
REWEIGHTINGS, EXACT = 10, 1e-5
"""Of fits that forget outliers: how often, and deviations that are none, as a share."""


@dataclass(frozen=True)
class Likely:
    """A quantity and between what it is about two times in three."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spot:
    """A place and the surface it is on.

    inverse : of the surface there, 1/m
    roughness : share by which the depth around it strays from a plane
    in_front : the place was beside an outline, and the thing in front is taken
    """

    place: Place
    inverse: float
    roughness: float
    in_front: bool = False

    def point(self, camera: Camera) -> Point:
        """(3,) x, y, z in metres."""
        return ray(camera, self.place) / self.inverse


@dataclass(frozen=True)
class Size:
    """How large a thing is as the camera sees it, and how far away its middle is, metres.

    box : two opposite corners of what it fills in the picture
    cut : it reaches the picture's rim, so there may be more of it
    """

    width: Likely
    height: Likely
    distance: Likely
    box: tuple[Place, Place]
    cut: bool = False


def ray(camera: Camera, place: Place) -> Point:
    """(3,) the direction a place looks along, z = 1."""
    x, y = place[0] * camera.width, place[1] * camera.height
    return np.array([(x - camera.cx) / camera.focal_px, (y - camera.cy) / camera.focal_px, 1.0])


def focal_error(depth: Depth, camera: Camera) -> float:
    """Share by which the focal length may be off, by who said it."""
    if camera.origin is FocalOrigin.NETWORK and depth.focal_error is not None:
        return depth.focal_error
    return FOCAL_UNCERTAINTY[camera.origin]


def scale_error(depth: Depth) -> float:
    """Share by which all metres may be off together, beside what the focal length does."""
    if depth.scale_error is None:
        return depth.model_error or 0.0
    return math.hypot(depth.scale_error, ELSEWHERE if depth.model_error is not None else 0.0)


def _check_metric(depth: Depth) -> None:
    if not depth.metric:
        raise DepthError(NO_SCALE.format(origin=depth.origin))


def spot_at(depth: Depth, place: Place) -> Spot:
    """The surface at a place of metric depth.

    Raises DepthError if depth is relative, or the place is in the sky.
    """
    _check_metric(depth)
    height, width = depth.shape
    column, row = place[0] * width, place[1] * height
    reach = max(NEAR_OUTLINE_PX + 3, round(AROUND * math.hypot(width, height)))
    x, y = min(int(column), width - 1), min(int(row), height - 1)
    rows = slice(max(y - reach, 0), y + reach + 1)
    columns = slice(max(x - reach, 0), x + reach + 1)
    window = np.ascontiguousarray(depth.surface[rows, columns])
    at = y - rows.start, x - columns.start
    surface, in_front = _front(window, at)
    seen = float(window[at]) if not in_front else float(window[surface].max())
    if seen <= 0:
        raise DepthError(
            f"{place[0]:g},{place[1]:g} is sky, infinitely far; name a place on something"
        )
    v, u = np.nonzero(surface)
    down, right = v + rows.start + 0.5 - row, u + columns.start + 0.5 - column
    inverse, stray = _plane_through(right, down, window[surface].astype(np.float64))
    return Spot(place, inverse, stray / inverse, in_front)


def between(depth: Depth, camera: Camera, start: Spot, end: Spot) -> Likely:
    """The straight distance in space between two spots, metres."""

    def length(lens: float = 1.0, nearer: float = 1.0, farther: float = 1.0) -> float:
        ends = (
            replace(start, inverse=start.inverse / nearer),
            replace(end, inverse=end.inverse / farther),
        )
        first, second = (_through(depth, camera, lens, spot) for spot in ends)
        return float(np.linalg.norm(first - second))

    span = math.hypot(
        (start.place[0] - end.place[0]) * camera.width,
        (start.place[1] - end.place[1]) * camera.height,
    )
    click_m = CLICK_PX / camera.focal_px / min(start.inverse, end.inverse)
    value = length()
    apart = span / camera.diagonal_px
    wavy = WAVINESS * apart / (apart + WAVE) if depth.model_error is not None else 0.0
    own, other = (math.hypot(spot.roughness, wavy) for spot in (start, end))
    lens = focal_error(depth, camera)
    changes = [
        (length(1 / (1 + lens)) - value, length(1 + lens) - value),
        (length(1, 1 / (1 + own)) - value, length(1, 1 + own) - value),
        (length(1, 1, 1 / (1 + other)) - value, length(1, 1, 1 + other) - value),
        (-min(click_m, value) if span else 0.0, click_m if span else 0.0),
    ]
    return _likely(value, changes, scale_error(depth))


def distance_to(depth: Depth, camera: Camera, spot: Spot) -> Likely:
    """How far a spot is from the camera along the line of sight, metres."""

    def length(lens: float = 1.0, farther: float = 1.0) -> float:
        moved = replace(spot, inverse=spot.inverse / farther)
        return float(np.linalg.norm(_through(depth, camera, lens, moved)))

    value, own, lens = length(), spot.roughness, focal_error(depth, camera)
    changes = [
        (length(1 / (1 + lens)) - value, length(1 + lens) - value),
        (length(1, 1 / (1 + own)) - value, length(1, 1 + own) - value),
    ]
    return _likely(value, changes, scale_error(depth))


def angle_deg(camera: Camera, start: Place, end: Place) -> float:
    """The angle between two places as the camera sees them, degrees."""
    first, second = ray(camera, start), ray(camera, end)
    across = float(np.linalg.norm(np.cross(first, second)))
    return math.degrees(math.atan2(across, float(first @ second)))


def size_at_distance(
    camera: Camera, start: Place, end: Place, distance_m: float, share: float | None = None
) -> Size:
    """The width and height of an upright, flat thing that fills a box of the picture.

    start, end : two opposite corners
    distance_m : along the optical axis
    share : by which the focal length may be off; None: as who said it

    No depth is needed: size is angle times distance (the pinhole).
    """
    share = FOCAL_UNCERTAINTY[camera.origin] if share is None else share
    pixel_m = distance_m / camera.focal_px
    sides = (
        abs(end[0] - start[0]) * camera.width * pixel_m,
        abs(end[1] - start[1]) * camera.height * pixel_m,
    )
    if 0 in sides:
        raise ParameterError(
            f"{start[0]:g},{start[1]:g},{end[0]:g},{end[1]:g} is a box without an inside; "
            "name two opposite corners"
        )
    click_m = CLICK_PX * pixel_m
    width, height = (
        _likely(
            side,
            [
                (side / (1 + share) - side, side * share),
                (-min(click_m, side), click_m),
            ],
            0.0,
        )
        for side in sides
    )
    return Size(width, height, Likely(distance_m, distance_m, distance_m), (start, end))


def size_of(depth: Depth, camera: Camera, matte: Plane) -> Size:
    """How wide and high the thing in a matte (H, W) 0..1 is.

    Its outline gives angles; depth gives how far they reach. A plane and an ellipsoid have the
    same law in inverse depth, w = a + b sqrt(1 - q^2) + a slant, where q is 0 in the middle of the
    thing and 1 on its outline; of the ellipsoid's true sides the outline shows the share
    sqrt(1 - (b / a)^2), since the camera sees around less than half of it. The plane has b = 0.

    Raises DepthError as `spot_at`, or if there is no thing.
    """
    _check_metric(depth)
    surface = depth.surface
    there = (matte > 0.5) & (surface > 0)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    if there.sum() < LEAST_PIXELS:
        raise DepthError("there is no thing to be measured at that place; name another, or a pair")
    top, bottom = float(rows[0]), float(rows[-1] + 1)
    left, right = float(columns[0]), float(columns[-1] + 1)
    v, u = np.nonzero(there[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    every = max(1, len(v) // MOST_SAMPLES)
    v, u = v[::every], u[::every]
    values = surface[v + rows[0], u + columns[0]]
    across = (u + 0.5) / (right - left) * 2 - 1
    down = (v + 0.5) / (bottom - top) * 2 - 1
    flat, bulge, slant, stray = _shape(across, down, values.astype(np.float64))
    # At the ends the bulge is nothing: there lies the outline.
    ends = {
        "width": [
            (left, (top + bottom) / 2, flat - slant[0]),
            (right, (top + bottom) / 2, flat + slant[0]),
        ],
        "height": [
            ((left + right) / 2, top, flat - slant[1]),
            ((left + right) / 2, bottom, flat + slant[1]),
        ],
    }
    hidden = 1 / math.sqrt(1 - (bulge / flat) ** 2)
    found = {}
    for name, ((x0, y0, w0), (x1, y1, w1)) in ends.items():
        first = Spot((x0 / camera.width, y0 / camera.height), w0, stray)
        second = Spot((x1 / camera.width, y1 / camera.height), w1, stray)
        seen = between(depth, camera, first, second)
        found[name] = Likely(*(value * hidden for value in (seen.value, seen.low, seen.high)))
    middle = ((left + right) / 2 / camera.width, (top + bottom) / 2 / camera.height)
    distance = distance_to(depth, camera, Spot(middle, flat + bulge, stray))
    corners = (
        (left / camera.width, top / camera.height),
        (right / camera.width, bottom / camera.height),
    )
    cut = top == 0 or left == 0 or bottom == camera.height or right == camera.width
    return Size(found["width"], found["height"], distance, corners, cut)


def _shape(
    across: Values, down: Values, inverse: Values
) -> tuple[float, float, tuple[float, float], float]:
    """Flat part, bulge, slant (across, down) and stray share of a thing's inverse depth.

    across, down : -1 to 1 over the thing
    """
    q = across**2 + down**2
    inside = q < EDGE_SHARE**2
    if inside.sum() < LEAST_PIXELS // 2:
        inside = np.ones_like(q, bool)
    across, down, values = across[inside], down[inside], inverse[inside]
    dome = np.sqrt(np.clip(1 - q[inside], 0, None))
    columns = np.stack([np.ones_like(dome), dome, across, down], 1)
    line = np.array([np.median(values), 0.0, 0.0, 0.0])
    for kept in ([0, 1, 2, 3], [0, 2, 3]):
        line = np.zeros(4)
        line[kept] = _least_deviation(columns[:, kept], values)
        # A hollow, or a bulge as deep as the way to it, is none: then the thing is flat.
        if 0 <= line[1] < 0.5 * line[0]:
            break
        line[1] = 0.0
    # No slant or bulge takes a thing's outline beyond what is believable.
    flat, bulge = max(float(line[0]), 0.1 * float(np.median(values))), float(line[1])
    limit = 0.8 * flat
    slant = float(np.clip(line[2], -limit, limit)), float(np.clip(line[3], -limit, limit))
    stray = float(np.median(np.abs(values - columns @ line))) / flat
    return flat, bulge, slant, stray


def _least_deviation(columns: Values, values: Values) -> Values:
    """The coefficients of `columns` (N, K) of the least absolute deviations from `values` (N,), by
    least squares whose weights are one over the last deviations."""
    least = EXACT * float(np.median(values))
    weight = np.ones_like(values)
    for _ in range(REWEIGHTINGS):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(columns * root[:, None], values * root, rcond=None)[0]
        weight = 1 / np.maximum(np.abs(values - columns @ found), least)
    return np.asarray(found)


def _through(depth: Depth, camera: Camera, lens: float, spot: Spot) -> Point:
    """Where a spot is if the lens is `lens` times as long as it is said to be."""
    point = spot.point(camera.with_focal(camera.focal_px * lens, camera.origin))
    return point * lens if depth.scale_error is None else point


def _likely(value: float, changes: list[tuple[float, float]], scale: float) -> Likely:
    """Independent changes (each one way and the other), and a scale's share, put together."""
    low = [min(min(pair), 0.0) for pair in changes] + [value / (1 + scale) - value]
    high = [max(max(pair), 0.0) for pair in changes] + [value * scale]
    return Likely(value, max(value - math.hypot(*low), 0.0), value + math.hypot(*high))


def _front(window: Plane, at: tuple[int, int]) -> tuple[NDArray[np.bool_], bool]:
    """The surface (bool, of the window's shape) that the place `at` is on, and whether that is
    one in front of what the place itself shows."""
    y, x = at
    near = (
        slice(max(y - NEAR_OUTLINE_PX, 0), y + NEAR_OUTLINE_PX + 1),
        slice(max(x - NEAR_OUTLINE_PX, 0), x + NEAR_OUTLINE_PX + 1),
    )
    front = float(window[near].max())
    labels = _pieces(window, front * SAME_SURFACE)
    here, there = float(window[at]), np.argwhere(window[near] == front)[0]
    best = labels[near][tuple(there)]
    in_front = bool(best != labels[at] and front > here * (1 + SAME_SURFACE))
    return labels == (best if in_front else labels[at]), in_front


def _pieces(window: Plane, least: float) -> NDArray[np.int32]:
    """(h, w) labels: pixels that hang together without a break in depth of `least` or more."""
    right, down = steps_above(window, least)
    height, width = window.shape
    # Pixels at even places, what lies between them at odd ones.
    grid = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    grid[::2, ::2] = 1
    grid[::2, 1::2], grid[1::2, ::2] = ~right, ~down
    _, labels = cv2.connectedComponents(grid, connectivity=4)
    return np.asarray(labels[::2, ::2], np.int32)


def _plane_through(right: Values, down: Values, inverse: Values) -> tuple[float, float]:
    """Inverse depth at (0, 0) of the plane through values at places, and their median stray."""
    columns = np.stack([np.ones_like(right), right, down], 1)
    middle = float(np.median(inverse))
    if len(inverse) < 6:
        return middle, 0.0
    found = _least_deviation(columns, inverse)
    low, high = float(inverse.min()), float(inverse.max())
    stray = float(np.median(np.abs(inverse - columns @ found)))
    return min(max(float(found[0]), low), high), stray
