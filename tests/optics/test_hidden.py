import numpy as np
import pytest

from depthfx.optics.hidden import (
    FarPyramid,
    block_extremes,
    levels_for,
    lively_blocks,
    look_behind,
)


def pyramid_of(colour, radius):
    height, width = radius.shape
    pyramid = FarPyramid.empty(height, width, levels_for(float(np.abs(radius).max())))
    pyramid.put(0, 0, colour, radius, np.ones_like(radius))
    pyramid.rise()
    return pyramid


def behind(colour, radius):
    pyramid = pyramid_of(colour, radius)
    back, back_radius = np.zeros_like(colour), radius.copy()
    lively = lively_blocks(
        block_extremes(radius, np.maximum),
        block_extremes(radius, np.minimum),
        float(np.abs(radius).max()),
    )
    look_behind(pyramid.cells, pyramid.shapes, lively, 0, 0, radius, back, back_radius)
    return back, back_radius


def test_every_level_holds_the_farthest_surface_alone():
    """Green specks far behind a red sheet: no level mixes red into green."""
    radius = np.full((37, 50), 8, np.float32)
    colour = np.tile(np.float32([1, 0, 0]), (37, 50, 1))
    radius[::6, ::6], colour[::6, ::6] = -4, (0, 1, 0)
    pyramid = pyramid_of(colour, radius)
    start, height, width = pyramid.shapes[2]
    cells = pyramid.cells[start : start + height * width]
    np.testing.assert_allclose(cells[:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(cells[:, 3] / cells[:, 4], -4, atol=1e-3)


def test_behind_a_blurred_square_is_the_wall():
    radius = np.full((64, 64), -2, np.float32)
    colour = np.tile(np.float32([0.2, 0.5, 0.9]), (64, 64, 1))
    radius[20:44, 20:44], colour[20:44, 20:44] = 10, (0.9, 0.1, 0.1)
    back, back_radius = behind(colour, radius)
    rim = np.zeros((64, 64), bool)
    rim[20:44, 20:44] = True
    rim[26:38, 26:38] = False
    np.testing.assert_allclose(back_radius[rim], -2, atol=1e-3)
    np.testing.assert_allclose(back[rim], np.broadcast_to(colour[0, 0], back[rim].shape), atol=1e-3)
    outside = radius < 0
    np.testing.assert_array_equal(back_radius[outside], radius[outside])


def test_an_odd_sized_picture_in_two_pieces_is_the_same_pyramid(rng):
    colour = rng.random((45, 61, 3), np.float32)
    radius = rng.normal(0, 5, (45, 61)).astype(np.float32)
    weight = rng.random((45, 61), np.float32)
    whole, pieces = (FarPyramid.empty(45, 61, 4) for _ in range(2))
    whole.put(0, 0, colour, radius, weight)
    for rows in (slice(0, 24), slice(24, 45)):
        for columns in (slice(0, 16), slice(16, 61)):
            at = rows, columns
            pieces.put(rows.start, columns.start, colour[at], radius[at], weight[at])
    np.testing.assert_array_equal(whole.cells, pieces.cells)


@pytest.mark.parametrize("seed", range(12))
def test_blocks_left_out_hold_nothing_to_be_found(seed):
    """Searching everywhere finds exactly what searching the lively blocks finds."""
    rng = np.random.default_rng(seed)
    radius = np.zeros((300, 420), np.float32)
    for _ in range(3):
        y, x = rng.integers(0, 300), rng.integers(0, 420)
        radius[y : y + 90, x : x + 120] = rng.uniform(-12, 12)
    colour = rng.random((300, 420, 3)).astype(np.float32)
    largest = float(np.abs(radius).max())
    pyramid = FarPyramid.empty(300, 420, levels_for(largest))
    pyramid.put(0, 0, colour, radius, np.ones_like(radius))
    pyramid.rise()
    lively = lively_blocks(
        block_extremes(radius, np.maximum), block_extremes(radius, np.minimum), largest
    )
    found = []
    for blocks in (lively, np.ones_like(lively)):
        back, back_radius = colour.copy(), radius.copy()
        look_behind(pyramid.cells, pyramid.shapes, blocks, 0, 0, radius, back, back_radius)
        found.append((back, back_radius))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
