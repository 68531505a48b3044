"""Model colours: greys stay grey, black and white stay, colours get stronger."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.optics.miniature import LUMINANCE, painted

f32 = np.float32
pictures = arrays(f32, (4, 5, 3), elements=st.floats(0, 4, width=32))
shares = st.floats(0, 1)


@given(pictures)
def test_nothing_asked_is_nothing_done(pixels):
    np.testing.assert_allclose(painted(pixels, 0, 0), pixels, rtol=1e-5, atol=1e-6)


@given(pictures, shares, shares)
def test_light_stays_light(pixels, vividness, contrast):
    before = pixels.copy()
    out = painted(pixels, vividness, contrast)
    assert np.isfinite(out).all()
    assert out.min() >= 0
    np.testing.assert_array_equal(pixels, before)


@given(st.floats(0, 4, width=32), shares)
def test_a_grey_stays_grey_whatever_the_vividness(value, vividness):
    pixels = np.full((2, 2, 3), value, f32)
    np.testing.assert_allclose(painted(pixels, vividness, 0), pixels, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0, 3.0])
def test_black_middle_grey_white_and_lamps_keep_their_brightness(value):
    """The S-curve crosses where the square root of light is 1/2."""
    pixels = np.full((2, 2, 3), value, f32)
    np.testing.assert_allclose(painted(pixels, 0, 1), pixels, rtol=1e-4)


def test_contrast_parts_light_from_dark():
    dark, light = (np.full((1, 1, 3), v, f32) for v in (0.05, 0.6))
    assert painted(dark, 0, 0.5).max() < 0.05
    assert painted(light, 0, 0.5).min() > 0.6


def test_vividness_doubles_the_distance_from_grey():
    pixels = np.array([[[0.5, 0.4, 0.3]]], f32)
    grey = pixels @ LUMINANCE
    np.testing.assert_allclose(
        painted(pixels, 1, 0) - grey[..., None], 2 * (pixels - grey[..., None]), rtol=1e-4
    )


def test_strips_do_not_show():
    rng = np.random.default_rng(0)
    pixels = rng.random((600, 8, 3), dtype=f32)
    whole = painted(pixels, 0.5, 0.5)
    np.testing.assert_array_equal(whole[400:410], painted(pixels[400:410], 0.5, 0.5))
