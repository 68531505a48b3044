"""What needs no network: the figures that a network has to beat.

Each takes a photo (H, W, 3) and answers relative inverse depth (H, W) float32 by place alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane

Rgb = NDArray[Any]


def gradient(rgb: Rgb) -> Plane:
    """The lower in the picture, the nearer: true of floors, streets and meadows."""
    height, width = rgb.shape[:2]
    return np.repeat(np.linspace(0.1, 1, height, dtype=np.float32)[:, None], width, 1)


def centre(rgb: Rgb) -> Plane:
    """The nearer to the picture's middle, the nearer: photographers centre their subjects."""
    height, width = rgb.shape[:2]
    y = (np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)) / height - np.float32(0.5)
    x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / width - np.float32(0.5)
    return np.float32(1) - np.hypot(x, y)


def constant(rgb: Rgb) -> Plane:
    """All at one distance."""
    return np.ones(rgb.shape[:2], np.float32)
