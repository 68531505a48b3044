"""WebP: 8 bit RGB, with or without alpha."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from depthfx.photo.exif import without_header
from depthfx.photo.stored import Reading, Stored, parted


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.WebPImagePlugin import WebPImageFile

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


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8 bit RGB or RGBA, lossy; quality 100 is lossless."""
    from PIL import Image

    codes = stored.codes
    if stored.grey:
        codes = np.dstack([codes, codes, codes])
    if stored.alpha is not None:
        codes = np.dstack([codes, stored.alpha])
    Image.fromarray(codes).save(
        file,
        "WEBP",
        quality=quality,
        lossless=quality == 100,
        exact=True,
        icc_profile=stored.icc,
        exif=stored.exif,
        xmp=stored.xmp,
    )
    return ()
