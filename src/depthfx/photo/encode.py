"""A Photo -> the codes an encoder is given, and the encoders.

A format is a function and one or two rows in `ENCODERS`, keyed by file extension.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

import depthfx
from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import Codes, ColourSpace, colour_space, srgb_space, strips
from depthfx.photo.decode import (
    EXIF_HEADER,
    ICC_HEADER,
    RESOLUTION,
    STRUCTURE,
    XMP_HEADER,
    XMP_KEYWORD,
    XMP_TAG,
)
from depthfx.photo.exif import BYTE, Entry, Exif, Tag
from depthfx.photo.photo import Photo, Pixels

JPEG_SEGMENT_BYTES = 65533
DEFAULT_QUALITY = 95


@dataclass(frozen=True)
class Extras:
    """What is written beside the pixels. `warnings` grows with what had to be left out."""

    exif: Exif
    icc: bytes
    xmp: bytes
    dpi: tuple[float, float] | None
    warnings: list[str]


def encoded_pixels(photo: Photo, bit_depth: int) -> Codes:
    """The codes that `photo` is stored as, in its file's own profile.

    bit_depth : 8 or 16

    Returns (H, W) for grey, (H, W, 2) for grey with alpha, (H, W, 3) or (H, W, 4),
    uint8 or uint16. Colours that the profile does not hold are clipped to it.
    """
    space, _ = _output_space(photo)
    codes = space.encode(photo.pixels, bit_depth)
    if photo.alpha is None:
        return codes
    top = (1 << bit_depth) - 1
    alpha = (np.clip(photo.alpha, 0, 1) * np.float32(top) + np.float32(0.5)).astype(codes.dtype)
    return np.dstack([codes, alpha])


def extras_of(photo: Photo) -> Extras:
    """What goes into the file beside the pixels, true of the upright picture."""
    height, width = photo.shape
    exif = exif_block.for_output(
        exif_block.parse(photo.metadata.exif), width, height, f"depthfx {depthfx.__version__}"
    )
    _, icc = _output_space(photo)
    return Extras(exif, icc, _upright_xmp(photo.metadata.xmp), photo.metadata.dpi, [])


def over_white(photo: Photo) -> Photo:
    """`photo` without alpha, on white, mixed in linear light."""
    if photo.alpha is None:
        return photo
    pixels = np.empty_like(photo.pixels)
    for rows in strips(pixels):
        share = photo.alpha[rows, :, None]
        pixels[rows] = share * photo.pixels[rows] + (1 - share)
    return replace(photo, pixels=pixels, alpha=None)


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


def jpeg(file: BinaryIO, codes: Codes, extras: Extras, quality: int) -> None:
    """8 bit, grey or RGB, without chroma subsampling."""
    import imagecodecs

    data = memoryview(imagecodecs.jpeg8_encode(codes, quality, subsampling="444"))
    file.write(data[:2])
    x, y = (min(round(value), 65535) for value in extras.dpi or (1, 1))
    _segment(file, 0xE0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0101, bool(extras.dpi), x, y, 0, 0))
    _segment(file, 0xE1, EXIF_HEADER + _short_exif(extras))
    if len(XMP_HEADER) + len(extras.xmp) > JPEG_SEGMENT_BYTES:
        extras.warnings.append("its XMP is too long for a JPEG and was left out")
    elif extras.xmp:
        _segment(file, 0xE1, XMP_HEADER + extras.xmp)
    room = JPEG_SEGMENT_BYTES - len(ICC_HEADER) - 2
    parts = [extras.icc[start : start + room] for start in range(0, len(extras.icc), room)]
    for number, part in enumerate(parts, 1):
        _segment(file, 0xE2, ICC_HEADER + bytes([number, len(parts)]) + part)
    its_own_jfif = 2 + int.from_bytes(data[4:6], "big") if data[3] == 0xE0 else 0
    file.write(data[2 + its_own_jfif :])


def _segment(file: BinaryIO, marker: int, body: bytes) -> None:
    file.write(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)


def _short_exif(extras: Extras) -> bytes:
    """The EXIF block, at the cost of the MakerNote if it would not fit a segment."""
    block = exif_block.to_bytes(extras.exif)
    if len(block) + len(EXIF_HEADER) <= JPEG_SEGMENT_BYTES:
        return block
    extras.warnings.append("its EXIF is too long for a JPEG: the MakerNote was left out")
    photo = {t: e for t, e in extras.exif.photo.items() if t != Tag.MAKER_NOTE}
    block = exif_block.to_bytes(replace(extras.exif, photo=photo))
    return block if len(block) + len(EXIF_HEADER) <= JPEG_SEGMENT_BYTES else b""


def webp(file: BinaryIO, codes: Codes, extras: Extras, quality: int) -> None:
    """8 bit RGB or RGBA, lossy; quality 100 is lossless."""
    from PIL import Image

    if codes.ndim == 2 or codes.shape[2] == 2:
        codes = np.dstack(
            [codes[..., :1] if codes.ndim == 3 else codes] * 3
            + ([codes[..., 1]] if codes.ndim == 3 else [])
        )
    Image.fromarray(codes).save(
        file,
        "WEBP",
        quality=quality,
        lossless=quality == 100,
        exact=True,
        icc_profile=extras.icc,
        exif=exif_block.to_bytes(extras.exif),
        xmp=extras.xmp,
    )


def png(file: BinaryIO, codes: Codes, extras: Extras, _quality: int) -> None:
    """8 or 16 bit, grey or RGB, with or without alpha."""
    import imagecodecs

    data = imagecodecs.png_encode(codes, level=PNG_LEVEL)
    end_of_header = 33
    file.write(data[:end_of_header])
    if extras.icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(extras.icc))
    if extras.dpi:
        x, y = (round(value / 0.0254) for value in extras.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    _chunk(file, b"eXIf", exif_block.to_bytes(extras.exif))
    if extras.xmp:
        _chunk(file, b"iTXt", XMP_KEYWORD + bytes(5) + extras.xmp)
    file.write(memoryview(data)[end_of_header:])


def _chunk(file: BinaryIO, kind: bytes, body: bytes) -> None:
    file.write(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )


def tiff(file: BinaryIO, codes: Codes, extras: Extras, _quality: int) -> None:
    """8 or 16 bit, grey or RGB, with or without alpha; deflate with predictor."""
    import tifffile

    channels = codes.shape[2] if codes.ndim == 3 else 1
    # In the byte order of the EXIF block, whose values can then be copied as they are.
    with tifffile.TiffWriter(file, byteorder=extras.exif.byte_order, bigtiff=False) as writer:
        writer.write(
            codes,
            photometric="rgb" if channels > 2 else "minisblack",
            planarconfig="contig" if channels > 1 else None,
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            compression="zlib",
            compressionargs={"level": TIFF_LEVEL},
            predictor=True,
            rowsperstrip=max(1, (1 << 18) // codes.shape[1]),
            maxworkers=2,
            resolution=extras.dpi,
            resolutionunit="inch" if extras.dpi else None,
            iccprofile=extras.icc or None,
            software=False,
            metadata=None,
        )
    _add_tags(file, extras)


def _add_tags(file: BinaryIO, extras: Extras) -> None:
    """Give a TIFF file a new first directory, at its end, with EXIF and XMP in it too."""
    file.flush()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        structure = exif_block.parse(whole).main
    added = {
        tag: entry
        for tag, entry in extras.exif.main.items()
        if tag not in STRUCTURE and tag not in RESOLUTION
    }
    if extras.xmp:
        added[XMP_TAG] = Entry(BYTE, len(extras.xmp), extras.xmp)
    at = file.seek(0, 2)
    at += at % 2
    block, main = exif_block.appendix(replace(extras.exif, main={**structure, **added}), at)
    file.seek(at)
    file.write(block)
    file.seek(4)
    file.write(struct.pack(extras.exif.byte_order + "I", main))


PNG_LEVEL = 3
TIFF_LEVEL = 3

Encoder = Callable[[BinaryIO, Codes, Extras, int], None]


@dataclass(frozen=True)
class OutputFormat:
    """What a format can hold, and its encoder."""

    name: str
    encoder: Encoder
    bit_depths: tuple[int, ...]
    alpha: bool


JPEG = OutputFormat("JPEG", jpeg, (8,), alpha=False)
PNG = OutputFormat("PNG", png, (8, 16), alpha=True)
TIFF = OutputFormat("TIFF", tiff, (8, 16), alpha=True)
WEBP = OutputFormat("WebP", webp, (8,), alpha=True)
ENCODERS = {
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".png": PNG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".webp": WEBP,
}
