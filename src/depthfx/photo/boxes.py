"""Boxes of the ISO base media file format, and the items that HEIF and AVIF keep in them.

Nothing a file says of sizes, counts or places is believed: each is compared with the bytes
that are there before it is used, and loops end with the bytes they read.

ISO/IEC 14496-12 (boxes, `meta`, `iloc`, `iinf`, `iref`); ISO/IEC 23008-12 (`iprp`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO, NamedTuple

from depthfx.errors import PhotoError

MOST_BOXES = 70_000
"""In one box: more than the 65535 items that a file numbered with 16 bits has."""

MOST_EXTENTS = 32
"""Parts that the data of one item may lie in, as in libheif."""

LARGEST_TABLE_BYTES = 1 << 20
"""Of a box that lists items; 32 bytes for each of 32768 of them."""

DEFLATED = (b"deflate", b"compress_zlib")
"""Content encodings, both of which are zlib's format."""

HEIF_BRANDS = b"heic heix hevc hevx heim heis hevm hevs mif1 mif2 msf1 miaf".split()
AVIF_BRANDS = (b"avif", b"avis")
RAW_BRAND, SHORT_BRAND = b"crx ", b"mif3"
HEAD_BYTES = 128
"""Of a file, to see what it is: its first box, with two dozen brands."""


def brands(head: bytes) -> tuple[bytes, ...]:
    """The brands of a file, the major one first, as far as its first bytes show them."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(head[:4], "big"), len(head) // 4 * 4)
    return head[8:12], *(head[at : at + 4] for at in range(16, end, 4))


def is_avif(head: bytes) -> bool:
    """By the first 32 bytes of a file: an AVIF."""
    found = brands(head)
    return bool(found) and (
        found[0] in AVIF_BRANDS
        or (found[0] in (b"mif1", b"msf1", b"miaf") and not {*AVIF_BRANDS}.isdisjoint(found))
    )


def is_heif(head: bytes) -> bool:
    """By the first 32 bytes of a file: a HEIF, or a video, which `read_items` refuses in words;
    neither AVIF nor the raw format CR3."""
    return head[4:8] == b"ftyp" and head[8:12] != RAW_BRAND and not is_avif(head)


def check_brands(head: bytes) -> None:
    """Raise PhotoError if a file that begins so, with a `ftyp` box, is neither HEIF nor AVIF."""
    if SHORT_BRAND in brands(head):
        raise PhotoError("is a HEIF or AVIF in the short form 'mini', which is not read")
    if {*HEIF_BRANDS, *AVIF_BRANDS}.isdisjoint(brands(head)):
        raise PhotoError(
            f"is a video or other media file (brand {_name(head[8:12])}), not a HEIF or AVIF photo"
        )


class Box(NamedTuple):
    """One box: its four-character kind, and where its body starts and ends."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that lie one after the other in `data` from `start` to `end`.

    A `mdat` that is cut off ends with the data. Raises PhotoError at any other box that is
    longer than its room.
    """
    end = len(data) if end is None else end
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1 and start + 16 <= end:
            header, size = 16, int.from_bytes(data[start + 8 : start + 16], "big")
        elif size == 0:
            size = end - start
        if size < header or (start + size > end and kind != b"mdat"):
            raise PhotoError(
                f"is damaged or cut off: its box {_name(kind)} is {size} bytes long by its "
                f"header, where there are {end - start}"
            )
        yield Box(kind, start + header, min(start + size, end))
        start += size
    raise PhotoError(f"is damaged: more than {MOST_BOXES} boxes in one")


def _name(kind: bytes) -> str:
    return repr(kind.decode("latin-1"))


class Property(NamedTuple):
    """What is said of an item: a box of `ipco`."""

    kind: bytes
    body: bytes
    essential: bool = False


@dataclass(frozen=True)
class Item:
    """A picture, a tile of one, or metadata.

    kind : as b"hvc1", b"grid" or b"Exif"
    parts : its data, to be put together; None if it lies outside of the file
    references : numbers of other items by kind, as b"dimg": what a grid is made of
    content_type, content_encoding : of an item of the kind b"mime"
    """

    kind: bytes
    parts: tuple[bytes | memoryview, ...] | None = ()
    properties: tuple[Property, ...] = ()
    references: Mapping[bytes, tuple[int, ...]] = field(default_factory=dict)
    content_type: bytes = b""
    hidden: bool = False
    content_encoding: bytes = b""

    @property
    def data(self) -> bytes:
        """Raises PhotoError if it is not in the file."""
        if self.parts is None:
            raise PhotoError("is damaged or cut off: its picture lies beyond the end of the file")
        return b"".join(self.parts)

    def unpacked(self, most: int) -> bytes | None:
        """The first `most` bytes of its data, deflated or not; None if those are damaged."""
        if self.content_encoding not in DEFLATED:
            return self.data[:most]
        try:
            return zlib.decompressobj().decompress(self.data, most)
        except zlib.error:
            return None

    def said(self, kind: bytes) -> bytes | None:
        """The body of the first property of this kind."""
        return next((found.body for found in self.properties if found.kind == kind), None)

    def points(self, kind: bytes, number: int) -> bool:
        return number in self.references.get(kind, ())


@dataclass(frozen=True)
class Items:
    """What is in a HEIF or AVIF file: items by number, and which one is the picture.

    groups : items that belong together, each time the kind of group and their numbers, as b"ster"
        of the left and the right eye's picture; written, not read
    """

    primary: int
    by_number: Mapping[int, Item]
    groups: tuple[tuple[bytes, tuple[int, ...]], ...] = ()

    def __getitem__(self, number: int) -> Item:
        """Raises PhotoError for a number that no item has."""
        if number not in self.by_number:
            raise PhotoError(f"is damaged: it has no item {number}, which it refers to")
        return self.by_number[number]

    def pointing_to(self, number: int, kind: bytes) -> Iterator[tuple[int, Item]]:
        """The items that refer to `number` in this way, as metadata do by b"cdsc"."""
        return (pair for pair in self.by_number.items() if pair[1].points(kind, number))


def read_items(data: bytes) -> Items:
    """The items of a HEIF or AVIF file.

    Raises PhotoError for a video, for what has no items, and at anything that contradicts
    itself.
    """
    check_brands(data[:HEAD_BYTES])
    meta = next((box for box in boxes(data) if box.kind == b"meta"), None)
    if meta is None:
        raise PhotoError(f"has no still picture in it (brand {_name(data[8:12])}, no box 'meta')")
    found: dict[bytes, Box] = {}
    for box in boxes(data, meta.start + 4, meta.end):
        found.setdefault(box.kind, box)
    for kind in (b"pitm", b"iinf", b"iloc", b"iprp"):
        if kind not in found:
            raise PhotoError(f"is no photo, or a damaged one: it has no box {_name(kind)}")
    items = dict(_kinds(data, found[b"iinf"]))
    for number, parts in _places(data, found[b"iloc"], found.get(b"idat")):
        if number in items:
            items[number] = replace(items[number], parts=parts)
    for number, properties in _properties(data, found[b"iprp"]):
        if number in items:
            items[number] = replace(items[number], properties=properties)
    if b"iref" in found:
        for number, references in _references(data, found[b"iref"]).items():
            if number in items:
                items[number] = replace(items[number], references=references)
    fields = _Fields(data, found[b"pitm"])
    version, _ = fields.full_header()
    return Items(fields.number(2 if version == 0 else 4), items)


class _Fields:
    """Reads the fields of a box one after the other, and never past its end."""

    def __init__(self, data: bytes, box: Box) -> None:
        if box.end - box.start > LARGEST_TABLE_BYTES:
            raise PhotoError(
                f"is damaged: its box {_name(box.kind)} is {box.end - box.start} bytes"
            )
        self.data, self.box, self.at = data, box, box.start

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > self.box.end:
            raise PhotoError(f"is damaged: its box {_name(self.box.kind)} is too short")
        return self.data[start : self.at]

    def full_header(self) -> tuple[int, int]:
        """Version and flags of a full box."""
        return self.number(1), self.number(3)


def _kinds(data: bytes, iinf: Box) -> Iterator[tuple[int, Item]]:
    fields = _Fields(data, iinf)
    version, _ = fields.full_header()
    fields.take(2 if version == 0 else 4)
    for box in boxes(data, fields.at, iinf.end):
        if box.kind != b"infe":
            continue
        entry = _Fields(data, box)
        version, flags = entry.full_header()
        if version not in (2, 3):
            continue
        number = entry.number(2 if version == 2 else 4)
        entry.take(2)
        kind = entry.take(4)
        _, _, rest = data[entry.at : box.end].partition(b"\0")
        content = (rest + b"\0\0").split(b"\0", 2)[:2] if kind == b"mime" else (b"", b"")
        yield (
            number,
            Item(
                kind,
                content_type=content[0],
                content_encoding=content[1],
                hidden=bool(flags & 1),
            ),
        )


def _places(
    data: bytes, iloc: Box, idat: Box | None
) -> Iterator[tuple[int, tuple[memoryview, ...] | None]]:
    """The parts of each item, None where one of them is not there."""
    fields, view = _Fields(data, iloc), memoryview(data)
    version, _ = fields.full_header()
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (
        sizes >> shift & 15 for shift in (12, 8, 4, 0)
    )
    count = fields.number(2 if version < 2 else 4)
    for _ in range(count):
        number = fields.number(2 if version < 2 else 4)
        method = fields.number(2) & 15 if version else 0
        here = fields.number(2) == 0  # not in another file
        base = fields.number(base_size)
        extents = fields.number(2)
        if extents > MOST_EXTENTS:
            raise PhotoError(f"is damaged: {extents} parts for the data of one item")
        first, last = (idat.start, idat.end) if method == 1 and idat else (0, len(data))
        parts: list[memoryview] | None = [] if here and method in (0, 1) else None
        for _ in range(extents):
            fields.take(index_size if version else 0)
            start = first + base + fields.number(offset_size)
            length = fields.number(length_size)
            end = start + length if length else last
            if parts is not None and first <= start <= end <= last:
                parts.append(view[start:end])
            else:
                parts = None
        if parts and sum(map(len, parts)) > len(data):
            raise PhotoError("is damaged: one of its items is longer than the file")
        yield number, None if parts is None else tuple(parts)


def _properties(data: bytes, iprp: Box) -> Iterator[tuple[int, tuple[Property, ...]]]:
    pool: list[tuple[bytes, bytes]] = []
    tables: list[Box] = []
    for box in boxes(data, iprp.start, iprp.end):
        if box.kind == b"ipco" and not pool:
            pool = [(found.kind, data[found.start : found.end]) for found in boxes(data, *box[1:])]
        elif box.kind == b"ipma":
            tables.append(box)
    for table in tables:
        fields = _Fields(data, table)
        version, flags = fields.full_header()
        bits = 15 if flags & 1 else 7
        for _ in range(fields.number(4)):
            number = fields.number(4 if version else 2)
            chosen = []
            for _ in range(fields.number(1)):
                index = fields.number(2 if flags & 1 else 1)
                essential, index = index >> bits, index & ((1 << bits) - 1)
                if index > len(pool):
                    raise PhotoError(f"is damaged: property {index} of {len(pool)} is asked for")
                if index:
                    chosen.append(Property(*pool[index - 1], bool(essential)))
            yield number, tuple(chosen)


def _references(data: bytes, iref: Box) -> dict[int, dict[bytes, tuple[int, ...]]]:
    """By the number of the item that refers, then by kind."""
    fields = _Fields(data, iref)
    version, _ = fields.full_header()
    size = 4 if version else 2
    found: dict[int, dict[bytes, tuple[int, ...]]] = {}
    for box in boxes(data, fields.at, iref.end):
        entry = _Fields(data, box)
        number, count = entry.number(size), entry.number(2)
        targets = tuple(entry.number(size) for _ in range(count))
        found.setdefault(number, {}).setdefault(box.kind, targets)
    return found


def write_items(file: BinaryIO, items: Items, file_brands: bytes) -> None:
    """Write a file of these items, whose data follow one another after all that is said of them.

    file_brands : the major one, then those that the file is compatible with
    """
    numbers = {old: new for new, old in enumerate(items.by_number, 1)}
    ftyp = _box(b"ftyp", file_brands[:4] + bytes(4) + file_brands)
    lengths = [len(item.data) for item in items.by_number.values()]
    size = len(_meta(items, numbers, [(0, length) for length in lengths]))
    start, places = len(ftyp) + size + 8, []
    for length in lengths:
        places.append((start, length))
        start += length
    if start >= 1 << 32:
        raise PhotoError("would be larger than the 4 GB that a HEIF or AVIF file is written with")
    file.write(ftyp + _meta(items, numbers, places))
    file.write(struct.pack(">I4s", 8 + sum(lengths), b"mdat"))
    for item in items.by_number.values():
        file.write(item.data)


def _meta(items: Items, numbers: Mapping[int, int], places: list[tuple[int, int]]) -> bytes:
    iloc = b"".join(
        struct.pack(">HHHHII", number, 0, 0, 1, *place)
        for number, place in zip(numbers.values(), places, strict=True)
    )
    infe, iref = b"", b""
    for old, item in items.by_number.items():
        entry = struct.pack(">HH4sx", numbers[old], 0, item.kind)
        if item.kind == b"mime":
            entry += item.content_type + b"\0" + item.content_encoding + b"\0"
        infe += _full_box(b"infe", entry, version=2, flags=int(item.hidden))
        for kind, targets in item.references.items():
            there = [numbers[target] for target in targets]
            body = struct.pack(f">HH{len(there)}H", numbers[old], len(there), *there)
            iref += _box(kind, body)
    return _full_box(
        b"meta",
        _full_box(b"hdlr", struct.pack(">I4s13x", 0, b"pict"))
        + _full_box(b"pitm", struct.pack(">H", numbers[items.primary]))
        + _full_box(b"iloc", struct.pack(">HH", 0x4400, len(numbers)) + iloc, version=1)
        + _full_box(b"iinf", struct.pack(">H", len(numbers)) + infe)
        + (_full_box(b"iref", iref) if iref else b"")
        + _box(b"iprp", _property_tables(items, numbers))
        + _group_list(items, numbers),
    )


def _group_list(items: Items, numbers: Mapping[int, int]) -> bytes:
    groups = b""
    # Groups are numbered like items, with numbers that no item has.
    for group, (kind, members) in enumerate(items.groups, len(numbers) + 1):
        there = [numbers[member] for member in members]
        groups += _full_box(kind, struct.pack(f">II{len(there)}I", group, len(there), *there))
    return _box(b"grpl", groups) if groups else b""


def _property_tables(items: Items, numbers: Mapping[int, int]) -> bytes:
    """Each property once, and which item has which."""
    pool: dict[tuple[bytes, bytes], int] = {}
    rows = b""
    for old, item in items.by_number.items():
        rows += struct.pack(">HB", numbers[old], len(item.properties))
        for kind, body, essential in item.properties:
            index = pool.setdefault((kind, body), len(pool) + 1)
            rows += struct.pack(">H", index | essential << 15)
    ipco = b"".join(_box(kind, body) for kind, body in pool)
    ipma = struct.pack(">I", len(numbers)) + rows
    return _box(b"ipco", ipco) + _full_box(b"ipma", ipma, flags=1)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full_box(kind: bytes, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + body)
