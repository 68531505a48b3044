"""The scenes of `make fidelity`: textured planes whose lens pictures `oracle` knows exactly.

Each shows one thing that renderers get wrong, and each is looked at through two or three
lenses. Nothing is a photo; everything follows from fixed seeds. Lengths are shares of the
picture's height, so a scene looks the same at any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.evaluation.oracle import (
    COLOUR_TEXELS,
    MATTE_TEXELS,
    Array,
    Light,
    PlaneScene,
    Surface,
)

Matte = NDArray[np.uint8]
Rgb = tuple[float, float, float]
Points = NDArray[np.float64]

MARGIN = 0.15
"""Mattes are drawn this far past the frame: blur brings the outside in."""
FRACTION_BITS = 4
"""OpenCV draws at places given in 1/16 texel."""
FONT, CAPITAL_PX = cv2.FONT_HERSHEY_SIMPLEX, 21
"""The lettering, and how high its capitals are at OpenCV's size 1."""
OCTAVES = (0.25, 0.06, 0.02, 0.006)
"""Sizes of the texture's grains."""


@dataclass(frozen=True)
class Lens:
    """A setting: `focus_inverse` in 1/m; `blur` is the diameter per 1/m, a share of the height."""

    name: str
    focus_inverse: float
    blur: float


@dataclass(frozen=True, eq=False)
class Example:
    """A scene, what it is there for, and the lenses that look at it."""

    name: str
    shows: str
    scene: PlaneScene
    lenses: tuple[Lens, ...]


class Drawing:
    """The picture's height in px, and a seeded source of chance; draws mattes and colours."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height = width, height
        self.aspect = width / height
        self.rng = np.random.default_rng(seed)

    def surface(
        self, inverse: float | tuple[float, float, float], colour: Array, matte: Matte | None = None
    ) -> Surface:
        """A plane facing the lens, or one of slopes in 1/m per height right and down."""
        at_zero, right, down = inverse if isinstance(inverse, tuple) else (inverse, 0.0, 0.0)
        return Surface(
            (at_zero, right / self.height, down / self.height),
            colour,
            np.full((1, 1), 255, np.uint8) if matte is None else matte,
            (-MARGIN * self.height, -MARGIN * self.height),
        )

    def colour(self, base: Rgb, contrast: float, tint: float = 0.15) -> Array:
        """Grains of `OCTAVES` around `base`, as strong in ratio as `contrast`; it repeats."""
        side = 64 * max(1, round(self.height * COLOUR_TEXELS * 0.6 / 64))
        light = np.zeros((side, side, 3), np.float32)
        for octave in OCTAVES:
            cells = max(2, round(side / (octave * self.height * COLOUR_TEXELS)))
            grey = self.rng.normal(size=(cells, cells, 1))
            hues = self.rng.normal(size=(cells, cells, 3))
            light += _repeating((grey + tint * hues).astype(np.float32), side)
        return np.asarray(np.array(base, np.float32) * np.exp(contrast * light), np.float32)

    def blank(self) -> Matte:
        """An empty matte of the frame and its margin."""
        texels = self.height * MATTE_TEXELS
        return np.zeros(
            (round((1 + 2 * MARGIN) * texels), round((self.aspect + 2 * MARGIN) * texels)), np.uint8
        )

    def texels(self, points: Points | list[tuple[float, float]]) -> NDArray[np.int32]:
        """Places in the frame (shares of the height) as OpenCV draws them on a matte."""
        scale = self.height * MATTE_TEXELS * (1 << FRACTION_BITS)
        return np.rint((np.asarray(points, np.float64) + MARGIN) * scale).astype(np.int32)

    def fill(self, matte: Matte, outline: Points | list[tuple[float, float]]) -> None:
        cv2.fillPoly(matte, [self.texels(outline)], 255, cv2.LINE_AA, FRACTION_BITS)

    def ellipse(self, matte: Matte, centre: tuple[float, float], axes: tuple[float, float]) -> None:
        angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
        self.fill(matte, np.stack([np.cos(angle), np.sin(angle)], 1) * axes + centre)

    def stroke(self, matte: Matte, line: Points, width: float) -> None:
        """A line of even width in shares of the height, hair or twig or wire."""
        texels = max(1, round(width * self.height * MATTE_TEXELS))
        cv2.polylines(matte, [self.texels(line)], False, 255, texels, cv2.LINE_AA, FRACTION_BITS)

    def leaf(self, matte: Matte, foot: Points, length: float, angle: float) -> None:
        """Two arcs that meet in points, from its foot in the direction of `angle`."""
        along = np.linspace(0, 1, 24)
        half = 0.28 * np.sin(np.pi * along**0.8)
        outline = np.concatenate([np.stack([along, half], 1), np.stack([along, -half], 1)[::-1]])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        self.fill(matte, foot + length * (outline @ turn))

    def lettering(
        self, matte: Matte, word: str, foot: tuple[float, float], size: float, width: float
    ) -> None:
        """A word whose capitals are about `size` high; `foot` is its lower left corner."""
        texels = self.height * MATTE_TEXELS
        corner = (round((foot[0] + MARGIN) * texels), round((foot[1] + MARGIN) * texels))
        scale, thick = size * texels / CAPITAL_PX, round(width * texels)
        cv2.putText(matte, word, corner, FONT, scale, 255, thick, cv2.LINE_AA)


def _repeating(cells: Array, side: int) -> Array:
    """Cells (n, n, C) enlarged smoothly to (side, side, C), so that the edges fit each other."""
    around = np.pad(cells, ((2, 2), (2, 2), (0, 0)), "wrap")
    scale = side / len(cells)
    place = ((np.arange(side, dtype=np.float32) + 0.5) / np.float32(scale) + 1.5).astype(np.float32)
    return np.asarray(
        cv2.remap(around, *np.meshgrid(place, place), interpolation=cv2.INTER_CUBIC),
        np.float32,
    )


def _with_panels(draw: Drawing, colour: Array, count: int) -> Array:
    """Posters on a wall: rectangles of even colour with stripes, edges as hard as can be."""
    side = len(colour)
    for _ in range(count):
        top, left = draw.rng.integers(0, side * 3 // 4, 2)
        height, width = draw.rng.integers(side // 12, side // 4, 2)
        panel = colour[top : top + height, left : left + width]
        panel[:] = draw.rng.uniform(0.02, 0.9, 3)
        stripe = max(2, int(draw.rng.integers(side // 200 + 1, side // 60 + 3)))
        panel[:: 2 * stripe] *= np.float32(0.3)
    return colour


def _printed(draw: Drawing, paper: Rgb, ink: Rgb, line: float) -> Array:
    """A page of lettering that goes on for ever; `line` is the distance of its lines."""
    side = 64 * max(1, round(draw.height * COLOUR_TEXELS * 0.8 / 64))
    lines = max(3, round(side / (line * draw.height * COLOUR_TEXELS)))
    page = np.zeros((side, side), np.uint8)
    letters = "focus depth lens aperture plane light 0123456789"
    for row in range(lines):
        size = 0.7 * side / lines / CAPITAL_PX
        start = int(draw.rng.integers(0, len(letters)))
        text = (letters[start:] + " " + letters) * 2
        place = (0, round((row + 0.7) * side / lines))
        thick = max(1, round(size * 2))
        cv2.putText(page, text, place, FONT, size, 255, thick, cv2.LINE_AA)
    share = (page / np.float32(255))[..., None]
    return np.asarray(
        np.array(paper, np.float32) * (1 - share) + np.array(ink, np.float32) * share, np.float32
    )


def portrait(width: int, height: int) -> Example:
    draw = Drawing(width, height, 1)
    middle = draw.aspect / 2
    wall_inverse, figure_inverse = 0.15, 1.0
    wall = _with_panels(draw, draw.colour((0.16, 0.18, 0.22), 0.25), 9)
    figure, hair = draw.blank(), draw.blank()
    draw.ellipse(figure, (middle, 0.44), (0.17, 0.25))
    draw.ellipse(figure, (middle, 1.12), (0.46, 0.44))
    along = np.linspace(0, 1, 12)[:, None]
    for _ in range(130):
        angle = draw.rng.uniform(np.pi * 0.9, np.pi * 2.1)
        away = np.array([np.cos(angle), np.sin(angle)])
        foot = np.array([middle, 0.4]) + away * (0.15, 0.2)
        fall = np.array([draw.rng.normal(0, 0.06), draw.rng.uniform(-0.05, 0.3)])
        strand = foot + along * away * draw.rng.uniform(0.05, 0.2) + along**2 * fall
        draw.stroke(hair, strand, float(draw.rng.uniform(0.0008, 0.003)))
    surfaces = (
        draw.surface(wall_inverse, wall),
        draw.surface(figure_inverse * 0.97, draw.colour((0.07, 0.035, 0.02), 0.3), hair),
        draw.surface(figure_inverse, draw.colour((0.45, 0.27, 0.2), 0.15), figure),
    )
    lights = tuple(
        Light(
            float(draw.rng.uniform(0, draw.aspect) * height),
            float(draw.rng.uniform(0, 0.7) * height),
            wall_inverse,
            tuple(draw.rng.uniform(0.5, 1.0, 3) * 200 * (height / 512) ** 2),
            0.002 * height,
        )
        for _ in range(14)
    )
    return Example(
        "portrait",
        "a head with loose hair before a wall with lamps",
        PlaneScene(width, height, surfaces, lights),
        (
            Lens("figure, wide open", 1.0, 0.09),
            Lens("figure, stopped down", 1.0, 0.03),
            Lens("wall", 0.15, 0.09),
        ),
    )


def ground(width: int, height: int) -> Example:
    draw = Drawing(width, height, 2)
    horizon = 0.3
    plane = (-horizon * 1.4 + 0.02, 0.0, 1.4)
    floor = draw.blank()
    draw.fill(floor, [(-1, horizon), (draw.aspect + 1, horizon), (draw.aspect + 1, 2), (-1, 2)])
    surfaces = [
        draw.surface(0.02, draw.colour((0.3, 0.4, 0.6), 0.25)),
        draw.surface(plane, draw.colour((0.2, 0.19, 0.15), 0.3), floor),
    ]
    for share in (0.1, 0.25, 0.45, 0.7, 1.0):
        foot = horizon + 0.62 * share
        inverse = plane[0] + plane[2] * foot
        post = draw.blank()
        for x in (draw.aspect / 2 - 0.62 * share - 0.05, draw.aspect / 2 + 0.55 * share):
            half, top = 0.035 * share, foot - 0.75 * share
            draw.fill(post, [(x - half, top), (x + half, top), (x + half, foot), (x - half, foot)])
        for rail in (0.25, 0.5):
            level = foot - rail * share
            ends = (draw.aspect / 2 - 0.62 * share - 0.05, draw.aspect / 2 + 0.55 * share)
            draw.stroke(post, np.array([(x, level) for x in ends]), 0.008 * share)
        tone = tuple(float(v) for v in draw.rng.uniform(0.03, 0.6, 3))
        surfaces.append(draw.surface(inverse, draw.colour((tone[0], tone[1], tone[2]), 0.2), post))
    return Example(
        "ground",
        "ground through all distances, posts and rails standing on it",
        PlaneScene(width, height, tuple(surfaces)),
        (Lens("near", 0.8, 0.1), Lens("middle", 0.4, 0.1), Lens("far", 0.05, 0.1)),
    )


def leaves(width: int, height: int) -> Example:
    draw = Drawing(width, height, 3)
    surfaces = [draw.surface(0.1, _with_panels(draw, draw.colour((0.25, 0.2, 0.12), 0.25), 6))]
    for inverse in (0.3, 0.5, 0.75, 1.0, 1.4, 1.9):
        twig = draw.blank()
        for _ in range(max(2, round(9 - 3 * inverse))):
            start = draw.rng.uniform((-0.1, -0.1), (draw.aspect + 0.1, 1.1))
            turn = draw.rng.uniform(0, 2 * np.pi)
            length = 0.25 + 0.15 * inverse
            bend = np.linspace(0, 1, 10)[:, None]
            away = np.array([np.cos(turn), np.sin(turn)])
            line = start + bend * length * away + bend**2 * draw.rng.normal(0, 0.05, 2)
            draw.stroke(twig, line, 0.004 * inverse)
            for foot in line[1::2]:
                draw.leaf(twig, foot, 0.12 * inverse**0.7, turn + float(draw.rng.normal(0, 0.9)))
        green = (0.06 + 0.05 * float(draw.rng.random()), 0.16, 0.03)
        surfaces.append(draw.surface(inverse, draw.colour(green, 0.2), twig))
    return Example(
        "leaves",
        "leaves and twigs at six depths, the nearest right before the lens",
        PlaneScene(width, height, tuple(surfaces)),
        (Lens("near", 1.4, 0.055), Lens("middle", 0.5, 0.055), Lens("far", 0.1, 0.055)),
    )


def two_planes(width: int, height: int) -> Example:
    draw = Drawing(width, height, 4)
    front = draw.blank()
    down = np.linspace(-0.2, 1.2, 60)
    edge = np.stack([draw.aspect * 0.45 + 0.08 * np.sin(7 * down) + 0.02 * np.sin(41 * down), down])
    draw.fill(front, np.concatenate([edge.T, [(-1.0, 1.2), (-1.0, -0.2)]]))
    surfaces = (
        draw.surface(0.2, draw.colour((0.15, 0.25, 0.5), 0.3)),
        draw.surface(1.0, draw.colour((0.5, 0.2, 0.1), 0.3), front),
    )
    return Example(
        "two planes",
        "one edge, waved, between two textures",
        PlaneScene(width, height, surfaces),
        (Lens("front", 1.0, 0.1), Lens("back", 0.2, 0.1), Lens("between", 0.6, 0.15)),
    )


def ramp(width: int, height: int) -> Example:
    draw = Drawing(width, height, 5)
    plane = (0.2, 0.5 / draw.aspect, 0.4)
    return Example(
        "ramp",
        "one plane through all distances, no edge in it",
        PlaneScene(width, height, (draw.surface(plane, draw.colour((0.3, 0.3, 0.25), 0.35)),)),
        (Lens("middle", 0.65, 0.12), Lens("far", 0.25, 0.08)),
    )


def text(width: int, height: int) -> Example:
    draw = Drawing(width, height, 6)
    letters = draw.blank()
    for word, y in (("SHARP", 0.42), ("edges", 0.85)):
        draw.lettering(letters, word, (0.1, y), size=0.25, width=0.035)
    surfaces = (
        draw.surface(
            (0.1, 0.25, 0.0), _printed(draw, (0.75, 0.73, 0.68), (0.02, 0.02, 0.03), 0.05)
        ),
        draw.surface(1.0, draw.colour((0.5, 0.06, 0.05), 0.2), letters),
    )
    return Example(
        "text",
        "letters cut out before a slanted printed page",
        PlaneScene(width, height, surfaces),
        (Lens("letters", 1.0, 0.07), Lens("page", 0.3, 0.07)),
    )


EXAMPLES: dict[str, Callable[[int, int], Example]] = {
    "portrait": portrait,
    "ground": ground,
    "leaves": leaves,
    "two planes": two_planes,
    "ramp": ramp,
    "text": text,
}
