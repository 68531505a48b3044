"""A scene of known things as triangles: where they are, and that nothing hangs between them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.geometry.mesh import _pieces, _sample, mesh_of
from depthfx.geometry.normals import normals_of
from depthfx.geometry.unproject import project

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL, cx=170.0, cy=110.0)
NEAR, FAR, RADIUS = 1 / 2, 1 / 4, 70.0


def pixel_centres(camera=CAMERA):
    y, x = np.mgrid[: camera.height, : camera.width] + 0.5
    return x, y


def meshed(inverse, camera=CAMERA, faces=200_000, there=None):
    inverse = inverse.astype(np.float32)
    there = np.ones(inverse.shape, bool) if there is None else there
    facing = np.zeros((*inverse.shape, 3), np.float32)
    facing[..., 2] = -1
    return mesh_of(inverse, camera, facing, there=there, faces=faces)


def disc_before_wall():
    x, y = pixel_centres()
    return np.where(np.hypot(x - 150, y - 120) < RADIUS, NEAR, FAR)


def areas(mesh):
    """Of each triangle in the picture, above 0 if counter-clockwise as seen."""
    a, b, c = (mesh.places[mesh.faces[:, k]] for k in range(3))
    b, c = b - a, c - a
    return (b[:, 1] * c[:, 0] - b[:, 0] * c[:, 1]) / 2


def sphere(camera, centre, radius, wall):
    """Inverse depth of a ball before a wall at z = `wall`."""
    x, y = pixel_centres(camera)
    ray = np.stack([(x - camera.cx) / camera.focal_px, (y - camera.cy) / camera.focal_px], -1)
    ray = np.concatenate([ray, np.ones_like(x)[..., None]], -1)
    a, b = (ray**2).sum(-1), ray @ centre
    root = b**2 - a * (centre @ centre - radius**2)
    z = (b - np.sqrt(np.maximum(root, 0))) / a
    return np.where(root > 0, 1 / z, 1 / wall)


def test_the_camera_sees_no_gap_and_no_overlap():
    mesh = meshed(disc_before_wall())
    assert (areas(mesh) > 0).all()
    assert areas(mesh).sum() == pytest.approx((WIDTH - 1) * (HEIGHT - 1), rel=1e-9)


def test_no_triangle_joins_near_and_far():
    mesh = meshed(disc_before_wall())
    depths = mesh.inverse[mesh.faces]
    assert (np.ptp(depths, axis=1) == 0).all()
    assert set(np.unique(mesh.inverse)) == {NEAR, FAR}


def test_outlines_follow_the_true_one():
    """The disc is cut from pixels; its outline is none the rougher than within half a pixel."""
    mesh = meshed(disc_before_wall())
    radii = np.hypot(mesh.places[:, 0] - 150, mesh.places[:, 1] - 120)
    sides = np.sort(np.concatenate([mesh.faces[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    keys, number = np.unique(sides, axis=0, return_counts=True)
    rim = np.unique(keys[number == 1])
    outline = rim[mesh.inverse[rim] == NEAR]
    assert len(outline) > 300
    np.testing.assert_allclose(radii[outline], RADIUS, atol=0.6)
    assert np.std(radii[outline]) < 0.22


def test_what_a_coarse_mesh_smooths_away_is_told():
    """A corrugated wall, finer than the grid: every pixel counts, not the crossings alone."""
    x = np.tile(np.arange(CAMERA.width), (CAMERA.height, 1))
    inverse = (0.5 * (1 + 0.01 * np.sin(2 * np.pi * x / 6))).astype(np.float32)
    coarse, fine = (meshed(inverse, faces=faces) for faces in (100, 10**6))
    assert fine.most < 0.003
    assert 0.004 < coarse.mean < 0.012
    assert 0.01 < coarse.most < 0.021


def test_a_ball_is_a_ball():
    centre, radius = np.array([0.2, -0.1, 3.0]), 0.8
    mesh = meshed(sphere(CAMERA, centre, radius, wall=6.0))
    ball = np.abs(mesh.points[:, 2] - 6.0) > 0.5
    off = np.linalg.norm(mesh.points[ball] - centre, axis=1)
    error = np.abs(off / radius - 1)
    assert error.mean() < 1e-3
    # The outline goes half a pixel beyond the last one, where the ball has turned away.
    assert np.percentile(error, 90) < 0.005
    assert error.max() < 0.03


def test_a_slanted_plane_takes_few_triangles_and_is_exact():
    x, y = pixel_centres()
    normal = np.array([0.3, -0.5, 1.0])
    inverse = (normal[0] * (x - 170) / FOCAL + normal[1] * (y - 110) / FOCAL + normal[2]) / 3
    mesh = meshed(inverse)
    assert len(mesh.faces) < 100
    np.testing.assert_allclose(mesh.points @ normal, 3.0, rtol=1e-5)
    corners = project(mesh.points, CAMERA)
    np.testing.assert_allclose(corners.min(0), 0.5, atol=1e-6)
    np.testing.assert_allclose(corners.max(0), [WIDTH - 0.5, HEIGHT - 0.5], atol=1e-6)


def test_points_lie_where_their_texture_is():
    mesh = meshed(disc_before_wall())
    seen = project(mesh.points, CAMERA)
    np.testing.assert_allclose(mesh.texture_places * [WIDTH, HEIGHT], seen, atol=1e-6)


def test_normals_face_the_camera():
    inverse = sphere(CAMERA, np.array([0.2, -0.1, 3.0]), 0.8, wall=6.0).astype(np.float32)
    there = np.ones(inverse.shape, bool)
    mesh = mesh_of(inverse, CAMERA, normals_of(inverse, CAMERA), there=there, faces=200_000)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
    assert ((mesh.normals * mesh.points).sum(1) <= 1e-3).all()


def test_sky_and_cut_outs_are_holes_with_the_same_outline():
    x, y = pixel_centres()
    inverse = np.full((HEIGHT, WIDTH), 0.5)
    hole = np.hypot(x - 150, y - 120) < RADIUS
    by_sky, by_mask = meshed(np.where(hole, 0, inverse)), meshed(inverse, there=~hole)
    np.testing.assert_array_equal(by_sky.faces, by_mask.faces)
    np.testing.assert_array_equal(by_sky.places, by_mask.places)
    filled = (WIDTH - 1) * (HEIGHT - 1) - np.pi * RADIUS**2
    assert areas(by_sky).sum() == pytest.approx(filled, rel=2e-3)


def test_specks_and_threads_are_left_out():
    inverse = np.full((HEIGHT, WIDTH), 0.25)
    inverse[50, 50] = 1.0
    inverse[120:122, 20:50] = 1.0
    mesh = meshed(inverse)
    assert set(np.unique(mesh.inverse)) == {0.25}
    assert mesh.islands == 2


@pytest.mark.parametrize("count", [100, 1000, 20_000])
def test_not_many_more_triangles_than_asked(count):
    mesh = meshed(disc_before_wall(), faces=count)
    assert 0 < len(mesh.faces) <= count
    assert (areas(mesh) > 0).all()


def test_pictures_too_narrow_have_no_surface():
    for width, height in ((1, 40), (40, 1), (1, 1)):
        assert not len(meshed(np.ones((height, width)), Camera(width, height, 50.0)).faces)
    assert len(meshed(np.ones((2, 2)), Camera(2, 2, 5.0)).faces) == 2


def test_nothing_but_sky_is_nothing():
    assert not len(meshed(np.zeros((HEIGHT, WIDTH))).faces)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 40))
def test_whatever_the_depth_every_triangle_is_sound(seed, width, height):
    rng = np.random.default_rng(seed)
    inverse = rng.choice([0, 1e-6, 0.1, 0.104, 0.5, 1e4], (height, width))
    mesh = meshed(inverse, Camera(width, height, 30.0), faces=3000)
    assert np.isfinite(mesh.points).all()
    assert (areas(mesh) >= 0).all()
    assert (mesh.faces < len(mesh.inverse)).all()
    assert (mesh.inverse > 0).all()


def test_the_same_again():
    one, two = meshed(disc_before_wall(), faces=5000), meshed(disc_before_wall(), faces=5000)
    np.testing.assert_array_equal(one.faces, two.faces)
    np.testing.assert_array_equal(one.places, two.places)


def test_between_pixels_of_one_surface_depth_is_bilinear_else_the_nearest():
    rng = np.random.default_rng(4)
    inverse = rng.choice([0.5, 0.505, 0.51, 1.0], (20, 30), p=[0.3, 0.3, 0.3, 0.1])
    inverse = inverse.astype(np.float32)
    rows, columns = np.linspace(0, 19, 47), np.linspace(0, 29, 61)
    found = np.empty((47, 61), np.float32)
    _sample(inverse, rows, columns, np.float32(0.04), found)
    y, x = np.minimum(rows.astype(int), 18)[:, None], np.minimum(columns.astype(int), 28)
    t, s = rows[:, None] - y, columns - x
    four = np.stack([inverse[y, x], inverse[y, x + 1], inverse[y + 1, x], inverse[y + 1, x + 1]])
    shares = np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t])
    mean = (four * shares).sum(0)
    nearest = inverse[y + (t >= 0.5), x + (s >= 0.5)]
    same = np.ptp(four, axis=0) <= 0.04 * four.max(0)
    np.testing.assert_allclose(found, np.where(same, mean, nearest), rtol=1e-6)


def test_pieces_are_those_found_by_walking():
    rng = np.random.default_rng(2)
    faces = rng.integers(0, 60, (25, 3)).astype(np.int32)
    piece = np.empty(60, np.int32)
    _pieces(faces, piece)
    near = np.eye(60, dtype=bool)
    for face in faces:
        near[np.ix_(face, face)] = True
    for _ in range(6):
        near = near @ near
    np.testing.assert_array_equal(piece[:, None] == piece, near)
