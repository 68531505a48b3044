"""Masks as other programs read them: white is chosen.

    .png .tif .tiff   16 bit grey without a profile: shares of a pixel, no colour
    .pfm              32 bit float, one channel, rows from below, little-endian
    .exr              32 bit float, channel Y

As alpha, the photo itself is written, 16 bit, the mask its straight alpha channel; colours stay
what they were even where nothing of them is seen.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from depthfx.depth import Plane
from depthfx.engine.depth_write import as_codes, write_exr, write_pfm, write_png, write_tiff
from depthfx.photo.photo import Photo
from depthfx.photo.read import turned
from depthfx.photo.whole import written_whole

GREY = (".png", ".tif", ".tiff", ".pfm", ".exr")
ALPHA = (".png", ".tif", ".tiff")
"""Endings of files that hold a mask, or a photo with one."""
BITS = 16


def as_stored(share: Plane, orientation: int) -> Plane:
    """`share` (H, W) of an upright photo as a file of this EXIF orientation, 1..8, holds it."""
    back = {6: 8, 8: 6}.get(orientation, orientation)  # the others undo themselves
    return np.ascontiguousarray(turned(share, back))


def write_grey(share: Plane, path: Path) -> None:
    """`share` (H, W) float32 0..1 alone, replacing what is there, whole or not at all.

    Raises PhotoError if the file cannot be written.
    """
    suffix = path.suffix.lower()
    with written_whole(path, overwrite=True) as file:
        if suffix == ".pfm":
            write_pfm(share, file)
        elif suffix == ".exr":
            write_exr({"Y": share}, file)
        elif suffix == ".png":
            write_png(as_codes(share, BITS), file)
        else:
            write_tiff(as_codes(share, BITS), file)


def with_alpha(photo: Photo, share: Plane) -> Photo:
    """`photo`, of which `share` (H, W) float32 0..1 is seen, to be written with as many bits."""
    alpha = share if photo.alpha is None else share * photo.alpha
    depth = max(BITS, photo.metadata.bit_depth)
    return replace(photo, alpha=alpha, metadata=replace(photo.metadata, bit_depth=depth))
