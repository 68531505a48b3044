"""Film grain: its strength, its size, and that it is the same again."""

import numpy as np
import pytest

from depthfx.optics.film_grain import DEVIATION, SIZE, _add, grainy, tone_shares
from depthfx.raster.resample import resize_area

f32 = np.float32


def grey(light, height=240, width=320):
    return np.full((height, width, 3), light, f32), np.ones((height, width), f32)


def noise_of(pixels, **options):
    options = {"near": 1.0, "far": 0.0, "near_size": 40.0, "colour": 0.0} | options
    nearness = options.pop("nearness", np.ones(pixels.shape[:2], f32))
    return grainy(pixels, nearness, **options) - pixels


def test_middle_tones_have_the_deviation_that_is_said():
    """Of the square root of light; clumps far larger than a pixel lose nothing in it."""
    pixels, _ = grey(0.25)
    noise = noise_of(pixels)
    assert noise.std() / (2 * 0.5) == pytest.approx(DEVIATION, rel=0.05)
    assert noise.mean() == pytest.approx(0, abs=0.002)


def test_half_as_much_is_half_of_it():
    pixels, _ = grey(0.25)
    np.testing.assert_allclose(noise_of(pixels, near=0.5) * 2, noise_of(pixels), atol=1e-5)


@pytest.mark.parametrize("light", [0.0, 0.001, 1.0, 7.0])
def test_black_stays_black_and_nothing_falls_below(light):
    pixels, _ = grey(light)
    out = grainy(pixels, np.ones((240, 320), f32), near=4, far=4)
    assert out.min() >= 0
    assert np.isfinite(out).all()
    if light in (0.0, 1.0, 7.0):
        np.testing.assert_array_equal(out, pixels)
    assert out.mean() == pytest.approx(light, rel=0.02)


def test_middle_tones_have_most():
    shares = tone_shares()
    assert shares.argmax() == len(shares) // 2
    assert shares[-1] == 0


def test_clumps_are_as_wide_as_is_said():
    """Correlated by exp(-d^2 / 4 sigma^2): at d = 2 sigma, 1 / e."""
    pixels, _ = grey(0.25, 480, 640)
    size = 30.0
    sigma = size * SIZE * 800
    noise = noise_of(pixels, near_size=size)[..., 0]
    lag = round(2 * sigma)
    found = (noise[:, lag:] * noise[:, :-lag]).mean() / (noise**2).mean()
    assert found == pytest.approx(np.exp(-(lag**2) / (4 * (sigma**2 + 1 / 24))), abs=0.06)


def test_a_small_picture_has_as_much_as_the_large_one_made_small():
    large, _ = grey(0.25, 960, 1280)
    small, _ = grey(0.25, 240, 320)
    shrunk = resize_area(noise_of(large, near_size=6.0), (240, 320))
    assert noise_of(small, near_size=6.0).std() == pytest.approx(shrunk.std(), rel=0.12)


def test_depth_says_how_much():
    pixels, share = grey(0.25)
    share[:, 160:] = 0
    noise = noise_of(pixels, nearness=share, near=0.0, far=1.0, far_size=40.0)
    assert not noise[:, :160].any()
    assert noise[:, 160:].std() == pytest.approx(DEVIATION, rel=0.1)
    half = noise_of(pixels, nearness=np.full_like(share, 0.5), far=1.0, far_size=40.0)
    assert half.std() == pytest.approx(DEVIATION, rel=0.1)


def test_the_same_photo_has_the_same_grain_and_another_has_other():
    pixels, _ = grey(0.25)
    other = pixels.copy()
    other[0, 0] = 0.3
    first = noise_of(pixels)
    np.testing.assert_array_equal(first, noise_of(pixels.copy()))
    for noise in (noise_of(pixels, seed=1), noise_of(other)):
        assert abs(np.corrcoef(first[5:].ravel(), noise[5:].ravel())[0, 1]) < 0.3


def test_layers_differ_in_colour_film_only():
    pixels, _ = grey(0.25)
    plain, colour = (noise_of(pixels, colour=c) for c in (0.0, 1.0))
    np.testing.assert_allclose(plain[..., 0], plain[..., 2], atol=1e-6)
    assert 0.4 < np.corrcoef(colour[..., 0].ravel(), colour[..., 2].ravel())[0, 1] < 0.9


def test_none_is_the_photo_itself():
    pixels, share = grey(0.25)
    assert grainy(pixels, share, near=0, far=0) is pixels


def test_the_loop_is_what_it_says():
    """Against the same sum in whole arrays, tiles repeated, from a row in the middle on."""
    rng = np.random.default_rng(7)
    tiles = [rng.uniform(-2, 2, (side, side, 3)).astype(f32) for side in (7, 5, 7, 5)]
    pixels, share = rng.random((9, 11, 3), f32), rng.random((9, 11), f32)
    amount, tones, top, found = np.array([0.02, 0.05], f32), tone_shares(), 3, np.empty_like(pixels)
    _add(pixels, share, top, amount, tones, *tiles, found)

    rows, columns = np.arange(9)[:, None] + top, np.arange(11)
    laid = [tile[rows % len(tile), columns % len(tile)] for tile in tiles]
    near, far = laid[0] + laid[1], laid[2] + laid[3]
    part = share[..., None]
    noise = part * near + (1 - part) * far
    strength = (part * amount[0] + (1 - part) * amount[1]) / np.hypot(part, 1 - part)
    root = np.sqrt(pixels)
    size = 2 * root * strength * tones[(root * (len(tones) - 1)).astype(int)]
    highest = max(np.abs(tiles[k]).max() + np.abs(tiles[k + 1]).max() for k in (0, 2))
    wanted = pixels + np.minimum(size, pixels / highest) * noise
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
