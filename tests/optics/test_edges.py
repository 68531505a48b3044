import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.optics.edges import split_edges
from depthfx.optics.outline import surfaces_of_matte

RED, BLUE = np.float32([0.8, 0.1, 0.1]), np.float32([0.1, 0.2, 0.7])


def half_plane(share, shape=(9, 12), column=6):
    """Red at +5 px left of `column`, blue at -5 px right of it, `share` of red in it."""
    red = np.zeros(shape, np.float32)
    red[:, :column], red[:, column] = 1, share
    pixels = red[..., None] * RED + (1 - red[..., None]) * BLUE
    radius = np.where(red > 0.5, np.float32(5), np.float32(-5)).astype(np.float32)
    return pixels, radius


@settings(deadline=None)
@given(st.floats(0.1, 0.9))
def test_a_mixed_pixel_is_taken_apart(share):
    """Each colour is nearer to its own surface's than the mixture is, and so is the share."""
    pixels, radius = half_plane(share)
    got = split_edges(pixels, radius)
    mixture = pixels[4, 6]
    assert distance(got.front[4, 6], RED) < 0.85 * distance(mixture, RED) + 0.01
    assert distance(got.back[4, 6], BLUE) < 0.85 * distance(mixture, BLUE) + 0.01
    assert abs(got.share[4, 6] - share) < 0.5 * abs((share > 0.5) - share) + 0.05
    assert got.front_radius[4, 6] == pytest.approx(5, abs=0.1)
    assert got.back_radius[4, 6] == pytest.approx(-5, abs=0.1)


def distance(a, b):
    return float(np.linalg.norm(a - b))


def test_what_is_split_adds_up_again(rng):
    """No light is made or lost: the two surfaces, by their shares, are the pixel."""
    pixels = rng.random((30, 40, 3), np.float32) * 0.1 + 0.5  # far enough from 0 not to clip
    radius = rng.choice(np.float32([-6, 0, 2, 9]), (30, 40))
    got = split_edges(pixels, radius)
    share = got.share[..., None]
    np.testing.assert_allclose(share * got.front + (1 - share) * got.back, pixels, atol=2e-6)


def test_one_surface_stays_as_it_is(rng):
    pixels = rng.random((20, 30, 3), np.float32)
    radius = np.linspace(-3, 3, 30, dtype=np.float32) * np.ones((20, 1), np.float32)
    got = split_edges(pixels, radius)
    np.testing.assert_array_equal(got.front, pixels)
    np.testing.assert_array_equal(got.back_radius, radius)
    np.testing.assert_array_equal(got.share, 1)


def test_a_known_share_is_kept_in_a_wide_soft_edge():
    """A ramp of 14 px from red to blue, given as coverage with both depths."""
    share = np.clip(np.linspace(1.6, -0.6, 31), 0, 1).astype(np.float32) * np.ones(
        (15, 1), np.float32
    )
    pixels = share[..., None] * RED + (1 - share[..., None]) * BLUE
    radius = np.where(share > 0, np.float32(5), np.float32(-5)).astype(np.float32)
    behind = np.where(share < 1, np.float32(-5), radius).astype(np.float32)
    got = split_edges(pixels, radius, behind, share)
    soft = (share > 0.3) & (share < 0.7)
    np.testing.assert_allclose(got.share[soft], share[soft], atol=0.1)
    np.testing.assert_allclose(
        got.back[soft], np.broadcast_to(BLUE, got.back[soft].shape), atol=0.15
    )


def test_a_matte_gives_its_soft_part_the_depths_of_its_two_sides():
    matte = np.clip((200 - np.arange(400)) / 12 + 0.5, 0, 1).astype(np.float32) * np.ones(
        (300, 1), np.float32
    )
    inverse = (0.2 + 0.6 * matte).astype(np.float32)  # what a network would give: a ramp
    front, behind, coverage = surfaces_of_matte(inverse, inverse, np.ones_like(inverse), matte)
    soft = (matte > 0.06) & (matte < 0.94)
    np.testing.assert_allclose(front[soft], 0.8, atol=0.02)
    np.testing.assert_allclose(behind[soft], 0.2, atol=0.02)
    np.testing.assert_array_equal(coverage[soft], matte[soft])
    np.testing.assert_array_equal(front[matte > 0.96], inverse[matte > 0.96])
