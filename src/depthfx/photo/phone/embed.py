"""A photo written with its depth inside, as phones store it, for other programs to open."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from depthfx.depth import Depth, Plane
from depthfx.errors import PhotoError
from depthfx.photo.encode import DEFAULT_QUALITY, over_white, stored_form
from depthfx.photo.photo import Photo
from depthfx.photo.read import turned
from depthfx.photo.whole import check_target, written_whole
from depthfx.raster.resample import fit_within

JPEG, HEIC = (".jpg", ".jpeg", ".jpe"), (".heic", ".heif")
MAP_PIXELS = 800_000
"""Of the depth map: what is read of depth is refined along the photo's edges from there."""
TURNED_BACK = {6: 8, 8: 6}
"""The orientations that are not their own inverse."""


def check_embedding(path: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Raise PhotoError if a photo with its depth could not be written to `path`."""
    if path.suffix.lower() not in JPEG + HEIC:
        raise PhotoError(
            f"{path}: depth goes inside {', '.join(JPEG + HEIC)} only; "
            "leave out --embed for a file of depth alone"
        )
    check_target(path, overwrite=overwrite, source=source)


def write_with_depth(
    photo: Photo, depth: Depth, path: Path, *, overwrite: bool = False, quality: int | None = None
) -> tuple[str, ...]:
    """Write `photo` with its `depth` inside: GDepth in a JPEG, an auxiliary picture in a HEIC.

    photo : as it was read; what its file shows is what is written
    depth : of the photo's size; the map in the file has at most `MAP_PIXELS`
    quality : 1..100, where the picture has to be encoded; 95 if not given

    From a JPEG to a JPEG the picture is not encoded anew: its data and metadata stay byte for
    byte, and the depth is turned as the picture is stored. Returns what had to be left out, a
    line each. Raises PhotoError if `path` cannot be written or the depth put into it.
    """
    check_embedding(path, overwrite=overwrite, source=photo.path)
    small = depth.resized(fit_within(depth.shape, min(MAP_PIXELS, depth.inverse.size)))
    with written_whole(path, overwrite=overwrite, source=photo.path) as file:
        try:
            if path.suffix.lower() in HEIC:
                return _heic_with_depth(file, photo, small, quality)
            data, left_out = _jpeg_with_depth(photo, small.surface, depth.metric, quality)
            file.write(data)
            return left_out
        except PhotoError as error:
            raise PhotoError(f"{path}: {error}") from error


def _heic_with_depth(
    file: BinaryIO, photo: Photo, depth: Depth, quality: int | None
) -> tuple[str, ...]:
    try:
        from depthfx.photo.phone.heif_depth import heif_with_depth
    except ImportError as error:
        raise PhotoError(
            "depth cannot be put into a HEIC: libheif writes no auxiliary pictures; use .jpg"
        ) from error
    bits = min(max(photo.metadata.bit_depth, 8), 10)
    stored = stored_form(photo, 8 if bits == 8 else 10)
    quality = DEFAULT_QUALITY if quality is None else quality
    return heif_with_depth(
        file, stored, inverse=depth.surface, metric=depth.metric, quality=quality
    )


def _jpeg_with_depth(
    photo: Photo, inverse: Plane, metric: bool, quality: int | None
) -> tuple[bytes, tuple[str, ...]]:
    from depthfx.photo.formats import jpeg
    from depthfx.photo.phone.gdepth_embed import with_gdepth

    metadata = photo.metadata
    if photo.path is not None and metadata.format == "JPEG":
        orientation = TURNED_BACK.get(metadata.orientation, metadata.orientation)
        inverse = np.ascontiguousarray(turned(inverse, orientation))
        data = photo.path.read_bytes()
        return with_gdepth(data, metadata.xmp, metadata.xmp_extension, inverse, metric=metric), ()
    file = io.BytesIO()
    stored = stored_form(over_white(photo), 8)
    left_out = jpeg.encode(file, stored, DEFAULT_QUALITY if quality is None else quality)
    data = with_gdepth(file.getvalue(), stored.xmp, b"", inverse, metric=metric)
    return data, left_out
