"""A smooth way from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth_ramp(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float32]:
    """`values` as float32 shares: 0 up to `low`, 1 from `high` on, level at both ends.

    3 t^2 - 2 t^3 between, Hermite's cubic.
    """
    share = (values - np.float32(low)) * np.float32(1 / (high - low))
    np.clip(share, 0, 1, out=share)
    share *= share * (3 - 2 * share)
    return np.asarray(share, np.float32)
