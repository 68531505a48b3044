"""Quilts: the views of a light-field display as tiles of one picture.

The first tile, at the bottom left, is what is seen from farthest to the left; they go on to the
right, and then row by row upwards. A tile is of the display's own aspect, but is stored with
whatever pixels divide the quilt; its true aspect is told by the file's name.

Looking Glass Factory's documentation ("Quilts", and the displays' own settings).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.raster.resample import resize_area

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Display:
    """A light-field display, and the quilt it is given.

    columns, rows : tiles side by side and one above the other
    tile_width, tile_height : of one tile in px
    aspect : width over height of the display
    """

    columns: int
    rows: int
    tile_width: int
    tile_height: int
    aspect: float

    @property
    def views(self) -> int:
        return self.columns * self.rows

    def part_of(self, shape: tuple[int, int], centre: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of the largest part of a picture that has the display's aspect."""
        height, width = shape
        wide = min(width, round(height * self.aspect))
        tall = min(height, round(width / self.aspect))
        left = min(max(round(centre[0] * width - wide / 2), 0), width - wide)
        top = min(max(round(centre[1] * height - tall / 2), 0), height - tall)
        return slice(top, top + tall), slice(left, left + wide)

    def pixels_of(self, shape: tuple[int, int]) -> float:
        """How many pixels a picture needs of which a part fills a tile, pixel for pixel."""
        rows, columns = self.part_of(shape, (0.5, 0.5))
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        scale = max(self.tile_height / tall, self.tile_width / wide)
        return shape[0] * shape[1] * scale**2

    @property
    def ending(self) -> str:
        """What the name of a quilt's file ends in, before its suffix: software reads it."""
        return f"_qs{self.columns}x{self.rows}a{self.aspect:.6g}"


DISPLAYS = {
    "portrait": Display(8, 6, 420, 560, 3 / 4),
    "go": Display(11, 6, 372, 682, 9 / 16),
    "16-portrait": Display(11, 6, 545, 1000, 9 / 16),
    "16-landscape": Display(7, 7, 857, 857, 16 / 9),
    "32-portrait": Display(11, 6, 744, 1364, 9 / 16),
    "32-landscape": Display(7, 7, 1170, 1170, 16 / 9),
    "16": Display(5, 9, 819, 455, 16 / 9),
    "32": Display(5, 9, 1638, 910, 16 / 9),
    "65": Display(8, 9, 1024, 910, 16 / 9),
}
"""Looking Glass displays, with the maker's own settings; "16" and "32" are those of 2021, of whose
4096 and 8192 px a few are left out that five columns and nine rows do not divide."""


def display_named(name: str) -> Display:
    """Raises ParameterError if there is none of this name."""
    if name not in DISPLAYS:
        raise ParameterError(f"there is no display {name!r}; there are: {', '.join(DISPLAYS)}")
    return DISPLAYS[name]


def quilt(
    views: Iterable[Pixels], display: Display, centre: tuple[float, float] = (0.5, 0.5)
) -> Pixels:
    """The quilt of `display.views` pictures (H, W, 3) float32, from left to right.

    centre : of what is shown of each, as shares of its width and height, as far as the part of the
        display's aspect does not leave it

    A picture is put into its tile as it comes, and is not kept.
    """
    tall, wide = display.tile_height, display.tile_width
    sheet = np.empty((display.rows * tall, display.columns * wide, 3), np.float32)
    for n, view in zip(range(display.views), views, strict=True):
        row, column = divmod(n, display.columns)
        top, left = (display.rows - 1 - row) * tall, column * wide
        part = view[display.part_of(view.shape[:2], centre)]
        sheet[top : top + tall, left : left + wide] = resize_area(part, (tall, wide))
    return sheet
