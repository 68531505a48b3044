"""The legend of a depth picture: ticks where their distances are, at any size of picture."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.raster.colormap import colour_map, limits
from depthfx.raster.legend import distance_ticks, with_legend

inverses = st.tuples(st.floats(0, 5), st.floats(0.001, 5)).map(lambda t: (t[0], t[0] + t[1]))


@given(inverses, st.floats(0.01, 2))
def test_ticks_stand_where_their_distance_is_and_leave_room(ends, room):
    low, high = ends
    ticks = distance_ticks(low, high, room, metric=True)
    assert ticks
    places = [place for place, _ in ticks]
    assert all(b - a >= room - 1e-9 for a, b in itertools.pairwise(places))
    for place, label in ticks:
        inverse = 0 if label == "far" else 1 / float(label.removesuffix(" m"))
        assert inverse == pytest.approx(high - place * (high - low), abs=0.01 * high)


def test_round_distances_come_first():
    labels = [label for _, label in distance_ticks(1 / 20, 1, 0.3, metric=True)]
    assert labels == ["1 m", "2 m", "10 m"]


def test_relative_depth_has_no_metres():
    assert distance_ticks(0, 1, 0.1, metric=False) == [(0.0, "near"), (1.0, "far")]


@pytest.mark.parametrize(
    ("height", "width"), [(240, 320), (300, 200), (100, 500), (48, 64), (1, 1), (10, 3), (3, 90)]
)
@pytest.mark.parametrize("metric", [True, False])
def test_the_picture_stays_and_the_strip_shows_all_its_colours(height, width, metric):
    inverse = np.linspace(0.1, 2, height * width, dtype=np.float32).reshape(height, width)
    low, high = limits(inverse, 0.1, 2)
    picture = colour_map(inverse, "viridis", low, high)
    picture.setflags(write=False)
    told = with_legend(picture, "viridis", low, high, metric=metric)
    assert told.dtype == np.float32
    assert np.isfinite(told).all()
    np.testing.assert_array_equal(told[:height, :width], picture)
    wide = width > 2 * height
    assert (told.shape[0] > height, told.shape[1] > width) == (wide, not wide)
    strip = told[height:] if wide else told[:, width:]
    near, far = colour_map(np.float32([[2, 0.1]]), "viridis", low, high)[0]
    where = [np.argwhere((np.abs(strip - c) < 1e-5).all(2)) for c in (near, far)]
    if min(height, width) > 10:
        axis = 1 if wide else 0
        assert where[0][:, axis].max() < where[1][:, axis].min()  # near on top, or left


def test_lettering_grows_with_the_picture():
    widths = []
    for scale in (1, 3):
        inverse = np.ones((300 * scale, 400 * scale), np.float32)
        picture = colour_map(inverse, "turbo", 0.1, 1)
        widths.append(with_legend(picture, "turbo", 0.1, 1, metric=True).shape[1] - 400 * scale)
    assert widths[1] > 1.8 * widths[0]
