"""Fewer bits a channel, without the steps that plain rounding makes of a soft gradient.

Whether a code goes to the level below or above is decided by a fixed tile of thresholds, so
the same picture always gives the same file. The tile is blue noise: near thresholds lie far
apart, so what is added has no low frequencies and shows neither grain nor pattern.

R. Ulichney, "The void-and-cluster method for dither array generation", Proc. SPIE 1913, 1993.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.photo.colour import by_strips
from depthfx.photo.stored import Codes

TILE = 64
"""Pixels to a side; at the height of one level its repetition cannot be seen."""

SIGMA_PX = 1.5
"""Of the Gaussian by which voids and clusters are told (the paper's)."""

CHANNEL_SHIFTS = ((0, 0), (23, 41), (45, 18))
"""Of the tile in rows and columns: channels that rise together would show as lightness."""


def dithered(codes: NDArray[np.uint16], bit_depth: int) -> Codes:
    """16-bit codes at the levels of `bit_depth`, which are spread over the full range.

    codes : (H, W) or (H, W, 3) uint16

    Each goes to one of the two levels beside it, the nearer one more often, so that the mean
    stays; one that is a level, or one 16-bit code beside it, is that level: rounding may have
    brought it there. Returns uint8 for 8 bits, else uint16.
    """
    if bit_depth == 16:
        return codes
    levels = (1 << bit_depth) - 1
    spread = np.minimum(np.arange(65536) * (65535 / levels) + 0.5, 65535).astype(np.uint16)
    result = np.empty(codes.shape, np.uint8 if bit_depth == 8 else np.uint16)
    channels = codes[..., None] if codes.ndim == 2 else codes
    ranks = _ranks()
    tile = np.stack(
        [np.roll(ranks, shift, (0, 1)) for shift in CHANNEL_SHIFTS[: channels.shape[2]]], axis=-1
    )
    # A level is 65535 apart from the next, and a code `levels`. The thresholds leave one code
    # at both ends; that of a rank is in the middle of its share.
    room = 65535 - 2 * levels
    thresholds = ((2 * tile + 1) * room // (2 * TILE * TILE) + levels).astype(np.uint32)
    columns = np.arange(codes.shape[1]) % TILE
    thresholds = thresholds[:, columns].reshape(TILE, *codes.shape[1:])

    def strip(rows: slice) -> None:
        value = codes[rows] * np.uint32(levels)
        value += thresholds[np.arange(rows.start, rows.stop) % TILE]
        value //= np.uint32(65535)
        result[rows] = value if bit_depth == 8 else cv2.LUT(value.astype(np.uint16), spread)

    by_strips(strip, codes)
    return result


@cache
def _ranks() -> NDArray[np.int64]:
    """(64, 64) the numbers 0..4095, each as far as can be from those near to it in value."""
    spread = _spread()
    on, field = _even_pattern(spread)
    first = np.count_nonzero(on)
    ranks = np.zeros(TILE * TILE, np.int64)
    # The first pattern's points in the order in which they are taken away ...
    points, density = on.copy(), field.copy()
    for rank in range(first - 1, -1, -1):
        at = int(np.where(points, density, -np.inf).argmax())
        points[at] = False
        density -= _around(spread, at)
        ranks[at] = rank
    # ... then every further one where there is most room. Past the half, that the tightest
    # cluster of holes is filled says the same: the fields of points and holes add up to one.
    for rank in range(first, TILE * TILE):
        at = int(np.where(on, np.inf, field).argmin())
        on[at] = True
        field += _around(spread, at)
        ranks[at] = rank
    return ranks.reshape(TILE, TILE)


def _even_pattern(spread: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """A tenth of the points, moved from clusters into voids until none moves, and their field."""
    on = np.zeros(TILE * TILE, bool)
    on[np.random.default_rng(0).choice(on.size, on.size // 10, replace=False)] = True
    field = np.zeros(on.size)
    for at in np.flatnonzero(on):
        field += _around(spread, int(at))
    while True:
        cluster = int(np.where(on, field, -np.inf).argmax())
        on[cluster] = False
        field -= _around(spread, cluster)
        void = int(np.where(on, np.inf, field).argmin())
        on[void] = True
        field += _around(spread, void)
        if void == cluster:
            return on, field


def _spread() -> NDArray[np.float64]:
    """A Gaussian on the tile, which meets itself at the edges, twice in each direction."""
    distance = np.minimum(np.arange(TILE), TILE - np.arange(TILE))
    line = np.exp(-(distance**2) / (2 * SIGMA_PX**2))
    return np.tile(np.outer(line, line), (2, 2))


def _around(spread: NDArray[np.float64], at: int) -> NDArray[np.float64]:
    row, column = divmod(at, TILE)
    top, left = TILE - row, TILE - column
    return spread[top : top + TILE, left : left + TILE].ravel()
