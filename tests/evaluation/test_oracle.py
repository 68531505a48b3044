"""The oracle against what is known without it: discs, edges, kept light, slanted planes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ParameterError, ShapeError
from depthfx.evaluation.oracle import (
    COLOUR_TEXELS,
    MATTE_TEXELS,
    Light,
    PlaneScene,
    Surface,
    _places,
    lens_points,
    quasirandom,
)
from depthfx.optics.aperture import Aperture

WIDTH, HEIGHT = 72, 48
EVERYWHERE = np.full((1, 1), 255, np.uint8)


def plain(*rgb):
    return np.array(rgb, np.float32).reshape(1, 1, 3)


def grained(seed=3, side=40):
    return np.random.default_rng(seed).random((side, side, 3), dtype=np.float32)


def left_of(x_px):
    """The half plane left of x."""
    matte = np.zeros((1, 2 * WIDTH * MATTE_TEXELS), np.uint8)
    matte[:, : round(x_px * MATTE_TEXELS)] = 255
    return matte


def scene(*surfaces, lights=()):
    return PlaneScene(WIDTH, HEIGHT, surfaces, lights)


def moments(picture):
    """Sum, middle (x, y) and mean square distance from it, of a grey picture."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    total = picture.sum(dtype=float)
    middle = (picture * x).sum() / total, (picture * y).sum() / total
    square = (picture * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2)).sum() / total
    return total, middle, square


# ---------------------------------------------------------------- points
@pytest.mark.parametrize("dimensions", [2, 4])
def test_points_are_spread_evenly(dimensions):
    """Every eighth of every side holds its share: a random draw would be off by 40 of 512."""
    points = quasirandom(4096, dimensions)
    counts = np.stack([np.histogram(side, 8, (0, 1))[0] for side in points.T])
    assert np.abs(counts - 512).max() <= 8


@pytest.mark.parametrize(
    "aperture", [Aperture(), Aperture(3), Aperture(6, rotation_deg=20), Aperture(spherical=-0.5)]
)
def test_lens_points_fill_the_opening(aperture):
    """Their second moment is the outline's, and their picture the kernel's."""
    points = lens_points(aperture, quasirandom(40_000, 2))
    assert (points**2).sum(axis=1).mean() == pytest.approx(aperture.moment, rel=0.01)
    radius, n = 12.0, 14
    kernel = aperture.kernel(radius)
    drawn = np.histogram2d(
        *(points[:, ::-1] * radius).T, bins=2 * n + 1, range=[(-n - 0.5, n + 0.5)] * 2
    )[0] / len(points)
    pad = n - kernel.shape[0] // 2
    np.testing.assert_allclose(drawn, np.pad(kernel, pad), atol=0.15 * kernel.max())


# ---------------------------------------------------------------- lights
@pytest.mark.parametrize("radius", [2.0, 7.5, 15.0])
def test_a_point_of_light_becomes_its_disc(radius):
    light = Light(36.3, 24.6, 0.2, (300.0, 200.0, 100.0))
    black = Surface((0.1, 0, 0), plain(0, 0, 0), EVERYWHERE)
    picture = scene(black, lights=(light,)).defocused(1.0, radius / 0.4)
    total, middle, square = moments(picture[..., 0])
    assert total == pytest.approx(300, rel=1e-4)
    assert middle == pytest.approx((light.x, light.y), abs=0.1)
    assert square == pytest.approx(radius**2 / 2 + 1 / 6, rel=0.03)  # pixels: 1/6 on average
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    away = np.hypot(x - light.x, y - light.y)
    assert picture[away > radius + 0.8].max() == 0
    if radius > 5:
        even = 200 / (np.pi * radius**2)
        np.testing.assert_allclose(picture[away < radius - 0.8][:, 1], even, rtol=0.06)


def test_a_light_in_focus_stays_in_its_pixel():
    black = Surface((0.1, 0, 0), plain(0, 0, 0), EVERYWHERE)
    picture = scene(black, lights=(Light(10.5, 7.5, 0.5, (9.0, 9.0, 9.0)),)).defocused(0.5, 80.0)
    assert picture[7, 10] == pytest.approx(9, rel=1e-5)
    assert picture.sum() == pytest.approx(27, rel=1e-5)


@pytest.mark.parametrize(("inverse", "turned"), [(0.2, False), (1.8, True)])
def test_the_opening_is_seen_upright_behind_and_upside_down_before_the_focus(inverse, turned):
    aperture = Aperture(3)
    light = Light(36.5, 24.5, inverse, (1.0, 1.0, 1.0))
    got = scene(lights=(light,)).defocused(1.0, 30.0, aperture=aperture)[..., 0]
    kernel = aperture.kernel(12.0)
    n = kernel.shape[0] // 2
    kernel = kernel[::-1, ::-1] if turned else kernel
    np.testing.assert_allclose(
        got[24 - n : 25 + n, 36 - n : 37 + n], kernel, atol=0.15 * kernel.max()
    )


def test_an_edge_in_focus_cuts_the_disc_of_a_lamp_behind_it():
    """Hidden from the middle of the lens, seen past the edge from its side."""
    black = Surface((0.1, 0, 0), plain(0, 0, 0), EVERYWHERE)
    front = Surface((1.0, 0, 0), plain(0, 0, 0), left_of(36))
    light = Light(33.0, 24.5, 0.2, (100.0,) * 3)
    picture = scene(black, front, lights=(light,)).defocused(1.0, 25.0)[..., 0]
    assert picture[:, :36].max() == 0
    past = (np.arccos(0.3) - 0.3 * np.sqrt(1 - 0.09)) / np.pi  # of the disc, 3 of 10 px away
    assert picture.sum() == pytest.approx(100 * past, rel=0.01)


# ---------------------------------------------------------------- surfaces
@given(st.floats(0, 1.5), st.floats(0, 30), st.floats(-0.004, 0.004))
@settings(max_examples=8)
def test_a_scene_of_one_light_is_even(focus_inverse, blur_px, slant):
    both = (
        Surface((0.3, slant, -slant), plain(0.2, 0.5, 0.7), EVERYWHERE),
        Surface((1.0, 0, 0), plain(0.2, 0.5, 0.7), left_of(30)),
    )
    picture = scene(*both).defocused(focus_inverse, blur_px, samples=16)
    np.testing.assert_allclose(picture, np.broadcast_to([0.2, 0.5, 0.7], picture.shape), rtol=1e-5)


def test_a_plane_in_focus_is_as_the_pinhole_sees_it():
    of_one = scene(Surface((0.7, 0, 0), grained(), EVERYWHERE))
    np.testing.assert_array_equal(of_one.defocused(0.7, 90.0), of_one.sharp())


def test_a_sharp_pixel_is_the_mean_of_its_texels():
    colour = grained(side=COLOUR_TEXELS * 12)
    picture = scene(Surface((0.7, 0, 0), colour, EVERYWHERE)).sharp(4096)
    means = colour.reshape(12, COLOUR_TEXELS, 12, COLOUR_TEXELS, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(picture[:12, :12], means, atol=0.01)
    np.testing.assert_allclose(picture[12:24, 12:24], means, atol=0.01)


def test_an_edge_in_focus_is_half_of_each_in_its_pixel():
    back = Surface((0.1, 0, 0), plain(0, 0, 1), EVERYWHERE)
    front = Surface((1.0, 0, 0), plain(1, 0, 0), left_of(30.5))
    row = scene(back, front).defocused(1.0, 40.0, samples=1024)[20]
    np.testing.assert_allclose(row[29], [1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(row[30], [0.5, 0, 0.5], atol=0.01)
    np.testing.assert_allclose(row[31], [0, 0, 1], atol=1e-5)


def test_an_edge_out_of_focus_is_the_share_of_a_disc_past_a_chord():
    back = Surface((0.1, 0, 0), plain(0, 0, 1), EVERYWHERE)
    front = Surface((1.0, 0, 0), plain(1, 0, 0), left_of(36))
    row = scene(back, front).defocused(0.1, 2 * 12 / 0.9, samples=2048)[20, :, 0]
    t = np.clip((np.arange(WIDTH) + 0.5 - 36) / 12, -1, 1)
    past = 0.5 - (t * np.sqrt(1 - t * t) + np.arcsin(t)) / np.pi
    np.testing.assert_allclose(row, past, atol=0.01)


@given(
    st.tuples(st.floats(0, 1), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)),
    st.floats(0, 1),
    st.floats(0, 40),
)
def test_a_ray_meets_a_slanted_plane_where_it_is_seen_from_there(inverse, focus_inverse, half_px):
    """The place found, moved by its own parallax, is the pixel that the ray came from."""
    lens = np.array([[0.6, -0.3], [-0.8, 0.5], [0.0, 1.0]])
    square = np.array([[0.1, 0.2], [-0.4, 0.0], [0.3, -0.3]])
    surface = Surface(inverse, plain(1, 1, 1), EVERYWHERE)
    rows = _places((surface,), square, lens, focus_inverse, half_px)[:, 0]
    pixel = np.array([20.5, 31.5])
    place = rows[:, [0, 3]] * pixel[0] + rows[:, [1, 4]] * pixel[1] + rows[:, [2, 5]]
    q = inverse[0] + place @ inverse[1:]
    back = place - half_px * (q - focus_inverse)[:, None] * lens
    np.testing.assert_allclose(back, pixel + square, atol=1e-6)


def test_slanted_ground_is_blurred_by_its_own_depth():
    """Stripes of a period of 4 px die away from the line in focus."""
    stripes = np.zeros((4 * COLOUR_TEXELS, 1, 3), np.float32)
    stripes[: 2 * COLOUR_TEXELS] = 1
    ground = Surface((0.2, 0.0, 0.8 / HEIGHT), stripes, EVERYWHERE)
    picture = scene(ground).defocused(0.2, 30.0)[..., 0]
    contrast = picture.reshape(HEIGHT // 4, 4, WIDTH).std(axis=1).mean(axis=1)
    sharp = scene(ground).sharp()[..., 0].reshape(HEIGHT // 4, 4, WIDTH).std(axis=1).mean(axis=1)
    assert contrast[0] > 0.7 * sharp[0]  # radius 0 to 1 px
    assert contrast[-1] < 0.2 * sharp[-1]


def test_what_is_seen_is_the_nearest_surface():
    back = Surface((0.1, 0, 0.001), plain(0, 0, 1), EVERYWHERE)
    front = Surface((1.0, 0, 0), plain(1, 0, 0), left_of(30.25))
    seen = scene(back, front).seen(1024)
    ground = (0.1 + 0.001 * (np.arange(HEIGHT) + 0.5)).astype(np.float32)
    np.testing.assert_array_equal(seen.inverse[:, :30], 1)
    np.testing.assert_allclose(seen.inverse[:, 40], ground, rtol=1e-6)
    np.testing.assert_allclose(seen.coverage[:, 30], 0.25, atol=0.01)
    np.testing.assert_array_equal(seen.front[:, 30], 1)
    np.testing.assert_allclose(seen.behind[:, 30], ground, rtol=1e-6)
    assert (seen.coverage[:, :30] == 1).all()
    assert (seen.front == seen.behind)[:, :30].all()


def test_pictures_repeat_and_another_seed_differs_little():
    of_two = scene(
        Surface((0.1, 0, 0), grained(), EVERYWHERE), Surface((1.0, 0, 0), grained(5), left_of(36))
    )
    first, again = of_two.defocused(0.5, 10.0, 1024), of_two.defocused(0.5, 10.0, 1024)
    np.testing.assert_array_equal(first, again)
    other = of_two.defocused(0.5, 10.0, 1024, seed=1)
    # Grains of one texel are no better known than by chance: 0.29 * sqrt(2 / 1024).
    assert 0 < np.sqrt(np.mean((first - other) ** 2)) < 0.016


# ---------------------------------------------------------------- what cannot be
def test_a_plane_seen_from_behind_is_named():
    steep = scene(Surface((0.1, 0.2, 0), plain(1, 1, 1), EVERYWHERE))
    with pytest.raises(ParameterError, match="too steep for a blur of 12"):
        steep.defocused(0.1, 12.0)


@pytest.mark.parametrize("blur_px", [-1.0, float("nan")])
def test_a_bad_amount_of_blur_is_named(blur_px):
    with pytest.raises(ParameterError, match="blur_px="):
        scene().defocused(0.1, blur_px)


def test_an_opening_that_varies_is_refused():
    with pytest.raises(ParameterError, match="cats_eye or swirl"):
        lens_points(Aperture(cats_eye=0.5), quasirandom(8, 2))


def test_arrays_of_another_kind_are_named():
    with pytest.raises(ShapeError, match="colour must be"):
        Surface((0.1, 0, 0), np.ones((2, 2, 3)), EVERYWHERE)
    with pytest.raises(ShapeError, match="matte must be"):
        Surface((0.1, 0, 0), plain(1, 1, 1), np.ones((2, 2), np.float32))
