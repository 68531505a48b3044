"""The caster against geometry and photometry worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.training.scenes.cast import Rendered, expose, render
from depthfx.training.scenes.world import (
    Camera,
    Cutout,
    Kind,
    Lamp,
    Point,
    Shape,
    Sky,
    Surface,
    Texture,
    World,
)

WIDTH = 64
GREY = Surface((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SKY = Sky((0.0, -1.0, 0.0), (2.0, 2.0, 2.0), (0.3, 0.4, 0.8), (0.8, 0.8, 0.9))
LEVEL = Camera((0.0, 0.0, 0.0), focal_share=1.0, aspect=4 / 3)
GROUND = Shape(Kind.BOX, (500.0, 0.5, 500.0), (0.0, 0.5, 0.0), surface=GREY)


def about(axis: int, angle: float) -> NDArray[np.float64]:
    """Right-handed rotation about an axis."""
    c, s = math.cos(angle), math.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix


def rays(camera: Camera, width: int = WIDTH) -> NDArray[np.float64]:
    """(H, W, 3) through the pixels' middles, of length one along the optical axis."""
    height = 2 * round(width / camera.aspect / 2)
    x = (np.arange(width) + 0.5) / width - 0.5
    y = (np.arange(height) + 0.5 - height / 2) / width
    grid = np.stack(np.broadcast_arrays(x, y[:, None], camera.focal_share), -1)
    turn = about(1, camera.yaw_rad) @ about(0, -camera.pitch_rad) @ about(2, camera.roll_rad)
    return (grid / camera.focal_share) @ turn.T


def outside(shape: Shape, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """A function of (..., 3) points that is zero on the surface of `shape` and positive outside."""
    if shape.kind == Kind.CONE:
        # A point is as far from the hull of two balls as from the best ball between them.
        share = np.linspace(0, 1, 801)
        start, end = np.array(shape.start), np.array(shape.end)
        middles = start + share[:, None] * (end - start)
        radii = shape.half[0] + share * (shape.half[1] - shape.half[0])
        return np.array(
            [(np.linalg.norm(middles - p, axis=1) - radii).min() for p in point.reshape(-1, 3)]
        ).reshape(point.shape[:-1])
    yaw, pitch, roll = shape.turn_rad
    turn = about(1, yaw) @ about(0, pitch) @ about(2, roll)
    own = (point - np.array(shape.centre)) @ turn / np.where(shape.half, shape.half, 1)
    if shape.kind == Kind.ELLIPSOID:
        return (own**2).sum(-1) - 1
    if shape.kind == Kind.CYLINDER:
        return np.maximum(own[..., 0] ** 2 + own[..., 2] ** 2, own[..., 1] ** 2) - 1
    return np.abs(own).max(-1) - 1


ANGLES = st.floats(-0.4, 0.4)
TURNS = st.tuples(st.floats(-3, 3), st.floats(-1.5, 1.5), st.floats(-3, 3))
HALVES = st.tuples(*[st.floats(0.15, 0.6)] * 3)


@settings(max_examples=15, deadline=None)
@given(ANGLES, ANGLES, ANGLES, st.floats(0.5, 2.5), st.floats(0.2, 3.0))
def test_depth_of_the_ground_under_a_turned_camera(
    yaw: float, pitch: float, roll: float, focal_share: float, height: float
) -> None:
    camera = Camera((0.3, -height, -1.0), yaw, pitch, roll, focal_share, 3 / 2)
    _, inverse, _ = expose(World([GROUND], camera, SKY), 0, WIDTH)
    down = rays(camera)[..., 1]
    # Within a pixel of the horizon the ground may cover less than half.
    clear = np.abs(down) > 1.5 / (WIDTH * focal_share) + height / 400
    assert_allclose(inverse[clear], np.maximum(down[clear] / height, 0), rtol=1e-5)


@pytest.mark.parametrize("kind", [Kind.BOX, Kind.ELLIPSOID, Kind.CYLINDER])
@settings(max_examples=10, deadline=None)
@given(half=HALVES, turn=TURNS)
def test_depth_of_a_turned_shape_is_its_first_surface(kind: Kind, half: Point, turn: Point) -> None:
    shape = Shape(kind, half, (0.1, -0.2, 2.5), turn, surface=GREY)
    _, inverse, _ = expose(World([shape], LEVEL), 0, WIDTH)
    check_first_surface(shape, inverse)


@settings(max_examples=6, deadline=None)
@given(
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.5),
    st.tuples(*[st.floats(-0.6, 0.6)] * 3),
)
def test_depth_of_a_limb_is_its_first_surface(thick: float, thin: float, end: Point) -> None:
    tip = (end[0], end[1], end[2] + 2.5)
    shape = Shape(Kind.CONE, (thick, thin, 0.0), start=(0.0, 0.1, 2.4), end=tip, surface=GREY)
    _, inverse, _ = expose(World([shape], LEVEL), 0, WIDTH)
    check_first_surface(shape, inverse)


def check_first_surface(shape: Shape, inverse: NDArray[np.float32]) -> None:
    """Where the shape is seen the point lies on it and none before does; elsewhere no point of
    the ray is in it. Pixels on the outline, and the picture's border, are not asked."""
    direction = rays(LEVEL)
    seen = inverse > 0
    assert seen.any()
    rim = np.ones_like(seen)
    rim[1:-1, 1:-1] = [
        [0 < seen[r - 1 : r + 2, c - 1 : c + 2].sum() < 9 for c in range(1, WIDTH - 1)]
        for r in range(1, len(seen) - 1)
    ]
    inner = seen & ~rim
    points = (direction[inner] / inverse[inner][:, None])[::7]
    assert_allclose(outside(shape, points), 0, atol=2e-5)
    for share in np.linspace(0.05, 0.98, 7):
        assert (outside(shape, share * points) > 0).all()
    for depth in np.linspace(1, 4, 13):
        assert (outside(shape, depth * direction[~seen & ~rim][::29]) > 0).all()


def test_a_room_is_seen_from_within() -> None:
    room = Shape(Kind.ROOM, (2.0, 1.5, 3.0), surface=GREY)
    _, inverse, _ = expose(World([room], LEVEL), 0, WIDTH)
    scale = np.abs(rays(LEVEL)) / np.array([2.0, 1.5, 3.0])
    inner = (slice(1, -1), slice(1, -1))
    assert_allclose(inverse[inner], scale.max(-1)[inner], rtol=0.03)
    assert np.median(np.abs(inverse - scale.max(-1))) < 1e-6


@pytest.mark.parametrize(
    ("camera", "row", "col"),
    [
        (replace(LEVEL, yaw_rad=0.2), 24, 32 - 64 * math.tan(0.2)),
        (replace(LEVEL, pitch_rad=0.2), 24 - 64 * math.tan(0.2), 32),
        (replace(LEVEL, roll_rad=0.2), 24, 32),
    ],
)
def test_turning_the_camera_moves_what_is_ahead(camera: Camera, row: float, col: float) -> None:
    """To the right: the thing goes left. Down: it goes up. Rolled: it stays."""
    ball = Shape(Kind.ELLIPSOID, (0.1, 0.1, 0.1), (0, 0, 2), surface=GREY, subject=True)
    _, _, matte = expose(World([ball], camera), 0, WIDTH)
    y, x = np.nonzero(matte > 127)
    assert_allclose([y.mean() + 0.5, x.mean() + 0.5], [row, col], atol=0.5)


def test_roll_turns_the_picture_against_the_camera() -> None:
    ball = Shape(Kind.ELLIPSOID, (0.1, 0.1, 0.1), (0.6, 0, 2), surface=GREY, subject=True)
    _, _, matte = expose(World([ball], replace(LEVEL, roll_rad=math.pi / 6)), 0, WIDTH)
    y, x = np.nonzero(matte > 127)
    turned = about(2, -math.pi / 6) @ [0.6, 0, 2]
    expected = np.array([24, 32]) + 32 * turned[[1, 0]]
    assert_allclose([y.mean() + 0.5, x.mean() + 0.5], expected, atol=0.5)


def test_the_matte_counts_what_a_ball_covers() -> None:
    ball = Shape(Kind.ELLIPSOID, (0.5, 0.5, 0.5), (0, 0, 2), surface=GREY, subject=True)
    _, _, matte = expose(World([ball], LEVEL), 0, WIDTH)
    radius_px = WIDTH * math.tan(math.asin(0.25))
    assert_allclose(matte.sum() / 255, math.pi * radius_px**2, rtol=0.01)


def test_a_wire_narrower_than_a_pixel_shows_by_its_cover_and_not_in_depth() -> None:
    wall = Shape(Kind.CARD, (9.0, 9.0, 0.0), (0, 0, 4), surface=GREY)
    radius = 0.15 * 2 / WIDTH
    wire = Shape(
        Kind.CONE, (radius, radius, 0), start=(-0.43, -2, 2), end=(0.5, 2, 2), surface=GREY,
        subject=True,
    )  # fmt: skip
    _, inverse, matte = expose(World([wall, wire], LEVEL), 0, WIDTH)
    across_px = 0.3 * math.hypot(0.93 / 4, 1)
    assert_allclose(matte.sum(1).mean() / 255, across_px, rtol=0.15)
    # Here and there half of a pixel's eight samples meet it all the same.
    assert (np.abs(inverse - 0.25) > 1e-5).mean() < 0.005
    assert (matte > 0).mean() > 0.015


def test_a_bar_wider_than_a_pixel_keeps_its_depth() -> None:
    wall = Shape(Kind.CARD, (9.0, 9.0, 0.0), (0, 0, 4), surface=GREY)
    bar = Shape(Kind.BOX, (1.5 * 2 / WIDTH, 3, 0.001), (0, 0, 2.001), surface=GREY)
    _, inverse, _ = expose(World([wall, bar], LEVEL), 0, WIDTH)
    assert_allclose(inverse[:, 31:33], 0.5, rtol=1e-5)
    assert_allclose(inverse[:, :29], 0.25, rtol=1e-5)


@pytest.mark.parametrize("cutout", [Cutout.LEAF, Cutout.FENCE, Cutout.GRASS, Cutout.DISC])
def test_a_cut_card_has_holes(cutout: Cutout) -> None:
    wall = Shape(Kind.CARD, (9.0, 9.0, 0.0), (0, 0, 4), surface=GREY)
    leaves = replace(GREY, scale_m=0.3)
    card = Shape(Kind.CARD, (0.8, 0.6, 0), (0, 0, 2), surface=leaves, cutout=cutout, subject=True)
    _, inverse, matte = expose(World([wall, card], LEVEL), 0, WIDTH)
    within = (slice(6, 42), slice(8, 56))
    share = (matte[within] / 255).mean()
    assert 0.1 < share < 0.9
    if cutout == Cutout.DISC:
        assert_allclose((matte / 255).sum(), math.pi * 0.8 * 0.6 * 32**2, rtol=0.02)
    depths = np.unique(np.round(inverse, 5))
    assert_allclose(depths, [0.25, 0.5], rtol=1e-4)


def scattered(rng: np.random.Generator, count: int) -> World:
    """Shapes of all kinds at random, with two lamps."""
    shapes = [
        Shape(
            Kind(int(rng.integers(5))),
            tuple(rng.uniform(0.02, 0.3, 3)),
            tuple(centre),
            tuple(rng.uniform(-3, 3, 3)),
            start=tuple(rng.normal(0, 0.3, 3)),
            end=tuple(rng.normal(0, 0.3, 3)),
            surface=Surface(
                tuple(rng.uniform(0.1, 0.9, 3)),
                tuple(rng.uniform(0.1, 0.9, 3)),
                Texture(int(rng.integers(13))),
                0.05,
                gloss=float(rng.uniform()),
            ),
            cutout=Cutout(int(rng.integers(5))),
            subject=bool(rng.integers(2)),
        )
        for centre in rng.uniform((-1.2, -1, 1.5), (1.2, 1, 5), (count, 3))
    ]
    lamps = [Lamp((0.5, -2.0, 1.0), 0.1, (3.0, 3.0, 2.0)), Lamp((-1.0, -1.0, 0.0), 0.2, (2.0,) * 3)]
    room = Shape(Kind.ROOM, (3.0, 3.0, 6.0), surface=GREY)
    return World([*shapes, room], LEVEL, None, lamps)


def test_the_tree_finds_what_asking_every_shape_finds() -> None:
    world = scattered(np.random.default_rng(5), 80)
    by_tree, by_all = expose(world, 1, WIDTH), expose(world, 1, WIDTH, leaf=1000)
    assert_array_equal(by_tree[1], by_all[1])
    assert_array_equal(by_tree[2], by_all[2])
    assert_allclose(by_tree[0], by_all[0], rtol=1e-4)


def test_the_sky_is_infinitely_far() -> None:
    world = World([GROUND], Camera((0, -1.5, 0)), SKY)
    _, inverse, matte = expose(world, 0, WIDTH)
    assert_array_equal(inverse[:23], 0)
    assert (inverse[26:] > 0).all()
    assert_array_equal(matte, 0)


def test_the_sun_casts_a_shadow_where_it_has_to() -> None:
    """A ball above the ground, the sun at 45 degrees from the left: the shadow lies as far to
    the right of the ball's foot as the ball is high."""
    sun = Sky((-math.sqrt(0.5), -math.sqrt(0.5), 0.0), (3, 3, 3), (0.1,) * 3, (0.1,) * 3)
    camera = Camera((1.0, -6.0, 4.0), pitch_rad=math.pi / 2)
    ball = Shape(Kind.ELLIPSOID, (0.3, 0.3, 0.3), (0, -1, 4), surface=GREY)
    with_ball, inverse, _ = expose(World([GROUND, ball], camera, sun), 0, WIDTH)
    without, _, _ = expose(World([GROUND], camera, sun), 0, WIDTH)
    points = rays(camera) / inverse[..., None] + np.array(camera.eye)
    on_ground = np.abs(points[..., 1]) < 1e-3
    # The shadow of a ball of radius r under a sun at 45 degrees is r wide and r sqrt 2 long.
    x, z = points[..., 0] - 1.0, points[..., 2] - 4.0
    far = np.hypot(x / math.sqrt(2), z)
    ratio = with_ball.mean(2) / without.mean(2)
    assert ratio[on_ground & (far < 0.24)].max() < 0.3
    assert ratio[on_ground & (far > 0.6)].min() > 0.75


def test_light_falls_with_the_square_of_the_distance() -> None:
    wall = Shape(Kind.CARD, (9.0, 9.0, 0.0), (0, 0, 4), surface=GREY)
    bright = []
    for away in (1.0, 2.0):
        lamp = Lamp((0.0, 0.0, 4.0 - away), 0.01, (1.0, 1.0, 1.0))
        light, _, _ = expose(World([wall], LEVEL, None, [lamp], (0.0, 0.0, 0.0)), 0, WIDTH)
        bright.append(light[23:25, 31:33].mean())
    assert_allclose(bright, [0.5, 0.125], rtol=0.12)


def test_a_wall_hides_a_lamp_and_a_glowing_shade_does_not() -> None:
    wall = Shape(Kind.CARD, (9.0, 9.0, 0.0), (0, 0, 4), surface=GREY)
    lamp = Lamp((0.0, -1.5, 2.0), 0.05, (4.0, 4.0, 4.0))
    shade = Shape(Kind.ELLIPSOID, (0.2, 0.2, 0.2), lamp.centre, surface=GREY)
    bright = []
    for glow in (0.0, 1e-9):
        shown = replace(shade, surface=replace(GREY, glow=glow))
        light, _, _ = expose(World([wall, shown], LEVEL, None, [lamp], (0.0,) * 3), 0, WIDTH)
        bright.append(light[24:].mean())
    assert bright[0] < 1e-3
    assert bright[1] > 0.1


def test_corners_are_darker_than_walls() -> None:
    room = Shape(Kind.ROOM, (2.0, 1.5, 3.0), surface=GREY)
    light, inverse, _ = expose(World([room], LEVEL, ambient=(1.0, 1.0, 1.0)), 0, 256)
    assert light.max() < 1.0
    back = inverse < 1 / 2.99
    row = light.mean(2)[96]
    edge = np.nonzero(back[96])[0][0]
    assert row[edge : edge + 4].mean() < 0.92 * row[120:136].mean()


def test_open_light_gives_back_the_albedo() -> None:
    ball = Shape(Kind.ELLIPSOID, (0.5, 0.5, 0.5), (0, 0, 2), surface=GREY, subject=True)
    light, _, matte = expose(World([ball], LEVEL, ambient=(1.0, 0.5, 0.25)), 0, WIDTH)
    mean = light[matte == 255].mean(0)
    assert_allclose(mean, 0.5 * np.array([1.0, 0.5, 0.25]), rtol=0.08)


def test_fog_hides_the_far_behind_the_horizon() -> None:
    sky = replace(SKY, fog_per_m=0.5, sun_colour=(0.0, 0.0, 0.0))
    light, inverse, _ = expose(World([GROUND], Camera((0, -1.5, 0)), sky), 0, WIDTH)
    far = (inverse > 0) & (inverse < 1 / 30)
    assert far.any()
    assert_allclose(light[far], np.broadcast_to(sky.horizon, light[far].shape), rtol=0.01)


def pictures(seed: int, world_seed: int = 3) -> Rendered:
    return render(scattered(np.random.default_rng(world_seed), 20), seed, WIDTH)


def test_the_same_seed_gives_the_same_picture() -> None:
    one, two = pictures(7), pictures(7)
    for a, b in ((one.rgb, two.rgb), (one.inverse, two.inverse), (one.matte, two.matte)):
        assert_array_equal(a, b)
    assert (pictures(8).rgb != one.rgb).any()
    assert_array_equal(pictures(8).inverse[2:-2, 2:-2] > 0, one.inverse[2:-2, 2:-2] > 0)


def test_a_picture_has_the_shape_and_brightness_of_a_photo() -> None:
    shot = pictures(7)
    assert shot.rgb.shape == (48, 64, 3)
    assert shot.rgb.dtype == np.uint8
    assert shot.inverse.dtype == np.float32
    assert shot.matte.dtype == np.uint8
    assert shot.focal_share == 1.0
    assert 60 < np.median(shot.rgb) < 200


@pytest.mark.parametrize(
    ("world", "width", "words"),
    [
        (World([], LEVEL), 64, "no shapes"),
        (World([replace(GROUND, half=(1.0, -1.0, 1.0))], LEVEL), 64, "BOX.*-1.0"),
        (World([replace(GROUND, centre=(math.nan, 0.0, 0.0))], LEVEL), 64, "finite"),
        (World([GROUND], LEVEL), 4, "width=4"),
    ],
)
def test_a_world_that_cannot_be_cast_is_refused_in_one_line(
    world: World, width: int, words: str
) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        render(world, 0, width)
    assert "\n" not in str(caught.value)
