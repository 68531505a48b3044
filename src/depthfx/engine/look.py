"""From a network's look at a picture to the depth of a photo, the same for every network.

A backend says what its network sees (`NetworkModel.look`); what is common to all stands
here: which pixels it is shown, scale, refinement. Looking more than once is in `looks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

import numpy as np

from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.engine.looks import MOST_PARTS, Look, Rgb, best_look
from depthfx.engine.model import ModelInfo
from depthfx.engine.refine import refine
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.photo import Photo
from depthfx.raster.resample import resize_area

FARTHEST_M = 1000.0
"""Inverse depth below that of this distance counts as infinitely far."""


class NetworkModel(ABC):
    """A depth model around a network; a backend gives `info`, `side`, `look`.

    side : pixels a side of the network's own view; a picture much larger gains from parts
    repeats : it looks several times by itself where the best quality is asked for
    """

    info: ModelInfo
    side: int = 518
    repeats: bool = False
    weights_sha256: str = ""

    @abstractmethod
    def __init__(self, context: Context) -> None: ...

    @abstractmethod
    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        """The network's answer for a picture.

        rgb : (H, W, 3) float32, encoded sRGB in 0..1, at any size (the backend resizes)
        focal_px : focal length in pixels of `rgb` where someone knows it, else None
        """

    def estimate(self, photo: Photo, context: Context | None = None) -> Depth:
        """Depth at the photo's own size; see `DepthModel.estimate`."""
        context = context or Context()
        context.report("depth", 0.0)
        best = context.quality == "best" and not self.repeats
        rgb = _shown(photo, self.side * (MOST_PARTS if best else 1))
        shrunk = rgb.shape[1] / photo.camera.width
        known_px = photo.camera.known_focal_px
        shown_px = None if known_px is None else known_px * shrunk
        look = partial(best_look, self) if best else self.look
        seen = look(rgb, shown_px, context)
        context.report("depth", 0.8)
        if self.info.metric:
            inverse = np.where(seen.inverse < 1 / FARTHEST_M, 0, seen.inverse)
        else:
            inverse = Depth.relative(seen.inverse, "").inverse
        fine = refine(photo.pixels, inverse.astype(np.float32))
        context.report("depth", 1.0)
        return Depth(
            fine.inverse,
            self.info.metric,
            self.info.name,
            fine.behind,
            fine.coverage,
            focal_px=None if seen.focal_px is None else seen.focal_px / shrunk,
            stamp=self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """What every output made with this model says of it."""
        return {
            "model": self.info.name,
            "weights_sha256": self.weights_sha256,
            "licence": self.info.licence,
        }


def _shown(photo: Photo, side: int) -> Rgb:
    """The photo as networks want it, encoded; its shorter side at most `side` pixels.

    Shrunk before it is encoded: the curve over 24 megapixels takes two seconds.
    """
    height, width = photo.shape
    scale = min(1.0, side / min(height, width))
    small = resize_area(photo.pixels, (round(height * scale), round(width * scale)))
    return np.clip(linear_to_srgb(np.clip(small, 0, 1)), 0, 1)
