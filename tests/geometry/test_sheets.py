"""Sheets: the photo itself at rest, and something behind every break."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.errors import Cancelled, ParameterError, ShapeError
from depthfx.geometry.sheets import Sheets, sheets_of
from depthfx.inpaint.pushpull import push_pull

HEIGHT, WIDTH = 48, 64
CAMERA = Camera(WIDTH, HEIGHT, 60.0)


def smooth(pixels, hole, source=None, *, inverse=None, progress=None):
    """Paint quickly."""
    known = ~hole if source is None else source
    return np.where(hole[..., None], push_pull(pixels, known.astype(np.float32)), pixels)


def scene_of(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A leaf before a leaf before a wall, all of random colours."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((HEIGHT, WIDTH, 3), np.float32)
    inverse = np.full((HEIGHT, WIDTH), 0.2, np.float32)
    inverse[8:40, 10:40] = 0.5
    inverse[16:32, 24:56] = 1.0
    pixels.flags.writeable = inverse.flags.writeable = False
    return pixels, inverse


def sheets(pixels, inverse, **settings) -> Sheets:
    settings = {"reach_px": 8.0, "paint": smooth, **settings}
    return sheets_of(pixels, Depth(inverse, False, "test"), CAMERA, **settings)


@pytest.mark.parametrize("margin", [0, 5])
@given(st.integers(0, 1000))
def test_at_rest_they_are_the_photo(margin, seed):
    pixels, inverse = scene_of(seed)
    made = sheets(pixels, inverse, margin_px=margin)
    assert made.sheets[0].alpha.shape == (HEIGHT + 2 * margin, WIDTH + 2 * margin)
    np.testing.assert_allclose(made.at_rest(), pixels, atol=1e-3)


def test_noise_for_depth_is_the_photo_at_rest_too():
    rng = np.random.default_rng(3)
    pixels = rng.random((HEIGHT, WIDTH, 3), np.float32) * 20
    made = sheets(pixels, rng.random((HEIGHT, WIDTH), np.float32))
    np.testing.assert_allclose(made.at_rest(), pixels, atol=1e-3)


def test_hair_with_a_matte_is_the_photo_at_rest():
    rng = np.random.default_rng(4)
    pixels = rng.random((HEIGHT, WIDTH, 3), np.float32)
    matte = np.clip(np.linspace(-1, 2, WIDTH, dtype=np.float32), 0, 1)
    matte = np.tile(matte, (HEIGHT, 1)) * rng.random((HEIGHT, WIDTH), np.float32)
    inverse = np.where(matte > 0, np.float32(1), np.float32(0.3))
    depth = Depth(inverse, True, "test", np.full_like(inverse, 0.3), matte)
    made = sheets_of(pixels, depth, CAMERA, matte=matte, reach_px=8, paint=smooth)
    np.testing.assert_allclose(made.at_rest(), pixels, atol=1e-3)
    assert len(made.sheets) > 1


def test_a_wall_is_one_sheet_and_so_is_a_floor():
    pixels, _ = scene_of()
    floor = np.tile(np.linspace(0.1, 1, HEIGHT, dtype=np.float32)[:, None], (1, WIDTH))
    for inverse in (np.full((HEIGHT, WIDTH), 0.5, np.float32), floor):
        (only,) = sheets(pixels, inverse).sheets
        np.testing.assert_array_equal(only.pixels, pixels)
        np.testing.assert_array_equal(only.alpha, 1)


def test_a_camera_that_does_not_move_needs_one_sheet():
    assert len(sheets(*scene_of(), reach_px=0.0).sheets) == 1


def test_behind_the_near_lies_the_far_as_far_as_it_is_uncovered():
    pixels, inverse = scene_of()
    made = sheets(pixels, inverse, reach_px=3.0)
    assert len(made.sheets) == 3
    second, third = made.sheets[1], made.sheets[2]
    # The near leaf over the middle one; so far as they part, and a rim.
    np.testing.assert_allclose(second.inverse[18:30, 25:29], 0.5, atol=1e-6)
    assert second.alpha[20:28, 25:28].all()
    np.testing.assert_allclose(second.inverse[18:30, 52:55], 0.2, atol=1e-6)
    # Deep inside nothing is painted, and what is lies behind what hides it.
    assert not second.alpha[24, 46]
    under = third.alpha * (second.alpha > 0) > 0
    assert (third.inverse[under] <= second.inverse[under] + 1e-6).all()


def test_they_are_told_how_far_it_is_and_may_stop():
    def stop(share: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        sheets(*scene_of(), progress=stop)


@pytest.mark.parametrize("reach", [-1.0, float("nan"), float("inf")])
def test_a_reach_that_is_no_length_is_refused(reach):
    with pytest.raises(ParameterError, match="reach_px"):
        sheets(*scene_of(), reach_px=reach)


def test_sizes_have_to_agree():
    pixels, inverse = scene_of()
    with pytest.raises(ShapeError, match="depth"):
        sheets(pixels[1:], inverse)
    with pytest.raises(ParameterError, match="margin_px"):
        sheets(pixels, inverse, margin_px=-1)


@given(st.integers(0, 1000))
def test_a_flat_wall_is_flat_behind_the_outline_too(seed):
    """A dent of one pixel there would tear the wall open."""
    pixels, _ = scene_of(seed)
    inverse = np.full((HEIGHT, WIDTH), 0.2, np.float32)
    inverse[12:36, 16:48] = 1.0
    made = sheets(pixels, inverse)
    assert len(made.sheets) == 2
    wall = made.sheets[1]
    np.testing.assert_array_equal(wall.inverse[wall.alpha > 0], np.float32(0.2))


def test_no_line_stays_where_the_outline_was():
    """Sharpening draws one about what is sharp: it goes with the thing, not with the wall."""
    shown = np.zeros((HEIGHT, WIDTH), bool)
    shown[12:36, 16:48] = True
    pixels = np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    pixels[10:38, 14:50] = 0.8
    pixels[shown] = 0.1
    inverse = np.where(shown, np.float32(1), np.float32(0.2))
    made = sheets(pixels, inverse, matte=shown.astype(np.float32))
    np.testing.assert_allclose(made.at_rest(), pixels, atol=1e-3)
    assert max(sheet.pixels.max() for sheet in made.sheets) < 2
    wall = made.sheets[1].pixels[:, WIDTH // 2]
    np.testing.assert_allclose(wall[8:20], 0.4, atol=0.01)


def test_a_wide_front_is_no_source_of_what_is_behind_it():
    sources = []

    def seen(pixels, hole, source=None, **rest):
        sources.append(source)
        return smooth(pixels, hole, source, **rest)

    pixels, _ = scene_of()
    inverse = np.full((HEIGHT, WIDTH), 0.2, np.float32)
    inverse[:, 16:] = 1.0
    sheets(pixels, inverse, reach_px=16.0, paint=seen)
    assert sources[0][:, :12].all()
    assert not sources[0][:, 16:].any()


def test_a_hole_is_painted_up_to_where_the_background_goes_on():
    """Patches that see nothing of it would be of anything at all."""
    told = []

    def seen(pixels, hole, source=None, **rest):
        told.append((hole, source))
        return smooth(pixels, hole, source, **rest)

    shown = np.zeros((HEIGHT, WIDTH), np.float32)
    shown[12:36, 16:48] = 1
    pixels, _ = scene_of()
    sheets(pixels, 0.2 + 0.8 * shown, matte=shown, paint=seen)
    hole, source = told[0]
    row = hole[HEIGHT // 2] | source[HEIGHT // 2]
    assert row[: 16 + 8].all()
    assert row[48 - 8 :].all()
