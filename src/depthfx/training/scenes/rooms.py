"""Rooms and corridors with what stands in them, and portraits taken there.

A room is x in [-width/2, width/2], z in [0, depth]; furniture stands along its walls and in
its middle without meeting, windows and lamps light it, and the camera is held as people hold
one. All lengths are metres; everything follows from the generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes import furniture as f
from depthfx.training.scenes.figures import animal, person, portrait
from depthfx.training.scenes.forms import (
    Rng,
    any_colour,
    as_subject,
    box,
    chance,
    drum,
    holds,
    lens,
    limb,
    matter,
    moved,
    one_of,
    photo_aspect,
    tinted,
)
from depthfx.training.scenes.limbs import bounds
from depthfx.training.scenes.world import (
    Camera,
    Kind,
    Lamp,
    Point,
    Shape,
    Surface,
    Texture,
    World,
    axes_of,
)

Thing = Callable[[Rng], list[Shape]]
Bounds = NDArray[np.float64]
"""(6,) lowest x, y, z and highest x, y, z."""

CLEAR_M = 0.4
"""Nothing is nearer to the camera than this along its view."""
WALLS: tuple[Point, ...] = (
    (0.7, 0.68, 0.63), (0.62, 0.57, 0.47), (0.55, 0.62, 0.66), (0.5, 0.55, 0.42), (0.65, 0.48, 0.4),
    (0.75, 0.74, 0.72), (0.3, 0.33, 0.36),
)  # fmt: skip


def dining(rng: Rng) -> list[Shape]:
    """A table with chairs pushed up to it, or not."""
    shapes = f.table(rng)
    half = shapes[0].half
    style = int(rng.integers(1 << 30))
    for side in (-1, 1):
        for k in range(int(rng.integers(0, 3 if half[0] > 0.6 else 2))):
            away = half[2] + rng.uniform(0.05, 0.5)
            at = ((k - 0.5) * min(0.6, half[0]), 0.0, -half[2] + side * away)
            turn = (0.0 if side > 0 else math.pi) + rng.normal(0, 0.2)
            # Chairs of a set look alike: drawn from the same seed.
            shapes += moved(f.chair(np.random.default_rng(style)), at, turn)
    return shapes


@dataclass(frozen=True)
class Theme:
    """What a kind of room holds."""

    along: tuple[Thing, ...]
    middle: tuple[Thing, ...]
    hung: tuple[Thing, ...]
    must: tuple[Thing, ...] = ()
    tiled: bool = False


HOME_WALLS = (f.picture, f.picture, f.wall_shelf, f.radiator)
THEMES: dict[str, tuple[float, Theme]] = {
    "living": (0.27, Theme(
        (f.sofa, f.shelf, f.cupboard, f.television, f.plant, f.floor_lamp, f.sofa, f.bag, f.chair,
         f.toys, f.desk),
        (f.coffee_table, dining, f.sofa, f.toys), HOME_WALLS, (f.sofa,))),
    "kitchen": (0.17, Theme(
        (f.fridge, f.cupboard, f.shelf, f.stool, f.bin_, f.plant, f.bag),
        (dining, dining, f.stool), (f.picture, f.wall_shelf, f.coats),
        (f.kitchen_row, f.kitchen_row))),
    "bedroom": (0.17, Theme(
        (f.cupboard, f.cupboard, f.shelf, f.chair, f.desk, f.plant, f.floor_lamp, f.bag, f.pile,
         f.clothes_rail),
        (f.toys, f.bag, f.stool), HOME_WALLS, (f.bed,))),
    "bathroom": (0.1, Theme(
        (f.cupboard, f.bin_, f.stool, f.shelf, f.pile, f.plant),
        (), (f.wall_shelf, f.pipes, f.radiator, f.coats),
        (f.toilet, f.washbasin, f.bathtub), tiled=True)),
    "office": (0.13, Theme(
        (f.desk, f.desk, f.desk, f.shelf, f.cupboard, f.plant, f.pile, f.bin_, f.coats),
        (f.desk, f.office_chair, dining), (f.notice_board, f.picture, f.pipes), (f.desk,))),
    "class": (0.06, Theme(
        (f.shelf, f.cupboard, f.plant, f.pile, f.lockers), (f.school_desk,) * 4,
        (f.notice_board, f.picture, f.coats), ())),
    "shop": (0.06, Theme(
        (f.shop_rack, f.shop_rack, f.shop_rack, f.counter, f.clothes_rail, f.pile),
        (f.shop_rack, f.clothes_rail, f.counter), (f.picture, f.notice_board, f.pipes),
        (f.shop_rack,))),
    "store": (0.04, Theme(
        (f.bicycle, f.pile, f.pile, f.shelf, f.trolley, f.bin_, f.table, f.cupboard),
        (f.bicycle, f.pile, f.table), (f.pipes, f.coats, f.wall_shelf), ())),
}  # fmt: skip
"""Kinds of rooms: how often each occurs, and what it holds."""


def bounds_of(shapes: Sequence[Shape]) -> Bounds:
    """(6,) box around all of them, along the world's axes."""
    all_ = bounds(shapes)
    return np.concatenate([all_[:, :3].min(0), all_[:, 3:].max(0)])


@dataclass
class Layout:
    """A floor being furnished: pieces with the boxes that they take up."""

    low: Point
    high: Point
    """Opposite corners of the room; y = 0 is the floor, `low[1]` the ceiling."""
    pieces: list[tuple[Bounds, list[Shape]]] = field(default_factory=list)
    kept: list[Bounds] = field(default_factory=list)
    """Boxes that must stay empty: before doors, under openings."""

    def fits(self, around: Bounds, gap_m: float = 0.03) -> bool:
        """Whether a piece with this box is in the room and meets no other."""
        if (around[:3] < np.array(self.low) - 0.03).any() or (
            around[3:] > np.array(self.high) + 0.03
        ).any():
            return False
        others = [b for b, _ in self.pieces] + self.kept
        return not any(
            ((around[:3] < o[3:] + gap_m) & (o[:3] < around[3:] + gap_m)).all() for o in others
        )

    def put(self, shapes: list[Shape], to: Point, yaw_rad: float) -> bool:
        """Place a piece if it fits; whether it did."""
        placed = moved(shapes, to, yaw_rad)
        around = bounds_of(placed)
        if not self.fits(around):
            return False
        self.pieces.append((around, placed))
        return True

    def against(
        self, rng: Rng, shapes: list[Shape], wall: int | None = None, tries: int = 6
    ) -> bool:
        """Place a piece with its back to a wall: 0 far, 1 right, 2 near, 3 left."""
        own = bounds_of(shapes)
        for _ in range(tries):
            side = int(rng.integers(4)) if wall is None else wall
            share = rng.uniform(0.0, 1.0) if chance(rng, 0.7) else float(rng.integers(2))
            x = _between(self.low[0] - own[0], self.high[0] - own[3], share)
            z = _between(self.low[2] - own[0], self.high[2] - own[3], share)
            to, yaw = (
                ((x, 0.0, self.high[2]), 0.0),
                ((self.high[0], 0.0, z), math.pi / 2),
                ((x, 0.0, self.low[2]), math.pi),
                ((self.low[0], 0.0, z), -math.pi / 2),
            )[side]
            if self.put(shapes, to, yaw):
                return True
        return False

    def somewhere(self, rng: Rng, shapes: list[Shape], tries: int = 6) -> bool:
        """Place a piece in the middle, mostly along the walls' directions."""
        for _ in range(tries):
            yaw = float(rng.integers(4)) * math.pi / 2 + (
                rng.normal(0, 0.5) if chance(rng, 0.3) else 0.0
            )
            to = (
                rng.uniform(self.low[0], self.high[0]),
                0.0,
                rng.uniform(self.low[2], self.high[2]),
            )
            if self.put(shapes, to, yaw):
                return True
        return False

    @property
    def shapes(self) -> list[Shape]:
        """All that was placed."""
        return [shape for _, piece in self.pieces for shape in piece]


def _between(low: float, high: float, share: float) -> float:
    return float(low + (high - low) * share)


def _floor(rng: Rng, tiled: bool, public: bool = False) -> Surface:
    draw = rng.random()
    if tiled or draw < 0.2:
        colour = tinted(rng, one_of(rng, ((0.5, 0.48, 0.44), (0.2, 0.2, 0.2), (0.45, 0.3, 0.2))))
        return matter(
            rng,
            colour,
            Texture.TILES,
            rng.uniform(0.15, 0.6),
            gloss=rng.uniform(0.2, 0.8),
            contrast=0.15,
        )
    if public or draw < 0.35:
        colour = tinted(
            rng,
            one_of(rng, ((0.4, 0.4, 0.38), (0.2, 0.25, 0.3), (0.35, 0.28, 0.2), (0.3, 0.32, 0.26))),
        )
        kind = one_of(rng, (Texture.SPECKLE, Texture.NOISE, Texture.CHECKS))
        return matter(
            rng, colour, kind, rng.uniform(0.05, 0.5), gloss=rng.uniform(0.2, 0.85), contrast=0.12
        )
    if draw < 0.8:
        return matter(
            rng,
            tinted(rng, one_of(rng, f.WOODS)),
            Texture.WOOD,
            rng.uniform(0.07, 0.16),
            gloss=rng.uniform(0.1, 0.6),
        )
    return matter(rng, any_colour(rng), Texture.FABRIC, 0.02, contrast=0.2)


def _shell(rng: Rng, low: Point, high: Point, tiled: bool, public: bool = False) -> list[Shape]:
    """Walls, floor, ceiling, skirting; perhaps one wall of its own colour or a panelled half."""
    width, depth, height = high[0] - low[0], high[2] - low[2], -low[1]
    x, z = (low[0] + high[0]) / 2, (low[2] + high[2]) / 2
    colour = tinted(rng, one_of(rng, WALLS), 0.15)
    kind = one_of(
        rng, (Texture.NOISE, Texture.NOISE, Texture.NOISE, Texture.STRIPES, Texture.SPECKLE)
    )
    wall = matter(rng, colour, kind, rng.uniform(0.05, 0.6), contrast=rng.choice([0.03, 0.12]))
    if chance(rng, 0.06):
        wall = matter(rng, (0.4, 0.2, 0.14), Texture.BRICKS, 0.25)
    ceiling = matter(
        rng,
        tinted(rng, f.WHITE, 0.08),
        one_of(rng, (Texture.NOISE, Texture.NOISE, Texture.TILES)),
        0.6,
        contrast=0.05,
    )
    if chance(rng, 0.06):
        ceiling = matter(rng, one_of(rng, f.WOODS), Texture.WOOD, 0.12)
    half = (width / 2, height / 2 + 0.05, depth / 2)
    shapes = [
        Shape(Kind.ROOM, half, (x, -height / 2, z), surface=wall),
        box((x, 0.04, z), (width, 0.04, depth), _floor(rng, tiled, public)),
        box((x, -height, z), (width, 0.04, depth), ceiling),
    ]
    skirt = matter(
        rng, f.WHITE if chance(rng, 0.6) else one_of(rng, f.WOODS), gloss=0.3, contrast=0.05
    )
    up = one_of(rng, (0.06, 0.08, 0.12)) if chance(rng, 0.85) else 0.0
    layers = [(up, 0.012, skirt)] if up else []
    if tiled:
        tile = matter(
            rng,
            tinted(rng, f.WHITE, 0.3),
            Texture.TILES,
            rng.uniform(0.08, 0.3),
            gloss=0.5,
            contrast=0.08,
        )
        layers.append((rng.uniform(1.2, 2.1), 0.008, tile))
    elif chance(rng, 0.6 if public else 0.12):
        panel = matter(
            rng, any_colour(rng), Texture.NOISE, 0.5, gloss=rng.uniform(0.1, 0.6), contrast=0.06
        )
        layers.append((rng.uniform(0.9, 1.4), 0.006, panel))
    for top, thick, surface in layers:
        for side in (low[0], high[0]):
            shapes.append(box((side, 0, z), (2 * thick, top, depth), surface))
        for end in (low[2], high[2]):
            shapes.append(box((x, 0, end), (width, top, 2 * thick), surface))
    if chance(rng, 0.2):
        accent = matter(rng, any_colour(rng), Texture.NOISE, 0.5, contrast=0.06)
        shapes.append(box((x, 0, high[2]), (width, height, 0.004), accent))
    return shapes


def _opening(rng: Rng, low: Point, high: Point) -> tuple[list[Shape], Bounds]:
    """The far wall with a doorway or a wide opening, and the space before and in it."""
    width, height = high[0] - low[0], -low[1]
    gap = min(one_of(rng, (0.9, 0.9, 1.4, 2.2)), width - 0.6)
    top = 2.05 if gap < 1 or chance(rng, 0.5) else height - 0.25
    at = rng.uniform(low[0] + gap / 2 + 0.2, high[0] - gap / 2 - 0.2)
    z, thick = high[2] + 0.06, 0.12
    wall = matter(rng, tinted(rng, one_of(rng, WALLS), 0.15), Texture.NOISE, 0.5, contrast=0.06)
    shapes = [
        box(((low[0] + at - gap / 2) / 2, 0, z), (at - gap / 2 - low[0], height, thick), wall),
        box(((high[0] + at + gap / 2) / 2, 0, z), (high[0] - at - gap / 2, height, thick), wall),
        box((at, -top, z), (gap, height - top, thick), wall),
    ]
    frame = matter(
        rng, f.WHITE if chance(rng, 0.7) else one_of(rng, f.WOODS), gloss=0.3, contrast=0.05
    )
    if chance(rng, 0.8):
        shapes += [box((at + s * gap / 2, 0, z), (0.06, top, thick + 0.04), frame) for s in (-1, 1)]
        shapes.append(box((at, -top, z), (gap, 0.06, thick + 0.04), frame))
    if gap < 1 and chance(rng, 0.6):
        leaf = moved(f.door(rng, frame)[:1], (0.0, 0.0, 0.0))
        swing, side = rng.uniform(1.2, 2.6), float(rng.choice([-1, 1]))
        hinged = moved(leaf, (-gap / 2, 0, 0))
        turned = moved(hinged, (0, 0, 0), swing)
        turned = turned if side > 0 else _mirrored(turned)
        shapes += moved(turned, (at + side * gap / 2, 0, z - 0.06))
    kept = np.array([at - gap / 2, -height, high[2] - 0.8, at + gap / 2, 0, high[2] + 1])
    return shapes, kept


def _mirrored(shapes: Sequence[Shape]) -> list[Shape]:
    """Boxes seen in a mirror at x = 0."""
    return [
        replace(
            s,
            centre=(-s.centre[0], s.centre[1], s.centre[2]),
            turn_rad=(-s.turn_rad[0], s.turn_rad[1], s.turn_rad[2]),
        )
        for s in shapes
    ]


def _warm(rng: Rng, strength: float) -> Point:
    """The colour of a lamp or a window's light."""
    tint = one_of(rng, ((1.0, 0.95, 0.88), (1.0, 0.82, 0.6), (0.9, 0.97, 1.05), (1.0, 0.9, 0.75)))
    return (tint[0] * strength, tint[1] * strength, tint[2] * strength)


def _ceiling_lamps(
    rng: Rng, low: Point, high: Point, public: bool
) -> tuple[list[Shape], list[Lamp]]:
    """A pendant in the middle, or panels or tubes in rows; some are off."""
    height, shapes, lamps = -low[1], [], []
    glow = rng.uniform(1.5, 5.0)
    if not public:
        x, z = (
            (low[0] + high[0]) / 2 + rng.normal(0, 0.3),
            (low[2] + high[2]) / 2 + rng.normal(0, 0.4),
        )
        drop, on = rng.uniform(0.05, 0.9), chance(rng, 0.65)
        radius = rng.uniform(0.08, 0.24)
        shade = matter(rng, (0.8, 0.75, 0.65), glow=glow if on else 0.0)
        shapes.append(
            limb((x, -height, z), (x, -height + drop, z), 0.006, 0.006, matter(rng, f.BLACK))
        )
        shapes.append(
            Shape(
                Kind.ELLIPSOID,
                (radius, radius * rng.uniform(0.4, 1), radius),
                (x, -height + drop + radius * 0.5, z),
                surface=shade,
            )
        )
        if on:
            below = (x, -height + drop + 0.12 + radius * 1.6, z)
            lamps.append(Lamp(below, 0.06, _warm(rng, rng.uniform(1.5, 5))))
        return shapes, lamps
    panel, colour = matter(rng, (0.85, 0.85, 0.82), glow=glow), _warm(rng, rng.uniform(1.2, 3.0))
    along, across = one_of(rng, ((1.2, 0.15), (0.6, 0.6), (1.2, 0.3), (0.25, 0.25)))
    rows = 1 if high[0] - low[0] < 3.5 else 2
    step = rng.uniform(1.8, 3.2)
    for z in np.arange(low[2] + 0.9, high[2] - 0.3, step).tolist():
        for k in range(rows):
            x = (low[0] + high[0]) / 2 + (k - (rows - 1) / 2) * (high[0] - low[0]) / 2
            shapes.append(box((x, 0.03 - height, z), (across, 0.03, along), panel))
            lamps.append(Lamp((x, -height + 0.14, z), 0.08, colour))
    # A handful of lamps light a long corridor as well as all of them, and are cast faster.
    keep = np.unique(np.linspace(0, len(lamps) - 1, min(len(lamps), 4)).astype(int))
    return shapes, [lamps[i] for i in keep]


def _windows(rng: Rng, layout: Layout, count: int) -> list[Lamp]:
    """Windows in the walls, each with its light before it."""
    lamps = []
    night = chance(rng, 0.12)
    for _ in range(count):
        wall = int(rng.integers(4))
        if not layout.against(rng, f.window(rng), wall):
            continue
        around = layout.pieces[-1][0]
        inward = ((0, -1), (-1, 0), (0, 1), (1, 0))[wall]
        x, y, z = ((around[:3] + around[3:]) / 2).tolist()
        if not night:
            at = (x + 0.45 * inward[0], min(y, -1.3), z + 0.45 * inward[1])
            lamps.append(Lamp(at, 0.3, _warm(rng, rng.uniform(2, 7))))
    return lamps


def _carpet(rng: Rng, low: Point, high: Point) -> list[Shape]:
    """A carpet somewhere on the floor."""
    width, depth = rng.uniform(0.8, 2.4), rng.uniform(1.0, 3.0)
    x, z = rng.uniform(low[0], high[0]) * 0.5, rng.uniform(low[2] + 0.8, high[2] - 0.8)
    kind = one_of(rng, (Texture.FABRIC, Texture.STRIPES, Texture.CHECKS, Texture.PICTURE))
    surface = matter(rng, any_colour(rng), kind, rng.uniform(0.05, 0.3), other=any_colour(rng))
    if chance(rng, 0.25):
        return [drum((x, 0, z), width / 2, 0.012, surface)]
    return [box((x, 0, z), (width, 0.012, depth), surface, rng.normal(0, 0.15))]


def _furnish(rng: Rng, layout: Layout, theme: Theme, fullness: float) -> None:
    """Fill a layout: what the room must have, then along the walls, on them, in the middle."""
    area = (layout.high[0] - layout.low[0]) * (layout.high[2] - layout.low[2])
    for thing in theme.must:
        layout.against(rng, thing(rng), tries=12)
    for _ in range(int(fullness * (3 + area * 0.45))):
        layout.against(rng, one_of(rng, theme.along)(rng))
    for _ in range(int(rng.integers(2, 8))):
        layout.against(rng, one_of(rng, theme.hung)(rng))
    if theme.middle:
        for _ in range(int(fullness * (1 + area / 6))):
            layout.somewhere(rng, one_of(rng, theme.middle)(rng))
    for _ in range(int(rng.integers(0, 5))):
        layout.somewhere(
            rng, one_of(rng, (f.bag, f.pile, f.toys, f.bin_, f.stool, f.plant))(rng), tries=3
        )


@dataclass(frozen=True)
class Place:
    """A room without anybody in it."""

    fixed: list[Shape]
    layout: Layout
    lamps: list[Lamp]
    ambient: Point

    @property
    def shapes(self) -> list[Shape]:
        """All shapes of it."""
        return self.fixed + self.layout.shapes


def _empty_room(rng: Rng, smallest_m: float = 2.4) -> Place:
    """A furnished room of any theme; in four of ten one sees into the next room."""
    names = list(THEMES)
    shares = np.array([THEMES[name][0] for name in names])
    name = str(rng.choice(names, p=shares / shares.sum()))
    theme = THEMES[name][1]
    public = name in ("office", "class", "shop", "store")
    large = 1.6 if name in ("class", "shop") else 1.0
    if name == "bathroom":
        width, depth = (
            rng.uniform(max(1.8, smallest_m), 3.0),
            rng.uniform(max(2.2, smallest_m), 3.6),
        )
    else:
        width, depth = (rng.uniform(smallest_m + 0.3, 6.0) * large for _ in range(2))
    height = rng.uniform(2.35, 3.0) * (1.1 if large > 1 else 1.0)
    low, high = (-width / 2, -height, 0.0), (width / 2, 0.0, depth)
    layout, fixed, beyond = Layout(low, high), [], 0.0
    if chance(rng, 0.4):
        beyond = rng.uniform(1.5, 6.0)
        opening, kept = _opening(rng, low, high)
        fixed += opening
        layout.kept.append(kept)
    far = (high[0], 0.0, depth + beyond)
    fixed += _shell(rng, low, far, theme.tiled, public)
    if beyond:
        next_room = Layout((low[0], low[1], depth + 0.12), far)
        _windows(rng, next_room, int(rng.integers(0, 3)))
        other = THEMES[str(rng.choice(names))][1]
        _furnish(rng, next_room, other, 0.8)
        fixed += next_room.shapes
    if chance(rng, 0.7):
        layout.against(rng, f.door(rng))
    lamps = _windows(rng, layout, int(rng.integers(0 if public else 1, 4)))
    shapes, more = _ceiling_lamps(rng, low, high, public)
    if beyond:
        more.append(
            Lamp((0.0, -height + 0.4, depth + beyond / 2), 0.1, _warm(rng, rng.uniform(1, 5)))
        )
    if name == "class":
        layout.against(rng, f.blackboard(rng))
    _furnish(rng, layout, theme, rng.uniform(0.5, 1.3))
    if not theme.tiled and chance(rng, 0.4):
        fixed += _carpet(rng, low, high)
    level = rng.uniform(0.12, 0.4)
    return Place(fixed + shapes, layout, lamps + more, _warm(rng, level))


def near_shapes(shapes: Sequence[Shape], eye: Point, within_m: float) -> list[Shape]:
    """Those whose boxes come within a distance of `eye`."""
    boxes, at = bounds(shapes), np.array(eye)
    close = np.all((boxes[:, :3] - within_m < at) & (at < boxes[:, 3:] + within_m), axis=1).tolist()
    return [shape for shape, is_close in zip(shapes, close, strict=True) if is_close]


def clear_view(shapes: Sequence[Shape], camera: Camera, clear_m: float = CLEAR_M) -> bool:
    """Whether no shape is at the camera or within `clear_m` along its view."""
    close = near_shapes(shapes, camera.eye, clear_m + 0.1)
    if any(holds(shape, camera.eye, 0.12) for shape in close):
        return False
    turn = axes_of(camera)
    wide, tall = 0.3 / camera.focal_share, 0.3 / camera.focal_share / camera.aspect
    rays = [(x, y) for x in (-wide, 0.0, wide) for y in (-tall, 0.0, tall)]
    for x, y in rays:
        along = turn @ np.array([x, y, 1.0])
        for reach in np.arange(0.1, clear_m + 0.05, 0.1):
            px, py, pz = (np.array(camera.eye) + along * reach).tolist()
            if any(holds(shape, (px, py, pz), 0.01) for shape in close):
                return False
    return True


def share_seen(camera: Camera, shapes: Sequence[Shape]) -> float:
    """Share of the picture that the box around the shapes' picture takes, 0 if out of it."""
    corners = bounds(shapes)
    points = np.concatenate([corners[:, :3], corners[:, 3:]])
    turn = axes_of(camera)
    own = (points - np.array(camera.eye)) @ turn
    own = own[own[:, 2] > 0.1]
    if not len(own):
        return 0.0
    u = np.clip(own[:, 0] / own[:, 2] * camera.focal_share, -0.5, 0.5)
    v = np.clip(own[:, 1] / own[:, 2] * camera.focal_share * camera.aspect, -0.5, 0.5)
    return float(np.ptp(u) * np.ptp(v))


def _held(rng: Rng, low: Point, high: Point) -> Camera:
    """A camera somewhere in the room as people hold one; whether it is free is for the caller."""
    aspect = photo_aspect(rng)
    share = lens(rng, 0.5, 1.5, aspect)
    margin = 0.25
    x, z = (
        rng.uniform(low[0] + margin, high[0] - margin),
        rng.uniform(low[2] + margin, high[2] - margin),
    )
    if chance(rng, 0.65):
        # From near a wall or a corner, as one steps back to get the room in.
        x = (low[0] + margin) if chance(rng, 0.5) else (high[0] - margin)
        if chance(rng, 0.5):
            z = (low[2] + margin) if chance(rng, 0.7) else (high[2] - margin)
    aim = (
        rng.uniform(0.4 * low[0], 0.4 * high[0]),
        _between(low[2], high[2], rng.uniform(0.3, 0.8)),
    )
    yaw = math.atan2(aim[0] - x, aim[1] - z) + rng.normal(0, 0.15)
    up, pitch, roll = rng.uniform(1.1, 1.75), rng.normal(0.07, 0.08), rng.normal(0, 0.02)
    draw = rng.random()
    if draw < 0.12:
        pitch = rng.uniform(0.4, 1.1)
    elif draw < 0.18:
        pitch = -rng.uniform(0.12, 0.45)
    elif draw < 0.28:
        up, pitch = rng.uniform(0.25, 0.8), rng.normal(-0.02, 0.1)
    elif draw < 0.36:
        yaw = rng.uniform(-math.pi, math.pi)
    elif draw < 0.41:
        roll = rng.normal(0, 0.2)
    return Camera(
        (float(x), -float(up), float(z)), float(yaw), float(pitch), float(roll), share, aspect
    )


def _inhabitants(rng: Rng, layout: Layout) -> list[list[Shape]]:
    """Nobody in two of three rooms, else one to three people, perhaps an animal."""
    if not chance(rng, 0.36):
        return []
    makers: list[Callable[[Point, float], list[Shape]]] = []
    for _ in range(int(rng.integers(1, 4))):
        if chance(rng, 0.2):
            makers.append(
                lambda at, yaw: animal(rng, at, yaw, one_of(rng, ("cat", "dog")), subject=False)
            )
        else:
            makers.append(lambda at, yaw: person(rng, at, yaw, subject=False))
    found = []
    for make in makers:
        for _ in range(6):
            at = (
                rng.uniform(layout.low[0] + 0.3, layout.high[0] - 0.3),
                0.0,
                rng.uniform(layout.low[2] + 0.3, layout.high[2] - 0.3),
            )
            shapes = make(at, rng.uniform(0, 2 * math.pi))
            if layout.fits(bounds_of(shapes), 0.0):
                layout.kept.append(bounds_of(shapes))
                found.append(shapes)
                break
    return found


def _marked(camera: Camera, figures: Sequence[list[Shape]]) -> list[Shape]:
    """The figures' shapes; those that take enough of the picture are its subject."""
    shapes: list[Shape] = []
    for figure in figures:
        shapes += as_subject(figure) if share_seen(camera, figure) > 0.06 else figure
    return shapes


def _prominent(rng: Rng, camera: Camera, layout: Layout) -> list[Shape]:
    """One thing on the floor before the camera as the subject, if there is room for it."""
    makers = (
        f.chair,
        f.bag,
        f.plant,
        f.stool,
        f.bicycle,
        f.floor_lamp,
        f.office_chair,
        f.trolley,
        f.sofa,
    )
    thing = moved(one_of(rng, makers)(rng), (0.0, 0.0, 0.3))
    reach = rng.uniform(1.2, 3.0)
    x = camera.eye[0] + reach * math.sin(camera.yaw_rad)
    z = camera.eye[2] + reach * math.cos(camera.yaw_rad)
    placed = moved(thing, (x, 0.0, z), camera.yaw_rad + rng.normal(0, 0.8))
    clear = layout.fits(bounds_of(placed), 0.0)
    return as_subject(placed) if clear and share_seen(camera, placed) > 0.05 else []


def room(rng: Rng) -> World:
    """A furnished room of a house, school, office or shop, seen by somebody in it."""
    place = _empty_room(rng)
    figures = _inhabitants(rng, place.layout)
    everything = place.shapes + [shape for figure in figures for shape in figure]
    camera = _free_camera(
        everything, place.layout, lambda: _held(rng, place.layout.low, place.layout.high)
    )
    if camera is None:
        return room(rng)
    shapes = place.shapes + _marked(camera, figures)
    if not any(shape.subject for shape in shapes) and chance(rng, 0.3):
        shapes += _prominent(rng, camera, place.layout)
    return World(shapes, camera, None, place.lamps, place.ambient)


def _free_camera(
    shapes: Sequence[Shape], layout: Layout, draw: Callable[[], Camera], tries: int = 40
) -> Camera | None:
    """The first camera drawn that has a clear view of something, or None."""
    for _ in range(tries):
        camera = draw()
        if pieces_seen(camera, layout) >= 2 and clear_view(shapes, camera):
            return camera
    return None


def pieces_seen(camera: Camera, layout: Layout) -> int:
    """How many pieces of furniture have their middle in the picture, whatever hides them."""
    if not layout.pieces:
        return 0
    boxes = np.stack([box for box, _ in layout.pieces])
    turn = axes_of(camera)
    own = ((boxes[:, :3] + boxes[:, 3:]) / 2 - np.array(camera.eye)) @ turn
    u = np.abs(own[:, 0]) * camera.focal_share
    v = np.abs(own[:, 1]) * camera.focal_share * camera.aspect
    return int(((own[:, 2] > 0.3) & (u < 0.5 * own[:, 2]) & (v < 0.5 * own[:, 2])).sum())


def _rails(rng: Rng, layout: Layout) -> list[Shape]:
    """Handrails along both sides, behind whatever stands there."""
    surface, up, radius = f.wood(rng), rng.uniform(0.82, 0.95), rng.uniform(0.018, 0.035)
    shapes = []
    for x, inward in ((layout.low[0], 1), (layout.high[0], -1)):
        z = layout.low[2] + 0.2
        while z < layout.high[2] - 0.5:
            end = min(z + rng.uniform(1.5, 4.0), layout.high[2] - 0.1)
            rail = [
                limb(
                    (x + inward * 0.06, -up, z),
                    (x + inward * 0.06, -up, end),
                    radius,
                    radius,
                    surface,
                )
            ]
            rail += [
                limb((x, -up + 0.03, k), (x + inward * 0.06, -up, k), 0.01, 0.01, surface)
                for k in (z + 0.2, end - 0.2)
            ]
            if layout.fits(bounds_of(rail), -0.02):
                shapes += rail
                z = end + 0.05
            else:
                z += 0.4
    return shapes


def _corridor_end(rng: Rng, layout: Layout) -> list[Shape]:
    """A door, a window, two swing doors with panes, or plain wall at the far end."""
    draw = rng.random()
    middle = ((layout.low[0] + layout.high[0]) / 2, 0.0, layout.high[2])
    if draw < 0.35:
        layout.put(f.window(rng), middle, 0.0)
    elif draw < 0.6:
        layout.put(f.door(rng), middle, 0.0)
    elif draw < 0.8:
        leaf = f.paint(rng)
        for side in (-0.46, 0.46):
            layout.put(f.door(rng, leaf), (side, 0.0, layout.high[2]), 0.0)
    green = matter(rng, (0.02, 0.35, 0.1), Texture.PICTURE, 0.06, glow=1.0, other=(0.8, 0.85, 0.8))
    sign = box(
        (middle[0], -2.25, layout.high[2] * rng.uniform(0.3, 1) - 0.05), (0.36, 0.16, 0.03), green
    )
    return [sign] if chance(rng, 0.5) else []


def _empty_corridor(rng: Rng) -> Place:
    """A corridor of a hospital, school, hotel or office."""
    width, depth = rng.uniform(1.5, 3.4), rng.uniform(7, 32)
    height = rng.uniform(2.35, 3.1)
    low, high = (-width / 2, -height, 0.0), (width / 2, 0.0, depth)
    layout = Layout(low, high)
    kind = one_of(rng, ("hospital", "school", "hotel", "office"))
    fixed: list[Shape] = []
    beyond, far = 0.0, high
    if chance(rng, 0.25):
        opening, kept = _opening(rng, low, high)
        beyond = rng.uniform(2, 10)
        far = (high[0], 0.0, depth + beyond)
        fixed += opening
        layout.kept.append(kept)
    fixed += _shell(rng, low, far, False, public=True)
    if not beyond:
        fixed += _corridor_end(rng, layout)
    leaf = f.wood(rng) if chance(rng, 0.5) else f.paint(rng)
    step, style = rng.uniform(1.8, 4.5), int(rng.integers(1 << 30))
    for x, yaw in ((high[0], math.pi / 2), (low[0], -math.pi / 2)):
        start = rng.uniform(0.6, step)
        windows = chance(rng, 0.2)
        for z in np.arange(start, depth - 0.6, step).tolist():
            # All doors of a corridor are alike.
            same = np.random.default_rng(style)
            piece = f.window(same) if windows else f.door(same, leaf)
            layout.put(piece, (x, 0.0, z), yaw)
    if kind in ("hospital", "school") and chance(rng, 0.6):
        fixed += _rails(rng, layout)
    along: dict[str, tuple[Thing, ...]] = {
        "hospital": (f.bench, f.trolley, f.hospital_bed, f.bin_, f.chair, f.trolley, f.plant),
        "school": (f.lockers, f.bench, f.bench, f.coats, f.pile, f.table, f.bin_),
        "hotel": (f.plant, f.chair, f.cupboard, f.stool, f.bag, f.sofa),
        "office": (f.plant, f.cupboard, f.shelf, f.pile, f.bin_, f.bench, f.office_chair),
    }
    hung = (f.notice_board, f.picture, f.picture, f.extinguisher, f.radiator, f.pipes)
    for _ in range(int(depth * rng.uniform(0.3, 1.0))):
        layout.against(rng, one_of(rng, along[kind])(rng), int(one_of(rng, (1, 3))))
    for _ in range(int(depth * rng.uniform(0.3, 0.9))):
        layout.against(rng, one_of(rng, hung)(rng), int(one_of(rng, (1, 3))))
    shapes, lamps = _ceiling_lamps(rng, low, far, public=True)
    return Place(fixed + shapes, layout, lamps, _warm(rng, rng.uniform(0.15, 0.4)))


def corridor(rng: Rng) -> World:
    """A corridor, mostly seen along its length, with people in one of three."""
    place = _empty_corridor(rng)
    low, high = place.layout.low, place.layout.high
    figures = _inhabitants(rng, place.layout)
    everything = place.shapes + [shape for figure in figures for shape in figure]

    def draw() -> Camera:
        camera = _held(rng, low, high)
        x, z = rng.uniform(low[0] + 0.3, high[0] - 0.3), rng.uniform(0.3, 0.4 * high[2])
        yaw = rng.normal(0, 0.16) if chance(rng, 0.75) else rng.normal(0, 0.7)
        return replace(camera, eye=(float(x), camera.eye[1], float(z)), yaw_rad=float(yaw))

    camera = _free_camera(everything, place.layout, draw)
    if camera is None:
        return corridor(rng)
    shapes = place.shapes + _marked(camera, figures)
    if not any(shape.subject for shape in shapes) and chance(rng, 0.2):
        shapes += _prominent(rng, camera, place.layout)
    return World(shapes, camera, None, place.lamps, place.ambient)


def portrait_indoors(rng: Rng) -> World:
    """People or an animal as the subject, in a room or a corridor."""
    place = _empty_corridor(rng) if chance(rng, 0.15) else _empty_room(rng, 3.0)
    low, high = place.layout.low, place.layout.high
    for _ in range(30):
        at = (
            rng.uniform(0.6 * low[0], 0.6 * high[0]),
            0.0,
            _between(low[2], high[2], rng.uniform(0.2, 0.85)),
        )
        # Towards the farther end, so that there is a room to be seen behind the figure.
        heading = math.atan2(-at[0], high[2] * 0.6 - at[2]) + rng.normal(0, 0.9)
        framed = portrait(rng, at, heading, min(8.0, high[2] * 0.8))
        eye = np.array(framed.camera.eye)
        if (eye < np.array(low) + 0.2).any() or (eye > np.array(high) - 0.2).any():
            continue
        around = bounds_of(framed.shapes)
        if (around[:3] < np.array(low) - 0.02).any() or (around[3:] > np.array(high) + 0.02).any():
            continue
        shapes = place.fixed + _out_of_the_way(place.layout, around, eye)
        seen = share_seen(framed.camera, [s for s in framed.shapes if s.subject])
        if seen > 0.08 and clear_view(shapes + framed.shapes, framed.camera):
            return World(shapes + framed.shapes, framed.camera, None, place.lamps, place.ambient)
    return portrait_indoors(rng)


def _out_of_the_way(layout: Layout, figure: Bounds, eye: NDArray[np.float64]) -> list[Shape]:
    """The furniture but for what meets the figure or stands between it and the camera."""
    middle = (figure[:3] + figure[3:]) / 2
    steps = [eye + (middle - eye) * share for share in np.linspace(0, 1, 9)]
    shapes: list[Shape] = []
    for around, piece in layout.pieces:
        meets = ((around[:3] < figure[3:]) & (figure[:3] < around[3:])).all()
        blocks = any(((around[:3] - 0.2 < p) & (p < around[3:] + 0.2)).all() for p in steps)
        if not (meets or blocks):
            shapes += piece
    return shapes
