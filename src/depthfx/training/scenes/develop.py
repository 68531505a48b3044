"""What a camera makes of the light on its sensor: exposure, white balance, tone curve, noise.

The tone curve is Reinhard's with a white point (Reinhard et al., "Photographic Tone
Reproduction for Digital Images", 2002, eq. 4); sRGB after IEC 61966-2-1.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.photo.colour import LUMINANCE

Rng = np.random.Generator


def _vignette(height: int, width: int, strength: float) -> NDArray[np.float32]:
    """(H, W, 1) share of the light that is left, 1 in the middle, 1 - strength in the corners."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 + height**2) * 4
    return (1 - np.float32(strength) * far)[..., None].astype(np.float32)


def develop(light: NDArray[np.float32], rng: Rng) -> NDArray[np.uint8]:
    """(H, W, 3) linear radiance -> (H, W, 3) encoded sRGB.

    The median is brought to a middle grey that differs from photo to photo, as do white
    balance, contrast, saturation, vignetting, sharpness and noise.
    """
    height, width = light.shape[:2]
    picture = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 0.6) * width / 512)
    # Glass and haze spread a little of every light over its surroundings.
    veil = cv2.GaussianBlur(light, (0, 0), 0.03 * width)
    picture = picture + np.float32(rng.uniform(0.0, 0.05)) * (veil - picture)
    picture = picture * _vignette(height, width, rng.uniform(0, 0.35))
    grey = picture @ LUMINANCE
    middle = 0.5 * float(np.median(grey)) + 0.5 * float(np.exp(np.log(grey + 1e-4).mean()))
    picture *= float(np.exp(rng.normal(np.log(0.23), 0.3))) / max(middle, 1e-4)
    balance = rng.normal(0, 0.06)
    picture *= np.exp(np.array([balance, rng.normal(0, 0.02), -balance])).astype(np.float32)
    grey = (picture @ LUMINANCE)[..., None]
    picture = np.maximum(grey + rng.uniform(0.8, 1.2) * (picture - grey), 0)
    contrast = np.float32(rng.uniform(1.0, 1.35))
    picture = np.float32(0.2) * (picture / np.float32(0.2)) ** contrast
    white = np.float32(rng.uniform(1.5, 4.0))
    picture = picture * (1 + picture / white**2) / (1 + 0.6 * picture)
    noise = rng.standard_normal(picture.shape, dtype=np.float32)
    grain = np.float32(np.exp(rng.uniform(np.log(0.001), np.log(0.012))))
    picture = np.clip(picture + grain * np.sqrt(np.clip(picture, 0, 1) + 0.02) * noise, 0, 1)
    encoded = np.where(
        picture <= 0.0031308, 12.92 * picture, 1.055 * np.power(picture, 1 / 2.4) - 0.055
    )
    return np.round(255 * encoded).astype(np.uint8)
