"""What stands between the lens and the subject: its blur lies over the subject.

A portrait is a subject laid sharp over a blurred picture. A branch in front of it, out of
focus, has to spread over the subject as it does over everything else. So what is clearly
nearer than the subject is spread once more, alone: its light L and its cover C. Where
subject and branch meet, the subject's part of the picture becomes

    m (L + (1 - C) S)

with S the subject's colours and m its matte, both continued behind the branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.inpaint.pushpull import push_pull
from depthfx.optics.thin_lens import coc_limit_px
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_part

WORKING_PIXELS = 250_000
SOLID, LITTLE = 0.95, 0.02
"""A matte above and below these counts as subject and as no subject."""
CLEARLY = 2.0
"""A blur this many times what counts as sharp begins to be in front, at twice that it is."""
BAND_PIXELS = 3_000_000
"""So much of the photo is worked on at a time."""

Place = tuple[slice, slice]
Spreading = Callable[[Pixels, Plane, NDArray[np.bool_]], Pixels]
"""Blurs a part of the photo: its pixels, their inverse depth, where it is wanted."""


@dataclass(frozen=True, eq=False)
class InFront:
    """Things in front that reach over the subject, on a working grid (h, w).

    bar : inverse depth of the subject next to a place, and not less than the focus
    hidden : 0..1, the subject's cover, continued behind the things
    reached : bool, where the things reach over it
    per_inverse : how much inverse depth beyond the bar is in front, as its reciprocal
    reach_px : how far the things reach, in px of the photo
    """

    bar: Plane
    hidden: Plane
    reached: NDArray[np.bool_]
    per_inverse: float
    reach_px: float

    def share(self, inverse: Plane, bar: Plane) -> Plane:
        """0..1, how much of a place is in front, by its inverse depth and the bar there."""
        return in_front_share(inverse, bar, self.per_inverse)

    def bands(self, shape: tuple[int, int]) -> Iterator[tuple[Place, slice]]:
        """Parts of a photo of `shape` with all that reaches them, and a part's rows that count."""
        down, across = (n / m for n, m in zip(shape, self.reached.shape, strict=True))
        margin = round(self.reach_px + 2 * max(down, across)) + 1
        rows, columns = (np.flatnonzero(self.reached.any(axis=axis)) for axis in (1, 0))
        left = max(int(columns[0] * across) - margin, 0)
        right = min(int((columns[-1] + 1) * across) + 1 + margin, shape[1])
        step = max(BAND_PIXELS // (right - left) - 2 * margin, margin)
        end = min(int((rows[-1] + 1) * down) + 1, shape[0])
        for first in range(int(rows[0] * down), end, step):
            last = min(first + step, end)
            top, bottom = max(first - margin, 0), min(last + margin, shape[0])
            yield (slice(top, bottom), slice(left, right)), slice(first - top, last - top)


def in_front_share(inverse: Plane, bar: Plane, per_inverse: float) -> Plane:
    """0 up to the inverse depth 1 / `per_inverse` beyond the `bar`, 1 at twice that."""
    return np.asarray(np.clip((inverse - bar) * np.float32(per_inverse) - 1, 0, 1), np.float32)


def find_in_front(
    inverse: Plane,
    subject_inverse: Plane,
    matte: Plane,
    *,
    focus_inverse: float,
    blur_px: float,
) -> InFront | None:
    """The things in front of a subject, or None if none reaches over it.

    inverse : (H, W) float32, inverse depth of everything but the subject
    subject_inverse : (H, W) float32, where the subject is its own inverse depth
    matte : (H, W) float32 0..1
    focus_inverse, blur_px : see `optics.defocus.defocus`

    A thing is in front if it is nearer than the focus and than the subject next to it, by
    a blur that can be seen.
    """
    shape = fit_within(matte.shape, WORKING_PIXELS)
    cover, near = resize_area(matte, shape), resize_area(inverse, shape)
    own = push_pull(resize_area(subject_inverse, shape), (cover > SOLID).astype(np.float32))
    bar = np.maximum(own, np.float32(focus_inverse))
    per_inverse = blur_px / (CLEARLY * coc_limit_px(float(np.hypot(*matte.shape))))
    there = in_front_share(near, bar, per_inverse) > 0
    if not there.any():
        return None
    # As far as the widest disc goes; a nearer thing's may be less, then its cover is zero.
    reach_px = (float(near[there].max()) - focus_inverse) * blur_px / 2
    away = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 5)
    hidden = push_pull(cover, (~there).astype(np.float32))
    reached = (away <= reach_px * shape[0] / matte.shape[0] + 2) & (hidden > LITTLE)
    return InFront(bar, hidden, reached, per_inverse, reach_px) if reached.any() else None


def lay_in_front(
    picture: Pixels,
    matte: Plane,
    subject: Pixels,
    things: InFront,
    background: Pixels,
    inverse: Plane,
    spread: Spreading,
) -> None:
    """Let `things` cover the subject of `picture` (H, W, 3), in place.

    picture : the subject, sharp, over everything else, blurred
    matte : (H, W) float32 0..1
    subject : (h, w, 3) float32 of any size, the subject's smooth colours
    background, inverse : (H, W, 3) and (H, W) float32, everything but the subject, not blurred
    """
    for place, core in things.bands(matte.shape):
        bar, hidden, reached = (
            resize_part(plane, matte.shape, place)
            for plane in (things.bar, things.hidden, things.reached.astype(np.float32))
        )
        there = np.ascontiguousarray(inverse[place])
        share = things.share(there, bar)
        wanted = reached > 0
        wanted[: core.start], wanted[core.stop :] = False, False
        if not (wanted.any() and share.any()):
            continue
        light = spread(background[place] * share[..., None], there, wanted)
        # For each colour: an opening may be coloured, and red may focus elsewhere than green.
        cover = spread(np.repeat(share[..., None], 3, axis=2), there, wanted)
        solid, behind = matte[place], share * np.maximum(hidden - matte[place], 0)
        colours = resize_part(subject, matte.shape, place)
        over, whole, extra = picture[place], solid[..., None], behind[..., None]
        # The subject's own colours: in its soft edge the picture shows more than them.
        own = colours + whole * (over - colours)
        over = over + extra * (colours - over)
        covered = over + (whole + extra) * (light - np.clip(cover, 0, 1) * own)
        np.copyto(picture[place], np.maximum(covered, 0), where=wanted[..., None])
