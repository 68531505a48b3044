import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import seen_surfaces

from depthfx.optics.edges import BACK, FRONT, SHARE, SMALLEST_JUMP_PX, Blurred, Mixed
from depthfx.optics.outline import surfaces_of_matte

RED, BLUE = np.float32([0.8, 0.1, 0.1]), np.float32([0.1, 0.2, 0.7])


def blurred(pixels, radius, behind=None, coverage=None):
    """A picture whose inverse depth is its signed blur radius in px."""
    return Blurred(pixels, radius, np.float32(0), np.float32(1), behind, coverage)


def taken_apart(*arrays):
    """Surfaces of every pixel, near to far, of a picture as in `blurred`."""
    picture = blurred(*arrays)
    return seen_surfaces(picture, Mixed.of_rows(picture, 0, len(picture.pixels)))


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
    front, back = taken_apart(pixels, radius)[4, 6]
    mixture = pixels[4, 6]
    assert distance(front.colour, RED) < 0.85 * distance(mixture, RED) + 0.01
    assert distance(back.colour, BLUE) < 0.85 * distance(mixture, BLUE) + 0.01
    assert abs(front.seen - share) < 0.5 * abs((share > 0.5) - share) + 0.05
    assert front.radius == pytest.approx(5, abs=0.1)
    assert back.radius == pytest.approx(-5, abs=0.1)


def distance(a, b):
    return float(np.linalg.norm(a - b))


def test_what_is_split_adds_up_again(rng):
    """No light is made or lost: the two surfaces, by their shares, are the pixel."""
    pixels = rng.random((30, 40, 3), np.float32) * 0.1 + 0.5  # far enough from 0 not to clip
    radius = rng.choice(np.float32([-6, 0, 2, 9]), (30, 40))
    seen = taken_apart(pixels, radius)
    assert sum(len(surfaces) == 2 for surfaces in seen.values()) > 1000
    for at, surfaces in seen.items():
        together = sum(surface.seen * surface.colour for surface in surfaces)
        np.testing.assert_allclose(together, pixels[at], atol=2e-6)


def test_one_surface_stays_as_it_is(rng):
    pixels = rng.random((20, 30, 3), np.float32)
    radius = np.linspace(-3, 3, 30, dtype=np.float32) * np.ones((20, 1), np.float32)
    mixed = Mixed.of_rows(blurred(pixels, radius), 0, 20)
    assert not mixed.mask.any()
    assert len(mixed.x) == len(mixed.surfaces) == 0
    np.testing.assert_array_equal(mixed.starts, np.zeros(21))


def test_a_known_share_is_kept_in_a_wide_soft_edge():
    """A ramp of 14 px from red to blue, given as coverage with both depths."""
    share = np.clip(np.linspace(1.6, -0.6, 31), 0, 1).astype(np.float32) * np.ones(
        (15, 1), np.float32
    )
    pixels = share[..., None] * RED + (1 - share[..., None]) * BLUE
    radius = np.where(share > 0, np.float32(5), np.float32(-5)).astype(np.float32)
    behind = np.where(share < 1, np.float32(-5), radius).astype(np.float32)
    seen = taken_apart(pixels, radius, behind, share)
    for at in zip(*np.nonzero((share > 0.3) & (share < 0.7)), strict=True):
        front, back = seen[at]
        assert front.seen == pytest.approx(share[at], abs=0.1)
        np.testing.assert_allclose(back.colour, BLUE, atol=0.15)


def random_scene(rng, shape=(46, 31)):
    """Surfaces of a few radii, and random second surfaces and shares."""
    pixels = rng.random((*shape, 3)).astype(np.float32)
    radius = rng.choice(np.float32([-6, 0, 0, 0, 2, 9]), shape).astype(np.float32)
    behind = np.where(rng.random(shape) < 0.3, radius - 5, radius).astype(np.float32)
    return pixels, radius, behind, rng.random(shape).astype(np.float32)


@pytest.mark.parametrize("known", [False, True])
def test_mixed_pixels_come_in_reading_order_with_surfaces_in_their_ranges(known, rng):
    scene = random_scene(rng)
    picture = blurred(*scene if known else scene[:2])
    mixed = Mixed.of_rows(picture, 0, 46)
    y, x = np.nonzero(mixed.mask)
    np.testing.assert_array_equal(mixed.x, x)
    np.testing.assert_array_equal(mixed.starts, np.searchsorted(y, np.arange(47)))
    assert 100 < len(x) < mixed.mask.size
    share, front, back = mixed.surfaces[:, SHARE], *mixed.surfaces[:, 7:].T
    assert share.min() >= 0
    assert share.max() <= 1
    assert np.all(front - back > SMALLEST_JUMP_PX / 2)
    assert mixed.surfaces[:, FRONT].min() >= 0
    assert mixed.surfaces[:, BACK].min() >= 0
    low, high = picture.ends()
    assert back.min() >= low - 1e-5
    assert front.max() <= high + 1e-5


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 17])
def test_strips_of_rows_join_to_the_whole(rows, known, rng):
    scene = random_scene(rng)
    picture = blurred(*scene if known else scene[:2])
    whole = Mixed.of_rows(picture, 0, 46)
    parts = [Mixed.of_rows(picture, top, min(top + rows, 46)) for top in range(0, 46, rows)]
    joined = Mixed.joined(parts)
    for name in ("mask", "starts", "x", "surfaces"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_only_pixels_beside_a_jump_are_mixed():
    pixels, radius = np.full((9, 12, 3), 0.5, np.float32), np.zeros((9, 12), np.float32)
    radius[:, 6:] = SMALLEST_JUMP_PX * 1.01
    mask = Mixed.of_rows(blurred(pixels, radius), 0, 9).mask
    np.testing.assert_array_equal(np.flatnonzero(mask[4]), [5, 6])
    radius[:, 6:] = SMALLEST_JUMP_PX
    assert not Mixed.of_rows(blurred(pixels, radius), 0, 9).mask.any()


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
