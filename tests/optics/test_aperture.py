import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.optics.aperture import Aperture
from depthfx.optics.opening_picture import opening_picture

LETTER = np.float32([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])  # an F

radii = st.floats(0, 45)
places = st.tuples(st.floats(-1, 1), st.floats(-1, 1))
shapes = st.fixed_dictionaries(
    {},
    optional={
        "rotation_deg": st.floats(-400, 400),
        "curvature": st.floats(0, 1),
        "squeeze": st.floats(1, 3),
        "spherical": st.floats(-1, 1),
        "cats_eye": st.floats(0, 1),
        "swirl": st.floats(0, 1),
        "place": st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7)),
    },
)
openings = st.sampled_from(
    [*({"blades": b} for b in (0, *range(3, 12))), {"image": opening_picture(LETTER)}]
)
apertures = st.builds(lambda opening, shape: Aperture(**opening, **shape), openings, shapes)


def middle_of_mass(kernel):
    """Mean x and y of the light, from the middle of the kernel."""
    line = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    return float(kernel.sum(0, dtype=float) @ line), float(kernel.sum(1, dtype=float) @ line)


def squares(kernel):
    """Mean x * x and y * y of the light, about the middle of the kernel."""
    line = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    return float(kernel.sum(0, dtype=float) @ line**2), float(kernel.sum(1, dtype=float) @ line**2)


def moment(kernel):
    return sum(squares(kernel))


def in_one_frame(*kernels):
    n = max(len(kernel) for kernel in kernels)
    return [np.pad(kernel, (n - len(kernel)) // 2) for kernel in kernels]


def area(outline):
    x, y = outline.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@settings(deadline=None)
@given(apertures, radii)
def test_a_kernel_moves_light_and_makes_none(aperture, radius):
    kernel = aperture.kernel(radius)
    assert kernel.dtype == np.float32
    assert kernel.min() >= 0
    assert kernel.sum(dtype=float) == pytest.approx(1, abs=1e-6)
    assert kernel.shape[0] == kernel.shape[1] == kernel.shape[0] // 2 * 2 + 1
    assert kernel.shape[0] // 2 <= aperture.extent * radius + 1


@settings(deadline=None)
@given(apertures, radii)
def test_a_kernel_spreads_light_as_far_as_the_opening(aperture, radius):
    assert moment(aperture.kernel(radius)) == pytest.approx(
        aperture.moment * radius**2, rel=3e-4, abs=1e-9
    )


@settings(deadline=None)
@given(apertures, st.floats(0.1, 30), st.floats(0, 0.02))
def test_a_little_more_radius_changes_a_kernel_a_little(aperture, radius, step):
    """Light that moves: at most about the share that crosses the borders of pixels."""
    one, other = in_one_frame(aperture.kernel(radius), aperture.kernel(radius + step))
    assert np.abs(one - other).sum() <= 8 * step + 0.02


@given(st.floats(0.05, 45))
def test_a_disc_has_the_second_moment_of_its_radius(radius):
    """<r^2> over a disc is R^2 / 2, at every fraction of a pixel."""
    assert moment(Aperture().kernel(radius)) == pytest.approx(radius**2 / 2, rel=1e-3)


@given(st.sampled_from(range(3, 12)), st.floats(1, 40))
def test_a_polygon_has_the_second_moment_of_its_corners(blades, radius):
    """<r^2> over a regular n-gon of circumradius R is R^2 (2 + cos(2 pi / n)) / 6."""
    expected = radius**2 * (2 + np.cos(2 * np.pi / blades)) / 6
    assert moment(Aperture(blades).kernel(radius)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("blades", range(3, 12))
def test_a_polygon_has_the_area_of_its_corners_and_even_light(blades):
    """A regular n-gon of circumradius R has the area R^2 n sin(2 pi / n) / 2."""
    expected = blades * math.sin(2 * math.pi / blades) / 2
    assert area(Aperture(blades, 7).outline()) == pytest.approx(expected, rel=1e-12)
    kernel = Aperture(blades, 7).kernel(25)
    assert kernel.max() == pytest.approx(1 / (expected * 25**2), rel=2e-3)


@settings(deadline=None)
@given(st.floats(1, 40))
def test_a_disc_is_the_same_from_all_four_sides(radius):
    kernel = Aperture().kernel(radius)
    for other in (kernel[::-1], kernel[:, ::-1], kernel.T):
        np.testing.assert_allclose(other, kernel, atol=1e-7)


@pytest.mark.parametrize("radius", [8.3, 12.5, 24.9])
def test_a_pixel_has_the_share_of_its_square_in_the_disc(radius):
    """Against points on a fine grid, for a disc smaller by what the squares add."""
    kernel = Aperture().kernel(radius)
    size = len(kernel)
    line = (np.arange(size * 32) + 0.5) / 32 - size / 2
    inside = line**2 + line[:, None] ** 2 < radius**2 - 1 / 3
    share = inside.reshape(size, 32, size, 32).mean(axis=(1, 3))
    assert np.abs(kernel - share / share.sum()).max() < 0.02 * kernel.max()


def test_no_radius_is_the_identity():
    np.testing.assert_array_equal(Aperture(5).kernel(0), [[1]])


def test_six_blades_turn_a_side_right_and_corners_up_and_down():
    kernel = Aperture(6).kernel(20)
    n = kernel.shape[0] // 2
    lit = kernel > kernel.max() / 2
    rows, columns = np.nonzero(lit)
    assert rows.max() - n == pytest.approx(20, abs=1.01)
    assert columns.max() - n == pytest.approx(20 * np.cos(np.pi / 6), abs=1.01)
    assert lit[n - 9 : n + 10, n + 16].all()  # the right side is straight and 20 px long


def test_a_triangle_points_left_at_0_and_down_after_a_quarter_turn_back():
    kernel = Aperture(3).kernel(20)
    n = kernel.shape[0] // 2
    assert kernel[n, n - 18] > 0
    assert kernel[n, n + 12] == 0
    turned = Aperture(3, rotation_deg=-90).kernel(20)
    assert turned[n + 18, n] > 0
    assert turned[n - 12, n] == 0


@settings(deadline=None)
@given(st.sampled_from(range(3, 12)), st.floats(2, 20))
def test_turning_by_one_blade_changes_nothing(blades, radius):
    np.testing.assert_allclose(
        *in_one_frame(
            Aperture(blades, 360 / blades).kernel(radius), Aperture(blades).kernel(radius)
        ),
        atol=1e-5,
    )


def test_full_curvature_is_round():
    np.testing.assert_allclose(
        Aperture(5, curvature=1).kernel(9.4), Aperture().kernel(9.4), atol=1e-6
    )


@settings(deadline=None)
@given(st.floats(1, 3), st.floats(10, 40))
def test_squeeze_makes_ovals_as_high_as_before(squeeze, radius):
    """In <x^2> and <y^2>, on top of which pixels add 1/12 each."""
    x2, y2 = squares(Aperture(squeeze=squeeze).kernel(radius))
    assert (y2 - 1 / 12) / (x2 - 1 / 12) == pytest.approx(squeeze**2, rel=0.02)
    assert y2 == pytest.approx(radius**2 / 4, rel=0.02)


@given(openings, st.floats(1, 3), st.floats(0, 90))
def test_squeeze_leaves_the_height(opening, squeeze, rotation_deg):
    plain = Aperture(**opening, rotation_deg=rotation_deg).outline()
    oval = Aperture(**opening, rotation_deg=rotation_deg, squeeze=squeeze).outline()
    np.testing.assert_allclose(oval * [squeeze, 1], plain, atol=1e-12)


@settings(deadline=None)
@given(st.floats(-1, 1))
def test_spherical_aberration_moves_light_as_its_rays_go(spherical):
    """Rays evenly over the opening arrive at r(p); their mean square is an integral over p."""
    k = spherical if spherical > 0 else spherical / 4
    expected = (1 / 2 + 2 * k / 3 + k**2 / 4) / (1 + k) ** 2
    assert Aperture(spherical=spherical).moment == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("spherical", [-1, -0.5, 0, 0.5, 1])
@pytest.mark.parametrize("ray", [0.3, 0.6, 0.9])
def test_light_through_a_part_of_the_opening_stays_together(spherical, ray):
    """Of the opening's area, p^2 lies within the radius p, and so arrives within r(p)."""
    k = spherical if spherical > 0 else spherical / 4
    arrives = ray * (1 + k * ray**2) / (1 + k)
    kernel = Aperture(spherical=spherical).kernel(60)
    line = np.arange(len(kernel)) - len(kernel) // 2
    within = line**2 + line[:, None] ** 2 <= (60 * arrives) ** 2
    assert kernel[within].sum() == pytest.approx(ray**2, abs=0.005)


def test_soap_bubbles_have_a_bright_rim_and_creamy_discs_a_bright_middle():
    for spherical in (-1, 1):
        row = Aperture(spherical=spherical).kernel(40)[40, 40:-1]
        assert (np.diff(row) * -spherical > 0).all()


def test_the_middle_of_the_picture_sees_the_whole_opening():
    whole = Aperture(6, cats_eye=1, swirl=1)
    np.testing.assert_array_equal(whole.at(0, 0).kernel(8), Aperture(6).kernel(8))


@given(st.floats(0, 1), places)
def test_a_cat_s_eye_has_the_area_common_to_two_circles(cats_eye, place):
    away = max(math.hypot(*place), 1.0)
    shift = cats_eye * math.hypot(place[0] / away, place[1] / away)
    common = 2 * math.acos(shift / 2) - shift / 2 * math.sqrt(4 - shift**2)
    outline = Aperture(cats_eye=cats_eye).at(*place).outline(7200)
    assert area(outline) == pytest.approx(common, rel=1e-4)


def test_the_barrel_s_rims_leave_a_lemon_in_its_place_with_the_long_axis_tangential():
    right = Aperture(cats_eye=0.8).at(1, 0).kernel(20)
    assert middle_of_mass(right) == pytest.approx((0, 0), abs=1e-4)
    columns, rows = np.nonzero(right.sum(0))[0], np.nonzero(right.sum(1))[0]
    columns, rows = columns - right.shape[1] // 2, rows - right.shape[0] // 2
    assert columns.max() == -columns.min() == pytest.approx(20 * (1 - 0.4), abs=1.01)
    assert rows.max() == -rows.min() == pytest.approx(20 * math.sqrt(1 - 0.4**2), abs=1.01)


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), places, st.floats(2, 20))
def test_opposite_places_see_opposite_openings(cats_eye, swirl, place, radius):
    round_one = Aperture(cats_eye=cats_eye, swirl=swirl)
    here, there = round_one.at(*place), round_one.at(-place[0], -place[1])
    np.testing.assert_allclose(
        *in_one_frame(here.kernel(radius), there.kernel(radius)[::-1, ::-1]), atol=1e-5
    )


@given(st.floats(0, 1), places)
def test_swirl_presses_discs_towards_the_middle(swirl, place):
    """Half as wide in the corners at 1, growing with the square of the distance."""
    away = max(math.hypot(*place), 1.0)
    field = math.hypot(*place) / away
    outline = Aperture(swirl=swirl).at(*place).outline()
    radius = np.hypot(*outline.T)
    assert radius.max() == pytest.approx(1, abs=1e-4)
    assert radius.min() == pytest.approx(1 - swirl * field**2 / 2, abs=1e-4)
    if swirl * field > 0.1:
        thinnest = outline[radius.argmin()] / radius.min()
        across = thinnest[0] * place[1] - thinnest[1] * place[0]
        assert abs(across) / math.hypot(*place) < 0.02


def test_only_a_cat_s_eye_and_a_swirl_depend_on_the_place():
    assert Aperture(cats_eye=0.1).varies
    assert Aperture(swirl=0.1).varies
    plain = Aperture(5, 3, 0.2, 1.5, 0.5)
    assert not plain.varies
    assert plain.at(0.3, -0.9) is plain


@settings(deadline=None, max_examples=30)
@given(apertures, st.floats(5, 30))
@example(Aperture(4), 29.0)  # its sides lie along rows and columns
def test_convex_uniform_means_one_even_run_in_each_row(aperture, radius):
    kernel = aperture.kernel(radius)
    even = kernel > 0.98 * kernel.max()
    lit = kernel > 0
    if aperture.convex_uniform:
        assert (np.abs(np.diff(lit.astype(int), axis=1)).sum(axis=1) <= 2).all()
        # What is neither dark nor full lies on the outline, which is no longer than a frame.
        inner = lit.copy()
        inner[1:-1, 1:-1] &= lit[2:, 1:-1] & lit[:-2, 1:-1] & lit[1:-1, 2:] & lit[1:-1, :-2]
        inner[0] = inner[-1] = inner[:, 0] = inner[:, -1] = False
        assert (inner & ~even).sum() <= 4 * len(kernel)
    else:
        assert aperture.image is not None or aperture.spherical != 0


def test_a_picture_stays_upright_and_turns_clockwise():
    upright = Aperture(image=opening_picture(LETTER)).kernel(15)
    assert upright.shape[0] // 2 == 15
    bottom, top = upright[25:].sum(axis=0), upright[1:7].sum(axis=0)
    assert bottom[6:13].sum() == pytest.approx(bottom.sum(), rel=0.01)  # the stem, on the left
    assert top[18:24].sum() > 0.3 * top.sum()  # the bar at the top reaches right
    turned = Aperture(rotation_deg=90, image=opening_picture(LETTER)).kernel(15)
    np.testing.assert_allclose(turned, np.rot90(upright, -1), atol=2e-5)


def test_a_white_picture_is_the_square_around_the_circle():
    kernel = Aperture(image=opening_picture(np.ones((3, 3), np.float32))).kernel(10.5)
    assert kernel.shape in ((21, 21), (23, 23))
    edge = (len(kernel) - 21) // 2
    inner = kernel[edge : edge + 21, edge : edge + 21]
    np.testing.assert_allclose(inner, 1 / 21**2, rtol=0.07)
    assert inner.sum() > 0.98


def test_every_colour_of_a_picture_sums_to_one():
    light = np.float32([[[2, 0.5, 0], [1, 0.5, 0]], [[1, 0.1, 0], [0, 0.5, 0]]])
    kernel = Aperture(image=opening_picture(light), cats_eye=0.5).at(0.5, 0.5).kernel(6)
    assert kernel.shape[2] == 3
    np.testing.assert_allclose(kernel.sum(axis=(0, 1), dtype=float), 1, atol=1e-6)
    n = kernel.shape[0] // 2
    red, green, blue = np.moveaxis(kernel[:n, :n], 2, 0)
    assert red.sum() > 1.1 * green.sum()
    assert blue.sum() > 0  # missing everywhere, it follows the others


@settings(deadline=None, max_examples=30)
@given(shapes)
def test_a_picture_of_a_disc_goes_the_way_of_the_disc(shape):
    """Through barrel, aberration, squeeze and swirl; its edge is a cell soft."""
    line = (np.arange(512) + 0.5) / 256 - 1
    drawn = opening_picture((np.hypot(line, line[:, None]) < 0.995).astype(np.float32))
    of_picture, ideal = in_one_frame(
        Aperture(image=drawn, **shape).kernel(15), Aperture(**shape).kernel(15)
    )
    assert np.abs(of_picture - ideal).sum() < 0.1


def test_light_behind_the_barrel_is_not_lost():
    corner = np.zeros((20, 20), np.float32)
    corner[0, 19] = 1
    kernel = Aperture(cats_eye=1, image=opening_picture(corner)).at(0.8, -0.6).kernel(9)
    assert kernel.sum(dtype=float) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"blades": 2}, "blades=2"),
        ({"blades": 12}, "blades=12"),
        ({"curvature": 1.5}, "curvature=1.5"),
        ({"curvature": float("nan")}, "curvature=nan"),
        ({"blades": 4.5}, "blades=4.5"),
        ({"rotation_deg": float("inf")}, "rotation_deg=inf"),
        ({"squeeze": 0.5}, "squeeze=0.5 is outside 1 to 3"),
        ({"squeeze": 4}, "squeeze=4"),
        ({"spherical": -1.1}, "spherical=-1.1 is outside -1 to 1"),
        ({"cats_eye": 2}, "cats_eye=2"),
        ({"swirl": float("nan")}, "swirl=nan"),
        ({"place": (float("nan"), 0.0)}, "place="),
        ({"place": (1.0, 0.5)}, "at most 1 away"),
        ({"blades": 5, "image": opening_picture(LETTER)}, "blades=5 and a picture"),
    ],
)
def test_bad_openings_are_named(parameters, name):
    with pytest.raises(ParameterError, match=name) as raised:
        Aperture(**parameters)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("radius", [-1, float("nan"), float("inf")])
def test_a_bad_radius_is_named(radius):
    with pytest.raises(ParameterError, match=f"radius_px={radius}"):
        Aperture().kernel(radius)
