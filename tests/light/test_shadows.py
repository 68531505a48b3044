"""Shadows of things whose shadows are known from geometry."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.errors import ShapeError
from depthfx.light.lights import Light
from depthfx.light.march import march, slopes, tiles
from depthfx.light.shadows import ORDER, disc_points, visible_share
from depthfx.light.smooth import enlarged
from depthfx.light.thickness import DEEPEST, thickness, widths

WIDTH, HEIGHT, FOCAL = 240, 160, 200.0
CAMERA = Camera(WIDTH, HEIGHT, FOCAL)
WHITE = (1.0, 1.0, 1.0)


def rays() -> tuple[np.ndarray, np.ndarray]:
    """x and y of the ray through each pixel's centre, at z = 1."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL
    y = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / FOCAL
    return np.broadcast_to(x, (HEIGHT, WIDTH)), np.broadcast_to(y[:, None], (HEIGHT, WIDTH))


def disc_before_wall(radius: float = 0.1, disc_z: float = 1.5, wall_z: float = 2.0) -> Plane:
    x, y = rays()
    on_disc = np.hypot(x, y) * disc_z < radius
    return np.where(on_disc, 1 / disc_z, 1 / wall_z).astype(np.float32)


def shadow_row(light: Light) -> tuple[np.ndarray, np.ndarray]:
    """x in metres on the wall at y = 0 and what it sees, the disc's own pixels left out."""
    inverse = disc_before_wall()
    seen = visible_share(inverse, CAMERA, light)
    row = HEIGHT // 2
    wall = inverse[row] == np.float32(0.5)
    return rays()[0][row][wall] * 2.0, seen[row][wall]


def test_the_shadow_of_a_disc_is_where_a_straight_line_puts_it():
    """A point at z = 0.5 throws a disc at 1.5 m onto the wall at 2 m, 1.5 times as large."""
    light_x = 0.9
    x, seen = shadow_row(Light((light_x, 0.0, 0.5), WHITE))
    # Through the disc's ends at (+-0.1, 1.5): one and a half times as far from the light.
    left, right = light_x + 1.5 * (-0.1 - light_x), light_x + 1.5 * (0.1 - light_x)
    dark = x[seen < 0.5]
    assert dark.min() == pytest.approx(left, abs=0.02)
    assert dark.max() == pytest.approx(right, abs=0.02)
    # To the right as much more as a disc some 3 cm thick adds.
    assert seen[(x < left - 0.02) | (x > right + 0.2)].min() > 0.9


def test_a_larger_ball_makes_a_softer_edge_at_the_same_place():
    """The penumbra is sqrt(2) 2 r (2 - 1.5) / (1.5 - 0.5) wide, in light that falls at 45 degrees;
    half of the ball is seen at its middle."""
    edge = 0.9 + 1.5 * (-0.1 - 0.9)
    widths = []
    for radius in (0.1, 0.2):
        x, seen = shadow_row(Light((0.9, 0.0, 0.5), WHITE, radius))
        near = np.abs(x - edge) < 0.15
        assert np.interp(0.0, (x - edge)[near], seen[near]) == pytest.approx(0.5, abs=0.15)
        dark, bright = (np.interp(-v, -seen[near], x[near]) for v in (0.1, 0.9))
        widths.append(dark - bright)
    # Of a round ball 80 % of the change takes 69 % of the penumbra.
    assert widths[0] == pytest.approx(0.69 * 2 * 0.1 * 0.5 * np.sqrt(2), rel=0.2)
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.2)


@given(
    st.floats(-2, 2), st.floats(-2, 2), st.floats(-3, 3), st.floats(-3, 3), st.floats(0.05, 3),
    st.floats(0, 0.2),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_a_plane_alone_throws_no_shadow(a, b, light_x, light_y, light_z, radius):
    x, y = rays()
    inverse = np.maximum(0.5 * (1 + a * x + b * y), 0).astype(np.float32)
    # The ball on the camera's side of the plane: its inverse depth is above the plane's there.
    if 0.5 * (light_z + a * light_x + b * light_y) + radius * 2 >= 1:
        light_z = 0.05
        light_x = light_y = 0.0
        radius = 0.0
    seen = visible_share(inverse, CAMERA, Light((light_x, light_y, light_z), WHITE, radius))
    positive = inverse > 1e-3
    assert (seen[positive] > 0.999).all()


def test_a_sphere_on_a_floor_has_its_shadow_beside_it():
    x, y = rays()
    floor_y, middle, radius = 0.5, np.array([0.0, 0.3, 2.0]), 0.2
    inverse = np.maximum(y / floor_y, 0.1)
    d = np.stack([x, y, np.ones_like(x)], -1)
    along = (d * middle).sum(-1) / (d * d).sum(-1)
    apart = ((d * along[..., None] - middle) ** 2).sum(-1)
    deep = np.sqrt(np.maximum(radius**2 - apart, 0) / (d * d).sum(-1))
    inverse = np.where(apart < radius**2, 1 / (along - deep), inverse).astype(np.float32)
    seen = visible_share(inverse, CAMERA, Light((-1.2, -0.7, 2.0), WHITE))

    def at(px: float, pz: float) -> float:
        return float(seen[int(FOCAL * floor_y / pz + HEIGHT / 2), int(FOCAL * px / pz + WIDTH / 2)])

    # The line from the light through the sphere's middle meets the floor at x = 0.24.
    assert at(0.30, 2.0) < 0.1
    assert at(-0.35, 2.0) == 1
    assert at(0.9, 2.0) == 1


def test_a_thin_pole_throws_a_thin_shadow():
    inverse = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    inverse[:, 118:121] = 1 / 1.5
    seen = visible_share(inverse, CAMERA, Light((0.9, 0.0, 0.5), WHITE))
    dark = (seen[HEIGHT // 2] < 0.5) & (inverse[0] == 0.5)
    # 3 px at 1.5 m are 22 mm, on the wall 34 mm: 3.4 px.
    assert 2 <= dark.sum() <= 6


@pytest.mark.parametrize("radius", [0.0, 0.1])
def test_a_mirrored_scene_has_mirrored_shadows(radius):
    inverse = disc_before_wall()
    inverse[100:120, 30:60] = 1 / 1.2
    inverse = np.ascontiguousarray(inverse)
    one = visible_share(inverse, CAMERA, Light((0.7, -0.2, 0.4), WHITE, radius))
    other = visible_share(
        np.ascontiguousarray(inverse[:, ::-1]), CAMERA, Light((-0.7, -0.2, 0.4), WHITE, radius)
    )
    assert np.abs(one - other[:, ::-1]).mean() < 0.01


def test_any_number_of_threads_gives_the_same_bits():
    light = Light((0.7, -0.2, 0.4), WHITE, 0.1)
    many = visible_share(disc_before_wall(), CAMERA, light)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        np.testing.assert_array_equal(visible_share(disc_before_wall(), CAMERA, light), many)
    finally:
        numba.set_num_threads(threads)


@pytest.mark.parametrize(
    "place",
    [(0, 0, 0), (0, 0, 1.5), (0, 0, 2.0), (0, 0, 3.0), (1, 1, -2), (500, 900, 2000), (0.3, 0, 0)],
)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (5, 7), (HEIGHT, WIDTH)])
@pytest.mark.parametrize("radius", [0.0, 0.3, 5.0])
def test_lights_anywhere_give_shares(place, shape, radius):
    inverse = disc_before_wall()[: shape[0], : shape[1]].copy()
    inverse[0, 0] = 0
    seen = visible_share(inverse, Camera(shape[1], shape[0], FOCAL), Light(place, WHITE, radius))
    assert seen.shape == shape
    assert np.isfinite(seen).all()
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert seen[0, 0] == 1


def test_the_sky_alone_sees_all_lights():
    seen = visible_share(
        np.zeros((20, 30), np.float32), Camera(30, 20, 25.0), Light((0, 0, 1), WHITE, 0.1)
    )
    np.testing.assert_array_equal(seen, 1)


def test_a_light_at_the_camera_throws_no_shadow_that_it_sees():
    seen = visible_share(disc_before_wall(), CAMERA, Light((0, 0, 0), WHITE))
    np.testing.assert_array_equal(seen, 1)


def test_noise_throws_no_shadows():
    """A floor with ripples of half a per cent, in low light from the side."""
    _, y = rays()
    rng = np.random.default_rng(3)
    inverse = np.maximum(y / 0.5, 0.05) * (1 + 0.005 * rng.standard_normal(y.shape))
    seen = visible_share(inverse.astype(np.float32), CAMERA, Light((-2.0, 0.1, 2.0), WHITE, 0.05))
    assert seen[120:, 60:-10].mean() > 0.98


def test_a_depth_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="inverse depth is"):
        visible_share(np.ones((4, 5), np.float32), CAMERA, Light((0, 0, 1), WHITE))


def test_points_of_the_disc_are_spread_evenly():
    for points in (disc_points(1).reshape(-1, 2), disc_points(8).reshape(-1, 2)):
        assert (np.hypot(*points.T) < 1).all()
        assert np.abs(points.mean(0)).max() < 0.05
        # Half of the points lie within 1 / sqrt(2) of the radius.
        assert (np.hypot(*points.T) < np.sqrt(0.5)).mean() == pytest.approx(0.5)


def test_widths_are_the_shortest_runs():
    inverse = np.full((30, 40), 0.2, np.float32)
    inverse[10:15, 5:35] = 1.0
    width, bulge = widths(inverse, np.float32(0.05))
    assert width[12, 20] == 5
    # Behind it the wall goes on: to the frame above, twice what is seen of it.
    assert width[2, 20] > 5
    np.testing.assert_array_equal(bulge, 0)
    assert (thickness(inverse, 40.0)[1] <= np.float32(DEEPEST)).all()


def test_a_ball_is_as_thick_as_it_is_wide_and_a_board_is_not():
    x, y = rays()
    apart = np.hypot(x, y) * 2.0
    ball = np.where(apart < 0.3, 1 / (2 - np.sqrt(np.maximum(0.09 - apart**2, 0))), 0.2)
    solid, _ = thickness(ball.astype(np.float32), FOCAL)
    # 0.6 m; the last pixels within its outline already stand out a little themselves.
    assert 0.3 < solid[HEIGHT // 2, WIDTH // 2] * 1.7 < 0.65
    board = np.where(apart < 0.3, 0.5 + 0.1 * x, 0.2).astype(np.float32)
    assert thickness(board, FOCAL)[0].max() < 0.01


def test_slopes_are_those_of_the_plane_and_blind_to_steps():
    y, x = np.mgrid[:20, :30].astype(np.float32)
    plane = (1 + 0.01 * x - 0.02 * y).astype(np.float32)
    across, down = slopes(plane)
    np.testing.assert_allclose(across, 0.01, atol=1e-6)
    np.testing.assert_allclose(down, -0.02, atol=1e-6)
    step = np.where(x < 15, 0.5, 1.0).astype(np.float32)
    np.testing.assert_array_equal(slopes(step)[0], 0)


def test_enlarging_keeps_to_outlines():
    """Dark on the near side of an outline, bright on the far side, and nothing in between."""
    large = np.full((40, 60), 0.2, np.float32)
    large[:, 31:] = 1.0
    small = np.ascontiguousarray(large[1::3, 1::3])
    share = np.where(small > 0.5, 0.0, 1.0).astype(np.float32)
    across, down = slopes(small)
    place = (1 / 3, -1 / 3, 1 / 3, -1 / 3)
    out = enlarged(share, small, across, down, large, place, np.float32(0.01))
    np.testing.assert_allclose(out, np.where(large > 0.5, 0.0, 1.0), atol=1e-3)


def marched_plainly(
    inverse: Plane, solid: Plane, thick: Plane, camera: Camera, light: Light, clear: float
) -> np.ndarray:
    """`march` for a point of light as it is written down: every step of every ray, no tiles."""
    across, down = slopes(inverse)
    (x_m, y_m, z_m), f = light.position_m, camera.focal_px
    height, width = inverse.shape
    out = np.ones(inverse.shape)
    for y, x in np.ndindex(inverse.shape):
        own, u, v = inverse[y, x], x + 0.5 - camera.cx, y + 0.5 - camera.cy
        to = np.array([f * x_m - u * z_m, f * y_m - v * z_m, 1 - z_m * own])
        length = np.abs(to[:2]).max()
        steps = length / z_m if z_m > 0 else np.inf
        to /= length
        k, before, behind, blocked = 1, own, 0.0, 0.0
        while k < steps:
            px, py, ray = x + 0.5 + k * to[0], y + 0.5 + k * to[1], own + k * to[2]
            if not (0 <= px < width and 0 <= py < height):
                break
            i, j = int(px), int(py)
            rise = across[j, i] * to[0] + down[j, i] * to[1]
            surface = inverse[j, i] + across[j, i] * (px - i - 0.5) + down[j, i] * (py - j - 0.5)
            under, least = surface - ray, clear * surface
            if under > least:
                gap = max(under - 2 * least, 0) / max(ray, 1e-12)
                gap = max(gap - solid[j, i], 0) / thick[j, i]
                if gap < 6:
                    blocked = max(blocked, np.exp(-gap) * min((under - least) / least, 1))
            if (
                behind * under < 0
                and abs(under) > least
                and abs(surface - before) <= 1.5 * abs(rise) + 3 / f * surface
            ):
                blocked = 1
            before, behind, k = surface, under, k + 1
        out[y, x] = 1 - blocked
    return out


@pytest.mark.parametrize("place", [(0.9, 0.1, 0.5), (0.2, -0.3, 1.7), (-0.4, 0.3, -0.5)])
def test_the_march_is_what_is_written_down(place):
    camera = Camera(60, 40, 50.0)
    inverse = np.ascontiguousarray(disc_before_wall()[2::4, 2::4])
    inverse[25:35, 5:20] = np.linspace(0.6, 0.8, 15)
    light = Light(place, WHITE)
    solid, thick = thickness(inverse, 50.0)
    across, down = slopes(inverse)
    clear = np.float32(0.006)
    seen, _ = march(
        inverse, across, down, solid, thick, *tiles(inverse, across, down, solid, thick),
        50.0, 30.0, 20.0, np.array(place), 0.0, np.zeros((16, 1, 2)), ORDER,
        (clear, np.float32(0), clear), inverse,
    )  # fmt: skip
    plain = marched_plainly(inverse, solid, thick, camera, light, 0.006)
    assert (np.abs(seen - plain) < 0.02).mean() > 0.985
    assert (plain < 0.5).any()


def test_a_subject_throws_a_shadow_on_the_wall_but_none_that_is_narrow_on_itself():
    inverse = disc_before_wall(0.4)
    subject = (inverse > np.float32(0.5)).astype(np.float32)
    # A crease down the subject, as a network sees strands of hair.
    inverse[:, WIDTH // 2 - 1 : WIDTH // 2 + 2] *= np.float32(0.97)
    inverse = np.where(subject > 0, inverse, np.float32(0.5))
    light = Light((-1.5, 0.0, 0.9), WHITE)
    plain = visible_share(inverse, CAMERA, light)
    alone = visible_share(inverse, CAMERA, light, subject=subject)
    assert plain[subject > 0].min() < 0.5 < 0.9 < alone[subject > 0].min()
    assert alone[subject == 0].min() < 0.1


def test_a_subject_too_small_to_be_marched_throws_none():
    inverse = np.full((1500, 2000), 0.5, np.float32)
    subject = np.zeros_like(inverse)
    subject[700, 900] = 1
    light = Light((-1.0, -1.0, 0.5), (1.0, 1.0, 1.0), 0.1)
    seen = visible_share(inverse, Camera(2000, 1500, 1800.0), light, subject=subject)
    assert (seen == 1).all()
