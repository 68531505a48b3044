"""BMP as scanners and old programs write it: 1 to 32 bit, by Pillow.

BITMAPV5HEADER of the Windows documentation (the profile).
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from depthfx.photo.stored import (
    LARGEST_BLOCK_BYTES,
    Reading,
    Stored,
    believable_dpi,
    parted,
)

FILE_HEADER_BYTES, V5_HEADER_BYTES = 14, 124
EMBEDDED = b"DEBM"
"""PROFILE_EMBEDDED as a little-endian number."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.BmpImagePlugin import BmpImageFile

    with BmpImageFile(file) as image:
        reading.check_size(*image.size)
        image.load()
        plain = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
        codes, alpha = parted(np.asarray(image.convert(plain)))
        file.seek(0)
        return Stored(
            codes,
            alpha,
            icc=_profile(file),
            bit_depth=1 if image.mode == "1" else 8,
            dpi=believable_dpi(image.info.get("dpi")),
        )


def _profile(file: BinaryIO) -> bytes:
    """The ICC profile in the file; empty if there is none, or it is cut off."""
    head = file.read(FILE_HEADER_BYTES + V5_HEADER_BYTES)[FILE_HEADER_BYTES:]
    if len(head) < V5_HEADER_BYTES or head[56:60] != EMBEDDED:
        return b""
    (header,) = struct.unpack_from("<I", head)
    start, size = struct.unpack_from("<II", head, 112)
    if header < V5_HEADER_BYTES or size > LARGEST_BLOCK_BYTES:
        return b""
    file.seek(FILE_HEADER_BYTES + start)
    icc = file.read(size)
    return icc if len(icc) == size else b""
