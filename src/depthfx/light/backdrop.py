"""How a relit photo is finished: how strong its lights are, its background, black and white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.matting.foreground import Sides, background_colours, lay_subject_over
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels
from depthfx.raster.ramp import smooth_ramp

SUBJECT = 0.5
"""A matte that is nowhere above this shows no subject."""
BRIGHT, BRIGHTEST = 90, 0.8
"""Percentile of a face that is kept from becoming white, and the light it has at most."""
DARKEST = 1e-4
MOST_FACTOR = 4.0
"""Lights are made stronger or weaker by no more than this."""
FALL = 0.5
"""Without a subject: what is twice as far away as the nearer things is background altogether."""


def gain(
    lit: Pixels, kept: Pixels, before: Pixels, face: NDArray[np.bool_], stops: float
) -> np.float32:
    """By how much added light is to be stronger for a face so many stops brighter than it was.

    lit, kept, before : (h, w, 3) linear: with other light, without but with what is kept of its
        own, and as it was; face : (h, w) bool, where to look. Its brightest parts, if they were
        below white before, stay there.
    """
    base, was = kept[face], before[face]
    added = lit[face] - base
    mean, mean_was, mean_added = (float((p @ LUMINANCE).mean()) for p in (base, was, added))
    wanted = (mean_was * 2**stops - mean) / max(mean_added, DARKEST)
    most = max(BRIGHTEST, float(np.percentile(was.max(-1), BRIGHT)))
    room = (most - base.max(-1)) / np.maximum(added.max(-1), DARKEST)
    wanted = min(wanted, float(np.percentile(room, 100 - BRIGHT)))
    return np.float32(min(max(wanted, 1 / MOST_FACTOR), MOST_FACTOR))


def with_background(
    pixels: Pixels, matte: Plane, inverse: Plane, aim: float, keep: float
) -> Pixels:
    """`pixels` (H, W, 3) linear, of whose background the share `keep`, 0..1, is left.

    matte : (H, W) float32, the subject's cover; its hair keeps its own colours, not a rim of the
        background's. Where there is no subject, nearness decides instead
    inverse : (H, W) float32; aim : inverse depth of what counts as near then
    """
    if keep == 1:
        return pixels
    dark = np.float32(keep)
    if matte.max() <= SUBJECT:
        near = smooth_ramp(inverse / np.float32(max(aim, 1e-6)), FALL, 1)
        return np.asarray(pixels * (dark + (1 - dark) * near)[..., None], np.float32)
    sides = Sides.of(pixels, matte)
    behind = background_colours(pixels, matte, sides) if keep else np.zeros_like(pixels)
    behind *= dark
    lay_subject_over(behind, pixels, matte, sides)
    return behind


GREY = np.array([0.42, 0.5, 0.08], np.float32)
"""Shares of red, green and blue in black and white: through a yellow filter, kind to skin."""


def in_grey(pixels: Pixels) -> Pixels:
    """`pixels` (H, W, 3) linear in black and white."""
    return np.repeat((pixels @ GREY)[..., None], 3, axis=2)
