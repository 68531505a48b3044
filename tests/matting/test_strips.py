"""The solver in strips: it does solve, whatever the band looks like, and quickly."""

import numpy as np
import pytest

from depthfx.matting.strips import PERIOD, factor_in_strips, solve_in_band

f32 = np.float32


def system(band, seed=0, weakest=1e-3):
    """A random positive system on 5 x 5 neighbours over `band`: rows, and as a matrix."""
    rng = np.random.default_rng(seed)
    number = np.full(np.add(band.shape, 4), -1)
    number[2:-2, 2:-2][band] = np.arange(band.sum())
    matrix = np.eye(band.sum()) * weakest
    # Sums of squares of differences over 3 x 3 windows, as the matting Laplacian is.
    for y, x in np.argwhere(number >= 0):
        around = number[y - 1 : y + 2, x - 1 : x + 2].ravel()
        around = around[around >= 0]
        apart = rng.standard_normal((around.size, 2))
        matrix[np.ix_(around, around)] += apart @ apart.T
    rows = np.zeros((band.sum(), 5, 5), f32)
    for n, (y, x) in enumerate(np.argwhere(number >= 0)):
        for j, i in np.ndindex(5, 5):
            m = number[y + j - 2, x + i - 2]
            if m >= 0:
                rows[n, j, i] = matrix[n, m]
    return rows, matrix


@pytest.mark.parametrize("shape", [(3, 3), (1, 40), (40, 1), (9, 3 * PERIOD + 5)])
@pytest.mark.parametrize("density", [1.0, 0.6])
def test_the_answer_solves_the_system(shape, density):
    band = np.random.default_rng(1).random(shape) < density
    band.flat[0] = True
    rows, matrix = system(band)
    truth = np.random.default_rng(2).random(band.sum())
    right = (matrix @ truth).astype(f32)
    x = solve_in_band(factor_in_strips(rows, band), right, np.zeros_like(right), 200, 1e-6)
    assert x.dtype == f32
    np.testing.assert_allclose(matrix @ x, right, atol=2e-5 * np.abs(right).max())


def test_within_one_strip_no_step_is_needed():
    band = np.ones((12, PERIOD // 2), bool)
    rows, matrix = system(band)
    right = np.ones(band.sum(), f32)
    x = solve_in_band(factor_in_strips(rows, band), right, np.zeros_like(right), 0, 0)
    np.testing.assert_allclose(matrix @ x, right, atol=1e-3)


def test_a_right_start_stays_and_is_left_alone():
    band = np.ones((6, 30), bool)
    rows, matrix = system(band, weakest=1)
    truth = np.linspace(0, 1, band.sum(), dtype=f32)
    right = (matrix @ truth).astype(f32)
    for array in (rows, right, truth):
        array.flags.writeable = False
    x = solve_in_band(factor_in_strips(rows, band), right, truth, 5, 1e-6)
    np.testing.assert_allclose(x, truth, atol=1e-4)
