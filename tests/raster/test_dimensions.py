"""Dimension lines: where they are drawn, and that nothing else is touched."""

import numpy as np
import pytest

from depthfx.raster.dimensions import Dimension, with_dimensions

GREY = np.full((200, 300, 3), 0.3, np.float32)


@pytest.mark.parametrize(
    ("start", "end"), [((0.2, 0.5), (0.8, 0.5)), ((0.5, 0.2), (0.5, 0.8)), ((0.2, 0.2), (0.8, 0.8))]
)
def test_a_line_runs_from_end_to_end(start, end):
    out = with_dimensions(GREY, [Dimension(start, end, "")])
    for share in (0.05, 0.3, 0.5, 0.95):
        x = (start[0] + (end[0] - start[0]) * share) * 300
        y = (start[1] + (end[1] - start[1]) * share) * 200
        assert out[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 0.9
    beyond = out[:30] if start[1] == 0.5 else out[:, :30]
    np.testing.assert_array_equal(beyond, GREY[: beyond.shape[0], : beyond.shape[1]])
    assert out.dtype == np.float32


def test_nothing_drawn_is_nothing_changed():
    np.testing.assert_array_equal(with_dimensions(GREY, []), GREY)


@pytest.mark.parametrize("x", [0.02, 0.98])
def test_text_stays_within_the_picture(x):
    """The same words beside the rim have as much ink as in the middle."""

    def ink(x):
        lines = [[Dimension((x, 0.4), (x, 0.6), text)] for text in ("1.74 m", "")]
        drawn, bare = (with_dimensions(GREY, line) > 0.9 for line in lines)
        return int(drawn.sum()) - int(bare.sum())

    assert ink(x) == pytest.approx(ink(0.5), rel=0.2)


def test_lines_show_on_white_and_black():
    for grey in (0.0, 1.0):
        picture = np.full((200, 300, 3), grey, np.float32)
        out = with_dimensions(picture, [Dimension((0.2, 0.5), (0.8, 0.5), "1 m")])
        assert np.abs(out - grey).max() > 0.9
