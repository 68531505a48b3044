"""Depth as a coloured picture file, with a legend of its distances."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.engine.depth_write import Export
from depthfx.errors import ParameterError
from depthfx.photo.encode import DEFAULT_QUALITY, WRITTEN, stored_form
from depthfx.photo.photo import Metadata, Photo
from depthfx.raster.colormap import colour_map, limits
from depthfx.raster.legend import with_legend


def colour_export(
    photo: Photo, depth: Depth, path: Path, colours: str, legend: bool, bits: int | None
) -> Export:
    """`depth` of `photo` in `colours` (see `raster.colormap`), as `path` names a picture format.

    bits : 8 or 16; None: 8

    Raises ParameterError if the format does not have them.
    """
    form = WRITTEN[path.suffix.lower()]
    if (bits or 8) not in form.bit_depths:
        raise ParameterError(f"{path}: {bits} bits are not to be had in a picture of {form.name}")
    low, high = limits(depth.surface)
    pixels = colour_map(depth.surface, colours, low, high)
    if legend:
        pixels = with_legend(pixels, colours, low, high, metric=depth.metric)
    height, width = pixels.shape[:2]
    # sRGB, whatever the photo's profile is, and no EXIF: this is no photograph any more.
    metadata = Metadata(dpi=photo.metadata.dpi)
    picture = replace(Photo(pixels, Camera.guess(width, height)), metadata=metadata)
    stored, encode = stored_form(picture, bits or 8), form.encoder()
    meaning = {
        "quantity": "picture of depth in colours, which holds no numbers",
        "unit": "1/m" if depth.metric else "relative",
        "polarity": "near is bright",
        "colours": colours,
        "first_inverse": low,
        "last_inverse": high,
        "bits": bits or 8,
    }
    return Export(path, lambda file: encode(file, stored, DEFAULT_QUALITY), meaning)
