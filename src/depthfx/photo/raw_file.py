"""Camera raw files: telling them from pictures, whether all of one is there, and its EXIF.

Nearly all of them are TIFF files whose picture is what the sensor counted; some makers changed
the first bytes. Others are containers of their own: Fujifilm's RAF around a JPEG, Canon's CR3
an ISO base media file.

TIFF/EP, ISO 12234-2; Adobe DNG Specification 1.7.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.boxes import RAW_BRAND, boxes
from depthfx.photo.exif import EXIF_HEADER, STRUCTURE, Entry, Exif

MINOLTA = b"\0MRM"
OTHER_RAWS = (
    b"FUJIFILMCCD-RAW",  # RAF
    MINOLTA,
    b"FOVb",  # Sigma X3F
    b"II\x1a\0\0\0HEAPCCDR",  # Canon CRW
)
"""First bytes of raw files that are no TIFF."""

TIFF_MAGICS = (42, 43, 0x55, 0x4F52, 0x5352)
"""TIFF, BigTIFF; Panasonic and Leica RW2; Olympus ORF (two of them)."""
CHANGED_MAGICS = TIFF_MAGICS[2:]
PANASONIC = 0x55
RAW_MARKS = (b"CR\2", b"IIII", b"MMMM")
"""Canon CR2 and Phase One IIQ mark themselves after the header of TIFF."""

WIDTH, LENGTH, COMPRESSION, PHOTOMETRIC = 256, 257, 259, 262
SAMPLES_PER_PIXEL, SUB_DIRECTORIES = 277, 330
DNG_VERSION = 50706
PIECES = ((273, 279), (324, 325))
"""Offsets and lengths of strips, and of tiles."""
SENSOR_WIDTH, SENSOR_LENGTH, RAW_FORMAT, PREVIEW, RAW_OFFSET = 2, 3, 45, 46, 280
"""Panasonic's own in the main directory of an RW2."""
PACKED_FORMATS = range(4, 8)
LEAST_PACKED_BITS = 8 * 16 / 14
"""Of a pixel in these of Panasonic's formats: 9 to 14 counts go into 16 bytes."""
WALKED = (
    *(WIDTH, LENGTH, COMPRESSION, PHOTOMETRIC, SAMPLES_PER_PIXEL, SUB_DIRECTORIES),
    *(SENSOR_WIDTH, SENSOR_LENGTH, RAW_FORMAT, RAW_OFFSET),
    *(tag for piece in PIECES for tag in piece),
)
CFA, LINEAR_RAW = 32803, 34892
RAW_COMPRESSIONS = (32767, 32770, 34713, 65000, 65535)
"""Sony, Samsung, Nikon, Kodak, Pentax: no picture is packed like that."""

OLD_JPEG = 6

JPEG_HEAD_BYTES = 4096
"""Of a piece packed as JPEG; what it says of its size stands within the first few hundred."""
JPEG_SURPLUS = 4
"""The JPEGs of a picture together have at most so many times its samples: tiles overhang."""
FEW_SAMPLES, MANY_SAMPLES = 1 << 24, 1 << 28
"""That are unpacked in a moment; and the most where nothing is said of the picture's size."""

MOST_DIRECTORIES, MOST_ENTRIES, MOST_VALUES = 32, 1024, 1 << 17
MISSING_SHARE = 0.01
"""Cameras round the length of their data up; more than this share beyond the end is missing."""

LEAST_BITS = 0.02
"""Of a pixel, packed as well as can be: noise takes more."""

OF_THE_CAMERA = (50708, 50709, 50735, 50736, 50827)
"""Of DNG's tags: the camera's names and number, its lens, and the name of the raw file."""
RAW_TAGS = {*range(258), *(33421, 33422), *range(0x7000, 0x8000), *range(50706, 52600)} - {
    *OF_THE_CAMERA
}
"""Of the main directory: the size of whatever lies there, Panasonic's and Sony's own, the
sensor's colour filters, and DNG."""
LONGEST_VALUE = 1 << 16
"""Of a tag in bytes; longer ones in the main directory are previews."""

JPEG_OF_RAF_AT, COUNTS_OF_RAF_AT = 84, 100
CR3_METADATA = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
CR3_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@dataclass(frozen=True)
class Directory:
    """The tags `WALKED` of one TIFF directory, where they are whole numbers."""

    values: dict[int, tuple[int, ...]]

    def first(self, tag: int) -> int:
        """0 where it is missing."""
        return self.values.get(tag, (0,))[0]

    @property
    def raw(self) -> bool:
        """It describes what a sensor counted. That of a CR2 says nothing but where it lies."""
        return (
            self.first(PHOTOMETRIC) in (CFA, LINEAR_RAW)
            or self.first(COMPRESSION) in RAW_COMPRESSIONS
            or (
                self.first(COMPRESSION) == OLD_JPEG
                and PIECES[0][0] in self.values
                and not {WIDTH, PHOTOMETRIC} & set(self.values)
            )
        )

    @property
    def pixels(self) -> int:
        return self.first(WIDTH) * self.first(LENGTH)


def is_raw(file: BinaryIO) -> bool:
    """Whether `file` is a camera raw: by a maker's first bytes, or as a TIFF with a directory
    of a sensor's counts. Never raises; leaves the file at its start.

    A TIFF picture is none, whatever its name and whatever else it says of its camera.
    """
    file.seek(0)
    head = file.read(32)
    found = (
        head.startswith(OTHER_RAWS)
        or head[4:12] == b"ftyp" + RAW_BRAND
        or (_tiff_header(head)[1] == 42 and head.startswith(RAW_MARKS, 8))
        or _tiff_header(head)[1] in CHANGED_MAGICS
        or any(directory.raw for directory in directories(file))
    )
    file.seek(0)
    return found


def _tiff_header(head: bytes) -> tuple[str, int]:
    """How numbers are written in a TIFF or a raw file like it, and what stands for the 42 of
    TIFF; "" and 0 in any other."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    magic = struct.unpack(order + "H", head[2:4])[0] if order and len(head) >= 16 else 0
    return (order, magic) if magic in TIFF_MAGICS else ("", 0)


def is_dng(data: bytes) -> bool:
    return DNG_VERSION in exif_block.parse(data).main


def directories(file: BinaryIO) -> Iterator[Directory]:
    """The main directories of a TIFF-like file and those below them, each once."""
    file.seek(0)
    head = file.read(16)
    order, magic = _tiff_header(head)
    if not order:
        return
    big = magic == 43
    walk = _Walk(file, order, big)
    waiting = [walk.number(head[8:16] if big else head[4:8])]
    seen: set[int] = set()
    while waiting and len(seen) < MOST_DIRECTORIES:
        offset = waiting.pop(0)
        if not offset or offset in seen:
            continue
        seen.add(offset)
        directory, following = walk.directory(offset)
        waiting += [*directory.values.get(SUB_DIRECTORIES, ())[:MOST_DIRECTORIES], following]
        yield directory


class _Walk:
    """Reads single directories; what is not there is empty."""

    def __init__(self, file: BinaryIO, order: str, big: bool) -> None:
        self.file, self.order, self.big = file, order, big
        self.file_bytes = file.seek(0, io.SEEK_END)

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def read(self, offset: int, size: int) -> bytes:
        self.file.seek(min(offset, self.file_bytes))
        return self.file.read(size)

    def directory(self, offset: int) -> tuple[Directory, int]:
        """A directory, and the offset of the one after it."""
        counter, row, inline = (8, 20, 8) if self.big else (2, 12, 4)
        count = min(self.number(self.read(offset, counter)), MOST_ENTRIES)
        rows = self.read(offset + counter, count * row + inline)
        values: dict[int, tuple[int, ...]] = {}
        for at in range(0, len(rows) - row + 1, row)[:count]:
            entry = rows[at : at + row]
            if self.number(entry[:2]) not in WALKED:
                continue
            found = self.values(entry[2:4], entry[4 : row - inline], entry[row - inline :])
            if found:
                values.setdefault(self.number(entry[:2]), found)
        return Directory(values), self.number(rows[count * row :])

    def values(self, kind: bytes, length: bytes, place: bytes) -> tuple[int, ...]:
        """The whole numbers of an entry; none if it holds something else, or too much."""
        form = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(self.number(kind), "")
        count = self.number(length)
        if not form or not 0 < count <= MOST_VALUES:
            return ()
        size = struct.calcsize("<" + form) * count
        data = place[:size] if size <= len(place) else self.read(self.number(place), size)
        return struct.unpack(f"{self.order}{count}{form}", data) if len(data) == size else ()


def check_all_there(file: BinaryIO) -> None:
    """Raise PhotoError if the file ends before its picture data do.

    Only TIFF-like files and RAF say where these lie; LibRaw develops the missing part to black
    or to noise.
    """
    file_bytes = file.seek(0, io.SEEK_END)
    _check_makers_own(file, file_bytes)
    raws = [directory for directory in directories(file) if directory.raw]
    if not raws:
        return
    picture = max(raws, key=lambda directory: directory.pixels)
    for offsets_tag, lengths_tag in PIECES:
        offsets = picture.values.get(offsets_tag, ())
        lengths = picture.values.get(lengths_tag, ())
        if offsets and min(offsets) >= file_bytes:
            raise PhotoError("is cut off: nothing of its raw picture is there")
        _check_jpegs(file, picture, offsets)
        if not offsets or len(offsets) != len(lengths):
            continue
        total = sum(lengths)
        there = sum(
            min(length, max(0, file_bytes - offset))
            for offset, length in zip(offsets, lengths, strict=True)
        )
        if there < (1 - MISSING_SHARE) * total:
            raise PhotoError(
                f"is cut off: {total - there} of the {total} bytes of its raw picture are missing"
            )
        if 8 * there < LEAST_BITS * picture.pixels:
            raise PhotoError(
                f"is cut off: of its raw picture of {picture.pixels} pixels "
                f"only {there} bytes are there"
            )


def _check_makers_own(file: BinaryIO, file_bytes: int) -> None:
    """`check_all_there` for RW2 and RAF."""
    file.seek(0)
    head = file.read(COUNTS_OF_RAF_AT + 8).ljust(COUNTS_OF_RAF_AT + 8, b"\0")
    offset = wanted = 0
    if head.startswith(b"FUJIFILMCCD-RAW"):
        offset, wanted = struct.unpack_from(">II", head, COUNTS_OF_RAF_AT)
    elif _tiff_header(head)[1] == PANASONIC:
        main = next(directories(file), Directory({}))
        if main.first(RAW_FORMAT) in PACKED_FORMATS:
            pixels = main.first(SENSOR_WIDTH) * main.first(SENSOR_LENGTH)
            offset, wanted = main.first(RAW_OFFSET), int(pixels * LEAST_PACKED_BITS / 8)
    there = max(0, file_bytes - offset)
    if there < (1 - MISSING_SHARE) * wanted:
        raise PhotoError(
            f"is cut off: {wanted - there} of the {wanted} bytes of its raw picture are missing"
        )


def _check_jpegs(file: BinaryIO, picture: Directory, offsets: tuple[int, ...]) -> None:
    """Raise PhotoError if pieces packed as JPEG have far more samples than the picture.

    LibRaw counts through all of what a JPEG says to have, be it there or not: for minutes.
    """
    samples = 0
    for offset in offsets:
        file.seek(offset)
        samples += _jpeg_samples(file.read(JPEG_HEAD_BYTES))
    own = picture.pixels * max(1, picture.first(SAMPLES_PER_PIXEL))
    if samples > (max(FEW_SAMPLES, JPEG_SURPLUS * own) if own else MANY_SAMPLES):
        raise PhotoError(
            f"is damaged: its raw picture of {own} samples is packed as JPEG of {samples}"
        )


def _jpeg_samples(head: bytes) -> int:
    """Width x height x components by the first bytes of a JPEG; 0 of anything else."""
    position = 2 if head.startswith(b"\xff\xd8\xff") else len(head)
    while position + 10 <= len(head) and head[position] == 0xFF:
        marker, length = (
            head[position + 1],
            int.from_bytes(head[position + 2 : position + 4], "big"),
        )
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, components = struct.unpack_from(">HHB", head, position + 5)
            return int(height * width * components)
        position += 2 + length
    return 0


def raw_metadata(data: bytes) -> tuple[bytes, bytes]:
    """The EXIF block and the XMP packet of a raw file; empty where there are none."""
    if data.startswith(b"FUJIFILMCCD-RAW"):
        return _exif_of_jpeg(_jpeg_of_raf(data)), b""
    if data[4:12] == b"ftyp" + RAW_BRAND:
        return _of_cr3(data)
    if data.startswith(MINOLTA):
        return _block(exif_block.parse(_tiff_of_mrw(data))), b""
    order, magic = _tiff_header(data[:16])
    if magic in CHANGED_MAGICS:
        data = data[:2] + struct.pack(order + "H", 42) + data[4:]
    found = exif_block.parse(data) if magic else Exif()
    xmp = found.main.get(700)
    preview = found.main.get(PREVIEW)
    if magic == PANASONIC and preview:  # that says more of the photo than the file itself
        said = exif_block.parse(_exif_of_jpeg(preview.data))
        if said.photo and said.byte_order == found.byte_order:
            own = {tag: entry._replace(offset=0) for tag, entry in found.photo.items()}
            found = replace(
                found,
                main={**said.main, **found.main},
                photo={**own, **said.photo},
                gps=found.gps or said.gps,
            )
    return _block(found), xmp.data if xmp else b""


def _block(found: Exif) -> bytes:
    """An EXIF block of what is not about the raw picture and how it lies in the file."""
    kept = {
        tag: entry
        for tag, entry in found.main.items()
        if tag not in STRUCTURE and tag not in RAW_TAGS and len(entry.data) <= LONGEST_VALUE
    }
    photo = {tag: _moved(entry) for tag, entry in found.photo.items()}
    return exif_block.to_bytes(replace(found, main=kept, photo=photo))


def _moved(entry: Entry) -> Entry:
    """`entry` free to lie elsewhere, if its place is not within a block of usual length."""
    return entry if entry.offset + len(entry.data) <= LONGEST_VALUE else entry._replace(offset=0)


def _jpeg_of_raf(data: bytes) -> bytes:
    at, size = struct.unpack_from(">II", data.ljust(JPEG_OF_RAF_AT + 8, b"\0"), JPEG_OF_RAF_AT)
    return data[at : at + min(size, 1 << 20)]


def _tiff_of_mrw(data: bytes) -> bytes:
    """The block TTW of a Minolta file, whose blocks have a name of 4 bytes and a length each."""
    position = 8
    while position + 8 <= len(data):
        name, length = struct.unpack_from(">4sI", data, position)
        if name == b"\0TTW":
            return data[position + 8 : position + 8 + length]
        position += 8 + length
    return b""


def _exif_of_jpeg(jpeg: bytes) -> bytes:
    """The EXIF block of a JPEG."""
    position = 2
    while jpeg[position : position + 1] == b"\xff" and position + 4 <= len(jpeg):
        marker, length = struct.unpack_from(">HH", jpeg, position)
        body = jpeg[position + 4 : position + 2 + length]
        if marker == 0xFFE1 and body.startswith(EXIF_HEADER):
            return body[len(EXIF_HEADER) :]
        position += 2 + length
    return b""


def _of_cr3(data: bytes) -> tuple[bytes, bytes]:
    """Canon keeps the main, photo, maker's and GPS directories in a block each, CMT1 to CMT4;
    the maker's points into its own block and is left out."""
    blocks: dict[bytes, Exif] = {}
    xmp = b""
    try:
        for box in boxes(data):
            if box.kind == b"moov":
                for inner in boxes(data, box.start, box.end):
                    if inner.kind == b"uuid" and data.startswith(CR3_METADATA, inner.start):
                        for block in boxes(data, inner.start + 16, inner.end):
                            blocks[block.kind] = exif_block.parse(data[block.start : block.end])
            elif box.kind == b"uuid" and data.startswith(CR3_XMP, box.start):
                xmp = data[box.start + 16 : box.end]
    except PhotoError:
        pass  # what was found before the damage is used
    main, photo, gps = (blocks.get(b"CMT" + number, Exif()) for number in (b"1", b"2", b"4"))
    if {main.byte_order, photo.byte_order} != {main.byte_order}:
        return b"", xmp
    same_order = gps.byte_order == main.byte_order
    return (
        _block(replace(main, photo=photo.main, gps=gps.main if same_order else {})),
        xmp,
    )
