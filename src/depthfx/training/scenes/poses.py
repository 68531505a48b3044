"""How a body is held: directions of its limbs, standing, walking, sitting, dancing.

Directions are (x to the body's right, up, ahead), of length one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from depthfx.training.scenes.limbs import Rng, Vector, point, unit

Limb = tuple[Vector, Vector]
"""Directions of its two bones."""


@dataclass(frozen=True)
class Stance:
    """Directions of a body's parts in its own frame; of pairs the left one comes first."""

    torso: Vector
    head: Vector
    arms: tuple[Limb, Limb]
    legs: tuple[Limb, Limb]
    gaze_rad: float = 0.0
    """Turn of the head to the right."""


def hanging(side: int, swing: float, spread: float) -> Vector:
    """A limb's direction in degrees: hanging down, swung ahead, spread to its own side."""
    a, b = np.radians(swing), np.radians(spread)
    return point(side * np.sin(b), -np.cos(b) * np.cos(a), np.cos(b) * np.sin(a))


def leaning(ahead: float, right: float) -> Vector:
    """Direction of an upright body leaning by these degrees."""
    a, b = np.radians(ahead), np.radians(right)
    return point(np.sin(b), np.cos(b) * np.cos(a), np.cos(b) * np.sin(a))


def _straight(rng: Rng, side: int) -> Limb:
    return hanging(side, rng.normal(0, 3), rng.uniform(1, 7)), hanging(side, -rng.uniform(0, 6), 2)


def _loose(rng: Rng, side: int) -> Limb:
    swing = rng.uniform(-12, 14)
    return hanging(side, swing, rng.uniform(5, 16)), hanging(side, swing + rng.uniform(5, 30), 4)


def _busy(rng: Rng, side: int) -> Limb:
    """An arm in use: on the hip, holding something up, at the chin, in a pocket."""
    doing = rng.integers(4)
    if doing == 0:
        return hanging(side, -10, 45), unit(point(-side * 0.75, -0.6, 0.25))
    if doing == 1:
        return hanging(side, 20, 8), hanging(side, rng.uniform(70, 110), 5)
    if doing == 2:
        return hanging(side, 35, 8), unit(point(-side * 0.3, 0.85, 0.3))
    return hanging(side, -12, 14), unit(point(-side * 0.2, -0.95, 0.2))


def standing(rng: Rng) -> Stance:
    """Upright, arms hanging or busy."""
    arms = [_busy(rng, s) if rng.random() < 0.35 else _loose(rng, s) for s in (-1, 1)]
    legs = [_straight(rng, s) for s in (-1, 1)]
    lean = leaning(rng.normal(0, 3), rng.normal(0, 2))
    return Stance(lean, leaning(rng.normal(5, 8), rng.normal(0, 6)), _two(arms), _two(legs))


def walking(rng: Rng) -> Stance:
    """In mid-stride; arms swing against the legs."""
    stride, phase = rng.uniform(14, 30), float(rng.choice([-1, 1]))
    arms, legs = [], []
    for side in (-1, 1):
        swing = side * phase * stride
        bend = rng.uniform(15, 45) if swing < 0 else rng.uniform(0, 10)
        legs.append((hanging(side, swing, 1), hanging(side, swing - bend, 0)))
        arms.append((hanging(side, -swing, 8), hanging(side, -swing + rng.uniform(10, 50), 4)))
    return Stance(leaning(4, 0), leaning(rng.normal(4, 8), 0), _two(arms), _two(legs))


def sitting(rng: Rng) -> Stance:
    """On a seat, hands in the lap, on a table or loose."""
    arms, legs = [], []
    for side in (-1, 1):
        thigh = hanging(side, rng.uniform(84, 93), rng.uniform(2, 16))
        legs.append((thigh, hanging(side, rng.uniform(-18, 12), 0)))
        reach = rng.uniform(15, 50)
        arms.append((hanging(side, reach, 10), hanging(-side, rng.uniform(60, 95), 12)))
    lean = leaning(rng.uniform(-14, 12), rng.normal(0, 3))
    return Stance(lean, leaning(rng.normal(6, 9), rng.normal(0, 6)), _two(arms), _two(legs))


def arms_up(rng: Rng) -> Stance:
    """Standing with one arm or both raised."""
    base = standing(rng)
    arms = list(base.arms)
    for i in [0, 1] if rng.random() < 0.6 else [int(rng.integers(2))]:
        side = 2 * i - 1
        upper = hanging(side, rng.uniform(-15, 30), rng.uniform(110, 165))
        arms[i] = (upper, unit(upper + rng.normal(0, 0.3, 3) + point(0, 0.7, 0)))
    return replace(base, arms=_two(arms))


def reaching(rng: Rng) -> Stance:
    """Standing, arms stretched ahead, towards a camera that is in front."""
    base = standing(rng)
    arms = list(base.arms)
    for i in [0, 1] if rng.random() < 0.5 else [int(rng.integers(2))]:
        upper = hanging(2 * i - 1, rng.uniform(60, 95), rng.uniform(-8, 20))
        arms[i] = (upper, unit(upper + rng.normal(0, 0.15, 3)))
    return replace(base, arms=_two(arms))


def arms_crossed(rng: Rng) -> Stance:
    """Standing with the arms crossed over the chest."""
    base = standing(rng)
    fore = (0.05, 0.22) if rng.random() < 0.5 else (0.22, 0.05)
    arms = [
        (hanging(s, 24, 8), unit(point(-s * 0.9, f, 0.5 if f < 0.1 else 0.3)))
        for s, f in zip((-1, 1), fore, strict=True)
    ]
    return replace(base, arms=_two(arms))


def dancing(rng: Rng) -> Stance:
    """Limbs anywhere that joints allow, one foot on the ground."""
    arms, legs = [], [_straight(rng, -1), _straight(rng, 1)]
    for side in (-1, 1):
        upper = hanging(side, rng.uniform(-40, 90), rng.uniform(10, 140))
        arms.append((upper, unit(upper + rng.normal(0, 0.6, 3))))
    i = int(rng.integers(2))
    swing = rng.uniform(-30, 85)
    legs[i] = (
        hanging(2 * i - 1, swing, rng.uniform(5, 45)),
        hanging(2 * i - 1, swing - rng.uniform(10, 95), rng.uniform(0, 20)),
    )
    lean = leaning(rng.normal(0, 14), rng.normal(0, 12))
    return Stance(lean, leaning(rng.normal(0, 14), rng.normal(0, 12)), _two(arms), _two(legs))


def crouching(rng: Rng) -> Stance:
    """Down on the heels, bent ahead."""
    arms, legs = [], []
    for side in (-1, 1):
        legs.append(
            (hanging(side, rng.uniform(95, 112), 14), hanging(side, -rng.uniform(24, 38), 0))
        )
        arms.append((hanging(side, rng.uniform(35, 65), 12), hanging(side, rng.uniform(40, 80), 0)))
    lean = leaning(rng.uniform(22, 42), rng.normal(0, 4))
    return Stance(lean, leaning(rng.uniform(0, 30), 0), _two(arms), _two(legs))


POSES: dict[str, tuple[Callable[[Rng], Stance], float]] = {
    "standing": (standing, 0.3),
    "walking": (walking, 0.17),
    "sitting": (sitting, 0.13),
    "arms up": (arms_up, 0.09),
    "reaching": (reaching, 0.07),
    "arms crossed": (arms_crossed, 0.07),
    "dancing": (dancing, 0.08),
    "crouching": (crouching, 0.06),
    "lying": (standing, 0.03),
}
"""Name of a pose: what draws it, and how often it is taken."""


def _two(pair: Sequence[Limb]) -> tuple[Limb, Limb]:
    return pair[0], pair[1]
