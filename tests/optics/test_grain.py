import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError, ShapeError
from depthfx.optics.aperture import ROUND
from depthfx.optics.grain import match_grain, measure_grain


def noisy(rng, deviation, width_px=0.0, grey=False, size=(700, 900)):
    """A photo of a wall with a soft light on it, in 16 bits: noise on the root of light."""
    y, x = np.mgrid[: size[0], : size[1]] / size[1]
    wall = 0.3 + 0.35 * x + 0.05 * np.sin(6 * y)
    noise = rng.standard_normal((*size, 3))
    if grey:
        noise[:] = noise[..., :1]
    if width_px:
        noise = cv2.GaussianBlur(noise, (0, 0), width_px)
    root = wall[..., None] * [1, 0.9, 0.8] + deviation / noise.std() * noise
    return np.square(np.clip(root, 0, 1)).astype(np.float32)


def blurred_by(pixels, radius_px):
    return cv2.filter2D(pixels, -1, ROUND.kernel(radius_px), borderType=cv2.BORDER_REFLECT)


def everywhere(pixels, radius_px):
    return np.full(pixels.shape[:2], radius_px, np.float32)


def deviations(pixels):
    """Standard deviation of each channel's noise, away from the borders."""
    root = np.sqrt(pixels)
    noise = root - cv2.GaussianBlur(root, (0, 0), 10)
    return noise[60:-60, 60:-60].std((0, 1))


@pytest.mark.parametrize("radius_px", [0.6, 1.5, 4.0, 20.0])
@pytest.mark.parametrize("width_px", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("deviation", [0.01, 0.03])
def test_the_blurred_photo_is_as_noisy_as_it_was(deviation, width_px, radius_px, rng):
    photo = noisy(rng, deviation, width_px)
    blurred = blurred_by(photo, radius_px)
    matched = match_grain(blurred, photo, everywhere(photo, radius_px))
    np.testing.assert_allclose(deviations(matched) ** 2, deviations(photo) ** 2, rtol=0.15)
    assert (deviations(blurred) < 0.97 * deviations(photo)).all()


def test_brightness_stays(rng):
    photo = noisy(rng, 0.03)
    blurred = blurred_by(photo, 20)
    matched = match_grain(blurred, photo, everywhere(photo, 20))
    difference = cv2.blur(matched - blurred, (301, 301))
    assert np.abs(difference).max() < 3e-3 * blurred.mean()


def test_darkness_gets_no_light_below_zero(rng):
    photo = noisy(rng, 0.03)
    dark = np.zeros_like(photo)
    dark[:, ::2] = 1e-4
    matched = match_grain(dark, photo, everywhere(photo, 20))
    assert matched.min() == 0
    assert (matched[:, 1::2] == 0).all()
    assert matched.mean() == pytest.approx(dark.mean(), rel=1e-2)
    assert matched.std() > 1.01 * dark.std()


def test_what_is_in_focus_stays_bit_for_bit(rng):
    photo = noisy(rng, 0.02)
    radius_px = everywhere(photo, 0)
    radius_px[:, 450:] = 8
    before = photo.copy()
    matched = match_grain(photo, photo, radius_px)
    np.testing.assert_array_equal(matched[:, :450], photo[:, :450])
    np.testing.assert_array_equal(photo, before)
    assert (matched[:, 450:] != photo[:, 450:]).mean() > 0.99
    # And what one place gets does not depend on what others need.
    everything = match_grain(photo, photo, everywhere(photo, 8))
    np.testing.assert_array_equal(matched[:, 450:], everything[:, 450:])


def test_noise_is_the_seeds(rng):
    photo = noisy(rng, 0.02, size=(300, 400))
    first, again, other = (
        match_grain(photo, photo, everywhere(photo, 5), seed=s) for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    correlation = np.corrcoef((first - photo).ravel(), (other - photo).ravel())[0, 1]
    assert abs(correlation) < 0.02


def test_half_the_strength_is_half_the_noise(rng):
    photo = noisy(rng, 0.01, size=(300, 400))
    whole, half = (match_grain(photo, photo, everywhere(photo, 5), s) - photo for s in (1.0, 0.5))
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)


def test_noise_does_not_repeat(rng):
    """No shift puts it on itself: the two tiles have different periods."""
    photo = noisy(rng, 0.02, size=(64, 1600))
    grain = match_grain(np.full_like(photo, 0.3), photo, everywhere(photo, 9)) - np.float32(0.3)
    line = grain[..., 1]
    spectrum = np.fft.rfft(line - line.mean(), 2 * line.shape[1], axis=1)
    likeness = np.fft.irfft((np.abs(spectrum) ** 2).sum(0))[: line.shape[1] - 64]
    likeness /= likeness[0] * (1 - np.arange(len(likeness)) / line.shape[1])
    assert np.abs(likeness[8:1000]).max() < 0.6


def test_grey_noise_stays_grey_and_coarse_noise_coarse(rng):
    grain = measure_grain(noisy(rng, 0.02, 1.0, grey=True))
    likeness = grain.colours @ grain.colours.T
    np.testing.assert_allclose(likeness, 1, atol=0.03)
    # White noise smoothed by s has the correlation exp(-d^2 / 4 s^2).
    main = grain.correlation[-1]
    assert main[4, 5] == pytest.approx(np.exp(-1 / 4), abs=0.06)
    assert main[4, 6] == pytest.approx(np.exp(-1), abs=0.08)
    assert measure_grain(noisy(rng, 0.02)).correlation[-1][4, 5] == pytest.approx(0, abs=0.03)


def leaves(rng, count=4000):
    """Discs of all sizes on each other: texture without noise."""
    picture = np.full((700, 900, 3), 0.3, np.float32)
    for radius in 2 + 20 * rng.random(count) ** 4:
        place = rng.integers(0, 900, 2).tolist()
        colour = rng.uniform(0.05, 0.9, 3).tolist()
        cv2.circle(picture, place, int(radius), colour, -1, cv2.LINE_AA)
    return picture


def test_texture_and_clean_renders_have_no_grain(rng):
    y, x = np.mgrid[:700, :900] / 900
    render = np.stack([0.2 + 0.5 * x, 0.3 + 0.2 * y, 0.4 * x * y + 0.1], 2).astype(np.float32)
    grass = cv2.GaussianBlur(rng.random((700, 900, 3), np.float32) ** 2, (0, 0), 1)
    for clean in (render, np.full_like(render, 0.5), leaves(rng), grass):
        radius_px = everywhere(clean, 12)
        assert match_grain(clean, clean, radius_px) is clean


@pytest.mark.parametrize("quality", [15, 40, 70, 95])
def test_the_blocks_of_a_jpeg_are_no_grain(quality, rng):
    signal = 255 * np.sqrt(cv2.GaussianBlur(leaves(rng, 800), (0, 0), 3))
    _, file = cv2.imencode(".jpg", signal, [cv2.IMWRITE_JPEG_QUALITY, quality])
    photo = np.square(cv2.imdecode(file, cv2.IMREAD_COLOR).astype(np.float32) / 255)
    assert match_grain(photo, photo, everywhere(photo, 12)) is photo


def test_grain_survives_a_jpeg(rng):
    signal = 255 * np.sqrt(noisy(rng, 0.02, 0.6))
    _, file = cv2.imencode(".jpg", signal, [cv2.IMWRITE_JPEG_QUALITY, 90])
    photo = np.square(cv2.imdecode(file, cv2.IMREAD_COLOR).astype(np.float32) / 255)
    matched = match_grain(blurred_by(photo, 9), photo, everywhere(photo, 9))
    np.testing.assert_allclose(deviations(matched), deviations(photo), rtol=0.15)


def test_nothing_to_do_gives_the_same_object(rng):
    photo = noisy(rng, 0.02, size=(200, 300))
    assert match_grain(photo, photo, everywhere(photo, 5), 0.0) is photo
    assert match_grain(photo, photo, everywhere(photo, 0)) is photo
    for size in ((0, 5), (3, 4)):
        small = np.zeros((*size, 3), np.float32)
        assert match_grain(small, small, everywhere(small, 5)) is small


def test_bad_input_is_named():
    pixels = np.zeros((4, 5, 3), np.float32)
    radius_px = np.zeros((4, 5), np.float32)
    with pytest.raises(ShapeError, match=r"radius_px is \(4, 4\)"):
        match_grain(pixels, pixels, np.zeros((4, 4), np.float32))
    with pytest.raises(ShapeError, match="blurred is"):
        match_grain(np.zeros((4, 6, 3), np.float32), pixels, radius_px)
    with pytest.raises(ShapeError, match="pixels must be"):
        match_grain(pixels, pixels.astype(float), radius_px)
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="strength"):
            match_grain(pixels, pixels, radius_px, strength)
