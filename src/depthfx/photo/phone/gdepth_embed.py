"""GDepth into a JPEG: only XMP segments change, the picture stays byte for byte.

The map is a 16-bit PNG of RangeInverse: even in inverse depth, as depth is inside. 8 bits are
3 % of the distance at 8 m where 0.5 m is the nearest; readers that know only 8 bits take the
upper ones. Its base64 goes where a JPEG's XMP goes on beyond its packet.

"Depthmap Metadata", developers.google.com/depthmap-metadata; ISO 16684-3, 1.1.3 (XMP in JPEG,
and its extension); CIPA DC-007-2021 (Multi-Picture Format).
"""

from __future__ import annotations

import base64
import hashlib
import io
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

import depthfx
from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo.formats.jpeg import (
    EXTENSION_HEADER,
    XMP_HEADER,
    XMP_HEADER_OF_GETTY,
    write_xmp,
)
from depthfx.photo.phone.gdepth import GDEPTH
from depthfx.photo.phone.jpeg_parts import APP1, APP2, Segment, head
from depthfx.photo.xmp import (
    LONGEST_IN_JPEG,
    PACKET,
    RDF,
    Edit,
    Place,
    decoded,
    edited,
    quoted,
)

TOP = 65535
NOTE = "http://ns.adobe.com/xmp/note/"
HAS_EXTENDED = f"{{{NOTE}}}HasExtendedXMP"
LEADING = (b"JFIF\0", b"JFXX\0", b"Exif\0\0")
"""What stands before XMP by the rules of its own."""
MULTI_PICTURE = b"MPF\0"
MP_ENTRIES = 0xB002


class DepthMap(NamedTuple):
    """A depth map as GDepth has it: a PNG and what its smallest and largest code stand for."""

    png: bytes
    near: float
    far: float


def depth_map(inverse: Plane) -> DepthMap:
    """`inverse` depth (h, w) float32 as 16-bit RangeInverse.

    What is farther than 65535 times the nearest is put there: the format has no infinity.
    Raises PhotoError if there is one depth only.
    """
    import imagecodecs

    high = float(inverse.max())
    low = max(float(inverse.min()), high / TOP)
    if not low < high:
        raise PhotoError("its depth is the same everywhere, which GDepth cannot say")
    v = (np.float64(high) - inverse) / (high - low)
    codes = (np.clip(v, 0, 1) * TOP + 0.5).astype(np.uint16)
    return DepthMap(bytes(imagecodecs.png_encode(codes, level=6)), 1 / high, 1 / low)


def with_gdepth(
    jpeg: bytes, xmp: bytes, extension: bytes, inverse: Plane, *, metric: bool
) -> bytes:
    """The JPEG file `jpeg` with GDepth in place of any that it had; its other bytes stay.

    xmp, extension : the packet of its XMP and what that goes on with
    inverse : (h, w) float32, of the frame of the picture as it is stored; in 1/m if `metric`,
        else of any scale, and no unit is said

    What is XMP, but cannot be read, goes. Raises PhotoError if the XMP leaves no room.
    """
    found = depth_map(inverse)
    data = base64.b64encode(found.png).decode()
    rest = _without_gdepth(extension) or BARE_PACKET
    rest = _with_description(rest, {"Data": data}, "")
    digest = hashlib.md5(rest, usedforsecurity=False).hexdigest().upper()
    told = {
        "Format": "RangeInverse",
        "Near": f"{found.near:.9g}",
        "Far": f"{found.far:.9g}",
        "Mime": "image/png",
        **({"Units": "m"} if metric else {}),
        "MeasureType": "OpticalAxis",
        "Software": f"depthfx {depthfx.__version__}",
    }
    extended = f' xmlns:xmpNote="{NOTE}" xmpNote:HasExtendedXMP="{digest}"'
    packet = _with_description(_without_gdepth(xmp) or PACKET.encode(), told, extended)
    if len(packet) > LONGEST_IN_JPEG:
        raise PhotoError(
            f"its XMP is {len(packet)} bytes with depth, more than the {LONGEST_IN_JPEG} that "
            "a JPEG has room for"
        )
    return _with_xmp(jpeg, packet, rest)


BARE_PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>'
)


def _without_gdepth(packet: bytes) -> bytes:
    """`packet` in UTF-8 (as JPEG has it) without GDepth, and without descriptions of nothing
    else; empty if it is empty or cannot be read."""
    room = False

    def edits(_body: bytes, places: list[Place]) -> Iterable[Edit]:
        held: dict[int, list[Place]] = {}
        for place in places:
            held.setdefault(place.holder, []).append(place)
        gone = 0
        nonlocal room
        for index, place in enumerate(places):
            room = room or (place.name == f"{RDF}RDF" and place.inner_start < place.end)
            inside = [part.name for part in held.get(index, []) if part.name != f"{RDF}about"]
            only = place.name == f"{RDF}Description" and inside and all(map(_is_own, inside))
            if place.start >= gone and (only or _is_own(place.name)):
                gone = place.end
                yield place.start, gone, b""

    text, encoding = decoded(packet)
    made = edited(packet if encoding == "utf-8" else text.lstrip("\ufeff").encode(), edits)
    return made if made and room else b""


def _is_own(name: str) -> bool:
    return name.startswith(f"{{{GDEPTH}}}") or name == HAS_EXTENDED


def _with_description(packet: bytes, told: Mapping[str, str], more: str) -> bytes:
    """`packet` with one more description at its end, of GDepth's properties and `more`."""
    properties = "".join(f" GDepth:{name}={quoted(text)}" for name, text in told.items())

    def edits(body: bytes, places: list[Place]) -> Iterable[Edit]:
        root = next(p for p in places if p.name == f"{RDF}RDF" and p.inner_start < p.end)
        abouts = [place for place in places if place.name == f"{RDF}about"]
        about = body[abouts[0].inner_start : abouts[0].inner_end] if abouts else b""
        start = f'<rdf:Description xmlns:rdf="{RDF[1:-1]}" rdf:about="'.encode()
        end = f'" xmlns:GDepth="{GDEPTH}"{more}{properties}/>'.encode()
        yield root.inner_end, root.inner_end, start + about + end

    made = edited(packet, edits)
    assert made is not None, "a packet that was read before"
    return made


def _with_xmp(jpeg: bytes, packet: bytes, extension: bytes) -> bytes:
    """`jpeg` with this XMP and no other, after what has to stand before it."""
    kept = [segment for segment in head(jpeg) if not _is_xmp(jpeg, segment)]
    leading = 0
    while leading < len(kept) and jpeg.startswith(LEADING, kept[leading].body):
        leading += 1
    begin = kept[-1].start if kept else 2
    out = io.BytesIO()
    out.write(jpeg[:2])
    for index, segment in enumerate(kept[:-1]):
        if index == leading:
            write_xmp(out, packet, extension)
        out.write(jpeg[segment.start : segment.end])
    if leading >= len(kept) - 1:
        write_xmp(out, packet, extension)
    out.write(jpeg[begin:])
    made = out.getvalue()
    return _with_true_places(jpeg, made)


def _is_xmp(jpeg: bytes, segment: Segment) -> bool:
    headers = (XMP_HEADER, XMP_HEADER_OF_GETTY, EXTENSION_HEADER)
    return segment.marker == APP1 and jpeg.startswith(headers, segment.body)


def _with_true_places(old: bytes, new: bytes) -> bytes:
    """`new` with its list of further pictures saying where they are now, if it has one.

    Places count from the list itself, so only what has changed behind that counts.
    """
    before, after = _multi_picture(old), _multi_picture(new)
    if before is None or after is None:
        return new
    made = bytearray(new)
    grown = len(new) - len(old)
    moved = grown - (after - before)
    order = {b"II": "<", b"MM": ">"}.get(new[after : after + 2])
    for index, entry in enumerate(_entries(new, after, order) if order else ()):
        size, place = struct.unpack_from(f"{order}II", new, entry + 4)
        size, place = (size + grown, place) if index == 0 else (size, place + moved if place else 0)
        if 0 <= size < 1 << 32 and 0 <= place < 1 << 32:
            struct.pack_into(f"{order}II", made, entry + 4, size, place)
    return bytes(made)


def _multi_picture(jpeg: bytes) -> int | None:
    """Where the TIFF structure of the list of pictures begins."""
    for segment in head(jpeg):
        if segment.marker == APP2 and jpeg.startswith(MULTI_PICTURE, segment.body):
            return segment.body + len(MULTI_PICTURE)
    return None


def _entries(jpeg: bytes, tiff: int, order: str) -> list[int]:
    """Where the entries of that list are, each 16 bytes."""
    try:
        directory = tiff + struct.unpack_from(f"{order}I", jpeg, tiff + 4)[0]
        count = struct.unpack_from(f"{order}H", jpeg, directory)[0]
        for row in range(directory + 2, directory + 2 + 12 * min(count, 64), 12):
            tag, _, size, place = struct.unpack_from(f"{order}HHII", jpeg, row)
            if tag == MP_ENTRIES and tiff + place + size <= len(jpeg):
                return list(range(tiff + place, tiff + place + size - 15, 16))[:64]
    except struct.error:
        pass
    return []
