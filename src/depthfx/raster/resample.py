"""Sizes of pictures, and getting from one to another.

Pixel centres lie at +0.5 (a pixel is a square, not a point), so a picture and its
half-size version cover the same frame: position x in one is x * scale in the other.
OpenCV's area and linear interpolation both keep to that.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def fit_within(shape: tuple[int, int], pixels: float) -> tuple[int, int]:
    """(height, width) of the same aspect with about `pixels` pixels at most; never larger."""
    height, width = shape
    scale = min(1.0, math.sqrt(pixels / (height * width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_area(array: NDArray, shape: tuple[int, int]) -> Array:
    """`array` (H, W) or (H, W, C) shrunk to `shape`, each new pixel the mean of what it covers.

    A side that grows is interpolated linearly instead.
    """
    # One after the other: where a side grows, OpenCV's own area mode is not even symmetric.
    smaller = (min(shape[0], array.shape[0]), min(shape[1], array.shape[1]))
    return _resize(_resize(array, smaller, cv2.INTER_AREA), shape, cv2.INTER_LINEAR)


def resize_linear(array: NDArray, shape: tuple[int, int]) -> Array:
    """`array` (H, W) or (H, W, C) at `shape`, interpolated linearly; made for growing."""
    return _resize(array, shape, cv2.INTER_LINEAR)


def resize_part(array: NDArray, shape: tuple[int, int], place: tuple[slice, slice]) -> Array:
    """The rows and columns `place` of what `resize_linear` makes of `array` at `shape`."""
    rows, columns = place
    (h, w), (height, width) = array.shape[:2], shape
    down, across = h / height, w / width
    # OpenCV counts from the middle of the first pixel.
    there = np.array(
        [
            [across, 0, across * (columns.start + 0.5) - 0.5],
            [0, down, down * (rows.start + 0.5) - 0.5],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            np.asarray(array, np.float32),
            there,
            (columns.stop - columns.start, rows.stop - rows.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def resize_nearest(array: NDArray, shape: tuple[int, int]) -> Array:
    """`array` at `shape`, each new pixel that one of the old it lies in."""
    return _resize(array, shape, cv2.INTER_NEAREST_EXACT)


def _resize(array: NDArray, shape: tuple[int, int], interpolation: int) -> Array:
    height, width = shape
    if array.shape[:2] == (height, width):
        return np.asarray(array, np.float32)
    return np.asarray(cv2.resize(array, (width, height), interpolation=interpolation), np.float32)


def encoded(pixels: Array) -> Array:
    """Linear light as values in which equal steps look about equal: its square root.

    For comparing colours, not for files: within 0.04 of the sRGB curve, without its
    bend, cheap, and defined above 1 as well. Negative light counts as none.
    """
    return np.sqrt(np.maximum(pixels, 0))
