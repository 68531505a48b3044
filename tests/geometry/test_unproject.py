"""Pixels become points and come back; what is infinitely far stays on its ray."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.errors import ShapeError
from depthfx.geometry.unproject import project, unproject, unproject_at

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(sizes, st.floats(5, 5000), st.floats(-50, 90), st.floats(-50, 90), st.integers(0, 2**32 - 1))
def test_projecting_undoes_unprojecting(size, focal_px, cx, cy, seed):
    width, height = size
    camera = Camera(width, height, focal_px, cx=cx, cy=cy)
    inverse = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    inverse[inverse < 0.2] = 0  # some sky
    places = project(unproject(inverse, camera), camera)
    y, x = np.indices(inverse.shape) + 0.5
    np.testing.assert_allclose(places, np.dstack([x, y]), atol=1e-6)


def test_the_corner_of_24_megapixels_comes_back():
    camera = Camera(6000, 4000, 4321.0, cx=2950.3, cy=2077.7)
    x, y = np.array([0.5, 5999.5, 0.5, 5999.5]), np.array([0.5, 0.5, 3999.5, 3999.5])
    places = project(unproject_at(x, y, np.float32([1e-7, 0.3, 0, 9]), camera), camera)
    np.testing.assert_allclose(places, np.stack([x, y], -1), atol=1e-4)


def test_a_point_lies_where_the_pinhole_says():
    camera = Camera(100, 80, 50.0, cx=40.0, cy=30.0)
    np.testing.assert_allclose(unproject_at(90.0, 5.0, 0.25, camera), [4.0, -2.0, 4.0])
    assert unproject_at([1.0, 2.0, 3.0], 5.0, 1.0, camera).shape == (3, 3)


def test_the_sky_is_very_far_away_on_its_ray():
    points = unproject(np.zeros((2, 3), np.float32), Camera(3, 2, 10.0))
    assert np.isfinite(points).all()
    assert (points[..., 2] >= 1e9).all()


def test_what_is_behind_the_camera_is_seen_nowhere():
    points = np.array([[0.0, 0.0, -1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    places = project(points, Camera(4, 4, 10.0))
    assert np.isnan(places[:2]).all()
    np.testing.assert_allclose(places[2], [2, 2])


def test_depth_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="inverse depth is"):
        unproject(np.ones((4, 5), np.float32), Camera(4, 5, 10.0))
