"""Light: the sky, the lamps, what comes to a point directly and by way of other surfaces.

One unit runs through all: a white matt surface under irradiance 1 has radiance 1. The sun is a
lamp, far away and large. Everything not computed (light that bounced twice or more) is the
world's ambient, weakened where near surfaces hem the point in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes.noise import noise
from depthfx.training.scenes.paint import GLOW, Paints, paint
from depthfx.training.scenes.solids import Table, own_point, surface, world_vector
from depthfx.training.scenes.tree import Boxes, Links, blocked, nearest
from depthfx.training.scenes.vectors import (
    Vector,
    cross,
    dot,
    facing,
    kernel,
    length,
    mix,
    plus,
    product,
    times,
    unit,
)
from depthfx.training.scenes.world import World

SUN_M = 1e4
"""Distance at which the sun hangs."""
SUN_RADIUS = 0.00465
"""Half the sun's angle in radians."""
HEMMED_M = 0.6
"""Surfaces nearer than about this keep the ambient light from each other."""
LIFT_M = 1e-5
"""Rays leave a surface from this height above it."""
TURN = 2 * math.pi


class Lights(NamedTuple):
    """Where light comes from."""

    lamps: NDArray[np.float64]
    """(L, 7) centre, radius in metres, irradiance at one metre (3)."""
    sun: Vector
    """Direction towards it."""
    sun_colour: Vector
    zenith: Vector
    horizon: Vector
    outdoors: bool
    ambient: Vector
    """From everywhere; indoors also what is where nothing is."""
    fog_per_m: float
    clouds: float
    """Cover of the sky with clouds, 0 to 1."""
    seed: int


class Stage(NamedTuple):
    """A world made ready for rays."""

    table: Table
    boxes: Boxes
    links: Links
    paints: Paints
    lights: Lights


def _floats(values: tuple[float, float, float]) -> Vector:
    x, y, z = values
    return float(x), float(y), float(z)


def pack(world: World, seed: int) -> Lights:
    """The lights of a world; the clouds are drawn from `seed`."""
    lamps = [(*lamp.centre, max(lamp.radius_m, 1e-3), *lamp.colour) for lamp in world.lamps]
    sky = world.sky
    black = (0.0, 0.0, 0.0)
    sun = (0.0, -1.0, 0.0)
    if sky is not None:
        sun = unit(_floats(sky.sun))
        if max(sky.sun_colour) > 0 and sun[1] < 0:
            place = np.array(world.camera.eye) + SUN_M * np.array(sun)
            colour = SUN_M**2 * np.array(sky.sun_colour)
            lamps.append((*place, SUN_M * SUN_RADIUS, *colour))
    return Lights(
        lamps=np.array(lamps, np.float64).reshape(-1, 7),
        sun=sun,
        sun_colour=black if sky is None else _floats(sky.sun_colour),
        zenith=black if sky is None else _floats(sky.zenith),
        horizon=black if sky is None else _floats(sky.horizon),
        outdoors=sky is not None,
        ambient=_floats(world.ambient),
        fog_per_m=0.0 if sky is None else float(sky.fog_per_m),
        clouds=float(np.random.default_rng([seed, 2]).uniform(0, 0.9)),
        seed=seed & 0xFFFF,
    )


@kernel
def sky_at(lights: Lights, d: Vector) -> Vector:
    """Radiance of the clear sky in a direction of length one: paler towards the horizon and
    the sun. Where there is no sky it is the ambient light."""
    if not lights.outdoors:
        return lights.ambient
    clear = mix(lights.zenith, lights.horizon, math.exp(-2.8 * max(-d[1], 0.0)))
    near = max(dot(d, lights.sun), 0.0)
    return plus(clear, 0.06 * near**8 + 0.25 * near**80, lights.sun_colour)


@kernel
def clouded(lights: Lights, d: Vector) -> Vector:
    """`sky_at` with clouds: noise on a plane high above, its thick parts grey."""
    clear = sky_at(lights, d)
    up = -d[1]
    if up < 0.015 or lights.clouds < 0.1 or not lights.outdoors:
        return clear
    x, z = d[0] / (up + 0.08), d[2] / (up + 0.08)
    thick, size, strength = lights.clouds, 1.6, 0.55
    for octave in range(6):
        n, _ = noise(x / size, octave * 3.7, z / size, lights.seed + octave)
        thick += strength * n
        size *= 0.5
        strength *= 0.55
    cover = min(max(1.8 * (thick - 0.45), 0.0), 1.0)
    cover *= cover * (3 - 2 * cover) * min(1.0, up / 0.08)
    shade = 1 - 0.35 * min(max(thick - 0.6, 0.0), 1.0)
    white = plus(times(0.9 * shade, lights.horizon), 0.25 * shade, lights.sun_colour)
    return mix(clear, white, cover)


@kernel
def towards(lamps: NDArray, k: int, p: Vector) -> tuple[Vector, float]:
    """Direction of length one from a point to the middle of lamp `k`, and the distance."""
    d = lamps[k, 0] - p[0], lamps[k, 1] - p[1], lamps[k, 2] - p[2]
    away = max(length(d), 1e-9)
    return times(1 / away, d), away


@kernel
def power(lamps: NDArray, k: int, away: float) -> float:
    """Share of the irradiance at one metre that is left at a distance from lamp `k`."""
    return 1 / max(away * away, lamps[k, 3] ** 2)


@kernel
def colour_of(lamps: NDArray, k: int) -> Vector:
    return lamps[k, 4], lamps[k, 5], lamps[k, 6]


@kernel
def sees_lamp(stage: Stage, k: int, o: Vector, p: float, q: float) -> bool:
    """Whether the point of lamp `k` drawn by (p, q) in [0, 1) is in view from `o`."""
    lamps = stage.lights.lamps
    d, away = towards(lamps, k, o)
    # A disc that faces the point stands for the ball.
    side = unit((0.0, d[2], -d[1]) if abs(d[0]) < 0.8 else (-d[2], 0.0, d[0]))
    radius = lamps[k, 3] * math.sqrt(p)
    target = plus(times(away, d), radius * math.cos(TURN * q), side)
    target = plus(target, radius * math.sin(TURN * q), cross(d, side))
    far = length(target)
    return not blocked(
        stage.table, stage.boxes, stage.links, o, times(1 / far, target), far * 0.9999
    )


@kernel
def around(n: Vector, p: float, q: float) -> Vector:
    """A direction about a normal, drawn by (p, q) in [0, 1) with the cosine's weight.

    Duff et al., "Building an Orthonormal Basis, Revisited", JCGT 6(1), 2017.
    """
    sign = math.copysign(1.0, n[2])
    a = -1 / (sign + n[2])
    b = n[0] * n[1] * a
    r = math.sqrt(p)
    d = times(math.sqrt(1 - p), n)
    d = plus(d, r * math.cos(TURN * q), (1 + sign * n[0] * n[0] * a, sign * b, -sign * n[0]))
    return plus(d, r * math.sin(TURN * q), (b, sign + n[1] * n[1] * a, -n[1]))


@kernel
def direct(stage: Stage, o: Vector, n: Vector, p: float, q: float) -> Vector:
    """Irradiance by the lamps on a point, estimated by one shadow ray to a lamp that is drawn
    by its share of the light."""
    lamps = stage.lights.lamps
    total = 0.0
    for k in range(len(lamps)):
        d, away = towards(lamps, k, o)
        total += max(dot(n, d), 0.0) * power(lamps, k, away) * lamps[k, 5]
    chosen = p * total
    for k in range(len(lamps)):
        d, away = towards(lamps, k, o)
        part = max(dot(n, d), 0.0) * power(lamps, k, away) * lamps[k, 5]
        if chosen < part:
            if sees_lamp(stage, k, plus(o, LIFT_M, n), chosen / part, q):
                return times(total / lamps[k, 5], colour_of(lamps, k))
            break
        chosen -= part
    return 0.0, 0.0, 0.0


@kernel
def arriving(stage: Stage, o: Vector, d: Vector, p: float, q: float, sharp: bool) -> Vector:
    """Radiance that comes to `o` from the direction `d`, shaded roughly.

    `sharp` paints the surface that is met (for mirrors); else it has the mean of its colours.
    """
    table, paints, lights = stage.table, stage.paints, stage.lights
    i, t = nearest(table, stage.boxes, stage.links, o, d, -1)
    if i < 0:
        return clouded(lights, d) if sharp else sky_at(lights, d)
    point = plus(o, t, d)
    own = own_point(table, i, point)
    n, u, v = surface(table, i, own)
    n = facing(world_vector(table, i, n), d)
    albedo = (
        0.5 * (paints[i, 0] + paints[i, 3]),
        0.5 * (paints[i, 1] + paints[i, 4]),
        0.5 * (paints[i, 2] + paints[i, 5]),
    )
    free = t / (t + HEMMED_M)
    if sharp:
        albedo, _, _ = paint(table, paints, i, own, u, v, 0.01 * t)
        free = 1.0
    glow = paints[i, GLOW]
    light = plus(direct(stage, point, n, p, q), free, lights.ambient)
    return product(albedo, plus(light, glow, (1.0, 1.0, 1.0)))
