"""The halo report on scenes whose lens picture is known, and on what spoils it."""

from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ShapeError
from depthfx.evaluation.oracle import PlaneScene, Surface
from depthfx.evaluation.oracle_scenes import EXAMPLES
from depthfx.evaluation.simple_ways import layered, tutorial
from depthfx.optics.halo import LEAK_LIMIT, RIM_LIMIT, Halo, halo_report

HEIGHT = 288
SUBJECTS = {"portrait": (1, 2), "two planes": (1,), "text": (1,)}
"""The surfaces of each scene that are its subject; the first lens focuses on them."""
NOTHING = Halo(0.0, 0.0, False, None)


@cache
def photographed(name):
    """Sharp picture, inverse depth, focus, blur, true lens picture, matte and radius."""
    example = EXAMPLES[name](HEIGHT * 3 // 2, HEIGHT)
    lens, scene = example.lenses[0], example.scene
    blur_px = lens.blur * HEIGHT
    white, black = (np.full((1, 1, 3), light, np.float32) for light in (1, 0))
    painted = tuple(
        Surface(s.inverse, white if i in SUBJECTS[name] else black, s.matte, s.corner)
        for i, s in enumerate(scene.surfaces)
    )
    matte = PlaneScene(scene.width, scene.height, painted).sharp(64)[..., 0].copy()
    inverse = scene.seen(64).inverse
    radius = np.abs(inverse - np.float32(lens.focus_inverse)) * np.float32(blur_px / 2)
    truth = scene.defocused(lens.focus_inverse, blur_px, 128)
    return scene.sharp(64), inverse, lens.focus_inverse, blur_px, truth, matte, radius


def grown(matte, px):
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(px) + 1,) * 2)
    return cv2.dilate(matte, disc) if px > 0 else cv2.erode(matte, disc)


# ---------------------------------------------------------------- what is good, and what is not
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_true_lens_picture_has_no_halo(name):
    sharp, *_, truth, matte, radius = photographed(name)
    halo = halo_report(sharp, truth, matte, radius)
    assert halo.leak <= 0.02
    assert halo.rim <= 0.08
    assert not halo.needs_a_hand


@pytest.mark.parametrize("name", SUBJECTS)
def test_grain_added_afterwards_is_no_rim(name):
    sharp, *_, truth, matte, radius = photographed(name)
    grain = np.random.default_rng(0).normal(0, 0.02, truth.shape).astype(np.float32)
    clean, grainy = (halo_report(sharp, p, matte, radius) for p in (truth, truth + grain))
    assert grainy.rim <= clean.rim + 0.02
    assert not grainy.needs_a_hand


@pytest.mark.parametrize("name", SUBJECTS)
def test_one_blended_gaussian_leaks(name):
    sharp, inverse, focus_inverse, blur_px, truth, matte, radius = photographed(name)
    spoilt = tutorial(sharp, inverse, focus_inverse, blur_px)
    leak = halo_report(sharp, spoilt, matte, radius).leak
    assert leak >= LEAK_LIMIT
    assert leak >= 3 * halo_report(sharp, truth, matte, radius).leak


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_matte_too_small_leaks(name):
    """The subject's own rim is blurred into the background."""
    sharp, inverse, focus_inverse, blur_px, _, matte, radius = photographed(name)
    small = grown(matte, -3)
    wrong = np.where(small > 0.5, np.float32(focus_inverse), inverse.min())
    spoilt = layered(sharp, wrong, focus_inverse, blur_px)
    halo = halo_report(sharp, spoilt, small, radius)
    assert halo.leak > LEAK_LIMIT
    assert halo.needs_a_hand


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_matte_too_large_leaves_rims(name):
    """Five pixels of background stay sharp with the subject, and the report knows no better."""
    sharp, *_, truth, matte, radius = photographed(name)
    large = grown(matte, 5)
    spoilt = truth + large[..., None] * (sharp - truth)
    halo = halo_report(sharp, spoilt, large, radius)
    assert halo.rim >= 0.15
    assert halo.rim > RIM_LIMIT
    assert halo.needs_a_hand


def test_an_untouched_photo_is_all_rim():
    sharp, *_, matte, radius = photographed("two planes")
    halo = halo_report(sharp, sharp, matte, radius)
    assert halo.rim > 0.95
    assert halo.needs_a_hand


def test_the_worst_place_is_where_it_was_spoilt():
    sharp, *_, truth, matte, radius = photographed("two planes")
    spoilt = truth.copy()
    spoilt[60:110] = sharp[60:110]
    halo = halo_report(sharp, spoilt, matte, radius)
    assert halo.worst is not None
    x, y = halo.worst
    assert 60 <= y * HEIGHT <= 110
    assert matte[int(y * HEIGHT), int(x * matte.shape[1]) - 3] > 0.5
    assert matte[int(y * HEIGHT), int(x * matte.shape[1]) + 3] < 0.5
    assert halo.rim == pytest.approx(50 / HEIGHT, abs=0.08)


# ---------------------------------------------------------------- leaks in known amounts
@pytest.mark.parametrize("amount", [0.0, 0.1, 0.3])
def test_a_veil_of_the_subject_is_told_in_its_own_share(amount):
    """Grey before blue, both even; the square root of light is blended as far as is said."""
    shape = (160, 200)
    subject, wall = np.float32([0.25, 0.16, 0.09]), np.float32([0.04, 0.16, 0.64])
    matte = np.zeros(shape, np.float32)
    matte[40:120, 60:140] = 1
    sharp = np.where(matte[..., None] > 0, subject, wall)
    veiled = ((1 - amount) * np.sqrt(wall) + amount * np.sqrt(subject)) ** 2
    after = np.where(matte[..., None] > 0, subject, veiled)
    halo = halo_report(sharp, after, matte, np.full(shape, 10, np.float32))
    assert halo.leak == pytest.approx(max(amount - 0.03, 0), abs=0.02)  # less its own error


# ---------------------------------------------------------------- where there is nothing to judge
def test_without_a_subject_or_blur_nothing_is_wrong(rng):
    picture = rng.random((90, 120, 3), np.float32)
    none, half = np.zeros((90, 120), np.float32), np.zeros((90, 120), np.float32)
    half[:, :60] = 1
    wide = np.full((90, 120), 9, np.float32)
    assert halo_report(picture, picture, none, wide) == NOTHING
    assert halo_report(picture, picture, 1 - none, wide) == NOTHING
    assert halo_report(picture, picture, half, none) == NOTHING


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
@settings(max_examples=30)
def test_any_picture_can_be_judged(height, width, seed):
    rng = np.random.default_rng(seed)
    before, after = rng.random((2, height, width, 3), np.float32) * 4
    cells = rng.random((max(1, height // 9), max(1, width // 9)), np.float32)
    matte = cv2.resize(cells, (width, height)).reshape(height, width)
    radius = rng.random((height, width), np.float32) * 30
    for array in (before, after, matte, radius):
        array.flags.writeable = False
    halo = halo_report(before, after, matte, radius)
    assert 0 <= halo.leak <= 1
    assert 0 <= halo.rim <= 1
    assert halo.worst is None or (0 <= halo.worst[0] <= 1 and 0 <= halo.worst[1] <= 1)


def test_a_panorama_wider_than_opencv_remaps_is_judged(rng):
    before = np.repeat(rng.random((60, 400, 3), np.float32), 90, axis=1)
    matte = np.zeros((60, 36_000), np.float32)
    matte[:, 15_000:20_000] = 1
    blurred = cv2.blur(before, (1201, 1))
    after = np.where(matte[..., None] > 0, before, blurred)
    radius = np.full_like(matte, 300)
    assert (
        halo_report(before, before, matte, radius).rim
        > halo_report(before, after, matte, radius).rim
    )


def test_arrays_that_do_not_fit_are_named():
    picture, plane = np.ones((8, 9, 3), np.float32), np.ones((8, 9), np.float32)
    with pytest.raises(ShapeError, match="before must be"):
        halo_report(picture[:4], picture, plane, plane)
    with pytest.raises(ShapeError, match="after must be"):
        halo_report(picture, picture.astype(float), plane, plane)
    with pytest.raises(ShapeError, match="matte"):
        halo_report(picture, picture, plane.astype(float), plane)
    with pytest.raises(ShapeError, match="radius_px"):
        halo_report(picture, picture, plane, plane[:4])
