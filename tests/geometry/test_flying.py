"""Ramps between surfaces become steps; surfaces that run away stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.geometry.flying import LEAST_JUMP, beside_jumps, jumps, longest_px, stepped

HEIGHT, WIDTH = 40, 120
CAMERA = Camera(WIDTH, HEIGHT, 100.0)


def upright_ramp(near, far, first, last):
    """Rows that are `near` up to column `first`, `far` from `last` on, straight in between."""
    row = np.interp(np.arange(WIDTH), [first, last], [near, far]).astype(np.float32)
    return np.tile(row, (HEIGHT, 1))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_ramp_becomes_a_step_half_way(width, turned):
    inverse = upright_ramp(1.0, 0.5, 60, 60 + width)
    camera = CAMERA
    if turned:
        inverse, camera = np.ascontiguousarray(inverse.T), Camera(HEIGHT, WIDTH, 100.0)
    clean = stepped(inverse, camera)
    assert set(np.unique(clean.inverse)) == {np.float32(1.0), np.float32(0.5)}
    flying = clean.flying.T if turned else clean.flying
    assert flying[:, 61 : 60 + width].all()
    assert flying.sum() == HEIGHT * (width - 1)
    row = clean.inverse.T[0] if turned else clean.inverse[0]
    assert abs((row == 1.0).sum() - (60 + width / 2 + 0.5)) <= 0.5


def test_a_step_has_nothing_in_the_air():
    inverse = upright_ramp(1.0, 0.5, 60, 61)
    clean = stepped(inverse, CAMERA)
    np.testing.assert_array_equal(clean.inverse, inverse)
    assert not clean.flying.any()


@given(st.floats(0.05, 3.0), st.floats(-89.5, 89.5))
def test_planes_stay_however_steep(distance_m, angle_deg):
    """A floor's inverse depth has the same step from row to row up to the horizon."""
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / 100.0
    row = (np.cos(np.radians(angle_deg)) + np.sin(np.radians(angle_deg)) * x) / distance_m
    inverse = np.tile(np.maximum(row, 0).astype(np.float32), (HEIGHT, 1))
    clean = stepped(inverse, CAMERA)
    np.testing.assert_array_equal(clean.inverse, inverse)


def test_a_ramp_in_two_rows_only_is_no_edge():
    inverse = upright_ramp(1.0, 1.0, 60, 61)
    inverse[20:22] = upright_ramp(1.0, 0.5, 60, 63)[:2]
    assert not stepped(inverse, CAMERA).flying.any()


def test_leaning_edges_are_settled_too():
    y, x = np.mgrid[:120, :120]
    inverse = np.interp(x - y, [0, 2], [1.0, 0.5]).astype(np.float32)
    clean = stepped(inverse, Camera(120, 120, 100.0))
    inner = clean.inverse[4:-4, 4:-4]
    assert set(np.unique(inner)) == {np.float32(1.0), np.float32(0.5)}


def test_longer_ramps_are_surfaces():
    long = longest_px(CAMERA) + 3
    inverse = upright_ramp(1.0, 0.5, 50, 50 + long)
    assert not stepped(inverse, CAMERA).flying.any()


def test_jumps_are_shares_of_the_distance_whatever_the_unit():
    for scale in (1e-3, 1.0, 1e3):
        over, under = 1 + 1.3 * LEAST_JUMP, 1 + 0.7 * LEAST_JUMP
        assert jumps(np.float32(scale) * upright_ramp(over, 1.0, 60, 61))[0].sum() == HEIGHT
        assert jumps(np.float32(scale) * upright_ramp(under, 1.0, 60, 61))[0].sum() == 0


def test_the_rim_of_the_sky_is_a_jump():
    inverse = np.ones((10, 20), np.float32)
    inverse[:, 12:] = 0
    across, down = jumps(inverse)
    assert (np.argwhere(across)[:, 1] == 11).all()
    assert across.sum() == 10
    assert not down.any()
    near = beside_jumps(inverse, 2)
    np.testing.assert_array_equal(near[0].nonzero()[0], np.arange(9, 15))
