"""Colour tables: one curve a channel, or a cube of colours, and looking colours up in them.

Between the nodes of a cube colours are interpolated in tetrahedra: the cell's corners on the way
from black to white through the colour's own order of channels. That keeps greys grey, which
trilinear interpolation does not (P. Hung, "Colorimetric calibration in electronic imaging devices
using a look-up-table model and interpolations", Journal of Electronic Imaging 2(1), 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ColourTable:
    """What becomes of colours; outside of its domain they are taken to its border.

    table : (N, N, N, 3) float32, red the last but one index (`table[b, g, r]`), or (N, 3), a
        curve for each channel
    low, high : the colours (red, green, blue) of the first and the last node
    """

    table: Array
    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def solid(self) -> Array:
        """The table with four dimensions; curves are (1, 1, N, 3)."""
        return self.table if self.table.ndim == 4 else self.table[None, None]

    @property
    def domain(self) -> Array:
        """(2, 3): the first node's place, and nodes to a unit of each channel."""
        low, high = np.array(self.low), np.array(self.high)
        nodes = self.table.shape[-2]
        return np.stack([low, (nodes - 1) / (high - low)]).astype(np.float32)


@njit(cache=True, nogil=True)
def look_up(solid: Array, domain: Array, colour: Array, out: Array) -> None:  # pragma: no cover
    """`out` (3,): what `solid` and `domain` of a `ColourTable` make of `colour` (3,)."""
    zero, last = np.float32(0), np.float32(solid.shape[2] - 1)
    top = max(solid.shape[2] - 2, 0)
    r = min(max((colour[0] - domain[0, 0]) * domain[1, 0], zero), last)
    g = min(max((colour[1] - domain[0, 1]) * domain[1, 1], zero), last)
    b = min(max((colour[2] - domain[0, 2]) * domain[1, 2], zero), last)
    i, j, k = min(int(r), top), min(int(g), top), min(int(b), top)
    r, g, b = r - np.float32(i), g - np.float32(j), b - np.float32(k)
    if solid.shape[0] == 1:
        out[0] = solid[0, 0, i, 0] + r * (solid[0, 0, i + 1, 0] - solid[0, 0, i, 0])
        out[1] = solid[0, 0, j, 1] + g * (solid[0, 0, j + 1, 1] - solid[0, 0, j, 1])
        out[2] = solid[0, 0, k, 2] + b * (solid[0, 0, k + 1, 2] - solid[0, 0, k, 2])
        return
    # From the cell's first corner along the largest share, then the next one, to its last.
    i1, j1, k1, i2, j2, k2 = i, j, k, i + 1, j + 1, k + 1
    most, least = max(r, g, b), min(r, g, b)
    middle = r + g + b - most - least
    if r >= g and r >= b:
        i1 += 1
    elif g >= b:
        j1 += 1
    else:
        k1 += 1
    if b <= r and b <= g:
        k2 -= 1
    elif g <= r:
        j2 -= 1
    else:
        i2 -= 1
    for c in range(3):
        out[c] = (
            (np.float32(1) - most) * solid[k, j, i, c]
            + (most - middle) * solid[k1, j1, i1, c]
            + (middle - least) * solid[k2, j2, i2, c]
            + least * solid[k + 1, j + 1, i + 1, c]
        )
