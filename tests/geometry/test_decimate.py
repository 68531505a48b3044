"""Right triangles over a grid: no cracks, no more than asked for, planes for nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.geometry.decimate import FLAT, decimated, strayed

SHAPE = (33, 65)


def everywhere(inverse, count, tile=16, whole=None):
    whole = np.zeros((inverse.shape[0] - 1, inverse.shape[1] - 1), bool) if whole is None else whole
    return decimated(inverse, whole, inverse > 0, tile, count)


def off(inverse, faces):
    """(H, W): how far each crossing strays from its triangle."""
    y, x = np.divmod(np.arange(inverse.size), inverse.shape[1])
    places = np.column_stack([x + 0.5, y + 0.5])
    return strayed(places, inverse.ravel().astype(np.float64), faces, inverse)


def corners(faces, shape=SHAPE):
    y, x = np.divmod(faces.astype(np.int64), shape[1])
    return y, x


def areas(faces, shape=SHAPE):
    """Signed, above 0 if counter-clockwise as seen, where y is down."""
    y, x = corners(faces, shape)
    a = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])
    return -a / 2


def waves(seed, shape=SHAPE):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / 16
    out = 1 + 0.0 * x
    for _ in range(4):
        fx, fy, phase, height = rng.uniform([-2, -2, 0, 0], [2, 2, 6, 0.1])
        out = out + height * np.sin(fx * x + fy * y + phase)
    return out.astype(np.float32)


def assert_whole(faces, shape=SHAPE):
    """They fill the grid once: every side has two triangles, or lies on the rim."""
    assert (areas(faces, shape) > 0).all()
    assert areas(faces, shape).sum() == (shape[0] - 1) * (shape[1] - 1)
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    keys, number = np.unique(sides, axis=0, return_counts=True)
    assert number.max() <= 2
    y, x = corners(keys[number == 1], shape)
    rim = [(y == 0), (y == shape[0] - 1), (x == 0), (x == shape[1] - 1)]
    assert np.logical_or.reduce([side.all(1) for side in rim]).all()


@pytest.mark.parametrize("slope", [(0, 0), (0.01, 0), (-0.004, 0.007)])
def test_a_plane_is_two_triangles_a_tile(slope):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = (1 + slope[0] * x + slope[1] * y).astype(np.float32)
    found = everywhere(plane, 10**6)
    assert len(found) == 2 * 2 * 4
    assert_whole(found)
    assert off(plane, found).max() < 1e-6


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(40, 4000))
def test_there_are_no_cracks_and_no_more_triangles_than_asked(seed, count):
    found = everywhere(waves(seed), count)
    assert len(found) <= count
    assert_whole(found)


def test_all_there_is_when_there_is_room():
    noise = np.random.default_rng(1).uniform(1, 2, SHAPE).astype(np.float32)
    found = everywhere(noise, 10**6)
    assert len(found) == 2 * 32 * 64
    assert_whole(found)
    assert off(noise, found).max() == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_deviation_told_is_that_of_the_triangles(seed):
    inverse = waves(seed)
    found = everywhere(inverse, 500)
    wanted = np.full(SHAPE, np.nan)
    y, x = corners(found)
    for (ya, yb, yc), (xa, xb, xc) in zip(y, x, strict=True):
        basis = np.linalg.inv([[xb - xa, xc - xa], [yb - ya, yc - ya]])
        box = np.s_[min(ya, yb, yc) : max(ya, yb, yc) + 1, min(xa, xb, xc) : max(xa, xb, xc) + 1]
        gy, gx = np.mgrid[box]
        s, t = np.einsum("ij,jyx->iyx", basis, np.stack([gx - xa, gy - ya]))
        inside = (s > -1e-9) & (t > -1e-9) & (s + t < 1 + 1e-9)
        a, b, c = inverse[ya, xa], inverse[yb, xb], inverse[yc, xc]
        flat = a + s * (b - a) + t * (c - a)
        wanted[box][inside] = np.abs(inverse[box] / flat - 1)[inside]
    np.testing.assert_allclose(off(inverse, found), wanted, atol=1e-6)


def test_where_there_is_no_triangle_nothing_strays():
    depth = np.ones((4, 6), np.float32)
    depth[1, 1] = 0
    places, faces = np.array([[0.5, 0.5], [0.5, 3.5], [3.5, 0.5]]), np.array([[0, 1, 2]], np.int32)
    found = strayed(places, np.full(3, 2.0), faces, depth)
    y, x = np.mgrid[:4, :6]
    np.testing.assert_array_equal(np.isfinite(found), (x + y <= 3) & (depth > 0))
    assert np.nanmax(found) == np.nanmin(found) == 0.5


def test_fewer_triangles_stray_farther():
    inverse = waves(5)
    errors = [off(inverse, everywhere(inverse, n)).max() for n in (3000, 1000, 300, 100)]
    assert errors == sorted(errors)
    assert errors[0] >= FLAT / 10


def test_quads_that_must_be_whole_are_two_small_triangles():
    whole = np.zeros((32, 64), bool)
    whole[13, 41] = True
    found = everywhere(np.ones(SHAPE, np.float32), 10**6, whole=whole)
    assert_whole(found)
    y, x = corners(found)
    here = (y.min(1) == 13) & (y.max(1) == 14) & (x.min(1) == 41) & (x.max(1) == 42)
    assert here.sum() == 2
    assert decimated(np.ones(SHAPE, np.float32), whole, np.ones(SHAPE, bool), 16, 20) is None


def test_nothing_where_nothing_is():
    inverse = np.ones(SHAPE, np.float32)
    inverse[:, 32:] = 0
    whole = np.zeros((32, 64), bool)
    whole[:, 31] = True
    found = decimated(inverse, whole, inverse > 0, 16, 10**6)
    _, x = corners(found)
    assert x.max() == 32
