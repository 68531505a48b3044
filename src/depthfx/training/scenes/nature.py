"""Open country: meadows, forests, mountains, beaches, gardens, and what grows there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from depthfx.training.scenes.animals import animal
from depthfx.training.scenes.forms import (
    Rng,
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
    lathe,
    lens,
    limb,
    looking,
    matter,
    moved,
    one_of,
    photo_aspect,
    tinted,
    without,
)
from depthfx.training.scenes.people import person
from depthfx.training.scenes.world import Cutout, Kind, Point, Shape, Surface, Texture, World

GREENS: tuple[Point, ...] = (
    (0.07, 0.15, 0.03),
    (0.12, 0.22, 0.04),
    (0.2, 0.28, 0.06),
    (0.05, 0.1, 0.035),
    (0.26, 0.25, 0.08),
)
AUTUMN: tuple[Point, ...] = ((0.5, 0.22, 0.04), (0.45, 0.33, 0.05), (0.35, 0.08, 0.03))
BARKS: tuple[Point, ...] = ((0.12, 0.08, 0.05), (0.22, 0.18, 0.14), (0.07, 0.05, 0.04))
STONES: tuple[Point, ...] = ((0.3, 0.29, 0.27), (0.18, 0.17, 0.17), (0.42, 0.38, 0.32))
SOILS: tuple[Point, ...] = ((0.2, 0.14, 0.09), (0.36, 0.29, 0.2), (0.13, 0.1, 0.07))
FLOWERS: tuple[Point, ...] = (
    (0.7, 0.05, 0.05),
    (0.8, 0.7, 0.05),
    (0.8, 0.8, 0.8),
    (0.4, 0.1, 0.55),
    (0.8, 0.3, 0.45),
)


@dataclass(frozen=True)
class Ground:
    """A plane y = `level` with low round mounds."""

    surface: Surface
    mounds: list[tuple[float, float, float, float]] = field(default_factory=list)
    """Centre x and z, radius, height."""
    level: float = 0.0

    def height(self, x: float, z: float) -> float:
        """Metres above y = 0 at a place."""
        highest = -self.level
        for mx, mz, radius, rise in self.mounds:
            share = 1 - ((x - mx) ** 2 + (z - mz) ** 2) / radius**2
            if share > 0:
                highest = max(highest, 2 * rise * math.sqrt(share) - rise)
        return highest

    def at(self, x: float, z: float, sunk: float = 0.0) -> Point:
        return x, sunk - self.height(x, z), z

    def shapes(self) -> list[Shape]:
        plane = box((0, 4 + self.level, 0), (3000, 4, 3000), self.surface)
        return [plane] + [
            ball((x, rise, z), (radius, 2 * rise, radius), self.surface)
            for x, z, radius, rise in self.mounds
        ]


def rolling(rng: Rng, surface: Surface, relief: float = 1.0) -> Ground:
    """Ground with mounds of all sizes: knee-high ones near, hills far away."""
    mounds = []
    for _ in range(int(rng.integers(4, 14))):
        z = between(rng, 4, 60)
        radius = z * rng.uniform(0.4, 1.0)
        mounds.append(
            (rng.normal(0, z * 0.7), z, radius, radius * relief * rng.uniform(0.01, 0.06))
        )
    return Ground(surface, mounds)


def foliage(rng: Rng, colour: Point | None = None) -> Surface:
    green = colour or tinted(rng, one_of(rng, GREENS if chance(rng, 0.85) else AUTUMN), 0.25)
    return matter(rng, green, Texture.NOISE, 0.15, contrast=0.5, gloss=0.1)


def bark(rng: Rng) -> Surface:
    return matter(rng, tinted(rng, one_of(rng, BARKS)), Texture.NOISE, 0.12, contrast=0.5)


def leaves(
    rng: Rng, centre: Point, spread: Point, count: int, size: float, surface: Surface
) -> list[Shape]:
    """A cloud of leafy cards of all directions, denser towards the outside."""
    shapes = []
    for _ in range(count):
        direction = rng.normal(0, 1, 3)
        direction *= rng.uniform(0.35, 1.0) / np.linalg.norm(direction)
        x, y, z = np.add(centre, direction * spread)
        turn = (rng.uniform(-np.pi, np.pi), rng.normal(0, 0.7), rng.uniform(-np.pi, np.pi))
        grow = rng.uniform(0.7, 1.3) * size
        shapes.append(card((x, y, z), grow, grow, turn, surface, Cutout.LEAF))
    return shapes


def tree(rng: Rng, height: float, detail: float = 1.0, bare: bool = False) -> list[Shape]:
    """A broad-leaved tree: a branching trunk and a crown of leaf cards around dark balls.

    `detail` 1 is for a tree close by, 0 for one far away.
    """
    wood, green = bark(rng), foliage(rng)
    trunk = height * rng.uniform(0.22, 0.45)
    thick = height * rng.uniform(0.018, 0.035)
    lean = rng.normal(0, 0.05 * height, 2)
    fork: Point = (float(lean[0]), -trunk, float(lean[1]))
    shapes = [
        limb((0, 0.1, 0), fork, thick * 1.2, thick * 0.85, wood),
        limb((0, 0.05, 0), (0, -0.3 * trunk, 0), thick * 1.7, thick, wood),
    ]
    crown = height - trunk
    width = crown * rng.uniform(0.3, 0.6)
    branches = int(rng.integers(4, 8))
    clumps = int(8 + 28 * detail)
    shade = matter(rng, tinted(rng, _darker(green.colour), 0.1), contrast=0.6)
    for number in range(branches):
        angle = 2 * np.pi * (number + rng.uniform(-0.3, 0.3)) / branches
        out = width * rng.uniform(0.4, 0.9)
        rise = crown * rng.uniform(0.25, 0.85)
        tip = (fork[0] + out * math.cos(angle), fork[1] - rise, fork[2] + out * math.sin(angle))
        shapes.append(limb(fork, tip, thick * 0.6, thick * 0.15, wood))
        if bare or detail > 0.6:
            shapes += twigs(rng, fork, tip, thick * 0.3, wood, 6 if bare else 2)
        if bare:
            continue
        puff = crown * rng.uniform(0.18, 0.3)
        shapes.append(ball(tip, (0.55 * puff, 0.45 * puff, 0.55 * puff), shade))
        shapes += leaves(rng, tip, (1.2 * puff, puff, 1.2 * puff), clumps, 0.9 * puff, green)
    if not bare:
        top = (fork[0], -trunk - 0.55 * crown, fork[2])
        spread = (width, 0.5 * crown, width)
        shapes += leaves(rng, top, spread, 2 * clumps, 0.25 * crown, green)
    return shapes


def twigs(
    rng: Rng, start: Point, end: Point, thick: float, wood: Surface, count: int
) -> list[Shape]:
    """Thin side branches of a branch, forked once."""
    shapes = []
    along = np.subtract(end, start)
    for _ in range(count):
        base = np.asarray(start) + along * rng.uniform(0.35, 1.0)
        reach = np.linalg.norm(along) * rng.uniform(0.25, 0.55)
        way = along / np.linalg.norm(along) + rng.normal(0, 0.6, 3)
        tip = base + way / np.linalg.norm(way) * reach
        shapes.append(limb(_point(base), _point(tip), thick * 0.6, thick * 0.12, wood))
        fork = base + 0.5 * (tip - base)
        side = fork + (tip - base) * 0.4 + rng.normal(0, 0.25 * reach, 3)
        shapes.append(limb(_point(fork), _point(side), thick * 0.35, thick * 0.1, wood))
    return shapes


def _darker(colour: Point) -> Point:
    return 0.4 * colour[0], 0.4 * colour[1], 0.4 * colour[2]


def _point(values: np.ndarray) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def conifer(rng: Rng, height: float, detail: float = 1.0) -> list[Shape]:
    """A spruce: rings of drooping leafy cards around a trunk, shorter towards the top."""
    wood = bark(rng)
    green = foliage(rng, tinted(rng, (0.04, 0.09, 0.04), 0.25))
    shapes = [limb((0, 0.1, 0), (0, -height, 0), height * 0.02, height * 0.002, wood)]
    reach = height * rng.uniform(0.16, 0.26)
    low = height * rng.uniform(0.06, 0.3)
    rings = int(7 + 5 * detail)
    for ring in range(rings):
        share = ring / rings
        y = low + (height - low) * share
        out = reach * (1 - share) + 0.03 * height
        for angle in np.arange(0, 2 * np.pi, 2 * np.pi / (4 + 4 * detail)) + rng.uniform(0, 6):
            x, z = 0.5 * out * math.cos(angle), 0.5 * out * math.sin(angle)
            turn = (float(angle), rng.uniform(-0.4, 0.4), rng.uniform(0.3, 0.7))
            shapes.append(card((x, -y, z), out * 1.2, out * 0.8, turn, green, Cutout.LEAF))
    return shapes


def palm(rng: Rng, height: float) -> list[Shape]:
    """A leaning, slightly bent trunk with a tuft of long drooping leaves."""
    wood = bark(rng)
    green = foliage(rng)
    lean = rng.normal(0, 0.12 * height, 2)
    bends = [(s * s * lean[0], -s * height, s * s * lean[1]) for s in np.linspace(0, 1, 7)]
    shapes = chain([_point(np.asarray(p)) for p in bends], 0.17, 0.1, wood)
    top = bends[-1]
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(9, 15)), endpoint=False):
        angle += rng.normal(0, 0.2)
        reach, droop = rng.uniform(1.6, 2.6), rng.uniform(-0.6, 1.4)
        points = [
            (
                top[0] + s * reach * math.cos(angle),
                top[1] - 0.5 * s * reach + s * s * (reach * 0.5 + droop),
                top[2] + s * reach * math.sin(angle),
            )
            for s in np.linspace(0, 1, 4)
        ]
        for near, far in pairwise(points):
            leaf = board(_point(np.asarray(near)), _point(np.asarray(far)), 0.5, 0.004, green)
            shapes.append(leaf)
    return shapes


def bush(rng: Rng, size: float, detail: float = 1.0) -> list[Shape]:
    """A round shrub, some in flower."""
    green = foliage(rng)
    shade = matter(rng, tinted(rng, _darker(green.colour), 0.1), contrast=0.6)
    shapes = []
    for _ in range(int(rng.integers(2, 5))):
        x, z = rng.normal(0, 0.4 * size, 2)
        high = size * rng.uniform(0.5, 1.0)
        half = (0.6 * size, 0.5 * high, 0.6 * size)
        shapes.append(
            ball((x, -0.45 * high, z), (0.7 * half[0], 0.8 * half[1], 0.7 * half[2]), shade)
        )
        count = int(8 + 34 * detail)
        shapes += leaves(rng, (x, -0.5 * high, z), half, count, 0.38 * size, green)
        if chance(rng, 0.3):
            bloom = matter(rng, tinted(rng, one_of(rng, FLOWERS)))
            for _ in range(int(12 * detail)):
                way = rng.normal(0, 1, 3)
                way[1] = -abs(way[1])
                spot = way / np.linalg.norm(way) * half
                place = (x + spot[0], -0.5 * high + spot[1], z + spot[2])
                shapes.append(ball(_point(np.asarray(place)), (0.04, 0.04, 0.04), bloom))
    return shapes


def tuft(rng: Rng, height: float, surface: Surface) -> list[Shape]:
    """Two or three crossing cards of grass."""
    return [
        card(
            (rng.normal(0, 0.1), -0.48 * height, rng.normal(0, 0.1)),
            height * rng.uniform(1.0, 2.0),
            height,
            (rng.uniform(-np.pi, np.pi), rng.normal(0, 0.1), 0.0),
            surface,
            Cutout.GRASS,
        )
        for _ in range(int(rng.integers(2, 4)))
    ]


def flower(rng: Rng, height: float) -> list[Shape]:
    """A stem, two leaves and a blossom of petals around a middle."""
    green = foliage(rng)
    lean = rng.normal(0, 0.1 * height, 2)
    head: Point = (float(lean[0]), -height, float(lean[1]))
    shapes = [limb((0, 0, 0), head, 0.004, 0.003, green)]
    petal = matter(rng, tinted(rng, one_of(rng, FLOWERS)), Texture.NOISE, 0.01)
    size = rng.uniform(0.015, 0.035)
    for x, y, z in arc(head, (size, 0, 0), (0, 0.3 * size, size), 0, 2 * np.pi, 8)[:-1]:
        shapes.append(ball((x, y, z), (size * 0.6, size * 0.25, size * 0.6), petal))
    shapes.append(ball(head, (0.5 * size, 0.5 * size, 0.5 * size), matter(rng, (0.6, 0.4, 0.05))))
    leaf = (rng.uniform(-np.pi, np.pi), 0.6, 0.0)
    shapes.append(
        card((0, -0.4 * height, 0), 0.25 * height, 0.2 * height, leaf, green, Cutout.LEAF)
    )
    return shapes


def rock(rng: Rng, size: float, surface: Surface | None = None) -> list[Shape]:
    """A few overlapping turned lumps."""
    stone = surface or matter(
        rng, tinted(rng, one_of(rng, STONES)), Texture.NOISE, 0.3 * size, contrast=0.5
    )
    shapes = []
    for _ in range(int(rng.integers(2, 6))):
        half = size * rng.uniform(0.25, 0.55, 3)
        x, z = rng.normal(0, 0.3 * size, 2)
        turn = (rng.uniform(-np.pi, np.pi), rng.normal(0, 0.4), rng.normal(0, 0.4))
        form = Kind.BOX if chance(rng, 0.2) else Kind.ELLIPSOID
        shapes.append(Shape(form, _point(half), (x, -0.25 * size, z), turn, surface=stone))
    return shapes


def fence(rng: Rng, ground: Ground, start: Point, end: Point) -> list[Shape]:
    """Posts with rails, wires or a mesh between them, over the ground from place to place."""
    wood = matter(rng, tinted(rng, (0.25, 0.2, 0.15), 0.4), Texture.WOOD, 0.1)
    high = rng.uniform(0.9, 1.4)
    along = np.subtract(end, start)
    length = float(np.linalg.norm(along))
    count = max(2, min(40, int(length / rng.uniform(1.8, 2.6))))
    places = [np.asarray(start) + along * s for s in np.linspace(0, 1, count)]
    feet = [ground.at(float(place[0]), float(place[2])) for place in places]
    shapes = [limb(f, (f[0], f[1] - high, f[2]), 0.05, 0.05, wood) for f in feet]
    rails, wires = int(rng.integers(2, 5)), chance(rng, 0.5)
    thick = 0.006 if wires else 0.035
    for near, far in pairwise(feet):
        for y in np.linspace(0.3, high - 0.05, rails):
            shapes.append(
                limb(
                    (near[0], near[1] - y, near[2]),
                    (far[0], far[1] - y, far[2]),
                    thick,
                    thick,
                    wood,
                )
            )
    return shapes


def bench(rng: Rng) -> list[Shape]:
    """A park bench of planks, 1.6 m wide, facing the camera."""
    wood = matter(rng, tinted(rng, (0.3, 0.18, 0.1), 0.4), Texture.WOOD, 0.1)
    iron = matter(rng, tinted(rng, (0.06, 0.06, 0.06)), gloss=0.3)
    shapes = []
    for x in (-0.65, 0.65):
        shapes.append(limb((x, 0, -0.2), (x, -0.45, -0.2), 0.025, 0.025, iron))
        shapes.append(limb((x, 0, 0.25), (x, -0.85, 0.3), 0.025, 0.025, iron))
        shapes.append(limb((x, -0.42, -0.2), (x, -0.42, 0.25), 0.02, 0.02, iron))
    shapes += [box((0, -0.44, z), (1.6, 0.03, 0.1), wood) for z in (-0.15, -0.03, 0.09, 0.21)]
    shapes += [box((0, -y, 0.27), (1.6, 0.09, 0.03), wood) for y in (0.58, 0.7, 0.82)]
    return shapes


def hills(rng: Rng, surface: Surface, near_m: float, far_m: float, steep: float) -> list[Shape]:
    """Ranges behind one another; `steep` is height over distance."""
    shapes = []
    for distance in np.geomspace(near_m, far_m, int(rng.integers(3, 6))):
        for _ in range(int(rng.integers(2, 6))):
            x, high = rng.normal(0, distance * 0.8), distance * steep * rng.uniform(0.4, 1.2)
            half = (distance * rng.uniform(0.25, 0.7), high, distance * rng.uniform(0.2, 0.4))
            turn = (rng.uniform(-0.5, 0.5), 0.0, 0.0)
            shapes.append(
                ball((x, 0.1 * high, distance * rng.uniform(0.9, 1.2)), half, surface, turn)
            )
    return shapes


def water(rng: Rng, level_y: float, z_from: float, z_to: float, width: float = 3000) -> Shape:
    blue = tinted(
        rng, one_of(rng, ((0.03, 0.08, 0.1), (0.05, 0.13, 0.14), (0.08, 0.09, 0.07))), 0.3
    )
    surface = matter(rng, blue, Texture.NOISE, rng.uniform(0.2, 1.0), gloss=0.85, contrast=0.3)
    return box((0, level_y + 0.5, (z_from + z_to) / 2), (width, 0.5, z_to - z_from), surface)


def turf(rng: Rng) -> Surface:
    return matter(
        rng,
        tinted(rng, one_of(rng, GREENS), 0.3),
        Texture.GRASS,
        rng.uniform(0.1, 0.5),
        contrast=0.5,
    )


def path(rng: Rng, ground: Ground, half_width: float) -> list[Shape]:
    """A trodden way that winds into the distance, laid as flat stretches over the ground."""
    soil = matter(rng, tinted(rng, one_of(rng, SOILS), 0.3), Texture.NOISE, 0.2, contrast=0.4)
    bend, start = rng.normal(0, 0.02), rng.normal(0, 0.8)
    slope = rng.normal(0, 0.15)
    shapes = []
    places = np.concatenate([np.arange(-2, 12, 0.8), np.geomspace(12, 90, 20)])
    for near, far in pairwise(places):
        ends = [
            ground.at(start + slope * z + bend * z * abs(z) * 0.3, z, sunk=-0.004)
            for z in (near - 0.1, far + 0.1)
        ]
        shapes.append(board(ends[0], ends[1], 2 * half_width, 0.03, soil))
    return shapes


def scattered(
    rng: Rng,
    ground: Ground,
    count: int,
    near_m: float,
    far_m: float,
    aside: float = 0.0,
) -> list[Point]:
    """Places on the ground before the camera, as many near as far in the picture.

    At least `aside` metres from the line of sight, so the view stays open.
    """
    places = []
    for _ in range(count):
        z = between(rng, near_m, far_m)
        x = rng.normal(0, 0.5 * z + 0.5)
        if abs(x) < aside:
            x = math.copysign(aside + abs(x), x)
        places.append(ground.at(x, z))
    return places


def nearness(place: Point) -> float:
    """Factor by which large things are smaller close to the camera, lest they fill the view."""
    return float(np.clip(math.hypot(place[0], place[2]) / 5, 0.25, 1.0))


def grown(rng: Rng, place: Point, sort: str = "any") -> list[Shape]:
    """A tree at `place`, as detailed as its distance calls for."""
    distance = math.hypot(place[0], place[2])
    detail = float(np.clip(1.25 - distance / 28, 0.0, 1.0))
    if distance > 12:
        detail = min(detail, 0.55)
    tallest = 2.2 * distance
    if sort == "conifer" or (sort == "any" and chance(rng, 0.25)):
        shapes = conifer(rng, min(rng.uniform(4, 16), tallest), detail)
    else:
        shapes = tree(rng, min(rng.uniform(3.5, 13), tallest), detail, bare=chance(rng, 0.1))
    return moved(shapes, place, rng.uniform(-np.pi, np.pi))


def beasts(rng: Rng, places: list[Point]) -> list[Shape]:
    return [
        shape for place in places for shape in animal(rng, place, float(rng.uniform(-np.pi, np.pi)))
    ]


def people(rng: Rng, places: list[Point]) -> list[Shape]:
    return [
        shape for place in places for shape in person(rng, place, float(rng.uniform(-np.pi, np.pi)))
    ]


def unmarked(shapes: list[Shape]) -> list[Shape]:
    """The same shapes as part of the background: whoever is far away is no subject."""
    return [replace(shape, subject=False) for shape in shapes]


def outlook(
    rng: Rng,
    shapes: list[Shape],
    subject: list[Shape],
    ground: Ground,
    fog_per_m: float | None = None,
) -> World:
    """The world seen by somebody who stands at its origin, or kneels, or holds the camera high.

    With a subject the camera looks at it, and nothing small stands between.
    """
    aspect = photo_aspect(rng)
    for _ in range(20):
        x, z = rng.normal(0, 0.5), rng.normal(0, 0.4)
        stand = rng.uniform(0.2, 1.0) if chance(rng, 0.2) else rng.uniform(1.3, 1.9)
        eye = (x, -ground.height(x, z) - stand, z)
        if free(shapes, eye, 0.25):
            break
    dip = rng.normal(0.25, 0.15) if chance(rng, 0.12) else rng.normal(0.03, 0.06)
    target = (x + rng.normal(0, 1.2), eye[1] + 8 * dip, z + 8)
    if subject:
        middle = np.mean([s.start if s.kind is Kind.CONE else s.centre for s in subject], axis=0)
        target = _point(middle + rng.normal(0, 0.04, 3) * np.linalg.norm(middle - eye))
        shares = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)
        line = [_point(np.asarray(eye) + s * (middle - eye)) for s in shares]
        shapes = without(shapes, line, 0.45) + subject
    camera = looking(rng, eye, target, lens(rng, 0.5, 1.8, aspect), aspect)
    sky, ambient = daylight(rng, fog_per_m)
    return World(shapes, camera, sky, ambient=ambient)


def company(rng: Rng, ground: Ground, far_m: float = 6.0) -> list[Shape]:
    """In two of five pictures: a person or an animal close enough to be their subject."""
    if chance(rng, 0.6):
        return []
    beast = chance(rng, 0.55)
    z = between(rng, 1.3, 3.5) if beast else between(rng, 2.0, max(far_m, 2.5))
    place = ground.at(rng.normal(0, 0.08 * z), z)
    return (animal if beast else person)(rng, place, float(rng.uniform(-np.pi, np.pi)))


def meadow(rng: Rng) -> World:
    """Grassland with scattered trees and bushes, fences, animals and hills."""
    grass = turf(rng)
    ground = rolling(rng, grass, rng.uniform(0.2, 1.2))
    shapes = ground.shapes()
    if chance(rng, 0.4):
        shapes += path(rng, ground, rng.uniform(0.3, 1.5))
    blades = foliage(rng, tinted(rng, grass.colour, 0.2))
    high = between(rng, 0.08, 0.7)
    for place in scattered(rng, ground, int(rng.integers(40, 260)), 0.7, 14):
        shapes += moved(tuft(rng, high * rng.uniform(0.6, 1.3), blades), place)
    for place in scattered(rng, ground, int(rng.integers(0, 60)), 0.6, 6):
        shapes += moved(flower(rng, rng.uniform(0.1, 0.5)), place, scale=1.3)
    for place in scattered(rng, ground, int(rng.integers(2, 14)), 5, 120, aside=2.0):
        shapes += grown(rng, place)
    for place in scattered(rng, ground, int(rng.integers(0, 8)), 3, 40, aside=1.2):
        shapes += moved(bush(rng, rng.uniform(0.4, 1.6) * nearness(place), 0.7), place)
    for place in scattered(rng, ground, int(rng.integers(0, 6)), 1.5, 20):
        shapes += moved(rock(rng, between(rng, 0.15, 1.2) * nearness(place)), place)
    if chance(rng, 0.4):
        z, slant = rng.uniform(4, 18), rng.normal(0, 0.3)
        ends = [ground.at(x, z + slant * x) for x in (-1.2 * z - 2, 1.2 * z + 2)]
        shapes += fence(rng, ground, ends[0], ends[1])
    if chance(rng, 0.6):
        shapes += hills(rng, turf(rng), 90, 900, rng.uniform(0.06, 0.25))
    far = scattered(rng, ground, int(rng.integers(0, 6)), 8, 50)
    shapes += unmarked(beasts(rng, far))
    return outlook(rng, shapes, company(rng, ground), ground)


def forest(rng: Rng) -> World:
    """Trunks in depth, undergrowth, a path, fallen branches, dim or foggy light."""
    soil = matter(
        rng,
        tinted(rng, one_of(rng, (*SOILS, (0.12, 0.13, 0.05))), 0.3),
        Texture.NOISE,
        0.15,
        contrast=0.6,
    )
    ground = rolling(rng, soil, rng.uniform(0.5, 1.5))
    shapes = ground.shapes()
    if chance(rng, 0.6):
        shapes += path(rng, ground, rng.uniform(0.4, 1.2))
    sort = one_of(rng, ("conifer", "broad", "any"))
    for place in scattered(rng, ground, int(rng.integers(25, 50)), 2.5, 45, aside=1.1):
        close = math.hypot(place[0], place[2]) < 7
        shapes += _trunk(rng, place) if close or chance(rng, 0.5) else grown(rng, place, sort)
    for place in scattered(rng, ground, 30, 30, 90):
        shapes += moved(conifer(rng, rng.uniform(8, 18), 0.1), place)
    for place in scattered(rng, ground, int(rng.integers(3, 16)), 1.5, 20, aside=0.7):
        shapes += moved(bush(rng, rng.uniform(0.2, 1.0) * nearness(place), 0.6), place)
    green = foliage(rng)
    for place in scattered(rng, ground, int(rng.integers(10, 120)), 0.9, 10, aside=0.4):
        shapes += moved(tuft(rng, rng.uniform(0.1, 0.5), green), place)
    for place in scattered(rng, ground, int(rng.integers(0, 8)), 1.2, 12):
        shapes += moved(rock(rng, between(rng, 0.1, 0.9) * nearness(place)), place)
    wood = bark(rng)
    for place in scattered(rng, ground, int(rng.integers(2, 14)), 1.2, 12):
        turn, length = rng.uniform(0, np.pi), between(rng, 0.4, 5)
        x, y, z = place
        tip = ground.at(x + length * math.cos(turn), z + length * math.sin(turn))
        thick = length * rng.uniform(0.015, 0.04)
        shapes.append(
            limb((x, y - thick, z), (tip[0], tip[1] - thick, tip[2]), thick, 0.4 * thick, wood)
        )
    return outlook(rng, shapes, company(rng, ground), ground, between(rng, 0.001, 0.03))


def _trunk(rng: Rng, place: Point) -> list[Shape]:
    """A tall trunk whose crown is above the picture, with a few dead branches."""
    wood = bark(rng)
    height, thick = rng.uniform(9, 16), between(rng, 0.07, 0.35)
    lean = rng.normal(0, 0.03, 2) * height
    top: Point = (float(lean[0]), -height, float(lean[1]))
    shapes = [
        limb((0, 0.2, 0), top, thick, 0.5 * thick, wood),
        limb((0, 0.2, 0), (0, -0.5, 0), 1.5 * thick, thick, wood),
    ]
    for _ in range(int(rng.integers(1, 9))):
        y, angle, reach = rng.uniform(1.5, 8), rng.uniform(0, 6.3), rng.uniform(0.3, 2)
        base = (top[0] * y / height, -y, top[2] * y / height)
        tip = (
            base[0] + reach * math.cos(angle),
            -y - rng.normal(0.1, 0.4),
            base[2] + reach * math.sin(angle),
        )
        shapes.append(limb(base, tip, 0.16 * thick, 0.03 * thick, wood))
    shapes += leaves(rng, top, (3.0, 2.5, 3.0), 14, 2.0, foliage(rng))
    return moved(shapes, place, rng.uniform(-np.pi, np.pi))


def mountains(rng: Rng) -> World:
    """Peaks behind ridges in haze, a slope or a lake before them."""
    surface = turf(rng) if chance(rng, 0.6) else matter(rng, one_of(rng, STONES), contrast=0.5)
    ground = rolling(rng, surface, rng.uniform(0.8, 2.0))
    shapes = ground.shapes()
    stone = matter(rng, tinted(rng, one_of(rng, STONES)), Texture.NOISE, 60, contrast=0.7)
    snow = matter(rng, (0.3, 0.3, 0.32), Texture.NOISE, 80, other=(0.85, 0.87, 0.9))
    green = matter(rng, tinted(rng, one_of(rng, GREENS)), Texture.NOISE, 20, contrast=0.5)
    shapes += hills(rng, green, 120, 700, rng.uniform(0.02, 0.12))
    shapes += hills(rng, stone, 700, 1500, rng.uniform(0.08, 0.25))
    for _ in range(int(rng.integers(6, 16))):  # peaks: steep wedges
        z = rng.uniform(900, 2500)
        x, high = rng.normal(0, 0.5 * z), z * rng.uniform(0.2, 0.4)
        turn = (rng.uniform(0, np.pi), rng.normal(0.7, 0.1), rng.normal(0.6, 0.15))
        shapes.append(
            Shape(Kind.BOX, (high, high * 0.8, high), (x, 0.4 * high, z), turn, surface=snow)
        )
    if chance(rng, 0.4):
        near = rng.uniform(12, 40)
        shapes.append(water(rng, -0.15 - 0.3 * rng.random(), near, near + rng.uniform(60, 300)))
    for place in scattered(rng, ground, int(rng.integers(0, 14)), 1.5, 40):
        shapes += moved(rock(rng, between(rng, 0.15, 2.0) * nearness(place)), place)
    for place in scattered(rng, ground, int(rng.integers(4, 30)), 12, 200, aside=2):
        shapes += grown(rng, place, "conifer")
    blades = foliage(rng, tinted(rng, surface.colour, 0.2))
    for place in scattered(rng, ground, int(rng.integers(10, 120)), 0.8, 10):
        shapes += moved(tuft(rng, rng.uniform(0.06, 0.3), blades), place)
    if chance(rng, 0.3):
        shapes += path(rng, ground, rng.uniform(0.3, 1.0))
    return outlook(rng, shapes, company(rng, ground), ground, between(rng, 1e-4, 0.0015))


def parasol(rng: Rng, height: float = 2.2, radius: float = 1.1) -> list[Shape]:
    """A pole under a flat cone of cloth."""
    cloth = matter(
        rng,
        tinted(rng, one_of(rng, (*FLOWERS, (0.8, 0.75, 0.65)))),
        Texture.FABRIC,
        0.3,
        contrast=0.1,
    )
    pole = matter(rng, (0.5, 0.5, 0.5), gloss=0.3)
    shapes = [limb((0, 0, 0), (0, -height, 0), 0.02, 0.02, pole)]
    roof = [(0.0, radius), (0.2 * radius, 0.55 * radius), (0.42 * radius, 0.03)]
    shapes += lathe((0, 0.4 * radius - height, 0), roof, cloth)
    return shapes


def beach(rng: Rng) -> World:
    """Sand, sea to the horizon, parasols, towels, boats, rocks, palms."""
    sand = matter(
        rng, tinted(rng, (0.5, 0.42, 0.3), 0.2), Texture.NOISE, rng.uniform(0.1, 0.6), contrast=0.2
    )
    ground = Ground(sand, [m for m in rolling(rng, sand, 0.4).mounds if m[1] + m[2] < 9])
    shapes = ground.shapes()
    shore = between(rng, 6, 30)
    sea = water(rng, -0.05, shore, 4000)
    shapes.append(sea)
    foam = matter(rng, (0.75, 0.78, 0.8), Texture.NOISE, 0.3, contrast=0.2)
    for row in range(int(rng.integers(1, 5))):
        z = shore + row * rng.uniform(1.5, 5)
        for x in np.arange(-60, 60, 4.0):
            half = (3.0, rng.uniform(0.08, 0.25), rng.uniform(0.15, 0.5))
            shapes.append(ball((x, -0.04, z + rng.normal(0, 0.3)), half, foam))
    for place in scattered(rng, ground, int(rng.integers(0, 9)), 3, shore, aside=0.8):
        shapes += moved(parasol(rng, rng.uniform(1.7, 2.3)), place, rng.uniform(0, 6))
        towel = matter(rng, tinted(rng, one_of(rng, FLOWERS)), Texture.STRIPES, 0.15, contrast=1.0)
        shapes.append(
            box((place[0] + 0.9, place[1], place[2]), (0.8, 0.02, 1.8), towel, rng.normal())
        )
    for place in scattered(rng, ground, int(rng.integers(0, 10)), 2, 1.6 * shore):
        shapes += moved(rock(rng, between(rng, 0.1, 1.5) * nearness(place)), place)
    for place in scattered(rng, ground, int(rng.integers(0, 5)), 4, shore, aside=1.5):
        shapes += moved(palm(rng, rng.uniform(4, 9)), place)
    for place in scattered(rng, ground, int(rng.integers(0, 60)), 0.7, 5):
        pebble = matter(rng, tinted(rng, one_of(rng, STONES), 0.3))
        size = between(rng, 0.01, 0.06)
        shapes.append(ball(place, (size, 0.6 * size, size), pebble))
    if chance(rng, 0.5):
        shapes += hills(rng, turf(rng), 300, 1500, rng.uniform(0.03, 0.15))
    for _ in range(int(rng.integers(0, 4))):
        shapes += moved(
            boat(rng), (rng.normal(0, 30), -0.05, between(rng, shore + 5, 200)), rng.uniform(0, 6)
        )
    folk = scattered(rng, ground, int(rng.integers(0, 7)), 5, shore)
    shapes += unmarked(people(rng, folk))
    return outlook(
        rng, shapes, company(rng, ground, min(6.0, shore)), ground, between(rng, 1e-5, 0.002)
    )


def boat(rng: Rng) -> list[Shape]:
    """A small sailing or rowing boat."""
    paint = matter(rng, tinted(rng, (0.6, 0.6, 0.6), 0.4), gloss=0.3)
    shapes = [
        ball((0, -0.15, 0), (0.8, 0.5, 2.4), paint),
        box((0, -0.6, 0), (1.0, 0.3, 1.6), paint),
    ]
    if chance(rng, 0.6):
        cloth = matter(rng, (0.75, 0.75, 0.72), Texture.FABRIC, 0.5)
        shapes.append(limb((0, -0.3, 0), (0, -6, 0), 0.05, 0.03, paint))
        shapes.append(board((0, -0.9, 1.3), (0, -5.5, 0.1), 0.02, 1.4, cloth))
    return shapes


def garden(rng: Rng) -> World:
    """Lawn, hedges, beds of flowers, a path, a shed or a house, garden furniture."""
    lawn = turf(rng)
    ground = Ground(lawn)
    shapes = ground.shapes()
    back = rng.uniform(6, 16)
    width = rng.uniform(4, 9)
    hedge = foliage(rng)
    for x0, z0, x1, z1 in (
        (-width, back, width, back),
        (-width, 0, -width, back),
        (width, 0, width, back),
    ):
        shapes += _border(rng, ground, (x0, 0, z0), (x1, 0, z1), hedge)
    if chance(rng, 0.6):
        shapes += path(rng, ground, rng.uniform(0.3, 0.7))
    for place in scattered(rng, ground, int(rng.integers(20, 90)), 0.9, 8, aside=0.6):
        shapes += moved(flower(rng, rng.uniform(0.15, 0.6)), place, scale=1.4)
    for place in scattered(rng, ground, int(rng.integers(3, 12)), 1.8, back, aside=0.9):
        shapes += moved(bush(rng, rng.uniform(0.3, 1.1) * nearness(place)), place)
    for place in scattered(rng, ground, int(rng.integers(0, 4)), 4, back, aside=1.2):
        shapes += grown(rng, place, "broad")
    for place in scattered(rng, ground, int(rng.integers(0, 3)), 2.5, 8, aside=0.5):
        shapes += moved(bench(rng), place, rng.normal(0, 0.8))
    if chance(rng, 0.3):
        shapes += moved(parasol(rng), (rng.normal(0, 2), 0, rng.uniform(4, 9)))
    for place in scattered(rng, ground, int(rng.integers(0, 8)), 1.2, 7, aside=0.4):
        shapes += moved(flower_pot(rng), place)
    for place in scattered(rng, ground, int(rng.integers(3, 12)), back + 2, 60):
        shapes += grown(rng, place)
    if chance(rng, 0.5):
        shapes += moved(_shed(rng), (rng.normal(0, 3), 0, back - 2), rng.normal(0, 0.3))
    blades = foliage(rng, tinted(rng, lawn.colour, 0.2))
    for place in scattered(rng, ground, int(rng.integers(0, 120)), 0.7, 6):
        shapes += moved(tuft(rng, rng.uniform(0.04, 0.12), blades), place)
    return outlook(rng, shapes, company(rng, ground), ground)


def _border(rng: Rng, ground: Ground, start: Point, end: Point, hedge: Surface) -> list[Shape]:
    """A hedge, a board fence or nothing along a garden's edge."""
    kind = rng.random()
    if kind < 0.3:
        return fence(rng, ground, start, end)
    length, high = math.dist(start, end), rng.uniform(1.0, 2.4)
    middle = (np.asarray(start) + end) / 2
    yaw = math.atan2(end[0] - start[0], end[2] - start[2])
    size = (0.9, high, length)
    if kind < 0.5:
        wall = matter(rng, tinted(rng, (0.35, 0.2, 0.15), 0.4), Texture.BRICKS, 0.2)
        return [box(_point(middle), (0.3, high, length), wall, yaw)]
    shapes = [box(_point(middle), (0.7 * size[0], high, length), hedge, yaw)]
    for share in np.linspace(0, 1, int(length * 3)):
        x, _, z = np.asarray(start) + share * np.subtract(end, start)
        for y in rng.uniform(0.1, high, 2):
            spot = (x + rng.normal(0, 0.25), -float(y), z + rng.normal(0, 0.25))
            turn = (rng.uniform(0, 6), rng.normal(0, 0.6), rng.uniform(0, 6))
            shapes.append(card(spot, 0.6, 0.6, turn, hedge, Cutout.LEAF))
    return shapes


def _shed(rng: Rng) -> list[Shape]:
    wood = matter(rng, tinted(rng, (0.3, 0.2, 0.13), 0.4), Texture.STRIPES, 0.12, contrast=0.2)
    roof = matter(rng, tinted(rng, (0.12, 0.1, 0.1)), Texture.TILES, 0.2)
    glass = matter(rng, (0.05, 0.06, 0.07), gloss=0.8)
    w, h, d = rng.uniform(2, 4.5), rng.uniform(1.9, 2.6), rng.uniform(2, 3.5)
    steps = np.linspace(0, 1, 9)[:-1]
    return [
        *(box((0, -h - 0.28 * w * s, 0), ((0.875 - s) * w, 0.04 * w, d), wood) for s in steps),
        box((0, 0, 0), (w, h, d), wood),
        box(
            (-0.2 * w, 0, -0.5 * d), (0.85, 1.85, 0.05), matter(rng, tinted(rng, wood.colour, 0.5))
        ),
        box((0.25 * w, -1.0, -0.5 * d), (0.7, 0.6, 0.04), glass),
        board((0.6 * w, -h + 0.1, 0), (0, -h - 0.3 * w, 0), d + 0.4, 0.06, roof),
        board((-0.6 * w, -h + 0.1, 0), (0, -h - 0.3 * w, 0), d + 0.4, 0.06, roof),
    ]


def flower_pot(rng: Rng, size: float = 0.0) -> list[Shape]:
    """A pot of clay with soil and a plant in it; about 0.2 to 0.8 m high, or `size` high."""
    clay = matter(
        rng,
        tinted(rng, one_of(rng, ((0.45, 0.17, 0.08), (0.6, 0.58, 0.55), (0.08, 0.09, 0.1))), 0.2),
    )
    soil = matter(rng, (0.06, 0.04, 0.03), Texture.SPECKLE, 0.01)
    green = foliage(rng)
    shapes: list[Shape] = []
    for step in range(6):
        shapes.append(drum((0, -0.03 * step, 0), 0.07 + 0.007 * step, 0.03, clay))
    shapes.append(disc((0, -0.165, 0), 0.125, 0.035, (0, 0, 0), clay))
    shapes.append(disc((0, -0.18, 0), 0.11, 0.012, (0, 0, 0), soil))
    if chance(rng, 0.5):
        for _ in range(int(rng.integers(5, 14))):
            angle, reach, rise = (
                rng.uniform(0, 6.3),
                rng.uniform(0.05, 0.22),
                rng.uniform(0.1, 0.45),
            )
            bends = [
                (
                    s * reach * math.cos(angle) * (0.5 + 0.5 * s),
                    -0.18 - rise * s * (1.6 - 0.6 * s),
                    s * reach * math.sin(angle),
                )
                for s in np.linspace(0, 1, 4)
            ]
            for near, far in pairwise(bends):
                width = 0.05 if far is not bends[-1] else 0.03
                shapes.append(
                    board(_point(np.asarray(near)), _point(np.asarray(far)), width, 0.003, green)
                )
    else:
        high = rng.uniform(0.1, 0.3)
        shapes += leaves(rng, (0, -0.2 - high, 0), (0.16, high, 0.16), 40, 0.12, green)
        for _ in range(5):
            tip = (rng.normal(0, 0.07), -0.2 - high * rng.uniform(0.8, 1.5), rng.normal(0, 0.07))
            shapes.append(limb((0, -0.17, 0), tip, 0.005, 0.002, green))
        if chance(rng, 0.5):
            bloom = matter(rng, tinted(rng, one_of(rng, FLOWERS)))
            for _ in range(int(rng.integers(4, 16))):
                x, z = rng.normal(0, 0.09, 2)
                place = (x, -0.2 - high * rng.uniform(0.9, 1.9), z)
                shapes.append(ball(place, (0.022, 0.018, 0.022), bloom))
    grow = size / 0.6 if size else between(rng, 0.6, 1.8)
    return moved(shapes, scale=grow)
