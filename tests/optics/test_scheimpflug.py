"""The leaning plane of focus: what lies on it is sharp."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.errors import ParameterError
from depthfx.optics.defocus import defocus
from depthfx.optics.scheimpflug import FocusPlane, levelled, tilted_plane

f32 = np.float32
CAMERA = Camera(120, 90, 100.0)
angles = st.floats(-60, 60)
places = st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8))


def point(camera, place, z):
    """The point in space, m, that stands at a place of the picture, z away."""
    x, y = place[0] * camera.width, place[1] * camera.height
    return np.array(
        [(x - camera.cx) / camera.focal_px * z, (y - camera.cy) / camera.focal_px * z, z]
    )


@given(places, st.floats(0.5, 20), angles, angles, st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_points_of_the_plane_in_space_are_in_focus(place, z0, tilt, swing, right, up):
    """Walk from the focused point along the plane: its two lines have the angles asked for."""
    start = point(CAMERA, place, z0)
    sideways = np.array([math.cos(math.radians(swing)), 0, math.sin(math.radians(swing))])
    upwards = np.array([0, -math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])
    x, y, z = start + z0 * (right * sideways + up * upwards)
    try:
        plane = tilted_plane(CAMERA, 1 / z0, place, tilt, swing)
    except ParameterError:
        return
    column, row = (c * CAMERA.focal_px / z + m for c, m in ((x, CAMERA.cx), (y, CAMERA.cy)))
    if z > 0.05 * z0:
        in_focus = plane.at + plane.right * column + plane.down * row
        assert in_focus == pytest.approx(1 / z, rel=1e-6)


@given(places, st.floats(0, 2))
def test_no_angle_is_a_level_plane(place, inverse):
    assert tilted_plane(CAMERA, inverse, place, 0, 0) == FocusPlane(pytest.approx(inverse), 0, 0)


def test_positive_tilt_sees_the_top_farther_and_positive_swing_the_right():
    tilted = tilted_plane(CAMERA, 0.5, None, 30, 0).inverse((90, 120))
    assert tilted[0, 60] < tilted[45, 60] < tilted[-1, 60]
    swung = tilted_plane(CAMERA, 0.5, None, 0, 30).inverse((90, 120))
    assert swung[45, 0] > swung[45, 60] > swung[45, -1]


def test_the_ground_under_the_camera_is_in_focus_at_its_slope():
    """A floor 1.5 m below a level camera leans by 90 degrees; seen from 40 degrees above,
    the camera turned down, by 50."""
    pitch = math.radians(40)
    rows = np.arange(90) + 0.5
    angle_down = pitch + np.arctan((rows - 45) / 100)
    along_ray = 1.5 / np.sin(angle_down)
    z = along_ray * np.cos(np.arctan((rows - 45) / 100))
    plane = tilted_plane(CAMERA, float(1 / (1.5 / math.sin(pitch))), None, 50, 0)
    np.testing.assert_allclose(plane.inverse((90, 1))[:, 0], 1 / z, rtol=1e-5)


def test_a_picture_of_the_tilted_plane_stays_as_it_is_and_others_do_not():
    rng = np.random.default_rng(0)
    pixels = rng.random((90, 120, 3), dtype=f32)
    plane = tilted_plane(CAMERA, 0.5, None, 50, -20)
    on_it = np.maximum(plane.inverse((90, 120)), 0)
    depth, focus_inverse = levelled(Depth(on_it, True, "made"), plane)
    sharp = defocus(pixels, depth.inverse, focus_inverse=focus_inverse, blur_px=40.0)
    assert np.abs(sharp - pixels)[10:-10, 10:-10].max() < 0.01
    depth, focus_inverse = levelled(Depth(np.full((90, 120), 0.5, f32), True, "made"), plane)
    blurred = defocus(pixels, depth.inverse, focus_inverse=focus_inverse, blur_px=40.0)
    difference = np.abs(blurred - pixels).mean(axis=2)
    assert difference[45, 60] < 0.01
    assert difference[5:15].mean() > 0.1
    assert difference[-15:-5].mean() > 0.1


@given(angles, angles, st.floats(0, 1))
def test_levelling_keeps_distances_from_the_plane_and_the_order_of_surfaces(tilt, swing, at):
    try:
        plane = tilted_plane(CAMERA, at, None, tilt, swing)
    except ParameterError:
        return
    rng = np.random.default_rng(1)
    front = rng.random((90, 120), dtype=f32)
    given_depth = Depth(front, True, "made", front / 2, np.full_like(front, 0.5))
    depth, focus_inverse = levelled(given_depth, plane)
    expected = front - plane.inverse(front.shape)
    np.testing.assert_allclose(depth.inverse - f32(focus_inverse), expected, atol=2e-5)
    np.testing.assert_allclose(depth.inverse - depth.behind, front / 2, atol=2e-5)
    assert depth.inverse.min() >= 0
    assert (given_depth.inverse == front).all()


@pytest.mark.parametrize(("tilt", "swing"), [(90, 0), (0, -90), (120, 0), (math.nan, 0)])
def test_angles_have_limits(tilt, swing):
    with pytest.raises(ParameterError, match="between -90 and 90 degrees"):
        tilted_plane(CAMERA, 0.5, None, tilt, swing)


def test_a_plane_through_the_lens_is_refused():
    """Seen edge on, at 45 degrees up, a plane leaning by 45 degrees is a line."""
    camera = Camera(200, 200, 100.0)
    with pytest.raises(ParameterError, match="through the lens; choose smaller angles"):
        tilted_plane(camera, 0.5, (0.5, 0.0), 45, 0)
