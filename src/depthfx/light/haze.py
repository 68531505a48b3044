"""Fog and haze between the camera and the scene, added or taken away.

Of the light of a point only the share t = exp(-beta s) arrives over the way s along its ray, and
the fog sends 1 - t of its own, the airlight (H. Koschmieder, 1924; S. G. Narasimhan, S. K. Nayar,
"Vision and the Atmosphere", IJCV 48(3), 2002). Visibility is the way on which 2 % of the
contrast of something black is left: 3.912 / beta (WMO No. 8, the meteorological optical range has
5 %). The air thins with height above the ground h, as exp(-h / H): an even fog is one so high that
only the sky shows its end, ground fog is one as high as a person. Taken away, haze needs the same
numbers; what the photo tells of them, `air` finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.light.lights import Colour, Vector
from depthfx.light.patches import STEP, patchiness
from depthfx.light.two_surfaces import changed_by_depth, mean_level
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear
from depthfx.raster.sample import linear_at

Array = NDArray[np.float32]

CONTRAST_AT_VISIBILITY = 0.02
LAYER_M = 1000.0
"""Height in which an even fog thins to 1 / e, about that of the mixed air by day: below the
horizon nothing tells it from an endless one, and above it the sky clears upwards."""
LAYER_DISTANCES = 8.0
"""The same in the scene's own typical distance, where depth has no metres, or few."""
FARTHEST = 1e5
"""Typical distances from which on the fog goes on for ever: the sky's."""
LEAST_TRANSMISSION = 0.1
"""Haze is not taken away beyond this: noise grows by one over it (He et al., equation 16)."""
UP: Vector = (0.0, -1.0, 0.0)


@dataclass(frozen=True)
class Haze:
    """Air with droplets in it.

    extinction : beta at its densest, 1/m (or one over the depth's own unit)
    airlight : linear RGB
    reach : distance along the ray from which on there is no more of it
    ground : height above the camera up to which it is as dense as that
    thins_in : from there on it thins to 1 / e in this height
    up : unit vector, camera axes
    patches, bank : how patchy it is, 0..1, and the size of its banks in the depth's unit
    """

    extinction: float
    airlight: Colour
    reach: float = math.inf
    ground: float = 0.0
    thins_in: float = LAYER_M
    up: Vector = UP
    patches: float = 0.0
    bank: float = 1.0

    @property
    def visibility(self) -> float:
        """How far one sees in it; infinite in clear air."""
        beta = abs(self.extinction)
        return -math.log(CONTRAST_AT_VISIBILITY) / beta if beta > 0 else math.inf


def extinction_of(visibility_m: float) -> float:
    """Beta in 1/m of fog in which one sees so far (Koschmieder)."""
    return -math.log(CONTRAST_AT_VISIBILITY) / visibility_m


def hazy(
    pixels: Pixels,
    depth: Depth,
    camera: Camera,
    haze: Haze,
    *,
    softness: float = 0.0,
    progress: Callable[[float], None] = lambda _done: None,
) -> Pixels:
    """`pixels` (H, W, 3), linear light, seen through `haze`.

    softness : 0..1, how much the fog blurs what it dims: light that is scattered forwards
        arrives from a little beside its place

    Optical depths add: two hazes of one airlight are one of the sum of their extinctions. Haze of
    an extinction below zero takes away that much, exactly where it had been added, but no more
    than leaves all light positive and one tenth of it believable. Returns (H, W, 3) float32.
    """
    if haze.extinction == 0:
        return pixels
    if haze.extinction < 0:
        return _cleared(pixels, depth, camera, haze, progress)
    air = np.array(haze.airlight, np.float32)

    def veiled(colours: Array, share: Array) -> Array:
        return air + share[:, None] * (colours - air)

    def level(inverse: Plane) -> Plane:
        return transmission(inverse, camera, haze)

    out = changed_by_depth(pixels, depth, level, veiled, progress)
    return _softened(out, mean_level(depth, level), softness) if softness else out


def transmission(inverse: Plane, camera: Camera, haze: Haze) -> Plane:
    """(H, W) float32 0..1: the share of each pixel's light that comes through `haze`.

    inverse : (H, W) float32, along the optical axis; 0 is the sky
    """
    out = np.empty(inverse.shape, np.float32)
    banks = np.empty((0, 0, 0), np.float32)
    if haze.patches:
        banks = patchiness(camera, haze.patches)
    if inverse.size:
        _transmission(
            inverse,
            np.float32(camera.focal_px),
            np.float32(camera.cx),
            np.float32(camera.cy),
            np.array(haze.up, np.float32),
            np.array(
                [
                    abs(haze.extinction),
                    haze.ground,
                    haze.thins_in,
                    min(haze.reach, FARTHEST * haze.thins_in),
                ]
            ),
            banks,
            np.float32(STEP * haze.bank),
            out,
        )
    return out


@njit(parallel=True, cache=True, error_model="numpy")
def _transmission(
    inverse: Plane,
    focal_px: np.float32,
    cx: np.float32,
    cy: np.float32,
    up: Array,
    air: NDArray[np.float64],
    banks: Array,
    step: np.float32,
    out: Plane,
) -> None:  # pragma: no cover - compiled
    beta, ground, thins_in, reach = air
    # Density over height: 1 up to the ground, exp(-(h - ground) / thins_in) above it; `low` and
    # `high` are its integral from the ground on, at the camera and at the point.
    low = -ground if ground > 0 else thins_in * -math.expm1(ground / thins_in)
    at_camera = 1.0 if ground > 0 else math.exp(ground / thins_in)
    for row in prange(out.shape[0]):
        y = (row + np.float32(0.5) - cy) / focal_px
        for column in range(out.shape[1]):
            x = (column + np.float32(0.5) - cx) / focal_px
            ray = math.sqrt(1 + x * x + y * y)
            rise = (up[0] * x + up[1] * y + up[2]) / ray
            way = min(ray / max(inverse[row, column], 1e-12), reach)
            height = rise * way
            if abs(height) < 1e-3 * thins_in:
                dense = way * at_camera
            else:
                over = (height - ground) / thins_in
                high = height - ground if over < 0 else thins_in * -math.expm1(-over)
                dense = (high - low) / rise
            if banks.shape[2]:
                dense *= _mean_density(banks, row, column, out.shape[0], out.shape[1], way / step)
            out[row, column] = math.exp(-beta * dense)


@njit(cache=True, inline="always")
def _mean_density(
    banks: Array, y: int, x: int, height: int, width: int, steps: float
) -> float:  # pragma: no cover - compiled
    """Of the way to a place so many steps away; that of the first step goes for all of it."""
    count = banks.shape[2]
    place = min(max(steps - 1, 0.0), count - 1.0)
    k = min(int(place), count - 2)
    before = linear_at(banks, y, x, height, width, k)
    after = linear_at(banks, y, x, height, width, k + 1)
    return before + (place - k) * (after - before)


def _cleared(
    pixels: Pixels,
    depth: Depth,
    camera: Camera,
    haze: Haze,
    progress: Callable[[float], None],
) -> Pixels:
    """`pixels` as they were before the `haze` that they are seen through."""
    air = np.array(haze.airlight, np.float32)
    # No channel had less than no light: the least that must have come through.
    per_air = 1 / np.maximum(air, np.float32(1e-6))

    def level(inverse: Plane) -> Plane:
        return transmission(inverse, camera, haze)

    def unveiled(colours: Array, share: Array) -> Array:
        possible = 1 - (colours * per_air).min(1)
        least = np.maximum(np.minimum(possible, 1), np.float32(LEAST_TRANSMISSION))
        return air + (colours - air) / np.maximum(share, least)[:, None]

    return changed_by_depth(pixels, depth, level, unveiled, progress)


SOFT_SIGMA = 0.004
"""Standard deviation of the blur in full fog, as a share of the diagonal."""
SOFT_PIXELS = 1_000_000


def _softened(pixels: Pixels, share: Plane, softness: float) -> Pixels:
    """`pixels` mixed with a blur of themselves as far as their light is the fog's.

    share : (H, W) float32, how much of their own light comes through; what is clear gives nothing
    """
    shape = fit_within(share.shape, SOFT_PIXELS)
    weight = 1 - resize_area(share, shape)
    sigma = SOFT_SIGMA * math.hypot(*shape)
    spread = cv2.GaussianBlur(resize_area(pixels, shape) * weight[..., None], (0, 0), sigma)
    total = cv2.GaussianBlur(weight, (0, 0), sigma)
    blurred = spread.reshape(*shape, 3) / np.maximum(total, np.float32(1e-6))[..., None]
    blend = np.float32(softness) * (1 - share)
    out = resize_linear(blurred, share.shape)
    out -= pixels
    out *= blend[..., None]
    out += pixels
    return out
