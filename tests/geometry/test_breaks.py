"""Where surfaces part: never on a plane, always at a step, however soft."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.geometry.breaks import LEAST_JUMP_PX, RUN_PX, breaks
from depthfx.geometry.outlines import taken_apart
from depthfx.geometry.reach import uncovered

slopes = st.floats(-0.02, 0.02)


def plane(right: float, down: float, height: int = 20, width: int = 24) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (1 + right * x + down * y).astype(np.float32)


@given(slopes, slopes)
def test_a_plane_has_no_breaks_however_it_is_slanted(right, down):
    across, below = breaks(plane(right, down), px_per_inverse=300.0)
    assert not across.any()
    assert not below.any()


@given(slopes, slopes, st.floats(1.2 * LEAST_JUMP_PX, 50.0))
def test_a_step_on_a_slanted_floor_breaks_there_and_nowhere_else(right, down, jump_px):
    inverse = plane(right, down)
    inverse[:, 11:] += np.float32((jump_px + abs(right) * 300) / 300)
    across, below = breaks(inverse, px_per_inverse=300.0)
    assert across[:, 10].all()
    assert not np.delete(across, 10, axis=1).any()
    assert not below.any()


def test_a_step_spread_over_two_pixels_is_a_break():
    inverse = np.array([[1, 1, 1, 1, 1, 1, 1.5, 2, 2, 2, 2, 2, 2]] * 3, np.float32)
    across, _ = breaks(inverse, px_per_inverse=10.0)
    assert across[:, 5:7].all()
    assert across.sum() == 6


def plain(inverse, least):
    """The same in plain numpy, along rows."""
    steps = np.diff(inverse, axis=1)
    slope = np.zeros_like(steps)
    for side in (-1, 1):
        run = np.full_like(steps, np.inf)
        for distance in range(2, RUN_PX + 1):
            there = np.clip(np.arange(steps.shape[1]) + side * distance, 0, steps.shape[1] - 1)
            along = steps[:, there]
            run = np.minimum(run, np.where(along * steps > 0, np.abs(along), np.float32(0)))
        slope = np.maximum(slope, run)
    return np.abs(steps) - slope > least


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(2, 12))
def test_breaks_are_those_of_plain_numpy(seed, height, width):
    inverse = np.random.default_rng(seed).random((height, width), np.float32) ** 3
    across, down = breaks(inverse, 4.0)
    least = np.float32(LEAST_JUMP_PX / 4)
    np.testing.assert_array_equal(across, plain(inverse, least))
    np.testing.assert_array_equal(down, plain(inverse.T, least).T)


def test_without_a_move_nothing_breaks():
    across, down = breaks(np.random.default_rng(0).random((9, 9), np.float32), 0.0)
    assert not across.any()
    assert not down.any()


def test_behind_a_step_so_much_is_uncovered_as_the_step_shifts():
    inverse = np.full((40, 60), 0.5, np.float32)
    inverse[:, 30:] = 1.0
    across, down = breaks(inverse, px_per_inverse=20.0)
    left, far = uncovered(inverse, across, down, 20.0, beyond_px=0.0)
    assert (left > 0).any(axis=0).nonzero()[0].tolist() == list(range(30, 40))  # half of 20
    assert (far[left > 0] % 60 == 29).all()


def test_what_is_uncovered_goes_around_corners():
    inverse = np.full((60, 60), 0.5, np.float32)
    inverse[20:, 20:] = 1.0
    left, _ = uncovered(inverse, *breaks(inverse, 16.0), 16.0, beyond_px=0.0)
    y, x = np.mgrid[:60, :60]
    edge = np.minimum(np.abs(y - 20), np.abs(x - 20))
    inside = (inverse == 1) & (edge < 7)
    assert (left[inside] > 0).all()
    assert (left[inverse < 1] <= 0).all()


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.65, 0.8])
def test_a_mixture_of_known_colours_is_taken_apart(share):
    front, back = np.float32([0.8, 0.2, 0.1]), np.float32([0.1, 0.3, 0.7])
    inverse = np.full((15, 15), 0.2, np.float32)
    inverse[:, 8:] = 1.0
    pixels = np.where(inverse[..., None] == 1, front, back)
    pixels[:, 7] = share * front + (1 - share) * back
    boundary = np.zeros((15, 15), bool)
    boundary[:, 7:9] = True
    found = taken_apart(pixels, inverse, boundary)
    mixed = found.x == 7
    np.testing.assert_allclose(found.share[mixed], share, atol=0.02)
    np.testing.assert_allclose(found.front[mixed], np.tile(front, (15, 1)), atol=0.02)
    np.testing.assert_allclose(found.back[mixed], np.tile(back, (15, 1)), atol=0.02)
    np.testing.assert_array_equal(found.share[~mixed], 1)
    assert (found.near == 1).all()
    np.testing.assert_allclose(found.far, 0.2)


def test_a_hair_without_anything_clean_in_reach_is_left_whole():
    inverse = np.tile(np.float32([0.2, 1.0]), (10, 5))
    pixels = np.random.default_rng(1).random((10, 10, 3), np.float32)
    assert len(taken_apart(pixels, inverse, np.ones((10, 10), bool)).y) == 0
