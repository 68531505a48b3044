"""What a photo tells of the air in it: how far away and how high things are, its light, its haze.

How much haze there is shows in the darkest things, which get brighter with distance (K. He et al.,
"Single Image Haze Removal Using Dark Channel Prior", CVPR 2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.geometry.unproject import unproject_at
from depthfx.light.haze import LAYER_DISTANCES, LAYER_M, UP, Haze, extinction_of
from depthfx.light.kelvin import hex_colour, light_colour
from depthfx.light.lights import Colour, Vector
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels

Array = NDArray[np.float32]

SAMPLES = 200_000
"""Pixels that are looked at to learn about a scene."""
SKY = 1e-9
"""Inverse depth up to which something is the sky."""
TYPICAL_PERCENTILE = 75
"""The typical distance is farther than so many percent of what is not sky."""
NEAR_PERCENTILE = 25
NEAR_KEPT = 0.8
"""The nearest quarter of a scene, as a rule what the photo is of, keeps so much of its light."""
GROUND_PERCENTILE = 5
"""The ground lies lower than all but so many percent of what is no farther than is typical."""
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
REACH = 1.5
"""Typical distances from which on haze that was found in the photo is taken to be no thicker."""


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
        near = inverse[::step, ::step]
        points = unproject_at(columns + 0.5, rows + 0.5, near, camera)
        there = near > SKY
        return cls(
            pixels[::step, ::step].reshape(-1, 3),
            np.where(there, np.linalg.norm(points, axis=-1), np.inf).ravel(),
            np.where(there, points @ np.array(up), np.inf).ravel(),
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
    def near(self) -> float:
        """How far away the nearest part of the scene is; 1 if all of it is sky."""
        there = self.way[~self.sky]
        return float(np.percentile(there, NEAR_PERCENTILE)) if there.size else 1.0

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
    named = hex_colour(text)
    if named is not None:
        return named
    red, green, blue = light_colour(text)
    return red * luminance, green * luminance, blue * luminance


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


def haze_for(
    seen: Seen,
    density: float,
    airlight: Colour,
    up: Vector,
    *,
    visibility_m: float | None,
    height_m: float | None,
    metric: bool,
) -> Haze:
    """Fog that suits a scene, so many times as dense; below 0: its own haze, to be taken away.

    visibility_m : at density 1; None: what is near stays clear and what is far dims, or as the
        haze that is there
    height_m : of ground fog; None: an even one
    metric : whether the scene is measured in metres
    """
    typical, reach = seen.typical, math.inf
    if visibility_m is not None:
        beta = extinction_of(visibility_m)
    elif density > 0:
        beta = min(1 / typical, -math.log(NEAR_KEPT) / seen.near)
    else:
        beta = extinction_in(seen, airlight)
        if metric:
            beta = min(beta, extinction_of(LEAST_SIGHT_M))
        # What was found of the scene says nothing of the sky behind it.
        reach = REACH * typical
    ground, thins_in = 0.0, LAYER_DISTANCES * typical
    if height_m is not None:
        ground, thins_in = seen.ground, height_m
    elif visibility_m is not None:
        thins_in = max(thins_in, LAYER_M)
    return Haze(density * beta, airlight, reach, ground, thins_in, up, bank=typical / 2)
