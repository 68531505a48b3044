"""Pictures side by side: which panels there are and what their colours say."""

import cv2
import numpy as np
import pytest
from folders import SHAPE, metres, picture

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.evaluation.pairs import Pair
from depthfx.evaluation.pictures import UNKNOWN, side_by_side, write_picture
from depthfx.photo.colour import srgb_to_linear
from depthfx.photo.photo import Photo

f32 = np.float32
TRUTH = 1 / metres()
SCALE = 10  # 640 pixels wide where the photo has 64


def pair_of(truth=TRUTH, known=None, **told):
    pixels = srgb_to_linear(picture().astype(f32) / 255)
    known = np.ones(SHAPE, bool) if known is None and truth is not None else known
    return Pair(Photo(pixels, Camera.guess(*SHAPE[::-1])), truth, known, **told)


def panels(pair, depth):
    """The panels without titles and margins, back at the photo's own size."""
    shown = side_by_side(pair, depth, {})
    height, width = SHAPE[0] * SCALE, SHAPE[1] * SCALE
    assert shown.shape[1] % (width + 8) == 0
    each = [shown[22:-4, at + 4 : at + 4 + width] for at in range(0, shown.shape[1], width + 8)]
    assert all(panel.shape == (height, width, 3) for panel in each)
    return [panel[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE].astype(int) for panel in each]


def test_the_photo_is_shown_as_it_is():
    photo, *_ = panels(pair_of(), Depth(TRUTH, False, ""))
    np.testing.assert_allclose(photo, picture(), atol=1)


def test_a_perfect_prediction_looks_like_the_truth_and_has_no_error():
    _, truth, prediction, error = panels(pair_of(), Depth(TRUTH, False, ""))
    np.testing.assert_allclose(prediction, truth, atol=1)
    assert error.min() >= 254


def test_metric_errors_are_shown_as_they_are():
    """Twice as far is right once aligned, and deep blue as predicted."""
    *_, aligned, plain = panels(pair_of(metric=True), Depth(TRUTH / 2, True, ""))
    assert aligned.min() >= 254
    assert (plain == [33, 102, 172]).all()
    *_, plain = panels(pair_of(metric=True), Depth(TRUTH * 2, True, ""))
    assert (plain == [178, 24, 43]).all()


def test_half_of_the_full_error_has_half_of_the_colour():
    *_, plain = panels(pair_of(metric=True), Depth(TRUTH * f32(np.sqrt(1.25)), True, ""))
    np.testing.assert_allclose(
        plain, np.broadcast_to((255 + f32([178, 24, 43])) / 2, plain.shape), atol=1
    )


def test_near_is_bright():
    _, truth, *_ = panels(pair_of(), Depth(TRUTH, False, ""))
    assert truth[24, 30].sum() > truth[24, 5].sum() > truth[24, 60].sum()


def test_unknown_pixels_are_grey():
    known = np.ones(SHAPE, bool)
    known[:, :8] = False
    _, truth, _, error = panels(pair_of(known=known), Depth(TRUTH, False, ""))
    for panel in (truth, error):
        assert (panel[:, :8] == UNKNOWN).all()
        assert not (panel[:, 8:] == UNKNOWN).all(-1).any()


def test_a_matte_stands_for_the_truth_where_there_is_none():
    matte = (metres() == 1).astype(f32)
    _, shown, prediction = panels(pair_of(None, matte=matte), Depth(TRUTH, True, ""))
    np.testing.assert_array_equal(shown[..., 0], matte * 255)
    assert prediction[24, 30].sum() > prediction[24, 5].sum()


@pytest.mark.parametrize("name", ["a.jpg", "b.jpg"])
def test_pictures_are_written_whole(tmp_path, name):
    write_picture(pair_of(), Depth(TRUTH, False, ""), {"ordinal": 1.0}, tmp_path / name)
    written = cv2.imread(str(tmp_path / name))[..., ::-1].astype(int)
    shown = side_by_side(pair_of(), Depth(TRUTH, False, ""), {"ordinal": 1.0})
    assert written.shape == shown.shape
    assert np.abs(written - shown).mean() < 3
