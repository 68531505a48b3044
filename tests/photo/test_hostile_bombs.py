"""Small files that claim or unpack to a great deal, and XML that asks for more than is in it:
refused, or left aside, before memory is taken for them."""

from __future__ import annotations

import base64
import io
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from apart import apart
from hostile_work import FUZZ, outcome

sys.path.append(str(FUZZ))

import own_corpus

PEAK_MB = 400
"""The libraries alone are 150."""
OWN = own_corpus.files()
PACKED_BYTES = 256 << 20


@pytest.fixture
def said_of(tmp_path: Path) -> Callable[[bytes], dict[str, Any]]:
    def read(data: bytes) -> dict[str, Any]:
        path = tmp_path / "photo"
        path.write_bytes(data)
        ended = apart(outcome, str(path), [], peak_mb=PEAK_MB)
        assert ended.problem == ""
        return dict(ended.said)

    return read


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, kind: int, *more: bytes, rows: int = 100) -> bytes:
    """With true checksums, and data of `rows` black rows."""
    channels = {0: 1, 2: 3, 3: 1, 6: 4}[kind]
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * bits * channels + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def packed_zeros() -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(PACKED_BYTES >> 20)]
    return b"".join(parts) + packer.flush()


def jpeg_of(width: int, height: int) -> bytes:
    """Our small JPEG, whose frame header says so."""
    data = bytearray(OWN["plain.jpg"])
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff_of(width: int, height: int) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((8, 8), np.uint8), metadata=None, compression="zlib")
    data = bytearray(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        for tag, value in ((256, width), (257, height), (278, height)):
            entry = tiff.pages.first.tags[tag]
            form = {3: "<H", 4: "<I"}[entry.dtype]
            struct.pack_into(
                form, data, entry.valueoffset, min(value, 65535 if form == "<H" else value)
            )
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    """A canvas of this size, as the extended header says."""
    data = bytearray(OWN["said.webp"])
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def exr_of(width: int, height: int) -> bytes:
    data = bytearray(OWN["half.exr"])
    for name in (b"dataWindow\0box2i\0", b"displayWindow\0box2i\0"):
        at = data.index(name) + len(name) + 4
        data[at : at + 16] = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    return bytes(data)


def boxes_of(name: str, width: int, height: int) -> bytes:
    """HEIC or AVIF whose pictures all say that they are of this size."""
    data = bytearray(OWN[name])
    at = data.find(b"ispe")
    while at >= 0:
        data[at + 8 : at + 16] = struct.pack(">II", width, height)
        at = data.find(b"ispe", at + 1)
    return bytes(data)


LARGE = {
    "png of 3.6 gigapixels": png(60000, 60000, 1, 0),
    "png of 2^62 pixels": png(0x7FFFFFFF, 0x7FFFFFFF, 8, 6, rows=0),
    "png palette": png(30000, 30000, 8, 3, chunk(b"PLTE", bytes(768))),
    "png of 100 megapixels": png(10000, 10000, 8, 2),
    "jpeg": jpeg_of(65500, 65500),
    "tiff": tiff_of(60000, 60000),
    "webp": webp_of(16384, 16384),
    "gif": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
    + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "exr": exr_of(1 << 20, 1 << 20),
    "exr of more than 32 bits": exr_of(0x7FFFFFFF, 0x7FFFFFFF),
    "heic": boxes_of("said.heic", 60000, 60000),
    "avif": boxes_of("said.avif", 60000, 60000),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_sizes_that_are_too_large_are_refused(name: str, said_of: Callable) -> None:
    assert "pixels" in said_of(LARGE[name])["error"]


@pytest.mark.parametrize(
    "more",
    [
        chunk(b"iCCP", b"ICC profile\0\0" + packed_zeros()),
        chunk(b"zTXt", b"Comment\0\0" + packed_zeros()),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed_zeros()),
        chunk(b"zTXt", b"Raw profile type iptc\0\0" + packed_zeros()),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x>") * 20000,
    ],
    ids=["profile", "text", "XMP", "IPTC", "20000 texts"],
)
def test_what_unpacks_to_a_great_deal_is_left_out(more: bytes, said_of: Callable) -> None:
    assert tuple(said_of(png(8, 8, 8, 2, more, rows=8))["size"]) == (8, 8)


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    plain = OWN["plain.jpg"]
    head = b"".join(
        struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in segments
    )
    return plain[:2] + head + plain[2:]


def xmp_segment(packet: bytes) -> tuple[int, bytes]:
    return 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet


def gdepth(data: str, declared: str = "", near: str = "1") -> bytes:
    return (
        f'{declared}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Format="RangeInverse"'
        f' GDepth:Near="{near}" GDepth:Far="4" GDepth:Units="m" GDepth:Mime="image/png">'
        f"<GDepth:Data>{data}</GDepth:Data></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def encoded(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "bomb"}">' for n in range(10))


@pytest.mark.parametrize(
    "packet",
    [
        gdepth(encoded(png(30000, 30000, 8, 0, rows=300))),
        gdepth(encoded(OWN["rgb16.png"][:300])),
        gdepth(encoded(b"no picture")),
        gdepth("!" * 1000),
        gdepth(""),
        gdepth(encoded(png(24, 16, 8, 0, rows=16))),
        gdepth(encoded(OWN["grey16.png"]), near="nan"),
        gdepth(encoded(OWN["grey16.png"]), near="0"),
        gdepth(encoded(OWN["grey16.png"]), near="-1"),
        gdepth(encoded(OWN["grey16.png"]), near="9" * 5000),
        gdepth("&e9;", f"<!DOCTYPE x [{ENTITIES}]>"),
        gdepth("&file;", '<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'),
        gdepth("<a>" * 10000),
        b"<" * 60000,
        b"",
    ],
    ids=[
        "payload of 900 megapixels",
        "payload cut off",
        "payload of text",
        "payload of no base64",
        "no payload",
        "payload of one value",
        "near nan",
        "near 0",
        "near -1",
        "near 10^5000",
        "entities of entities",
        "a file as entity",
        "nested",
        "no xml",
        "empty",
    ],
)
def test_a_photo_is_none_the_worse_for_its_xmp(packet: bytes, said_of: Callable) -> None:
    """It is opened, and no depth is taken from this; from the same packet in order, it is."""
    found = said_of(jpeg_with(xmp_segment(packet)))
    assert tuple(found["size"]) == (own_corpus.WIDTH, own_corpus.HEIGHT)
    assert not found["depth"]
    assert all("\n" not in warning for warning in found["warnings"])


def test_the_same_packet_in_order_has_depth(said_of: Callable) -> None:
    assert said_of(jpeg_with(xmp_segment(gdepth(encoded(OWN["grey16.png"])))))["depth"]
