"""Cutting layers out of a picture, and laying them over each other: the compiled loops.

A surface of signed square q is nearer than layer k by n_k = clip((q - squares[k]) *
slopes[k], 0, 1), and covers layer k by n_(k-1) - n_k; a place is known at layer k as far as
nothing nearer hides it, 1 - n_k.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.optics.hidden import BEHIND_PX, search
from depthfx.optics.levels import mirrored, place_of

Array = NDArray[np.float32]

GUESS = 0.05
"""Weight of a guessed surface against a visible one within the same blur."""

LEAST_KNOWN = 1e-3
"""Where less than this of a layer is known within its blur, it is left out."""


@njit(cache=True, nogil=True, fastmath=True)
def signed_squares(near: Array, far: Array, offset: np.float32, factor: np.float32) -> Array:
    """Signed squares of ((near + far) / 2 - offset) * factor."""
    out = np.empty_like(near)
    half = np.float32(0.5)
    for y in range(near.shape[0]):
        for x in range(near.shape[1]):
            radius = (half * (near[y, x] + far[y, x]) - offset) * factor
            out[y, x] = radius * abs(radius)
    return out


@njit(cache=True, nogil=True)
def extents(squares: Array) -> tuple[Array, Array]:
    """Smallest and largest value of each row, (2, h), and of each column, (2, w)."""
    height, width = squares.shape
    rows, columns = np.empty((2, height), np.float32), np.empty((2, width), np.float32)
    columns[0], columns[1] = np.inf, -np.inf
    for y in range(height):
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for x in range(width):
            low, high = min(low, squares[y, x]), max(high, squares[y, x])
            columns[0, x] = min(columns[0, x], squares[y, x])
            columns[1, x] = max(columns[1, x], squares[y, x])
        rows[0, y], rows[1, y] = low, high
    return rows, columns


@njit(cache=True, nogil=True)
def boxes(rows: Array, columns: Array, lows: Array, highs: Array) -> NDArray[np.int64]:
    """(n, 4) start and stop of the rows and columns that hold any signed square in between.

    rows, columns : see `extents`
    lows, highs : (n,) float32; where there is nothing a stop is 0
    """
    out = np.zeros((lows.shape[0], 4), np.int64)
    for k in range(lows.shape[0]):
        for side, ends in ((0, rows), (2, columns)):
            for i in range(ends.shape[1]):
                if ends[1, i] > lows[k] and ends[0, i] < highs[k]:
                    if out[k, side + 1] == 0:
                        out[k, side] = i
                    out[k, side + 1] = i + 1
    return out


@njit(cache=True, nogil=True, inline="always")
def _deposit(
    colour: Array,
    seen: np.float32,
    guessed: np.float32,
    square: np.float32,
    squares: Array,
    slopes: Array,
    first: int,
    record: Array,
) -> np.float32:
    """Add a surface to the record of its cell: what it covers, and what is known from it on.

    seen : the share of the cell where it is seen
    guessed : further weight, evidence for its own layers but not that nearer ones are empty

    Returns what is known of the layers farther than `first`.
    """
    low, high = 0, squares.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if square >= squares[middle]:
            low = middle
        else:
            high = middle
    zero, one = np.float32(0), np.float32(1)
    nearer = min(max((square - squares[low]) * slopes[low], zero), one)
    beyond = low + 1 if nearer == zero else low + 2
    weight, farther = seen + guessed, zero
    for layer, cover, known in (
        (low, weight * (one - nearer), weight * (one - nearer)),
        (low + 1, weight * nearer, weight * nearer),
        (beyond, zero, -guessed),
    ):
        k = layer - first
        if k < 0:
            farther += known
        elif k < record.shape[0]:
            for c in range(3):
                record[k, c] += cover * colour[c]
            record[k, 3] += cover
            record[k, 4] += known
    return farther


@njit(cache=True, nogil=True, inline="always")
def _enter_extents(y: int, x: int, square: np.float32, rows: Array, columns: Array) -> None:
    rows[0, y], rows[1, y] = min(rows[0, y], square), max(rows[1, y], square)
    columns[0, x], columns[1, x] = min(columns[0, x], square), max(columns[1, x], square)


@njit(cache=True, nogil=True, error_model="numpy")
def take_apart(
    scale: int,
    place_rows: NDArray[np.int64],
    place_columns: NDArray[np.int64],
    pixels: Array,
    inverse: Array,
    focus_inverse: np.float32,
    px_per_inverse: np.float32,
    mask: NDArray[np.uint8],
    starts: NDArray[np.int64],
    mixed_x: NDArray[np.int32],
    surfaces: Array,
    level_colour: Array,
    level_near: Array,
    level_far: Array,
    cell_px: int,
    cells: Array,
    shapes: NDArray[np.int64],
    around: Array,
    hidden: Array,
    nearest: Array,
    squares: Array,
    slopes: Array,
    first: int,
    records: Array,
    at: NDArray[np.int32],
    rows: Array,
    columns: Array,
) -> int:
    """Cells of a place that show, or may hide, more than one surface; returns their number.

    scale : a cell is a block of that many px squared
    place_rows, place_columns : of the level, for each row and column of the place
    level_* : of the cells, where scale > 1
    records : (N, n, 5) out, for each such cell and layer of the group from `first` on its
        colour * cover, its cover, and what is known there
    at : (N, 2) out, row and column in the place
    rows, columns : see `extents`; surfaces are entered
    """
    zero, one, guess = np.float32(0), np.float32(1), np.float32(GUESS)
    count, layers = 0, records.shape[1]
    found, colour = np.empty(5, np.float32), np.empty(3, np.float32)
    low = squares[first - 1] if first > 0 else np.float32(-np.inf)
    stop = first + layers
    high = squares[stop] if stop < squares.shape[0] else np.float32(np.inf)
    tolerance = np.float32(0.25 * scale)
    for i in range(place_rows.shape[0]):
        v = place_rows[i]
        for j in range(place_columns.shape[0]):
            u = place_columns[j]
            apart = (
                mask[v, u] != 0 if scale == 1 else level_near[v, u] - level_far[v, u] > tolerance
            )
            if not apart:
                y = (v * scale + scale // 2) // cell_px
                x = (u * scale + scale // 2) // cell_px
                behind = hidden[y, x]
                square = behind * abs(behind)
                if not low < square < high:
                    continue
                if scale == 1:
                    front = (inverse[v, u] - focus_inverse) * px_per_inverse
                else:
                    front = np.float32(0.5) * (level_near[v, u] + level_far[v, u])
                if behind >= front - np.float32(BEHIND_PX):
                    continue
                if not search(cell_px, cells, shapes, around, y, x, nearest[y, x], found):
                    continue
                square = found[3] * abs(found[3])
                record = records[count]
                record[:] = zero
                known = _deposit(found, zero, guess, square, squares, slopes, first, record)
                _enter_extents(i, j, square, rows, columns)
                for c in range(3):
                    colour[c] = pixels[v, u, c] if scale == 1 else level_colour[v, u, c]
                known += _deposit(
                    colour, one, zero, front * abs(front), squares, slopes, first, record
                )
            else:
                record = records[count]
                record[:] = zero
                known = zero
                part = one / np.float32(scale * scale)
                for down in range(v * scale, (v + 1) * scale):
                    y = down if down < inverse.shape[0] else mirrored(down, inverse.shape[0])
                    for across in range(u * scale, (u + 1) * scale):
                        x = (
                            across
                            if across < inverse.shape[1]
                            else mirrored(across, inverse.shape[1])
                        )
                        if mask[y, x] == 0:
                            r = (inverse[y, x] - focus_inverse) * px_per_inverse
                            square = r * abs(r)
                            known += _deposit(
                                pixels[y, x], part, zero, square, squares, slopes, first, record
                            )
                            _enter_extents(i, j, square, rows, columns)
                            continue
                        n = place_of(mixed_x, starts[y], starts[y + 1], x)
                        share = surfaces[n, 6]
                        square = surfaces[n, 7] * abs(surfaces[n, 7])
                        known += _deposit(
                            surfaces[n, 0:3],
                            part * share,
                            zero,
                            square,
                            squares,
                            slopes,
                            first,
                            record,
                        )
                        _enter_extents(i, j, square, rows, columns)
                        square = surfaces[n, 8] * abs(surfaces[n, 8])
                        known += _deposit(
                            surfaces[n, 3:6],
                            part * (one - share),
                            part * share * guess,
                            square,
                            squares,
                            slopes,
                            first,
                            record,
                        )
                        _enter_extents(i, j, square, rows, columns)
            for k in range(layers):
                known += record[k, 4]
                record[k, 4] = known
            at[count, 0], at[count, 1] = i, j
            count += 1
    return count


@njit(cache=True, nogil=True, fastmath=True)
def cut(
    squares: Array,
    red: Array,
    green: Array,
    blue: Array,
    below: np.float32,
    below_slope: np.float32,
    above: np.float32,
    above_slope: np.float32,
    stack: Array,
) -> None:
    """A layer of cells with one surface: (5, h, w) colour * cover, cover, and what is known.

    below, below_slope : of the layer behind; a slope of 0 if there is none
    above, above_slope : of this layer
    """
    zero, one = np.float32(0), np.float32(1)
    least = one if below_slope == zero else zero
    for y in range(squares.shape[0]):
        for x in range(squares.shape[1]):
            nearer = min(max((squares[y, x] - above) * above_slope, zero), one)
            here = min(max((squares[y, x] - below) * below_slope, least), one)
            cover = here - nearer
            stack[0, y, x] = cover * red[y, x]
            stack[1, y, x] = cover * green[y, x]
            stack[2, y, x] = cover * blue[y, x]
            stack[3, y, x] = cover
            stack[4, y, x] = one - nearer


@njit(cache=True, nogil=True)
def put_records(
    records: Array, at: NDArray[np.int32], count: int, k: int, top: int, left: int, stack: Array
) -> None:
    """Write the cells of `take_apart` into layer k of their group."""
    height, width = stack.shape[1:]
    for n in range(count):
        y, x = at[n, 0] - top, at[n, 1] - left
        if 0 <= y < height and 0 <= x < width:
            for c in range(5):
                stack[c, y, x] = records[n, k, c]


@njit(cache=True, nogil=True, fastmath=True)
def over(stack: Array, seen: Array) -> None:
    """Lay a spread layer (5, h, w) over `seen` (4, h, w), colour premultiplied by its cover."""
    one, least = np.float32(1), np.float32(LEAST_KNOWN)
    for y in range(seen.shape[1]):
        for x in range(seen.shape[2]):
            cover, known = stack[3, y, x], stack[4, y, x]
            share = one / known if known >= least and cover > 0 else np.float32(0)
            own = min(cover * share, one)
            through = one - own
            for c in range(3):
                seen[c, y, x] = seen[c, y, x] * through + stack[c, y, x] * share
            seen[3, y, x] = seen[3, y, x] * through + own


@njit(cache=True, nogil=True, fastmath=True)
def over_premultiplied(front: Array, seen: Array) -> None:
    """Lay `front` (4, h, w) over `seen` (4, h, w), both premultiplied."""
    one = np.float32(1)
    for y in range(seen.shape[1]):
        for x in range(seen.shape[2]):
            through = one - front[3, y, x]
            for c in range(4):
                seen[c, y, x] = seen[c, y, x] * through + front[c, y, x]


@njit(cache=True, nogil=True, fastmath=True)
def finish(seen: Array, floor: np.float32) -> None:
    """Divide (4, h, w) by the cover reached; what layers left open is like the rest."""
    one, least = np.float32(1), np.float32(1e-6)
    for y in range(seen.shape[1]):
        for x in range(seen.shape[2]):
            share = one / max(seen[3, y, x], least)
            for c in range(3):
                seen[c, y, x] = max(seen[c, y, x] * share, floor)


@njit(cache=True, nogil=True, fastmath=True)
def doubled(coarse: Array, top: int, left: int, out: Array) -> None:
    """Part of planes (C, h, w) at twice their size, bilinear, from the even place (top, left).

    out : (C, H, W) filled; beyond the borders the last value goes on
    """
    height, width = coarse.shape[1:]
    rows, columns = out.shape[1:]
    a, b = np.float32(0.75), np.float32(0.25)
    count = columns // 2 + columns % 2
    line = np.empty(count + 2, np.float32)
    # Columns of `coarse` that `line` holds: one more than is covered on either side.
    first, begin = left // 2 - 1, max(left // 2 - 1, 0)
    end = min(left // 2 + count + 1, width)
    for c in range(out.shape[0]):
        for y in range(rows):
            v = (top + y) // 2
            other = min(max(v + 1 if (top + y) % 2 else v - 1, 0), height - 1)
            nearer, farther = coarse[c, v, begin:end], coarse[c, other, begin:end]
            inner = line[begin - first : end - first]
            for i in range(end - begin):
                inner[i] = a * nearer[i] + b * farther[i]
            if begin > first:
                line[0] = line[1]
            if end - first < count + 2:
                line[count + 1] = line[count]
            before, here, after = line[:count], line[1 : count + 1], line[2:]
            to = out[c, y]
            for i in range(columns // 2):
                main = a * here[i]
                to[2 * i] = main + b * before[i]
                to[2 * i + 1] = main + b * after[i]
            if columns % 2:
                to[columns - 1] = a * here[count - 1] + b * before[count - 1]
