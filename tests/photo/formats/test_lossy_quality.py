"""The same quality of all lossy formats: like pictures, and none absurdly larger."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest

from depthfx.photo.formats import avif, heif, jpeg
from depthfx.photo.stored import Reading, Stored

LUMA = (0.299, 0.587, 0.114)


def like_a_photo(height: int = 300, width: int = 400) -> Any:
    """Details of all sizes, the finer the fainter, and mostly grey."""
    noise = np.random.default_rng(3)
    light = np.zeros((height, width))
    colour = np.zeros((height, width, 3))
    for step in range(8):
        shape = (height >> step) + 2, (width >> step) + 2
        light += 1.4**step * cv2.resize(noise.normal(size=shape), (width, height), interpolation=2)
        if step > 3:
            tint = noise.normal(size=(*shape, 3))
            colour += 1.4 ** (step - 2) * cv2.resize(tint, (width, height), interpolation=2)
    codes = light[..., None] + colour
    return np.clip(codes / codes.std() * 50 + 120, 0, 255).astype(np.uint8)


def luma_error(codes: Any, module: Any, quality: int) -> tuple[int, float]:
    """Bytes of the file, and root mean square of what luma is off by."""
    file = io.BytesIO()
    module.encode(file, Stored(codes), quality)
    size = file.tell()
    file.seek(0)
    back = module.decode(file, Reading(file_bytes=size)).codes
    return size, float(np.sqrt(np.mean(((back.astype(float) - codes) @ LUMA) ** 2)))


@pytest.mark.parametrize("quality", [75, 90, 95])
@pytest.mark.parametrize("module", [heif, avif])
def test_a_quality_is_that_of_a_jpeg(module: Any, quality: int) -> None:
    codes = like_a_photo()
    size, error = luma_error(codes, module, quality)
    jpeg_size, jpeg_error = luma_error(codes, jpeg, quality)
    assert size < jpeg_size
    assert error < 1.3 * jpeg_error


@pytest.mark.parametrize("module", [heif, avif])
def test_above_95_quality_rises_to_no_loss(module: Any) -> None:
    codes = like_a_photo()
    errors = [luma_error(codes, module, quality)[1] for quality in (95, 97, 99, 100)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-2] < 1
    assert errors[-1] == 0


def test_avif_keeps_colour_differences() -> None:
    """By BT.601 libavif takes a way of whole numbers of few bits."""
    codes = like_a_photo()
    file = io.BytesIO()
    avif.encode(file, Stored(codes), 99)
    file.seek(0)
    off = avif.decode(file, Reading()).codes.astype(float) - codes
    chroma = off - (off @ LUMA)[..., None]
    assert np.sqrt(np.mean(chroma**2)) < 0.8
