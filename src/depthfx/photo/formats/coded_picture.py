"""A picture item of a HEIF or AVIF file -> its codes, and how it is to be turned.

A picture may be made of others: a grid of tiles, as in phones' photos. Only what makes this
one picture is handed to the decoder, in a new file of its own, so that nothing else in a
file, be it broken or crafted, gets there; turning and cropping is done here.

ISO/IEC 23008-12 6.5 (properties), 6.6.2 (derived pictures); ISO/IEC 14496-12 12.1.4 (clap).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.boxes import Item, Items, write_items
from depthfx.photo.formats.bitstream import av1_sizes, hevc_full_range, hevc_sizes
from depthfx.photo.stored import BOMB_PIXELS, Codes, Reading, full_range, parted, straight

HEVC, AV1 = b"hvc1", b"av01"
CODECS = {HEVC: (b"hvcC", hevc_sizes), AV1: (b"av1C", av1_sizes)}
FILE_BRANDS = {HEVC: b"heicmif1heic", AV1: b"avifmif1miafavif"}
ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")

FOR_DECODERS = (b"ispe", b"hvcC", b"av1C", b"pixi", b"colr", b"auxC", b"a1op", b"a1lx", b"lsel")
"""Properties that a decoder needs: none of those that turn or describe the picture."""

TURNS = (b"clap", b"irot", b"imir")

MOST_PARTS = 1000
"""Pictures in one picture, as in libheif; tiles of 512 x 512 for 260 MP."""

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Picture:
    """codes, alpha : as in `Stored`, but not turned; bit_depth : in the file;
    codec : `HEVC` or `AV1`"""

    codes: Codes
    alpha: Codes | None
    bit_depth: int
    codec: bytes


def auxiliary_kind(item: Item) -> bytes:
    """The URN that says what an auxiliary picture is; empty if it is none."""
    return (item.said(b"auxC") or b"")[4:].partition(b"\0")[0]


def coded_picture(items: Items, number: int, reading: Reading) -> Picture:
    """Decode the item `number` with its alpha, if it has some.

    Raises PhotoError before memory is taken if it is larger than `reading` allows, by any of
    the sizes it says, or if it is coded in another way than HEVC or AV1.
    """
    parts = _parts(items, number)
    codecs = {items[part].kind for part in parts} & CODECS.keys()
    if len(codecs) != 1:
        raise PhotoError("is damaged: its picture is coded in two ways, or not at all")
    codec = codecs.pop()
    leaf = items[number]
    while leaf.kind != codec:
        leaf = items[next(iter(leaf.references.get(b"dimg", ())), -1)]
    _check_sizes(items, parts, reading)

    alone = Items(number, {part: _bare(items, part, number, parts) for part in parts})
    file = io.BytesIO()
    write_items(file, alone, FILE_BRANDS[codec])
    try:
        decoded, bit_depth = (_hevc if codec == HEVC else _av1)(file.getvalue(), leaf)
    except Exception as error:  # the libraries raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise PhotoError(f"is damaged: its picture cannot be decoded ({reason})") from error
    return Picture(*decoded, bit_depth, codec)


def _parts(items: Items, number: int) -> list[int]:
    """The numbers of all items that make a picture and its alpha, itself first."""
    alphas: dict[int, list[int]] = {}
    for alpha, other in items.by_number.items():
        for target in other.references.get(b"auxl", ()) if auxiliary_kind(other) in ALPHA else ():
            alphas.setdefault(target, []).append(alpha)
    found: dict[int, None] = {}
    waiting, visits = [(number, 0)], 0
    while waiting:
        part, depth = waiting.pop()
        item = items[part]
        if item.kind not in (*CODECS, b"grid", b"iovl", b"iden"):
            kind = repr(item.kind.decode("latin-1"))
            raise PhotoError(f"is coded as {kind}, which is not read (HEVC and AV1 are)")
        visits += 1
        if visits > MOST_PARTS or depth > 3:
            raise PhotoError(f"is made of more than {MOST_PARTS} pictures, or by more than 3 steps")
        found[part] = None
        sources = () if item.kind in CODECS else item.references.get(b"dimg", ())
        waiting += [(source, depth + 1) for source in sources]
        if auxiliary_kind(item) not in ALPHA:
            waiting += [(alpha, depth + 1) for alpha in alphas.get(part, ())]
    return list(found)


def _check_sizes(items: Items, parts: list[int], reading: Reading) -> None:
    """Every size that a part of the picture says: in its box, its bitstream, as a grid."""
    sizes = {part: list(_sizes(items[part])) for part in parts}
    for width, height in (size for said in sizes.values() for size in said):
        reading.check_size(width, height)
    pixels = {part: max(width * height for width, height in sizes[part]) for part in parts}
    for part in parts:
        item = items[part]
        sources = item.references.get(b"dimg", ()) if item.kind not in CODECS else ()
        decoded = sum(pixels[source] for source in sources)
        if decoded > 2 * pixels[part] + BOMB_PIXELS:  # tiles may reach over the edges
            raise PhotoError(
                f"is made of pictures that have {decoded} pixels, for {pixels[part]} of its own"
            )
        if item.kind == b"grid":
            columns, rows = item.data[3] + 1, item.data[2] + 1
            if rows * columns != len(sources):
                raise PhotoError(
                    f"is damaged: a grid of {columns} x {rows} tiles is made of {len(sources)}"
                )


def _sizes(item: Item) -> Iterator[tuple[int, int]]:
    extents = item.said(b"ispe") or b""
    if len(extents) < 12:
        raise PhotoError("is damaged: a picture in it does not say its size")
    yield struct.unpack_from(">II", extents, 4)
    if item.kind in CODECS:
        box, sizes = CODECS[item.kind]
        yield from sizes(item.said(box) or b"", item.data)
    elif item.kind in (b"grid", b"iovl"):
        data = item.data
        form = ">II" if data[1:2] and data[1] & 1 else ">HH"
        at = 4 if item.kind == b"grid" else 10
        if len(data) < at + struct.calcsize(form):
            raise PhotoError("is damaged: the plan of its grid is cut off")
        yield struct.unpack_from(form, data, at)


def _bare(items: Items, part: int, number: int, parts: list[int]) -> Item:
    """The item `part` of the picture `number` with what a decoder needs, and no more.

    What the picture is made of may be turned before it is put together: that is for the decoder.
    """
    item = items[part]
    said = nclx(item)
    outer = part == number or item.points(b"auxl", number)
    wanted = FOR_DECODERS if outer else (*FOR_DECODERS, *TURNS)
    references = {
        kind: tuple(target for target in targets if target in parts)
        for kind, targets in item.references.items()
        if kind in (b"dimg", b"auxl", b"prem")
    }
    return Item(
        item.kind,
        (item.data,),
        tuple(
            found._replace(body=said.body) if found.kind == b"colr" and said else found
            for found in item.properties
            if found.kind in wanted and (found.kind != b"colr" or is_nclx(found.body))
        ),
        {kind: targets for kind, targets in references.items() if targets},
        hidden=part != number,
    )


def _hevc(data: bytes, leaf: Item) -> tuple[tuple[Codes, Codes | None], int]:
    import pillow_heif

    picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    bits = int(picture.info["bit_depth"])
    codes, alpha = parted(full_range(np.asarray(picture), bits))
    if picture.premultiplied_alpha and alpha is not None:
        codes = straight(codes, alpha, 8 * codes.dtype.itemsize)
    grey = (leaf.said(b"hvcC") or bytes(17))[16] & 3 == 0
    if grey and codes.ndim == 3:  # as libheif gives grey with alpha
        codes = np.ascontiguousarray(codes[..., 0])
    elif grey and (said := nclx(leaf)) and not said.full_range:  # libheif leaves it as it is
        codes = _from_video_range(codes)
    return (codes, alpha), bits


def _from_video_range(codes: Codes) -> Codes:
    """Grey that runs from 16 to 235 of 255, or as far in more bits, over the full range."""
    top = np.iinfo(codes.dtype).max
    spread = (codes.astype(np.float32) - top * (16 / 255)) * (255 / 219) + 0.5
    return np.clip(spread, 0, top).astype(codes.dtype)


def _av1(data: bytes, leaf: Item) -> tuple[tuple[Codes, Codes | None], int]:
    import imagecodecs

    flags = (leaf.said(b"av1C") or bytes(4))[2]
    bits = 12 if flags & 0x20 else 10 if flags & 0x40 else 8
    return parted(full_range(imagecodecs.avif_decode(data, numthreads=2), bits)), bits


class Nclx(NamedTuple):
    """Colour by ITU-T H.273: primaries, transfer characteristics, matrix."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool

    @property
    def body(self) -> bytes:
        """Of a colr box."""
        return b"nclx" + struct.pack(">HHHB", *self[:3], 0x80 * self.full_range)


def is_nclx(body: bytes) -> bool:
    return body[:4] == b"nclx" and len(body) >= 11


def nclx(item: Item) -> Nclx | None:
    """What is said of colour; of full range the bitstream, too: a camera has left it out here."""
    for found in item.properties:
        if found.kind == b"colr" and is_nclx(found.body):
            primaries, transfer, matrix, last = struct.unpack_from(">HHHB", found.body, 4)
            full = bool(last & 0x80) or hevc_full_range(item.said(b"hvcC") or b"")
            return Nclx(primaries, transfer, matrix, full)
    return None


def icc(item: Item) -> bytes:
    bodies = (p.body for p in item.properties if p.kind == b"colr")
    return next((body[4:] for body in bodies if body[:4] in (b"prof", b"rICC")), b"")


def turned(codes: Codes, item: Item) -> Codes:
    """`codes` cropped, turned and mirrored as the properties of `item` say, in their order."""
    for kind, body, _ in item.properties:
        if kind == b"clap":
            left, top, right, bottom = crop(body, codes.shape[1], codes.shape[0])
            codes = codes[top:bottom, left:right]
        elif kind == b"irot" and body:
            codes = np.rot90(codes, body[0] & 3)
        elif kind == b"imir" and body:
            codes = codes[:, ::-1] if body[0] & 1 else codes[::-1]
    return np.ascontiguousarray(codes)


def without_crop(item: Item) -> Item:
    return replace(item, properties=tuple(p for p in item.properties if p.kind != b"clap"))


def turned_point(x: float, y: float, width: int, height: int, item: Item) -> Point:
    """Where a point of a `width` x `height` picture is once that has been `turned`."""
    for kind, body, _ in item.properties:
        if kind == b"clap":
            left, top, right, bottom = crop(body, width, height)
            x, y, width, height = x - left, y - top, right - left, bottom - top
        elif kind == b"irot" and body:
            for _ in range(body[0] & 3):
                x, y, width, height = y, width - x, height, width
        elif kind == b"imir" and body:
            x, y = (width - x, y) if body[0] & 1 else (x, height - y)
    return x, y


def crop(body: bytes, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a clean aperture; of all where it makes no sense."""
    whole = 0, 0, width, height
    if len(body) < 32:
        return whole
    (w, w_over, h, h_over), (x, x_over, y, y_over) = (
        struct.unpack_from(">4I", body),
        struct.unpack_from(">iIiI", body, 16),
    )
    if not (w_over and h_over and x_over and y_over):
        return whole
    kept_width, kept_height = Fraction(w, w_over), Fraction(h, h_over)
    left = round(Fraction(x, x_over) + Fraction(width - kept_width) / 2)
    top = round(Fraction(y, y_over) + Fraction(height - kept_height) / 2)
    right, bottom = left + round(kept_width), top + round(kept_height)
    fits = 0 <= left < right <= width and 0 <= top < bottom <= height
    return (left, top, right, bottom) if fits else whole
