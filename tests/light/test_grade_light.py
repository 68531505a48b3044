"""Looks: tables against the rules written out, and hand controls against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.light.grade import Look, graded
from depthfx.light.near_to_far import nearness, reach_of
from depthfx.photo.colour import LUMINANCE, linear_to_srgb, srgb_to_linear
from depthfx.raster.cube import ColourTable, look_up

f32 = np.float32


def random_colours(count=500, seed=0, low=0.0, high=1.0):
    return np.random.default_rng(seed).uniform(low, high, (count, 3)).astype(f32)


def tetrahedral(table, colour):
    """The six cases of tetrahedral interpolation, each written out, in plain Python."""
    nodes = table.shape[0]
    place = np.clip(np.asarray(colour, np.float64), 0, 1) * (nodes - 1)
    i, j, k = (min(int(value), nodes - 2) for value in place)
    r, g, b = place - (i, j, k)

    def at(dr, dg, db):
        return table[k + db, j + dg, i + dr].astype(np.float64)

    black, white = at(0, 0, 0), at(1, 1, 1)
    if r >= g >= b:
        one, two, parts = at(1, 0, 0), at(1, 1, 0), (r, g, b)
    elif r >= b >= g:
        one, two, parts = at(1, 0, 0), at(1, 0, 1), (r, b, g)
    elif b >= r >= g:
        one, two, parts = at(0, 0, 1), at(1, 0, 1), (b, r, g)
    elif g >= r >= b:
        one, two, parts = at(0, 1, 0), at(1, 1, 0), (g, r, b)
    elif g >= b >= r:
        one, two, parts = at(0, 1, 0), at(0, 1, 1), (g, b, r)
    else:
        one, two, parts = at(0, 0, 1), at(0, 1, 1), (b, g, r)
    most, middle, least = parts
    return (1 - most) * black + (most - middle) * one + (middle - least) * two + least * white


def looked_up(table, colours):
    out = np.empty(colours.shape, f32)
    for colour, found in zip(colours, out, strict=True):
        look_up(np.ascontiguousarray(table.solid), table.domain, colour, found)
    return out


def identity(nodes):
    steps = np.linspace(0, 1, nodes, dtype=f32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    return ColourTable(np.stack([red, green, blue], -1))


def test_a_cube_is_interpolated_in_tetrahedra():
    rng = np.random.default_rng(1)
    table = ColourTable(rng.random((5, 5, 5, 3), f32))
    ties = np.array([[0.3, 0.3, 0.7], [0.7, 0.3, 0.3], [0.3, 0.7, 0.3], [0.3] * 3, [1] * 3], f32)
    colours = np.concatenate([random_colours(), ties, random_colours(50, 2, -0.5, 1.5)])
    wanted = [tetrahedral(table.table, colour) for colour in colours]
    np.testing.assert_allclose(looked_up(table, colours), wanted, atol=3e-6)


def test_curves_go_channel_by_channel_through_their_domain():
    curves = np.sort(np.random.default_rng(2).random((9, 3), f32), axis=0)
    table = ColourTable(curves, (-1.0, 0.0, 0.2), (1.0, 2.0, 0.8))
    colours = random_colours(200, 3, -1.5, 2.5)
    places = [np.linspace(low, high, 9) for low, high in zip(table.low, table.high, strict=True)]
    wanted = [np.interp(colours[:, c], places[c], curves[:, c]) for c in range(3)]
    np.testing.assert_allclose(looked_up(table, colours), np.stack(wanted, -1), atol=2e-6)


def test_tables_act_on_the_srgb_signal():
    table = ColourTable(np.random.default_rng(4).random((17, 17, 17, 3), f32))
    colours = random_colours()
    signal = linear_to_srgb(colours.astype(np.float64))
    wanted = srgb_to_linear(np.array([tetrahedral(table.table, colour) for colour in signal]))
    np.testing.assert_allclose(graded(colours, Look(table=table)), wanted, atol=2e-5)


@pytest.mark.parametrize("nodes", [2, 17, 33])
def test_an_identity_changes_nothing_beyond_white_and_black_either(nodes):
    colours = random_colours(400, 5, -0.5, 6.0)
    out = graded(colours, Look(table=identity(nodes)))
    np.testing.assert_allclose(out, colours, atol=1e-5)


def test_what_lies_beyond_white_stays_beyond():
    half = ColourTable(identity(2).table * f32(0.5))
    white = graded(np.ones((1, 3), f32), Look(table=half))
    bright = graded(np.full((1, 3), 3, f32), Look(table=half))
    np.testing.assert_allclose(bright - white, 2, rtol=1e-6)


def test_a_plain_look_is_the_same_object():
    colours = random_colours()
    assert graded(colours, Look()) is colours


@given(st.floats(-4, 4))
def test_a_stop_is_twice_the_light(stops):
    colours = random_colours(20)
    np.testing.assert_allclose(graded(colours, Look(exposure=stops)), colours * 2**stops, rtol=1e-5)


@given(st.floats(-1, 1), st.floats(-1, 2), st.floats(-3000, 8000), st.floats(-1, 1))
def test_balance_and_saturation_keep_a_grey_as_light_as_it_is(contrast, more, kelvin, tint):
    grey = np.full((1, 3), 0.25, f32)  # the middle of the S-curve: its root is a half
    out = graded(grey, Look(contrast=contrast, saturation=more, kelvin=kelvin, tint=tint))
    assert float(out[0] @ LUMINANCE) == pytest.approx(0.25, rel=0.25 * (abs(more) + 1e-4))


def test_above_zero_is_warmer_and_magenta():
    grey = np.full((1, 3), 0.3, f32)
    red, _, blue = graded(grey, Look(kelvin=2000))[0]
    assert red > 0.3 > blue
    red, green, blue = graded(grey, Look(tint=0.5))[0]
    assert red == blue
    assert red > green


def test_no_saturation_is_grey_of_the_same_luminance():
    colours = random_colours()
    out = graded(colours, Look(saturation=-1))
    np.testing.assert_allclose(out, np.repeat((colours @ LUMINANCE)[:, None], 3, 1), atol=1e-6)


@given(st.floats(-1, 1))
def test_contrast_keeps_black_white_and_order(contrast):
    greys = np.repeat(np.linspace(0, 1.5, 60, dtype=f32)[:, None], 3, 1)
    out = graded(greys, Look(contrast=contrast))[:, 0]
    assert out[0] == 0
    np.testing.assert_array_equal(out[41:], greys[41:, 0])
    assert (np.diff(out) > -1e-6).all()


def test_near_and_far_meet_smoothly():
    inverse = np.linspace(0, 1, 101, dtype=f32)[None]
    share = nearness(inverse, 0.8, 0.2)[0]
    assert (share[:21] < 1e-6).all()
    assert (share[80:] > 1 - 1e-6).all()
    assert share[50] == pytest.approx(0.5, abs=1e-5)
    assert (np.diff(share) >= 0).all()
    step = nearness(np.array([[0.0, 0.49, 0.51]], f32), 0.5, 0.5)
    np.testing.assert_array_equal(step, [[0, 0, 1]])


def test_the_reach_leaves_the_sky_out():
    inverse = np.zeros((10, 10), f32)
    assert reach_of(inverse) == (1, 1)
    inverse[5:] = 0.25
    assert reach_of(inverse) == (0.25, 0.25)
