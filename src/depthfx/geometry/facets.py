"""The pieces that sheets are drawn in: flat tiles, quads of four pixels, and parts of torn quads.

Inverse depth that is affine over a tile makes of it a plane, and of its picture in any camera a
homography: such tiles are drawn as wholes. What is left over is drawn quad by quad. In a torn quad
each surface keeps its own corners and fades out towards the others'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.breaks import breaks
from depthfx.geometry.sheets import Sheets

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]

TILES_PX = (8, 4)
"""Sides of the tiles that are tried, the larger first."""
FLAT_PX = 0.06
"""A tile is flat if no pixel of it strays farther from its plane's place in the largest move."""
SAME_PX, SAME_COLOUR = 0.5, 1e-3
"""Sheets that part by less, and whose colours do, are the same surface there."""

NARROW, ALL, SHEET = 1, 15, 5
"""Of a facet's code: bit 0, looked up among its own corners only, as the sixteen taps would reach
over a break; bits 1 to 4, its corners (top left, top right, bottom left, bottom right) that belong
to it; from bit 5 on, its sheet."""

SOLID, SOFT, SPARE = range(3)
"""Kinds of quads: opaque; with alpha, laid over what is behind; where nothing else is drawn."""


@dataclass(frozen=True, eq=False)
class Facets:
    """Sheets as pieces to draw.

    colours : (S, H, W, 4) float32, linear light premultiplied with alpha
    tiles : (N, 4) int32: sheet, row and column of the first vertex, side in px
    planes : (N, 3) float64: inverse depth is planes @ (column, row, 1)
    quads : per kind (M, 3) int32: code, row and column of the first corner
    corners : per kind (M, 4) float32: inverse depth at the corners
    """

    colours: Pixels
    tiles: NDArray[np.int32]
    planes: NDArray[np.float64]
    quads: tuple[NDArray[np.int32], ...]
    corners: tuple[Pixels, ...]

    @classmethod
    def of(cls, sheets: Sheets) -> Facets:
        colours = np.empty((len(sheets.sheets), *sheets.sheets[0].alpha.shape, 4), np.float32)
        for own, sheet in zip(colours, sheets.sheets, strict=True):
            np.multiply(sheet.pixels, sheet.alpha[..., None], out=own[..., :3])
            own[..., 3] = sheet.alpha
        tiles, planes = [], []
        quads: list[list[NDArray[np.int32]]] = [[], [], []]
        corners: list[list[Pixels]] = [[], [], []]
        for number, sheet in enumerate(sheets.sheets):
            w = sheet.inverse
            modes = _Modes.of(sheet.alpha, w, sheets.px_per_inverse)
            solid = modes.solid.copy()
            if number + 1 < len(sheets.sheets):
                under = sheets.sheets[number + 1]
                whole = _Modes.of(under.alpha, under.inverse, sheets.px_per_inverse)
                y, x = np.nonzero(solid & modes.narrow & whole.solid & ~whole.narrow)
                parted = np.abs(_corners(w, y, x) - _corners(under.inverse, y, x))
                other = np.abs(
                    _corners(colours[number], y, x) - _corners(colours[number + 1], y, x)
                )
                solid[y, x] = parted.max(1) * sheets.px_per_inverse >= SAME_PX
                solid[y, x] |= other.max((1, 2)) > SAME_COLOUR
            rest = solid
            for side in TILES_PX:
                flat, first, plane = _flat_tiles(
                    w, rest & ~modes.narrow, side, sheets.px_per_inverse
                )
                tiles.append(np.insert(first, [0, 2], [number, side], axis=1))
                planes.append(plane)
                rest = rest & ~flat
            code = number << SHEET | ALL << 1
            for kind, there in ((SOLID, rest), (SOFT, modes.soft)):
                y, x = np.nonzero(there)
                quads[kind].append(np.column_stack([code | modes.narrow[y, x], y, x]))
                corners[kind].append(_corners(w, y, x))
            for members, y, x in _parts(modes.torn, sheet.alpha):
                quads[SOFT].append(
                    np.column_stack(
                        [np.full(len(y), number << SHEET | members << 1 | NARROW), y, x]
                    )
                )
                corners[SOFT].append(_corners(w, y, x)[:, _beside(members)])
            y, x = np.nonzero((modes.torn > 0) & modes.there)
            quads[SPARE].append(np.column_stack([np.full(len(y), code | NARROW), y, x]))
            corners[SPARE].append(_corners(w, y, x))
        return cls(
            colours,
            np.concatenate(tiles).astype(np.int32),
            np.concatenate(planes),
            tuple(np.concatenate(part).astype(np.int32) for part in quads),
            tuple(np.concatenate(part) for part in corners),
        )


@dataclass(frozen=True, eq=False)
class _Modes:
    """What the quads (H - 1, W - 1) of a sheet are.

    torn : (H - 1, W - 1) uint8, a bit for each torn edge: top, bottom, left, right; 0 where it
        holds
    solid, soft : bool, wholly opaque, or with some alpha; neither where torn
    narrow : bool, four by four pixels around it reach over a break
    there : bool, some alpha at its corners
    """

    torn: Codes
    solid: Mask
    soft: Mask
    narrow: Mask
    there: Mask

    @classmethod
    def of(cls, alpha: Plane, inverse: Plane, px_per_inverse: float) -> _Modes:
        across, down = breaks(inverse, px_per_inverse)
        edges = [across[:-1], across[1:], down[:, :-1], down[:, 1:]]
        torn = np.zeros(edges[0].shape, np.uint8)
        for bit, edge in enumerate(edges):
            torn |= edge.view(np.uint8) << np.uint8(bit)
        around = np.ones((3, 3), np.uint8)
        narrow = cv2.dilate(torn, around) > 0
        torn[(torn & (torn - np.uint8(1))) == 0] = 0  # one edge alone is where a break ends
        holds = torn == 0
        low, high = _least(alpha), _most(alpha)
        least = np.where(narrow, low, cv2.erode(low, around))
        most = np.where(narrow, high, cv2.dilate(high, around))
        return cls(torn, (least >= 1) & holds, (least < 1) & (most > 0) & holds, narrow, high > 0)


def _least(plane: NDArray[Any]) -> NDArray[Any]:
    """Of each quad's four corners."""
    across = np.minimum(plane[:, 1:], plane[:, :-1])
    return np.minimum(across[1:], across[:-1])


def _most(plane: NDArray[Any]) -> NDArray[Any]:
    across = np.maximum(plane[:, 1:], plane[:, :-1])
    return np.maximum(across[1:], across[:-1])


def _corners(plane: NDArray[Any], y: NDArray[np.int64], x: NDArray[np.int64]) -> Pixels:
    """(N, 4) or (N, 4, C)."""
    return np.stack([plane[y, x], plane[y, x + 1], plane[y + 1, x], plane[y + 1, x + 1]], axis=1)


def _parts(torn: Codes, alpha: Plane) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Members (a bit a corner) of the surfaces in torn quads, and the quads that have them."""
    pairs = (0b0011, 0b1100, 0b0101, 0b1010)
    rows, columns = np.nonzero(torn)
    edges, some = torn[rows, columns], _corners(alpha, rows, columns) > 0
    for pattern in range(1, 16):
        here = edges == pattern
        left = ALL
        while left:
            members = left & -left
            for _ in range(3):
                for k, pair in enumerate(pairs):
                    if not pattern >> k & 1 and members & pair:
                        members |= pair
            left &= ~members
            there = here & some[:, [c for c in range(4) if members >> c & 1]].any(1)
            yield members, rows[there], columns[there]


def _beside(members: int) -> list[int]:
    """Whose inverse depth each corner takes: its own, or that of the nearest member."""
    return [next(c for c in (k, k ^ 1, k ^ 2, k ^ 3) if members >> c & 1) for k in range(4)]


def _flat_tiles(
    inverse: Plane, solid: Mask, side: int, px_per_inverse: float
) -> tuple[Mask, NDArray[np.int64], NDArray[np.float64]]:
    """The quads that lie in flat, solid tiles; those tiles' first vertices; their planes."""
    n = side
    rows, columns = solid.shape[0] // n, solid.shape[1] // n
    flat = np.zeros(solid.shape, bool)
    if rows == 0 or columns == 0:
        return flat, np.zeros((0, 2), np.int64), np.zeros((0, 3))
    whole = solid[: rows * n, : columns * n].reshape(rows, n, columns, n).all(axis=(1, 3))
    y, x = np.nonzero(whole)
    across = np.arange(n + 1) - n / 2
    windows = np.lib.stride_tricks.sliding_window_view(inverse, (n + 1, n + 1))
    w = windows[y * n, x * n].astype(np.float64)
    # Least squares over a grid that is even about its middle.
    spread = (across**2).sum() * (n + 1)
    right, down, mean = (
        (w * across).sum((1, 2)) / spread,
        (w * across[:, None]).sum((1, 2)) / spread,
        w.mean((1, 2)),
    )
    fit = (
        mean[:, None, None] + right[:, None, None] * across + down[:, None, None] * across[:, None]
    )
    good = np.abs(w - fit).max((1, 2)) * px_per_inverse <= FLAT_PX
    y, x, right, down, mean = y[good], x[good], right[good], down[good], mean[good]
    kept = np.zeros((rows, columns), bool)
    kept[y, x] = True
    flat[: rows * n, : columns * n] = kept.repeat(n, axis=0).repeat(n, axis=1)
    first = np.column_stack([y, x]) * n
    at_zero = mean - right * (first[:, 1] + n / 2) - down * (first[:, 0] + n / 2)
    return flat, first, np.column_stack([right, down, at_zero])
