"""Things close to the camera: still lifes on tables and floors, single objects as subjects.

Every maker below builds one thing of its real size that stands on y = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from depthfx.training.scenes import nature, streets
from depthfx.training.scenes.animals import animal
from depthfx.training.scenes.forms import (
    Rng,
    any_colour,
    arc,
    as_subject,
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
    holds,
    lathe,
    lens,
    limb,
    looking,
    lowest_y,
    matter,
    moved,
    one_of,
    photo_aspect,
    tinted,
    without,
)
from depthfx.training.scenes.world import (
    Camera,
    Cutout,
    Kind,
    Lamp,
    Point,
    Shape,
    Surface,
    Texture,
    World,
)

Maker = Callable[[Rng], list[Shape]]
LYING = (0.0, 0.0, math.pi / 2)
FACING = (0.0, math.pi / 2, 0.0)
"""Turns a disc so that its axis points at the camera."""
WOODS: tuple[Point, ...] = (
    (0.35, 0.2, 0.1),
    (0.5, 0.35, 0.2),
    (0.15, 0.08, 0.05),
    (0.6, 0.5, 0.36),
)


def made(rng: Rng, gloss: float = 0.3) -> Surface:
    """The surface of a made thing: paint, glaze, cloth, wood or print."""
    sort = rng.random()
    if sort < 0.4:
        return matter(rng, any_colour(rng), Texture.PLAIN, gloss=gloss)
    if sort < 0.55:
        return matter(rng, any_colour(rng), Texture.NOISE, between(rng, 0.01, 0.1), gloss=gloss)
    if sort < 0.7:
        return matter(rng, tinted(rng, one_of(rng, WOODS)), Texture.WOOD, 0.05)
    pattern = one_of(rng, (Texture.FABRIC, Texture.PICTURE, Texture.STRIPES, Texture.CHECKS))
    return matter(rng, any_colour(rng), pattern, between(rng, 0.01, 0.08), other=any_colour(rng))


def bottle(rng: Rng) -> list[Shape]:
    """A bottle or a jar with a label and a cap, 0.15 to 0.33 m high."""
    glass = matter(
        rng,
        tinted(
            rng,
            one_of(
                rng, ((0.02, 0.08, 0.03), (0.12, 0.05, 0.02), (0.4, 0.45, 0.45), any_colour(rng))
            ),
            0.3,
        ),
        Texture.PLAIN,
        gloss=0.8,
    )
    high, radius = rng.uniform(0.15, 0.33), rng.uniform(0.03, 0.048)
    neck, slope = radius * rng.uniform(0.3, 0.75), rng.uniform(0.5, 0.75)
    profile = [
        (0.0, radius),
        (slope * high, radius),
        ((slope + 0.12) * high, 0.7 * radius + 0.3 * neck),
        ((slope + 0.2) * high, neck),
        (0.95 * high, neck),
    ]
    shapes = lathe((0, 0, 0), profile, glass)
    shapes.append(drum((0, -0.93 * high, 0), neck * 1.15, 0.08 * high, made(rng)))
    if chance(rng, 0.75):
        label = matter(rng, any_colour(rng), Texture.PICTURE, 0.03, other=any_colour(rng))
        shapes.append(drum((0, -0.15 * high, 0), radius * 1.01, 0.35 * slope * high + 0.02, label))
    return shapes


def cup(rng: Rng) -> list[Shape]:
    """A cup or a mug, mostly with a handle, some on a saucer, with a drink in it."""
    glaze = made(rng, 0.5)
    high, top = rng.uniform(0.06, 0.12), rng.uniform(0.035, 0.05)
    foot = top * rng.uniform(0.6, 1.0)
    lift = 0.0
    shapes: list[Shape] = []
    if chance(rng, 0.4):
        lift = 0.012
        shapes += [drum((0, 0, 0), 0.05, 0.006, glaze), drum((0, -0.006, 0), 0.075, 0.006, glaze)]
    shapes += lathe(
        (0, -lift, 0), [(0.0, foot), (0.4 * high, 0.3 * foot + 0.7 * top), (high, top)], glaze
    )
    drink = matter(
        rng,
        tinted(rng, one_of(rng, ((0.05, 0.02, 0.01), (0.3, 0.18, 0.1), (0.35, 0.12, 0.03)))),
        gloss=0.6,
    )
    shapes.append(drum((0, -lift - high + 0.0005, 0), top * 0.9, 0.001, drink))
    if chance(rng, 0.75):
        side = arc(
            (top * 0.9, -lift - 0.55 * high, 0),
            (0.3 * high, 0, 0),
            (0, -0.32 * high, 0),
            -1.5,
            1.5,
            8,
        )
        shapes += chain(side, 0.005, 0.005, glaze)
    return shapes


def bowl(rng: Rng) -> list[Shape]:
    """A bowl of fruit or food."""
    glaze = made(rng, 0.4)
    size = rng.uniform(0.06, 0.16)
    high = size * rng.uniform(0.35, 0.6)
    shapes = lathe((0, 0, 0), [(0.0, 0.4 * size), (0.3 * high, 0.72 * size), (high, size)], glaze)
    inside = matter(rng, tinted(rng, glaze.colour, 0.3), Texture.PLAIN)
    shapes.append(drum((0, -high + 0.001, 0), 0.94 * size, 0.002, inside))
    for _ in range(int(rng.integers(0, 9))):
        angle, out = rng.uniform(0, 6.3), size * math.sqrt(rng.uniform(0, 0.5))
        at = (out * math.cos(angle), -high - 0.02, out * math.sin(angle))
        shapes += moved(fruit(rng), (at[0], at[1] + 0.02, at[2]), rng.uniform(0, 6))
    return shapes


def fruit(rng: Rng) -> list[Shape]:
    """An apple, an orange, a lemon, a banana, a tomato, a melon."""
    colour = one_of(
        rng,
        (
            (0.5, 0.03, 0.02),
            (0.7, 0.25, 0.02),
            (0.7, 0.55, 0.04),
            (0.2, 0.35, 0.04),
            (0.15, 0.02, 0.12),
        ),
    )
    skin = matter(rng, tinted(rng, colour, 0.25), Texture.NOISE, 0.03, gloss=0.3)
    if chance(rng, 0.2):
        curve = arc((0, -0.02, 0.08), (0.1, 0, 0), (0, 0, -0.09), 0.4, 2.7, 8)
        return chain(curve, 0.016, 0.013, matter(rng, (0.65, 0.5, 0.05), Texture.NOISE, 0.05))
    size = rng.uniform(0.025, 0.045)
    stem = matter(rng, (0.1, 0.07, 0.03))
    return [
        ball((0, -0.9 * size, 0), (size * rng.uniform(0.95, 1.3), size * 0.95, size), skin),
        limb((0, -1.7 * size, 0), (0.004, -2.2 * size, 0), 0.002, 0.002, stem),
    ]


def books(rng: Rng) -> list[Shape]:
    """A pile of books, or a few that stand."""
    paper = matter(rng, (0.65, 0.6, 0.5), Texture.STRIPES, 0.003, contrast=0.1)
    shapes: list[Shape] = []
    if chance(rng, 0.6):
        high = 0.0
        for _ in range(int(rng.integers(1, 7))):
            wide, deep, thick = (
                rng.uniform(0.12, 0.24),
                rng.uniform(0.17, 0.3),
                rng.uniform(0.01, 0.045),
            )
            turn = rng.normal(0, 0.3)
            cover = matter(rng, any_colour(rng), Texture.PICTURE, 0.06, other=any_colour(rng))
            shapes += [
                box((0, -high, 0), (wide, 0.003, deep), cover, turn),
                box((0, -high - 0.003, 0), (wide - 0.006, thick - 0.006, deep - 0.01), paper, turn),
                box((0, -high - thick + 0.003, 0), (wide, 0.003, deep), cover, turn),
            ]
            high += thick
        return shapes
    x = 0.0
    for _ in range(int(rng.integers(3, 12))):
        thick, high = rng.uniform(0.01, 0.05), rng.uniform(0.17, 0.29)
        cover = matter(rng, any_colour(rng), Texture.PICTURE, 0.05, other=any_colour(rng))
        shapes.append(box((x + thick / 2, 0, 0), (thick - 0.001, high, 0.18), cover))
        x += thick
    return shapes


def carton(rng: Rng) -> list[Shape]:
    """A box: parcel, packet, tin, toy block; some open, with flaps."""
    size = between(rng, 0.04, 0.3) * rng.uniform(0.5, 1.5, 3)
    wide, high, deep = (float(value) for value in size)
    surface = made(rng) if chance(rng, 0.6) else matter(rng, (0.4, 0.27, 0.15), Texture.NOISE, 0.1)
    shapes = [box((0, 0, 0), (wide, high, deep), surface)]
    if chance(rng, 0.4):
        tape = matter(rng, any_colour(rng), gloss=0.3)
        shapes.append(box((0, 0.001, 0), (0.2 * wide, high + 0.002, deep + 0.002), tape))
    if chance(rng, 0.3):
        for side in (-1, 1):
            edge = (side * wide / 2, -high, 0.0)
            tip = (side * wide * 0.8, -high - rng.uniform(-0.1, 0.3) * wide, 0.0)
            shapes.append(board(edge, tip, deep, 0.003, surface))
        shapes.append(
            box((0, -high, 0), (0.95 * wide, 0.001, 0.95 * deep), matter(rng, (0.05, 0.04, 0.03)))
        )
    return shapes


def toy(rng: Rng) -> list[Shape]:
    """A teddy, a robot, a tower of bricks, a toy car, a ball."""
    return one_of(rng, (teddy, robot, tower, toy_car, a_ball))(rng)


def teddy(rng: Rng) -> list[Shape]:
    """A sitting plush bear or rabbit, 0.3 m high."""
    fur = matter(
        rng,
        tinted(
            rng,
            one_of(rng, ((0.35, 0.2, 0.1), (0.6, 0.55, 0.5), (0.5, 0.3, 0.3), (0.25, 0.25, 0.27))),
        ),
        Texture.NOISE,
        0.012,
        contrast=0.4,
    )
    pale, black = (
        matter(rng, tinted(rng, (0.6, 0.5, 0.4))),
        matter(rng, (0.01, 0.01, 0.01), gloss=0.8),
    )
    ear = rng.uniform(0.03, 0.1)
    shapes = [
        ball((0, -0.1, 0), (0.075, 0.1, 0.065), fur),
        ball((0, -0.1, -0.02), (0.05, 0.075, 0.05), pale),
        ball((0, -0.235, 0), (0.062, 0.058, 0.056), fur),
        ball((0, -0.222, -0.045), (0.028, 0.022, 0.025), pale),
        ball((0, -0.23, -0.068), (0.009, 0.007, 0.006), black),
    ]
    for side in (-1, 1):
        shapes += [
            ball(
                (side * 0.045, -0.285 - 0.5 * ear, 0), (0.022, ear, 0.012), fur, (0, 0, side * 0.3)
            ),
            ball((side * 0.024, -0.248, -0.05), (0.007, 0.007, 0.005), black),
            limb((side * 0.06, -0.17, 0), (side * 0.11, -0.1, -0.04), 0.026, 0.028, fur),
            limb((side * 0.045, -0.035, -0.02), (side * 0.075, -0.035, -0.12), 0.034, 0.034, fur),
            ball((side * 0.077, -0.036, -0.15), (0.024, 0.028, 0.008), pale),
        ]
    return moved(shapes, scale=rng.uniform(0.5, 1.6))


def robot(rng: Rng) -> list[Shape]:
    """A figure of bright boxes."""
    paint, dark, shine = made(rng), made(rng), matter(rng, any_colour(rng), glow=0.5)
    shapes = [
        box((0, -0.07, 0), (0.09, 0.1, 0.06), paint),
        box((0, -0.18, 0), (0.06, 0.05, 0.05), dark),
        box(
            (0, -0.1, -0.03),
            (0.05, 0.04, 0.01),
            matter(rng, any_colour(rng), Texture.PICTURE, 0.01),
        ),
        limb((0, -0.23, 0), (0.01, -0.27, 0), 0.003, 0.002, dark),
    ]
    for side in (-1, 1):
        shapes += [
            box((side * 0.025, 0, -0.01), (0.035, 0.03, 0.06), dark),
            box((side * 0.025, -0.03, 0), (0.02, 0.05, 0.02), paint),
            limb((side * 0.055, -0.16, 0), (side * 0.08, -0.1, -0.03), 0.012, 0.01, dark),
            ball((side * 0.015, -0.205, -0.026), (0.008, 0.008, 0.006), shine),
        ]
    return moved(shapes, scale=rng.uniform(0.6, 1.6))


def tower(rng: Rng) -> list[Shape]:
    """Building bricks, piled and scattered."""
    shapes: list[Shape] = []
    high = 0.0
    for _ in range(int(rng.integers(2, 8))):
        wide, tall, deep = rng.uniform(0.03, 0.09), rng.uniform(0.02, 0.05), rng.uniform(0.03, 0.06)
        brick, turn = matter(rng, any_colour(rng), Texture.PLAIN, gloss=0.3), rng.normal(0, 0.3)
        if chance(rng, 0.25):
            shapes.append(drum((0, -high, 0), wide / 2, tall, brick))
        else:
            shapes.append(box((rng.normal(0, 0.006), -high, 0), (wide, tall, deep), brick, turn))
        high += tall
    return shapes


def toy_car(rng: Rng) -> list[Shape]:
    return moved(streets.car(rng), scale=rng.uniform(0.02, 0.06))


def a_ball(rng: Rng) -> list[Shape]:
    size = between(rng, 0.02, 0.12)
    turn = tuple(float(angle) for angle in rng.uniform(0, 3, 3))
    pattern = one_of(rng, (Texture.PLAIN, Texture.CHECKS, Texture.STRIPES, Texture.FABRIC))
    surface = matter(rng, any_colour(rng), pattern, 0.5 * size, gloss=0.4, other=any_colour(rng))
    return [ball((0, -size, 0), (size, size, size), surface, (turn[0], turn[1], turn[2]))]


def vase(rng: Rng) -> list[Shape]:
    """A turned vase or jug, many with flowers or twigs."""
    glaze = made(rng, 0.5)
    high, wide = rng.uniform(0.14, 0.4), rng.uniform(0.05, 0.11)
    radii = wide * np.clip(rng.uniform(0.35, 1.0, 5), 0.35, 1.0)
    profile = [(float(h), float(r)) for h, r in zip(np.linspace(0, high, 5), radii, strict=True)]
    shapes = lathe((0, 0, 0), profile, glaze)
    mouth = float(radii[-1])
    shapes.append(drum((0, -high + 0.0005, 0), mouth * 0.9, 0.001, matter(rng, (0.02, 0.02, 0.02))))
    if chance(rng, 0.25):
        shapes += chain(
            arc((wide * 0.8, -0.6 * high, 0), (0.3 * high, 0, 0), (0, -0.3 * high, 0), -1.5, 1.5),
            0.008,
            0.008,
            glaze,
        )
    if chance(rng, 0.6):
        for _ in range(int(rng.integers(1, 12))):
            stem = nature.flower(rng, rng.uniform(0.5, 1.2) * high + 0.05)
            lean = (rng.normal(0, 0.4 * mouth), -high, rng.normal(0, 0.4 * mouth))
            shapes += moved(stem, lean, rng.uniform(0, 6), 1.2)
        shapes += nature.leaves(
            rng, (0, -high - 0.06, 0), (0.1, 0.06, 0.1), 14, 0.1, nature.foliage(rng)
        )
    return shapes


def plate(rng: Rng) -> list[Shape]:
    """A meal: a plate with heaps, slices, sauces and a garnish, cutlery beside it."""
    size = rng.uniform(0.1, 0.15)
    china = matter(
        rng,
        tinted(rng, one_of(rng, ((0.75, 0.74, 0.7), (0.08, 0.09, 0.1), any_colour(rng)))),
        Texture.PLAIN,
        gloss=0.5,
    )
    shapes = [drum((0, 0, 0), 0.6 * size, 0.008, china), drum((0, -0.006, 0), size, 0.007, china)]
    for _ in range(int(rng.integers(3, 16))):
        angle, out = rng.uniform(0, 6.3), size * 0.65 * math.sqrt(rng.random())
        x, z = out * math.cos(angle), out * math.sin(angle)
        colour = one_of(
            rng,
            (
                (0.3, 0.12, 0.04),
                (0.6, 0.45, 0.2),
                (0.12, 0.25, 0.03),
                (0.55, 0.06, 0.03),
                (0.7, 0.65, 0.5),
            ),
        )
        food = matter(rng, tinted(rng, colour, 0.3), Texture.NOISE, 0.01, contrast=0.5, gloss=0.25)
        half = tuple(
            float(value) for value in between(rng, 0.008, 0.035) * rng.uniform(0.5, 1.5, 3)
        )
        turn = (rng.uniform(0, 6), rng.normal(0, 0.3), 0.0)
        shapes.append(ball((x, -0.015 - 0.5 * half[1], z), (half[0], half[1], half[2]), food, turn))
    for _ in range(int(rng.integers(0, 9))):
        at = (rng.normal(0, 0.3 * size), -0.04, rng.normal(0, 0.3 * size))
        turn = (rng.uniform(0, 6), 1.2, rng.uniform(0, 6))
        shapes.append(card(at, 0.05, 0.05, turn, nature.foliage(rng), Cutout.LEAF))
    if chance(rng, 0.6):
        steel = matter(rng, (0.5, 0.5, 0.5), Texture.PLAIN, gloss=0.8)
        for side in (-1, 1):
            x = side * (size + 0.03)
            shapes.append(limb((x, -0.006, -0.09), (x, -0.006, 0.06), 0.005, 0.003, steel))
            shapes.append(ball((x, -0.006, 0.08), (0.011, 0.004, 0.03), steel))
    return shapes


def tool(rng: Rng) -> list[Shape]:
    """A hammer, a screwdriver, a brush or a wrench that lies there."""
    steel, grip = matter(rng, (0.3, 0.3, 0.31), gloss=0.6), made(rng)
    length = rng.uniform(0.15, 0.35)
    shapes = [limb((0, -0.014, 0), (0.5 * length, -0.014, 0), 0.014, 0.011, grip)]
    sort = rng.random()
    shapes.append(limb((0.5 * length, -0.014, 0), (length, -0.014, 0), 0.006, 0.004, steel))
    if sort < 0.4:
        shapes.append(box((length, 0, 0), (0.025, 0.028, 0.1), steel))
    elif sort < 0.7:
        shapes.append(box((length, -0.006, 0), (0.05, 0.014, 0.045), steel))
    return shapes


def gadget(rng: Rng) -> list[Shape]:
    """A phone, a tablet, an open laptop, a camera, a clock or a desk lamp."""
    dark = matter(
        rng,
        tinted(rng, one_of(rng, ((0.03, 0.03, 0.03), (0.5, 0.5, 0.52), any_colour(rng)))),
        gloss=0.4,
    )
    screen = matter(
        rng,
        any_colour(rng),
        Texture.PICTURE,
        0.04,
        other=any_colour(rng),
        glow=0.4 * rng.random(),
        gloss=0.5,
    )
    sort = int(rng.integers(4))
    if sort == 0:
        return [
            box((0, 0, 0), (0.075, 0.009, 0.15), dark),
            box((0, -0.009, 0), (0.068, 0.001, 0.14), screen),
        ]
    if sort == 1:
        keys = matter(rng, (0.02, 0.02, 0.02), Texture.CHECKS, 0.012)
        return [
            box((0, 0, 0), (0.33, 0.014, 0.23), dark),
            box((0, -0.014, 0.03), (0.29, 0.001, 0.1), keys),
            board((0, -0.014, 0.115), (0, -0.23, 0.18), 0.33, 0.008, dark),
            board((0, -0.024, 0.112), (0, -0.22, 0.172), 0.31, 0.004, screen),
        ]
    if sort == 2:
        glass = matter(rng, (0.02, 0.02, 0.03), Texture.PLAIN, gloss=0.9)
        return [
            box((0, 0, 0), (0.13, 0.085, 0.05), dark),
            box((0, -0.085, 0), (0.05, 0.025, 0.045), dark),
            disc((0, -0.045, -0.055), 0.034, 0.07, FACING, dark),
            disc((0, -0.045, -0.09), 0.028, 0.004, FACING, glass),
            disc((0.045, -0.09, 0), 0.009, 0.012, (0, 0, 0), matter(rng, (0.4, 0.4, 0.4))),
        ]
    shade = made(rng)
    elbow, head = (0.1, -0.25, 0.05), (-0.06, -0.4, 0.0)
    return [
        drum((0, 0, 0), 0.08, 0.02, dark),
        *chain([(0, -0.02, 0), elbow, head], 0.008, 0.008, dark),
        limb(head, (-0.12, -0.35, -0.03), 0.025, 0.055, shade),
        ball((-0.14, -0.335, -0.04), (0.04, 0.04, 0.04), matter(rng, (0.9, 0.8, 0.6), glow=1.0)),
    ]


def cloth(rng: Rng) -> list[Shape]:
    """A folded or crumpled cloth: soft flat lumps."""
    surface = matter(
        rng,
        any_colour(rng),
        one_of(rng, (Texture.FABRIC, Texture.STRIPES, Texture.CHECKS)),
        rng.uniform(0.005, 0.04),
        other=any_colour(rng),
    )
    shapes = [box((0, 0, 0), (0.3, 0.012, 0.22), surface, rng.uniform(0, 3))]
    for _ in range(int(rng.integers(1, 7))):
        at = (rng.normal(0, 0.08), -0.012, rng.normal(0, 0.06))
        half = (rng.uniform(0.04, 0.14), rng.uniform(0.01, 0.03), rng.uniform(0.015, 0.04))
        shapes.append(ball(at, half, surface, (rng.uniform(0, 3), 0, rng.normal(0, 0.15))))
    return shapes


def bag(rng: Rng) -> list[Shape]:
    """A handbag, a rucksack or a tote with handles, 0.2 to 0.5 m high."""
    leather = matter(
        rng,
        tinted(
            rng,
            one_of(rng, ((0.25, 0.1, 0.04), (0.03, 0.03, 0.03), (0.4, 0.3, 0.2), any_colour(rng))),
        ),
        one_of(rng, (Texture.NOISE, Texture.FABRIC, Texture.CHECKS)),
        rng.uniform(0.01, 0.06),
        contrast=0.3,
        gloss=0.2,
    )
    trim = matter(rng, tinted(rng, leather.colour, 0.6), gloss=0.3)
    brass = matter(rng, (0.5, 0.38, 0.15), gloss=0.8)
    wide, high, deep = rng.uniform(0.22, 0.42), rng.uniform(0.18, 0.4), rng.uniform(0.1, 0.2)
    shapes = [
        box((0, 0, 0), (0.94 * wide, 0.9 * high, 0.75 * deep), leather),
        ball((0, -0.42 * high, 0), (0.54 * wide, 0.5 * high, 0.52 * deep), leather),
        limb(
            (-0.44 * wide, -0.9 * high, 0),
            (0.44 * wide, -0.9 * high, 0),
            0.3 * deep,
            0.3 * deep,
            leather,
        ),
        limb(
            (-0.44 * wide, -0.94 * high, -0.1 * deep),
            (0.44 * wide, -0.94 * high, -0.1 * deep),
            0.008,
            0.008,
            trim,
        ),
    ]
    for side in (-1, 1):
        shapes.append(
            limb(
                (side * 0.46 * wide, -0.03, 0),
                (side * 0.46 * wide, -0.88 * high, 0),
                0.3 * deep,
                0.26 * deep,
                leather,
            )
        )
    reach = rng.uniform(0.3, 0.8) * high
    for z in (-0.25 * deep, 0.25 * deep):
        strap = arc((0, -0.92 * high, z), (0.27 * wide, 0, 0), (0, -reach, 0), 0, math.pi, 12)
        shapes += chain(strap, 0.009, 0.009, trim)
    if chance(rng, 0.6):
        shapes.append(
            board(
                (0, -0.97 * high, -0.3 * deep),
                (0, -0.5 * high, -0.53 * deep),
                0.9 * wide,
                0.012,
                trim,
            )
        )
    else:
        shapes.append(
            box((0, -0.08 * high, -0.46 * deep), (0.6 * wide, 0.4 * high, 0.14 * deep), leather)
        )
    shapes.append(ball((0, -0.52 * high, -0.54 * deep), (0.018, 0.014, 0.012), brass))
    return shapes


def shoe(rng: Rng) -> list[Shape]:
    """A low shoe or a boot, 0.28 m long, its toe towards -z."""
    upper, sole = (
        made(rng, 0.3),
        matter(rng, tinted(rng, one_of(rng, ((0.03, 0.03, 0.03), (0.7, 0.68, 0.62))))),
    )
    lace = matter(rng, (0.7, 0.7, 0.68))
    high = rng.uniform(0.09, 0.11) if chance(rng, 0.65) else rng.uniform(0.18, 0.35)
    heel = 0.0 if chance(rng, 0.7) else rng.uniform(0.02, 0.05)
    shapes = [
        limb((0, -0.02, -0.1), (0, -0.02 - heel, 0.09), 0.038, 0.033, upper),
        ball((0, -0.035, -0.1), (0.048, 0.035, 0.055), upper),
        ball((0, -0.05, -0.02), (0.044, 0.045, 0.08), upper),
        ball((0, -0.05 - heel, 0.085), (0.036, 0.05, 0.045), upper),
        ball((0, -0.008, -0.09), (0.05, 0.014, 0.07), sole),
        ball((0, -0.008 - heel, 0.08), (0.04, 0.014, 0.06), sole),
        box((0, 0, 0.0), (0.07, 0.018, 0.2), sole),
        limb((0, -0.07 - heel, 0.07), (0, -high - heel, 0.075), 0.037, 0.04, upper),
        disc(
            (0, -high - heel - 0.034, 0.075),
            0.03,
            0.012,
            (0, 0, 0),
            matter(rng, (0.03, 0.025, 0.02)),
        ),
    ]
    if heel:
        shapes.append(limb((0, 0, 0.1), (0, -heel, 0.09), 0.01, 0.02, sole))
    for step in range(5):
        z, y = -0.06 + 0.022 * step, -0.075 - 0.009 * step
        shapes.append(limb((-0.022, y, z), (0.022, y - 0.002, z + 0.008), 0.003, 0.003, lace))
    return shapes


def shoes(rng: Rng) -> list[Shape]:
    pair = shoe(rng)
    other = [replace(shape) for shape in pair]
    return moved(pair, (-0.07, 0, 0), rng.normal(0, 0.1)) + moved(
        other, (0.07, 0, rng.normal(0, 0.02)), rng.normal(0, 0.1)
    )


def a_chair(rng: Rng) -> list[Shape]:
    """A chair of wood or steel, an armchair or a stool."""
    frame, seat = made(rng), made(rng)
    sort = rng.random()
    if sort < 0.55:
        return streets.chair(rng, frame, seat)
    if sort < 0.75:
        high, reach = rng.uniform(0.4, 0.75), rng.uniform(0.12, 0.2)
        legs = [
            limb(
                (1.4 * x * reach, 0, 1.4 * z * reach),
                (x * reach, -high, z * reach),
                0.014,
                0.018,
                frame,
            )
            for x in (-1, 1)
            for z in (-1, 1)
        ]
        return [drum((0, -high, 0), 1.3 * reach, 0.04, seat), *legs]
    shapes = [
        box((0, -0.12, 0), (0.62, 0.3, 0.6), seat),
        ball((0, -0.42, -0.02), (0.3, 0.08, 0.3), seat),
        board((0, -0.3, 0.26), (0, -rng.uniform(0.8, 1.1), 0.4), 0.62, 0.16, seat),
    ]
    for x in (-1, 1):
        shapes.append(box((x * 0.37, -0.12, 0), (0.13, 0.5, 0.62), seat))
        shapes.append(limb((x * 0.37, -0.62, -0.28), (x * 0.37, -0.62, 0.28), 0.065, 0.065, seat))
        shapes += [
            limb((x * 0.33, 0, z), (x * 0.33, -0.13, z), 0.018, 0.025, frame) for z in (-0.26, 0.26)
        ]
    return shapes


def oddment(rng: Rng) -> list[Shape]:
    """Something nobody knows: random forms on top of and beside one another."""
    size, at = between(rng, 0.03, 0.12), np.zeros(3)
    palette = [made(rng) for _ in range(int(rng.integers(1, 4)))]
    shapes: list[Shape] = []
    for _ in range(int(rng.integers(2, 9))):
        half = size * rng.uniform(0.25, 1.0, 3)
        at = at + rng.normal(0, 0.5 * size, 3) * [1, 0, 1] - [0, size * rng.uniform(0, 0.8), 0]
        centre = (float(at[0]), min(float(at[1]), -float(half[1])), float(at[2]))
        kind = one_of(rng, (Kind.BOX, Kind.ELLIPSOID, Kind.CYLINDER, Kind.CONE))
        surface = one_of(rng, palette)
        if kind is Kind.CONE:
            end = (
                centre[0] + rng.normal(0, size),
                centre[1] - size,
                centre[2] + rng.normal(0, size),
            )
            shapes.append(limb(centre, end, 0.3 * float(half[0]), 0.3 * float(half[2]), surface))
        else:
            sizes = (float(half[0]), float(half[1]), float(half[2]))
            shapes.append(Shape(kind, sizes, centre, (rng.uniform(0, 3), 0, 0), surface=surface))
    return moved(shapes, (0.0, -lowest_y(shapes), 0.0))


def pot_plant(rng: Rng) -> list[Shape]:
    return nature.flower_pot(rng, rng.uniform(0.2, 0.7))


def bust(rng: Rng) -> list[Shape]:
    """A small figure of stone or bronze on its base."""
    stone = matter(rng, tinted(rng, one_of(rng, nature.STONES)), Texture.NOISE, 0.1)
    return [
        box((0, 0, 0), (0.2, 0.06, 0.2), stone),
        *streets.statue(rng, (0, -0.06, 0), rng.uniform(0.12, 0.35)),
    ]


SMALL: tuple[Maker, ...] = (
    *(bottle, bottle, cup, cup, bowl, books, carton, carton, toy, toy, vase, plate, tool),
    *(gadget, gadget, cloth, fruit, oddment, oddment, pot_plant, shoe),
)
"""What lies on tables; twice what lies there often."""
PROMINENT: tuple[Maker, ...] = (
    *(bag, bag, bag, shoes, a_chair, a_chair, streets.bicycle, vase, pot_plant, bust, plate),
    *(teddy, robot, cup, bottle, gadget, oddment, oddment, carton, a_ball, toy_car, bowl),
    *(books, nature.bench, streets.car),
)
"""What a picture may be of."""


def extent(shapes: list[Shape]) -> tuple[float, float]:
    """Height above the ground and greatest distance from the upright axis, about."""
    height = reach = 0.0
    for shape in shapes:
        cone = shape.kind is Kind.CONE
        wide = max(shape.half[:2]) if cone else max(shape.half[0], shape.half[2])
        for x, y, z in (shape.start, shape.end) if cone else (shape.centre,):
            height = max(height, -y + (shape.half[0] if cone else shape.half[1]))
            reach = max(reach, math.hypot(x, z) + 0.8 * wide)
    return height, reach


def indoors(rng: Rng, floor_y: float) -> tuple[list[Shape], list[Lamp], Point]:
    """A plain room around the origin, its lamps and its light from everywhere."""
    w, h, d = rng.uniform(2.5, 7), rng.uniform(2.4, 3.2), rng.uniform(3, 7)
    pattern = one_of(
        rng, (Texture.NOISE, Texture.NOISE, Texture.STRIPES, Texture.BRICKS, Texture.TILES)
    )
    wall = matter(
        rng,
        tinted(rng, one_of(rng, (*streets.WALLS, any_colour(rng)))),
        pattern,
        rng.uniform(0.1, 0.6),
        contrast=0.12,
    )
    plank = one_of(rng, (Texture.WOOD, Texture.TILES, Texture.FABRIC, Texture.NOISE))
    floor = matter(
        rng,
        tinted(rng, one_of(rng, (*WOODS, (0.4, 0.4, 0.4)))),
        plank,
        rng.uniform(0.1, 0.4),
        gloss=0.2,
    )
    far = rng.uniform(0.5, d - 1.5)
    middle = (rng.normal(0, 0.3), floor_y - h / 2, far - d / 2 + 0.4)
    shapes = [
        Shape(Kind.ROOM, (w / 2, h / 2, d / 2), middle, (rng.normal(0, 0.25), 0, 0), surface=wall),
        box((middle[0], floor_y + 0.1, middle[2]), (w, 0.102, d), floor),
    ]
    for _ in range(int(rng.integers(0, 6))):  # cupboards, shelves, sofas, doors at the far wall
        size = (rng.uniform(0.4, 1.8), rng.uniform(0.4, 2.1), rng.uniform(0.2, 0.6))
        x = rng.uniform(-0.45, 0.45) * w
        shapes.append(box((x, floor_y, far + 0.1), size, made(rng), rng.normal(0, 0.1)))
    for _ in range(int(rng.integers(0, 4))):  # pictures
        at = (rng.uniform(-0.4, 0.4) * w, floor_y - rng.uniform(1.1, 1.7), far + 0.36)
        poster = matter(rng, any_colour(rng), Texture.PICTURE, 0.1, other=any_colour(rng))
        shapes.append(box(at, (rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.7), 0.03), poster))
    lamps = []
    for _ in range(int(rng.integers(1, 4))):
        at = (
            rng.uniform(-0.4, 0.4) * w,
            floor_y - h * rng.uniform(0.7, 0.95),
            middle[2] + rng.uniform(-0.4, 0.35) * d,
        )
        power = rng.uniform(1.5, 6.0)
        warm = rng.uniform(0.55, 1.1)
        lamps.append(
            Lamp(at, rng.uniform(0.05, 0.4), (power, power * (0.7 + 0.3 * warm), power * warm))
        )
    level = rng.uniform(0.15, 0.5)
    return shapes, lamps, (level, 0.96 * level, 0.92 * level)


def table_top(rng: Rng, half: tuple[float, float]) -> list[Shape]:
    """A table whose top is y = 0, with legs and perhaps a cloth or a mat."""
    surface = (
        made(rng, 0.15)
        if chance(rng, 0.4)
        else matter(
            rng,
            tinted(rng, one_of(rng, WOODS), 0.3),
            Texture.WOOD,
            rng.uniform(0.06, 0.25),
            gloss=0.3 * rng.random(),
        )
    )
    wide, deep = half
    shapes = [box((0, 0.035, 0), (2 * wide, 0.035, 2 * deep), surface)]
    for x in (-0.9, 0.9):
        shapes += [
            limb((x * wide, 0.74, z * deep), (x * wide, 0.03, z * deep), 0.025, 0.03, surface)
            for z in (-0.9, 0.9)
        ]
    if chance(rng, 0.35):
        mat = matter(rng, any_colour(rng), Texture.FABRIC, 0.02, other=any_colour(rng))
        shapes.append(
            box(
                (rng.normal(0, 0.1), 0, rng.normal(0, 0.1)),
                (rng.uniform(0.3, 0.9), 0.004, rng.uniform(0.25, 0.6)),
                mat,
                rng.normal(0, 0.2),
            )
        )
    return shapes


def arranged(
    rng: Rng, makers: tuple[Maker, ...], count: int, half: tuple[float, float]
) -> list[list[Shape]]:
    """Things side by side on y = 0 that do not stand in one another, the largest first."""
    things = sorted((one_of(rng, makers)(rng) for _ in range(count)), key=lambda t: -extent(t)[1])
    taken: list[tuple[float, float, float]] = []
    placed = []
    for thing in things:
        reach = extent(thing)[1]
        for _ in range(25):
            x, z = rng.uniform(-half[0], half[0]), rng.uniform(-half[1], half[1])
            if all(math.hypot(x - a, z - b) > 0.9 * (reach + r) for a, b, r in taken):
                taken.append((x, z, reach))
                placed.append(moved(thing, (x, 0, z), rng.uniform(-np.pi, np.pi)))
                break
    return placed


def still_life(rng: Rng) -> World:
    """Several things on a table, on the floor or in the grass; one of them may be the subject."""
    outside = chance(rng, 0.18)
    on_floor = not outside and chance(rng, 0.3)
    half = (rng.uniform(0.35, 0.9), rng.uniform(0.25, 0.6))
    spread = (0.8 * half[0], 0.8 * half[1])
    things = arranged(rng, SMALL, int(rng.integers(3, 15)), spread)
    lamps: list[Lamp] = []
    sky = None
    if outside:
        sky, ambient = daylight(rng)
        shapes = [box((0, 0.74 + 4, 0), (3000, 4, 3000), nature.turf(rng))]
        for _ in range(int(rng.integers(3, 14))):
            place = (rng.normal(0, 6), 0.74, between(rng, 2.5, 30))
            make = (
                nature.bush(rng, rng.uniform(0.5, 1.5))
                if chance(rng, 0.6)
                else nature.tree(rng, rng.uniform(3, 8), 0.4)
            )
            shapes += moved(make, place)
    else:
        shapes, lamps, ambient = indoors(rng, 0.0 if on_floor else 0.74)
    if not on_floor:
        shapes += table_top(rng, half)
    chosen = int(rng.integers(len(things))) if chance(rng, 0.55) else -1
    target = (rng.normal(0, 0.1), -0.05, rng.normal(0, 0.08))
    spread_m = between(rng, 0.45, 1.2)
    if chosen >= 0:
        # The subject comes to the middle and towards the camera, and is framed.
        x, z = _middle(things[chosen])
        high, reach = extent(moved(things[chosen], (-x, 0, -z)))
        target = (x + rng.normal(0, 0.1 * reach), -0.45 * high, z)
        spread_m = max(high, 2 * reach, 0.08) * rng.uniform(1.1, 2.2)
    for number, thing in enumerate(things):
        shapes += as_subject(thing) if number == chosen else thing
    return _framed(
        rng, World(shapes, Camera((0, 0, 0)), sky, lamps, ambient), target, spread_m, steep=True
    )


def _middle(shapes: list[Shape]) -> tuple[float, float]:
    places = [s.start if s.kind is Kind.CONE else s.centre for s in shapes]
    return float(np.mean([p[0] for p in places])), float(np.mean([p[2] for p in places]))


def _framed(rng: Rng, world: World, target: Point, spread_m: float, steep: bool) -> World:
    """The world seen so that `spread_m` metres around `target` fill the picture's height."""
    aspect = photo_aspect(rng, upright=0.45)
    share = lens(rng, 0.7, 2.2, aspect)
    distance = max(share * aspect * spread_m, 0.3)
    for attempt in range(30):
        down = rng.uniform(0.1, 1.1) if steep and chance(rng, 0.85) else rng.uniform(0.02, 0.5)
        down = max(down, 0.35) if attempt > 15 else down
        turn = rng.normal(0, 0.35 if attempt < 20 else 1.2)
        flat = distance * math.cos(down)
        eye = (
            target[0] - flat * math.sin(turn),
            min(target[1] - distance * math.sin(down), -0.08),
            target[2] - flat * math.cos(turn),
        )
        if free(world.shapes, eye, min(0.12, 0.4 * distance)) and _within(world, eye):
            break
    camera = looking(rng, eye, target, share, aspect, 0.04)
    return replace(world, camera=camera)


def _within(world: World, eye: Point) -> bool:
    """Whether the eye is in the room, if there is one."""
    rooms = [s for s in world.shapes if s.kind is Kind.ROOM]
    return all(holds(replace(room, kind=Kind.BOX), eye, -0.1) for room in rooms)


def close_up(rng: Rng) -> World:
    """One thing, or an animal, as the subject: on a floor, a table, in a street or a garden."""
    thing = (
        animal(rng, (0, 0, 0), rng.uniform(-np.pi, np.pi))
        if chance(rng, 0.08)
        else one_of(rng, PROMINENT)(rng)
    )
    high, reach = extent(thing)
    thing = as_subject(moved(thing, yaw_rad=rng.normal(0, 0.9)))
    spread_m = max(high, 1.5 * reach) * rng.uniform(1.05, 1.8)
    target = (rng.normal(0, 0.15 * reach), -0.48 * high + rng.normal(0, 0.05 * high), 0.0)
    place = rng.random()
    lamps: list[Lamp] = []
    sky = None
    if place < 0.4 or (place < 0.6 and high < 0.12):
        raised = high < 0.5 and chance(rng, 0.6)
        shapes, lamps, ambient = indoors(rng, 0.74 if raised else 0.0)
        if raised:
            shapes += table_top(rng, (rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.6)))
    elif place < 0.6:
        return _elsewhere(rng, thing, target, spread_m)
    elif place < 0.8:
        shapes, ambient = backdrop(rng)
        lamps = [
            Lamp(
                (rng.normal(0, 1.5), -rng.uniform(1, 2.2), -rng.uniform(0.3, 1.8)),
                rng.uniform(0.1, 0.5),
                (4, 3.9, 3.7),
            )
        ]
    else:
        sky, ambient = daylight(rng)
        shapes = surroundings(rng, high)
    world = World(shapes + thing, Camera((0, 0, 0)), sky, lamps, ambient)
    return _framed(rng, world, target, spread_m, steep=chance(rng, 0.5))


def backdrop(rng: Rng) -> tuple[list[Shape], Point]:
    """A studio's sweep of paper or cloth behind the subject, and its light."""
    paper = matter(
        rng,
        tinted(
            rng,
            one_of(rng, ((0.7, 0.7, 0.7), (0.4, 0.4, 0.42), any_colour(rng), (0.05, 0.05, 0.05))),
        ),
        Texture.NOISE,
        rng.uniform(0.1, 1),
        contrast=0.08,
    )
    back = rng.uniform(0.4, 2.0)
    shapes = [
        box((0, 4, 0), (30, 4, 30), paper),
        box((0, 0, back + 1), (30, 12, 2), paper, rng.normal(0, 0.1)),
        limb((-8, -0.05, back), (8, -0.05, back), 0.2, 0.2, paper),
    ]
    level = rng.uniform(0.3, 0.7)
    return shapes, (level, level, level)


def surroundings(rng: Rng, high: float) -> list[Shape]:
    """Grass, sand, paving or stones around a thing, with plants or houses far behind."""
    ground = nature.turf(rng) if chance(rng, 0.45) else made(rng, 0.0)
    shapes = [box((0, 4, 0), (3000, 4, 3000), ground)]
    blades = nature.foliage(rng, tinted(rng, ground.colour, 0.3))
    if ground.texture is Texture.GRASS:
        for _ in range(int(rng.integers(20, 150))):
            x, z = rng.normal(0, 0.6 + high, 2)
            if math.hypot(x, z) > 0.3 * high + 0.15:
                shapes += moved(nature.tuft(rng, rng.uniform(0.03, 0.12), blades), (x, 0, z))
    else:
        for _ in range(int(rng.integers(0, 40))):
            pebble = matter(rng, tinted(rng, one_of(rng, nature.STONES), 0.3))
            x, z, size = (
                rng.normal(0, 1 + high),
                rng.normal(0.5, 1 + high),
                between(rng, 0.005, 0.05),
            )
            shapes.append(ball((x, 0, z), (size, 0.6 * size, size), pebble))
    far = 2.0 + 2 * high
    for _ in range(int(rng.integers(2, 14))):
        z = between(rng, far, 40)
        place = (rng.normal(0, 0.6 * z), 0.0, z)
        make = (
            nature.bush(rng, rng.uniform(0.4, 1.6), 0.7)
            if chance(rng, 0.55)
            else nature.tree(rng, rng.uniform(3, 9), 0.4)
        )
        shapes += moved(make, place)
    if chance(rng, 0.4):
        front = rng.uniform(far + 1, 15)
        for x in (-11, 0, 11):
            shapes += moved(streets.facade(rng, 11, rng.uniform(4, 9), 8, True), (x, 0, front))
    return shapes


def _elsewhere(rng: Rng, thing: list[Shape], target: Point, spread_m: float) -> World:
    """The thing set down in a street, on a square, in a garden or on a beach."""
    place = one_of(rng, (streets.street, streets.square, nature.garden, nature.beach))(rng)
    x, _, z = place.camera.eye
    at = (x, streets.ground_below(place, place.camera.eye), z)
    shapes = without(place.shapes, [(x, at[1] - 1.0, z)], 1.5 * spread_m + 0.4)
    home = moved(nature.unmarked(shapes), (-at[0], -at[1], -at[2]))
    world = replace(place, shapes=home + thing)
    return _framed(rng, world, target, spread_m, steep=chance(rng, 0.5))
