"""A light, as everything that shades, shadows and places knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Gobo:
    """A picture as a light's mask: what the light's beam carries across.

    picture : (H, W, 3) float32 linear, the share of the light that goes through, 0..1
    spread_deg : the angle that the picture's longer side fills, seen from the light
    turn_deg : clockwise, as the light sees it
    """

    picture: NDArray[np.float32]
    spread_deg: float = 40.0
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Light:
    """A ball that shines equally to all sides; the sun is one that is far away.

    position_m : camera axes (x right, y down, z forward), metres or the depth's own unit
    intensity : linear RGB, what a white matte surface that faces it from 1 m away shows in the
        picture; at distance d that over d squared
    radius_m : of the ball; 0: a point, with hard shadows
    aim_m : what it points at, for a beam or a gobo
    beam_deg : full angle of its cone, None: no cone
    soft_rim : share of the cone's half-angle over which it fades
    shadows : whether things throw shadows in it
    flag_m : what is nearer to it than this gets no more than what is so far away, as if a flag
        stood before it
    """

    position_m: Vector
    intensity: Colour
    radius_m: float = 0.0
    aim_m: Vector | None = None
    beam_deg: float | None = None
    soft_rim: float = 0.3
    gobo: Gobo | None = None
    shadows: bool = True
    flag_m: float = 0.0
