"""A subject made as round as its outline says.

Networks see a face or a figure flatter than it is, nearly as a board before the background. But
where a smooth thing ends against what lies behind it, its surface turns away from the camera;
so the outline alone tells a plausible volume: height squared is the membrane blown up over the
subject (Poisson's equation, zero along the outline), which makes a sphere of a disc, exactly.

S. F. Johnston, "Lumo: illumination for cel animation", NPAR 2002, for normals from outlines.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.normals import Normals
from depthfx.raster.resample import resize_area, resize_linear
from depthfx.raster.sample import linear_at

Array = NDArray[np.float32]

SIDE_PX = 160
"""Longer side of the grid on which the volume is found: it is smooth."""
COARSEST_PX = 5
ROUNDS = 80
"""Of relaxation on each grid, from coarse to fine."""
INSIDE = 0.5
FEATURE_PX = 4.0
"""On that grid: what a network says of a face that is smaller than this is more often noise."""


def rounded(
    normals: Normals, matte: Plane, amount: float, *, out: Normals | None = None
) -> Normals:
    """`normals` (H, W, 3), those of the subject turned outwards towards its outline.

    matte : (H, W) float32, the subject's cover; amount : 0 leaves them as they are, 1 is as
    round as a disc that is a ball. All stay unit vectors that do not point away from the camera.
    out : (H, W, 3), where to write them, which may be `normals`: fresh memory takes its time
    """
    if amount == 0 or matte.max() <= INSIDE:
        return normals
    height, width = matte.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    shape = (max(1, round(height * scale)), max(1, round(width * scale)))
    # Slopes of height squared are smooth up to the outline, where those of height are not.
    lift = membrane(resize_area(matte, shape) > INSIDE)
    tall = np.sqrt(lift + 1)
    across, down = (g / (2 * tall) for g in (_slope(lift, 1), _slope(lift, 0)))
    volume = np.dstack([-across, -down])
    length = np.sqrt((volume**2).sum(-1, keepdims=True) + 1)
    # Nobody believes it at the rim itself, whose pixels are half the background's.
    turned = cv2.GaussianBlur(volume / length, (0, 0), 1.0) * np.float32(amount)
    small = np.dstack([turned, _coarse(resize_area(normals, shape), resize_area(matte, shape))])
    out = np.empty((height, width, 3), np.float32) if out is None else out
    _turn(normals, matte, small.astype(np.float32), np.float32(amount), out)
    return out


def membrane(inside: NDArray[np.bool_]) -> Array:
    """u (h, w) float32 in px squared: its Laplacian is -4 `inside`, u is 0 outside.

    At the frame's border it goes on level, as of a subject that the frame cuts off.
    """
    shapes = [(len(inside), inside.shape[1])]
    while max(shapes[-1]) > 2 * COARSEST_PX and min(shapes[-1]) > 1:
        shapes.append((max(1, shapes[-1][0] // 2), max(1, shapes[-1][1] // 2)))
    u = np.zeros(shapes[-1], np.float32)
    for shape in reversed(shapes):
        share = resize_area(inside.astype(np.float32), shape) if shape != inside.shape else inside
        there = share > INSIDE
        # A pixel of half the size: the same membrane is four times as high in square pixels.
        u = resize_linear(u * (shape[1] / u.shape[1]) ** 2, shape) if u.shape != shape else u
        u = np.where(there, u, np.float32(0))
        for _ in range(ROUNDS):
            around = np.pad(u, 1, mode="edge")
            mean = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 4
            u = np.where(there, mean + 1, np.float32(0))
    return np.asarray(u, np.float32)


def _slope(plane: Array, axis: int) -> Array:
    if plane.shape[axis] < 2:
        return np.zeros_like(plane)
    return np.asarray(np.gradient(plane, axis=axis), np.float32)


def _coarse(normals: Array, alpha: Array) -> Array:
    """(h, w, 3): `normals` of the subject without what is smaller than its features."""
    weight = cv2.GaussianBlur(alpha, (0, 0), FEATURE_PX) + np.float32(1e-6)
    mean = cv2.GaussianBlur(normals * alpha[..., None], (0, 0), FEATURE_PX) / weight[..., None]
    length = np.sqrt((mean**2).sum(-1, keepdims=True))
    return np.asarray(mean / np.maximum(length, np.float32(1e-6)), np.float32)


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def _turn(
    normals: Normals, matte: Plane, small: Array, amount: np.float32, out: Normals
) -> None:  # pragma: no cover - compiled
    """The slopes of a volume upon those of `normals`, of which `amount` is made coarse.

    small : (h, w, 5), x and y of the volume's own normals, and coarse normals
    """
    height, width = matte.shape
    one = np.float32(1)
    for y in prange(height):
        for x in range(width):
            nx, ny, nz = normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
            alpha = matte[y, x]
            if alpha > 0:
                share = alpha * amount
                nx += share * (linear_at(small, y, x, height, width, 2) - nx)
                ny += share * (linear_at(small, y, x, height, width, 3) - ny)
                nz += share * (linear_at(small, y, x, height, width, 4) - nz)
                right = alpha * linear_at(small, y, x, height, width, 0)
                down = alpha * linear_at(small, y, x, height, width, 1)
                square = min(right * right + down * down, one)
                nx, ny = nx + right, ny + down
                # The least of it keeps the way to the camera open.
                nz = min(nz * np.sqrt(one - square), np.float32(-1e-4))
                length = np.sqrt(nx * nx + ny * ny + nz * nz)
                nx, ny, nz = nx / length, ny / length, nz / length
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = nx, ny, nz
