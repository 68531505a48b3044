import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.optics.disc import Disc, covered


@given(*[st.floats(0, 12)] * 4)
def test_a_rectangle_covers_its_share_of_each_cell(x0, x1, y0, y1):
    (x0, x1), (y0, y1) = sorted([x0, x1]), sorted([y0, y1])
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])  # clockwise on the screen
    cell = np.arange(12)
    across = np.clip(x1 - cell, 0, 1) - np.clip(x0 - cell, 0, 1)
    down = np.clip(y1 - cell, 0, 1) - np.clip(y0 - cell, 0, 1)
    np.testing.assert_allclose(covered(corners, 12), down[:, None] * across, atol=1e-9)


@given(st.integers(3, 40), st.floats(0.1, 4), st.floats(0, 7))
def test_any_polygon_covers_its_area_once(corners, radius, turn):
    angle = turn + np.arange(corners) * 2 * np.pi / corners
    outline = 5 + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    inside = covered(outline, 10)
    area = corners / 2 * math.sin(2 * np.pi / corners) * radius**2
    assert inside.sum() == pytest.approx(area, rel=1e-9)
    assert inside.min() >= 0
    assert inside.max() <= 1


def test_a_hollow_outline_leaves_its_hollow_empty():
    """A U: two legs and a bridge, each one cell wide."""
    u = [[1, 1], [2, 1], [2, 3], [3, 3], [3, 1], [4, 1], [4, 4], [1, 4]]
    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = 1
    expected[1:3, 2] = 0
    np.testing.assert_allclose(covered(np.array(u, float), 5), expected, atol=1e-12)


def test_an_even_square_keeps_its_light_and_its_edges():
    disc = Disc.of(np.ones((64, 64)), half=1.0)
    assert disc.moment == pytest.approx(2 / 3)
    np.testing.assert_allclose(disc.kernel(20.0)[1:-1, 1:-1], 1 / 40**2, rtol=2e-3)


def test_colours_are_drawn_one_by_one(rng):
    light = rng.random((16, 16, 3))
    together = Disc.of(light, half=1.2)
    assert together.moment == pytest.approx(
        np.mean([Disc.of(light[..., c], half=1.2).moment for c in range(3)])
    )
    kernel = together.kernel(30.0)
    for c in range(3):
        alone = Disc.of(light[..., c], half=1.2).kernel(30.0)
        np.testing.assert_allclose(kernel[..., c], alone, atol=1e-5)
