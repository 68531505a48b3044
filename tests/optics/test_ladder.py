import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.ladder import FINE_STEP_PX, FINE_TO_PX, FULL_SIZE_PX, Ladder

ALL = Ladder.spanning(-150.0, 150.0, ROUND)
SMALLER = np.sign(ALL.squares) * np.sqrt(np.abs(ALL.squares))


def nearer(ladder, square):
    """n_k for every layer k, with the renderer's own precision."""
    return np.clip((np.float32(square) - ladder.squares) * ladder.slopes, 0, 1)


def cover(ladder, square):
    n = nearer(ladder, square)
    return np.concatenate([[np.float32(1)], n[:-1]]) - n


@given(st.floats(-150, 150, width=32))
def test_a_surface_is_wholly_in_the_two_layers_around_it(radius):
    square = radius * abs(radius)
    parts = cover(ALL, square)
    assert parts.min() >= 0
    assert parts.sum(dtype=float) == pytest.approx(1, abs=2**-24)
    present = np.flatnonzero(parts)
    assert present[-1] - present[0] <= 1
    for k in present:
        low, high = ALL.neighbours(k)
        assert low < square < high


@given(st.floats(-150, 150, width=32))
def test_two_discs_have_the_second_moment_of_the_one_between_them(radius):
    """<r^2> = R^2 / 2, so the mean of the layers' R^2 is the surface's."""
    got = cover(ALL, radius * abs(radius)).astype(float) @ ALL.squares.astype(float)
    assert got == pytest.approx(radius * abs(radius), rel=1e-5, abs=1e-6)


def test_a_surface_on_a_layer_is_that_layers_to_the_last_bit():
    for k, square in enumerate(ALL.squares):
        np.testing.assert_array_equal(cover(ALL, square), np.arange(len(ALL.squares)) == k)


def test_layers_know_the_layer_behind_them():
    for k in range(len(ALL.squares)):
        below, below_slope, own, slope = ALL.around(k)
        assert (own, slope) == (ALL.squares[k], ALL.slopes[k])
        assert (below, below_slope) == ((ALL.squares[k - 1], ALL.slopes[k - 1]) if k else (0, 0))
    assert ALL.slopes[-1] == 0  # nothing is nearer than the nearest layer


@given(st.floats(-150, 150), st.floats(-150, 150))
def test_the_layers_span_what_is_asked_and_little_more(a, b):
    low, high = min(a, b), max(a, b)
    ladder = Ladder.spanning(low, high, ROUND)
    radii = np.sign(ladder.squares) * np.sqrt(np.abs(ladder.squares))
    assert np.all(np.diff(ladder.squares) > 0)
    assert 0 in ladder.squares  # what is in focus is a layer of its own
    assert radii[0] <= min(low, 0) + 1e-5
    assert radii[-1] >= max(high, 0) - 1e-5
    assert radii[0] >= min(low, 0) - ladder.coarsest
    assert radii[-1] <= max(high, 0) + ladder.coarsest


def test_layers_do_not_depend_on_what_else_is_in_the_picture():
    """So a crop is drawn as in the whole."""
    for low, high in itertools.product((-140.0, -30, -3.3, 0), (0.0, 2.1, 47, 130)):
        assert np.isin(Ladder.spanning(low, high, ROUND).squares, ALL.squares).all()


def test_neighbouring_layers_of_one_size_form_a_group():
    groups = [*ALL.far, ALL.centre, *ALL.near]
    assert [k for group in groups for k in group.layers] == list(range(len(ALL.squares)))
    assert [group.scale for group in groups] == [16, 8, 4, 2, 1, 2, 4, 8, 16]
    assert [group.near for group in groups] == [False] * 5 + [True] * 4
    for group in groups:
        assert len(group.layers) == len(group.spreads)
        assert group.reach > max(spread.reach for spread in group.spreads)


def test_layers_are_drawn_small_from_a_radius_on_that_doubles():
    """Steps are a pixel of the layer's size, half a pixel near the focus."""
    for group in (*ALL.far, ALL.centre, *ALL.near):
        radii = np.abs(SMALLER[group.layers.start : group.layers.stop])
        if group.scale == 1:
            assert radii.max() == pytest.approx(FULL_SIZE_PX)
        else:
            assert radii.min() > FULL_SIZE_PX * group.scale / 2
            assert radii.max() <= FULL_SIZE_PX * group.scale + 1e-4
            np.testing.assert_allclose(np.abs(np.diff(radii)), group.scale, atol=1e-4)
    fine = np.abs(SMALLER) <= FINE_TO_PX
    np.testing.assert_allclose(np.diff(SMALLER[fine]), FINE_STEP_PX, atol=1e-4)


def enlarged(taps, scale):
    """The picture of a point at full size: of a block's mean, spread, doubled by doubled."""
    plane = np.pad(taps, 3)
    for _ in range(scale.bit_length() - 1):
        plane = cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return plane.astype(float) / plane.sum(dtype=float)


def moment(plane):
    """Mean of x * x + y * y about the centre."""
    y, x = (np.arange(side) - (side - 1) / 2 for side in plane.shape)
    return plane.sum(1) @ y**2 + plane.sum(0) @ x**2


@pytest.mark.parametrize("blades", [0, 5])
def test_discs_drawn_small_are_as_wide_as_they_should_be(blades):
    """Over all places of the point within its block; R in px of the full size."""
    aperture = Aperture(blades)
    for group in Ladder.spanning(0.0, 120.0, aperture).near:
        for n in (0, len(group.layers) // 2, len(group.layers) - 1):
            within = np.arange(group.scale) - (group.scale - 1) / 2
            got = moment(enlarged(group.spreads[n].taps, group.scale)) + 2 * np.mean(within**2)
            radius = np.sqrt(Ladder.spanning(0.0, 120.0, ROUND).squares[group.layers[n]])
            assert np.sqrt(got / aperture.moment) == pytest.approx(radius, rel=5e-3)


def test_the_opening_is_upside_down_in_front_of_the_focus():
    ladder = Ladder.spanning(-9.0, 9.0, Aperture(3, rotation_deg=20))
    spreads = ladder.centre.spreads
    for far, near in zip(spreads, reversed(spreads), strict=True):
        np.testing.assert_array_equal(near.taps, far.taps[::-1, ::-1])
