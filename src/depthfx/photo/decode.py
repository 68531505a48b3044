"""Bytes of a photo file -> codes as stored, and what the file says beside them.

The format is told by the first bytes, never by the name. One small function a format;
a new format is a function and a row in `FORMATS`.
"""

from __future__ import annotations

import io
import mmap
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo import exif
from depthfx.photo.colour import Codes

EXIF_HEADER = b"Exif\0\0"
ICC_HEADER = b"ICC_PROFILE\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
XMP_KEYWORD = b"XML:com.adobe.xmp"
LARGEST_PROFILE_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class Stored:
    """What a photo file holds, nothing turned and no colour converted.

    codes : (H, W) grey or (H, W, 3), uint8 or uint16 over the full range
    alpha : (H, W) of the same type, straight, or None
    exif, icc, xmp, dpi : as in `Metadata`
    """

    codes: Codes
    alpha: Codes | None = None
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    format: str = ""
    warnings: tuple[str, ...] = ()


Decoder = Callable[[BinaryIO, "SizeCheck"], Stored]
SizeCheck = Callable[[int, int], None]


def decode(file: BinaryIO, path: Path, max_pixels: int) -> Stored:
    """What `file`, open at its start, holds. Only the first picture is read.

    Raises PhotoError, naming `path`, if it is no photo, is damaged, or has more than
    `max_pixels` pixels; that is found before memory is taken for them.
    """
    head = file.read(32)
    file.seek(0)
    if not head:
        raise PhotoError(f"{path}: is empty")
    name, decoder = next(
        ((name, decoder) for name, fits, decoder in FORMATS if fits(head)), ("", None)
    )
    if decoder is None:
        raise PhotoError(
            f"{path}: is not a photo that depthfx reads "
            f"({', '.join(name for name, _, _ in FORMATS)})"
        )

    def check_size(width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise PhotoError(f"is {width} x {height} pixels by its header")
        if width * height > max_pixels:
            raise PhotoError(
                f"is {width} x {height} pixels by its header, "
                f"more than the {max_pixels} that are accepted"
            )

    try:
        return replace(decoder(file, check_size), format=name)
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error
    except Exception as error:  # the libraries raise nearly anything at a broken file
        reason = str(error) or type(error).__name__
        raise PhotoError(f"{path}: the {name} data is damaged or cut off ({reason})") from error


END_OF_JPEG = b"\xff\xd9"


def _jpeg(file: BinaryIO, check_size: SizeCheck) -> Stored:
    import imagecodecs
    from PIL.JpegImagePlugin import JpegImageFile

    data = file.read()
    header = io.BytesIO(data)
    # The class itself, not Image.open: of an MPO this gives the first picture, and the
    # limit on the size is ours. Pillow reads what stands before the picture; the picture
    # imagecodecs reads three times as fast, by the same library.
    with JpegImageFile(header) as image:
        check_size(*image.size)
        if image.mode not in ("L", "RGB"):
            raise PhotoError(f"is a {image.mode} JPEG; convert it to RGB first")
        # Within a picture's data these two bytes stand for nothing but its end, without
        # which the library would quietly make up what is missing.
        if data.find(END_OF_JPEG, header.tell()) < 0:
            raise PhotoError("is damaged or cut off: the end of the JPEG data is missing")
        codes = imagecodecs.jpeg8_decode(data)
        if codes.shape[:2] != image.size[::-1]:
            raise PhotoError(f"is {image.size} pixels by its header, {codes.shape} by its data")
        icc = image.info.get("icc_profile") or b""
        incomplete = not icc and any(data.startswith(ICC_HEADER) for _, data in image.applist)
        return Stored(
            codes,
            exif=_without_header(image.info.get("exif", b"")),
            icc=icc,
            xmp=image.info.get("xmp", b""),
            dpi=_sensible(image.info.get("dpi")),
            warnings=("part of its ICC profile is missing: taken as sRGB",) * incomplete,
        )


def _webp(file: BinaryIO, check_size: SizeCheck) -> Stored:
    from PIL.WebPImagePlugin import WebPImageFile

    with WebPImageFile(file) as image:
        check_size(*image.size)
        image.load()
        codes, alpha = _parted(np.asarray(image))
        return Stored(
            codes,
            alpha,
            exif=_without_header(image.info.get("exif", b"")),
            icc=image.info.get("icc_profile", b""),
            xmp=image.info.get("xmp", b""),
        )


PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PNG_EXTRAS = (b"iCCP", b"pHYs", b"eXIf")


def _png(file: BinaryIO, check_size: SizeCheck) -> Stored:
    import imagecodecs

    picture, extras = _png_chunks(file.read())
    check_size(*struct.unpack_from(">II", picture, len(PNG_SIGNATURE) + 8))
    codes, alpha = _parted(imagecodecs.png_decode(picture))
    icc, dpi = b"", None
    warnings: tuple[str, ...] = ()
    if b"iCCP" in extras:
        packed = extras[b"iCCP"].partition(b"\0")[2][1:]
        try:
            icc = zlib.decompressobj().decompress(packed, LARGEST_PROFILE_BYTES)
        except zlib.error:
            warnings = ("its ICC profile cannot be unpacked: taken as sRGB",)
    if len(extras.get(b"pHYs", b"")) == 9:
        x, y, unit = struct.unpack(">IIB", extras[b"pHYs"])
        dpi = _sensible((x * 0.0254, y * 0.0254)) if unit == 1 else None
    return Stored(
        codes,
        alpha,
        exif=_without_header(extras.get(b"eXIf", b"")),
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
            return zlib.decompressobj().decompress(text, LARGEST_PROFILE_BYTES)
        except zlib.error:
            return b""
    return text


XMP_TAG, ICC_TAG, RESOLUTION = 700, 34675, (282, 283, 296)
PHOTOMETRIC = {0: "white is zero", 1: "grey", 2: "RGB", 3: "palette", 6: "YCbCr"}
STRUCTURE = frozenset(
    (
        254,
        255,
        256,
        257,
        258,
        259,
        262,
        266,
        273,
        277,
        278,
        279,
        280,
        281,
        284,
        290,
        291,
        292,
        293,
        297,
        301,
        317,
        318,
        319,
        320,
        321,
        322,
        323,
        324,
        325,
        330,
        332,
        333,
        334,
        336,
        337,
        338,
        339,
        340,
        341,
        342,
        347,
        *range(512, 522),
        529,
        530,
        531,
        532,
        XMP_TAG,
        34377,
        ICC_TAG,
        37724,
    )
)
"""Tags of a TIFF's first directory that say how pixels lie, or that are kept elsewhere."""


def _tiff(file: BinaryIO, check_size: SizeCheck) -> Stored:
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = _first_full_page(tiff)
        check_size(page.imagewidth, page.imagelength)
        if page.photometric not in PHOTOMETRIC:
            raise PhotoError(
                "is a TIFF of a kind that is not read "
                f"({getattr(page.photometric, 'name', page.photometric)}); "
                "convert it to RGB first"
            )
        codes, alpha = _tiff_codes(page)
        tags = {
            code: page.tags[code].value
            for code in (*RESOLUTION, XMP_TAG, ICC_TAG)
            if code in page.tags
        }
    return Stored(
        codes,
        alpha,
        exif=_tiff_exif(file),
        icc=tags.get(ICC_TAG, b""),
        xmp=tags.get(XMP_TAG, b""),
        dpi=_tiff_dpi(tags),
    )


def _first_full_page(tiff: Any) -> Any:
    """The first page that is not marked as a smaller copy of another one."""
    for index, page in enumerate(tiff.pages):
        if not page.subfiletype & 1:
            return page
        if index == 32:
            break
    if 330 in tiff.pages.first.tags:  # SubIFDs, where raw files keep the picture itself
        raise PhotoError(
            "shows only a small copy of its picture, as raw files do; "
            "convert it to TIFF or JPEG first"
        )
    return tiff.pages.first


def _tiff_codes(page: Any) -> tuple[Codes, Codes | None]:
    codes = page.asarray(maxworkers=2)
    if codes.dtype.kind not in "ub" or codes.dtype.itemsize > 2:
        raise PhotoError(f"is a TIFF of {codes.dtype} values; convert it to 8 or 16 bits first")
    if page.axes == "SYX":
        codes = np.moveaxis(codes, 0, -1)
    if codes.ndim not in (2, 3):
        raise PhotoError(f"is a TIFF with the axes {page.axes}, not one picture")
    if page.photometric == 3:
        return (page.colormap[:, codes].transpose(1, 2, 0) >> 8).astype(np.uint8), None
    codes = _full_range(codes, page.bitspersample)
    if page.photometric == 0:
        codes = np.iinfo(codes.dtype).max - codes
    colours = 1 if page.photometric < 2 else 3
    kinds = [int(kind) for kind in page.extrasamples]
    if codes.ndim == 2:
        return codes, None
    colour = codes[..., 0] if colours == 1 else codes[..., :3]
    if not kinds or kinds[0] == 0:
        return colour, None
    alpha = codes[..., colours]
    return (_unassociated(colour, alpha) if kinds[0] == 1 else colour), alpha


def _full_range(codes: NDArray[Any], bits: int) -> Codes:
    """Codes of any number of bits up to 16, spread over all of 8 or 16."""
    dtype, top = (np.uint8, 255) if bits <= 8 else (np.uint16, 65535)
    if bits in (8, 16):
        return codes.astype(dtype, copy=False)
    return (codes * (top / ((1 << bits) - 1)) + 0.5).astype(dtype)


def _unassociated(colour: Codes, alpha: Codes) -> Codes:
    """Straight colour codes from ones multiplied by alpha."""
    top = np.iinfo(alpha.dtype).max
    share = np.maximum(alpha, 1).astype(np.float32) / top
    straight = colour / (share if colour.ndim == 2 else share[..., None])
    return np.minimum(straight + 0.5, top).astype(alpha.dtype)


def _tiff_exif(file: BinaryIO) -> bytes:
    """The tags of a TIFF file that are not about its structure, as an EXIF block."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        found = exif.parse(whole)
    kept = {
        tag: entry
        for tag, entry in found.main.items()
        if tag not in STRUCTURE and entry.kind in exif.TYPE_BYTES
    }
    photo = {tag: entry._replace(offset=0) for tag, entry in found.photo.items()}
    return exif.to_bytes(replace(found, main=kept, photo=photo))


def _tiff_dpi(tags: dict[int, Any]) -> tuple[float, float] | None:
    inches = {2: 1.0, 3: 2.54}.get(int(tags.get(296, 2)))
    if inches is None or 282 not in tags or 283 not in tags:
        return None
    (x, x_over), (y, y_over) = tags[282], tags[283]
    return _sensible((x / x_over * inches, y / y_over * inches)) if x_over and y_over else None


def _parted(codes: NDArray[Any]) -> tuple[Codes, Codes | None]:
    """(H, W[, 1..4]) as colour and alpha."""
    if codes.ndim == 2 or codes.shape[2] == 3:
        return codes, None
    colour = codes[..., 0] if codes.shape[2] < 3 else codes[..., :3]
    return colour, codes[..., -1] if codes.shape[2] > 1 else None


def _without_header(block: bytes) -> bytes:
    return block.removeprefix(EXIF_HEADER)


def _sensible(dpi: tuple[Any, Any] | None) -> tuple[float, float] | None:
    if dpi is None or not all(0 < float(value) < 1e6 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


FORMATS: tuple[tuple[str, Callable[[bytes], bool], Decoder], ...] = (
    ("JPEG", _begins(b"\xff\xd8\xff"), _jpeg),
    ("PNG", _begins(PNG_SIGNATURE), _png),
    ("TIFF", _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", _webp),
)
"""Name, test of the first 32 bytes, decoder."""
