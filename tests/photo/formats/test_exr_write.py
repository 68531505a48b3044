"""OpenEXR written: linear light, every value, what other programs read."""

from __future__ import annotations

import io

import numpy as np
import OpenEXR
import piexif
import pytest

from depthfx.photo.formats.exr import decode, encode
from depthfx.photo.stored import Reading, Stored

RNG = np.random.default_rng(7)
COLOUR = (RNG.random((11, 13, 3)) * 4 - 0.5).astype(np.float32)
ALPHA = RNG.uniform(0.1, 1, (11, 13)).astype(np.float32)


def written(stored: Stored) -> tuple[io.BytesIO, tuple[str, ...]]:
    file = io.BytesIO()
    left_out = encode(file, stored, 95)
    file.seek(0)
    return file, left_out


def read(file: io.BytesIO) -> Stored:
    return decode(file, Reading())


@pytest.mark.parametrize("codes", [COLOUR, COLOUR[..., 0]], ids=["colour", "grey"])
def test_floats_come_back_bit_for_bit(codes):
    file, left_out = written(Stored(codes, bit_depth=32, dpi=(300, 300)))
    back = read(file)
    np.testing.assert_array_equal(back.codes, codes)
    assert (back.bit_depth, back.alpha, back.dpi, left_out) == (32, None, (300, 300), ())
    np.testing.assert_allclose(back.linear, np.eye(3), atol=1e-6)


def test_half_is_the_nearest_half_and_ends_at_its_largest():
    codes = COLOUR.copy()
    codes[0, 0] = 1e6, -1e6, 65504
    back = read(written(Stored(codes, bit_depth=16))[0])
    assert back.bit_depth == 16
    np.testing.assert_array_equal(back.codes, np.clip(codes, -65504, 65504).astype(np.float16))


@pytest.mark.parametrize("codes", [COLOUR, COLOUR[..., 0]], ids=["colour", "grey"])
def test_alpha_is_premultiplied_in_the_file_and_straight_again(codes):
    file, _ = written(Stored(codes, ALPHA, bit_depth=32))
    with OpenEXR.File(io.BytesIO(file.getvalue()), separate_channels=True) as library:
        channels = {name: c.pixels for name, c in library.channels().items()}
    np.testing.assert_array_equal(channels["A"], ALPHA)
    if codes.ndim == 3:
        np.testing.assert_array_equal(channels["G"], codes[..., 1] * ALPHA)
    else:
        assert sorted(channels) == ["A", "Y"]
    back = read(file)
    np.testing.assert_allclose(back.codes, codes, rtol=3e-7)
    np.testing.assert_array_equal(back.alpha, ALPHA)


def test_what_others_read_in_the_header():
    file, _ = written(Stored(COLOUR, bit_depth=16))
    with OpenEXR.File(file, separate_channels=True) as library:
        header = library.header()
        assert header["compression"] == OpenEXR.ZIP_COMPRESSION
        expected = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
        np.testing.assert_allclose(header["chromaticities"], expected, rtol=1e-6)
        assert all(c.pixels.dtype == np.float16 for c in library.channels().values())


def test_what_an_exr_cannot_hold_is_said():
    software = {piexif.ImageIFD.Software: "depthfx", piexif.ImageIFD.Orientation: 1}
    own, camera = (
        piexif.dump({"0th": {**software, **more}})[6:]
        for more in ({}, {piexif.ImageIFD.Make: "Maker"})
    )
    assert written(Stored(COLOUR, bit_depth=16, exif=own))[1] == ()
    _, left_out = written(Stored(COLOUR, bit_depth=16, exif=camera, xmp=b"x", iptc=b"x"))
    assert left_out == ("an EXR holds no EXIF, XMP, IPTC: left out",)
