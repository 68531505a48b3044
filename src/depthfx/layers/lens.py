"""Layers as a lens of finite opening sees them.

Each layer is blurred by itself, as its own depth says, its light together with its alpha: what a
blurred edge lets through is then what is painted behind it, which no blur of the flat photo knows.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from depthfx.camera import Camera
from depthfx.layers.layers import Layer, Layers
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
    return replace(
        layers,
        layers=tuple(
            _blurred(layer, layers.camera, focus_inverse, blur_px, aperture)
            for layer in layers.layers
        ),
    )


def _blurred(
    layer: Layer, camera: Camera, focus_inverse: float, blur_px: float, aperture: Aperture
) -> Layer:
    there = layer.inverse[layer.alpha > 0]
    away = float(np.abs(there - np.float32(focus_inverse)).max(initial=0))
    largest = min(away * blur_px, 2 * LARGEST_BLUR * camera.diagonal_px)
    if largest <= 0:
        return layer
    margin = math.ceil(largest / 2) + 1
    pixels, inverse, alpha = (
        np.asarray(
            cv2.copyMakeBorder(a, margin, margin, margin, margin, cv2.BORDER_REPLICATE), np.float32
        )
        for a in (layer.pixels, layer.inverse, layer.alpha)
    )
    # Beyond its edge there is nothing but its blur; but where the frame cuts it off it goes on.
    height, width = layer.alpha.shape
    alpha[:margin] *= layer.top <= 0
    alpha[margin + height :] *= layer.top + height >= camera.height
    alpha[:, :margin] *= layer.left <= 0
    alpha[:, margin + width :] *= layer.left + width >= camera.width
    light, cover = (
        defocus(
            premultiplied,
            inverse,
            focus_inverse=focus_inverse,
            blur_px=blur_px,
            aperture=aperture,
        )
        for premultiplied in (pixels * alpha[..., None], np.dstack([alpha] * 3))
    )
    share = np.clip(cover[..., 1:2], 0, 1)
    colour = np.where(share > LEAST_ALPHA, light / np.maximum(share, LEAST_ALPHA), pixels)
    return replace(
        layer,
        pixels=colour,
        alpha=np.floor(share[..., 0] * STEPS + np.float32(0.5)) / STEPS,
        inverse=inverse,
        left=layer.left - margin,
        top=layer.top - margin,
    )
