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
    """The picture in blocks of `scale` x `scale` pixels; partial ones at the far borders.

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
        """A first level, of 2 x 2 px, to be filled by `enter`."""
        shape = ((height + 1) // 2, (width + 1) // 2)
        return cls(2, np.empty((*shape, 3), np.float32), *np.empty((2, *shape), np.float32))

    def halved(self, pool: Executor) -> Level:
        """The next level."""
        height, width = ((side + 1) // 2 for side in self.near.shape)
        colour = np.empty((height, width, 3), np.float32)
        near, far = np.empty((2, height, width), np.float32)

        def halve(top: int) -> None:
            rows, own = slice(top, top + STRIP_ROWS), slice(2 * top, 2 * (top + STRIP_ROWS))
            _halve(
                self.colour[own], self.near[own], self.far[own], colour[rows], near[rows], far[rows]
            )

        list(pool.map(halve, range(0, height, STRIP_ROWS)))
        return Level(2 * self.scale, colour, near, far)


def enter(picture: Blurred, mixed: Mixed, top: int, level: Level, farthest: Array) -> None:
    """Put some rows of the picture, from the even row `top` on, into the first levels.

    mixed : of those rows alone
    farthest : (h, w, 5) the first level of what is farthest, see `hidden.Hidden`
    """
    _enter(
        picture.pixels,
        picture.inverse,
        picture.focus_inverse,
        picture.px_per_inverse,
        mixed.mask,
        mixed.starts,
        mixed.surfaces,
        top,
        level.colour,
        level.near,
        level.far,
        farthest,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _enter(
    pixels: Array,
    inverse: Array,
    focus_inverse: np.float32,
    px_per_inverse: np.float32,
    mask: NDArray[np.uint8],
    starts: NDArray[np.int64],
    surfaces: Array,
    top: int,
    colour: Array,
    near: Array,
    far: Array,
    cells: Array,
) -> None:
    zero, one, same = np.float32(0), np.float32(1), np.float32(SAME_SURFACE_PX)
    height, width = mask.shape
    radius, weight = np.empty(4, np.float32), np.empty(4, np.float32)
    own = np.empty((4, 3), np.float32)
    for v in range((height + 1) // 2):
        rows = min(2, height - 2 * v)
        following = np.empty(2, np.int64)
        for j in range(rows):
            following[j] = starts[2 * v + j]
        to = top // 2 + v
        for u in range((width + 1) // 2):
            columns = min(2, width - 2 * u)
            c0 = c1 = c2 = zero
            nearest, farthest = np.float32(-np.inf), np.float32(np.inf)
            count, plain = 0, True
            for j in range(rows):
                for i in range(columns):
                    y, x = 2 * v + j, 2 * u + i
                    red = pixels[top + y, x, 0]
                    green = pixels[top + y, x, 1]
                    blue = pixels[top + y, x, 2]
                    c0, c1, c2 = c0 + red, c1 + green, c2 + blue
                    r = (inverse[top + y, x] - focus_inverse) * px_per_inverse
                    high, w = r, one
                    if mask[y, x]:
                        n = following[j]
                        following[j] += 1
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
            share = one / np.float32(count)
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
            cells[to, u, 0], cells[to, u, 1], cells[to, u, 2] = c0, c1, c2
            cells[to, u, 3], cells[to, u, 4] = r, total


@njit(cache=True, nogil=True)
def _halve(
    colour: Array, near: Array, far: Array, colour_out: Array, near_out: Array, far_out: Array
) -> None:
    height, width = near.shape
    for v in range(near_out.shape[0]):
        y, below = 2 * v, min(2 * v + 1, height - 1)
        for u in range(near_out.shape[1]):
            x, right = 2 * u, min(2 * u + 1, width - 1)
            for c in range(3):
                colour_out[v, u, c] = np.float32(0.25) * (
                    colour[y, x, c]
                    + colour[y, right, c]
                    + colour[below, x, c]
                    + colour[below, right, c]
                )
            near_out[v, u] = max(near[y, x], near[y, right], near[below, x], near[below, right])
            far_out[v, u] = min(far[y, x], far[y, right], far[below, x], far[below, right])
