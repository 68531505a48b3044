"""A photo as sheets: what it shows, and what is painted behind it, each with its own depth.

J. Shade et al., "Layered depth images", SIGGRAPH 1998; M.-L. Shih et al., "3D photography using
context-aware layered depth inpainting", CVPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sheet:
    """One surface a pixel.

    pixels : (H, W, 3) float32, linear light, straight: the surface's own colour
    alpha : (H, W) float32 0..1, its share of the pixel; 0: there is no surface
    inverse : (H, W) float32, its inverse depth
    """

    pixels: Pixels
    alpha: Plane
    inverse: Plane


@dataclass(frozen=True, eq=False)
class Sheets:
    """Sheets of one size, nearest first: laid over each other from the last they are the photo.

    camera : the photo's; pixel (margin_px, margin_px) of a sheet is the photo's first
    margin_px : how far the sheets go on beyond the photo's frame on every side
    """

    sheets: tuple[Sheet, ...]
    camera: Camera
    margin_px: int = 0
