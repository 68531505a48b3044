"""Where the parts of a JPEG file lie: its segments, its picture, what stands after that.

ITU-T T.81, annex B: a marker is 0xff and a byte; before the picture's data each begins a
segment that says its own length; in the data 0xff stands for nothing else unless 0x00 or a
restart follows.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from depthfx.photo.formats.jpeg import XMP_HEADER

START, END, START_OF_SCAN, APP1, APP2 = 0xD8, 0xD9, 0xDA, 0xE1, 0xE2
BARE = {0x01, START, *range(0xD0, 0xD8)}
"""Markers without a segment."""
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
PICTURE = b"\xff\xd8\xff"
MOST_PICTURES = 16
MOST_MARKERS = 10_000
"""Before the data of one picture, or within: progressive ones have some dozens there, and XMP
that goes on beyond its packet some hundreds here."""


class Segment(NamedTuple):
    """A segment from its marker at `start` to `end`; its own bytes begin at `body`."""

    marker: int
    start: int
    body: int
    end: int


def head(data: bytes, start: int = 0) -> Iterator[Segment]:
    """The segments of the picture at `start` before its data, that of the first scan included.

    Ends where something else than a segment stands, or one is cut off.
    """
    position = start + 2
    for _ in range(MOST_MARKERS):
        if position + 4 > len(data) or data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker == 0xFF or marker in BARE:
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker in (0x00, END) or end < position + 4 or end > len(data):
            return
        yield Segment(marker, position, position + 4, end)
        if marker == START_OF_SCAN:
            return
        position = end


def has_segment(file: BinaryIO, marker: int, begin: bytes) -> bool:
    """Whether a segment of the JPEG in `file` begins so; only what is looked at is read."""
    file.seek(2)
    for _ in range(MOST_MARKERS):
        start = file.read(4)
        length = int.from_bytes(start[2:], "big")
        if len(start) < 4 or start[0] != 0xFF or start[1] in (START_OF_SCAN, END) or length < 2:
            return False
        body = file.read(min(length - 2, len(begin)))
        if start[1] == marker and body == begin:
            return True
        file.seek(length - 2 - len(body), io.SEEK_CUR)
    return False


def end_of_picture(data: bytes, start: int = 0) -> int | None:
    """Where the picture that begins at `start` ends, its last marker included; None if it
    does not."""
    segments = list(head(data, start))
    if not segments or segments[-1].marker != START_OF_SCAN:
        return None
    position = segments[-1].end
    for _ in range(MOST_MARKERS):
        found = NEXT_MARKER.search(data, position)
        if found is None:
            return None
        if data[found.start() + 1] == END:
            return found.end()
        # Further scans of a progressive picture, with tables of their own.
        length = int.from_bytes(data[found.end() : found.end() + 2], "big")
        position = found.end() + max(length, 2)
    return None


def further_pictures(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of the pictures that stand after the first one, at most `MOST_PICTURES`."""
    end = end_of_picture(data)
    for _ in range(MOST_PICTURES):
        start = -1 if end is None else data.find(PICTURE, end)
        end = None if start < 0 else end_of_picture(data, start)
        if end is None:
            return
        yield start, end


def xmp_of(data: bytes, start: int = 0) -> bytes:
    """The XMP packet of the picture at `start`, or nothing."""
    for segment in head(data, start):
        if segment.marker == APP1 and data.startswith(XMP_HEADER, segment.body):
            return data[segment.body + len(XMP_HEADER) : segment.end]
    return b""
