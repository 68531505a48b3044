"""The depth model that comes with the program: no download, no torch.

One small network gives inverse depth, the subject's matte and the field of view; depth and
matte are refined to the photo's size. Two files of weights of it come along: one learnt from
all data at hand, the other only from data that allow commercial use.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from depthfx.camera import FocalOrigin
from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.catalogue import entries
from depthfx.engine.device import torch_device
from depthfx.engine.embedded.runtime import Network, Prediction
from depthfx.engine.model import ModelInfo
from depthfx.engine.refine import refine
from depthfx.errors import ModelError
from depthfx.matting.refine import refine_matte
from depthfx.photo.photo import Photo

HERE = Path(__file__).parent
WEIGHTS, CLEAN_WEIGHTS = HERE / "embedded.onnx", HERE / "embedded-clean.onnx"
FARTHEST_M = 1000.0
"""Inverse depth below that of this distance counts as infinitely far."""
METRES_ERROR = 0.4
"""Share by which all metres of a photo are off together, two times in three not more: between
the rooms and people (16 and 19 %) and the hospital (71 %) of the evaluation photos, focal length
told; streets are farther off."""


class EmbeddedModel:
    """Runs the network once per photo and keeps its answer while the photo lives."""

    info: ClassVar[ModelInfo] = entries()["embedded"].info
    shipped: ClassVar[Path] = WEIGHTS

    def __init__(self, context: Context) -> None:
        asked = context.model == self.info.name
        if asked and context.device not in ("auto", "cpu"):
            # It runs on the CPU all the same: the device is for effects. Is there one?
            torch_device(context.device)
        self.weights = context.weights if asked and context.weights else self.shipped
        self._predictions: WeakKeyDictionary[Photo, dict[str, Prediction]] = WeakKeyDictionary()
        self._mattes: WeakKeyDictionary[Photo, dict[str, Plane]] = WeakKeyDictionary()

    @cached_property
    def network(self) -> Network:
        return Network(self.weights)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the weights in use."""
        try:
            return hashlib.sha256(self.weights.read_bytes()).hexdigest()
        except OSError as error:
            raise ModelError(f"weights {self.weights} cannot be read: {error.strerror}") from None

    def predict(self, photo: Photo, context: Context) -> Prediction:
        """The network's own small answer."""
        known = self._predictions.setdefault(photo, {})
        if context.quality not in known:
            context.report("depth", 0.0)
            known[context.quality] = self.network.predict(photo.pixels, context.quality)
            context.report("depth", 0.5)
        return known[context.quality]

    def estimate(self, photo: Photo, context: Context | None = None) -> Depth:
        """Metric depth at the photo's own size; see `DepthModel.estimate`.

        Where nobody knows the photo's focal length, it is the one that the network sees.
        """
        context = context or Context()
        small = self.predict(photo, context)
        width, seen_px, focal_error = photo.camera.width, None, None
        if photo.camera.known_focal_px is None and small.focal_share is not None:
            seen_px, focal_error = small.with_guess(photo.camera.focal_px / width)
            seen_px *= width
        # Canonical inverse depth times width over focal length is 1/m (Depth Pro, eq. 1).
        inverse = small.inverse * np.float32(width / (seen_px or photo.camera.focal_px))
        by_file = photo.camera.origin in (FocalOrigin.EXIF, FocalOrigin.INTRINSICS)
        if by_file and small.focal_share is not None:
            # Of no use for the depth, but whoever looks it over may compare the two.
            seen_px, focal_error = small.focal_share * width, small.own_error
        inverse = np.where(inverse < 1 / FARTHEST_M, 0, inverse).astype(np.float32)
        # The matte knows the outline better than the depth does.
        fine = refine(photo.pixels, inverse, self.matte(photo, context))
        context.report("depth", 1.0)
        return Depth(
            fine.inverse,
            True,
            f"{self.info.name} network, metres are approximate",
            fine.behind,
            fine.coverage,
            focal_px=seen_px,
            focal_error=focal_error,
            model_error=METRES_ERROR,
            stamp=self.stamp,
        )

    @property
    def stamp(self) -> dict[str, str]:
        """What every output made with this network says of it."""
        return {
            "model": self.info.name,
            "weights_sha256": self.checksum,
            "licence": self.info.licence,
        }

    def matte(self, photo: Photo, context: Context | None = None) -> Plane:
        """(H, W) float32: the subject's cover of each pixel, refined along the picture's edges."""
        context = context or Context()
        known = self._mattes.setdefault(photo, {})
        if context.quality not in known:
            small = self.predict(photo, context).matte
            known[context.quality] = refine_matte(photo.pixels, small)
            context.report("matte", 1.0)
        return known[context.quality]


class CleanEmbeddedModel(EmbeddedModel):
    """The same network, its weights trained only on data that allow commercial use.

    Takes the place of the other where `Context.commercial_only` is set.
    """

    info = entries()["embedded-clean"].info
    shipped = CLEAN_WEIGHTS

    def __init__(self, context: Context) -> None:
        if context.model == self.info.name and context.weights:
            raise ModelError(
                f"{self.info.name} stands for one file whose sources are known; "
                "other weights go with --model embedded --weights FILE"
            )
        super().__init__(context)
