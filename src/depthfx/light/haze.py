"""Fog and haze between the camera and the scene, added or taken away.

Of the light of a point only the share t = exp(-beta s) arrives over the way s along its ray, and
the fog sends 1 - t of its own, the airlight (H. Koschmieder, 1924; S. G. Narasimhan, S. K. Nayar,
"Vision and the Atmosphere", IJCV 48(3), 2002). Visibility is the way on which 2 % of the
contrast of something black is left: 3.912 / beta (WMO No. 8, the meteorological optical range has
5 %). The air thins with height above the ground h, as exp(-h / H): an even fog is one so high that
only the sky shows its end, ground fog is one as high as a person. Taken away, haze needs the same
numbers; how much of it there is, the photo tells by its darkest things, which get brighter with
distance (K. He et al., "Single Image Haze Removal Using Dark Channel Prior", CVPR 2009).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.light.kelvin import light_colour
from depthfx.light.lights import Colour, Vector
from depthfx.light.patches import STEP, patchiness
from depthfx.light.two_surfaces import changed_by_depth, mean_level
from depthfx.photo.colour import LUMINANCE, srgb_to_linear
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_linear

Array = NDArray[np.float32]

CONTRAST_AT_VISIBILITY = 0.02
LAYER_M = 1000.0
"""Height in which an even fog thins to 1 / e, about that of the mixed air by day: below the
horizon nothing tells it from an endless one, and above it the sky clears upwards."""
LAYER_DISTANCES = 8.0
"""The same in the scene's own typical distance, where depth has no metres, or few."""
FARTHEST = 1e5
"""Typical distances from which on the fog goes on for ever: the sky's."""
TYPICAL_PERCENTILE = 75
"""The typical distance is farther than so many percent of what is not sky."""
LEAST_TRANSMISSION = 0.1
"""Haze is not taken away beyond this: noise grows by one over it (He et al., equation 16)."""
SAMPLES = 200_000
"""Pixels that are looked at to learn about a scene."""
GROUND_PERCENTILE = 5
"""The ground lies lower than all but so many percent of what is no farther than is typical."""
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
    h, w, count = banks.shape
    place = np.float32(min(max(steps - 1, 0.0), count - 1.0))
    k = min(int(place), count - 2)
    late = place - np.float32(k)
    half, zero = np.float32(0.5), np.float32(0)
    v = min(max((y + half) * np.float32(h / height) - half, zero), np.float32(h - 1))
    u = min(max((x + half) * np.float32(w / width) - half, zero), np.float32(w - 1))
    top, left = min(int(v), h - 2), min(int(u), w - 2)
    fy, fx = v - np.float32(top), u - np.float32(left)
    total = 0.0
    for j in range(2):
        for i in range(2):
            before = banks[top + j, left + i, k]
            value = before + late * (banks[top + j, left + i, k + 1] - before)
            total += value * (fy if j else 1 - fy) * (fx if i else 1 - fx)
    return total


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


@dataclass(frozen=True, eq=False)
class Seen:
    """A sample of a photo's pixels.

    colours : (N, 3) linear light
    way : (N,) their distances along the ray; infinite for the sky
    height : (N,) heights above the camera
    row : (N,) 0 at the top of the picture, 1 at the bottom
    """

    colours: Array
    way: Array
    height: Array
    row: Array

    @classmethod
    def of(cls, pixels: Pixels, inverse: Plane, camera: Camera, up: Vector = UP) -> Seen:
        step = max(1, round(math.sqrt(inverse.size / SAMPLES)))
        rows, columns = np.mgrid[: inverse.shape[0] : step, : inverse.shape[1] : step]
        x = (columns + 0.5 - camera.cx) / camera.focal_px
        y = (rows + 0.5 - camera.cy) / camera.focal_px
        with np.errstate(divide="ignore", over="ignore"):
            z = 1 / inverse[::step, ::step].astype(np.float64)
        z = np.where(z < 1e9, z, np.inf)
        way = z * np.sqrt(1 + x * x + y * y)
        rise = up[0] * x + up[1] * y + up[2]
        height = np.where(np.isfinite(z), rise * np.where(np.isfinite(z), z, 0), np.inf)
        return cls(
            pixels[::step, ::step].reshape(-1, 3),
            way.ravel(),
            height.ravel(),
            ((rows + 0.5) / inverse.shape[0]).ravel(),
        )

    @property
    def sky(self) -> NDArray[np.bool_]:
        return np.isinf(self.way)

    @property
    def typical(self) -> float:
        """How far away most of the scene is at most; 1 if all of it is sky."""
        there = self.way[~self.sky]
        return float(np.percentile(there, TYPICAL_PERCENTILE)) if there.size else 1.0

    @property
    def ground(self) -> float:
        """Height of the ground above the camera, mostly below zero; 0 if all is sky."""
        near = self.way <= self.typical
        return float(np.percentile(self.height[near], GROUND_PERCENTILE)) if near.any() else 0.0


def continued(depth: Depth) -> Depth:
    """`depth` whose far end runs into the sky: for networks, which know distances only so far.

    What such a network puts farthest is as good as infinitely far, and where its sky begins in
    the sky is chance. Of inverse depth d the part e^4 / d^3 is taken off, e being the least there
    is: all of d at the far end, a sixteenth of it at half as far. Without a sky it is `depth`
    itself.
    """
    there = depth.inverse > 0
    if there.all() or not there.any():
        return depth
    end = np.float32(depth.inverse.min(where=there, initial=np.inf))

    def moved(plane: Plane) -> Plane:
        share = end / np.maximum(plane, end)
        share *= share * share
        return np.maximum(plane - end * share, np.float32(0))

    behind = None if depth.behind is None else moved(depth.behind)
    return replace(depth, inverse=moved(depth.inverse), behind=behind)


PALE = 0.7
"""Share of its colour that the light of the sky or the room loses in fog: droplets are white."""
HORIZON = 0.3
"""The lowest part of the sky, by rows, has the colour of the air."""
FAR_PERCENTILE = 80
"""Without a sky: what is farther than this has the colour of the air."""
LIT_PERCENTILE = 80
"""Fog is as bright as the brighter part of what lies in it: it turns no light into heat."""
LEAST_SKY = 0.005
"""Share of the picture below which a sky is a gap between leaves."""


def airlight_of(seen: Seen, *, pale: float = PALE) -> Colour:
    """The light that fog in this scene would send, linear RGB.

    That of the sky near the horizon; without one, of the lit part of what is farthest. `pale`
    is how much of its colour it loses: 0 for haze that is there already.
    """
    if not len(seen.colours):
        return 0.0, 0.0, 0.0
    colours = np.maximum(seen.colours, 0)
    sky = seen.sky
    if sky.mean() >= LEAST_SKY:
        limit = np.quantile(seen.row[sky], 1 - HORIZON)
        colour = np.median(colours[sky & (seen.row >= limit)], axis=0)
    else:
        far = seen.way >= np.percentile(seen.way, FAR_PERCENTILE, method="lower")
        light = colours @ LUMINANCE
        bright = far & (light >= np.percentile(light[far], LIT_PERCENTILE, method="lower"))
        colour = colours[bright].mean(axis=0)
        level = max(float(colour @ LUMINANCE), float(np.percentile(light, LIT_PERCENTILE)))
        colour = colour * (level / max(float(colour @ LUMINANCE), 1e-6))
    grey = float(colour @ LUMINANCE)
    red, green, blue = (float(v + pale * (grey - v)) for v in colour)
    return red, green, blue


def airlight_named(text: str, luminance: float) -> Colour:
    """The light of fog of a colour that is named, linear RGB.

    #rrggbb says how bright it is as well; 5600K and names of lamps are of the given luminance.
    Raises ParameterError, as `light.kelvin.light_colour` does.
    """
    if re.fullmatch("#[0-9a-fA-F]{6}", text):
        codes = np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)])
        red, green, blue = (float(value) for value in srgb_to_linear(codes / 255))
        return red, green, blue
    red, green, blue = light_colour(text)
    return red * luminance, green * luminance, blue * luminance


LEAST_FOUND, MOST_FOUND = 0.03, 0.5
"""Optical depth at the typical distance below which there is no haze to speak of, and what is
believed at most: bright walls look like haze."""
LEAST_SIGHT_M = 100.0
"""Nothing is taken for haze in which one would see less far: indoors there is none."""
BINS = 16
DARK_PERCENTILE = 2
"""Of the pixels of one distance, how many are darker than what the haze itself shows."""
BLACK = 0.004
"""Of the airlight, what black may be darker than it was by a camera's own doing."""
FEWEST = 50
"""Pixels of one distance that can tell of it."""


def extinction_in(seen: Seen, airlight: Colour) -> float:
    """Beta of the haze that a photo shows; 0 where its far things are as dark as its near ones.

    The darkest of what is so far away have, of the airlight, 1 - exp(-beta s) in every channel.
    """
    air = np.maximum(np.array(airlight, np.float32), np.float32(1e-6))
    there = ~seen.sky
    if there.sum() < BINS * FEWEST:
        return 0.0
    veil = np.clip((np.maximum(seen.colours[there], 0) / air).min(1), 0, 0.99)
    way = seen.way[there]
    order = np.argsort(way, kind="stable")
    parts = np.array_split(order, BINS)
    middle = np.array([np.median(way[part]) for part in parts])
    dark = np.array([np.percentile(veil[part], DARK_PERCENTILE) for part in parts])
    depth = -np.log1p(-dark)
    third = BINS // 3
    far, near = middle[-third:].mean(), middle[:third].mean()
    rise = float(np.median(depth[-third:]) - np.median(depth[:third]))
    found = max(rise, 0.0) / float(far - near) if far > 1.2 * near else 0.0
    # Haze would lie before what is near and dark as well.
    found = min(found, float(((depth + BLACK) / middle).min()))
    least, most = LEAST_FOUND / seen.typical, MOST_FOUND / seen.typical
    return min(found, most) if found > least else 0.0
