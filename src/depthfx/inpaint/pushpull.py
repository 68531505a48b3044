"""Filling the unknown smoothly from the known, by pyramids.

Pushed down, each coarser pixel is the weighted mean of the four it covers; pulled
up, each pixel takes from the coarser level what its own weight leaves open. Linear
in the number of pixels, however large the hole.

S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ShapeError

Array = NDArray[np.float32]


def push_pull(pixels: Array, weight: NDArray) -> Array:
    """`pixels` where `weight` is 1, a smooth continuation of them where it is 0.

    pixels : (H, W) or (H, W, C) float32; values of weight 0 are never looked at (may be NaN)
    weight : (H, W) float32 in 0..1

    Nothing known anywhere gives zeros. Raises ShapeError if the sizes differ.
    """
    if pixels.shape[:2] != weight.shape:
        raise ShapeError(f"pixels are {pixels.shape[:2]}, weight is {weight.shape}")
    planes = pixels if pixels.ndim == 3 else pixels[..., None]
    known = np.where(weight[..., None] > 0, planes, np.float32(0))
    filled = _fill(known, np.ascontiguousarray(weight, np.float32))
    return filled.reshape(pixels.shape)


def _fill(colour: NDArray, weight: NDArray) -> Array:
    height, width = weight.shape
    if height == width == 1 or weight.min() >= 1:
        return colour
    half = ((width + 1) // 2, (height + 1) // 2)
    mass = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    light = cv2.resize(colour * weight[..., None], half, interpolation=cv2.INTER_AREA)
    light = light.reshape(*mass.shape, -1) / np.maximum(mass, 1e-12)[..., None]
    # One known pixel of four makes its parent known: the coarser level answers for
    # holes only, and a hole's rim is continued, not faded.
    coarse = _fill(light, np.minimum(4 * mass, 1))
    up = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    up = up.reshape(colour.shape)
    return colour * weight[..., None] + up * (1 - weight[..., None])
