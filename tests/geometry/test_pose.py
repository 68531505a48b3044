"""Where a camera stands, and what it sees from there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.errors import ParameterError
from depthfx.geometry.pose import Pose

CAMERA = Camera(640, 480, 500.0, cx=300.0, cy=250.0)
coordinates = st.floats(-0.5, 0.5)
poses = st.builds(
    Pose,
    position=st.tuples(coordinates, coordinates, coordinates),
    target=st.none() | st.tuples(coordinates, coordinates, st.floats(3, 9)),
    roll_deg=st.floats(-180, 180),
    zoom=st.floats(0.5, 2),
    shift=st.tuples(coordinates, coordinates),
)


@given(poses)
def test_axes_are_a_right_handed_rotation(pose):
    rotation = pose.rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(poses, st.floats(0, 640), st.floats(0, 480), st.floats(2, 50))
def test_the_matrix_is_unproject_move_project(pose, u, v, z):
    point = np.array([(u - 300) / 500 * z, (v - 250) / 500 * z, z])
    x, y, depth = pose.seen(point)
    focal = 500 * pose.zoom
    expected = (
        focal * x / depth + 300 - pose.shift[0] * 500,
        focal * y / depth + 250 - pose.shift[1] * 500,
    )
    a, b, c = pose.matrix(CAMERA) @ [u, v, 1, 1 / z]
    np.testing.assert_allclose([a / c, b / c], expected, atol=1e-6)
    assert c == pytest.approx(depth / z)


def test_the_photos_own_camera_sees_the_photo():
    place = Pose().matrix(CAMERA) @ [17.5, 400.5, 1, 0.3]
    np.testing.assert_allclose(place, [17.5, 400.5, 1])


def test_what_it_looks_at_is_in_the_middle_and_up_stays_up():
    pose = Pose(position=(1.0, -0.5, 0.2), target=(0.1, 0.3, 4.0))
    x, y, z = pose.seen(np.array([0.1, 0.3, 4.0]))
    assert (x, y) == pytest.approx((0, 0))
    assert z == pytest.approx(np.linalg.norm([0.9, -0.8, -3.8]))
    right, _, _ = pose.rotation
    assert right[1] == pytest.approx(0)


def test_a_step_to_the_right_moves_near_things_to_the_left():
    matrix = Pose(position=(0.1, 0, 0)).matrix(CAMERA)
    near, far = matrix @ [320, 240, 1, 1.0], matrix @ [320, 240, 1, 0.0]
    assert near[0] == pytest.approx(320 - 0.1 * 500)
    assert far[0] == pytest.approx(320)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zoom": 0.0},
        {"zoom": float("nan")},
        {"position": (0.0, float("inf"), 0.0)},
        {"target": (0.0, 0.0, 0.0)},
        {"target": (0.0, 5.0, 0.1)},
        {"target": (0.0, 0.0, -2.0)},
    ],
)
def test_no_camera_stands_nowhere_or_looks_away(wrong):
    with pytest.raises(ParameterError):
        Pose(**wrong)
