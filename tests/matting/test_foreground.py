"""Unmixing: what was composed from known colours comes apart into them."""

import numpy as np
import pytest

from depthfx.errors import ShapeError
from depthfx.matting.foreground import (
    Sides,
    background_colours,
    foreground_colours,
    lay_subject_over,
)

f32 = np.float32
FRONT, BACK = f32([0.8, 0.4, 0.1]), f32([0.05, 0.1, 0.6])


def composed(height=90, width=120):
    """Constant colours mixed by a soft edge 20 pixels wide: pixels and matte."""
    matte = np.clip((np.arange(width, dtype=f32) - width / 2) / 20 + f32(0.5), 0, 1)
    matte = np.tile(matte, (height, 1))
    return matte[..., None] * FRONT + (1 - matte[..., None]) * BACK, matte


def test_constant_colours_are_recovered_exactly():
    pixels, matte = composed()
    front, back = foreground_colours(pixels, matte), background_colours(pixels, matte)
    np.testing.assert_allclose(front, np.broadcast_to(FRONT, front.shape), atol=0.02)
    np.testing.assert_allclose(back, np.broadcast_to(BACK, back.shape), atol=0.02)
    again = matte[..., None] * front + (1 - matte[..., None]) * back
    np.testing.assert_allclose(again, pixels, atol=0.02)


def test_the_photo_is_kept_where_the_matte_is_sure():
    rng = np.random.default_rng(0)
    _, matte = composed()
    pixels = rng.random((*matte.shape, 3), f32)
    np.testing.assert_array_equal(foreground_colours(pixels, matte)[matte == 1], pixels[matte == 1])
    np.testing.assert_array_equal(background_colours(pixels, matte)[matte == 0], pixels[matte == 0])


def test_no_colour_of_the_subject_is_in_the_background():
    """However bright the subject, what is completed lies between the background's extremes."""
    rng = np.random.default_rng(0)
    matte = np.zeros((120, 160), f32)
    matte[30:100, 40:120] = 1
    pixels = f32(0.2) + f32(0.1) * rng.random((120, 160, 3), f32)
    pixels[matte > 0] = 50
    back = background_colours(pixels, matte)
    assert back.max() <= 0.3 + 1e-4
    assert back.min() >= 0.2 - 1e-4


def test_a_veil_of_doubt_keeps_the_backgrounds_texture():
    """Half the texture at least: what a matte of 0.3 over plain background leaves of it."""
    rng = np.random.default_rng(0)
    pixels = f32(0.2) + f32(0.1) * rng.random((80, 100, 3), f32)
    matte = np.zeros((80, 100), f32)
    matte[30:50, 30:50] = 0.3
    back = background_colours(pixels, matte)
    hole = matte > 0
    kept = np.corrcoef(back[hole].ravel(), pixels[hole].ravel())[0, 1]
    assert kept > 0.9
    assert back[hole].std() > 0.4 * pixels[hole].std()


@pytest.mark.parametrize("value", [0, 1])
def test_a_matte_without_a_second_side_gives_finite_colours(value):
    pixels = np.random.default_rng(0).random((20, 30, 3), f32)
    matte = np.full((20, 30), value, f32)
    front, back = foreground_colours(pixels, matte), background_colours(pixels, matte)
    assert np.isfinite(front).all()
    assert np.isfinite(back).all()
    np.testing.assert_array_equal(front if value else back, pixels)


def test_large_pictures_are_worked_on_small_with_the_same_answer():
    pixels, matte = composed(800, 1200)
    front = foreground_colours(pixels, matte)
    np.testing.assert_allclose(front[:, 500:700], np.broadcast_to(FRONT, (800, 200, 3)), atol=0.03)


def test_the_subject_is_laid_over_as_its_colours_and_matte_say():
    rng = np.random.default_rng(0)
    pixels, matte = composed()
    pixels = pixels + f32(0.05) * rng.random(pixels.shape, f32)
    sides = Sides.of(pixels, matte, f32([[0, 0.5], [0, 0]]))
    picture = rng.random(pixels.shape, f32)
    colours, share = foreground_colours(pixels, matte, sides), matte[..., None]
    expected = share * colours + (1 - share) * picture
    lay_subject_over(picture, pixels, matte, sides)
    np.testing.assert_allclose(picture, expected, atol=1e-6)


def test_where_the_matte_is_in_doubt_the_photo_is_taken_for_both_sides():
    pixels, matte = composed()
    sides = Sides.of(pixels, matte, np.ones((1, 1), f32))
    for colours in (foreground_colours, background_colours):
        soft = (matte > 0) & (matte < 1)
        np.testing.assert_allclose(colours(pixels, matte, sides)[soft], pixels[soft], atol=1e-6)


def test_inputs_are_left_alone_and_sizes_checked():
    pixels, matte = composed()
    pixels.flags.writeable = matte.flags.writeable = False
    foreground_colours(pixels, matte)
    background_colours(pixels, matte)
    with pytest.raises(ShapeError, match="matte"):
        foreground_colours(pixels, matte[:-1])
