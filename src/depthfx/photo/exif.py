"""EXIF blocks: read, changed and written without loss.

An EXIF block is a small TIFF file: directories of tags, each with a type, a count and
bytes. The bytes are kept as they are, in the byte order of the block, so tags that
nobody here knows survive. A MakerNote keeps its place in the block, because makers let
it point into the block by position.

CIPA DC-008-2023 (Exif 3.0); TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from mmap import mmap
from typing import NamedTuple

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
    FOCAL_PLANE_RESOLUTION_UNIT = 0xA210
    FOCAL_LENGTH_35MM = 0xA405
    INTEROP_INDEX = 0x0001


BYTE, ASCII, SHORT, LONG = 1, 2, 3, 4
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
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
POINTERS = (Tag.EXIF_IFD, Tag.GPS_IFD, Tag.INTEROP_IFD)


class Entry(NamedTuple):
    """One tag's value: `data` holds `length` values of type `kind`; `offset` is where it lay."""

    kind: int
    length: int
    data: bytes
    offset: int = 0


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
        """The first value of a numeric tag; None if missing, not a number or x / 0."""
        entry = directory.get(tag)
        form = NUMBER_FORMATS.get(entry.kind) if entry else None
        if entry is None or form is None or entry.length < 1:
            return None
        values = struct.unpack_from(self.byte_order + form, entry.data)
        if len(values) == 1:
            return float(values[0])
        return values[0] / values[1] if values[1] else None

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

    Never raises: what cannot be read is left out, and `damaged` set. Only the four
    directories of EXIF are followed, each once, so no loop can form.
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

    def offset_at(self, position: int) -> int:
        form, size = ("Q", 8) if self.big else ("I", 4)
        found = self.block[position : position + size]
        return int(struct.unpack(self.order + form, found)[0]) if len(found) == size else 0

    def pointer(self, directory: Directory, tag: Tag) -> int:
        entry = directory.get(tag)
        if entry is None:
            return 0
        if entry.kind not in (LONG, 13, 16, 18) or len(entry.data) not in (4, 8):
            self.damaged = True
            return 0
        return int.from_bytes(entry.data, "little" if self.order == "<" else "big")

    def directory(self, offset: int) -> dict[int, Entry]:
        entries: dict[int, Entry] = {}
        if offset == 0:
            return entries
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
            if size and len(data) == size:
                entries.setdefault(tag, Entry(kind, count, data, at))
            elif count:
                self.damaged = True
            position += entry_size
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

    The thumbnail is gone already, since it would show the photo as it was.
    """
    text = software.encode("ascii", "replace") + b"\0"
    main = {
        **exif.main,
        Tag.ORIENTATION: exif.short(1),
        Tag.SOFTWARE: Entry(ASCII, len(text), text),
    }
    if Tag.IMAGE_WIDTH in main:
        main |= {Tag.IMAGE_WIDTH: exif.long(width), Tag.IMAGE_LENGTH: exif.long(height)}
    photo = exif.photo
    if photo:
        photo = {
            **photo,
            Tag.PIXEL_X_DIMENSION: exif.long(width),
            Tag.PIXEL_Y_DIMENSION: exif.long(height),
        }
    return replace(exif, main=main, photo=photo)
