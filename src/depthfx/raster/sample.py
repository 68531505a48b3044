"""Reading a small picture at the pixels of a large one, inside compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(inline="always", fastmath=True, cache=True)
def linear_at(
    small: NDArray[np.float32], y: int, x: int, height: int, width: int, k: int
) -> np.float32:  # pragma: no cover - compiled
    """Channel k of `small` (h, w, C) where pixel (y, x) of (height, width) lies in it.

    As `resize_linear` gives it, without the large array.
    """
    h, w = small.shape[:2]
    zero, half = np.float32(0), np.float32(0.5)
    v = min(max((y + half) * np.float32(h / height) - half, zero), np.float32(h - 1))
    u = min(max((x + half) * np.float32(w / width) - half, zero), np.float32(w - 1))
    top, left = int(v), int(u)
    low, right = min(top + 1, h - 1), min(left + 1, w - 1)
    fy, fx = np.float32(v - top), np.float32(u - left)
    return (small[top, left, k] * (1 - fx) + small[top, right, k] * fx) * (1 - fy) + (
        small[low, left, k] * (1 - fx) + small[low, right, k] * fx
    ) * fy


@njit(inline="always", cache=True)
def cell_end(left: int, w: int, width: int) -> int:  # pragma: no cover - compiled
    """The first of `width` columns that lies right of columns `left` and left + 1 of w.

    For loops over the small picture's columns, where most need no look at their pixels.
    """
    return width if left >= w - 1 else min(int((left + 1.5) * width / w + 0.5), width)
