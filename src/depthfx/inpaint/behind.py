"""Inverse depth of what was hidden, continued from what is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.inpaint.pushpull import push_pull

Mask = NDArray[np.bool_]


def continue_inverse(inverse: Plane, hole: Mask, source: Mask | None = None) -> Plane:
    """`inverse` (H, W) float32 with `hole` (H, W) filled from `source` (None: all but the hole).

    Inverse depth is affine over a plane, so floors and walls go on as the planes they are.
    """
    known = ~hole if source is None else source
    return np.where(hole, push_pull(inverse, known.astype(np.float32)), inverse)
