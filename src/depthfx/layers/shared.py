"""The photo's pixels that several layers share, and how they are taken apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.inpaint.pushpull import push_pull
from depthfx.layers.mattes import FULL, Cover
from depthfx.layers.split import split
from depthfx.layers.values import Values
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area

if TYPE_CHECKING:
    from depthfx.layers.go_on import Peeled

Mask = NDArray[np.bool_]
Place = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns."""

GUESS_PIXELS = 0.5e6
"""At this size is found what a layer looks like near its edge."""
SURE = 0.98
DOUBT_SHARE, DOUBT_PX = 0.002, 3
"""So far around a matte's soft part, as a share of the diagonal, and at least, it may have missed
some."""
RANGE_CELLS = 12
"""So far around, at that size, is found between what a layer's colours vary."""
UNBOUNDED = np.float32(1e6)
LONGEST_ROW = 30_000
"""OpenCV samples no more at a time."""
MOSTLY_HIDDEN = 0.5
"""A layer of which a pixel shows less is painted there."""


@dataclass(frozen=True)
class Canvas:
    """The photo and a margin: (height, width) of the former, px of the latter."""

    photo: tuple[int, int]
    margin: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.photo[0] + 2 * self.margin, self.photo[1] + 2 * self.margin

    @property
    def frame(self) -> tuple[slice, slice]:
        """Where the photo lies on it."""
        height, width = self.photo
        return slice(self.margin, self.margin + height), slice(self.margin, self.margin + width)

    def inside(self) -> Mask:
        inside = np.zeros(self.shape, np.bool_)
        inside[self.frame] = True
        return inside

    def widened(self, plane: Cover) -> Cover:
        """A plane of the photo, its outermost values repeated over the margin."""
        m = self.margin
        return np.asarray(cv2.copyMakeBorder(plane, m, m, m, m, cv2.BORDER_REPLICATE), np.uint8)

    def cropped(self, picture: NDArray[np.float32], place: tuple[slice, slice]) -> NDArray:
        """A part of the canvas, from the photo's `picture` (H, W, ...); 0 on the margin."""
        rows, columns = place
        out = np.zeros(
            (rows.stop - rows.start, columns.stop - columns.start, *picture.shape[2:]), np.float32
        )
        top, left = max(rows.start, self.margin), max(columns.start, self.margin)
        bottom = min(rows.stop, self.margin + self.photo[0])
        right = min(columns.stop, self.margin + self.photo[1])
        if top < bottom and left < right:
            m = self.margin
            out[
                top - rows.start : bottom - rows.start, left - columns.start : right - columns.start
            ] = picture[top - m : bottom - m, left - m : right - m]
        return out


@dataclass(frozen=True, eq=False)
class Shared:
    """The N pixels of n layers that share them, or may.

    on_canvas : where they lie
    shown : (N, 3) in the values in which layers blend
    guess, spread, bounds, doubted : (N, n, 3), (N, n), twice (N, n, 3), (N, n), see `split.split`
    """

    on_canvas: Place
    shown: Pixels
    guess: Pixels
    spread: NDArray[np.float32]
    bounds: tuple[Pixels, Pixels]
    doubted: Mask
    values: Values

    @classmethod
    def of(
        cls,
        pixels: Pixels,
        canvas: Canvas,
        shares: list[Cover],
        alphas: list[Cover],
        solid: Cover | None,
        values: Values,
    ) -> Shared:
        """Of the photo's `pixels` (H, W, 3), linear light; the rest is on the canvas.

        shares : of each layer and all nearer ones, farthest first, and of nothing
        solid : the photo's own alpha, if it has one
        """
        frame, n = canvas.frame, len(alphas)
        near_edge = [
            np.zeros(canvas.photo, np.bool_),
            *(_beside_soft(np.ascontiguousarray(share[frame])) for share in shares[1:-1]),
        ]
        anywhere = np.any(near_edge, axis=0)
        if solid is not None:
            anywhere &= solid[frame] == FULL
        rows, columns = np.nonzero(anywhere)
        place = rows, columns
        shape = fit_within(canvas.photo, GUESS_PIXELS)
        small = values.of_light(resize_area(pixels, shape))
        look = np.dstack([small, (small**2).mean(axis=2)])
        guess = np.empty((len(place[0]), n, 3), np.float32)
        spread = np.empty((len(place[0]), n), np.float32)
        bounds = np.empty_like(guess), np.empty_like(guess)
        nearest = tuple(
            axis * size // full for axis, size, full in zip(place, shape, canvas.photo, strict=True)
        )
        for k in range(n):
            own = (shares[k][frame] == FULL) & (shares[k + 1][frame] == 0)
            # Not beside an edge, where a halo or a shadow of the other side may lie.
            own = own & ~anywhere if (own & ~anywhere).any() else own
            sure = (resize_area(own.astype(np.float32), shape) > SURE).astype(np.uint8)
            # A cell further in: the matte's edge may lie a little beside the picture's.
            inner = cv2.erode(sure, np.ones((3, 3), np.uint8))
            known = np.asarray(inner if inner.any() else sure, np.float32)
            there = _sampled(push_pull(look, known), place, canvas.photo)
            guess[:, k] = there[:, :3]
            spread[:, k] = np.maximum(there[:, 3] - (there[:, :3] ** 2).mean(axis=1), 0)
            for bound, found in zip(bounds, _range(small, known > 0), strict=True):
                bound[:, k] = found[nearest]
        return cls(
            (place[0] + canvas.margin, place[1] + canvas.margin),
            values.of_light(np.ascontiguousarray(pixels[place][None]))[0],
            guess,
            spread,
            bounds,
            np.stack([edge[place] for edge in near_edge], axis=1),
            values,
        )

    def taken_apart(self, alphas: list[Cover]) -> Pixels:
        """(N, n, 3) linear light, the layers' own colours; corrects `alphas` there."""
        alpha = np.stack([a[self.on_canvas] for a in alphas], axis=1)
        colours, corrected = split(
            self.shown,
            alpha,
            self.doubted,
            self.guess,
            self.spread,
            self.bounds,
            self.values.top,
        )
        for k in range(1, len(alphas)):
            alphas[k][self.on_canvas] = corrected[:, k]
        return self.values.light(colours)

    def settle(self, layers: list[Peeled]) -> None:
        """Take them apart once more, now that is painted what lies behind."""
        guess, spread = self.guess.copy(), self.spread.copy()
        bounds = self.bounds[0].copy(), self.bounds[1].copy()
        alpha = np.zeros(spread.shape, np.uint8)
        through = np.ones(len(alpha), np.float32)
        within = [self._within(layer) for layer in layers]
        for k in range(len(layers) - 1, -1, -1):
            inside, y, x = within[k]
            alpha[inside, k] = layers[k].alpha[y, x]
            hidden = through[inside] < MOSTLY_HIDDEN
            there = np.flatnonzero(inside)[hidden]
            painted = layers[k].pixels[y[hidden], x[hidden]]
            guess[there, k] = self.values.of_light(painted[None])[0]
            spread[there, k] = 0
            bounds[0][there, k] = bounds[1][there, k] = guess[there, k]
            through *= 1 - alpha[:, k] * np.float32(1 / FULL)
        settled = np.zeros_like(self.doubted)
        colours, corrected = split(
            self.shown, alpha, settled, guess, spread, bounds, self.values.top
        )
        light = self.values.light(colours)
        for k, (inside, y, x) in enumerate(within):
            layers[k].pixels[y, x] = light[inside, k]
            if k:
                layers[k].alpha[y, x] = corrected[inside, k]

    def _within(self, layer: Peeled) -> tuple[Mask, NDArray[np.intp], NDArray[np.intp]]:
        """Which of the pixels lie in a layer, and where in it."""
        height, width = layer.alpha.shape
        y, x = self.on_canvas[0] - layer.top, self.on_canvas[1] - layer.left
        inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
        return inside, y[inside], x[inside]


def _beside_soft(share: Cover) -> Mask:
    """Where a cover is between nothing and everything, and a little around."""
    edge = cv2.morphologyEx(share, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    soft = cv2.max(cv2.inRange(share, 1, FULL - 1), edge)
    reach = max(DOUBT_PX, round(DOUBT_SHARE * math.hypot(*share.shape)))
    return np.asarray(cv2.dilate(soft, np.ones((2 * reach + 1,) * 2, np.uint8))) > 0


def _range(picture: Pixels, known: Mask) -> tuple[Pixels, Pixels]:
    """The least and the most (h, w, 3) of what is `known` of a picture around each place."""
    window = np.ones((2 * RANGE_CELLS + 1,) * 2, np.uint8)
    least = cv2.erode(np.where(known[..., None], picture, UNBOUNDED), window)
    most = cv2.dilate(np.where(known[..., None], picture, -UNBOUNDED), window)
    nothing = least > most
    return np.where(nothing, -UNBOUNDED, least), np.where(nothing, UNBOUNDED, most)


def _sampled(small: Pixels, place: Place, shape: tuple[int, int]) -> Pixels:
    """What `resize_linear` makes of a small picture (h, w, C) at these places of a large one."""
    if not len(place[0]):
        return np.empty((0, small.shape[2]), np.float32)
    y, x = (
        ((axis + 0.5) * (n / size) - 0.5).astype(np.float32)
        for axis, n, size in zip(place, small.shape[:2], shape, strict=True)
    )
    parts = [slice(first, first + LONGEST_ROW) for first in range(0, len(y), LONGEST_ROW)]
    border = cv2.BORDER_REPLICATE
    return np.concatenate(
        [
            cv2.remap(small, x[part][None], y[part][None], cv2.INTER_LINEAR, borderMode=border)[0]
            for part in parts
        ]
    )
