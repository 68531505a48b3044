import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.errors import ParameterError, ShapeError
from depthfx.optics.highlights import _clipped_runs, _join_runs, rebuild_highlights

NIGHT = 0.02


def scene_of(lamps, blur_px, size=(600, 900)):
    """Linear light of round lamps (y, x, radius_px, colour), drawn by a Gaussian lens."""
    light = np.full((*size, 3), NIGHT, np.float32)
    for y, x, radius, colour in lamps:
        v, u = np.mgrid[-40:41, -40:41]
        share = np.clip(radius + 0.5 - np.hypot(v, u), 0, 1).astype(np.float32)
        share = cv2.GaussianBlur(share, (0, 0), blur_px)
        light[y - 40 : y + 41, x - 40 : x + 41] += share[..., None] * np.float32(colour)
    return light


def photographed(light):
    """What a camera's file holds: its tone curve ends 1.4 stops above where light would."""
    graded = (1 - np.exp(-1.35 * light)) / 0.97
    signal = np.round(255 * np.minimum(graded, 1) ** (1 / 2.2)) / 255
    return (signal**2.2).astype(np.float32)


def everywhere(pixels, radius_px):
    return np.full(pixels.shape[:2], radius_px, np.float32)


def held(pixels):
    """The light above the background."""
    return float((pixels - pixels[0, 0]).sum())


@pytest.mark.parametrize("blur_px", [1.0, 1.5])
@pytest.mark.parametrize("radius", [0.5, 2, 5])
@pytest.mark.parametrize("level", [10, 20, 40])
def test_lamps_get_most_of_their_light_back(radius, level, blur_px):
    """Within two stops, where the photo has kept a half to a twentieth."""
    peak = level * (1 if radius > 1 else 2 * np.pi * blur_px**2)
    light = scene_of([(300, 450, radius, [peak] * 3)], blur_px, (1600, 2400))
    photo = photographed(light)
    rebuilt = rebuild_highlights(photo, everywhere(photo, 30), 1.0)
    assert held(photo) < held(light) / 2
    assert held(light) / 4 < held(rebuilt) < 4 * held(light)
    assert held(rebuilt) > 1.1 * held(photo)


def test_a_lamp_as_bright_as_white_gains_little():
    photo = photographed(scene_of([(300, 450, 4, [2.6] * 3)], 1.5))
    assert photo.max() >= 0.99
    assert held(rebuild_highlights(photo, everywhere(photo, 30), 1.0)) < 1.3 * held(photo)


def test_a_red_lamp_keeps_its_hue():
    photo = photographed(scene_of([(300, 450, 4, [30, 4, 2])], 1.2))
    rebuilt = rebuild_highlights(photo, everywhere(photo, 30), 1.0)
    assert photo[300, 450].min() > 0.9  # the file has it white
    red, green, blue = (rebuilt - photo).sum((0, 1))
    assert red > 2 * green > 2 * blue > 0


@pytest.mark.parametrize("surrounding", [0.02, 0.3])
@pytest.mark.parametrize("half_px", [40, 400])
def test_white_walls_are_left_alone(half_px, surrounding, rng):
    """Whole, in noise, and cut up by thin dark lines."""
    photo = np.full((600, 900, 3), surrounding, np.float32)
    wall = photo[max(0, 300 - half_px) : 300 + half_px, : 450 + half_px]
    wall[:] = rng.uniform(0.85, 1, wall.shape)
    wall[:, ::-50] = surrounding  # panels of 49 px
    photo = cv2.GaussianBlur(photo, (0, 0), 0.8)
    photo[photo > 0.9] = 1
    rebuilt = rebuild_highlights(photo, everywhere(photo, 30), 1.0)
    blurred, as_it_was = (cv2.blur(p, (53, 53)) for p in (rebuilt, photo))
    assert np.abs(blurred - as_it_was).max() < 0.02


def test_specks_on_the_edge_of_something_bright_are_no_lamps(rng):
    """Sharpening makes bright outlines, which clip here and there."""
    photo = np.full((600, 900, 3), 0.04, np.float32)
    photo[200:400, 300:600] = 0.8
    photo[200:400:7, 300:302] = 1
    photo[200:202, 300:600:9] = 1
    assert rebuild_highlights(photo, everywhere(photo, 30), 1.0) is photo


def test_discs_become_no_brighter_than_white():
    photo = photographed(scene_of([(300, 450, 6, [200] * 3)], 1.2))
    area = (photo[..., 1] >= 0.95).sum()
    for radius_px in (5, 10, 20, 40):
        rebuilt = rebuild_highlights(photo, everywhere(photo, radius_px), 1.0)
        light = rebuilt[photo >= 0.95].sum() / 3
        assert light <= max(area, np.pi * radius_px**2) * 1.01
        assert rebuilt.max() <= 2**5


def test_a_photo_half_the_size_shows_the_same_discs():
    photo = photographed(scene_of([(300, 450, 9, [15] * 3)], 2.0, (2400, 3600)))
    half = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    full_disc = held(rebuild_highlights(photo, everywhere(photo, 60), 0.8))
    half_disc = held(rebuild_highlights(half, everywhere(half, 30), 0.8)) * 4
    assert full_disc / 1.5 < half_disc < full_disc * 1.5
    assert full_disc > 2 * held(photo)


def test_more_strength_gives_more_light():
    photo = photographed(scene_of([(300, 450, 3, [20] * 3)], 1.2))
    light = [
        held(rebuild_highlights(photo, everywhere(photo, 30), s)) for s in (0, 0.3, 0.6, 0.8, 1)
    ]
    assert light == sorted(set(light))


def test_nothing_to_do_gives_the_same_object():
    lamp = photographed(scene_of([(300, 450, 3, [20] * 3)], 1.2))
    grey = np.full((40, 50, 3), 0.5, np.float32)
    assert rebuild_highlights(lamp, everywhere(lamp, 30), 0.0) is lamp
    assert rebuild_highlights(lamp, everywhere(lamp, 0)) is lamp
    assert rebuild_highlights(grey, everywhere(grey, 30)) is grey
    empty = np.empty((0, 5, 3), np.float32)
    assert rebuild_highlights(empty, everywhere(empty, 0)) is empty


def test_lamps_in_focus_and_values_beyond_white_are_believed():
    photo = photographed(
        scene_of([(300, 150, 3, [20] * 3), (300, 450, 3, [20] * 3), (300, 750, 3, [20] * 3)], 1.2)
    )
    photo[300, 450] = 2.0
    radius_px = everywhere(photo, 30)
    radius_px[:, :300] = 0
    before = photo.copy()
    rebuilt = rebuild_highlights(photo, radius_px)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(rebuilt[:, :600], photo[:, :600])
    assert rebuilt[300, 750].min() > 2
    unclipped = photo.max(2) < 0.95
    np.testing.assert_array_equal(rebuilt[unclipped], photo[unclipped])


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 14)), elements=st.integers(0, 1))
)
def test_areas_are_those_of_connected_components(mask):
    pixels = np.repeat(mask[..., None], 3, 2).astype(np.float32)
    runs = _clipped_runs(pixels)
    of_run = np.arange(len(runs), dtype=np.int32)
    count = _join_runs(runs, of_run)
    labels = np.zeros(mask.shape, np.int32)
    for (y, start, stop), label in zip(runs, of_run, strict=True):
        labels[y, start:stop] = label + 1
    expected, reference = cv2.connectedComponents(mask, connectivity=8)
    assert count == expected - 1
    np.testing.assert_array_equal(labels > 0, mask > 0)
    pairs = set(zip(labels.ravel().tolist(), reference.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(labels))


def test_bad_input_is_named():
    pixels = np.zeros((4, 5, 3), np.float32)
    with pytest.raises(ShapeError, match=r"radius_px is \(4, 4\)"):
        rebuild_highlights(pixels, np.zeros((4, 4), np.float32))
    with pytest.raises(ShapeError, match="pixels must be"):
        rebuild_highlights(pixels.astype(float), np.zeros((4, 5), np.float32))
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="strength"):
            rebuild_highlights(pixels, np.zeros((4, 5), np.float32), strength)
