"""The guided filter: locally linear in its guide, exact where the input is."""

import cv2
import numpy as np
import pytest

from depthfx.raster.guided import apply_coefficients, guided_coefficients, guided_filter
from depthfx.raster.resample import encoded

f32 = np.float32


@pytest.fixture
def guide():
    noise = np.random.default_rng(1).random((60, 80, 3), f32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5))


def test_what_is_linear_in_the_guide_passes(guide):
    plane = guide @ f32([0.2, -0.5, 1.1]) + f32(0.3)
    np.testing.assert_allclose(guided_filter(guide, plane, 4, 1e-9), plane, atol=2e-3)


def test_a_flat_guide_leaves_two_box_blurs():
    """Without anything to hold on to, a is 0 and b the window's mean, averaged again."""
    plane = np.random.default_rng(0).random((40, 50), f32)
    blurred = plane
    for _ in range(2):
        blurred = cv2.blur(blurred, (7, 7), borderType=cv2.BORDER_REFLECT)
    out = guided_filter(np.full((40, 50, 3), 0.4, f32), plane, 3, 1e-3)
    np.testing.assert_allclose(out, blurred, atol=1e-3)


def test_a_constant_stays(guide):
    np.testing.assert_allclose(
        guided_filter(guide, np.full((60, 80), 0.7, f32), 5, 1e-3), 0.7, atol=1e-5
    )


def test_the_edge_moves_onto_the_guides():
    """A step blurred and four pixels off comes back steeper, at the guide's place."""
    guide = np.zeros((40, 80, 3), f32)
    guide[:, 40:] = 0.8
    step = np.zeros((40, 80), f32)
    step[:, 44:] = 1
    blurred = cv2.GaussianBlur(step, (0, 0), 3)
    out = guided_filter(guide, blurred, 8, 1e-4)[20]
    assert np.argmax(np.diff(out)) == 39
    assert np.diff(out).max() > 3 * np.diff(blurred[20]).max()


def test_only_what_varies_counts(guide):
    """A spot has the coefficients of the whole picture, though only its part is solved."""
    spot = np.zeros((60, 80), f32)
    spot[30:34, 50:56] = 1
    whole = spot + f32(1e-7) * np.random.default_rng(3).random(spot.shape, f32)
    np.testing.assert_allclose(
        guided_coefficients(guide, spot, 3, 1e-3),
        guided_coefficients(guide, whole, 3, 1e-3),
        atol=1e-4,
    )


@pytest.mark.parametrize("shape", [(60, 80), (133, 211), (61, 300)])
def test_coefficients_applied_large_agree_with_opencv(guide, shape):
    """The compiled kernel against its twin in plain OpenCV and numpy."""
    coefficients = guided_coefficients(guide, guide[..., 1] ** 2, 3, 1e-3)
    pixels = np.random.default_rng(2).random((*shape, 3), f32)
    full = cv2.resize(coefficients, shape[::-1], interpolation=cv2.INTER_LINEAR)
    twin = np.einsum("ijk,ijk->ij", full[..., :3], encoded(pixels)) + full[..., 3]
    low, high = np.full((60, 80), 0.1, f32), np.full((60, 80), 0.4, f32)
    low[:30], high[:, 40:] = 0.4, 0.1
    low, high = np.minimum(low, high), np.maximum(low, high)
    low[20:40, 20:60] = high[20:40, 20:60] = 0.3
    bounds = (cv2.resize(a, shape[::-1], interpolation=cv2.INTER_LINEAR) for a in (low, high))
    np.testing.assert_allclose(
        apply_coefficients(coefficients, pixels, low, high), np.clip(twin, *bounds), atol=2e-4
    )
