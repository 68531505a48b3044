"""A subject as round as its outline; calm backgrounds; outlines between two lights."""

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.normals import normals_of
from depthfx.light.backdrop import gain, in_grey, with_background
from depthfx.light.outline import with_outline
from depthfx.light.rounding import membrane, rounded
from depthfx.light.settling import settled

SIZE, RADIUS = 160, 60
X, Y = np.arange(SIZE) + 0.5 - SIZE / 2, np.arange(SIZE)[:, None] + 0.5 - SIZE / 2
DISC = (np.hypot(X, Y) < RADIUS).astype(np.float32)


def facing(shape=(SIZE, SIZE)):
    normals = np.zeros((*shape, 3), np.float32)
    normals[..., 2] = -1
    return normals


def angle_deg(a, b):
    return np.degrees(np.arccos(np.clip((a * b).sum(-1), -1, 1)))


def test_a_disc_becomes_a_ball():
    z = np.sqrt(np.maximum(RADIUS**2 - X**2 - Y**2, 0))
    ball = np.dstack([np.broadcast_to(X, z.shape), np.broadcast_to(Y, z.shape), -z]) / RADIUS
    inner = np.hypot(X, Y) < 0.9 * RADIUS
    assert angle_deg(rounded(facing(), DISC, 1.0), ball)[inner].max() < 6


def test_the_membrane_over_a_disc_is_the_paraboloid():
    lift = membrane(DISC > 0.5)
    inner = np.hypot(X, Y) < 0.95 * RADIUS
    expected = RADIUS**2 - X**2 - Y**2
    assert np.abs(lift - expected)[inner].max() < 0.1 * RADIUS**2


def test_none_of_it_is_the_same_array():
    normals = facing()
    assert rounded(normals, DISC, 0.0) is normals
    assert rounded(normals, np.zeros_like(DISC), 1.0) is normals


def test_what_the_frame_cuts_off_is_not_rounded_there():
    """A column that leaves the frame above and below turns to its sides alone."""
    column = np.broadcast_to((np.abs(X) < 40).astype(np.float32), (SIZE, SIZE)).copy()
    out = rounded(facing(), column, 1.0)
    assert np.abs(out[..., 1]).max() < 0.05
    assert out[0, 50, 0] < -0.3 < 0.3 < out[0, 110, 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 5), (40, 300)])
def test_any_size_gives_unit_normals_towards_the_camera(shape):
    matte = np.ones(shape, np.float32)
    matte[:, shape[1] // 2 :] = 0.3
    for out in (rounded(facing(shape), matte, 1.0), settled(facing(shape), matte, matte)[0]):
        np.testing.assert_allclose((out**2).sum(-1), 1, atol=1e-5)
        assert out[..., 2].max() < 0


def test_walls_and_floors_keep_their_normals():
    normals = facing()
    normals[100:] = (0, -1, 0)
    flat = np.ones((SIZE, SIZE), np.float32)
    out, depth = settled(normals, flat, np.zeros((SIZE, SIZE), np.float32))
    np.testing.assert_allclose(depth, flat, rtol=1e-5)
    away = np.ones(SIZE, bool)
    away[80:120] = False
    assert angle_deg(out, normals)[away].max() < 4


def test_wild_normals_become_calm_outside_the_subject_alone():
    random = np.random.default_rng(3)
    wild = random.normal(size=(SIZE, SIZE, 3)).astype(np.float32) * (1, 1, 0.3)
    wild[..., 2] = -np.abs(wild[..., 2])
    wild /= np.linalg.norm(wild, axis=-1, keepdims=True)
    wild = wild.astype(np.float32)
    rough = np.exp(random.normal(size=(SIZE, SIZE)) * 0.2).astype(np.float32)
    out, depth = settled(wild, rough, DISC)
    assert np.log(depth)[DISC == 0].std() < 0.05
    np.testing.assert_array_equal(depth[DISC == 1], rough[DISC == 1])
    assert angle_deg(out, facing())[DISC == 0].mean() < 20
    np.testing.assert_allclose(out[DISC == 1], wild[DISC == 1], atol=1e-6)


def soft_disc():
    return np.clip((RADIUS + 4 - np.hypot(X, Y)) / 8, 0, 1).astype(np.float32)


def test_each_side_of_the_outline_gets_its_own_light():
    """A dark subject before a bright wall, in a light that only the wall gets."""
    alpha = soft_disc()[..., None]
    subject, wall = np.float32(0.1), np.float32(0.5)
    before = np.repeat(alpha * subject + (1 - alpha) * wall, 3, 2)
    # Depth has the outline 4 px farther in, and no pixel of both.
    hard = (np.hypot(X, Y) < RADIUS - 4)[..., None]
    lit = np.where(hard, before, before * 2).astype(np.float32)
    with_outline(lit, before, alpha[..., 0])
    truth = np.repeat(alpha * subject + (1 - alpha) * wall * 2, 3, 2)
    assert np.abs(lit - truth).max() < 0.06


def test_a_change_that_is_the_same_everywhere_stays_that():
    random = np.random.default_rng(5)
    before = random.random((SIZE, SIZE, 3), np.float32)
    lit = before * np.float32(1.7)
    with_outline(lit, before, soft_disc())
    np.testing.assert_allclose(lit, before * np.float32(1.7), rtol=0.05, atol=1e-3)


def test_a_background_that_is_kept_is_the_same_array():
    pixels = np.ones((SIZE, SIZE, 3), np.float32)
    assert with_background(pixels, DISC, DISC, 1.0, 1.0) is pixels


@pytest.mark.parametrize("keep", [0.0, 0.25])
def test_the_background_goes_dark_and_the_subject_does_not(keep):
    alpha = soft_disc()
    pixels = (alpha * 0.2 + (1 - alpha) * 0.8)[..., None].repeat(3, 2).astype(np.float32)
    out = with_background(pixels, alpha, alpha, 1.0, keep)
    expected = (alpha * 0.2 + (1 - alpha) * 0.8 * keep)[..., None]
    assert np.abs(out - expected).max() < 0.05


def test_without_a_subject_what_is_far_goes_dark():
    inverse = np.broadcast_to(np.linspace(0, 1, SIZE, dtype=np.float32), (SIZE, SIZE))
    pixels = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    out = with_background(pixels, np.zeros((SIZE, SIZE), np.float32), inverse, 1.0, 0.0)
    assert out[0, 0, 0] == 0
    assert out[0, -1, 0] == pytest.approx(0.5, abs=0.01)


def test_a_face_gets_its_stops_of_added_light_but_no_white():
    before = np.full((20, 20, 3), 0.2, np.float32)
    face = np.ones((20, 20), bool)
    # 0.1 of its own is kept, of the 0.6 that lights give a half makes the 0.4 that is wanted.
    assert gain(before * 3.5, before / 2, before, face, 1.0) == pytest.approx(0.5)
    bright = before * 4
    assert gain(bright, bright / 2, bright, face, 2.0) == pytest.approx(1)
    assert gain(before, before, before, face, 5.0) <= 4
    assert np.isfinite(gain(before * 0, before * 0, before * 0, face, 1.0))


def test_waves_of_a_wall_behind_a_subject_are_made_plane():
    camera = Camera(SIZE, SIZE, 1.2 * SIZE)
    wall = (0.3 + 0.05 * X / SIZE).astype(np.float32) * np.ones_like(DISC)
    wavy = (wall * (1 + 0.03 * np.sin(X / 6) * np.cos(Y / 7))).astype(np.float32)
    inverse = np.where(DISC > 0.5, np.float32(0.8), wavy)
    normals, depth = settled(normals_of(inverse, camera), inverse, DISC, camera)
    truth = normals_of(np.ascontiguousarray(wall), camera)
    outside = np.hypot(X, Y) > RADIUS + 12
    assert angle_deg(normals, truth)[outside].max() < 6
    np.testing.assert_allclose(depth[outside], wall[outside], rtol=0.03)
    np.testing.assert_array_equal(depth[DISC > 0.999], inverse[DISC > 0.999])


def test_grey_keeps_grey():
    pixels = np.full((3, 4, 3), 0.37, np.float32)
    np.testing.assert_allclose(in_grey(pixels), pixels, rtol=1e-6)
