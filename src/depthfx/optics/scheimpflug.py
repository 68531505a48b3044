"""The tilted plane of focus (Scheimpflug).

Tilt a lens against its sensor, and the plane of focus leans too. A plane in space n . P = d is
met by the ray (X, Y, 1) z of a pixel, X = (x - cx) / focal_px and Y = (y - cy) / focal_px, at

    1 / z = n . (X, Y, 1) / d

so its inverse depth is linear in the picture, and defocus against it is defocus against a
level plane once its inverse depth is subtracted from the scene's. The opening is taken to
stay parallel to the sensor: seen under the few degrees that lenses tilt it is not even 2 %
narrower.

The angles here are those of the plane of focus itself, not of the lens (for which a few
degrees do the same, but how much depends on its focal length: H. M. Merklinger, "Focusing the
View Camera", 1996). Through the point in focus the plane is

    z - z0 = tan(swing) (x - x0) - tan(tilt) (y - y0)

with y down: tilt is the angle against the sensor's plane in the vertical section, positive if
what is higher is in focus farther away, like the ground; swing that in the horizontal
section, positive if what is further right is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.errors import ParameterError

EDGE_ON = 0.02
"""A plane of focus passes the lens at no less than this share of the focused distance."""


@dataclass(frozen=True)
class FocusPlane:
    """Inverse depth in focus: at + right * x + down * y, x and y in pixels (centres at +0.5)."""

    at: float
    right: float = 0.0
    down: float = 0.0

    def inverse(self, shape: tuple[int, int]) -> Plane:
        """(H, W) float32, the inverse depth in focus at each pixel, negative past infinity."""
        rows, columns = (np.arange(n, dtype=np.float64) + 0.5 for n in shape)
        down = (self.at + self.down * rows).astype(np.float32)
        return down[:, None] + (self.right * columns).astype(np.float32)


def tilted_plane(
    camera: Camera,
    focus_inverse: float,
    place: tuple[float, float] | None,
    tilt_deg: float,
    swing_deg: float,
) -> FocusPlane:
    """The plane of focus through the point at `place` and `focus_inverse`.

    camera : of the picture
    focus_inverse : in 1/m, or any unit; 0 stays a level plane at infinity
    place : shares of width and height; None for the principal point
    tilt_deg, swing_deg : see the module

    Raises ParameterError if an angle is not between -90 and 90 degrees, or the plane would
    pass through the lens.
    """
    for name, angle in (("tilt_deg", tilt_deg), ("swing_deg", swing_deg)):
        if not -90 < angle < 90:
            raise ParameterError(f"{name}={angle} must be between -90 and 90 degrees")
    cx, cy, focal = camera.cx, camera.cy, camera.focal_px
    x, y = (cx, cy) if place is None else (place[0] * camera.width, place[1] * camera.height)
    across, along = -math.tan(math.radians(swing_deg)), math.tan(math.radians(tilt_deg))
    # d over the focused distance: how squarely the plane faces the lens.
    facing = 1 + across * (x - cx) / focal + along * (y - cy) / focal
    if abs(facing) < EDGE_ON:
        raise ParameterError(
            f"tilt_deg={tilt_deg:g}, swing_deg={swing_deg:g}: the plane of focus would pass "
            "through the lens; choose smaller angles or another point in focus"
        )
    right, down = (focus_inverse * slope / focal / facing for slope in (across, along))
    return FocusPlane(focus_inverse / facing - right * cx - down * cy, right, down)


def levelled(depth: Depth, plane: FocusPlane) -> tuple[Depth, float]:
    """`depth` with the plane of focus made level, and the inverse depth then in focus.

    Differences of inverse depth against the plane, and between neighbours but for the
    plane's slope, stay what they were; all are shifted alike so that none is negative.
    Returns a Depth that is good for defocus only, and the focus_inverse to go with it.
    """
    inverse = against(depth.inverse, plane)
    behind = None if depth.behind is None else against(depth.behind, plane)
    shift = np.float32(max(0.0, *(-float(p.min()) for p in (inverse, behind) if p is not None)))
    inverse += shift
    if behind is not None:
        behind += shift
    return replace(depth, inverse=inverse, behind=behind), float(shift)


def against(inverse: Plane, plane: FocusPlane) -> Plane:
    """(H, W) float32: inverse depth minus that in focus, in front of the plane above zero."""
    return inverse - plane.inverse((inverse.shape[0], inverse.shape[1]))
