"""People and animals, alone and in groups, and how a photographer frames them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from depthfx.training.scenes.animals import animal
from depthfx.training.scenes.limbs import Rng, moved
from depthfx.training.scenes.people import person
from depthfx.training.scenes.world import Camera, Kind, Point, Shape, rotation

__all__ = ["Framed", "animal", "group", "person", "portrait"]

ASPECTS = (4 / 3, 4 / 3, 3 / 2, 16 / 9, 3 / 4, 3 / 4, 2 / 3)
"""Width over height of pictures, as often as they occur."""


def group(
    rng: Rng, feet: Point, facing_rad: float, count: int | None = None, *, subject: bool = True
) -> list[Shape]:
    """Two to five people side by side, some a step behind, about the middle `feet`."""
    count = int(rng.integers(2, 6)) if count is None else count
    gap = rng.uniform(0.5, 0.75)
    shapes: list[Shape] = []
    for k in range(count):
        aside, back = (k - (count - 1) / 2) * gap, rng.uniform(-0.3, 0.3)
        x, _, z = (rotation(facing_rad, 0.0, 0.0) @ np.array([aside, 0, back]) + feet).tolist()
        pose = str(rng.choice(["standing", "standing", "arms crossed", "arms up", "crouching"]))
        turn = facing_rad + float(rng.normal(0, 0.25))
        shapes += person(rng, (x, feet[1], z), turn, pose=pose, subject=subject)
    return shapes


@dataclass(frozen=True)
class Framed:
    """Figures and the camera that frames them."""

    shapes: list[Shape]
    camera: Camera
    distance_m: float


def portrait(
    rng: Rng,
    at: Point = (0.0, 0.0, 0.0),
    heading_rad: float = 0.0,
    farthest_m: float = 8.0,
) -> Framed:
    """A person, a group or an animal at `at`, and a camera that looks along `heading_rad` at it.

    Head and shoulders or a half figure from 0.5 to 2.5 m, the camera at about head height, or
    the whole figure from up to `farthest_m`; the main figure faces the camera more or less.
    """
    facing = heading_rad + np.pi + float(rng.normal(0, 0.45)) * (rng.random() < 0.7)
    kind = rng.random()
    if kind < 0.68:
        pose = str(
            rng.choice(
                ["standing", "arms crossed", "reaching", "sitting", "arms up"],
                p=(0.5, 0.15, 0.08, 0.2, 0.07),
            )
        )
        near = rng.random() < 0.6
        shapes = person(rng, at, facing, pose=pose if near or rng.random() < 0.5 else None)
    elif kind < 0.86:
        near, shapes = bool(rng.random() < 0.3), group(rng, at, facing)
    else:
        near, shapes = bool(rng.random() < 0.5), animal(rng, at, facing + float(rng.normal(0, 0.6)))
    return _framed(rng, shapes, at, heading_rad, near, farthest_m)


def _framed(
    rng: Rng, shapes: list[Shape], at: Point, heading_rad: float, near: bool, farthest_m: float
) -> Framed:
    """Choose lens, distance and tilt so that the figures fill most of the picture."""
    own = moved(shapes, (0, 0, 0), (-heading_rad, 0.0, 0.0))
    middle = rotation(-heading_rad, 0.0, 0.0) @ np.array(at)
    points = (
        np.array([s.start if s.kind == Kind.CONE else s.centre for s in own if s.subject]) - middle
    )
    low, high = points.min(0), points.max(0)
    tall, wide = -low[1], high[0] - low[0]
    share, aspect = (
        float(np.exp(rng.uniform(np.log(0.65), np.log(1.7)))),
        float(rng.choice(ASPECTS)),
    )
    head_m = 0.14 * tall
    # How much of the scene, in metres, the picture's height covers at the figure.
    cover = rng.uniform(0.32, 0.62) * tall if near else tall * rng.uniform(1.08, 1.5)
    cover = max(cover, (0.75 if near else 1.15) * wide / aspect)
    limit = min(2.5, farthest_m) if near else farthest_m
    distance = float(np.clip(cover * share * aspect, min(0.5, limit), limit))
    cover = distance / (share * aspect)
    # The figures' front, not their middle, keeps the distance: arms may reach for the camera.
    back = float(distance + max(0.0, -low[2]) * 0.6)
    if near and tall > 0.6:
        aim = tall - cover / 2 + rng.uniform(0.3, 1.2) * head_m
    else:
        aim = tall / 2 + rng.uniform(-0.04, 0.06) * tall
    eye_m = rng.uniform(0.85, 1.02) * tall if tall > 0.8 else rng.uniform(0.2, 1.3)
    if not near and rng.random() < 0.2:
        eye_m = rng.uniform(0.4, 2.2)
    aside = float(rng.normal(0, 0.1)) * cover * aspect
    ahead = (float(np.sin(heading_rad)), float(np.cos(heading_rad)))
    eye = (at[0] - back * ahead[0], float(at[1] - eye_m), at[2] - back * ahead[1])
    pitch = float(np.arctan2(eye_m - aim, back) + rng.normal(0, 0.02))
    yaw = heading_rad + float(np.arctan2(aside + points[:, 0].mean(), back))
    return Framed(shapes, Camera(eye, yaw, pitch, float(rng.normal(0, 0.025)), share, aspect), back)
