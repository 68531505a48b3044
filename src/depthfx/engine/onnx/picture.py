"""A photo as the input of an ONNX graph wants it, and where in that the photo lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.engine.looks import Rgb
from depthfx.engine.onnx.description import Input
from depthfx.raster.resample import resize_area

DEFAULT_PIXELS = 518 * 518
LONGEST_ASPECT = 3.0
"""Longer pictures than this are shown with the area of such a one."""


@dataclass(frozen=True)
class Frame:
    """The picture shown, (rows, columns), and the photo's place in it, in its pixels."""

    shape: tuple[int, int]
    top: int
    left: int
    rows: int
    columns: int

    def cut(self, array: NDArray[Any]) -> NDArray[Any]:
        """What lies within the photo, of a map of any size of the whole picture."""
        down, across = array.shape[0] / self.shape[0], array.shape[1] / self.shape[1]
        top, left = round(self.top * down), round(self.left * across)
        bottom = max(top + 1, round((self.top + self.rows) * down))
        right = max(left + 1, round((self.left + self.columns) * across))
        return array[top:bottom, left:right]


def show(
    rgb: Rgb, told: Input, fixed: tuple[int, int] | None, kind: type[np.generic]
) -> tuple[NDArray[Any], Frame]:
    """The array for the graph, and the photo's place in it.

    rgb : (H, W, 3) float32, encoded sRGB in 0..1
    fixed : (rows, columns), if they are always the same
    kind : the type that the graph's input has
    """
    height, width = rgb.shape[:2]
    shape = fixed or free_size(height, width, told)
    rows, columns = shape
    if told.fit == "pad":
        scale = min(rows / height, columns / width)
        rows, columns = max(1, int(height * scale)), max(1, int(width * scale))
    frame = Frame(shape, (shape[0] - rows) // 2, (shape[1] - columns) // 2, rows, columns)
    black, white = told.range
    picture = np.empty((*shape, 3), np.float32)
    picture[:] = told.pad
    inner = resize_area(rgb, (rows, columns)) * np.float32(white - black) + np.float32(black)
    picture[frame.top : frame.top + rows, frame.left : frame.left + columns] = inner
    picture -= np.array(told.mean, np.float32)
    picture /= np.array(told.std, np.float32)
    return _laid_out(picture, told, kind), frame


def free_size(height: int, width: int, told: Input) -> tuple[int, int]:
    """(rows, columns) of about the aspect of the photo, multiples of what they must be."""
    aspect = min(max(height / width, width / height), LONGEST_ASPECT)
    pixels = told.short_side**2 * aspect if told.short_side else told.pixels or DEFAULT_PIXELS
    scale = math.sqrt(pixels / (height * width))
    unit = told.multiple_of
    rows, columns = (max(1, round(side * scale / unit)) * unit for side in (height, width))
    return rows, columns


def _laid_out(rgb: Rgb, told: Input, kind: type[np.generic]) -> NDArray[Any]:
    picture = rgb if told.colours == "RGB" else rgb[..., ::-1]
    if told.layout != "NHWC":
        picture = picture.transpose(2, 0, 1)
    if np.issubdtype(kind, np.integer):
        picture = np.rint(picture)
    batch = (None,) * (len(told.layout) - 3)
    return np.ascontiguousarray(picture[batch], kind)
