"""Reading small pictures from large ones agrees with stretching them."""

import numpy as np
import pytest
from numba import njit

from depthfx.raster.resample import resize_linear
from depthfx.raster.sample import linear_at


@njit
def stretched(small, height, width, k):
    out = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            out[y, x] = linear_at(small, y, x, height, width, k)
    return out


@pytest.mark.parametrize("shape", [(5, 7), (31, 40), (6, 90)])
def test_linear_at_is_linear_resizing(shape):
    small = np.random.default_rng(0).random((5, 7, 3), np.float32)
    for k in range(3):
        np.testing.assert_allclose(
            stretched(small, *shape, k), resize_linear(small[..., k].copy(), shape), atol=1e-5
        )
