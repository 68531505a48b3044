"""BMP as scanners and old programs write it: 1 to 32 bit, by Pillow."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from depthfx.photo.stored import Reading, Stored, believable_dpi, parted


def decode(file: BinaryIO, reading: Reading) -> Stored:
    from PIL.BmpImagePlugin import BmpImageFile

    with BmpImageFile(file) as image:
        reading.check_size(*image.size)
        image.load()
        plain = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
        codes, alpha = parted(np.asarray(image.convert(plain)))
        return Stored(
            codes,
            alpha,
            bit_depth=1 if image.mode == "1" else 8,
            dpi=believable_dpi(image.info.get("dpi")),
        )
