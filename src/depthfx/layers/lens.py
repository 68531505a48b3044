"""Layers as a lens of finite opening sees them.

Each layer is blurred by itself, as its own depth says, its light together with its alpha: what a
blurred edge lets through is then what is painted behind it, which no blur of the flat photo knows.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from depthfx.layers.layers import Layer, Layers, Pixels
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import LARGEST_BLUR, defocus

STEPS = np.float32(255)
LEAST_ALPHA = np.float32(0.5 / 255)
"""What covers less is not there."""


def defocused(
    layers: Layers, focus_inverse: float, blur_px: float, aperture: Aperture = ROUND
) -> Layers:
    """`layers` out of focus where they lie nearer or farther than `focus_inverse`.

    focus_inverse : the inverse depth in focus, in the layers' unit
    blur_px : blur diameter in px for each unit of inverse depth away from the focus, see
        `optics.thin_lens.blur_px_per_inverse_m`
    aperture : shape of the opening

    A layer in focus is returned as it is. Raises ParameterError as `optics.defocus` does.
    """
    diagonal = layers.camera.diagonal_px
    return replace(
        layers,
        layers=tuple(
            _blurred(layer, focus_inverse, blur_px, aperture, diagonal) for layer in layers.layers
        ),
    )


def _blurred(
    layer: Layer, focus_inverse: float, blur_px: float, aperture: Aperture, diagonal_px: float
) -> Layer:
    there = layer.inverse[layer.alpha > 0]
    away = float(np.abs(there - np.float32(focus_inverse)).max(initial=0))
    largest = min(away * blur_px, 2 * LARGEST_BLUR * diagonal_px)
    # Beyond the layer's edge there is nothing, but its blur.
    margin = math.ceil(largest / 2) + 1 if largest > 0 else 0
    if not margin:
        return layer
    alpha = _framed(layer.alpha, margin, cv2.BORDER_CONSTANT)
    pixels = _framed(layer.pixels, margin, cv2.BORDER_CONSTANT)
    inverse = _framed(layer.inverse, margin, cv2.BORDER_REPLICATE)
    light, cover = (
        defocus(
            np.ascontiguousarray(premultiplied, np.float32),
            inverse,
            focus_inverse=focus_inverse,
            blur_px=blur_px,
            aperture=aperture,
        )
        for premultiplied in (pixels * alpha[..., None], np.dstack([alpha] * 3))
    )
    share = np.clip(cover[..., 1], 0, 1)
    colour = light / np.maximum(share, LEAST_ALPHA)[..., None]
    return replace(
        layer,
        pixels=colour.astype(np.float32),
        alpha=np.floor(share * STEPS + np.float32(0.5)) / STEPS,
        inverse=inverse,
        left=layer.left - margin,
        top=layer.top - margin,
    )


def _framed(plane: Pixels, margin: int, border: int) -> Pixels:
    framed = cv2.copyMakeBorder(plane, margin, margin, margin, margin, border)
    return np.asarray(framed, np.float32)
