"""Inverse depth and its guards."""

import numpy as np
import pytest

from depthfx.depth import Depth
from depthfx.errors import ShapeError

f32 = np.float32


def test_relative_depth_is_one_at_its_99th_percentile():
    inverse = np.linspace(0, 7, 10_000, dtype=f32).reshape(100, 100)
    depth = Depth.relative(inverse, "somewhere")
    assert not depth.metric
    assert np.percentile(depth.inverse, 99) == pytest.approx(1.0, rel=1e-5)


def test_relative_depth_of_a_flat_nothing_stays_nothing():
    assert Depth.relative(np.zeros((4, 4), f32), "").inverse.max() == 0


def test_a_point_is_read_in_metres():
    inverse = np.full((10, 20), 0.25, f32)
    inverse[:, 10:] = 0
    depth = Depth(inverse, True, "")
    assert depth.metres_at(0.2, 0.5) == pytest.approx(4.0)
    assert depth.metres_at(1.0, 1.0) == float("inf")


@pytest.mark.parametrize(
    "inverse",
    [
        np.zeros((3, 3)),
        np.zeros((3, 3, 1), f32),
        np.full((3, 3), -1, f32),
        np.full((3, 3), np.nan, f32),
        np.full((3, 3), np.inf, f32),
    ],
)
def test_what_is_no_inverse_depth_is_refused(inverse):
    with pytest.raises(ShapeError):
        Depth(inverse, True, "")


def test_second_surface_must_fit():
    with pytest.raises(ShapeError, match="behind"):
        Depth(np.ones((4, 4), f32), True, "", behind=np.ones((4, 5), f32))


def test_a_boundary_pixel_shows_the_surface_that_fills_most_of_it():
    front, behind = np.full((1, 3), 1, f32), np.full((1, 3), 0.25, f32)
    coverage = np.array([[0.1, 0.5, 0.9]], f32)
    depth = Depth(front, True, "", behind, coverage)
    np.testing.assert_array_equal(depth.surface, [[0.25, 1, 1]])
    assert Depth(front, True, "").surface is front
