"""GIF: the first picture, by its palette; what is transparent there becomes alpha.

GIF89a (1990); Adobe's XMP Specification Part 3, 1.1.2; ICC.1:2022, B.5.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from depthfx.photo.stored import Reading, Stored, parted

EXTENSION, IMAGE, APPLICATION = 0x21, 0x2C, 0xFF
XMP_NAME, ICC_NAME = b"XMP DataXMP", b"ICCRGBG1012"
XMP_TRAILER = bytes((1, *range(255, 250, -1)))
"""How the bytes behind a packet begin, which lead readers that know nothing of it to its end."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.GifImagePlugin import GifImageFile

    # Pillow takes memory for the picture as soon as it opens the file.
    reading.check_size(*struct.unpack_from("<HH", file.read(10), 6))
    file.seek(0)
    with GifImageFile(file) as image:
        reading.check_size(*image.size)
        image.load()
        grey = "L" if image.mode == "L" else "RGB"
        mode = f"{grey}A" if image.has_transparency_data else grey
        codes, alpha = parted(np.asarray(image.convert(mode)))
    file.seek(0)
    said = dict(_applications(file.read()))
    xmp = said.get(XMP_NAME, b"").partition(XMP_TRAILER)[0]
    return Stored(codes, alpha, xmp=xmp, icc=_joined(said.get(ICC_NAME, b"")))


def _applications(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name of each application extension, and its sub-blocks as they lie."""
    at = 13 + _table_bytes(data[10])
    while at + 12 < len(data) and data[at] in (EXTENSION, IMAGE):
        kind = data[at : at + 2]
        # A picture has its place, perhaps colours, and the size of its codes before its data.
        at += 11 + _table_bytes(data[at + 9]) if kind[0] == IMAGE else 2
        start = at
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
        if kind == bytes((EXTENSION, APPLICATION)):
            yield data[start + 1 : start + 12], data[start + 12 : at]


def _table_bytes(flags: int) -> int:
    """Size of the table of colours that a picture, or the whole file, has by its flags."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _joined(blocks: bytes) -> bytes:
    """What sub-blocks hold, without the lengths before them."""
    parts, at = [], 0
    while at < len(blocks):
        parts.append(blocks[at + 1 : at + 1 + blocks[at]])
        at += 1 + blocks[at]
    return b"".join(parts)
