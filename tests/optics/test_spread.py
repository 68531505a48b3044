import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.optics.aperture import Aperture
from depthfx.optics.spread import SMALL_PX, Spread

PLACES = [np.s_[0:17, 0:23], np.s_[3:4, 5:23], np.s_[0:16, 7:8], np.s_[11:17, 0:19]]


def scattered(stack, taps):
    """The definition: every pixel leaves its light at the taps around it."""
    n = taps.shape[0] // 2
    channels, height, width = stack.shape
    out = np.zeros((channels, height + 2 * n, width + 2 * n))
    for dy, dx in np.ndindex(*taps.shape):
        out[:, dy : dy + height, dx : dx + width] += stack * float(taps[dy, dx])
    return out[:, n : n + height, n : n + width]


def everywhere(stack):
    return slice(0, stack.shape[1]), slice(0, stack.shape[2])


def runs_as_taps(spread):
    """The plain twin of the runs: the weights that they put on each pixel, one more around."""
    n = spread.reach + 1
    edges = np.arange(-n, n + 1)
    runs = np.pad(spread.runs.astype(float), ((1, 1), (0, 0)))
    start, end, weight = runs.T[..., None]
    return weight * (np.clip(end - edges, 0, 1) - np.clip(start - edges, 0, 1))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("blades", [0, 3, 6])
@pytest.mark.parametrize("radius", [0.6, 2.0, 3.9])
def test_small_kernels_scatter_exactly(blades, radius, place, rng):
    taps = Aperture(blades, 10).kernel(radius)
    stack = rng.random((5, 17, 23), np.float32)
    spread = Spread.of(taps)
    assert taps.shape[0] <= SMALL_PX
    got, twin = spread(stack, place), scattered(stack, taps)
    np.testing.assert_allclose(got, twin[:, place[0], place[1]], atol=1e-5)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("blades", [0, 3, 7])
@pytest.mark.parametrize("radius", [5.3, 12.8])
def test_large_kernels_scatter_their_runs(blades, radius, place, rng):
    """A kernel may be larger than what it is spread over."""
    spread = Spread.of(Aperture(blades, 10).kernel(radius))
    stack = rng.random((5, 17, 23), np.float32)
    got, twin = spread(stack, place), scattered(stack, runs_as_taps(spread))
    np.testing.assert_allclose(got, twin[:, place[0], place[1]], atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2)])
def test_narrow_pictures_are_spread_as_well(size, rng):
    spread = Spread.of(Aperture(5).kernel(7.0))
    stack = rng.random((5, *size), np.float32)
    got = spread(stack, everywhere(stack))
    np.testing.assert_allclose(got, scattered(stack, runs_as_taps(spread)), atol=1e-5)


def test_an_uneven_opening_is_spread_tap_by_tap(rng):
    taps = Aperture(spherical=1.0).kernel(9.0)
    stack = rng.random((5, 17, 23), np.float32)
    got = Spread.of(taps, uniform=False)(stack, everywhere(stack))
    np.testing.assert_allclose(got, scattered(stack, taps), atol=1e-4)


def test_a_coloured_opening_spreads_each_colour_by_its_own(rng):
    """Cover and what is known go with the mean of the colours."""
    taps = rng.random((11, 11, 3), np.float32)
    taps /= taps.sum((0, 1))
    stack = rng.random((5, 17, 23), np.float32)
    got = Spread.of(taps, uniform=False)(stack, everywhere(stack))
    for c in range(5):
        of_one = taps[..., c] if c < 3 else taps.mean(2)
        np.testing.assert_allclose(got[c], scattered(stack[c : c + 1], of_one)[0], atol=1e-5)


@pytest.mark.parametrize("radius", [0.0, 0.6, 3.0, 14.0])
def test_what_is_spread_is_left_as_it_was(radius, rng):
    stack = rng.random((5, 17, 23), np.float32)
    stack.flags.writeable = False
    Spread.of(Aperture().kernel(radius))(stack, everywhere(stack))


def test_a_point_kernel_is_the_identity(rng):
    stack = rng.random((5, 17, 23), np.float32)
    spread = Spread.of(Aperture().kernel(0.0))
    assert spread.reach == 0
    np.testing.assert_array_equal(spread(stack, np.s_[2:9, 4:23]), stack[:, 2:9, 4:23])


@settings(deadline=None)
@given(st.sampled_from([0, 3, 4, 5, 8, 11]), st.floats(8, 40), st.floats(0, 360))
def test_runs_stay_close_to_the_opening(blades, radius, rotation):
    """The same light in every row, the same width; only a row's ends are a little sharper."""
    spread = Spread.of(Aperture(blades, rotation).kernel(radius))
    taps, runs = np.pad(spread.taps.astype(float), 1), runs_as_taps(spread)
    np.testing.assert_allclose(runs.sum(1), taps.sum(1), atol=1e-6)
    x = np.arange(-spread.reach - 1.0, spread.reach + 2)
    # A run that ends within a pixel counts that pixel's part at its centre: 1/8 px at most.
    assert np.all(np.abs(runs @ x - taps @ x) <= runs.max(1) / 8 + 1e-7)
    assert (runs @ x**2).sum() == pytest.approx((taps @ x**2).sum(), rel=0.05)
    assert np.abs(runs - taps).sum() < 1 / radius


def test_light_keeps_its_sum_and_stays_within_its_channel():
    stack = np.zeros((5, 61, 61), np.float32)
    stack[:, 30, 30] = [1000, 1, 0, 3, 0]
    out = Spread.of(Aperture(5).kernel(11))(stack, everywhere(stack))
    np.testing.assert_allclose(out.sum((1, 2)), stack[:, 30, 30], rtol=1e-4, atol=1e-3)
