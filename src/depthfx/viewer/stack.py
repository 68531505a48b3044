"""Sheets made ready to be drawn by a ray that looks up one texel at a step.

Two things are asked of them. A texel holds one surface, also where several pixels of two
surfaces are shrunk into one. And a near surface fades out by itself before it ends: beyond its
last texel lies a rim that still has its depth and colour, but no share, so that a place between
two texels gets the share in between. What was there before goes a sheet further back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.sheets import Pixels, Sheet, Sheets
from depthfx.inpaint.pushpull import push_pull
from depthfx.raster.resample import resize_area

Mask = NDArray[np.bool_]

MOST_SHEETS = 3
"""Surfaces in line at one texel; the hidden ones beyond are left out."""
RIM_PX = 2
"""One texel is enough to fade; beside the next, the colour may ring."""
RING_PX = 3
"""The blocks of a JPEG file ring beside every edge of colour. So far beyond a rim, what is behind
is drawn from the next sheet, where the near colour is not."""
UNDERLAP_PX = 2
"""How far a surface goes on, on the next sheet, under where the front sheet has it again."""
ROUNDING = 1e-9
"""A texel that ends on a pixel's border by arithmetic does not touch the next."""


def stack(sheets: Sheets, shape: tuple[int, int], jump: float) -> list[Sheet]:
    """`sheets` at `shape` (not larger than they are), nearest first, each full everywhere.

    jump : inverse depths that differ by more are different surfaces

    Where there is no surface, alpha is 0, and depth and colour go on.
    """
    small: list[Sheet] = []
    for level, sheet in enumerate(sheets.sheets):
        near, far = _shrunk(sheet, shape, jump)
        _put_under(small, level, near, near.alpha > 0, jump)
        if far is not None:
            _put_under(small, level + 1, far, far.alpha > 0, jump)
    small = _settled(small, resize_area(over(sheets.sheets), shape))
    front, moved = _with_rim(small[0], jump)
    out = [front]
    _put_under(out, 1, small[0], moved, jump)
    for level, sheet in enumerate(small[1:], 1):
        _put_under(out, level, sheet, sheet.alpha > 0, jump)
    return [out[0], *(_filled(sheet, sheet.alpha > 0) for sheet in out[1:])]


def over(sheets: Sequence[Sheet]) -> Pixels:
    """(H, W, 3) float32, linear light: the sheets laid over each other."""
    light = np.zeros_like(sheets[0].pixels)
    for sheet in reversed(sheets):
        share = sheet.alpha[..., None]
        light = share * sheet.pixels + (1 - share) * light
    return light


def _shrunk(sheet: Sheet, shape: tuple[int, int], jump: float) -> tuple[Sheet, Sheet | None]:
    """`sheet` at `shape`: the nearest surface of each texel, and what else it covers."""
    if sheet.alpha.shape == shape:
        return sheet, None
    sums = np.zeros((2, *shape, 5), np.float32)
    _shrink(sheet.pixels, sheet.alpha, sheet.inverse, np.float32(jump), sums)
    # Divided in place by the shares, which makes averages of the sums.
    np.divide(sums[..., 1:], np.maximum(sums[..., :1], np.float32(1e-12)), out=sums[..., 1:])
    front, back = (Sheet(part[..., 2:], part[..., 0], part[..., 1]) for part in sums)
    left = np.maximum(1 - front.alpha, np.float32(1e-6))
    return front, replace(back, alpha=np.minimum(back.alpha / left, np.float32(1)))


@njit(cache=True, nogil=True)
def _shrink(
    pixels: Pixels, alpha: Plane, inverse: Plane, jump: np.float32, sums: NDArray[np.float32]
) -> None:  # pragma: no cover - compiled
    """Averages of what each texel covers, its nearest surface apart from the rest.

    sums : (2, h, w, 5), zeros; gets shares, and inverse depths and colours times shares, of the
        nearest surface first, then of what is farther by more than `jump`
    """
    (height, width), (h, w) = alpha.shape, sums.shape[1:3]
    down, across = height / h, width / w
    for row in range(h):
        top, bottom = row * down, (row + 1) * down
        rows = range(int(top), min(math.ceil(bottom - ROUNDING), height))
        for column in range(w):
            left, right = column * across, (column + 1) * across
            columns = range(int(left), min(math.ceil(right - ROUNDING), width))
            nearest = np.float32(-1)
            for y in rows:
                for x in columns:
                    if alpha[y, x] > 0:
                        nearest = max(nearest, inverse[y, x])
            for y in rows:
                part = (min(bottom, y + 1) - max(top, y)) / (down * across)
                for x in columns:
                    share = np.float32(part * (min(right, x + 1) - max(left, x))) * alpha[y, x]
                    side = 0 if inverse[y, x] > nearest - jump else 1
                    out = sums[side, row, column]
                    out[0] += share
                    out[1] += share * inverse[y, x]
                    for k in range(3):
                        out[2 + k] += share * pixels[y, x, k]


def _settled(sheets: list[Sheet], photo: Pixels) -> list[Sheet]:
    """`sheets` that laid over each other are `photo`: what the averages miss at outlines goes to
    the first two, to each as much as it is seen (least squares)."""
    if len(sheets) == 1:
        return sheets
    front, behind, *rest = sheets
    missing = photo - over(sheets)
    seen = front.alpha[..., None], ((1 - front.alpha) * behind.alpha)[..., None]
    gain = missing / np.maximum(seen[0] ** 2 + seen[1] ** 2, np.float32(1e-3))
    front, behind = (
        replace(sheet, pixels=np.maximum(sheet.pixels + share * gain, 0))
        for sheet, share in zip((front, behind), seen, strict=True)
    )
    return [front, behind, *rest]


def _put_under(out: list[Sheet], level: int, sheet: Sheet, where: Mask, jump: float) -> None:
    """Lay `sheet`, `where` it is, at `level` of `out` or, where that is taken by another surface,
    further back; where it is the same surface, what is there stays on top."""
    if level == MOST_SHEETS or not where.any():
        return
    if level == len(out):
        blank = np.zeros_like(sheet.alpha)
        out.append(Sheet(np.zeros_like(sheet.pixels), blank, blank))
    there = out[level]
    taken = where & (there.alpha > 0)
    same = taken & (np.abs(there.inverse - sheet.inverse) < jump)
    alpha = np.where(where & ~(taken & ~same), (1 - there.alpha) * sheet.alpha, np.float32(0))
    total = there.alpha + alpha
    share = (alpha / np.maximum(total, 1e-6))[..., None]
    out[level] = Sheet(
        there.pixels + share * (sheet.pixels - there.pixels),
        total,
        np.where(where & ~taken, sheet.inverse, there.inverse),
    )
    _put_under(out, level + 1, sheet, taken & ~same, jump)


def _with_rim(front: Sheet, jump: float) -> tuple[Sheet, Mask]:
    """`front` continued by a rim, with no share there, beyond where its surfaces end.

    Also what of it has to go on behind: what was there and within `RING_PX` beyond, where it has
    no share any more, and as much beside that as closes the seam.
    """
    rim, where = _rim(front, jump)
    there = front.alpha > 0
    beside = cv2.dilate(np.where(where, rim.inverse, np.float32(-1)), _square(RING_PX))
    cleared = where | (there & (beside > front.inverse + jump))
    hidden = np.where(cleared & there, front.inverse, np.float32(-1))
    beside = cv2.dilate(hidden, _square(UNDERLAP_PX))
    moved = there & (cleared | (np.abs(front.inverse - beside) < jump))
    faded = replace(rim, alpha=np.where(cleared, np.float32(0), front.alpha))
    return _filled(faded, there | where), moved


def _square(radius_px: int) -> NDArray[np.uint8]:
    return np.ones((2 * radius_px + 1, 2 * radius_px + 1), np.uint8)


def _rim(sheet: Sheet, jump: float) -> tuple[Sheet, Mask]:
    """`sheet` with its rims drawn in, and where they are: beside texels of a nearer surface."""
    depth = np.where(sheet.alpha > 0, sheet.inverse, np.float32(-1))
    nearest, pixels = depth, sheet.pixels
    for _ in range(RIM_PX):
        nearest, pixels = _spread(nearest, pixels, jump)
    return Sheet(pixels, sheet.alpha, nearest), nearest > depth


def _spread(depth: Plane, pixels: Pixels, jump: float) -> tuple[Plane, Pixels]:
    """Each texel as the nearest of its neighbours, where one is nearer by a jump."""
    height, width = depth.shape
    around = np.pad(depth, 1, constant_values=-1)
    colours = np.pad(pixels, ((1, 1), (1, 1), (0, 0)))
    nearest, painted = depth.copy(), pixels.copy()
    for row in range(3):
        for column in range(3):
            place = slice(row, row + height), slice(column, column + width)
            better = (around[place] > depth + jump) & (around[place] > nearest)
            nearest[better] = around[place][better]
            painted[better] = colours[place][better]
    return nearest, painted


def _filled(sheet: Sheet, known: Mask) -> Sheet:
    """`sheet` with what is not known made up: colours that go on smoothly, the nearest depth, both
    of which files keep small."""
    if known.all() or not known.any():
        return sheet
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L1, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    depths = np.zeros(int(nearest.max()) + 1, np.float32)
    depths[nearest[known]] = sheet.inverse[known]
    return Sheet(push_pull(sheet.pixels, known.astype(np.float32)), sheet.alpha, depths[nearest])
