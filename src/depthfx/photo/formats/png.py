"""PNG: 1 to 16 bit, grey, RGB or palette, with or without alpha; an animation's still picture.

W3C, Portable Network Graphics (Third Edition), 2025; the "Raw profile type" texts are those
of ImageMagick, which ExifTool reads too.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.exif import without_header
from depthfx.photo.formats import photoshop
from depthfx.photo.formats.quiet import quiet
from depthfx.photo.stored import LARGEST_BLOCK_BYTES, Reading, Stored, believable_dpi, parted

XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_PROFILE = b"Raw profile type "
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
PACKING = {8: {"level": 3}, 16: {"level": 1, "strategy": 3, "filter": 128}}
"""By bit depth. The low bytes of 16 bits are noise: looking for repeats in them (any strategy
but run lengths) takes four times as long, for files that are larger than with Paeth's filter."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PNG_EXTRAS = (b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"eXIf")
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PNG_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
PALETTE = 3
UNSPECIFIED = 2
PNG_DPI = 0.0254
"""Inches in a metre's share, as pHYs counts in pixels per metre."""

SRGB_GAMMA = 45455
SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
"""As the gAMA and cHRM chunks of sRGB have them, in 1/100000; white, red, green, blue."""
GAMMAS = range(10_000, 1_000_000)
"""A display of gamma 10 to one of 0.1; what is beyond is a mistake."""
PROFILE_DATE = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)


def decode(file: BinaryIO, reading: Reading) -> Stored:
    import imagecodecs

    warnings: list[str] = []
    picture, extras, texts = _chunks(file.read(), warnings)
    header = picture[len(PNG_SIGNATURE) + 8 :][:13]
    if picture[len(PNG_SIGNATURE) + 4 :][:4] != b"IHDR" or len(header) < 13:
        raise PhotoError("is damaged or cut off: there is no PNG header")
    width, height, bits, kind = struct.unpack_from(">IIBB", header)
    reading.check_size(width, height)
    try:
        with quiet():
            codes, alpha = parted(imagecodecs.png_decode(picture))
    except UnicodeDecodeError:  # imagecodecs' own trouble with what libpng says of damage
        raise PhotoError("is damaged or cut off: its PNG chunks make no sense") from None
    cicp = _cicp(extras.get(b"cICP", b""), warnings)
    grey = codes.ndim == 2
    icc = b"" if cicp and not grey else _profile(extras, grey, warnings)
    profiles = _raw_profiles(texts, warnings)
    return Stored(
        codes,
        alpha,
        bit_depth=8 if kind == PALETTE else bits,
        exif=without_header(extras.get(b"eXIf", b"") or profiles.get(b"exif", b"")),
        icc=icc,
        cicp=cicp,
        xmp=_xmp(texts, warnings) or profiles.get(b"xmp", b""),
        iptc=_iptc(profiles.get(b"iptc", b"")),
        dpi=_dpi(extras.get(b"pHYs", b"")),
        warnings=tuple(warnings),
    )


def _chunks(
    data: bytes, warnings: list[str]
) -> tuple[bytes, dict[bytes, bytes], dict[bytes, tuple[bytes, bytes]]]:
    """The PNG reduced to what makes its picture, and what beside it is used.

    Returns the reduced PNG; the chunks that say how it is meant, by their name; and those
    texts that hold metadata, by their keyword, each with its chunk's name. No text of any
    size gets to the decoder, and no second picture of an animation. The first of each counts.
    """
    view, parts = memoryview(data), [memoryview(PNG_SIGNATURE)]
    extras: dict[bytes, bytes] = {}
    texts: dict[bytes, tuple[bytes, bytes]] = {}
    position, kind = len(PNG_SIGNATURE), b""
    while position + 12 <= len(data) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        body, end = position + 8, position + 12 + length
        if kind in PNG_PICTURE:
            parts.append(view[position:end])
        elif kind in PNG_EXTRAS or data.startswith((XMP_KEYWORD, RAW_PROFILE), body):
            if end > len(data) or zlib.crc32(view[position + 4 : end - 4]) != _u32(data, end - 4):
                warnings.append(f"its {kind.decode('latin-1')} chunk is damaged and left out")
            elif kind in PNG_EXTRAS:
                extras.setdefault(kind, data[body : end - 4])
            elif kind in PNG_TEXTS:
                keyword, _, text = data[body : end - 4].partition(b"\0")
                texts.setdefault(keyword, (kind, text))
        position = end
    if kind != b"IEND":
        warnings.append("the end of its PNG data is missing")
        parts.append(memoryview(PNG_END))
    return b"".join(parts), extras, texts


def _u32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _unpacked(packed: bytes, what: str, warnings: list[str]) -> bytes:
    """What deflate packed; empty, and said, if it is damaged or unpacks to too much."""
    # Without zlib's header and checksum, which some writers forget; the chunk has its own.
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacking.decompress(packed[2:], LARGEST_BLOCK_BYTES)
    except zlib.error:
        found = b""
    if unpacking.eof:
        return found
    cut = len(found) < LARGEST_BLOCK_BYTES
    reason = "cannot be unpacked" if cut else "is larger than any"
    warnings.append(f"its {what} {reason} and is left out")
    return b""


def _text(kind: bytes, rest: bytes, what: str, warnings: list[str]) -> bytes:
    """The text of a chunk, from behind its keyword."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _unpacked(rest[1:], what, warnings)
    text = rest[2:].split(b"\0", 2)[-1]  # language and translated keyword come before
    return _unpacked(text, what, warnings) if rest[:1] == b"\1" else text


def _xmp(texts: dict[bytes, tuple[bytes, bytes]], warnings: list[str]) -> bytes:
    return _text(*texts[XMP_KEYWORD], "XMP", warnings) if XMP_KEYWORD in texts else b""


def _raw_profiles(
    texts: dict[bytes, tuple[bytes, bytes]], warnings: list[str]
) -> dict[bytes, bytes]:
    """Blocks that older programs wrote as texts: a name, a length and hexadecimal digits."""
    found = {}
    for keyword in texts:
        if not keyword.startswith(RAW_PROFILE):
            continue
        text = _text(*texts[keyword], "text of metadata", warnings)
        _, _, digits = text.strip().partition(b"\n")
        try:
            block = bytes.fromhex(digits.strip().partition(b"\n")[2].decode("ascii"))
        except ValueError:
            warnings.append("a text of metadata in it is damaged and left out")
            continue
        name = keyword[len(RAW_PROFILE) :].strip().lower()
        if name in (b"app1", b"exif") and block.startswith(XMP_HEADER):
            found[b"xmp"] = block[len(XMP_HEADER) :]
        else:
            found[b"exif" if name == b"app1" else name] = block
    return found


def _iptc(block: bytes) -> bytes:
    """IPTC records from what the text of that name holds: resource blocks, or they alone."""
    records = b"\x1c"
    return block if block[:1] == records else photoshop.iptc_in(block)


def _cicp(chunk: bytes, warnings: list[str]) -> tuple[int, int] | None:
    """Primaries and transfer of a cICP chunk; PNG has no other matrix than RGB's own."""
    if not chunk:
        return None
    if len(chunk) != 4 or chunk[2] != 0 or chunk[3] != 1:
        warnings.append("its cICP chunk says what is not read, and is left out")
        return None
    return None if UNSPECIFIED in chunk[:2] else (chunk[0], chunk[1])


def _profile(extras: dict[bytes, bytes], grey: bool, warnings: list[str]) -> bytes:
    """The ICC profile, or one that says what gAMA and cHRM say if they are no sRGB."""
    import imagecodecs

    if b"iCCP" in extras:
        packed = extras[b"iCCP"].partition(b"\0")[2][1:]
        return _unpacked(packed, "ICC profile", warnings)
    if b"sRGB" in extras or len(extras.get(b"gAMA", b"")) != 4:
        return b""
    gamma = _u32(extras[b"gAMA"], 0)
    chromaticities = SRGB_CHROMATICITIES
    if len(extras.get(b"cHRM", b"")) == 32:
        chromaticities = struct.unpack(">8I", extras[b"cHRM"])
    like_srgb = all(
        abs(value - srgb) <= 100
        for value, srgb in zip(chromaticities, SRGB_CHROMATICITIES, strict=True)
    )
    if abs(gamma - SRGB_GAMMA) <= 100 and (grey or like_srgb):
        return b""
    xyy = [[x / 1e5, y / 1e5, 1.0] for x, y in zip(*[iter(chromaticities)] * 2, strict=True)]
    if gamma not in GAMMAS or not all(0 < y < 1 and 0 < x < 1 for x, y, _ in xyy):
        warnings.append("its gamma or primaries are none: taken as sRGB")
        return b""
    built: bytes = imagecodecs.cms_profile(
        "gray" if grey else "rgb",
        whitepoint=xyy[0],
        primaries=None if grey else [value for colour in xyy[1:] for value in colour],
        gamma=1e5 / gamma,
    )
    # Little CMS notes the time of day, and the same photo would make another file each second.
    return built[:24] + PROFILE_DATE + built[36:]


def _dpi(chunk: bytes) -> tuple[float, float] | None:
    if len(chunk) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", chunk)
    return believable_dpi((x * PNG_DPI, y * PNG_DPI)) if unit == 1 else None


def encode(file: BinaryIO, stored: Stored, _quality: int) -> tuple[str, ...]:
    """8 or 16 bit, grey or RGB, with or without alpha."""
    import imagecodecs

    codes = np.ascontiguousarray(stored.with_alpha_last())
    data = imagecodecs.png_encode(codes, **PACKING[8 * codes.dtype.itemsize])
    end_of_header = 33
    file.write(data[:end_of_header])
    if stored.icc:
        _chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(stored.icc))
    if stored.dpi:
        x, y = (round(value / PNG_DPI) for value in stored.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", x, y, 1))
    if stored.exif:
        _chunk(file, b"eXIf", stored.exif)
    if stored.xmp:
        _chunk(file, b"iTXt", XMP_KEYWORD + bytes(5) + stored.xmp)
    if stored.iptc:
        block = photoshop.iptc_block(stored.iptc)
        text = b"\niptc\n%8d\n%s\n" % (len(block), block.hex("\n", 36).encode())
        _chunk(file, b"zTXt", RAW_PROFILE + b"iptc\0\0" + zlib.compress(text))
    file.write(memoryview(data)[end_of_header:])
    return ()


def _chunk(file: BinaryIO, kind: bytes, body: bytes) -> None:
    file.write(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )
