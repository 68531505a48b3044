"""A photo as the texture of a mesh."""

from __future__ import annotations

import cv2
import numpy as np

from depthfx.photo.colour import srgb_space
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import resize_area

LARGEST_PX = 8192
"""A side; what graphics cards of the last ten years and browsers on them take."""
QUALITY = 92


def jpeg(pixels: Pixels) -> bytes:
    """`pixels` (H, W, 3) float32 linear light as an sRGB JPEG, colours at full resolution."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > LARGEST_PX:
        shape = (max(height * LARGEST_PX // longest, 1), max(width * LARGEST_PX // longest, 1))
        pixels = resize_area(pixels, shape)
    codes = srgb_space().encode(pixels, 8)
    way = [
        cv2.IMWRITE_JPEG_QUALITY,
        QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, coded = cv2.imencode(".jpg", np.ascontiguousarray(codes[..., ::-1]), way)
    assert done
    return coded.tobytes()
