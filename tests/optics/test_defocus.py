"""The renderer against optics: known discs, kept energy, sharp focus, honest occlusion."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import (
    MARGIN,
    TexturedPlane,
    pinhole,
    radius_map,
    through_lens,
)

from depthfx.errors import ParameterError, ShapeError
from depthfx.evaluation.truth import render
from depthfx.optics import defocus as module
from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus

quick = settings(deadline=None, max_examples=25)


def with_radius(pixels, radius, **options):
    """`defocus` of a picture whose signed blur radius in px is given."""
    pixels.flags.writeable = radius.flags.writeable = False
    return defocus(pixels, radius, focus_inverse=0.0, blur_px=2.0, **options)


def psnr(a, b):
    return -10 * np.log10(np.mean((np.sqrt(np.clip(a, 0, 1)) - np.sqrt(np.clip(b, 0, 1))) ** 2))


def flat(value, shape=(81, 91)):
    return np.full(shape, value, np.float32)


def lone_light(shape=(81, 91), at=(40, 45), value=50.0):
    pixels = np.zeros((*shape, 3), np.float32)
    pixels[at] = value
    return pixels


# ---------------------------------------------------------------- focus
def test_no_blur_is_the_identity(rng):
    pixels, inverse = rng.random((40, 50, 3), np.float32), rng.random((40, 50), np.float32)
    got = defocus(pixels, inverse, focus_inverse=0.3, blur_px=0.0)
    np.testing.assert_array_equal(got, pixels)
    assert got is not pixels


def test_a_plane_in_focus_is_untouched(rng):
    """Even with blurred things in the picture, bit for bit where their blur ends."""
    pixels = rng.random((60, 90, 3), np.float32)
    radius = flat(0, (60, 90))
    radius[:, 60:] = 6
    got = with_radius(pixels, radius)
    np.testing.assert_array_equal(got[:, :52], pixels[:, :52])
    assert np.abs(got[:, 70:] - pixels[:, 70:]).max() > 0.1


@pytest.mark.parametrize("radius", [-8.0, 8.0])
def test_colours_outside_the_gamut_survive(radius):
    pixels = np.tile(np.float32([1.4, -0.05, 0.2]), (40, 50, 1))
    np.testing.assert_allclose(with_radius(pixels, flat(radius, (40, 50))), pixels, atol=1e-5)


# ---------------------------------------------------------------- discs
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("radius", [0.4, 1.0, 2.3, 3.7, 5.5, 9.2, 14.1, 23.4, 30.0])
def test_a_point_becomes_the_predicted_disc(radius, side):
    """Radius from the second moment, <r^2> = R^2 / 2, within 0.2 px; energy within 0.5 %."""
    got = with_radius(lone_light(), flat(side * radius))[..., 0].astype(float)
    assert got.sum() == pytest.approx(50, rel=1e-3)
    y, x = np.mgrid[-40:41, -45:46]
    assert np.sqrt(2 * (got * (x * x + y * y)).sum() / got.sum()) == pytest.approx(radius, abs=0.2)
    if radius > 3:
        half = np.median(got[36:45, 41:50]) / 2  # the rim is where the light falls to half
        rim = np.interp(-half, -got[40, 45:], np.arange(46.0))
        assert rim == pytest.approx(radius, abs=0.8)


def test_the_disc_of_a_lens_given_in_metres():
    """20 mm opening, 1000 px, focus at 2 m, point at 1 m: radius 5 px."""
    sharp, depth = lone_light(), flat(1.0)
    got = render(sharp, depth, 1000.0, 0.02, 2.0, 0)[..., 1].astype(float)
    y, x = np.mgrid[-40:41, -45:46]
    assert np.sqrt(2 * (got * (x * x + y * y)).sum() / got.sum()) == pytest.approx(5, abs=0.1)


def test_the_opening_stands_upright_behind_the_focus_and_upside_down_before_it():
    """A ray through lens point u meets the focus plane shifted by u * (1/focus - 1/z)."""
    triangle = Aperture(3, rotation_deg=-90)  # a corner points down
    far = with_radius(lone_light(), flat(-10), aperture=triangle)[..., 0]
    near = with_radius(lone_light(), flat(10), aperture=triangle)[..., 0]
    assert far[49, 45] > 0.02
    assert far[31, 45] == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(near, far[::-1], atol=2e-3)


def test_twice_the_picture_has_twice_the_disc():
    small = with_radius(lone_light(), flat(-4))[..., 0]
    double = with_radius(lone_light((162, 182), (80, 90), 200.0), flat(-8, (162, 182)))[..., 0]
    y, x = np.mgrid[:81, :91]
    y2, x2 = np.mgrid[:162, :182]
    moment = (small * ((x - 45) ** 2 + (y - 40) ** 2)).sum() / small.sum()
    moment2 = (double * ((x2 - 90) ** 2 + (y2 - 80) ** 2)).sum() / double.sum()
    assert moment2 == pytest.approx(4 * moment, rel=0.01)


# ---------------------------------------------------------------- energy
@quick
@given(
    arrays(np.float32, (24, 31), elements=st.floats(-9, 14, width=32)),
    st.floats(0.0625, 20, width=32),
)
def test_a_constant_picture_stays_constant(radius, value):
    """Whatever the depths: the layers' weights sum to one."""
    pixels = np.full((24, 31, 3), value, np.float32)
    np.testing.assert_allclose(with_radius(pixels, radius), pixels, rtol=1e-4)


@quick
@given(st.integers(0, 2**32 - 1), st.floats(1, 12))
def test_no_light_is_negative_and_none_far_exceeds_the_brightest(seed, largest):
    rng = np.random.default_rng(seed)
    pixels = (rng.random((30, 37, 3)) ** 8 * 30).astype(np.float32)
    steps = cv2.resize(
        rng.normal(0, largest, (5, 6)).astype(np.float32), (37, 30), interpolation=cv2.INTER_NEAREST
    )
    got = with_radius(pixels, steps)
    assert got.min() >= 0
    # A mixed pixel is taken apart into two colours, one of them a little brighter than it was.
    assert got.max() <= pixels.max() * 1.05


@pytest.mark.parametrize("slope", [0.05, 0.2, 0.6])
def test_lights_on_slanted_ground_keep_their_energy(slope, rng):
    pixels = np.zeros((120, 90, 3), np.float32)
    radius = ((np.arange(120, dtype=np.float32) - 60) * slope * 0.3)[:, None] * np.ones(
        (1, 90), np.float32
    )
    pixels[rng.integers(30, 90, 12), rng.integers(25, 65, 12)] = 20
    got = with_radius(pixels, radius)
    assert got.sum(dtype=float) == pytest.approx(pixels.sum(dtype=float), rel=0.03)


# ---------------------------------------------------------------- occlusion
def test_the_subject_does_not_leak_into_the_background():
    """A red square in focus before a blue wall: no red on the wall, at any distance."""
    pixels = np.tile(np.float32([0.0, 0.1, 0.6]), (90, 100, 1))
    radius = flat(-12, (90, 100))
    pixels[30:60, 35:65], radius[30:60, 35:65] = (0.9, 0, 0), 0
    got = with_radius(pixels, radius)
    wall = radius < 0
    assert got[wall][:, 0].max() < 1 / 255 / 12.92  # one 8-bit code
    np.testing.assert_allclose(got[31:59, 36:64], pixels[31:59, 36:64], atol=1e-3)


def test_a_blurred_foreground_goes_half_transparent_over_what_is_behind():
    """A straight red edge out of focus over blue in focus: half of each at the edge."""
    pixels = np.tile(np.float32([0.0, 0.1, 0.6]), (80, 120, 1))
    radius = flat(0, (80, 120))
    pixels[:, :60], radius[:, :60] = (0.8, 0, 0), 12
    got = with_radius(pixels, radius)[40]
    x = np.arange(120) + 0.5 - 60
    t = np.clip(x / 12, -1, 1)
    red = 0.5 - (t * np.sqrt(1 - t * t) + np.arcsin(t)) / np.pi  # share of a disc past a chord
    np.testing.assert_allclose(got[:, 0], 0.8 * red, atol=0.03)
    np.testing.assert_allclose(got[:, 2], 0.6 * (1 - red), atol=0.03)


def textured(rng, detail):
    shape = (128 + 2 * MARGIN, 160 + 2 * MARGIN)
    noise = rng.random((shape[0] // detail, shape[1] // detail, 3), np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC).clip(0.02, 1)


def scene_of_planes(rng, radii):
    """A wall, a disc before it and strands before both, at the radii given."""
    height, width = 128 + 2 * MARGIN, 160 + 2 * MARGIN
    y, x = np.mgrid[:height, :width].astype(np.float32)
    everywhere = np.ones((height, width), np.float32)
    disc = np.clip(34 - np.hypot(y - 100, x - 125) + 0.5, 0, 1)
    strands = np.clip(1.6 - np.abs((x + 0.3 * y) % 34 - 17), 0, 1)
    return [
        TexturedPlane(textured(rng, 9), everywhere, radii[0]),
        TexturedPlane(textured(rng, 6) * np.float32([1, 0.6, 0.5]), disc, radii[1]),
        TexturedPlane(textured(rng, 20) * np.float32([0.3, 0.2, 0.1]), strands, radii[2]),
    ]


@pytest.mark.parametrize(
    ("radii", "least_db"),
    [
        ((-9.0, 0.0, 1.5), 32.0),  # focus on the disc
        ((0.0, 5.0, 9.0), 31.0),  # focus on the wall
        ((-10.0, -4.0, 0.0), 32.0),  # focus on the strands
    ],
)
def test_planes_look_as_the_lens_samples_say(radii, least_db, rng):
    """Against brute force; picking from blurred copies must stay at least 1 dB behind."""
    planes = scene_of_planes(rng, radii)
    truth, sharp, radius = through_lens(planes, 200), pinhole(planes), radius_map(planes)
    simple = np.zeros_like(sharp)
    for r in radii:
        kernel = Aperture().kernel(abs(r))
        blurred = cv2.filter2D(sharp, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
        simple[radius == r] = blurred[radius == r]
    got = psnr(with_radius(sharp, radius), truth)
    assert got >= least_db
    assert got >= psnr(simple, truth) + 1


# ---------------------------------------------------------------- kernels and their plain twins
def test_a_radius_finds_its_place_among_the_layers(rng):
    radii = np.array([-9.0, -4, -1, 0, 0.5, 2, 7])
    squares = (radii * np.abs(radii)).astype(np.float32)
    radius = rng.uniform(-11, 9, (20, 30)).astype(np.float32)
    got = np.empty_like(radius)
    module._position(radius, squares, got)
    twin = np.interp(radius * np.abs(radius), squares, np.arange(7))
    np.testing.assert_allclose(got, twin, atol=1e-4)


def test_a_layer_is_cut_out_as_its_formula_says(rng):
    """For pixels of one surface: cover is the hat, known is what is not nearer."""
    front = rng.random((12, 16, 3), np.float32)
    layer = rng.uniform(0, 6, (12, 16)).astype(np.float32)
    ones = np.ones_like(layer)
    for k in range(7):
        stack = np.zeros((12, 16, 5), np.float32)
        module._slice_layer(k, 1, 0, 0, front, front, ones, layer, layer, stack)
        hat = np.maximum(1 - np.abs(layer - k), 0)
        np.testing.assert_allclose(stack[..., :3], hat[..., None] * front, atol=1e-6)
        np.testing.assert_allclose(stack[..., 3], hat, atol=1e-6)
        np.testing.assert_allclose(stack[..., 4], 1 - np.clip(layer - k, 0, 1), atol=1e-6)
        blocks = np.zeros((3, 4, 5), np.float32)
        module._slice_layer(k, 4, 0, 0, front, front, ones, layer, layer, blocks)
        np.testing.assert_allclose(blocks, stack.reshape(3, 4, 4, 4, 5).mean((1, 3)), atol=1e-6)


def test_over_is_the_over_operator(rng):
    stack = rng.random((9, 11, 5), np.float32)
    stack[..., 4] = np.maximum(stack[..., 3], 0.2)  # nothing covers more than is known
    colour, cover = rng.random((9, 11, 3), np.float32), rng.random((9, 11), np.float32)
    own = (stack[..., 3] / stack[..., 4])[..., None]
    twin = colour * (1 - own) + stack[..., :3] / stack[..., 4:]
    twin_cover = cover * (1 - own[..., 0]) + own[..., 0]
    module._over(stack, colour, cover)
    np.testing.assert_allclose(colour, twin, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(cover, twin_cover, atol=1e-6)


# ---------------------------------------------------------------- behaviour
def stepped(rng, shape=(150, 210)):
    pixels = rng.random((*shape, 3), np.float32)
    radius = cv2.resize(
        rng.normal(0, 9, (6, 8)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_NEAREST
    )
    radius[:, :60] = np.linspace(-20, 20, 60)
    return pixels, radius


def test_the_result_knows_no_tiles_and_no_workers(rng, monkeypatch):
    pixels, radius = stepped(rng)
    whole = with_radius(pixels, radius, threads=1)
    monkeypatch.setattr(module, "_tile_px", lambda halo: 38)
    np.testing.assert_allclose(with_radius(pixels, radius, threads=2), whole, atol=1e-4)


def test_progress_ends_at_one(rng):
    heard = []
    with_radius(*stepped(rng), progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_known_coverage_beats_a_hard_edge(rng):
    """A 9 px soft edge: with its coverage and second depth the blur is nearer to the lens's."""
    planes = scene_of_planes(rng, (-9.0, 0.0, 0.0))[:2]
    y, x = np.mgrid[: planes[1].matte.shape[0], : planes[1].matte.shape[1]]
    soft = np.clip(0.5 + (34 - np.hypot(y - 100, x - 125)) / 9, 0, 1).astype(np.float32)
    planes[1] = TexturedPlane(planes[1].colour, soft, 0.0)
    truth, sharp, radius = through_lens(planes, 200), pinhole(planes), radius_map(planes)
    cover = soft[MARGIN:-MARGIN, MARGIN:-MARGIN]
    front = np.where(cover > 0, np.float32(0), np.float32(-9)).astype(np.float32)
    behind = np.where(cover < 1, np.float32(-9), front).astype(np.float32)
    hard = psnr(with_radius(sharp, radius), truth)
    known = psnr(with_radius(sharp, front, behind=behind, coverage=cover), truth)
    assert known > hard + 0.3
    assert psnr(with_radius(sharp, radius, matte=cover), truth) > hard + 0.3


def test_arrays_that_do_not_fit_are_named():
    pixels, inverse = np.ones((4, 5, 3), np.float32), np.ones((4, 5), np.float32)
    with pytest.raises(ShapeError, match="pixels"):
        defocus(pixels[..., :2], inverse, focus_inverse=0, blur_px=1)
    with pytest.raises(ShapeError, match="inverse"):
        defocus(pixels, inverse[:3], focus_inverse=0, blur_px=1)
    with pytest.raises(ShapeError, match="matte"):
        defocus(pixels, inverse, focus_inverse=0, blur_px=1, matte=inverse.astype(float))
    with pytest.raises(ShapeError, match="finite"):
        defocus(pixels, inverse * np.inf, focus_inverse=0, blur_px=1)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_bad_amount_of_blur_is_named(bad):
    with pytest.raises(ParameterError, match="blur_px="):
        defocus(
            np.ones((4, 5, 3), np.float32),
            np.ones((4, 5), np.float32),
            focus_inverse=0,
            blur_px=bad,
        )


@pytest.mark.parametrize("nearest", [1e3, 1e30])
def test_absurdly_near_things_cost_no_more_than_half_the_frame(nearest):
    pixels = np.full((60, 80, 3), 0.4, np.float32)
    inverse = np.full((60, 80), 0.5, np.float32)
    inverse[20:40, 30:50] = nearest
    out = defocus(pixels, inverse, focus_inverse=0.5, blur_px=100.0)
    np.testing.assert_allclose(out, 0.4, atol=1e-3)


def test_what_nobody_looks_at_changes_nothing_elsewhere(rng):
    pixels = rng.random((900, 500, 3)).astype(np.float32)
    inverse = np.repeat(np.linspace(0.2, 1, 900, dtype=np.float32)[:, None], 500, 1)
    wanted = np.zeros((900, 500), bool)
    wanted[:300] = True
    whole = defocus(pixels, inverse, focus_inverse=0.5, blur_px=12.0)
    part = defocus(pixels, inverse, focus_inverse=0.5, blur_px=12.0, wanted=wanted)
    np.testing.assert_array_equal(part[:300], whole[:300])
    np.testing.assert_array_equal(part[-10:], pixels[-10:])
