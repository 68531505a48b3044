"""Streets, squares, roads from a car's place, and people photographed outdoors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from depthfx.training.scenes import nature
from depthfx.training.scenes.animals import animal
from depthfx.training.scenes.figures import portrait
from depthfx.training.scenes.forms import (
    Rng,
    any_colour,
    arc,
    ball,
    between,
    board,
    box,
    card,
    chain,
    chance,
    daylight,
    disc,
    drum,
    free,
    lens,
    limb,
    looking,
    matter,
    moved,
    one_of,
    photo_aspect,
    tinted,
    turned,
    without,
)
from depthfx.training.scenes.people import person
from depthfx.training.scenes.world import (
    Camera,
    Cutout,
    Kind,
    Point,
    Shape,
    Surface,
    Texture,
    World,
)

WALLS: tuple[Point, ...] = (
    (0.6, 0.55, 0.45),
    (0.45, 0.42, 0.38),
    (0.4, 0.2, 0.13),
    (0.7, 0.68, 0.64),
    (0.55, 0.4, 0.22),
    (0.3, 0.3, 0.32),
    (0.5, 0.5, 0.42),
)
ASPHALT: tuple[Point, ...] = ((0.07, 0.07, 0.075), (0.14, 0.14, 0.14), (0.22, 0.21, 0.2))
PAINTS: tuple[Point, ...] = (
    (0.7, 0.7, 0.7),
    (0.02, 0.02, 0.025),
    (0.3, 0.31, 0.33),
    (0.4, 0.03, 0.03),
    (0.04, 0.08, 0.3),
    (0.1, 0.1, 0.11),
    (0.5, 0.35, 0.05),
    (0.05, 0.2, 0.12),
)
AXLE = (0.0, 0.0, math.pi / 2)
"""Turns a disc so that its axis lies across."""


@dataclass(frozen=True)
class Road:
    """A level road whose middle is x = shift + slope z + bend z^2 from z = 0 on."""

    half_width: float
    bend_per_m: float
    slope: float = 0.0
    shift: float = 0.0

    def at(self, z: float, aside: float = 0.0) -> tuple[Point, float]:
        """A place `aside` metres to the right of the middle, and the road's direction there."""
        ahead = max(z, 0.0)
        direction = math.atan(self.slope + 2 * self.bend_per_m * ahead)
        x = self.shift + self.slope * z + self.bend_per_m * ahead**2
        return (x + aside * math.cos(direction), 0.0, z - aside * math.sin(direction)), direction

    def strip(
        self, aside: float, width: float, high: float, surface: Surface, ends: tuple[float, float]
    ) -> list[Shape]:
        """A band along the road, `high` metres above the ground: pavement, kerb, line."""
        reach = 9.0 if abs(self.bend_per_m) > 1e-4 else 40.0
        shapes = []
        for near in np.arange(ends[0], ends[1], reach):
            far = min(near + reach, ends[1])
            middle, yaw = self.at((near + far) / 2, aside)
            length = (far - near) / max(math.cos(yaw), 0.3) * 1.03
            low = (middle[0], 0.2, middle[2])
            shapes.append(box(low, (width, 0.2 + high, length), surface, yaw))
        return shapes


def wheel(rng: Rng, centre: Point, radius: float, width: float) -> list[Shape]:
    rubber = matter(rng, (0.02, 0.02, 0.02))
    rim = matter(rng, tinted(rng, (0.35, 0.35, 0.36)), gloss=0.5)
    x, y, z = centre
    side = math.copysign(0.02, x)
    return [
        disc(centre, radius, width, AXLE, rubber),
        disc((x + side, y, z), 0.62 * radius, width, AXLE, rim),
        disc((x + 1.6 * side, y, z), 0.2 * radius, width, AXLE, rubber),
    ]


def car(rng: Rng) -> list[Shape]:
    """A saloon, estate or small car, 3.6 to 4.8 m long, its front towards -z."""
    paint = matter(rng, tinted(rng, one_of(rng, PAINTS), 0.25), Texture.PLAIN, gloss=0.55)
    glass = matter(rng, (0.02, 0.025, 0.03), Texture.PLAIN, gloss=0.8)
    dark = matter(rng, (0.025, 0.025, 0.027))
    length, width = rng.uniform(3.6, 4.8), rng.uniform(1.65, 1.88)
    belt, top = rng.uniform(0.82, 1.0), rng.uniform(1.4, 1.65)
    front, back = -length / 2, length / 2
    hood = front + length * rng.uniform(0.2, 0.27)  # where the windscreen starts
    roof = hood + rng.uniform(0.55, 0.8), back - rng.choice([0.25, 0.4, 1.0])
    tail = min(back - 0.02, roof[1] + rng.uniform(0.15, 0.5))
    inner = width / 2 - 0.13
    shapes = [
        box((0, -0.24, 0), (width, belt - 0.34, length - 0.25), paint),
        ball((0, -0.53, 0), (width / 2 + 0.03, 0.36, length / 2 + 0.03), paint),
        box((0, -belt + 0.16, (hood + back) / 2), (width - 0.04, 0.16, back - hood - 0.1), paint),
        board(
            (0, -belt + 0.13, front + 0.12), (0, -belt + 0.02, hood + 0.1), width - 0.12, 0.1, paint
        ),
        board((0, -belt, hood), (0, -top + 0.03, roof[0]), 2 * inner, 0.02, glass),
        board((0, -top + 0.03, roof[1]), (0, -belt, tail), 2 * inner, 0.02, glass),
        box(
            (0, -belt, (roof[0] + roof[1]) / 2),
            (2 * inner, top - belt - 0.04, roof[1] - roof[0]),
            glass,
        ),
        box((0, -top + 0.05, sum(roof) / 2), (2 * inner, 0.06, roof[1] - roof[0] + 0.06), paint),
        ball((0, -top + 0.04, sum(roof) / 2), (inner, 0.07, (roof[1] - roof[0]) / 2 + 0.1), paint),
        box((0, -0.22, 0), (width - 0.02, 0.1, length - 0.1), dark),
    ]
    for side in (-1, 1):
        x = side * (inner + 0.01)
        for low, high in (((hood, roof[0])), ((tail, roof[1]))):
            shapes.append(
                limb((x + side * 0.08, -belt, low), (x, -top + 0.05, high), 0.04, 0.03, paint)
            )
            middle = (low + high) / 2
            shapes.append(
                box(
                    (x - side * 0.03, -belt + 0.02, middle),
                    (0.04, 0.5 * (top - belt), 0.5 * abs(high - low)),
                    glass,
                )
            )
        pillar = (roof[0] + roof[1]) / 2 + 0.1
        shapes.append(limb((x, -belt, pillar), (x, -top + 0.05, pillar), 0.035, 0.03, dark))
        shapes.append(limb((x, -top + 0.04, roof[0]), (x, -top + 0.04, roof[1]), 0.03, 0.03, paint))
        for z in (hood + 0.1, pillar, pillar + 0.85):  # door gaps
            shapes.append(box((side * width / 2, -0.35, z), (0.008, belt - 0.4, 0.012), dark))
        for z in (pillar - 0.25, pillar + 0.7):
            shapes.append(box((side * width / 2, -belt + 0.14, z), (0.05, 0.03, 0.16), dark))
        shapes.append(
            ball((side * (width / 2 + 0.08), -belt - 0.06, hood + 0.25), (0.1, 0.07, 0.06), paint)
        )
        for z in (front + 0.2 * length, back - 0.19 * length):
            shapes.append(disc((side * (width / 2 - 0.09), -0.34, z), 0.38, 0.2, AXLE, dark))
            shapes += wheel(rng, (side * (width / 2 - 0.07), -0.31, z), 0.31, 0.2)
        lamp = matter(rng, (0.75, 0.75, 0.72), gloss=0.7, glow=0.5 * rng.random())
        red = matter(rng, (0.45, 0.02, 0.02), gloss=0.5, glow=0.25 * rng.random())
        shapes.append(
            ball((side * 0.33 * width, -belt + 0.27, front + 0.07), (0.2, 0.08, 0.08), lamp)
        )
        shapes.append(box((side * 0.4 * width, -belt + 0.32, back - 0.1), (0.24, 0.18, 0.1), red))
    plate = matter(rng, (0.7, 0.7, 0.65), Texture.PICTURE, 0.06)
    for z in (front - 0.02, back + 0.02):
        shapes.append(box((0, -0.42, z), (0.5, 0.11, 0.03), plate))
    shapes.append(box((0, -0.5, front + 0.02), (0.9, 0.14, 0.06), dark))
    return shapes


def van(rng: Rng) -> list[Shape]:
    """A van, truck or bus with its front towards -z: a box on wheels with a glazed cab."""
    paint = matter(
        rng, tinted(rng, one_of(rng, (*PAINTS, (0.75, 0.75, 0.75))), 0.2), Texture.PLAIN, gloss=0.4
    )
    glass = matter(rng, (0.02, 0.025, 0.03), Texture.PLAIN, gloss=0.8)
    dark = matter(rng, (0.03, 0.03, 0.03))
    sort = one_of(rng, ("van", "van", "truck", "bus"))
    length = {"van": rng.uniform(4.5, 6), "truck": rng.uniform(6, 11), "bus": rng.uniform(9, 12)}[
        sort
    ]
    width, high = (2.0, rng.uniform(1.9, 2.6)) if sort == "van" else (2.5, rng.uniform(2.9, 3.9))
    front, back = -length / 2, length / 2
    cab = 1.9
    load = matter(rng, any_colour(rng), Texture.PLAIN, 0.6, gloss=0.2) if sort == "truck" else paint
    tall = high - (0.7 if sort == "truck" else 0)
    shapes = [
        box((0, -0.4, front + cab / 2 + 0.1), (width, tall - 0.4, cab), paint),
        board((0, -1.1, front + 0.02), (0, -tall + 0.15, front + 0.22), width - 0.2, 0.12, glass),
        box(
            (0, -0.45, (front + cab + 0.2 + back) / 2),
            (width, high - 0.45, length - cab - 0.2),
            load,
        ),
        box((0, -0.3, 0), (width - 0.2, 0.4, length - 0.2), dark),
        box((0, -0.35, front + 0.06), (width, 0.25, 0.2), dark),
        box(
            (0, -0.5, back + 0.02),
            (0.5, 0.11, 0.02),
            matter(rng, (0.7, 0.7, 0.6), Texture.PICTURE, 0.06),
        ),
    ]
    for side in (-1, 1):
        shapes.append(box((side * width / 2, -1.15, front + 0.9), (0.03, 0.6, 0.9), glass))
        if sort == "bus":
            for z in np.arange(front + 2.2, back - 1, 1.5):
                shapes.append(box((side * width / 2, -1.3, z), (0.03, 1.0, 1.35), glass))
        for z in (front + 0.9, back - 1.2):
            shapes += wheel(rng, (side * (width / 2 - 0.12), -0.42, z), 0.42, 0.28)
        lamp = matter(rng, (0.8, 0.8, 0.75), gloss=0.6, glow=0.5 * rng.random())
        red = matter(rng, (0.5, 0.02, 0.02), glow=0.3 * rng.random())
        shapes.append(box((side * 0.38 * width, -0.7, front + 0.08), (0.3, 0.16, 0.08), lamp))
        shapes.append(box((side * 0.44 * width, -0.8, back), (0.14, 0.4, 0.05), red))
        shapes.append(box((side * (width / 2 + 0.15), -1.5, front + 0.25), (0.18, 0.3, 0.08), dark))
    if sort == "bus":
        shapes.append(box((0, -1.4, back + 0.01), (width - 0.4, 0.9, 0.03), glass))
    return shapes


def bicycle(rng: Rng) -> list[Shape]:
    """A bicycle on its wheels, 1.7 m long, its front towards -z."""
    paint = matter(rng, any_colour(rng), gloss=0.5)
    dark, steel = matter(rng, (0.02, 0.02, 0.02)), matter(rng, (0.45, 0.45, 0.46), gloss=0.6)
    shapes: list[Shape] = []
    for z in (-0.52, 0.5):
        rim = arc((0, -0.34, z), (0, 0, 0.33), (0, -0.33, 0), 0, 2 * np.pi, 21)
        shapes += chain(rim, 0.018, 0.018, dark)
        shapes += [limb((0, -0.34, z), spoke, 0.0025, 0.0025, steel) for spoke in rim[::2]]
    crank, saddle, head = (0.0, -0.3, 0.05), (0.0, -0.85, 0.22), (0.0, -0.82, -0.33)
    for start, end in (
        (crank, (0.0, -0.75, 0.19)),
        (crank, (0.0, -0.62, -0.37)),
        ((0.0, -0.72, 0.18), head),
        (crank, (0.0, -0.34, 0.5)),
        ((0.0, -0.72, 0.18), (0.0, -0.34, 0.5)),
        (head, (0.0, -0.34, -0.52)),
    ):
        shapes.append(limb(start, end, 0.018, 0.016, paint))
    shapes += [
        limb((0, -0.75, 0.19), saddle, 0.013, 0.013, steel),
        ball((0, -0.88, 0.22), (0.08, 0.03, 0.14), dark),
        limb(head, (0, -0.95, -0.36), 0.014, 0.014, steel),
        limb((-0.28, -0.97, -0.3), (0.28, -0.97, -0.3), 0.013, 0.013, steel),
        limb((0, -0.95, -0.36), (0, -0.97, -0.3), 0.014, 0.014, steel),
        disc(crank, 0.09, 0.01, AXLE, steel),
        limb((0.05, -0.3, 0.05), (0.08, -0.15, -0.02), 0.012, 0.012, dark),
        limb((-0.05, -0.3, 0.05), (-0.08, -0.45, 0.12), 0.012, 0.012, dark),
    ]
    for side in (-0.25, 0.25):
        shapes.append(limb((side, -0.97, -0.3), (side * 1.15, -0.97, -0.22), 0.018, 0.018, dark))
    return shapes


def cyclist(rng: Rng, at: Point, heading_rad: float) -> list[Shape]:
    """Somebody in the saddle; heading 0 rides along +z."""
    x, y, z = at
    back = turned((0.0, 0.0, -0.1), heading_rad)
    feet = (x + back[0], y - 0.4, z + back[2])
    rider = person(rng, feet, heading_rad, pose="sitting", stature_m=1.7, seat=False)
    return moved(bicycle(rng), at, heading_rad + math.pi) + rider


def lamp_post(rng: Rng) -> list[Shape]:
    metal = matter(rng, tinted(rng, (0.12, 0.12, 0.12), 0.5), gloss=0.2)
    high, reach = rng.uniform(3.5, 8), rng.uniform(0, 1.8)
    head = (-reach, -high - 0.1, 0.0)
    glass = matter(rng, (0.8, 0.8, 0.75), glow=0.3)
    return [
        limb((0, 0, 0), (0, -high, 0), 0.08, 0.05, metal),
        drum((0, 0, 0), 0.12, 0.6, metal),
        limb((0, -high, 0), head, 0.04, 0.03, metal),
        ball(head, (0.3, 0.09, 0.14), metal),
        ball((head[0], head[1] + 0.06, 0), (0.22, 0.06, 0.1), glass),
    ]


def sign(rng: Rng) -> list[Shape]:
    """A traffic sign, a street name or a traffic light on a post, towards -z."""
    metal = matter(rng, (0.35, 0.36, 0.36), gloss=0.4)
    high = rng.uniform(2.0, 3.0)
    shapes = [limb((0, 0, 0), (0, -high, 0), 0.035, 0.035, metal)]
    sort = rng.random()
    if sort < 0.25:
        case = matter(rng, (0.03, 0.03, 0.03))
        shapes.append(box((0, -high, -0.05), (0.3, 0.9, 0.2), case))
        lit = int(rng.integers(3))
        for index, colour in enumerate(((0.8, 0.05, 0.03), (0.8, 0.5, 0.03), (0.05, 0.7, 0.2))):
            shine = matter(
                rng, colour if index == lit else (0.05, 0.05, 0.05), glow=1.0 * (index == lit)
            )
            y = -high - 0.75 + 0.3 * index
            shapes.append(disc((0, y, -0.16), 0.1, 0.04, (0, math.pi / 2, 0), shine))
        return shapes
    colour = one_of(rng, ((0.6, 0.03, 0.03), (0.04, 0.12, 0.5), (0.8, 0.8, 0.8), (0.05, 0.3, 0.1)))
    paint = matter(
        rng, tinted(rng, colour), Texture.PICTURE, 0.25, gloss=0.2, other=(0.8, 0.8, 0.78)
    )
    if sort < 0.65:
        edge = matter(rng, (0.55, 0.03, 0.03))
        shapes.append(disc((0, -high, -0.05), 0.32, 0.02, (0, math.pi / 2, 0), edge))
        shapes.append(disc((0, -high, -0.062), 0.25, 0.02, (0, math.pi / 2, 0), paint))
    else:
        wide, tall = rng.uniform(0.3, 1.6), rng.uniform(0.2, 0.8)
        shapes.append(box((0, -high + tall, -0.05), (wide, tall, 0.02), paint))
    return shapes


def bin_(rng: Rng) -> list[Shape]:
    """A litter bin or a wheeled one."""
    paint = matter(
        rng,
        tinted(
            rng,
            one_of(
                rng, ((0.04, 0.12, 0.06), (0.05, 0.05, 0.05), (0.4, 0.28, 0.03), (0.05, 0.08, 0.25))
            ),
        ),
    )
    if chance(rng, 0.5):
        high = rng.uniform(0.7, 1.0)
        return [
            drum((0, 0, 0), 0.24, high, paint),
            disc((0, -high, 0), 0.27, 0.06, (0, 0, 0), paint),
            disc((0, -high - 0.035, 0), 0.16, 0.01, (0, 0, 0), matter(rng, (0.01, 0.01, 0.01))),
        ]
    wide = rng.uniform(0.5, 1.2)
    dark = matter(rng, (0.02, 0.02, 0.02))
    shapes = [
        box((0, -0.1, 0), (wide, 0.9, 0.6), paint),
        board((0, -0.98, -0.36), (0, -1.08, 0.32), wide + 0.08, 0.06, paint),
    ]
    return shapes + [disc((s * wide / 2, -0.12, 0.25), 0.12, 0.06, AXLE, dark) for s in (-1, 1)]


def bollard(rng: Rng) -> list[Shape]:
    metal = matter(rng, tinted(rng, (0.2, 0.2, 0.2), 0.7), gloss=0.2)
    high = rng.uniform(0.6, 1.0)
    white = matter(rng, (0.7, 0.7, 0.7))
    return [
        drum((0, 0, 0), 0.07, high, metal),
        ball((0, -high, 0), (0.075, 0.06, 0.075), metal),
        disc((0, -0.85 * high, 0), 0.073, 0.08, (0, 0, 0), white),
    ]


def facade(rng: Rng, width: float, high: float, depth: float, close: bool) -> list[Shape]:
    """A house whose front, `width` wide, stands at z = 0 towards -z; its origin in the middle.

    Far houses have their windows painted on; `close` ones have frames, panes set back, sills,
    doors, cornices, shop windows, awnings and balconies.
    """
    colour = tinted(rng, one_of(rng, WALLS), 0.25)
    brick = chance(rng, 0.3)
    pattern, scale = (Texture.BRICKS, 0.22) if brick else (Texture.NOISE, rng.uniform(0.3, 2.0))
    wall = matter(rng, colour, pattern, scale, contrast=0.12)
    roof = matter(
        rng,
        tinted(rng, one_of(rng, ((0.3, 0.1, 0.06), (0.08, 0.08, 0.09), (0.18, 0.15, 0.13)))),
        Texture.TILES,
        0.3,
    )
    if not close:
        painted = matter(
            rng, colour, Texture.WINDOWS, rng.uniform(2.4, 3.4), other=(0.05, 0.06, 0.08), gloss=0.1
        )
        return [
            box((0, 0, depth / 2), (width, high, depth), painted),
            *_roof(rng, width, high, depth, roof, wall),
        ]
    shapes = [
        box((0, 0, depth / 2), (width, high, depth), wall),
        *_roof(rng, width, high, depth, roof, wall),
    ]
    trim = matter(
        rng, tinted(rng, one_of(rng, (colour, (0.75, 0.74, 0.7), (0.2, 0.18, 0.16))), 0.2)
    )
    frame = matter(
        rng, tinted(rng, one_of(rng, ((0.75, 0.75, 0.73), (0.1, 0.09, 0.08), (0.3, 0.17, 0.08))))
    )
    shapes.append(box((0, 0, -0.03), (width, rng.uniform(0.3, 0.8), 0.1), trim))
    shapes.append(box((0, -high + 0.25, -0.08), (width + 0.1, 0.25, 0.3), trim))
    storey = rng.uniform(2.7, 3.5)
    pitch = rng.uniform(1.7, 3.2)
    wide, tall = pitch * rng.uniform(0.35, 0.6), storey * rng.uniform(0.4, 0.62)
    columns = np.arange(-(width - pitch) / 2, (width - pitch) / 2 + 0.01, pitch)
    shop, balconies, shutters = chance(rng, 0.35), chance(rng, 0.25), chance(rng, 0.3)
    cloth = matter(rng, any_colour(rng), Texture.NOISE)
    door = int(rng.integers(max(len(columns), 1)))
    for floor in range(int(high // storey)):
        for number, x in enumerate(columns):
            base = floor * storey + 0.3 * storey
            if floor == 0 and number == door:
                shapes += _door(rng, (float(x), 0, 0), frame, trim)
            elif floor == 0 and shop:
                shapes += _window(rng, (float(x), -0.5, 0), 0.85 * pitch, 0.65 * storey, frame)
                low = (float(x), -0.68 * storey, -1.0)
                if chance(rng, 0.6):
                    shapes.append(
                        board(low, (float(x), -0.9 * storey, 0), 0.9 * pitch, 0.02, cloth)
                    )
            else:
                shapes += _window(rng, (float(x), -base, 0), wide, tall, frame)
                shapes.append(box((float(x), -base + 0.06, -0.06), (wide + 0.2, 0.07, 0.16), trim))
                if shutters and floor:
                    for side in (-1, 1):
                        at = (float(x) + side * wide * 0.78, -base, -0.03)
                        shapes.append(box(at, (0.45 * wide, tall, 0.05), cloth))
                if balconies and floor and number % 2:
                    shapes += _balcony(
                        rng, (float(x), -floor * storey - 0.1, 0), pitch * 0.8, frame
                    )
    pipe = width / 2 - 0.15
    shapes.append(limb((pipe, 0, -0.07), (pipe, -high, -0.07), 0.05, 0.05, trim))
    return shapes


def _roof(
    rng: Rng, width: float, high: float, depth: float, tiles: Surface, wall: Surface
) -> list[Shape]:
    if chance(rng, 0.35):
        return [box((0, -high, depth / 2), (width + 0.2, 0.3, depth + 0.2), tiles)]
    rise = rng.uniform(0.25, 0.6) * depth
    ridge = (0.0, -high - rise, depth / 2)
    shapes = [
        board((0, -high + 0.2, -0.5), ridge, width + 0.3, 0.2, tiles),
        board((0, -high + 0.2, depth + 0.5), ridge, width + 0.3, 0.2, tiles),
    ]
    for share in np.linspace(0, 0.85, 8):  # the gables
        size = (width, 0.13 * rise, (0.87 - share) * depth)
        shapes.append(box((0, -high - share * rise, depth / 2), size, wall))
    if chance(rng, 0.6):
        at = rng.uniform(-0.4, 0.4) * width
        shapes.append(box((at, -high - 0.3 * rise, depth / 2), (0.6, rise + 0.6, 0.6), tiles))
    return shapes


def _window(rng: Rng, foot: Point, wide: float, tall: float, frame: Surface) -> list[Shape]:
    x, y, z = foot
    warm = chance(rng, 0.1)
    pane = matter(
        rng, tinted(rng, (0.04, 0.05, 0.07), 0.5), Texture.NOISE, 1.0, gloss=0.75, glow=0.25 * warm
    )
    return [
        box((x, y, z - 0.005), (wide + 0.16, tall + 0.08, 0.06), frame),
        box((x, y - 0.06, z - 0.02), (wide - 0.08, tall - 0.1, 0.06), pane),
        box((x, y - 0.06, z - 0.03), (0.05, tall - 0.1, 0.07), frame),
        box((x, y - 0.62 * tall, z - 0.03), (wide - 0.08, 0.05, 0.07), frame),
    ]


def _door(rng: Rng, foot: Point, frame: Surface, trim: Surface) -> list[Shape]:
    x, _, z = foot
    leaf = matter(
        rng,
        tinted(
            rng,
            one_of(
                rng, ((0.2, 0.1, 0.05), (0.05, 0.1, 0.2), (0.3, 0.04, 0.04), (0.08, 0.15, 0.08))
            ),
        ),
        Texture.WOOD,
        0.1,
    )
    return [
        box((x, 0, z - 0.01), (1.25, 2.3, 0.1), frame),
        box((x, -0.02, z - 0.03), (1.0, 2.1, 0.1), leaf),
        ball(
            (x + 0.38, -1.05, z - 0.11), (0.03, 0.03, 0.04), matter(rng, (0.5, 0.4, 0.2), gloss=0.6)
        ),
        box((x, 0, z - 0.3), (1.5, 0.16, 0.6), trim),
    ]


def _balcony(rng: Rng, foot: Point, wide: float, rail: Surface) -> list[Shape]:
    x, y, z = foot
    shapes = [box((x, y, z - 0.5), (wide, 0.12, 1.0), matter(rng, (0.5, 0.5, 0.48)))]
    shapes.append(
        limb((x - wide / 2, y - 1, z - 1), (x + wide / 2, y - 1, z - 1), 0.025, 0.025, rail)
    )
    for at in np.linspace(-wide / 2, wide / 2, 10):
        shapes.append(limb((x + at, y, z - 1), (x + at, y - 1, z - 1), 0.012, 0.012, rail))
    return shapes


def houses(rng: Rng, road: Road, setback: float, far_m: float, tallest: float) -> list[Shape]:
    """Both sides of a road built up, closed or with gaps, gates and garden walls."""
    shapes: list[Shape] = []
    closed = chance(rng, 0.5)
    for side in (-1, 1):
        z = rng.uniform(-14, -4)
        while z < far_m:
            width = rng.uniform(6, 16)
            high = min(tallest, between(rng, 3.2, 22))
            point, yaw = road.at(z + width / 2, side * (road.half_width + setback))
            # The front faces the road: its -z turned to the road's side.
            front = yaw + side * math.pi / 2
            near = z < 38
            shapes += moved(facade(rng, width, high, rng.uniform(7, 12), near), point, front)
            gap = 0.0 if closed else max(0.0, rng.normal(4, 6))
            if gap > 2:
                middle, _ = road.at(z + width + gap / 2, side * (road.half_width + setback))
                shapes += moved(_gap(rng, gap), middle, front)
            z += width + gap
    return shapes


def _gap(rng: Rng, width: float) -> list[Shape]:
    """What closes the front between two houses: wall, railings, hedge or a gate."""
    high, sort = rng.uniform(0.8, 2.2), rng.random()
    if sort < 0.35:
        wall = matter(rng, tinted(rng, one_of(rng, WALLS)), Texture.BRICKS, 0.22)
        return [box((0, 0, 0), (width, high, 0.3), wall)]
    if sort < 0.6:
        hedge = nature.foliage(rng)
        return [box((0, 0, 0), (width, high, 0.7), hedge)] + [
            card(
                (x, -rng.uniform(0.1, high), -0.35),
                0.6,
                0.6,
                (rng.normal(0, 0.7), rng.normal(0, 0.5), rng.uniform(0, 6)),
                hedge,
                Cutout.LEAF,
            )
            for x in np.linspace(-width / 2, width / 2, int(5 * width))
        ]
    iron = matter(rng, (0.03, 0.03, 0.03))
    rails = [limb((-width / 2, -y, 0), (width / 2, -y, 0), 0.02, 0.02, iron) for y in (0.15, high)]
    posts = [
        limb((x, 0, 0), (x, -high - 0.1, 0), 0.012, 0.012, iron)
        for x in np.arange(-width / 2, width / 2, 0.16)[:70]
    ]
    return rails + posts


def markings(rng: Rng, road: Road, far_m: float) -> list[Shape]:
    """Lane lines, edge lines and a crossing, a few millimetres above the asphalt."""
    white = matter(rng, (0.62, 0.62, 0.58), Texture.NOISE, 0.3, contrast=0.4)
    shapes: list[Shape] = []
    dash, gap = rng.uniform(2, 5), rng.uniform(2, 8)
    if chance(rng, 0.75):
        for z in np.arange(-4, far_m, dash + gap):
            middle, yaw = road.at(float(z + dash / 2))
            shapes.append(box((middle[0], 0.01, middle[2]), (0.13, 0.016, dash), white, yaw))
    if chance(rng, 0.5):
        for side in (-1, 1):
            shapes += road.strip(side * (road.half_width - 0.25), 0.12, 0.006, white, (-6, far_m))
    if chance(rng, 0.25):
        z = between(rng, 3, 30)
        for aside in np.arange(-road.half_width + 0.5, road.half_width - 0.3, 1.0):
            middle, yaw = road.at(z, float(aside))
            shapes.append(box((middle[0], 0.01, middle[2]), (0.5, 0.017, 3.0), white, yaw))
    return shapes


def roadway(rng: Rng, road: Road, far_m: float, pavement_m: float) -> list[Shape]:
    """The ground, the asphalt with its patches and drains, kerbs and pavements."""
    verge = (
        nature.turf(rng)
        if chance(rng, 0.5)
        else matter(rng, tinted(rng, (0.3, 0.28, 0.25)), Texture.SPECKLE, 0.05)
    )
    tar = matter(
        rng,
        tinted(rng, one_of(rng, ASPHALT)),
        Texture.SPECKLE,
        0.03,
        contrast=0.3,
        gloss=0.35 * chance(rng, 0.15),
    )
    shapes = [box((0, 4.02, 0), (3000, 4, 3000), verge)]
    shapes += road.strip(0, 2 * road.half_width, 0.0, tar, (-12, far_m))
    if pavement_m:
        stone = matter(
            rng,
            tinted(rng, (0.36, 0.35, 0.33), 0.3),
            one_of(rng, (Texture.TILES, Texture.SPECKLE, Texture.BRICKS)),
            rng.uniform(0.2, 0.6),
            contrast=0.15,
        )
        kerb = matter(rng, tinted(rng, (0.45, 0.44, 0.42)), Texture.NOISE, 0.5)
        for side in (-1, 1):
            shapes += road.strip(side * (road.half_width + 0.08), 0.16, 0.12, kerb, (-12, far_m))
            aside = side * (road.half_width + 0.16 + pavement_m / 2)
            shapes += road.strip(aside, pavement_m, 0.115, stone, (-12, far_m))
    patch = matter(rng, tinted(rng, tar.colour, 0.4), Texture.SPECKLE, 0.03)
    for _ in range(int(rng.integers(0, 5))):
        middle, yaw = road.at(between(rng, 2, 30), rng.uniform(-0.8, 0.8) * road.half_width)
        if chance(rng, 0.5):
            shapes.append(drum((middle[0], 0.02, middle[2]), 0.33, 0.024, patch))
        else:
            shapes.append(
                box(
                    (middle[0], 0.02, middle[2]),
                    (rng.uniform(0.5, 2), 0.023, rng.uniform(1, 6)),
                    patch,
                    yaw,
                )
            )
    return shapes


def traffic(rng: Rng, road: Road, near_m: float, far_m: float, eye: Point) -> list[Shape]:
    """Parked rows along the kerbs and moving cars on their own sides."""
    shapes: list[Shape] = []
    places: list[tuple[float, float, bool]] = []
    for side in (-1, 1):
        if chance(rng, 0.55) and road.half_width > 2.6:
            z, density = rng.uniform(-2, 8), rng.uniform(0.3, 0.95)
            while z < far_m:
                if chance(rng, density):
                    places.append((z, side * (road.half_width - 1.0), chance(rng, 0.5)))
                z += rng.uniform(5.2, 7)
    lane = 0.4 * road.half_width
    for _ in range(int(rng.integers(0, 5))):
        side = one_of(rng, (-1, 1))
        places.append((between(rng, max(near_m, 5), far_m), side * lane, side < 0))
    for z, aside, facing in places:
        point, yaw = road.at(z, aside)
        long = chance(rng, 0.18)
        away = math.dist((point[0], point[2]), (eye[0], eye[2]))
        if away < near_m + 4 * long or z > 75:
            continue
        thing = van(rng) if long else car(rng)
        shapes += moved(thing, point, yaw + (0 if facing else math.pi) + rng.normal(0, 0.02))
    return shapes


def walkers(
    rng: Rng, road: Road, count: int, kerb: float, near_m: float = 4, far_m: float = 40
) -> list[Shape]:
    """People on the pavements, a few on the road, some with a bicycle or an animal."""
    shapes: list[Shape] = []
    for _ in range(count):
        aside = one_of(rng, (-1, 1)) * (road.half_width + rng.uniform(0.5, max(kerb, 0.8)))
        if chance(rng, 0.15):
            aside = rng.uniform(-0.8, 0.8) * road.half_width
        point, yaw = road.at(between(rng, near_m, far_m), aside)
        feet = (point[0], -0.115 if abs(aside) > road.half_width and kerb else 0.0, point[2])
        facing = yaw + one_of(rng, (0.0, math.pi)) + rng.normal(0, 0.4)
        if chance(rng, 0.15):
            shapes += cyclist(rng, feet, float(facing))
            continue
        pose = one_of(rng, ("walking", "walking", "standing", None))
        shapes += person(rng, feet, float(facing), pose=pose)
        if chance(rng, 0.1):
            shapes += animal(rng, (feet[0] + 0.7, feet[1], feet[2]), float(facing), "dog")
    return nature.unmarked(shapes)


def furniture(rng: Rng, road: Road, kerb: float, far_m: float) -> list[Shape]:
    """Lamps, signs, bins, bollards, trees, benches, bicycles and wires along both kerbs."""
    shapes: list[Shape] = []
    makers = (lamp_post, sign, bin_, bollard, nature.bench, bicycle, sign, bollard)
    lift = 0.115 if kerb else 0.0

    def put(thing: list[Shape], z: float, aside: float, turn: float = 0.0) -> None:
        point, yaw = road.at(z, aside)
        shapes.extend(moved(thing, (point[0], -lift, point[2]), yaw + turn))

    for side in (-1, 1):
        edge = side * (road.half_width + 0.5)
        for _ in range(int(rng.integers(1, 9))):
            make = one_of(rng, makers)
            turn = side * math.pi / 2 if make is nature.bench else 0.0
            put(make(rng), between(rng, 3, far_m), edge + side * rng.uniform(0, 0.5), turn)
        if chance(rng, 0.4):
            step = rng.uniform(12, 25)
            for z in np.arange(rng.uniform(3, 10), far_m, step):
                put(lamp_post(rng), float(z), edge, 0.0 if side > 0 else math.pi)
        if chance(rng, 0.3):
            step, place = rng.uniform(1.5, 3), side * (road.half_width + 0.4)
            for z in np.arange(rng.uniform(3, 8), 25, step):
                put(bollard(rng), float(z), place)
        if chance(rng, 0.5):
            step, high = rng.uniform(6, 14), rng.uniform(4, 9)
            bare = chance(rng, 0.2)
            for z in np.arange(rng.uniform(4, 9), far_m, step):
                detail = float(np.clip(1.1 - z / 30, 0.0, 0.8))
                put(
                    nature.tree(rng, high * rng.uniform(0.8, 1.2), detail, bare),
                    float(z),
                    edge + side * 0.6,
                    rng.uniform(0, 6),
                )
    if chance(rng, 0.3):
        shapes += _wires(rng, road)
    return shapes


def _wires(rng: Rng, road: Road) -> list[Shape]:
    black = matter(rng, (0.02, 0.02, 0.02))
    wood = matter(rng, (0.15, 0.1, 0.07), Texture.WOOD, 0.2)
    shapes: list[Shape] = []
    high, aside = rng.uniform(6, 8), rng.choice([-1, 1]) * (road.half_width + 1)
    feet = [road.at(float(z), float(aside))[0] for z in np.arange(4, 110, 26.0)]
    for foot in feet:
        shapes.append(limb(foot, (foot[0], -high - 0.5, foot[2]), 0.13, 0.1, wood))
    for near, far in pairwise(feet):
        for drop in (0.0, 0.4):
            points = [
                (
                    near[0] + s * (far[0] - near[0]),
                    -high + drop + 2.0 * s * (1 - s),
                    near[2] + s * (far[2] - near[2]),
                )
                for s in np.linspace(0, 1, 6)
            ]
            shapes += chain(points, 0.012, 0.012, black)
    return shapes


def closure(rng: Rng, road: Road, far_m: float) -> list[Shape]:
    """What stands where the road ends or leaves the view: a house, trees, hills or nothing."""
    point, yaw = road.at(far_m)
    sort = rng.random()
    if sort < 0.35:
        return moved(facade(rng, rng.uniform(14, 40), rng.uniform(5, 20), 12, False), point, yaw)
    shapes: list[Shape] = []
    if sort < 0.75:
        for _ in range(14):
            place = (point[0] + rng.normal(0, 30), 0.0, point[2] + rng.uniform(5, 60))
            shapes += moved(nature.tree(rng, rng.uniform(6, 15), 0.1), place)
    if sort > 0.55:
        shapes += nature.hills(rng, nature.turf(rng), 200, 900, rng.uniform(0.05, 0.2))
    return shapes


def a_road(rng: Rng, half_width: float) -> Road:
    bend = rng.normal(0, 0.004) if chance(rng, 0.5) else 0.0
    return Road(half_width, float(np.clip(bend, -0.008, 0.008)))


def level_camera(
    rng: Rng, road: Road, aside: float, high: float, shapes: list[Shape], wide: bool
) -> Camera:
    """Held by a passer-by or mounted in a car, level, along the road."""
    (x, _, z), _ = road.at(0.0, aside)
    for _ in range(20):
        if all(free(shapes, (x, -high, z + ahead), 0.35) for ahead in (0.0, 0.6, 1.2, 2.0)):
            break
        x, z = x + rng.normal(0, 0.4), z - abs(rng.normal(0, 0.3))
    eye = (x, -high, z)
    aim, _ = road.at(20.0, aside * 0.5)
    target = (aim[0] + rng.normal(0, 1.0 if wide else 4.0), -high + rng.normal(0, 0.5), aim[2])
    if wide:
        aspect = one_of(rng, (16 / 9, 16 / 9, 2.0, 4 / 3, 2.4, 3.3))
        return looking(rng, eye, target, rng.uniform(0.5, 0.9), aspect, 0.008)
    aspect = photo_aspect(rng)
    return looking(rng, eye, target, lens(rng, 0.5, 1.5, aspect), aspect)


def street(rng: Rng) -> World:
    """A street between houses, seen from its pavement or its middle."""
    road = a_road(rng, rng.uniform(1.8, 6))
    pavement = rng.uniform(1.2, 4) if chance(rng, 0.85) else 0.0
    far_m = rng.uniform(50, 110)
    shapes = roadway(rng, road, far_m, pavement)
    shapes += markings(rng, road, far_m) if chance(rng, 0.7) else []
    tallest = one_of(rng, (6.0, 12.0, 22.0))
    shapes += houses(rng, road, pavement + rng.uniform(0.2, 1.5), far_m, tallest)
    shapes += furniture(rng, road, pavement, 60) + closure(rng, road, far_m)
    side = rng.uniform(-1, 1) * (road.half_width + 0.6 * pavement)
    start = (side, 0.0, 0.0)
    shapes += traffic(rng, road, 3.5, far_m, start)
    shapes += walkers(rng, road, int(rng.integers(0, 9)), pavement)
    camera = level_camera(rng, road, side, rng.uniform(1.35, 1.85), shapes, wide=False)
    return under_sky(rng, shapes, camera)


def under_sky(rng: Rng, shapes: list[Shape], camera: Camera) -> World:
    sky, ambient = daylight(rng, between(rng, 1e-4, 0.006))
    return World(shapes, camera, sky, ambient=ambient)


def car_view(rng: Rng) -> World:
    """The road ahead from a driver's or a car roof's height: town, country or motorway."""
    sort = one_of(rng, ("town", "town", "country", "motorway"))
    half = {
        "town": rng.uniform(3, 6),
        "country": rng.uniform(2.6, 3.6),
        "motorway": rng.uniform(5.5, 8),
    }[sort]
    bend = float(np.clip(rng.normal(0, 0.002), -0.005, 0.005))
    # The driver keeps to one side, right or left as the country has it.
    aside = one_of(rng, (-1, 1)) * rng.uniform(0.25, 0.5) * half
    road = Road(half, bend)
    pavement = rng.uniform(1.2, 3) if sort == "town" else 0.0
    far_m = rng.uniform(70, 140)
    shapes = roadway(rng, road, far_m, pavement) + markings(rng, road, far_m)
    if sort == "town":
        shapes += houses(rng, road, pavement + rng.uniform(0.3, 8), far_m, one_of(rng, (8.0, 20.0)))
        shapes += furniture(rng, road, pavement, 70)
        shapes += walkers(rng, road, int(rng.integers(0, 8)), pavement)
    else:
        shapes += countryside(rng, road, far_m, barrier=sort == "motorway" or chance(rng, 0.3))
    shapes += closure(rng, road, far_m)
    shapes += traffic(rng, road, 5.5, far_m, (aside, 0, 0))
    camera = level_camera(rng, road, aside, rng.uniform(1.3, 1.8), shapes, wide=True)
    return under_sky(rng, shapes, camera)


def countryside(rng: Rng, road: Road, far_m: float, barrier: bool) -> list[Shape]:
    """Verges with trees, bushes, posts, a crash barrier, fields and a few houses."""
    shapes: list[Shape] = []
    metal = matter(rng, (0.4, 0.41, 0.42), gloss=0.4)
    for side in (-1, 1):
        edge = road.half_width + 1.0
        if barrier:
            for z in np.arange(-4, 70, 4.0):
                (x, _, at), yaw = road.at(float(z), side * edge)
                shapes.append(box((x, -0.45, at), (0.05, 0.3, 4.1), metal, yaw))
                shapes.append(box((x + side * 0.1, 0, at), (0.1, 0.7, 0.1), metal, yaw))
        for _ in range(int(rng.integers(2, 12))):
            z = between(rng, 5, far_m)
            point, _ = road.at(z, side * (edge + between(rng, 1, 25)))
            shapes += nature.grown(rng, point)
        for _ in range(int(rng.integers(0, 9))):
            z = between(rng, 4, 50)
            point, _ = road.at(z, side * (edge + between(rng, 0.7, 8)))
            shapes += moved(nature.bush(rng, rng.uniform(0.4, 1.8), 0.5), point)
        for z in np.arange(rng.uniform(5, 25), 90, 25):
            point, yaw = road.at(float(z), side * (edge + 0.2))
            shapes += moved(bollard(rng), point, yaw)
        for _ in range(int(rng.integers(0, 3))):
            point, yaw = road.at(between(rng, 8, 50), side * (edge + 0.4))
            shapes += moved(sign(rng), point, yaw)
        if chance(rng, 0.4):
            point, yaw = road.at(rng.uniform(20, 80), side * (edge + rng.uniform(6, 25)))
            size = rng.uniform(8, 14), rng.uniform(3, 7), rng.uniform(7, 10)
            shapes += moved(facade(rng, *size, True), point, yaw + side * rng.uniform(0, 1.6))
    return shapes


def square(rng: Rng) -> World:
    """A paved place between houses, with a fountain or a statue, cafe tables and people."""
    paving = matter(
        rng,
        tinted(rng, one_of(rng, nature.STONES)),
        one_of(rng, (Texture.TILES, Texture.BRICKS, Texture.SPECKLE, Texture.CHECKS)),
        rng.uniform(0.2, 1.0),
        contrast=0.2,
    )
    shapes = [box((0, 4, 0), (3000, 4, 3000), paving)]
    half, depth = rng.uniform(9, 25), rng.uniform(18, 55)
    tallest = rng.uniform(6, 20)
    for x0, z0, turn in ((-half, 0.0, -math.pi / 2), (half, 0.0, math.pi / 2), (-half, depth, 0.0)):
        run = depth if turn else 2 * half
        at = 0.0
        while at < run:
            width = rng.uniform(7, 16)
            point = (x0, 0.0, z0 + at + width / 2) if turn else (x0 + at + width / 2, 0.0, z0)
            high = min(tallest, rng.uniform(5, 20))
            shapes += moved(facade(rng, width, high, 9, depth < 40 or bool(turn)), point, turn)
            at += width + (rng.uniform(2, 6) if chance(rng, 0.2) else 0)
    middle = (rng.normal(0, 3), 0.0, depth * rng.uniform(0.3, 0.6))
    shapes += moved(one_of(rng, (fountain, monument))(rng), middle)
    makers = (
        lamp_post,
        bollard,
        bin_,
        nature.bench,
        nature.flower_pot,
        cafe_table,
        cafe_table,
        bicycle,
    )
    for _ in range(int(rng.integers(10, 30))):
        place = (rng.uniform(-0.9, 0.9) * half, 0.0, between(rng, 2.0, depth * 0.95))
        shapes += moved(one_of(rng, makers)(rng), place, rng.uniform(0, 6.3))
    for _ in range(int(rng.integers(0, 5))):
        place = (rng.uniform(-0.9, 0.9) * half, 0.0, rng.uniform(6, depth))
        shapes += moved(nature.tree(rng, rng.uniform(4, 8), 0.5), place)
    crowd = [
        (rng.uniform(-0.9, 0.9) * half, 0.0, between(rng, 3.5, depth))
        for _ in range(int(rng.integers(1, 13)))
    ]
    shapes += nature.unmarked(nature.people(rng, crowd))
    camera = level_camera(
        rng, Road(4, 0.0), rng.normal(0, 3), rng.uniform(1.3, 1.8), shapes, wide=False
    )
    return under_sky(rng, shapes, camera)


def fountain(rng: Rng) -> list[Shape]:
    stone = matter(rng, tinted(rng, one_of(rng, nature.STONES)), Texture.NOISE, 0.4)
    wet = matter(rng, (0.06, 0.1, 0.1), Texture.NOISE, 0.2, gloss=0.8)
    size = rng.uniform(1.2, 3)
    return [
        drum((0, 0, 0), size, 0.5, stone),
        drum((0, -0.4, 0), size * 0.9, 0.11, wet),
        drum((0, 0, 0), 0.2 * size, 1.6, stone),
        ball((0, -1.6, 0), (0.45 * size, 0.15, 0.45 * size), stone),
        limb((0, -1.6, 0), (0, -2.4, 0), 0.14, 0.08, stone),
        ball((0, -2.5, 0), (0.2, 0.25, 0.2), stone),
    ]


def monument(rng: Rng) -> list[Shape]:
    """A person of stone or bronze on a plinth, or an obelisk."""
    stone = matter(rng, tinted(rng, one_of(rng, nature.STONES)), Texture.NOISE, 0.4)
    high = rng.uniform(0.8, 2.5)
    base = [box((0, 0, 0), (2.2, 0.3, 2.2), stone), box((0, -0.3, 0), (1.2, high, 1.2), stone)]
    if chance(rng, 0.3):
        return [*base, limb((0, -high, 0), (0, -high - 5, 0), 0.45, 0.15, stone)]
    return base + statue(rng, (0, -high - 0.3, 0), rng.uniform(1.0, 1.6))


def statue(rng: Rng, feet: Point, scale: float) -> list[Shape]:
    """A figure of one material."""
    colour = one_of(rng, ((0.6, 0.58, 0.54), (0.1, 0.2, 0.16), (0.12, 0.09, 0.06), (0.4, 0.4, 0.4)))
    solid = matter(rng, tinted(rng, colour), Texture.NOISE, 0.2, contrast=0.4, gloss=0.2)
    figure = person(rng, feet, rng.normal(0, 0.5), scale)
    return [replace(shape, surface=solid, subject=False) for shape in figure]


def cafe_table(rng: Rng) -> list[Shape]:
    """A round table with two to four chairs, some under a parasol."""
    metal = matter(rng, tinted(rng, (0.2, 0.2, 0.2), 0.5), gloss=0.4)
    top = matter(rng, tinted(rng, (0.5, 0.45, 0.38), 0.4), Texture.WOOD, 0.15)
    shapes = [
        drum((0, -0.71, 0), 0.38, 0.03, top),
        limb((0, 0, 0), (0, -0.71, 0), 0.03, 0.03, metal),
        drum((0, 0, 0), 0.22, 0.03, metal),
    ]
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(3, 6)))[:-1]:
        seat = chair(rng, metal, top)
        at = (0.75 * math.sin(angle), 0.0, 0.75 * math.cos(angle))
        shapes += moved(seat, at, float(angle))
    return shapes + (nature.parasol(rng, 2.3, 1.4) if chance(rng, 0.4) else [])


def chair(rng: Rng, frame: Surface, seat: Surface) -> list[Shape]:
    """A chair 0.45 m high at its seat, its front towards -z."""
    w = rng.uniform(0.19, 0.23)
    high = rng.uniform(0.75, 1.0)
    shapes = [box((0, -0.43, 0), (2 * w + 0.04, 0.04, 2 * w + 0.02), seat)]
    for x in (-w, w):
        shapes.append(limb((x, 0, -w), (x, -0.45, -w + 0.02), 0.015, 0.018, frame))
        shapes.append(limb((x, 0, w + 0.04), (x, -high, w + 0.05), 0.015, 0.018, frame))
    if chance(rng, 0.5):
        shapes.append(box((0, -high + 0.28, w + 0.04), (2 * w, 0.28, 0.02), seat))
    else:
        for y in np.linspace(0.55, high, 4):
            shapes.append(limb((-w, -y, w + 0.04), (w, -y, w + 0.04), 0.012, 0.012, frame))
    return shapes


BACKDROPS = (
    street,
    square,
    nature.meadow,
    nature.forest,
    nature.beach,
    nature.garden,
    nature.mountains,
)


def portrait_outdoors(rng: Rng) -> World:
    """People or an animal close to the camera in any place outdoors."""
    place = one_of(rng, BACKDROPS)(rng)
    background = nature.unmarked(place.shapes)
    eye = place.camera.eye
    ground_y = ground_below(place, eye)
    # Of a few directions the one with the freest view: it hides least of the place.
    views = [place.camera.yaw_rad + float(rng.normal(0, 0.6)) for _ in range(5)]
    spots = [turned((0.0, 0.0, 4.0), view) for view in views]
    left = [
        len(without(background, _line(eye, (eye[0] + x, ground_y, eye[2] + z)), 0.8))
        for x, _, z in spots
    ]
    ahead = views[int(np.argmax(left))]
    x, _, z = turned((0.0, 0.0, between(rng, 1.5, 6.0)), ahead)
    at = (eye[0] + x, ground_y, eye[2] + z)
    framed = portrait(rng, at, ahead)
    shapes = without(background, _line(framed.camera.eye, at), 0.8)
    return replace(place, shapes=shapes + framed.shapes, camera=framed.camera)


def _line(eye: Point, feet: Point) -> list[Point]:
    """Points from the camera to its subject, 1.1 m above the ground."""
    return [
        (eye[0] + s * (feet[0] - eye[0]), feet[1] - 1.1, eye[2] + s * (feet[2] - eye[2]))
        for s in (0.0, 0.12, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
    ]


def ground_below(world: World, eye: Point) -> float:
    """The y of the ground under the camera, of the large shapes alone."""
    highest = 0.2
    for shape in world.shapes:
        x, y, z = shape.centre
        hx, hy, hz = shape.half
        if shape.kind is Kind.BOX and hx > 1 and hz > 1 and hy > 0.05 and y - hy > -0.5:
            highest = min(highest, y - hy)
        elif shape.kind is Kind.ELLIPSOID and hx > 2:
            left = 1 - ((eye[0] - x) / hx) ** 2 - ((eye[2] - z) / hz) ** 2
            if left > 0 and y - hy * math.sqrt(left) > -3:
                highest = min(highest, y - hy * math.sqrt(left))
    return highest
