"""How a relit photo is finished: its exposure, its background, black and white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.matting.foreground import Sides, background_colours, lay_subject_over
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels

SUBJECT = 0.5
"""A matte that is nowhere above this shows no subject."""
BRIGHT, BRIGHTEST = 90, 0.8
"""Percentile of a face that is kept from becoming white, and the light it has at most."""
DARKEST = 1e-4
MOST_FACTOR = 4.0
"""An exposure corrects no more than this."""
FALL = 0.5
"""Without a subject: what is twice as far away as the nearer things is background altogether."""


def exposure(lit: Pixels, before: Pixels, face: NDArray[np.bool_], stops: float) -> np.float32:
    """The factor that makes a subject's face so many stops brighter than it was, within bounds.

    lit, before : (H, W, 3) linear, with and without other light
    face : (h, w) bool, where to look, on every n-th row and column. Its brightest parts, if they
    were below white before, stay there.
    """
    step = max(1, -(-lit.shape[0] // face.shape[0]))
    now, was = (picture[::step, ::step][face] for picture in (lit, before))
    mean, mean_was = (max(float((part @ LUMINANCE).mean()), DARKEST) for part in (now, was))
    top, top_was = (float(np.percentile(part.max(-1), BRIGHT)) for part in (now, was))
    factor = min(mean_was / mean * 2**stops, max(BRIGHTEST, top_was) / max(top, DARKEST))
    return np.float32(min(max(factor, 1 / MOST_FACTOR), MOST_FACTOR))


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
        near = np.clip((inverse / np.float32(max(aim, 1e-6)) - FALL) / (1 - FALL), 0, 1)
        near = near * near * (3 - 2 * near)
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
