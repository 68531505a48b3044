"""Both eyes' pictures in one."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ShapeError
from depthfx.raster.resample import resize_area

Pixels = NDArray[np.float32]
Kind = Literal["side-by-side", "top-bottom"]


def arranged(
    kind: Kind, left: Pixels, right: Pixels, *, half: bool = False, crossed: bool = False
) -> Pixels:
    """Both pictures in one; left, or on top, is the left eye's.

    left, right : (H, W, 3) float32, linear light
    half : each squeezed to half its width, or height, as television sets ask for: the whole is as
        large as one picture
    crossed : the right eye's comes first, for looking with crossed eyes

    Raises ShapeError if the pictures are not of one size.
    """
    if left.shape != right.shape:
        raise ShapeError(f"the left picture is {left.shape}, the right one {right.shape}")
    axis = {"side-by-side": 1, "top-bottom": 0}[kind]
    pair = [right, left] if crossed else [left, right]
    if half:
        pair = [
            resize_area(eye, shape) for eye, shape in zip(pair, _halves(left, axis), strict=True)
        ]
    return np.concatenate(pair, axis=axis)


def _halves(picture: Pixels, axis: int) -> list[tuple[int, int]]:
    """Shapes of two pictures that fill `picture` side by side along `axis`."""
    length = picture.shape[axis]
    lengths = (length - length // 2, length // 2)
    height, width = picture.shape[:2]
    return [(n, width) if axis == 0 else (height, n) for n in lengths]
