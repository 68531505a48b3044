"""The picture that a depth map is stored as: unpacked with the suspicion it deserves."""

from __future__ import annotations

import base64
import binascii
import io
from pathlib import Path

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.decode import decode
from depthfx.photo.stored import Codes, Reading

PNG = b"\x89PNG\r\n\x1a\n"
END_OF_PNG = b"IEND\xaeB`\x82"
PICTURES = (b"\xff\xd8\xff", PNG)
"""How the pictures begin that depth maps are stored as."""
MAX_PIXELS = 1 << 26
"""Depth maps of phones have up to a few million."""
GREY = 2
"""Codes by which the channels of a picture that was grey before a JPEG may differ."""


def from_base64(text: str) -> bytes:
    """The bytes of base64, wrapped or not, with or without its padding. Raises PhotoError."""
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PhotoError("holds data that is not base64") from error


def grey_codes(data: bytes) -> Codes:
    """The codes (h, w), uint8 or uint16, of a JPEG or PNG picture in memory.

    Raises PhotoError if it is none, damaged, coloured, of one value only, or larger than any
    depth map; that is found before memory is taken for it.
    """
    if not data.startswith(PICTURES):
        raise PhotoError("holds no JPEG or PNG picture")
    if data.startswith(PNG) and END_OF_PNG not in data:
        raise PhotoError("is cut off")
    try:
        stored = decode(io.BytesIO(data), Path("its picture"), Reading(max_pixels=MAX_PIXELS))
    except PhotoError as error:
        # The way out that it names is for photos.
        raise PhotoError(f"cannot be read: {str(error).partition(';')[0]}") from error
    codes = stored.codes
    if codes.ndim == 3:
        if codes.shape[2] != 3 or int(np.ptp(codes, axis=2).max()) > GREY:
            raise PhotoError("holds a coloured picture, not depth")
        codes = np.ascontiguousarray(codes[..., 1])
    if codes.min() == codes.max():
        raise PhotoError("is of one value all over")
    return codes
