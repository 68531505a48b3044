"""Where the focus falls."""

import numpy as np
import pytest

from depthfx.optics.focus import at_point, on_subject

f32 = np.float32


def test_a_click_is_not_thrown_by_one_odd_pixel():
    inverse = np.full((200, 300), 0.5, f32)
    inverse[100, 150] = 9
    assert at_point(inverse, 0.5, 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_corners_are_places_too(x, y):
    inverse = np.linspace(0.1, 1, 60 * 80, dtype=f32).reshape(60, 80)
    expected = inverse[-1 if y else 0, -1 if x else 0]
    assert at_point(inverse, x, y) == pytest.approx(expected, abs=0.1)


def test_a_standing_figure_is_focused_at_the_head_not_at_the_feet():
    inverse = np.repeat(np.linspace(0.4, 0.8, 100, dtype=f32)[:, None], 60, 1)
    matte = np.zeros((100, 60), f32)
    matte[10:90, 20:40] = 1
    found, words = on_subject(inverse, matte)
    assert found == pytest.approx(inverse[30, 0], abs=0.02)
    assert words == "focus on the subject"


def test_a_few_stray_pixels_are_no_subject():
    inverse, matte = np.full((100, 100), 0.5, f32), np.zeros((100, 100), f32)
    matte[3, 3] = 1
    assert "no subject" in on_subject(inverse, matte)[1]
