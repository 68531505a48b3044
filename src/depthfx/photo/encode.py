"""A Photo -> what is stored of it, and the formats that can be written.

A new format is a module of `formats` and a row in `WRITTEN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import BinaryIO

import numpy as np

import depthfx
from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import ColourSpace, colour_space, srgb_space, strips
from depthfx.photo.photo import Photo, Pixels
from depthfx.photo.stored import Codes, Stored

DEFAULT_QUALITY = 95


def stored_form(photo: Photo, bit_depth: int) -> Stored:
    """What a file of `bit_depth` bits a channel stores of `photo`, in its own file's profile.

    bit_depth : 8, 10, 12 or 16

    Colours that the profile does not hold are clipped to it. Metadata are made true of the
    upright picture: orientation 1, its size, no thumbnail.
    """
    space, icc = _output_space(photo)
    codes = space.encode(photo.pixels, bit_depth)
    height, width = photo.shape
    metadata = photo.metadata
    exif = exif_block.for_output(
        exif_block.parse(metadata.exif), width, height, f"depthfx {depthfx.__version__}"
    )
    return Stored(
        codes,
        None if photo.alpha is None else _alpha_codes(photo.alpha, bit_depth, codes.dtype),
        bit_depth,
        exif=exif_block.to_bytes(exif),
        icc=icc,
        xmp=_upright_xmp(metadata.xmp),
        xmp_extension=metadata.xmp_extension,
        iptc=metadata.iptc,
        dpi=metadata.dpi,
    )


def over_white(photo: Photo) -> Photo:
    """`photo` without alpha, on white, mixed in linear light."""
    if photo.alpha is None:
        return photo
    pixels = np.empty_like(photo.pixels)
    for rows in strips(pixels):
        share = photo.alpha[rows, :, None]
        pixels[rows] = share * photo.pixels[rows] + (1 - share)
    return replace(photo, pixels=pixels, alpha=None)


def _alpha_codes(alpha: Pixels, bit_depth: int, dtype: np.dtype) -> Codes:
    top = (1 << bit_depth) - 1
    return (np.clip(alpha, 0, 1) * np.float32(top) + np.float32(0.5)).astype(dtype)


def _output_space(photo: Photo) -> tuple[ColourSpace, bytes]:
    """The space to encode in and the profile that names it.

    A grey file stays grey as long as its picture does. Once an effect has given it
    colour, a grey profile cannot describe it any more, and it becomes sRGB.
    """
    metadata = photo.metadata
    exif = exif_block.parse(metadata.exif)
    if metadata.grey and not _is_grey(photo.pixels):
        try:
            return colour_space(metadata.icc, exif, grey=False), metadata.icc
        except PhotoError:
            return srgb_space(), b""
    return colour_space(metadata.icc, exif, metadata.grey), metadata.icc


def _is_grey(pixels: Pixels) -> bool:
    """No pixel differs between channels by a third of an 8-bit code at its darkest."""
    return all(float(np.ptp(pixels[rows], axis=2).max()) <= 1e-4 for rows in strips(pixels))


def _upright_xmp(xmp: bytes) -> bytes:
    """XMP with its copy of the orientation set to 1, at unchanged length."""
    return re.sub(rb"(tiff:Orientation(?:=[\"']|>))[1-8]", rb"\g<1>1", xmp)


Encoder = Callable[[BinaryIO, Stored, int], tuple[str, ...]]
"""Writes what is stored at this quality, 1..100; returns what had to be left out, a line each."""


@dataclass(frozen=True)
class OutputFormat:
    """What a format can hold, and the module of `formats` whose `encode` writes it.

    bit_depths, float_depths : of whole numbers, and of floating point
    """

    name: str
    module: str
    bit_depths: tuple[int, ...]
    float_depths: tuple[int, ...] = ()
    alpha: bool = True

    def encoder(self) -> Encoder:
        encode: Encoder = import_module(f"depthfx.photo.formats.{self.module}").encode
        return encode


WRITTEN = {
    suffix: form
    for form, suffixes in (
        (OutputFormat("JPEG", "jpeg", (8,), alpha=False), (".jpg", ".jpeg", ".jpe")),
        (OutputFormat("PNG", "png", (8, 16)), (".png",)),
        (OutputFormat("TIFF", "tiff", (8, 16)), (".tif", ".tiff")),
        (OutputFormat("WebP", "webp", (8,)), (".webp",)),
    )
    for suffix in suffixes
}
"""By file extension."""
