"""Lengths and sizes against geometry written out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera, FocalOrigin
from depthfx.depth import Depth
from depthfx.errors import DepthError, ParameterError
from depthfx.geometry.measure import (
    ELSEWHERE,
    angle_deg,
    between,
    distance_to,
    ray,
    scale_error,
    size_at_distance,
    size_of,
    spot_at,
)

CAMERA = Camera(400, 300, 350.0, FocalOrigin.EXIF)
FINE = Camera(800, 600, 700.0, FocalOrigin.EXIF)
"""Of more pixels: an outline is known to half a pixel."""
shares = st.floats(0.05, 0.95)
places = st.tuples(shares, shares)


def rays(camera):
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.focal_px
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.focal_px
    return np.stack([*np.meshgrid(x, y), np.ones((camera.height, camera.width))], -1)


def plane(normal, distance, camera=CAMERA):
    """Inverse depth of n . p = d."""
    return (rays(camera) @ np.asarray(normal, float) / distance).astype(np.float32)


def sphere(centre, radius, wall=8.0, camera=FINE):
    """Inverse depth of a sphere before a wall, and the pixels it covers."""
    along, centre = rays(camera), np.asarray(centre, float)
    a, b = (along**2).sum(-1), along @ centre
    root = b * b - a * (centre @ centre - radius**2)
    hit = root > 0
    z = (b - np.sqrt(np.maximum(root, 0))) / a
    return np.where(hit, 1 / z, 1 / wall).astype(np.float32), hit.astype(np.float32)


def measured(inverse, **more):
    return Depth(np.maximum(inverse, 0).astype(np.float32), True, "a test", **more)


def length(depth, start, end, camera=CAMERA):
    return between(depth, camera, spot_at(depth, start), spot_at(depth, end))


@given(places, places, st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_distances_on_a_plane_are_those_of_its_points(start, end, slope_x, slope_y):
    normal = np.array([slope_x, slope_y, 1.0])
    depth = measured(plane(normal, 3.0), scale_error=0.0)
    points = [ray(CAMERA, at) * 3.0 / (ray(CAMERA, at) @ normal) for at in (start, end)]
    true = float(np.linalg.norm(points[0] - points[1]))
    assert length(depth, start, end).value == pytest.approx(true, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("centre", "radius"),
    [((0, 0, 2), 0.3), ((0, 0, 1), 0.3), ((0.4, 0.2, 2), 0.3), ((0, 0, 5), 0.6), ((0, 0, 9), 3)],
)
def test_a_spheres_diameter_is_within_a_hundredth(centre, radius):
    inverse, matte = sphere(centre, radius, wall=20)
    size = size_of(measured(inverse, scale_error=0.0), FINE, matte)
    assert size.width.value == pytest.approx(2 * radius, rel=0.01)
    assert size.height.value == pytest.approx(2 * radius, rel=0.01)
    near = float(np.linalg.norm(centre)) - radius
    assert size.distance.value == pytest.approx(near, rel=0.01)


def test_a_rectangle_on_a_slanted_plane_has_its_sides():
    normal = np.array([0.5, -0.3, 1.0])
    matte = np.zeros((300, 400), np.float32)
    matte[75:225, 100:300] = 1
    size = size_of(measured(plane(normal, 3.0), scale_error=0.0), CAMERA, matte)

    def point(x, y):
        along = ray(CAMERA, (x / 400, y / 300))
        return along * 3.0 / (along @ normal)

    width = np.linalg.norm(point(100, 150) - point(300, 150))
    height = np.linalg.norm(point(200, 75) - point(200, 225))
    assert size.width.value == pytest.approx(width, rel=1e-3)
    assert size.height.value == pytest.approx(height, rel=1e-3)


def test_noise_on_depth_hardly_changes_a_size():
    inverse, matte = sphere((0, 0, 2), 0.4)
    noisy = inverse * (1 + 0.01 * np.random.default_rng(2).standard_normal(inverse.shape))
    size = size_of(measured(noisy, scale_error=0.0), FINE, matte)
    assert size.width.value == pytest.approx(0.8, rel=0.01)


def error(likely):
    return (likely.high / likely.value - 1, 1 - likely.low / likely.value)


def test_a_networks_lengths_across_do_not_depend_on_the_lens():
    """z grows with f, x = z (x_px - cx) / f stays: only the fingers' two pixels are left."""
    depth = measured(np.full((300, 400), 0.5))
    assert max(error(length(depth, (0.1, 0.5), (0.9, 0.5)))) < 0.01
    spot = spot_at(depth, (0.5, 0.5))
    assert error(distance_to(depth, CAMERA, spot))[0] == pytest.approx(0.04, abs=1e-3)


def test_measured_depths_lengths_across_go_with_one_over_the_lens():
    depth = measured(np.full((300, 400), 0.5), scale_error=0.0)
    assert error(length(depth, (0.1, 0.5), (0.9, 0.5)))[0] == pytest.approx(0.04, abs=0.003)
    spot = spot_at(depth, (0.5, 0.5))
    assert max(error(distance_to(depth, CAMERA, spot))) == pytest.approx(0, abs=1e-9)


def test_errors_that_are_independent_add_as_squares():
    depth = measured(np.full((300, 400), 0.5), scale_error=0.03)
    assert error(length(depth, (0.1, 0.5), (0.9, 0.5)))[0] == pytest.approx(0.05, abs=0.003)


def test_a_networks_depth_is_believed_less_the_farther_apart_two_places_are():
    depth = measured(np.full((300, 400), 0.5), scale_error=0.0, model_error=0.4)
    exact = measured(np.full((300, 400), 0.5), scale_error=0.0)
    across = [(0.5, 0.5), (0.52, 0.5)], [(0.3, 0.5), (0.7, 0.5)]
    more = [error(length(depth, *ends))[0] - error(length(exact, *ends))[0] for ends in across]
    assert more[0] > 0
    far = measured(plane((0, 1.0, 0.05), 1.0), scale_error=0.0, model_error=0.4)
    along = [length(far, (0.5, 0.9), (0.5, y)) for y in (0.85, 0.6)]
    absolute = [one.high - one.value for one in along]
    assert absolute[1] > 3 * absolute[0]


def test_a_networks_scale_measured_somewhere_is_not_that_of_everywhere():
    network = measured(np.full((300, 400), 0.5), scale_error=0.02, model_error=0.4)
    assert scale_error(network) == pytest.approx(math.hypot(0.02, ELSEWHERE))
    assert scale_error(measured(np.ones((3, 4)), scale_error=0.02)) == pytest.approx(0.02)
    assert scale_error(measured(np.ones((3, 4)), model_error=0.4)) == pytest.approx(0.4)


def test_a_guessed_lens_is_the_widest():
    depth = measured(np.full((300, 400), 0.5), scale_error=0.0)
    origins = (FocalOrigin.USER, FocalOrigin.EXIF, FocalOrigin.NETWORK, FocalOrigin.GUESS)
    spreads = [
        error(length(depth, (0.1, 0.5), (0.9, 0.5), CAMERA.with_focal(350.0, origin)))[0]
        for origin in origins
    ]
    assert spreads == sorted(spreads)


@given(places, places)
def test_what_is_likely_holds_the_value(start, end):
    depth = measured(plane((0.2, 0.4, 1.0), 2.0), model_error=0.4)
    found = length(depth, start, end)
    assert 0 <= found.low <= found.value <= found.high < math.inf


def test_a_place_beside_an_outline_is_on_the_thing_in_front():
    inverse = np.full((300, 400), 0.2, np.float32)
    inverse[:, :200] = 0.5
    depth = measured(inverse)
    for x, near, in_front in ((197.5, 0.5, False), (201.5, 0.5, True), (204.5, 0.2, False)):
        spot = spot_at(depth, (x / 400, 0.5))
        assert spot.inverse == pytest.approx(near, rel=1e-4)
        assert spot.in_front is in_front


def test_a_floor_that_runs_away_is_no_outline():
    inverse = plane((0, 1.0, 0.0), 1.5)  # a floor 1.5 m below
    spot = spot_at(measured(inverse), (0.5, 170.5 / 300))
    assert not spot.in_front
    assert spot.inverse == pytest.approx((170.5 - 150) / 350 / 1.5, rel=1e-4)


def test_angles_are_those_between_rays():
    assert angle_deg(CAMERA, (0.5, 0.5), (1.0, 0.5)) == pytest.approx(
        math.degrees(math.atan(200 / 350))
    )
    assert angle_deg(CAMERA, (0.3, 0.3), (0.3, 0.3)) == 0


def test_a_size_at_a_known_distance_needs_no_depth():
    size = size_at_distance(CAMERA, (0.25, 0.2), (0.75, 0.8), 3.0)
    assert size.width.value == pytest.approx(200 / 350 * 3)
    assert size.height.value == pytest.approx(180 / 350 * 3)
    assert error(size.width)[0] == pytest.approx(math.hypot(0.04, 2 / 200))
    with pytest.raises(ParameterError, match="box without an inside"):
        size_at_distance(CAMERA, (0.25, 0.2), (0.25, 0.8), 3.0)


def test_relative_depth_and_sky_are_refused():
    relative = Depth.relative(np.full((300, 400), 0.5, np.float32), "a test")
    with pytest.raises(DepthError, match="--scale-at"):
        spot_at(relative, (0.5, 0.5))
    with pytest.raises(DepthError, match="--scale-at"):
        size_of(relative, CAMERA, np.ones((300, 400), np.float32))
    with pytest.raises(DepthError, match=r"0.5,0.5 is sky"):
        spot_at(measured(np.zeros((300, 400))), (0.5, 0.5))
    with pytest.raises(DepthError, match="no thing"):
        size_of(measured(np.ones((300, 400))), CAMERA, np.zeros((300, 400), np.float32))
