"""What a file of points or of a mesh says of its numbers: axes, unit, camera, where depth is from.

`Camera` has x right, y down and z forward, as OpenCV and photogrammetry do. Viewers and 3-D
programs have y up and look along -z, as OpenGL does; glTF demands it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera

Floats = NDArray[np.float64]

OPENGL = np.diag([1.0, -1.0, -1.0])
"""From the axes of `Camera` to those with y up and z towards the viewer, and back."""
WORDS = {
    "opengl": "x right, y up, z towards the viewer",
    "opencv": "x right, y down, z forward",
    "world": "y up, away from the ground; -z where the camera heads",
}
RELATIVE = "of the relative depth, not metres"


@dataclass(frozen=True, eq=False)
class Space:
    """A photo's place in a file.

    rotation : (3, 3) float64, from the axes of `Camera` to the file's; the camera is in the origin
    axes : one of `WORDS`
    metric : lengths are metres; else they are the depth's own unit
    depth : where the depth is from, in words
    name : of the photo
    """

    camera: Camera
    rotation: Floats
    axes: str
    metric: bool
    depth: str
    name: str

    def turned(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N, 3) points or directions in camera axes as the file has them."""
        return np.asarray(vectors @ self.rotation.T, np.float32)

    def normals(self, normals: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 3) as the file has them, of length 1 as exactly as float32 can be."""
        length = np.linalg.norm(normals.astype(np.float64), axis=1, keepdims=True)
        away = ~(length[:, 0] > 0)
        unit = normals / np.where(length > 0, length, 1)
        unit[away] = (0, 0, -1)
        return self.turned(unit)

    @property
    def facts(self) -> dict[str, str]:
        """A line each, by what it is of; ASCII, as some formats want it."""
        camera = self.camera
        lens = (
            f"{camera.width} x {camera.height} px, focal length {camera.focal_px:.9g} px, "
            f"principal point {camera.cx:.9g} {camera.cy:.9g} px from the upper left corner"
        )
        said = {
            "axes": f"{WORDS[self.axes]}; the camera is in the origin",
            "unit": "metre" if self.metric else RELATIVE,
            "camera": lens,
            "depth": self.depth,
        }
        if self.axes == "world":
            rows = ", ".join(" ".join(f"{v:.9g}" for v in row) for row in self.rotation)
            said["rotation"] = f"from camera axes ({WORDS['opencv']}), row by row: {rows}"
        plain = {key: value.encode("ascii", "replace").decode() for key, value in said.items()}
        return {key: " ".join(value.split()) for key, value in plain.items()}
