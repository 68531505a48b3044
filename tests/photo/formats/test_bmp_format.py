"""BMP files as Pillow and OpenCV write them."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

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


def with_profile(icc: bytes, size: int | None = None) -> io.BytesIO:
    """A BMP with the header of Windows 98, which has room for a profile behind the pixels."""
    plain = saved(Image.fromarray(CODES)).getvalue()
    start = 14 + 124
    head = plain[14:54].replace((40).to_bytes(4, "little"), (124).to_bytes(4, "little"), 1)
    pixels = plain[54:]
    place = struct.pack("<II", 124 + len(pixels), len(icc) if size is None else size)
    v5 = head + bytes(16) + b"DEBM" + bytes(52) + place + bytes(4)
    data = plain[:10] + start.to_bytes(4, "little") + v5 + pixels + icc
    return io.BytesIO(data)


def test_the_profile_in_the_file_is_read() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = bmp.decode(with_profile(icc), Reading())
    assert found.icc == icc
    np.testing.assert_array_equal(found.codes, CODES)


@pytest.mark.parametrize("size", [0, 41, 2**32 - 1])
def test_a_profile_that_is_not_all_there_is_none(size: int) -> None:
    assert bmp.decode(with_profile(bytes(40), size), Reading()).icc == b""
