"""The depth model that comes with the program: no download, no torch.

One small network gives inverse depth and the subject's matte; both are refined to
the photo's size. It was trained on rooms and people, so its metres are a rough
guess outside of rooms.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.embedded.runtime import Network, Prediction
from depthfx.engine.model import ModelInfo
from depthfx.engine.refine import refine
from depthfx.errors import ModelError
from depthfx.matting.refine import refine_matte
from depthfx.photo.photo import Photo

WEIGHTS = Path(__file__).with_name("embedded.onnx")
FARTHEST_M = 1000.0
"""Inverse depth below that of this distance counts as infinitely far."""
METRES_ERROR = 0.4
"""Share by which all metres of a photo are off together in rooms, two times in three not more
(60 rooms of the evaluation photos, focal length told); farther off in streets."""


class EmbeddedModel:
    """Runs the network once per photo and keeps its answer while the photo lives."""

    info: ClassVar[ModelInfo] = ModelInfo(
        name="embedded",
        summary="small and quick, needs no download; rooms, people, pets",
        size_mb=9.6,
        licence="Apache-2.0 code; weights trained on research data, see the model card",
        commercial=False,
        metric=True,
        source="inside the package",
        checksum="c4865352bfcb71f0f068d8c320878002c6bab882c5f6680592679cf19e52ee72",
    )

    def __init__(self, context: Context) -> None:
        if context.model == self.info.name and context.device not in ("auto", "cpu"):
            raise ModelError(
                f"the embedded network runs on the CPU only; leave out --device {context.device}"
            )
        self.weights = (
            context.weights if context.model == "embedded" and context.weights else WEIGHTS
        )
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
        """Metric depth at the photo's own size; see `DepthModel.estimate`."""
        context = context or Context()
        small = self.predict(photo, context)
        # Canonical inverse depth times width over focal length is 1/m (Depth Pro, eq. 1).
        scale = np.float32(photo.camera.width / photo.camera.focal_px)
        inverse = small.inverse * scale
        inverse = np.where(inverse < 1 / FARTHEST_M, 0, inverse).astype(np.float32)
        # The matte knows the outline better than the depth does.
        fine = refine(photo.pixels, inverse, self.matte(photo, context))
        context.report("depth", 1.0)
        return Depth(
            fine.inverse,
            True,
            "embedded network, metres are approximate",
            fine.behind,
            fine.coverage,
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
