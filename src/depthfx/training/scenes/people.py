"""People for rendered scenes: any age, build, skin, hair and dress.

Segment lengths are shares of the stature after R. Drillis and R. Contini, "Body Segment
Parameters", New York University, 1966; heads shrink more slowly than bodies, so children have
the larger ones. Lengths are metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from depthfx.training.scenes.limbs import (
    FLIP,
    Rng,
    Vector,
    angles,
    blend,
    blob,
    chain,
    cloth,
    cone,
    dyed,
    frame_along,
    lowest_m,
    moved,
    pick,
    point,
    to_world,
    unit,
)
from depthfx.training.scenes.poses import POSES, Limb, Stance
from depthfx.training.scenes.world import Kind, Point, Shape, Surface, Texture, rotation

SKINS = (
    (0.045, 0.024, 0.016),
    (0.11, 0.055, 0.034),
    (0.23, 0.125, 0.075),
    (0.38, 0.23, 0.15),
    (0.5, 0.32, 0.235),
)
PALE = (0.62, 0.41, 0.32)
HAIRS = ((0.012, 0.01, 0.009), (0.03, 0.018, 0.011), (0.1, 0.055, 0.028), (0.34, 0.22, 0.1))
GREY, RED = (0.42, 0.41, 0.4), (0.24, 0.07, 0.025)


@dataclass(frozen=True)
class Body:
    """Measures and looks of one person."""

    stature_m: float
    girth: float
    """1 is average, 0.85 slim, 1.35 stout."""
    woman: bool
    skin: Surface
    hair: Surface
    top: Surface
    bottom: Surface
    shoes: Surface
    lower: str
    """trousers, shorts, skirt or coat."""
    sleeves: float
    """0 bare, 0.5 short, 1 long."""

    @property
    def head_m(self) -> float:
        """Height of the head: 0.23 m of 1.75 m, 0.2 m of 1.1 m."""
        return 0.155 + 0.042 * self.stature_m


def draw_body(rng: Rng, stature_m: float | None = None) -> Body:
    """Anybody: any age, build, skin, hair and dress; adults in three of four draws."""
    woman = bool(rng.random() < 0.5)
    if stature_m is None:
        grown = rng.random() < 0.76
        mean = 1.64 if woman else 1.77
        stature_m = float(
            np.clip(rng.normal(mean, 0.08), 1.45, 2.02) if grown else rng.uniform(0.85, 1.5)
        )
    skins = (*SKINS, PALE)
    tone = rng.uniform(0, len(skins) - 1.001)
    skin = blend(skins[int(tone)], skins[int(tone) + 1], tone % 1)
    old = rng.random() < 0.15
    hair = (
        GREY
        if old
        else RED
        if rng.random() < 0.06
        else pick(rng, HAIRS if tone > 2.4 else HAIRS[:2])
    )
    lowers = ("trousers", "shorts", "skirt", "coat")
    lower = str(rng.choice(lowers, p=(0.45, 0.1, 0.33, 0.12) if woman else (0.7, 0.15, 0.01, 0.14)))
    top = cloth(rng)
    same = lower == "coat" or (lower == "skirt" and rng.random() < 0.55)
    seed = int(rng.integers(1 << 30))
    return Body(
        stature_m,
        float(np.clip(rng.normal(1.03, 0.13), 0.82, 1.45)),
        woman,
        Surface(skin, blend(skin, (0.5, 0.12, 0.08), 0.15), Texture.SKIN, 0.03, 0.15, seed=seed),
        Surface(hair, blend(hair, (0, 0, 0), 0.4), Texture.NOISE, 0.01, 0.25, seed=seed),
        top,
        top if same else cloth(rng),
        Surface(dyed(rng, 0.8), dyed(rng), Texture.PLAIN, 0.05, rng.uniform(0, 0.6), seed=seed),
        lower,
        float(rng.choice([0.0, 0.5, 1.0], p=(0.12, 0.33, 0.55))),
    )


def person(
    rng: Rng,
    feet: Point,
    facing_rad: float,
    scale: float = 1.0,
    *,
    pose: str | None = None,
    stature_m: float | None = None,
    seat: bool = True,
    subject: bool = True,
) -> list[Shape]:
    """One person, 60 to 400 shapes, touching the ground at `feet`.

    `facing_rad` 0 looks along +z and turns to +x; `scale` multiplies all lengths. `pose` is a
    key of `POSES`, drawn if None; a sitting person gets something to sit on unless `seat` is
    False, and that is never part of the subject.
    """
    if pose is None:
        names = list(POSES)
        shares = np.array([POSES[name][1] for name in names])
        pose = str(rng.choice(names, p=shares / shares.sum()))
    body = draw_body(rng, stature_m)
    stance = replace(POSES[pose][0](rng), gaze_rad=float(rng.normal(0, 0.22)))
    solid, loose = _figure(rng, body, stance)
    if pose == "lying":
        tip = (0.0, float(rng.choice([-1, 1])) * np.pi / 2, 0.0)
        solid, loose = moved(solid, (0, 0, 0), tip), moved(loose, (0, 0, 0), tip)
    floor = lowest_m(solid)
    shapes = [replace(shape, subject=subject) for shape in (*solid, *loose)]
    if pose == "sitting" and seat:
        shapes += _seat(rng, floor - 0.07 * body.stature_m, floor)
    shapes = moved(shapes, (0.0, -floor, 0.0))
    return moved(shapes, feet, (facing_rad, 0.0, 0.0), scale)


def _seat(rng: Rng, height_m: float, floor_y: float) -> list[Shape]:
    """A block, stool or bench whose top is `height_m` above y = `floor_y`."""
    surface = Surface(dyed(rng), dyed(rng), Texture(int(rng.choice([0, 6, 5, 8]))), 0.15)
    wide = float(rng.choice([0.2, 0.25, 0.7]))
    if rng.random() < 0.4:
        half = (wide, height_m / 2, 0.2)
        return [Shape(Kind.BOX, half, (0, floor_y - height_m / 2, -0.03), surface=surface)]
    top = Shape(Kind.BOX, (wide, 0.02, 0.2), (0, floor_y - height_m + 0.02, -0.03), surface=surface)
    legs = [
        Shape(Kind.BOX, (0.02, height_m / 2, 0.02), (x, floor_y - height_m / 2, z), surface=surface)
        for x in (0.03 - wide, wide - 0.03)
        for z in (-0.2, 0.14)
    ]
    return [top, *legs]


def _figure(rng: Rng, body: Body, stance: Stance) -> tuple[list[Shape], list[Shape]]:
    """What touches the ground and what hangs from it, the pelvis at the origin."""
    h = body.stature_m
    trunk = frame_along(stance.torso, point(0, 0, 1))
    neck = trunk[:, 1] * 0.288 * h
    solid, loose = _torso(rng, body, trunk), []
    for i, side in enumerate((-1, 1)):
        shoulder = neck + trunk @ point(
            side * (0.104 if not body.woman else 0.094) * h, -0.028 * h, 0
        )
        hip = trunk @ point(side * 0.052 * h * body.girth**0.5, -0.012 * h, 0)
        solid += _arm(rng, body, shoulder, stance.arms[i], side)
        solid += _leg(body, hip, stance.legs[i], side)
    if body.lower in ("skirt", "coat"):
        loose += _skirt(rng, body, trunk, stance.legs)
    head_up = unit(0.5 * stance.torso + stance.head)
    turn = rotation(stance.gaze_rad, 0.0, 0.0)
    head = frame_along(head_up, turn @ point(0, 0, 1))
    centre = neck + unit(stance.torso) * 0.042 * h + head_up * (0.02 * h + 0.34 * body.head_m)
    solid.append(cone(body.skin, neck - trunk[:, 1] * 0.02 * h, centre, 0.031 * h, 0.028 * h))
    solid += _head(rng, body, centre, head)
    loose += _hair(rng, body, centre, head)
    loose += _carried(rng, body, trunk, neck)
    return solid, loose


def _torso(rng: Rng, body: Body, trunk: Vector) -> list[Shape]:
    h, g = body.stature_m, body.girth
    waist = 0.078 if body.woman else 0.084
    belly = 0.056 * g ** (2.2 if rng.random() < 0.5 else 1.4)

    def at(x: float, up: float, ahead: float) -> Vector:
        return trunk @ point(x * h, up * h, ahead * h)

    hips = (0.094 * h * g, 0.07 * h, 0.062 * h * g)
    parts = [
        blob(body.bottom, at(0, 0.0, -0.006), hips, trunk),
        blob(body.top, at(0, 0.09, 0.004), (waist * h * g, 0.12 * h, belly * h), trunk),
        blob(body.top, at(0, 0.195, 0.0), (0.098 * h * g**0.5, 0.105 * h, 0.062 * h * g), trunk),
        cone(body.top, at(0, 0.24, -0.005), at(0, 0.29, -0.005), 0.055 * h, 0.036 * h),
    ]
    for s in (-1, 1):
        wide = 0.094 if body.woman else 0.104
        parts.append(
            cone(
                body.top,
                at(s * 0.02, 0.286, -0.008),
                at(s * wide, 0.26, -0.004),
                0.03 * h,
                0.028 * h,
            )
        )
    if body.woman and h > 1.45:
        size = rng.uniform(0.028, 0.036) * h * g
        parts += [
            blob(
                body.top,
                at(s * 0.04, 0.192, 0.04 * g),
                (size * 1.1, size * 1.15, size * 0.75),
                trunk,
            )
            for s in (-1, 1)
        ]
    if body.lower in ("trousers", "shorts") and rng.random() < 0.4:
        belt = blob(
            body.shoes, at(0, 0.048, -0.001), (0.09 * h * g, 0.012 * h, 0.064 * h * g), trunk
        )
        parts.append(belt)
    if rng.random() < 0.2:
        other = cloth(rng)
        front = 0.06 * g
        tie = [at(0, 0.26, front * 0.75), at(0, 0.19, front + 0.012), at(0, 0.09, front + 0.008)]
        parts += chain(other, tie, 0.008 * h, 0.018 * h)
    return parts


def _arm(rng: Rng, body: Body, shoulder: Vector, limb: Limb, side: int) -> list[Shape]:
    h, g = body.stature_m, body.girth**0.7
    upper, fore = limb
    elbow = shoulder + upper * 0.186 * h
    wrist = elbow + fore * 0.146 * h
    thick = 1.0 if rng.random() < 0.6 else rng.uniform(1.0, 1.35)
    parts = [
        cone(body.skin, shoulder, elbow, 0.027 * h * g, 0.022 * h * g),
        cone(body.skin, elbow, wrist, 0.022 * h * g, 0.015 * h * g),
    ]
    parts.append(blob(body.top, shoulder, (0.0315 * h * g,) * 3, np.eye(3)))
    if body.sleeves >= 0.5:
        short = body.sleeves < 1
        end = shoulder + upper * (0.11 if short else 0.186) * h
        parts.append(cone(body.top, shoulder, end, 0.0305 * h * g, 0.026 * h * g * thick))
    if body.sleeves == 1:
        cuff = elbow + fore * rng.uniform(0.115, 0.145) * h
        parts.append(cone(body.top, elbow, cuff, 0.026 * h * g * thick, 0.02 * h * g * thick))
    return parts + _hand(rng, body, wrist, fore, side)


def _hand(rng: Rng, body: Body, wrist: Vector, fore: Vector, side: int) -> list[Shape]:
    """A palm, four fingers more or less bent, and a thumb."""
    h = body.stature_m
    along = unit(fore + rng.normal(0, 0.12, 3))
    # Palms face the body when arms hang, and ahead's normal elsewhere: near enough.
    palm = frame_along(along, point(-side, 0.1, 0.2))
    bend = rng.uniform(0.05, 0.9)
    middle = wrist + along * 0.026 * h
    parts = [blob(body.skin, middle, (0.023 * h, 0.033 * h, 0.011 * h), palm)]
    for k in range(4):
        across = (k - 1.5) * 0.0105 * h
        knuckle = wrist + palm @ point(across, 0.05 * h, 0)
        tip = knuckle + palm @ (point(across * 0.3 / h, 1, bend) * 0.022 * h)
        end = tip + palm @ (unit(point(0, 1 - bend, bend + 0.1)) * 0.022 * h)
        parts += chain(body.skin, [knuckle, tip, end], 0.0056 * h, 0.0043 * h)
    root = wrist + palm @ point(0.016 * h, 0.012 * h, 0.002 * h)
    tip = root + palm @ (unit(point(0.75, 0.9, 0.3)) * 0.04 * h)
    return [*parts, cone(body.skin, root, tip, 0.008 * h, 0.005 * h)]


def _leg(body: Body, hip: Vector, limb: Limb, side: int) -> list[Shape]:
    h, g = body.stature_m, body.girth
    thigh, shin = limb
    knee = hip + thigh * 0.245 * h
    ankle = knee + shin * 0.246 * h
    bare = body.lower != "trousers"
    upper = body.bottom if body.lower in ("trousers", "shorts") else body.skin
    lower = body.skin if bare else body.bottom
    parts = [
        cone(upper, hip, knee, 0.052 * h * g, 0.034 * h * g**0.5),
        cone(
            lower,
            knee,
            ankle,
            (0.03 if bare else 0.034) * h * g**0.5,
            (0.02 if bare else 0.027) * h,
        ),
    ]
    calf = knee + shin * 0.07 * h
    parts.append(cone(lower, calf, knee + shin * 0.13 * h, 0.031 * h * g**0.5, 0.028 * h * g**0.5))
    # A foot that bears weight lies flat; one in the air keeps square to its shin.
    out = point(side * 0.25, 0, 1)
    flat = -shin[1] > 0.75
    toe = unit(out) if flat else frame_along(-shin, out)[:, 2]
    frame = frame_along(point(0, 1, 0), toe) if flat else frame_along(-shin, toe)
    sole = ankle - frame[:, 1] * 0.02 * h
    parts.append(blob(body.shoes, sole + toe * 0.042 * h, (0.028 * h, 0.02 * h, 0.072 * h), frame))
    parts.append(cone(body.shoes, ankle, sole, 0.026 * h, 0.022 * h))
    return parts


def _skirt(rng: Rng, body: Body, trunk: Vector, legs: tuple[Limb, Limb]) -> list[Shape]:
    """Pleats from the waist around the thighs, and on down if it is long."""
    h, g = body.stature_m, body.girth
    count, wide = int(rng.integers(14, 22)), rng.uniform(0.095, 0.17)
    long_ = rng.random() < 0.35
    parts = []
    for k in range(count):
        turn = 2 * np.pi * k / count
        x, z = np.cos(turn), np.sin(turn)
        right = (1 + x) / 2
        thigh = unit(legs[0][0] * (1 - right) + legs[1][0] * right)
        shin = unit(legs[0][1] * (1 - right) + legs[1][1] * right)
        ring = frame_along(-thigh, point(0, 0, 1) if thigh[2] < 0.7 else point(0, 1, 0))
        waist = trunk @ point(x * 0.078 * h * g, 0.055 * h, z * 0.055 * h * g)
        hip = trunk @ point(x * 0.092 * h * g, -0.02 * h, z * 0.066 * h * g)
        flare = ring @ point(x * wide * h, 0, z * wide * 0.8 * h)
        hem = thigh * 0.23 * h + flare * rng.uniform(0.92, 1.08)
        path = [waist, hip, hem]
        if long_:
            path.append(hem + unit(shin + rng.normal(0, 0.05, 3)) * 0.17 * h + flare * 0.15)
        parts += chain(body.bottom, path, 0.02 * h, 0.9 * np.pi * wide * h / count)
    return parts


def _head(rng: Rng, body: Body, centre: Vector, head: Vector) -> list[Shape]:
    """Skull, jaw and face; lengths here are shares of the head's height."""
    m = body.head_m
    skin = body.skin
    skull, jaw = (0.335, 0.385, 0.42), (0.275, 0.4, 0.31)

    def at(x: float, up: float, ahead: float) -> Vector:
        return centre + head @ point(x * m, up * m, ahead * m)

    def sized(half: Sequence[float]) -> list[float]:
        return [size * m for size in half]

    def face(x: float, up: float, out: float = 0.0) -> Vector:
        """On the face's skin, `out` before it."""
        rise = max(0.0, 1 - (x / jaw[0]) ** 2 - ((up + 0.08) / jaw[1]) ** 2)
        return at(x, up, 0.1 + jaw[2] * float(np.sqrt(rise)) + out)

    lips = Surface(blend(skin.colour, (0.45, 0.06, 0.06), rng.uniform(0.15, 0.5)), gloss=0.3)
    iris = Surface(
        pick(rng, ((0.02, 0.012, 0.008), (0.06, 0.1, 0.16), (0.05, 0.07, 0.03))), gloss=0.35
    )
    white = Surface((0.62, 0.6, 0.57), gloss=0.15)
    parts = [
        blob(skin, at(0, 0.1, 0.0), sized(skull), head),
        blob(skin, at(0, -0.08, 0.1), sized(jaw), head),
        blob(skin, at(0, -0.4, 0.27), sized((0.09, 0.075, 0.09)), head),
        cone(skin, face(0, 0.04, -0.02), face(0, -0.12, 0.06), 0.03 * m, 0.05 * m),
        blob(lips, face(0, -0.24, -0.012), sized((0.1, rng.uniform(0.022, 0.042), 0.026)), head),
    ]
    for s in (-1, 1):
        parts += [
            blob(skin, at(s * 0.34, -0.02, 0.0), sized((0.035, 0.125, 0.075)), head),
            blob(skin, face(s * 0.13, -0.1, -0.06), sized((0.09, 0.08, 0.07)), head),
            blob(white, face(s * 0.135, 0.035, -0.03), sized((0.07, 0.038, 0.045)), head),
            blob(iris, face(s * 0.135, 0.035, -0.006), sized((0.032, 0.034, 0.028)), head),
            cone(body.hair, face(s * 0.07, 0.105), face(s * 0.2, 0.11), 0.016 * m, 0.011 * m),
        ]
    if rng.random() < 0.22:
        parts += _glasses(rng, face, at, m)
    if not body.woman and body.stature_m > 1.6 and rng.random() < 0.35:
        parts.append(blob(body.hair, at(0, -0.28, 0.12), sized((0.25, 0.24, 0.25)), head))
        parts.append(
            cone(body.hair, face(-0.1, -0.19, 0.01), face(0.1, -0.19, 0.01), 0.025 * m, 0.025 * m)
        )
    return parts


def _glasses(
    rng: Rng,
    face: Callable[[float, float, float], Vector],
    at: Callable[[float, float, float], Vector],
    m: float,
) -> list[Shape]:
    """Two rims, bridge and temples."""
    frame = Surface(dyed(rng, 0.8), gloss=0.6)
    parts = []
    for s in (-1, 1):
        turns = np.linspace(0, 2 * np.pi, 9)
        ring = [face(s * 0.15 + 0.105 * np.cos(t), 0.03 + 0.085 * np.sin(t), 0.05) for t in turns]
        parts += chain(frame, ring, 0.009 * m, 0.009 * m)
        parts.append(
            cone(frame, face(s * 0.25, 0.03, 0.04), at(s * 0.35, 0.04, 0.0), 0.008 * m, 0.008 * m)
        )
    parts.append(cone(frame, face(-0.05, 0.04, 0.06), face(0.05, 0.04, 0.06), 0.008 * m, 0.008 * m))
    return parts


def _hair(rng: Rng, body: Body, centre: Vector, head: Vector) -> list[Shape]:
    """A hat, or hair of one of many lengths."""
    m = body.head_m
    cap = blob(
        body.hair,
        centre + head @ point(0, 0.15 * m, -0.045 * m),
        (0.36 * m, 0.385 * m, 0.42 * m),
        head,
    )
    draw = rng.random()
    if draw < 0.16:
        return [*([cap] if rng.random() < 0.5 else []), *_hat(rng, centre, head, m)]
    if draw < 0.2 and not body.woman:
        return []
    if draw < 0.26:
        scarf = cloth(rng)
        neck = centre + head @ point(0, -0.45 * m, -0.02 * m)
        return [
            blob(scarf, _cap_centre(centre, head, m), (0.38 * m, 0.45 * m, 0.43 * m), head),
            blob(scarf, neck, (0.34 * m, 0.3 * m, 0.32 * m), head),
        ]
    if draw < 0.36:
        return [cap, *_curls(rng, body.hair, centre, head, m)]
    long_ = rng.random() < (0.75 if body.woman else 0.1)
    if not long_:
        return [cap, *_strands(rng, body.hair, centre, head, m, rng.uniform(0.06, 0.16), 190)]
    if rng.random() < 0.3:
        knot = centre + head @ point(0, rng.uniform(-0.05, 0.5) * m, -0.48 * m)
        bun = blob(body.hair, knot, (0.17 * m, 0.16 * m, 0.15 * m), head)
        path = [
            knot,
            knot + head @ point(0, -0.3 * m, -0.2 * m),
            knot + head @ point(0, -1.1 * m, -0.1 * m),
        ]
        tail = chain(body.hair, path, 0.1 * m, 0.04 * m) if rng.random() < 0.5 else []
        return [cap, bun, *tail, *_strands(rng, body.hair, centre, head, m, 0.12, 40)]
    length = rng.uniform(0.6, 1.9)
    locks = _locks(rng, body.hair, centre, head, m, length)
    return [cap, *locks]


def _cap_centre(centre: Vector, head: Vector, m: float) -> Vector:
    """Middle of a cap that leaves the face free."""
    return centre + head @ point(0, 0.08 * m, -0.08 * m)


def _curls(rng: Rng, hair: Surface, centre: Vector, head: Vector, m: float) -> list[Shape]:
    """Curly hair: a cloud of small balls over the scalp, up to a large afro."""
    thick, parts = rng.uniform(0.05, 0.3), []
    for _ in range(int(rng.integers(45, 90))):
        v = unit(rng.normal(0, 1, 3))
        if (v[2] > 0.35 and v[1] < 0.45) or v[1] < -0.55:
            continue
        out = centre + head @ (
            v * np.array([0.35, 0.4, 0.4]) * m * (1 + thick) + point(0, 0.1 * m, 0)
        )
        size = rng.uniform(0.05, 0.08) * m + thick * 0.16 * m
        parts.append(blob(hair, out, (size,) * 3, np.eye(3)))
    return parts


def _root(rng: Rng, centre: Vector, head: Vector, m: float) -> tuple[Vector, Vector]:
    """A point of the scalp and its outward normal."""
    while True:
        v = unit(rng.normal(0, 1, 3) + point(0, 0.4, -0.2))
        if v[1] > -0.35 and not (v[2] > 0.45 and v[1] < 0.5):
            scalp = v * np.array([0.355, 0.38, 0.41]) * m + point(0, 0.15 * m, -0.045 * m)
            return centre + head @ scalp, head @ v


def _strands(
    rng: Rng, hair: Surface, centre: Vector, head: Vector, m: float, length: float, count: int
) -> list[Shape]:
    """Short hair that stands off the cap and roughens its outline."""
    parts = []
    comb = head @ point(rng.normal(0, 0.5), rng.normal(0.1, 0.4), rng.normal(-0.3, 0.6))
    for _ in range(int(rng.integers(count // 2, count))):
        root, out = _root(rng, centre, head, m)
        along = comb - (comb @ out) * out
        thick = rng.uniform(0.008, 0.06)
        rise = rng.uniform(0.05, 0.3) + 0.4 * (thick < 0.012)
        tip = root + unit(along + rise * out + rng.normal(0, 0.25, 3)) * length * m
        parts.append(cone(hair, root - out * thick * 0.7 * m, tip, thick * m, 0.25 * thick * m))
    return parts


def _locks(
    rng: Rng, hair: Surface, centre: Vector, head: Vector, m: float, length: float
) -> list[Shape]:
    """Long hair: thick locks from the sides and back, thin ones among them, some flying."""
    parts = []
    wind = rng.normal(0, 0.2, 3) if rng.random() < 0.3 else np.zeros(3)
    thick = int(rng.integers(20, 32))
    for k in range(thick + int(rng.integers(20, 80))):
        turn = (
            np.radians(rng.uniform(55, 305))
            if k >= thick
            else np.radians(60 + 240 * k / (thick - 1))
        )
        side, ahead = np.sin(turn), np.cos(turn)
        root = centre + head @ (point(side * 0.25, 0.42, ahead * 0.3 - 0.05) * m)
        wide = rng.uniform(0.98, 1.2)
        ear = centre + head @ (point(side * 0.4 * wide, 0.0, ahead * 0.43 * wide - 0.03) * m)
        fall = point(0, -length * rng.uniform(0.8, 1.05), 0) * m + head @ point(
            side * 0.1 * m, 0, -0.08 * m
        )
        flying = k >= thick and rng.random() < 0.3
        drift = (wind + rng.normal(0, 0.16 if flying else 0.05, 3)) * length * m
        path = [root, ear, ear + fall * 0.5 + drift * 0.35, ear + fall + drift]
        size = rng.uniform(0.055, 0.085) * m if k < thick else rng.uniform(0.003, 0.011) * m
        parts += chain(hair, path, size, size * (0.45 if k < thick else 0.7))
    return parts


def _hat(rng: Rng, centre: Vector, head: Vector, m: float) -> list[Shape]:
    """A brimmed hat, a cap with a peak, or a woollen one."""
    surface = cloth(rng)
    kind = rng.integers(3)
    crown = centre + head @ point(0, 0.24 * m, -0.03 * m)
    dome = blob(surface, crown, (0.38 * m, 0.33 * m, 0.44 * m), head)
    if kind == 0:
        brim = rng.uniform(0.6, 0.95) * m
        return [dome, blob(surface, crown, (brim, 0.035 * m, brim), head)]
    if kind == 1:
        peak = centre + head @ point(0, 0.24 * m, 0.42 * m)
        return [dome, blob(surface, peak, (0.28 * m, 0.03 * m, 0.3 * m), head)]
    edge = blob(surface, crown - head[:, 1] * 0.03 * m, (0.4 * m, 0.09 * m, 0.46 * m), head)
    ball = blob(surface, crown + head[:, 1] * 0.36 * m, (0.09 * m,) * 3, head)
    return [dome, edge, ball]


def _carried(rng: Rng, body: Body, trunk: Vector, neck: Vector) -> list[Shape]:
    """Nothing, a rucksack, a shoulder bag or a scarf."""
    h, g = body.stature_m, body.girth
    draw = rng.random()
    bag = Surface(dyed(rng, 0.4), dyed(rng), Texture.FABRIC, 0.02, rng.uniform(0, 0.5))

    def at(x: float, up: float, ahead: float) -> Vector:
        return trunk @ point(x * h, up * h, ahead * h)

    if draw < 0.1:
        parts = [blob(bag, at(0, 0.17, -0.11), (0.085 * h, 0.14 * h, 0.065 * h), trunk)]
        for s in (-1, 1):
            strap = [
                at(s * 0.055, 0.24, -0.07),
                at(s * 0.065, 0.305, -0.005),
                at(s * 0.07, 0.2, 0.066 * g),
                at(s * 0.085, 0.1, -0.05),
            ]
            parts += chain(bag, strap, 0.012 * h, 0.012 * h)
        return parts
    if draw < 0.2:
        side = float(rng.choice([-1, 1]))
        turn = angles(FLIP @ trunk @ FLIP)
        where = at(side * (0.125 * g + 0.03), -0.06, 0.0)
        sack = Shape(Kind.BOX, (0.025 * h, 0.075 * h, 0.09 * h), to_world(where), turn, surface=bag)
        strap = [
            at(side * 0.13, 0.01, 0.05),
            at(side * 0.09, 0.3, 0.02),
            at(side * 0.09, 0.3, -0.02),
            at(side * 0.13, 0.01, -0.05),
        ]
        return [sack, *chain(bag, strap, 0.008 * h, 0.008 * h)]
    if draw < 0.28:
        wool = cloth(rng)
        ring = [
            neck + trunk @ point(0.045 * h * np.cos(t), 0.012 * h, 0.045 * h * np.sin(t))
            for t in np.linspace(0, 2 * np.pi, 7)
        ]
        end = [at(0.02, 0.29, 0.05), at(0.03, 0.2, 0.07 * g), at(0.03, 0.06, 0.068 * g)]
        return chain(wool, ring, 0.024 * h, 0.024 * h) + chain(wool, end, 0.02 * h, 0.026 * h)
    return []
