"""Where a photographer's lights stand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.light.light_words import ROLES, LightWords
from depthfx.light.own_light import OwnLight
from depthfx.light.placing import ASSUMED_M, REACH, Stand, placed

WIDTH, HEIGHT, FOCAL = 120, 90, 100.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL)
OWN = OwnLight((0.6, -0.6, -0.53), (0.2, 0.2, 0.2), (0.3, 0.3, 0.3), confidence=0.9)
NEAR, WALL = 2.0, 4.0


def stand(*, metric=True, own=OWN, wall=WALL, scale=1.0, subject=True):
    """Somebody 0.8 m high, 2 m away in the middle of the frame, before a wall."""
    inverse = np.full((HEIGHT, WIDTH), 1 / wall, np.float32)
    matte = np.zeros_like(inverse)
    if subject:
        matte[20:60, 45:75] = 1
        inverse[20:60, 45:75] = 1 / NEAR
    return Stand.of(inverse * np.float32(scale), CAMERA, matte, own, metric=metric)


def light(text, where=None, **kept):
    return placed(LightWords.parse(text), where or stand(), **kept)


def test_lights_stand_about_the_upper_half_of_the_subject():
    x, y, z = stand().aim_m
    assert z == pytest.approx(NEAR)
    assert x == pytest.approx(0.0, abs=0.02)
    assert y == pytest.approx((30 - 45) / FOCAL * NEAR, abs=0.03)
    assert stand().height_m == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("front 0deg up", (0, 0, -1)),
        ("right 90deg 0deg up", (1, 0, 0)),
        ("left 90deg 0deg up", (-1, 0, 0)),
        ("back 0deg up", (0, 0, 1)),
        ("front 90deg up", (0, -1, 0)),
        ("front 90deg down", (0, 1, 0)),
        ("right 45deg 0deg up", (math.sqrt(0.5), 0, -math.sqrt(0.5))),
    ],
)
def test_azimuth_and_elevation(text, way):
    where = stand()
    made = light(f"{text} 1m", where)
    assert np.subtract(made.position_m, where.aim_m) == pytest.approx(way, abs=0.02)


def test_beside_the_axis_front_is_towards_the_camera():
    where = stand()
    aim = np.array([1.5, 0.0, 2.0])
    aside = Stand(**{**vars(where), "aim_m": tuple(aim)})
    made = np.array(light("front 0deg up 1m", aside).position_m)
    assert made == pytest.approx(aim * (1 - 1 / np.linalg.norm(aim)))


@given(st.floats(0.05, 3), st.floats(-3, 3))
def test_at_0_stops_it_gives_the_subject_what_the_photo_s_light_gives(distance, stops):
    where = stand()
    made = light(f"front {distance:.3f}m {stops:+.3f}", where)
    away = math.dist(made.position_m, where.aim_m)
    given_there = made.intensity[0] / away**2
    assert given_there == pytest.approx(0.5 * 2 ** round(stops, 3), rel=1e-3)


def test_a_light_of_no_distance_stands_one_and_a_half_subjects_away():
    where = stand()
    made = light("key left", where)
    assert math.dist(made.position_m, where.aim_m) == pytest.approx(REACH * 0.8)


def test_without_a_side_a_key_comes_from_where_the_photo_s_own_does_and_a_rim_does_not():
    assert light("key").position_m[0] > 0 > light("rim").position_m[0]
    unsure = OwnLight((0.6, -0.6, -0.53), (0.2,) * 3, (0.3,) * 3, confidence=0.1)
    assert light("key", stand(own=unsure)).position_m[0] < 0


def test_a_light_is_drawn_in_before_a_wall_that_it_would_stand_behind():
    close = stand(wall=2.3)
    made = light("rim left 1.5m", close)
    assert made.position_m[2] < 2.3
    free = light("rim left 1.5m", stand(wall=40.0))
    assert math.dist(free.position_m, stand().aim_m) == pytest.approx(1.5)


def test_a_light_hidden_behind_the_subject_stays_there():
    where = stand()
    made = light("back 0deg up 50cm", where)
    assert made.position_m[2] == pytest.approx(NEAR + 0.5)


def test_a_lamp_at_a_place():
    made = light("at 0.25,0.5 1.2m")
    assert made.position_m == pytest.approx((-0.25 * WIDTH / FOCAL * 1.2, 0, 1.2))
    assert made.intensity[0] == pytest.approx(0.5 * (REACH * 0.8) ** 2)
    before = light("at 0.1,0.1 candle")
    assert 0.8 * WALL < before.position_m[2] < WALL


def test_the_sun_is_far_away_and_half_a_degree_wide():
    where = stand()
    made = light("sun left", where)
    away = math.dist(made.position_m, where.aim_m)
    assert away > 100 * WALL
    assert math.degrees(2 * made.radius_m / away) == pytest.approx(0.53, abs=0.01)
    assert made.intensity[1] / away**2 == pytest.approx(0.5 * 2**0.5)


def test_a_background_light_hides_behind_the_subject_and_shines_at_the_wall():
    made = light("background")
    assert NEAR < made.position_m[2] < WALL
    assert made.aim_m[2] == pytest.approx(WALL)
    assert not made.shadows


def test_relative_depth_is_as_if_the_subject_were_two_metres_away():
    """Everything keeps its place in the picture, whatever the unit."""
    metric = light("key left 1m size 40cm")
    relative = light("key left 1m size 40cm", stand(metric=False, scale=8.0))
    shrunk = 1 / 8 * NEAR / ASSUMED_M
    assert relative.position_m == pytest.approx(np.array(metric.position_m) * shrunk, rel=1e-5)
    assert relative.radius_m == pytest.approx(metric.radius_m * shrunk, rel=1e-5)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3)])
@pytest.mark.parametrize("depth", [0.0, 1e-9, 1.0])
def test_every_role_is_finite_in_any_picture(role, shape, depth):
    inverse = np.full(shape, depth, np.float32)
    camera = Camera(shape[1], shape[0], 5.0)
    where = Stand.of(inverse, camera, np.zeros_like(inverse), OWN, metric=True)
    made = light(role, where)
    assert np.isfinite([*made.position_m, *made.intensity, made.radius_m, *made.aim_m]).all()


def test_sizes_in_words():
    where = stand()
    away = REACH * 0.8
    assert light("key soft", where).radius_m == pytest.approx(away / 2)
    assert light("key hard", where).radius_m == pytest.approx(away * 0.01)
    assert light("key size 30cm", where).radius_m == pytest.approx(0.15)


def test_a_gobo_hangs_before_it():
    made = light("key left gobo blinds")
    assert made.gobo is not None
    assert made.radius_m < light("key left").radius_m
    assert light("key left", gobo="leaves").gobo is not None
