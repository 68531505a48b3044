"""A scene of known things as points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.geometry.cloud import _cells, cloud_of, solid
from depthfx.geometry.normals import normals_of
from depthfx.geometry.unproject import project, unproject

WIDTH, HEIGHT, FOCAL = 96, 64, 80.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL, cx=50.0, cy=30.0)


def scene(seed=0):
    rng = np.random.default_rng(seed)
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[20:50, 30:70] = 0.5
    return rng.uniform(0, 2, (HEIGHT, WIDTH, 3)).astype(np.float32), inverse


def clouded(pixels, inverse, most=10**6, there=None, camera=CAMERA):
    there = np.ones(inverse.shape, bool) if there is None else there
    normals = normals_of(inverse, camera)
    return cloud_of(pixels, inverse, camera, normals, there=there, most=most)


def test_every_pixel_is_a_point_in_its_own_place_and_colour():
    pixels, inverse = scene()
    cloud = clouded(pixels, inverse)
    np.testing.assert_allclose(cloud.points, unproject(inverse, CAMERA).reshape(-1, 3), rtol=1e-12)
    np.testing.assert_array_equal(cloud.colours, pixels.reshape(-1, 3))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    np.testing.assert_allclose(
        project(cloud.points, CAMERA), np.stack([x, y], -1).reshape(-1, 2), atol=1e-9
    )


def test_only_what_is_there():
    pixels, inverse = scene()
    there = np.zeros(inverse.shape, bool)
    there[5, 7] = there[40, 60] = there[2, 2] = True
    inverse = inverse.copy()
    inverse[2, 2] = 0
    cloud = clouded(pixels, inverse, there=there)
    np.testing.assert_array_equal(cloud.places, [[7.5, 5.5], [60.5, 40.5]])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 8000))
def test_never_more_points_than_asked(seed, most):
    pixels, inverse = scene(seed)
    cloud = clouded(pixels, inverse, most)
    assert 0 < len(cloud.inverse) <= most
    assert len(cloud.inverse) >= min(most, HEIGHT * WIDTH) / 5


@pytest.mark.parametrize("most", [3000, 500, 60])
def test_fewer_points_keep_near_and_far_apart(most):
    cloud = clouded(*scene(), most)
    assert set(np.unique(cloud.inverse)) == {0.25, 0.5}


def test_fewer_points_have_the_mean_of_the_colours():
    pixels, inverse = scene()
    cloud = clouded(pixels, np.full_like(inverse, 0.25), HEIGHT * WIDTH // 4)
    assert cloud.spacing_px == 2
    blocks = pixels.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
    np.testing.assert_allclose(cloud.colours, blocks.reshape(-1, 3), rtol=1e-6)


def test_fewer_points_stay_on_their_plane():
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5 - 50, np.arange(HEIGHT) + 0.5 - 30)
    normal = np.array([0.4, -0.3, 1.0])
    inverse = ((normal[0] * x + normal[1] * y) / FOCAL + normal[2]).astype(np.float32) / 3
    cloud = clouded(np.ones((HEIGHT, WIDTH, 3), np.float32), inverse, 700)
    np.testing.assert_allclose(cloud.points @ normal, 3.0, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(cloud.normals, axis=1), 1, atol=1e-6)


def cells_by_hand(pixels, inverse, side):
    """Means of near and far in square cells, cell by cell: place, inverse depth, colour."""
    for top in range(0, HEIGHT, side):
        for left in range(0, WIDTH, side):
            cell = np.s_[top : top + side, left : left + side]
            y, x = np.mgrid[cell] + 0.5
            for own in (inverse[cell] <= 0.4, inverse[cell] > 0.4):
                if own.any():
                    colour = pixels[cell][own].mean(0)
                    yield [x[own].mean(), y[own].mean(), inverse[cell][own].mean(), *colour]


def test_cells_are_those_made_by_hand():
    pixels, inverse = scene()
    wanted = np.array(list(cells_by_hand(pixels, inverse, 4)))
    found = np.empty((len(wanted), 9), np.float32)
    there, normals = np.ones(inverse.shape, bool), normals_of(inverse, CAMERA)
    number = _cells(pixels, inverse, normals, there, 4.0, np.float32(0.04), found)
    assert number == len(wanted)
    np.testing.assert_allclose(found[:, [0, 1, 2, 6, 7, 8]], wanted, rtol=1e-5)


def test_parts_are_the_whole(monkeypatch):
    monkeypatch.setattr("depthfx.geometry.cloud.PART", 1000)
    cloud = clouded(*scene())
    parts = list(cloud.parts())
    assert len(parts) == 7
    np.testing.assert_array_equal(np.concatenate([part.points for part in parts]), cloud.points)


def test_mixtures_at_outlines_are_no_points_but_doubt_elsewhere_is():
    _, inverse = scene()
    coverage = np.ones_like(inverse)
    behind = inverse.copy()
    coverage[20:50, 30], behind[20:50, 30] = 0.5, 0.25
    coverage[5:9, 5:9], behind[5:9, 5:9] = 0.5, 0.1
    inside = solid(Depth(inverse, True, "test", behind=behind, coverage=coverage), CAMERA)
    assert not inside[20:50, 30].any()
    assert inside[5:9, 5:9].all()
    assert inside.sum() == HEIGHT * WIDTH - 30


def test_flying_pixels_and_sky_are_no_points():
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[:, :40], inverse[:, 40], inverse[:10] = 0.5, 0.37, 0
    inside = solid(Depth(inverse, True, "test"), CAMERA)
    assert not inside[10:, 40].any()
    assert not inside[:10].any()
    assert inside[12:].sum() == (HEIGHT - 12) * (WIDTH - 1)
