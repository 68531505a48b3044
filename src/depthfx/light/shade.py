"""What a ball of light sends to a surface, exactly, and the loop that adds it to a picture.

The irradiance of a ball at a point is pi * radiance * form factor. Above the point's
horizon that factor is (radius / distance)^2 * cosine; where the horizon cuts the ball, the
part below it is left out, as J. M. Snyder works it out ("Area Light Sources for Real-Time
Graphics", Microsoft Research MSR-TR-96-11, 1996): shadows' edges on round things are then
as soft as the ball is large, and a surface inside the ball gets no more than it can.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.normals import Normals
from depthfx.light.lights import Light
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels

LEAST_RADIUS_M = 0.01
"""No lamp is smaller: what a point of light would do to a surface it touches has no bound."""

SKIN_REACH = np.array([0.30, 0.12, 0.06], np.float32)
"""How far light goes on below the skin past a shadow's edge, red, green, blue.

As the sine of the angle by which a source would have to be wider: skin of a face (radius of
curvature about 8 cm) blurs light by some millimetres in blue and by centimetres in red
(H. W. Jensen et al., "A Practical Model for Subsurface Light Transport", SIGGRAPH 2001).
"""

SKIN_NEUTRAL = np.float32(0.3)
"""Share of a light's colour that skin goes without: red or blue skin reads as paint."""

_ZERO, _ONE = np.float32(0), np.float32(1)


@njit(inline="always", fastmath=True, cache=True)
def form_factor(
    cosine: np.float32, sine_of_radius: np.float32
) -> np.float32:  # pragma: no cover - compiled
    """Share 0..1 of a hemisphere's irradiance that a ball sends to a small surface.

    cosine : of the angle between the surface's normal and the ball's middle
    sine_of_radius : of the angle under which the ball's radius is seen, 1 at its surface
    """
    if cosine >= sine_of_radius:
        return cosine * sine_of_radius * sine_of_radius
    if cosine <= -sine_of_radius:
        return _ZERO
    # The horizon cuts the ball: its angular radius is r, its middle t away from the normal.
    square = sine_of_radius * sine_of_radius
    sine = np.sqrt(max(_ONE - cosine * cosine, np.float32(1e-12)))
    cotangent = np.sqrt(max(_ONE - square, _ZERO)) / sine_of_radius
    edge = min(max(-cotangent * cosine / sine, -_ONE), _ONE)
    rise = sine * np.sqrt(_ONE - edge * edge)
    whole = (cosine * np.arccos(edge) - cotangent * rise) * square + np.arctan2(rise, cotangent)
    return max(whole, _ZERO) / np.float32(math.pi)


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def _add_ball(
    out: Pixels,
    albedo: Pixels,
    inverse: Plane,
    normals: Normals,
    seen: Plane,
    through: Pixels,
    skin: Plane,
    frame: NDArray[np.float32],
    ball: NDArray[np.float32],
    cone: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    """Add to `out` (H, W, 3) what a ball of light does.

    seen : (H, W) share of the ball that is seen, or (0, 0): all; through : (H, W, 3) what a
    gobo lets through, or (0, 0, 0); skin : (H, W) 0..1 or (0, 0)
    frame : 1 / focal_px, cx, cy, the first row; ball : position, radius, intensity, luminance,
    distance of its flag
    cone : the beam's direction, cosines of its dark and of its full angle (-2: no beam)
    """
    height, width = inverse.shape
    px, py, pz, radius = ball[0], ball[1], ball[2], ball[3]
    has_seen, has_gobo, has_skin = seen.shape[0] > 0, through.shape[0] > 0, skin.shape[0] > 0
    for i in prange(height):
        for j in range(width):
            near = inverse[i, j]
            if not near > _ZERO:  # no light reaches the sky
                continue
            share = seen[i, j] if has_seen else _ONE
            if not share > _ZERO:
                continue
            z = _ONE / near
            x = (np.float32(j) + np.float32(0.5) - frame[1]) * frame[0] * z
            y = (np.float32(i) + np.float32(0.5) + frame[3] - frame[2]) * frame[0] * z
            dx, dy, dz = px - x, py - y, pz - z
            distance = np.sqrt(dx * dx + dy * dy + dz * dz)
            whole = max(distance, radius)
            across = (normals[i, j, 0] * dx + normals[i, j, 1] * dy + normals[i, j, 2] * dz) / max(
                distance, np.float32(1e-9)
            )
            sine = radius / whole
            soft = skin[i, j] if has_skin else _ZERO
            if across <= -max(sine, soft * SKIN_REACH[0]):
                continue
            if cone[3] > np.float32(-2):
                along = -(dx * cone[0] + dy * cone[1] + dz * cone[2]) / max(
                    distance, np.float32(1e-9)
                )
                t = (along - cone[3]) / max(cone[4] - cone[3], np.float32(1e-6))
                t = min(max(t, _ZERO), _ONE)
                share *= t * t * (np.float32(3) - np.float32(2) * t)
            flagged = min(distance / max(ball[8], np.float32(1e-9)), _ONE)
            # The ball's radiance is intensity / radius^2; a white surface sends back its
            # irradiance over pi.
            strength = share * flagged * flagged / (radius * radius)
            plain = form_factor(across, sine) * strength
            for k in range(3):
                got = plain
                if soft > _ZERO and across < SKIN_REACH[0]:
                    wide = max(sine, soft * SKIN_REACH[k])
                    got = form_factor(across, wide) * (sine / wide) * (sine / wide) * strength
                colour = ball[4 + k]
                if soft > _ZERO:
                    colour += soft * SKIN_NEUTRAL * (ball[7] - colour)
                if has_gobo:
                    got *= through[i, j, k]
                out[i, j, k] += albedo[i, j, k] * colour * got


_NOTHING = np.zeros((0, 0), np.float32)
_NO_GOBO = np.zeros((0, 0, 3), np.float32)


def add_ball(
    out: Pixels,
    albedo: Pixels,
    inverse: Plane,
    camera: Camera,
    normals: Normals,
    light: Light,
    *,
    first_row: int = 0,
    seen: Plane | None = None,
    through: Pixels | None = None,
    skin: Plane | None = None,
) -> None:
    """Add to `out` (H, W, 3) float32 what `light` sends back from surfaces, without shadows.

    albedo : (H, W, 3) float32; inverse : (H, W); normals : (H, W, 3), unit, camera axes
    first_row : where in the camera's picture these rows begin
    seen : (H, W) share of the light that arrives, or all of it
    through : (H, W, 3) what the light's gobo lets through
    skin : (H, W) 0..1, where light goes on below the surface

    This is the one function here that writes into what it is given.
    """
    cx, cy = camera.cx, camera.cy
    radius = max(light.radius_m, LEAST_RADIUS_M)
    luminance = float(np.dot(light.intensity, LUMINANCE))
    _add_ball(
        out,
        albedo,
        inverse,
        normals,
        _NOTHING if seen is None else seen,
        _NO_GOBO if through is None else through,
        _NOTHING if skin is None else skin,
        np.array([1 / camera.focal_px, cx, cy, first_row], np.float32),
        np.array(
            [*light.position_m, radius, *light.intensity, luminance, light.flag_m], np.float32
        ),
        _cone(light),
    )


def _cone(light: Light) -> NDArray[np.float32]:
    """The beam's direction and the cosines of the angles where it ends and where it is full."""
    if light.beam_deg is None or light.aim_m is None:
        return np.array([0, 0, 0, -2, -2], np.float32)
    along = np.subtract(light.aim_m, light.position_m)
    length = float(np.linalg.norm(along))
    if length == 0:  # it points nowhere
        return np.array([0, 0, 0, -2, -2], np.float32)
    half = math.radians(min(light.beam_deg, 360.0)) / 2
    ends, full = math.cos(half), math.cos(half * (1 - min(max(light.soft_rim, 0.0), 1.0)))
    return np.array([*(along / length), ends, max(full, ends + 1e-6)], np.float32)
