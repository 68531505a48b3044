"""Cameras side by side: the geometry written out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.errors import ParameterError
from depthfx.geometry.new_view import Views
from depthfx.geometry.sheets import sheets_of
from depthfx.geometry.stage import Stage
from depthfx.photo.encode import over_white
from depthfx.stereo.drawn import drawn, pictures_of
from depthfx.stereo.pairs import MOST_STEP, Row, at_baseline, parallel_pair, row

CAMERA = Camera(200, 150, 180.0)
STAGE = Stage(CAMERA, near_inverse=0.5, far_inverse=0.05, pivot_inverse=0.3, parallax=0.03)
PLACES = ("left", "middle", "right")

baselines = st.floats(0.001, 0.5)
inverses = st.floats(0.02, 1.0)


def seen_x(cameras, number, u, inverse):
    """Column in which camera `number` sees what the photo sees at (u, 75)."""
    x, _, w = cameras.poses[number].matrix(CAMERA) @ (u, 75, 1, inverse)
    return x / w


@given(baselines, inverses, inverses, st.floats(0, 200))
def test_disparity_is_focal_length_times_baseline_times_depth_from_the_screen(b, w, screen, u):
    pair = Row(CAMERA, (-0.4 * b, 0.6 * b), screen)
    parted = seen_x(pair, 0, u, w) - seen_x(pair, 1, u, w)
    assert parted == pytest.approx(180.0 * b * (w - screen), abs=1e-9)
    assert pair.disparity_px(w) == pytest.approx(parted, abs=1e-9)


@given(st.sampled_from(PLACES), inverses, st.floats(0, 200), st.floats(0, 150))
def test_nothing_is_seen_at_another_height(place, w, u, v):
    """No toe-in: eyes need no vertical shift anywhere in the frame."""
    for pose in row(STAGE, photo_at=place).poses:
        _, y, depth = pose.matrix(CAMERA) @ (u, v, 1, w)
        assert y / depth == pytest.approx(v, abs=1e-9)
        assert depth == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("views", [2, 3, 48])
def test_a_row_parts_the_scene_by_the_parallax_asked_for(place, views):
    cameras = row(STAGE, views, place)
    far, near = cameras.limits(STAGE)
    assert (near - far) * CAMERA.width == pytest.approx(0.03 * CAMERA.diagonal_px)
    assert cameras.disparity_px(STAGE.pivot_inverse) == 0
    assert np.ptp(np.diff(cameras.positions_m)) < 1e-12
    own = {"left": 0, "middle": (views - 1) / 2, "right": views - 1}[place]
    assert np.interp(own, range(views), cameras.positions_m) == pytest.approx(0, abs=1e-12)


def test_the_screen_is_where_it_is_asked_for():
    assert row(STAGE, screen_inverse=0.5).disparity_px(0.5) == 0
    assert row(STAGE, screen_inverse=0.5).limits(STAGE)[1] == 0


def test_a_parallel_pair_sees_infinity_in_one_place_and_keeps_to_the_parallax():
    pair = parallel_pair(STAGE)
    assert pair.disparity_px(0.0) == 0
    assert pair.disparity_px(STAGE.near_inverse) == pytest.approx(STAGE.reach_px)
    assert all(pose.shift == (0, 0) for pose in pair.poses)


def test_what_lies_beyond_the_frame_and_behind_is_told():
    pair = row(STAGE, photo_at="middle")
    assert pair.px_per_inverse * (0.5 - 0.05) == pytest.approx(STAGE.reach_px / 2)
    shifts = [seen_x(pair, n, 100, w) - 100 for n in (0, 1) for w in (0.5, 0.05)]
    assert pair.beyond_px(STAGE) == math.ceil(max(map(abs, shifts)))


def test_a_wall_is_not_walked_along_without_end():
    wall = Stage.of(np.full((150, 200), 0.5, np.float32), CAMERA, 0.03)
    assert row(wall).baseline_m == pytest.approx(MOST_STEP * 2.0)


@given(st.floats(0.01, 0.2))
def test_a_baseline_is_what_the_cameras_stand_apart(baseline_m):
    assert row(at_baseline(STAGE, baseline_m)).baseline_m == pytest.approx(baseline_m)


@pytest.mark.parametrize("baseline_m", [0, -1, math.nan, math.inf, 3])
def test_a_baseline_that_cannot_be_shown_is_refused(baseline_m):
    with pytest.raises(ParameterError, match="baseline_m="):
        at_baseline(STAGE, baseline_m)


def test_a_refused_baseline_says_which_one_can_be_shown():
    with pytest.raises(ParameterError, match=r"nearest thing is 2 away; at most 0\.4 can be shown"):
        at_baseline(STAGE, 3)
    assert row(at_baseline(STAGE, 0.4)).baseline_m == pytest.approx(0.4)


@pytest.mark.parametrize("wrong", [{"views": 1}, {"screen_inverse": math.nan}])
def test_a_row_that_is_none_is_refused(wrong):
    with pytest.raises(ParameterError):
        row(STAGE, **wrong)


@pytest.mark.parametrize("inverse", [0.05, 0.2, 0.3, 0.5])
@pytest.mark.parametrize("place", ["left", "middle"])
def test_a_plane_is_drawn_at_its_disparity(inverse, place):
    """At the screen not parted at all, else by f b (w - w_screen) everywhere."""
    ramp = np.arange(200, dtype=np.float32)  # brightness tells the column
    photo = np.broadcast_to(ramp[:, None], (150, 200, 3)).copy()
    depth = Depth(np.full((150, 200), inverse, np.float32), True, "a plane")
    pair = row(STAGE, photo_at=place)
    sheets = sheets_of(photo, depth, CAMERA, reach_px=STAGE.reach_px)
    left, right = drawn(Views.of(sheets), pair, photo)
    parted = (right - left)[20:-20, 20:-20]
    np.testing.assert_allclose(parted, pair.disparity_px(inverse), atol=0.02)
    if place == "left":
        assert left is photo


def test_drawing_tells_how_far_it_is_and_can_be_stopped():
    photo = np.zeros((150, 200, 3), np.float32)
    depth = Depth(np.full((150, 200), 0.3, np.float32), True, "a plane")
    views = Views.of(sheets_of(photo, depth, CAMERA, reach_px=1.0))
    shares = []
    assert len(list(drawn(views, row(STAGE, 4), photo, shares.append))) == 4
    assert shares == [0, 0.25, 0.5, 0.75, 1]

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(drawn(views, row(STAGE), photo, stop))


def test_the_pictures_of_a_scene_are_the_photo_and_what_is_seen_beside_it(scene):
    """The square at the screen stays; the wall behind it parts by the parallax."""
    photo = replace(scene.photo, alpha=np.full(scene.photo.shape, 0.5, np.float32))
    scene = replace(scene, photo=photo)
    stage = Stage.of(scene.depth.inverse, scene.camera, 0.05, scene.matte)
    shares = []
    left, right = pictures_of(scene, stage, row(stage), shares.append)
    np.testing.assert_array_equal(left, over_white(photo).pixels)
    inside, wall = np.s_[16:32, 24:40], np.s_[2:46, 10:14]
    np.testing.assert_allclose(right[inside], left[inside], atol=1e-3)
    assert stage.reach_px == pytest.approx(4.0)
    np.testing.assert_allclose(right[wall], left[2:46, 6:10], atol=1e-3)
    assert shares == sorted(shares)
    assert shares[-1] == 1
