"""AVIF: 8, 10 or 12 bit. Read and written as HEIF is, which it differs from in the codec only.

AV1 Image File Format (AVIF) v1.1.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from depthfx.photo.boxes import HEAD_BYTES, brands, read_items
from depthfx.photo.formats import heif
from depthfx.photo.formats.heif import (
    NO_MATRIX,
    SRGB,
    UNSPECIFIED,
    write_with_metadata,
)
from depthfx.photo.stored import Reading, Stored, own_range

SPEED = 8
"""Of libaom, 0 to 10: from 6 to 8, time falls to a quarter and files grow by 3 %."""


AOM_QUALITY = (0, 95, 100), (0, 90, 100)
"""As `heif.X265_QUALITY`."""

BT709_MATRIX = 1
"""With that of BT.601 libavif reckons in few bits, which costs 6 dB of chroma."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    """As of HEIF; where there is no EXIF, how the picture was turned is noted in one, as other
    readers of AVIF do."""
    return heif.decode(file, reading, note_turns=True)


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8, 10 or 12 bit, grey or RGB, with or without alpha; 4:4:4. Grey and alpha are
    coded without loss, and RGB at quality 100."""
    import imagecodecs

    codes = stored.with_alpha_last()
    primaries, transfer = UNSPECIFIED if stored.icc else stored.cicp or SRGB
    lossless = quality == 100
    made = imagecodecs.avif_encode(
        own_range(codes, stored.bit_depth) if stored.bit_depth > 8 else codes,
        level=round(float(np.interp(quality, *AOM_QUALITY))),
        speed=SPEED,
        bitspersample=stored.bit_depth,
        pixelformat="400" if stored.grey else "444",
        primaries=primaries,
        transfer=transfer,
        matrix=NO_MATRIX if lossless and not stored.grey else BT709_MATRIX,
        numthreads=2,
    )
    coded = bytes(made)
    return write_with_metadata(file, read_items(coded), brands(coded[:HEAD_BYTES]), stored)
