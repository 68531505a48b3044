"""Defocus around a subject that stays sharp: the subject over a blurred background.

The photo is split along the matte into the subject's colours and a background that is
completed behind it. The background is blurred alone, so nothing of the subject leaks
into it, and the subject is put back over it: at hair each pixel keeps its share of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.matting.foreground import CERTAIN, Sides, background_colours, lay_subject_over
from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.in_front import find_in_front, lay_in_front
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area
from depthfx.raster.sample import linear_at

WORKING_PIXELS = 1_000_000
FULL_AT = np.float32(50)
"""A pixel of which the subject covers a fiftieth has the background's depth already."""
NOTHING = 0.02
"""A matte below this shows no subject."""
MOST_SCALE = 4.0
"""Networks see whole people nearer than the ground below them, by up to a factor like this; what
is farther off is a thing in mid-air. Where the ground is the nearer one it hides the feet."""
LEAST_SLOPE = 0.2
"""Share by which inverse depth grows over as many rows as the subject is high: seen from eye level
ground has 1, from high above less; a wall has none."""


def portrait(
    pixels: Pixels,
    depth: Depth,
    matte: Plane,
    *,
    focus_inverse: float,
    blur_px: float,
    aperture: Aperture,
    background: Plane | None = None,
    doubt: Plane | None = None,
    fringe_inverse: float = 0.0,
    device: str = "cpu",
    progress: Callable[[float], None] | None = None,
) -> Pixels:
    """`pixels` with everything but the subject blurred by depth.

    pixels : (H, W, 3) float32, linear light
    matte : (H, W) float32 in 0..1, the subject's cover
    focus_inverse, blur_px, aperture, fringe_inverse, device : see `optics.defocus.defocus`
    background, doubt : (H, W) and (h, w) float32, what `background_inverse` and `broad_doubt` say,
        if it is known already

    Returns (H, W, 3) float32. Without a subject this is plain defocus.
    """
    lens = Lens(focus_inverse, blur_px, aperture, fringe_inverse, device)
    if float(matte.max()) < 0.5:
        return lens(pixels, depth.surface, progress=progress)
    doubt = broad_doubt(matte) if doubt is None else doubt
    sides = Sides.of(pixels, matte, doubt)
    colours = background_colours(pixels, matte, sides)
    inverse = background
    if inverse is None:
        inverse = background_inverse(depth, matte, focus_inverse, doubt)
    out = lens(colours, inverse, matte < 1, progress)
    lay_subject_over(out, pixels, matte, sides)
    things = find_in_front(
        inverse, depth.inverse, matte, focus_inverse=focus_inverse, blur_px=blur_px
    )
    if things is not None:
        # In a part of the picture no opening can look as it does from its place in the whole.
        plain = replace(lens, aperture=replace(aperture, cats_eye=0.0, swirl=0.0))
        lay_in_front(out, matte, sides.front, things, colours, inverse, plain)
    return out


@dataclass(frozen=True)
class Lens:
    """A lens as it is set; all of it as in `optics.defocus.defocus`."""

    focus_inverse: float
    blur_px: float
    aperture: Aperture
    fringe_inverse: float = 0.0
    device: str = "cpu"

    def __call__(
        self,
        pixels: Pixels,
        inverse: Plane,
        wanted: NDArray[np.bool_] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Pixels:
        """`pixels` (H, W, 3) with `inverse` (H, W) through the lens."""
        return defocus(
            pixels,
            inverse,
            focus_inverse=self.focus_inverse,
            blur_px=self.blur_px,
            aperture=self.aperture,
            fringe_inverse=self.fringe_inverse,
            device=self.device,
            wanted=wanted,
            progress=progress,
        )


def broad_doubt(matte: Plane, reach: float = 0.008) -> Plane:
    """Where the matte is half sure over more than an outline's width, (h, w) float32 0..1.

    Hair is narrower than `reach` (share of the diagonal) on either side. A broad region
    of doubt is a thing the matte does not know; there depth decides, not a completion.
    The answer is smooth, and of a working size.
    """
    small = resize_area(matte, fit_within(matte.shape, WORKING_PIXELS))
    soft = ((small > 0.05) & (small < 0.95)).astype(np.uint8)
    radius = max(2, round(reach * float(np.hypot(*small.shape))))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    broad = cv2.morphologyEx(soft, cv2.MORPH_OPEN, disc)
    return np.asarray(cv2.GaussianBlur(broad.astype(np.float32), (0, 0), radius / 3))


def background_inverse(
    depth: Depth, matte: Plane, focus_inverse: float, doubt: Plane = CERTAIN
) -> Plane:
    """Inverse depth (H, W) float32 of what lies around and behind the subject.

    doubt : (h, w) float32 0..1 of any size, where the depth is kept as it is, see `broad_doubt`

    Behind the subject it is continued from around it, and under its solid part never nearer than
    the focus. All of it is scaled so that the ground meets the subject's feet: networks know how
    the surroundings lie better than how far the subject stands in them.
    """
    # Along the outline `inverse` is the subject's own; what is seen beside it is `behind`.
    around = depth.inverse if depth.behind is None else depth.behind
    shape = fit_within(matte.shape, WORKING_PIXELS)
    small, alpha = resize_area(around, shape), resize_area(matte, shape)
    # Depth at the outline may still be the subject's: continue from a little further out.
    reach = max(3, round(0.004 * float(np.hypot(*shape))) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    outside = cv2.dilate(alpha, disc) < NOTHING
    filled = push_pull(small, outside.astype(np.float32))
    ground = ground_inverse(small, alpha, reach)
    scale = np.float32(1 if ground is None else focus_inverse / ground)
    if not 1 <= scale <= MOST_SCALE:
        scale = np.float32(1)
    # Behind the subject nothing is nearer; beside it something in front of it may be.
    farther = outside & (small <= focus_inverse / scale)
    if farther.any():
        behind = push_pull(small, farther.astype(np.float32))
    else:
        behind = np.minimum(filled, focus_inverse / scale)
    filled = np.where(alpha > 0.5, behind, filled)
    out = np.empty(matte.shape, np.float32)
    _put_behind(
        depth.inverse,
        around,
        matte,
        np.maximum(filled, 0).astype(np.float32)[..., None],
        doubt[..., None],
        scale,
        out,
    )
    return out


def ground_inverse(inverse: Plane, matte: Plane, gap: int) -> float | None:
    """Inverse depth of the ground just below the subject's lowest parts; None: it stands on none.

    inverse, matte : (h, w) float32
    gap : pixels below the matte's edge that may still be the subject's

    It is ground if it comes nearer further down, and if the frame does not cut the subject off.
    """
    height = len(matte)
    count, parts, sizes, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8))
    if count < 2:
        return None
    solid = parts == 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
    columns = np.flatnonzero(solid.any(axis=0))
    rows = height - 1 - solid[::-1, columns].argmax(axis=0)
    # Feet are what reaches lowest, within a twentieth of the subject's height.
    tall = float(rows.max() - np.flatnonzero(solid.any(axis=1))[0] + 1)
    lowest = rows >= rows.max() - tall / 20
    rows, columns = rows[lowest] + gap, columns[lowest]
    step = min(round(tall / 15), height - 1 - int(rows.max()))
    if step < max(2, tall / 60):
        return None
    there = float(np.median(inverse[rows, columns]))
    slope = float(np.median(inverse[rows + step, columns] - inverse[rows, columns])) * tall / step
    return there if slope > LEAST_SLOPE * there > 0 else None


@njit(parallel=True, fastmath=True, cache=True)
def _put_behind(
    inverse: Plane,
    around: Plane,
    matte: Plane,
    filled: Pixels,
    doubt: Pixels,
    scale: np.float32,
    out: Plane,
) -> None:  # pragma: no cover - compiled
    """`around`, but `filled` where the matte covers a little; scaled, but `inverse` in doubt."""
    height, width = matte.shape
    one = np.float32(1)
    for y in prange(height):
        for x in range(width):
            value = around[y, x]
            unsure = np.float32(0)
            if matte[y, x] > 0:
                share = min(FULL_AT * matte[y, x], one)
                value += share * (linear_at(filled, y, x, height, width, 0) - value)
                unsure = linear_at(doubt, y, x, height, width, 0)
            value *= scale
            out[y, x] = value + unsure * (inverse[y, x] - value)
