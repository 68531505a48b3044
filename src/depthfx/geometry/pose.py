"""Where a camera stands and looks, told in the axes of the camera that took the photo.

x right, y down, z forward, in metres (or in the unit of a relative depth: 1 / inverse). The
photo's own camera is the pose that nothing is said of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.errors import ParameterError

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

MOST_ASIDE = 1 / np.sqrt(3)
"""Cotangent of the angle by which a camera may look away from the photo's axis."""


@dataclass(frozen=True)
class Pose:
    """A camera somewhere else.

    position : where it stands
    target : the point it looks at; None: straight ahead, as the photo's camera does
    roll_deg : how far it is turned about its own axis, clockwise as seen from behind it
    zoom : its focal length over the photo's, above 0
    shift : how far its picture is moved over the sensor, in shares of the focal length of the photo
        (x right, y down): a point at infinity straight ahead is seen at `cx - shift[0] * focal_px`.
        Off-axis stereo uses it, where turned cameras would bend the picture

    Raises ParameterError for numbers that are not finite, and for a camera that looks more than
    60 degrees aside.
    """

    position: Vector = (0.0, 0.0, 0.0)
    target: Vector | None = None
    roll_deg: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        numbers = (*self.position, *(self.target or ()), self.roll_deg, self.zoom, *self.shift)
        if not np.isfinite(numbers).all() or self.zoom <= 0:
            raise ParameterError(f"no camera can stand so: {self}")
        if (
            self.target is not None
            and self.target[2] - self.position[2]
            < MOST_ASIDE
            * np.hypot(self.target[0] - self.position[0], self.target[1] - self.position[1])
            + np.finfo(float).tiny
        ):
            raise ParameterError(
                f"a camera that looks aside or back sees none of the photo: {self}"
            )

    @property
    def rotation(self) -> Floats:
        """(3, 3): rows are this camera's right, down and forward in the photo camera's axes."""
        forward = np.array([0.0, 0.0, 1.0])
        if self.target is not None:
            forward = np.subtract(self.target, self.position)
            forward = forward / np.linalg.norm(forward)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(np.radians(self.roll_deg)), np.sin(np.radians(self.roll_deg))
        return np.stack([c * right + s * down, c * down - s * right, forward])

    def seen(self, points: Floats) -> Floats:
        """(..., 3) points of the photo camera's axes in this camera's."""
        return (points - np.asarray(self.position)) @ self.rotation.T

    def matrix(self, camera: Camera) -> Floats:
        """(3, 4) float64: of (u, v, 1, w), a place in the photo in px and its inverse depth, the
        homogeneous place in this camera's picture, which is of the photo's size.

        The third component is the depth here over the depth there. Places count pixel centres
        at +0.5, as `Camera` does.
        """
        f, cx, cy = camera.focal_px, camera.cx, camera.cy
        ray = np.array([[1 / f, 0, -cx / f], [0, 1 / f, -cy / f], [0, 0, 1]])
        x, y = cx - self.shift[0] * f, cy - self.shift[1] * f
        lens = np.array([[f * self.zoom, 0, x], [0, f * self.zoom, y], [0, 0, 1]])
        turned = lens @ self.rotation
        return np.column_stack([turned @ ray, -turned @ np.asarray(self.position)])
