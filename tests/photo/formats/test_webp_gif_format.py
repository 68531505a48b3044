"""WebP and GIF files as Pillow and libwebp write them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from depthfx.errors import PhotoError
from depthfx.photo.decode import decode
from depthfx.photo.formats import webp
from depthfx.photo.stored import Stored

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
EXIF = piexif.dump({"0th": {271: b"Maker", 274: 6}})[6:]
CODES = np.random.default_rng(4).integers(0, 256, (21, 33, 4)).astype(np.uint8)


def read(data: bytes) -> Stored:
    return decode(io.BytesIO(data), Path("photo"))


def saved(form: str, codes: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(codes).save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [3, 4])
def test_lossless_webp_is_exact(channels: int) -> None:
    found = read(saved("WEBP", CODES[..., :channels], lossless=True, exact=True, icc_profile=SRGB))
    np.testing.assert_array_equal(found.with_alpha_last(), CODES[..., :channels])
    assert (found.icc, found.format, found.bit_depth) == (SRGB, "WEBP", 8)


@pytest.mark.parametrize("channels", [3, 4])
def test_lossy_webp_as_libwebp_has_it(channels: int) -> None:
    data = imagecodecs.webp_encode(CODES[..., :channels].copy(), 80)
    found = read(data)
    np.testing.assert_array_equal(found.with_alpha_last(), imagecodecs.webp_decode(data))


@pytest.mark.parametrize("form", ["WEBP", "GIF"])
def test_the_first_picture_of_an_animation(form: str) -> None:
    first = np.zeros((8, 9, 3), np.uint8) + np.array([200, 60, 50], np.uint8)
    more = [Image.fromarray(255 - first)] * 2
    options = {"lossless": True} if form == "WEBP" else {}
    found = read(saved(form, first, save_all=True, append_images=more, duration=40, **options))
    np.testing.assert_array_equal(found.codes, first)


@pytest.mark.parametrize("form", ["WEBP", "GIF"])
@given(data=st.data())
def test_a_cut_file_is_one_line(form: str, data: st.DataObject) -> None:
    whole = saved(form, CODES[..., :3])
    length = data.draw(st.integers(12, len(whole) - 40))
    with pytest.raises(PhotoError, match=r"^photo: [^\n]*$"):
        read(whole[:length])


def test_a_size_that_only_the_header_has_is_refused() -> None:
    head = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2
    with pytest.raises(PhotoError, match="16777216 x 16777216"):
        read(head)
    gif = saved("GIF", CODES[..., 0])
    with pytest.raises(PhotoError, match="65535 x 65535"):
        read(gif[:6] + b"\xff\xff\xff\xff" + gif[10:])


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_everything_of_a_webp_comes_back(grey: bool, alpha: bool) -> None:
    stored = Stored(
        CODES[..., 0] if grey else CODES[..., :3],
        CODES[..., 3] if alpha else None,
        exif=EXIF,
        icc=SRGB,
        xmp=XMP,
    )
    file = io.BytesIO()
    assert webp.encode(file, stored, 100) == ()
    found = read(file.getvalue())
    colour = np.dstack([stored.codes] * 3) if grey else stored.codes
    np.testing.assert_array_equal(found.codes, colour)
    np.testing.assert_array_equal(found.alpha, stored.alpha)
    assert (found.exif, found.icc, found.xmp) == (EXIF, SRGB, XMP)


def test_what_webp_has_no_place_for_is_said() -> None:
    told = webp.encode(io.BytesIO(), Stored(CODES[..., :3], iptc=b"\x1c"), 90)
    assert ["IPTC" in line for line in told] == [True]


def test_a_picture_too_large_for_webp_is_one_line() -> None:
    with pytest.raises(PhotoError, match="16383 a side"):
        webp.encode(io.BytesIO(), Stored(np.zeros((1, 16384, 3), np.uint8)), 90)


def test_a_gif_is_its_palette_and_its_hole() -> None:
    indices = (CODES[..., 0] % 5).astype(np.uint8)
    colours = np.random.default_rng(5).integers(0, 256, (5, 3)).astype(np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(colours.tobytes())
    file = io.BytesIO()
    image.save(file, "GIF", transparency=2, optimize=False)
    found = read(file.getvalue())
    seen = indices != 2
    np.testing.assert_array_equal(found.codes[seen], colours[indices][seen])
    np.testing.assert_array_equal(found.alpha, seen * np.uint8(255))
    assert found.bit_depth == 8


def test_a_grey_gif() -> None:
    found = read(saved("GIF", CODES[..., 0]))
    np.testing.assert_array_equal(found.codes.reshape(21, 33, -1)[..., 0], CODES[..., 0])


def application(name: bytes, blocks: bytes) -> bytes:
    return b"!\xff\x0b" + name + blocks


def in_blocks(data: bytes) -> bytes:
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


@pytest.mark.parametrize("behind_the_picture", [False, True])
def test_xmp_and_profile_of_a_gif(behind_the_picture: bool) -> None:
    """XMP lies there as it is, with a trailer that takes other readers to its end."""
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    said = application(b"XMP DataXMP", XMP + trailer) + application(b"ICCRGBG1012", in_blocks(SRGB))
    plain = saved("GIF", CODES[..., 0])
    colours = 13 + 3 * 256
    data = (
        plain[:-1] + said + plain[-1:]
        if behind_the_picture
        else plain[:colours] + said + plain[colours:]
    )
    found = read(data)
    np.testing.assert_array_equal(found.codes, read(plain).codes)
    assert (found.xmp, found.icc) == (XMP, SRGB)
    assert (read(plain).xmp, read(plain).icc) == (b"", b"")


def test_a_grey_gif_with_a_hole() -> None:
    """Pillow calls a palette of all greys in their order grey, and still has a hole in it."""
    codes = CODES[..., 0]
    file = io.BytesIO()
    image = Image.fromarray(codes)
    image.save(file, "GIF", transparency=7, optimize=False)
    found = read(file.getvalue())
    np.testing.assert_array_equal(found.alpha, (codes != 7) * np.uint8(255))
    np.testing.assert_array_equal(found.codes[codes != 7], codes[codes != 7])
