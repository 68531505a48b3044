"""How blurred a place already is in the photo, against the sharpest parts of the frame.

At an edge the gradient of the picture over that of the picture blurred once more by a known
sigma0 is R = sqrt(sigma^2 + sigma0^2) / sigma, whatever the edge's contrast: the edge's own
blur is sigma = sigma0 / sqrt(R^2 - 1). Only distinct edges are asked, so what is smooth says
nothing, and of those the sharpest ones count, because a soft edge may be a shadow's while a
sharp one is no accident. Grain makes edges look sharper, never more blurred.

S. Zhuo, T. Sim, "Defocus map estimation from a single image", Pattern Recognition 44, 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.optics.focus import middle_of
from depthfx.optics.thin_lens import coc_limit_px
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import encoded, resize_area, resize_nearest

LARGEST_DIAGONAL_PX = 1500.0
"""Of the working size: a circle of confusion is a pixel there, or a little more."""
REBLUR_PX = 1.0
"""sigma0, near the blurs that are to be told apart."""
DISTINCT = 0.02
"""Least gradient of an edge, in the square root of light per pixel."""
NOISE_MULTIPLE = 6.0
"""And in units of the noise, which has gradients of its own."""
FEWEST_EDGES = 60
"""Edge pixels that make a judgement."""
LEVELS = 3
"""Where there are too few, they may be too blurred to be distinct: then at half the size."""
SHARPEST = 0.2
"""Share of the edges that count."""
BLURRED = 5.0
"""From this diameter on, in circles of confusion, a subject is blurred."""
TIMES_THE_SHARPEST = 1.8
"""And from this multiple of what the sharpest parts show."""

GREY = np.array([0.3, 0.6, 0.1], np.float32)
Mask = NDArray[np.bool_]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Softness:
    """The blur of a place in the photo itself.

    blur : diameter of the disc that would blur as much, in circles of confusion, see
        `thin_lens.coc_limit_px`
    sharpest : the same of the frame's sharpest parts
    place : its middle, as shares of width and height
    """

    blur: float
    sharpest: float
    place: tuple[float, float]

    @property
    def is_blurred(self) -> bool:
        return self.blur >= max(BLURRED, TIMES_THE_SHARPEST * self.sharpest)


def softness(pixels: Pixels, there: Mask) -> Softness | None:
    """How blurred the photo is `there`; None if it shows too few distinct edges to say.

    pixels : (H, W, 3) float32, linear light
    there : (h, w) bool, the same frame on any grid
    """
    diagonal = math.hypot(*pixels.shape[:2])
    # Whole blocks of pixels are averaged several times as fast as broken ones.
    block = math.ceil(diagonal / LARGEST_DIAGONAL_PX)
    shape = pixels.shape[0] // block, pixels.shape[1] // block
    if min(shape) == 0:
        return None
    grey = encoded(resize_area(pixels[: shape[0] * block, : shape[1] * block], shape)) @ GREY
    frame = _sharpest(edge_blur(grey))
    if frame is None:
        return None
    # A uniform disc of diameter d has the variance of a Gaussian of sigma d / 4.
    disc = 4 * block / coc_limit_px(diagonal)
    # Its outline belongs to a thing: that of a smooth one may be all there is to see.
    chosen = cv2.dilate(resize_nearest(there.astype(np.uint8), shape), np.ones((5, 5), np.uint8))
    for level in range(LEVELS):
        coarse = shape[0] >> level, shape[1] >> level
        if min(coarse) == 0:
            break
        sigma = edge_blur(resize_area(grey, coarse))
        here = _sharpest(sigma[resize_nearest(chosen, coarse) > 0])
        if here is not None:
            return Softness(here * 2**level * disc, frame * disc, middle_of(there))
    return None


def edge_blur(grey: Array) -> Array:
    """(h, w) float32: the sigma in px by which each distinct edge is blurred, NaN elsewhere."""
    gradient = _gradient(grey)
    reblurred = _gradient(np.asarray(cv2.GaussianBlur(grey, (0, 0), REBLUR_PX), np.float32))
    # A crest of the gradient: off it, the two scales do not show the same place of the edge.
    crest = gradient >= cv2.dilate(gradient, np.ones((3, 3), np.uint8)) * np.float32(0.9)
    edges = crest & (gradient > max(DISTINCT, NOISE_MULTIPLE * _noise(grey)))
    ratio = gradient[edges] / np.maximum(reblurred[edges], np.float32(1e-6))
    sigma = np.full(grey.shape, np.nan, np.float32)
    sigma[edges] = REBLUR_PX / np.sqrt(np.maximum(ratio**2 - 1, np.float32(1e-3)))
    return sigma


def _gradient(grey: Array) -> Array:
    """Magnitude of the central difference, per px."""
    x = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    y = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    return np.asarray(cv2.magnitude(x, y), np.float32)


def _noise(grey: Array) -> float:
    """Standard deviation of the noise: the median of a mask that knows no edges.

    J. Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996, with a median for the
    mean, because texture is no noise.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.median(np.abs(cv2.filter2D(grey, -1, mask)))) / (6 * 0.6745)


def _sharpest(sigma: Array) -> float | None:
    known = sigma[np.isfinite(sigma)]
    return float(np.quantile(known, SHARPEST)) if known.size >= FEWEST_EDGES else None
