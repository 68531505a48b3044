"""What stands before the subject is blurred over it, as a lens with a wide opening sees it."""

import cv2
import numpy as np
import pytest

from depthfx.depth import Depth
from depthfx.optics import in_front
from depthfx.optics.aperture import Aperture
from depthfx.optics.in_front import find_in_front
from depthfx.optics.portrait import portrait

f32 = np.float32
HEIGHT, WIDTH = 120, 160
BLUR_PX, FOCUS = 24.0, 0.5
WALL, SUBJECT, POST = (f32(v) for v in (0.2, 0.5, 1.2))


def smooth_noise(seed, base, cell):
    rng = np.random.default_rng(seed)
    small = rng.random((HEIGHT // cell + 2, WIDTH // cell + 2, 3), f32) - f32(0.5)
    return f32(base) + f32(0.2) * cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def planes():
    """A wall, a subject before it and a post before that: inverse depth, colours, cover."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    subject = ((np.hypot((columns - 80) / 45, (rows - 70) / 60)) < 1).astype(f32)
    post = (np.abs(columns - 84) < 7).astype(f32)
    return (
        (WALL, smooth_noise(0, (0.2, 0.3, 0.5), 8), np.ones_like(subject)),
        (SUBJECT, smooth_noise(1, (0.7, 0.5, 0.4), 4), subject),
        (POST, smooth_noise(2, (0.1, 0.4, 0.1), 6), post),
    )


def seen(u, v):
    """The planes from a point (u, v) of the opening, -0.5 to 0.5, the subject's held still."""
    out = np.zeros((HEIGHT, WIDTH, 3), f32)
    for inverse, colours, cover in planes():
        shift = BLUR_PX * (inverse - FOCUS)
        move = np.float32([[1, 0, shift * u], [0, 1, shift * v]])
        edge = {"borderMode": cv2.BORDER_REFLECT}
        colour = cv2.warpAffine(colours, move, (WIDTH, HEIGHT), **edge)
        share = cv2.warpAffine(cover, move, (WIDTH, HEIGHT), **edge)[..., None]
        out += share * (colour - out)
    return out


def through_the_lens(samples=200):
    """The mean of what all points of the opening see: the truth."""
    turn = np.arange(samples) * 2.399963
    radius = np.sqrt((np.arange(samples) + 0.5) / samples) / 2
    places = zip(radius * np.cos(turn), radius * np.sin(turn), strict=True)
    return np.mean([seen(u, v) for u, v in places], axis=0)


def sharp_scene():
    inverse, matte = np.zeros((HEIGHT, WIDTH), f32), np.zeros((HEIGHT, WIDTH), f32)
    for depth, _, cover in planes():
        inverse = np.where(cover > 0, depth, inverse)
    matte = (inverse == SUBJECT).astype(f32)
    return seen(0, 0), Depth(inverse, True, "made up"), matte


def drawn(pixels, depth, matte):
    return portrait(pixels, depth, matte, focus_inverse=FOCUS, blur_px=BLUR_PX, aperture=Aperture())


def test_a_post_before_the_subject_is_blurred_over_it():
    """Within 20 px of where they meet: 20 dB if the post is cut off sharply at the subject."""
    out, truth = drawn(*sharp_scene()), through_the_lens()
    post, subject = planes()[2][2], planes()[1][2]
    near = cv2.dilate(post, np.ones((41, 41))) * cv2.erode(subject, np.ones((5, 5))) > 0
    error = np.mean((out - truth)[near] ** 2)
    assert 10 * np.log10(1 / error) > 30


def test_the_subject_away_from_the_post_is_left_as_it_was():
    pixels, depth, matte = sharp_scene()
    out = drawn(pixels, depth, matte)
    away = cv2.erode((np.abs(np.arange(WIDTH) - 84) > 24).astype(f32) * matte, np.ones((3, 3))) > 0
    np.testing.assert_array_equal(out[away], pixels[away])


def found(inverse, matte, own=None):
    return find_in_front(
        inverse,
        inverse if own is None else own,
        matte,
        focus_inverse=FOCUS,
        blur_px=BLUR_PX,
    )


def test_nothing_is_in_front_of_a_subject_before_a_wall():
    _, depth, matte = sharp_scene()
    assert found(np.minimum(depth.inverse, SUBJECT), matte) is None


def test_what_is_as_near_as_the_subjects_own_hand_is_not_in_front_of_it():
    """A hand held out reaches nearer than the focus; so may the depth beside it."""
    inverse = np.full((HEIGHT, WIDTH), WALL)
    matte = np.zeros((HEIGHT, WIDTH), f32)
    matte[40:110, 50:110] = 1
    own = np.where(matte > 0, f32(1.2), inverse)
    beside = inverse.copy()
    beside[40:110, 110:114] = 1.2
    assert found(beside, matte, own) is None
    assert found(beside, matte, np.where(matte > 0, SUBJECT, inverse)) is not None


def test_what_is_in_front_elsewhere_does_not_count():
    inverse = np.full((HEIGHT, WIDTH), WALL)
    inverse[:, :10] = POST
    matte = np.zeros((HEIGHT, WIDTH), f32)
    matte[40:110, 90:130] = 1
    assert found(inverse, matte) is None


@pytest.mark.parametrize("most", [100, 5_000, 10**9])
def test_in_bands_or_at_once_it_is_the_same(most, monkeypatch):
    at_once = drawn(*sharp_scene())
    monkeypatch.setattr(in_front, "BAND_PIXELS", most)
    np.testing.assert_allclose(drawn(*sharp_scene()), at_once, atol=2e-3)


def test_bands_hold_all_that_is_reached_once():
    _, depth, matte = sharp_scene()
    things = found(depth.inverse, matte)
    counted = np.zeros(matte.shape, int)
    for (rows, columns), core in things.bands(matte.shape):
        counted[rows, columns][core] += 1
    assert counted.max() == 1
    assert counted[things.reached].min() == 1
