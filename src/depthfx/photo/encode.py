"""A Photo -> what is stored of it, and the formats that can be written.

A new format is a module of `formats` and a row in `WRITTEN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import BinaryIO

import numpy as np

import depthfx
from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo import regions
from depthfx.photo.colour import (
    ColourSpace,
    colour_space,
    names_adobe_rgb,
    profile_space,
    srgb_space,
    strips,
)
from depthfx.photo.dither import dithered
from depthfx.photo.photo import Photo, Pixels
from depthfx.photo.profiles import linear_srgb, named_profile
from depthfx.photo.stored import Codes, Stored
from depthfx.photo.xmp import joined, upright, without_payloads

DEFAULT_QUALITY = 95


def stored_form(
    photo: Photo,
    bit_depth: int = 8,
    *,
    floating: bool = False,
    profile: bytes = b"",
    grey: bool = True,
) -> Stored:
    """What a file of `bit_depth` bits a channel stores of `photo`.

    bit_depth : 8, 10, 12 or 16; `floating`: 16 or 32, of linear light in sRGB primaries
    profile : an ICC profile for RGB; empty: that of the photo's own file
    grey : whether a photo that was grey, and is, may be stored with one channel

    Colours that the profile does not hold are clipped to it; where the photo's file had more
    bits, what falls away is dithered. Metadata are made true of the upright picture:
    orientation 1, its size, no thumbnail.
    """
    height, width = photo.shape
    metadata = photo.metadata
    exif = exif_block.for_output(
        exif_block.parse(metadata.exif), width, height, f"depthfx {depthfx.__version__}"
    )
    grey = grey and metadata.grey and _is_grey(photo.pixels)
    codes, icc = _light(photo, grey) if floating else _codes(photo, bit_depth, profile, grey)
    if icc != _own_profile(photo, grey):
        exif = exif_block.in_colours(exif, srgb=icc in (b"", named_profile("srgb")))
    return Stored(
        codes,
        None if photo.alpha is None else _opacity(photo.alpha, codes.dtype, bit_depth),
        bit_depth,
        exif=exif_block.to_bytes(exif),
        icc=icc,
        xmp=_packet(photo),
        iptc=metadata.iptc,
        dpi=metadata.dpi,
        linear=np.eye(3) if floating else None,
    )


def _packet(photo: Photo) -> bytes:
    """The XMP of `photo` in one packet, true of the upright picture alone."""
    metadata, (height, width) = photo.metadata, photo.shape
    turned = regions.turned(metadata.xmp, metadata.orientation, width, height)
    packet = joined(without_payloads(turned), without_payloads(metadata.xmp_extension))
    return upright(packet, width, height)


def _light(photo: Photo, grey: bool) -> tuple[Codes, bytes]:
    """Linear light as it is, and its profile."""
    return (photo.pixels[..., 1] if grey else photo.pixels), linear_srgb(grey)


def _codes(photo: Photo, bit_depth: int, profile: bytes, grey: bool) -> tuple[Codes, bytes]:
    space, icc = (
        (profile_space(profile, grey=False), profile) if profile else _output_space(photo, grey)
    )
    if photo.metadata.bit_depth <= bit_depth and not photo.metadata.floating:
        return space.encode(photo.pixels, bit_depth), icc
    return dithered(space.encode(photo.pixels, 16), bit_depth), icc


def _opacity(alpha: Plane, dtype: np.dtype, bit_depth: int) -> Codes:
    share = np.clip(alpha, 0, 1)
    if dtype.kind == "f":
        return share
    levels = np.float32((1 << bit_depth) - 1)
    top = np.float32(np.iinfo(dtype).max)
    level = np.floor(share * levels + np.float32(0.5))
    return (level * (top / levels) + np.float32(0.5)).astype(dtype)


def over_white(photo: Photo) -> Photo:
    """`photo` without alpha, on white, mixed in linear light."""
    if photo.alpha is None:
        return photo
    pixels = np.empty_like(photo.pixels)
    for rows in strips(pixels):
        share = photo.alpha[rows, :, None]
        pixels[rows] = share * photo.pixels[rows] + (1 - share)
    return replace(photo, pixels=pixels, alpha=None)


def _output_space(photo: Photo, grey: bool) -> tuple[ColourSpace, bytes]:
    """The space to encode in and the profile that names it.

    A grey profile cannot describe a picture that an effect has given colour: it becomes sRGB;
    so does what came in inks, since which inks make a colour is the printer's business, and
    linear light.
    """
    metadata = photo.metadata
    if metadata.inks or (metadata.linear and not grey):
        return srgb_space(), named_profile("srgb")
    icc = _own_profile(photo, grey)
    try:
        return colour_space(icc, exif_block.parse(metadata.exif), grey), icc
    except PhotoError:
        return srgb_space(grey), b""


def _own_profile(photo: Photo, grey: bool) -> bytes:
    """The profile of the photo's file, or of the colours that its EXIF names: other programs
    look for a profile, and not into EXIF, for any but sRGB."""
    metadata = photo.metadata
    if metadata.icc or grey or not names_adobe_rgb(exif_block.parse(metadata.exif)):
        return metadata.icc
    return named_profile("adobe-rgb")


def _is_grey(pixels: Pixels) -> bool:
    """No pixel differs between channels by a third of an 8-bit code at its darkest."""
    return all(float(np.ptp(pixels[rows], axis=2).max()) <= 1e-4 for rows in strips(pixels))


Encoder = Callable[[BinaryIO, Stored, int], tuple[str, ...]]
"""Writes what is stored at this quality, 1..100; returns what had to be left out, a line each."""


@dataclass(frozen=True)
class OutputFormat:
    """What a format can hold, and the module of `formats` whose `encode` writes it.

    bit_depths, float_depths : of whole numbers, and of floating point
    xmp : whether there is a place for it
    """

    name: str
    module: str
    bit_depths: tuple[int, ...]
    float_depths: tuple[int, ...] = ()
    alpha: bool = True
    grey: bool = True
    xmp: bool = True

    def encoder(self) -> Encoder:
        encode: Encoder = import_module(f"depthfx.photo.formats.{self.module}").encode
        return encode

    def depth_for(self, own: int, floating: bool) -> tuple[int, bool]:
        """Bits, and whether of floating point, that lose nothing of `own` bits, or the least."""
        if self.float_depths and (floating or not self.bit_depths):
            return _least(self.float_depths, own), True
        return _least(self.bit_depths, own), False


def _least(depths: tuple[int, ...], own: int) -> int:
    """The least of `depths` that is not less than `own`, else the largest."""
    return min((depth for depth in depths if depth >= own), default=max(depths))


WRITTEN = {
    suffix: form
    for form, suffixes in (
        (OutputFormat("JPEG", "jpeg", (8,), alpha=False), (".jpg", ".jpeg", ".jpe")),
        (OutputFormat("PNG", "png", (8, 16)), (".png",)),
        (OutputFormat("TIFF", "tiff", (8, 16), (32,)), (".tif", ".tiff")),
        (OutputFormat("WebP", "webp", (8,), grey=False), (".webp",)),
        (OutputFormat("HEIC", "heif", (8, 10, 12)), (".heic", ".heif", ".hif")),
        (OutputFormat("AVIF", "avif", (8, 10, 12)), (".avif",)),
        (OutputFormat("OpenEXR", "exr", (), (16, 32), xmp=False), (".exr",)),
    )
    for suffix in suffixes
}
"""By file extension."""

RAW = "3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl srw x3f"
WRITTEN_AS = {
    ".gif": ".png",
    ".bmp": ".png",
    **{f".{name}": ".tif" for name in RAW.split()},
}
"""What a photo that only can be read becomes, so that none of its bits are lost; else JPEG."""


def suffix_for(suffix: str) -> str:
    """The extension of what is written for a photo of this extension, if nobody says."""
    suffix = suffix.lower()
    return suffix if suffix in WRITTEN else WRITTEN_AS.get(suffix, ".jpg")
