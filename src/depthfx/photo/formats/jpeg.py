"""JPEG: 8 or 12 bit, grey, RGB or CMYK; the first picture of an MPO.

ITU-T T.81 (the segments); T.872 (colour transforms, and the APP14 segment of Adobe);
ISO 16684-3, 1.1.3 (XMP in JPEG, and its extension); ICC.1:2022, B.4.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.exif import EXIF_HEADER, Tag
from depthfx.photo.formats import photoshop
from depthfx.photo.stored import Codes, Reading, Stored, believable_dpi, full_range

ICC_HEADER = b"ICC_PROFILE\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
XMP_HEADER_OF_GETTY = b"XMP\0://ns.adobe.com/xap/1.0/\0"
"""In the pictures of an agency; other programs read it too."""
EXTENSION_HEADER = b"http://ns.adobe.com/xmp/extension/\0"
EXTENSION_BYTES = 64 << 20
"""Of the XMP beyond its packet, where a depth map or a second photo may lie."""
SEGMENT_BYTES = 65533
APP0, APP1, APP2, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xD8)))
END = bytes((0xFF, END_OF_IMAGE))
FILLER = bytes((0x5A,)) * 4096
"""Of some bits that mean something else than grey."""
MOST_SCANS = 200
"""Progressive encoders make about ten; each goes over the whole picture."""


@dataclass
class _Header:
    """The segments before a JPEG's picture data, by what they hold.

    frame : bits, height, width and components; scan : where the picture data begin
    adobe : there is a segment of Adobe, so CMYK is stored inverted
    exif, xmp, icc, resources, extension : the bodies of their segments
    """

    frame: tuple[int, int, int, int] | None = None
    scan: int = 0
    adobe: bool = False
    dpi: tuple[float, float] | None = None
    exif: list[bytes] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)
    icc: list[bytes] = field(default_factory=list)
    resources: list[bytes] = field(default_factory=list)
    extension: list[bytes] = field(default_factory=list)


def decode(file: BinaryIO, reading: Reading) -> Stored:
    data = file.read()
    header = _header(data)
    if header.frame is None or not header.scan:
        raise PhotoError("is damaged or cut off: the JPEG data end before the picture")
    bits, height, width, components = header.frame
    reading.check_size(width, height)
    if components not in (1, 3, 4):
        raise PhotoError(f"is a JPEG of {components} channels; convert it to RGB first")
    # Among picture data these two bytes stand for nothing but their end.
    end = data.find(END, header.scan)
    _check_scans(data, header.scan, end)
    warnings: list[str] = []
    codes = _picture(data)
    if codes.shape[:2] != (height, width):
        raise PhotoError(
            f"is {width} x {height} pixels by its header, "
            f"{codes.shape[1]} x {codes.shape[0]} by its data"
        )
    if end < 0 or (np.abs(codes[-1, -4:] - float(1 << (bits - 1))) <= 1).all():
        _check_whole(data, end, codes)
    if end < 0:
        warnings.append("the end marker of its JPEG data is missing")
    if components == 4:
        codes = _inks(codes, header.adobe, warnings)
    xmp = header.xmp[0] if header.xmp else b""
    return Stored(
        full_range(codes, bits),
        bit_depth=bits,
        exif=_joined_exif(header.exif, warnings),
        icc=_joined_icc(header.icc, warnings),
        xmp=xmp,
        xmp_extension=_joined_extension(header.extension, xmp, warnings),
        iptc=photoshop.iptc_in(b"".join(header.resources)),
        dpi=header.dpi,
        warnings=tuple(warnings),
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment's body, up to the first scan."""
    position = 2
    while position + 4 <= len(data):
        position = data.find(b"\xff", position)
        while position >= 0 and data[position + 1 : position + 2] == b"\xff":
            position += 1
        if position < 0 or position + 4 > len(data):
            return
        marker = data[position + 1]
        if marker == END_OF_IMAGE:
            return
        if marker == 0 or marker in WITHOUT_LENGTH:
            position += 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end > len(data):
            return
        yield marker, position + 4, end
        if marker == START_OF_SCAN:
            return
        position = end


def _header(data: bytes) -> _Header:
    header = _Header()
    kinds = (
        (APP1, EXIF_HEADER, header.exif),
        (APP1, XMP_HEADER, header.xmp),
        (APP1, XMP_HEADER_OF_GETTY, header.xmp),
        (APP1, EXTENSION_HEADER, header.extension),
        (APP2, ICC_HEADER, header.icc),
        (APP13, photoshop.HEADER, header.resources),
    )
    for marker, start, end in _segments(data):
        if marker in START_OF_FRAME and end - start >= 6 and header.frame is None:
            header.frame = struct.unpack_from(">BHHB", data, start)
        elif marker == START_OF_SCAN:
            header.scan = end
        elif marker == APP0 and data.startswith(b"JFIF\0", start) and end - start >= 12:
            unit, x, y = struct.unpack_from(">BHH", data, start + 7)
            inches = {1: 1.0, 2: 2.54}.get(unit)
            header.dpi = believable_dpi((x * inches, y * inches)) if inches else None
        elif marker == APP14 and data.startswith(b"Adobe", start):
            header.adobe = True
        for of_marker, begin, bodies in kinds:
            if marker == of_marker and data.startswith(begin, start, end):
                bodies.append(data[start + len(begin) : end])
    return header


def _check_scans(data: bytes, start: int, end: int) -> None:
    scans = data.count(bytes((0xFF, START_OF_SCAN)), start, end if end >= 0 else len(data))
    if scans >= MOST_SCANS:
        raise PhotoError(
            f"is a JPEG of more than {MOST_SCANS} passes over the picture, as no encoder makes"
        )


def _picture(data: bytes) -> Codes:
    import imagecodecs

    # Pillow's decoder is the same library, but takes three times as long around it.
    codes: Codes = imagecodecs.jpeg8_decode(data)
    return codes


def _check_whole(data: bytes, end: int, codes: Codes) -> None:
    """Refuse picture data that end too early; the library makes up middle grey for the rest.

    Where all is there, more bytes before the end change nothing.
    """
    begun = data[: end if end >= 0 else len(data)].rstrip(b"\xff")
    more = _picture(begun + FILLER + END)
    if not np.array_equal(more, codes):
        raise PhotoError("is damaged or cut off: part of the JPEG's picture data is missing")


def _inks(codes: Codes, adobe: bool, warnings: list[str]) -> Codes:
    """CMYK codes with full ink as the largest; Adobe stores them the other way round."""
    if adobe:
        return np.invert(codes)
    warnings.append("its CMYK values do not say whether they are inverted: taken as not")
    return codes


def _joined_exif(bodies: list[bytes], warnings: list[str]) -> bytes:
    """The first EXIF block, with what follows of it in segments without a header of TIFF."""
    if not bodies:
        return b""
    block, *more = bodies
    if not any(body.startswith((b"II*\0", b"MM\0*")) for body in more):
        return b"".join(bodies)
    if any(body != block for body in more):
        warnings.append("it has more than one EXIF block: the first one counts")
    return block


def _joined_icc(bodies: list[bytes], warnings: list[str]) -> bytes:
    """The profile, from parts that say their number, from 1, and how many there are."""
    if not bodies:
        return b""
    parts = {body[0]: body[2:] for body in reversed(bodies) if len(body) > 2}
    wanted = range(1, max((body[1] for body in bodies if len(body) > 2), default=1) + 1)
    if not set(wanted) <= set(parts):
        warnings.append("part of its ICC profile is missing: taken as sRGB")
        return b""
    return b"".join(parts[number] for number in wanted)


def _joined_extension(bodies: list[bytes], xmp: bytes, warnings: list[str]) -> bytes:
    """The XMP that goes on beyond its packet, if it is whole and the one the packet names.

    Each part has the MD5 of the whole, its length, and where in it the part belongs.
    """
    named = _extension_named(xmp)
    parts = [body for body in bodies if len(body) > 40 and body[:32].lower() == named]
    if not parts:
        if bodies or named:
            warnings.append("the rest of its XMP is missing or not its own, and is left out")
        return b""
    length = int.from_bytes(parts[0][32:36], "big")
    if length <= min(EXTENSION_BYTES, sum(len(part) - 40 for part in parts)):
        placed = sorted((int.from_bytes(part[36:40], "big"), part[40:]) for part in parts)
        whole = b"".join(part for _, part in _following(placed))
        if len(whole) == length and _md5(whole).lower() == named:
            return whole
    warnings.append("the rest of its XMP is damaged, and is left out")
    return b""


def _following(placed: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The parts that begin where the last one ended; one that is there twice counts once."""
    end = 0
    for start, part in placed:
        if start == end:
            yield start, part
            end += len(part)


def _extension_named(xmp: bytes) -> bytes:
    """The digest by which an XMP packet names its extension, in small letters; or empty."""
    found = re.search(rb"HasExtendedXMP\s*(?:=\s*[\"']|>\s*)([0-9A-Fa-f]{32})", xmp)
    return found[1].lower() if found else b""


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().upper().encode()


def encode(file: BinaryIO, stored: Stored, quality: int) -> tuple[str, ...]:
    """8 bit, grey or RGB, without chroma subsampling."""
    import imagecodecs

    left_out: list[str] = []
    codes = np.ascontiguousarray(stored.codes)
    data = memoryview(imagecodecs.jpeg8_encode(codes, quality, subsampling="444"))
    file.write(data[:2])
    x, y = (min(round(value), 65535) for value in stored.dpi or (1, 1))
    jfif = struct.pack(">HBHHBB", 0x0101, bool(stored.dpi), x, y, 0, 0)
    _segment(file, APP0, b"JFIF\0" + jfif)
    exif = _short_exif(stored.exif, left_out)
    if exif:
        _segment(file, APP1, EXIF_HEADER + exif)
    write_xmp(file, *_short_xmp(stored.xmp, stored.xmp_extension, left_out))
    _write_icc(file, stored.icc)
    if stored.iptc:
        _write_resources(file, photoshop.iptc_block(stored.iptc))
    its_own_jfif = 2 + int.from_bytes(data[4:6], "big") if data[3] == APP0 else 0
    file.write(data[2 + its_own_jfif :])
    return tuple(left_out)


def _segment(file: BinaryIO, marker: int, body: bytes) -> None:
    file.write(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)


def _short_exif(block: bytes, left_out: list[str]) -> bytes:
    """The EXIF block, at the cost of the MakerNote if it would not fit a segment."""
    if len(block) + len(EXIF_HEADER) <= SEGMENT_BYTES:
        return block
    exif = exif_block.parse(block)
    photo = {t: e for t, e in exif.photo.items() if t != Tag.MAKER_NOTE}
    block = exif_block.to_bytes(replace(exif, photo=photo))
    if len(block) + len(EXIF_HEADER) <= SEGMENT_BYTES:
        left_out.append("its EXIF is too long for a JPEG: the MakerNote was left out")
        return block
    left_out.append("its EXIF is too long for a JPEG and was left out")
    return b""


LONGEST_PACKET = SEGMENT_BYTES - len(XMP_HEADER)
MAIN_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    'xmpNote:HasExtendedXMP="{digest}"/>'
    "</rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)


def _short_xmp(xmp: bytes, extension: bytes, left_out: list[str]) -> tuple[bytes, bytes]:
    """A packet that fits a segment, and what goes into the extension that it names.

    A packet that is too long becomes the extension as it is, but for its wrapper, and the
    packet does nothing but name it; readers take both together.
    """
    if len(xmp) <= LONGEST_PACKET:
        if extension and _extension_named(xmp) != _md5(extension).lower():
            left_out.append("the XMP beyond its packet is not named there and was left out")
            extension = b""
        return xmp, extension
    if extension:
        left_out.append("its XMP is too long for a JPEG: what was beyond its packet was left out")
    whole = re.sub(rb"<\?xpacket[^>]*\?>", b"", xmp.removeprefix(b"\xef\xbb\xbf")).strip()
    whole = re.sub(rb"\s[\w.-]+:HasExtendedXMP=(?:\"[^\"]*\"|'[^']*')", b"", whole)
    return MAIN_PACKET.format(digest=_md5(whole).decode()).encode(), whole


def write_xmp(file: BinaryIO, packet: bytes, extension: bytes) -> None:
    if packet:
        _segment(file, APP1, XMP_HEADER + packet)
    digest, room = _md5(extension), SEGMENT_BYTES - len(EXTENSION_HEADER) - 40
    for start in range(0, len(extension), room):
        place = digest + struct.pack(">II", len(extension), start)
        _segment(file, APP1, EXTENSION_HEADER + place + extension[start : start + room])


def _write_icc(file: BinaryIO, icc: bytes) -> None:
    room = SEGMENT_BYTES - len(ICC_HEADER) - 2
    parts = [icc[start : start + room] for start in range(0, len(icc), room)]
    for number, part in enumerate(parts, 1):
        _segment(file, APP2, ICC_HEADER + bytes([number, len(parts)]) + part)


def _write_resources(file: BinaryIO, blocks: bytes) -> None:
    room = SEGMENT_BYTES - len(photoshop.HEADER)
    for start in range(0, len(blocks), room):
        _segment(file, APP13, photoshop.HEADER + blocks[start : start + room])
