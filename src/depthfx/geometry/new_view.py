"""A photo's sheets drawn from another place.

Every sheet is a mesh with a vertex at each pixel centre, torn where it breaks. Its quads are
projected and scanned; what they leave at a pixel of the new view is a place on the sheet, not a
colour, so that colours are looked up once, with a cubic kernel, where the nearest surface lies.
Quads with alpha below 1 around them are kept apart and laid over what is behind them, from far to
near. Nothing depends on the order of threads: each band of rows is drawn by one of them.

L. McMillan, G. Bishop, "Plenoptic modeling", SIGGRAPH 1995 (warping with depth); J. Shade et al.,
"Layered depth images", SIGGRAPH 1998; R. Keys, "Cubic convolution interpolation", IEEE ASSP 29,
1981; T. Porter, T. Duff, "Compositing digital images", SIGGRAPH 1984.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.breaks import breaks
from depthfx.geometry.pose import Pose
from depthfx.geometry.sheets import Sheets
from depthfx.inpaint.pushpull import push_pull

Pixels = NDArray[np.float32]
Modes = NDArray[np.uint8]

NOTHING, SOLID, SOLID_NARROW, SOFT, SOFT_NARROW, TORN = range(6)
"""Of a quad: not drawn; opaque, or with alpha, looked up with sixteen taps, or with four where
those sixteen would reach over a break; torn: each surface in it fades out towards the others,
and where nothing at all is drawn the farther side is. Bits 3 to 6 of a torn one: its torn edges."""
RIM = 1e-3
"""Share of a quad this near to whose end is its end."""
ALL = 15
"""The corners of a quad, a bit each."""

TILE_PX, BAND_PX = 32, 64
"""Sides of the parts of a sheet that are drawn or passed over; rows drawn by one thread."""
MOST_SOFT = 4
"""Soft edges before each other in one pixel; of more, the farthest are left out."""


@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees.

    pixels : (H, W, 3) float32, linear light
    inverse : (H, W) float32, inverse depth in this camera of what fills most of each pixel
    seen : (H, W) float32 0..1, the share of each pixel that the photo shows; the rest is painted
    """

    pixels: Pixels
    inverse: Plane
    seen: Plane


@dataclass(frozen=True, eq=False)
class Views:
    """Sheets made ready to be drawn again and again.

    colours : (S, H, W, 4) float32, premultiplied with alpha
    inverse : (S, H, W) float32
    modes : (S, H - 1, W - 1) uint8, what is done with each quad
    tiles : (N, 6) float64: sheet, first row and column, least and greatest inverse depth, kinds
    """

    sheets: Sheets
    colours: Pixels
    inverse: Plane
    modes: Modes
    tiles: NDArray[np.float64]

    @classmethod
    def of(cls, sheets: Sheets) -> Views:
        alpha = np.stack([s.alpha for s in sheets.sheets])
        colours = np.empty((*alpha.shape, 4), np.float32)
        for i, s in enumerate(sheets.sheets):
            colours[i, ..., :3] = s.pixels * s.alpha[..., None]
        colours[..., 3] = alpha
        inverse = np.stack([s.inverse for s in sheets.sheets])
        modes = np.stack([_modes(s.alpha, s.inverse, sheets.px_per_inverse) for s in sheets.sheets])
        for i in range(len(modes) - 1):
            same = np.abs(colours[i] - colours[i + 1]).max(-1) <= SAME_COLOUR
            same &= np.abs(inverse[i] - inverse[i + 1]) * sheets.px_per_inverse < SAME_PX
            same = _of_quads(same, np.min)
            modes[i][(modes[i] == SOLID_NARROW) & (modes[i + 1] == SOLID) & same] = NOTHING
        return cls(sheets, colours, inverse, modes, _tiles(inverse, modes))

    def at(self, pose: Pose, camera: Camera | None = None) -> View:
        """What `camera` (its size, focal length and centre; None: the photo's) sees from `pose`."""
        photo, margin = self.sheets.camera, self.sheets.margin_px
        out = camera or photo
        width, height = out.width, out.height
        matrix = pose.matrix(photo)
        # From sheet indices to places in the photo, and from places in its picture to indices.
        into = np.eye(4)
        into[0, 2] = into[1, 2] = 0.5 - margin
        assert photo.cx is not None and photo.cy is not None and out.cx is not None and out.cy is not None
        f = out.focal_px / photo.focal_px
        scale = np.array([[f, 0, out.cx - f * photo.cx - 0.5], [0, f, out.cy - f * photo.cy - 0.5], [0, 0, 1]])
        pixels = np.empty((height, width, 3), np.float32)
        inverse = np.empty((height, width), np.float32)
        seen = np.empty((height, width), np.float32)
        cover = np.empty((height, width), np.float32)
        frame = np.array([margin - 0.5, margin - 0.5, margin + photo.width - 0.5, margin + photo.height - 0.5])
        _draw(
            self.colours, self.inverse, self.modes, self.tiles, scale @ matrix @ into, frame,
            pixels, inverse, seen, cover,
        )
        if cover.min() <= 0:  # beyond all that is painted
            known = (cover > 0).astype(np.float32)
            pixels, inverse = push_pull(pixels, known), push_pull(inverse, known)
        return View(pixels, inverse, seen)


def new_view(sheets: Sheets, pose: Pose, camera: Camera | None = None) -> View:
    """The scene from `pose`; for many views of the same sheets, `Views.of` them once."""
    return Views.of(sheets).at(pose, camera)


SAME_PX, SAME_COLOUR = 0.5, 1e-3
"""Sheets that part by less, and whose colours do, are the same surface there."""


def _of_quads(plane: NDArray, what) -> NDArray:
    return what(np.stack([plane[:-1, :-1], plane[1:, :-1], plane[:-1, 1:], plane[1:, 1:]]), axis=0)


def _modes(alpha: Plane, inverse: Plane, px_per_inverse: float) -> Modes:
    across, down = breaks(inverse, px_per_inverse)
    edges = [across[:-1], across[1:], down[:, :-1], down[:, 1:]]
    torn = np.sum(edges, axis=0) > 1  # one alone is where a break ends
    wide = cv2.dilate(np.any(edges, axis=0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    low2, high2 = _of_quads(alpha, np.min), _of_quads(alpha, np.max)
    around = np.ones((3, 3), np.uint8)
    low4, high4 = cv2.erode(low2, around), cv2.dilate(high2, around)
    low, high = np.where(wide, low2, low4), np.where(wide, high2, high4)
    modes = np.where(low >= 1, np.where(wide, SOLID_NARROW, SOLID), np.where(wide, SOFT_NARROW, SOFT))
    bits = TORN + sum(edge.astype(np.uint8) << (3 + k) for k, edge in enumerate(edges))
    modes = np.where(torn, bits, modes)
    return np.where(np.where(torn, high2, high) > 0, modes, NOTHING).astype(np.uint8)


def _tiles(inverse: Plane, modes: Modes) -> NDArray[np.float64]:
    out = []
    count, rows, columns = modes.shape
    for sheet in range(count):
        for top in range(0, rows, TILE_PX):
            for left in range(0, columns, TILE_PX):
                part = modes[sheet, top : top + TILE_PX, left : left + TILE_PX]
                if part.any():
                    w = inverse[sheet, top : top + TILE_PX + 1, left : left + TILE_PX + 1]
                    kind = (((part == SOLID) | (part == SOLID_NARROW)).any() * 1
                            + ((part >= SOFT).any()) * 2
                            + (part >= TORN).any() * 4)
                    out.append((sheet, top, left, w.min(), w.max(), kind))
    return np.array(out, np.float64).reshape(-1, 6)


@njit(cache=True, nogil=True, error_model="numpy")
def _rows(matrix, tile, rows, columns):
    """First and last row of the view that a tile may fall on; none if it is behind the camera."""
    least, most = 1e9, -1e9
    for v in (float(tile[1]), float(min(tile[1] + TILE_PX, rows))):
        for u in (float(tile[2]), float(min(tile[2] + TILE_PX, columns))):
            for w in (tile[3], tile[4]):
                q = matrix[2, 0] * u + matrix[2, 1] * v + matrix[2, 2] + matrix[2, 3] * w
                if q <= 1e-6:
                    return -1e9, 1e9
                y = (matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2] + matrix[1, 3] * w) / q
                least, most = min(least, y), max(most, y)
    return least, most


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    inverse, modes, matrix, tile, kind, top, band, soft
):
    """Scan a tile's quads of one kind (1 solid, 2 soft, 4 torn) into a band from row `top`."""
    sheet, first, left = int(tile[0]), int(tile[1]), int(tile[2])
    rows, columns = modes.shape[1], modes.shape[2]
    last, right = min(first + TILE_PX, rows), min(left + TILE_PX, columns)
    cx, cy, cd = np.empty(4), np.empty(4), np.empty(4)
    x = np.empty((2, TILE_PX + 1))
    y = np.empty((2, TILE_PX + 1))
    d = np.empty((2, TILE_PX + 1))
    for v in range(first, last + 1):
        now, before = v & 1, (v + 1) & 1
        for u in range(left, right + 1):
            w = inverse[sheet, v, u]
            q = matrix[2, 0] * u + matrix[2, 1] * v + matrix[2, 2] + matrix[2, 3] * w
            i = u - left
            if q > 1e-6:
                r = 1.0 / q
                x[now, i] = (matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2] + matrix[0, 3] * w) * r
                y[now, i] = (matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2] + matrix[1, 3] * w) * r - top
                d[now, i] = w * r
            else:
                d[now, i] = -1.0
        if v == first:
            continue
        for u in range(left, right):
            mode = modes[sheet, v - 1, u]
            if mode == NOTHING:
                continue
            if mode >= TORN:
                if kind == 1:
                    continue
            elif mode >= SOFT:
                if kind != 2:
                    continue
            elif kind != 1:
                continue
            i = u - left
            if kind != 2 or mode < TORN:
                code = (sheet << 5) | (ALL << 1) | (mode == SOLID_NARROW or mode == SOFT_NARROW or mode >= TORN)
                _scan_quad(
                    x[before, i], x[before, i + 1], x[now, i], x[now, i + 1],
                    y[before, i], y[before, i + 1], y[now, i], y[now, i + 1],
                    d[before, i], d[before, i + 1], d[now, i], d[now, i + 1],
                    u, v - 1, kind, code, band, soft,
                )
                continue
            edges = mode >> 3
            done = 0
            for k in range(4):
                if done >> k & 1:
                    continue
                members = _joined(k, edges)
                done |= members
                for c in range(4):
                    h = _member_beside(c, members)
                    w = inverse[sheet, v - 1 + (h >> 1), u + (h & 1)]
                    at_u, at_v = u + (c & 1), v - 1 + (c >> 1)
                    q = matrix[2, 0] * at_u + matrix[2, 1] * at_v + matrix[2, 2] + matrix[2, 3] * w
                    r = 1.0 / q if q > 1e-6 else -1.0
                    cx[c] = (matrix[0, 0] * at_u + matrix[0, 1] * at_v + matrix[0, 2] + matrix[0, 3] * w) * r
                    cy[c] = (matrix[1, 0] * at_u + matrix[1, 1] * at_v + matrix[1, 2] + matrix[1, 3] * w) * r - top
                    cd[c] = w * r if r > 0 else -1.0
                _scan_quad(
                    cx[0], cx[1], cx[2], cx[3], cy[0], cy[1], cy[2], cy[3], cd[0], cd[1], cd[2], cd[3],
                    u, v - 1, kind, (sheet << 5) | (members << 1) | 1, band, soft,
                )


@njit(cache=True, nogil=True)
def _joined(k, edges):
    """Corners (bits: 0 top left, 1 top right, 2 bottom left, 3 bottom right) joined to corner k.

    edges : bits of torn ones: 0 top, 1 bottom, 2 left, 3 right
    """
    members = 1 << k
    for _ in range(3):
        for edge in range(4):
            if edges >> edge & 1 == 0:
                pair = 3 if edge == 0 else (12 if edge == 1 else (5 if edge == 2 else 10))
                if members & pair:
                    members |= pair
    return members


@njit(cache=True, nogil=True)
def _member_beside(c, members):
    """The corner whose depth corner c takes in a part of a quad: its own, or the nearest's."""
    for other in (c, c ^ 1, c ^ 2):
        if members >> other & 1:
            return other
    return c ^ 3


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_quad(
    x00, x10, x01, x11, y00, y10, y01, y11, d00, d10, d01, d11, u, v, kind, code, band, soft
):
    """Scan a projected quad into a band; its first corner is row v, column u of its sheet."""
    z, place, codes = band
    height, width = z.shape
    if min(min(d00, d10), min(d01, d11)) < 0:
        return
    y_first = max(int(np.ceil(min(min(y00, y10), min(y01, y11)) - 1e-6)), 0)
    y_last = min(int(np.floor(max(max(y00, y10), max(y01, y11)) + 1e-6)), height - 1)
    if y_first > y_last:
        return
    x_first = max(int(np.ceil(min(min(x00, x10), min(x01, x11)) - 1e-6)), 0)
    x_last = min(int(np.floor(max(max(x00, x10), max(x01, x11)) + 1e-6)), width - 1)
    if x_first > x_last:
        return
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
            if kind == 1:
                if depth > z[row, column]:
                    z[row, column] = depth
                    place[row, column, 0] = u + s
                    place[row, column, 1] = v + t
                    codes[row, column] = code
            elif kind == 2:
                if depth < z[row, column]:
                    continue
                members = code >> 1 & ALL
                weight = 0.0
                for c in range(4):
                    if members >> c & 1:
                        weight += (s if c & 1 else 1 - s) * (t if c & 2 else 1 - t)
                if weight <= 1e-4:
                    continue
                own, at_u, at_v = code, u + s, v + t
                if members != ALL:
                    # A place on the far rim belongs to the next quad, whose corners these are.
                    if s > 1 - RIM:
                        at_u, members = u + 1.0, members >> 1 & 5
                    if t > 1 - RIM:
                        at_v, members = v + 1.0, members >> 2 & 3
                    own = (code >> 5 << 5) | (members << 1) | 1
                if True:
                    _insert(np.float32(depth), np.float32(at_u), np.float32(at_v), own, row, column, soft)
            elif z[row, column] < 0 and soft[0][row, column] == 0:
                # The farther side, which may lie behind what is near.
                far = min(min(d00, d10), min(d01, d11))
                if codes[row, column] < 0 or far < soft[1][row, column, 0]:
                    soft[1][row, column, 0] = far
                    place[row, column, 0] = u + (d10 == far or d11 == far)
                    place[row, column, 1] = v + (d01 == far or d11 == far)
                    codes[row, column] = code


@njit(cache=True, nogil=True, error_model="numpy")
def _insert(depth, u, v, code, row, column, soft):
    """Keep a soft fragment, nearest first; neighbours that meet in it leave it once."""
    count, soft_z, soft_place, soft_code = soft
    n = count[row, column]
    for k in range(n):
        if soft_code[row, column, k] >> 5 == code >> 5:
            apart = abs(soft_place[row, column, k, 0] - u) + abs(soft_place[row, column, k, 1] - v)
            if apart < 1e-2 and abs(soft_z[row, column, k] - depth) <= 1e-4 * depth:
                return
    k = n
    if n == MOST_SOFT:
        if depth <= soft_z[row, column, n - 1]:
            return
        k = n - 1
    else:
        count[row, column] = n + 1
    while k > 0 and soft_z[row, column, k - 1] < depth:
        soft_z[row, column, k] = soft_z[row, column, k - 1]
        soft_place[row, column, k, 0] = soft_place[row, column, k - 1, 0]
        soft_place[row, column, k, 1] = soft_place[row, column, k - 1, 1]
        soft_code[row, column, k] = soft_code[row, column, k - 1]
        k -= 1
    soft_z[row, column, k] = depth
    soft_place[row, column, k, 0] = u
    soft_place[row, column, k, 1] = v
    soft_code[row, column, k] = code


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(colours, u, v, code, out):
    """Premultiplied colour at a place of a sheet."""
    sheet, members, narrow = code >> 5, code >> 1 & ALL, code & 1
    height, width = colours.shape[1], colours.shape[2]
    i = min(max(int(np.floor(u)), 0), width - 1)
    j = min(max(int(np.floor(v)), 0), height - 1)
    s, t = np.float32(u - i), np.float32(v - j)
    one, half = np.float32(1), np.float32(0.5)
    if narrow:
        i1, j1 = min(i + 1, width - 1), min(j + 1, height - 1)
        a0 = (one - s) * (one - t) if members & 1 else np.float32(0)
        a1 = s * (one - t) if members & 2 else np.float32(0)
        a2 = (one - s) * t if members & 4 else np.float32(0)
        a3 = s * t if members & 8 else np.float32(0)
        for c in range(4):
            out[c] = (
                colours[sheet, j, i, c] * a0 + colours[sheet, j, i1, c] * a1
                + colours[sheet, j1, i, c] * a2 + colours[sheet, j1, i1, c] * a3
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
    i0, i2, i3 = max(i - 1, 0), min(i + 1, width - 1), min(i + 2, width - 1)
    for c in range(4):
        out[c] = 0
    for k in range(4):
        row = min(max(j + k - 1, 0), height - 1)
        b = b0 if k == 0 else (b1 if k == 1 else (b2 if k == 2 else b3))
        for c in range(4):
            out[c] += b * (
                a0 * colours[sheet, row, i0, c] + a1 * colours[sheet, row, i, c]
                + a2 * colours[sheet, row, i2, c] + a3 * colours[sheet, row, i3, c]
            )


@njit(cache=True, parallel=True, error_model="numpy")
def _draw(colours, inverse, modes, tiles, matrix, frame, pixels, inverse_out, seen, cover):
    height, width = cover.shape
    rows, columns = modes.shape[1], modes.shape[2]
    extent = np.empty((len(tiles), 2))
    for n in prange(len(tiles)):
        extent[n, 0], extent[n, 1] = _rows(matrix, tiles[n], rows, columns)
    bands = (height + BAND_PX - 1) // BAND_PX
    for band in prange(bands):
        top = band * BAND_PX
        count = min(BAND_PX, height - top)
        z = np.full((count, width), -1, np.float32)
        place = np.empty((count, width, 2), np.float32)
        code = np.full((count, width), -1, np.int16)
        soft_count = np.zeros((count, width), np.uint8)
        soft_z = np.empty((count, width, MOST_SOFT), np.float32)
        soft_place = np.empty((count, width, MOST_SOFT, 2), np.float32)
        soft_code = np.empty((count, width, MOST_SOFT), np.int16)
        for kind in (1, 2, 4):
            if kind == 4:
                empty = False
                for y in range(count):
                    for x in range(width):
                        empty |= code[y, x] < 0 and soft_count[y, x] == 0
                if not empty:
                    break
            for n in range(len(tiles)):
                if int(tiles[n, 5]) & kind == 0 or extent[n, 1] < top or extent[n, 0] > top + count - 1:
                    continue
                _scan(
                    inverse, modes, matrix, tiles[n], kind, top, (z, place, code),
                    (soft_count, soft_z, soft_place, soft_code),
                )
        out = np.empty(4, np.float32)
        for y in range(count):
            for x in range(width):
                r, g, b, a = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
                depth, first = np.float32(0), np.float32(0)
                if code[y, x] >= 0:
                    _look_up(colours, place[y, x, 0], place[y, x, 1], code[y, x], out)
                    if out[3] > 0:
                        r, g, b, a = out[0] / out[3], out[1] / out[3], out[2] / out[3], np.float32(1)
                    depth = z[y, x] if z[y, x] >= 0 else soft_z[y, x, 0]
                    if code[y, x] >> 5 == 0 and z[y, x] >= 0 and _within(frame, place[y, x]):
                        first = a
                for k in range(soft_count[y, x] - 1, -1, -1):
                    _look_up(colours, soft_place[y, x, k, 0], soft_place[y, x, k, 1], soft_code[y, x, k], out)
                    own = min(max(out[3], np.float32(0)), np.float32(1))
                    rest = 1 - own
                    r, g, b, a = out[0] + rest * r, out[1] + rest * g, out[2] + rest * b, own + rest * a
                    first *= rest
                    if soft_code[y, x, k] >> 5 == 0 and _within(frame, soft_place[y, x, k]):
                        first += own
                    if own >= 0.5 or a - own <= 0:
                        depth = soft_z[y, x, k]
                if a > 1e-3:
                    r, g, b = r / a, g / a, b / a
                zero = np.float32(0)
                pixels[top + y, x, 0] = max(r, zero)
                pixels[top + y, x, 1] = max(g, zero)
                pixels[top + y, x, 2] = max(b, zero)
                inverse_out[top + y, x] = depth
                seen[top + y, x] = first
                cover[top + y, x] = a if a > 1e-3 else zero


@njit(cache=True, nogil=True)
def _within(frame, place):
    return frame[0] <= place[0] <= frame[2] and frame[1] <= place[1] <= frame[3]
