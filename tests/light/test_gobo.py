"""Gobos: where their picture falls, how soft its edges are, what files may be."""

import math

import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError, PhotoError
from depthfx.light.gobo import BUILT_IN, SIDE_PX, check_gobo, gobo_named, softened, through
from depthfx.light.lights import Gobo, Light

HALF = np.zeros((100, 200, 3), np.float32)
HALF[1:-1, 100:-1] = (1.0, 0.5, 0.25)
"""Black on the left of the one who looks from the light, coloured on the right."""


def lamp(position=(0.0, 0.0, 0.0), aim=(0.0, 0.0, 4.0)):
    return Light(position, (1.0, 1.0, 1.0), aim_m=aim)


def at(gobo, light, *points):
    return through(gobo, light, np.array([points], np.float32))[0]


def test_from_the_camera_it_falls_as_it_is():
    left, right = at(Gobo(HALF), lamp(), (-0.5, 0, 4), (0.5, 0, 4))
    assert left == pytest.approx(0)
    assert right == pytest.approx((1.0, 0.5, 0.25))


def test_it_fills_its_angle_along_the_longer_side():
    edge = math.tan(math.radians(20)) * 4
    inside, outside, above = at(
        Gobo(HALF, spread_deg=40), lamp(), (edge * 0.98, 0, 4), (edge * 1.02, 0, 4),
        (edge * 0.5, -edge * 0.52, 4),
    )  # fmt: skip
    assert inside[0] == pytest.approx(1)
    assert outside[0] == pytest.approx(0)
    assert above[0] == pytest.approx(0)


def test_beside_leaves_the_sun_shines():
    light = lamp()
    out = through(gobo_named("leaves", 4.0, 0.3), light, np.array([[(3.0, 0.0, 4.0)]], np.float32))
    assert out[0, 0, 0] > 0.95


def test_nothing_comes_through_behind_the_light():
    assert at(Gobo(np.ones((4, 4, 3), np.float32)), lamp(), (0, 0, -1))[0] == pytest.approx(0)


def test_light_from_the_side_throws_it_along_its_own_way():
    """From the left looking right: what is on its right lies farther from the camera's side."""
    light = lamp(position=(-4.0, 0.0, 4.0), aim=(0.0, 0.0, 4.0))
    near, far = at(Gobo(HALF), light, (0, 0, 3.5), (0, 0, 4.5))
    assert {near[0].round(), far[0].round()} == {0, 1}
    assert near[0] == pytest.approx(1)  # right of a light that looks along x is towards -z


def test_turned_half_round_it_is_the_other_way_round():
    left, right = at(Gobo(HALF, turn_deg=180), lamp(), (-0.5, 0, 4), (0.5, 0, 4))
    assert left[0] == pytest.approx(1)
    assert right[0] == pytest.approx(0)


@pytest.mark.parametrize("aim", [(0.0, 3.0, 0.0), (0.0, -3.0, 0.0), (0.0, 0.0, 0.0), None])
def test_any_aim_is_finite(aim):
    shares = at(Gobo(HALF), lamp(aim=aim), (0, 0, 0), (0, 3, 0), (0, 0, 3), (1e6, 0, 1e6))
    assert np.isfinite(shares).all()


def test_a_large_light_draws_it_as_soft_as_it_is_wide():
    sharp, soft = HALF, softened(HALF, 0.05)
    row = soft[50, 50:150, 0]
    assert np.flatnonzero((row > 0.02) & (row < 0.98)).size == pytest.approx(10, abs=3)
    np.testing.assert_array_equal(softened(sharp, 0), sharp)
    assert row[49:51].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_ones_let_some_light_through(name):
    picture = gobo_named(name, 2.0, 0.5).picture
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    assert 0 <= picture.min() < 0.1
    assert 0.9 < picture.max() <= 1
    assert 0.2 < picture.mean() < 0.85


def test_it_is_as_wide_at_the_subject_whatever_the_distance():
    """The sun's gobo fills a tiny angle."""
    for distance in (1.0, 50.0, 5000.0):
        spread = gobo_named("window", distance, 0.5).spread_deg
        across = 2 * distance * math.tan(math.radians(spread) / 2)
        assert across == pytest.approx(2.6 * 0.5, rel=1e-6)


def test_a_file_is_read_in_linear_light(tmp_path):
    codes = np.zeros((20, 30, 3), np.uint8)
    codes[:, 15:] = (0, 0, 188)
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), codes)
    picture = gobo_named(str(path), 2.0, 0.5).picture
    assert picture[11, 26] == pytest.approx((0.503, 0, 0), abs=0.005)


def test_a_missing_file_and_one_that_is_no_picture_are_a_line(tmp_path):
    with pytest.raises(ParameterError, match="is no file; expected a picture, or one of window"):
        check_gobo("nix.png")
    path = tmp_path / "no.png"
    path.write_text("nothing")
    with pytest.raises(PhotoError, match=r"no\.png"):
        gobo_named(str(path), 2.0, 0.5)
