"""Whether a file that somebody writes is there in full, as far as its own form says it."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

TAIL_BYTES = 1 << 16
"""What cameras put behind a picture's end: padding, a maker's own data."""
MOST_BOXES = 1000


def looks_whole(path: Path) -> bool | None:
    """Whether the file at `path` has its end; None: its form does not show it.

    JPEG has an end marker, PNG a last chunk, RIFF (WebP) and ISO media boxes (HEIC, AVIF, CR3,
    MP4) say how long they are. TIFF and the raw formats built on it do not.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            check = _check_of(file.read(12))
            return None if check is None else check(file, size)
    except OSError:  # gone, or somebody has locked it while writing
        return False


def _check_of(head: bytes) -> Callable[[BinaryIO, int], bool] | None:
    if len(head) < 12:
        return _too_short
    if head.startswith(b"\xff\xd8\xff"):
        return lambda file, size: b"\xff\xd9" in _tail(file, size)
    if head.startswith(b"\x89PNG"):
        return lambda file, size: b"IEND" in _tail(file, size)
    if head.startswith(b"RIFF"):
        return lambda _file, size: size >= struct.unpack("<I", head[4:8])[0] + 8
    if head[4:8] == b"ftyp":
        return _boxes_end
    # A file that has got its full length in advance, and is filled now.
    return _too_short if not any(head) else None


def _too_short(_file: BinaryIO, _size: int) -> bool:
    return False


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - TAIL_BYTES))
    return file.read()


def _boxes_end(file: BinaryIO, size: int) -> bool:
    """Whether the last box of an ISO media file ends where the file does, or before."""
    place = 0
    for _ in range(MOST_BOXES):
        if place + 8 > size:
            break
        file.seek(place)
        length, _kind, long = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        if length == 0:  # to the end of the file, wherever that is
            return True
        length = long if length == 1 else length
        if length < 8:
            return True  # not a box: something else stands behind the last one
        place += length
    return place <= size
