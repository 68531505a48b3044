"""Camera moves: between keys, over the seam of a loop, and as large as the parallax allows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.errors import ParameterError
from depthfx.geometry.moves import CHANNELS, Key, Move
from depthfx.geometry.pose import Pose
from depthfx.geometry.presets import PRESETS, move_named, parallax_of, pivot_of
from depthfx.geometry.stage import Stage

ROOM = Stage(Camera.guess(4000, 3000), 1.0, 0.1, 0.4, 0.03)
MOVING = [name for name in PRESETS if name not in ("still", "focus-pull")]


def stages():
    """Scenes of any unit, depth, lens and format."""

    def stage(unit, far, pivot, parallax, f35, size):
        near, low = unit, far * unit
        return Stage(Camera.from_f35(f35, *size), near, low, low + pivot * (near - low), parallax)

    return st.builds(
        stage,
        st.floats(1e-3, 1e3),
        st.floats(0, 0.98),
        st.floats(0, 1),
        st.floats(0, 0.1),
        st.floats(10, 300),
        st.sampled_from([(4000, 3000), (1000, 3000), (64, 64)]),
    )


def moves():
    """Moves through keys anywhere."""
    number = st.floats(-10, 10).map(lambda v: round(v, 3))

    def move(times, rows, loop, smooth):
        at = np.sort(times[: len(rows) - 2])
        at = [0.0, *at, 1.0] if len(np.unique(at)) == len(at) else np.linspace(0, 1, len(rows))
        keys = [Key(a, Pose(row[:3], None, row[3])) for a, row in zip(at, rows, strict=True)]
        if loop:
            keys[-1] = Key(1.0, keys[0].pose)
        return Move("any", tuple(keys), smooth, loop)

    rows = st.lists(st.tuples(number, number, number, number), min_size=2, max_size=6)
    times = st.lists(st.integers(1, 19).map(lambda t: t / 20), min_size=4, max_size=4)
    return st.builds(move, times, rows, st.booleans(), st.booleans())


@given(moves())
def test_a_move_passes_through_its_keys(move):
    for key in move.keys[:-1] if move.loop else move.keys:
        np.testing.assert_allclose(move.at(key.at).row(), key.row(), atol=1e-9)


@given(moves(), st.floats(0, 1))
def test_a_camera_stays_within_the_box_of_its_keys(move, share):
    rows = np.array([key.row() for key in move.keys])
    row = np.array(move.at(share).row())
    known = ~np.isnan(row)
    assert np.all(row[known] >= rows.min(axis=0)[known] - 1e-9)
    assert np.all(row[known] <= rows.max(axis=0)[known] + 1e-9)


@given(moves())
def test_a_smooth_move_has_one_speed_before_and_after_each_key(move):
    assume(move.smooth)
    step = 1e-7
    for key in move.keys:
        if move.loop or 0 < key.at < 1:
            before = np.subtract(move.at(key.at).row(), move.at(key.at - step).row()) / step
            after = np.subtract(move.at(key.at + step).row(), move.at(key.at).row()) / step
            np.testing.assert_allclose(before, after, atol=0.05)


@given(moves())
def test_curves_are_the_cubics_that_other_programs_draw(move):
    """Each program's own form: Bezier handles a third of the way to the next key."""
    assume(move.smooth)
    for name, curve in move.curves().items():
        for k in range(len(curve.at) - 1):
            third = (curve.at[k + 1] - curve.at[k]) / 3
            a, d = curve.values[k], curve.values[k + 1]
            b, c = a + third * curve.slopes[k], d - third * curve.slopes[k + 1]
            for t in (0.25, 0.5, 0.8):
                bezier = (
                    (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
                )
                row = move.at(curve.at[k] + 3 * third * t).row()
                np.testing.assert_allclose(row[CHANNELS.index(name)], bezier, atol=1e-9)


def test_a_move_that_is_not_smooth_runs_straight_at_even_speed():
    move = Move("line", (Key(0, Pose()), Key(0.5, Pose((1, 0, 0))), Key(1, Pose((1, 4, 0)))), False)
    assert move.at(0.25).pose.position == (0.5, 0, 0)
    assert move.at(0.625).pose.position == (1, 1, 0)


def test_a_smooth_move_rests_at_its_ends_and_between_keys_that_are_the_same():
    there = Pose((1, 0, 0))
    move = Move("stop", (Key(0, Pose()), Key(0.4, there), Key(0.6, there), Key(1, Pose((2, 0, 0)))))
    assert move.at(0.5).pose == there
    np.testing.assert_array_equal(move.slopes[:, 0], 0)


def test_the_curve_through_a_quarter_wave_is_nearly_a_sine():
    """Four keys of a sine: the periodic spline, not the coarser Catmull-Rom."""
    sway = move_named("sway", ROOM)
    most = sway.keys[1].pose.position[0]
    shares = np.linspace(0, 1, 101)
    x = [sway.at(share).pose.position[0] / most for share in shares]
    np.testing.assert_allclose(x, np.sin(2 * np.pi * shares), atol=0.021)


def test_a_circle_is_round():
    circle = move_named("circle", ROOM)
    radii = [np.hypot(*key.pose.position[:2]) for key in circle.sampled(100)]
    np.testing.assert_allclose(radii, max(radii), rtol=0.0013)


def test_an_orbit_keeps_its_distance_and_its_pivot():
    for key in move_named("orbit", ROOM).sampled(20):
        seen = key.pose.seen(np.array(pivot_of(ROOM)))
        np.testing.assert_allclose(seen, (0, 0, 1 / ROOM.pivot_inverse), atol=2e-3)


def test_a_dolly_zoom_keeps_the_size_of_the_pivot_in_every_frame():
    w = ROOM.pivot_inverse
    camera = ROOM.camera
    for key in move_named("dolly-zoom", ROOM).sampled(33):
        x, y, z = key.pose.matrix(camera) @ (100.0, 200.0, 1.0, w)
        np.testing.assert_allclose((x / z, y / z), (100, 200), atol=1e-6)
    assert key.pose.zoom < 0.99


@pytest.mark.parametrize("name", MOVING)
@settings(max_examples=20)
@given(stage=stages())
def test_the_nearest_shift_against_the_farthest_by_the_parallax_and_no_more(name, stage):
    """Anywhere in the frame, at any time of the move."""
    poses = [key.pose for key in move_named(name, stage).sampled(41)]
    assert parallax_of(poses, stage) <= stage.parallax * 1.001 + 1e-9


@pytest.mark.parametrize("name", MOVING)
def test_a_move_uses_the_parallax_it_is_given(name):
    poses = [key.pose for key in move_named(name, ROOM).sampled(401)]
    assert parallax_of(poses, ROOM) == pytest.approx(ROOM.parallax, rel=2e-3)


def test_parallax_is_what_projecting_by_hand_gives():
    """A step aside of s shifts a thing at z by f s / z."""
    camera = ROOM.camera
    side = Pose((ROOM.step_m, 0, 0))
    assert parallax_of([side], ROOM) == pytest.approx(ROOM.parallax)
    near, far = (1 / w - 0.05 for w in (ROOM.near_inverse, ROOM.far_inverse))
    corner = camera.diagonal_px / 2
    shift = corner * (1 / (near * ROOM.near_inverse) - 1 / (far * ROOM.far_inverse))
    assert parallax_of([Pose((0, 0, 0.05))], ROOM) == pytest.approx(shift / camera.diagonal_px)


@pytest.mark.parametrize("name", MOVING)
def test_the_turned_camera_shows_that_parallax_too(name):
    """A near and a far point that the photo shows at one place part by no more, but for the
    stretch of a turned camera's picture towards its corners."""
    camera = ROOM.camera
    for u, v in ((0, 0), (2000, 1500), (4000, 0), (3000, 3000)):
        ray = np.array([(u - camera.cx) / camera.focal_px, (v - camera.cy) / camera.focal_px, 1])
        for key in move_named(name, ROOM).sampled(20):
            x, y, z = key.pose.seen(np.stack([ray / ROOM.near_inverse, ray / ROOM.far_inverse])).T
            shift = camera.focal_px * np.hypot(np.diff(x / z), np.diff(y / z))
            assert shift <= 1.08 * ROOM.reach_px


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=20)
@given(stage=stages(), loop=st.none() | st.booleans())
def test_no_preset_runs_into_things_or_flies_away(name, stage, loop):
    for key in move_named(name, stage, loop=loop).keys:
        x, y, z = np.multiply(key.pose.position, stage.near_inverse)
        assert -1e-9 <= z <= 0.3
        assert np.hypot(x, y) <= 0.21
        assert 0.7 <= key.pose.zoom <= 1.1
        assert np.isfinite(key.pose.rotation).all()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_begin_at_the_photo_as_told(name):
    move = move_named(name, ROOM)
    first = move.reversed().keys[0] if name == "pull-out" else move.keys[0]
    at_photo = np.allclose(first.pose.matrix(ROOM.camera), np.eye(3, 4), atol=1e-12)
    assert at_photo == (name != "circle")


@pytest.mark.parametrize("name", PRESETS)
def test_a_loop_has_no_seam(name):
    """From the last frame to the first it is no farther than between frames elsewhere."""
    move = move_named(name, ROOM, loop=True, aperture_m=0.01)
    rows = np.array([key.row() for key in move.sampled(60)])
    if np.isnan(rows[0]).any():  # no target
        rows = np.nan_to_num(rows)
    steps = np.abs(np.roll(rows, -1, axis=0) - rows).max(axis=1)
    assert steps[-1] <= steps[:-1].max() * 1.0001 + 1e-12
    np.testing.assert_allclose(move.at(1.25).row(), move.at(0.25).row())


def test_frames_run_from_the_first_key_to_the_last():
    frames = move_named("push-in", ROOM).sampled(5)
    assert [key.at for key in frames] == [0, 0.25, 0.5, 0.75, 1]
    assert len(move_named("push-in", ROOM).sampled(1)) == 1
    assert move_named("sway", ROOM).sampled(4)[-1].at == 0.75


def test_a_focus_is_pulled_from_the_nearest_to_the_farthest():
    move = move_named("focus-pull", ROOM)
    assert [key.focus_inverse for key in move.keys] == [1.0, 0.1]
    blur_px = move.keys[0].aperture_m * ROOM.camera.focal_px * 0.9
    assert blur_px == pytest.approx(0.015 * ROOM.camera.diagonal_px)
    looped = move_named("focus-pull", ROOM, loop=True, focus_end_inverse=0.5, aperture_m=0.2)
    assert [key.focus_inverse for key in looped.keys] == [1.0, 0.5, 1.0]
    assert {key.aperture_m for key in looped.keys} == {0.2}


def test_a_move_in_focus_everywhere_tells_no_focus():
    assert "focus_inverse" not in move_named("orbit", ROOM, focus_inverse=0.3).curves()
    focused = move_named("orbit", ROOM, focus_inverse=0.3, aperture_m=0.01).curves()
    assert focused["focus_inverse"].constant
    assert not focused["x"].constant


def test_focus_stays_on_the_subject_while_the_camera_nears_it():
    move = move_named("push-in", ROOM, focus_inverse=0.4, aperture_m=0.01)
    z = move.keys[-1].pose.position[2]
    assert move.keys[0].focus_seen_inverse == 0.4
    assert move.keys[-1].focus_seen_inverse == pytest.approx(1 / (1 / 0.4 - z))
    infinite = move_named("push-in", ROOM, focus_inverse=0.0, aperture_m=0.01)
    assert infinite.keys[-1].focus_seen_inverse == 0
    turned = Key(0, Pose((0.3, -0.1, 0.2), (0.1, 0.2, 3.0), 5.0), 0.4, 0.01)
    seen = turned.pose.seen(np.array([0, 0, 2.5]))
    assert turned.focus_seen_inverse == pytest.approx(1 / seen[2])


def test_reversed_runs_the_same_way_back():
    move = move_named("ken-burns", ROOM)
    for share in (0, 0.2, 0.7):
        np.testing.assert_allclose(
            move.reversed().at(share).row(), move.at(1 - share).row(), atol=1e-12
        )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Move("m", (Key(0, Pose()),)), "two or more"),
        (lambda: Move("m", (Key(0, Pose()), Key(0.9, Pose()))), "end at 1"),
        (lambda: Move("m", (Key(0, Pose()), Key(0, Pose()), Key(1, Pose()))), "grow"),
        (lambda: Move("m", (Key(0, Pose()), Key(1, Pose(target=(0, 0, 1))))), "every key a target"),
        (lambda: Move("m", (Key(0, Pose(), 1.0), Key(1, Pose()))), "every key a focus"),
        (lambda: Move("m", (Key(0, Pose()), Key(1, Pose(), None, np.inf))), "must be finite"),
        (lambda: Move("m", (Key(0, Pose()), Key(1, Pose((1, 0, 0)))), loop=True), "as the first"),
        (lambda: move_named("orbti", ROOM), "orbti.*none of push-in"),
    ],
)
def test_wrong_moves_are_refused_in_one_line(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_a_push_in_keeps_the_subject_in_its_place():
    camera = ROOM.camera
    stage = Stage(camera, 1.0, 0.2, 0.7, 0.03, subject_xy=(0.3, 0.8))
    x, y = 0.3 * camera.width, 0.8 * camera.height
    for key in move_named("push-in", stage).sampled(9):
        matrix = key.pose.matrix(camera)
        for inverse in (1.0, 0.7, 0.0):
            u, v, share = matrix @ [x, y, 1, inverse]
            np.testing.assert_allclose([u / share, v / share], [x, y], atol=1e-9)
