"""Colours as those of a painted model under lamps: more vivid, and of more contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.photo.colour import LUMINANCE
from depthfx.raster.resample import encoded

Array = NDArray[np.float32]

STRIP_ROWS = 256


def painted(pixels: Array, vividness: float, contrast: float) -> Array:
    """`pixels` with stronger colours and, between black and white, more contrast.

    pixels : (H, W, 3) float32, linear light
    vividness : >= 0, 0 leaves colours alone, 1 doubles their distance from grey
    contrast : 0..1, share of the S-curve 3 t^2 - 2 t^3 of the square root of luminance

    Greys stay grey, black and white stay, and so does what is brighter than white but for its
    colour. Returns (H, W, 3) float32, negative only where `pixels` are.
    """
    out = np.empty_like(pixels)
    for top in range(0, len(pixels), STRIP_ROWS):
        rows = pixels[top : top + STRIP_ROWS]
        grey = rows @ LUMINANCE
        tone = encoded(grey)
        curved = np.where(tone < 1, tone * tone * (3 - 2 * tone), tone)
        wanted = tone + np.float32(contrast) * (curved - tone)
        gain = (wanted / np.maximum(tone, np.float32(1e-4))) ** 2
        # No colour leaves what light can be: its least channel stops at zero.
        grey = grey[..., None]
        vivid = grey + np.float32(1 + vividness) * (rows - grey)
        out[top : top + STRIP_ROWS] = np.maximum(vivid, np.minimum(rows, 0)) * gain[..., None]
    return out
