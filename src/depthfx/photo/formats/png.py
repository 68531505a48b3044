"""PNG: 1 to 16 bit, grey, RGB or palette, with or without alpha."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from depthfx.photo.exif import without_header
from depthfx.photo.stored import LARGEST_BLOCK_BYTES, Reading, Stored, believable_dpi, parted

XMP_KEYWORD = b"XML:com.adobe.xmp"
PNG_LEVEL = 3
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PNG_EXTRAS = (b"iCCP", b"pHYs", b"eXIf")


def decode(file: BinaryIO, reading: Reading) -> Stored:
    import imagecodecs

    picture, extras = _png_chunks(file.read())
    reading.check_size(*struct.unpack_from(">II", picture, len(PNG_SIGNATURE) + 8))
    codes, alpha = parted(imagecodecs.png_decode(picture))
    icc, dpi = b"", None
    warnings: tuple[str, ...] = ()
    if b"iCCP" in extras:
        packed = extras[b"iCCP"].partition(b"\0")[2][1:]
        try:
            icc = zlib.decompressobj().decompress(packed, LARGEST_BLOCK_BYTES)
        except zlib.error:
            warnings = ("its ICC profile cannot be unpacked: taken as sRGB",)
    if len(extras.get(b"pHYs", b"")) == 9:
        x, y, unit = struct.unpack(">IIB", extras[b"pHYs"])
        dpi = believable_dpi((x * 0.0254, y * 0.0254)) if unit == 1 else None
    return Stored(
        codes,
        alpha,
        bit_depth=8 * codes.dtype.itemsize,
        exif=without_header(extras.get(b"eXIf", b"")),
        icc=icc,
        xmp=_xmp_text(extras.get(b"iTXt", b"")),
        dpi=dpi,
        warnings=warnings,
    )


def _png_chunks(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The PNG reduced to what makes its picture, and the chunks beside it that are used.

    No text of any size gets to the decoder, and no second picture of an animation. Of
    repeated chunks the first counts; of the texts, the XMP.
    """
    view, parts = memoryview(data), [memoryview(PNG_SIGNATURE)]
    extras: dict[bytes, bytes] = {}
    position = len(PNG_SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body, end = position + 8, position + 12 + length
        if kind in PNG_PICTURE:
            parts.append(view[position:end])
        elif kind in PNG_EXTRAS or (kind == b"iTXt" and data.startswith(XMP_KEYWORD + b"\0", body)):
            extras.setdefault(kind, data[body : body + length])
        position = end
    return b"".join(parts), extras


def _xmp_text(chunk: bytes) -> bytes:
    """The XMP packet of an iTXt chunk: keyword, flags, language, translation, text."""
    rest = chunk[len(XMP_KEYWORD) + 1 :]
    text = rest[2:].split(b"\0", 2)[-1]
    if rest[:1] == b"\1":
        try:
            return zlib.decompressobj().decompress(text, LARGEST_BLOCK_BYTES)
        except zlib.error:
            return b""
    return text


def encode(file: BinaryIO, stored: Stored, _quality: int) -> tuple[str, ...]:
    """8 or 16 bit, grey or RGB, with or without alpha."""
    import imagecodecs

    data = imagecodecs.png_encode(stored.with_alpha_last(), level=PNG_LEVEL)
    end_of_header = 33
    file.write(data[:end_of_header])
    if stored.icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(stored.icc))
    if stored.dpi:
        x, y = (round(value / 0.0254) for value in stored.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    _chunk(file, b"eXIf", stored.exif)
    if stored.xmp:
        _chunk(file, b"iTXt", XMP_KEYWORD + bytes(5) + stored.xmp)
    file.write(memoryview(data)[end_of_header:])
    return ()


def _chunk(file: BinaryIO, kind: bytes, body: bytes) -> None:
    file.write(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )
