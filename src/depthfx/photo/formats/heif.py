"""HEIF and HEIC, and what AVIF has in common with them: 8, 10 or 12 bit.

The picture is turned by the file's own `irot` and `imir`; of EXIF the standard says that its
orientation is information only.

ISO/IEC 23008-12; ISO/IEC 23000-22 (MIAF).
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from depthfx.photo import exif as exif_block
from depthfx.photo import xmp
from depthfx.photo.boxes import (
    HEAD_BYTES,
    Item,
    Items,
    Property,
    brands,
    check_brands,
    read_items,
    write_items,
)
from depthfx.photo.exif import Exif, Tag, without_header
from depthfx.photo.formats.coded_picture import (
    ALPHA,
    AV1,
    coded_picture,
    icc,
    nclx,
    turned,
    turned_point,
    without_crop,
)
from depthfx.photo.stored import LARGEST_BLOCK_BYTES, Reading, Stored, own_range

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

XMP_TYPE = b"application/rdf+xml"

APPLE_INTRINSICS = bytes.fromhex("22cc04c7d6d94e079d904eb6ecbaf3a3")
"""The `uuid` under which Apple wrote `cmin` before that was a standard."""

DEPTH_DATA = "{http://ns.apple.com/depthData/1.0/}"
SIDES = ("Width", "Height")

ORIENTATIONS = {
    bytes((2, 1, 0, 5, 4, 3)): 2,
    bytes((5, 4, 3, 2, 1, 0)): 3,
    bytes((3, 4, 5, 0, 1, 2)): 4,
    bytes((0, 3, 1, 4, 2, 5)): 5,
    bytes((3, 0, 4, 1, 5, 2)): 6,
    bytes((5, 2, 4, 1, 3, 0)): 7,
    bytes((2, 5, 1, 4, 0, 3)): 8,
}
"""EXIF's, by what they make of the rows 0 1 2 and 3 4 5."""

X265_PRESET = "ultrafast"
"""A third of the time of "superfast"; files are 3 % longer, and as near."""

X265_QUALITY = (0, 95, 100), (0, 63, 100)
"""Quality, and libheif's number for what looks like a JPEG or WebP of it; files are half as long.
By luma PSNR and SSIM of photos at 95, 90, 75 and 50; above 95 it rises to no loss."""

IPTC_LEFT_OUT = "its IPTC was left out: other programs do not read it in this format"

SRGB = (1, 13)
UNSPECIFIED = (2, 2)
BT601_MATRIX, NO_MATRIX = 6, 0


def decode(file: BinaryIO, reading: Reading, *, note_turns: bool = False) -> Stored:
    """note_turns : give what has no EXIF one that says how the picture was turned."""
    head = file.read(HEAD_BYTES)
    check_brands(head)  # before a video of any length is read
    items = read_items(head + file.read())
    item = items[items.primary]
    picture = coded_picture(items, items.primary, reading)
    tiles = item.references.get(b"dimg", ())[:1]
    colour = [item, *(items[tile] for tile in tiles)]  # phones note it at the tiles, too
    said = next(filter(None, map(nclx, colour)), None)
    warnings: list[str] = []
    exif = _exif(items, warnings)
    _compare_orientation(exif, item, warnings)
    if note_turns and not exif:
        exif = _exif_of_turns(item)
    profile = next(filter(None, map(icc, colour)), b"")
    if len(profile) > LARGEST_BLOCK_BYTES:
        warnings.append("its ICC profile is too long: taken as sRGB")
        profile = b""
    return Stored(
        turned(picture.codes, item),
        None if picture.alpha is None else turned(picture.alpha, item),
        bit_depth=picture.bit_depth,
        exif=exif,
        icc=profile,
        xmp=_metadata(items, b"mime", "XMP", warnings),
        iptc=_metadata(items, b"iptc", "IPTC", warnings),
        upright=True,
        cicp=None if said is None or said[:2] == UNSPECIFIED else (said.primaries, said.transfer),
        focal=_focal(items),
        format="AVIF" if picture.codec == AV1 else "",
        warnings=tuple(warnings),
    )


def _exif(items: Items, warnings: list[str]) -> bytes:
    """The EXIF block; where its TIFF header is, the first four bytes say."""
    block = _metadata(items, b"Exif", "EXIF", warnings)
    start = 4 + int.from_bytes(block[:4], "big")
    return without_header(
        block[start:] if block[start : start + 2] in (b"II", b"MM") else block[4:]
    )


def _metadata(items: Items, kind: bytes, name: str, warnings: list[str]) -> bytes:
    """The data of the item of this kind that describes the primary picture, or no picture."""
    fits = [
        item
        for item in items.by_number.values()
        if item.kind == kind
        and (kind != b"mime" or item.content_type == XMP_TYPE)
        and (b"cdsc" not in item.references or item.points(b"cdsc", items.primary))
    ]
    for item in sorted(fits, key=lambda item: b"cdsc" not in item.references):
        if item.parts is None:
            warnings.append(f"its {name} lies beyond the end of the file and was left out")
        elif (data := item.unpacked(LARGEST_BLOCK_BYTES + 1)) is None:
            warnings.append(f"its {name} is damaged and was left out")
        elif len(data) > LARGEST_BLOCK_BYTES:
            warnings.append(f"its {name} is too long and was left out")
        else:
            return data
    return b""


def parsed_xmp(item: Item) -> Element | None:
    """The XMP that an item holds; None if it is none, or damaged."""
    if item.kind != b"mime" or item.parts is None:
        return None
    data = item.unpacked(LARGEST_BLOCK_BYTES)
    return None if data is None else xmp.parsed(data)


def _compare_orientation(exif: bytes, item: Item, warnings: list[str]) -> None:
    orientation = exif_block.parse(exif).orientation
    if orientation != 1 and item.said(b"irot") is None and item.said(b"imir") is None:
        warnings.append(
            f"EXIF says orientation {orientation}, but the file does not turn its picture, "
            "which is what counts in this format: it is left as it is stored"
        )


def _exif_of_turns(item: Item) -> bytes:
    """An EXIF block with the orientation that does what the item's `irot` and `imir` do."""
    upright = turned(np.arange(6, dtype=np.uint8).reshape(2, 3), without_crop(item))
    orientation = ORIENTATIONS.get(upright.tobytes(), 1)
    if orientation == 1:
        return b""
    return exif_block.to_bytes(Exif(main={Tag.ORIENTATION: Exif().short(orientation)}))


def _focal(items: Items) -> tuple[float, float, float] | None:
    """Focal length and principal point of the primary picture, pixels, once it is turned."""
    item = items[items.primary]
    width, height = struct.unpack_from(">II", item.said(b"ispe") or bytes(12), 4)
    shares = _intrinsics(item) or _depth_camera(items)
    if shares is None or not 0.05 < shares[0] < 100:  # wider or longer than any lens
        return None
    focal, x, y = shares
    return focal * width, *turned_point(x * width, y * height, width, height, item)


def _intrinsics(item: Item) -> tuple[float, float, float] | None:
    """Focal length and principal point of a picture as shares of its width and height.

    ISO/IEC 23008-12: `cmin`, or what Apple wrote before that.
    """
    uuids = (found.body for found in item.properties if found.kind == b"uuid")
    apples = (body[16:] for body in uuids if body.startswith(APPLE_INTRINSICS))
    body = item.said(b"cmin") or next(apples, b"")
    flags = int.from_bytes(body[1:4], "big")
    if len(body) < 16 or flags & 1:  # with two focal lengths
        return None
    unit = 1 << (flags >> 8 & 31)
    focal, x, y = struct.unpack_from(">iii", body, 4)
    return focal / unit, x / unit, y / unit


def _depth_camera(items: Items) -> tuple[float, float, float] | None:
    """The same, by what Apple says of the camera in the XMP of an auxiliary picture."""
    for number, _ in items.pointing_to(items.primary, b"auxl"):
        for _, said in items.pointing_to(number, b"cdsc"):
            tree = parsed_xmp(said)
            if tree is None:
                continue
            matrix = [item.text for item in xmp.items(tree, f"{DEPTH_DATA}IntrinsicMatrix")]
            size = [
                xmp.value(tree, f"{DEPTH_DATA}IntrinsicMatrixReference{side}") for side in SIDES
            ]
            try:
                focal, x, y = (float(matrix[at] or "") for at in (0, 6, 7))  # by columns
                width, height = (float(side or "") for side in size)
                return focal / width, x / width, y / height
            except (ValueError, IndexError, ZeroDivisionError):
                continue
    return None


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8, 10 or 12 bit, grey or RGB, with or without alpha; 4:4:4. Alpha is coded without loss,
    and colour at quality 100."""
    return write_with_metadata(file, *coded_items(stored, quality), stored)


def coded_items(stored: Stored, quality: int) -> tuple[Items, tuple[bytes, ...]]:
    """The picture and its alpha alone, and the brands of a file of them."""
    coded = coded_hevc(stored, quality)
    items = read_items(coded)
    if stored.alpha is not None:
        alpha = Stored(stored.alpha, bit_depth=stored.bit_depth)
        items = with_auxiliary(items, alpha, ALPHA[0] + b"\0")
    return items, brands(coded[:HEAD_BYTES])


def with_auxiliary(items: Items, picture: Stored, kind: bytes) -> Items:
    """`items` with `picture` beside the primary one, coded without loss.

    kind : what it is, its URN and what else `auxC` says
    """
    coded = read_items(coded_hevc(picture, 100))
    item = coded[coded.primary]
    item = replace(
        item,
        properties=(*item.properties, Property(b"auxC", bytes(4) + kind, True)),
        references={b"auxl": (items.primary,)},
        hidden=True,
    )
    return Items(items.primary, {**items.by_number, max(items.by_number) + 1: item})


def coded_hevc(stored: Stored, quality: int, chroma: int = 444) -> bytes:
    """A HEIC of the colours alone.

    chroma : 444, or 420, the only one that some devices decode
    """
    import pillow_heif

    codes = stored.codes
    deep = stored.bit_depth > 8
    mode = "L" if stored.grey else "RGB"
    lossless = quality == 100 and chroma == 444
    primaries, transfer = UNSPECIFIED if stored.icc else stored.cicp or SRGB
    file = io.BytesIO()
    pillow_heif.encode(
        f"{mode};{stored.bit_depth}" if deep else mode,
        (stored.width, stored.height),
        (own_range(codes, stored.bit_depth) if deep else codes).tobytes(),
        file,
        quality=-1 if lossless else round(float(np.interp(quality, *X265_QUALITY))),
        chroma=chroma,
        bit_depth=stored.bit_depth,
        enc_params={"preset": X265_PRESET},
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=NO_MATRIX if lossless and not stored.grey else BT601_MATRIX,
        full_range_flag=1,
    )
    return file.getvalue()


def write_with_metadata(
    file: BinaryIO, items: Items, file_brands: tuple[bytes, ...], stored: Stored
) -> tuple[str, ...]:
    """Write `items` to `file`, with the profile, EXIF and XMP of `stored`.

    They are put in here and not by the encoders, as one of these turns pictures by what it
    finds in EXIF and XMP, and the other knows of neither. Returns what had to be left out.
    """
    write_items(file, _with_metadata(items, stored), b"".join(dict.fromkeys(file_brands)))
    return (IPTC_LEFT_OUT,) if stored.iptc else ()


def _with_metadata(items: Items, stored: Stored) -> Items:
    """`items` with the profile, EXIF and XMP of `stored`."""
    described = {b"cdsc": (items.primary,)}
    picture = items[items.primary]
    if stored.icc:
        profile = Property(b"colr", b"prof" + stored.icc)
        picture = replace(picture, properties=(*picture.properties, profile))
    by_number = {**items.by_number, items.primary: picture}
    if stored.exif:
        no_offset = bytes(4)
        exif = Item(b"Exif", (no_offset + stored.exif,), references=described, hidden=True)
        by_number[max(by_number) + 1] = exif
    if stored.xmp:
        xmp = Item(b"mime", (stored.xmp,), (), described, content_type=XMP_TYPE, hidden=True)
        by_number[max(by_number) + 1] = xmp
    return replace(items, by_number=by_number)
