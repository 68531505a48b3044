"""Points and directions as tuples of three floats, and how functions on them are compiled."""

from __future__ import annotations

import math

from numba import njit

Vector = tuple[float, float, float]
kernel = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
"""Compiles a function of this package to machine code; no value in them is infinite or NaN.

The compiled code is kept beside a module's source, and is not made anew when only a module that
it calls has changed: remove `__pycache__` after a change here.
"""


@kernel
def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@kernel
def plus(a: Vector, t: float, b: Vector) -> Vector:
    """a + t b."""
    return a[0] + t * b[0], a[1] + t * b[1], a[2] + t * b[2]


@kernel
def times(t: float, a: Vector) -> Vector:
    return t * a[0], t * a[1], t * a[2]


@kernel
def minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@kernel
def product(a: Vector, b: Vector) -> Vector:
    """Channel by channel: light on a colour."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@kernel
def mix(a: Vector, b: Vector, share: float) -> Vector:
    """`a` with `share` of it replaced by `b`."""
    return (
        a[0] + share * (b[0] - a[0]),
        a[1] + share * (b[1] - a[1]),
        a[2] + share * (b[2] - a[2]),
    )


@kernel
def length(a: Vector) -> float:
    return math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])


@kernel
def unit(a: Vector) -> Vector:
    """`a` made one long; nothing stays nothing."""
    return times(1 / max(length(a), 1e-30), a)


@kernel
def facing(n: Vector, d: Vector) -> Vector:
    """The normal `n` or its opposite, on the side that a ray along `d` comes from."""
    return (-n[0], -n[1], -n[2]) if dot(n, d) > 0 else n
