"""PNG files put together chunk by chunk, and those that Pillow writes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from depthfx.errors import PhotoError
from depthfx.photo.decode import decode
from depthfx.photo.formats import png
from depthfx.photo.read import read_photo
from depthfx.photo.stored import Stored

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
EXIF = piexif.dump({"0th": {271: b"Maker", 274: 6}})[6:]
RECORDS = b"\x1c\x02\x69\x00\x05Title"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed_rows(samples: np.ndarray, bits: int) -> bytes:
    """Rows (H, values) as PNG packs them, with filter 0."""
    if bits == 16:
        rows = samples.astype(">u2").view(np.uint8)
    else:
        ones = np.unpackbits(samples[..., None].astype(np.uint8), axis=-1)[..., 8 - bits :]
        rows = np.packbits(ones.reshape(len(samples), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def png_of(
    samples: np.ndarray, kind: int, bits: int, *extras: bytes, interlaced: bool = False
) -> bytes:
    """`samples` (H, W, channels) as a PNG; `extras` stand before the picture's data."""
    height, width, _ = samples.shape
    passes = [samples]
    if interlaced:
        steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
        steps += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [samples[y::down, x::across] for y, x, down, across in steps]
    data = b"".join(packed_rows(part.reshape(len(part), -1), bits) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    return b"".join(
        (
            SIGNATURE,
            chunk(b"IHDR", header),
            *extras,
            chunk(b"IDAT", zlib.compress(data)),
            chunk(b"IEND"),
        )
    )


def read(data: bytes) -> Stored:
    return decode(io.BytesIO(data), Path("photo.png"))


SAMPLES = np.random.default_rng(3).integers(0, 65536, (13, 11, 4))
plain = png_of(SAMPLES[..., :3] >> 8, RGB, 8)


def full(codes: np.ndarray, bits: int) -> np.ndarray:
    """Every bit depth of PNG divides 8 or 16, so that codes are spread exactly."""
    return codes * ((65535 if bits == 16 else 255) // ((1 << bits) - 1))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("kind", "channels", "bits"),
    [(GREY, 1, bits) for bits in (1, 2, 4, 8, 16)]
    + [(kind, n, bits) for kind, n in ((RGB, 3), (GREY_ALPHA, 2), (RGBA, 4)) for bits in (8, 16)],
)
def test_codes_and_alpha_are_exact(kind: int, channels: int, bits: int, interlaced: bool) -> None:
    samples = SAMPLES[..., :channels] >> (16 - bits)
    found = read(png_of(samples, kind, bits, interlaced=interlaced))
    assert found.bit_depth == bits
    assert found.codes.dtype == (np.uint16 if bits == 16 else np.uint8)
    colours = 3 if channels > 2 else 1
    wanted = full(samples, bits)
    np.testing.assert_array_equal(found.codes.reshape(13, 11, -1), wanted[..., :colours])
    if channels in (2, 4):
        np.testing.assert_array_equal(found.alpha, wanted[..., -1])
    else:
        assert found.alpha is None


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_becomes_colour_and_alpha(bits: int) -> None:
    size = 1 << bits
    colours = np.random.default_rng(1).integers(0, 256, (size, 3)).astype(np.uint8)
    opacity = np.full(size, 255, np.uint8)
    opacity[0] = 17
    indices = SAMPLES[..., :1] >> (16 - bits)
    extras = chunk(b"PLTE", colours.tobytes()), chunk(b"tRNS", opacity[:1].tobytes())
    found = read(png_of(indices, PALETTE, bits, *extras))
    np.testing.assert_array_equal(found.codes, colours[indices[..., 0]])
    np.testing.assert_array_equal(found.alpha, opacity[indices[..., 0]])
    assert found.bit_depth == 8


@pytest.mark.parametrize(("kind", "channels"), [(GREY, 1), (RGB, 3)])
@pytest.mark.parametrize("bits", [8, 16])
def test_one_colour_that_is_see_through(kind: int, channels: int, bits: int) -> None:
    samples = SAMPLES[..., :channels] >> (16 - bits)
    key = struct.pack(f">{channels}H", *samples[4, 5])
    found = read(png_of(samples, kind, bits, chunk(b"tRNS", key)))
    top = (1 << bits) - 1
    np.testing.assert_array_equal(found.alpha == 0, (samples == samples[4, 5]).all(axis=-1))
    assert set(np.unique(found.alpha)) <= {0, top}
    np.testing.assert_array_equal(found.codes.reshape(samples.shape), samples)


def test_an_animation_gives_its_first_picture() -> None:
    file = io.BytesIO()
    first = np.random.default_rng(2).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    Image.fromarray(first).save(
        file, "PNG", save_all=True, append_images=[Image.fromarray(255 - first)]
    )
    np.testing.assert_array_equal(read(file.getvalue()).codes, first)


@given(st.integers(1, len(plain) - 13))
def test_a_cut_file_is_one_line(length: int) -> None:
    with pytest.raises(PhotoError, match=r"^photo.png: [^\n]*$"):
        read(plain[:length])


def test_a_missing_end_is_a_warning() -> None:
    found = read(plain[:-12])
    np.testing.assert_array_equal(found.codes, SAMPLES[..., :3] >> 8)
    assert "end of its PNG data" in found.warnings[0]


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_a_wrong_checksum_of_the_picture_is_an_error(kind: bytes) -> None:
    at = plain.index(kind) + 4 + int.from_bytes(plain[plain.index(kind) - 4 :][:4], "big")
    with pytest.raises(PhotoError, match="CRC"):
        read(plain[:at] + b"\1\2\3\4" + plain[at + 4 :])


def test_too_few_rows_are_an_error() -> None:
    tall = plain[:20] + struct.pack(">I", 26) + plain[24:]
    header = tall[12:29]
    with pytest.raises(PhotoError, match="Not enough"):
        read(tall[:29] + struct.pack(">I", zlib.crc32(header)) + tall[33:])


def read_with(*extras: bytes, grey: bool = False) -> Stored:
    samples = SAMPLES[..., : 1 if grey else 3] >> 8
    return read(png_of(samples, GREY if grey else RGB, 8, *extras))


def test_metadata_by_their_own_chunks() -> None:
    found = read_with(
        chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB)),
        chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        chunk(b"eXIf", EXIF),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0second"),
    )
    assert (found.icc, found.exif, found.xmp) == (SRGB, EXIF, XMP)
    assert found.dpi == pytest.approx((300, 300), rel=1e-4)
    assert found.warnings == ()


def test_an_interlaced_png_is_read_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    """libpng would have something to say."""
    read(png_of(SAMPLES[..., :3] >> 8, RGB, 8, interlaced=True))
    assert capfd.readouterr() == ("", "")


def test_a_profile_packed_without_a_checksum_is_read() -> None:
    found = read_with(chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB)[:-4]))
    assert (found.icc, found.warnings) == (SRGB, ())
    cut = read_with(chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB)[:-40]))
    assert (cut.icc, ["cannot be unpacked" in w for w in cut.warnings]) == (b"", [True])


def test_a_packed_packet() -> None:
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)
    assert read_with(chunk(b"iTXt", text)).xmp == XMP


def raw_profile(name: bytes, block: bytes, kind: bytes = b"zTXt") -> bytes:
    """As ImageMagick writes it."""
    digits = block.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\n%s\n%8d\n%s\n" % (name, len(block), lines.encode())
    packed = b"\0" + zlib.compress(text) if kind == b"zTXt" else text
    return chunk(kind, b"Raw profile type " + name + b"\0" + packed)


@pytest.mark.parametrize("kind", [b"zTXt", b"tEXt"])
def test_metadata_as_older_programs_write_them(kind: bytes) -> None:
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(RECORDS)) + RECORDS
    found = read_with(
        raw_profile(b"exif", b"Exif\0\0" + EXIF, kind),
        raw_profile(b"xmp", XMP, kind),
        raw_profile(b"iptc", block, kind),
    )
    assert (found.exif, found.xmp, found.iptc) == (EXIF, XMP, RECORDS)
    app1 = read_with(raw_profile(b"APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP, kind))
    assert app1.xmp == XMP


def test_a_text_that_is_no_digits_is_left_out() -> None:
    found = read_with(chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 4\nnope\n"))
    assert found.exif == b""
    assert "damaged" in found.warnings[0]


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        (b"iCCP", b"name\0\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
        (b"zTXt", b"Raw profile type exif\0\0"),
    ],
)
def test_blocks_that_unpack_to_too_much_are_left_out(kind: bytes, start: bytes) -> None:
    bomb = zlib.compressobj(9)
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(34)) + bomb.flush()
    data = png_of(SAMPLES[..., :3] >> 8, RGB, 8, chunk(kind, start + packed))
    found = read(data)
    assert (found.icc, found.xmp, found.exif) == (b"", b"", b"")
    assert "larger" in found.warnings[0]


def test_a_damaged_chunk_beside_the_picture_is_left_out() -> None:
    broken = chunk(b"eXIf", EXIF)[:-1] + b"!"
    found = read_with(broken)
    assert found.exif == b""
    assert "eXIf" in found.warnings[0]


def gama(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


SRGB_CORNERS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def test_gamma_and_primaries_of_srgb_are_srgb() -> None:
    found = read_with(gama(45455), chunk(b"cHRM", struct.pack(">8I", *SRGB_CORNERS)))
    assert found.icc == b""
    assert read_with(chunk(b"sRGB", b"\0"), gama(100000)).icc == b""


@pytest.mark.parametrize("grey", [False, True])
def test_gamma_one_is_linear_light(grey: bool, tmp_path: Path) -> None:
    samples = SAMPLES[..., : 1 if grey else 3] >> 8
    path = tmp_path / "linear.png"
    path.write_bytes(png_of(samples, GREY if grey else RGB, 8, gama(100000)))
    photo = read_photo(path)
    np.testing.assert_allclose(photo.pixels, np.broadcast_to(samples / 255, (13, 11, 3)), atol=1e-4)


def test_a_profile_made_of_a_gamma_is_always_the_same() -> None:
    """Else the same photo would be written differently every second."""
    dated = read_with(gama(100000)).icc[24:36]
    assert struct.unpack(">6H", dated) == (2026, 1, 1, 0, 0, 0)


def test_primaries_of_the_file_count(tmp_path: Path) -> None:
    """Adobe RGB's pure green has more red than sRGB can take away."""
    corners = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
    path = tmp_path / "wide.png"
    samples = np.broadcast_to([0, 255, 0], (2, 2, 3))
    path.write_bytes(
        png_of(samples, RGB, 8, gama(45455), chunk(b"cHRM", struct.pack(">8I", *corners)))
    )
    np.testing.assert_allclose(read_photo(path).pixels[0, 0], [-0.398, 1.0, -0.043], atol=2e-3)


def test_an_absurd_gamma_is_srgb_and_said() -> None:
    found = read_with(gama(1))
    assert found.icc == b""
    assert "gamma" in found.warnings[0]


def test_cicp_stands_before_a_profile() -> None:
    icc = chunk(b"iCCP", b"name\0\0" + zlib.compress(SRGB))
    found = read_with(icc, chunk(b"cICP", bytes((12, 13, 0, 1))))
    assert (found.cicp, found.icc) == ((12, 13), b"")
    narrow = read_with(icc, chunk(b"cICP", bytes((9, 16, 0, 0))))
    assert (narrow.cicp, narrow.icc) == (None, SRGB)
    assert "cICP" in narrow.warnings[0]


def written(stored: Stored) -> tuple[bytes, tuple[str, ...]]:
    file = io.BytesIO()
    left_out = png.encode(file, stored, 95)
    return file.getvalue(), left_out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_everything_comes_back(dtype: Any, alpha: bool, grey: bool) -> None:
    samples = SAMPLES.astype(dtype)
    stored = Stored(
        samples[..., 0] if grey else samples[..., :3],
        samples[..., 3] if alpha else None,
        8 * np.dtype(dtype).itemsize,
        exif=EXIF,
        icc=SRGB,
        xmp=XMP,
        iptc=RECORDS * 30,
        dpi=(300.0, 200.0),
    )
    data, left_out = written(stored)
    found = read(data)
    assert left_out == ()
    np.testing.assert_array_equal(found.with_alpha_last(), stored.with_alpha_last())
    for field in ("exif", "icc", "xmp", "iptc", "bit_depth", "warnings"):
        assert getattr(found, field) == getattr(stored, field), field
    assert found.dpi == pytest.approx(stored.dpi, rel=1e-4)


def test_pillow_reads_what_is_written() -> None:
    codes = SAMPLES[..., :3].astype(np.uint8)
    data, left_out = written(Stored(codes, exif=EXIF, icc=SRGB, xmp=XMP))
    assert left_out == ()
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(np.asarray(image), codes)
        assert image.info["icc_profile"] == SRGB
        assert image.getexif()[271] == "Maker"
        assert image.info["xmp"] == XMP
