"""The subject as the user tells it: by a mask file, or by a place in the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import DepthfxError, PhotoError
from depthfx.matting.refine import refine_matte
from depthfx.raster.resample import fit_within, resize_area, resize_nearest

Pixels = NDArray[np.float32]

ASPECT_TOLERANCE = 0.02
WORKING_PIXELS = 200_000
SEEN, FAINT = 0.5, 0.05
"""What covers half a pixel is there; what covers less than a twentieth is not."""
SAME_DEPTH = 0.12
"""Share of its inverse depth by which a thing's parts may lie nearer or farther."""


def read_grey(path: Path, error: type[DepthfxError]) -> Plane:
    """A mask file, (H, W) float32 0..1: a grey picture of 8 or 16 bit; alpha is ignored.

    Raises `error` if it cannot be read or is coloured.
    """
    pixels = _read(path, error)
    if pixels.ndim == 3:
        colours = pixels[..., :3]
        if pixels.shape[2] >= 3 and (colours != colours[..., :1]).any():
            raise error(f"{path} is a colour picture: a mask is grey, white where it counts")
        pixels = pixels[..., 0]
    return _shares(pixels)


def matte_of_file(path: Path, pixels: Pixels) -> Plane:
    """The subject's matte (H, W) float32 0..1 for a photo's `pixels` (H, W, 3), linear light.

    A cut-out's alpha channel, if it is not opaque all over; else a grey picture, white where the
    subject is. One of the photo's own size is taken as it is, a smaller one refined along the
    picture's edges. Raises PhotoError if it cannot be read or has another shape than the photo.
    """
    coded = _read(path, PhotoError)
    alpha = _shares(coded[..., 3]) if coded.ndim == 3 and coded.shape[2] == 4 else None
    cut_out = alpha is not None and bool(alpha.min() < 1)
    matte = alpha if alpha is not None and cut_out else read_grey(path, PhotoError)
    (rows, columns), (height, width) = matte.shape, pixels.shape[:2]
    if abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise PhotoError(
            f"{path} is {columns} x {rows}, which is another shape than the photo's "
            f"{width} x {height}; make the mask for the whole photo"
        )
    return fitted_matte(matte, pixels)


def fitted_matte(matte: Plane, pixels: Pixels) -> Plane:
    """`matte` (h, w) of the frame of `pixels` (H, W, 3) at their size: a smaller one is refined
    along the picture's edges."""
    (rows, columns), (height, width) = matte.shape, pixels.shape[:2]
    if rows * columns >= height * width:
        return resize_area(matte, (height, width))
    return refine_matte(pixels, matte)


def matte_at(pixels: Pixels, inverse: Plane, matte: Plane, place: tuple[float, float]) -> Plane:
    """The matte (H, W) float32 0..1 of the thing at a place, given as shares of width and height.

    inverse : (H, W) float32, inverse depth; matte : (H, W) float32 0..1 of all subjects known

    A known subject at the place is taken alone, with all that hangs together with it. Otherwise
    it is what hangs together with the place at about its depth, refined along the picture's edges.
    """
    height, width = matte.shape
    x, y = min(int(place[0] * width), width - 1), min(int(place[1] * height), height - 1)
    if matte[y, x] > SEEN:
        there = _connected(matte > FAINT, x, y)
        return np.where(there, matte, np.float32(0))
    shape = fit_within(matte.shape, WORKING_PIXELS)
    x, y = min(int(place[0] * shape[1]), shape[1] - 1), min(int(place[1] * shape[0]), shape[0] - 1)
    small = resize_nearest(inverse, shape)
    near = np.abs(small - small[y, x]) <= SAME_DEPTH * small[y, x]
    thing = _connected(near, x, y).astype(np.float32)
    half = max(1, shape[0] // 2), max(1, shape[1] // 2)
    return refine_matte(pixels, resize_area(thing, half))


def _connected(mask: NDArray[np.bool_], x: int, y: int) -> NDArray[np.bool_]:
    """The part of a mask that hangs together with a place in it."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return np.asarray(labels == labels[y, x]) & mask


def _shares(codes: NDArray[np.generic]) -> Plane:
    return codes.astype(np.float32) / np.float32(256**codes.dtype.itemsize - 1)


def _read(path: Path, error: type[DepthfxError]) -> NDArray[np.generic]:
    if not path.is_file():
        raise error(f"{path} is not there, or not a file")
    coded = np.fromfile(path, np.uint8)
    try:
        pixels = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED) if coded.size else None
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype.kind != "u":
        raise error(f"{path} cannot be read as a mask: expected a grey picture, 8 or 16 bit")
    return np.asarray(pixels)
