"""A picture as the opening of a lens: a heart, a star, a disc cut out of another photo.

White is open, black is closed. The nominal circle is the one inscribed in the picture,
or, if its sides differ, in the square around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError, PhotoError, ShapeError
from depthfx.photo.read import read_photo
from depthfx.raster.resample import resize_area, resize_nearest

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

SIDE_PX = 256
"""Every picture is brought to this size: discs are drawn in as many cells, more is not seen."""

LIT = 1 / 256
"""Share of the brightest light under which a place counts as closed: noise, compression."""

GREY_SHARE = 0.01
"""Of the grey picture, added to each colour, so that none consists of noise alone."""


@dataclass(frozen=True, eq=False)
class OpeningPicture:
    """What an opening lets through; make one with `opening_picture` or `read_opening`.

    light : (SIDE_PX, SIDE_PX), with or without 3 colours, float32, >= 0
    radius : of the smallest circle about the middle that holds all light, in nominal radii:
        at most sqrt(2), for light in the corners
    """

    light: Array
    radius: float

    def seen_at(self, x: Floats, y: Floats, turned_rad: float) -> Array:
        """The picture, turned clockwise, at places in nominal radii from its middle.

        Returns the shape of `x` and `y`, or that and 3 colours; black outside the picture.
        """
        cos, sin = math.cos(turned_rad), math.sin(turned_rad)
        column = ((cos * x + sin * y + 1) * SIDE_PX - 1) / 2
        row = ((cos * y - sin * x + 1) * SIDE_PX - 1) / 2
        return np.asarray(
            cv2.remap(
                self.light,
                column.astype(np.float32),
                row.astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
            )
        )


def opening_picture(light: NDArray[np.float32]) -> OpeningPicture:
    """An opening from linear light.

    light : (h, w) or (h, w, 3) float32, >= 0, upright as the discs behind the focus show it

    A kernel's channels are made to sum to 1 each, so white light stays white on the whole;
    colours show where channels differ from place to place. A colour that is missing
    everywhere follows the others.

    Raises ShapeError for another shape, ParameterError if a value is not finite or no light
    comes through.
    """
    light = np.asarray(light, np.float32)
    if not (light.ndim == 2 or (light.ndim == 3 and light.shape[2] == 3)) or not light.size:
        raise ShapeError(f"the opening must be (h, w) or (h, w, 3), got {light.shape}")
    if not np.isfinite(light).all():
        raise ParameterError("the opening's picture has values that are not finite")
    brightest = light.max()
    if brightest <= 0:
        raise ParameterError("the opening's picture is black; white is open, black is closed")
    square = _square(np.maximum(light / brightest, 0))
    grey = square if square.ndim == 2 else square.mean(axis=2)
    lit = grey > LIT * grey.max()
    if square.ndim == 3:
        square = square + GREY_SHARE * grey[..., None]
    # The outer corner of the farthest cell.
    away = (np.abs(np.arange(SIDE_PX) - (SIDE_PX - 1) / 2) + 0.5) * 2 / SIDE_PX
    y, x = np.nonzero(lit)
    return OpeningPicture(square, math.sqrt(float((away[y] ** 2 + away[x] ** 2).max())))


def read_opening(path: Path | str) -> OpeningPicture:
    """An opening from a picture file: 8 or 16 bits, grey or colour; where transparent, closed.

    Raises PhotoError, one line that names the file, if it cannot be read or is black.
    """
    photo = read_photo(path)
    light = photo.pixels
    if photo.alpha is not None:
        light = light * photo.alpha[..., None]
    colourless = np.ptp(light, axis=2).max() <= LIT * light.max()
    try:
        return opening_picture(light[..., 1] if colourless else light)
    except ParameterError as error:
        raise PhotoError(f"{path}: cannot be an opening: {error}") from error


def _square(light: Array) -> Array:
    """With black at two sides, and `SIDE_PX` wide and high; enlarged pixels stay squares."""
    scale = SIDE_PX / max(light.shape[:2])
    height, width = (max(1, round(side * scale)) for side in light.shape[:2])
    light = (resize_area if scale < 1 else resize_nearest)(light, (height, width))
    top, left = (SIDE_PX - height) // 2, (SIDE_PX - width) // 2
    bottom, right = SIDE_PX - height - top, SIDE_PX - width - left
    return np.asarray(
        cv2.copyMakeBorder(light, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
    )
