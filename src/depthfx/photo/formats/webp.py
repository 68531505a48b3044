"""WebP: 8 bit RGB, with or without alpha; the first picture of an animation."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.exif import without_header
from depthfx.photo.stored import Reading, Stored, parted

LONGEST_SIDE = 16383
LOSSLESS = 100
LOSSLESS_EFFORT = 75
"""More takes several times as long for a few per cent."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.WebPImagePlugin import WebPImageFile

    # Pillow takes memory for the picture as soon as it opens the file.
    reading.check_size(*_size(file.read(30)))
    file.seek(0)
    with WebPImageFile(file) as image:
        reading.check_size(*image.size)
        image.load()
        codes, alpha = parted(np.asarray(image))
        return Stored(
            codes,
            alpha,
            exif=without_header(image.info.get("exif", b"")),
            icc=image.info.get("icc_profile", b""),
            xmp=image.info.get("xmp", b""),
        )


def _size(head: bytes) -> tuple[int, int]:
    """Width and height by the first chunk: RFC 9649, 2.5 to 2.7."""
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + _little(head[24:27]), 1 + _little(head[27:30])
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    raise PhotoError("is damaged or cut off: it begins with no WebP picture")


def _little(field: bytes) -> int:
    return int.from_bytes(field, "little")


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8 bit RGB or RGBA, lossy; quality 100 is lossless."""
    from PIL import Image

    if max(stored.width, stored.height) > LONGEST_SIDE:
        raise PhotoError(
            f"{stored.width} x {stored.height} pixels are more than the "
            f"{LONGEST_SIDE} a side that WebP has; write JPEG, PNG or TIFF"
        )
    codes = np.dstack([stored.codes] * 3) if stored.grey else stored.codes
    if stored.alpha is not None:
        codes = np.dstack([codes, stored.alpha])
    lossless = quality == LOSSLESS
    Image.fromarray(codes).save(
        file,
        "WEBP",
        quality=LOSSLESS_EFFORT if lossless else quality,
        lossless=lossless,
        exact=True,
        icc_profile=stored.icc,
        exif=stored.exif,
        xmp=stored.xmp,
    )
    return ("WebP has no place for IPTC records",) if stored.iptc else ()
