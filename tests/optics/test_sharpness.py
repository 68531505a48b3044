"""What is blurred already is told from what is merely smooth, grainy or dark."""

import cv2
import numpy as np
import pytest

from depthfx.optics.sharpness import edge_blur, softness

f32 = np.float32
SHAPE = (600, 900)
MIDDLE = np.zeros((60, 90), bool)
MIDDLE[20:40, 30:60] = True


def texture(seed=0):
    """Sharp patches of many sizes, linear light."""
    rng = np.random.default_rng(seed)
    picture = np.full((*SHAPE, 3), 0.2, f32)
    for _ in range(600):
        y, x = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        size = int(rng.integers(5, 60))
        colour = rng.random(3) * 0.8 + 0.05
        cv2.circle(picture, (int(x), int(y)), size, colour.tolist(), -1, cv2.LINE_AA)
    return picture


def disc(picture, diameter):
    radius = diameter / 2
    n = int(np.ceil(radius))
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def with_middle(other, outside):
    picture = outside.copy()
    picture[150:450, 250:650] = other[150:450, 250:650]
    return picture


@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5])
def test_the_blur_of_an_edge_is_measured(sigma):
    edge = np.zeros((100, 100), f32)
    edge[:, 50:] = 0.8
    measured = edge_blur(cv2.GaussianBlur(edge, (0, 0), sigma))
    # The central difference is itself a box two pixels wide.
    assert np.nanmedian(measured) == pytest.approx(np.sqrt(sigma**2 + 1 / 3), rel=0.15)


@pytest.mark.parametrize("diameter", [8, 14, 25, 40])
def test_a_blurred_subject_is_found_with_its_place_and_its_blur(diameter):
    sharp = texture()
    found = softness(with_middle(disc(sharp, diameter), sharp), MIDDLE)
    assert found.is_blurred
    assert found.place == pytest.approx((0.5, 0.5), abs=0.03)
    assert 0.5 * diameter < found.blur < 1.3 * diameter
    assert found.sharpest < 3


def test_a_sharp_subject_before_a_blurred_background_is_sharp():
    sharp = texture()
    found = softness(with_middle(sharp, disc(sharp, 30)), MIDDLE)
    assert not found.is_blurred


def test_where_all_is_equally_soft_nothing_is_said():
    assert not softness(disc(texture(), 8), MIDDLE).is_blurred


def test_a_smooth_subject_says_nothing():
    """A wall or a cheek has no edges, however sharp the photo."""
    picture = texture()
    ramp = np.linspace(0.2, 0.5, SHAPE[1], dtype=f32)[None, :, None]
    picture[150:450, 250:650] = ramp[:, 250:650]
    inner = np.zeros_like(MIDDLE)
    inner[22:38, 32:58] = True
    assert softness(picture, inner) is None


def test_a_smooth_ball_is_sharp_by_its_outline():
    picture = texture()
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = np.hypot(x - 450, y - 300) / 140
    ball = (0.7 - 0.5 * np.clip(away, 0, 1) ** 2)[..., None].astype(f32)
    cover = np.clip((1 - away) * 140 + 0.5, 0, 1)[..., None].astype(f32)
    picture = picture + cover * (ball - picture)
    small = cv2.resize((away < 1).astype(np.uint8), (90, 60), interpolation=cv2.INTER_NEAREST) > 0
    found = softness(picture, small)
    assert found is None or not found.is_blurred


def test_grain_cries_no_wolf():
    rng = np.random.default_rng(3)
    grain = rng.normal(0, 0.04, (*SHAPE, 3)).astype(f32)
    found = softness(np.maximum(texture() + grain, 0), MIDDLE)
    assert found is None or not found.is_blurred


def test_an_empty_picture_says_nothing():
    assert softness(np.full((*SHAPE, 3), 0.3, f32), MIDDLE) is None


def test_the_answer_is_about_the_photo_not_about_its_pixels():
    """Twice as many pixels show the same blur, in the same unit, from 1500 across on."""
    sharp = np.tile(texture(), (2, 2, 1))
    picture = sharp.copy()
    picture[300:900, 500:1300] = disc(sharp, 20)[300:900, 500:1300]
    double = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    one, two = softness(picture, MIDDLE), softness(np.maximum(double, 0), MIDDLE)
    assert one.is_blurred
    assert two.is_blurred
    assert two.blur == pytest.approx(one.blur, rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (1, 500)])
def test_tiny_pictures_are_no_trouble(shape):
    assert softness(np.ones((*shape, 3), f32), np.ones((1, 1), bool)) is None
