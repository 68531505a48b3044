"""Where a scene's depth and matte come from, in the order of trust.

Depth: the user's file (`fit`), then the model asked for. Matte: the embedded network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.engine.model import DepthModel
from depthfx.engine.refine import refine
from depthfx.errors import DepthError
from depthfx.photo.photo import Photo
from depthfx.registry import model_class

ASPECT_TOLERANCE = 0.02
NEAREST_M = 0.001
"""No photo shows mostly things nearer than this: a unit was mistaken."""


def model(name: str = "embedded", context: Context | None = None) -> DepthModel:
    """The depth model called `name`, loaded once per context.

    Raises ModelError if there is none of that name or its weights do not load.
    """
    context = context or Context()
    key = (__name__, name, context.weights, context.device)
    if key not in context.cache:
        context.cache[key] = model_class(name)(context)
    found: DepthModel = context.cache[key]
    return found


def find_depth(photo: Photo, context: Context) -> Depth:
    """Depth of `photo` by the context's model."""
    return model(context.model, context).estimate(photo, context)


def find_matte(photo: Photo, context: Context) -> Plane:
    """The subject's matte (H, W) float32 by the embedded network."""
    found = model("embedded", context)
    assert isinstance(found, EmbeddedModel)
    return found.matte(photo, context)


def fit(depth: Depth, photo: Photo, path: Path) -> Depth:
    """`depth`, read from `path`, brought to the photo's size along its edges.

    Raises DepthError if it has another shape than the photo.
    """
    if depth.metric and float(np.median(depth.inverse)) > 1 / NEAREST_M:
        raise DepthError(
            f"{path}: most of it is nearer than {NEAREST_M * 1000:g} mm; is its unit right? "
            "--depth-unit says what it is"
        )
    (height, width), (rows, columns) = photo.shape, depth.shape
    if abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise DepthError(
            f"{path} is {columns} x {rows}, which is another shape than the photo's "
            f"{width} x {height}; crop it as the photo was cropped"
        )
    if depth.shape == photo.shape:
        return depth
    fine = refine(photo.pixels, depth.inverse)
    return Depth(fine.inverse, depth.metric, depth.origin, fine.behind, fine.coverage)
