"""New views against geometry that is known."""

from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.geometry.new_view import Views, new_view
from depthfx.geometry.pose import Pose
from depthfx.geometry.sheets import Sheet, Sheets, sheets_of
from depthfx.inpaint.pushpull import push_pull

HEIGHT, WIDTH, FOCAL = 60, 80, 100.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL)


def smooth(pixels, hole, source=None, *, inverse=None, progress=None):
    known = ~hole if source is None else source
    return np.where(hole[..., None], push_pull(pixels, known.astype(np.float32)), pixels)


def made(pixels, inverse, reach_px=12.0, margin_px=0) -> Sheets:
    depth = Depth(np.asarray(inverse, np.float32), True, "test")
    return sheets_of(
        np.asarray(pixels, np.float32),
        depth,
        CAMERA,
        reach_px=reach_px,
        margin_px=margin_px,
        paint=smooth,
    )


def noise(seed=0):
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, 3), np.float32)


def square():
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[20:40, 30:50] = 0.75
    return inverse


def waves(x, y):
    """A texture that is known between pixels, too."""
    return np.stack(
        [
            0.5 + 0.3 * np.sin(0.5 * x),
            0.5 + 0.3 * np.cos(0.4 * y),
            0.5 + 0.2 * np.sin(0.3 * (x + y)),
        ],
        axis=-1,
    )


@settings(max_examples=20)
@given(st.integers(0, 99), st.sampled_from([0, 7]))
def test_from_where_it_was_taken_it_is_the_photo(seed, margin):
    rng = np.random.default_rng(seed)
    inverse = np.where(rng.random((HEIGHT, WIDTH)) < 0.05, 1.0, square())
    view = new_view(made(noise(seed), inverse, margin_px=margin), Pose())
    np.testing.assert_allclose(view.pixels, noise(seed), atol=1e-3)
    assert view.inverse.min() >= 0.24


@pytest.mark.parametrize("shift", [-6, 3])
def test_things_shift_by_their_disparity(shift):
    """By a whole number of pixels: near ones by three times as many, exactly."""
    pixels = noise()
    step = shift / (FOCAL * 0.25)
    view = new_view(made(pixels, square(), 40.0), Pose(position=(-step, 0.0, 0.0)))
    near = slice(32 + 3 * shift, 48 + 3 * shift)
    np.testing.assert_allclose(view.pixels[22:38, near], pixels[22:38, 32:48], atol=1e-4)
    left, right = max(0, shift) + 8, WIDTH + min(0, shift) - 8
    np.testing.assert_allclose(
        view.pixels[:14, left:right], pixels[:14, left - shift : right - shift], atol=1e-4
    )
    np.testing.assert_allclose(view.inverse[22:38, near], 0.75, rtol=1e-5)


def test_no_hole_and_no_rubber_between_near_and_far():
    """A red square before blue: only red and blue are seen, mixed in its outline only."""
    inverse = square()
    pixels = np.where(inverse[..., None] > 0.5, [0.8, 0.1, 0.1], [0.1, 0.1, 0.8])
    view = new_view(made(pixels, inverse, 20.0), Pose(position=(0.3, 0.1, 0.0)))
    red = (view.pixels[..., 0] - 0.1) / 0.7
    assert red.min() > -1e-3
    assert red.max() < 1.001
    # Its area is kept, and no more than the two pixels of an outline are neither.
    np.testing.assert_allclose(red.sum(), 400, rtol=0.02)
    assert ((red > 0.02) & (red < 0.98)).sum() <= 2 * 4 * 22
    np.testing.assert_allclose(view.pixels[..., 1], 0.1, atol=1e-4)
    assert view.seen.min() < 0.01  # what was hidden is said to be painted


@pytest.mark.parametrize("slope", [0.0, 0.004])
def test_a_slanted_plane_is_seen_where_geometry_says(slope):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inverse = 0.3 + slope * x
    pose = Pose(position=(0.11, -0.07, 0.2), target=(0.1, 0.0, 3.0), roll_deg=4.0, zoom=1.1)
    view = new_view(made(waves(x, y), inverse, 12.0), pose)
    # Rays of the new view meet w = 0.3 + slope u: solve H (u, v, 1) = (x, y, 1) of the plane.
    matrix = pose.matrix(CAMERA)
    h = matrix[:, :3] + np.outer(matrix[:, 3], [slope, 0, 0.3])
    u, v, q = np.einsum("ij,jhw->ihw", np.linalg.inv(h), np.stack([x, y, np.ones_like(x)]))
    u, v = u / q, v / q
    inside = (u > 3) & (u < WIDTH - 3) & (v > 3) & (v < HEIGHT - 3)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(view.pixels[inside], waves(u, v)[inside], atol=4e-3)
    points = np.stack([(u - 40) / FOCAL, (v - 30) / FOCAL, np.ones_like(u)], -1)
    points /= (0.3 + slope * u)[..., None]
    np.testing.assert_allclose(view.inverse[inside], (1 / pose.seen(points)[..., 2])[inside], 1e-3)


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_the_output_has_the_size_and_field_of_its_camera(size):
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    out = CAMERA.resized(round(WIDTH * size), round(HEIGHT * size))
    view = new_view(made(waves(x, y), np.full((HEIGHT, WIDTH), 0.5)), Pose(), out)
    y, x = (np.mgrid[: out.height, : out.width] + 0.5) / size
    inside = np.s_[6:-6, 6:-6]
    assert view.pixels.shape == (out.height, out.width, 3)
    np.testing.assert_allclose(view.pixels[inside], waves(x, y)[inside], atol=4e-3)


def test_it_is_the_same_with_one_thread_as_with_many():
    views = Views.of(made(noise(), square(), margin_px=4))
    pose = Pose(position=(0.1, 0.05, 0.1), target=(0.0, 0.0, 3.0))
    before = numba.get_num_threads()
    many = views.at(pose)
    try:
        numba.set_num_threads(1)
        one = views.at(pose)
    finally:
        numba.set_num_threads(before)
    for a, b in ((one.pixels, many.pixels), (one.inverse, many.inverse), (one.seen, many.seen)):
        np.testing.assert_array_equal(a, b)


def test_flat_tiles_and_quads_draw_the_same():
    """A plane in tiles, and the same plane rippled by a tenth of a pixel's shift, in quads."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inverse = (0.3 + 0.002 * x).astype(np.float32)
    ones = np.ones_like(inverse)
    pixels = waves(x, y).astype(np.float32)
    sheets = Sheets((Sheet(pixels, ones, inverse),), CAMERA, 0, px_per_inverse=50.0)
    tiles = Views.of(sheets)
    assert len(tiles.facets.tiles) > 60
    ripple = np.float32(0.2 / 50) * ((np.arange(WIDTH) + np.arange(HEIGHT)[:, None]) % 2)
    quads = Views.of(replace(sheets, sheets=(Sheet(pixels, ones, inverse + ripple - 0.002),)))
    assert len(quads.facets.tiles) == 0
    pose = Pose(position=(0.2, 0.1, 0.0))
    inside = np.s_[10:-10, 10:-10]
    np.testing.assert_allclose(
        tiles.at(pose).pixels[inside], quads.at(pose).pixels[inside], atol=0.03
    )


def test_a_camera_that_passes_things_sees_what_is_before_it():
    view = new_view(made(noise(), square()), Pose(position=(0.0, 0.0, 2.0)))
    assert np.isfinite(view.pixels).all()
    np.testing.assert_allclose(view.inverse[30, 40], 0.5, rtol=1e-4)  # the wall, at 4 m


def test_the_sky_does_not_move():
    pixels, inverse = noise(), square()
    inverse[inverse < 0.5] = 0.0
    view = new_view(made(pixels, inverse), Pose(position=(0.1, 0.0, 0.0)))
    np.testing.assert_allclose(view.pixels[:14], pixels[:14], atol=1e-4)
    assert (view.inverse[:14] == 0).all()
