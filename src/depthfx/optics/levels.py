"""The picture at half, a quarter, an eighth of its size, and how far its parts are blurred."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.optics.edges import Blurred, Mixed
from depthfx.optics.hidden import SAME_SURFACE_PX

Array = NDArray[np.float32]

STRIP_ROWS = 64
"""Rows of a level that are made at a time."""


@dataclass(frozen=True)
class Level:
    """The picture in blocks of `scale` x `scale` pixels, beyond the far borders its mirror image.

    colour : (h, w, 3) float32, mean of each block, linear light
    near, far : (h, w) float32, largest and smallest signed blur radius of its surfaces, in
        px of the full size
    """

    scale: int
    colour: Array
    near: Array
    far: Array

    @classmethod
    def empty(cls, height: int, width: int) -> Level:
        """A first level, of 2 x 2 px, to be filled by `enter`; of even sides in px."""
        shape = (height // 2, width // 2)
        return cls(2, np.empty((*shape, 3), np.float32), *np.empty((2, *shape), np.float32))

    def halved(self, pool: Executor) -> Level:
        """The next level; the sides of this one are even."""
        height, width = (side // 2 for side in self.near.shape)
        colour = np.empty((height, width, 3), np.float32)
        near, far = np.empty((2, height, width), np.float32)

        def halve(top: int) -> None:
            rows, own = slice(top, top + STRIP_ROWS), slice(2 * top, 2 * (top + STRIP_ROWS))
            _halve(
                self.colour[own], self.near[own], self.far[own], colour[rows], near[rows], far[rows]
            )

        list(pool.map(halve, range(0, height, STRIP_ROWS)))
        return Level(2 * self.scale, colour, near, far)


def enter(
    picture: Blurred, mixed: Mixed, top: int, bottom: int, level: Level, farthest: Array
) -> None:
    """Put rows of the picture, from one even row to another, into the first levels.

    Beyond its right and lower border the picture goes on as its mirror image.

    farthest : (h, w, 5) out, of those rows, what is farthest in 2 x 2 px, see `hidden.Hidden`
    """
    _enter(
        picture.pixels,
        picture.inverse,
        picture.focus_inverse,
        picture.px_per_inverse,
        mixed.mask,
        mixed.starts,
        mixed.x,
        mixed.surfaces,
        top // 2,
        bottom // 2,
        level.colour,
        level.near,
        level.far,
        farthest,
    )


@njit(cache=True, nogil=True, inline="always")
def mirrored(i: int, size: int) -> int:
    """The place from 0 to size - 1 that a place beyond the end, any number of times, mirrors."""
    i %= 2 * size
    return i if i < size else 2 * size - 1 - i


@njit(cache=True, nogil=True)
def place_of(rising: NDArray[np.int32], start: int, stop: int, wanted: int) -> int:
    """Where from `start` to `stop` a value stands that is there."""
    while stop - start > 1:
        middle = (start + stop) // 2
        if rising[middle] <= wanted:
            start = middle
        else:
            stop = middle
    return start


@njit(cache=True, nogil=True, error_model="numpy")
def _enter(
    pixels: Array,
    inverse: Array,
    focus_inverse: np.float32,
    px_per_inverse: np.float32,
    mask: NDArray[np.uint8],
    starts: NDArray[np.int64],
    mixed_x: NDArray[np.int32],
    surfaces: Array,
    top: int,
    bottom: int,
    colour: Array,
    near: Array,
    far: Array,
    cells: Array,
) -> None:
    zero, one, same = np.float32(0), np.float32(1), np.float32(SAME_SURFACE_PX)
    height, width = mask.shape
    radius, weight = np.empty(4, np.float32), np.empty(4, np.float32)
    own = np.empty((4, 3), np.float32)
    for to in range(top, bottom):
        for u in range(colour.shape[1]):
            c0 = c1 = c2 = zero
            nearest, farthest = np.float32(-np.inf), np.float32(np.inf)
            count, plain = 0, True
            for j in range(2):
                y = 2 * to + j
                if y >= height:
                    y = mirrored(y, height)
                for i in range(2):
                    x = 2 * u + i
                    if x >= width:
                        x = mirrored(x, width)
                    red, green, blue = pixels[y, x, 0], pixels[y, x, 1], pixels[y, x, 2]
                    c0, c1, c2 = c0 + red, c1 + green, c2 + blue
                    r = (inverse[y, x] - focus_inverse) * px_per_inverse
                    high, w = r, one
                    if mask[y, x]:
                        n = place_of(mixed_x, starts[y], starts[y + 1], x)
                        red, green, blue = surfaces[n, 3], surfaces[n, 4], surfaces[n, 5]
                        high, r = surfaces[n, 7], surfaces[n, 8]
                        w = max(one - surfaces[n, 6], np.float32(0.02))
                    # A lamp is seldom continued behind what hides its neighbourhood.
                    peak = max(red, green, blue)
                    if peak > one:
                        w /= peak * peak
                    plain &= w == one
                    nearest, farthest = max(nearest, high), min(farthest, r)
                    radius[count], weight[count] = r, w
                    own[count, 0], own[count, 1], own[count, 2] = red, green, blue
                    count += 1
            share = np.float32(0.25)
            c0, c1, c2 = c0 * share, c1 * share, c2 * share
            colour[to, u, 0], colour[to, u, 1], colour[to, u, 2] = c0, c1, c2
            near[to, u], far[to, u] = nearest, farthest
            r, total = farthest, one
            if not plain or nearest - farthest > np.float32(0.1) * same:
                c0 = c1 = c2 = r = total = zero
                for n in range(count):
                    w = weight[n] * np.exp((farthest - radius[n]) / same)
                    total += w
                    r += w * radius[n]
                    c0, c1, c2 = c0 + w * own[n, 0], c1 + w * own[n, 1], c2 + w * own[n, 2]
                # One full child is evidence enough; more of them do not weigh more.
                scale = min(total, one) / max(total, np.float32(1e-12))
                c0, c1, c2, r, total = c0 * scale, c1 * scale, c2 * scale, r * scale, total * scale
            cells[to - top, u, 0], cells[to - top, u, 1], cells[to - top, u, 2] = c0, c1, c2
            cells[to - top, u, 3], cells[to - top, u, 4] = r, total


@njit(cache=True, nogil=True)
def _halve(
    colour: Array, near: Array, far: Array, colour_out: Array, near_out: Array, far_out: Array
) -> None:
    for v in range(near_out.shape[0]):
        y, below = 2 * v, 2 * v + 1
        for u in range(near_out.shape[1]):
            x, right = 2 * u, 2 * u + 1
            for c in range(3):
                colour_out[v, u, c] = np.float32(0.25) * (
                    colour[y, x, c]
                    + colour[y, right, c]
                    + colour[below, x, c]
                    + colour[below, right, c]
                )
            near_out[v, u] = max(near[y, x], near[y, right], near[below, x], near[below, right])
            far_out[v, u] = min(far[y, x], far[y, right], far[below, x], far[below, right])
