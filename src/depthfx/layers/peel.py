"""The layers lifted off one after the other, each with what goes on behind nearer ones.

All of it stands on a canvas: the photo and a margin around it, where its outermost pixels are
repeated as far as covers go; what the layers show there is painted.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.inpaint.exemplar import Paint
from depthfx.inpaint.exemplar import paint as paint_exemplar
from depthfx.layers.go_on import BLEED_PX, Peeled, continued, layer_of
from depthfx.layers.mattes import FULL, Cover
from depthfx.layers.shared import MOSTLY_HIDDEN, Canvas, Shared
from depthfx.layers.values import Values
from depthfx.photo.photo import Pixels

NOTHING = 255
"""The label of where the photo itself is transparent."""


def peel(
    pixels: Pixels,
    opacity: Plane | None,
    inverse: Plane,
    covers: list[Cover],
    values: Values,
    reach: int,
    margin: int,
    progress: Callable[[float], None],
    paint: Paint = paint_exemplar,
) -> list[Peeled]:
    """The layers, farthest first.

    pixels (H, W, 3) linear light, opacity (H, W) or None, inverse (H, W): the photo's
    covers : see `mattes.covers_of`
    reach, margin : in px, how far they go on behind nearer ones, and beyond the frame
    """
    n = len(covers) + 1
    canvas = Canvas((pixels.shape[0], pixels.shape[1]), margin)
    around = [canvas.widened(cover) for cover in covers]
    solid = None
    if opacity is not None and opacity.min() < 1:
        opaque = np.clip(opacity, 0, 1) * FULL + np.float32(0.5)
        solid = canvas.widened(opaque.astype(np.uint8))
        # Where the photo is partly transparent a pixel belongs to one layer.
        around = [np.where(solid < FULL, np.uint8(FULL) * (a > FULL // 2), a) for a in around]
    whole = np.full(canvas.shape, FULL, np.uint8)
    shares = [whole, *around, np.zeros_like(whole)]
    owner = np.zeros_like(whole)
    for cover in around:
        owner += cover > FULL // 2
    label = owner if solid is None else np.where(solid > FULL // 2, owner, np.uint8(NOTHING))
    alphas, within_reach = [], []
    for k in range(n):
        hidden, near = continued((label > k) & (label != NOTHING), label == k, reach + BLEED_PX)
        alpha = np.where(shares[k + 1] == FULL, hidden, _over(shares[k], shares[k + 1]))
        if solid is not None:
            alpha = np.where(solid < FULL, np.where(owner == k, solid, np.uint8(0)), alpha)
        alphas.append(alpha)
        within_reach.append(near | ~canvas.inside())
    progress(0.1)
    shared = Shared.of(pixels, canvas, shares, alphas, solid, values)
    colours = shared.taken_apart(alphas)
    mixed = np.zeros(canvas.shape, np.bool_)
    mixed[shared.on_canvas] = True
    through = np.ones(canvas.shape, np.float32)
    peeled: list[Peeled] = []
    for k in range(n - 1, -1, -1):
        seen = canvas.inside() & (shares[k] == FULL) & (shares[k + 1] == 0)
        if solid is not None:
            seen &= solid > 0
        # What is painted is taken from where nothing of a nearer layer is, not even its halo.
        seen = seen & ~mixed if (seen & ~mixed).any() else seen
        hole = through < MOSTLY_HIDDEN
        hole |= ~canvas.inside()
        own = shared.on_canvas, colours[:, k]
        layer = layer_of(
            pixels, inverse, canvas, alphas[k], seen, hole, hole & within_reach[k], own, paint
        )
        peeled.insert(0, layer)
        through *= 1 - alphas[k] * np.float32(1 / FULL)
        progress(0.1 + 0.85 * (n - k) / n)
    shared.settle(peeled)
    progress(1.0)
    return peeled


def _over(share: Cover, nearer: Cover) -> NDArray[np.uint8]:
    """A layer's alpha over what is behind it, of the covers from it on and nearer than it."""
    part = cv2.subtract(share, nearer)
    left = np.maximum(np.uint8(FULL) - nearer, np.uint8(1))
    return np.asarray(cv2.divide(part, left, scale=float(FULL)), np.uint8)
