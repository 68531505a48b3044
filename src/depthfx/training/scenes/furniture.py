"""What stands, hangs and lies about indoors, in the sizes it has in houses.

A piece stands on y = 0 with its back at z = 0 and its front towards -z, as a wall or the
room's middle takes it (see `forms`); what hangs on a wall has its back at z = 0 as well, and
what lies on a table stands around its own origin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from depthfx.training.scenes.forms import (
    Rng,
    any_colour,
    arc,
    ball,
    between,
    box,
    card,
    chain,
    chance,
    disc,
    drum,
    lathe,
    limb,
    matter,
    moved,
    one_of,
    tinted,
)
from depthfx.training.scenes.world import Cutout, Point, Shape, Surface, Texture

WOODS = ((0.36, 0.2, 0.09), (0.2, 0.1, 0.045), (0.55, 0.38, 0.2), (0.08, 0.045, 0.025))
LEAVES = ((0.06, 0.16, 0.03), (0.1, 0.24, 0.05), (0.04, 0.1, 0.04), (0.2, 0.26, 0.08))
WHITE: Point = (0.72, 0.71, 0.68)
BLACK: Point = (0.02, 0.02, 0.022)
METAL: Point = (0.45, 0.45, 0.46)


def wood(rng: Rng) -> Surface:
    """Wood, pale to dark, or what is painted white."""
    if chance(rng, 0.25):
        return matter(rng, tinted(rng, WHITE, 0.1), Texture.NOISE, 0.4, gloss=0.25, contrast=0.05)
    gloss = rng.uniform(0.05, 0.4)
    return matter(rng, tinted(rng, one_of(rng, WOODS)), Texture.WOOD, 0.08, gloss=gloss)


def paint(rng: Rng, gloss: float = 0.2) -> Surface:
    """Lacquer or plastic of any colour."""
    return matter(rng, any_colour(rng), Texture.NOISE, 0.5, gloss=gloss, contrast=0.06)


def fabric(rng: Rng) -> Surface:
    """Upholstery, curtains, covers."""
    kinds = (Texture.FABRIC, Texture.FABRIC, Texture.STRIPES, Texture.CHECKS, Texture.SPECKLE)
    kind = one_of(rng, kinds)
    scale = 0.012 if kind == Texture.FABRIC else between(rng, 0.02, 0.12)
    return matter(rng, any_colour(rng), kind, scale, contrast=0.35)


def metal(rng: Rng) -> Surface:
    """Steel, chrome or black iron."""
    colour = METAL if chance(rng, 0.7) else BLACK
    return matter(rng, tinted(rng, colour, 0.15), gloss=rng.uniform(0.4, 0.9), contrast=0.05)


def printed(rng: Rng, scale_m: float = 0.08, glow: float = 0.0, gloss: float = 0.1) -> Surface:
    """A picture, a cover, a screen."""
    colour, other = any_colour(rng), any_colour(rng)
    return matter(rng, colour, Texture.PICTURE, scale_m, other=other, glow=glow, gloss=gloss)


def four_legs(
    width: float, depth: float, height: float, leg: float, surface: Surface
) -> list[Shape]:
    """Square legs under the corners of a plate `width` x `depth` with its back at z = 0."""
    return [
        box((side * (width / 2 - leg), 0, z), (leg, height, leg), surface)
        for side in (-1, 1)
        for z in (-leg, leg - depth)
    ]


# What stands on the floor.


def table(rng: Rng, height: float = 0.74) -> list[Shape]:
    """A table 0.74 m high with things on it."""
    width, depth = rng.uniform(0.8, 2.0), rng.uniform(0.65, 1.0)
    top, thick = wood(rng), rng.uniform(0.02, 0.05)
    shapes = [box((0, thick - height, -depth / 2), (width, thick, depth), top)]
    if chance(rng, 0.75):
        shapes += four_legs(width, depth, height - thick, rng.uniform(0.035, 0.08), top)
    else:
        foot = metal(rng)
        shapes += [drum((0, 0, -depth / 2), 0.04, height - thick, foot)]
        shapes += [drum((0, 0, -depth / 2), 0.28, 0.03, foot)]
    return shapes + laden(rng, width, depth, height, int(rng.integers(1, 9)))


def coffee_table(rng: Rng) -> list[Shape]:
    """A low table before a sofa."""
    return table(rng, rng.uniform(0.38, 0.48))


def chair(rng: Rng) -> list[Shape]:
    """A chair with its seat at 0.45 m, its back on the side of z = 0."""
    surface, seat = wood(rng), 0.45
    width, depth, back = rng.uniform(0.4, 0.48), rng.uniform(0.4, 0.46), rng.uniform(0.78, 1.0)
    pad = fabric(rng) if chance(rng, 0.5) else surface
    shapes = [box((0, 0.04 - seat, -depth / 2), (width, 0.04, depth), pad)]
    shapes += four_legs(width, depth, seat - 0.04, 0.035, surface)
    posts = [(side * (width / 2 - 0.02), -seat, -0.02) for side in (-1, 1)]
    shapes += [limb(p, (p[0], -back, 0.05), 0.017, 0.014, surface) for p in posts]
    if chance(rng, 0.45):
        shapes += [box((0, -seat - 0.15, 0.02), (width - 0.03, back - seat - 0.17, 0.02), pad)]
    else:
        for k in range(int(rng.integers(2, 5))):
            shapes.append(
                box((0, -(back - 0.09 - 0.11 * k), 0.03), (width - 0.03, 0.06, 0.015), surface)
            )
    if chance(rng, 0.2):
        arms = [(side * (width / 2), -0.65, -depth + 0.04) for side in (-1, 1)]
        shapes += [limb(a, (a[0], -0.66, 0.03), 0.016, 0.016, surface) for a in arms]
        shapes += [limb(a, (a[0], -seat, a[2]), 0.014, 0.014, surface) for a in arms]
    return shapes


def office_chair(rng: Rng) -> list[Shape]:
    """A swivel chair on a star of five castors."""
    cover, frame = fabric(rng), metal(rng)
    shapes = [
        ball((0, -0.47, -0.25), (0.25, 0.05, 0.24), cover),
        limb((0, -0.42, -0.25), (0, -0.1, -0.25), 0.028, 0.03, frame),
        limb((0, -0.48, -0.05), (0, -0.72, 0.0), 0.02, 0.02, frame),
        box((0, -0.6, 0.0), (0.42, rng.uniform(0.35, 0.55), 0.06), cover),
    ]
    for k in range(5):
        a = 2 * math.pi * k / 5
        tip = (0.3 * math.cos(a), -0.06, -0.25 + 0.3 * math.sin(a))
        shapes += [limb((0, -0.1, -0.25), tip, 0.025, 0.018, frame)]
        shapes += [ball((tip[0], -0.03, tip[2]), (0.03, 0.03, 0.03), paint(rng))]
    if chance(rng, 0.6):
        for side in (-0.27, 0.27):
            shapes += chain([(side, -0.45, -0.2), (side, -0.66, -0.2)], 0.014, 0.014, frame)
            shapes += [box((side, -0.66, -0.24), (0.06, 0.03, 0.26), frame)]
    return shapes


def stool(rng: Rng) -> list[Shape]:
    """A round stool."""
    surface, height = wood(rng), one_of(rng, (0.45, 0.45, 0.65, 0.75))
    shapes = [drum((0, 0.035 - height, -0.2), 0.17, 0.035, surface)]
    for k in range(4):
        a = math.pi / 4 + math.pi / 2 * k
        x, z = math.cos(a), math.sin(a)
        foot = (0.18 * x, 0.0, 0.18 * z - 0.2)
        shapes.append(limb((0.1 * x, 0.04 - height, 0.1 * z - 0.2), foot, 0.018, 0.015, surface))
    return shapes


def sofa(rng: Rng) -> list[Shape]:
    """An armchair or a sofa for up to four, with cushions."""
    seats = int(rng.integers(1, 5))
    width, depth, arm = 0.62 * seats + 0.4, rng.uniform(0.8, 0.98), rng.uniform(0.12, 0.24)
    cover, back, high = fabric(rng), rng.uniform(0.7, 0.95), rng.uniform(0.52, 0.68)
    middle = -depth / 2
    shapes = [
        box((0, -0.1, middle), (width, 0.2, depth), cover),
        box((0, -0.1, -0.12), (width - arm, back - 0.1, 0.22), cover),
    ]
    shapes += [
        box((side * (width - arm) / 2, -0.1, middle), (arm, high - 0.1, depth), cover)
        for side in (-1, 1)
    ]
    shapes += four_legs(width - 0.1, depth - 0.1, 0.1, 0.04, wood(rng))
    inner = (width - 2 * arm) / seats
    for k in range(seats):
        x = (k - (seats - 1) / 2) * inner
        shapes.append(box((x, -0.3, middle - 0.1), (inner - 0.012, 0.15, depth - 0.22), cover))
        shapes.append(ball((x, -0.455, middle - 0.1), (inner / 2.1, 0.035, depth / 2.6), cover))
        shapes.append(ball((x, -0.66, -0.29), (inner / 2.05, 0.24, 0.11), cover))
    for _ in range(int(rng.integers(0, 4))):
        x, size = rng.uniform(-1, 1) * (width / 2 - arm - 0.2), rng.uniform(0.19, 0.26)
        turn = (0.0, rng.uniform(0.15, 0.6), rng.uniform(-0.5, 0.5))
        shapes.append(ball((x, -0.47 - size, -0.44), (size, size, 0.09), fabric(rng), turn))
    if chance(rng, 0.2):
        shapes.append(
            box(
                (rng.uniform(-0.3, 0.3), -0.46, middle - 0.12),
                (0.6, 0.03, depth - 0.3),
                fabric(rng),
            )
        )
    return shapes


def bed(rng: Rng) -> list[Shape]:
    """A bed with its head at the wall, made or not."""
    width, length, height = one_of(rng, (0.9, 0.9, 1.4, 1.6, 1.8)), 2.05, rng.uniform(0.28, 0.42)
    frame, sheet, quilt = wood(rng), matter(rng, WHITE, Texture.FABRIC, 0.01), fabric(rng)
    shapes = [
        box((0, -height + 0.2, -length / 2), (width + 0.06, 0.16, length), frame),
        box((0, -height, -length / 2), (width, 0.2, length - 0.06), sheet),
        box((0, 0, -0.03), (width + 0.08, rng.uniform(0.7, 1.2), 0.05), frame),
    ]
    shapes += four_legs(width, length, height, 0.07, frame)
    top = -height - 0.2
    for k in range(2 if width > 1.2 else 1):
        x = (k - 0.5) * width / 2 if width > 1.2 else 0.0
        shapes.append(ball((x, top - 0.06, -0.3), (0.34, 0.1, 0.22), sheet, (0, 0.2, 0)))
    reach = rng.uniform(0.9, 1.45)
    start = -length + reach / 2 + 0.02
    shapes.append(box((0, top + 0.02, start), (width + 0.1, 0.09, reach), quilt))
    for side in (-1, 1):
        shapes.append(
            box((side * (width / 2 + 0.04), top + 0.24, start), (0.03, 0.3, reach), quilt)
        )
    for _ in range(int(rng.integers(2, 9))):
        x, z = rng.uniform(-0.4, 0.4) * width, start + rng.uniform(-0.45, 0.45) * reach
        lump = (rng.uniform(0.12, 0.4), rng.uniform(0.03, 0.1), rng.uniform(0.1, 0.35))
        shapes.append(ball((x, top - 0.06, z), lump, quilt, (rng.uniform(0, 3), 0, 0)))
    return shapes


def books(rng: Rng, width: float, height: float, depth: float) -> list[Shape]:
    """A row of books on y = 0, from -width / 2 on, some leaning; not always full."""
    shapes, x, end = [], -width / 2 + 0.01, width / 2 * one_of(rng, (1, 1, 0.4, -0.2))
    while x < end - 0.05:
        thick = rng.uniform(0.012, 0.05)
        tall = min(height * 0.95, rng.uniform(0.16, 0.3))
        deep = min(depth * 0.95, rng.uniform(0.12, 0.22))
        shapes.append(
            box(
                (x + thick / 2, 0, -depth + deep / 2 + 0.01),
                (thick, tall, deep),
                printed(rng, 0.04),
            )
        )
        x += thick + (rng.uniform(0.02, 0.12) if chance(rng, 0.08) else 0.001)
    return shapes


def shelf(rng: Rng) -> list[Shape]:
    """An open shelf with books and things."""
    width, height, depth = rng.uniform(0.6, 1.3), rng.uniform(0.8, 2.2), rng.uniform(0.26, 0.4)
    surface, floors = wood(rng), 0
    gap = rng.uniform(0.28, 0.42)
    floors = int((height - 0.08) / gap)
    shapes = [
        box((s * (width - 0.02) / 2, 0, -depth / 2), (0.02, height, depth), surface)
        for s in (-1, 1)
    ]
    if chance(rng, 0.7):
        shapes.append(box((0, 0, -0.006), (width, height, 0.01), surface))
    for k in range(floors + 1):
        y = -0.06 - k * gap
        shapes.append(box((0, y, -depth / 2), (width, 0.02, depth), surface))
        if k == floors:
            shapes += laden(rng, width, depth, -y + 0.02, int(rng.integers(0, 4)))
        elif chance(rng, 0.6):
            shapes += moved(books(rng, width - 0.06, gap - 0.03, depth), (0, y - 0.02, 0))
        else:
            shapes += laden(rng, width - 0.1, depth, -y + 0.02, int(rng.integers(1, 5)), gap - 0.04)
    return shapes


def fronts(
    rng: Rng, width: float, height: float, across: int, down: int, front: Surface
) -> list[Shape]:
    """Doors or drawers before a carcass whose front is the plane z = 0, from y = 0 up."""
    grip, shapes = metal(rng), []
    knobs = chance(rng, 0.5)
    for i in range(across):
        for j in range(down):
            w, h = width / across, height / down
            x, y = (i - (across - 1) / 2) * w, -j * h
            shapes.append(box((x, y - 0.004, -0.009), (w - 0.008, h - 0.008, 0.018), front))
            side = (w / 2 - 0.05) * (1 if i % 2 == 0 else -1)
            gx, gy = (side, y - h / 2) if h > w else (0.0, y - h + 0.06 if h > 0.3 else y - h / 2)
            if knobs:
                shapes.append(ball((x + gx, gy, -0.03), (0.016, 0.016, 0.016), grip))
            elif h > w:
                shapes.append(
                    limb(
                        (x + gx, gy - 0.07, -0.035), (x + gx, gy + 0.07, -0.035), 0.006, 0.006, grip
                    )
                )
            else:
                shapes.append(
                    limb((x - 0.06, gy, -0.035), (x + 0.06, gy, -0.035), 0.006, 0.006, grip)
                )
    return shapes


def cupboard(rng: Rng) -> list[Shape]:
    """A wardrobe, a sideboard or a chest of drawers."""
    kind = rng.integers(3)
    body = wood(rng) if chance(rng, 0.7) else paint(rng)
    if kind == 0:
        width, height, depth = rng.uniform(0.8, 2.0), rng.uniform(1.8, 2.2), rng.uniform(0.5, 0.62)
        across, down = max(2, round(width / 0.5)), 1
    elif kind == 1:
        width, height, depth = rng.uniform(1.0, 1.9), rng.uniform(0.6, 0.95), rng.uniform(0.38, 0.5)
        across, down = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    else:
        width, height, depth = rng.uniform(0.5, 1.1), rng.uniform(0.6, 1.2), rng.uniform(0.4, 0.5)
        across, down = int(rng.integers(1, 3)), int(rng.integers(3, 6))
    shapes = [box((0, 0, -depth / 2), (width, height, depth), body)]
    shapes += moved(fronts(rng, width, height - 0.1, across, down, body), (0, -0.08, -depth))
    return shapes + laden(rng, width, depth, height, int(rng.integers(0, 6)))


def kitchen_row(rng: Rng) -> list[Shape]:
    """Cupboards under a counter at 0.9 m with sink and stove, cupboards above, a fridge."""
    units, unit_m = int(rng.integers(3, 7)), 0.6
    width, depth = units * unit_m, 0.6
    front, top = (wood(rng) if chance(rng, 0.5) else paint(rng, 0.4)), paint(rng, 0.5)
    tiles = matter(rng, tinted(rng, WHITE, 0.3), Texture.TILES, rng.uniform(0.08, 0.2), gloss=0.5)
    shapes = [
        box((0, -0.1, -depth / 2), (width, 0.76, depth - 0.04), front),
        box((0, 0, -depth / 2 + 0.04), (width, 0.1, depth - 0.12), matter(rng, BLACK)),
        box((0, -0.86, -depth / 2), (width + 0.02, 0.04, depth + 0.02), top),
        box((0, -0.9, -0.006), (width, 0.55, 0.01), tiles),
    ]
    shapes += moved(
        fronts(rng, width, 0.74, units, one_of(rng, (1, 2)), front), (0, -0.11, 0.02 - depth)
    )
    steel = metal(rng)
    sink_x = (rng.integers(units) - (units - 1) / 2) * unit_m
    shapes.append(box((sink_x, -0.9, -0.3), (0.5, 0.006, 0.42), steel))
    shapes.append(box((sink_x, -0.905, -0.3), (0.42, 0.004, 0.32), matter(rng, (0.12, 0.12, 0.12))))
    tap = [
        (sink_x, -0.9, -0.08),
        (sink_x, -1.16, -0.08),
        (sink_x, -1.22, -0.15),
        (sink_x, -1.14, -0.23),
    ]
    shapes += chain(tap, 0.014, 0.011, steel)
    stove_x = -sink_x if abs(sink_x) > 0.4 else sink_x + 0.75
    shapes += _stove(rng, stove_x, depth)
    if chance(rng, 0.75):
        shapes.append(box((0, -1.42, -0.17), (width, 0.7, 0.34), front))
        shapes += moved(fronts(rng, width, 0.7, units, 1, front), (0, -1.42, -0.34))
    shapes += moved(laden(rng, width - 0.2, 0.3, 0.9, int(rng.integers(3, 12))), (0, 0, -0.02))
    if chance(rng, 0.6):
        shapes += moved(fridge(rng), (float(one_of(rng, (-1, 1))) * (width / 2 + 0.34), 0, 0))
    return shapes


def _stove(rng: Rng, x: float, depth: float) -> list[Shape]:
    """An oven's dark door with knobs, hot plates and perhaps a pot."""
    dark, grip = matter(rng, BLACK, gloss=0.8), metal(rng)
    shapes = [
        box((x, -0.12, -depth + 0.0), (0.56, 0.6, 0.03), dark),
        box((x, -0.9, -depth / 2), (0.56, 0.01, 0.5), dark),
        limb((x - 0.22, -0.68, -depth - 0.04), (x + 0.22, -0.68, -depth - 0.04), 0.01, 0.01, grip),
    ]
    shapes += [
        ball((x + k * 0.1, -0.79, -depth - 0.02), (0.02, 0.02, 0.025), grip) for k in range(-2, 3)
    ]
    if chance(rng, 0.5):
        steel = metal(rng)
        shapes.append(drum((x - 0.13, -0.91, -0.4), 0.11, rng.uniform(0.07, 0.18), steel))
        shapes.append(limb((x - 0.24, -0.99, -0.4), (x - 0.38, -0.99, -0.45), 0.01, 0.01, steel))
    return shapes


def fridge(rng: Rng) -> list[Shape]:
    """A fridge, 0.6 m wide, with magnets and notes."""
    height, body = (
        rng.uniform(1.4, 1.95),
        paint(rng, 0.4) if chance(rng, 0.3) else matter(rng, WHITE, gloss=0.4),
    )
    shapes = [box((0, 0, -0.31), (0.6, height, 0.62), body)]
    split = height * one_of(rng, (0.35, 0.65))
    shapes += [box((0, -0.03, -0.64), (0.59, split - 0.04, 0.04), body)]
    shapes += [box((0, -split, -0.64), (0.59, height - split, 0.04), body)]
    grip = metal(rng)
    for y in (split - 0.25, split + 0.1):
        shapes.append(limb((0.24, -y, -0.69), (0.24, -y - 0.2, -0.69), 0.01, 0.01, grip))
    for _ in range(int(rng.integers(0, 7))):
        where = (rng.uniform(-0.22, 0.15), -rng.uniform(0.9, height - 0.2), -0.665)
        shapes.append(
            box(where, (rng.uniform(0.04, 0.15), rng.uniform(0.04, 0.2), 0.003), printed(rng, 0.05))
        )
    return shapes


def desk(rng: Rng) -> list[Shape]:
    """A desk with a screen, keyboard and papers, and a chair before it."""
    width, depth, height = rng.uniform(1.1, 1.8), rng.uniform(0.6, 0.8), 0.74
    top = wood(rng)
    shapes = [box((0, 0.03 - height, -depth / 2), (width, 0.03, depth), top)]
    shapes += four_legs(width, depth, height - 0.03, 0.05, metal(rng) if chance(rng, 0.6) else top)
    if chance(rng, 0.5):
        drawers = [box((width / 2 - 0.25, 0, -depth / 2), (0.4, 0.6, depth - 0.1), top)]
        shapes += drawers + moved(
            fronts(rng, 0.4, 0.58, 1, 3, top), (width / 2 - 0.25, 0, -depth + 0.05)
        )
    for k in range(int(rng.integers(1, 3))):
        shapes += moved(
            screen(rng),
            (rng.uniform(-0.25, 0.1) + 0.55 * k, -height, -0.2),
            rng.uniform(-0.25, 0.25),
        )
    keys = matter(rng, BLACK if chance(rng, 0.6) else WHITE, Texture.CHECKS, 0.02)
    shapes.append(box((0, -height, -depth + 0.2), (0.44, 0.02, 0.14), keys))
    shapes.append(ball((0.32, -height, -depth + 0.2), (0.03, 0.03, 0.055), matter(rng, BLACK)))
    shapes += laden(rng, width, depth, height, int(rng.integers(2, 8)))
    seat = office_chair(rng) if chance(rng, 0.7) else chair(rng)
    return shapes + moved(
        seat, (rng.uniform(-0.2, 0.2), 0, -depth - 0.75), math.pi + rng.uniform(-0.8, 0.8)
    )


def screen(rng: Rng) -> list[Shape]:
    """A monitor on its foot, around its own origin."""
    width, dark = rng.uniform(0.45, 0.7), matter(rng, BLACK, gloss=0.4)
    height = width * 0.58
    face = (
        printed(rng, 0.12, glow=rng.uniform(0.3, 1.2))
        if chance(rng, 0.6)
        else matter(rng, BLACK, gloss=0.9)
    )
    return [
        box((0, 0, 0.03), (0.22, 0.015, 0.18), dark),
        limb((0, 0, 0.05), (0, -0.25, 0.04), 0.02, 0.02, dark),
        box((0, -0.13, 0.0), (width, height, 0.035), dark),
        box((0, -0.145, -0.018), (width - 0.03, height - 0.03, 0.004), face),
    ]


def television(rng: Rng) -> list[Shape]:
    """A television on a low board."""
    width, board = rng.uniform(1.2, 2.0), wood(rng)
    wide = rng.uniform(0.8, 1.3)
    dark = matter(rng, BLACK, gloss=0.9)
    face = printed(rng, 0.2, glow=0.9) if chance(rng, 0.4) else dark
    shapes = [box((0, -0.08, -0.22), (width, rng.uniform(0.3, 0.45), 0.42), board)]
    top = shapes[0].centre[1] - shapes[0].half[1]
    shapes += four_legs(width, 0.42, 0.08, 0.04, board)
    shapes += [
        box((0, top - 0.04, -0.2), (wide, wide * 0.58, 0.04), dark),
        box((0, top - 0.06, -0.222), (wide - 0.03, wide * 0.58 - 0.04, 0.004), face),
        box((0, top, -0.22), (wide * 0.4, 0.05, 0.18), dark),
    ]
    return shapes + laden(rng, width, 0.4, -top, int(rng.integers(0, 4)))


def toilet(rng: Rng) -> list[Shape]:
    """A toilet with its tank and paper."""
    china = matter(rng, WHITE, gloss=0.7, contrast=0.03)
    lid = (0, 1.45, 0) if chance(rng, 0.4) else (0, 0, 0)
    shapes = [
        box((0, -0.4, -0.09), (0.38, 0.38, 0.18), china),
        drum((0, 0, -0.38), 0.12, 0.3, china),
        ball((0, -0.32, -0.42), (0.19, 0.12, 0.27), china),
        disc((0, -0.41, -0.42), 0.2, 0.03, (0, 0, 0), china),
        disc((0, -0.6, -0.2) if lid[1] else (0, -0.44, -0.41), 0.19, 0.02, lid, china),
    ]
    roll = matter(rng, WHITE)
    return [*shapes, disc((0.45, -0.7, -0.07), 0.055, 0.1, (0, 0, math.pi / 2), roll)]


def washbasin(rng: Rng) -> list[Shape]:
    """A basin at 0.85 m with tap, mirror and bottles."""
    china, steel = matter(rng, WHITE, gloss=0.7, contrast=0.03), metal(rng)
    width = rng.uniform(0.45, 0.8)
    mirror = matter(rng, (0.5, 0.55, 0.56), gloss=1.0, contrast=0.02)
    shapes = [
        box((0, -0.73, -0.23), (width, 0.12, 0.46), china),
        ball(
            (0, -0.85, -0.26), (width * 0.4, 0.006, 0.15), matter(rng, (0.4, 0.4, 0.4), gloss=0.6)
        ),
        box((0, -1.15, -0.01), (width, rng.uniform(0.6, 0.9), 0.015), mirror),
    ]
    shapes += chain([(0, -0.85, -0.06), (0, -0.98, -0.07), (0, -0.98, -0.19)], 0.014, 0.012, steel)
    if chance(rng, 0.5):
        body = wood(rng)
        shapes += [box((0, -0.2, -0.21), (width - 0.02, 0.53, 0.4), body)]
        shapes += moved(fronts(rng, width - 0.02, 0.5, 2, 1, body), (0, -0.22, -0.41))
    else:
        shapes.append(drum((0, 0, -0.16), 0.09, 0.74, china))
    return shapes + moved(
        laden(rng, width - 0.1, 0.12, 0.85, int(rng.integers(1, 5)), 0.2), (0, 0, -0.32)
    )


def bathtub(rng: Rng) -> list[Shape]:
    """A tub along the wall, perhaps with a curtain on a rail."""
    width, depth, height, china = 1.7, 0.75, 0.58, matter(rng, WHITE, gloss=0.6, contrast=0.03)
    front = matter(rng, WHITE, Texture.TILES, 0.15, gloss=0.4) if chance(rng, 0.4) else china
    shapes = [
        box((0, 0, -depth + 0.03), (width, height, 0.06), front),
        box((0, 0, -0.03), (width, height, 0.06), china),
        box((0, 0, -depth / 2), (width - 0.1, 0.15, depth - 0.1), china),
    ]
    shapes += [
        box((s * (width / 2 - 0.05), 0, -depth / 2), (0.1, height, depth), china) for s in (-1, 1)
    ]
    shapes += chain(
        [(0.7, -0.8, 0), (0.7, -0.8, -0.14), (0.7, -0.74, -0.16)], 0.015, 0.012, metal(rng)
    )
    if chance(rng, 0.5):
        rail, cloth = metal(rng), fabric(rng)
        shapes.append(
            limb((-width / 2, -2.0, -depth), (width / 2, -2.0, -depth), 0.012, 0.012, rail)
        )
        shapes += moved(folds(rng, rng.uniform(0.4, 1.2), 1.75, cloth), (-width / 4, -0.25, -depth))
    return shapes


def folds(rng: Rng, width: float, height: float, surface: Surface) -> list[Shape]:
    """Hanging cloth: upright folds side by side, from y = 0 up."""
    shapes, x, k = [], -width / 2, 0
    while x < width / 2:
        thick = rng.uniform(0.03, 0.055)
        z = 0.025 * (1 if k % 2 else -1)
        shapes.append(
            limb(
                (x, -0.02, z + rng.normal(0, 0.012)),
                (x, -height, z * 0.7),
                thick,
                thick * 0.8,
                surface,
            )
        )
        x, k = x + thick * 1.5, k + 1
    return shapes


def floor_lamp(rng: Rng) -> list[Shape]:
    """A standing lamp with a glowing shade; it gives no light to others."""
    pole, height = metal(rng), rng.uniform(1.4, 1.8)
    shade = matter(rng, (0.7, 0.6, 0.45), glow=rng.uniform(0.0, 2.5))
    return [
        drum((0, 0, -0.2), 0.14, 0.025, pole),
        limb((0, 0, -0.2), (0, -height, -0.2), 0.013, 0.012, pole),
        *lathe((0, 0.28 - height, -0.2), ((0, 0.2), (0.28, 0.13)), shade),
    ]


def plant(rng: Rng) -> list[Shape]:
    """A plant in a pot: leaves on stems, a small tree or hanging grass."""
    size, pot, leaf = (
        rng.uniform(0.3, 1.7),
        paint(rng),
        matter(rng, tinted(rng, one_of(rng, LEAVES)), gloss=0.3),
    )
    radius = min(0.22, 0.1 + size * 0.07)
    foot = 2 * radius
    middle = -radius - 0.1
    shapes = lathe((0, 0, middle), ((0, radius * 0.75), (foot, radius)), pot)
    kind = rng.integers(3)
    for _ in range(int(rng.integers(9, 26))):
        a, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.35, 1.0)
        reach = rng.uniform(0.15, 0.5) * size * (1.2 - 0.5 * rise)
        end = (reach * math.cos(a), -foot - rise * size, middle + reach * math.sin(a))
        bow = (end[0] * 0.4, -foot - rise * size * 0.75, middle + (end[2] - middle) * 0.4)
        stem = [(0.0, -foot + 0.02, middle), bow, end]
        if kind == 0:
            shapes += chain(stem, 0.008, 0.004, leaf)
            turn = (rng.uniform(0, 6.3), rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7))
            width = rng.uniform(0.05, 0.12) * (0.5 + size)
            shapes.append(ball(end, (width, 0.004, width * 1.6), leaf, turn))
        elif kind == 1:
            shapes += chain(stem, 0.014 + 0.008 * size, 0.002, leaf)
        else:
            shapes += chain(stem, 0.01, 0.004, matter(rng, (0.15, 0.1, 0.05)))
            turn = (rng.uniform(0, 6.3), rng.uniform(-1, 1), rng.uniform(-1, 1))
            width = rng.uniform(0.2, 0.45) * (0.3 + size * 0.6)
            shapes.append(card(end, width, width, turn, leaf, Cutout.LEAF))
    return shapes


def bin_(rng: Rng) -> list[Shape]:
    """A waste basket or bin."""
    height = rng.uniform(0.25, 0.7)
    return lathe((0, 0, -0.2), ((0, 0.11), (height, 0.16)), paint(rng))


def pile(rng: Rng) -> list[Shape]:
    """A pile of boxes, bags or books on the floor."""
    shapes, y, width = [], 0.0, rng.uniform(0.25, 0.6)
    for _ in range(int(rng.integers(1, 6))):
        high, width = rng.uniform(0.05, 0.4), width * rng.uniform(0.75, 1.0)
        card_ = matter(rng, tinted(rng, (0.4, 0.27, 0.15)), contrast=0.15)
        surface = card_ if chance(rng, 0.5) else printed(rng, 0.15)
        yaw = rng.normal(0, 0.2)
        shapes.append(box((0, y, -0.35), (width, high, width * rng.uniform(0.6, 1)), surface, yaw))
        y -= high
    return shapes


def bag(rng: Rng) -> list[Shape]:
    """A handbag, a rucksack or a shopping bag on the floor."""
    surface, height = fabric(rng), rng.uniform(0.25, 0.5)
    width, depth = height * rng.uniform(0.7, 1.3), height * rng.uniform(0.3, 0.5)
    shapes = [
        box((0, 0, -0.2), (width, height * 0.8, depth), surface),
        ball((0, -height * 0.75, -0.2), (width / 2, height * 0.25, depth / 2), surface),
        ball((0, -height * 0.35, -0.2 - depth / 2), (width * 0.35, height * 0.22, 0.04), surface),
    ]
    for z in (-0.2 - depth * 0.3, -0.2 + depth * 0.3):
        handle = arc(
            (0, -height * 0.85, z), (width * 0.28, 0, 0), (0, -height * 0.5, 0), 0, math.pi, 7
        )
        shapes += chain(handle, 0.01, 0.01, surface)
    return shapes


def bicycle(rng: Rng) -> list[Shape]:
    """A bicycle along the wall: wheels with spokes, frame, saddle, bars."""
    paint_, dark, steel = paint(rng, 0.6), matter(rng, BLACK), metal(rng)
    radius, base, z = 0.34, 1.05, -0.3
    shapes = []
    for x in (-base / 2, base / 2):
        hub = (x, -radius, z)
        rim = arc(hub, (radius - 0.02, 0, 0), (0, radius - 0.02, 0), 0, 2 * math.pi, 19)
        shapes += chain(rim, 0.02, 0.02, dark)
        spokes = arc(hub, (radius - 0.03, 0, 0), (0, radius - 0.03, 0), 0, 2 * math.pi, 13)
        shapes += [limb(hub, end, 0.002, 0.002, steel) for end in spokes[:-1]]
    rear, front = (-base / 2, -radius, z), (base / 2, -radius, z)
    pedal, saddle, head = (-0.1, -0.29, z), (-0.22, -0.85, z), (0.34, -0.86, z)
    for a, b in (
        (rear, pedal),
        (pedal, saddle),
        (saddle, rear),
        (saddle, head),
        (pedal, head),
        (head, front),
    ):
        shapes.append(limb(a, b, 0.018, 0.016, paint_))
    shapes.append(ball((-0.23, -0.92, z), (0.13, 0.04, 0.07), dark))
    shapes.append(limb(saddle, (-0.23, -0.92, z), 0.014, 0.014, steel))
    shapes += chain([(0.34, -0.86, z), (0.32, -1.0, z)], 0.015, 0.015, steel)
    shapes += chain(
        [(0.26, -1.0, z - 0.28), (0.34, -1.02, z), (0.26, -1.0, z + 0.28)], 0.014, 0.014, dark
    )
    shapes.append(disc((-0.1, -0.29, z - 0.03), 0.09, 0.01, (0, math.pi / 2, 0), steel))
    return shapes


def trolley(rng: Rng) -> list[Shape]:
    """A trolley with two or three trays on castors, as in hospitals and canteens."""
    steel, width, depth, height = metal(rng), rng.uniform(0.6, 0.9), 0.45, rng.uniform(0.8, 1.0)
    shapes = []
    for x in (-width / 2, width / 2):
        for z in (-0.03, -depth):
            shapes.append(limb((x, -0.08, z), (x, -height, z), 0.012, 0.012, steel))
            shapes.append(disc((x, -0.04, z), 0.04, 0.025, (0, 0, math.pi / 2), matter(rng, BLACK)))
    for k in range(int(rng.integers(2, 4))):
        y = -0.15 - 0.32 * k
        shapes.append(box((0, y, -depth / 2 - 0.015), (width, 0.02, depth), steel))
        shapes += laden(rng, width, depth, 0.02 - y, int(rng.integers(0, 5)), 0.27)
    return shapes


def hospital_bed(rng: Rng) -> list[Shape]:
    """A bed on wheels with rails."""
    steel, sheet = metal(rng), matter(rng, WHITE, Texture.FABRIC, 0.01)
    shapes = [
        box((0, -0.5, -1.05), (0.9, 0.08, 2.0), steel),
        box((0, -0.58, -1.05), (0.86, 0.14, 1.95), sheet),
        ball((0, -0.76, -0.35), (0.35, 0.09, 0.22), sheet),
        box((0, -0.7, -1.35), (0.9, 0.06, 1.3), fabric(rng)),
        box((0, -0.4, -0.04), (0.9, 0.65, 0.04), wood(rng)),
        box((0, -0.4, -2.06), (0.9, 0.5, 0.04), wood(rng)),
    ]
    for x in (-0.4, 0.4):
        shapes += [limb((x, -0.08, z), (x, -0.52, z), 0.02, 0.02, steel) for z in (-0.15, -1.95)]
        shapes += [
            ball((x, -0.06, z), (0.03, 0.06, 0.06), matter(rng, BLACK)) for z in (-0.15, -1.95)
        ]
        shapes += chain(
            [
                (x * 1.15, -0.6, -0.5),
                (x * 1.15, -0.95, -0.55),
                (x * 1.15, -0.95, -1.4),
                (x * 1.15, -0.6, -1.45),
            ],
            0.012,
            0.012,
            steel,
        )
    return shapes


def bench(rng: Rng) -> list[Shape]:
    """A bench, or a row of seats on a bar, as where one waits."""
    seats, surface, steel = int(rng.integers(2, 6)), paint(rng, 0.4), metal(rng)
    width = 0.55 * seats
    if chance(rng, 0.5):
        surface = wood(rng)
        plank = [box((0, -0.42, -0.08 - 0.13 * k), (width, 0.03, 0.11), surface) for k in range(3)]
        return plank + four_legs(width - 0.2, 0.4, 0.42, 0.05, steel)
    shapes = [limb((-width / 2, -0.38, -0.25), (width / 2, -0.38, -0.25), 0.03, 0.03, steel)]
    for k in range(seats):
        x = (k - (seats - 1) / 2) * 0.55
        shapes.append(box((x, -0.41, -0.27), (0.46, 0.04, 0.42), surface))
        shapes.append(box((x, -0.5, -0.06), (0.46, 0.35, 0.03), surface))
        shapes.append(limb((x, -0.4, -0.08), (x, -0.6, -0.05), 0.02, 0.02, steel))
    for x in (-width / 2 + 0.2, width / 2 - 0.2):
        shapes.append(limb((x, -0.38, -0.25), (x, 0, -0.25), 0.025, 0.025, steel))
        shapes.append(limb((x, -0.01, -0.02), (x, -0.01, -0.48), 0.02, 0.02, steel))
    return shapes


def lockers(rng: Rng) -> list[Shape]:
    """A row of steel lockers with slots and locks."""
    count, body = int(rng.integers(3, 10)), paint(rng, 0.35)
    width, height = count * 0.32, rng.uniform(1.7, 1.95)
    shapes = [box((0, 0, -0.25), (width, height, 0.48), body)]
    shapes += moved(
        fronts(rng, width, height - 0.1, count, one_of(rng, (1, 1, 2)), body), (0, -0.08, -0.49)
    )
    return shapes


def counter(rng: Rng) -> list[Shape]:
    """A shop's or reception's counter with a till and wares."""
    width, depth = rng.uniform(1.4, 3.0), rng.uniform(0.55, 0.8)
    shapes = [
        box((0, 0, -depth / 2), (width, 0.96, depth - 0.08), wood(rng)),
        box((0, -0.96, -depth / 2), (width + 0.06, 0.04, depth), paint(rng, 0.5)),
    ]
    shapes += moved(screen(rng), (rng.uniform(-0.5, 0.5), -1.0, -depth / 2), math.pi)
    return shapes + laden(rng, width, depth, 1.0, int(rng.integers(3, 12)))


def shop_rack(rng: Rng) -> list[Shape]:
    """A rack of wares: rows of packets, cans and bottles on four or five floors."""
    width, depth, frame = rng.uniform(1.0, 2.4), 0.45, paint(rng)
    height = rng.uniform(1.5, 2.2)
    gap = rng.uniform(0.32, 0.45)
    shapes = [box((0, 0, -0.02), (width, height, 0.03), frame)]
    for k in range(int(height / gap)):
        y = -0.12 - k * gap
        shapes.append(box((0, y, -depth / 2), (width, 0.025, depth), frame))
        x = -width / 2 + 0.03
        while x < width / 2 - 0.2:
            ware, size = printed(rng, 0.06), rng.uniform(0.06, 0.18)
            tall, round_ = rng.uniform(0.1, gap - 0.06), chance(rng, 0.4)
            for _ in range(int(rng.integers(1, 5))):
                if x > width / 2 - size:
                    break
                foot = (x + size / 2, y - 0.025, -depth + size / 2 + rng.uniform(0.01, 0.08))
                shapes.append(
                    drum(foot, size / 2, tall, ware)
                    if round_
                    else box(foot, (size, tall, size), ware)
                )
                x += size + 0.008
    return shapes


def clothes_rail(rng: Rng) -> list[Shape]:
    """A rail of hanging clothes."""
    steel, width = metal(rng), rng.uniform(0.9, 1.6)
    shapes = chain(
        [
            (-width / 2, 0, -0.25),
            (-width / 2, -1.5, -0.25),
            (width / 2, -1.5, -0.25),
            (width / 2, 0, -0.25),
        ],
        0.016,
        0.016,
        steel,
    )
    x = -width / 2 + 0.08
    while x < width / 2 - 0.06:
        cloth, long_ = fabric(rng), rng.uniform(0.6, 1.1)
        shapes.append(
            box((x, -1.42 + long_, -0.25), (0.045, long_ - 0.08, rng.uniform(0.36, 0.48)), cloth)
        )
        shapes.append(limb((x, -1.36, -0.44), (x, -1.44, -0.25), 0.025, 0.025, cloth))
        x += rng.uniform(0.06, 0.13)
    return shapes


def school_desk(rng: Rng) -> list[Shape]:
    """A small desk with a chair before it, as in rows of a class room."""
    steel, top = metal(rng), wood(rng)
    wide = one_of(rng, (0.7, 1.3))
    shapes = [
        box((0, -0.71, -0.27), (wide, 0.03, 0.52), top),
        *four_legs(wide, 0.52, 0.71, 0.03, steel),
    ]
    shapes += laden(rng, wide, 0.5, 0.74, int(rng.integers(0, 4)), 0.25)
    return shapes + moved(
        chair(rng), (0, 0, -0.95 + rng.uniform(0, 0.15)), math.pi + rng.normal(0, 0.2)
    )


def toys(rng: Rng) -> list[Shape]:
    """Balls and blocks spread over the floor."""
    shapes = []
    for _ in range(int(rng.integers(3, 10))):
        x, z, size = rng.uniform(-0.5, 0.5), -rng.uniform(0.1, 0.9), rng.uniform(0.03, 0.1)
        if chance(rng, 0.5):
            shapes.append(ball((x, -size, z), (size, size, size), paint(rng, 0.5)))
        else:
            shapes.append(
                box(
                    (x, 0, z),
                    (size, size * rng.uniform(0.5, 1.5), size),
                    paint(rng),
                    rng.uniform(0, 3),
                )
            )
    return shapes


# What lies on tables and boards, around its own origin.


def cup(rng: Rng) -> list[Shape]:
    """A mug or a glass."""
    surface, radius, height = paint(rng, 0.6), rng.uniform(0.03, 0.045), rng.uniform(0.08, 0.13)
    ring = arc((radius, -height / 2, 0), (0.025, 0, 0), (0, 0.03, 0), -1.5, 1.5, 5)
    return [drum((0, 0, 0), radius, height, surface), *chain(ring, 0.005, 0.005, surface)]


def bottle(rng: Rng) -> list[Shape]:
    """A bottle with neck and label."""
    glass, h, r = paint(rng, 0.8), rng.uniform(0.2, 0.34), rng.uniform(0.028, 0.045)
    label = drum((0, -0.22 * h, 0), r + 0.001, 0.3 * h, printed(rng, 0.05))
    return [
        *lathe((0, 0, 0), ((0, r), (0.62 * h, r), (0.78 * h, r * 0.38), (h, r * 0.36)), glass),
        label,
    ]


def vase(rng: Rng) -> list[Shape]:
    """A vase with flowers."""
    h, r, green = rng.uniform(0.14, 0.32), rng.uniform(0.04, 0.08), matter(rng, one_of(rng, LEAVES))
    shapes = lathe(
        (0, 0, 0), ((0, r * 0.6), (h * 0.4, r), (h * 0.85, r * 0.5), (h, r * 0.65)), paint(rng, 0.6)
    )
    petal = paint(rng)
    for _ in range(int(rng.integers(3, 14))):
        a, out, up = rng.uniform(0, 6.28), rng.uniform(0.02, 0.16), h + rng.uniform(0.1, 0.35)
        tip = (out * math.cos(a), -up, out * math.sin(a))
        shapes.append(limb((0, -h * 0.6, 0), tip, 0.003, 0.002, green))
        size = rng.uniform(0.015, 0.04)
        shapes.append(ball(tip, (size, size * 0.7, size), petal))
    return shapes


def book_stack(rng: Rng) -> list[Shape]:
    """Books lying on each other."""
    shapes, y = [], 0.0
    for _ in range(int(rng.integers(1, 6))):
        thick = rng.uniform(0.008, 0.04)
        size = (rng.uniform(0.14, 0.24), thick, rng.uniform(0.1, 0.17))
        shapes.append(box((0, y, 0), size, printed(rng, 0.08), rng.normal(0, 0.25)))
        y -= thick
    return shapes


def paper(rng: Rng) -> list[Shape]:
    """Sheets of paper lying about."""
    sheet = matter(rng, WHITE, Texture.STRIPES, 0.008, contrast=0.3)
    return [
        box(
            (rng.uniform(-0.06, 0.06), -0.0015 * k, rng.uniform(-0.04, 0.04)),
            (0.21, 0.0015, 0.297),
            sheet,
            rng.normal(0, 0.4),
        )
        for k in range(int(rng.integers(1, 4)))
    ]


def plate(rng: Rng) -> list[Shape]:
    """A plate with food, or a bowl of fruit."""
    china, r = (
        matter(rng, WHITE if chance(rng, 0.6) else any_colour(rng), gloss=0.5, contrast=0.05),
        rng.uniform(0.1, 0.15),
    )
    shapes = lathe((0, 0, 0), ((0, r * 0.6), (0.025, r)), china)
    for _ in range(int(rng.integers(0, 9))):
        a, out, size = rng.uniform(0, 6.28), rng.uniform(0, r * 0.6), rng.uniform(0.015, 0.045)
        shapes.append(
            ball(
                (out * math.cos(a), -0.02 - size, out * math.sin(a)),
                (size, size, size),
                paint(rng, 0.4),
            )
        )
    return shapes


def laptop(rng: Rng) -> list[Shape]:
    """An open laptop."""
    body, tilt = metal(rng), rng.uniform(0.05, 0.5)
    face = printed(rng, 0.08, glow=rng.uniform(0.2, 1.0))
    keys = matter(rng, BLACK, Texture.CHECKS, 0.018)
    lid = [
        box((0, 0, 0), (0.34, 0.22, 0.008), body),
        box((0, -0.01, -0.005), (0.32, 0.2, 0.002), face),
    ]
    tipped = [_tilted(shape, tilt) for shape in lid]
    return [
        box((0, 0, 0), (0.34, 0.018, 0.23), body),
        box((0, -0.018, 0.02), (0.3, 0.002, 0.12), keys),
        *moved(tipped, (0, -0.018, 0.115)),
    ]


def _tilted(shape: Shape, angle_rad: float) -> Shape:
    """A shape of no turn of its own, tipped back about the x axis through the origin."""
    x, y, z = shape.centre
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    # Positive pitch turns +z up: the top goes backwards with a negative one.
    return replace(
        shape, centre=(x, c * y + s * z, -s * y + c * z), turn_rad=(0.0, -angle_rad, 0.0)
    )


def table_lamp(rng: Rng) -> list[Shape]:
    """A lamp with a shade."""
    foot, shade = paint(rng, 0.5), matter(rng, (0.75, 0.65, 0.5), glow=rng.uniform(0, 2))
    return [
        *lathe((0, 0, 0), ((0, 0.07), (0.05, 0.03), (0.25, 0.02)), foot),
        *lathe((0, -0.22, 0), ((0, 0.14), (0.2, 0.08)), shade),
    ]


def carton(rng: Rng) -> list[Shape]:
    """A packet or a small box."""
    size = (rng.uniform(0.06, 0.25), rng.uniform(0.04, 0.25), rng.uniform(0.05, 0.18))
    return [box((0, 0, 0), size, printed(rng, 0.07), rng.uniform(-0.6, 0.6))]


def small_plant(rng: Rng) -> list[Shape]:
    """A plant small enough for a window sill."""
    return moved(plant(rng), (0, 0, 0.12), scale=0.35)


CLUTTER: tuple[Callable[[Rng], list[Shape]], ...] = (
    cup, cup, bottle, bottle, vase, book_stack, book_stack, paper, plate, plate, laptop,
    table_lamp, carton, carton, small_plant,
)  # fmt: skip
"""What may lie on a table, as often as it does."""


def laden(
    rng: Rng, width: float, depth: float, height: float, count: int, tallest: float = 9.0
) -> list[Shape]:
    """Up to `count` things on a board `width` x `depth` whose top is at `height`, back at z = 0.

    What would be higher than `tallest` or would meet another thing is left away.
    """
    taken: list[tuple[float, float, float]] = []
    shapes: list[Shape] = []
    for _ in range(count):
        thing = one_of(rng, CLUTTER)(rng)
        x, z = rng.uniform(-0.42, 0.42) * width, -rng.uniform(0.25, 0.75) * depth
        reach = max(math.hypot(s.centre[0], s.centre[2]) + max(s.half[0], s.half[2]) for s in thing)
        tall = max(max(-s.centre[1] + s.half[1], -s.end[1]) for s in thing)
        clear = all(math.hypot(x - a, z - b) > reach + r for a, b, r in taken)
        if not clear or tall > tallest or reach > 0.75 * min(width, depth):
            continue
        taken.append((x, z, reach))
        shapes += moved(thing, (x, -height, z), rng.normal(0, 0.5))
    return shapes


# What hangs on walls: its back at z = 0, its middle at x = 0, its height as in use.


def picture(rng: Rng) -> list[Shape]:
    """A framed picture, a poster or a group of photographs."""
    shapes = []
    for k in range(one_of(rng, (1, 1, 1, 2, 3))):
        width, height = rng.uniform(0.25, 1.1), rng.uniform(0.25, 0.9)
        x, y = k * 0.6 * (-1) ** k, -rng.uniform(1.35, 1.75) + height / 2
        frame, art = wood(rng), printed(rng, rng.uniform(0.05, 0.25), gloss=rng.uniform(0, 0.6))
        shapes.append(box((x, y, -0.012), (width, height, 0.024), frame))
        rim = rng.uniform(0.01, 0.06)
        shapes.append(box((x, y - rim, -0.026), (width - 2 * rim, height - 2 * rim, 0.004), art))
    return shapes


def window(rng: Rng) -> list[Shape]:
    """A window with a bright pane, bars, sill and perhaps curtains or a blind."""
    width, height, sill = rng.uniform(0.8, 2.2), rng.uniform(1.0, 1.5), rng.uniform(0.8, 1.0)
    if chance(rng, 0.2):
        height, sill = 2.05, 0.05
    frame = matter(rng, WHITE if chance(rng, 0.8) else one_of(rng, WOODS), gloss=0.3, contrast=0.05)
    sky = tinted(rng, (0.75, 0.85, 0.95), 0.15)
    view = matter(
        rng,
        sky,
        one_of(rng, (Texture.PLAIN, Texture.NOISE, Texture.PICTURE)),
        0.5,
        glow=rng.uniform(0.7, 3.0),
        other=tinted(rng, (0.6, 0.75, 0.6), 0.3),
    )
    shapes = [box((0, -sill, -0.012), (width, height, 0.01), view)]
    bars = int(rng.integers(1, 4))
    for k in range(bars + 1):
        shapes.append(box((width * (k / bars - 0.5), -sill, -0.03), (0.06, height, 0.06), frame))
    levels = (0.0, 1.0) if chance(rng, 0.5) else (0.0, rng.uniform(0.4, 0.75), 1.0)
    for level in levels:
        shapes.append(box((0, -sill - height * level + 0.03, -0.03), (width, 0.06, 0.06), frame))
    shapes.append(box((0, -sill + 0.03, -0.1), (width + 0.1, 0.03, 0.2), frame))
    draw = rng.random()
    if draw < 0.45:
        cloth, top = fabric(rng), sill + height + 0.12
        bottom = 0.05 if chance(rng, 0.6) else sill - 0.1
        for side in (-1, 1):
            hang = folds(rng, rng.uniform(0.25, 0.6), top - bottom, cloth)
            shapes += moved(hang, (side * (width / 2 + 0.05), -bottom, -0.14))
        shapes.append(
            limb(
                (-width / 2 - 0.4, -top, -0.14),
                (width / 2 + 0.4, -top, -0.14),
                0.015,
                0.015,
                metal(rng),
            )
        )
    elif draw < 0.6:
        slat = paint(rng)
        for k in range(int(height * rng.uniform(0.3, 1.0) / 0.06)):
            shapes.append(
                box((0, -sill - height + 0.06 * k + 0.05, -0.07), (width, 0.025, 0.03), slat)
            )
    if sill > 0.5:
        shapes += moved(laden(rng, width, 0.16, sill, int(rng.integers(0, 4)), 0.5), (0, 0, -0.04))
        if chance(rng, 0.6):
            shapes += radiator(rng, min(width, 1.2))
    return shapes


def radiator(rng: Rng, width: float = 1.0) -> list[Shape]:
    """A ribbed radiator with its pipe."""
    surface = matter(rng, WHITE, gloss=0.3, contrast=0.05)
    shapes = [box((0, -0.15, -0.06), (width, 0.55, 0.05), surface)]
    shapes += [
        box((x, -0.15, -0.095), (0.03, 0.55, 0.03), surface)
        for x in np.arange(-width / 2 + 0.03, width / 2, 0.06)
    ]
    return [
        *shapes,
        limb((width / 2 + 0.05, 0, -0.06), (width / 2 + 0.05, -0.6, -0.06), 0.01, 0.01, surface),
    ]


def door(rng: Rng, leaf: Surface | None = None) -> list[Shape]:
    """A closed door 2 m x 0.9 m in its frame, recessed by what the frame stands out."""
    leaf = leaf or (wood(rng) if chance(rng, 0.7) else paint(rng))
    frame, width, height = matter(rng, WHITE, gloss=0.2, contrast=0.05), rng.uniform(0.8, 0.95), 2.0
    shapes = [box((0, 0, -0.02), (width, height, 0.03), leaf)]
    shapes += [
        box((s * (width / 2 + 0.04), 0, -0.04), (0.08, height + 0.08, 0.08), frame) for s in (-1, 1)
    ]
    shapes.append(box((0, -height, -0.04), (width + 0.16, 0.08, 0.08), frame))
    grip, x = metal(rng), width / 2 - 0.08
    shapes += chain(
        [(x, -1.03, -0.03), (x, -1.03, -0.09), (x - 0.12, -1.03, -0.09)], 0.011, 0.01, grip
    )
    draw = rng.random()
    if draw < 0.3:
        pane = matter(rng, (0.6, 0.7, 0.72), gloss=0.9, glow=rng.uniform(0, 1.0))
        shapes.append(box((0, -1.1, -0.037), (width * rng.uniform(0.2, 0.7), 0.75, 0.006), pane))
    elif draw < 0.6:
        for k in range(2):
            shapes.append(box((0, -0.15 - 0.95 * k, -0.037), (width - 0.25, 0.75, 0.01), leaf))
    if chance(rng, 0.4):
        where = (rng.uniform(-0.1, 0.1), -1.5, -0.04)
        shapes.append(box(where, (0.2, 0.1, 0.004), printed(rng, 0.05)))
    return shapes


def notice_board(rng: Rng) -> list[Shape]:
    """A cork or white board with notes."""
    width, height = rng.uniform(0.8, 2.2), rng.uniform(0.7, 1.2)
    cork = matter(rng, (0.42, 0.28, 0.15), Texture.SPECKLE, 0.02)
    white = matter(rng, WHITE, gloss=0.5, contrast=0.03)
    shapes = [
        box((0, -0.95, -0.015), (width + 0.06, height + 0.06, 0.03), wood(rng)),
        box((0, -0.98, -0.032), (width, height, 0.006), cork if chance(rng, 0.6) else white),
    ]
    for _ in range(int(rng.integers(2, 16))):
        where = (rng.uniform(-0.42, 0.42) * width, -rng.uniform(1.0, 0.75 + height), -0.037)
        shapes.append(
            box(where, (rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.3), 0.003), printed(rng, 0.04))
        )
    return shapes


def blackboard(rng: Rng) -> list[Shape]:
    """A class room's board with its ledge."""
    width = rng.uniform(2.0, 3.6)
    colour = one_of(rng, ((0.02, 0.07, 0.04), BLACK, WHITE))
    face = matter(rng, colour, Texture.NOISE, 0.3, gloss=0.15, contrast=0.25)
    return [
        box((0, -0.9, -0.02), (width, 1.2, 0.04), face),
        box((0, -0.88, -0.06), (width, 0.03, 0.1), wood(rng)),
        *[box((s * width / 2, -0.9, -0.025), (0.05, 1.2, 0.05), wood(rng)) for s in (-1, 1)],
    ]


def wall_shelf(rng: Rng) -> list[Shape]:
    """One or two boards on the wall with things on them."""
    width, depth, surface = rng.uniform(0.5, 1.4), rng.uniform(0.18, 0.28), wood(rng)
    shapes: list[Shape] = []
    for k in range(int(rng.integers(1, 3))):
        up = 1.35 + 0.35 * k
        shapes.append(box((0, 0.025 - up, -depth / 2), (width, 0.025, depth), surface))
        full = chance(rng, 0.5)
        things = books(rng, width, 0.3, depth) if full else laden(rng, width, depth, 0, 5, 0.33)
        shapes += moved(things, (0, -up, 0))
    return shapes


def coats(rng: Rng) -> list[Shape]:
    """A board of hooks with coats and bags."""
    width = rng.uniform(0.6, 1.6)
    shapes = [box((0, -1.65, -0.012), (width, 0.1, 0.024), wood(rng))]
    for x in np.arange(-width / 2 + 0.1, width / 2, 0.22):
        if chance(rng, 0.7):
            cloth, long_ = fabric(rng), rng.uniform(0.5, 1.0)
            hook = (float(x), -1.68, -0.08)
            shapes.append(limb(hook, (float(x), -1.68 + long_ * 0.5, -0.1), 0.05, 0.12, cloth))
            shapes.append(
                limb(
                    (float(x) - 0.06, -1.55, -0.1),
                    (float(x) - 0.09, -1.65 + long_, -0.1),
                    0.08,
                    0.09,
                    cloth,
                )
            )
            shapes.append(
                limb(
                    (float(x) + 0.06, -1.55, -0.1),
                    (float(x) + 0.09, -1.65 + long_, -0.1),
                    0.08,
                    0.09,
                    cloth,
                )
            )
        else:
            shapes.append(
                limb((float(x), -1.68, 0), (float(x), -1.68, -0.06), 0.01, 0.01, metal(rng))
            )
    return shapes


def extinguisher(rng: Rng) -> list[Shape]:
    """A fire extinguisher on its hook."""
    red, dark = matter(rng, (0.5, 0.02, 0.015), gloss=0.6, contrast=0.05), matter(rng, BLACK)
    return [
        *lathe((0, -0.6, -0.11), ((0, 0.08), (0.38, 0.08), (0.45, 0.03)), red),
        *chain(
            [(0, -1.06, -0.11), (0.06, -1.1, -0.13), (0.12, -0.95, -0.14), (0.1, -0.72, -0.14)],
            0.012,
            0.012,
            dark,
        ),
        box((0, -1.2, -0.004), (0.2, 0.2, 0.004), red),
    ]


def pipes(rng: Rng) -> list[Shape]:
    """One to three upright pipes."""
    surface = metal(rng) if chance(rng, 0.5) else matter(rng, WHITE)
    count = int(rng.integers(1, 4))
    return [
        limb((0.1 * k, 0, -0.07), (0.1 * k, -3.5, -0.07), r, r, surface)
        for k, r in enumerate(rng.uniform(0.01, 0.045, count).tolist())
    ]
