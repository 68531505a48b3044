"""Layers laid over each other, as other programs do it."""

from __future__ import annotations

import numpy as np

from depthfx.depth import Plane
from depthfx.layers.layers import Layers, Pixels
from depthfx.layers.values import Values


def composite(layers: Layers, bits: int | None = None) -> tuple[Pixels, Plane]:
    """What the layers show at rest, in the values in which they blend, straight, and its alpha.

    bits : that the layers are stored in first; None: as they are

    Returns (H, W, 3) and (H, W) float32 of the photo's frame. T. Porter, T. Duff, "Compositing
    digital images", SIGGRAPH 1984: "over".
    """
    height, width = layers.camera.height, layers.camera.width
    values = Values(layers.blend, layers.icc)
    total = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    for layer in layers.layers:
        rows, columns = layer.alpha.shape
        top, left = max(layer.top, 0), max(layer.left, 0)
        bottom, right = min(layer.top + rows, height), min(layer.left + columns, width)
        if top >= bottom or left >= right:
            continue
        there = (slice(top, bottom), slice(left, right))
        part = (
            slice(top - layer.top, bottom - layer.top),
            slice(left - layer.left, right - layer.left),
        )
        colour = values.of_light(np.ascontiguousarray(layer.pixels[part]))
        share = layer.alpha[part]
        if bits is not None:
            levels = np.float32(2**bits - 1)
            share = np.floor(share * levels + np.float32(0.5)) / levels
            if layers.blend == "encoded":
                colour = np.floor(colour * levels + np.float32(0.5)) / levels
        rest = 1 - share
        total[there] = share[..., None] * colour + rest[..., None] * total[there]
        cover[there] = share + rest * cover[there]
    straight = total / np.maximum(cover, np.float32(1e-6))[..., None]
    return np.asarray(straight, np.float32), cover
