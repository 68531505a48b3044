"""A symmetric positive system over a band of pixels, each bound to its 5 x 5 neighbours.

Conjugate gradients, preconditioned by exact solves in strips: upright ones a few pixels
wide, whose matrices are banded and factor cheaply (Cholesky). The first set of strips
leaves gaps, which the second covers and overlaps. What a plain diagonal cannot see, how
tightly pixels of one colour hold together, is solved exactly inside a strip, so some
tens of steps do where thousands would be needed.

Multiplicative Schwarz: B. Smith, P. Bjorstad, W. Gropp, "Domain Decomposition",
Cambridge 1996, ch. 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane

Array = NDArray[np.float32]
Index = NDArray[np.int32]

WIDTH, PERIOD = 16, 24
"""Of the strips, in pixels. Two of a set do not touch: no row reaches further than 2."""
ROUNDING = 1e-7
"""Of float32, in products with rows whose diagonals are about 1."""
SMALLEST_PIVOT = 1e-6
"""Rows have diagonals of about 1; rounding in float32 may leave a pivot below its own size."""


@dataclass(frozen=True, eq=False)
class BandSystem:
    """A, ready to be solved for several right sides: made by `factor_in_strips`."""

    rows: Array
    y: Index
    x: Index
    shape: tuple[int, int]
    strips: tuple[Array, Index, Index, Array, Index, Index]
    """Of the two sets: Cholesky factors, where their rows begin, which pixels."""


def factor_in_strips(rows: Array, band: NDArray[np.bool_]) -> BandSystem:
    """The system whose `rows` (N, 5, 5) float32 belong to the N pixels of `band`, row by row.

    A row holds A's entries by place around its pixel. A is symmetric and positive.
    """
    y, x = (axis.astype(np.int32) for axis in np.nonzero(band))
    number = np.full((band.shape[0] + 4, band.shape[1] + 4), -1, np.int32)
    number[2:-2, 2:-2][band] = np.arange(y.size, dtype=np.int32)
    first, second = _strips(x, 0), _strips(x, PERIOD // 2)
    strips = (
        *(*_factor(rows, y, x, number, *first), first[0]),
        *(*_factor(rows, y, x, number, *second), second[0]),
    )
    return BandSystem(rows, y, x, (number.shape[0], number.shape[1]), strips)


def solve_in_band(
    system: BandSystem, right: Array, start: Array, steps: int, tolerance: float
) -> Array:
    """x (N,) float32 with A x = `right`, improved from `start`.

    steps, tolerance : the iteration ends after so many, or when the residual's norm is that
        share of the norm of `right`
    """
    return _solve(
        system.rows,
        system.y,
        system.x,
        np.zeros(system.shape, np.float32),
        *system.strips,
        right,
        start,
        steps,
        np.float32(tolerance),
    )


def _strips(x: Index, offset: int) -> tuple[Index, Index]:
    """The pixels in strips, one after the other, row by row in each; where each begins."""
    strip, within = np.divmod(x + offset, PERIOD)
    inside = np.flatnonzero(within < WIDTH)
    order = inside[np.argsort(strip[inside], kind="stable")]
    begins = np.flatnonzero(np.diff(strip[order], prepend=-1))
    return order.astype(np.int32), np.append(begins, order.size).astype(np.int32)


@njit(fastmath=True, cache=True)
def _solve(
    rows: Array,
    y: Index,
    x: Index,
    plane: Plane,
    factor_a: Array,
    first_a: Index,
    order_a: Index,
    factor_b: Array,
    first_b: Index,
    order_b: Index,
    right: Array,
    start: Array,
    steps: int,
    tolerance: np.float32,
) -> Array:  # pragma: no cover - compiled
    out, turned, eased = start.copy(), np.empty_like(start), np.empty_like(start)
    _times(rows, y, x, out, plane, turned)
    residual = right - turned
    # Once solved in the first set of strips, the residual stays zero there: each step
    # then needs the second set, and the first again.
    eased[:] = 0
    _solve_strips(factor_a, first_a, order_a, residual, eased)
    out += eased
    _times(rows, y, x, eased, plane, turned)
    residual -= turned
    ahead = np.zeros_like(start)
    power = np.float32(1)
    enough = _dot(right, right) * tolerance * tolerance
    for _ in range(steps):
        if _dot(residual, residual) <= enough:
            break
        eased[:] = 0
        _solve_strips(factor_b, first_b, order_b, residual, eased)
        _times(rows, y, x, eased, plane, turned)
        _solve_strips(factor_a, first_a, order_a, residual - turned, eased)
        before, power = power, _dot(residual, eased)
        ahead = eased + (power / before) * ahead
        _times(rows, y, x, ahead, plane, turned)
        bent = _dot(ahead, turned)
        # Nothing known holds this direction: beyond here lies only rounding.
        if bent <= np.float32(ROUNDING) * _dot(ahead, ahead):
            break
        length = power / bent
        out += length * ahead
        residual -= length * turned
    return out


@njit(fastmath=True, cache=True)
def _dot(a: Array, b: Array) -> np.float32:  # pragma: no cover - compiled
    """Their inner product; numba's own would need SciPy."""
    total = np.float32(0)
    for n in range(a.size):
        total += a[n] * b[n]
    return total


@njit(fastmath=True, cache=True)
def _times(
    rows: Array, y: Index, x: Index, vector: Array, plane: Plane, out: Array
) -> None:  # pragma: no cover - compiled
    """A times `vector` into `out`; `plane` is room, zero outside the band."""
    for n in range(y.size):
        plane[y[n] + 2, x[n] + 2] = vector[n]
    for n in range(y.size):
        total = np.float32(0)
        for j in range(5):
            for i in range(5):
                total += rows[n, j, i] * plane[y[n] + j, x[n] + i]
        out[n] = total


@njit(fastmath=True, cache=True)
def _factor(
    rows: Array, y: Index, x: Index, number: Index, order: Index, begins: Index
) -> tuple[Array, Index]:  # pragma: no cover - compiled
    """Cholesky factors of the strips: rows up to the diagonal, which is inverted; their begin.

    Inner loops here and in `_solve_strips` run over slices: of an index counted from 0 the
    compiler knows that it is not negative, and vectorises.
    """
    reach = 2 * WIDTH + 2  # two rows up and two pixels left
    factor = np.zeros((order.size, reach + 1), np.float32)
    first = np.empty(order.size, np.int32)
    place = np.full(y.size, -1, np.int32)
    for k in range(order.size):
        place[order[k]] = k
    for strip in range(begins.size - 1):
        for k in range(begins[strip], begins[strip + 1]):
            n, first[k] = order[k], k
            for j in range(3):
                for i in range(5 if j < 2 else 3):
                    m = number[y[n] + j, x[n] + i]
                    if m >= 0 and place[m] >= begins[strip]:
                        factor[k, place[m] - k + reach] = rows[n, j, i]
                        first[k] = min(first[k], place[m])
            for m in range(first[k], k + 1):
                since = max(first[k], first[m])
                own = factor[k, since - k + reach : m - k + reach]
                other = factor[m, since - m + reach : reach]
                total = np.float32(0)
                for t in range(m - since):
                    total += own[t] * other[t]
                left = factor[k, m - k + reach] - total
                if m < k:
                    factor[k, m - k + reach] = left * factor[m, reach]
                else:
                    factor[k, reach] = 1 / np.sqrt(max(left, np.float32(SMALLEST_PIVOT)))
    return factor, first


@njit(fastmath=True, cache=True)
def _solve_strips(
    factor: Array, first: Index, order: Index, residual: Array, out: Array
) -> None:  # pragma: no cover - compiled
    """Add to `out` what makes `residual` zero in all strips of a set."""
    reach = factor.shape[1] - 1
    z = np.empty(order.size, np.float32)
    for k in range(order.size):
        row, before = factor[k, reach - k + first[k] : reach], z[first[k] : k]
        total = np.float32(0)
        for t in range(k - first[k]):
            total += row[t] * before[t]
        z[k] = (residual[order[k]] - total) * factor[k, reach]
    for k in range(order.size - 1, -1, -1):
        value = z[k] * factor[k, reach]
        row, before = factor[k, reach - k + first[k] : reach], z[first[k] : k]
        for t in range(k - first[k]):
            before[t] -= row[t] * value
        out[order[k]] += value
