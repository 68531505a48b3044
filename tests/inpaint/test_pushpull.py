"""Filling: exact where known, bounded by what is known, blind to what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from depthfx.errors import ShapeError
from depthfx.inpaint.pushpull import push_pull

f32 = np.float32
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=23)


@st.composite
def holed(draw):
    shape = draw(shapes)
    plane = draw(arrays(f32, shape, elements=st.floats(0, 4, width=32)))
    known = draw(arrays(f32, shape, elements=st.sampled_from([f32(0), f32(1)])))
    plane.flags.writeable = known.flags.writeable = False
    return plane, known


@settings(max_examples=60, deadline=None)
@given(holed())
def test_exact_where_known_and_between_the_extremes_elsewhere(case):
    plane, known = case
    out = push_pull(plane, known)
    np.testing.assert_array_equal(out[known == 1], plane[known == 1])
    if known.any():
        assert out.min() >= plane[known == 1].min() - 1e-4
        assert out.max() <= plane[known == 1].max() + 1e-4
    else:
        assert not out.any()


def test_the_unknown_is_never_looked_at():
    known = np.zeros((33, 20), f32)
    known[:, ::7] = 1
    plane = np.where(known > 0, np.random.default_rng(0).random((33, 20), f32), np.nan)
    spoilt = np.where(known > 0, plane, np.inf).astype(f32)
    filled = push_pull(plane.astype(f32), known)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled, push_pull(spoilt, known))


def test_a_constant_is_continued_however_large_the_hole():
    known = np.zeros((200, 300), f32)
    known[150, 290] = 1
    pixels = np.full((200, 300, 3), f32([0.2, 0.5, 3.0]))
    np.testing.assert_allclose(push_pull(pixels, known), pixels, rtol=1e-5)


def test_a_gradient_is_continued_smoothly_across_a_hole():
    ramp = np.tile(np.linspace(0, 1, 128, dtype=f32), (128, 1))
    known = np.ones((128, 128), f32)
    known[40:88, 40:88] = 0
    out = push_pull(ramp, known)
    assert np.abs(out - ramp).max() < 0.12
    assert np.abs(np.diff(out, axis=1)).max() < 0.06


def test_sizes_must_agree():
    with pytest.raises(ShapeError, match="weight"):
        push_pull(np.zeros((4, 5, 3), f32), np.zeros((5, 4), f32))


def by_numpy(pixels, weight):
    """The same, a picture at a time."""
    light = np.where(weight[..., None] > 0, pixels, 0)
    if weight.size == 1:
        return light
    height, width = weight.shape
    fill = [(0, height % 2), (0, width % 2)]
    there = np.pad(np.ones_like(weight), fill)
    padded = np.pad(weight, fill), np.pad(light * weight[..., None], [*fill, (0, 0)])

    def cells(plane):
        return plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2, -1).sum((1, 3))

    mass = cells(padded[0])
    coarse = cells(padded[1]) / np.where(mass > 0, mass, 1)
    coarse = by_numpy(coarse, np.minimum(4 * mass / cells(there), 1)[..., 0])
    for axis in (0, 1):
        at = (np.arange(weight.shape[axis]) + 0.5) / 2 - 0.5
        first = np.floor(at).astype(int)
        part = (at - first).reshape([-1 if a == axis else 1 for a in range(3)])
        last = coarse.shape[axis] - 1
        low, high = (np.take(coarse, np.clip(k, 0, last), axis) for k in (first, first + 1))
        coarse = (1 - part) * low + part * high
    return light * weight[..., None] + coarse * (1 - weight[..., None])


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(0, 2**31), st.floats(0, 1))
def test_the_kernels_do_what_numpy_does(shape, seed, share):
    random = np.random.default_rng(seed)
    pixels = random.random((*shape, 3), f32)
    weight = np.where(random.random(shape) < share, random.random(shape, f32), f32(0))
    np.testing.assert_allclose(push_pull(pixels, weight), by_numpy(pixels, weight), atol=2e-5)
