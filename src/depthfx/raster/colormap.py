"""A plane of numbers as colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.photo.colour import srgb_to_linear

MAPS = {
    "inferno": cv2.COLORMAP_INFERNO,
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
}


def ramp(colours: str) -> NDArray[np.float32]:
    """256 linear colours (256, 3) float32 of a map, low to high; "grey" is even when encoded."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    encoded = (
        np.repeat(steps, 3, 1)
        if colours == "grey"
        else cv2.applyColorMap(steps, MAPS[colours])[:, 0, ::-1]
    )
    return srgb_to_linear(encoded.astype(np.float32) / 255)


def limits(
    plane: Plane, low: float | None = None, high: float | None = None
) -> tuple[float, float]:
    """Where a map of `plane` (H, W) begins and ends: `low` < `high`.

    What is not given is the 1st or 99th percentile, so that a few stray values do not
    flatten the rest.
    """
    sample = plane[:: max(1, plane.shape[0] // 512), :: max(1, plane.shape[1] // 512)]
    low = float(np.percentile(sample, 1)) if low is None else low
    high = float(np.percentile(sample, 99)) if high is None else high
    return low, max(high, low + 1e-3 * abs(low) + 1e-9)


def colour_map(
    plane: Plane, colours: str, low: float | None = None, high: float | None = None
) -> NDArray[np.float32]:
    """`plane` (H, W) between `low` and `high` (see `limits`) as linear RGB (H, W, 3) float32."""
    low, high = limits(plane, low, high)
    position = np.clip((plane - np.float32(low)) / np.float32(high - low), 0, 1)
    # Between two entries of the ramp, so that 16-bit files show no steps.
    index = position * 255
    lower = np.minimum(index.astype(np.int32), 254)
    share = (index - lower)[..., None].astype(np.float32)
    table = ramp(colours)
    return table[lower] * (1 - share) + table[lower + 1] * share
