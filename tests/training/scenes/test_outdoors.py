"""Outdoor worlds and still lifes: sizes as in life, things on the ground, cameras in the open."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.training.scenes import forms, nature, still, streets
from depthfx.training.scenes.world import Kind, Shape, Surface, rotation

GREY = Surface()
WORLDS = (
    *(streets.street, streets.square, streets.car_view, streets.portrait_outdoors),
    *(nature.meadow, nature.forest, nature.mountains, nature.beach, nature.garden),
    *(still.still_life, still.close_up),
)
THINGS = (
    *(streets.car, streets.van, streets.bicycle, streets.lamp_post, streets.sign, streets.bin_),
    *(streets.bollard, streets.cafe_table, nature.bench, nature.flower_pot),
    *dict.fromkeys(still.SMALL + still.PROMINENT),
)
lengths = st.floats(-5, 5)
points = st.tuples(lengths, lengths, lengths)
angles = st.floats(-3, 3)


def corners(shapes):
    """(n, 3) outermost points of the shapes along their own axes."""
    out = []
    for shape in shapes:
        if shape.kind is Kind.CONE:
            for end, radius in ((shape.start, shape.half[0]), (shape.end, shape.half[1])):
                out += [np.add(end, step * radius) for step in (*np.eye(3), *-np.eye(3))]
            continue
        frame, half = rotation(*shape.turn_rad), np.asarray(shape.half)
        if shape.kind is Kind.ELLIPSOID:
            reach = np.sqrt(((frame * half) ** 2).sum(1))
        else:
            reach = np.abs(frame * half).sum(1)
        out += [np.add(shape.centre, reach), np.subtract(shape.centre, reach)]
    return np.array(out)


@pytest.mark.parametrize("make", WORLDS, ids=lambda make: make.__name__)
def test_a_world_is_a_function_of_its_generator(make):
    first, second = make(np.random.default_rng(5)), make(np.random.default_rng(5))
    assert first == second


@pytest.mark.parametrize("make", WORLDS, ids=lambda make: make.__name__)
def test_cameras_stand_in_the_open_and_are_held_as_photographers_do(make):
    for seed in range(3):
        world = make(np.random.default_rng(seed))
        eye = world.camera.eye
        assert forms.free(world.shapes, eye, 0.0)
        assert 0.4 < world.camera.focal_share < 4
        assert 0.5 < world.camera.aspect < 3.4
        assert abs(world.camera.pitch_rad) < 1.4
        sizes = np.array([shape.half for shape in world.shapes])
        assert np.isfinite(sizes).all()
        assert (sizes >= 0).all()


def test_cars_are_as_large_as_cars():
    for seed in range(8):
        low, high = (
            f(corners(streets.car(np.random.default_rng(seed))), axis=0) for f in (np.min, np.max)
        )
        width, height, length = high - low
        assert 1.8 < width < 2.4  # with its mirrors
        assert 1.35 < height < 1.8
        assert 3.6 < length < 5.0


def test_seats_are_at_sitting_height():
    shapes = streets.chair(np.random.default_rng(1), GREY, GREY)
    assert -shapes[0].centre[1] == pytest.approx(0.45, abs=0.01)


@pytest.mark.parametrize("make", THINGS, ids=lambda make: make.__name__)
def test_things_stand_on_the_ground(make):
    """Nothing hovers and little is sunk: a thing's lowest point is at y = 0."""
    for seed in range(3):
        reach = corners(make(np.random.default_rng(seed)))
        tall = -reach[:, 1].min()
        assert reach[:, 1].max() == pytest.approx(0.0, abs=0.02 + 0.06 * tall)


@given(points, points, angles, st.floats(0.1, 10))
def test_moving_keeps_form(a, b, yaw, scale):
    bar = forms.limb(a, b, 0.2, 0.1, GREY)
    (moved,) = forms.moved([bar], (1, 2, 3), yaw, scale)
    assert math.dist(moved.start, moved.end) == pytest.approx(scale * math.dist(a, b), abs=1e-6)
    assert moved.half[0] == pytest.approx(0.2 * scale)


def test_a_quarter_turn_takes_ahead_to_the_right():
    assert forms.turned((0, 0, 1), math.pi / 2) == pytest.approx((1, 0, 0), abs=1e-12)


@given(points, angles, angles, angles, points)
def test_a_moved_shape_holds_the_moved_point(point, yaw, pitch, roll, to):
    for kind in (Kind.BOX, Kind.ELLIPSOID, Kind.CYLINDER):
        shape = Shape(kind, (1.0, 2.0, 3.0), (0.5, 0.0, -1.0), (yaw, pitch, roll))
        (moved,) = forms.moved([shape], to, 0.7, 2.0)
        there = np.add(np.multiply(forms.turned(point, 0.7), 2.0), to)
        # A hair's breadth of the surface is left out: rounding decides there.
        if forms.holds(shape, point, 1e-6) == forms.holds(shape, point, -1e-6):
            assert forms.holds(shape, point) == forms.holds(moved, tuple(there))


def test_a_shape_holds_its_inside_alone():
    ball = forms.ball((0, 0, 0), (1, 2, 3), GREY)
    assert forms.holds(ball, (0, 1.99, 0))
    assert not forms.holds(ball, (0, 2.01, 0))
    assert not forms.holds(ball, (0.9, 1.9, 0))
    bar = forms.limb((0, 0, 0), (0, 0, 10), 1.0, 0.0, GREY)
    assert forms.holds(bar, (0.7, 0, 2))
    assert not forms.holds(bar, (0.7, 0, 5))
    room = Shape(Kind.ROOM, (2, 2, 2))
    assert not forms.holds(room, (0, 0, 0))


@given(points, points)
def test_a_board_reaches_from_end_to_end(start, end):
    if math.dist(start, end) < 0.1:
        return
    board = forms.board(start, end, 0.5, 0.01, GREY)
    along = rotation(*board.turn_rad) @ (0, 0, board.half[2])
    np.testing.assert_allclose(np.add(board.centre, along), end, atol=1e-6)
    np.testing.assert_allclose(np.subtract(board.centre, along), start, atol=1e-6)


def test_a_lathe_turns_its_profile():
    """Slices fill the height without a gap, each as wide as the profile at its middle."""
    slices = forms.lathe((0, 0, 0), [(0, 0.1), (0.2, 0.1), (0.3, 0.02)], GREY)
    edges = sorted((-s.centre[1] - s.half[1], -s.centre[1] + s.half[1]) for s in slices)
    assert edges[0][0] == pytest.approx(0)
    assert edges[-1][1] == pytest.approx(0.3)
    np.testing.assert_allclose([low for low, _ in edges[1:]], [high for _, high in edges[:-1]])
    at_quarter = min(slices, key=lambda s: abs(-s.centre[1] - 0.25))
    assert at_quarter.half[0] == pytest.approx(0.06, abs=0.005)


@given(st.floats(-3, 3), st.floats(2, 8))
def test_the_height_of_the_ground_is_that_of_its_mounds(x, z):
    ground = nature.Ground(GREY, [(0.0, 5.0, 4.0, 0.5), (1.0, 4.0, 2.0, 0.3)])
    height, shapes = ground.height(x, z), ground.shapes()
    assert any(forms.holds(shape, (x, -height + 1e-3, z)) for shape in shapes)
    assert forms.free(shapes, (x, -height - 1e-3, z), 0.0)


@given(st.floats(1, 60), st.floats(-0.008, 0.008), st.floats(-5, 5))
def test_a_road_runs_where_it_points(z, bend, aside):
    road = streets.Road(3.0, bend, slope=0.1, shift=1.0)
    (x0, _, z0), direction = road.at(z)
    (x1, _, z1), _ = road.at(z + 1e-4)
    assert math.atan2(x1 - x0, z1 - z0) == pytest.approx(direction, abs=1e-3)
    beside, _ = road.at(z, aside)
    assert math.dist(beside, (x0, 0, z0)) == pytest.approx(abs(aside), abs=1e-9)


@given(points, points)
def test_a_camera_looks_at_its_target(eye, target):
    if math.dist(eye, target) < 0.1:
        return
    camera = forms.looking(np.random.default_rng(0), eye, target, 1.0, 1.5)
    c, s = math.cos(camera.pitch_rad), math.sin(camera.pitch_rad)
    forward = (c * math.sin(camera.yaw_rad), s, c * math.cos(camera.yaw_rad))  # pitch looks down
    towards = np.subtract(target, eye) / math.dist(eye, target)
    np.testing.assert_allclose(forward, towards, atol=1e-6)


def test_a_close_up_has_a_subject_before_the_camera():
    for seed in range(12):
        world = still.close_up(np.random.default_rng(seed))
        subject = [s for s in world.shapes if s.subject]
        middle = np.mean([s.start if s.kind is Kind.CONE else s.centre for s in subject], axis=0)
        yaw = world.camera.yaw_rad
        ahead = (middle - world.camera.eye) @ (math.sin(yaw), 0, math.cos(yaw))
        assert ahead > 0


def test_about_half_of_the_still_lifes_have_a_subject():
    worlds = [still.still_life(np.random.default_rng(seed)) for seed in range(30)]
    share = np.mean([any(s.subject for s in world.shapes) for world in worlds])
    assert 0.3 < share < 0.8


def test_people_outdoors_are_seen_and_marked():
    for seed in range(3):
        world = streets.portrait_outdoors(np.random.default_rng(seed))
        subject = [s for s in world.shapes if s.subject]
        assert len(subject) > 20
        middle = np.mean([s.start if s.kind is Kind.CONE else s.centre for s in subject], axis=0)
        assert 0.2 < math.dist(middle, world.camera.eye) < 12


def test_what_is_in_the_way_goes_and_the_ground_stays():
    ground = forms.box((0, 4, 0), (100, 4, 100), GREY)
    post = forms.drum((0.2, 0, 5), 0.1, 2, GREY)
    house = forms.box((0, 0, 5), (8, 6, 8), GREY)
    far = forms.drum((9, 0, 5), 0.1, 2, GREY)
    left = forms.without([ground, post, house, far], [(0, -1, 2), (0, -1, 5)], 0.8)
    assert left == [ground, far]


@pytest.mark.parametrize("make", [nature.forest, nature.meadow, nature.garden])
def test_nothing_takes_the_ground_away(make):
    for seed in range(12):
        world = make(np.random.default_rng(seed))
        assert any(max(s.half) > forms.GROUND_M for s in world.shapes), f"seed {seed}"
