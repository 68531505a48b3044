"""Small pictures of a photo, its depth and its result, for the contact sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth
from depthfx.errors import PhotoError
from depthfx.photo.colour import srgb_space
from depthfx.photo.photo import Photo
from depthfx.raster.colormap import colour_map
from depthfx.raster.resample import resize_area
from depthfx.scene import Scene

LONGEST_PX = 480
"""Sharp in a grid on a dense screen, and still good when it fills a laptop's."""
QUALITY = 72
"""Of the JPEG files: 10 to 25 kB each."""
FOLDER = "pictures"
"""Below the report's folder."""

Pixels = NDArray[np.float32]


def small_pictures(before: Scene, after: Scene, folder: Path, slot: str) -> dict[str, str]:
    """Write small JPEG files of `before` and `after`; their names below `folder`, by kind.

    folder : of the report; it is made if need be, what it lies in is not
    slot : begins the names of all files of this photo

    "depth" is there if the chain has asked for it, "after" if it made a picture.

    Raises PhotoError if they cannot be written.
    """
    folder.mkdir(exist_ok=True)
    (folder / FOLDER).mkdir(exist_ok=True)
    names = {}
    for kind, pixels in _pictures(before, after):
        names[kind] = f"{FOLDER}/{slot}-{kind}.jpg"
        path = folder / names[kind]
        try:
            # Not waited for till the disk has it: a report can do without.
            path.write_bytes(_jpeg(pixels))
        except OSError as error:
            raise PhotoError(f"{path}: cannot be written: {error.strerror or error}") from error
    return names


def _jpeg(pixels: Pixels) -> bytes:
    from imagecodecs import jpeg8_encode

    codes = np.ascontiguousarray(srgb_space().encode(pixels, 8))
    return bytes(jpeg8_encode(codes, QUALITY, subsampling="444"))


def _pictures(before: Scene, after: Scene) -> Iterator[tuple[str, Pixels]]:
    yield "before", small(before.photo)
    depth, _ = before.channels.found
    if depth is not None:
        yield "depth", coloured(depth)
    if not any(product.endings for product in after.products):
        yield "after", small(after.photo)


def small(photo: Photo) -> Pixels:
    """(h, w, 3) float32 linear light, at most `LONGEST_PX` long; what is transparent on grey."""
    shape = _size(photo.shape)
    pixels = resize_area(photo.pixels, shape)
    if photo.alpha is None:
        return np.nan_to_num(pixels)
    alpha = resize_area(photo.alpha, shape)[..., None]
    light = resize_area(photo.pixels * photo.alpha[..., None], shape)
    return np.nan_to_num(light + (1 - alpha) * np.float32(0.2))


def coloured(depth: Depth) -> Pixels:
    """(h, w, 3) float32 linear light: the depth in colours, near is bright."""
    return colour_map(resize_area(depth.surface, _size(depth.shape)), "inferno")


def _size(shape: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, LONGEST_PX / max(shape))
    height, width = (max(1, math.floor(side * scale + 0.5)) for side in shape)
    return height, width
