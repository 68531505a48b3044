"""Changes of colour that follow depth, made to both surfaces of a pixel that shows two.

At an outline a pixel holds light of the thing in front and of what is behind it. One depth for
both draws a rim: fog in the hair, daylight round a shoulder. So mixed pixels are taken apart, each
surface is changed as its own depth says, and what changed is added up:

    out = pixel + share * (changed(front) - front) + (1 - share) * (changed(back) - back)

which is the pixel itself where nothing changes. Where a matte has told the shares, colours of both
sides are continued into the outline from where each is alone (as in `matting.foreground`); where
depth merely jumps, shares and colours are those of `optics.edges`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.optics.edges import BACK, FRONT, SHARE, SMALLEST_JUMP_PX, Blurred, Mixed
from depthfx.photo.colour import by_strips, strips
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_nearest, resize_part

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Change = Callable[[Array, Array], Array]
"""Colours (N, 3), linear light, and their levels (N,) -> the new colours (N, 3)."""

FRONT_LEVEL, BACK_LEVEL = 7, 8
"""Columns of `Mixed.surfaces`: what `optics.edges` keeps there is the level, in steps."""
SMALLEST_STEP = 0.02
"""Levels closer than this are one: what is made of them could not be told apart."""
STEPS = np.float32(SMALLEST_JUMP_PX / SMALLEST_STEP)
"""A level of 1 in the pixels that `optics.edges` counts in."""
WORKING_PIXELS = 500_000


def changed_by_depth(
    pixels: Pixels,
    depth: Depth,
    level_of: Callable[[Plane], Plane],
    change: Change,
    progress: Callable[[float], None] = lambda _done: None,
) -> Pixels:
    """`pixels` (H, W, 3), linear light, changed as the level of their depth says.

    level_of : from inverse depth (H, W) to a new level (H, W) float32, 0..1, which is nowhere
        smaller for something nearer
    change : what is done to colours at levels; called from several threads on parts of the photo

    Returns (H, W, 3) float32.
    """
    front, back = level_of(depth.inverse), None
    if depth.behind is not None and depth.coverage is not None:
        back = level_of(depth.behind)
    level = _mean(front, back, depth.coverage)
    told = _Told.of(pixels, front, back, depth.coverage)
    picture = Blurred(pixels, level, np.float32(0), STEPS)
    out = np.empty(pixels.shape, np.float32)
    todo = sum(1 for _ in strips(out))
    done = iter(range(1, todo + 1))

    def strip(rows: slice) -> None:
        old = pixels[rows]
        new = change(old.reshape(-1, 3), level[rows].reshape(-1)).reshape(old.shape)
        may_be = _jumps(level, rows)
        if told is not None:
            may_be &= ~told.beside(rows)
            y, x = told.mask[rows].nonzero()
            if len(x):
                new[y, x] = old[y, x] + _changes(old[y, x], told.parts(rows, y, x), change)
        if may_be.any():
            mixed = Mixed.of_rows(picture, rows.start, rows.stop)
            y, x = mixed.mask.nonzero()
            some = may_be[y, x]
            y, x = y[some], x[some]
            new[y, x] = old[y, x] + _changes(old[y, x], mixed.surfaces[some], change)
        out[rows] = new
        progress(next(done) / todo)

    by_strips(strip, out)
    return out


def mean_level(depth: Depth, level_of: Callable[[Plane], Plane]) -> Plane:
    """(H, W) float32: the levels of both surfaces of each pixel, as they share it."""
    back = None if depth.behind is None else level_of(depth.behind)
    return _mean(level_of(depth.inverse), back, depth.coverage)


def _mean(front: Plane, back: Plane | None, share: Plane | None) -> Plane:
    if back is None or share is None:
        return front
    level = front - back
    level *= share
    level += back
    return level


def _jumps(level: Plane, rows: slice) -> Mask:
    """Of some rows, where levels jump, which a slope does not: their second differences."""
    found = np.zeros(level[rows].shape, bool)
    step = np.float32(SMALLEST_STEP)
    here = level[rows]
    found[:, 1:-1] |= np.abs(here[:, :-2] + here[:, 2:] - 2 * here[:, 1:-1]) > step
    above, below = max(rows.start, 1), min(rows.stop, len(level) - 1)
    if above < below:
        bend = level[above - 1 : below - 1] + level[above + 1 : below + 1]
        bend -= 2 * level[above:below]
        found[above - rows.start : below - rows.start] |= np.abs(bend) > step
    return found


@dataclass(frozen=True, eq=False)
class _Told:
    """Pixels of which a matte has told how two surfaces share them.

    mask : (H, W) bool
    share : (H, W) float32, the front's
    levels : (H, W) float32 of the front and of the back
    sides : (h, w, 3) float32 smooth guesses of the colours of the front and of the back
    """

    mask: Mask
    share: Plane
    levels: tuple[Plane, Plane]
    sides: tuple[Array, Array]

    @classmethod
    def of(
        cls, pixels: Pixels, front: Plane, back: Plane | None, share: Plane | None
    ) -> _Told | None:
        """From the levels (H, W) of both surfaces; None if a matte has told nothing of them."""
        if back is None or share is None:
            return None
        mask = front - back > SMALLEST_STEP
        if not mask.any():
            return None
        shape = fit_within(mask.shape, WORKING_PIXELS)
        small = resize_area(pixels, shape)
        # Any told pixel in it makes a coarse pixel no witness of either colour, nor is one beside.
        unsure = resize_area(mask.astype(np.float32), shape) > 0
        near = push_pull(resize_nearest(front, shape), unsure.astype(np.float32))
        far = push_pull(resize_nearest(back, shape), unsure.astype(np.float32))
        alone = cv2.dilate(unsure.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
        in_front = resize_nearest(front, shape) > (near + far) / 2
        sides = (
            push_pull(small, (alone & in_front).astype(np.float32)),
            push_pull(small, (alone & ~in_front).astype(np.float32)),
        )
        return cls(mask, share, (front, back), sides)

    def beside(self, rows: slice) -> Mask:
        """Of some rows, the pixels of the mask and their neighbours: those are whole."""
        above, below = max(rows.start - 1, 0), min(rows.stop + 1, len(self.mask))
        wide = cv2.dilate(self.mask[above:below].astype(np.uint8), np.ones((3, 3), np.uint8))
        return np.asarray(wide[rows.start - above : rows.stop - above] > 0)

    def parts(self, rows: slice, y: Index, x: Index) -> Array:
        """(N, 9) of pixels (y, x) of those rows, as `Mixed.surfaces` has them."""
        place = rows, slice(0, self.mask.shape[1])
        found = np.empty((len(x), 9), np.float32)
        found[:, SHARE] = self.share[rows][y, x]
        for colour, level, k in ((FRONT, FRONT_LEVEL, 0), (BACK, BACK_LEVEL, 1)):
            found[:, colour] = resize_part(self.sides[k], self.mask.shape, place)[y, x]
            found[:, level] = self.levels[k][rows][y, x] * STEPS
        return found


def _changes(pixels: Array, surfaces: Array, change: Change) -> Array:
    """(N, 3) what is added to mixed pixels (N, 3) of such `surfaces` (N, 9), see `Mixed`."""
    front = surfaces[:, SHARE, None]
    back = 1 - front
    # What the two colours leave unexplained at this share, each takes by its part in it, so that
    # together they are the pixel and nothing is taken away that it did not show.
    rest = pixels - front * surfaces[:, FRONT] - back * surfaces[:, BACK]
    rest *= front / (front * front + back * back)
    light = np.maximum(pixels, 0)
    least = np.float32(1e-4)
    of_front = np.clip(surfaces[:, FRONT] + rest, 0, light / np.maximum(front, least))
    of_back = np.maximum(light - front * of_front, 0) / np.maximum(back, least)
    total = np.zeros_like(pixels)
    for old, level, part in ((of_front, FRONT_LEVEL, front), (of_back, BACK_LEVEL, back)):
        total += part * (change(old, surfaces[:, level] / STEPS) - old)
    return total
