"""How well a blurred background meets the subject: leaks of its colour, and unblurred rims.

The outline of the matte is unrolled into a ribbon: one column for each place on it, one row for
each pixel across it, subject on one side and background on the other. On the ribbon two things
are asked, both in the square root of light, and only where the background had to be blurred.

- Leak. The result should be the background alone, blurred, under as much of the subject as both
  the matte and the photo show there. That background is completed from the photo without the
  subject. The leak is how far the result lies from there towards the subject's colour, by least
  squares over a stretch of the outline.
- Rim. Background is told by the matte, or by its colour where the matte reaches too far. Of the
  photo's detail there that the blur should have removed, the share that the result still shows
  is found by regression along the outline, so that grain added afterwards counts as none. Where
  most of it is still there, over some pixels across, there is a rim.

Only the ribbon is looked at in full, so the time hardly depends on the photo's size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.errors import ShapeError
from depthfx.inpaint.pushpull import push_pull
from depthfx.raster.resample import encoded

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAK_LIMIT, RIM_LIMIT = 0.04, 0.1
"""Beyond these a person should look. On the scenes of `evaluation.oracle_scenes` a true lens
picture has a leak of 0 to 0.015 (what is hidden can only be guessed) and a rim of 0 to 0.06; one
blended Gaussian leaks 0.05 to 0.31, a matte 3 px too small 0.05 to 0.30, and one 5 px too large has
rims of 0.22 to 0.83."""
AS_BAD_AS_RIM = 0.25
"""A leak that looks as bad as a rim in the same place."""

WORKING_PIXELS = 300_000
"""Size at which the outline is found and the background blurred."""
LARGEST_SIDE_PX = 32_000
"""OpenCV's remapping knows no larger pictures; of those every second pixel is looked at."""

REACH_SHARE, FEWEST_REACH_PX = 0.0025, 6
"""How far a matte may be off, as a share of the diagonal: the rim is looked for so far inside."""
BLUR_SHARE, LEAST_BLUR_PX = 0.0008, 2.5
"""Radius, as a share of the diagonal, from which blur is seen and judged."""
MOST_COLUMNS, COLUMN_PX = 8_000, 1.0
"""Columns of the ribbon, and their distance along the outline where it is short enough."""
STRETCH, EVENED = 31, 9
"""Columns that are judged together, and over which strands are evened out."""
SHORTEST_SHARE = 0.02
"""Outlines shorter than this share of the diagonal are specks of the matte."""

EMPTY, SOLID = 0.05, 0.9
LEAST_CONTRAST = 0.1
"""Subject and background less apart than this (white is 1) cannot be told, nor leak visibly."""
LIKE_BACKGROUND = 0.25
"""A colour nearer to the background's than this share of the way to the subject's is its own."""
LEAST_DETAIL = 0.01
"""Root mean square of detail that can be seen; below, a sharp rim looks as a blurred one."""
STILL_SHARP = 0.5
"""Share of the photo's detail from which a place counts as unblurred."""
LEAK_ROWS, LEAK_COVER = 8, 0.5
"""Places across the blur where leaks are looked for, and the matte from which the subject rules."""
SOFT_PX = 3.0
"""Blur radius in pixels of its own at which each level of the background is softened."""
WIDE = 4
"""A surrounding wide enough to show background is at least so many times the matte's error."""
UNSURE = 0.03
"""A leak below this is the reference's own error."""


@dataclass(frozen=True)
class Halo:
    """What is wrong along the subject's outline.

    leak : share of the subject's colour in the background right outside it, 0..1, mean
    rim : share of the outline with a band of unblurred background, 0..1
    needs_a_hand : either is so large that a person should look
    worst : where to look first, shares of width and height; None if nothing is wrong
    """

    leak: float
    rim: float
    needs_a_hand: bool
    worst: tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class _Outline:
    """Columns of the ribbon, `spacing` px apart.

    places : (N, 2) x, y in px, pixel centres at +0.5; normals : (N, 2), of length 1, outward
    """

    places: Array
    normals: Array
    spacing: float

    def at(self, offsets: Array) -> Array:
        """(R, N, 2): places `offsets` (R, 1) or (R, N) px further out."""
        return np.asarray(self.places + offsets[..., None] * self.normals, np.float32)

    def only(self, chosen: Mask) -> _Outline:
        return replace(self, places=self.places[chosen], normals=self.normals[chosen])


def halo_report(before: Array, after: Array, matte: Plane, radius_px: Plane) -> Halo:
    """Judge a picture whose background was blurred.

    before, after : (H, W, 3) float32 linear light, the photo and the result
    matte : (H, W) float32 0..1, the subject
    radius_px : (H, W) float32, by which radius each pixel should have been blurred

    Without an outline, or without blur beside it, nothing is wrong. Raises ShapeError if the
    arrays do not fit each other.
    """
    for name, picture in (("before", before), ("after", after)):
        if picture.shape != (*matte.shape, 3) or picture.dtype != np.float32:
            raise ShapeError(
                f"{name} must be {(*matte.shape, 3)} float32, got {picture.shape} {picture.dtype}"
            )
    checked_plane("matte", matte)
    checked_plane("radius_px", radius_px, matte.shape)
    if max(matte.shape) > LARGEST_SIDE_PX:
        step = math.ceil(max(matte.shape) / LARGEST_SIDE_PX)
        before, after, matte = (a[::step, ::step] for a in (before, after, matte))
        radius_px = radius_px[::step, ::step] / np.float32(step)
    diagonal = math.hypot(*matte.shape)
    reach = max(FEWEST_REACH_PX, round(REACH_SHARE * diagonal))
    outline = _outline(matte, reach, diagonal)
    if outline is None:
        return Halo(0.0, 0.0, False, None)
    ribbon = _Ribbon.of(outline, before, after, matte, radius_px, reach)
    least_px = max(LEAST_BLUR_PX, BLUR_SHARE * diagonal)
    blurred = ribbon.two_sided & (ribbon.blur_outside >= least_px)
    if not blurred.any():
        return Halo(0.0, 0.0, False, None)
    rim = ribbon.rims() & blurred
    leak, contrast = _leaks(outline, ribbon, before, after, matte, reach)
    leak, contrast = np.where(blurred, leak, 0), np.where(blurred, contrast, 0)
    return _judged(outline, rim, float(blurred.sum()), leak, contrast, matte.shape)


def _judged(
    outline: _Outline,
    rim: Mask,
    length: float,
    leak: Array,
    contrast: Array,
    shape: tuple[int, ...],
) -> Halo:
    """All columns in two numbers and a place."""
    leaks = float((leak * contrast).sum() / max(float(contrast.sum()), 1e-9))
    rims = float(rim.sum() / length)
    kernel = np.ones(STRETCH, np.float32) / STRETCH
    bad = np.convolve(leak / AS_BAD_AS_RIM + rim, kernel, "same")
    worst = outline.places[int(bad.argmax())] / (shape[1], shape[0])
    return Halo(
        round(leaks, 4),
        round(rims, 4),
        leaks > LEAK_LIMIT or rims > RIM_LIMIT,
        (round(float(worst[0]), 4), round(float(worst[1]), 4)) if bad.max() > 0 else None,
    )


# ---------------------------------------------------------------- the outline
def _outline(matte: Plane, reach: int, diagonal: float) -> _Outline | None:
    """The matte's outline at its own resolution, or None if it has none well inside the frame."""
    step = _step(matte.shape)
    # Softened, so that strands of hair are a band beside the outline, not outlines themselves.
    soft = cv2.GaussianBlur(
        np.ascontiguousarray(matte[::step, ::step]), (0, 0), max(1.0, reach / step)
    )
    inside = (soft > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    shortest = SHORTEST_SHARE * diagonal / step
    lines = [c[:, 0].astype(np.float32) for c in contours if len(c) >= shortest]
    if not lines:
        return None
    spacing = max(COLUMN_PX, sum(map(len, lines)) * step / MOST_COLUMNS)
    rough = np.concatenate([_respaced(line, spacing / step) for line in lines])
    centres = np.asarray(rough + 0.5, np.float32)
    slopes = (np.asarray(cv2.Sobel(soft, cv2.CV_32F, *d), np.float32) for d in ((1, 0), (0, 1)))
    normals = -np.stack([_sampled(slope, centres) for slope in slopes], axis=1)
    size = np.linalg.norm(normals, axis=1, keepdims=True)
    normals /= np.maximum(size, np.float32(1e-9))
    rough = rough * np.float32(step) + np.float32(0.5)
    outline = _refined(_Outline(rough, normals, spacing), matte, reach)
    ends = outline.at(np.array([[-2 * reach], [2 * reach]], np.float32))
    within = ((ends >= 0) & (ends < (matte.shape[1], matte.shape[0]))).all(axis=(0, 2))
    good = within & (size[:, 0] > 1e-4)
    return outline.only(good) if good.any() else None


def _refined(rough: _Outline, matte: Plane, reach: int) -> _Outline:
    """Moved to the nearest place where the full matte, strands evened out, crosses one half."""
    furthest = reach + _step(matte.shape)
    offsets = np.arange(-furthest, furthest + 1, dtype=np.float32)[:, None]
    across = cv2.blur(_sampled(matte, rough.at(offsets)), (EVENED, 1))
    crossing = np.abs(across - 0.5) + 1e-3 * np.abs(offsets)  # of equal ones the nearest
    return replace(rough, places=rough.at(offsets[crossing.argmin(axis=0)].T)[0])


def _step(shape: tuple[int, ...]) -> int:
    return max(1, round(math.sqrt(shape[0] * shape[1] / WORKING_PIXELS)))


def _respaced(line: Array, spacing: float) -> Array:
    """Points (M, 2) along a closed line of pixels (N, 2), `spacing` pixels apart."""
    count = max(1, round(len(line) / spacing))
    place = np.arange(count) * (len(line) / count)
    closed = np.concatenate([line, line[:1]])
    steps = np.arange(len(closed))
    return np.stack([np.interp(place, steps, side) for side in closed.T], 1).astype(np.float32)


def _sampled(array: Array, places: Array) -> Array:
    """`array` (H, W) or (H, W, C), interpolated at `places` (..., 2) in px."""
    flat = places.reshape(-1, places.shape[-2], 2) - np.float32(0.5)
    values = cv2.remap(
        array, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    shape = (*places.shape[:-1], *array.shape[2:])
    return np.asarray(values, np.float32).reshape(shape)


def _along(values: Array, columns: int = STRETCH) -> Array:
    """Mean over so many columns, of (R, N) or (R, N, C)."""
    mean = cv2.blur(values, (columns, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mean, np.float32)


# ---------------------------------------------------------------- the ribbon
@dataclass(frozen=True, eq=False)
class _Ribbon:
    """The unrolled band, rows from `-2 reach` px (inside) to `2 reach` px (outside).

    before, after : (R, N, 3) square root of light; matte, radius_px : (R, N)
    subject, background : (N, 3), mean colours of the photo on either side
    """

    outline: _Outline
    reach: int
    before: Array
    after: Array
    matte: Array
    radius_px: Array
    subject: Array
    background: Array

    @classmethod
    def of(
        cls,
        outline: _Outline,
        before: Array,
        after: Array,
        matte: Plane,
        radius_px: Plane,
        reach: int,
    ) -> _Ribbon:
        places = outline.at(np.arange(-2 * reach, 2 * reach + 1, dtype=np.float32)[:, None])
        photo, cover = _look(_sampled(before, places)), _sampled(matte, places)
        return cls(
            outline,
            reach,
            photo,
            _look(_sampled(after, places)),
            cover,
            _sampled(radius_px, places),
            _mean(photo[:reach], cover[:reach] > SOLID),
            _mean(photo[-reach:], cover[-reach:] < EMPTY),
        )

    @property
    def two_sided(self) -> Mask:
        """(N,) where the subject is solid on one side and hardly anything of it on the other."""
        solid, empty = self.matte[: self.reach], self.matte[-self.reach :]
        return np.asarray((solid.mean(axis=0) > SOLID) & (empty.mean(axis=0) < 1 - SOLID))

    @property
    def blur_outside(self) -> Array:
        """(N,) radius in px of the background beside each column."""
        return np.asarray(np.median(self.radius_px[-self.reach :], axis=0))

    def rims(self) -> Mask:
        """(N,) whether background stays sharp beside the outline."""
        rows = slice(self.reach, -self.reach)
        seen = self.of_background(rows).astype(np.float32)
        one, other = self.removable(self.before[rows], seen), self.removable(self.after[rows], seen)
        energy = _along((one * one).mean(axis=2))
        still = _along((one * other).mean(axis=2))
        visible = energy > LEAST_DETAIL**2 * np.maximum(_along(seen), np.float32(1 / STRETCH))
        sharp = (still > STILL_SHARP * energy) & visible & (seen > 0)
        return np.asarray(sharp.sum(axis=0) >= max(2, self.reach // 4))

    def removable(self, picture: Array, seen: Array) -> Array:
        """(R, N, 3): what a blur by its radius would take from `picture`, where `seen`.

        It is the difference from the mean over one radius along the outline: coarser detail
        survives a disc of that radius in part, finer detail does not.
        """
        radius = self.blur_outside / np.float32(self.outline.spacing)
        width = 2 * np.clip(np.rint(radius / 2), 1, STRETCH // 2).astype(int) + 1
        out = np.zeros_like(picture)
        known = picture * seen[..., None]
        for columns in _halving(int(width.max())):
            share = np.maximum(_along(seen, columns), np.float32(1 / STRETCH))[..., None]
            chosen = width <= columns  # the last to be written is the narrowest that is enough
            out[:, chosen] = (picture - _along(known, columns) / share)[:, chosen]
        return np.asarray(out * seen[..., None])

    def of_background(self, rows: slice) -> Mask:
        """(R, N) where the photo shows background: by the matte, or inside it by colour."""
        towards = self.subject - self.background
        square = (towards**2).sum(axis=1)
        off = _along(self.before[rows]) - self.background
        share = (off * towards).sum(axis=2)
        aside = (off**2).sum(axis=2)
        alike = (np.abs(share) < LIKE_BACKGROUND * square) & (
            aside < 2 * LIKE_BACKGROUND**2 * square
        )
        # Where the matte is between, it knows of hair, whose strands are sharp by right.
        told = alike & (square > LEAST_CONTRAST**2) & (self.matte[rows] > SOLID)
        return np.asarray(told | (self.matte[rows] < EMPTY))


def _halving(widest: int) -> list[int]:
    """Odd widths from `widest` down to 3, each about half of the one before."""
    widths = [widest]
    while widths[-1] > 3:
        widths.append(max(3, widths[-1] // 2 | 1))
    return widths


def _look(linear: Array) -> Array:
    return encoded(np.minimum(linear, 1))


def _mean(colours: Array, where: Mask) -> Array:
    """(N, 3) mean over rows and a stretch of columns of (R, N, 3)."""
    weight = where.astype(np.float32)
    light = _along((colours * weight[..., None]).sum(axis=0, keepdims=True))
    mass = _along(weight.sum(axis=0, keepdims=True))
    return np.asarray((light / np.maximum(mass, np.float32(1e-6))[..., None])[0])


# ---------------------------------------------------------------- leaks
def _leaks(
    outline: _Outline, ribbon: _Ribbon, before: Array, after: Array, matte: Plane, reach: int
) -> tuple[Array, Array]:
    """(N,) share of the subject's colour outside the outline, and (N,) how well it is told."""
    radius = np.maximum(_along(ribbon.blur_outside[None])[0], 1)
    rows = (np.arange(LEAK_ROWS, dtype=np.float32)[:, None] + np.float32(0.5)) / LEAK_ROWS
    places = outline.at(np.float32(1) + rows * radius)
    wide = np.maximum(2 * radius, WIDE * reach)
    background = _Background.of(before, matte, reach, float(wide.max()))
    wanted, _ = background.blurred(places, radius)
    wider, visible = background.blurred(places, wide)
    cover, towards = _sampled(matte, places), ribbon.subject - wanted
    weight = visible * np.where(cover < LEAK_COVER, 1 - cover, 0) ** 2

    def along(share: Array) -> Array:
        """Sum over a stretch of shares of the subject's colour, weighted by its contrast."""
        return _along(np.asarray(weight * share, np.float32))

    def of_subject(picture: Array) -> Array:
        return along(((_look(_sampled(picture, places)) - wanted) * towards).sum(axis=2))

    square = (towards**2).sum(axis=2)
    most, total = along(square), along(square).sum(axis=0)
    allowed = np.clip(np.minimum(of_subject(before), along(cover * square)), 0, most).sum(axis=0)
    # What is hidden may differ from what is seen as much as a wider surrounding does.
    doubt = np.abs(along(((wider - wanted) * towards).sum(axis=2)).sum(axis=0))
    excess = of_subject(after).sum(axis=0) - allowed - doubt
    leak = np.clip(excess / np.maximum(total, 1e-9) - UNSURE, 0, 1)
    contrast = np.sqrt(total / np.maximum(along(np.ones_like(square)).sum(axis=0), 1e-9))
    told = contrast > LEAST_CONTRAST
    return np.where(told, leak, 0), np.where(told, contrast, 0)


@dataclass(frozen=True, eq=False)
class _Background:
    """The background alone, completed behind the subject: any blur can be read from it.

    A Gaussian stands for the disc: its standard deviation is half the radius.

    levels : (h, w, 4) float32 each, linear light and the share of it that was visible; level k
        is softened by a disc of `SOFT_PX` of its pixels
    step : a pixel of level k is `step * 2 ** k` px wide
    """

    levels: list[Array]
    step: int

    @classmethod
    def of(cls, before: Array, matte: Plane, reach: int, largest_px: float) -> _Background:
        step = _step(matte.shape)
        margin = 2 * math.ceil(reach / step) + 1
        around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
        cover = cv2.dilate(np.ascontiguousarray(matte[::step, ::step]), around)
        empty = (cover < 1 - SOLID).astype(np.float32)
        stack = np.dstack([push_pull(before[::step, ::step], empty), empty])
        levels = []
        for _ in range(1 + max(0, math.ceil(math.log2(largest_px / (step * SOFT_PX))))):
            soft = cv2.GaussianBlur(stack, (0, 0), SOFT_PX / 2, borderType=cv2.BORDER_REFLECT_101)
            levels.append(np.asarray(soft, np.float32))
            half = (max(1, stack.shape[1] // 2), max(1, stack.shape[0] // 2))
            stack = np.asarray(cv2.resize(stack, half, interpolation=cv2.INTER_AREA), np.float32)
        return cls(levels, step)

    def blurred(self, places: Array, radius: Array) -> tuple[Array, Array]:
        """At `places` (R, N, 2) by `radius` (N,) px.

        Returns (R, N, 3) square root of light, and (R, N) how much of it was visible, 0..1.
        """
        level = np.log2(np.maximum(radius / (self.step * SOFT_PX), 1))
        total = np.zeros((*places.shape[:2], 4), np.float32)
        # Pixel centres: that of working pixel (0, 0) is the photo's, the levels' are between.
        at = (places - np.float32(0.5)) / np.float32(self.step) + np.float32(0.5)
        for k, picture in enumerate(self.levels):
            weight = np.maximum(1 - np.abs(level - k), 0).astype(np.float32)
            if weight.any():
                total += weight[:, None] * _sampled(picture, at * np.float32(0.5**k))
        return _look(total[..., :3]), total[..., 3]
