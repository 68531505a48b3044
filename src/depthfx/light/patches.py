"""Banks and gaps in fog: how dense it is on the way to each place, against an even one.

Density is a noise in space, so that a bank lies before one thing and behind another, and moves
with neither. Along the rays of a coarse grid it is summed step by step; what lies between is
interpolated (B. Wronski, "Volumetric Fog", SIGGRAPH 2014, the volume of froxels).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera

Array = NDArray[np.float32]

CELLS = 64
"""Rays on the longer side of the grid."""
STEPS, STEP = 24, 0.25
"""Steps on each ray, and their length in sizes of a bank: beyond six banks all is as foggy."""
LATTICE = 16
"""Nodes to a side of the noise before it repeats."""
OCTAVES = ((1.0, 0.6), (2.2, 0.3), (4.7, 0.1))
"""Frequency and share of each."""
FLATTENED = 0.4
"""Banks are wider than they are high by one over this."""
EDGE = 1.6
"""How steeply banks rise out of gaps."""


def patchiness(camera: Camera, amount: float) -> Array:
    """(h, w, STEPS) float32 >= 0: mean density up to the end of each step, an even fog having 1.

    The steps are `STEP` of the size of a bank along the ray.

    amount : 0..1, 1 has gaps without fog
    """
    scale = CELLS / max(camera.width, camera.height)
    h, w = max(2, round(camera.height * scale)), max(2, round(camera.width * scale))
    x = ((np.arange(w) + 0.5) / w * camera.width - camera.cx) / camera.focal_px
    y = ((np.arange(h) + 0.5) / h * camera.height - camera.cy) / camera.focal_px
    rays = np.stack(np.broadcast_arrays(x, y[:, None], 1.0), -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    # In the middle of each step, in sizes of a bank.
    points = rays[:, :, None] * ((np.arange(STEPS) + 0.5) * STEP)[:, None]
    points[..., 1] /= FLATTENED
    noise = sum(share * _noise(points * frequency) for frequency, share in OCTAVES)
    dense = 1 + amount * np.clip(EDGE * noise, -1, 1)
    return np.asarray(np.cumsum(dense, 2) / np.arange(1, STEPS + 1), np.float32)


def _noise(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth noise, -1..1, at `points` (..., 3): random values on a lattice, interpolated."""
    lattice = np.random.default_rng(0).uniform(-1, 1, (LATTICE,) * 3)
    cell = np.floor(points).astype(np.int64)
    share = points - cell
    share = share * share * (3 - 2 * share)
    total = np.zeros(points.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, share, 1 - share).prod(-1)
        total += weight * lattice[tuple(np.moveaxis((cell + corner) % LATTICE, -1, 0))]
    return total
