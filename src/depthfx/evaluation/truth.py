"""depthfx as the scorer of rendered truth calls it.

Thin adapters, each through the very function that the effects use. `depth` is metric z
in metres, `sharp` linear RGB; nothing here depends on what a scene shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.thin_lens import blur_px_per_inverse_m

Array = NDArray[np.float32]


def render(
    sharp: Array, depth: Array, f_px: float, aperture_m: float, focus_m: float, blades: int
) -> Array:
    """What a thin lens would have seen: (H, W, 3) float32 linear RGB.

    sharp : (H, W, 3) pinhole picture; depth : (H, W) metres; f_px : focal length in px;
    aperture_m : diameter of the opening; blades : 0 for a round one
    """
    return defocus(
        np.ascontiguousarray(sharp, np.float32),
        (1.0 / depth).astype(np.float32),
        focus_inverse=1.0 / focus_m,
        blur_px=blur_px_per_inverse_m(aperture_m, f_px),
        aperture=Aperture(blades=blades),
    )


def refine(sharp: Array, depth_small: Array) -> Array:
    """Depth at the size of the picture: (H, W) metres from a smaller map of metres."""
    from depthfx.engine.refine import refine as refine_inverse

    refined = refine_inverse(
        np.ascontiguousarray(sharp, np.float32), (1.0 / depth_small).astype(np.float32)
    )
    return (1.0 / np.maximum(refined.inverse, 1e-6)).astype(np.float32)
