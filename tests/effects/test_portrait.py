"""Portrait: the subject stays, nothing of it leaks, the ground falls off evenly."""

import numpy as np
import pytest

from depthfx import Scene
from depthfx_effects import Portrait

f32 = np.float32
HEIGHT, WIDTH = 160, 200


def red_subject_on_grey():
    """A red square at 1 m before a grey wall at 5 m."""
    pixels = np.full((HEIGHT, WIDTH, 3), 0.3, f32)
    inverse, matte = np.full((HEIGHT, WIDTH), 0.2, f32), np.zeros((HEIGHT, WIDTH), f32)
    box = slice(50, 110), slice(70, 130)
    pixels[box], inverse[box], matte[box] = (0.8, 0.02, 0.02), 1.0, 1.0
    return Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=180.0)


def test_the_subject_is_left_as_it_was():
    scene = red_subject_on_grey()
    out = Portrait(f_number=1)(scene).photo.pixels
    inside = slice(52, 108), slice(72, 128)
    assert np.abs(out[inside] - scene.photo.pixels[inside]).max() < 0.002


def test_nothing_of_the_subject_leaks_into_the_background():
    """A plain blur would leave a red halo several hundredths strong."""
    scene = red_subject_on_grey()
    out = Portrait(f_number=1)(scene).photo.pixels
    outside = scene.matte == 0
    redness = (out[..., 0] - out[..., 1])[outside]
    assert redness.max() < 0.01


def test_a_flat_background_stays_flat():
    scene = red_subject_on_grey()
    out = Portrait(f_number=1)(scene).photo.pixels
    np.testing.assert_allclose(out[scene.matte == 0], 0.3, atol=0.005)


def test_half_covered_pixels_keep_their_share_of_both():
    scene = red_subject_on_grey()
    matte = scene.matte.copy()
    matte[:, 69] = np.where(matte[:, 70] > 0, 0.5, 0)
    pixels = scene.photo.pixels.copy()
    mixed = matte[:, 69] > 0
    pixels[mixed, 69] = 0.5 * np.array((0.8, 0.02, 0.02), f32) + 0.5 * 0.3
    soft = Scene.from_arrays(pixels, inverse=scene.depth.inverse, matte=matte, focal_px=180.0)
    out = Portrait(f_number=1)(soft).photo.pixels
    np.testing.assert_allclose(out[60:100, 69], pixels[60:100, 69], atol=0.03)


def test_the_ground_is_sharp_at_the_feet_and_falls_off_evenly():
    """Stripes on a floor that recedes: their contrast falls with distance from the feet."""
    rows = np.arange(HEIGHT, dtype=f32)
    inverse = np.repeat((rows / HEIGHT)[:, None], WIDTH, 1) + f32(0.05)
    pixels = np.where(np.arange(WIDTH) // 2 % 2, 0.6, 0.1).astype(f32)
    pixels = np.repeat(np.repeat(pixels[None, :, None], HEIGHT, 0), 3, 2)
    matte = np.zeros((HEIGHT, WIDTH), f32)
    matte[60:121, 80:120] = 1
    inverse[60:121, 80:120] = inverse[120, 0]
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=180.0)
    out = Portrait(f_number=1)(scene).photo.pixels[..., 0]
    contrast = out[:, 20:60].std(1)
    assert contrast[120] > 0.24
    for further in (contrast[120:20:-10], contrast[120:159:6]):
        assert (np.diff(further) < 0.01).all()
    assert contrast[20] < 0.5 * contrast[120]


def test_a_smaller_opening_blurs_less():
    rng = np.random.default_rng(0)
    scene = red_subject_on_grey()
    wall = rng.random(scene.photo.pixels.shape, dtype=f32)
    pixels = np.where(scene.matte[..., None] > 0, scene.photo.pixels, wall)
    textured = Scene.from_arrays(
        pixels, inverse=scene.depth.inverse, matte=scene.matte, focal_px=180.0
    )
    spread = [
        Portrait(f_number=n)(textured).photo.pixels[scene.matte == 0].std()
        for n in (1.4, 2.8, 5.6, 16)
    ]
    assert spread == sorted(spread)
    assert spread[-1] > 2 * spread[0]


def test_without_a_subject_it_is_plain_defocus(scene):
    from depthfx_effects import Bokeh

    empty = Scene.from_arrays(
        scene.photo.pixels,
        inverse=scene.depth.inverse,
        focal_px=60.0,
        matte=np.zeros_like(scene.matte),
    )
    np.testing.assert_array_equal(
        Portrait(f_number=1, focus_m=2)(empty).photo.pixels,
        Bokeh(f_number=1, focus_m=2)(empty).photo.pixels,
    )


def test_facts_say_how_much_is_subject(scene):
    facts = Portrait()(scene).facts
    assert facts["subject_found"]
    assert facts["subject_share"] == pytest.approx(24 * 24 / (48 * 64), abs=1e-3)


def test_where_the_matte_is_in_doubt_depth_decides():
    """A thing at the subject's distance that the matte half knows stays as it was."""
    scene = red_subject_on_grey()
    matte = scene.matte.copy()
    inner = slice(60, 100), slice(80, 120)
    matte[inner] = 0.4
    pixels = scene.photo.pixels.copy()
    pixels[inner] = (0.1, 0.6, 0.2)
    doubtful = Scene.from_arrays(pixels, inverse=scene.depth.inverse, matte=matte, focal_px=180.0)
    out = Portrait(f_number=1, focus_m=1)(doubtful).photo.pixels
    core = slice(66, 94), slice(86, 114)
    np.testing.assert_allclose(out[core], pixels[core], atol=0.02)


def standing(subject_inverse):
    """Stripes on ground that rises to a horizon; a subject stands on it in the middle."""
    rows = np.arange(HEIGHT, dtype=f32)
    ground = np.maximum((rows - 20) / HEIGHT, 0)
    inverse = np.repeat(ground[:, None], WIDTH, 1).astype(f32)
    pixels = np.where(np.arange(WIDTH) // 2 % 2, 0.6, 0.1).astype(f32)
    pixels = np.repeat(np.repeat(pixels[None, :, None], HEIGHT, 0), 3, 2)
    matte = np.zeros((HEIGHT, WIDTH), f32)
    matte[40:121, 80:120] = 1
    inverse[matte > 0] = subject_inverse
    return Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=180.0)


@pytest.mark.parametrize("times", [1, 1.5, 3])
def test_the_ground_is_sharp_at_the_feet_of_a_subject_that_stands_too_near(times):
    """Networks see whole people nearer than the ground they stand on."""
    out = Portrait(f_number=1)(standing(times * 101 / HEIGHT)).photo.pixels[..., 0]
    contrast = out[:, 20:60].std(1)
    assert contrast[122] > 0.24
    assert contrast[30] < 0.5 * contrast[122]


def test_a_thing_in_mid_air_has_no_feet():
    """So the ground far below it stays as blurred as it is."""
    out = Portrait(f_number=1)(standing(8 * 101 / HEIGHT)).photo.pixels[..., 0]
    assert out[122, 20:60].std() < 0.1


@pytest.mark.parametrize(("too_large_px", "wrong"), [(0, False), (6, True)])
def test_a_portrait_says_whether_its_outline_needs_a_hand(too_large_px, wrong):
    """A matte that reaches too far leaves a rim of sharp background."""
    rng = np.random.default_rng(4)
    height, width, side = 300, 400, 140
    pixels = np.repeat(rng.uniform(0.05, 0.6, (height, width, 1)).astype(f32), 3, 2)
    box = slice(80, 80 + side), slice(130, 130 + side)
    inverse, matte = np.full((height, width), 0.1, f32), np.zeros((height, width), f32)
    pixels[box], inverse[box] = (0.8, 0.02, 0.02), 1.0
    matte[tuple(slice(s.start - too_large_px, s.stop + too_large_px) for s in box)] = 1
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=400.0)
    result = Portrait(f_number=1.4)(scene)
    assert result.facts["needs_a_hand"] is wrong
    assert any("needs a hand" in note for note in result.notes) is wrong
    assert (result.facts["halo_rim"] > 0.5) is wrong
