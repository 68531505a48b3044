"""JPEG files as Pillow and libjpeg write them, whole, rearranged and cut off."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, IptcImagePlugin

from depthfx.errors import PhotoError
from depthfx.photo.decode import decode
from depthfx.photo.formats import jpeg
from depthfx.photo.stored import Stored

XMP_NOTE = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"'
RECORDS = b"\x1c\x02\x69\x00\x05Title\x1c\x02\x78\x00\x03abc"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(height: int = 40, width: int = 56) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([3 * x + y, 250 - 4 * y, 20 + 3 * y + x // 2], axis=-1).astype(np.uint8)


def jpeg_bytes(image: Any = None, **options: Any) -> bytes:
    """By Pillow, which writes through libjpeg."""
    file = io.BytesIO()
    image = Image.fromarray(picture()) if image is None else image
    image.save(file, "JPEG", **{"quality": 92, **options})
    return file.getvalue()


def read(data: bytes) -> Stored:
    return decode(io.BytesIO(data), Path("photo.jpg"))


def read_or_told(data: bytes) -> Stored | str:
    try:
        return read(data)
    except PhotoError as error:
        return str(error)


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 2}, {"keep_rgb": True}, {"restart_marker_rows": 1}],
    ids=str,
)
def test_colour_as_libjpeg_has_it(options: dict[str, Any]) -> None:
    data = jpeg_bytes(**options)
    found = read(data)
    np.testing.assert_array_equal(found.codes, by_pillow(data))
    assert (found.format, found.bit_depth, found.alpha, found.warnings) == ("JPEG", 8, None, ())


def test_grey_stays_one_channel() -> None:
    data = jpeg_bytes(Image.fromarray(picture()[..., 0]))
    np.testing.assert_array_equal(read(data).codes, by_pillow(data))


def test_twelve_bits_are_spread_over_sixteen() -> None:
    codes = (picture().astype(np.uint16) * 16) + 7
    data = imagecodecs.jpeg8_encode(codes, 98, bitspersample=12, subsampling="444")
    found = read(data)
    assert (found.bit_depth, found.codes.dtype) == (12, np.uint16)
    assert np.abs(found.codes / 65535 - codes / 4095).max() < 0.01


@pytest.mark.parametrize("transform", ["CMYK", "YCCK"])
def test_full_ink_is_the_largest_code(transform: str) -> None:
    inks = np.dstack([picture(), np.full((40, 56), 30, np.uint8)])
    data = jpeg_bytes(Image.fromarray(inks, "CMYK"))
    if transform == "YCCK":
        data = imagecodecs.jpeg8_encode(
            np.invert(inks), 95, colorspace="CMYK", outcolorspace="YCCK", subsampling="444"
        )
        assert b"Adobe" in data
    found = read(data)
    assert np.abs(found.codes.astype(int) - inks).mean() < 3
    assert found.warnings == ()


def test_inks_without_the_marker_of_adobe_are_not_inverted() -> None:
    data = jpeg_bytes(Image.fromarray(np.dstack([picture(), picture()[..., :1]]), "CMYK"))
    at = data.index(b"\xff\xee")
    bare = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    found = read(bare)
    np.testing.assert_array_equal(found.codes, np.invert(read(data).codes))
    assert "inverted" in found.warnings[0]


def test_first_picture_of_several() -> None:
    file = io.BytesIO()
    first, second = Image.fromarray(picture()), Image.fromarray(255 - picture(20, 20))
    first.save(file, "MPO", save_all=True, append_images=[second])
    assert np.abs(read(file.getvalue()).codes.astype(int) - picture()).mean() < 5


whole = jpeg_bytes()


@given(st.integers(3, len(whole) - 1))
def test_a_cut_file_is_an_error_unless_all_of_its_picture_is_there(length: int) -> None:
    found = read_or_told(whole[:length])
    if isinstance(found, str):
        assert found.startswith("photo.jpg: ")
        assert "\n" not in found
    else:
        np.testing.assert_array_equal(found.codes, by_pillow(whole))
        assert "end marker" in found.warnings[0]


def test_a_cut_file_with_an_end_glued_on_is_an_error() -> None:
    start = whole.index(b"\xff\xda")
    for share in (0.2, 0.5, 0.8):
        cut = whole[: start + int(share * (len(whole) - start))]
        with pytest.raises(PhotoError, match="missing"):
            read(cut + b"\xff\xd9")


@pytest.mark.parametrize("level", [127, 128, 129])
def test_a_picture_that_ends_in_middle_grey_is_no_damage(level: int) -> None:
    data = jpeg_bytes(Image.fromarray(np.full((33, 17, 3), level, np.uint8)))
    assert read(data).warnings == ()


def test_a_header_without_height_is_an_error() -> None:
    at = whole.index(b"\xff\xc0")
    with pytest.raises(PhotoError, match="56 x 0 pixels"):
        read(whole[: at + 5] + b"\0\0" + whole[at + 7 :])


def test_thousands_of_passes_are_refused() -> None:
    data = jpeg_bytes(progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(PhotoError, match="passes"):
        read(data[:-2] + last * 1000 + data[-2:])


@settings(max_examples=60)
@given(st.binary(max_size=200), st.integers(2, 400))
def test_noise_in_the_header_is_our_error_or_the_picture(noise: bytes, at: int) -> None:
    found = read_or_told(whole[:at] + noise + whole[at + len(noise) :])
    assert isinstance(found, Stored) or "\n" not in found


def exif_of(orientation: int) -> bytes:
    return piexif.dump({"0th": {274: orientation}})


def test_the_first_of_two_exif_blocks_counts() -> None:
    two = [segment(0xE1, exif_of(orientation)) for orientation in (6, 3)]
    found = read(with_segments(whole, *two))
    assert found.exif == exif_of(6)[6:]
    assert "more than one EXIF" in found.warnings[0]


def test_exif_goes_on_in_a_segment_without_a_header() -> None:
    block = exif_of(6)[6:] + bytes(range(200))
    parts = [segment(0xE1, b"Exif\0\0" + part) for part in (block[:70], block[70:])]
    found = read(with_segments(whole, *parts))
    assert found.exif == block
    assert found.warnings == ()


def icc_parts(icc: bytes, order: tuple[int, ...]) -> list[bytes]:
    size = -(-len(icc) // 3)
    return [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 3]) + icc[(n - 1) * size : n * size])
        for n in order
    ]


def test_a_profile_in_parts_in_any_order() -> None:
    assert read(with_segments(whole, *icc_parts(SRGB, (3, 1, 2)))).icc == SRGB


@pytest.mark.parametrize("order", [(1, 3), (2,), (1, 2)])
def test_a_profile_without_one_of_its_parts_is_none(order: tuple[int, ...]) -> None:
    found = read(with_segments(whole, *icc_parts(SRGB, order)))
    assert found.icc == b""
    assert "ICC profile is missing" in found.warnings[0]


def packet(digest: str = "") -> bytes:
    note = XMP_NOTE % digest if digest else ""
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {note}/></x:xmpmeta>'.encode()


def extension_segments(content: bytes, digest: str, size: int = 700) -> list[bytes]:
    return [
        segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + digest.encode()
            + struct.pack(">II", len(content), start)
            + content[start : start + size],
        )
        for start in range(0, len(content), size)
    ]


def xmp_segment(content: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + content)


def test_the_header_that_an_agency_writes_is_one_of_xmp_too() -> None:
    said = segment(0xE1, b"XMP\0://ns.adobe.com/xap/1.0/\0" + packet())
    assert read(with_segments(whole, said)).xmp == packet()


CONTENT = b"<x:xmpmeta>" + bytes(range(48, 90)) * 60 + b"</x:xmpmeta>"
DIGEST = hashlib.md5(CONTENT).hexdigest().upper()


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_extended_xmp_in_any_order_and_in_several_copies(case: Any) -> None:
    parts = extension_segments(CONTENT, DIGEST)
    stranger = extension_segments(b"other", "A" * 32)
    data = with_segments(
        whole, xmp_segment(packet(case(DIGEST))), *parts[::-1], *stranger, parts[0]
    )
    found = read(data)
    assert found.xmp_extension == CONTENT
    assert found.warnings == ()


def lying(body: bytes, at: int, number: int) -> bytes:
    at += 4 + 35 + 32
    return body[:at] + struct.pack(">I", number) + body[at + 4 :]


@pytest.mark.parametrize(
    "parts",
    [
        extension_segments(CONTENT, DIGEST)[:-1],
        extension_segments(CONTENT[:-1] + b"!", DIGEST),
        extension_segments(CONTENT, "B" * 32),
        [lying(part, 0, 0xFFFFFFFF) for part in extension_segments(CONTENT, DIGEST)],
        [lying(part, 4, 0xFFFFFF00) for part in extension_segments(CONTENT, DIGEST)],
        [],
    ],
    ids=["part missing", "changed", "another's", "4 GB", "outside", "none"],
)
def test_extended_xmp_that_is_wrong_is_left_out(parts: list[bytes]) -> None:
    found = read(with_segments(whole, xmp_segment(packet(DIGEST)), *parts))
    assert found.xmp_extension == b""
    assert "XMP" in found.warnings[0]


def written(stored: Stored, quality: int = 95) -> tuple[bytes, tuple[str, ...]]:
    file = io.BytesIO()
    left_out = jpeg.encode(file, stored, quality)
    return file.getvalue(), left_out


def test_everything_comes_back() -> None:
    stored = Stored(
        picture(),
        exif=exif_of(1)[6:],
        icc=SRGB + bytes(150_000),
        xmp=packet(DIGEST),
        xmp_extension=CONTENT,
        iptc=RECORDS * 9000,
        dpi=(300.0, 300.0),
    )
    data, left_out = written(stored)
    assert left_out == ()
    found = read(data)
    for field in ("exif", "icc", "xmp", "xmp_extension", "iptc", "dpi"):
        assert getattr(found, field) == getattr(stored, field), field
    assert np.abs(found.codes.astype(int) - stored.codes).max() < 12
    assert found.warnings == ()


def test_pillow_reads_what_is_written() -> None:
    stored = Stored(picture(), exif=exif_of(1)[6:], icc=SRGB, xmp=packet(), iptc=RECORDS)
    data, _ = written(stored)
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == SRGB
        assert image.info["xmp"] == packet()
        assert image.getexif()[274] == 1
        assert IptcImagePlugin.getiptcinfo(image)[2, 105] == b"Title"
        assert image.layer[0][1:3] == (1, 1) == image.layer[1][1:3]  # no chroma subsampling


def test_a_packet_too_long_for_a_segment_goes_beyond_it() -> None:
    xmp = b'<?xpacket begin="" id=""?>' + packet().replace(b"/>", b' a="' + b"x" * 90_000 + b'"/>')
    data, left_out = written(Stored(picture(), xmp=xmp + b'<?xpacket end="w"?>'))
    found = read(data)
    assert left_out == ()
    assert found.warnings == ()
    assert b"x" * 90_000 in found.xmp_extension
    assert b"xpacket" not in found.xmp_extension
    assert len(found.xmp) < 1000


def test_an_extension_that_no_packet_names_is_left_out_and_said() -> None:
    data, left_out = written(Stored(picture(), xmp=packet(), xmp_extension=CONTENT))
    assert "not named" in left_out[0]
    assert read(data).xmp_extension == b""


def test_exif_too_long_goes_without_its_maker_note() -> None:
    block = piexif.dump({"0th": {271: b"Maker"}, "Exif": {37500: bytes(65400), 37385: 1}})[6:]
    block = block.replace(b"Maker\0", b"Maker\0") + bytes(400)
    data, left_out = written(Stored(picture(), exif=block))
    assert "MakerNote" in left_out[0]
    tags = piexif.load(data)
    assert tags["0th"][271] == b"Maker"
    assert 37500 not in tags["Exif"]
    assert tags["Exif"][37385] == 1
