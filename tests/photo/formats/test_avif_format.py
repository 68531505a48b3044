"""AVIF files that Pillow and libavif write, and what we write, read by Pillow."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from depthfx.errors import PhotoError
from depthfx.photo.boxes import Items, read_items, write_items
from depthfx.photo.exif import parse
from depthfx.photo.formats import avif, heif
from depthfx.photo.stored import Reading, Stored, full_range

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
EXIF = piexif.dump({"0th": {271: b"Maker"}, "Exif": {37500: b"note " * 9, 41989: 26}})[6:]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(bits: int, channels: int, height: int = 70, width: int = 90) -> Any:
    """Noise over a gradient, other in each channel, as codes of `bits`."""
    y, x = np.mgrid[0:height, 0:width]
    top = (1 << bits) - 1
    planes = [(x * (7 + c) + y * (3 + 5 * c)) * top // 1500 for c in range(channels)]
    noise = np.random.default_rng(0).integers(0, top // 8, (height, width, channels))
    codes = np.clip(np.dstack(planes) + noise, 0, top).astype(np.uint8 if bits == 8 else np.uint16)
    return codes[..., 0] if channels == 1 else codes


def decoded(data: bytes, **reading: Any) -> Stored:
    return avif.decode(io.BytesIO(data), Reading(file_bytes=len(data), **reading))


def encoded(stored: Stored, quality: int = 100) -> bytes:
    file = io.BytesIO()
    avif.encode(file, stored, quality)
    return file.getvalue()


def by_pillow(codes: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    options = {"quality": 95, "subsampling": "4:4:4", "speed": 10, **options}
    Image.fromarray(codes).save(file, "AVIF", **options)
    return file.getvalue()


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_code_is_read_over_the_full_range(bits: int, channels: int) -> None:
    codes = picture(bits, channels)
    form = "400" if channels < 3 else "444"
    data = bytes(imagecodecs.avif_encode(codes, 100, bitspersample=bits, pixelformat=form))
    stored = decoded(data)
    assert (stored.bit_depth, stored.grey, stored.format) == (bits, channels < 3, "AVIF")
    np.testing.assert_array_equal(stored.with_alpha_last(), full_range(codes, bits))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_file_turns_its_picture_once_and_says_how(orientation: int) -> None:
    """Pillow writes `irot` and `imir` for the orientation in EXIF."""
    data = by_pillow(picture(8, 3), exif=piexif.dump({"0th": {274: orientation}}))
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    stored = decoded(data)
    assert stored.upright
    assert parse(stored.exif).orientation == orientation
    np.testing.assert_array_equal(stored.codes, upright)


def test_metadata_of_other_writers() -> None:
    stored = decoded(by_pillow(picture(8, 3), exif=EXIF, icc_profile=SRGB, xmp=XMP))
    assert parse(stored.exif).main[271].data == b"Maker\0"
    assert (stored.icc, stored.xmp, stored.warnings) == (SRGB, XMP, ())


def test_premultiplied_colours_are_made_straight() -> None:
    codes = np.full((64, 64, 4), (100, 50, 20, 128), np.uint8)
    stored = decoded(by_pillow(codes, quality=100, alpha_premultiplied=True))
    np.testing.assert_allclose(stored.with_alpha_last(), codes, atol=2)


def test_the_still_picture_of_an_animation_is_read() -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime")]
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:], quality=100)
    assert decoded(file.getvalue()).codes[5, 5].tolist() == pytest.approx([255, 0, 0], abs=2)


def test_hdr_codes_are_left_as_they_are_and_named() -> None:
    codes = picture(10, 3)
    data = imagecodecs.avif_encode(
        codes, 100, bitspersample=10, pixelformat="444", primaries=9, transfer=16, matrix=0
    )
    stored = decoded(bytes(data))
    assert stored.cicp == (9, 16)
    np.testing.assert_array_equal(stored.codes, full_range(codes, 10))


def test_avif_is_read_under_the_name_of_heif() -> None:
    """The brand mif1 says nothing of the codec."""
    codes = picture(8, 3)
    file = io.BytesIO()
    write_items(file, read_items(encoded(Stored(codes))), b"mif1heic")
    stored = heif.decode(io.BytesIO(file.getvalue()), Reading())
    assert stored.format == "AVIF"
    np.testing.assert_array_equal(stored.codes, codes)


def test_sizes_are_checked_before_decoding() -> None:
    """By the box and by the coded picture, whichever says more."""
    data = encoded(Stored(picture(8, 3, 256, 256)))
    honest = b"ispe" + bytes((0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0))
    assert data.count(honest) == 1
    for lie, allowed in ((b"\0\0\xff\xff", None), (b"\0\0\0\x40", 10_000)):
        with pytest.raises(PhotoError, match="more than the"):
            decoded(data.replace(honest, honest[:8] + 2 * lie), max_pixels=allowed)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_file_that_is_cut_off_is_refused(data: st.DataObject) -> None:
    whole = encoded(Stored(picture(8, 3)))
    with pytest.raises(PhotoError):
        decoded(whole[: data.draw(st.integers(12, len(whole) - 1))])


def test_an_unknown_codec_is_named() -> None:
    items = read_items(encoded(Stored(picture(8, 3))))
    file = io.BytesIO()
    write_items(file, Items(items.primary, items.by_number), b"avif")
    with pytest.raises(PhotoError, match="is coded as 'vvc1', which is not read"):
        decoded(file.getvalue().replace(b"av01", b"vvc1"))


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_quality_100_is_without_loss(bits: int, channels: int) -> None:
    codes = full_range(picture(bits, channels), bits)
    colour = codes if channels == 1 else codes[..., 0] if channels == 2 else codes[..., :3]
    alpha = np.ascontiguousarray(codes[..., -1]) if channels in (2, 4) else None
    back = decoded(encoded(Stored(np.ascontiguousarray(colour), alpha, bits)))
    assert (back.bit_depth, back.cicp) == (bits, (1, 13))
    np.testing.assert_array_equal(back.with_alpha_last(), codes)


def test_lower_quality_is_smaller_and_near() -> None:
    codes = np.asarray(Image.fromarray(picture(8, 3)).resize((360, 280), Image.Resampling.BICUBIC))
    files = {quality: encoded(Stored(codes), quality) for quality in (50, 95, 100)}
    assert len(files[50]) < len(files[95]) < len(files[100])
    assert np.abs(decoded(files[95]).codes.astype(int) - codes).mean() < 1.5


def test_metadata_are_kept_and_others_read_them() -> None:
    codes = picture(8, 3)
    file = io.BytesIO()
    left_out = avif.encode(file, Stored(codes, exif=EXIF, icc=SRGB, xmp=XMP, iptc=b"\x1c"), 100)
    assert ["IPTC" in line for line in left_out] == [True]
    back = decoded(file.getvalue())
    assert (back.exif, back.icc, back.xmp) == (EXIF, SRGB, XMP)
    with Image.open(file) as other:
        np.testing.assert_array_equal(np.asarray(other), codes)
        assert other.info["exif"].removeprefix(b"Exif\0\0") == EXIF
        assert (other.info["xmp"], other.info["icc_profile"]) == (XMP, SRGB)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (333, 77), (64, 65)])
def test_odd_sizes(width: int, height: int) -> None:
    codes = picture(8, 3, height, width)
    np.testing.assert_array_equal(decoded(encoded(Stored(codes))).codes, codes)
