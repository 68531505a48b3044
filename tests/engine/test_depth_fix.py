"""Corrections by mask: what it shows, nothing else, and no depths in between."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.depth import Depth
from depthfx.engine.depth_fix import DepthFix, fix_depth
from depthfx.engine.known import KnownRegion
from depthfx.errors import DepthError

f32 = np.float32
SHAPE = (60, 80)


def mask_file(folder, cover, name="mask.png", dtype=np.uint8):
    path = folder / name
    assert cv2.imwrite(str(path), np.rint(cover * np.iinfo(dtype).max).astype(dtype))
    return path


def left_half(shape=SHAPE):
    cover = np.zeros(shape, f32)
    cover[:, : shape[1] // 2] = 1
    return cover


def fix(cover, metres):
    return DepthFix(KnownRegion.parse(f"mask.png={metres}"), cover)


def wall(metres=4.0, metric=True):
    return Depth(np.full(SHAPE, 1 / metres, f32), metric, "a wall")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [1, 2, 0.5])
def test_what_the_mask_shows_is_far_and_the_rest_as_it_was(tmp_path, dtype, scale):
    size = (int(SHAPE[0] * scale), int(SHAPE[1] * scale))
    path = mask_file(tmp_path, left_half(size), dtype=dtype)
    read = DepthFix.read(KnownRegion.parse(f"{path}=far"), SHAPE)
    found = fix_depth(wall(), [read])
    assert (found.inverse[:, :40] == 0).all()
    assert (found.inverse[:, 40:] == 0.25).all()
    assert found.origin == "a wall, mask.png set to infinitely far"


@given(st.floats(0, 1), st.floats(0.1, 100))
def test_a_soft_mask_makes_no_depth_in_between(softness, metres):
    cover = np.repeat(
        np.clip((np.arange(80) - 40) / (1 + 20 * softness) + 0.5, 0, 1)[None], 60, 0
    ).astype(f32)
    found = fix_depth(wall(), [fix(cover, f"{metres:f}m")])
    assert set(np.unique(found.inverse)) <= {f32(0.25), f32(1 / float(f"{metres:f}"))}


@pytest.mark.parametrize(("cover", "inverse"), [(0.49, 0.25), (0.51, 0.5)])
def test_half_cover_decides(cover, inverse):
    mask = np.ones(SHAPE, f32)
    mask[:, 40:] = cover
    assert (fix_depth(wall(), [fix(mask, "2m")]).inverse[:, 40:] == inverse).all()


def test_relative_depth_can_be_far_but_has_no_metres():
    assert (fix_depth(wall(metric=False), [fix(left_half(), "far")]).inverse[:, :40] == 0).all()
    with pytest.raises(DepthError, match="--scale-at"):
        fix_depth(wall(metric=False), [fix(left_half(), "2m")])


def test_the_last_of_two_corrections_counts():
    found = fix_depth(wall(), [fix(left_half(), "far"), fix(left_half(), "2m")])
    assert (found.inverse[:, :40] == 0.5).all()


def person(metres=2.0, background=10.0):
    """Someone in the middle with hair on both sides: four pixels of two surfaces, a quarter in
    front."""
    front, behind = np.full(SHAPE, 1 / background, f32), np.full(SHAPE, 1 / background, f32)
    coverage = np.ones(SHAPE, f32)
    front[:, 26:54] = 1 / metres
    behind[:, 30:50] = 1 / metres
    coverage[:, 26:30] = coverage[:, 50:54] = 0.25
    return Depth(front, True, "a person", behind, coverage)


def test_a_sky_behind_hair_goes_far_and_the_hair_stays():
    """The mask is cut hard through the hair: its pixels go with the surface they show."""
    cover = np.ones(SHAPE, f32)
    cover[:, 28:52] = 0
    before = person()
    found = fix_depth(before, [fix(cover, "far")])
    np.testing.assert_array_equal(found.inverse[:, 26:54], before.inverse[:, 26:54])
    np.testing.assert_array_equal(found.coverage, before.coverage)
    assert (found.behind[:, 26:30] == 0).all()
    assert (found.inverse[:, :26] == 0).all()


def test_what_was_in_front_may_be_behind_and_then_the_cover_is_turned():
    cover = np.zeros(SHAPE, f32)
    cover[:, 28:52] = 1
    found = fix_depth(person(), [fix(cover, "40m")])
    hair = (slice(None), slice(26, 30))
    np.testing.assert_allclose(found.inverse[hair], 0.1)
    np.testing.assert_allclose(found.behind[hair], 1 / 40)
    np.testing.assert_allclose(found.coverage[hair], 0.75)
    np.testing.assert_allclose(found.surface[:, 30:50], 1 / 40)


def test_two_surfaces_set_to_one_distance_are_one():
    found = fix_depth(person(), [fix(np.ones(SHAPE, f32), "3m")])
    np.testing.assert_allclose(found.inverse, 1 / 3, rtol=1e-6)
    np.testing.assert_array_equal(found.behind, found.inverse)
    assert (found.coverage == 1).all()


def test_depth_given_is_left_as_it_was():
    before = person()
    for plane in (before.inverse, before.behind, before.coverage):
        plane.setflags(write=False)
    cover = left_half()
    cover.setflags(write=False)
    fix_depth(before, [fix(cover, "far")])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "not there"),
        (b"no picture", "cannot be read"),
        (b"", "cannot be read"),
        (np.zeros((60, 80), np.uint8), "black all over"),
        (np.full((60, 60), 255, np.uint8), "another shape"),
        (np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8), "colour picture"),
    ],
)
def test_a_mask_that_is_none_is_named_in_one_line(tmp_path, content, words):
    path = tmp_path / "mask.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        cv2.imwrite(str(path), content)
    with pytest.raises(DepthError, match=words) as caught:
        DepthFix.read(KnownRegion.parse(f"{path}=far"), SHAPE)
    assert "mask.png" in str(caught.value)
    assert "\n" not in str(caught.value)
