"""Up, away from the ground: as a direction of the camera, and the world that stands on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = tuple[float, float, float]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Up:
    """The direction away from the ground.

    vector : unit vector, camera axes (x right, y down, z forward)
    confidence : 0..1, how far it is to be believed
    origin : what told it, in words a user reads
    """

    vector: Vector
    confidence: float
    origin: str

    @classmethod
    def of_angles(cls, roll_deg: float, pitch_deg: float, confidence: float, origin: str) -> Up:
        """That of a camera that is rolled and pitched so."""
        x, y, z = (float(v) for v in direction(roll_deg, pitch_deg))
        return cls((x, y, z), confidence, origin)

    @property
    def pitch_deg(self) -> float:
        """How far the camera looks up, degrees; below 0: down."""
        return math.degrees(math.asin(min(max(self.vector[2], -1.0), 1.0)))

    @property
    def roll_deg(self) -> float:
        """How far the camera is turned clockwise, as the photographer sees it, degrees."""
        return math.degrees(math.atan2(-self.vector[0], -self.vector[1]))


def to_world(up: Up) -> Floats:
    """(3, 3) float64 rotation from camera axes to the world's: y up, -z where the camera heads.

    Right-handed, as OpenGL and glTF have it: x points right of the camera's heading along the
    ground. `matrix @ vector`, or `vectors @ matrix.T`. Looking straight down, the top of the
    picture is ahead; looking straight up, its bottom is.
    """
    y = np.asarray(up.vector, np.float64)
    y = y / np.linalg.norm(y)
    ahead = np.array([0.0, 0.0, 1.0]) - y[2] * y
    if np.linalg.norm(ahead) < 1e-6:
        top = np.array([0.0, np.sign(y[2]) or 1.0, 0.0])
        ahead = top - (top @ y) * y
    z = -ahead / np.linalg.norm(ahead)
    return np.stack([np.cross(y, z), y, z])


def direction(roll_deg: ArrayLike, pitch_deg: ArrayLike) -> Floats:
    """(..., 3) the up of a camera that is rolled and pitched so; see `Up` for the signs."""
    roll, pitch = np.radians(roll_deg), np.radians(pitch_deg)
    return np.stack(
        [-np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), np.sin(pitch)], -1
    )
