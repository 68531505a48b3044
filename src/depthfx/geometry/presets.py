"""Moves by name, as large as a scene allows.

A preset is a shape; how large it is drawn follows from the parallax asked for: the nearest shift
against the farthest by that share of the diagonal, against where the photo has them, wherever in
the frame they are, and never more. All begin at the photo itself, but `pull-out`, which ends
there, and `circle`, which goes round it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.pose import Pose, Vector
from depthfx.geometry.stage import Stage

FARTHEST_PIVOT = 20.0
"""In distances of the nearest: a pivot farther away is turned about as if it were there."""
LARGEST_STEP = 0.2
"""Of the distance of the nearest, to the side: a wall, which shows next to no parallax, would else
be walked along without end."""
LARGEST_APPROACH = 0.3
"""The same forward: nothing is run into."""
KEN_BURNS_ZOOM = 1.05
KEN_BURNS_DRIFT = (0.5, -0.25)
"""Drift to the right and up, for a push of 1."""
FOCUS_BLUR = 0.015
"""Share of the diagonal: the blur of the farthest while the nearest is in focus, and the other way
round, where a focus is pulled and no opening was asked for."""
CIRCLE_KEYS = 8
"""The curve through so many keys stays within 0.12 % of the circle."""
SLACK = 0.001
"""Share by which moves stay below the parallax asked for: between its keys, a circle shows up to so
much more than at them."""
SMALLEST = 1e-9
"""Of the distance of the nearest: a move smaller than this is none."""

REST = Pose()
Shape = Callable[[Stage, float], list[Pose]]
"""Poses at even times, for a scene and a size in distances of the nearest."""


def pivot_of(stage: Stage) -> Vector:
    """The point that stays in place: the pivot's depth, straight ahead."""
    return (0.0, 0.0, 1 / max(stage.pivot_inverse, stage.near_inverse / FARTHEST_PIVOT))


def _still(_: Stage, __: float) -> list[Pose]:
    return [REST, REST]


def _push_in(stage: Stage, size: float) -> list[Pose]:
    """Towards the subject: whoever goes straight to a thing sees it grow in its place."""
    camera, (x, y) = stage.camera, stage.subject_xy
    right = (x * camera.width - camera.cx) / camera.focal_px
    down = (y * camera.height - camera.cy) / camera.focal_px
    step = min(size, LARGEST_APPROACH) / stage.near_inverse
    return [REST, Pose((right * step, down * step, step))]


def _pull_out(stage: Stage, size: float) -> list[Pose]:
    return _push_in(stage, size)[::-1]


def _beside(stage: Stage, right: float, down: float) -> Pose:
    """A step aside, looking at the pivot."""
    return Pose((right / stage.near_inverse, down / stage.near_inverse, 0), pivot_of(stage))


def _round(stage: Stage, right: float) -> Pose:
    """A step along the circle about the pivot, looking at it."""
    distance = pivot_of(stage)[2]
    x = right / stage.near_inverse
    return Pose((x, 0, distance - math.sqrt(distance**2 - x**2)), pivot_of(stage))


def _orbit(stage: Stage, size: float) -> list[Pose]:
    size = min(size, LARGEST_STEP)
    return [_round(stage, right) for right in (0, size)]


def _sway(stage: Stage, size: float) -> list[Pose]:
    size = min(size, LARGEST_STEP)
    return [_beside(stage, right, 0) for right in (0, size, 0, -size, 0)]


def _circle(stage: Stage, size: float) -> list[Pose]:
    size = min(size, LARGEST_STEP)
    turns = [k % CIRCLE_KEYS * math.tau / CIRCLE_KEYS for k in range(CIRCLE_KEYS + 1)]
    return [_beside(stage, size * math.cos(turn), size * math.sin(turn)) for turn in turns]


def _crane(stage: Stage, size: float) -> list[Pose]:
    return [_beside(stage, 0, up) for up in (0, -min(size, LARGEST_STEP))]


def _dolly_zoom(stage: Stage, size: float) -> list[Pose]:
    """Ahead, not back: the background then shrinks in behind the subject and uncovers nothing
    round it, only at the frame's border."""
    ahead = min(size, LARGEST_APPROACH) / stage.near_inverse
    return [REST, Pose((0, 0, ahead), zoom=1 - ahead / pivot_of(stage)[2])]


def _ken_burns(stage: Stage, size: float) -> list[Pose]:
    step = min(size, LARGEST_STEP) / stage.near_inverse
    right, down = KEN_BURNS_DRIFT
    return [REST, Pose((right * step, down * step, step), zoom=KEN_BURNS_ZOOM)]


PRESETS: dict[str, tuple[Shape, bool]] = {
    "push-in": (_push_in, False),
    "pull-out": (_pull_out, False),
    "orbit": (_orbit, False),
    "circle": (_circle, True),
    "sway": (_sway, True),
    "crane": (_crane, False),
    "dolly-zoom": (_dolly_zoom, False),
    "ken-burns": (_ken_burns, False),
    "focus-pull": (_still, False),
    "still": (_still, False),
}
"""Shape of each preset, and whether it is a loop by nature."""


def move_named(
    name: str,
    stage: Stage,
    *,
    loop: bool | None = None,
    focus_inverse: float | None = None,
    focus_end_inverse: float | None = None,
    aperture_m: float = 0.0,
) -> Move:
    """The preset `name`, as large as `stage.parallax` allows.

    loop : ends as it began; what has an end goes there and back. None: as the preset is by nature
    focus_inverse : inverse depth in focus; None: the pivot's, of a focus pull the nearest
    focus_end_inverse : where the focus is at the end (of a loop: half-way); None: where it was, of
        a focus pull the farthest
    aperture_m : the lens's opening, see `Key`; 0: everything is sharp, but of a focus pull

    Raises ParameterError if there is no such move.
    """
    if name not in PRESETS:
        raise ParameterError(f"move={name!r} is none of {', '.join(PRESETS)}")
    shape, by_nature = PRESETS[name]
    loop = by_nature if loop is None else loop
    poses = shape(stage, _largest(shape, stage))
    if loop and poses[0] != poses[-1]:
        poses = [*poses, *poses[-2::-1]]
    first, last = focus_inverse, focus_end_inverse
    if name == "focus-pull":
        first = stage.near_inverse if first is None else first
        last = stage.far_inverse if last is None else last
        aperture_m = aperture_m or focus_pull_aperture_m(stage)
        poses = poses if not loop else [REST] * 3
    if not aperture_m:
        first = last = None
    else:
        first = stage.pivot_inverse if first is None else first
        last = first if last is None else last
    keys = []
    for k, pose in enumerate(poses):
        at = k / (len(poses) - 1)
        gone = 1 - abs(2 * at - 1) if loop else at
        focus = None if first is None or last is None else (1 - gone) * first + gone * last
        keys.append(Key(at, pose, focus, aperture_m))
    return Move(name, tuple(keys), loop=loop)


def focus_pull_aperture_m(stage: Stage) -> float:
    """The opening that blurs the farthest by `FOCUS_BLUR` while the nearest is in focus."""
    camera = stage.camera
    range_inverse = stage.near_inverse - stage.far_inverse
    return FOCUS_BLUR * camera.diagonal_px / (camera.focal_px * range_inverse)


def _largest(shape: Shape, stage: Stage) -> float:
    """The size at which `shape` shows the parallax of `stage`, found by halving."""

    def fits(size: float) -> bool:
        return parallax_of(shape(stage, size), stage) <= stage.parallax * (1 - SLACK)

    low, high = 0.0, max(LARGEST_STEP, LARGEST_APPROACH)
    if fits(high):
        return high
    while high - low > SLACK * high > SMALLEST:
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def parallax_of(poses: list[Pose], stage: Stage) -> float:
    """How far the nearest shift against the farthest, at most, as a share of the diagonal.

    Of things that lie behind each other in the photo, anywhere in its frame; in px of the photo, as
    if no camera were turned or zoomed, which uncovers nothing: so wide is what comes into view
    behind an edge.
    """
    camera = stage.camera
    shares: NDArray[np.float64] = np.array(list(product((0.0, 0.5, 1.0), repeat=2)))
    places = shares * (camera.width, camera.height)
    most = 0.0
    for pose in poses:
        matrix = Pose(pose.position).matrix(camera)
        near, far = (
            matrix @ np.column_stack([places, np.ones(len(places)), np.full(len(places), w)]).T
            for w in (stage.near_inverse, stage.far_inverse)
        )
        shift = np.hypot(*(near[:2] / near[2] - far[:2] / far[2]))
        most = max(most, float(shift.max()))
    return most / camera.diagonal_px
