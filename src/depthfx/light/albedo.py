"""What surfaces give back of the light that falls on them.

A pixel is albedo times light. The light is that which `own_light` found, spread over the
surfaces by their normals; what remains of the picture is albedo, and some light that nobody
found. Bright pixels owe more of their brightness to such light than dark ones (a lamp's
pool, a gap in the shade, the lamp itself), so albedo follows the picture in the shadows and
middle tones and levels off towards white: 1 - exp(-x) of the strongest channel. Its hue and
saturation are the picture's own.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.geometry.normals import Normals
from depthfx.photo.photo import Pixels

_ZERO, _ONE = np.float32(0), np.float32(1)


@njit(inline="always", fastmath=True, cache=True)
def own_shading(
    normals: Normals, i: int, j: int, k: int, light: NDArray[np.float32], seen: np.float32
) -> np.float32:  # pragma: no cover - compiled
    """What a white matte surface at (i, j) shows in channel k of the light found in a photo.

    light : (4, 3): towards the key; lean of the fill; key; fill
    """
    x, y, z = normals[i, j, 0], normals[i, j, 1], normals[i, j, 2]
    facing = max(x * light[0, 0] + y * light[0, 1] + z * light[0, 2], _ZERO) * seen
    lean = _ONE + x * light[1, 0] + y * light[1, 1] + z * light[1, 2]
    return light[2, k] * facing + light[3, k] * max(lean, _ZERO)


@njit(parallel=True, nogil=True, fastmath=True, cache=True)
def albedo_rows(
    pixels: Pixels, normals: Normals, light: NDArray[np.float32], out: Pixels
) -> None:  # pragma: no cover - compiled
    """Fill `out` (H, W, 3) with the albedo; see `own_shading` for `light`."""
    least = np.float32(1e-6)
    for i in prange(pixels.shape[0]):
        for j in range(pixels.shape[1]):
            most = _ZERO
            for k in range(3):
                white = max(own_shading(normals, i, j, k, light, _ONE), least)
                share = min(max(pixels[i, j, k], _ZERO) / white, np.float32(1e6))
                out[i, j, k] = share
                most = max(most, share)
            # One factor for the three channels: the curve must not change the colour.
            level = (_ONE - np.exp(-most)) / most if most > least else _ONE
            for k in range(3):
                out[i, j, k] *= level
