"""Codes between Near and Far -> inverse depth, as Google's formats have it.

With v from 0 to 1 over all codes:

    RangeInverse   z = far near / (far - v (far - near)): codes are even in inverse depth
    RangeLinear    z = near + v (far - near): codes are even in depth

so the largest code is the farthest. "Depthmap Metadata" (developers.google.com, GDepth) and
"Dynamic Depth" 1.0, DepthMap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo.stored import Codes

Floats = NDArray[np.float64]

METRES = {"m": 1.0, "meters": 1.0, "metres": 1.0, "mm": 0.001, "millimeters": 0.001}
"""Length of the units that are lengths, in metres."""
ROWS = 256
"""Worked on at a time."""
DIOPTRES = ("diopters", "dioptres")


@dataclass(frozen=True)
class DepthRange:
    """What the codes of a depth map stand for.

    form : "RangeInverse" or "RangeLinear"
    near, far : what the smallest and the largest code stand for, in metres if `metric`; in 1/m
        if `dioptres`
    along_ray : distances are measured along the ray through each pixel, not along the axis
    """

    form: str
    near: float
    far: float
    metric: bool = False
    dioptres: bool = False
    along_ray: bool = False

    @classmethod
    def told_by(cls, properties: Mapping[str, str]) -> DepthRange:
        """The range that Format, Near, Far, Units and MeasureType tell.

        Raises PhotoError if they tell none that distances could come from.
        """
        forms = {"rangeinverse": "RangeInverse", "rangelinear": "RangeLinear"}
        told = properties.get("Format", "RangeInverse")
        form = forms.get(told.lower())
        if form is None:
            raise PhotoError(f"has the unknown Format {told[:40]!r}")
        units = properties.get("Units", "").lower()
        dioptres, metres = units in DIOPTRES, METRES.get(units)
        near, far = (_number(properties, name) * (metres or 1.0) for name in ("Near", "Far"))
        lowest = near >= 0.0 if form == "RangeLinear" else near > 0.0
        # Dioptres fall with distance, and programs differ on what that makes of Near.
        if not ((lowest and near < far) or (dioptres and min(near, far) >= 0 and near != far)):
            raise PhotoError(f"goes from Near {near:g} to Far {far:g}, which is no range of depths")
        along_ray = properties.get("MeasureType", "").lower() == "opticray"
        return cls(form, near, far, metres is not None or dioptres, dioptres, along_ray)

    def inverse(self, codes: Codes) -> Plane:
        """Inverse depth (h, w) float32 of `codes` (h, w); NaN where the depth would be 0."""
        return by_code(codes, self._inverse)

    def _inverse(self, v: Floats) -> Floats:
        if self.form == "RangeLinear" or self.dioptres:
            values = self.near + v * (self.far - self.near)
            return values if self.dioptres else inverse_of(values)
        nearest, farthest = 1 / self.near, 1 / self.far
        return nearest + v * (farthest - nearest)


def by_code(codes: Codes, meaning: Callable[[Floats], Floats]) -> Plane:
    """(h, w) float32: what `codes` (h, w) of 8 or 16 bits mean, as shares of the largest code.

    Each code is worked out once. What float32 does not hold becomes infinite.
    """
    top = np.iinfo(codes.dtype).max
    with np.errstate(over="ignore"):
        table = meaning(np.arange(top + 1) / top).astype(np.float32)
    plane = np.empty(codes.shape, np.float32)
    for row in range(0, len(codes), ROWS):  # numpy makes indices of 8 bytes of them
        plane[row : row + ROWS] = table[codes[row : row + ROWS]]
    return plane


def inverse_of(metres: Floats) -> Floats:
    """1 / metres; NaN where that is no distance, 0 where it is infinite."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(metres > 0, 1 / metres, np.nan)


def along_axis(inverse: Plane, camera: Camera) -> Plane:
    """Inverse depth along the optical axis of inverse distances along the rays.

    inverse : (h, w) in the frame of `camera`, of any size
    """
    rows, columns = inverse.shape
    x = (np.arange(columns) + 0.5) * (camera.width / columns) - camera.cx
    y = (np.arange(rows) + 0.5) * (camera.height / rows) - camera.cy
    across, down = (((side / camera.focal_px) ** 2).astype(np.float32) for side in (x, y))
    return inverse * np.sqrt(1 + across[None, :] + down[:, None])


def _number(properties: Mapping[str, str], name: str) -> float:
    text = properties.get(name)
    if text is None:
        raise PhotoError(f"says no {name}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PhotoError(f"has {name} {text[:40]!r}, which is no distance")
    return value
