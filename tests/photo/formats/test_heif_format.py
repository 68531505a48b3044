"""HEIF and HEIC files that pillow-heif writes, and what we write, read by pillow-heif."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import piexif
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from depthfx.errors import PhotoError
from depthfx.photo.boxes import Item, Items, Property, brands, read_items, write_items
from depthfx.photo.exif import parse
from depthfx.photo.formats import heif
from depthfx.photo.stored import Reading, Stored, full_range

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
EXIF = piexif.dump({"0th": {271: b"Maker"}, "Exif": {37500: b"note " * 9, 41989: 26}})[6:]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS = {"quality": -1, "chroma": 444, "matrix_coefficients": 0, "full_range_flag": 1}
CORNERS = {2: (40, 120), 3: (200, 60, 50), 4: (200, 60, 50, 120)}


def picture(bits: int, channels: int, height: int = 70, width: int = 90) -> Any:
    """Noise over a gradient, other in each channel, as codes of `bits`."""
    y, x = np.mgrid[0:height, 0:width]
    top = (1 << bits) - 1
    planes = [(x * (7 + c) + y * (3 + 5 * c)) * top // 1500 for c in range(channels)]
    noise = np.random.default_rng(0).integers(0, top // 8, (height, width, channels))
    codes = np.clip(np.dstack(planes) + noise, 0, top).astype(np.uint8 if bits == 8 else np.uint16)
    return codes[..., 0] if channels == 1 else codes


def by_pillow_heif(codes: Any, bits: int, mode: str, **options: Any) -> bytes:
    file = io.BytesIO()
    named = mode if bits == 8 else f"{mode};{bits}"
    size = codes.shape[1], codes.shape[0]
    options = {**LOSSLESS, "bit_depth": bits, **options}
    pillow_heif.encode(named, size, codes.tobytes(), file, **options)
    return file.getvalue()


def decoded(data: bytes, **reading: Any) -> Stored:
    return heif.decode(io.BytesIO(data), Reading(file_bytes=len(data), **reading))


def encoded(stored: Stored, quality: int = 100) -> bytes:
    file = io.BytesIO()
    heif.encode(file, stored, quality)
    return file.getvalue()


def changed(data: bytes, *added: Property) -> bytes:
    """The file with further properties of its picture."""
    items = read_items(data)
    item = items[items.primary]
    item = replace(item, properties=(*item.properties, *added))
    file = io.BytesIO()
    write_items(
        file,
        Items(items.primary, {**items.by_number, items.primary: item}),
        b"".join(brands(data[:64])),
    )
    return file.getvalue()


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_code_is_read_over_the_full_range(bits: int, mode: str) -> None:
    codes = picture(bits, len(mode))
    options = {"matrix_coefficients": 6} if mode in ("L", "LA") else {}
    stored = decoded(by_pillow_heif(codes, bits, mode, **options))
    assert (stored.bit_depth, stored.grey) == (bits, mode in ("L", "LA"))
    np.testing.assert_array_equal(stored.with_alpha_last(), full_range(codes, bits))


def test_twelve_bits_reach_both_ends() -> None:
    codes = np.zeros((64, 64, 3), np.uint16)
    codes[32:] = 4095
    found = decoded(by_pillow_heif(codes, 12, "RGB")).codes
    assert (found.min(), found.max()) == (0, 65535)


def test_premultiplied_colours_are_made_straight() -> None:
    alpha = np.full((64, 64), 128, np.uint8)
    colour = np.full((64, 64, 3), (100, 50, 20), np.uint8)
    stored = decoded(by_pillow_heif(np.dstack([colour, alpha]), 8, "RGBa"))
    np.testing.assert_array_equal(stored.alpha, alpha)
    np.testing.assert_allclose(stored.codes, colour / (128 / 255), atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_file_turns_its_picture_once(orientation: int) -> None:
    """pillow-heif writes `irot` and `imir` for what EXIF says of the orientation."""
    codes = picture(8, 3)
    exif = piexif.dump({"0th": {274: orientation}})
    data = by_pillow_heif(codes, 8, "RGB", exif=exif)
    turned = np.asarray(pillow_heif.open_heif(data))
    assert (turned.shape == (90, 70, 3)) == (orientation > 4)
    stored = decoded(data)
    assert stored.upright
    assert stored.warnings == ()
    np.testing.assert_array_equal(stored.codes, turned)


@given(
    st.integers(0, 3),
    st.integers(0, 1),
    st.tuples(st.integers(2, 20), st.integers(2, 20), st.integers(0, 5), st.integers(0, 5)),
)
@settings(max_examples=20, deadline=None)
def test_crop_turn_and_mirror_as_libheif_does(
    angle: int, mirror: int, crop: tuple[int, int, int, int]
) -> None:
    width, height, left, top = crop
    # Offsets are from the middle to the middle, in halves.
    clap = struct.pack(
        ">4IiIiI", width, 1, height, 1, 2 * left + width - 90, 2, 2 * top + height - 70, 2
    )
    turns = (
        Property(b"clap", clap, True),
        Property(b"irot", bytes([angle]), True),
        Property(b"imir", bytes([mirror]), True),
    )
    data = changed(by_pillow_heif(picture(8, 3, 70, 90)[:64, :64].copy(), 8, "RGB"), *turns)
    clap64 = struct.pack(
        ">4IiIiI", width, 1, height, 1, 2 * left + width - 64, 2, 2 * top + height - 64, 2
    )
    data = data.replace(clap, clap64)
    np.testing.assert_array_equal(decoded(data).codes, np.asarray(pillow_heif.open_heif(data)))


def test_exif_without_a_turn_of_the_file_is_information_only() -> None:
    codes = picture(8, 3)
    exif = piexif.dump({"0th": {274: 6}})[6:]
    stored = decoded(encoded(Stored(codes, exif=exif, xmp=XMP)))
    np.testing.assert_array_equal(stored.codes, codes)
    assert parse(stored.exif).orientation == 6
    assert ["orientation 6" in warning for warning in stored.warnings] == [True]


def test_the_primary_picture_is_read_and_not_the_first() -> None:
    pictures = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    container = pillow_heif.from_pillow(pictures[0])
    for other in pictures[1:]:
        container.add_from_pillow(other)
    file = io.BytesIO()
    container.save(file, primary_index=1, **LOSSLESS)
    assert decoded(file.getvalue()).codes[5, 5].tolist() == [0, 255, 0]


def test_a_grid_of_tiles_is_one_picture() -> None:
    codes = picture(8, 3, 150, 200)
    data = by_pillow_heif(codes, 8, "RGB", tile_size=64, exif=EXIF, icc_profile=SRGB)
    assert read_items(data)[read_items(data).primary].kind == b"grid"
    stored = decoded(data)
    np.testing.assert_array_equal(stored.codes, codes)
    assert (stored.icc, stored.exif) == (SRGB, EXIF)
    with pytest.raises(PhotoError, match="more than the 20000"):
        decoded(data, max_pixels=20_000)


def test_a_picture_made_of_a_turned_one_is_turned_after_it() -> None:
    """An `iden` of a picture: both may have turns, and both count."""
    codes = picture(8, 3, 64, 128)
    coded = read_items(by_pillow_heif(codes, 8, "RGB"))
    quarter = Property(b"irot", b"\1", True)
    inner = coded[coded.primary]
    inner = replace(inner, properties=(*inner.properties, quarter), hidden=True)
    ispe = Property(b"ispe", struct.pack(">III", 0, 64, 128))
    mirror = Property(b"imir", b"\1", True)
    outer = Item(b"iden", (b"",), (ispe, mirror), {b"dimg": (2,)})
    file = io.BytesIO()
    write_items(file, Items(1, {1: outer, 2: inner}), b"heicmif1heic")
    expected = np.rot90(codes)[:, ::-1]
    np.testing.assert_array_equal(np.asarray(pillow_heif.open_heif(file)), expected)
    np.testing.assert_array_equal(decoded(file.getvalue()).codes, expected)


def test_metadata_of_other_writers() -> None:
    data = by_pillow_heif(picture(8, 3), 8, "RGB", exif=b"Exif\0\0" + EXIF, xmp=b"<xmp/>")
    stored = decoded(data)
    assert (stored.exif, stored.xmp, stored.cicp) == (EXIF, b"<xmp/>", (1, 13))


def test_hdr_codes_are_left_as_they_are_and_named() -> None:
    codes = picture(10, 3)
    pq = {"color_primaries": 9, "transfer_characteristics": 16}
    stored = decoded(by_pillow_heif(codes, 10, "RGB", **pq))
    assert stored.cicp == (9, 16)
    np.testing.assert_array_equal(stored.codes, full_range(codes, 10))


@pytest.mark.parametrize(
    ("angle", "centre"), [(0, (32, 16)), (1, (16, 96)), (2, (96, 48)), (3, (48, 32))]
)
def test_intrinsics_are_of_the_upright_picture(angle: int, centre: tuple[int, int]) -> None:
    """A picture of 128 x 64 with the centre at (32, 16), turned by quarters anticlockwise."""
    unit_shift = 20
    shares = (int(share * (1 << unit_shift)) for share in (1.5, 32 / 128, 16 / 64))
    body = (unit_shift << 8).to_bytes(4, "big") + struct.pack(">iii", *shares)
    apples = bytes.fromhex("22cc04c7d6d94e079d904eb6ecbaf3a3") + body
    data = by_pillow_heif(picture(8, 3, 64, 128), 8, "RGB")
    for said in (Property(b"cmin", body), Property(b"uuid", apples)):
        found = decoded(changed(data, said, Property(b"irot", bytes([angle]), True))).focal
        assert found == pytest.approx((1.5 * 128, *centre))


def test_sizes_are_checked_before_decoding() -> None:
    """By the box and by the coded picture, whichever says more."""
    data = by_pillow_heif(picture(8, 3, 256, 256), 8, "RGB")
    honest = struct.pack(">II", 256, 256)
    assert data.count(honest) == 1
    for width, height, allowed in ((60000, 60000, None), (64, 64, 10_000)):
        lying = data.replace(honest, struct.pack(">II", width, height))
        with pytest.raises(PhotoError, match="more than the"):
            decoded(lying, max_pixels=allowed)
    with pytest.raises(PhotoError, match="0 x 0"):
        decoded(data.replace(honest, bytes(8)))


def test_a_grid_that_lies_is_refused() -> None:
    data = by_pillow_heif(picture(8, 3, 150, 200), 8, "RGB", tile_size=64)
    items = read_items(data)
    grid = items[items.primary]
    plan = bytearray(grid.data)
    plan[2] = plan[3] = 255
    made = {**items.by_number, items.primary: replace(grid, parts=(bytes(plan),))}
    file = io.BytesIO()
    write_items(file, Items(items.primary, made), b"heicmif1heic")
    with pytest.raises(PhotoError, match="256 x 256 tiles is made of 12"):
        decoded(file.getvalue())


def test_many_large_tiles_for_a_small_picture_are_refused() -> None:
    """Each would be decoded, one after the other."""
    leaf = read_items(
        by_pillow_heif(np.zeros((1024, 1024), np.uint8), 8, "L", matrix_coefficients=6)
    )
    ispe = Property(b"ispe", struct.pack(">III", 0, 64, 64))
    plan = bytes((0, 0, 9, 9)) + struct.pack(">HH", 64, 64)
    tile = replace(leaf[leaf.primary], hidden=True)
    for kind, data in ((b"grid", plan), (b"iovl", bytes(10) + plan[4:] + bytes(800))):
        made = Item(kind, (data,), (ispe,), {b"dimg": (2,) * 100})
        file = io.BytesIO()
        write_items(file, Items(1, {1: made, 2: tile}), b"heicmif1heic")
        with pytest.raises(PhotoError, match="have 104857600 pixels, for 4096 of its own"):
            decoded(file.getvalue())


def test_pictures_made_of_themselves_are_refused() -> None:
    ispe = Property(b"ispe", struct.pack(">III", 0, 64, 64))
    loop = Item(b"iden", (b"",), (ispe,), {b"dimg": (1,)})
    many = Item(b"iovl", (bytes(18),), (ispe,), {b"dimg": (2,) * 60000})
    coded = Item(b"hvc1", (b"",), (ispe,))
    for items in (Items(1, {1: loop}), Items(1, {1: many, 2: coded})):
        file = io.BytesIO()
        write_items(file, items, b"heicmif1heic")
        with pytest.raises(PhotoError, match="is made of more than"):
            decoded(file.getvalue())


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_file_that_is_cut_off_is_refused(data: st.DataObject) -> None:
    whole = by_pillow_heif(picture(8, 3), 8, "RGB")
    with pytest.raises(PhotoError):
        decoded(whole[: data.draw(st.integers(12, len(whole) - 1))])


def test_metadata_beyond_the_end_cost_only_themselves() -> None:
    codes = picture(8, 3)
    file = io.BytesIO()
    heif.encode(file, Stored(codes, exif=EXIF, xmp=XMP), 100)
    stored = decoded(file.getvalue()[:-1])
    np.testing.assert_array_equal(stored.codes, codes)
    assert (stored.exif, stored.xmp) == (EXIF, b"")
    assert stored.warnings == ("its XMP lies beyond the end of the file and was left out",)


@pytest.mark.parametrize("encoding", [b"deflate", b"compress_zlib"])
def test_deflated_xmp_is_read(encoding: bytes) -> None:
    def with_xmp(data: bytes) -> Stored:
        items = read_items(by_pillow_heif(picture(8, 3), 8, "RGB"))
        described = {b"cdsc": (items.primary,)}
        said = Item(
            b"mime", (data,), (), described, heif.XMP_TYPE, hidden=True, content_encoding=encoding
        )
        file = io.BytesIO()
        write_items(file, Items(items.primary, {**items.by_number, 9: said}), b"heicmif1heic")
        return decoded(file.getvalue())

    packed = zlib.compress(XMP)
    assert with_xmp(packed).xmp == XMP
    assert with_xmp(b"x" + packed).warnings == ("its XMP is damaged and was left out",)
    bomb = with_xmp(zlib.compress(bytes(100 << 20)))
    assert bomb.warnings == ("its XMP is too long and was left out",)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_full_range_is_believed_of_the_bitstream(mode: str) -> None:
    codes = picture(8, len(mode))
    full = by_pillow_heif(codes, 8, mode, matrix_coefficients=6)
    items = read_items(full)
    item = items[items.primary]
    limited = tuple(
        p._replace(body=p.body[:-1] + b"\0") if p.kind == b"colr" else p for p in item.properties
    )
    assert limited != item.properties
    file = io.BytesIO()
    wrong = {**items.by_number, items.primary: replace(item, properties=limited)}
    write_items(file, Items(items.primary, wrong), b"heicmif1heic")
    np.testing.assert_array_equal(decoded(file.getvalue()).codes, decoded(full).codes)


def test_colour_that_is_cut_off_costs_only_itself() -> None:
    codes = picture(8, 3)
    data = changed(by_pillow_heif(codes, 8, "RGB"), Property(b"colr", b"nclx\0\1\0\x0d\0\6"))
    np.testing.assert_array_equal(decoded(data).codes, codes)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_quality_100_is_without_loss(bits: int, channels: int) -> None:
    codes = full_range(picture(bits, channels), bits)
    colour = codes if channels == 1 else codes[..., 0] if channels == 2 else codes[..., :3]
    alpha = codes[..., -1] if channels in (2, 4) else None
    data = encoded(Stored(np.ascontiguousarray(colour), alpha, bits))
    back = decoded(data)
    assert (back.bit_depth, back.cicp) == (bits, (1, 13))
    np.testing.assert_array_equal(back.with_alpha_last(), codes)
    assert pillow_heif.open_heif(data, convert_hdr_to_8bit=False).info["bit_depth"] == bits


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_kept_at_any_quality(channels: int) -> None:
    codes = picture(8, channels)
    colour = np.ascontiguousarray(codes[..., 0] if channels == 2 else codes[..., :3])
    data = encoded(Stored(colour, codes[..., -1]), 50)
    np.testing.assert_array_equal(decoded(data).alpha, codes[..., -1])
    seen = np.asarray(pillow_heif.open_heif(data).to_pillow())
    np.testing.assert_array_equal(seen[..., -1], codes[..., -1])


def test_lower_quality_is_smaller_and_near() -> None:
    codes = picture(8, 3, 200, 300)
    files = {quality: encoded(Stored(codes), quality) for quality in (50, 95)}
    assert len(files[50]) < len(files[95])
    assert np.abs(decoded(files[95]).codes.astype(int) - codes).mean() < 1.5
    assert pillow_heif.open_heif(files[95]).info["chroma"] == 444


def test_metadata_are_kept_and_turn_nothing() -> None:
    """Whatever EXIF and XMP say of the orientation: encoders must not act on it."""
    codes = picture(8, 3)
    file = io.BytesIO()
    exif = piexif.dump({"0th": {271: b"Maker", 274: 8}})[6:]
    stored = Stored(codes, exif=exif, icc=SRGB, xmp=XMP, iptc=b"\x1c\x02")
    left_out = heif.encode(file, stored, 100)
    assert [line.split()[1] for line in left_out] == ["IPTC"]
    back = decoded(file.getvalue())
    assert (back.exif, back.icc, back.xmp) == (exif, SRGB, XMP)
    np.testing.assert_array_equal(back.codes, codes)
    other = pillow_heif.open_heif(file.getvalue())
    assert other.info["exif"].removeprefix(b"Exif\0\0") == exif
    assert (other.info["xmp"], other.info["icc_profile"]) == (XMP, SRGB)
    np.testing.assert_array_equal(np.asarray(other), codes)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 300), (333, 77), (64, 65)])
def test_odd_sizes(width: int, height: int) -> None:
    codes = picture(8, 3, height, width)
    np.testing.assert_array_equal(decoded(encoded(Stored(codes))).codes, codes)


def test_reading_it_opens_no_path(tmp_path: Path) -> None:
    """A file object is enough, as for every format."""
    path = tmp_path / "a.heic"
    path.write_bytes(encoded(Stored(picture(8, 3))))
    with path.open("rb") as file:
        assert heif.decode(file, Reading()).codes.shape == (70, 90, 3)
