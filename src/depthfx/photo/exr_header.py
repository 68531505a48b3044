"""The header of an OpenEXR file, read before the library is given the file.

The library allocates what a header asks for, so windows, channels and the table of chunks are
held against each other and against the size of the file first.

"OpenEXR File Layout", version 2, Academy Software Foundation.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.stored import BOMB_BITS, BOMB_PIXELS, MAX_PIXELS, Reading

MAGIC = b"v/1\x01"
TILED, DEEP, MULTI_PART = 0x200, 0x800, 0x1000
"""Flags beside the version number."""

HEADER_BYTES = 16 << 20
"""All headers together; one with a preview and long manifests has a few hundred kilobytes."""
MOST_PARTS, MOST_ATTRIBUTES, MOST_CHANNELS = 256, 1024, 1024
LONGEST_NAME = 255

CHUNK_ROWS = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
"""Rows of pixels in a chunk by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA,
DWAB. What is not here is newer, and its chunks are left to the library."""

SAMPLE_BYTES = {0: 4, 1: 2, 2: 4}
UINT, HALF, FLOAT = 0, 1, 2

LARGE_TILE = 2048
"""Pixels of a tile's side, that a smaller picture may have too; 64 is usual."""

RGBA_BYTES = 16
"""Of a pixel of four floats: what the limits on pixels stand for here."""


class Window(NamedTuple):
    """Pixels from the first to the last one, both included."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int

    @property
    def width(self) -> int:
        return self.x_max - self.x_min + 1

    @property
    def height(self) -> int:
        return self.y_max - self.y_min + 1


class Channel(NamedTuple):
    """kind : UINT, HALF or FLOAT; x_step, y_step : it has a sample at each so-manieth pixel."""

    kind: int
    x_step: int
    y_step: int


@dataclass(frozen=True)
class Part:
    """One picture of the file, with its attributes' types and bytes by name."""

    attributes: dict[str, tuple[str, bytes]]
    tiled: bool

    def value(self, name: str, kind: str) -> bytes:
        """The bytes of an attribute of this type; empty where there is none."""
        found = self.attributes.get(name)
        return found[1] if found and found[0] == kind else b""

    @property
    def data_window(self) -> Window:
        return self._window("dataWindow")

    @property
    def display_window(self) -> Window:
        return self._window("displayWindow")

    def _window(self, name: str) -> Window:
        value = self.value(name, "box2i")
        if len(value) != 16:
            raise PhotoError(f"is damaged: its EXR header has no {name}")
        return Window(*struct.unpack("<4i", value))

    @property
    def channels(self) -> dict[str, Channel]:
        """By name, in the order of the file."""
        found: dict[str, Channel] = {}
        value, at = self.value("channels", "chlist"), 0
        while at < len(value) - 1:
            end = value.find(b"\0", at)
            if end < 0 or end + 17 > len(value) or len(found) >= MOST_CHANNELS:
                raise PhotoError("is damaged: its EXR header has a broken list of channels")
            channel = Channel(*struct.unpack_from("<i4xii", value, end + 1))
            if channel.kind not in SAMPLE_BYTES or channel.x_step < 1 or channel.y_step < 1:
                raise PhotoError("is damaged: its EXR header has a channel that cannot be")
            found[value[at:end].decode("utf-8", "replace")] = channel
            at = end + 17
        if not found:
            raise PhotoError("is damaged: its EXR header names no channels")
        return found

    @property
    def chromaticities(self) -> tuple[float, ...] | None:
        """x and y of red, green, blue and white, by CIE 1931; None where nothing is said."""
        value = self.value("chromaticities", "chromaticities")
        return struct.unpack("<8f", value) if len(value) == 32 else None

    def number(self, name: str) -> float | None:
        """An attribute of one float."""
        value = self.value(name, "float")
        return float(struct.unpack("<f", value)[0]) if len(value) == 4 else None

    @property
    def unpacked_bytes(self) -> int:
        window = self.data_window
        return sum(
            SAMPLE_BYTES[c.kind] * -(-window.width // c.x_step) * -(-window.height // c.y_step)
            for c in self.channels.values()
        )

    @property
    def chunks(self) -> int:
        """How many, of the full resolution; 0 if that is for the library to know."""
        window = self.data_window
        if self.tiled:
            value = self.value("tiles", "tiledesc")
            if len(value) != 9:
                raise PhotoError("is damaged: its EXR header does not say how it is tiled")
            across, down = struct.unpack_from("<II", value)
            # The library takes memory for whole tiles, however little of them is picture.
            widest, highest = max(window.width, LARGE_TILE), max(window.height, LARGE_TILE)
            if not (1 <= across <= widest and 1 <= down <= highest):
                raise PhotoError(f"is damaged: its EXR tiles are {across} x {down} pixels")
            return -(-window.width // across) * -(-window.height // down)
        compression = int.from_bytes(self.value("compression", "compression"), "little")
        rows = CHUNK_ROWS.get(compression)
        return -(-window.height // rows) if rows else 0


def read_header(file: BinaryIO) -> tuple[list[Part], int]:
    """The parts of an EXR file, open at its start, and where its tables of chunks begin.

    Raises PhotoError, in words that fit after the path, if the header is damaged, or the file
    holds deep samples, which are no picture yet.
    """
    head = io.BytesIO(file.read(HEADER_BYTES))
    magic, version = struct.unpack("<4sI", head.read(8).ljust(8, b"\0"))
    if magic != MAGIC or version & 0xFF != 2:
        raise PhotoError("is not an OpenEXR file of version 2")
    if version & DEEP:
        raise PhotoError("holds deep samples; flatten it to a picture first")
    parts: list[Part] = []
    while attributes := _attributes(head):
        _, storage = attributes.get("type", ("", b""))
        # In a file of one part the flags say how it is stored, whatever its type.
        multi = bool(version & MULTI_PART)
        if multi and storage.startswith(b"deep"):
            raise PhotoError("holds deep samples; flatten it to a picture first")
        tiled = storage == b"tiledimage" if multi else bool(version & TILED)
        parts.append(Part(attributes, tiled))
        if not multi:
            break
        if len(parts) > MOST_PARTS:
            raise PhotoError(f"has more than {MOST_PARTS} EXR parts")
    if not parts:
        raise PhotoError("is damaged: its EXR header is empty")
    return parts, head.tell()


def _attributes(head: io.BytesIO) -> dict[str, tuple[str, bytes]]:
    """One header, up to the zero byte that ends it."""
    found: dict[str, tuple[str, bytes]] = {}
    while name := _text(head):
        kind = _text(head)
        size = int.from_bytes(head.read(4).ljust(4, b"\xff"), "little")
        value = head.read(min(size, HEADER_BYTES))
        if len(value) != size or len(found) > MOST_ATTRIBUTES:
            raise PhotoError("is damaged or cut off in its EXR header")
        found.setdefault(name, (kind, value))
    return found


def _text(head: io.BytesIO) -> str:
    """Up to a zero byte."""
    taken = head.read(LONGEST_NAME + 1)
    text, end, rest = taken.partition(b"\0")
    if not end:
        raise PhotoError("is damaged or cut off in its EXR header")
    head.seek(-len(rest), io.SEEK_CUR)
    return text.decode("latin-1")


def check(file: BinaryIO, parts: list[Part], tables_at: int, reading: Reading) -> None:
    """Raise PhotoError if the picture is too large, or is not all there.

    Sizes are looked at before the tables, and the tables before any pixel.
    """
    file_bytes = file.seek(0, io.SEEK_END)
    for part in parts:
        reading.check_size(part.data_window.width, part.data_window.height)
    unpacked = sum(part.unpacked_bytes for part in parts)
    most = reading.max_pixels or MAX_PIXELS
    if unpacked > RGBA_BYTES * most:
        raise PhotoError(
            f"has parts and channels of {unpacked >> 20} MiB in all, as much as "
            f"{unpacked // RGBA_BYTES} pixels, more than the {most} that are accepted; "
            "--max-pixels raises that"
        )
    fewest = unpacked / RGBA_BYTES * BOMB_BITS / 8
    if reading.max_pixels is None and unpacked > RGBA_BYTES * BOMB_PIXELS and file_bytes < fewest:
        raise PhotoError(
            f"has channels of {unpacked >> 20} MiB by its header, which {file_bytes} bytes are "
            "too few for; --max-pixels lets it in"
        )
    missing = total = 0
    for part in parts:
        offsets = _table(file, tables_at, part.chunks, file_bytes)
        tables_at += 8 * _table_length(part)
        leader = (4 if len(parts) > 1 else 0) + (20 if part.tiled else 8)
        total += part.chunks
        missing += sum(not whole for whole in _whole(file, offsets, leader, file_bytes))
    if missing:
        raise PhotoError(
            f"is damaged or cut off: {missing} of the {total} pieces of its picture are missing"
        )


def _table_length(part: Part) -> int:
    """Entries of the part's table; with smaller copies of a tiled picture more than `chunks`."""
    count = part.value("chunkCount", "int")
    return int.from_bytes(count, "little") if len(count) == 4 else part.chunks


def _table(file: BinaryIO, at: int, count: int, file_bytes: int) -> list[int]:
    if at + 8 * count > file_bytes:
        raise PhotoError("is damaged or cut off: its table of EXR chunks is not all there")
    file.seek(at)
    return np.frombuffer(file.read(8 * count), "<u8").tolist()


def _whole(file: BinaryIO, offsets: list[int], leader: int, file_bytes: int) -> Iterator[bool]:
    """Of each chunk, whether its leader (coordinates, and last the size) and data are there."""
    for offset in offsets:
        if not 0 < offset <= file_bytes - leader:
            yield False
            continue
        file.seek(offset + leader - 4)
        yield 0 <= int.from_bytes(file.read(4), "little") <= file_bytes - offset - leader
