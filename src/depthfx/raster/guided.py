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

from depthfx.raster.sample import cell_end

Array = NDArray[np.float32]


def guided_filter(guide: Array, plane: Array, radius: int, eps: float) -> Array:
    """`plane` (H, W) as a locally linear function of `guide` (H, W, 3), both float32.

    `radius` in pixels is half the window's side; `eps`, in squared units of the
    guide, is the variance below which a window counts as flat.
    """
    coefficients = guided_coefficients(guide, plane, radius, eps)
    return np.einsum("ijk,ijk->ij", coefficients[..., :3], guide) + coefficients[..., 3]


def guided_coefficients(guide: Array, plane: Array, radius: int, eps: float) -> Array:
    """(H, W, 4) float32: a (3) and b, with which the filtered plane is a . guide + b."""
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(x: Array) -> Array:
        return np.asarray(cv2.blur(x, side, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_plane = mean(plane)
    out = np.zeros((*plane.shape, 4), np.float32)
    # Where the plane is flat its slope is zero, whatever the guide does; edges are few.
    window = np.ones(side, np.uint8)
    varied = cv2.dilate(plane, window) > cv2.erode(plane, window)
    rows, columns = np.flatnonzero(varied.any(1)), np.flatnonzero(varied.any(0))
    out[..., 3] = mean_plane
    if rows.size == 0:
        return out
    # Cropped to what varies; a window more, so that its means are the whole picture's.
    part = tuple(
        slice(max(found[0] - radius, 0), found[-1] + radius + 1) for found in (rows, columns)
    )
    near, flat = varied[part], guide[part]
    centre, height = mean(flat)[near], mean_plane[part][near]
    covariance = [
        mean(flat[..., i] * flat[..., j])[near] - centre[:, i] * centre[:, j]
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    ]
    cross = [mean(flat[..., i] * plane[part])[near] - centre[:, i] * height for i in range(3)]
    slope = _solve_symmetric(covariance, cross, np.float32(eps))
    out[part][near, :3] = slope
    out[part][near, 3] = height - np.einsum("ij,ij->i", slope, centre)
    return mean(out)


def _solve_symmetric(m: list[NDArray], v: list[NDArray], eps: np.float32) -> Array:
    """(M + eps I)^-1 v for symmetric 3 x 3 M = (rr, rg, rb, gg, gb, bb), by cofactors; (N, 3)."""
    rr, rg, rb, gg, gb, bb = m[0] + eps, m[1], m[2], m[3] + eps, m[4], m[5] + eps
    c_rr, c_rg, c_rb = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    inverse_det = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    return np.column_stack(
        [
            (c_rr * v[0] + c_rg * v[1] + c_rb * v[2]) * inverse_det,
            (c_rg * v[0] + c_gg * v[1] + c_gb * v[2]) * inverse_det,
            (c_rb * v[0] + c_gb * v[1] + c_bb * v[2]) * inverse_det,
        ]
    )


def apply_coefficients(coefficients: Array, pixels: Array, low: Array, high: Array) -> Array:
    """a . guide + b at the size of `pixels` (H, W, 3) linear light, the guide their `encoded`.

    `coefficients` (h, w, 4) of a smaller guide are interpolated linearly on the way, and so
    are `low` and `high` (h, w), between which the answer is kept. Where they leave no room,
    the pixels are not looked at: of a large photo most is not.
    """
    bounded = np.dstack([coefficients, low, high])
    return _apply(bounded, np.ascontiguousarray(pixels, np.float32))


@njit(parallel=True, fastmath=True, cache=True)
def _apply(small: Array, pixels: Array) -> Array:  # pragma: no cover - compiled
    height, width = pixels.shape[:2]
    h, w = small.shape[:2]
    zero, half = np.float32(0), np.float32(0.5)
    out = np.empty((height, width), np.float32)
    for y in prange(height):
        v = min(max((y + half) * np.float32(h / height) - half, zero), np.float32(h - 1))
        top = int(v)
        low_row, fy = min(top + 1, h - 1), np.float32(v - top)
        line = np.empty((w, 6), np.float32)  # of the small picture, at this height
        for u in range(w):
            for k in range(6):
                line[u, k] = small[top, u, k] * (1 - fy) + small[low_row, u, k] * fy
        x = 0
        for left in range(w):
            right, end = min(left + 1, w - 1), cell_end(left, w, width)
            floor = line[left, 4]
            if floor == line[right, 4] == line[left, 5] == line[right, 5]:
                out[y, x:end] = floor
                x = end
                continue
            while x < end:
                fx = (x + half) * np.float32(w / width) - half - np.float32(left)
                fx = min(max(fx, zero), np.float32(1))
                total = line[left, 3] + (line[right, 3] - line[left, 3]) * fx
                for k in range(3):
                    slope = line[left, k] + (line[right, k] - line[left, k]) * fx
                    total += slope * np.sqrt(max(pixels[y, x, k], zero))
                low = floor + (line[right, 4] - floor) * fx
                high = line[left, 5] + (line[right, 5] - line[left, 5]) * fx
                out[y, x] = min(max(total, low), high)
                x += 1
    return out
