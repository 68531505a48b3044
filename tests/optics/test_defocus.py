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
from depthfx.optics import drawing, hidden, levels
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.ladder import FULL_SIZE_PX

VARYING = Aperture(cats_eye=0.8, swirl=0.4)
quick = settings(deadline=None, max_examples=25)


def with_radius(pixels, radius, **options):
    """`defocus` of a picture whose signed blur radius in px is given."""
    pixels.flags.writeable = radius.flags.writeable = False
    return defocus(pixels, radius, focus_inverse=0.0, blur_px=2.0, **options)


def psnr(a, b):
    return -10 * np.log10(np.mean((np.sqrt(np.clip(a, 0, 1)) - np.sqrt(np.clip(b, 0, 1))) ** 2))


RED, BLUE = np.float32([0.8, 0, 0]), np.float32([0.0, 0.1, 0.6])


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


@pytest.mark.parametrize("aperture", [ROUND, Aperture(5), VARYING])
@pytest.mark.parametrize("radius", [-20.0, 6.0, 20.0])
def test_a_plane_in_focus_is_untouched(radius, aperture, rng):
    """Even with blurred things in the picture, bit for bit where their blur ends."""
    pixels = rng.random((60, 110, 3), np.float32)
    radii = flat(0, (60, 110))
    radii[:, 80:] = radius
    got = with_radius(pixels, radii, aperture=aperture)
    np.testing.assert_array_equal(got[:, :52], pixels[:, :52])
    assert np.abs(got[:, 90:] - pixels[:, 90:]).max() > 0.1


@pytest.mark.parametrize("radius", [-8.0, 8.0])
def test_colours_outside_the_gamut_survive(radius):
    pixels = np.tile(np.float32([1.4, -0.05, 0.2]), (40, 50, 1))
    np.testing.assert_allclose(with_radius(pixels, flat(radius, (40, 50))), pixels, atol=1e-5)


# ---------------------------------------------------------------- discs
def width_of(light):
    """Sum, centre (row, column), and sqrt(2 <r^2>), the radius of an even disc."""
    light = light.astype(float)
    total, (y, x) = light.sum(), np.indices(light.shape)
    row, column = (light * y).sum() / total, (light * x).sum() / total
    square = (light * ((y - row) ** 2 + (x - column) ** 2)).sum() / total
    return total, (row, column), np.sqrt(2 * square)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("radius", [0.4, 1.0, 2.3, 3.7, 5.5, 9.2, 14.1, 23.4, 30.0])
def test_a_point_becomes_the_predicted_disc(radius, side):
    """Radius from the second moment, <r^2> = R^2 / 2, within 0.2 px; energy within 0.5 %."""
    got = with_radius(lone_light(), flat(side * radius))[..., 0].astype(float)
    assert got.sum() == pytest.approx(50, rel=1e-3)
    assert width_of(got)[2] == pytest.approx(radius, abs=0.2)
    if radius > 3:
        half = np.median(got[36:45, 41:50]) / 2  # the rim is where the light falls to half
        rim = np.interp(-half, -got[40, 45:], np.arange(46.0))
        assert rim == pytest.approx(radius, abs=0.8)


AROUND_NEW_SIZES = [
    FULL_SIZE_PX * 2**n + step for n in range(4) for step in (-0.3, 0, 0.3, 2**n, 2 ** (n + 1))
]


@pytest.mark.parametrize("at", [(0, 0), (1, 2), (6, 11)])
@pytest.mark.parametrize("radius", [*AROUND_NEW_SIZES, 63.0, 130.0, 150.0])
def test_discs_keep_light_and_width_where_the_drawing_size_changes(radius, at):
    """Wherever the point stands in the blocks of the size that its disc is drawn at."""
    side = int(2.6 * radius / 16 + 3) * 16
    row, column = side // 2 + at[0], side // 2 + at[1]
    pixels = lone_light((side, side), (row, column))
    total, centre, width = width_of(with_radius(pixels, flat(-radius, (side, side)))[..., 0])
    assert total == pytest.approx(50, rel=5e-3)
    assert width == pytest.approx(radius, abs=0.5)
    # The light of a block leaves from its middle.
    block = 1 if radius <= FULL_SIZE_PX else 2 ** np.ceil(np.log2(radius / FULL_SIZE_PX))
    np.testing.assert_allclose(centre, (row, column), atol=block / 2 + 0.1)


def test_the_radius_is_cut_at_half_the_diagonal():
    pixels = np.full((60, 80, 3), 0.4, np.float32)
    pixels[30, 40] = 100
    for side in (-1, 1):
        np.testing.assert_array_equal(
            with_radius(pixels, flat(side * 1e6, (60, 80))),
            with_radius(pixels, flat(side * 50, (60, 80))),
        )


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
@pytest.mark.parametrize("shape", [(64, 96), (81, 97)])
@pytest.mark.parametrize("radius", [-30.0, -14.0, 6.0, 14.0])
def test_lights_at_the_border_keep_their_energy(radius, shape):
    """What leaves the frame comes back as the mirror image's light.

    To half a block, where the frame ends in the middle of one.
    """
    whole = radius >= -24 or not any(side % 4 for side in shape)
    for at in ((-1, -1), (-2, 40), (0, 0), (30, -1), (40, -4)):
        got = with_radius(lone_light(shape, at), flat(radius, shape))
        assert got[..., 0].sum(dtype=float) == pytest.approx(50, rel=5e-3 if whole else 0.1), at


@pytest.mark.parametrize(
    ("radius", "share"),
    [(6.0, 1e-4), (9.0, 1e-4), (14.0, 1e-4), (44.0, 1e-4), (3.3, 0.015), (13.0, 0.015)],
)
def test_a_small_bright_thing_in_front_keeps_its_light(radius, share):
    """On a layer exactly; between two, its rim is drawn as both."""
    side = int(3 * radius) // 16 * 16 + 48
    thing = slice(side // 2 - 8, side // 2 + 8)
    pixels, radii = np.zeros((side, side, 3), np.float32), flat(0, (side, side))
    pixels[thing, thing], radii[thing, thing] = 10, radius
    got = with_radius(pixels, radii)[..., 0].sum(dtype=float)
    assert got == pytest.approx(10 * 16 * 16, rel=share)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("aperture", [Aperture(swirl=1.0), Aperture(cats_eye=1.0)])
def test_lights_keep_their_energy_through_an_opening_that_varies(aperture, side):
    """A disc of 40 px in 24 megapixels, at a smaller size."""
    got = with_radius(
        lone_light((320, 480), (100, 120)), flat(side * 3.2, (320, 480)), aperture=aperture
    )
    assert got[..., 0].sum(dtype=float) == pytest.approx(50, rel=0.005)


@quick
@given(
    arrays(np.float32, (24, 31), elements=st.floats(-9, 14, width=32)),
    st.floats(0.0625, 20, width=32),
)
def test_a_constant_picture_stays_constant(radius, value):
    """Whatever the depths: the layers' weights sum to one."""
    pixels = np.full((24, 31, 3), value, np.float32)
    np.testing.assert_allclose(with_radius(pixels, radius), pixels, rtol=1e-4)


@pytest.mark.parametrize("known", [{}, {"coverage", "behind"}, {"matte"}])
@pytest.mark.parametrize("aperture", [ROUND, Aperture(6, 20), VARYING])
def test_a_constant_picture_stays_constant_at_every_size(aperture, known, rng):
    """With blurs drawn at several sizes, second surfaces known or not, an odd frame."""
    shape = (61, 83) if aperture.varies else (141, 163)
    pixels = np.full((*shape, 3), 0.7, np.float32)
    _, radius = stepped(rng, shape)
    planes = {
        "behind": radius - rng.uniform(0, 30, radius.shape).astype(np.float32),
        "coverage": rng.random(radius.shape, np.float32),
        "matte": cv2.resize(rng.random((5, 6), np.float32), shape[::-1]),
    }
    got = with_radius(
        pixels, radius * 2, aperture=aperture, **{name: planes[name] for name in known}
    )
    np.testing.assert_allclose(got, pixels, atol=1e-4)


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


@pytest.mark.parametrize("behind", [0.0, -7.0, -30.0])
@pytest.mark.parametrize("radius", [6.0, 12.0, 13.0, 18.0, 40.0, 70.0])
def test_a_blurred_foreground_goes_half_transparent_over_what_is_behind(radius, behind):
    """A straight red edge out of focus over blue: half of each at the edge."""
    half = int(2 * radius / 16 + 2) * 16
    pixels = np.tile(np.float32([0.0, 0.1, 0.6]), (80, 2 * half, 1))
    radii = flat(behind, (80, 2 * half))
    pixels[:, :half], radii[:, :half] = (0.8, 0, 0), radius
    got = with_radius(pixels, radii)[40]
    t = np.clip((np.arange(2 * half) + 0.5 - half) / radius, -1, 1)
    red = 0.5 - (t * np.sqrt(1 - t * t) + np.arcsin(t)) / np.pi  # share of a disc past a chord
    np.testing.assert_allclose(got[:, 0], 0.8 * red, atol=0.03)
    np.testing.assert_allclose(got[:, 2], 0.6 * (1 - red), atol=0.03)


@pytest.mark.parametrize("radius", [9.0, 13.0, 30.0])
def test_a_blurred_square_has_round_corners(radius):
    """Its matte, spread by the disc, mixes red and the blue behind."""
    side = int(5 * radius / 16 + 3) * 16
    square = np.zeros((side, side), np.float32)
    square[side // 3 : -side // 3, side // 3 : -side // 3] = 1
    pixels = np.where(square[..., None] > 0, RED, BLUE)
    share = cv2.filter2D(square, -1, ROUND.kernel(radius), borderType=cv2.BORDER_CONSTANT)[
        ..., None
    ]
    got = with_radius(pixels, square * np.float32(radius))
    np.testing.assert_allclose(got, share * RED + (1 - share) * BLUE, atol=0.04)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("period", [32, 128])
def test_blur_grows_along_slanted_ground_without_steps(period, side):
    """Ground from 0 to 60 px, drawn at four sizes. A wave keeps 2 J1(kR) / (kR) of its height;
    what is wrong with that changes by less than half a code of 8 bits from row to row."""
    k, slope = 2 * np.pi / period, 0.05
    radius = np.arange(1200) * slope
    wave = np.cos(k * (np.arange(2 * period) + 0.5))
    pixels = np.broadcast_to((0.5 + 0.4 * wave)[None, :, None], (1200, 2 * period, 3))
    got = with_radius(
        pixels.astype(np.float32),
        (side * radius[:, None] * np.ones(2 * period)).astype(np.float32),
    )
    # The mean of cos over a disc: over its chords, as wide as they are long.
    chord = np.cos((np.arange(400) + 0.5) * np.pi / 400)
    left = (np.cos(k * radius[:, None] * chord) * (1 - chord**2)).sum(1) / (1 - chord**2).sum()
    wrong = got[..., 0] - (0.5 + 0.4 * left[:, None] * wave)
    inside = slice(30, 1050)  # where no disc meets the end of the ground
    assert np.abs(wrong[inside]).max() < 0.018
    assert np.abs(np.diff(wrong[inside], axis=0)).max() < 0.5 / 255 * 0.75


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


# ---------------------------------------------------------------- behaviour
def stepped(rng, shape=(150, 210)):
    pixels = rng.random((*shape, 3), np.float32)
    radius = cv2.resize(
        rng.normal(0, 9, (6, 8)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_NEAREST
    )
    side = shape[1] // 4
    radius[:, :side] = np.linspace(-20, 20, side)
    return pixels, radius


def scene_with(rng, known, shape=(150, 210)):
    pixels, radius = stepped(rng, shape)
    planes = {
        "behind": radius - rng.choice(np.float32([0, 5, 25]), shape),
        "coverage": rng.random(shape, np.float32),
        "matte": cv2.resize(rng.random((5, 6), np.float32), shape[::-1]),
    }
    return pixels, radius * 2, {name: planes[name] for name in known}


@pytest.mark.parametrize("known", [(), ("behind", "coverage"), ("matte",)])
def test_the_result_knows_no_workers(known, rng):
    pixels, radius, planes = scene_with(rng, known)
    alone = with_radius(pixels, radius, threads=1, **planes)
    np.testing.assert_array_equal(with_radius(pixels, radius, threads=3, **planes), alone)


@pytest.mark.parametrize(
    ("tile_px", "aperture", "shape"),
    [(38, ROUND, (150, 210)), (64, Aperture(5), (151, 213)), (26, VARYING, (60, 75))],
)
def test_the_result_knows_no_tiles(tile_px, aperture, shape, rng, monkeypatch):
    pixels, radius, planes = scene_with(rng, ("behind", "coverage"), shape)
    whole = with_radius(pixels, radius, aperture=aperture, **planes)
    monkeypatch.setattr(drawing, "TILE_PX", tile_px)
    monkeypatch.setattr(drawing, "STRIP_ROWS", tile_px - 6)
    for module in (levels, hidden):
        monkeypatch.setattr(module, "STRIP_ROWS", tile_px // 2 + tile_px // 2 % 2)
    got = with_radius(pixels, radius, aperture=aperture, threads=3, **planes)
    np.testing.assert_allclose(got, whole, atol=1e-4)


@pytest.mark.parametrize("radius", [-30.0, 9.0, 30.0])
def test_a_disc_over_the_borders_of_tiles_is_as_any_other(radius):
    """Moved by whole blocks of the coarsest size it stays the same, value for value."""
    discs = []
    for row, column in ((191, 190), (191 - 96, 190 - 96)):  # the corner of four tiles, the middle
        pixels = lone_light((384, 384), (row, column))
        got = with_radius(pixels, flat(radius, (384, 384)))[..., 0]
        discs.append(got[row - 48 : row + 48, column - 48 : column + 48])
    np.testing.assert_allclose(discs[0], discs[1], atol=1e-5 * discs[1].max())


@pytest.mark.parametrize("column", range(64, 128, 16))
def test_a_disc_may_end_where_a_tile_does(column, monkeypatch):
    """Its last light is in one tile of a small size and, enlarged, reaches into the next."""
    pixels, radius = lone_light((112, 192), (56, column)), flat(0, (112, 192))
    radius[52:60, column - 4 : column + 4] = 26
    whole = with_radius(pixels, radius)
    monkeypatch.setattr(drawing, "TILE_PX", 16)
    np.testing.assert_allclose(with_radius(pixels, radius), whole, atol=1e-6)


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, np.flip])
def test_a_turned_picture_has_the_turned_result(turn, rng):
    """Exactly a mirror image. (Of guesses behind wide foregrounds only nearly.)"""
    pixels, radius = stepped(rng, (160, 208))
    radius = np.clip(radius * 2, -40, 11)
    whole = with_radius(pixels, radius)
    axes = {np.flipud: (0,), np.fliplr: (1,), np.flip: (0, 1)}[turn]
    got = with_radius(np.flip(pixels, axes), np.flip(radius, axes))
    np.testing.assert_allclose(np.flip(got, axes), whole, atol=5e-3)


@pytest.mark.parametrize("largest", [3.0, 20.0, 80.0])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (2, 3), (3, 1), (1, 64), (5, 300), (300, 5), (17, 33)]
)
def test_no_frame_is_too_small(shape, largest, rng):
    """Every pixel is beside a jump, and the blur larger than the frame."""
    pixels = rng.random((*shape, 3), np.float32)
    radius = rng.normal(0, largest, shape).astype(np.float32)
    got = with_radius(pixels, radius)
    assert got.shape == pixels.shape
    assert got.dtype == np.float32
    assert got.min() >= 0
    assert got.max() <= 1.05
    constant = np.full_like(pixels, 0.7)
    np.testing.assert_allclose(with_radius(constant, radius), constant, atol=1e-4)


@pytest.mark.parametrize("known", [(), ("behind", "coverage"), ("matte",)])
def test_what_is_given_is_left_as_it_was(known, rng):
    pixels, radius, planes = scene_with(rng, known)
    given = [pixels.copy(), radius.copy(), *(plane.copy() for plane in planes.values())]
    for plane in planes.values():
        plane.flags.writeable = False
    with_radius(pixels, radius, **planes)
    for before, after in zip(given, [pixels, radius, *planes.values()], strict=True):
        np.testing.assert_array_equal(after, before)


def test_a_view_into_a_larger_picture_is_a_picture(rng):
    pixels, radius = stepped(rng)
    whole = with_radius(pixels[20:99:2, 7:90].copy(), radius[20:99:2, 7:90].copy())
    np.testing.assert_array_equal(with_radius(pixels[20:99:2, 7:90], radius[20:99:2, 7:90]), whole)


def test_without_a_second_surface_its_planes_change_nothing(rng):
    pixels, radius = stepped(rng)
    plain = with_radius(pixels, radius)
    same = with_radius(pixels, radius, behind=radius, coverage=np.ones_like(radius))
    np.testing.assert_array_equal(same, plain)
    solid = with_radius(pixels, radius, matte=np.ones_like(radius))
    np.testing.assert_array_equal(solid, plain)


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


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["inverse", "behind"])
def test_depth_that_is_not_finite_is_refused(where, bad):
    planes = {name: np.full((40, 50), 0.5, np.float32) for name in ("behind", "coverage")}
    planes["inverse"] = np.ones((40, 50), np.float32)
    planes[where][2, 3] = bad
    with pytest.raises(ShapeError, match="finite"):
        defocus(np.ones((40, 50, 3), np.float32), focus_inverse=0, blur_px=1, **planes)


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


@pytest.fixture(scope="module")
def partly_wanted():
    """Picture, mask of a few places, result everywhere and result with the mask; small tiles."""
    rng = np.random.default_rng(3)
    pixels, radius = stepped(rng, (330, 390))
    tile_px = 46
    wanted = np.zeros((330, 390), bool)
    wanted[60:79, 250:265] = True
    for row, column in ((2, 2), (4, 3), (6, 4)):  # on either side of where tiles meet
        wanted[row * tile_px, column * tile_px] = wanted[row * tile_px - 1, 8 * tile_px - 1] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "TILE_PX", tile_px)
        whole = with_radius(pixels, radius * 3)
        return pixels, wanted, whole, with_radius(pixels, radius * 3, wanted=wanted)


def test_what_is_wanted_is_drawn_bit_for_bit(partly_wanted):
    _, wanted, whole, part = partly_wanted
    np.testing.assert_array_equal(part[wanted], whole[wanted])


def test_what_is_not_wanted_is_drawn_or_left(partly_wanted):
    pixels, _, whole, part = partly_wanted
    drawn, left = (np.all(part == other, axis=2) for other in (whole, pixels))
    assert left.mean() > 0.3
    assert np.all(drawn | left)


def test_larger_cells_of_what_is_hidden_hardly_change_the_picture(rng, monkeypatch):
    pixels, radius = stepped(rng, (160, 210))
    fine = with_radius(pixels, radius * 2)
    monkeypatch.setattr(hidden, "MOST_CELLS", 4000)
    coarse = with_radius(pixels, radius * 2)
    difference = np.abs(fine - coarse)
    assert difference.max() > 0
    assert np.sqrt(np.mean(difference**2)) < 0.01
