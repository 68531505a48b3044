"""BMP files as Pillow and OpenCV write them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from depthfx.errors import PhotoError
from depthfx.photo.formats import bmp
from depthfx.photo.stored import Reading

CODES = np.random.default_rng(4).integers(0, 256, (21, 33, 3)).astype(np.uint8)


def saved(image: Image.Image) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, "BMP", dpi=(300, 300))
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_colours_are_exact(mode: str) -> None:
    image = Image.fromarray(CODES).convert(mode)
    found = bmp.decode(saved(image), Reading())
    wanted = np.asarray(image.convert("RGB" if mode in ("P", "RGB") else "L"))
    np.testing.assert_array_equal(found.codes, wanted)
    assert found.bit_depth == (1 if mode == "1" else 8)
    assert found.dpi == pytest.approx((300, 300), rel=1e-3)


def test_as_opencv_writes_it() -> None:
    found = bmp.decode(io.BytesIO(cv2.imencode(".bmp", CODES)[1].tobytes()), Reading())
    np.testing.assert_array_equal(found.codes, CODES[..., ::-1])


def test_a_size_that_is_not_accepted_is_refused_before_decoding() -> None:
    data = saved(Image.fromarray(CODES)).getvalue()
    with pytest.raises(PhotoError, match="65536 x 65536"):
        bmp.decode(io.BytesIO(data[:18] + b"\0\0\1\0\0\0\1\0" + data[26:]), Reading())
