"""Animals for rendered scenes: cats, dogs, horses, cattle, sheep and birds. Lengths are metres."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from depthfx.training.scenes.limbs import (
    Rng,
    Vector,
    blend,
    blob,
    chain,
    cone,
    frame_along,
    lowest_m,
    moved,
    pick,
    point,
    unit,
)
from depthfx.training.scenes.world import Point, Shape, Surface, Texture

COATS = (
    (0.02, 0.018, 0.016),
    (0.5, 0.46, 0.4),
    (0.2, 0.11, 0.05),
    (0.42, 0.24, 0.1),
    (0.2, 0.2, 0.2),
)


@dataclass(frozen=True)
class Species:
    """Measures of a four-legged animal as shares of its height at the shoulder."""

    height_m: tuple[float, float]
    length: float
    girth: float
    leg: float
    neck: float
    rise: float
    """How steeply the neck stands: its direction's upward share."""
    skull: float
    muzzle: float
    tail: float
    ear: float


SPECIES = {
    "cat": Species((0.22, 0.28), 1.3, 0.24, 0.055, 0.25, 0.7, 0.2, 0.1, 1.0, 0.17),
    "dog": Species((0.28, 0.7), 1.05, 0.24, 0.06, 0.34, 0.75, 0.17, 0.24, 0.6, 0.2),
    "horse": Species((1.3, 1.7), 1.05, 0.2, 0.05, 0.58, 0.75, 0.11, 0.3, 0.5, 0.1),
    "sheep": Species((0.6, 0.8), 1.15, 0.33, 0.055, 0.25, 0.5, 0.15, 0.18, 0.15, 0.14),
    "cow": Species((1.2, 1.5), 1.25, 0.27, 0.06, 0.35, 0.3, 0.14, 0.24, 0.7, 0.14),
}
"""The four-legged animals that `animal` knows."""


def animal(
    rng: Rng, feet: Point, facing_rad: float, kind: str | None = None, *, subject: bool = True
) -> list[Shape]:
    """An animal standing at `feet`: a key of `SPECIES` or "bird", drawn if `kind` is None.

    Cats, dogs and birds are drawn as a rule; `facing_rad` as with `person`.
    """
    if kind is None:
        names = ["cat", "dog", "bird", "horse", "sheep", "cow"]
        kind = str(rng.choice(names, p=(0.3, 0.4, 0.12, 0.08, 0.05, 0.05)))
    shapes = _bird(rng) if kind == "bird" else _quadruped(rng, SPECIES[kind], kind)
    shapes = [replace(shape, subject=subject) for shape in shapes]
    shapes = moved(shapes, (0.0, -lowest_m(shapes), 0.0))
    return moved(shapes, feet, (facing_rad, 0.0, 0.0))


def _coat(rng: Rng) -> Surface:
    colour = blend(pick(rng, COATS), (0.5, 0.4, 0.3), rng.uniform(0, 0.15))
    kind = Texture(
        int(rng.choice([Texture.NOISE, Texture.SPECKLE, Texture.STRIPES], p=(0.7, 0.2, 0.1)))
    )
    other = blend(colour, pick(rng, COATS), rng.choice([0.2, 0.9]))
    return Surface(
        colour, other, kind, rng.uniform(0.02, 0.12), 0.1, seed=int(rng.integers(1 << 30))
    )


def _quadruped(rng: Rng, kind: Species, name: str) -> list[Shape]:
    """Trunk, neck, head, four legs, tail and fur."""
    h = rng.uniform(*kind.height_m)
    coat = _coat(rng)
    small = name in ("cat", "dog")
    pose = (
        str(rng.choice(["stand", "walk", "sit", "lie"]))
        if small
        else str(rng.choice(["stand", "walk"]))
    )
    girth = kind.girth * rng.uniform(0.85, 1.2) * h
    half = kind.length * h / 2
    lift = {"stand": 0.8, "walk": 0.8, "sit": 0.72, "lie": girth / h}[pose] * h
    drop = lift - girth * 0.95 if pose == "sit" else 0.0
    chest, rump = (
        point(0, lift, half * (0.4 if pose == "sit" else 0.85)),
        point(0, lift - drop, -half * (0.35 if pose == "sit" else 0.8)),
    )
    parts = chain(coat, [chest, (chest + rump) / 2, rump], girth, girth * rng.uniform(0.8, 0.95))
    parts += _four_legs(rng, kind, coat, chest, rump, girth, h, pose)
    towards = unit(point(rng.normal(0, 0.25), kind.rise + 0.3 * (pose == "sit"), 0.6))
    if name in ("horse", "cow", "sheep") and rng.random() < 0.3:
        towards = unit(point(rng.normal(0, 0.1), -0.6, 0.8))
    head = chest + towards * (kind.neck * h + girth * 0.5)
    parts.append(cone(coat, chest, head, girth * 0.75, kind.skull * h * 0.7))
    parts += _beast_head(rng, kind, coat, head, h, name)
    parts += _tail(rng, kind, coat, rump - point(0, 0, girth * 0.8), h, name)
    parts += _fur(rng, coat, chest, rump, girth, h, name)
    if name == "horse":
        mane = [
            cone(
                coat,
                head + (chest - head) * t + point(0, girth * 0.3, 0),
                head
                + (chest - head) * t
                + point(rng.normal(0, 0.05), -0.12 * h * rng.random(), -0.12 * h),
                0.012 * h,
                0.004 * h,
            )
            for t in rng.uniform(0, 0.9, 40)
        ]
        parts += mane
    return parts


def _four_legs(
    rng: Rng,
    kind: Species,
    coat: Surface,
    chest: Vector,
    rump: Vector,
    girth: float,
    h: float,
    pose: str,
) -> list[Shape]:
    parts = []
    stride = rng.uniform(0.1, 0.25) * h if pose == "walk" else 0.02 * h
    wide = girth * 0.6
    thick = kind.leg * h
    for i, (front, side) in enumerate(((1, -1), (1, 1), (0, -1), (0, 1))):
        top = (chest if front else rump) + point(side * wide, -girth * 0.2, 0)
        step = stride * (1 if i in (0, 3) else -1)
        if pose == "lie" or (pose == "sit" and not front):
            paw = point(top[0] + side * 0.05 * h, thick, top[2] + 0.3 * h)
            knee = point(top[0] + side * 0.06 * h, thick * 1.3, top[2] + 0.02 * h)
        else:
            paw = point(top[0], thick, top[2] + step)
            bend = 0.07 * h if front else -0.09 * h
            knee = (top + paw) / 2 + point(0, 0.02 * h, bend * 0.6 + 0.3 * step)
        parts += [
            cone(coat, top, knee, thick * (1.9 if front else 2.3), thick * 1.15),
            cone(coat, knee, paw, thick * 1.1, thick * 0.8),
            blob(
                coat,
                paw + point(0, -0.2 * thick, 0.4 * thick),
                (thick, thick * 0.8, thick * 1.4),
                np.eye(3),
            ),
        ]
    return parts


def _beast_head(
    rng: Rng, kind: Species, coat: Surface, head: Vector, h: float, name: str
) -> list[Shape]:
    size, muzzle = kind.skull * h, kind.muzzle * h
    frame = frame_along(point(0, 1, 0), point(rng.normal(0, 0.5), 0, 1))
    dark = Surface((0.015, 0.012, 0.012), gloss=0.7)
    down = -0.75 if name == "horse" else -0.25

    def at(x: float, up: float, ahead: float) -> Vector:
        return head + frame @ point(x, up, ahead)

    nose = at(0, down * muzzle, size * 0.7 + muzzle)
    parts = [
        blob(coat, head, (size, size * 0.95, size * 1.1), frame),
        cone(coat, at(0, -0.15 * size, size * 0.4), nose, size * 0.62, size * 0.36),
        blob(
            dark,
            nose + frame @ point(0, 0.1 * size, 0.25 * size),
            (size * 0.2, size * 0.14, size * 0.17),
            frame,
        ),
    ]
    ear = kind.ear * h
    floppy = name in ("sheep", "cow") or (name == "dog" and rng.random() < 0.5)
    for s in (-1, 1):
        root = at(s * size * 0.6, size * 0.65, 0)
        tip = root + frame @ (
            unit(point(s * 0.9, -0.9, 0.2) if floppy else point(s * 0.25, 1, 0.1)) * ear
        )
        parts.append(cone(coat, root, tip, size * 0.32, size * (0.25 if floppy else 0.06)))
        parts.append(
            blob(dark, at(s * size * 0.45, size * 0.25, size * 0.88), (size * 0.15,) * 3, frame)
        )
        if name == "cow":
            parts.append(
                cone(dark, root, root + frame @ point(s * ear, ear, 0), size * 0.16, size * 0.05)
            )
        if name == "cat":
            white = Surface((0.7, 0.7, 0.7))
            for _ in range(4):
                end = nose + frame @ (point(s * 0.8, rng.normal(0, 0.2), 0.1) * size * 1.3)
                parts.append(cone(white, nose, end, 0.0008, 0.0004))
    return parts


def _tail(rng: Rng, kind: Species, coat: Surface, root: Vector, h: float, name: str) -> list[Shape]:
    length, path = kind.tail * h, [root + point(0, 0, 0.1 * h)]
    way = unit(
        point(rng.normal(0, 0.3), rng.uniform(-0.6, 0.6) if name in ("cat", "dog") else -0.8, -0.7)
    )
    curl = rng.normal(0, 0.3, 3) + point(0, 0.2 if name in ("cat", "dog") else -0.4, 0)
    for _ in range(5):
        path.append(path[-1] + way * length / 5)
        way = unit(way + curl * 0.6)
    for p in path:
        p[1] = max(p[1], 0.06 * h)
    thick = 0.05 * h if name != "sheep" else 0.08 * h
    parts = chain(coat, path, thick, thick * 0.5)
    if name == "horse":
        parts += [
            cone(
                coat,
                path[1],
                path[-1] + rng.normal(0, 0.05 * h, 3) - point(0, 0.1 * h, 0),
                0.012 * h,
                0.004 * h,
            )
            for _ in range(30)
        ]
    return parts


def _fur(
    rng: Rng, coat: Surface, chest: Vector, rump: Vector, girth: float, h: float, name: str
) -> list[Shape]:
    """Hair along the outline: much on sheep and some dogs and cats, none on horse and cow."""
    if name in ("horse", "cow"):
        return []
    length = rng.uniform(0.03, 0.12) * h
    if name == "sheep":
        return [
            blob(
                coat,
                chest + (rump - chest) * rng.random() + unit(rng.normal(0, 1, 3)) * girth * 0.95,
                (0.07 * h,) * 3,
                np.eye(3),
            )
            for _ in range(110)
        ]
    parts = []
    for _ in range(int(rng.integers(90, 220))):
        out = unit(rng.normal(0, 1, 3) * np.array([1, 1, 0.3]))
        root = chest + (rump - chest) * rng.random() + out * girth * 0.85
        tip = root + out * girth * 0.1 + unit(0.6 * out + point(0, -0.7, -0.9)) * length
        parts.append(cone(coat, root, tip, rng.uniform(0.003, 0.014) * h, 0.001 * h))
    return parts


def _bird(rng: Rng) -> list[Shape]:
    """A bird on its two legs, from a sparrow to a goose."""
    h = rng.uniform(0.1, 0.5)
    coat, wing = _coat(rng), _coat(rng)
    beak = Surface(pick(rng, ((0.5, 0.22, 0.02), (0.03, 0.03, 0.03))), gloss=0.4)
    body = frame_along(unit(point(0, 1, -0.5)), point(0, 0, 1))
    centre, neck = point(0, 0.55 * h, 0), rng.uniform(0.1, 0.35) * h
    head = centre + point(0, 0.25 * h + neck, 0.2 * h)
    parts = [
        blob(coat, centre, (0.19 * h, 0.2 * h, 0.34 * h), body),
        cone(coat, centre + point(0, 0.1 * h, 0.2 * h), head, 0.13 * h, 0.09 * h),
        blob(coat, head, (0.105 * h, 0.105 * h, 0.125 * h), np.eye(3)),
        cone(
            beak,
            head + point(0, 0, 0.08 * h),
            head + point(0, -0.02 * h, 0.24 * h),
            0.04 * h,
            0.008 * h,
        ),
        blob(
            wing, centre - body @ point(0, -0.02 * h, 0.4 * h), (0.1 * h, 0.025 * h, 0.25 * h), body
        ),
    ]
    for s in (-1, 1):
        parts.append(
            blob(
                wing,
                centre + point(s * 0.16 * h, 0.04 * h, -0.06 * h),
                (0.06 * h, 0.15 * h, 0.34 * h),
                body,
            )
        )
        parts.append(
            blob(
                Surface((0.01, 0.01, 0.01), gloss=0.9),
                head + point(s * 0.09 * h, 0.02 * h, 0.05 * h),
                (0.02 * h,) * 3,
                np.eye(3),
            )
        )
        foot = point(s * 0.09 * h, 0.015 * h, 0.04 * h)
        parts.append(
            cone(beak, centre + point(s * 0.08 * h, -0.15 * h, 0), foot, 0.022 * h, 0.014 * h)
        )
        parts += [
            cone(beak, foot, foot + point(x * h, 0, 0.1 * h), 0.014 * h, 0.008 * h)
            for x in (-0.05, 0, 0.05)
        ]
    return parts
