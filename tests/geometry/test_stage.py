"""What a step of the camera does to a scene."""

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.pose import Pose
from depthfx.geometry.stage import Stage

CAMERA = Camera(400, 300, 300.0)


def two_planes(near=1.0, far=0.2):
    inverse = np.full((300, 400), far, np.float32)
    inverse[100:200, 150:250] = near
    return inverse


def test_a_step_shifts_near_against_far_by_the_parallax_asked_for():
    stage = Stage.of(two_planes(), CAMERA, 0.03)
    matrix = Pose(position=(stage.step_m, 0, 0)).matrix(CAMERA)
    near, far = matrix @ [200, 150, 1, 1.0], matrix @ [200, 150, 1, 0.2]
    assert far[0] - near[0] == pytest.approx(0.03 * CAMERA.diagonal_px)
    assert stage.reach_px == pytest.approx(15)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_the_unit_of_depth_does_not_matter(unit):
    one, other = (Stage.of(two_planes() * np.float32(k), CAMERA, 0.03) for k in (1, unit))
    assert other.step_m * unit == pytest.approx(one.step_m, rel=1e-5)


def test_the_subject_is_the_pivot():
    inverse = two_planes()
    matte = (inverse > 0.5).astype(np.float32)
    stage = Stage.of(inverse, CAMERA, 0.03, matte)
    assert stage.pivot_inverse == pytest.approx(1.0)
    assert stage.subject_xy == pytest.approx((0.5, 0.5), abs=0.01)
    aside = np.roll(matte, 100, axis=1)
    assert Stage.of(inverse, CAMERA, 0.03, aside).subject_xy == pytest.approx((0.75, 0.5), abs=0.01)
    assert Stage.of(inverse, CAMERA, 0.03).pivot_inverse == pytest.approx(0.6)
    nobody = np.zeros_like(matte)
    assert Stage.of(inverse, CAMERA, 0.03, nobody).pivot_inverse == pytest.approx(0.6)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_scene_of_one_depth_has_a_finite_step(value):
    stage = Stage.of(np.full((30, 40), value, np.float32), CAMERA, 0.03)
    assert np.isfinite(stage.step_m)
    assert stage.step_m > 0
    assert stage.far_inverse <= stage.pivot_inverse <= stage.near_inverse
