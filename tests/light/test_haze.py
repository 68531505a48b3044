"""Fog: the laws of extinction, and outlines without a rim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.errors import ParameterError
from depthfx.light.air import Seen, airlight_named, airlight_of, continued, extinction_in
from depthfx.light.haze import LEAST_TRANSMISSION, Haze, extinction_of, hazy, transmission
from depthfx.light.patches import patchiness

f32 = np.float32
CAMERA = Camera(12, 8, 10.0)
AIR = (0.7, 0.75, 0.8)
ENDLESS = 1e9
"""Height of a layer of fog that nobody sees the end of."""


def flat(metres):
    return Depth(np.full((8, 12), 0 if np.isinf(metres) else 1 / metres, f32), True, "made up")


def rays():
    y, x = (np.mgrid[:8, :12] + 0.5 - np.array([4, 6])[:, None, None]) / 10
    return x, y, np.sqrt(1 + x * x + y * y)


def test_at_the_visibility_two_hundredths_of_the_contrast_are_left():
    """Koschmieder: of something black against the air."""
    _, _, ray = rays()
    depth = Depth((ray / 85).astype(f32), True, "a ball around the camera")
    haze = Haze(extinction_of(85), AIR, thins_in=ENDLESS)
    out = hazy(np.zeros((8, 12, 3), f32), depth, CAMERA, haze)
    np.testing.assert_allclose(1 - out / f32(AIR), 0.02, rtol=1e-4)
    assert extinction_of(1) == pytest.approx(3.912, abs=1e-3)
    assert haze.visibility == pytest.approx(85)


@settings(max_examples=20)
@given(st.floats(0.01, 2), st.floats(0.01, 2), st.floats(0.5, 5))
def test_two_fogs_are_one_of_both_densities(a, b, metres):
    pixels = np.random.default_rng(1).random((8, 12, 3), f32)
    depth = flat(metres)
    once = hazy(pixels, depth, CAMERA, Haze(a + b, AIR, thins_in=5))
    first = hazy(pixels, depth, CAMERA, Haze(a, AIR, thins_in=5))
    np.testing.assert_allclose(
        hazy(first, depth, CAMERA, Haze(b, AIR, thins_in=5)), once, atol=2e-6
    )


@settings(max_examples=20)
@given(st.floats(0.01, 10), st.floats(0.2, 1e6))
def test_a_scene_as_bright_as_the_air_stays(beta, metres):
    pixels = np.broadcast_to(f32(AIR), (8, 12, 3)).copy()
    out = hazy(pixels, flat(metres), CAMERA, Haze(beta, AIR))
    np.testing.assert_allclose(out, pixels, rtol=1e-6)


@settings(max_examples=20)
@given(st.floats(0.01, 0.4))
def test_haze_taken_away_is_the_photo_before_it(beta):
    pixels = np.random.default_rng(2).random((8, 12, 3), f32)
    depth = flat(4.0)
    foggy = hazy(pixels, depth, CAMERA, Haze(beta, AIR, thins_in=ENDLESS))
    clear = hazy(foggy, depth, CAMERA, Haze(-beta, AIR, thins_in=ENDLESS))
    np.testing.assert_allclose(clear, pixels, atol=2e-5)


def test_what_is_taken_away_is_bounded():
    """Neither light below zero nor noise grown beyond what is said."""
    pixels = np.random.default_rng(3).random((8, 12, 3), f32)
    out = hazy(pixels, flat(1e6), CAMERA, Haze(-1.0, AIR))
    assert out.min() > -1e-5
    gain = (out - f32(AIR)) / (pixels - f32(AIR))
    assert np.nanmax(gain) <= 1 / LEAST_TRANSMISSION + 1e-3


def density(height, ground, thins_in):
    return np.where(height < ground, 1, np.exp(-(height - ground) / thins_in))


@pytest.mark.parametrize("ground", [-1.6, 0.0, 0.5])
@pytest.mark.parametrize("metres", [0.5, 3.0, 40.0])
def test_ground_fog_is_the_integral_along_the_ray(ground, metres):
    _, y, ray = rays()
    share = (np.arange(4000) + 0.5) / 4000
    heights = -y[..., None] * metres * share
    depths = 0.3 * ray * metres * density(heights, ground, 0.8).mean(-1)
    found = transmission(flat(metres).inverse, CAMERA, Haze(0.3, AIR, ground=ground, thins_in=0.8))
    np.testing.assert_allclose(found, np.exp(-depths), rtol=2e-3, atol=1e-6)


def test_the_sky_is_the_farthest_thing():
    """No line between it and what is very far: whole fog up to the horizon, less above."""
    haze = Haze(0.01, AIR, thins_in=1000.0)
    sky, far = (transmission(flat(m).inverse, CAMERA, haze) for m in (np.inf, 1e6))
    np.testing.assert_allclose(sky, far, atol=1e-4)
    assert (np.diff(sky[:, 6]) <= 0).all()
    assert sky[4:].max() < 1e-6
    thin = transmission(flat(np.inf).inverse, CAMERA, Haze(1e-5, AIR, thins_in=1000.0))
    assert thin[0].min() > 0.9


def test_up_may_be_anywhere():
    haze = Haze(0.3, AIR, ground=-1.0, thins_in=0.8)
    turned = Haze(0.3, AIR, ground=-1.0, thins_in=0.8, up=(0.0, 1.0, 0.0))
    upright, hanging = (transmission(flat(3.0).inverse, CAMERA, h) for h in (haze, turned))
    np.testing.assert_allclose(hanging[::-1], upright, rtol=1e-5)


def edge(coverage):
    """A black thing at 1 m before a white wall at 30 m, the outline's pixels told by a matte."""
    cover = np.zeros((8, 40), f32)
    cover[:, :18] = 1
    cover[:, 18:22] = coverage
    pixels = np.repeat((1 - cover)[..., None], 3, -1)
    behind = np.full(cover.shape, 1 / 30, f32)
    inverse = np.where(cover > 0, f32(1), behind)
    behind[cover == 1] = 1
    return pixels, cover, Depth(inverse, True, "made up", behind, cover)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_outline_has_no_rim(share):
    """Each surface is in its own fog: the mixture of two fogged colours, not one in between."""
    pixels, cover, depth = edge(share)
    camera = Camera(40, 8, 40.0)
    haze = Haze(0.08, (0.5, 0.5, 0.5), thins_in=ENDLESS)
    out = hazy(pixels, depth, camera, haze)
    near = transmission(np.ones_like(cover), camera, haze)
    far = transmission(np.full_like(cover, 1 / 30), camera, haze)
    front, back = (1 - near) * 0.5, far + (1 - far) * 0.5
    np.testing.assert_allclose(out[..., 0], cover * front + (1 - cover) * back, atol=4e-3)


def test_softness_blurs_what_is_foggy_alone():
    pixels = np.random.default_rng(4).random((240, 320, 3), f32)
    inverse = np.full((240, 320), 10, f32)
    inverse[:, 160:] = 0.01
    depth, camera = Depth(inverse, True, "made up"), Camera(320, 240, 320.0)
    haze = Haze(0.02, AIR, thins_in=ENDLESS)
    sharp, soft = (hazy(pixels, depth, camera, haze, softness=s) for s in (0, 1))
    assert np.abs(soft - sharp)[:, :150].max() < 2e-3
    assert soft[:, 180:].std() < 0.8 * sharp[:, 180:].std()


def test_the_haze_of_a_photo_is_found():
    rng = np.random.default_rng(5)
    z = np.repeat(np.geomspace(5, 300, 120)[::-1], 160).reshape(120, 160)
    clear = rng.random((120, 160, 3), f32) ** 3
    depth, camera = Depth((1 / z).astype(f32), True, "made up"), Camera(160, 120, 150.0)
    true = Haze(0.004, AIR, thins_in=ENDLESS)
    seen = Seen.of(hazy(clear, depth, camera, true), depth.inverse, camera)
    assert extinction_in(seen, AIR) == pytest.approx(0.004, rel=0.25)
    assert extinction_in(Seen.of(clear, depth.inverse, camera), AIR) < 0.0005


def test_the_air_has_the_colour_of_the_sky():
    pixels = np.full((30, 40, 3), 0.1, f32)
    inverse = np.full((30, 40), 0.1, f32)
    pixels[:12], inverse[:12] = (0.2, 0.4, 0.8), 0
    pixels[:6] = (0.0, 0.1, 0.9)
    seen = Seen.of(pixels, inverse, Camera(40, 30, 40.0))
    np.testing.assert_allclose(airlight_of(seen, pale=0), (0.2, 0.4, 0.8), rtol=1e-5)
    assert np.ptp(airlight_of(seen, pale=1)) < 1e-6


def test_colours_of_fog_have_names():
    assert airlight_named("#ffffff", 0.3) == (1.0, 1.0, 1.0)
    np.testing.assert_allclose(airlight_named("5600K", 0.3), 0.3, rtol=1e-3)
    warm = airlight_named("3200K", 0.5)
    assert warm[0] > warm[1] > warm[2]
    with pytest.raises(ParameterError, match="no colour"):
        airlight_named("mud", 0.3)


def test_banks_have_the_mean_of_an_even_fog_and_lie_in_space():
    """The same at any size of the picture; fog is nowhere less than none."""
    large, small = (patchiness(Camera(w, w // 2, w / 1.0), 1.0) for w in (4000, 400))
    np.testing.assert_allclose(large, small)
    assert large.min() >= 0
    assert large[..., -1].mean() == pytest.approx(1, abs=0.15)
    assert large[..., 2].std() > 0.1
    np.testing.assert_array_equal(patchiness(Camera(400, 200, 400.0), 0.0), 1)


def test_banks_are_looked_up_between_their_steps():
    haze = Haze(0.2, AIR, thins_in=ENDLESS, patches=1.0, bank=2.0)
    plain = Haze(0.2, AIR, thins_in=ENDLESS)
    banks = patchiness(CAMERA, 1.0)
    _, _, ray = rays()
    inverse = (ray / (2.0 * 0.25 * 5)).astype(f32)  # the end of the fifth step
    import cv2

    mean = cv2.resize(banks[..., 4], (12, 8), interpolation=cv2.INTER_LINEAR)
    ratio = np.log(transmission(inverse, CAMERA, haze)) / np.log(
        transmission(inverse, CAMERA, plain)
    )
    np.testing.assert_allclose(ratio, mean, rtol=1e-3)


def test_what_a_network_puts_farthest_runs_into_its_sky():
    inverse = np.array([[0, 0.001, 0.002, 0.004, 0.1]], f32)
    depth = Depth(inverse, True, "made up", behind=inverse)
    found = continued(depth)
    np.testing.assert_allclose(
        found.inverse, [[0, 0, 0.002 - 0.001 / 8, 0.004 - 0.001 / 64, 0.1]], atol=1e-7
    )
    np.testing.assert_array_equal(found.behind, found.inverse)
    whole = Depth(inverse[:, 1:].copy(), True, "made up")
    assert continued(whole) is whole
