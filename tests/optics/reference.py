"""Brute force: what a thin lens sees of textured planes that face it.

The mean over points of the lens of the pinhole pictures seen from there, each focused by
shifting. No blur kernel, no layer cover, no completion: an oracle for the renderer.
"""

from dataclasses import dataclass

import cv2
import numpy as np

MARGIN = 40
"""The planes reach this many px past the frame, so that its border is known as well."""


@dataclass(frozen=True)
class TexturedPlane:
    """colour (H + 2 MARGIN, W + 2 MARGIN, 3), matte (the same, 1 channel), blur radius px."""

    colour: np.ndarray
    matte: np.ndarray
    radius_px: float


def lens_points(count):
    """Evenly spread points of the unit disc (Vogel's spiral)."""
    i = np.arange(count)
    return np.sqrt((i + 0.5) / count)[:, None] * np.stack(
        [np.cos(2.399963 * i), np.sin(2.399963 * i)], 1
    )


def pinhole(planes, u=(0.0, 0.0)):
    """The picture from lens point `u` (unit disc), planes given from far to near."""
    picture = None
    for plane in planes:
        # A point behind the focus (radius < 0) moves with the lens point, one in front against.
        shift = np.float32([[1, 0, -plane.radius_px * u[0]], [0, 1, -plane.radius_px * u[1]]])
        size = plane.matte.shape[::-1]
        colour = cv2.warpAffine(plane.colour, shift, size)
        matte = cv2.warpAffine(plane.matte, shift, size)[..., None]
        picture = colour if picture is None else picture * (1 - matte) + colour * matte
    return picture[MARGIN:-MARGIN, MARGIN:-MARGIN]


def through_lens(planes, count=400):
    return sum(pinhole(planes, u) for u in lens_points(count)) / count


def radius_map(planes):
    """The blur radius that depth at the pixel centres gives: of the front plane there."""
    radius = np.full(planes[0].matte.shape, planes[0].radius_px, np.float32)
    for plane in planes[1:]:
        radius[plane.matte > 0.5] = plane.radius_px
    return radius[MARGIN:-MARGIN, MARGIN:-MARGIN]
