"""What a camera move has to know of a scene: how near, how far, and what a step does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from depthfx.camera import Camera
from depthfx.depth import Plane

NEAR_SHARE, FAR_SHARE = 99.0, 1.0
"""Percentiles of inverse depth taken for the nearest and the farthest."""
SOLID, LEAST_SUBJECT = 0.5, 0.005
"""A subject's matte is above the first; it fills at least the second, a share of the frame."""
LEAST_RANGE = 0.02
"""Share of the nearest inverse depth: a scene of less relief moves as if it had so much."""


@dataclass(frozen=True)
class Stage:
    """A scene as a camera operator sees it.

    camera : the photo's
    near_inverse, far_inverse : of the nearest and farthest things, in 1/m or the relative unit
    pivot_inverse : of the thing that stays in place: the subject
    parallax : how far the nearest may shift against the farthest, as a share of the diagonal
    subject_xy : where the subject is, as shares of width and height; the middle if there is none
    """

    camera: Camera
    near_inverse: float
    far_inverse: float
    pivot_inverse: float
    parallax: float
    subject_xy: tuple[float, float] = (0.5, 0.5)

    @classmethod
    def of(
        cls, inverse: Plane, camera: Camera, parallax: float, subject: Plane | None = None
    ) -> Stage:
        """Of inverse depth (H, W); `subject` is its matte (H, W), where there is one."""
        low, high = (float(v) for v in np.percentile(inverse, [FAR_SHARE, NEAR_SHARE]))
        high = max(high, 1e-6)
        low = min(low, high * (1 - LEAST_RANGE))
        there = np.nonzero(subject > SOLID) if subject is not None else ()
        if not there or len(there[0]) < LEAST_SUBJECT * inverse.size:
            return cls(camera, high, low, (low + high) / 2, parallax)
        pivot = float(np.median(inverse[there]))
        height, width = inverse.shape
        row, column = (float(np.median(places)) + 0.5 for places in there)
        place = (column / width, row / height)
        return cls(camera, high, low, min(max(pivot, low), high), parallax, place)

    @property
    def reach_px(self) -> float:
        """How far the nearest may shift against the farthest, in px of the photo."""
        return self.parallax * self.camera.diagonal_px

    @property
    def step_m(self) -> float:
        """The step sideways that makes that shift, in metres or the relative unit."""
        return self.reach_px / (self.camera.focal_px * (self.near_inverse - self.far_inverse))
