"""Key frames in TOML: what they mean, and errors that help."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.errors import DepthfxError, RecipeError
from depthfx.geometry.path_file import Survey, TimedMove, from_toml, read_move, to_toml
from depthfx.geometry.presets import PRESETS, move_named
from depthfx.geometry.stage import Stage

CAMERA = Camera(400, 300, 320.0)
STAGE = Stage(CAMERA, 1.0, 0.1, 0.4, 0.03)
INVERSE = np.full((300, 400), 0.25, np.float32)
INVERSE[:, 200:] = 0.5
SURVEY = Survey(STAGE, INVERSE)
HEAD = "depthfx_move = 1\n"


def keys_of(body, survey=SURVEY):
    return from_toml(HEAD + body, survey, "path.toml").move.keys


def test_a_key_goes_on_with_what_the_one_before_it_said():
    first, second, third = keys_of(
        """
        [[key]]
        at = 0
        zoom = 1.2
        [[key]]
        at = 0.5
        position_m = [0.1, -0.2, 0.3]
        roll_deg = 4
        [[key]]
        at = 1
        position_m = [0.2, 0.0, 0.3]
        """
    )
    assert (first.pose.position, first.pose.zoom, first.pose.target) == ((0, 0, 0), 1.2, None)
    assert (second.pose.position, second.pose.zoom) == ((0.1, -0.2, 0.3), 1.2)
    assert (third.pose.position, third.pose.roll_deg) == ((0.2, 0, 0.3), 4)
    assert first.focus_inverse is None


def test_a_step_is_the_one_that_shows_the_parallax():
    keys = keys_of("[[key]]\nat = 0\n[[key]]\nat = 1\nposition = [1, 0, -2]")
    assert keys[1].pose.position == (STAGE.step_m, 0, -2 * STAGE.step_m)


def test_times_are_seconds_of_the_shot():
    timed = from_toml(
        HEAD + "[[key]]\ntime_s = 0\n[[key]]\ntime_s = 1\n[[key]]\ntime_s = 5", SURVEY
    )
    assert timed.seconds == 5
    assert [key.at for key in timed.move.keys] == [0, 0.2, 1]


def test_a_move_rests_from_its_last_key_to_its_end():
    timed = from_toml(
        HEAD + "seconds = 10\n[[key]]\ntime_s = 0\n[[key]]\ntime_s = 5\nroll_deg = 9", SURVEY
    )
    assert [(key.at, key.pose.roll_deg) for key in timed.move.keys] == [(0, 0), (0.5, 9), (1, 9)]


def test_a_loop_comes_back_to_its_first_key():
    move = from_toml(
        HEAD + "loop = true\n[[key]]\nat = 0\n[[key]]\nat = 0.5\nroll_deg = 9", SURVEY
    ).move
    assert move.loop
    assert [(key.at, key.pose.roll_deg) for key in move.keys] == [(0, 0), (0.5, 9), (1, 0)]


def test_one_key_is_a_camera_that_stands_still():
    first, last = keys_of("[[key]]\nat = 0\nroll_deg = 3")
    assert first.pose == last.pose


def test_what_is_looked_at_comes_to_the_middle_of_the_picture():
    """A place in the photo, at the depth that is there."""
    keys = keys_of("[[key]]\nat = 0\nposition_m = [0.3, 0, 0]\nlook_at = [0.75, 0.25]")
    matrix = keys[0].pose.matrix(CAMERA)
    x, y, z = matrix @ (300, 75, 1, 0.5)
    np.testing.assert_allclose((x / z, y / z), (200, 150), atol=1e-9)


def test_a_look_begins_straight_ahead_where_nobody_said_it():
    keys = keys_of("[[key]]\nat = 0\n[[key]]\nat = 1\nlook_at_m = 4")
    assert keys[0].pose.target == (0, 0, 1 / STAGE.pivot_inverse)
    assert keys[1].pose.target == (0, 0, 4)


def test_focus_is_a_place_or_a_distance_and_the_lens_has_an_opening():
    keys = keys_of(
        """
        [[key]]
        at = 0
        focus = [0.9, 0.5]
        f_number = 2
        [[key]]
        at = 1
        focus_m = 8
        """
    )
    assert [key.focus_inverse for key in keys] == [0.5, 0.125]
    np.testing.assert_allclose(keys[1].aperture_m, CAMERA.f35_mm / 2000)
    assert keys_of("[[key]]\nat = 0\nfocus_m = inf\naperture_mm = 5")[0].focus_inverse == 0


def test_a_relative_depth_that_was_scaled_has_metres():
    """Depth is 1 / (inverse * scale_m): of scale 0.5, the unit is two metres."""
    body = "[[key]]\nat = 0\nposition_m = [1, 0, 0]\nfocus_m = 4\naperture_mm = 10"
    key = keys_of(body, Survey(STAGE, INVERSE, scale_m=0.5))[0]
    assert key.pose.position == (0.5, 0, 0)
    assert key.focus_inverse == 0.5
    assert key.aperture_m == 0.005


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("scale_m", [1.0, 0.37])
def test_a_preset_survives_being_written_down(name, loop, scale_m):
    move = move_named(name, STAGE, loop=loop, focus_end_inverse=0.0, aperture_m=0.02)
    survey = Survey(STAGE, INVERSE, scale_m)
    read = from_toml(to_toml(TimedMove(move, 4.0), survey), survey)
    assert (read.seconds, read.move.name, read.move.loop) == (4.0, name, loop)
    for key, told in zip(read.move.keys, move.keys, strict=True):
        np.testing.assert_allclose(key.row(), told.row(), atol=1e-12)


@settings(max_examples=50)
@given(st.text() | st.text().map(lambda text: HEAD + "[[key]]\n" + text))
def test_any_text_is_a_move_or_a_clear_refusal(text):
    said = "path.toml:"
    try:
        from_toml(text, SURVEY, "path.toml")
    except DepthfxError as error:
        said = str(error)
    assert said.startswith("path.toml:")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("[[key]]", "key 1: has no at = ..."),
        ("", "has 0 keys"),
        ("key = 3", "double brackets"),
        ("[[keys]]", "did you mean 'key'"),
        ("[[key]]\nat = 0\nzom = 2", "key 1: unknown key 'zom'; did you mean 'zoom'"),
        ("[[key]]\nat = 0.5", "key 1: at = 0.5 must be 0"),
        ("[[key]]\nat = 0\n[[key]]\nat = 0", "key 2: at = 0 must be later than"),
        ("[[key]]\nat = 0\n[[key]]\ntime_s = 1", "key 2: has no at = ..."),
        ("[[key]]\nat = 0\n[[key]]\nat = 2", "key 2: at = 2 is not a number from 0 to 1"),
        ("[[key]]\nat = 0\ntime_s = 0", "key 1: has both at and time_s"),
        ("[[key]]\nat = 0\nposition = [1, 2]", "key 1: position = [1, 2] is not 3 numbers"),
        ("[[key]]\nat = 0\nposition_m = [0, 0, 1]", "in the midst of things; 0.9 m"),
        ("[[key]]\nat = 0\nzoom = nan", "zoom = nan is not a number from 0.1 to 10"),
        ("[[key]]\nat = true", "at = True is not a number"),
        ("[[key]]\nat = 0\nfocus_m = 3", "key 1: a focus needs the lens's opening"),
        ("[[key]]\nat = 0\nposition_m=[9, 0, 0]\nlook_at_m = 1", "key 1: a camera that looks"),
        ("loop = 1\n[[key]]\nat = 0", "loop = 1 is neither true nor false"),
        ("seconds = 0\n[[key]]\nat = 0", "seconds = 0 is not a number from 0.01"),
        ("seconds = 2\n[[key]]\ntime_s = 0\n[[key]]\ntime_s = 3", "after the end, seconds = 2"),
        ("loop = true\n[[key]]\nat = 0\n[[key]]\nat = 1\nzoom = 2", "key 2 is not as key 1"),
        ("name = 3\n[[key]]\nat = 0", "name = 3 is not a name"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(body, answer):
    with pytest.raises(RecipeError, match=r"^path\.toml") as caught:
        keys_of(body)
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_version_of_the_future_is_refused():
    with pytest.raises(RecipeError, match="depthfx_move = 2 is not a version"):
        from_toml("depthfx_move = 2\n[[key]]\nat = 0", SURVEY)


def test_a_move_is_read_from_a_file(tmp_path):
    path = tmp_path / "Fahrt.toml"
    path.write_text(HEAD + "name = 'Fahrt'\n[[key]]\nat = 0", encoding="utf-8-sig")
    assert read_move(path, SURVEY).move.name == "Fahrt"
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        read_move(tmp_path / "none.toml", SURVEY)
    with pytest.raises(RecipeError, match="is no file"):
        read_move(tmp_path, SURVEY)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="not text in UTF-8"):
        read_move(path, SURVEY)


def test_a_place_beyond_the_frame_has_the_depth_of_its_border():
    assert SURVEY.inverse_at((1.5, 0.5)) == 0.5
    assert SURVEY.inverse_at((-0.5, 0.5)) == 0.25
    assert math.isclose(SURVEY.point((0.5, 0.5), 3.0)[2], 3.0)
