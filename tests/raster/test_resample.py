"""Resampling keeps the frame; the guide is as bright as the sRGB curve says, nearly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.raster.resample import (
    encoded,
    fit_within,
    resize_area,
    resize_linear,
    resize_nearest,
    resize_part,
)

f32 = np.float32


def ramp(height: int, width: int) -> np.ndarray:
    """The x coordinate of each pixel's centre, as a share of the frame."""
    return np.tile((np.arange(width, dtype=f32) + f32(0.5)) / f32(width), (height, 1))


@pytest.mark.parametrize("factor", [2, 4])
def test_shrinking_and_growing_keep_positions_in_the_frame(factor):
    large, small = ramp(8, 64), ramp(8 // factor, 64 // factor)
    np.testing.assert_allclose(resize_area(large, small.shape), small, atol=1e-6)
    inner = slice(factor, -factor)  # beyond the outermost centres nothing is known
    grown = resize_linear(small, large.shape)
    np.testing.assert_allclose(grown[:, inner], large[:, inner], atol=1e-6)


def test_area_keeps_the_mean_and_the_channels():
    pixels = np.random.default_rng(0).random((30, 50, 3), f32)
    small = resize_area(pixels, (15, 10))
    assert small.shape == (15, 10, 3)
    np.testing.assert_allclose(small.mean((0, 1)), pixels.mean((0, 1)), rtol=1e-5)


def test_nearest_makes_no_new_values():
    plane = np.random.default_rng(0).random((5, 7), f32)
    assert set(np.unique(resize_nearest(plane, (23, 31)))) <= set(np.unique(plane))


@given(st.integers(1, 6000), st.integers(1, 6000), st.floats(16, 4e6))
def test_fit_within_keeps_the_aspect_and_never_grows(height, width, pixels):
    h, w = fit_within((height, width), pixels)
    assert 1 <= h <= height
    assert 1 <= w <= width
    assert h * w <= 1.3 * pixels + height + width
    assert abs(h / height - w / width) <= 1 / height + 1 / width


def test_encoded_follows_the_srgb_curve():
    light = np.linspace(0, 1, 1001, dtype=f32)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(encoded(light) - srgb).max() < 0.04
    assert encoded(f32([-0.5]))[0] == 0


@pytest.mark.parametrize("shape", [(352, 544), (32, 544), (352, 48), (20, 30)])
def test_a_mirrored_picture_is_resized_to_a_mirrored_picture(shape):
    picture = np.random.default_rng(4).random((64, 96, 3), dtype=np.float32)
    one = resize_area(picture, shape)
    other = resize_area(np.ascontiguousarray(picture[:, ::-1]), shape)[:, ::-1]
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("place", [(slice(0, 40), slice(0, 60)), (slice(11, 27), slice(20, 51))])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_part_resized_is_a_part_of_the_whole(place, channels):
    small = np.random.default_rng(0).random((9, 14, *channels), np.float32)
    part, whole = resize_part(small, (40, 60), place), resize_linear(small, (40, 60))
    # OpenCV warps to the 32nd part of a pixel.
    np.testing.assert_allclose(part, whole[place], atol=1 / 32)
