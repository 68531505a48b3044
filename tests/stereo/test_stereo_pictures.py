"""Both eyes' pictures in one: halves, anaglyphs, quilts and windows."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.camera import Camera
from depthfx.errors import ParameterError, ShapeError
from depthfx.geometry.stage import Stage
from depthfx.photo.colour import LUMINANCE
from depthfx.stereo.anaglyph import DUBOIS, PASSED, anaglyph
from depthfx.stereo.arrange import arranged
from depthfx.stereo.pairs import row
from depthfx.stereo.quilt import DISPLAYS, Display, display_named, quilt
from depthfx.stereo.window import strips_px, through_window, window_inverse

f32 = np.float32
pictures = arrays(f32, (4, 6, 3), elements=st.floats(0, 4, width=32))
WAYS = list(itertools.product(DUBOIS, ["dubois", "half", "grey"]))


@pytest.fixture
def pair():
    rng = np.random.default_rng(2)
    return rng.random((6, 9, 3), dtype=f32), rng.random((6, 9, 3), dtype=f32)


def test_side_by_side_and_top_bottom_hold_both_as_they_are(pair):
    left, right = pair
    wide = arranged("side-by-side", left, right)
    np.testing.assert_array_equal(wide[:, :9], left)
    np.testing.assert_array_equal(wide[:, 9:], right)
    tall = arranged("top-bottom", left, right)
    np.testing.assert_array_equal(tall[:6], left)
    np.testing.assert_array_equal(tall[6:], right)


def test_crossed_eyes_see_the_right_picture_at_the_left(pair):
    left, right = pair
    crossed = arranged("side-by-side", left, right, crossed=True)
    np.testing.assert_array_equal(crossed, arranged("side-by-side", right, left))


@pytest.mark.parametrize("kind", ["side-by-side", "top-bottom"])
def test_halves_are_as_large_as_one_picture_and_keep_its_light(kind):
    rng = np.random.default_rng(2)
    left, right = rng.random((6, 8, 3), dtype=f32), rng.random((6, 8, 3), dtype=f32)
    both = arranged(kind, left, right, half=True)
    assert both.shape == left.shape
    halves = np.split(both, 2, axis=1 if kind == "side-by-side" else 0)
    for half, whole in zip(halves, (left, right), strict=True):
        np.testing.assert_allclose(half.mean((0, 1)), whole.mean((0, 1)), rtol=1e-5)


def test_halves_of_an_odd_width_fill_it(pair):
    assert arranged("side-by-side", *pair, half=True).shape == (6, 9, 3)


def test_pictures_of_two_sizes_are_no_pair(pair):
    with pytest.raises(ShapeError):
        arranged("side-by-side", pair[0], pair[1][:, :-1])


@pytest.mark.parametrize(("glasses", "colours"), WAYS)
@given(grey=st.floats(0, 1, width=32))
def test_grey_stays_grey(glasses, colours, grey):
    """What both eyes see alike, without colour, is as bright and without colour afterwards."""
    flat = np.full((1, 1, 3), grey, f32)
    np.testing.assert_allclose(anaglyph(flat, flat, glasses, colours), flat, atol=0.0021)


@pytest.mark.parametrize(("glasses", "colours"), WAYS)
@given(left=pictures, right=pictures)
def test_an_anaglyph_is_light_that_a_screen_can_show(glasses, colours, left, right):
    made = anaglyph(left, right, glasses, colours)
    assert 0 <= made.min() <= made.max() <= 1
    assert made.dtype == f32


@pytest.mark.parametrize("glasses", DUBOIS)
@given(left=pictures, right=pictures)
def test_grey_anaglyphs_give_each_glass_its_own_eye(glasses, left, right):
    made = anaglyph(left, right, glasses, "grey")
    for channel, passed in enumerate(PASSED[glasses]):
        brightness = np.clip(left if passed else right, 0, 1) @ LUMINANCE
        np.testing.assert_allclose(made[..., channel], brightness, atol=1e-6)


@pytest.mark.parametrize("glasses", DUBOIS)
@given(picture=pictures)
def test_half_colour_keeps_two_primaries(glasses, picture):
    made = anaglyph(picture, picture, glasses, "half")
    lone = sum(PASSED[glasses]) == 1
    kept = [channel for channel, passed in enumerate(PASSED[glasses]) if passed != lone]
    assert len(kept) == 2
    np.testing.assert_allclose(made[..., kept], np.clip(picture, 0, 1)[..., kept], atol=1e-6)


@pytest.mark.parametrize("glasses", DUBOIS)
def test_dubois_gives_each_glass_mostly_its_own_eye(glasses):
    """White to one eye, black to the other: the other glass passes next to none of it."""
    white, black = np.ones((1, 1, 3), f32), np.zeros((1, 1, 3), f32)
    passed = np.array(PASSED[glasses], bool)
    for own, picture in (
        (passed, anaglyph(white, black, glasses)),
        (~passed, anaglyph(black, white, glasses)),
    ):
        assert picture[0, 0][own].mean() > 0.9
        assert picture[0, 0][~own].mean() < 0.06


def views_of(display, shape):
    """Pictures that are all of the value of their place in the row."""
    return (np.full((*shape, 3), n, f32) for n in range(display.views))


def test_a_quilt_begins_at_the_bottom_left_and_goes_up_row_by_row():
    display = Display(3, 2, 4, 5, 0.8)
    made = quilt(views_of(display, (10, 8)), display)
    assert made.shape == (10, 12, 3)
    np.testing.assert_array_equal(made[2::5, 2::4, 0], [[3, 4, 5], [0, 1, 2]])


def test_a_quilt_of_too_few_views_is_none():
    display = Display(3, 2, 4, 5, 0.8)
    with pytest.raises(ValueError, match="shorter"):
        quilt(views_of(Display(1, 1, 4, 5, 0.8), (10, 8)), display)


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_part_has_the_aspect_of_the_display_and_lies_in_the_photo(name):
    display = DISPLAYS[name]
    for shape, x, y in itertools.product(
        [(3000, 4000), (4000, 3000), (900, 5000)], [0, 0.5, 1], [0, 1]
    ):
        rows, columns = display.part_of(shape, (x, y))
        assert 0 <= rows.start < rows.stop <= shape[0]
        assert 0 <= columns.start < columns.stop <= shape[1]
        wide, tall = columns.stop - columns.start, rows.stop - rows.start
        assert wide / tall == pytest.approx(display.aspect, rel=1e-3)
        assert wide == shape[1] or tall == shape[0]


def test_a_part_lies_about_its_centre():
    rows, columns = DISPLAYS["portrait"].part_of((3000, 4000), (0.6, 0.5))
    assert (columns.start + columns.stop) / 2 == 2400
    assert (rows.start, rows.stop) == (0, 3000)


def test_a_quilt_needs_no_more_pixels_than_it_shows():
    portrait = DISPLAYS["portrait"]
    assert portrait.pixels_of((3000, 2250)) == pytest.approx(420 * 560)
    assert portrait.pixels_of((3000, 4500)) == pytest.approx(2 * 420 * 560)


def test_the_name_says_how_a_quilt_is_cut():
    endings = {name: display.ending for name, display in DISPLAYS.items()}
    assert endings["portrait"] == "_qs8x6a0.75"
    assert endings["go"] == "_qs11x6a0.5625"
    assert endings["16-landscape"] == "_qs7x7a1.77778"


def test_an_unknown_display_is_named_with_those_there_are():
    with pytest.raises(ParameterError, match="no display 'cube'; there are: portrait, go"):
        display_named("cube")


CAMERA = Camera(200, 150, 180.0)
STAGE = Stage(CAMERA, near_inverse=0.5, far_inverse=0.05, pivot_inverse=0.3, parallax=0.05)


def scene_with(inverse_at_left, inverse_at_right):
    inverse = np.full((150, 200), 0.1, f32)
    inverse[60:, :3], inverse[60:, -3:] = inverse_at_left, inverse_at_right
    return inverse


def test_the_screen_is_the_subject_unless_a_side_cuts_something_nearer():
    assert window_inverse(scene_with(0.2, 0.1), STAGE) == STAGE.pivot_inverse
    assert window_inverse(scene_with(0.45, 0.1), STAGE) == pytest.approx(0.45)
    assert window_inverse(scene_with(0.1, 0.4), STAGE) == pytest.approx(0.4)


def test_a_speck_at_a_side_does_not_move_the_screen():
    inverse = scene_with(0.1, 0.1)
    inverse[70:72, 0] = 0.5
    assert window_inverse(inverse, STAGE) == STAGE.pivot_inverse


def test_strips_hide_what_one_eye_sees_too_much_of():
    """At its inner end each strip meets what the other eye's frame begins with."""
    pair = row(STAGE)
    strips = strips_px(scene_with(0.5, 0.1), pair)
    assert strips == (round(pair.disparity_px(0.5)), 0)
    left, right = through_window(np.ones((150, 200, 3), f32), np.ones((150, 200, 3), f32), strips)
    assert right.min() == 1
    assert left[:, : strips[0]].max() == 0
    assert left[:, strips[0] :].min() == 1


def test_strips_of_a_screen_that_nothing_is_cut_before_are_none():
    inverse = scene_with(0.45, 0.4)
    assert strips_px(inverse, row(STAGE, screen_inverse=window_inverse(inverse, STAGE))) == (0, 0)
    photo = np.ones((150, 200, 3), f32)
    for eye in through_window(photo, photo, (0, 0)):
        np.testing.assert_array_equal(eye, photo)
