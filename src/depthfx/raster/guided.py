"""The guided filter with a colour guide: a picture made locally linear in another.

In every window the output is a . guide + b, the linear function nearest to the
input in the least-squares sense, so the input's edges move onto the guide's.

K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 35(6), 2013; the division
into coefficients found small and applied large: K. He, J. Sun, "Fast Guided
Filter", arXiv 1505.00996, 2015.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]


def guided_filter(
    guide: Array, plane: Array, radius: int, eps: float, weight: Array | None = None
) -> Array:
    """`plane` (H, W) as a locally linear function of `guide` (H, W, 3), both float32.

    `radius` in pixels is half the window's side; `eps`, in squared units of the
    guide, is the variance below which a window counts as flat. `weight` (H, W) >= 0
    says how much each pixel of `plane` is to be trusted.
    """
    coefficients = guided_coefficients(guide, plane, radius, eps, weight)
    return np.einsum("ijk,ijk->ij", coefficients[..., :3], guide) + coefficients[..., 3]


def guided_coefficients(
    guide: Array, plane: Array, radius: int, eps: float, weight: Array | None = None
) -> Array:
    """(H, W, 4) float32: a (3) and b, with which the filtered plane is a . guide + b."""
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(x: Array) -> Array:
        return np.asarray(cv2.blur(x, side, borderType=cv2.BORDER_REFLECT), np.float32)

    if weight is None:
        weight = np.ones_like(plane)
    total = np.maximum(mean(weight), 1e-6)
    weighted = guide * weight[..., None]
    mean_guide = mean(weighted) / total[..., None]
    mean_plane = mean(plane * weight) / total
    r, g, b = range(3)
    covariance = [
        mean(weighted[..., i] * guide[..., j]) / total - mean_guide[..., i] * mean_guide[..., j]
        for i, j in ((r, r), (r, g), (r, b), (g, g), (g, b), (b, b))
    ]
    cross = [
        mean(weighted[..., i] * plane) / total - mean_guide[..., i] * mean_plane for i in (r, g, b)
    ]
    slope = _solve_symmetric(covariance, cross, np.float32(eps))
    offset = mean_plane - np.einsum("ijk,ijk->ij", slope, mean_guide)
    return mean(np.dstack([slope, offset]))


def _solve_symmetric(m: list[NDArray], v: list[NDArray], eps: np.float32) -> Array:
    """(M + eps I)^-1 v per pixel for symmetric 3 x 3 M = (rr, rg, rb, gg, gb, bb), by cofactors."""
    rr, rg, rb, gg, gb, bb = m[0] + eps, m[1], m[2], m[3] + eps, m[4], m[5] + eps
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    inverse_det = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    return np.dstack(
        [
            (c_rr * v[0] + c_rg * v[1] + c_rb * v[2]) * inverse_det,
            (c_rg * v[0] + c_gg * v[1] + c_gb * v[2]) * inverse_det,
            (c_rb * v[0] + c_gb * v[1] + c_bb * v[2]) * inverse_det,
        ]
    )


def apply_coefficients(coefficients: Array, pixels: Array) -> Array:
    """a . guide + b at the size of `pixels` (H, W, 3) linear light, the guide their `encoded`.

    `coefficients` (h, w, 4) of a smaller guide are interpolated linearly on the way.
    """
    return _apply(coefficients, np.ascontiguousarray(pixels, np.float32))


@njit(parallel=True, fastmath=True, cache=True)
def _apply(coefficients: Array, pixels: Array) -> Array:  # pragma: no cover - compiled
    height, width = pixels.shape[:2]
    h, w = coefficients.shape[:2]
    out = np.empty((height, width), np.float32)
    for y in prange(height):
        v = min(
            max((y + np.float32(0.5)) * h / height - np.float32(0.5), np.float32(0)),
            np.float32(h - 1),
        )
        top = min(int(v), max(h - 2, 0))
        low, fy = min(top + 1, h - 1), np.float32(v - top)
        for x in range(width):
            u = min(
                max((x + np.float32(0.5)) * w / width - np.float32(0.5), np.float32(0)),
                np.float32(w - 1),
            )
            left = min(int(u), max(w - 2, 0))
            right, fx = min(left + 1, w - 1), np.float32(u - left)
            total = np.float32(0)
            for k in range(4):
                above = coefficients[top, left, k] * (1 - fx) + coefficients[top, right, k] * fx
                below = coefficients[low, left, k] * (1 - fx) + coefficients[low, right, k] * fx
                value = above * (1 - fy) + below * fy
                total += value * np.sqrt(max(pixels[y, x, k], np.float32(0))) if k < 3 else value
            out[y, x] = total
    return out
