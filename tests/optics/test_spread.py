import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.optics.aperture import Aperture
from depthfx.optics.spread import Spread


def scattered(stack, taps):
    """The definition: every pixel leaves its light at the taps around it."""
    n = taps.shape[0] // 2
    height, width, channels = stack.shape
    out = np.zeros((height + 2 * n, width + 2 * n, channels))
    for dy, dx in np.ndindex(*taps.shape):
        out[dy : dy + height, dx : dx + width] += stack * float(taps[dy, dx])
    return out[n : n + height, n : n + width]


def runs_as_taps(spread):
    """The plain twin of the runs: the weights that they put on each pixel, one more around."""
    n = spread.reach + 1
    edges = np.arange(-n, n + 1)
    runs = np.pad(spread.runs.astype(float), ((1, 1), (0, 0)))
    start, end, weight = runs.T[..., None]
    return weight * (np.clip(end - edges, 0, 1) - np.clip(start - edges, 0, 1))


@pytest.mark.parametrize("blades", [0, 3, 6])
@pytest.mark.parametrize("radius", [0.6, 2.0, 3.9])
def test_small_kernels_scatter_exactly(blades, radius, rng):
    taps = Aperture(blades, 10).kernel(radius)
    stack = rng.random((17, 23, 5), np.float32)
    np.testing.assert_allclose(Spread.of(taps)(stack), scattered(stack, taps), atol=1e-5)


@pytest.mark.parametrize("blades", [0, 3, 7])
@pytest.mark.parametrize("radius", [5.3, 12.8])
def test_large_kernels_scatter_their_runs(blades, radius, rng):
    spread = Spread.of(Aperture(blades, 10).kernel(radius))
    stack = rng.random((21, 40, 5), np.float32)
    np.testing.assert_allclose(spread(stack), scattered(stack, runs_as_taps(spread)), atol=1e-5)


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


def test_light_keeps_its_sum_and_stays_within_its_channel(rng):
    stack = np.zeros((61, 61, 5), np.float32)
    stack[30, 30] = [1000, 1, 0, 3, 0]
    out = Spread.of(Aperture(5).kernel(11))(stack)
    np.testing.assert_allclose(out.sum((0, 1)), stack[30, 30], rtol=1e-4, atol=1e-3)
