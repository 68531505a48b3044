"""JPEG: 8 bit, grey or RGB; the first picture of an MPO."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import BinaryIO

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.exif import EXIF_HEADER, Tag, without_header
from depthfx.photo.stored import Reading, Stored, believable_dpi

ICC_HEADER = b"ICC_PROFILE\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
SEGMENT_BYTES = 65533
END_OF_JPEG = b"\xff\xd9"


def decode(file: BinaryIO, reading: Reading) -> Stored:
    import imagecodecs
    from PIL.JpegImagePlugin import JpegImageFile

    data = file.read()
    header = io.BytesIO(data)
    # The class itself, not Image.open: of an MPO this gives the first picture, and the
    # limit on the size is ours. Pillow reads what stands before the picture; the picture
    # imagecodecs reads three times as fast, by the same library.
    with JpegImageFile(header) as image:
        reading.check_size(*image.size)
        if image.mode not in ("L", "RGB"):
            raise PhotoError(f"is a {image.mode} JPEG; convert it to RGB first")
        # Within a picture's data these two bytes stand for nothing but its end, without
        # which the library would quietly make up what is missing.
        if data.find(END_OF_JPEG, header.tell()) < 0:
            raise PhotoError("is damaged or cut off: the end of the JPEG data is missing")
        codes = imagecodecs.jpeg8_decode(data)
        if codes.shape[:2] != image.size[::-1]:
            raise PhotoError(f"is {image.size} pixels by its header, {codes.shape} by its data")
        icc = image.info.get("icc_profile") or b""
        incomplete = not icc and any(data.startswith(ICC_HEADER) for _, data in image.applist)
        return Stored(
            codes,
            exif=without_header(image.info.get("exif", b"")),
            icc=icc,
            xmp=image.info.get("xmp", b""),
            dpi=believable_dpi(image.info.get("dpi")),
            warnings=("part of its ICC profile is missing: taken as sRGB",) * incomplete,
        )


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8 bit, grey or RGB, without chroma subsampling."""
    import imagecodecs

    left_out: list[str] = []
    data = memoryview(imagecodecs.jpeg8_encode(stored.codes, quality, subsampling="444"))
    file.write(data[:2])
    x, y = (min(round(value), 65535) for value in stored.dpi or (1, 1))
    _segment(file, 0xE0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0101, bool(stored.dpi), x, y, 0, 0))
    _segment(file, 0xE1, EXIF_HEADER + _short_exif(stored.exif, left_out))
    if len(XMP_HEADER) + len(stored.xmp) > SEGMENT_BYTES:
        left_out.append("its XMP is too long for a JPEG and was left out")
    elif stored.xmp:
        _segment(file, 0xE1, XMP_HEADER + stored.xmp)
    room = SEGMENT_BYTES - len(ICC_HEADER) - 2
    parts = [stored.icc[start : start + room] for start in range(0, len(stored.icc), room)]
    for number, part in enumerate(parts, 1):
        _segment(file, 0xE2, ICC_HEADER + bytes([number, len(parts)]) + part)
    its_own_jfif = 2 + int.from_bytes(data[4:6], "big") if data[3] == 0xE0 else 0
    file.write(data[2 + its_own_jfif :])
    return tuple(left_out)


def _segment(file: BinaryIO, marker: int, body: bytes) -> None:
    file.write(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)


def _short_exif(block: bytes, left_out: list[str]) -> bytes:
    """The EXIF block, at the cost of the MakerNote if it would not fit a segment."""
    if len(block) + len(EXIF_HEADER) <= SEGMENT_BYTES:
        return block
    left_out.append("its EXIF is too long for a JPEG: the MakerNote was left out")
    exif = exif_block.parse(block)
    photo = {t: e for t, e in exif.photo.items() if t != Tag.MAKER_NOTE}
    block = exif_block.to_bytes(replace(exif, photo=photo))
    return block if len(block) + len(EXIF_HEADER) <= SEGMENT_BYTES else b""
