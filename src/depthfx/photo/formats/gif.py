"""GIF: the first picture, by its palette; what is transparent there becomes alpha."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from depthfx.photo.stored import Reading, Stored, parted


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.GifImagePlugin import GifImageFile

    with GifImageFile(file) as image:
        reading.check_size(*image.size)
        image.load()
        xmp = image.info.get("xmp", b"")
        mode = "RGBA" if image.has_transparency_data else "RGB"
        codes, alpha = parted(np.asarray(image if image.mode == "L" else image.convert(mode)))
        return Stored(codes, alpha, xmp=xmp)
