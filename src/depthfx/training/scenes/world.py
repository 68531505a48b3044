"""What a rendered scene is made of: shapes with surfaces, lights and a camera.

Lengths are metres. The frame of the world is x right, y down, z away from a camera that
looks straight ahead; the ground is y = 0, so what stands on it has negative y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float, float]


class Kind(IntEnum):
    """Form of a shape in its own frame, before it is turned and moved."""

    BOX = 0
    """Half sizes `half`."""
    ELLIPSOID = 1
    """Half axes `half`."""
    CYLINDER = 2
    """Along its own y: radii `half[0]`, `half[2]`, half height `half[1]`, with caps."""
    CONE = 3
    """From `start` (radius `half[0]`) to `end` (radius `half[1]`), round ends: limbs, branches,
    wires, hair."""
    CARD = 4
    """A flat rectangle in its own x-y plane, half sizes `half[0]`, `half[1]`, with holes."""
    ROOM = 5
    """A box seen from within: walls, floor, ceiling."""


class Texture(IntEnum):
    """Procedural pattern of a surface, in metres along it."""

    PLAIN = 0
    CHECKS = 1
    STRIPES = 2
    BRICKS = 3
    WINDOWS = 4
    NOISE = 5
    WOOD = 6
    TILES = 7
    FABRIC = 8
    SPECKLE = 9
    GRASS = 10
    SKIN = 11
    PICTURE = 12
    """Coloured blotches as of a poster, a screen or book spines."""


class Cutout(IntEnum):
    """Which parts of a card are there."""

    WHOLE = 0
    LEAF = 1
    """Many small leaves."""
    FENCE = 2
    """Bars or a mesh."""
    GRASS = 3
    """Blades that narrow upwards."""
    DISC = 4


@dataclass(frozen=True)
class Surface:
    """How a shape looks."""

    colour: Point = (0.5, 0.5, 0.5)
    """Linear albedo of the pattern's one part."""
    other: Point = (0.3, 0.3, 0.3)
    """Linear albedo of its other part."""
    texture: Texture = Texture.PLAIN
    scale_m: float = 0.2
    """Size of the pattern."""
    gloss: float = 0.0
    """0 matt to 1 polished."""
    glow: float = 0.0
    """Light it sends out itself."""
    seed: int = 0
    """Draws the noise of its pattern."""


@dataclass(frozen=True)
class Shape:
    """One convex form in the world."""

    kind: Kind
    half: Point
    centre: Point = (0.0, 0.0, 0.0)
    turn_rad: Point = (0.0, 0.0, 0.0)
    """Yaw about y, then pitch about x, then roll about z, in its own frame: own -> world is
    Ry Rx Rz, each right-handed. Positive yaw turns the own z towards x, positive pitch turns it
    up (-y; the camera's sign is the other one), positive roll turns the own x towards y."""
    start: Point = (0.0, 0.0, 0.0)
    end: Point = (0.0, 0.0, 0.0)
    surface: Surface = Surface()
    cutout: Cutout = Cutout.WHOLE
    subject: bool = False
    """Part of what a photographer would cut out."""


@dataclass(frozen=True)
class Lamp:
    """A small ball of light."""

    centre: Point
    radius_m: float
    colour: Point
    """Irradiance at one metre."""


@dataclass(frozen=True)
class Sky:
    """Light from outside; without it the scene is indoors."""

    sun: Point
    """Direction towards the sun, length one."""
    sun_colour: Point
    zenith: Point
    horizon: Point
    fog_per_m: float = 0.0
    """Extinction; the fog has the horizon's colour."""


@dataclass(frozen=True)
class Camera:
    """A pinhole at `eye`; all angles zero look along +z."""

    eye: Point
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    """Positive looks down."""
    roll_rad: float = 0.0
    focal_share: float = 1.0
    """Focal length over the picture's width."""
    aspect: float = 4 / 3
    """Width over height."""


@dataclass(frozen=True)
class World:
    """Everything a picture is cast from."""

    shapes: list[Shape]
    camera: Camera
    sky: Sky | None = None
    lamps: list[Lamp] = field(default_factory=list)
    ambient: Point = (0.3, 0.3, 0.3)
    """Light from everywhere, weakened where it is hemmed in."""


def rotation(yaw_rad: float, pitch_rad: float, roll_rad: float) -> NDArray[np.float64]:
    """(3, 3) own frame -> world, the columns being its axes: yaw, then pitch, then roll."""
    (cy, sy), (cp, sp), (cr, sr) = (
        (math.cos(a), math.sin(a)) for a in (yaw_rad, pitch_rad, roll_rad)
    )
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return yaw @ pitch @ roll


def axes_of(camera: Camera) -> NDArray[np.float64]:
    """(3, 3) columns: the camera's right, down and forward in the world."""
    return rotation(camera.yaw_rad, -camera.pitch_rad, camera.roll_rad)
