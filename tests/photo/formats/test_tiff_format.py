"""TIFF files of every kind that tifffile, Pillow and plain bytes make."""

from __future__ import annotations

import io
import logging
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import piexif
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from skimage.color import lab2xyz

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import XYZ_TO_SRGB
from depthfx.photo.decode import decode
from depthfx.photo.formats import tiff
from depthfx.photo.stored import Reading, Stored

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
RECORDS = b"\x1c\x02\x69\x00\x05Title\x1c\x02\x78\x00\x03abc"
RANDOM = np.random.default_rng(7).integers(0, 65536, (70, 50, 5)).astype(np.uint16)


def tiff_of(codes: np.ndarray, **options: Any) -> bytes:
    """By tifffile, as one page."""
    file = io.BytesIO()
    options = {"photometric": "rgb" if codes.ndim == 3 else "minisblack", **options}
    bigtiff, byteorder = options.pop("bigtiff", False), options.pop("byteorder", "<")
    with tifffile.TiffWriter(file, bigtiff=bigtiff, byteorder=byteorder) as writer:
        writer.write(codes, metadata=None, **options)
    return file.getvalue()


def read(data: bytes, **reading: Any) -> Stored:
    return decode(io.BytesIO(data), Path("photo.tif"), Reading(**reading))


LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
    "strips": {"rowsperstrip": 13},
    "tiles": {"tile": (32, 16)},
    "planes": {"planarconfig": "separate"},
    "planes of tiles": {"planarconfig": "separate", "tile": (16, 32), "compression": "zlib"},
    "LZW": {"compression": "lzw"},
    "LZW, predictor": {"compression": "lzw", "predictor": True, "byteorder": ">"},
    "deflate": {"compression": "zlib", "predictor": True, "rowsperstrip": 9},
    "LZMA": {"compression": "lzma"},
    "ZSTD": {"compression": "zstd", "predictor": True},
    "PackBits": {"compression": "packbits"},
    "PNG": {"compression": "png"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colour_is_exact_however_it_lies(layout: str, dtype: Any) -> None:
    if layout == "PNG" and dtype == np.float32:
        pytest.skip("PNG has no floats")
    codes = RANDOM[..., :3].astype(dtype)
    data = tiff_of(
        codes if "planes" not in layout else np.moveaxis(codes, -1, 0), **LAYOUTS[layout]
    )
    found = read(data)
    np.testing.assert_array_equal(found.codes, codes)
    assert found.codes.dtype == np.dtype(dtype)
    assert found.codes.dtype.isnative
    assert found.bit_depth == 8 * found.codes.dtype.itemsize
    assert found.alpha is None
    assert found.warnings == ()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("grey", [False, True])
def test_floats_are_linear_light_unless_a_profile_says_else(dtype: Any, grey: bool) -> None:
    light = ((RANDOM[..., 0] if grey else RANDOM[..., :3]) / 9000).astype(dtype)
    found = read(tiff_of(light, compression="zlib", predictor=True))
    np.testing.assert_array_equal(found.codes, light.astype(np.float32))
    assert found.codes.dtype == np.float32
    np.testing.assert_array_equal(found.linear, np.eye(3))
    assert found.bit_depth == min(32, 8 * np.dtype(dtype).itemsize)
    assert read(tiff_of(light, iccprofile=SRGB)).linear is None


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_bits_between_are_spread_over_sixteen(bits: int) -> None:
    codes = RANDOM[..., :3] >> (16 - bits)
    found = read(tiff_of(codes, bitspersample=bits))
    assert found.bit_depth == bits
    np.testing.assert_allclose(found.codes / 65535, codes / ((1 << bits) - 1), atol=0.5 / 65535)


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_are_spread_over_eight(bits: int) -> None:
    codes = (RANDOM[..., 0] >> (16 - bits)).astype(np.uint8)
    found = read(tiff_of(codes, bitspersample=bits))
    assert found.bit_depth == bits
    np.testing.assert_array_equal(found.codes, codes * (255 // ((1 << bits) - 1)))


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "packbits", "tiff_lzw"])
def test_black_and_white(compression: str) -> None:
    bits = RANDOM[..., 0] > 30000
    file = io.BytesIO()
    Image.fromarray(bits).save(file, "TIFF", compression=compression)
    found = read(file.getvalue())
    assert found.bit_depth == 1
    np.testing.assert_array_equal(found.codes, bits * np.uint8(255))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype: Any) -> None:
    codes = RANDOM[..., 0].astype(dtype)
    found = read(tiff_of(codes, photometric="miniswhite"))
    np.testing.assert_array_equal(found.codes, np.iinfo(dtype).max - codes)


@pytest.mark.parametrize("eight", [False, True])
def test_a_palette_becomes_colour(eight: bool) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    codes = RANDOM[..., 0].astype(np.uint8)
    stored = colours if eight else colours * 257
    found = read(tiff_of(codes, photometric="palette", colormap=stored))
    np.testing.assert_array_equal(found.codes, np.moveaxis(colours[:, codes], 0, -1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("extra", [None, "unassalpha", "unspecified"])
def test_inks_with_and_without_alpha(dtype: Any, extra: str | None) -> None:
    codes = RANDOM[..., : 4 if extra is None else 5].astype(dtype)
    options = {} if extra is None else {"extrasamples": [extra]}
    found = read(tiff_of(codes, photometric="separated", **options))
    np.testing.assert_array_equal(found.codes, codes[..., :4])
    assert found.inks
    if extra == "unassalpha":
        np.testing.assert_array_equal(found.alpha, codes[..., 4])
    else:
        assert found.alpha is None


def test_other_inks_are_refused() -> None:
    with pytest.raises(PhotoError, match="inks"):
        read(tiff_of(RANDOM[..., :4], photometric="separated", extratags=[(332, 3, 1, 2, True)]))


def test_jpeg_within() -> None:
    y, x = np.mgrid[0:64, 0:48]
    codes = np.stack([3 * x, 3 * y, x + y], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(codes).save(file, "TIFF", compression="jpeg", quality=100)
    assert np.abs(read(file.getvalue()).codes.astype(int) - codes).mean() < 3


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lab_is_the_light_that_it_names(dtype: Any) -> None:
    top, unit = np.iinfo(dtype).max, 1 if dtype == np.uint8 else 256
    signed = np.int8 if dtype == np.uint8 else np.int16
    codes = RANDOM[..., :3].astype(dtype)
    lab = np.dstack([codes[..., 0] * (100 / top), codes[..., 1:].view(signed) / unit])
    wanted = lab2xyz(lab, illuminant="D50")
    found = read(tiff_of(codes, photometric="cielab"))
    # Colours that no light has are cut off there and carried on here.
    real = (lab[..., 2] / 200 < (lab[..., 0] + 16) / 116) & (lab[..., 1] / 500 > -0.1)
    xyz = found.codes @ np.linalg.inv(XYZ_TO_SRGB).T
    white = np.array([0.9642, 1.0, 0.8249]) / lab2xyz([[[100.0, 0, 0]]], illuminant="D50")[0, 0]
    np.testing.assert_allclose(xyz[real], (wanted * white)[real], atol=2e-4)
    np.testing.assert_array_equal(found.linear, np.eye(3))
    offset = codes ^ np.array([0, 1 << (8 * codes.dtype.itemsize - 1)] * 2, dtype)[[0, 1, 1]]
    np.testing.assert_array_equal(read(tiff_of(offset, photometric="icclab")).codes, found.codes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_straight_alpha_is_kept(dtype: Any, channels: int) -> None:
    codes = RANDOM[..., :channels].astype(dtype)
    photometric = "rgb" if channels == 4 else "minisblack"
    data = tiff_of(
        codes, photometric=photometric, planarconfig="contig", extrasamples=["unassalpha"]
    )
    np.testing.assert_array_equal(read(data).with_alpha_last(), codes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colour_multiplied_by_alpha_is_divided(dtype: Any) -> None:
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    straight = RANDOM[..., :3] / 65535
    alpha = np.where(RANDOM[..., 3] < 9000, 0, 0.2 + 0.8 * RANDOM[..., 3] / 65535)
    stored = np.dstack([straight * alpha[..., None], alpha]) * top
    stored = stored.astype(dtype) if dtype == np.float32 else np.rint(stored).astype(dtype)
    found = read(tiff_of(stored, extrasamples=["assocalpha"]))
    seen = alpha > 0
    error = np.abs(found.codes[seen] / top - straight[seen]).max()
    assert error < (1e-6 if dtype == np.float32 else 3 / top)
    np.testing.assert_array_equal(found.codes[~seen], 0)
    np.testing.assert_array_equal(found.alpha, stored[..., 3])


def pages(*written: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for codes, options in written:
            writer.write(codes, photometric="rgb", metadata=None, **options)
    return file.getvalue()


def test_the_first_full_page_and_its_orientation_count() -> None:
    small, full, other = (RANDOM[:n, :n, :3] for n in (8, 40, 50))
    turned = {"extratags": [(274, 3, 1, 6, True)], "iccprofile": SRGB}
    found = read(pages((small, {"subfiletype": 1}), (full, turned), (other, {})))
    np.testing.assert_array_equal(found.codes, full)
    assert piexif.load(b"Exif\0\0" + found.exif)["0th"][274] == 6
    assert found.icc == SRGB


def block_tags(order: str = "<") -> list[tuple[Any, ...]]:
    padded = RECORDS + bytes(-len(RECORDS) % 4)
    numbers = struct.unpack(order + f"{len(padded) // 4}I", padded)
    return [(700, 1, len(XMP), XMP, True), (33723, 4, len(numbers), numbers, True)]


@pytest.mark.parametrize(("byteorder", "order"), [("<", "<"), (">", ">"), ("<", ">")])
def test_metadata_are_read(byteorder: str, order: str) -> None:
    """IPTC records as 32-bit numbers, in the right byte order or the wrong one."""
    found = read(
        tiff_of(
            RANDOM[..., :3],
            byteorder=byteorder,
            extratags=block_tags(order),
            iccprofile=SRGB,
            resolution=(118.11, 118.11),
            resolutionunit="centimeter",
            description="a wall",
        )
    )
    assert (found.xmp, found.icc) == (XMP, SRGB)
    assert found.iptc == RECORDS
    assert found.dpi == pytest.approx((300, 300), rel=1e-4)
    tags = piexif.load(b"Exif\0\0" + found.exif)["0th"]
    assert tags[270].rstrip(b"\0") == b"a wall"
    assert not {256, 273, 700, 33723, 34675} & set(tags)


def test_records_within_image_resources() -> None:
    other = b"8BIM" + struct.pack(">H", 1005) + b"\x03abc" + struct.pack(">I", 3) + b"xyz\0"
    block = other + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(RECORDS)) + RECORDS
    found = read(tiff_of(RANDOM[..., :3], extratags=[(34377, 7, len(block), block, True)]))
    assert found.iptc == RECORDS


whole = tiff_of(RANDOM[..., :3], compression="zlib", rowsperstrip=9)
plain = tiff_of(RANDOM[..., :3])


@pytest.mark.parametrize("data", [whole, plain], ids=["deflate", "plain"])
@given(data_=st.data())
def test_a_cut_file_is_one_line(data: bytes, data_: st.DataObject) -> None:
    length = data_.draw(st.integers(4, len(data) - 3))
    with pytest.raises(PhotoError, match=r"^photo.tif: [^\n]*$"):
        read(data[:length])


@given(st.integers(0, 200), st.binary(min_size=1, max_size=6))
def test_noise_in_the_directory_is_our_error_or_a_picture(at: int, noise: bytes) -> None:
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        read(damaged, max_pixels=10**7)
    except PhotoError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


def with_tag(data: bytes, tag: int, value: int, count: int = 1) -> bytes:
    """A little-endian TIFF with a LONG in place of what `tag` had."""
    start = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[start : start + 2], "little")
    for at in range(start + 2, start + 2 + 12 * entries, 12):
        if int.from_bytes(data[at : at + 2], "little") == tag:
            return data[:at] + struct.pack("<HHII", tag, 4, count, value) + data[at + 12 :]
    raise KeyError(tag)


@pytest.mark.parametrize(
    ("tag", "value"),
    [(273, 1 << 30), (273, 0), (279, 1 << 30), (279, 0)],
    ids=["strip outside", "no strip", "strip too long", "empty strip"],
)
def test_a_strip_outside_of_the_file_is_damage_and_not_black(tag: int, value: int) -> None:
    data = tiff_of(RANDOM[..., :3], compression="lzw")
    with pytest.raises(PhotoError, match="picture data is missing"):
        read(with_tag(data, tag, value))


@pytest.mark.parametrize("compression", ["lzw", "zlib"])
def test_a_strip_too_short_for_its_rows_is_damage(compression: str) -> None:
    with pytest.raises(PhotoError, match="damaged"):
        read(with_tag(tiff_of(RANDOM[..., :3], compression=compression), 279, 900))


@pytest.mark.parametrize(
    ("tag", "value", "told"),
    [
        (256, 1 << 31, "pixels by its header"),
        (258, 77, "77-bit"),
        (277, 60000, "60000 channels"),
        (262, 4, "MASK"),
        (339, 2, "of a kind that is not read"),
    ],
)
def test_what_is_not_read_says_so(tag: int, value: int, told: str) -> None:
    data = tiff_of(RANDOM[..., :3].astype(np.int16) if tag == 339 else RANDOM[..., :3])
    with pytest.raises(PhotoError, match=told):
        read(data if tag == 339 else with_tag(data, tag, value))


def by_hand(strip: bytes, tags: dict[int, tuple[int, ...]], blocks: bytes = b"") -> bytes:
    """A little-endian TIFF of one strip, which stands at byte 8, and `blocks` after it."""
    tags = {**tags, 273: (8,), 279: (len(strip),)}
    body = strip + blocks
    body += bytes(len(body) % 2)
    start = 8 + len(body)
    rows, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        value = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            place = start + 2 + 12 * len(tags) + 4 + len(values)
            value, values = struct.pack("<I", place), values + value
        rows += struct.pack("<HHI", tag, 4, len(numbers)) + value
    head = b"II*\0" + struct.pack("<I", start)
    return head + body + struct.pack("<H", len(tags)) + rows + bytes(4) + values


def test_old_jpeg_with_its_tables_in_tags() -> None:
    """JPEG of TIFF 6.0 section 22, as Wang's and Kodak's programs wrote it."""
    across, down = np.meshgrid(np.arange(32), np.arange(16))
    colours = np.dstack([8 * across, 16 * down, 128 + 0 * down]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "JPEG", quality=95, subsampling=0)
    jpeg, at = file.getvalue(), 2
    tables: dict[int, bytes] = {}
    while jpeg[at + 1] != 0xDA:
        marker, length = struct.unpack_from(">HH", jpeg, at)
        if marker in (0xFFDB, 0xFFC4):
            tables[marker << 8 | jpeg[at + 4]] = jpeg[at + 5 : at + 2 + length]
        at += 2 + length
    at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    strip, blocks, places = jpeg[at:-2], b"", {}
    for name, table in tables.items():
        places[name] = 8 + len(strip) + len(blocks)
        blocks += table
    quantisers, direct, others = (
        tuple(places[first | number] for number in (0, 1, 1))
        for first in (0xFFDB00, 0xFFC400, 0xFFC410)
    )
    tags = {256: (32,), 257: (16,), 258: (8, 8, 8), 259: (6,), 262: (6,), 277: (3,), 278: (16,)}
    tags |= {512: (1,), 519: quantisers, 520: direct, 521: others, 530: (1, 1)}
    stored = read(by_hand(strip, tags, blocks))
    assert abs(stored.codes.astype(int) - np.asarray(Image.open(file)).astype(int)).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_luma_and_chroma_without_jpeg(orientation: int) -> None:
    """As stored: it is turned later."""
    colours = np.zeros((6, 8, 3), np.uint8)
    colours[:3, :4], colours[:3, 4:], colours[3:, :4] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    pixels = np.asarray(Image.fromarray(colours).convert("YCbCr"))
    tags = [(274, 3, 1, orientation, True)]
    stored = read(tiff_of(pixels, photometric="ycbcr", compression="lzw", extratags=tags))
    assert abs(stored.codes.astype(int) - colours).max() <= 3
    assert exif_block.parse(stored.exif).orientation == orientation


def test_light_in_logarithms() -> None:
    """LogLuv of 32 bits: 2^1 of the white of equal energy, u' = 4/19 and v' = 9/19."""
    steps = 256 * (64 + 1)
    row = b"".join(bytes([4]) + bytes([byte] * 4) for byte in (steps >> 8, steps & 255, 86, 194))
    tags = {256: (4,), 257: (1,), 258: (16, 16, 16), 259: (34676,), 262: (32845,), 277: (3,)}
    stored = read(by_hand(row, {**tags, 278: (1,), 339: (2, 2, 2)}))
    assert stored.linear is not None
    np.testing.assert_allclose(stored.codes @ stored.linear.T, 2, rtol=0.02)
    tags = {256: (4,), 257: (1,), 258: (16,), 259: (34676,), 262: (32844,), 277: (1,)}
    stored = read(by_hand(row[:10], {**tags, 278: (1,), 339: (2,)}))
    np.testing.assert_allclose(stored.codes, 2, rtol=0.002)


@pytest.mark.parametrize("options", [{}, {"predictor": True}, {"planarconfig": "separate"}])
def test_a_last_strip_that_goes_on_below_the_picture(options: dict[str, Any]) -> None:
    codes = RANDOM[:64, :, :3]
    written = np.moveaxis(codes, -1, 0) if "planarconfig" in options else codes
    data = with_tag(tiff_of(written, compression="zlib", rowsperstrip=16, **options), 257, 55)
    np.testing.assert_array_equal(read(data).codes, codes[:55])
    grey = tiff_of(codes[..., 0], compression="zlib", rowsperstrip=16)
    np.testing.assert_array_equal(read(with_tag(grey, 257, 55)).codes, codes[:55, :, 0])


def test_a_strip_said_to_be_longer_than_its_pixels() -> None:
    codes = RANDOM[..., 0]
    np.testing.assert_array_equal(read(with_tag(tiff_of(codes), 279, 1 << 30)).codes, codes)


def test_a_fourth_channel_without_a_name_is_alpha() -> None:
    codes = RANDOM[..., :4]
    named = struct.pack("<HHII", 338, 3, 1, 2)
    other = struct.pack("<HHII", 337, 3, 1, 2)
    stored = read(tiff_of(codes, extrasamples=["unassalpha"]).replace(named, other))
    np.testing.assert_array_equal(stored.codes, codes[..., :3])
    assert stored.alpha is not None
    np.testing.assert_array_equal(stored.alpha, codes[..., 3])


def test_tiles_far_larger_than_the_picture_are_refused() -> None:
    data = tiff_of(RANDOM[..., :3], tile=(16, 16), compression="zlib")
    with pytest.raises(PhotoError, match="tiles of"):
        read(with_tag(with_tag(data, 322, 1 << 16), 323, 1 << 16))


def test_only_the_one_line_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("tifffile").setLevel(logging.NOTSET)
    with pytest.raises(PhotoError):
        read(with_tag(plain, 273, 1 << 30, count=1 << 30))
    assert capfd.readouterr().err == ""


def written(path: Path, stored: Stored) -> tuple[str, ...]:
    with path.open("w+b") as file:
        return tiff.encode(file, stored, 95)


EXIF = piexif.dump(
    {
        "0th": {271: b"Maker", 274: 1, 282: (72, 1), 283: (72, 1), 296: 2},
        "Exif": {33437: (28, 10)},
        "GPS": {1: b"N"},
    }
)[6:]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_everything_comes_back(dtype: Any, alpha: bool, grey: bool, tmp_path: Path) -> None:
    samples = RANDOM.astype(dtype) / (dtype(65535) if dtype == np.float32 else 1)
    samples = samples.astype(dtype)
    stored = Stored(
        samples[..., 0] if grey else samples[..., :3],
        samples[..., 3] if alpha else None,
        8 * np.dtype(dtype).itemsize,
        exif=EXIF,
        icc=SRGB,
        xmp=XMP,
        iptc=RECORDS,
        dpi=(72.0, 72.0),
    )
    path = tmp_path / "out.tif"
    assert written(path, stored) == ()
    found = read(path.read_bytes())
    np.testing.assert_array_equal(found.with_alpha_last(), stored.with_alpha_last())
    for field in ("icc", "xmp", "iptc", "dpi", "bit_depth", "warnings"):
        assert getattr(found, field) == getattr(stored, field), field
    tags = piexif.load(b"Exif\0\0" + found.exif)
    assert (tags["0th"][271], tags["Exif"][33437], tags["GPS"][1]) == (b"Maker", (28, 10), b"N")
    np.testing.assert_array_equal(tifffile.imread(path), stored.with_alpha_last())


def test_a_maker_note_keeps_its_place_which_it_may_point_to(tmp_path: Path) -> None:
    note = b"points into the block by position" * 40
    tags = {"0th": dict.fromkeys((270, 271, 272, 315), b"x" * 90), "Exif": {37500: note}}
    block = piexif.dump(tags)[6:]
    codes = np.zeros((900, 800, 3), np.uint16)  # in several strips
    path = tmp_path / "out.tif"
    written(path, Stored(codes, bit_depth=16, exif=block, icc=SRGB, xmp=XMP))
    data = path.read_bytes()
    assert data.index(note) == block.index(note)
    found = read(data)
    assert found.exif.index(note) == block.index(note)
    assert piexif.load(b"Exif\0\0" + found.exif)["Exif"][37500] == note
    assert piexif.load(str(path))["Exif"][37500] == note
    np.testing.assert_array_equal(found.codes, codes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_opencv_reads_what_is_written(dtype: Any, tmp_path: Path) -> None:
    codes = RANDOM[..., :3].astype(dtype)
    written(tmp_path / "out.tif", Stored(codes))
    found = cv2.imread(str(tmp_path / "out.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found[..., ::-1], codes)


def test_pillow_reads_what_is_written(tmp_path: Path) -> None:
    codes = RANDOM[..., :3].astype(np.uint8)
    stored = Stored(codes, exif=EXIF, icc=SRGB, xmp=XMP, iptc=RECORDS)
    assert written(tmp_path / "out.tif", stored) == ()
    with Image.open(tmp_path / "out.tif") as image:
        np.testing.assert_array_equal(np.asarray(image), codes)
        assert image.info["icc_profile"] == SRGB
        assert image.tag_v2[700] == XMP
        assert image.tag_v2[33723] == RECORDS
        assert image.tag_v2[282] == 72
        assert image.getexif().get_ifd(0x8769)[33437] == pytest.approx(2.8)
        assert image.getexif().get_ifd(0x8825)[1] == "N"


def test_what_is_too_large_for_a_tiff_becomes_a_bigtiff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff, "CLASSIC_BYTES", 1000)
    codes = RANDOM[..., :3]
    stored = Stored(codes, bit_depth=16, exif=EXIF, icc=SRGB, xmp=XMP, iptc=RECORDS)
    path = tmp_path / "out.tif"
    assert "EXIF" in written(path, stored)[0]
    assert path.read_bytes()[:4] == b"MM\0+"
    found = read(path.read_bytes())
    np.testing.assert_array_equal(found.codes, codes)
    assert (found.icc, found.xmp, found.iptc) == (SRGB, XMP, RECORDS)
