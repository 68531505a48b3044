"""From a network's look at a picture to the depth of a photo, the same for every network.

A backend says what its network sees (`NetworkModel.look`); what is common to all stands
here: which pixels it is shown, mirrored and tiled looks, scale, refinement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.model import ModelInfo
from depthfx.engine.refine import refine
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.photo import Photo

FARTHEST_M = 1000.0
"""Inverse depth below that of this distance counts as infinitely far."""

Rgb = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Look:
    """What a network saw in one picture.

    inverse : (h, w) float32 of any size, covering the picture's whole frame; finite, >= 0;
        in 1/m for the picture's own camera if the model is metric, else of any scale
    focal_px : the focal length it saw, in pixels of the picture shown; None if it tells none
    """

    inverse: Plane
    focal_px: float | None = None


class NetworkModel(ABC):
    """A depth model around a network; a backend gives `info`, `side`, `look`.

    side : pixels of the network's own view; a picture much larger gains from tiles
    """

    info: ModelInfo
    side: int = 518
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
        rgb = np.clip(linear_to_srgb(np.clip(photo.pixels, 0, 1)), 0, 1)
        seen = self.look(rgb, photo.camera.known_focal_px, context)
        context.report("depth", 0.7)
        inverse = np.where(seen.inverse < 1 / FARTHEST_M, 0, seen.inverse).astype(np.float32)
        if not self.info.metric:
            inverse = Depth.relative(seen.inverse, "").inverse
        fine = refine(photo.pixels, inverse)
        context.report("depth", 1.0)
        return Depth(
            fine.inverse,
            self.info.metric,
            self.info.name,
            fine.behind,
            fine.coverage,
            focal_px=seen.focal_px,
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
