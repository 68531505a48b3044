"""Facets drawn into a picture: what is nearest where, and its colour.

What a facet leaves at a pixel is a place on its sheet, not a colour, so that colours are looked up
once, with a cubic kernel, where the nearest surface lies. Soft pieces are kept apart, nearest
first, and laid over what is behind them. Nothing depends on the order of threads: each band of
rows is drawn by one of them, every piece in its turn.

R. Keys, "Cubic convolution interpolation for digital image processing", IEEE ASSP 29, 1981;
T. Porter, T. Duff, "Compositing digital images", SIGGRAPH 1984.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.geometry.facets import ALL, SHEET

Array = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

BAND_PX = 64
"""Rows drawn by one thread at a time."""
OVERLAP_PX = 0.12
"""Flat tiles are drawn so far over their rims: neighbours' planes part by less."""
MOST_SOFT = 4
"""Soft pieces before each other in one pixel; of more, the farthest are left out."""
LEAST_COVER = 1e-3
"""Pixels covered by less show nothing."""
SAME_PLACE, SAME_DEPTH, RIM = 1e-2, 1e-4, 1e-3
"""Pieces of one sheet this near to each other (px, share) are one that two quads share; and how
near (px) to a quad's end a place is its end."""


@njit(cache=True, nogil=True, error_model="numpy")
def _projected(
    matrix: Floats, u: float, v: float, w: float
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Column, row and inverse depth in the picture; inverse depth -1 behind the camera."""
    q = matrix[2, 0] * u + matrix[2, 1] * v + matrix[2, 2] + matrix[2, 3] * w
    if q <= 1e-6:
        return 0.0, 0.0, -1.0
    r = 1.0 / q
    return (
        (matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2] + matrix[0, 3] * w) * r,
        (matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2] + matrix[1, 3] * w) * r,
        w * r,
    )


@njit(cache=True, parallel=True, error_model="numpy")
def _extents_of_tiles(
    matrix: Floats, tiles: Ints, planes: Floats
) -> Array:  # pragma: no cover - compiled
    """(N, 2): the rows that each tile falls on; none if a corner is behind the camera."""
    out = np.empty((len(tiles), 2), np.float32)
    for n in prange(len(tiles)):
        least, most = 1e9, -1e9
        for k in range(4):
            u, v = tiles[n, 2] + (k & 1) * tiles[n, 3], tiles[n, 1] + (k >> 1) * tiles[n, 3]
            w = planes[n, 0] * u + planes[n, 1] * v + planes[n, 2]
            _, y, d = _projected(matrix, u, v, w)
            if d < 0:
                least, most = 1e9, -1e9
                break
            least, most = min(least, y), max(most, y)
        out[n, 0], out[n, 1] = least - 1, most + 1
    return out


@njit(cache=True, parallel=True, error_model="numpy")
def _extents_of_quads(
    matrix: Floats, quads: Ints, corners: Array
) -> Array:  # pragma: no cover - compiled
    out = np.empty((len(quads), 2), np.float32)
    for n in prange(len(quads)):
        least, most = 1e9, -1e9
        for k in range(4):
            _, y, d = _projected(
                matrix, quads[n, 2] + (k & 1), quads[n, 1] + (k >> 1), corners[n, k]
            )
            if d < 0:
                least, most = 1e9, -1e9
                break
            least, most = min(least, y), max(most, y)
        out[n, 0], out[n, 1] = least - 1e-3, most + 1e-3
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _draw_tile(
    matrix: Floats, tile: Ints, plane: Floats, top: int, z: Array, place: Array, code: Ints
) -> None:  # pragma: no cover - compiled
    """A flat tile, by the homography of its plane, into a band that begins at row `top`."""
    height, width = z.shape
    h = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            h[i, j] = matrix[i, j] + matrix[i, 3] * plane[j]
    a = h[1, 1] * h[2, 2] - h[1, 2] * h[2, 1]
    b = h[1, 2] * h[2, 0] - h[1, 0] * h[2, 2]
    c = h[1, 0] * h[2, 1] - h[1, 1] * h[2, 0]
    determinant = h[0, 0] * a + h[0, 1] * b + h[0, 2] * c
    if determinant <= 1e-9:  # seen from behind
        return
    r = 1.0 / determinant
    ux, uy, u1 = (
        a * r,
        (h[0, 2] * h[2, 1] - h[0, 1] * h[2, 2]) * r,
        (h[0, 1] * h[1, 2] - h[0, 2] * h[1, 1]) * r,
    )
    vx, vy, v1 = (
        b * r,
        (h[0, 0] * h[2, 2] - h[0, 2] * h[2, 0]) * r,
        (h[0, 2] * h[1, 0] - h[0, 0] * h[1, 2]) * r,
    )
    qx, qy, q1 = (
        c * r,
        (h[0, 1] * h[2, 0] - h[0, 0] * h[2, 1]) * r,
        (h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]) * r,
    )
    left, first, side = float(tile[2]), float(tile[1]), float(tile[3])
    x_low, x_high, y_low, y_high = 1e9, -1e9, 1e9, -1e9
    for k in range(4):
        u, v = left + (k & 1) * side, first + (k >> 1) * side
        q = h[2, 0] * u + h[2, 1] * v + h[2, 2]
        x, y = (h[0, 0] * u + h[0, 1] * v + h[0, 2]) / q, (h[1, 0] * u + h[1, 1] * v + h[1, 2]) / q
        x_low, x_high, y_low, y_high = min(x_low, x), max(x_high, x), min(y_low, y), max(y_high, y)
    u_low, u_high = left - OVERLAP_PX, left + side + OVERLAP_PX
    v_low, v_high = first - OVERLAP_PX, first + side + OVERLAP_PX
    sheet = (tile[0] << SHEET) | (ALL << 1)
    x_first, x_end = max(int(np.floor(x_low)), 0), min(int(np.ceil(x_high)) + 1, width)
    for row in range(
        max(int(np.floor(y_low)) - top, 0), min(int(np.ceil(y_high)) - top + 1, height)
    ):
        y = float(row + top)
        u0, v0, q0 = uy * y + u1, vy * y + v1, qy * y + q1
        for x in range(x_first, x_end):
            u, v, q = ux * x + u0, vx * x + v0, qx * x + q0
            depth = np.float32(plane[0] * u + plane[1] * v + plane[2] * q)
            if depth <= z[row, x]:
                continue
            if u < u_low * q or u > u_high * q or v < v_low * q or v > v_high * q:
                continue
            z[row, x] = depth
            place[row, x, 0] = u / q
            place[row, x, 1] = v / q
            code[row, x] = sheet


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    matrix: Floats,
    quads: Ints,
    corners: Array,
    n: int,
    kind: int,
    top: int,
    band: tuple[Array, Array, Ints],
    soft: tuple[NDArray[np.uint8], Array, Array, Ints],
) -> None:  # pragma: no cover - compiled
    """A quad, as two triangles, into a band that begins at row `top`."""
    z, place, codes = band
    height, width = z.shape
    code, v, u = quads[n, 0], quads[n, 1], quads[n, 2]
    x00, y00, d00 = _projected(matrix, u, v, corners[n, 0])
    x10, y10, d10 = _projected(matrix, u + 1, v, corners[n, 1])
    x01, y01, d01 = _projected(matrix, u, v + 1, corners[n, 2])
    x11, y11, d11 = _projected(matrix, u + 1, v + 1, corners[n, 3])
    y00, y10, y01, y11 = y00 - top, y10 - top, y01 - top, y11 - top
    y_first = max(int(np.ceil(min(min(y00, y10), min(y01, y11)) - 1e-6)), 0)
    y_last = min(int(np.floor(max(max(y00, y10), max(y01, y11)) + 1e-6)), height - 1)
    x_first = max(int(np.ceil(min(min(x00, x10), min(x01, x11)) - 1e-6)), 0)
    x_last = min(int(np.floor(max(max(x00, x10), max(x01, x11)) + 1e-6)), width - 1)
    # Both triangles as an origin and two sides: a place is a share of each.
    ax, ay, bx, by = x10 - x00, y10 - y00, x01 - x00, y01 - y00
    cx, cy, ex, ey = x01 - x11, y01 - y11, x10 - x11, y10 - y11
    upper, lower = ax * by - ay * bx, cx * ey - cy * ex
    for row in range(y_first, y_last + 1):
        for column in range(x_first, x_last + 1):
            inside = False
            s = t = depth = 0.0
            if upper > 1e-9:
                px, py = column - x00, row - y00
                s, t = (px * by - py * bx) / upper, (ax * py - ay * px) / upper
                if s >= -1e-5 and t >= -1e-5 and s + t <= 1 + 1e-5:
                    inside = True
                    depth = d00 + s * (d10 - d00) + t * (d01 - d00)
            if not inside and lower > 1e-9:
                px, py = column - x11, row - y11
                s, t = (px * ey - py * ex) / lower, (cx * py - cy * px) / lower
                if s >= -1e-5 and t >= -1e-5 and s + t <= 1 + 1e-5:
                    inside = True
                    depth = d11 + s * (d01 - d11) + t * (d10 - d11)
                    s, t = 1 - s, 1 - t
            if not inside:
                continue
            near = np.float32(depth)
            if kind == 0:
                if near > z[row, column]:
                    z[row, column] = near
                    place[row, column, 0] = u + s
                    place[row, column, 1] = v + t
                    codes[row, column] = code
            elif kind == 1:
                if near >= z[row, column]:
                    _keep(code, u, v, s, t, near, row, column, soft)
            elif z[row, column] < 0 and soft[0][row, column] == 0:
                # Nothing else is here: the farther side, which may lie behind what is near.
                far = np.float32(min(min(d00, d10), min(d01, d11)))
                if codes[row, column] < 0 or far < soft[1][row, column, 0]:
                    soft[1][row, column, 0] = far
                    place[row, column, 0] = u + (min(d10, d11) <= far)
                    place[row, column, 1] = v + (min(d01, d11) <= far)
                    codes[row, column] = code


@njit(cache=True, nogil=True, error_model="numpy")
def _keep(
    code: int,
    u: int,
    v: int,
    s: float,
    t: float,
    depth: np.float32,
    row: int,
    column: int,
    soft: tuple[NDArray[np.uint8], Array, Array, Ints],
) -> None:  # pragma: no cover - compiled
    """Keep a soft piece, nearest first; quads that meet in it leave it once."""
    count, z, place, codes = soft
    members = code >> 1 & ALL
    weight = 0.0
    for c in range(4):
        if members >> c & 1:
            weight += (s if c & 1 else 1 - s) * (t if c & 2 else 1 - t)
    if weight <= 1e-4:
        return
    at_u, at_v = u + s, v + t
    if members != ALL:
        # A place on the far rim is looked up in the next quad, whose corners these are.
        if s > 1 - RIM:
            at_u, members = u + 1.0, members >> 1 & 5
        if t > 1 - RIM:
            at_v, members = v + 1.0, members >> 2 & 3
        code = (code >> SHEET << SHEET) | (members << 1) | 1
    n = count[row, column]
    for k in range(n):
        if (
            codes[row, column, k] >> SHEET == code >> SHEET
            and abs(place[row, column, k, 0] - at_u) + abs(place[row, column, k, 1] - at_v)
            < SAME_PLACE
            and abs(z[row, column, k] - depth) <= SAME_DEPTH * depth
        ):
            return
    k = n
    if n == MOST_SOFT:
        if depth <= z[row, column, n - 1]:
            return
        k = n - 1
    else:
        count[row, column] = n + 1
    while k > 0 and z[row, column, k - 1] < depth:
        z[row, column, k] = z[row, column, k - 1]
        place[row, column, k, 0] = place[row, column, k - 1, 0]
        place[row, column, k, 1] = place[row, column, k - 1, 1]
        codes[row, column, k] = codes[row, column, k - 1]
        k -= 1
    z[row, column, k] = depth
    place[row, column, k, 0] = at_u
    place[row, column, k, 1] = at_v
    codes[row, column, k] = code


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(
    colours: Array, u: np.float32, v: np.float32, code: int, out: Array
) -> None:  # pragma: no cover - compiled
    """Premultiplied colour at a place of a sheet."""
    sheet, members = code >> SHEET, code >> 1 & ALL
    height, width = colours.shape[1], colours.shape[2]
    i = min(max(int(np.floor(u)), 0), width - 1)
    j = min(max(int(np.floor(v)), 0), height - 1)
    s, t = np.float32(u - i), np.float32(v - j)
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    right, below = min(i + 1, width - 1), min(j + 1, height - 1)
    if code & 1:
        a0 = (one - s) * (one - t) if members & 1 else zero
        a1 = s * (one - t) if members & 2 else zero
        a2 = (one - s) * t if members & 4 else zero
        a3 = s * t if members & 8 else zero
        for c in range(4):
            out[c] = (
                colours[sheet, j, i, c] * a0
                + colours[sheet, j, right, c] * a1
                + colours[sheet, below, i, c] * a2
                + colours[sheet, below, right, c] * a3
            )
        return
    a0 = half * s * (s * (np.float32(2) - s) - one)
    a1 = half * (s * s * (np.float32(3) * s - np.float32(5)) + np.float32(2))
    a2 = half * s * (s * (np.float32(4) - np.float32(3) * s) + one)
    a3 = half * s * s * (s - one)
    b0 = half * t * (t * (np.float32(2) - t) - one)
    b1 = half * (t * t * (np.float32(3) * t - np.float32(5)) + np.float32(2))
    b2 = half * t * (t * (np.float32(4) - np.float32(3) * t) + one)
    b3 = half * t * t * (t - one)
    left, last = max(i - 1, 0), min(i + 2, width - 1)
    for c in range(4):
        out[c] = zero
    for k in range(4):
        row = min(max(j + k - 1, 0), height - 1)
        b = b0 if k == 0 else (b1 if k == 1 else (b2 if k == 2 else b3))
        for c in range(4):
            out[c] += b * (
                a0 * colours[sheet, row, left, c]
                + a1 * colours[sheet, row, i, c]
                + a2 * colours[sheet, row, right, c]
                + a3 * colours[sheet, row, last, c]
            )


@njit(cache=True, parallel=True, error_model="numpy")
def draw(
    matrix: Floats,
    colours: Array,
    tiles: Ints,
    planes: Floats,
    solid: Ints,
    solid_corners: Array,
    soft: Ints,
    soft_corners: Array,
    spare: Ints,
    spare_corners: Array,
    frame: Floats,
    pixels: Array,
    inverse: Array,
    seen: Array,
    cover: Array,
) -> None:  # pragma: no cover - compiled
    """Fill `pixels` (H, W, 3), `inverse`, `seen` and `cover` (H, W) with what a camera sees.

    matrix : (3, 4), of (column, row, 1, inverse depth) of a sheet, homogeneous column and row
    frame : the first and last column and row of the photo in the sheets; `seen` is the first
        sheet's share within it
    cover : 0 where nothing was drawn
    """
    height, width = cover.shape
    tile_rows = _extents_of_tiles(matrix, tiles, planes)
    solid_rows = _extents_of_quads(matrix, solid, solid_corners)
    soft_rows = _extents_of_quads(matrix, soft, soft_corners)
    for band in prange((height + BAND_PX - 1) // BAND_PX):
        top = band * BAND_PX
        count = min(BAND_PX, height - top)
        z = np.full((count, width), -1, np.float32)
        place = np.empty((count, width, 2), np.float32)
        code = np.full((count, width), -1, np.int32)
        nearest = (z, place, code)
        kept = (
            np.zeros((count, width), np.uint8),
            np.empty((count, width, MOST_SOFT), np.float32),
            np.empty((count, width, MOST_SOFT, 2), np.float32),
            np.empty((count, width, MOST_SOFT), np.int32),
        )
        for n in range(len(tiles)):
            if tile_rows[n, 1] >= top and tile_rows[n, 0] < top + count:
                _draw_tile(matrix, tiles[n], planes[n], top, z, place, code)
        for n in range(len(solid)):
            if solid_rows[n, 1] >= top and solid_rows[n, 0] < top + count:
                _scan(matrix, solid, solid_corners, n, 0, top, nearest, kept)
        for n in range(len(soft)):
            if soft_rows[n, 1] >= top and soft_rows[n, 0] < top + count:
                _scan(matrix, soft, soft_corners, n, 1, top, nearest, kept)
        empty = False
        for y in range(count):
            for x in range(width):
                empty |= code[y, x] < 0 and kept[0][y, x] == 0
        if empty:
            for n in range(len(spare)):
                least, most, behind = 1e9, -1e9, False
                for k in range(4):
                    _, at, d = _projected(
                        matrix, spare[n, 2] + (k & 1), spare[n, 1] + (k >> 1), spare_corners[n, k]
                    )
                    least, most, behind = min(least, at), max(most, at), behind or d < 0
                if not behind and most >= top and least < top + count:
                    _scan(matrix, spare, spare_corners, n, 2, top, nearest, kept)
        _shade(colours, nearest, kept, top, frame, pixels, inverse, seen, cover)


@njit(cache=True, nogil=True, error_model="numpy")
def _shade(
    colours: Array,
    nearest: tuple[Array, Array, Ints],
    kept: tuple[NDArray[np.uint8], Array, Array, Ints],
    top: int,
    frame: Floats,
    pixels: Array,
    inverse: Array,
    seen: Array,
    cover: Array,
) -> None:  # pragma: no cover - compiled
    """The colours of a band: the soft pieces over the nearest opaque one, from far to near."""
    z, place, code = nearest
    number, soft_z, soft_place, soft_code = kept
    zero, one = np.float32(0), np.float32(1)
    out = np.empty(4, np.float32)
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            r, g, b, a, depth, first = zero, zero, zero, zero, zero, zero
            if code[y, x] >= 0:
                _look_up(colours, place[y, x, 0], place[y, x, 1], code[y, x], out)
                if out[3] > zero:
                    r, g, b, a = out[0] / out[3], out[1] / out[3], out[2] / out[3], one
                depth = z[y, x] if z[y, x] >= 0 else soft_z[y, x, 0]
                if code[y, x] >> SHEET == 0 and z[y, x] >= 0 and _within(frame, place[y, x]):
                    first = a
            for k in range(number[y, x] - 1, -1, -1):
                _look_up(
                    colours, soft_place[y, x, k, 0], soft_place[y, x, k, 1], soft_code[y, x, k], out
                )
                # The kernel's negative lobes overshoot beside an outline: not beyond 0 and 1.
                own = min(max(out[3], zero), one)
                rest = one - own
                size = own / out[3] if own > zero else zero
                r, g, b = (
                    size * out[0] + rest * r,
                    size * out[1] + rest * g,
                    size * out[2] + rest * b,
                )
                a = own + rest * a
                first *= rest
                if soft_code[y, x, k] >> SHEET == 0 and _within(frame, soft_place[y, x, k]):
                    first += own
                if own >= np.float32(0.5) or a <= own:
                    depth = soft_z[y, x, k]
            if a <= np.float32(LEAST_COVER):
                r = g = b = a = zero
            else:
                r, g, b = r / a, g / a, b / a
            pixels[top + y, x, 0] = max(r, zero)
            pixels[top + y, x, 1] = max(g, zero)
            pixels[top + y, x, 2] = max(b, zero)
            inverse[top + y, x] = depth
            seen[top + y, x] = first
            cover[top + y, x] = a


@njit(cache=True, nogil=True)
def _within(frame: Floats, place: Array) -> bool:  # pragma: no cover - compiled
    return frame[0] <= place[0] <= frame[2] and frame[1] <= place[1] <= frame[3]
