"""EXIF blocks: read, changed and written without loss.

An EXIF block is a small TIFF file: directories of tags, each with a type, a count and
bytes. The bytes are kept as they are, in the byte order of the block, so tags that
nobody here knows survive. A MakerNote keeps its place in the block, because makers let
it point into the block by position.

CIPA DC-008-2023 (Exif 3.0); TIFF 6.0.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from mmap import mmap
from typing import Any, NamedTuple

Buffer = bytes | mmap

EXIF_HEADER = b"Exif\0\0"
"""What stands before an EXIF block in some file formats."""


class Tag(IntEnum):
    """The tags that depthfx itself reads or writes."""

    IMAGE_WIDTH = 0x0100
    IMAGE_LENGTH = 0x0101
    ORIENTATION = 0x0112
    SOFTWARE = 0x0131
    EXIF_IFD = 0x8769
    GPS_IFD = 0x8825
    COLOR_SPACE = 0xA001
    PIXEL_X_DIMENSION = 0xA002
    PIXEL_Y_DIMENSION = 0xA003
    INTEROP_IFD = 0xA005
    FOCAL_LENGTH = 0x920A
    MAKER_NOTE = 0x927C
    FOCAL_PLANE_X_RESOLUTION = 0xA20E
    FOCAL_PLANE_Y_RESOLUTION = 0xA20F
    FOCAL_PLANE_RESOLUTION_UNIT = 0xA210
    DIGITAL_ZOOM_RATIO = 0xA404
    FOCAL_LENGTH_35MM = 0xA405
    SUBJECT_AREA = 0x9214
    SUBJECT_LOCATION = 0xA214
    DNG_PRIVATE_DATA = 0xC634
    INTEROP_INDEX = 0x0001


BYTE, ASCII, SHORT, LONG, SIGNED_LONG, IFD = 1, 2, 3, 4, 9, 13
TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    129: 1,
}
NUMBER_FORMATS = {
    1: "B",
    3: "H",
    4: "I",
    5: "II",
    6: "b",
    8: "h",
    9: "i",
    10: "ii",
    11: "f",
    12: "d",
    13: "I",
}
POINTER_TYPES = (LONG, SIGNED_LONG, IFD, 16, 17, 18)
"""SIGNED_LONG is none by the standard, but there are cameras that write it; 16 to 18 are
BigTIFF's."""
POINTERS = (Tag.EXIF_IFD, Tag.GPS_IFD, Tag.INTEROP_IFD)
COLOURS = (301, 318, 319, 529, 532)
"""Transfer function, white point, primaries, YCbCr coefficients, reference black and white."""
SAME_SHAPE = 0.02
"""Share by which the shape may differ of a picture that was only resized."""
DEEPEST = 4
"""Directories of unknown purpose within each other, as far as they are followed."""

STRUCTURE = frozenset(
    (
        *(254, 255, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284),
        *(288, 289, 290, 291, 292, 293, 297, 317, 320, 321, 324, 325),
        *(330, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 347, *range(512, 522), 530),
        # XMP, IPTC, Photoshop's blocks (with IPTC in them) and the profile.
        *(700, 33723, 34377, 34675),
    )
)
"""Tags of the main directory that say how a TIFF file's pixels lie, or that are kept elsewhere;
false of any other file. TileWidth and TileLength stay: an iPhone says so in its JPEGs."""


class Entry(NamedTuple):
    """One tag's value: `data` holds `length` values of type `kind`; `offset` is where it lay.

    directory : what an entry of type IFD points to, then `data` is of no use
    """

    kind: int
    length: int
    data: bytes
    offset: int = 0
    directory: Mapping[int, Any] | None = None


Directory = Mapping[int, Entry]


@dataclass(frozen=True)
class Exif:
    """The directories of an EXIF block, without thumbnail.

    byte_order : "<" or ">"; main : IFD0; photo : the Exif IFD; gps, interop : theirs.
    damaged : something in the block could not be read, and is missing here.
    """

    byte_order: str = "<"
    main: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    interop: Directory = field(default_factory=dict)
    damaged: bool = False

    def number(self, directory: Directory, tag: int) -> float | None:
        """The first value of a numeric tag; None if missing, no number or not finite."""
        entry = directory.get(tag)
        form = NUMBER_FORMATS.get(entry.kind) if entry else None
        if entry is None or form is None or entry.length < 1:
            return None
        values = struct.unpack_from(self.byte_order + form, entry.data)
        if len(values) == 2 and not values[1]:
            return None
        number = float(values[0] if len(values) == 1 else values[0] / values[1])
        return number if math.isfinite(number) else None

    @property
    def orientation(self) -> int:
        """1..8; what is missing or not defined counts as upright."""
        stored = self.number(self.main, Tag.ORIENTATION) or 1.0
        return int(stored) if stored in range(1, 9) else 1

    def short(self, value: int) -> Entry:
        return Entry(SHORT, 1, struct.pack(self.byte_order + "H", value))

    def long(self, value: int) -> Entry:
        return Entry(LONG, 1, struct.pack(self.byte_order + "I", value))


def parse(block: Buffer) -> Exif:
    """Read an EXIF block, or the tags of a whole TIFF or BigTIFF file.

    Never raises: what cannot be read is left out, and `damaged` set. Every directory is
    followed once, so no loop can form.
    """
    if not len(block):
        return Exif()
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    magic = struct.unpack(order + "H", block[2:4])[0] if order and len(block) >= 16 else 0
    if order is None or magic not in (42, 43):
        return Exif(damaged=True)
    reader = _Reader(block, order, big=magic == 43)
    main = reader.directory(reader.offset_at(8 if reader.big else 4))
    photo = reader.directory(reader.pointer(main, Tag.EXIF_IFD))
    gps = reader.directory(reader.pointer(main, Tag.GPS_IFD))
    interop = reader.directory(reader.pointer(photo, Tag.INTEROP_IFD))
    for directory in (main, photo):
        for tag in POINTERS:
            directory.pop(tag, None)
    return Exif(order, main, photo, gps, interop, reader.damaged)


class _Reader:
    """Reads directories from a buffer, noting what lies outside of it."""

    def __init__(self, block: Buffer, order: str, big: bool) -> None:
        self.block, self.order, self.big = block, order, big
        self.damaged = False
        self.followed: set[int] = set()

    def offset_at(self, position: int) -> int:
        form, size = ("Q", 8) if self.big else ("I", 4)
        found = self.block[position : position + size]
        return int(struct.unpack(self.order + form, found)[0]) if len(found) == size else 0

    def pointer(self, directory: Directory, tag: int) -> int:
        entry = directory.get(tag)
        if entry is None:
            return 0
        if entry.kind not in POINTER_TYPES or len(entry.data) not in (4, 8):
            self.damaged = True
            return 0
        return int.from_bytes(entry.data, "little" if self.order == "<" else "big")

    def directory(self, offset: int, depth: int = 0) -> dict[int, Entry]:
        entries: dict[int, Entry] = {}
        if offset == 0:
            return entries
        if offset in self.followed or depth > DEEPEST:
            self.damaged = True
            return entries
        self.followed.add(offset)
        counter, head, inline = ("Q", "HHQ", 8) if self.big else ("H", "HHI", 4)
        counter_size, entry_size = struct.calcsize("<" + counter), 20 if self.big else 12
        found = self.block[offset : offset + counter_size]
        if len(found) < counter_size:
            self.damaged = True
            return entries
        position = offset + counter_size
        for _ in range(min(struct.unpack(self.order + counter, found)[0], 4096)):
            row = self.block[position : position + entry_size]
            if len(row) < entry_size:
                self.damaged = True
                break
            tag, kind, count = struct.unpack_from(self.order + head, row)
            size = TYPE_BYTES.get(kind, 8 if kind in (16, 17, 18) else 0) * count
            at = position + entry_size - inline
            if size > inline:
                at = self.offset_at(at)
            data = self.block[at : at + size] if size <= len(self.block) else b""
            # Empty texts are in many files; a type that nobody knows has no size either.
            if len(data) == size and (size or (kind in TYPE_BYTES and not count)):
                entries.setdefault(tag, Entry(kind, count, data, at))
            elif count:
                self.damaged = True
            position += entry_size
        for tag, entry in entries.items():
            if entry.kind == IFD and entry.length == 1 and tag not in POINTERS:
                nested = self.directory(self.pointer(entries, tag), depth + 1)
                entries[tag] = entry._replace(directory=nested)
        return entries


def without_header(block: bytes) -> bytes:
    return block.removeprefix(EXIF_HEADER)


def to_bytes(exif: Exif) -> bytes:
    """The EXIF block of `exif`; empty if it has no tags."""
    if not (exif.main or exif.photo or exif.gps or exif.interop):
        return b""
    layout = _Layout(exif.byte_order, 0, exif.photo.get(Tag.MAKER_NOTE))
    layout.place(8)
    main = layout.put_directories(exif)
    magic = b"II" if exif.byte_order == "<" else b"MM"
    layout.put(0, magic + struct.pack(exif.byte_order + "HI", 42, main))
    return bytes(layout.block)


def appendix(exif: Exif, at: int) -> tuple[bytes, int]:
    """The directories of `exif` as bytes to stand at the even position `at` of a TIFF
    file, and the position of the main one, for the file's header to point to."""
    layout = _Layout(exif.byte_order, at, None)
    main = layout.put_directories(exif)
    return bytes(layout.block), main


def _directory_bytes(entries: int) -> int:
    return 2 + 12 * entries + 4


class _Layout:
    """Bytes of a block being written around a MakerNote that stays where it was."""

    def __init__(self, order: str, base: int, note: Entry | None) -> None:
        self.order, self.base, self.cursor = order, base, base
        self.block = bytearray()
        self.note_start = self.note_end = 0
        if note is not None and note.offset >= 8 and len(note.data) > 4:
            self.note_start, self.note_end = note.offset, note.offset + len(note.data)
            self.put(note.offset, note.data)

    def place(self, size: int) -> int:
        """Position of `size` free bytes, even as TIFF wants it."""
        position = self.cursor + self.cursor % 2
        if position < self.note_end and position + size > self.note_start:
            position = self.note_end + self.note_end % 2
        self.cursor = position + size
        return position

    def put(self, position: int, data: bytes) -> None:
        start = position - self.base
        self.block.extend(bytes(max(0, start + len(data) - len(self.block))))
        self.block[start : start + len(data)] = data

    def put_directories(self, exif: Exif) -> int:
        """All directories, the main one first; returns its position."""
        main, photo = dict(exif.main), dict(exif.photo)
        pointers = bool(photo or exif.interop) + bool(exif.gps)
        position = self.place(_directory_bytes(len(main) + pointers))
        if exif.interop:
            photo[Tag.INTEROP_IFD] = self.put_new_directory(exif.interop)
        if photo:
            main[Tag.EXIF_IFD] = self.put_new_directory(photo)
        if exif.gps:
            main[Tag.GPS_IFD] = self.put_new_directory(exif.gps)
        self.put_directory(position, main)
        return position

    def put_new_directory(self, directory: Directory) -> Entry:
        position = self.place(_directory_bytes(len(directory)))
        self.put_directory(position, directory)
        return Entry(LONG, 1, struct.pack(self.order + "I", position))

    def put_directory(self, position: int, directory: Directory) -> None:
        rows = []
        for tag, entry in sorted(directory.items()):
            if entry.kind not in TYPE_BYTES:  # of BigTIFF
                continue
            if entry.directory is not None:
                entry = self.put_new_directory(entry.directory)._replace(kind=entry.kind)
            value = entry.data.ljust(4, b"\0")
            if len(value) > 4:
                kept = tag == Tag.MAKER_NOTE and self.note_end > 0
                at = self.note_start if kept else self.place(len(value))
                self.put(at, value)
                value = struct.pack(self.order + "I", at)
            rows.append(struct.pack(self.order + "HHI", tag, entry.kind, entry.length) + value)
        self.put(position, struct.pack(self.order + "H", len(rows)) + b"".join(rows) + bytes(4))


def for_output(exif: Exif, width: int, height: int, software: str) -> Exif:
    """`exif` as it is true of an upright picture of `width` x `height` from `software`.

    Orientation and sizes become true, the place of the subject is turned with the picture,
    and what TIFF says of its pixels goes (`STRUCTURE`). The thumbnail is gone already,
    since it would show the photo as it was.
    """
    text = software.encode("ascii", "replace") + b"\0"
    kept = {tag: entry for tag, entry in exif.main.items() if tag not in STRUCTURE}
    main = {
        **kept,
        Tag.ORIENTATION: exif.short(1),
        Tag.SOFTWARE: Entry(ASCII, len(text), text),
    }
    if Tag.IMAGE_WIDTH in main:
        main |= {Tag.IMAGE_WIDTH: exif.long(width), Tag.IMAGE_LENGTH: exif.long(height)}
    photo = exif.photo
    if photo:
        photo = {
            **photo,
            **_upright_subject(exif, width, height),
            Tag.PIXEL_X_DIMENSION: exif.long(width),
            Tag.PIXEL_Y_DIMENSION: exif.long(height),
        }
    return replace(exif, main=main, photo=photo)


def in_colours(exif: Exif, *, srgb: bool) -> Exif:
    """`exif` as it is true of pixels in sRGB, or of ones that only a profile describes.

    DCF names Adobe RGB by the interoperability directory, so that becomes the usual one.
    """
    photo, interop = dict(exif.photo), dict(exif.interop)
    if photo:
        photo[Tag.COLOR_SPACE] = exif.short(1 if srgb else 0xFFFF)
    if Tag.INTEROP_INDEX in interop:
        interop[Tag.INTEROP_INDEX] = Entry(ASCII, 4, b"R98\0")
    main = {tag: entry for tag, entry in exif.main.items() if tag not in COLOURS}
    return replace(exif, main=main, photo=photo, interop=interop)


def _upright_subject(exif: Exif, width: int, height: int) -> dict[int, Entry]:
    """SubjectArea and SubjectLocation in pixels of the upright picture, where they change."""
    turned = exif.orientation >= 5
    stored = (height, width) if turned else (width, height)
    before = [
        exif.number(exif.photo, tag) or size
        for tag, size in zip((Tag.PIXEL_X_DIMENSION, Tag.PIXEL_Y_DIMENSION), stored, strict=True)
    ]
    found: dict[int, Entry] = {}
    unchanged = exif.orientation == 1 and before == list(stored)
    if (
        unchanged
        or min(before) < 1
        or abs(before[0] / before[1] * stored[1] / stored[0] - 1) > SAME_SHAPE
    ):
        return found
    for tag in (Tag.SUBJECT_AREA, Tag.SUBJECT_LOCATION):
        entry = exif.photo.get(tag)
        if entry is None or entry.kind != SHORT or entry.length not in (2, 3, 4):
            continue
        form = f"{exif.byte_order}{entry.length}H"
        x, y, *sides = struct.unpack_from(form, entry.data)
        x, y = upright_place((x + 0.5) / before[0], (y + 0.5) / before[1], exif.orientation)
        sides = [side * size / old for side, size, old in zip(sides, stored, before, strict=False)]
        values = (int(x * width), int(y * height), *map(round, sides[::-1] if turned else sides))
        data = struct.pack(form, *(min(max(value, 0), 0xFFFF) for value in values))
        found[tag] = Entry(SHORT, entry.length, data)
    return found


def upright_place(x: float, y: float, orientation: int) -> tuple[float, float]:
    """A place of the stored picture in the upright one; EXIF's table of orientations."""
    return {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }.get(orientation, (x, y))
