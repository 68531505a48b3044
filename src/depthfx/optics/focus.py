"""Where to focus, as photographers say it: a distance, a place, or simply the subject.

In this order: the distance asked for, the place asked for, a face or a focused area that the
photo's metadata tell of, a face that is found where there is a detector, the subject's matte,
the nearer things in the middle of the frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.engine.faces import found_face
from depthfx.photo.regions import Region, told_region
from depthfx.scene import Scene

Mask = NDArray[np.bool_]

ROWS = 400
"""Depth and matte are looked at in about so many rows."""
SMALLEST_SUBJECT = 0.004
"""Share of the frame below which a matte shows no subject."""
SOLID = 0.8
"""A pixel is the subject's when its matte says more."""
CLICK = 0.006
"""How exact a place is meant, as a share of the diagonal."""
SAME_DEPTH = 0.1
"""Inverse depths that differ by this share are about as far away."""
MIDDLE_PERCENTILE = 75
"""Without a subject: of the middle, what is nearer than most."""

ASSUMED_FOCUS_M = 2.0
"""Distance of the focus where depth is relative and nobody says how far it is."""
FARTHEST_M = 1e5
"""What is farther is called infinite: haze ends all sight before."""
NEAREST_M = 0.25
"""Relative depth is not scaled so that things come nearer than this (or half of the focus)."""


@dataclass(frozen=True, eq=False)
class Focus:
    """The plane of focus.

    inverse : inverse depth of the plane, in the depth's own unit; 0 focuses at infinity
    scale_m : depth in metres is 1 / (inverse * scale_m); 1 for metric depth
    words : how it was found, for the summary line
    seen : (h, w) bool, the frame on a coarse grid: what was looked at, and is to be sharp
    place : where it lies, shares of width and height; None if only a distance was asked for
    """

    inverse: float
    scale_m: float
    words: str
    seen: Mask
    place: tuple[float, float] | None = None

    @property
    def metres(self) -> float:
        return 1 / (self.inverse * self.scale_m) if self.inverse > 0 else math.inf


def find_focus(
    scene: Scene,
    focus_m: float | None,
    focus_xy: tuple[float, float] | None,
    assumed_m: float = ASSUMED_FOCUS_M,
) -> Focus:
    """The focus the user asked for; without a wish, on the subject.

    Relative depth has no metres: the focus is then taken to be `focus_m` away (`assumed_m`
    if not given), which sets the scale, and the words say so.
    """
    inverse = _coarse(scene.depth)
    if scene.depth.metric and focus_m is not None:
        there = np.abs(inverse * focus_m - 1) <= SAME_DEPTH
        return Focus(1 / focus_m, 1.0, f"focus at {focus_m:.4g} m", there)
    there, words = _wanted(scene, inverse, focus_xy)
    at, place = float(np.median(inverse[there])), middle_of(there)
    if scene.depth.metric:
        return Focus(
            at, 1.0, f"{words}, {distance_words(1 / at if at else math.inf)}", there, place
        )
    assumed = focus_m or assumed_m
    nearest = min(NEAREST_M, assumed / 2)
    scale = 1 / max(assumed * at, nearest)
    metres = distance_words(1 / (at * scale) if at else math.inf)
    source = "as told" if focus_m else "assumed; --focus-m sets the scale of relative depth"
    return Focus(at, scale, f"{words}, {metres} ({source})", there, place)


def distance_words(metres: float) -> str:
    """A distance as a photographer would read it: "2.74 m", "1250 m", "infinity"."""
    if metres > FARTHEST_M:
        return "infinity"
    return f"{metres:.0f} m" if metres >= 1000 else f"{metres:.3g} m"


def _wanted(scene: Scene, inverse: Plane, focus_xy: tuple[float, float] | None) -> tuple[Mask, str]:
    """What to look at for the focus, and how that was found."""
    if focus_xy is not None:
        return around(inverse.shape, *focus_xy), "focus on the chosen point"
    region = told_region(scene.photo)
    if region is not None:
        return in_region(inverse.shape, region), f"focus on the {region.kind} in the metadata"
    face = found_face(scene.photo, scene.context)
    if face is not None:
        return in_region(inverse.shape, face), "focus on a face that was found"
    step = _step(scene.depth)
    there = on_subject(scene.matte[::step, ::step])
    if there is not None:
        return there, "focus on the subject"
    return in_the_middle(inverse), "no subject found, focus on the middle"


def around(shape: tuple[int, ...], x: float, y: float, reach: float = CLICK) -> Mask:
    """The square around a place (shares of width and height), `shape` bool.

    reach : half its side as a share of the diagonal; it is never empty
    """
    height, width = shape[:2]
    half = max(1, round(reach * math.hypot(height, width)))
    row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
    there = np.zeros((height, width), bool)
    there[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = True
    return there


def in_region(shape: tuple[int, ...], region: Region) -> Mask:
    """The inner half of a region, `shape` bool: well within a face, whatever its outline."""
    height, width = shape[:2]
    rows = np.abs((np.arange(height) + 0.5) / height - region.y) <= region.height / 4
    columns = np.abs((np.arange(width) + 0.5) / width - region.x) <= region.width / 4
    return around(shape, region.x, region.y) | (rows[:, None] & columns)


def on_subject(matte: Plane) -> Mask | None:
    """The subject's upper half, where faces are; None if the matte shows no subject."""
    solid = matte > SOLID
    if solid.mean() < SMALLEST_SUBJECT:
        return None
    rows = np.flatnonzero(solid.any(1))
    solid[(rows[0] + rows[-1]) // 2 + 1 :] = False
    return solid


def in_the_middle(inverse: Plane) -> Mask:
    """The nearer things around the middle of the frame."""
    height, width = inverse.shape
    inner = (slice(height // 4, -(height // 4) or None), slice(width // 4, -(width // 4) or None))
    at = np.percentile(inverse[inner], MIDDLE_PERCENTILE, method="nearest")
    there = np.zeros(inverse.shape, bool)
    there[inner] = np.abs(inverse[inner] - at) <= SAME_DEPTH * at
    return there


def middle_of(there: Mask) -> tuple[float, float]:
    """The place in `there` that is nearest to its mean, as shares of width and height."""
    rows, columns = np.nonzero(there)
    nearest = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    height, width = there.shape
    return float((columns[nearest] + 0.5) / width), float((rows[nearest] + 0.5) / height)


def _step(depth: Depth) -> int:
    return max(1, depth.shape[0] // ROWS)


def _coarse(depth: Depth) -> Plane:
    """The surface on every n-th row and column."""
    step = _step(depth)
    inverse, behind, coverage = (
        None if plane is None else plane[::step, ::step]
        for plane in (depth.inverse, depth.behind, depth.coverage)
    )
    assert inverse is not None
    return replace(depth, inverse=inverse, behind=behind, coverage=coverage).surface
