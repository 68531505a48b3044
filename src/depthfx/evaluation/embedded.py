"""The embedded network with refinement, as the commands use it, behind the scorers' signatures."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.depth import Plane
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.photo.colour import srgb_to_linear
from depthfx.photo.photo import Photo


@cache
def _model() -> EmbeddedModel:
    return EmbeddedModel(Context())


def photo_of(rgb: NDArray[Any]) -> Photo:
    """An sRGB photo (H, W, 3), uint8 or float 0..1, of whose camera nothing is known."""
    encoded = rgb.astype(np.float32) / 255 if rgb.dtype == np.uint8 else rgb.astype(np.float32)
    height, width = rgb.shape[:2]
    return Photo(srgb_to_linear(encoded), Camera.guess(width, height))


def depth(rgb: NDArray[Any]) -> Plane:
    """Inverse depth (H, W) float32 of an sRGB photo (H, W, 3), uint8 or float 0..1."""
    return _model().estimate(photo_of(rgb)).surface


def matte(rgb: NDArray[Any]) -> Plane:
    """Subject matte (H, W) float32 0..1 of an sRGB photo (H, W, 3), uint8 or float 0..1."""
    return _model().matte(photo_of(rgb))
