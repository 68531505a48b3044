"""A value over time as few keys with ease, as After Effects draws them.

Between two keys of 33.33 % influence After Effects draws the cubic that the values and speeds at
both ends give (a Bezier curve whose handles are a third of the way to the neighbour): any cubic,
so a camera move needs no key more than it was made with, and what is no cubic few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AT_THIRDS = np.arange(4) / 3
BETWEEN = np.array([1, 3, 5]) / 6
"""Where the cubic through the values at thirds is compared with what it stands for."""
FINEST = 1 / 256
"""Of the whole time: no piece is cut shorter."""


@dataclass(frozen=True)
class EasedKey:
    """A value, and its speeds (its change in the whole time) just before and just after."""

    at: float
    value: float
    speed_in: float
    speed_out: float


def eased(
    value_at: Callable[[float], float], knots: Sequence[float], tolerance: float
) -> tuple[EasedKey, ...]:
    """Keys whose curve is nowhere farther than about `tolerance` from `value_at`.

    value_at : the value at a share of the time; smooth between neighbours of `knots`
    knots : growing shares, at each of which a key is set; others between them where needed

    One key if the value never changes by more than `tolerance` / 10.
    """
    pieces = [
        piece
        for start, end in pairwise(knots)
        for piece in _pieces(value_at, start, end, tolerance)
    ]
    values = np.array([v for *_, thirds in pieces for v in thirds])
    if np.ptp(values) <= tolerance / 10:
        return (EasedKey(knots[0], float(values[0]), 0.0, 0.0),)
    speeds = [_speeds(start, end, thirds) for start, end, thirds in pieces]
    into = [0.0, *(float(last) for _, last in speeds)]
    out_of = [*(float(first) for first, _ in speeds), 0.0]
    ats = [*(start for start, *_ in pieces), knots[-1]]
    ends = [*(float(thirds[0]) for *_, thirds in pieces), float(pieces[-1][2][3])]
    return tuple(map(EasedKey, ats, ends, into, out_of))


def _pieces(
    value_at: Callable[[float], float], start: float, end: float, tolerance: float
) -> list[tuple[float, float, Floats]]:
    """Pieces (start, end, values at thirds) that cubics are near enough to."""
    # From inside the piece: at its ends the value may turn a corner.
    inset = 1e-9 * (end - start)
    shares = np.clip(start + (end - start) * AT_THIRDS, start, end - inset)
    thirds = np.array([value_at(float(share)) for share in shares])
    cubic = np.polynomial.Polynomial.fit(AT_THIRDS, thirds, 3)
    errors = [cubic(t) - value_at(start + (end - start) * t) for t in BETWEEN]
    if np.max(np.abs(errors)) <= tolerance or end - start <= FINEST:
        return [(start, end, thirds)]
    middle = (start + end) / 2
    return [
        *_pieces(value_at, start, middle, tolerance),
        *_pieces(value_at, middle, end, tolerance),
    ]


def _speeds(start: float, end: float, thirds: Floats) -> tuple[float, float]:
    """Slopes at both ends of the cubic through values at thirds."""
    a, b, c, d = thirds
    first = (-11 * a + 18 * b - 9 * c + 2 * d) / 2
    last = (11 * d - 18 * c + 9 * b - 2 * a) / 2
    return first / (end - start), last / (end - start)
