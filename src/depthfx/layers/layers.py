"""Layers: cards at their depths that, laid over each other, are the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane

Pixels = NDArray[np.float32]

Blend = Literal["encoded", "linear"]
"""In which values programs lay layers over each other: After Effects and Photoshop, unless told
otherwise, in the codes of the picture's profile; Nuke and Blender in linear light."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One card.

    name : what a user sees: "Layer 1" is the farthest
    pixels : (h, w, 3) float32, linear light, sRGB primaries, straight (not premultiplied); known
        also where alpha is 0, so that resampling draws no fringe
    alpha : (h, w) float32 0..1, in steps of 1/255
    inverse : (h, w) float32, inverse depth of its surface, going on where it is painted
    card_inverse : inverse depth of the flat card that stands for it, above 0
    left, top : where its first pixel lies in the photo, px; below zero where it goes on beyond it
    group : layers of one group are one thing; "" for none
    """

    name: str
    pixels: Pixels
    alpha: Plane
    inverse: Plane
    card_inverse: float
    left: int = 0
    top: int = 0
    group: str = ""


@dataclass(frozen=True, eq=False)
class Layers:
    """Farthest first.

    blend : the values in which laying them over each other gives the photo
    icc : the profile in whose codes that is so, if `blend` is "encoded"; b"": sRGB
    notes : what a user should know of the cut, a phrase each
    metric : whether inverse depth is in 1/m
    reach_px : how far things may shift against each other before anything unpainted shows
    bits : of a channel of the photo's file: layers stored with as many lose nothing
    """

    layers: tuple[Layer, ...]
    camera: Camera
    metric: bool
    blend: Blend
    reach_px: float
    icc: bytes = b""
    notes: tuple[str, ...] = ()
    bits: int = 8
