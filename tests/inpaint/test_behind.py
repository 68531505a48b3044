"""Planes go on as planes, whatever stands in front of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ShapeError
from depthfx.inpaint.behind import continue_inverse

f32 = np.float32
H, W = 120, 160


def plane(a=0.5, right=0.001, down=0.002, shape=(H, W)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (a + right * x + down * y).astype(f32)


def disc(y=60, x=80, radius=25, shape=(H, W)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - y, columns - x) < radius


@settings(max_examples=15, deadline=None)
@given(
    st.floats(-0.002, 0.002),
    st.floats(-0.002, 0.002),
    st.integers(20, 100),
    st.integers(20, 140),
)
def test_a_plane_goes_on(right, down, y, x):
    truth = plane(1.0, right, down)
    hole = disc(y, x)
    seen = np.where(hole, f32(np.nan), truth)
    seen.flags.writeable = False
    out = continue_inverse(seen, hole)
    np.testing.assert_allclose(out, truth, rtol=8e-3)
    np.testing.assert_array_equal(out[~hole], truth[~hole])


def test_a_plane_goes_on_in_a_large_picture():
    """Where cells of many pixels, cut by the hole's rim, stand for the picture."""
    shape = (900, 1200)
    truth = plane(0.5, 2e-4, 3e-4, shape)
    hole = disc(450, 600, 200, shape)
    np.testing.assert_allclose(continue_inverse(truth, hole), truth, rtol=2e-3)


def test_a_floor_goes_on_under_a_thing_at_the_pictures_border():
    truth = plane(0.2, 0.0, 0.004)
    hole = disc(115, 80, 30)
    np.testing.assert_allclose(continue_inverse(truth, hole)[hole], truth[hole], rtol=0.02)


def test_a_rim_of_wrong_depth_is_seen_through():
    truth = plane()
    hole = disc()
    wrong = np.where(disc(radius=27) & ~hole, f32(1), truth)
    out = continue_inverse(wrong, hole)
    error = np.abs(out / truth - 1)[disc(radius=20)]
    assert error.max() < 0.03


def test_what_is_no_source_says_nothing():
    truth = plane()
    hole = disc()
    beside = disc(60, 115, 20) & ~hole
    seen = np.where(hole | beside, f32(np.nan), truth)
    out = continue_inverse(seen, hole, ~hole & ~beside)
    np.testing.assert_allclose(out[hole], truth[hole], rtol=3e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 0.99))
def test_always_finite_never_behind_infinity_and_never_far_nearer(seed, share):
    random = np.random.default_rng(seed)
    inverse = random.random((23, 31), f32)
    hole = random.random((23, 31)) < share
    out = continue_inverse(inverse, hole)
    assert np.isfinite(out).all()
    assert out.min() >= 0
    assert out.max() <= 1.5 * inverse[~hole].max() + 1e-6


def test_nothing_known_is_infinitely_far_and_no_hole_changes_nothing():
    inverse = plane()
    everything = np.ones((H, W), bool)
    assert not continue_inverse(inverse, everything).any()
    np.testing.assert_array_equal(continue_inverse(inverse, ~everything), inverse)


def test_sizes_must_fit():
    with pytest.raises(ShapeError, match="hole is"):
        continue_inverse(plane(), np.ones((3, 3), bool))


@pytest.mark.filterwarnings("error")
def test_behind_the_sky_is_sky():
    sky = np.zeros((H, W), f32)
    assert not continue_inverse(sky, disc()).any()


def test_windows_wider_than_the_picture_tell_its_planes():
    """Where they are laid over a smaller picture: nearly all of this one is hidden."""
    truth = plane()
    hole = np.ones((H, W), bool)
    hole[:30, :30] = hole[-30:, -30:] = hole[-30:, :30] = False
    np.testing.assert_allclose(continue_inverse(truth, hole), truth, rtol=0.06)
