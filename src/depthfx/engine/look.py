"""From a network's look at a picture to the depth of a photo, the same for every network.

A backend says what its network sees (`NetworkModel.look`); what is common to all stands
here: which pixels it is shown, scale, refinement. Looking more than once is in `looks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property, partial
from weakref import WeakKeyDictionary

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

Shown = tuple[Rgb, float | None]
"""A picture as `NetworkModel.look` gets it, and its focal length in pixels if someone knows it."""


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

    def look_many(self, pictures: Sequence[Shown], context: Context) -> list[Look]:
        """`look` at each of several pictures; a backend whose network takes them together gives
        its own."""
        return [self.look(rgb, focal_px, context) for rgb, focal_px in pictures]

    def look_ahead(self, photos: Sequence[Photo], context: Context) -> None:
        """See `DepthModel`. What the network saw is kept till `estimate` needs it."""
        if type(self).look_many is NetworkModel.look_many or self._looks_best(context):
            return
        pictures = [self._as_shown(photo, context) for photo in photos]
        for photo, seen in zip(photos, self.look_many(pictures, context), strict=True):
            self._seen[photo] = seen

    @cached_property
    def _seen(self) -> WeakKeyDictionary[Photo, Look]:
        return WeakKeyDictionary()

    def _looks_best(self, context: Context) -> bool:
        return context.quality == "best" and not self.repeats

    def _as_shown(self, photo: Photo, context: Context) -> Shown:
        parts = MOST_PARTS if self._looks_best(context) else 1
        rgb = _shown(photo, self.side * parts)
        known_px = photo.camera.known_focal_px
        return rgb, None if known_px is None else known_px * rgb.shape[1] / photo.camera.width

    def estimate(self, photo: Photo, context: Context | None = None) -> Depth:
        """Depth at the photo's own size; see `DepthModel.estimate`."""
        context = context or Context()
        context.report("depth", 0.0)
        rgb, shown_px = self._as_shown(photo, context)
        shrunk = rgb.shape[1] / photo.camera.width
        look = partial(best_look, self) if self._looks_best(context) else self.look
        seen = self._seen.pop(photo, None) or look(rgb, shown_px, context)
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
